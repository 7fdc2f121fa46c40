//! Futures that the host completes.

use expect_test::expect;
use purefork::{Error, ErrorKind, Executor, Future, Value, args, promise, wait};
use purefork_tests::guests::MATH;
use purefork_tests::{Watchdog, assert_kind, block_on, each_executor, error, loaded};
use std::thread;

/// Row 28.
#[test]
fn a_promise_is_completed_once() {
    let (promise, future) = promise::<i32>();
    promise.set(1).unwrap();
    let again = error(promise.set(2));
    assert_eq!(again.kind(), ErrorKind::AlreadyCompleted);
    expect!["a future can only be completed once, and this one is complete"].assert_eq(&again.to_string());
    assert_kind(promise.fail(Error::failed("no")), ErrorKind::AlreadyCompleted);
    drop(promise);
    assert_eq!(future.wait().unwrap(), 1);
}

/// Row 28.
#[test]
fn a_failed_promise_stays_failed() {
    let (promise, future) = promise::<i32>();
    promise.fail(Error::failed("the disk is full")).unwrap();
    assert_kind(promise.set(2), ErrorKind::AlreadyCompleted);
    let failed = error(future.wait());
    assert_eq!((failed.kind(), failed.to_string().as_str()), (ErrorKind::Failed, "the disk is full"));
}

/// Row 28.
#[test]
fn a_promise_that_is_dropped_is_broken() {
    let (promise, future) = promise::<i32>();
    drop(promise);
    let broken = error(future.wait());
    assert_eq!(broken.kind(), ErrorKind::BrokenPromise);
    expect!["the promise was dropped before it was completed"].assert_eq(&broken.to_string());
}

#[test]
fn a_future_tells_whether_its_result_is_there_and_gives_it_without_waiting() {
    let (promise, future) = promise::<i32>();
    assert!(!future.is_done());
    assert!(future.try_get().is_none());
    promise.set(1).unwrap();
    assert!(future.is_done());
    assert_eq!(future.try_get().unwrap().unwrap(), 1);
    assert_eq!(wait(future).unwrap(), 1);

    let serial = Executor::builder().serial().build().unwrap();
    let square = loaded(&serial, MATH).fork("square", args![3]).unwrap();
    assert!(square.is_done());
    assert_eq!(square.try_get().unwrap().unwrap(), Value::I32(9));

    let (promise, future) = purefork::promise::<i32>();
    promise.fail(Error::failed("the disk is full")).unwrap();
    assert_kind(future.try_get().unwrap(), ErrorKind::Failed);
    assert_kind(wait(future), ErrorKind::Failed);
}

/// Row 28: a cancelled future is complete.
#[test]
fn a_promise_whose_future_was_cancelled_cannot_be_completed() {
    let (promise, future) = promise::<i32>();
    assert!(future.cancel());
    assert!(!future.cancel());
    assert_kind(promise.set(1), ErrorKind::AlreadyCompleted);
    assert_kind(future.wait(), ErrorKind::Cancelled);
}

/// Row 28: of eight threads that complete it at once, one does.
#[test]
fn of_many_who_complete_a_promise_one_succeeds() {
    let _watchdog = Watchdog::new();
    for _ in 0..200 {
        let (promise, future) = promise::<usize>();
        let winners: Vec<usize> = thread::scope(|scope| {
            let promise = &promise;
            let threads: Vec<_> = (0..8).map(|i| scope.spawn(move || promise.set(i).is_ok().then_some(i))).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(winners, [future.wait().unwrap()]);
    }
}

/// Row 28: host work joins a graph of forks.
#[test]
fn a_promise_joins_a_graph_of_forks() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let (promise, future) = promise::<i32>();
        let result = math.fork("square", args![&future]).unwrap().map(|value| value.to_string());
        let host = thread::spawn(move || promise.set(9));
        assert_eq!(result.wait().unwrap(), "81");
        host.join().unwrap().unwrap();
    });
}

/// Row 26: those who wait before it is there are told.
#[test]
fn every_thread_that_waits_is_told() {
    let _watchdog = Watchdog::new();
    let (promise, future) = promise::<String>();
    let threads: Vec<_> = (0..8)
        .map(|i| {
            let future = future.clone();
            thread::spawn(move || if i % 2 == 0 { future.wait() } else { block_on(future) })
        })
        .collect();
    promise.set("told".to_owned()).unwrap();
    for thread in threads {
        assert_eq!(thread.join().unwrap().unwrap(), "told");
    }
}

/// A future is awaited like any other.
#[test]
fn a_future_is_awaited() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let sum = async {
            let five: Future<Value> = math.fork("add", args![2, 3])?;
            let five = five.await?;
            math.function::<(i32,), i32>("square")?
                .fork((match five {
                    Value::I32(n) => n,
                    other => panic!("{other}"),
                },))
                .await
        };
        assert_eq!(block_on(sum).unwrap(), 25);
        assert_kind(block_on(math.fork("fail", args![]).unwrap()), ErrorKind::Trap);
    });
}

/// A wait with a limit ends; the call goes on.
#[test]
fn a_wait_with_a_timeout_ends_and_leaves_the_call_alone() {
    let _watchdog = Watchdog::new();
    let (promise, future) = promise::<i32>();
    assert!(future.wait_timeout(std::time::Duration::from_millis(1)).is_none());
    assert!(future.wait_timeout(std::time::Duration::ZERO).is_none());
    promise.set(3).unwrap();
    assert_eq!(future.wait_timeout(std::time::Duration::ZERO).unwrap().unwrap(), 3);
    assert_eq!(future.wait_timeout(std::time::Duration::MAX).unwrap().unwrap(), 3);
}
