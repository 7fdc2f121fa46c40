//! Guests made to leave something behind in a recycled sandbox, or to be told from one that got a fresh one.

use crate::isolation::{Ways, not_recycled};
use purefork::Value;

#[test]
fn code_that_cannot_be_reached_says_nothing_of_the_values_below_it() {
    // The address of the store lies on the stack while dead code takes from below its block.
    let ways = Ways::new(
        r#"(module (memory 2)
            (func (export "f") (param $at i32) (param $other i32) (result i32)
                (i32.load (local.get $at))
                local.get $at
                (block (br 0) local.tee $other drop)
                i32.const 7
                i32.store)
            (func (export "through") (param $at i32) (param $other i32) (result i32)
                (i32.load (local.get $at))
                (i32.add (local.get $at) (i32.const 0))
                (block (br 0) local.tee $other local.tee $other br_if 0 local.tee $other unreachable)
                i32.const 7
                i32.store))"#,
    );
    for function in ["f", "through"] {
        for at in [100_000, 4] {
            assert_eq!(ways.agree(function, &[at.into(), 0.into()]), Ok(0.into()), "{function}");
            assert_eq!(ways.agree(function, &[at.into(), 0.into()]), Ok(0.into()), "{function}");
        }
    }
}

#[test]
fn sums_that_cannot_be_reached_say_nothing_of_the_addresses_below_them() {
    // Dead code adds a constant to what lies below its block, which is the address of the store.
    let store = |by: i32| {
        Ways::new(&format!(
            r#"(module (memory 2)
                (func (export "f") (param $at i32) (result i32)
                    (i32.load (local.get $at))
                    local.get $at
                    local.get $at
                    (block (br 0) i32.const {by} i32.add drop)
                    i32.const 7
                    i32.store
                    drop))"#
        ))
    };
    for by in [4, 600, -600, 65_536, 0x70_0000, i32::MIN, -0x70_0000] {
        let ways = store(by);
        for at in [100_000, 70_000, 4] {
            assert_eq!(ways.agree("f", &[at.into()]), Ok(0.into()), "{by} {at}");
            assert_eq!(ways.agree("f", &[at.into()]), Ok(0.into()), "{by} {at}");
        }
    }
}

#[test]
fn data_of_no_bytes_is_out_of_bounds_where_its_address_goes_round() {
    for (address, within) in [
        (-65_536, false),
        (-1, false),
        (65_536, true),
        (65_537, false),
        (-131_072, false),
        (-196_608, false),
        (-196_609, false),
    ] {
        let ways = Ways::new(&format!(
            r#"(module (memory 1) (data (i32.add (i32.const {address}) (i32.const 0)) "")
                (func (export "f") (i32.store (i32.const 0) (i32.const 1))))"#
        ));
        assert_eq!(ways.agree("f", &[]).is_ok(), within, "{address}");
    }
}

#[test]
fn a_refusal_of_memory_is_told_the_same_with_and_without_a_declared_maximum() {
    for maximum in ["", "65536", "65535", "65534", "2000", "1024", "100"] {
        let ways = Ways::new(&format!(
            r#"(module (memory 1 {maximum})
                (func (export "grow") (param i32) (result i32)
                    (i32.store (i32.const 0) (i32.const 1))
                    (memory.grow (local.get 0)))
                (func (export "fail") (param i32) (result i32)
                    (i32.store (i32.const 0) (i32.const 1))
                    (drop (memory.grow (local.get 0))) unreachable))"#
        ));
        for pages in
            [0, 1, 98, 99, 100, 1022, 1023, 1024, 1999, 2000, 65_531, 65_532, 65_533, 65_534, 65_535, 65_536, -1, -2]
        {
            let _ = ways.agree("grow", &[pages.into()]);
            let _ = ways.agree("fail", &[pages.into()]);
        }
    }
}

#[test]
fn names_like_those_that_are_added_do_not_make_more_of_them() {
    let globals = "(global (mut i32) (i32.const 0))".repeat(900);
    let name = format!("purefork{}", "'".repeat(90_000));
    let guest = format!(r#"(module {globals} (func (export "{name}") (global.set 0 (i32.const 1))))"#);
    assert_eq!(not_recycled(guest.as_bytes()).as_deref(), Some("it exports names like those that would be added"));
}

#[test]
fn many_globals_are_a_reason_not_to_be_recycled() {
    let guest = |n| {
        let globals = "(global (mut i32) (i32.const 0))".repeat(n);
        format!(r#"(module {globals} (func (export "f") (global.set 0 (i32.const 1))))"#)
    };
    assert_eq!(not_recycled(guest(1000).as_bytes()), None);
    assert_eq!(not_recycled(guest(1001).as_bytes()).as_deref(), Some("it has more than 1000 mutable globals"));
}

#[test]
fn growth_beyond_four_gibibytes_fails_the_same_after_growth_that_did_not() {
    let ways = Ways::new(
        r#"(module (memory 1) (func (export "grow") (param i32 i32) (result i32 i32 i32)
            (memory.grow (local.get 0)) (memory.grow (local.get 1)) (memory.size)))"#,
    );
    for first in [0, 1, 5] {
        for second in [65_535, 65_536, -1, 1 << 30] {
            let ended = ways.agree("grow", &[first.into(), second.into()]);
            assert_eq!(ended.map(|value| value.to_string()), Ok(format!("(1, -1, {})", first + 1)), "{second}");
        }
    }
}

#[test]
fn many_computed_addresses_of_data_are_a_reason_not_to_be_recycled() {
    let guest = |n| {
        let data = r#"(data (i32.add (i32.const 1) (i32.const 2)) "x")"#.repeat(n);
        format!(r#"(module (memory 1) {data} (func (export "f") (i32.store (i32.const 0) (i32.const 1))))"#)
    };
    assert_eq!(not_recycled(guest(1000).as_bytes()), None);
    assert_eq!(
        not_recycled(guest(1001).as_bytes()).as_deref(),
        Some("it places data at more than 1000 addresses that are computed")
    );
}

/// Two core modules that share a memory, a global and a table, one of them instantiated twice; and strings.
const SHARED: &str = r#"(component
    (core module $a
        (memory (export "memory") 2) (export "again" (memory 0)) (export "purefork memory" (memory 0))
        (global (export "count") (mut i64) (i64.const 5))
        (global (export "base") i32 (i32.const 70000))
        (global $heap (mut i32) (i32.const 4096))
        (table (export "table") 4 funcref)
        (data (i32.const 8) "of a")
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
            (global.set $heap (i32.add (local.get $at) (local.get 3)))
            (i32.store (i32.const 16) (global.get $heap))
            (local.get $at)))
    (core module $b
        (import "a" "memory" (memory 2 ))
        (import "a" "count" (global $count (mut i64)))
        (import "a" "base" (global $base i32))
        (import "a" "table" (table 4 funcref))
        (import "a" "slot" (global $slot i32))
        (global $own (mut i32) (i32.const 1))
        (data (global.get $base) "of b, wherever it is")
        (elem (global.get $slot) $bump)
        (type $t (func (result i32)))
        (func $bump (result i32)
            (global.set $own (i32.add (global.get $own) (i32.const 1)))
            (global.set $count (i64.add (global.get $count) (i64.const 1)))
            (i32.store (i32.add (global.get $base) (i32.const 600))
                (i32.add (i32.load (i32.add (global.get $base) (i32.const 600))) (i32.const 1)))
            (i32.add (global.get $own) (i32.add (i32.wrap_i64 (global.get $count))
                (i32.load (i32.add (global.get $base) (i32.const 600))))))
        (func (export "bump") (param $at i32) (param $len i32) (result i32)
            (memory.fill (local.get $at) (i32.const 65) (local.get $len))
            (drop (call_indirect (type $t) (i32.const 0)))
            (drop (call_indirect (type $t) (i32.const 1)))
            (i32.store (i32.const 24) (local.get $at))
            (i32.store offset=4 (i32.const 24) (local.get $len))
            (i32.store (i32.const 32) (call_indirect (type $t) (i32.const 1)))
            (i32.const 24))
        (func (export "after") (param i32) (i32.store offset=90000 (local.get 0) (i32.const 1)) (global.set $own (i32.const 99))))
    (core module $slots (global (export "first") i32 (i32.const 0)) (global (export "second") i32 (i32.const 1)))
    (core instance $a (instantiate $a))
    (core instance $slots (instantiate $slots))
    (core instance $b1 (instantiate $b (with "a" (instance
        (export "memory" (memory $a "memory")) (export "count" (global $a "count")) (export "base" (global $a "base"))
        (export "table" (table $a "table")) (export "slot" (global $slots "first"))))))
    (core instance $b2 (instantiate $b (with "a" (instance
        (export "memory" (memory $a "purefork memory")) (export "count" (global $a "count")) (export "base" (global $a "base"))
        (export "table" (table $a "table")) (export "slot" (global $slots "second"))))))
    (func (export "one") (param "s" string) (result string)
        (canon lift (core func $b1 "bump") (memory $a "memory") (realloc (func $a "realloc")) (post-return (func $b1 "after"))))
    (func (export "two") (param "s" string) (result string)
        (canon lift (core func $b2 "bump") (memory $a "again") (realloc (func $a "realloc")) string-encoding=utf16
            (post-return (func $b2 "after")))))"#;

#[test]
fn core_modules_that_share_memory_globals_and_tables_are_put_back() {
    let ways = Ways::new(SHARED);
    for length in [0, 1, 7, 500, 5000, 20_000, 100_000, 3] {
        for function in ["one", "two", "one"] {
            let ended = ways.agree(function, &[Value::String("x".repeat(length).into())]);
            assert!(ended.is_ok() || length == 100_000, "{function} {length}");
        }
    }
}
