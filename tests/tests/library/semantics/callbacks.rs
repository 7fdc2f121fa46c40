//! `then`, `map`, `on_done`.

use expect_test::expect;
use purefork::{Error, ErrorKind, Value, args, promise};
use purefork_tests::guests::{FIB, MATH};
use purefork_tests::{Mode, Watchdog, assert_kind, each_executor, error, in_own_process, loaded, still_answers};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

/// Row 31.
#[test]
fn then_is_given_the_finished_future_and_makes_a_new_one() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let five = math.fork("add", args![2, 3]).unwrap();
        let text = five.then(|future| {
            assert!(future.done());
            Ok(format!("<{}>", future.value()?))
        });
        assert_eq!(text.wait().unwrap(), "<5>");
        assert_eq!(five.wait().unwrap(), Value::I32(5));
    });
}

/// Row 31: chains of twenty, and of a hundred thousand.
#[test]
fn thens_are_chained() {
    each_executor(|exec| {
        let one = loaded(exec, MATH).function::<(i32, i32), i32>("sub").unwrap().fork((3, 2));
        let mut last = one;
        for _ in 0..20 {
            last = last.then(|future| Ok(future.value()? + 1));
        }
        assert_eq!(last.wait().unwrap(), 21);
    });
    let _watchdog = Watchdog::new();
    let (start, first) = promise::<i32>();
    let mut last = first;
    for _ in 0..100_000 {
        last = last.then(|future| Ok(future.value()? + 1));
    }
    start.set(0).unwrap();
    assert_eq!(last.value().unwrap(), 100_000);
}

/// Row 32.
#[test]
fn then_runs_on_a_failed_parent_and_map_does_not() {
    each_executor(|exec| {
        let failed = loaded(exec, MATH).fork("fail", args![]).unwrap();
        let recovered = failed.then(|future| Ok(error(future.value()).kind()));
        assert_eq!(recovered.wait().unwrap(), ErrorKind::Trap);
        let calls = Arc::new(AtomicUsize::new(0));
        let counting = calls.clone();
        let mapped = failed.map(move |_| counting.fetch_add(1, Ordering::SeqCst));
        assert_kind(mapped.wait(), ErrorKind::Trap);
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    });
}

/// Row 33.
#[test]
fn an_error_in_then_fails_the_new_future_alone() {
    each_executor(|exec| {
        let five = loaded(exec, MATH).fork("add", args![2, 3]).unwrap();
        let failed = five.then(|_| Err::<i32, _>(Error::failed("not this one")));
        let failure = error(failed.wait());
        assert_eq!((failure.kind(), failure.message()), (ErrorKind::Failed, "not this one"));
        assert_eq!(five.wait().unwrap(), Value::I32(5));
    });
}

/// Row 33: a panic too, with its text, before the call has ended and after.
#[test]
fn a_panic_in_then_or_map_fails_the_new_future_alone() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let five = math.fork("add", args![2, 3]).unwrap();
        let panics = five.then::<i32>(|_| panic!("out of cheese"));
        let failure = error(panics.wait());
        assert_eq!(failure.kind(), ErrorKind::Panicked);
        expect!["a callback panicked: out of cheese"].assert_eq(&failure.to_string());
        let formatted = five.map(|value| if value == Value::I32(5) { panic!("no {value}") } else { 1 });
        expect!["a callback panicked: no 5"].assert_eq(&error(formatted.wait()).to_string());
        let thing = five.map(|_| if true { std::panic::panic_any(7) } else { 1 });
        expect!["a callback panicked: with no message"].assert_eq(&error(thing.wait()).to_string());
        assert_eq!(five.wait().unwrap(), Value::I32(5));
        let (start, pending) = promise::<i32>();
        let later = math.fork("square", args![&pending]).unwrap().map(|_| if true { panic!("later") } else { 1 });
        start.set(1).unwrap();
        assert_kind(later.wait(), ErrorKind::Panicked);
    });
}

/// Row 34.
#[test]
fn an_error_or_a_panic_in_on_done_is_swallowed_and_the_next_callback_runs() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let (start, pending) = promise::<i32>();
        let future = math.fork("square", args![&pending]).unwrap();
        let (tell, told) = channel();
        future.on_done(|_| Err::<(), _>("an error"));
        future.on_done(|_| {
            if true {
                panic!("a panic")
            }
        });
        future.on_done(move |future| tell.send(future.value().unwrap()).unwrap());
        start.set(4).unwrap();
        assert_eq!(future.wait().unwrap(), Value::I32(16));
        assert_eq!(told.recv().unwrap(), Value::I32(16));
        future.on_done(|_| Err::<(), _>("an error"));
        future.on_done(|_| {
            if true {
                panic!("a panic")
            }
        });
        still_answers(exec);
    });
}

/// Row 35: of all kinds, and from within another callback.
#[test]
fn callbacks_run_in_the_order_of_registration() {
    each_executor(|exec| {
        let (start, pending) = promise::<i32>();
        let future = loaded(exec, MATH).fork("square", args![&pending]).unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |i: usize| {
            let order = order.clone();
            move || order.lock().unwrap().push(i)
        };
        let (ended, end) = channel();
        let mut mapped = Vec::new();
        for i in 0..300 {
            let note = note(i);
            match i % 3 {
                0 => future.on_done(move |_| note()),
                1 => drop(future.then(move |_| {
                    note();
                    Ok(())
                })),
                _ => mapped.push(future.map(move |_| note())),
            }
        }
        future.on_done(move |_| ended.send(()).unwrap());
        start.set(4).unwrap();
        end.recv().unwrap();
        assert_eq!(*order.lock().unwrap(), (0..300).collect::<Vec<_>>());
    });
}

/// Row 36.
#[test]
fn a_callback_on_a_completed_future_runs_at_once_in_the_caller() {
    each_executor(|exec| {
        let future = loaded(exec, MATH).fork("add", args![2, 3]).unwrap();
        future.wait().unwrap();
        let (tell, told) = channel();
        future.on_done(move |_| tell.send(thread::current().id()).unwrap());
        assert_eq!(told.try_recv().unwrap(), thread::current().id());
        assert!(future.map(|_| ()).done());
        assert!(future.then(|_| Ok(())).done());
    });
}

/// Row 36: else on the thread that completes the future, outside every lock.
#[test]
fn a_callback_on_a_pending_future_runs_on_the_completing_thread() {
    let _watchdog = Watchdog::new();
    let (start, pending) = promise::<i32>();
    let (tell, told) = channel();
    let again = pending.clone();
    pending.on_done(move |future| {
        // All of these take the future's lock.
        again.on_done(|_| ());
        assert_eq!((again.value().unwrap(), future.wait().unwrap(), future.cancel()), (1, 1, false));
        tell.send(thread::current().id()).unwrap();
    });
    let completing = thread::spawn(move || start.set(1).map(|()| thread::current().id()));
    assert_eq!(completing.join().unwrap().unwrap(), told.recv().unwrap());
}

/// Rows 26 and 36: on one thread a callback that waits does not stop it.
#[test]
fn a_callback_may_fork_and_wait() {
    each_executor(|exec| {
        let (math, fib) = (loaded(exec, MATH), loaded(exec, FIB));
        let (start, pending) = promise::<i32>();
        let forking = math.fork("square", args![&pending]).unwrap().then(move |square| {
            let n = math.fork("sub", args![square.value()?, 6])?.map(|value| value);
            fib.fork("fib", args![&n])?.wait()
        });
        start.set(4).unwrap();
        assert_eq!(forking.wait().unwrap(), Value::I64(55));
    });
}

/// Rows 26 and 36: callbacks that fork and wait for a future whose callback forks and waits …
#[test]
fn callbacks_that_wait_nest_deeply() {
    fn nested(fib: &purefork::Module, levels: usize) -> purefork::Result<usize> {
        if levels == 0 {
            return Ok(0);
        }
        let (start, pending) = promise::<i32>();
        let (call, next) = (fib.fork("fib", args![&pending])?, fib.clone());
        let below = call.then(move |call| {
            call.value()?;
            Ok(1 + nested(&next, levels - 1)?)
        });
        start.set(2)?;
        below.wait()
    }
    in_own_process(|| {
        each_executor(|exec| assert_eq!(nested(&loaded(exec, FIB), 200).unwrap(), 200));
    });
}

/// Rows 26 and 36: a worker that waits in a callback runs other jobs, whose callbacks wait too: that takes stack.
#[test]
fn many_callbacks_that_wait_for_the_same_future_do_not_exhaust_the_stack() {
    const MANY: usize = 2000;
    in_own_process(|| {
        for (mode, guest, name) in
            [(Mode::Threads(1), MATH, "square"), (Mode::Threads(1), FIB, "fib"), (Mode::Threads(2), FIB, "fib")]
        {
            println!("{mode:?} {name}");
            let exec = mode.executor();
            let module = loaded(&exec, guest);
            let (start, pending) = promise::<i32>();
            let (gate, open) = promise::<i32>();
            let (tell, told) = channel();
            let waiting: Vec<_> = (0..MANY)
                .map(|_| {
                    let (open, tell) = (open.clone(), tell.clone());
                    module.fork(name, args![&pending]).unwrap().then(move |_| {
                        tell.send(()).unwrap();
                        open.wait()
                    })
                })
                .collect();
            start.set(1).unwrap();
            // All of them wait, one within the other.
            told.iter().take(MANY).for_each(drop);
            gate.set(1).unwrap();
            for future in waiting {
                assert_eq!(future.wait().unwrap(), 1);
            }
            still_answers(&exec);
        }
    });
}
