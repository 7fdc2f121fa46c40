//! Guests made to write past the card marking.

use crate::isolation::storing::Storing;
use crate::isolation::{WAYS, Ways, builder, executor, not_recycled};
use proptest::prelude::*;
use purefork::Isolation;
use purefork_tests::{built, loaded, outcome};

/// Every way to write to memory, at any address, a program of them per call; and what the memory is after it.
const WRITER: &str = r#"(module
    (memory (export "memory") 2 5)
    (global $state (mut i64) (i64.const 88172645463325252))
    (global $vector (mut v128) (v128.const i64x2 1 2))
    (data (i32.const 100) "what was here before")
    (data (i32.const 65530) "over the edge of a page")
    (data (i32.const 131060) "to the end..")

    (func $random (result i64) (local $x i64)
        (local.set $x (global.get $state))
        (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
        (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
        (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
        (global.set $state (local.get $x))
        (local.get $x))
    (func $below (param $n i32) (result i32)
        (i32.rem_u (i32.wrap_i64 (call $random)) (local.get $n)))

    ;; A checksum of all memory, of its size and of the globals.
    (func $sum (export "sum") (result i64) (local $at i32) (local $end i32) (local $sum i64)
        (local.set $end (i32.mul (memory.size) (i32.const 65536)))
        (local.set $sum (i64.add (global.get $state) (i64x2.extract_lane 1 (global.get $vector))))
        (loop $next
            (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 5)) (i64.load (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
        (i64.add (local.get $sum) (i64.extend_i32_u (memory.size))))

    (func $write (param $kind i32) (param $at i32) (param $v i64)
        (block $b17 (block $b16 (block $b15 (block $b14 (block $b13 (block $b12 (block $b11 (block $b10 (block $b9
        (block $b8 (block $b7 (block $b6 (block $b5 (block $b4 (block $b3 (block $b2 (block $b1 (block $b0
            (br_table $b0 $b1 $b2 $b3 $b4 $b5 $b6 $b7 $b8 $b9 $b10 $b11 $b12 $b13 $b14 $b15 $b16 $b17 (local.get $kind)))
            (return (i32.store8 (local.get $at) (i32.wrap_i64 (local.get $v)))))
            (return (i32.store16 align=1 (local.get $at) (i32.wrap_i64 (local.get $v)))))
            (return (i32.store (local.get $at) (i32.wrap_i64 (local.get $v)))))
            (return (i64.store8 (local.get $at) (local.get $v))))
            (return (i64.store16 (local.get $at) (local.get $v))))
            (return (i64.store32 (local.get $at) (local.get $v))))
            (return (i64.store offset=3 (local.get $at) (local.get $v))))
            (return (f32.store (local.get $at) (f32.const 1.5))))
            (return (f64.store (local.get $at) (f64.const 2.5))))
            (return (v128.store align=16 (local.get $at) (i64x2.splat (local.get $v)))))
            (return (v128.store8_lane 7 (local.get $at) (i64x2.splat (local.get $v)))))
            (return (v128.store16_lane 3 (local.get $at) (i64x2.splat (local.get $v)))))
            (return (v128.store32_lane 1 (local.get $at) (i64x2.splat (local.get $v)))))
            (return (v128.store64_lane 1 (local.get $at) (i64x2.splat (local.get $v)))))
            (return (memory.fill (local.get $at) (i32.wrap_i64 (local.get $v)) (call $below (i32.const 3000)))))
            (return (memory.copy (local.get $at) (call $below (i32.const 120000)) (call $below (i32.const 9000)))))
            (return (global.set $vector (i64x2.splat (local.get $v)))))
        ;; Several near one address, and through one variable that moves.
        (i64.store offset=900 (local.get $at) (local.get $v))
        (i64.store offset=396 (local.get $at) (local.get $v))
        (i32.store8 offset=2 (local.get $at) (i32.const 9))
        (local.set $at (i32.add (local.get $at) (i32.const 511)))
        (i64.store offset=396 (local.get $at) (local.get $v))
        (i64.store offset=1 (i32.add (local.get $at) (i32.const 1100)) (local.get $v)))

    ;; `reach` is the number of bytes within which is written: beyond the end of memory it may trap.
    (func (export "program") (param $seed i64) (param $steps i32) (param $reach i32) (result i64)
        (global.set $state (i64.or (local.get $seed) (i64.const 1)))
        (loop $next
            (call $write (call $below (i32.const 18)) (call $below (local.get $reach)) (call $random))
            (br_if $next (local.tee $steps (i32.sub (local.get $steps) (i32.const 1)))))
        (call $sum))

    (func (export "store") (param $kind i32) (param $at i32) (param $v i64) (result i64)
        (call $write (local.get $kind) (local.get $at) (local.get $v))
        (call $sum))
    (func (export "fill") (param $at i32) (param $v i32) (param $n i32) (result i64)
        (memory.fill (local.get $at) (local.get $v) (local.get $n))
        (call $sum))
    (func (export "copy") (param $to i32) (param $from i32) (param $n i32) (result i64)
        (memory.copy (local.get $to) (local.get $from) (local.get $n))
        (call $sum))
    (func (export "grow") (param $pages i32) (result i32 i32)
        (memory.grow (local.get $pages))
        (memory.size)
        (if (i32.gt_u (memory.size) (i32.const 2)) (then (i32.store (i32.const 131072) (i32.const 77)))))
    (func (export "load") (param $at i32) (result i32) (i32.load offset=5 (local.get $at)))
)"#;

#[test]
fn stores_of_every_kind_at_any_address_are_undone() {
    let ways = Ways::new(WRITER);
    proptest!(ProptestConfig::with_cases(96), |(seed: i64, steps in 1..60i32, reach in prop_oneof![
        Just(131_072 - 6000), Just(131_072 - 1500), 8..131_100i32,
    ])| {
        let _ = ways.agree("program", &[seed.into(), steps.into(), reach.into()]);
        ways.agree("sum", &[]).expect("it only reads");
    });
}

#[test]
fn stores_at_the_edges_of_blocks_pages_and_memory_are_undone_or_trap() {
    let ways = Ways::new(WRITER);
    let edges = [0, 511, 512, 4096, 65_536, 131_072 - 1412, 131_072 - 900, 131_072, i32::MAX, i32::MIN, -65_536, 0];
    for kind in 0..18 {
        for at in edges.iter().flat_map(|edge: &i32| (-17..3).map(|by| edge.wrapping_add(by))) {
            let _ = ways.agree("store", &[kind.into(), at.into(), (-1i64).into()]);
        }
    }
    ways.agree("sum", &[]).expect("it only reads");
}

#[test]
fn bulk_operations_are_undone_to_the_last_byte_or_trap() {
    let ways = Ways::new(WRITER);
    let places = [0, 1, 511, 512, 65_535, 131_071, 131_072, 131_073, -1, -65_536, -196_608, -196_609, i32::MIN];
    let sizes = [0, 1, 2, 511, 512, 513, 1025, 65_537, 131_072, 131_073, -1, -65_536, i32::MIN];
    for at in places {
        for size in sizes {
            let _ = ways.agree("fill", &[at.into(), 0xab.into(), size.into()]);
            for from in [0, 100, 65_000, 131_072, -1, -196_608] {
                let _ = ways.agree("copy", &[at.into(), from.into(), size.into()]);
            }
        }
    }
    ways.agree("sum", &[]).expect("it only reads");
}

#[test]
fn no_address_leads_out_of_memory_to_the_marks() {
    let ways = Ways::new(WRITER);
    for by in 0..400 {
        // Where the card table would be, if addresses wrapped, and before and after.
        for at in [-1024 * by - 8, -1 - by, 131_072 - 9 + by, i32::MIN + by, i32::MAX - by] {
            let inside = (0..=131_072 - 9).contains(&at);
            assert_eq!(ways.agree("load", &[at.into()]).is_ok(), inside, "{at}");
        }
    }
}

#[test]
fn memory_grows_to_the_same_size_and_no_call_finds_it_grown() {
    let ways = Ways::new(WRITER);
    for pages in [1, 3, 0, 4, -1, 2, i32::MIN, 65_533, 3] {
        ways.agree("grow", &[pages.into()]).expect("growth does not fail");
        ways.agree("sum", &[]).expect("it only reads");
    }
}

#[test]
fn a_limit_on_memory_is_the_same_whatever_lies_in_front_of_it() {
    let guest = r#"(module (memory 1) (func (export "grow") (param i32) (result i32 i32)
        (memory.grow (local.get 0)) (memory.size) (i32.store8 (i32.const 0) (i32.const 1))))"#;
    let limits = purefork_tests::limits().memory(10 << 16);
    let executors = WAYS.map(|way| built(builder(way).limits(limits.clone())));
    let modules = [0, 1].map(|at| loaded(&executors[at], guest));
    for pages in [8, 9, 10, 11, 9, 65_535] {
        let [recycled, fresh] = [0, 1].map(|at| outcome(&modules[at], "grow", &[pages.into()]));
        assert_eq!(recycled, fresh, "{pages}");
        assert_eq!(recycled.expect("growth does not fail").to_string().starts_with("(1, "), pages <= 9);
    }
}

#[test]
fn what_a_start_function_has_made_is_the_initial_state() {
    let ways = Ways::new(
        r#"(module
            (memory 1) (global $g (mut i32) (i32.const 5)) (start $start)
            (func $start (i32.store (i32.const 700) (i32.const 123)) (global.set $g (i32.const 9)))
            (func (export "next") (result i32)
                (i32.store (i32.const 700) (i32.add (i32.load (i32.const 700)) (global.get $g)))
                (global.set $g (i32.const 1000))
                (i32.load (i32.const 700))))"#,
    );
    for _ in 0..5 {
        assert_eq!(ways.agree("next", &[]), Ok(132.into()));
    }
}

#[test]
fn a_call_that_traps_half_way_leaves_nothing() {
    let ways = Ways::new(
        r#"(module
            (memory 1) (global $g (mut i32) (i32.const 5))
            (func (export "dirty") (param $at i32)
                (global.set $g (i32.const 6))
                (i32.store (i32.const 8) (i32.const 6))
                (i32.store (local.get $at) (i32.const 6)))
            (func (export "seen") (result i32) (i32.add (global.get $g) (i32.load (i32.const 8)))))"#,
    );
    for at in [100, 65_532, 65_533, -1, 65_536 - 4, -4] {
        let trapped = ways.agree("dirty", &[at.into()]).is_err();
        assert_eq!(trapped, !(0..=65_532).contains(&at), "{at}");
        assert_eq!(ways.agree("seen", &[]), Ok(5.into()));
    }
}

#[test]
fn memory_of_a_hundred_mebibytes_is_put_back_by_groups() {
    let guest = r#"(module
        (memory 1600) (data (i32.const 104857000) "the end")
        (func (export "put") (param i32 i32) (result i32)
            (i32.load (local.get 0))
            (i32.store (local.get 0) (local.get 1))
            (memory.fill (i32.add (local.get 0) (i32.const 40000)) (i32.const 7) (i32.const 100000))))"#;
    let limits = purefork_tests::limits().memory(128 << 20);
    let exec = built(builder(Isolation::Recycled).limits(limits));
    let module = loaded(&exec, guest);
    for _ in 0..2 {
        for at in (0..104_700_000).step_by(9_876_543).chain([262_141, 16_777_214]) {
            assert_eq!(outcome(&module, "put", &[at.into(), 5.into()]), Ok(0.into()), "{at}");
            assert_eq!(outcome(&module, "put", &[(at + 40_000).into(), 5.into()]), Ok(0.into()), "{at}");
        }
    }
}

#[test]
fn the_host_marks_the_arguments_that_it_writes() {
    let bytes = purefork_tests::compiled("leaf");
    assert_eq!(not_recycled(&bytes), None);
    let exec = executor(Isolation::Recycled);
    let module = exec.load_bytes(&*bytes).expect("it is a guest");
    // With assertions, all of memory is compared after each call.
    for n in [0, 1, 10, 600, 5000, 300_000, 10] {
        let text = "x".repeat(n);
        let length = module.fork("strlen", purefork::args![text.as_str()]).and_then(|future| future.wait());
        assert_eq!(length.map_err(|error| error.to_string()).map(|length| length.to_string()), Ok(n.to_string()));
    }
}

#[test]
fn stores_at_sums_in_any_control_flow_are_undone() {
    let (recycled, fresh) = (executor(Isolation::Recycled), executor(Isolation::Fresh));
    let (mut ended_well, mut all) = (0, 0);
    for seed in 0..100 {
        // Shown if the test fails.
        println!("seed {seed}");
        let mut storing = Storing::new(seed);
        let modules = [&recycled, &fresh].map(|executor| loaded(executor, &storing.text));
        for (function, values) in storing.calls(8) {
            let ended = |module| {
                // Of stores next to each other that are out of bounds, either may be named.
                outcome(module, &function, &values).map_err(|error| error.lines().next().map(str::to_owned))
            };
            let expected = ended(&modules[1]);
            for _ in 0..2 {
                assert_eq!(ended(&modules[0]), expected, "`{function}` of {values:?} in {}", storing.text);
            }
            all += 1;
            ended_well += usize::from(expected.is_ok());
        }
    }
    assert!(ended_well > all / 3, "{ended_well} of {all} calls ended well");
}
