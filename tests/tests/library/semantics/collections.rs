//! Many futures at once.

use purefork::future::cancel_rest;
use purefork::{
    Error, ErrorKind, Future, Value, args, collect_all, collect_any, first_ok, promise, wait_all, wait_all_or_cancel,
};
use purefork_tests::guests::MATH;
use purefork_tests::{Watchdog, assert_kind, each_executor, error, in_own_process, loaded};
use std::sync::{Arc, Barrier};
use std::thread;

/// Row 37.
#[test]
fn collect_all_completes_with_the_futures_once_each_is_complete() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let (start, pending) = promise::<i32>();
        let futures = [
            math.fork("add", args![1, 2]).unwrap(),
            math.fork("fail", args![]).unwrap(),
            math.fork("square", args![&pending]).unwrap(),
        ];
        let all = collect_all(futures);
        assert!(!all.done());
        start.set(5).unwrap();
        let all = all.wait().unwrap();
        assert!(all.iter().all(Future::done));
        assert_eq!(all[0].value().unwrap(), Value::I32(3));
        assert_kind(all[1].value(), ErrorKind::Trap);
        assert_eq!(all[2].value().unwrap(), Value::I32(25));
    });
}

/// Row 37.
#[test]
fn collect_all_of_nothing_is_complete_at_once() {
    let all = collect_all(Vec::<Future<i32>>::new());
    assert!(all.done());
    assert!(all.wait().unwrap().is_empty());
}

/// Row 37: the same future twice, and one that was complete before.
#[test]
fn collect_all_takes_a_future_twice() {
    let (promise, future) = promise::<i32>();
    let all = collect_all([future.clone(), future.clone()]);
    promise.set(1).unwrap();
    assert_eq!(wait_all(all.value().unwrap()).unwrap(), [1, 1]);
    assert!(collect_all([future]).done());
}

/// Row 39.
#[test]
fn wait_all_gives_the_values_in_order_or_the_first_error_in_order() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let squares = (0..50).map(|n| math.fork("square", args![n]).unwrap());
        let expected: Vec<_> = (0..50).map(|n| Value::I32(n * n)).collect();
        assert_eq!(wait_all(squares).unwrap(), expected);
        let ((a, first), (b, second)) = (promise::<i32>(), promise::<i32>());
        b.fail(Error::failed("second")).unwrap();
        a.fail(Error::failed("first")).unwrap();
        assert_eq!(error(wait_all([first, second])).message(), "first");
    });
}

/// Row 39: the first failure in time is the error, and cancels the rest.
#[test]
fn wait_all_or_cancel_cancels_the_rest_on_the_first_failure() {
    let _watchdog = Watchdog::new();
    let (a, first) = promise::<i32>();
    let (b, second) = promise::<i32>();
    let failing = thread::spawn(move || b.fail(Error::failed("second")));
    let all = error(wait_all_or_cancel([first.clone(), second]));
    assert_eq!(all.message(), "second");
    assert_kind(first.wait(), ErrorKind::Cancelled);
    assert_kind(a.set(1), ErrorKind::AlreadyCompleted);
    failing.join().unwrap().unwrap();
    assert_eq!(wait_all_or_cancel((0..3).map(promise_of)).unwrap(), [0, 1, 2]);
}

fn promise_of(n: i32) -> Future<i32> {
    let (promise, future) = promise();
    promise.set(n).unwrap();
    future
}

/// Row 39: whichever fails, and however soon it is seen, when the wait returns the rest is cancelled or done.
#[test]
fn wait_all_or_cancel_has_cancelled_the_rest_when_it_returns() {
    let _watchdog = Watchdog::new();
    for _ in 0..20_000 {
        let (a, first) = promise::<i32>();
        let (b, second) = promise::<i32>();
        let start = Arc::new(Barrier::new(2));
        let started = start.clone();
        let failing = thread::spawn(move || {
            started.wait();
            a.fail(Error::failed("first")).unwrap();
        });
        start.wait();
        let all = error(wait_all_or_cancel([first, second.clone()]));
        assert_eq!(all.message(), "first");
        assert!(second.done(), "the rest was not cancelled");
        failing.join().unwrap();
        drop(b);
    }
}

/// Row 39.
#[test]
fn cancel_rest_cancels_what_is_not_complete() {
    let (_a, first) = promise::<i32>();
    let futures = [promise_of(1), first];
    cancel_rest(&futures);
    assert_eq!(futures[0].value().unwrap(), 1);
    assert_kind(futures[1].value(), ErrorKind::Cancelled);
}

/// Row 40.
#[test]
fn collect_any_completes_with_the_first_to_complete() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let (never, pending) = promise::<i32>();
        let waiting = math.fork("square", args![&pending]).unwrap();
        let any = collect_any([waiting.clone(), math.fork("add", args![1, 2]).unwrap()]);
        assert_eq!(any.wait().unwrap(), Value::I32(3));
        let any = collect_any([waiting.clone(), math.fork("fail", args![]).unwrap()]);
        assert_kind(any.wait(), ErrorKind::Trap);
        assert!(!waiting.done());
        drop(never);
        assert_kind(waiting.wait(), ErrorKind::BrokenPromise);
    });
}

/// Row 40.
#[test]
fn first_ok_completes_with_the_first_success_or_the_last_failure() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let fail = || math.fork("fail", args![]).unwrap();
        let first = first_ok([fail(), math.fork("add", args![1, 2]).unwrap(), fail()]);
        assert_eq!(first.wait().unwrap(), Value::I32(3));
        assert_kind(first_ok([fail(), fail()]).wait(), ErrorKind::Trap);
    });
    let ((a, first), (b, second)) = (promise::<i32>(), promise::<i32>());
    let ok = first_ok([first, second]);
    b.fail(Error::failed("second")).unwrap();
    assert!(!ok.done());
    a.fail(Error::failed("first")).unwrap();
    assert_eq!(error(ok.value()).message(), "first");
}

/// Row 40.
#[test]
fn a_race_of_nobody_is_an_error() {
    for race in [collect_any(Vec::<Future<i32>>::new()), first_ok(Vec::<Future<i32>>::new())] {
        let nobody = error(race.value());
        assert_eq!(nobody.kind(), ErrorKind::Invalid);
        assert_eq!(nobody.to_string(), "expected at least one future, but was given none");
    }
}

/// Row 40: a success is never lost to a failure that comes at the same time. More threads than processors, so that one
/// of them is stopped between any two of its steps sooner or later.
#[test]
fn first_ok_never_fails_if_one_succeeds() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 5000;
    let _watchdog = Watchdog::new();
    let batch = || {
        let mut work: Vec<_> = (0..THREADS).map(|_| Vec::new()).collect();
        let mut results = Vec::new();
        for _ in 0..ROUNDS {
            let (promises, futures): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| promise::<i32>()).unzip();
            results.push(first_ok(futures));
            work.iter_mut().zip(promises).for_each(|(work, promise)| work.push(promise));
        }
        let start = Barrier::new(THREADS);
        thread::scope(|scope| {
            for (number, promises) in work.into_iter().enumerate() {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    for (round, promise) in promises.into_iter().enumerate() {
                        // Each succeeds in its turn.
                        let set = match round % THREADS == number {
                            true => promise.set(1),
                            false => promise.fail(Error::failed("the other one")),
                        };
                        set.unwrap();
                    }
                });
            }
        });
        results.iter().filter(|result| result.value().is_err()).count()
    };
    let lost: usize = (0..200).map(|_| batch()).sum();
    assert_eq!(lost, 0, "races with a success in each that failed");
}

/// Rows 37 to 40, in a callback on a worker.
#[test]
fn a_callback_waits_for_many_futures() {
    in_own_process(|| {
        each_executor(|exec| {
            let math = loaded(exec, MATH);
            let (start, pending) = promise::<i32>();
            let sum = math.fork("square", args![&pending]).unwrap().then(move |_| {
                let squares = || (0..20).map(|n| math.fork("square", args![n]).unwrap());
                let all = collect_all(squares()).wait()?;
                assert!(collect_any(squares()).wait().is_ok() && first_ok(squares()).wait().is_ok());
                wait_all_or_cancel(all.into_iter().map(|future| future.map(|value| value.to_string().len())))
            });
            start.set(1).unwrap();
            assert_eq!(sum.wait().unwrap().len(), 20);
        });
    });
}
