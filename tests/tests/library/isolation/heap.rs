//! A heap that calls start with: room within a memory that does not grow, which is the same before every call.

use super::{WAYS, Ways, builder, not_recycled};
use proptest::prelude::*;
use purefork::{ErrorKind, Limits, Value};
use purefork_tests::{Mode, built, compiled, each_executor_with, error, limits};

const MIB: usize = 1 << 20;

/// A component with an allocator that only the last block can be given back to, and functions that look where they should not:
/// `spoil` writes to all memory behind what it was given, and `look` tells how many words there differ from zero, and how many pages
/// there are. `grow` grows.
fn guest(realloc: &str) -> String {
    format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (global $top (mut i32) (i32.const 1024))
                (func $room (param $end i32) (local $pages i32)
                    (local.set $pages
                        (i32.sub (i32.shr_u (i32.add (local.get $end) (i32.const 65535)) (i32.const 16)) (memory.size)))
                    (if (i32.gt_s (local.get $pages) (i32.const 0))
                        (then (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1)) (then (unreachable))))))
                (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
                    {realloc}
                    (if (i32.and (i32.ne (local.get $old) (i32.const 0))
                            (i32.eq (i32.add (local.get $old) (local.get $size)) (global.get $top)))
                        (then (global.set $top (i32.add (local.get $old) (local.get $new))))
                        (else
                            (local.set $old
                                (i32.and (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
                                    (i32.sub (i32.const 0) (local.get $align))))
                            (global.set $top (i32.add (local.get $old) (local.get $new)))))
                    (call $room (global.get $top))
                    (local.get $old))
                (func $words (param $at i32) (param $size i32) (result i32)
                    (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 7)) (i32.const -8)))
                (func (export "spoil") (param $at i32) (param $size i32) (result i64)
                    (local.set $at (call $words (local.get $at) (local.get $size)))
                    (loop $next
                        (i64.store (local.get $at) (i64.const -6148914691236517206))
                        (local.set $at (i32.add (local.get $at) (i32.const 8)))
                        (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
                    (i64.extend_i32_u (memory.size)))
                (func (export "look") (param $at i32) (param $size i32) (result i64) (local $found i64)
                    (local.set $at (call $words (local.get $at) (local.get $size)))
                    (loop $next
                        (local.set $found (i64.add (local.get $found)
                            (i64.extend_i32_u (i64.ne (i64.load (local.get $at)) (i64.const 0)))))
                        (local.set $at (i32.add (local.get $at) (i32.const 8)))
                        (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
                    (i64.or (i64.shl (local.get $found) (i64.const 32)) (i64.extend_i32_u (memory.size))))
                (func (export "grow") (param $at i32) (param $size i32) (result i64)
                    (i64.extend_i32_s (memory.grow (local.get $size)))))
            (core instance $i (instantiate $m))
            (type $takes (func (param "given" (list u8)) (result s64)))
            (func (export "spoil") (type $takes)
                (canon lift (core func $i "spoil") (memory $i "memory") (realloc (func $i "realloc"))))
            (func (export "look") (type $takes)
                (canon lift (core func $i "look") (memory $i "memory") (realloc (func $i "realloc"))))
            (func (export "grow") (type $takes)
                (canon lift (core func $i "grow") (memory $i "memory") (realloc (func $i "realloc")))))"#
    )
}

fn bytes(size: usize) -> Vec<Value> {
    vec![vec![7u8; size].into()]
}

/// The pages that a call starts with: of 64 KiB, with a heap behind what the guest has.
fn pages(heap: usize) -> i64 {
    (1024 + heap).div_ceil(64 << 10) as i64
}

#[test]
fn a_call_finds_its_heap_as_it_was_before_any_call() {
    let ways = Ways::with(guest("").as_bytes(), limits().heap(6 * MIB));
    for size in [0, 1, 1000, MIB, 6 * MIB - 1000] {
        assert_eq!(ways.agree("spoil", &bytes(size)), Ok(Value::I64(pages(6 * MIB))), "{size}");
        assert_eq!(ways.agree("look", &bytes(size)), Ok(Value::I64(pages(6 * MIB))), "{size}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_guest_cannot_tell_whether_its_heap_was_used_before(
        heap in prop_oneof![Just(0), 1..3 * MIB, Just(17 * MIB)],
        calls in prop::collection::vec((0..3usize, prop_oneof![0..2000usize, 0..3 * MIB]), 1..8),
    ) {
        let ways = Ways::with(guest("").as_bytes(), limits().heap(heap).memory(24 * MIB));
        for (function, size) in calls {
            let function = ["spoil", "look", "grow"][function];
            // As a number of pages, few are more than there can be.
            let size = if function == "grow" { size % 500 } else { size };
            let _ = ways.agree(function, &bytes(size));
        }
    }
}

#[test]
fn a_heap_counts_as_memory() {
    let most = limits().heap(2 * MIB).memory(3 * MIB);
    let ways = Ways::with(guest("").as_bytes(), most);
    assert_eq!(ways.agree("look", &bytes(2 * MIB)), Ok(Value::I64(pages(2 * MIB))));
    assert_eq!(
        ways.agree("look", &bytes(3 * MIB)).unwrap_err().lines().next(),
        Some(
            "OutOfMemory: `look` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed"
        )
    );
    // Of 48 pages there are 33.
    assert_eq!(ways.agree("grow", &bytes(15)), Ok(Value::I64(33)));
    assert_eq!(ways.agree("grow", &bytes(16)), Ok(Value::I64(-1)));
}

#[test]
fn a_heap_that_there_is_no_room_for_is_an_error() {
    let exec = Mode::Serial.with(limits().heap(MIB).memory(MIB));
    let refused = error(exec.load_bytes(guest("")));
    assert_eq!(refused.kind(), ErrorKind::OutOfMemory);
    assert_eq!(
        refused.message(),
        "the module starts with 65536 bytes of memory and a heap of 1048576, together more than its limit of 1048576"
    );
    assert_eq!(refused.help(), Some("raise `Limits::memory` (`--memory`), or lower `Limits::heap` (`--heap`)"));
    let refused = error(Mode::Serial.builder().limits(limits().heap(MIB + 1).memory(MIB)).build());
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert_eq!(
        refused.message(),
        "expected a heap of at most 1048576 bytes, which is all the memory that there may be, but was given 1048577 bytes"
    );
}

#[test]
fn a_guest_that_gives_no_room_has_no_calls() {
    let cases = [
        (
            "(return (i32.const 0))",
            "Trap: the guest could not take a heap of 1048576 bytes: its `realloc` gave address 0 of a memory of 65536 bytes",
        ),
        (
            "(return (i32.const -8))",
            "Trap: the guest could not take a heap of 1048576 bytes: its `realloc` gave address 4294967288 of a memory of 65536 bytes",
        ),
        ("unreachable", "Trap: `look` trapped: wasm `unreachable` instruction executed"),
        (
            "(if (i32.eq (memory.grow (i32.const 5000)) (i32.const -1)) (then (unreachable)))",
            "OutOfMemory: `look` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed",
        ),
        ("(loop $again (br $again))", "OutOfFuel: `look` used up its fuel"),
    ];
    for (realloc, text) in cases {
        let ways = Ways::with(guest(realloc).as_bytes(), limits().heap(MIB).fuel(1_000_000));
        let ended = ways.agree("look", &bytes(3)).unwrap_err();
        assert_eq!(ended.lines().next(), Some(text), "{realloc}");
    }
}

#[test]
fn an_allocator_that_takes_nothing_back_has_a_larger_memory_and_no_use_of_it() {
    let bump = "(local.set $old (i32.const 0))";
    let ways = Ways::with(guest(bump).as_bytes(), limits().heap(MIB));
    for _ in 0..2 {
        assert_eq!(ways.agree("look", &bytes(100)), Ok(Value::I64(pages(MIB))));
    }
}

#[test]
fn a_guest_without_realloc_has_no_heap() {
    let guest = r#"(module (memory 1) (func (export "pages") (result i32)
        (i32.store (i32.const 0) (i32.const 1)) (memory.size)))"#;
    let ways = Ways::with(guest.as_bytes(), limits().heap(MIB));
    assert_eq!(ways.agree("pages", &[]), Ok(Value::I32(1)));
}

/// What the memory of a guest of the SDK's has at its start, in bytes.
fn start(guest: &[u8]) -> usize {
    let inspection = purefork::Executor::builder().inspect(guest).expect("it is pure");
    inspection.memories.iter().map(|memory| memory.minimum_bytes as usize).sum()
}

#[test]
fn a_list_of_a_compiled_guest_lies_in_its_heap() {
    let guest = compiled("leaf");
    assert_eq!(not_recycled(&guest), None);
    // The allocator's own part is less than a page.
    let most = start(&guest) + 4 * MIB + (64 << 10);
    let list: Vec<u8> = (0..4 * MIB).map(|at| (at % 251) as u8).collect();
    let echo = |limits: Limits| {
        each_executor_with(limits, |exec| {
            let echo = exec
                .load_bytes(&guest)
                .expect("it is pure")
                .function::<Vec<u8>, Vec<u8>>("bytes")
                .expect("it is there");
            for size in [1, 100_000, 300_000, MIB, 4 * MIB, 5] {
                let back = echo.fork(list[..size].to_vec()).join().expect("an echo does not fail");
                assert!(back == list[..size], "{size}");
            }
        });
    };
    echo(limits().heap(4 * MIB).memory(most));
    for way in WAYS {
        let exec = built(builder(way).limits(limits().heap(4 * MIB).memory(most)));
        let echo =
            exec.load_bytes(&guest).expect("it is pure").function::<Vec<u8>, Vec<u8>>("bytes").expect("it is there");
        let refused = echo.fork(vec![0; 5 * MIB]).join().expect_err("there is no room");
        assert_eq!(refused.kind(), ErrorKind::OutOfMemory);
    }
}

#[test]
fn a_guest_that_forks_has_a_heap_in_every_call() {
    each_executor_with(limits().heap(2 * MIB), |exec| {
        let kinds = exec.load_bytes(compiled("kinds")).expect("it is pure");
        for _ in 0..3 {
            let round = kinds.fork("round-trip", purefork::args![]).and_then(|future| future.wait());
            assert_eq!(round.expect("it does not fail").to_string(), "true");
        }
    });
}

#[test]
fn what_is_frozen_has_the_heap_of_no_configuration() {
    let weights = compiled("weights");
    let frozen = [0, 3 * MIB].map(|heap| {
        let exec = Mode::Serial.with(limits().heap(heap));
        let bare = exec.load_bytes(&weights).expect("it is pure");
        let loaded = bare.preinit("warm-up", purefork::args![50]).expect("it can be frozen");
        let change = loaded.function::<(), (u32, u32)>("change").expect("it is there");
        assert_eq!(change.fork(()).wait().expect("it does not fail"), (101, 5));
        loaded.bytes().expect("it has them")
    });
    assert!(frozen[0] == frozen[1]);
}
