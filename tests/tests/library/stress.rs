//! Many threads, many executors, callbacks that wait, executors that go away.

use purefork::{ErrorKind, Executor, Future, Value, args, collect_all, promise, wait_all};
use purefork_tests::guests::{CHAIN, FIB, MATH};
use purefork_tests::{
    MODES, Mode, Watchdog, assert_kind, block_on, each_executor, each_executor_with, error, in_own_process, limits,
    loaded, still_answers,
};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

#[test]
fn eight_threads_fork_at_once() {
    each_executor(|exec| {
        let (math, fib) = (loaded(exec, MATH), loaded(exec, FIB));
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for thread in 0..8 {
                let (math, fib, start) = (&math, &fib, &start);
                scope.spawn(move || {
                    let square = math.function::<(i32,), i32>("square").unwrap();
                    start.wait();
                    for round in 0..20 {
                        let squares: Vec<_> = (0..50).map(|n| square.fork((n + thread,))).collect();
                        let tree = fib.fork("fib", args![6 + thread % 3]).unwrap();
                        if round % 2 == 0 {
                            let expected: Vec<_> = (0..50).map(|n| (n + thread).pow(2)).collect();
                            assert_eq!(wait_all(squares).unwrap(), expected);
                        }
                        let expected = [8, 13, 21][(thread % 3) as usize];
                        assert_eq!(tree.wait().unwrap(), Value::I64(expected));
                    }
                });
            }
        });
    });
}

/// Each tree is within the limit of depth; together they need more sandboxes than one of them.
#[test]
fn deep_trees_forked_by_one_thread_do_not_take_each_others_sandboxes() {
    each_executor_with(limits().depth(300), |exec| {
        let chain = loaded(exec, CHAIN);
        let many: Vec<_> = (0..8).map(|_| chain.fork("down", args![300]).unwrap()).collect();
        assert_eq!(wait_all(many).unwrap(), vec![Value::I32(300); 8]);
    });
}

/// The same, each forked and waited for by a thread of its own.
#[test]
fn deep_trees_forked_by_many_threads_do_not_take_each_others_sandboxes() {
    let _watchdog = Watchdog::new();
    // Not serial: there, each thread runs its own tree.
    for threads in [1, 2] {
        let exec = Executor::builder().threads(threads).limits(limits().depth(300)).build().unwrap();
        let chain = loaded(&exec, CHAIN);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(chain.fork("down", args![300]).unwrap().wait().unwrap(), Value::I32(300)));
            }
        });
    }
}

#[test]
fn futures_are_passed_among_threads() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let add = math.function::<(i32, i32), i32>("add").unwrap();
        // A ring: each adds one to what it is given, without waiting, and hands it on.
        let (first, mut previous) = channel::<Future<i32>>();
        let mut threads = Vec::new();
        for _ in 0..8 {
            let (next, receiver) = channel();
            let (add, incoming) = (add.clone(), std::mem::replace(&mut previous, receiver));
            threads.push(thread::spawn(move || {
                for future in incoming {
                    next.send(add.fork((future, 1))).unwrap();
                }
            }));
        }
        for n in 0..200 {
            first.send(add.fork((n, 0))).unwrap();
        }
        drop(first);
        let results: Vec<_> = previous.iter().map(|future| future.wait().unwrap()).collect();
        assert_eq!(results, (8..208).collect::<Vec<_>>());
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn callbacks_that_wait_do_not_stop_a_single_thread() {
    let _watchdog = Watchdog::new();
    let exec = Mode::Threads(1).executor();
    let (math, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
    let (start, pending) = promise::<i32>();
    let sums: Vec<Future<i64>> = (0..40)
        .map(|_| {
            let (math, fib) = (math.clone(), fib.clone());
            math.fork("square", args![&pending]).unwrap().then(move |square| {
                let n = math.fork("add", args![square.value()?, 1])?;
                let trees = (0..3).map(|_| fib.fork("fib", args![&n])).collect::<Result<Vec<_>, _>>()?;
                let values = wait_all(collect_all(trees).wait()?)?;
                Ok(values.iter().map(|value| if let Value::I64(n) = value { *n } else { 0 }).sum())
            })
        })
        .collect();
    start.set(3).unwrap();
    assert_eq!(wait_all(sums).unwrap(), vec![3 * 55; 40]);
    still_answers(&exec);
}

#[test]
fn a_callback_that_waits_for_many_trees_has_sandboxes_for_all() {
    let _watchdog = Watchdog::new();
    let exec = Mode::Threads(1).executor();
    let (math, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
    let (start, pending) = promise::<i32>();
    let all = math.fork("square", args![&pending]).unwrap().then(move |_| {
        let trees = (0..3000).map(|_| fib.fork("fib", args![4])).collect::<Result<Vec<_>, _>>()?;
        wait_all(trees)
    });
    start.set(3).unwrap();
    assert_eq!(all.wait().unwrap(), std::vec![Value::I64(3); 3000]);
    still_answers(&exec);
}

#[test]
fn an_executor_that_is_dropped_runs_its_calls_to_their_end() {
    let _watchdog = Watchdog::new();
    for mode in MODES {
        for _ in 0..20 {
            let exec = mode.executor();
            let (math, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
            let squares: Vec<_> = (0..200).map(|n| math.fork("square", args![n]).unwrap()).collect();
            let trees: Vec<_> = (0..5).map(|_| fib.fork("fib", args![8]).unwrap()).collect();
            let dependent = math.fork("add", args![&squares[7], &squares[8]]).unwrap();
            drop(exec);
            assert!(squares.iter().chain(&trees).all(Future::done), "{mode:?}");
            assert_eq!(wait_all(squares).unwrap()[150], Value::I32(22_500));
            assert_eq!(wait_all(trees).unwrap(), vec![Value::I64(21); 5]);
            // It may have become ready to be forked only when the executor took no more.
            let dependent = dependent.wait();
            assert!(matches!(&dependent, Ok(Value::I32(113))) || error(dependent).kind() == ErrorKind::Cancelled);
        }
    }
}

#[test]
fn an_executor_that_is_shut_down_completes_every_future() {
    let _watchdog = Watchdog::new();
    for threads in [1, 2] {
        for _ in 0..10 {
            let exec = Mode::Threads(threads).executor();
            let (math, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
            let endless: Vec<_> = (0..5).map(|_| math.fork("spin", args![]).unwrap()).collect();
            let trees: Vec<_> = (0..5).map(|_| fib.fork("fib", args![20]).unwrap()).collect();
            exec.shutdown();
            endless.iter().for_each(|future| assert_kind(future.wait(), ErrorKind::Cancelled));
            trees.iter().for_each(|future| assert_kind(future.wait(), ErrorKind::Cancelled));
            drop(exec);
            assert_kind(fib.fork("fib", args![1]).unwrap().wait(), ErrorKind::Cancelled);
        }
    }
}

/// While the executor goes away, other threads fork, wait and cancel: whatever comes of it, every future completes.
#[test]
fn an_executor_is_dropped_while_others_use_its_modules() {
    let _watchdog = Watchdog::new();
    for round in 0..60 {
        let exec = Mode::Threads(1 + round % 2).executor();
        let (math, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for kind in 0..3 {
                let (math, fib, start) = (&math, &fib, &start);
                scope.spawn(move || {
                    start.wait();
                    for i in 0..30 {
                        let future = match i % 2 {
                            0 => math.fork("square", args![9]).unwrap(),
                            _ => fib.fork("fib", args![7]).unwrap(),
                        };
                        let result = match kind {
                            0 => future.wait(),
                            1 => block_on(future),
                            _ => {
                                future.cancel();
                                future.wait()
                            }
                        };
                        match result {
                            Ok(value) => assert!(value == Value::I32(81) || value == Value::I64(13)),
                            Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}"),
                        }
                    }
                });
            }
            start.wait();
            drop(exec);
        });
    }
}

/// The executor, in a place from which a callback takes it.
fn kept(exec: Executor) -> Arc<Mutex<Option<Executor>>> {
    Arc::new(Mutex::new(Some(exec)))
}

#[test]
fn an_executor_is_dropped_by_a_callback_on_its_only_worker() {
    in_own_process(|| {
        let _watchdog = Watchdog::new();
        for queued in [0, 1, 100] {
            let exec = Mode::Threads(1).executor();
            let math = loaded(&exec, MATH);
            let place = kept(exec);
            let taken = place.clone();
            let (start, pending) = promise::<i32>();
            let (started, running) = channel();
            let (go, wait) = channel::<()>();
            let first = math.fork("square", args![&pending]).unwrap().then(move |_| {
                started.send(()).unwrap();
                wait.recv().unwrap();
                let exec = taken.lock().unwrap().take();
                drop(exec);
                Ok(())
            });
            start.set(3).unwrap();
            running.recv().unwrap();
            let rest: Vec<_> = (0..queued).map(|n| math.fork("square", args![n]).unwrap()).collect();
            go.send(()).unwrap();
            first.wait().unwrap();
            // "Dropping it runs every call that was forked to its end."
            for future in rest {
                assert!(future.wait().is_ok(), "with {queued} in the queue");
            }
        }
    });
}

#[test]
fn an_executor_is_dropped_by_a_callback_on_a_thread_that_waits() {
    in_own_process(|| {
        let _watchdog = Watchdog::new();
        let exec = Mode::Threads(1).executor();
        let math = loaded(&exec, MATH);
        // The only worker is held in a callback, so that this thread runs the second call itself.
        let (start, pending) = promise::<i32>();
        let (started, running) = channel();
        let (go, wait) = channel::<()>();
        math.fork("square", args![&pending]).unwrap().on_done(move |_| {
            started.send(()).unwrap();
            wait.recv().unwrap();
        });
        start.set(1).unwrap();
        running.recv().unwrap();
        let place = kept(exec);
        let taken = place.clone();
        let second = math.fork("square", args![2]).unwrap();
        second.on_done(move |_| {
            let exec = taken.lock().unwrap().take();
            go.send(()).unwrap();
            drop(exec);
        });
        assert_eq!(second.wait().unwrap(), Value::I32(4));
    });
}

/// A worker that waits in a callback looks as idle as one that sleeps.
#[test]
fn an_executor_is_dropped_while_a_callback_waits() {
    in_own_process(|| {
        let _watchdog = Watchdog::new();
        for threads in [1, 2] {
            let exec = Mode::Threads(threads).executor();
            let math = loaded(&exec, MATH);
            let (start, pending) = promise::<i32>();
            let (later, awaited) = promise::<i32>();
            let (started, running) = channel();
            let waiting = math.fork("square", args![&pending]).unwrap().then(move |_| {
                started.send(()).unwrap();
                awaited.wait()
            });
            start.set(3).unwrap();
            running.recv().unwrap();
            let dropping = thread::spawn(move || drop(exec));
            // Once modules are refused, the executor is on its way out.
            while math.fork("square", args![1]).unwrap().wait().is_ok() {}
            // A callback that was told to stop waiting has ended by now; one that rightly waits still does.
            let early = waiting.wait_timeout(Duration::from_millis(500));
            assert!(early.is_none_or(|result| error(result).kind() == ErrorKind::Cancelled), "{:?}", waiting.value());
            later.set(42).unwrap();
            dropping.join().unwrap();
            match waiting.wait() {
                Ok(value) => assert_eq!(value, 42),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}"),
            }
        }
    });
}

#[test]
fn many_executors_are_made_and_dropped() {
    let _watchdog = Watchdog::new();
    for i in 0..60 {
        let exec = MODES[i % 3].executor();
        assert_eq!(loaded(&exec, FIB).fork("fib", args![6]).unwrap().wait().unwrap(), Value::I64(8));
    }
    let many: Vec<_> = (0..12).map(|i| MODES[i % 3].executor()).collect();
    let futures: Vec<_> = many.iter().map(|exec| loaded(exec, FIB).fork("fib", args![6]).unwrap()).collect();
    assert_eq!(wait_all(futures).unwrap(), vec![Value::I64(8); 12]);
}

#[test]
fn futures_are_awaited_by_many_threads() {
    each_executor(|exec| {
        let fib = loaded(exec, FIB);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let all = async {
                            let (a, b) = (fib.fork("fib", args![5])?, fib.fork("fib", args![6])?);
                            Ok::<_, purefork::Error>((a.await?, b.await?))
                        };
                        assert_eq!(block_on(all).unwrap(), (Value::I64(5), Value::I64(8)));
                    }
                });
            }
        });
    });
}

/// More than fits into the way in at once, each waited for by the thread that forked it.
#[test]
fn fifty_thousand_forks_from_outside_are_all_run() {
    each_executor(|exec| {
        let square = loaded(exec, MATH).function::<(i32,), i32>("square").unwrap();
        let futures: Vec<_> = (0..50_000).map(|n| square.fork((n % 100,))).collect();
        for (n, future) in futures.iter().enumerate().rev() {
            assert_eq!(future.wait().unwrap(), (n as i32 % 100).pow(2));
        }
    });
}
