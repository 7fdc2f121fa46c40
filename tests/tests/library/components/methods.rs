//! Methods of resources that a guest exports: one call makes the resource, calls the method and ends the resource.

use super::support::failure;
use expect_test::expect;
use purefork::{Value, args};
use purefork_tests::{each_executor, each_executor_with, limits, loaded};
use std::fmt::Write as _;

/// A component with a resource `counter`. `new`, `add` and `dtor` are core code; `$new`, `$rep` and `$drop` are there. It
/// forks as well, if it is said so.
fn counter(forks: bool, new: &str, add: &str, dtor: &str) -> String {
    let (import, lowered, given, needed) = if forks {
        (
            r#"(import "fork" (instance $fork
                (export "leaf" (type $leaf (sub resource)))
                (export "[constructor]leaf" (func (result (own $leaf))))
                (export "[method]leaf.wait" (func (param "self" (borrow $leaf)) (result u32)))))"#,
            r#"(core func $fork-leaf (canon lower (func $fork "[constructor]leaf")))
               (core func $wait-leaf (canon lower (func $fork "[method]leaf.wait")))"#,
            r#"(export "fork" (func $fork-leaf)) (export "wait" (func $wait-leaf))"#,
            r#"(import "" "fork" (func $fork (result i32))) (import "" "wait" (func $wait (param i32) (result i32)))
               (func (export "leaf") (result i32) (i32.const 100))"#,
        )
    } else {
        ("", "", "", r#"(func (export "leaf") (result i32) (i32.const 100))"#)
    };
    format!(
        r#"(component
            {import} {lowered}
            (core module $before (table (export "table") 1 funcref) (type $dtor (func (param i32)))
                (func (export "dtor") (param i32) (call_indirect (type $dtor) (local.get 0) (i32.const 0))))
            (core instance $before (instantiate $before))
            (type $r' (resource (rep i32) (dtor (func $before "dtor"))))
            (type $other (resource (rep i32)))
            (core func $new (canon resource.new $r'))
            (core func $new-other (canon resource.new $other))
            (core func $rep (canon resource.rep $r'))
            (core func $drop (canon resource.drop $r'))
            (core module $m
                (import "" "new" (func $new (param i32) (result i32)))
                (import "" "new-other" (func $new-other (param i32) (result i32)))
                (import "" "rep" (func $rep (param i32) (result i32)))
                (import "" "drop" (func $drop (param i32)))
                (import "before" "table" (table 1 funcref))
                {needed}
                (elem (i32.const 0) func $dtor)
                (global $state (mut i32) (i32.const 0))
                (func $dtor (param $rep i32) {dtor})
                (func (export "new") (param $start i32) (result i32) {new})
                (func (export "add") (param $self i32) (param $n i32) (result i32) {add}))
            (core instance $i (instantiate $m (with "before" (instance $before)) (with "" (instance
                (export "new" (func $new)) (export "new-other" (func $new-other)) (export "rep" (func $rep)) (export "drop" (func $drop)) {given}))))
            (func (export "leaf") (result u32) (canon lift (core func $i "leaf")))
            (export $r "counter" (type $r'))
            (func $construct (param "start" u32) (result (own $r')) (canon lift (core func $i "new")))
            (func $adds (param "self" (borrow $r')) (param "n" u32) (result u32) (canon lift (core func $i "add")))
            (export "[constructor]counter" (func $construct) (func (param "start" u32) (result (own $r))))
            (export "[method]counter.add" (func $adds) (func (param "self" (borrow $r)) (param "n" u32) (result u32))))"#
    )
}

/// Makes a resource of what is given.
const NEW: &str = "(call $new (local.get $start))";
/// Adds to what was given, and counts the calls in thousands.
const ADD: &str = "(global.set $state (i32.add (global.get $state) (i32.const 1000)))
    (i32.add (global.get $state) (i32.add (local.get $self) (local.get $n)))";

#[test]
fn a_method_is_called_on_a_resource_that_is_made_for_the_call() {
    each_executor(|exec| {
        for forks in [false, true] {
            let guest = loaded(exec, &counter(forks, NEW, ADD, ""));
            for _ in 0..5 {
                let value = guest.fork("[method]counter.add", args![40u32, 2u32]).unwrap().wait().unwrap();
                assert_eq!(value, Value::U32(1042));
            }
            let add = guest.function::<(u32, u32), u32>("[method]counter.add").unwrap();
            assert_eq!(add.fork((40, 3)).wait().unwrap(), 1043);
        }
    });
}

#[test]
fn constructors_methods_and_destructors_that_fail_end_the_call() {
    let cases = [
        ("proper", NEW, ADD, ""),
        ("gives 0", "(i32.const 0)", ADD, ""),
        ("gives a guess", "(i32.const 7)", ADD, ""),
        (
            "gives what was dropped",
            "(local.set 0 (call $new (i32.const 7))) (call $drop (local.get 0)) (local.get 0)",
            ADD,
            "",
        ),
        ("gives another resource", "(call $new-other (i32.const 7))", ADD, ""),
        ("constructor traps", "(unreachable)", ADD, ""),
        ("method traps", NEW, "(unreachable)", ""),
        ("method drops a guess", NEW, "(call $drop (i32.const 1)) (i32.const 0)", ""),
        ("method makes another", NEW, "(call $rep (call $new (i32.const 5)))", ""),
        ("destructor traps", NEW, ADD, "(unreachable)"),
        ("destructor never ends", NEW, ADD, "(loop $again (br $again))"),
        (
            "destructor is given what was behind it",
            NEW,
            ADD,
            "(if (i32.ne (local.get $rep) (i32.const 41)) (then (unreachable)))",
        ),
        (
            "destructor is called once",
            NEW,
            ADD,
            "(if (i32.ne (global.get $state) (i32.const 1000)) (then (unreachable))) (global.set $state (i32.const 0))",
        ),
    ];
    each_executor_with(limits().fuel(1_000_000), |exec| {
        let mut text = String::new();
        for (what, new, add, dtor) in cases {
            let found = [false, true].map(|forks| {
                failure(&loaded(exec, &counter(forks, new, add, dtor)), "[method]counter.add", args![40u32, 2u32])
            });
            assert_eq!(found[0], found[1], "{what}");
            let _ = writeln!(text, "{what}: {}", found[0]);
        }
        expect![[r#"
            proper: = 1042
            gives 0: Trap: 0 is no handle
            gives a guess: Trap: 7 is no handle
            gives what was dropped: Trap: 1 is no handle
            gives another resource: Trap: handle 1 is of another resource
            constructor traps: Trap: `[method]counter.add` trapped: wasm `unreachable` instruction executed
            method traps: Trap: `[method]counter.add` trapped: wasm `unreachable` instruction executed
            method drops a guess: Trap: 1 is no handle
            method makes another: = 5
            destructor traps: Trap: `[method]counter.add` trapped: wasm `unreachable` instruction executed
            destructor never ends: OutOfFuel: `[method]counter.add` used up its fuel
            destructor is given what was behind it: Trap: `[method]counter.add` trapped: wasm `unreachable` instruction executed
            destructor is called once: = 1042
        "#]].assert_eq(&text);
    });
}

#[test]
fn constructors_methods_and_destructors_may_fork() {
    each_executor(|exec| {
        let wait = "(call $wait (call $fork))";
        let guest = loaded(
            exec,
            &counter(
                true,
                &format!("(call $new (i32.add (local.get $start) {wait}))"),
                &format!("(i32.add (i32.add (local.get $self) (local.get $n)) {wait})"),
                &format!("(if (i32.ne {wait} (i32.const 100)) (then (unreachable)))"),
            ),
        );
        let future = guest.fork("[method]counter.add", args![40u32, 2u32]).unwrap();
        assert_eq!(future.wait().unwrap(), Value::U32(242));
        assert_eq!(future.usage().unwrap().forks, 3);
    });
}
