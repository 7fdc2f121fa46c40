//! Modules that fork each other's functions, round and round.

use expect_test::{Expect, expect};
use purefork::{ErrorKind, Executor, Limits, Module, Result, Value, args};
use purefork_tests::guests::FIB;
use purefork_tests::{Mode, Watchdog, assert_kind, describe, each_executor, each_executor_with, error, limits, loaded};
use std::fmt::Debug;

fn check<T: Debug>(result: Result<T>, kind: ErrorKind, expected: Expect) {
    let error = error(result);
    assert_eq!(error.kind(), kind, "{error:?}");
    expected.assert_eq(&error.to_string());
}

/// A function `own` that counts down by forking `other`, and gives `at_end` in the end; it writes to memory.
fn step(exec: &Executor, own: &str, other: &str, at_end: i32) -> Module {
    loaded(
        exec,
        &format!(
            r#"(module
                (import "fork" "{other}" (func $fork (param i32) (result i32)))
                (import "wait" "{other}" (func $wait (param i32) (result i32)))
                (memory 1)
                (func (export "{own}") (param $n i32) (result i32)
                    (if (i32.load (i32.const 0)) (then (unreachable)))
                    (i32.store (i32.const 0) (local.get $n))
                    (if (i32.eqz (local.get $n)) (then (return (i32.const {at_end}))))
                    (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1))))))"#
        ),
    )
}

fn pair(exec: &Executor) -> Result<Vec<Module>> {
    Module::link_together(&[("evens", &step(exec, "even", "odd", 1)), ("odds", &step(exec, "odd", "even", 0))])
}

#[test]
fn two_modules_fork_each_others_functions() {
    each_executor(|exec| {
        let pair = pair(exec).unwrap();
        for n in [0, 1, 2, 7, 40] {
            let even = pair[0].fork("even", args![n]).unwrap();
            let odd = pair[1].function::<(i32,), i32>("odd").unwrap().fork((n,));
            assert_eq!(even.wait().unwrap(), Value::I32(i32::from(n % 2 == 0)));
            assert_eq!(odd.wait().unwrap(), i32::from(n % 2 == 1));
            assert_eq!(even.usage().unwrap().forks, n as u64);
        }
    });
}

#[test]
fn a_ring_of_three_goes_round() {
    each_executor(|exec| {
        let ring = [("a", "b", 0), ("b", "c", 1), ("c", "a", 2)].map(|(own, other, end)| step(exec, own, other, end));
        let ring = Module::link_together(&[("x", &ring[0]), ("y", &ring[1]), ("z", &ring[2])]).unwrap();
        for (module, first) in ring.iter().zip(["a", "b", "c"]) {
            let found = module.fork(first, args![30]).unwrap().wait().unwrap();
            let end = "abc".find(first).unwrap() as i32;
            assert_eq!(found, Value::I32(end));
        }
    });
}

/// What a guest gives is the same with one thread, with several and with none, however the tree grows.
#[test]
fn a_tree_over_two_modules_grows_on_many_threads() {
    let half = |exec: &Executor, own: &str, other: &str| {
        loaded(
            exec,
            &FIB.replace(r#""fork" "fib""#, &format!(r#""fork" "{other}""#))
                .replace(r#""wait" "fib""#, &format!(r#""wait" "{other}""#))
                .replace(r#"(export "fib")"#, &format!(r#"(export "{own}")"#)),
        )
    };
    each_executor(|exec| {
        let (a, b) = (half(exec, "fib-a", "fib-b"), half(exec, "fib-b", "fib-a"));
        let linked = Module::link_together(&[("a", &a), ("b", &b)]).unwrap();
        let future = linked[0].fork("fib-a", args![16]).unwrap();
        assert_eq!(future.wait().unwrap(), Value::I64(987));
        assert_eq!(future.usage().unwrap().forks, 3192);
    });
}

#[test]
fn going_round_for_ever_ends_at_the_depth_limit() {
    each_executor_with(limits().depth(2), |exec| {
        let pair = pair(exec).unwrap();
        let (future, line) = (pair[0].fork("even", args![-1]).unwrap(), line!());
        expect![[r#"
            TooDeep, final
            text: `odd` was forked more than 2 levels deep
              3 forks below `even`, forked at HERE; raise `Limits::depth` (`--depth`) if it is meant to nest that deeply
            site: fork #1 of its parent
            chain: odd (fork #1 of its parent) < even (fork #1 of its parent) < odd (fork #1 of its parent) < even (HERE)
        "#]].assert_eq(&describe(&error(future.wait()), file!(), line));
    });
}

/// Modules stay as they were; what is linked is another one.
#[test]
fn linking_changes_nobody() {
    each_executor(|exec| {
        let (even, odd) = (step(exec, "even", "odd", 1), step(exec, "odd", "even", 0));
        let once = even.link("odds", &odd).unwrap();
        let both = Module::link_together(&[("evens", &even), ("odds", &odd)]).unwrap();
        for (module, name) in [(&even, "even"), (&odd, "odd"), (&once, "even")] {
            assert_kind(module.fork(name, args![4]), ErrorKind::Link);
        }
        // One of a pair can be linked to others like any module, and sees its partner as it was.
        let user = loaded(
            exec,
            r#"(module
                (import "fork" "even" (func $fork (param i32) (result i32)))
                (import "wait" "even" (func $wait (param i32) (result i32)))
                (func (export "go") (result i32) (call $wait (call $fork (i32.const 6)))))"#,
        );
        let user = user.link("pair", &both[0]).unwrap();
        assert_eq!(user.fork("go", args![]).unwrap().wait().unwrap(), Value::I32(1));
        let more = both[0].link("fib", &loaded(exec, FIB)).unwrap();
        drop(both);
        assert_eq!(more.fork("even", args![5]).unwrap().wait().unwrap(), Value::I32(0));
    });
}

/// A pair that needs a third, which needs a fourth: what is linked one way and what is linked both ways go together.
#[test]
fn a_pair_may_be_linked_to_others_before() {
    each_executor(|exec| {
        let last = loaded(exec, r#"(module (func (export "d") (param i32) (result i32) (i32.const 9)))"#);
        let third = step(exec, "c", "d", 0).link("last", &last).unwrap();
        let (a, b) = (step(exec, "a", "b", 1), step(exec, "b", "c", 2).link("third", &third).unwrap());
        let linked = Module::link_together(&[("a", &a), ("b", &b)]).unwrap();
        assert_eq!(linked[0].fork("a", args![3]).unwrap().wait().unwrap(), Value::I32(9));
    });
}

#[test]
fn an_executor_does_what_it_was_told_before_it_ends_in_a_ring() {
    let _watchdog = Watchdog::new();
    let exec = Mode::Threads(2).with(Limits::default());
    let pair = pair(&exec).unwrap();
    let futures: Vec<_> = (0..50).map(|n| pair[n % 2].fork(["even", "odd"][n % 2], args![20]).unwrap()).collect();
    drop(exec);
    for (n, future) in futures.iter().enumerate() {
        assert_eq!(future.wait().unwrap(), Value::I32(i32::from(n % 2 == 0)));
    }
    assert_kind(pair[0].fork("even", args![2]).unwrap().wait(), ErrorKind::Cancelled);
}

/// The state of one is frozen; the other sees it as it was, and it sees the other.
#[test]
fn one_of_a_pair_may_be_preinitialised() {
    each_executor(|exec| {
        let counter = loaded(
            exec,
            r#"(module
                (import "fork" "odd" (func $fork (param i32) (result i32)))
                (import "wait" "odd" (func $wait (param i32) (result i32)))
                (global $at_end (mut i32) (i32.const 1))
                (func (export "load") (param i32)
                    (global.set $at_end (i32.mul (local.get 0) (call $wait (call $fork (i32.const 0))))))
                (func (export "even") (param $n i32) (result i32)
                    (if (i32.eqz (local.get $n)) (then (return (global.get $at_end))))
                    (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1))))))"#,
        );
        let pair = Module::link_together(&[("evens", &counter), ("odds", &step(exec, "odd", "even", 2))]).unwrap();
        let ready = pair[0].preinit("load", args![21]).unwrap();
        assert_eq!(ready.fork("even", args![0]).unwrap().wait().unwrap(), Value::I32(42));
        assert_eq!(
            ready.fork("even", args![2]).unwrap().wait().unwrap(),
            Value::I32(1),
            "the other's partner is as it was"
        );
        let again = exec.load_bytes(ready.bytes().unwrap()).unwrap();
        let pair = Module::link_together(&[("evens", &again), ("odds", &step(exec, "odd", "even", 2))]).unwrap();
        assert_eq!(pair[0].fork("even", args![2]).unwrap().wait().unwrap(), Value::I32(42));
    });
}

#[test]
fn what_is_missing_to_one_of_a_ring_is_missing_to_all_that_fork_it() {
    each_executor(|exec| {
        let (a, b, c) = (step(exec, "a", "b", 0), step(exec, "b", "c", 0), step(exec, "c", "d", 0));
        let linked = Module::link_together(&[("a", &a), ("b", &b), ("c", &c)]).unwrap();
        for (module, name) in linked.iter().zip(["a", "b", "c"]) {
            check(
                module.fork(name, args![0]),
                ErrorKind::Link,
                expect![[r#"
                    nothing provides `d`, which the module forks as (i32) -> (i32)
                      export `d`, or link a module that does (`Module::link`, `--link`)"#]],
            );
        }
    });
}

#[test]
fn a_name_that_two_of_a_ring_provide_is_told_with_who_forks_it() {
    each_executor(|exec| {
        let (even, odd) = (step(exec, "even", "odd", 1), step(exec, "odd", "even", 0));
        check(
            Module::link_together(&[("x", &even), ("y", &odd), ("z", &odd)]),
            ErrorKind::Link,
            expect![[r#"
                in `x`, `fork` `odd` is provided by `y` and `z`
                  import it as `y#odd` to say which"#]],
        );
        for names in [["one", "one"], ["self", "two"], ["one", "self"]] {
            let linked = Module::link_together(&[(names[0], &even), (names[1], &odd)]);
            let name = if names[0] == "one" { names[1] } else { "self" };
            assert_eq!(linked.unwrap_err().message(), format!("`{name}` is linked already"));
        }
        let before = even.link("odds", &odd).unwrap();
        check(
            Module::link_together(&[("evens", &before), ("odds", &odd)]),
            ErrorKind::Link,
            expect![[r#"
                `odds` is linked already
                  link it under another name"#]],
        );
    });
}

#[test]
fn a_function_of_another_type_in_a_ring_is_told_with_who_forks_it() {
    each_executor(|exec| {
        let even = step(exec, "even", "odd", 1);
        let odd = loaded(
            exec,
            r#"(module (import "fork" "even" (func (param i32) (result i32)))
                (func (export "odd") (param i64) (result i32) (i32.const 0)))"#,
        );
        check(
            Module::link_together(&[("evens", &even), ("odds", &odd)]),
            ErrorKind::Link,
            expect![[r#"
                in `evens`, `odd` is (i64) -> (i32), but it is imported as (i32) -> (i32)
                  `fork` takes the function's parameters and gives an i32, `wait` takes that and gives its results"#]],
        );
    });
}

/// Two that each fork a function of their own are no reason for a quarrel.
#[test]
fn what_forks_its_own_functions_alone_is_given_no_others() {
    each_executor(|exec| {
        let fib = loaded(exec, FIB);
        let user = loaded(
            exec,
            r#"(module
                (import "fork" "one#fib" (func $fork (param i32) (result i32)))
                (import "wait" "one#fib" (func $wait (param i32) (result i64)))
                (func (export "go") (result i64) (call $wait (call $fork (i32.const 10)))))"#,
        );
        let linked = Module::link_together(&[("user", &user), ("one", &fib), ("two", &fib)]).unwrap();
        assert_eq!(linked[0].fork("go", args![]).unwrap().wait().unwrap(), Value::I64(55));
        assert_eq!(linked[2].fork("fib", args![10]).unwrap().wait().unwrap(), Value::I64(55));
        assert!(Module::link_together(&[]).unwrap().is_empty());
        let alone = Module::link_together(&[("fib", &fib)]).unwrap();
        assert_eq!(alone[0].fork("fib", args![10]).unwrap().wait().unwrap(), Value::I64(55));
    });
}

#[test]
fn modules_of_two_executors_make_no_ring() {
    each_executor(|exec| {
        let elsewhere = Mode::Threads(1).executor();
        let (even, odd) = (step(exec, "even", "odd", 1), step(&elsewhere, "odd", "even", 0));
        check(
            Module::link_together(&[("evens", &even), ("odds", &odd)]),
            ErrorKind::Invalid,
            expect![[r#"
                expected a module of the same executor to link
                  load both with one executor"#]],
        );
    });
}
