//! Calls with one key at the same time.

use super::{FIB, called, counts, with_limits, with_memo};
use purefork::{ErrorKind, Executor, Memo, Module, Value, args, wait_all};
use purefork_tests::{Mode, Watchdog, error, limits, loaded};
use std::sync::mpsc;

/// Counts down from its argument, so that it runs for as long as is wanted.
const SLOW: &str = r#"(module
    (func (export "slow") (param $n i64) (result i64)
        (loop $more
            (local.set $n (i64.sub (local.get $n) (i64.const 1)))
            (br_if $more (i64.gt_s (local.get $n) (i64.const 0))))
        (local.get $n))
    (func (export "spin") (param i32) (result i32) (loop $again (br $again)) unreachable))"#;

#[test]
fn calls_with_one_key_run_once() {
    let _watchdog = Watchdog::new();
    let exec = with_memo(Mode::Threads(2), &Memo::in_memory());
    let module = loaded(&exec, SLOW);
    let futures: Vec<_> = (0..1000).map(|_| module.fork("slow", args![1_000_000i64]).unwrap()).collect();
    assert_eq!(wait_all(futures.clone()).unwrap().len(), 1000);
    let usages = || futures.iter().map(|future| future.usage().unwrap());
    assert_eq!(usages().map(|usage| usage.memo_misses).sum::<u64>(), 1);
    assert_eq!(usages().map(|usage| usage.memo_hits).sum::<u64>(), 999);
    assert_eq!(usages().filter(|usage| usage.fuel > 0).count(), 1);
}

/// Keeps the only worker of an executor busy until the sender is dropped.
fn busy(exec: &Executor) -> mpsc::Sender<()> {
    let (sender, receiver) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel();
    let (promise, argument) = purefork::promise::<i64>();
    // It follows a call that cannot have ended yet. One that has would run it here, and nobody would be left to let it go.
    loaded(exec, SLOW).function::<(i64,), i64>("slow").unwrap().fork((argument,)).on_done(move |_| {
        began.send(()).unwrap();
        receiver.recv().unwrap_err();
    });
    promise.set(1).unwrap();
    begun.recv().unwrap();
    sender
}

#[test]
fn the_second_is_not_cancelled_with_the_first_nor_the_first_with_the_second() {
    let _watchdog = Watchdog::new();
    let exec = with_memo(Mode::Threads(1), &Memo::in_memory());
    let module = loaded(&exec, SLOW);
    let go = busy(&exec);
    let fork = || module.fork("slow", args![7i64]).unwrap();
    let (first, second, third) = (fork(), fork(), fork());
    assert!(first.cancel());
    assert!(third.cancel());
    drop(go);
    assert_eq!(second.wait().unwrap(), Value::I64(0));
    assert_eq!(counts(second.usage().unwrap()).3, 1);
    assert_eq!(error(first.wait()).kind(), ErrorKind::Cancelled);
    assert_eq!(error(third.wait()).kind(), ErrorKind::Cancelled);
    assert_eq!(called(&module, "slow", args![7i64]).1.memo_hits, 1);
}

#[test]
fn a_running_first_that_is_cancelled_leaves_the_call_to_the_second() {
    let _watchdog = Watchdog::new();
    for threads in [1, 2] {
        let exec = with_memo(Mode::Threads(threads), &Memo::in_memory());
        let module = loaded(&exec, SLOW);
        let futures: Vec<_> = (0..3).map(|_| module.fork("spin", args![1]).unwrap()).collect();
        for future in futures {
            // Each in turn is the one that runs.
            assert!(future.cancel());
            assert_eq!(error(future.wait()).kind(), ErrorKind::Cancelled);
        }
        assert_eq!(called(&module, "slow", args![3i64]).0, Value::I64(0));
    }
}

/// Forks itself with the same argument, for ever; or another function that does so.
const ENDLESS: &str = r#"(module
    (import "fork" "a" (func $fork_a (param i32) (result i32)))
    (import "wait" "a" (func $wait_a (param i32) (result i32)))
    (import "fork" "b" (func $fork_b (param i32) (result i32)))
    (import "wait" "b" (func $wait_b (param i32) (result i32)))
    (func (export "self") (param i32) (result i32) (call $wait_a (call $fork_a (i32.const 0))))
    (func (export "a") (param $n i32) (result i32) (local $x i32) (local $y i32)
        (if (i32.eqz (local.get $n)) (then (return (call $wait_a (call $fork_a (i32.const 0))))))
        (local.set $x (call $fork_b (local.get $n)))
        (i32.add (call $wait_b (local.get $x)) (i32.const 1)))
    (func (export "b") (param $n i32) (result i32) (local $x i32)
        (local.set $x (call $fork_a (local.get $n)))
        (i32.add (call $wait_a (local.get $x)) (i32.const 1))))"#;

#[test]
fn a_recursion_without_an_end_ends_as_it_does_without_a_memo() {
    let _watchdog = Watchdog::new();
    for mode in [Mode::Serial, Mode::Threads(1), Mode::Threads(2), Mode::Threads(4)] {
        let exec = with_memo(mode, &Memo::in_memory());
        let module = loaded(&exec, ENDLESS);
        for round in 0..20 {
            for (function, argument) in [("self", 0), ("a", 0), ("a", 1 + round), ("b", 1 + round)] {
                let calls: Vec<_> = (0..3).map(|_| module.fork(function, args![argument]).unwrap()).collect();
                for call in calls {
                    assert_eq!(error(call.wait()).kind(), ErrorKind::TooDeep, "{mode:?}");
                }
            }
        }
    }
}

/// Two trees that fork each other's roots, in both orders, and end.
const CROSSED: &str = r#"(module
    (import "fork" "step" (func $fork (param i32 i32) (result i32)))
    (import "wait" "step" (func $wait (param i32) (result i32)))
    (func (export "step") (param $n i32) (param $turn i32) (result i32) (local $a i32) (local $b i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
        (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1)) (local.get $turn)))
        (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 1)) (i32.sub (i32.const 1) (local.get $turn))))
        (if (result i32) (local.get $turn)
            (then (i32.add (call $wait (local.get $a)) (call $wait (local.get $b))))
            (else (i32.add (call $wait (local.get $b)) (call $wait (local.get $a)))))))"#;

#[test]
fn trees_that_meet_in_every_call_end() {
    let _watchdog = Watchdog::new();
    for threads in [1, 2, 4] {
        for _ in 0..20 {
            let exec = with_memo(Mode::Threads(threads), &Memo::in_memory());
            let module = loaded(&exec, CROSSED);
            let futures: Vec<_> = (0..8).map(|turn| module.fork("step", args![20, turn % 2]).unwrap()).collect();
            for value in wait_all(futures.clone()).unwrap() {
                assert_eq!(value, Value::I32(1 << 20));
            }
        }
    }
}

#[test]
fn a_callback_may_wait_for_a_call_that_waits_for_the_one_it_follows() {
    let _watchdog = Watchdog::new();
    for threads in [1, 2] {
        for _ in 0..20 {
            let exec = with_memo(Mode::Threads(threads), &Memo::in_memory());
            let module = loaded(&exec, SLOW);
            let (promise, argument) = purefork::promise::<i64>();
            let slow = module.function::<(i64,), i64>("slow").unwrap();
            // Its own future is told before the memory of results is.
            let deferred = slow.fork((argument,));
            let others: std::sync::Arc<std::sync::Mutex<Vec<purefork::Future<i64>>>> = Default::default();
            let waited = others.clone();
            let done = deferred.then(move |_| {
                let others = std::mem::take(&mut *waited.lock().unwrap());
                others.iter().map(|other| other.wait()).sum::<purefork::Result<i64>>()
            });
            *others.lock().unwrap() = (0..3).map(|_| slow.fork((50_000,))).collect();
            promise.set(50_000).unwrap();
            assert_eq!(done.wait().unwrap(), 0);
        }
    }
}

#[test]
fn calls_of_a_limited_time_are_answered_in_it() {
    let _watchdog = Watchdog::new();
    let timeout = std::time::Duration::from_millis(100);
    let exec = with_limits(Mode::Threads(2), &Memo::in_memory(), limits().timeout(timeout));
    let module = loaded(&exec, SLOW);
    let futures: Vec<_> = (0..4).map(|_| module.fork("spin", args![1]).unwrap()).collect();
    for future in futures {
        assert_eq!(error(future.wait()).kind(), ErrorKind::Timeout);
    }
    let fib = loaded(&exec, FIB);
    assert_eq!(called(&fib, "fib", args![30]).0, Value::I64(832_040));
}

#[test]
fn an_executor_that_is_shut_down_answers_all_who_wait() {
    let _watchdog = Watchdog::new();
    let exec = with_memo(Mode::Threads(2), &Memo::in_memory());
    let module: Module = loaded(&exec, SLOW);
    let futures: Vec<_> = (0..100).map(|_| module.fork("spin", args![1]).unwrap()).collect();
    exec.shutdown();
    for future in futures {
        assert_eq!(error(future.wait()).kind(), ErrorKind::Cancelled);
    }
}

/// A tree without end whose calls have few keys between them: many wait for one that is given up, and none of them waits for the next in turn.
#[test]
fn a_tree_without_end_whose_calls_join_each_other_ends_at_its_deadline() {
    let wat = r#"(module
        (import "fork" "c" (func $fork (param i32) (result i32)))
        (import "wait" "c" (func $wait (param i32) (result i32)))
        (func (export "c") (param $n i32) (result i32) (local $a i32) (local $b i32)
            (local.set $a (call $fork (i32.rem_u (i32.add (local.get $n) (i32.const 1)) (i32.const 5))))
            (local.set $b (call $fork (i32.rem_u (i32.add (local.get $n) (i32.const 2)) (i32.const 5))))
            (i32.add (call $wait (local.get $a)) (call $wait (local.get $b)))))"#;
    let _watchdog = Watchdog::new();
    let limits = limits().timeout(std::time::Duration::from_millis(300));
    let exec = with_limits(Mode::Threads(2), &Memo::in_memory(), limits);
    let error = error(loaded(&exec, wat).fork("c", args![0]).unwrap().wait());
    assert!(matches!(error.kind(), ErrorKind::Timeout | ErrorKind::TooManyForks | ErrorKind::TooDeep), "{error}");
}
