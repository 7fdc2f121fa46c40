//! The places that an error names are those of the bytes that were given, whichever way its guest runs.

use super::Ways;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use purefork::Value;
use purefork_tests::{limits, used};
use std::cell::Cell;
use std::fmt::Write as _;

/// Calls that end in an error each way, and all that their errors say of places.
fn check(guest: &str, calls: &[(&str, &[i32])], expected: &Expect) {
    let ways = Ways::with(guest.as_bytes(), limits().fuel(1_000_000));
    let mut text = String::new();
    for (function, values) in calls {
        let values: Vec<Value> = values.iter().map(|value| Value::I32(*value)).collect();
        let error = ways.agree(function, &values).expect_err("it ends in an error");
        let (message, places) = (error.lines().next(), error.lines().last());
        let _ = writeln!(text, "{}\n{}", message.unwrap_or_default(), places.unwrap_or_default());
    }
    expected.assert_eq(&text);
}

#[test]
fn every_kind_of_trap_is_told_at_the_same_instruction() {
    let guest = r#"(module
        (memory (export "memory") 1 2)
        (table 3 funcref)
        (elem (i32.const 0) $leaf $other)
        (type $plain (func))
        (global $count (mut i32) (i32.const 0))
        (func $leaf (global.set $count (i32.add (global.get $count) (i32.const 1))))
        (func $other (param i64))
        (func (export "load") (param i32)
            (i32.store offset=3 (i32.const 8) (i32.const 1))
            (drop (i32.load offset=3 (local.get 0))))
        (func (export "load far") (param i32) (drop (i32.load offset=4294967295 (local.get 0))))
        (func (export "store at a variable") (param i32) (i64.store offset=3 (local.get 0) (i64.const 1)))
        (func (export "store at a sum") (param i32)
            (v128.store offset=300 (i32.add (local.get 0) (i32.const 1)) (v128.const i64x2 1 2)))
        (func (export "store at a constant") (f64.store (i32.const 65529) (f64.const 1)))
        (func (export "second store") (param i32)
            (i32.store8 (local.get 0) (i32.const 1)) (i64.store (local.get 0) (i64.const 1)))
        (func (export "add in place") (param i32)
            (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1))))
        (func (export "add and store") (param i32)
            (i32.store (i32.const 8) (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.load (local.get 0)))))
        (func (export "fill") (param i32) (memory.fill (local.get 0) (i32.const 1) (i32.const 2)))
        (func (export "copy to") (param i32) (memory.copy (local.get 0) (i32.const 1) (i32.const 2)))
        (func (export "copy from") (param i32) (memory.copy (i32.const 1) (local.get 0) (i32.const 2)))
        (func (export "grow") (param i32)
            (drop (memory.grow (local.get 0)))
            (i32.store (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)))
        (func (export "unreachable") (local i64 f32 i32) (i32.store (i32.const 8) (i32.const 1)) unreachable)
        (func (export "divide") (param i32) (i32.store (i32.const 8) (i32.div_s (i32.const 1) (local.get 0))))
        (func (export "truncate") (param i32)
            (i64.store (i32.const 8) (i64.trunc_f64_s (f64.div (f64.const 1) (f64.convert_i32_s (local.get 0))))))
        (func (export "indirect") (param i32) (call_indirect (type $plain) (local.get 0)))
        (func $deepest (param i32) (result i32)
            (i32.store (i32.const 8) (i32.const 1)) (memory.fill (local.get 0) (i32.const 1) (i32.const 1)) (i32.const 1))
        (func $middle (param i32) (result i32)
            (i32.store (i32.const 8) (call $deepest (local.get 0))) (i32.load (i32.const 8)))
        (func (export "nested") (param i32)
            (i32.store (i32.const 8) (i32.const 1)) (i32.store (i32.const 16) (call $middle (local.get 0))))
        (func $down (export "down") (param i32) (result i32) (local f64 f32)
            (i32.store (local.get 0) (i32.const 1))
            (i32.add (i32.const 1) (call $down (i32.add (local.get 0) (i32.const 1)))))
    )"#;
    let calls: &[(&str, &[i32])] = &[
        ("load", &[65_536]),
        ("load far", &[-1]),
        ("store at a variable", &[-9]),
        ("store at a sum", &[65_300]),
        ("store at a constant", &[]),
        ("second store", &[65_530]),
        ("add in place", &[65_533]),
        ("add and store", &[65_533]),
        ("fill", &[65_535]),
        ("copy to", &[-1]),
        ("copy from", &[65_535]),
        ("grow", &[1]),
        ("grow", &[-1]),
        ("unreachable", &[]),
        ("divide", &[0]),
        ("truncate", &[0]),
        ("indirect", &[1]),
        ("indirect", &[2]),
        ("indirect", &[3]),
        ("nested", &[65_536]),
        ("down", &[65_520]),
    ];
    check(
        guest,
        calls,
        &expect![[r#"
        Trap: `load` trapped: out of bounds memory access
        `load` (offset 0x159)
        Trap: `load far` trapped: out of bounds memory access
        `load far` (offset 0x162)
        Trap: `store at a variable` trapped: out of bounds memory access
        `store at a variable` (offset 0x171)
        Trap: `store at a sum` trapped: out of bounds memory access
        `store at a sum` (offset 0x18e)
        Trap: `store at a constant` trapped: out of bounds memory access
        `store at a constant` (offset 0x1a3)
        Trap: `second store` trapped: out of bounds memory access
        `second store` (offset 0x1b4)
        Trap: `add in place` trapped: out of bounds memory access
        `add in place` (offset 0x1c4)
        Trap: `add and store` trapped: out of bounds memory access
        `add and store` (offset 0x1d6)
        Trap: `fill` trapped: out of bounds memory access
        `fill` (offset 0x1e3)
        Trap: `copy to` trapped: out of bounds memory access
        `copy to` (offset 0x1ef)
        Trap: `copy from` trapped: out of bounds memory access
        `copy from` (offset 0x1fc)
        Trap: `grow` trapped: out of bounds memory access
        `grow` (offset 0x211)
        Trap: `grow` trapped: out of bounds memory access
        `grow` (offset 0x211)
        Trap: `unreachable` trapped: wasm `unreachable` instruction executed
        `unreachable` (offset 0x224)
        Trap: `divide` trapped: integer divide by zero
        `divide` (offset 0x22e)
        Trap: `truncate` trapped: integer overflow
        `truncate` (offset 0x244)
        Trap: `indirect` trapped: indirect call type mismatch
        `indirect` (offset 0x24d)
        Trap: `indirect` trapped: uninitialized element
        `indirect` (offset 0x24d)
        Trap: `indirect` trapped: undefined element: out of bounds table access
        `indirect` (offset 0x24d)
        Trap: `nested` trapped: out of bounds memory access
        `deepest` (offset 0x260) < `middle` (offset 0x26c) < `nested` (offset 0x284)
        Trap: `down` trapped: out of bounds memory access
        `down` (offset 0x294) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e) < `down` (offset 0x29e)
    "#]],
    );
}

#[test]
fn what_was_added_is_not_shown_by_any_name() {
    // Names for functions that the guest does not have: those that are added behind its own.
    let guest = r#"(module
        (memory 1)
        (func (export "fill") (param i32) (memory.fill (local.get 0) (i32.const 1) (i32.const 2)))
        (@custom "name" (after last) "\01\0a\03\01\01a\02\01b\03\01c"))"#;
    check(
        guest,
        &[("fill", &[-1])],
        &expect![[r#"
        Trap: `fill` trapped: out of bounds memory access
        `fill` (offset 0x2d)
    "#]],
    );
}

#[test]
fn what_runs_out_is_told_at_the_same_instruction() {
    let guest = r#"(module
        (memory 1)
        (func (export "spin") (param i32) (local i64 i32)
            (loop (i32.store (local.get 0) (i32.const 1)) (br 0)))
        (func $recurse (export "recurse") (param i32) (result i32) (local i64 i32 f64)
            (i32.store offset=9 (local.get 0) (i32.const 1))
            (i32.add (call $recurse (local.get 0)) (i32.const 1))))"#;
    check(
        guest,
        &[("spin", &[5]), ("recurse", &[5])],
        &expect![[r#"
        OutOfFuel: `spin` used up its fuel
        `spin` (offset 0x3b)
        StackOverflow: `recurse` used up its stack
        `recurse` < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59) < `recurse` (offset 0x59)
    "#]],
    );
}

#[test]
fn what_runs_out_on_entry_is_told_at_the_same_local_variables() {
    let guest = r#"(module
        (memory 1)
        (func $burn (export "burn") (param i32) (result i32) (local i64 i32 f64)
            (i32.store (i32.add (local.get 0) (i32.const 1)) (i32.const 1))
            (if (result i32) (local.get 0)
                (then (i32.add
                    (call $burn (i32.sub (local.get 0) (i32.const 1)))
                    (call $burn (i32.sub (local.get 0) (i32.const 1)))))
                (else (i32.const 1)))))"#;
    let ways = Ways::with(guest.as_bytes(), limits().fuel(100_000));
    // Each way uses fuel of its own; so where the callers are may differ.
    let innermost = ways.each("burn", &[30.into()]).map(|ended| {
        let error = ended.expect_err("it takes more fuel");
        error.lines().last().and_then(|frames| frames.split(" < ").next()).map(str::to_owned)
    });
    assert_eq!(innermost.each_ref().map(Option::as_deref), [Some("`burn` (offset 0x2c)"); 2]);
}

/// A section, or a function's body, behind its number or nothing, with its size in five bytes, as linkers write it.
fn sized(number: &[u8], bytes: &[u8]) -> Vec<u8> {
    let size = (0..5).map(|at| (bytes.len() >> (7 * at)) as u8 & 0x7f | if at < 4 { 0x80 } else { 0 });
    number.iter().copied().chain(size).chain(bytes.iter().copied()).collect()
}

#[test]
fn code_that_was_longer_before_is_told_where_it_was() {
    // Numbers in more bytes than they take, as a linker leaves them: what is rewritten is shorter, and the map longer than it was.
    let wide = |op: u8| [op, 0x80, 0x80, 0x80, 0x80, 0x00];
    let nothing = [&wide(0x41)[..], &[0x1a]].concat();
    let call = [&nothing.repeat(20)[..], &wide(0x10)].concat();
    // A store by an address that is passed, among calls of a function that does nothing.
    let store = [0x20, 0, 0x41, 1, 0x36, 2, 0];
    let calls = [&[0][..], &call.repeat(200), &store, &call.repeat(200), &[0x0b]].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        sized(&[1], &[2, 0x60, 0, 0, 0x60, 1, 0x7f, 0]),
        sized(&[3], &[2, 0, 1]),
        sized(&[5], &[1, 0, 1]),
        sized(&[7], &[1, 1, b'f', 0, 1]),
        sized(&[10], &[&[2, 2, 0, 0x0b][..], &sized(&[], &calls)].concat()),
    ]
    .concat();
    let ways = Ways::with(&module, limits());
    let at = module.windows(store.len()).position(|window| window == store).expect("it is there") + 4;
    let error = ways.agree("f", &[Value::I32(-1)]).expect_err("it traps");
    assert_eq!(error.lines().last(), Some(&*format!("`f` (offset {at:#x})")));
    ways.agree("f", &[Value::I32(8)]).expect("it does not trap");
}

#[test]
fn modules_of_a_component_have_places_of_their_own() {
    let guest = format!(
        r#"(component
            {}
            (core module $inner
                (import "libc" "memory" (memory 1))
                (func (export "write") (param i32) (result i32)
                    (i32.store (local.get 0) (i32.const 1)) (i32.load (local.get 0))))
            (core module $outer
                (import "libc" "memory" (memory 1))
                (import "inner" "write" (func $write (param i32) (result i32)))
                (func (export "call") (param i32) (result i32)
                    (i32.store offset=1000 (i32.const 8) (i32.const 1))
                    (i32.add (call $write (local.get 0)) (i32.const 1)))
                (func (export "fill") (param i32) (result i32)
                    (memory.fill (local.get 0) (i32.const 1) (i32.const 1))
                    (i32.const 1)))
            (core instance $inner (instantiate $inner (with "libc" (instance $libc))))
            (core instance $outer
                (instantiate $outer (with "libc" (instance $libc)) (with "inner" (instance $inner))))
            (func (export "call") (param "at" s32) (result s32) (canon lift (core func $outer "call")))
            (func (export "fill") (param "at" s32) (result s32) (canon lift (core func $outer "fill"))))"#,
        purefork_tests::components::LIBC
    );
    let ways = Ways::new(&guest);
    let mut text = String::new();
    for (function, at) in [("call", 65_536), ("call", -4), ("fill", 65_536), ("fill", -1)] {
        let error = ways.agree(function, &[Value::I32(at)]).expect_err("it traps");
        let _ = writeln!(text, "{}", error.lines().last().unwrap_or_default());
    }
    expect![[r#"
          `func[0]` (offset 0x3a) < `func[1]` (offset 0x55)
          `func[0]` (offset 0x3a) < `func[1]` (offset 0x55)
          `func[2]` (offset 0x63)
          `func[2]` (offset 0x63)
    "#]]
    .assert_eq(&text);
}

/// An expression of type i32: mostly well-behaved, now and then one that traps.
///
/// What is loaded is given to a function first. Else it may become a part of the machine instruction that takes it, wasmtime names
/// that one, and which they are depends on what is around.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0..3u32).prop_map(|local| format!("(local.get {local})")),
        prop_oneof![0..100i32, 65_400..65_600i32].prop_map(|value| format!("(i32.const {value})")),
        Just("(global.get $g)".to_owned()),
        Just("(memory.size)".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let offset = prop_oneof![Just(0u32), 1..300u32, 60_000..66_000u32, Just(u32::MAX)];
        let loads = prop_oneof![
            Just("(i32.load"),
            Just("(i32.load8_s"),
            Just("(i32.load16_u"),
            Just("(i32.wrap_i64 (i64.load"),
            Just("(i32.trunc_f64_s (f64.load"),
            Just("(i32x4.extract_lane 2 (v128.load"),
        ];
        let twos = prop_oneof![
            4 => Just("i32.add"), 2 => Just("i32.sub"), 1 => Just("i32.lt_u"), 1 => Just("i32.and"),
            1 => Just("i32.div_s"), 1 => Just("i32.rem_u"), 1 => Just("call $two"),
        ];
        prop_oneof![
            4 => (loads, offset, inner.clone()).prop_map(|(load, offset, at)| {
                let ends = ")".repeat(load.matches('(').count());
                format!("(call $same {load} offset={offset} {at}{ends})")
            }),
            4 => (twos, inner.clone(), inner.clone()).prop_map(|(op, a, b)| format!("({op} {a} {b})")),
            1 => (0..3u32, inner.clone()).prop_map(|(local, value)| format!("(local.tee {local} {value})")),
            1 => inner.clone().prop_map(|pages| format!("(memory.grow {pages})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(value, at)| {
                format!("(call_indirect (type $pair) {value} {at} (i32.and {at} (i32.const 3)))")
            }),
            1 => (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("(if (result i32) {a} (then {b}) (else {c}))")),
        ]
    })
}

fn statement() -> impl Strategy<Value = String> {
    let offset = prop_oneof![Just(0u32), 1..300u32, 60_000..66_000u32, Just(u32::MAX)];
    let bases = ["local.get 0", "local.get 1", "i32.const 40"].map(|base| format!("({base})"));
    let address = prop_oneof![proptest::sample::select(bases.to_vec()), expression()];
    let stores = prop_oneof![
        Just(("i32.store", "")),
        Just(("i32.store8", "")),
        Just(("i64.store", "i64.extend_i32_s")),
        Just(("f32.store", "f32.convert_i32_s")),
        Just(("f64.store", "f64.convert_i32_u")),
        Just(("v128.store", "i32x4.splat")),
    ];
    prop_oneof![
        8 => (stores, offset, address, expression()).prop_map(|((store, convert), offset, at, value)| {
            let value = if convert.is_empty() { value } else { format!("({convert} {value})") };
            format!("({store} offset={offset} {at} {value})")
        }),
        1 => (0..3u32, expression()).prop_map(|(local, value)| format!("(local.set {local} {value})")),
        1 => expression().prop_map(|value| format!("(global.set $g {value})")),
        1 => (expression(), 0..9u32)
            .prop_map(|(at, size)| format!("(memory.fill {at} (i32.const 7) (i32.const {size}))")),
        1 => (expression(), expression(), 0..9u32)
            .prop_map(|(to, from, size)| format!("(memory.copy {to} {from} (i32.const {size}))")),
    ]
}

#[test]
fn generated_code_traps_at_the_same_instruction() {
    let (trapped, elsewhere) = (Cell::new(0), Cell::new(0));
    let statements = || proptest::collection::vec(statement(), 1..6).prop_map(|statements| statements.concat());
    let config = ProptestConfig::with_cases(150);
    proptest!(config, |(first in statements(), second in statements(), result in expression(), a: i32, b in 0..65_536i32)| {
        // What is called calls no further: the stack's end is no place in the code.
        let calm = |code: &str| code.replace("call $two", "call $quiet").replace("call_indirect", "call_indirect $calm");
        let (first, last) = (calm(&first), calm(&result));
        let guest = format!(
            r#"(module
                (memory 1 3) (global $g (mut i32) (i32.const 77))
                (type $pair (func (param i32 i32) (result i32)))
                (table 4 funcref) (elem (i32.const 1) $two $quiet)
                (table $calm 4 funcref) (elem (table $calm) (i32.const 0) func $quiet $other)
                (func $two (type $pair) (local i32)
                    {first} {last})
                (func $same (param i32) (result i32) (local.get 0))
                (func $quiet (type $pair) (i32.store offset=30 (local.get 0) (local.get 1)) (local.get 1))
                (func $other)
                (func (export "f") (param i32 i32) (result i32) (local i32 f64)
                    ;; Without any change a sandbox is not recycled.
                    (global.set $g (global.get $g))
                    {second} (call $two (i32.const 1) {result})))"#
        );
        let ways = Ways::new(&guest);
        for (a, b) in [(a, b), (b, a), (b, b.wrapping_add(65_500))] {
            let values = [a.into(), b.into()];
            trapped.set(trapped.get() + usize::from(ways.agree("f", &values).is_err()));
            let [recycled, fresh] = &ways.modules;
            let same = used(recycled, "f", &values) == used(fresh, "f", &values);
            elsewhere.set(elsewhere.get() + usize::from(!same));
        }
    });
    assert!(trapped.get() > 150, "{} of the calls trapped", trapped.get());
    // Where the compiler merges a load into what uses its value, the place may be told as that of either.
    assert!(elsewhere.get() * 20 < trapped.get(), "{} of {} are told of another place", elsewhere.get(), trapped.get());
}
