//! Futures' numbers, handles of a guest's own resources, and components inside of a component that pass them on.

use super::support::{failure, leafy, refusal};
use expect_test::expect;
use purefork::{Value, args};
use purefork_tests::{MODES, Watchdog, each_executor, each_executor_with, limits, loaded};
use std::fmt::Write as _;
use std::thread;

/// Functions that show the raw numbers of futures.
fn numbers() -> String {
    leafy(
        r#"(func (export "wait") (param i32) (result i32) (call $wait (local.get 0)) (i32.const 1))
           (func (export "fork-then-wait") (param i32) (result i32)
                (drop (call $fork)) (call $wait (local.get 0)) (i32.const 1))
           (func (export "drop") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 1))
           (func (export "fork-then-drop") (param i32) (result i32)
                (drop (call $fork)) (call $drop (local.get 0)) (i32.const 1))
           (func (export "drop-twice") (result i32) (local i32)
                (local.set 0 (call $fork)) (call $drop (local.get 0)) (call $drop (local.get 0)) (i32.const 1))
           (func (export "wait-after-drop") (result i32) (local i32)
                (local.set 0 (call $fork)) (call $drop (local.get 0)) (call $wait (local.get 0)) (i32.const 1))
           (func (export "wait-twice") (result i32) (local i32)
                (local.set 0 (call $fork)) (call $wait (local.get 0)) (call $wait (local.get 0)) (call $drop (local.get 0)) (i32.const 1))
           ;; Three digits: the numbers of three futures, of which the first two were dropped before the next.
           (func (export "numbers") (result i32) (local i32 i32 i32)
                (local.set 0 (call $fork)) (call $drop (local.get 0))
                (local.set 1 (call $fork)) (call $wait (local.get 1)) (call $drop (local.get 1))
                (local.set 2 (call $fork))
                (i32.add (i32.mul (local.get 0) (i32.const 100)) (i32.add (i32.mul (local.get 1) (i32.const 10)) (local.get 2))))"#,
        r#"(func (export "wait") (param "n" u32) (result u32) (canon lift (core func $i "wait")))
           (func (export "fork-then-wait") (param "n" u32) (result u32) (canon lift (core func $i "fork-then-wait")))
           (func (export "drop") (param "n" u32) (result u32) (canon lift (core func $i "drop")))
           (func (export "fork-then-drop") (param "n" u32) (result u32) (canon lift (core func $i "fork-then-drop")))
           (func (export "drop-twice") (result u32) (canon lift (core func $i "drop-twice")))
           (func (export "wait-after-drop") (result u32) (canon lift (core func $i "wait-after-drop")))
           (func (export "wait-twice") (result u32) (canon lift (core func $i "wait-twice")))
           (func (export "numbers") (result u32) (canon lift (core func $i "numbers")))"#,
    )
}

#[test]
fn a_number_that_is_no_future_of_this_call_traps() {
    each_executor(|exec| {
        let guest = loaded(exec, &numbers());
        let mut text = String::new();
        // Calls that leave futures behind come first: nothing of them is found by guessing.
        for _ in 0..3 {
            assert_eq!(guest.fork("wait-twice", args![]).unwrap().wait().unwrap(), Value::U32(1));
            assert_eq!(guest.fork("fork-then-wait", args![1u32]).unwrap().wait().unwrap(), Value::U32(1));
        }
        for n in [0, 1, u32::MAX, 1 << 31] {
            let _ = writeln!(text, "wait {n}: {}", failure(&guest, "wait", args![n]));
            let _ = writeln!(text, "drop {n}: {}", failure(&guest, "drop", args![n]));
        }
        for n in [0, 2, u32::MAX] {
            let _ = writeln!(text, "fork, wait {n}: {}", failure(&guest, "fork-then-wait", args![n]));
            let _ = writeln!(text, "fork, drop {n}: {}", failure(&guest, "fork-then-drop", args![n]));
        }
        for name in ["drop-twice", "wait-after-drop"] {
            let _ = writeln!(text, "{name}: {}", failure(&guest, name, args![]));
        }
        expect![[r#"
            wait 0: Trap: `wait` `leaf`: 0 is none of this call's futures
            drop 0: Trap: `wait` `leaf`: 0 is none of this call's futures
            wait 1: Trap: `wait` `leaf`: 1 is none of this call's futures
            drop 1: Trap: `wait` `leaf`: 1 is none of this call's futures
            wait 4294967295: Trap: `wait` `leaf`: -1 is none of this call's futures
            drop 4294967295: Trap: `wait` `leaf`: -1 is none of this call's futures
            wait 2147483648: Trap: `wait` `leaf`: -2147483648 is none of this call's futures
            drop 2147483648: Trap: `wait` `leaf`: -2147483648 is none of this call's futures
            fork, wait 0: Trap: `wait` `leaf`: 0 is none of this call's futures
            fork, drop 0: Trap: `wait` `leaf`: 0 is none of this call's futures
            fork, wait 2: Trap: `wait` `leaf`: 2 is none of this call's futures
            fork, drop 2: Trap: `wait` `leaf`: 2 is none of this call's futures
            fork, wait 4294967295: Trap: `wait` `leaf`: -1 is none of this call's futures
            fork, drop 4294967295: Trap: `wait` `leaf`: -1 is none of this call's futures
            drop-twice: Trap: `wait` `leaf`: 1 was dropped
            wait-after-drop: Trap: `wait` `leaf`: 1 was dropped
        "#]]
        .assert_eq(&text);
    });
}

#[test]
fn numbers_of_futures_are_never_used_again_and_are_the_same_in_every_call() {
    each_executor(|exec| {
        let guest = loaded(exec, &numbers());
        for _ in 0..20 {
            assert_eq!(guest.fork("numbers", args![]).unwrap().wait().unwrap(), Value::U32(123));
        }
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| assert_eq!(guest.fork("numbers", args![]).unwrap().wait().unwrap(), Value::U32(123)));
            }
        });
    });
}

#[test]
fn a_future_of_another_function_traps() {
    let wat = r#"(component
        (import "fork" (instance $fork
            (export "a" (type $a (sub resource)))
            (export "[constructor]a" (func (result (own $a))))
            (export "[method]a.wait" (func (param "self" (borrow $a))))
            (export "b" (type $b (sub resource)))
            (export "[constructor]b" (func (result (own $b))))
            (export "[method]b.wait" (func (param "self" (borrow $b))))))
        (alias export $fork "a" (type $a))
        (core func $fork-a (canon lower (func $fork "[constructor]a")))
        (core func $wait-b (canon lower (func $fork "[method]b.wait")))
        (alias export $fork "b" (type $b))
        (core func $drop-b (canon resource.drop $b))
        (core module $m
            (import "" "fork-a" (func $fork-a (result i32)))
            (import "" "wait-b" (func $wait-b (param i32)))
            (import "" "drop-b" (func $drop-b (param i32)))
            (func (export "a")) (func (export "b"))
            (func (export "wait") (call $wait-b (call $fork-a)))
            (func (export "drop") (call $drop-b (call $fork-a))))
        (core instance $i (instantiate $m (with "" (instance
            (export "fork-a" (func $fork-a)) (export "wait-b" (func $wait-b)) (export "drop-b" (func $drop-b))))))
        (func (export "a") (canon lift (core func $i "a")))
        (func (export "b") (canon lift (core func $i "b")))
        (func (export "wait") (canon lift (core func $i "wait")))
        (func (export "drop") (canon lift (core func $i "drop"))))"#;
    each_executor(|exec| {
        let guest = loaded(exec, wat);
        expect!["Trap: `wait` `b`: 1 is of another function"].assert_eq(&failure(&guest, "wait", args![]));
        expect!["Trap: `wait` `b`: 1 is of another function"].assert_eq(&failure(&guest, "drop", args![]));
    });
}

/// A component with two resources of its own, whose destructors do `dtor`. It forks as well.
fn resources(dtor: &str) -> String {
    format!(
        r#"(component
            (import "fork" (instance $fork
                (export "leaf" (type $leaf (sub resource)))
                (export "[constructor]leaf" (func (result (own $leaf))))
                (export "[method]leaf.wait" (func (param "self" (borrow $leaf))))))
            (core func $fork-leaf (canon lower (func $fork "[constructor]leaf")))
            (core func $wait-leaf (canon lower (func $fork "[method]leaf.wait")))
            (core module $before
                (memory (export "memory") 1)
                (table (export "table") 1 funcref)
                (type $dtor (func (param i32)))
                (func (export "dtor") (param i32) (call_indirect (type $dtor) (local.get 0) (i32.const 0))))
            (core instance $before (instantiate $before))
            (type $r (resource (rep i32) (dtor (func $before "dtor"))))
            (type $plain (resource (rep i32)))
            (core func $new (canon resource.new $r))
            (core func $rep (canon resource.rep $r))
            (core func $drop (canon resource.drop $r))
            (core func $new-plain (canon resource.new $plain))
            (core func $drop-plain (canon resource.drop $plain))
            (core module $m
                (import "" "new" (func $new (param i32) (result i32)))
                (import "" "rep" (func $rep (param i32) (result i32)))
                (import "" "drop" (func $drop (param i32)))
                (import "" "new-plain" (func $new-plain (param i32) (result i32)))
                (import "" "drop-plain" (func $drop-plain (param i32)))
                (import "" "fork" (func $fork (result i32)))
                (import "" "wait" (func $wait (param i32)))
                (import "before" "table" (table 1 funcref))
                (import "before" "memory" (memory 1))
                (elem (i32.const 0) func $dtor)
                (func $dtor (param $rep i32) {dtor})
                (func (export "leaf"))
                ;; What was destroyed, as digits.
                (func $destroyed (result i32) (i32.load (i32.const 0)))
                (func (export "use") (result i32) (local $a i32) (local $b i32) (local $c i32)
                    (local.set $a (call $new (i32.const 7)))
                    (local.set $b (call $new (i32.const 8)))
                    (if (i32.ne (call $rep (local.get $a)) (i32.const 7)) (then (unreachable)))
                    (call $drop (local.get $a))
                    (local.set $c (call $new (i32.const 9)))
                    (if (i32.ne (call $rep (local.get $c)) (i32.const 9)) (then (unreachable)))
                    (if (i32.ne (call $rep (local.get $b)) (i32.const 8)) (then (unreachable)))
                    (call $drop (local.get $b))
                    (i32.add (i32.mul (call $destroyed) (i32.const 1000))
                        (i32.add (i32.mul (local.get $a) (i32.const 100))
                            (i32.add (i32.mul (local.get $b) (i32.const 10)) (local.get $c)))))
                (func (export "one") (result i32) (call $drop (call $new (i32.const 5))) (call $destroyed))
                (func (export "rep") (param i32) (result i32) (call $rep (local.get 0)))
                (func (export "drop") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 1))
                (func (export "drop-twice") (result i32) (local i32)
                    (local.set 0 (call $new (i32.const 5))) (call $drop (local.get 0)) (call $drop (local.get 0)) (i32.const 1))
                (func (export "rep-after-drop") (result i32) (local i32)
                    (local.set 0 (call $new (i32.const 5))) (call $drop (local.get 0)) (call $rep (local.get 0)))
                (func (export "rep-of-another") (result i32) (call $rep (call $new-plain (i32.const 5))))
                (func (export "drop-of-another") (result i32) (call $drop-plain (call $new (i32.const 5))) (i32.const 1))
                (func (export "rep-of-a-future") (result i32) (call $rep (call $fork)))
                (func (export "wait-for-a-handle") (result i32) (call $wait (call $new (i32.const 5))) (i32.const 1))
                (func (export "too-many") (result i32)
                    (loop $more (drop (call $new (i32.const 5))) (br $more)) (unreachable)))
            (core instance $i (instantiate $m (with "before" (instance $before)) (with "" (instance
                (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))
                (export "new-plain" (func $new-plain)) (export "drop-plain" (func $drop-plain))
                (export "fork" (func $fork-leaf)) (export "wait" (func $wait-leaf))))))
            (func (export "leaf") (canon lift (core func $i "leaf")))
            (func (export "use") (result u32) (canon lift (core func $i "use")))
            (func (export "one") (result u32) (canon lift (core func $i "one")))
            (func (export "rep") (param "n" u32) (result u32) (canon lift (core func $i "rep")))
            (func (export "drop") (param "n" u32) (result u32) (canon lift (core func $i "drop")))
            (func (export "drop-twice") (result u32) (canon lift (core func $i "drop-twice")))
            (func (export "rep-after-drop") (result u32) (canon lift (core func $i "rep-after-drop")))
            (func (export "rep-of-another") (result u32) (canon lift (core func $i "rep-of-another")))
            (func (export "drop-of-another") (result u32) (canon lift (core func $i "drop-of-another")))
            (func (export "rep-of-a-future") (result u32) (canon lift (core func $i "rep-of-a-future")))
            (func (export "wait-for-a-handle") (result u32) (canon lift (core func $i "wait-for-a-handle")))
            (func (export "too-many") (result u32) (canon lift (core func $i "too-many"))))"#
    )
}

/// Notes what was destroyed, digit by digit.
const NOTES: &str =
    "(i32.store (i32.const 0) (i32.add (i32.mul (i32.load (i32.const 0)) (i32.const 10)) (local.get $rep)))";

#[test]
fn handles_of_a_guests_own_resources_are_numbered_alike_in_every_call() {
    each_executor(|exec| {
        let guest = loaded(exec, &resources(NOTES));
        // Destroyed were 7 and 8; the handles were 1, 2, and 1 again.
        let used = || assert_eq!(guest.fork("use", args![]).unwrap().wait().unwrap(), Value::U32(78_121));
        (0..20).for_each(|_| used());
        thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(used))));
        assert_eq!(guest.fork("one", args![]).unwrap().wait().unwrap(), Value::U32(5));
    });
}

#[test]
fn a_number_that_is_no_handle_of_this_resource_traps() {
    each_executor(|exec| {
        let guest = loaded(exec, &resources(NOTES));
        let mut text = String::new();
        for n in [0, 1, 9, u32::MAX] {
            let _ = writeln!(text, "rep {n}: {}", failure(&guest, "rep", args![n]));
            let _ = writeln!(text, "drop {n}: {}", failure(&guest, "drop", args![n]));
        }
        for name in [
            "drop-twice",
            "rep-after-drop",
            "rep-of-another",
            "drop-of-another",
            "rep-of-a-future",
            "wait-for-a-handle",
            "too-many",
        ] {
            let _ = writeln!(text, "{name}: {}", failure(&guest, name, args![]));
        }
        expect![[r#"
            rep 0: Trap: 0 is no handle
            drop 0: Trap: 0 is no handle
            rep 1: Trap: 1 is no handle
            drop 1: Trap: 1 is no handle
            rep 9: Trap: 9 is no handle
            drop 9: Trap: 9 is no handle
            rep 4294967295: Trap: 4294967295 is no handle
            drop 4294967295: Trap: 4294967295 is no handle
            drop-twice: Trap: 1 is no handle
            rep-after-drop: Trap: 1 is no handle
            rep-of-another: Trap: handle 1 is of another resource
            drop-of-another: Trap: handle 1 is of another resource
            rep-of-a-future: Trap: 1 is no handle
            wait-for-a-handle: Trap: `wait` `leaf`: 1 is none of this call's futures
            too-many: Trap: the guest has more than 1048576 handles of its own resources
        "#]]
        .assert_eq(&text);
    });
}

#[test]
fn a_destructor_may_fail_fork_and_recurse() {
    each_executor_with(limits().fuel(20_000_000), |exec| {
        let mut text = String::new();
        for (what, dtor) in [
            ("traps", "(unreachable)"),
            ("never ends", "(loop $again (br $again))"),
            ("recurses", "(call $drop (call $new (local.get $rep)))"),
            ("drops what is being dropped", "(call $drop (i32.const 1))"),
            ("forks and waits", "(call $wait (call $fork)) (i32.store (i32.const 0) (i32.const 6))"),
            (
                "drops another",
                "(if (local.get $rep) (then (call $drop (call $new (i32.const 0))))) (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))",
            ),
        ] {
            let guest = loaded(exec, &resources(dtor));
            let _ = writeln!(text, "{what}: {}", failure(&guest, "one", args![]));
        }
        expect![[r#"
            traps: Trap: `one` trapped: wasm `unreachable` instruction executed
            never ends: OutOfFuel: `one` used up its fuel
            recurses: Trap: the guest has more than 64 destructors within each other
            drops what is being dropped: Trap: 1 is no handle
            forks and waits: = 6
            drops another: = 2
        "#]]
        .assert_eq(&text);
    });
}

/// In a guest that cannot fork, destructors run on the stack of the call.
#[test]
fn destructors_within_each_other_are_counted_where_nothing_forks_too() {
    let wat = |more: u32| {
        format!(
            r#"(component
                (core module $before (table (export "table") 1 funcref) (type $dtor (func (param i32)))
                    (func (export "dtor") (param i32) (call_indirect (type $dtor) (local.get 0) (i32.const 0))))
                (core instance $before (instantiate $before))
                (type $r (resource (rep i32) (dtor (func $before "dtor"))))
                (core func $new (canon resource.new $r))
                (core func $drop (canon resource.drop $r))
                (core module $m
                    (import "" "new" (func $new (param i32) (result i32)))
                    (import "" "drop" (func $drop (param i32)))
                    (import "before" "table" (table 1 funcref))
                    (elem (i32.const 0) func $dtor)
                    (global $count (mut i32) (i32.const 0))
                    (func $dtor (param i32)
                        (global.set $count (i32.add (global.get $count) (i32.const 1)))
                        (if (local.get 0) (then (call $drop (call $new (i32.sub (local.get 0) (i32.const 1)))))))
                    (func (export "go") (result i32)
                        (call $drop (call $new (i32.const {more}))) (call $drop (call $new (i32.const {more}))) (global.get $count)))
                (core instance $i (instantiate $m (with "before" (instance $before)) (with "" (instance
                    (export "new" (func $new)) (export "drop" (func $drop))))))
                (func (export "go") (result u32) (canon lift (core func $i "go"))))"#
        )
    };
    each_executor(|exec| {
        assert_eq!(failure(&loaded(exec, &wat(63)), "go", args![]), "= 128");
        expect!["Trap: the guest has more than 64 destructors within each other"].assert_eq(&failure(
            &loaded(exec, &wat(64)),
            "go",
            args![],
        ));
    });
}

/// Two components: the one called inner defines a resource, the outer one uses it. `inner` is the inner one's core code, with
/// `$new`, `$rep` and `$drop`; `outer` the outer one's, with `$make` (u32 → own), `$give` (own → u32), `$lend` (borrow →
/// u32), `$lend-twice` (borrow, borrow → u32), `$text` (string → string) and `$drop`.
fn nested(inner: &str, outer: &str, encoding: &str) -> String {
    format!(
        r#"(component
            (component $inner
                (core module $before
                    (memory (export "memory") 1)
                    (global $next (mut i32) (i32.const 1024))
                    (global (export "destroyed") (mut i32) (i32.const 0))
                    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                        (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 3))))
                    (func (export "dtor") (param i32) (global.set 1 (i32.add (i32.mul (global.get 1) (i32.const 10)) (local.get 0)))))
                (core instance $before (instantiate $before))
                (type $r' (resource (rep i32) (dtor (func $before "dtor"))))
                (export $r "r" (type $r'))
                (core func $new (canon resource.new $r'))
                (core func $rep (canon resource.rep $r'))
                (core func $drop (canon resource.drop $r'))
                (core module $m
                    (import "" "new" (func $new (param i32) (result i32)))
                    (import "" "rep" (func $rep (param i32) (result i32)))
                    (import "" "drop" (func $drop (param i32)))
                    (import "before" "memory" (memory 1))
                    (import "before" "destroyed" (global $destroyed (mut i32)))
                    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
                    (func (export "destroyed") (result i32) (global.get $destroyed))
                    (func (export "text") (param i32 i32) (result i32)
                        (i32.store8 (local.get 0) (i32.const 33))
                        (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
                    {inner})
                (core instance $i (instantiate $m (with "before" (instance $before)) (with "" (instance
                    (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
                (func (export "make") (param "rep" u32) (result (own $r)) (canon lift (core func $i "make")))
                (func (export "give") (param "x" (own $r)) (result u32) (canon lift (core func $i "give")))
                (func (export "lend") (param "x" (borrow $r)) (result u32) (canon lift (core func $i "lend")))
                (func (export "lend-twice") (param "x" (borrow $r)) (param "y" (borrow $r)) (result u32) (canon lift (core func $i "lend-twice")))
                (func (export "destroyed") (result u32) (canon lift (core func $i "destroyed")))
                (func (export "text") (param "x" string) (result string)
                    (canon lift (core func $i "text") (memory $before "memory") (realloc (func $before "realloc")) string-encoding={encoding})))
            (instance $inner (instantiate $inner))
            (component $outer
            (import "inner" (instance $inner
                (export "r" (type $r (sub resource)))
                (export "make" (func (param "rep" u32) (result (own $r))))
                (export "give" (func (param "x" (own $r)) (result u32)))
                (export "lend" (func (param "x" (borrow $r)) (result u32)))
                (export "lend-twice" (func (param "x" (borrow $r)) (param "y" (borrow $r)) (result u32)))
                (export "destroyed" (func (result u32)))
                (export "text" (func (param "x" string) (result string)))))
            (alias export $inner "r" (type $r))
            (core module $libc
                (memory (export "memory") 1)
                (global $next (mut i32) (i32.const 1024))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                    (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 3)))))
            (core instance $libc (instantiate $libc))
            (core func $make (canon lower (func $inner "make")))
            (core func $give (canon lower (func $inner "give")))
            (core func $lend (canon lower (func $inner "lend")))
            (core func $lend-twice (canon lower (func $inner "lend-twice")))
            (core func $destroyed (canon lower (func $inner "destroyed")))
            (core func $text (canon lower (func $inner "text") (memory $libc "memory") (realloc (func $libc "realloc"))))
            (core func $drop (canon resource.drop $r))
            (core module $m
                (import "" "make" (func $make (param i32) (result i32)))
                (import "" "give" (func $give (param i32) (result i32)))
                (import "" "lend" (func $lend (param i32) (result i32)))
                (import "" "lend-twice" (func $lend-twice (param i32 i32) (result i32)))
                (import "" "destroyed" (func $destroyed (result i32)))
                (import "" "text" (func $text (param i32 i32 i32)))
                (import "" "drop" (func $drop (param i32)))
                (import "libc" "memory" (memory 1))
                (func (export "text") (param i32 i32) (result i32) (call $text (local.get 0) (local.get 1) (i32.const 16)) (i32.const 16))
                {outer})
            (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance
                (export "make" (func $make)) (export "give" (func $give)) (export "lend" (func $lend))
                (export "lend-twice" (func $lend-twice)) (export "destroyed" (func $destroyed))
                (export "text" (func $text)) (export "drop" (func $drop))))))
            (func (export "go") (result u32) (canon lift (core func $i "go")))
            (func (export "text") (param "x" string) (result string)
                (canon lift (core func $i "text") (memory $libc "memory") (realloc (func $libc "realloc")))))
            (instance $outer (instantiate $outer (with "inner" (instance $inner))))
            (export "go" (func $outer "go"))
            (export "text" (func $outer "text")))"#
    )
}

/// What the inner component does with what it is given, as it should be.
const PROPER: &str = r#"(func (export "give") (param i32) (result i32) (call $rep (local.get 0)) (call $drop (local.get 0)))
    (func (export "lend") (param i32) (result i32) (local.get 0))
    (func (export "lend-twice") (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 10)) (local.get 1)))"#;

#[test]
fn components_inside_of_a_component_pass_handles_and_text() {
    each_executor(|exec| {
        // 7 is lent, twice at once, given away, and destroyed by the inner one; 8 is destroyed by the outer one.
        let guest = loaded(
            exec,
            &nested(
                PROPER,
                r#"(func (export "go") (result i32) (local $a i32) (local $b i32) (local $sum i32)
                    (local.set $a (call $make (i32.const 7)))
                    (local.set $b (call $make (i32.const 8)))
                    (if (i32.ne (call $lend (local.get $a)) (i32.const 7)) (then (unreachable)))
                    (if (i32.ne (call $lend-twice (local.get $b) (local.get $b)) (i32.const 88)) (then (unreachable)))
                    (if (i32.ne (call $give (local.get $a)) (i32.const 7)) (then (unreachable)))
                    (call $drop (local.get $b))
                    (i32.add (i32.mul (call $destroyed) (i32.const 100))
                        (i32.add (i32.mul (local.get $a) (i32.const 10)) (local.get $b))))"#,
                "utf8",
            ),
        );
        for _ in 0..5 {
            assert_eq!(guest.fork("go", args![]).unwrap().wait().unwrap(), Value::U32(7812));
            assert_eq!(guest.fork("text", args!["xäöü 𝄞"]).unwrap().wait().unwrap(), Value::from("!äöü 𝄞"));
            // The first byte alone is overwritten.
            let broken = "Trap: one component of the guest gave another a string that is not valid UTF-8";
            assert_eq!(failure(&guest, "text", args!["é"]), broken);
        }
    });
}

#[test]
fn components_inside_of_a_component_that_break_the_rules_trap() {
    let forgets = r#"(func (export "give") (param i32) (result i32) (i32.const 0))
        (func (export "lend") (param i32) (result i32) (i32.const 0))
        (func (export "lend-twice") (param i32 i32) (result i32) (i32.const 0))"#;
    let go = |body: &str| format!(r#"(func (export "go") (result i32) (local $a i32) {body})"#);
    let cases = [
        (
            "gives what it gave",
            PROPER,
            go(
                "(local.set $a (call $make (i32.const 7))) (drop (call $give (local.get $a))) (call $give (local.get $a))",
            ),
        ),
        (
            "lends what it gave",
            PROPER,
            go(
                "(local.set $a (call $make (i32.const 7))) (drop (call $give (local.get $a))) (call $lend (local.get $a))",
            ),
        ),
        (
            "drops what it gave",
            PROPER,
            go(
                "(local.set $a (call $make (i32.const 7))) (drop (call $give (local.get $a))) (call $drop (local.get $a)) (i32.const 0)",
            ),
        ),
        ("lends what it never had", PROPER, go("(call $lend (i32.const 3))")),
        ("gives what it never had", PROPER, go("(call $give (i32.const 0))")),
        (
            "drops another's handle",
            PROPER,
            go("(drop (call $make (i32.const 7))) (call $drop (i32.const 7)) (i32.const 0)"),
        ),
        (
            "keeps what it was given",
            forgets,
            go("(local.set $a (call $make (i32.const 7))) (call $give (local.get $a))"),
        ),
    ];
    each_executor(|exec| {
        let mut text = String::new();
        for (what, inner, outer) in &cases {
            let guest = loaded(exec, &nested(inner, outer, "utf8"));
            let _ = writeln!(text, "{what}: {}", failure(&guest, "go", args![]));
        }
        expect![[r#"
            gives what it gave: Trap: 1 is no handle
            lends what it gave: Trap: 1 is no handle
            drops what it gave: Trap: 1 is no handle
            lends what it never had: Trap: 3 is no handle
            gives what it never had: Trap: 0 is no handle
            drops another's handle: Trap: 7 is no handle
            keeps what it was given: = 0
        "#]]
        .assert_eq(&text);
        expect![[r#"
            the guest cannot be shown to be pure, for 1 reason
              has strings that one of its components encodes in another way than UTF-8; build it without"#]]
        .assert_eq(&refusal(exec, &nested(PROPER, &go("(i32.const 0)"), "utf16")));
    });
}

/// A component that is lent a handle of another's resource, and one between them that makes them.
fn lent(user: &str) -> String {
    format!(
        r#"(component
            (component $maker
                (type $r' (resource (rep i32)))
                (export $r "r" (type $r'))
                (core func $new (canon resource.new $r'))
                (core module $m (import "" "new" (func $new (param i32) (result i32)))
                    (func (export "make") (result i32) (call $new (i32.const 7)))
                    (func (export "rep") (param i32) (result i32) (local.get 0)))
                (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
                (func (export "make") (result (own $r)) (canon lift (core func $i "make")))
                (func (export "rep") (param "x" (borrow $r)) (result u32) (canon lift (core func $i "rep"))))
            (instance $maker (instantiate $maker))
            (component $user
                (import "maker" (instance $maker
                    (export "r" (type $r (sub resource)))
                    (export "rep" (func (param "x" (borrow $r)) (result u32)))))
                (alias export $maker "r" (type $r))
                (core func $rep (canon lower (func $maker "rep")))
                (core func $drop (canon resource.drop $r))
                (core module $m
                    (import "" "rep" (func $rep (param i32) (result i32)))
                    (import "" "drop" (func $drop (param i32)))
                    (func (export "use") (param $x i32) (result i32) {user}))
                (core instance $i (instantiate $m (with "" (instance (export "rep" (func $rep)) (export "drop" (func $drop))))))
                (func (export "use") (param "x" (borrow $r)) (result u32) (canon lift (core func $i "use"))))
            (instance $user (instantiate $user (with "maker" (instance $maker))))
            (component $top
            (import "maker" (instance $maker
                (export "r" (type $r (sub resource)))
                (export "make" (func (result (own $r))))))
            (alias export $maker "r" (type $r))
            (import "use" (func $use' (param "x" (borrow $r)) (result u32)))
            (core func $make (canon lower (func $maker "make")))
            (core func $use (canon lower (func $use')))
            (core func $drop (canon resource.drop $r))
            (core module $m
                (import "" "make" (func $make (result i32)))
                (import "" "use" (func $use (param i32) (result i32)))
                (import "" "drop" (func $drop (param i32)))
                (func (export "go") (result i32) (local $a i32) (local $result i32)
                    (drop (call $make))
                    (local.set $a (call $make))
                    (local.set $result (call $use (local.get $a)))
                    (local.set $result (i32.add (i32.mul (local.get $result) (i32.const 10)) (call $use (local.get $a))))
                    (call $drop (local.get $a))
                    (local.get $result)))
            (core instance $i (instantiate $m (with "" (instance
                (export "make" (func $make)) (export "use" (func $use)) (export "drop" (func $drop))))))
            (func (export "go") (result u32) (canon lift (core func $i "go"))))
            (instance $top (instantiate $top (with "maker" (instance $maker)) (with "use" (func $user "use"))))
            (export "go" (func $top "go")))"#
    )
}

#[test]
fn what_is_lent_has_to_be_dropped_before_the_call_returns() {
    each_executor(|exec| {
        let mut text = String::new();
        for (what, user) in [
            ("proper", "(call $rep (local.get $x)) (call $drop (local.get $x))"),
            ("its number", "(call $drop (local.get $x)) (local.get $x)"),
            ("forgets", "(call $rep (local.get $x))"),
            ("drops twice", "(call $drop (local.get $x)) (call $drop (local.get $x)) (i32.const 0)"),
            ("uses after drop", "(call $drop (local.get $x)) (call $rep (local.get $x))"),
        ] {
            let _ = writeln!(text, "{what}: {}", failure(&loaded(exec, &lent(user)), "go", args![]));
        }
        expect![[r#"
            proper: = 77
            its number: = 11
            forgets: Trap: a component returned without dropping what it had borrowed
            drops twice: Trap: 1 is no handle
            uses after drop: Trap: 1 is no handle
        "#]]
        .assert_eq(&text);
    });
}

/// The rule that holds for calls of the host's holds between components: whoever makes room for text, or frees it, does
/// not fork.
#[test]
fn a_component_does_not_fork_while_another_has_it_make_room() {
    let wat = |realloc: &str, post: &str| {
        format!(
            r#"(component
                (import "fork" (instance $fork
                    (export "leaf" (type $leaf (sub resource)))
                    (export "[constructor]leaf" (func (result (own $leaf))))
                    (export "[method]leaf.wait" (func (param "self" (borrow $leaf))))))
                (component $inner
                    (import "fork" (instance $fork
                        (export "leaf" (type $leaf (sub resource)))
                        (export "[constructor]leaf" (func (result (own $leaf))))
                        (export "[method]leaf.wait" (func (param "self" (borrow $leaf))))))
                    (alias export $fork "leaf" (type $leaf))
                    (type $own (resource (rep i32)))
                    (core func $new (canon resource.new $own))
                    (core func $fork-leaf (canon lower (func $fork "[constructor]leaf")))
                    (core func $wait-leaf (canon lower (func $fork "[method]leaf.wait")))
                    (core func $drop-leaf (canon resource.drop $leaf))
                    (core module $m
                        (import "" "fork" (func $fork (result i32)))
                        (import "" "wait" (func $wait (param i32)))
                        (import "" "drop" (func $drop (param i32)))
                        (import "" "new" (func $new (param i32) (result i32)))
                        (memory (export "memory") 1)
                        (func (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc} (i32.const 64))
                        (func (export "post") (param i32) {post})
                        (func (export "f") (param i32 i32) (result i32)
                            (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))
                    (core instance $i (instantiate $m (with "" (instance
                        (export "fork" (func $fork-leaf)) (export "wait" (func $wait-leaf)) (export "drop" (func $drop-leaf))
                        (export "new" (func $new))))))
                    (func (export "f") (param "x" string) (result string) (canon lift (core func $i "f")
                        (memory $i "memory") (realloc (func $i "realloc")) (post-return (func $i "post")))))
                (instance $inner (instantiate $inner (with "fork" (instance $fork))))
                (component $outer
                (import "f" (func $f' (param "x" string) (result string)))
                (core module $libc (memory (export "memory") 1)
                    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
                (core instance $libc (instantiate $libc))
                (core func $f (canon lower (func $f') (memory $libc "memory") (realloc (func $libc "realloc"))))
                (core module $m
                    (import "" "f" (func $f (param i32 i32 i32)))
                    (import "libc" "memory" (memory 1))
                    (func (export "leaf"))
                    (func (export "go") (result i32) (call $f (i32.const 32) (i32.const 3) (i32.const 16)) (i32.load (i32.const 20))))
                (core instance $i (instantiate $m (with "" (instance (export "f" (func $f)))) (with "libc" (instance $libc))))
                (func (export "leaf") (canon lift (core func $i "leaf")))
                (func (export "go") (result u32) (canon lift (core func $i "go"))))
                (instance $outer (instantiate $outer (with "f" (func $inner "f"))))
                (export "leaf" (func $outer "leaf"))
                (export "go" (func $outer "go")))"#
        )
    };
    each_executor(|exec| {
        let mut text = String::new();
        for (what, realloc, post) in [
            ("proper", "", ""),
            ("realloc forks", "(drop (call $fork))", ""),
            ("realloc waits", "(call $wait (i32.const 1))", ""),
            ("realloc drops", "(call $drop (i32.const 1))", ""),
            ("realloc makes a handle", "(drop (call $new (i32.const 1)))", ""),
        ] {
            let _ = writeln!(text, "{what}: {}", failure(&loaded(exec, &wat(realloc, post)), "go", args![]));
        }
        expect![[r#"
            proper: = 3
            realloc forks: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            realloc waits: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            realloc drops: Trap: `wait` `leaf`: 1 is none of this call's futures
            realloc makes a handle: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
        "#]]
        .assert_eq(&text);
    });
}

/// A future may be lent to another component, which drops what it was lent, as it has to; the future stays.
#[test]
fn a_future_that_was_lent_to_another_component_can_still_be_waited_for() {
    let _watchdog = Watchdog::new();
    let wat = r#"(component
        (import "fork" (instance $fork
            (export "leaf" (type $leaf (sub resource)))
            (export "[constructor]leaf" (func (result (own $leaf))))
            (export "[method]leaf.wait" (func (param "self" (borrow $leaf)) (result u32)))))
        (alias export $fork "leaf" (type $leaf))
        (component $inner
            (import "fork" (instance $fork
                (export "leaf" (type $leaf (sub resource)))
                (export "[method]leaf.wait" (func (param "self" (borrow $leaf)) (result u32)))))
            (alias export $fork "leaf" (type $leaf))
            (core func $wait-leaf (canon lower (func $fork "[method]leaf.wait")))
            (core func $drop-leaf (canon resource.drop $leaf))
            (core module $m
                (import "" "wait" (func $wait (param i32) (result i32)))
                (import "" "drop" (func $drop (param i32)))
                (func (export "lend") (param i32) (result i32) (call $wait (local.get 0)) (call $drop (local.get 0)))
                (func (export "give") (param i32) (result i32) (call $wait (local.get 0)) (call $drop (local.get 0))))
            (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait-leaf)) (export "drop" (func $drop-leaf))))))
            (func (export "lend") (param "x" (borrow $leaf)) (result u32) (canon lift (core func $i "lend")))
            (func (export "give") (param "x" (own $leaf)) (result u32) (canon lift (core func $i "give"))))
        (instance $inner (instantiate $inner (with "fork" (instance $fork))))
        (component $outer
        (import "fork" (instance $fork
            (export "leaf" (type $leaf (sub resource)))
            (export "[constructor]leaf" (func (result (own $leaf))))
            (export "[method]leaf.wait" (func (param "self" (borrow $leaf)) (result u32)))))
        (alias export $fork "leaf" (type $leaf))
        (import "lend" (func $lend' (param "x" (borrow $leaf)) (result u32)))
        (import "give" (func $give' (param "x" (own $leaf)) (result u32)))
        (core func $fork-leaf (canon lower (func $fork "[constructor]leaf")))
        (core func $wait-leaf (canon lower (func $fork "[method]leaf.wait")))
        (core func $lend (canon lower (func $lend')))
        (core func $give (canon lower (func $give')))
        (core module $m
            (import "" "fork" (func $fork (result i32)))
            (import "" "wait" (func $wait (param i32) (result i32)))
            (import "" "lend" (func $lend (param i32) (result i32)))
            (import "" "give" (func $give (param i32) (result i32)))
            (func (export "leaf") (result i32) (i32.const 3))
            (func (export "given") (result i32) (call $give (call $fork)))
            (func (export "given-twice") (result i32) (local i32)
                (local.set 0 (call $fork)) (drop (call $give (local.get 0))) (call $give (local.get 0)))
            (func (export "lent") (result i32) (local i32)
                (local.set 0 (call $fork)) (drop (call $lend (local.get 0))) (call $wait (local.get 0))))
        (core instance $i (instantiate $m (with "" (instance
            (export "fork" (func $fork-leaf)) (export "wait" (func $wait-leaf))
            (export "lend" (func $lend)) (export "give" (func $give))))))
        (func (export "leaf") (result u32) (canon lift (core func $i "leaf")))
        (func (export "given") (result u32) (canon lift (core func $i "given")))
        (func (export "given-twice") (result u32) (canon lift (core func $i "given-twice")))
        (func (export "lent") (result u32) (canon lift (core func $i "lent"))))
        (instance $outer (instantiate $outer (with "fork" (instance $fork))
            (with "lend" (func $inner "lend")) (with "give" (func $inner "give"))))
        (export "leaf" (func $outer "leaf"))
        (export "given" (func $outer "given"))
        (export "given-twice" (func $outer "given-twice"))
        (export "lent" (func $outer "lent")))"#;
    for mode in MODES {
        let exec = mode.executor();
        let guest = loaded(&exec, wat);
        assert_eq!(failure(&guest, "given", args![]), "= 3");
        assert_eq!(failure(&guest, "given-twice", args![]), "Trap: `wait` `leaf`: 1 was dropped");
        assert_eq!(failure(&guest, "lent", args![]), "= 3");
    }
}
