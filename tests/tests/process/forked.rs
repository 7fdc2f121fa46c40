//! fork(2) in a process that has an executor: the child has its memory, and none of its threads.

use expect_test::expect;
use purefork::{
    Error, ErrorKind, Executor, Future, Limits, Module, Promise, Value, args, collect_all, collect_any, first_ok,
    promise, wait_all, wait_all_or_cancel,
};
use purefork_tests::guests::{CHAIN, FIB, MATH};
use purefork_tests::{
    MODES, Mode, assert_kind, block_on, error, in_forked_child, in_own_process, in_process_of, limits, loaded,
    still_answers, test_of,
};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

/// So long that a test which waited for it would be ended.
const HOUR: Duration = Duration::from_secs(3600);

/// What a parent has when it forks.
struct Before {
    exec: Executor,
    math: Module,
    fib: Module,
    /// Complete.
    five: Future<Value>,
    failed: Future<Value>,
    named: Future<String>,
    /// Pending: one that runs, unless that were here; one whose argument is pending; what is made of it.
    pending: Vec<Future<Value>>,
    lengths: Vec<Future<usize>>,
    all: Future<Vec<Future<Value>>>,
    later: Promise<i32>,
}

impl Before {
    fn new(mode: Mode) -> Before {
        let exec = mode.executor();
        let (math, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
        let five = math.fork("add", args![2, 3]).unwrap();
        five.wait().unwrap();
        let failed = math.fork("fail", args![]).unwrap();
        assert_kind(failed.wait(), ErrorKind::Trap);
        let named = five.map(|five| format!("<{five}>"));
        let (later, argument) = promise::<i32>();
        let square = math.fork("square", args![&argument]).unwrap();
        let mut pending = vec![square.clone(), collect_any([square.clone()]), first_ok([square.clone()])];
        // It takes a worker.
        if mode == Mode::Threads(2) {
            pending.push(math.fork("spin", args![]).unwrap());
            pending.push(collect_any([pending[0].clone(), pending[3].clone()]));
        }
        // Polled, each by a handle that the child drops.
        for future in &mut pending {
            assert!(Pin::new(future).as_mut().poll_once().is_none());
        }
        let mut lengths: Vec<_> = pending.iter().map(|future| future.map(|value| value.to_string().len())).collect();
        lengths.push(lengths[0].then(|length| length.value()).map(|length| length + 1));
        let all = collect_all([five.clone(), square]);
        Before { exec, math, fib, five, failed, named, pending, lengths, all, later }
    }

    /// In the parent, once all children are gone: as ever.
    fn ends_well(self) {
        self.later.set(7).unwrap();
        assert_eq!(self.pending[0].wait().unwrap(), Value::I32(49));
        assert_eq!(self.lengths[0].wait().unwrap(), 2);
        assert_eq!(wait_all(self.all.wait().unwrap()).unwrap(), [Value::I32(5), Value::I32(49)]);
        still_answers(&self.exec);
        self.exec.shutdown();
    }
}

trait PollOnce {
    type Output;
    fn poll_once(self) -> Option<Self::Output>;
}

impl<F: std::future::Future> PollOnce for Pin<&mut F> {
    type Output = F::Output;

    fn poll_once(self) -> Option<F::Output> {
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}

/// Without the numbers of processes, which are others each time.
fn text(error: &Error) -> String {
    error.to_string().split_inclusive(|c: char| !c.is_ascii_digit()).fold(String::new(), |text, part| {
        let word = part.trim_start_matches(|c: char| c.is_ascii_digit());
        text + if word.len() < part.len() { "N" } else { "" } + word
    })
}

#[track_caller]
fn elsewhere<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = error(result);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.message().contains("forked from"), "{error:?}");
}

/// Runs a scenario in a process of its own, in each mode, and then looks at the parent.
fn each_mode(in_child: impl Fn(Before)) {
    in_process_of(&test_of(&in_child), || {
        for mode in MODES {
            println!("{mode:?}");
            let before = Before::new(mode);
            let mut before = Some(before);
            in_forked_child(|| in_child(before.take().unwrap()));
            before.unwrap().ends_well();
        }
    });
}

#[test]
fn a_result_that_was_there_is_there_in_the_child() {
    each_mode(|before| {
        assert_eq!(before.five.value().unwrap(), Value::I32(5));
        assert_eq!(before.five.wait().unwrap(), Value::I32(5));
        assert_eq!(before.five.wait_timeout(HOUR).unwrap().unwrap(), Value::I32(5));
        assert_eq!(block_on(before.five.clone()).unwrap(), Value::I32(5));
        assert_eq!(before.named.clone().join().unwrap(), "<5>");
        assert_eq!(before.five.map(|five| five.to_string()).wait().unwrap(), "5");
        assert_eq!(before.five.usage().unwrap().forks, 0);
        assert_kind(before.failed.wait(), ErrorKind::Trap);
        assert_eq!(wait_all([before.five.clone(), before.five.clone()]).unwrap().len(), 2);
        assert_eq!(before.math.inspect().functions.len(), 9);
    });
}

#[test]
fn waiting_in_the_child_for_what_is_pending_is_an_error_at_once() {
    fn check<T: Clone + Send + std::fmt::Debug + 'static>(future: &Future<T>) {
        assert!(future.done());
        elsewhere(future.value());
        elsewhere(future.wait());
        elsewhere(future.clone().join());
        elsewhere(future.wait_timeout(HOUR).unwrap());
        elsewhere(future.wait_timeout(Duration::ZERO).unwrap());
        elsewhere(block_on(future.clone()));
        assert!(!future.cancel());
        assert!(future.usage().is_none() && future.output().is_none());
        // What is made of it there has its error.
        elsewhere(future.map(|_| ()).value());
        elsewhere(future.then(|future| future.value()).value());
        elsewhere(collect_any([future.clone()]).value());
        elsewhere(first_ok([future.clone()]).value());
        elsewhere(wait_all([future.clone()]));
        elsewhere(wait_all_or_cancel([future.clone()]));
        elsewhere(wait_all(collect_all([future.clone()]).value().unwrap()));
        let told = Arc::new(AtomicBool::new(false));
        let tell = told.clone();
        future.on_done(move |_| tell.store(true, Ordering::SeqCst));
        assert!(told.load(Ordering::SeqCst));
    }
    each_mode(|before| {
        before.pending.iter().for_each(check);
        before.lengths.iter().for_each(check);
        check(&before.all);
        // One that goes on in the child is none of these.
        let (promise, future) = promise::<i32>();
        assert!(!future.done() && future.wait_timeout(Duration::ZERO).is_none());
        elsewhere(before.math.fork("add", args![&future, 1]).map(drop));
        let either = collect_any([future.map(Value::I32), before.pending[0].clone()]);
        elsewhere(either.value());
        thread::spawn(move || promise.set(1));
        assert_eq!(future.map(|n| n + 1).wait().unwrap(), 2);
    });
}

#[test]
fn every_use_of_the_executor_in_the_child_is_a_clear_error_at_once() {
    each_mode(|before| {
        let Before { exec, math, fib, .. } = &before;
        expect!["the executor belongs to process N, which made it; this is process N, forked from it, and has none of its threads
  make a new executor in the child process, or fork before making one"]
        .assert_eq(&text(&error(math.fork("add", args![2, 3]).map(drop))));
        elsewhere(exec.load_bytes(MATH));
        elsewhere(exec.load("no such file"));
        elsewhere(fib.fork("fib", args![9]).map(drop));
        elsewhere(math.fork("square", args![&before.pending[0]]).map(drop));
        elsewhere(math.function::<(i32,), i32>("square").map(drop));
        elsewhere(math.preinit("unit", args![]));
        exec.shutdown();
        elsewhere(before.pending[0].wait());
    });
}

#[test]
fn a_function_that_the_parent_has_looked_up_fails_in_the_child() {
    in_own_process(|| {
        for mode in MODES {
            let exec = mode.executor();
            let (math, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
            let square = math.function::<i32, i32>("square").unwrap();
            let fib = fib.function::<i32, i64>("fib").unwrap();
            let (_later, argument) = promise::<i32>();
            in_forked_child(|| {
                let forked = square.fork(7);
                assert!(forked.done());
                elsewhere(forked.wait());
                elsewhere(fib.fork(7).wait_timeout(HOUR).unwrap());
                let deferred = square.fork(argument);
                assert!(deferred.done());
                elsewhere(block_on(deferred));
            });
            assert_eq!((square.fork(7).wait().unwrap(), fib.fork(7).wait().unwrap()), (49, 13));
        }
    });
}

#[test]
fn dropping_everything_in_the_child_ends_at_once() {
    each_mode(|_dropped| ());
    in_own_process(|| {
        for mode in MODES {
            // A module alone, whose executor was dropped before: in serial mode it has a thread.
            let math = loaded(&mode.executor(), MATH);
            let future = math.fork("add", args![1, 2]).unwrap();
            let mut both = Some((math, future));
            in_forked_child(|| drop(both.take()));
        }
    });
}

#[test]
fn a_new_executor_works_in_the_child_and_in_a_child_of_it() {
    fn works() {
        for mode in MODES {
            let exec = mode.with(limits().timeout(Duration::from_millis(300)));
            still_answers(&exec);
            assert_eq!(loaded(&exec, FIB).fork("fib", args![12]).unwrap().wait().unwrap(), Value::I64(144));
            assert_eq!(loaded(&exec, CHAIN).fork("down", args![50]).unwrap().wait().unwrap(), Value::I32(50));
            let math = loaded(&exec, MATH);
            assert_kind(math.fork("spin", args![]).unwrap().wait(), ErrorKind::Timeout);
            let squares = wait_all((0..1000).map(|n| math.fork("square", args![n]).unwrap())).unwrap();
            assert_eq!(squares[999], Value::I32(998_001));
        }
    }
    each_mode(|before| {
        works();
        let exec = Executor::builder().limits(Limits::default()).threads(2).build().unwrap();
        let math = loaded(&exec, MATH);
        let mut both = Some((exec, before));
        in_forked_child(|| {
            let (exec, before) = both.take().unwrap();
            elsewhere(before.pending[0].wait());
            elsewhere(math.fork("add", args![1, 2]).map(drop));
            drop((exec, before));
            works();
        });
        // In between, it is as it was.
        assert_eq!(math.fork("add", args![1, 2]).unwrap().wait().unwrap(), Value::I32(3));
        let (exec, before) = both.unwrap();
        // Executors do not mix.
        elsewhere(math.fork("square", args![&before.pending[0]]).unwrap().wait());
        drop((exec, before));
    });
}

/// At whatever moment the process is forked: a child never waits for a lock that a thread had which it has not.
#[test]
fn a_child_may_be_forked_while_threads_are_in_the_midst_of_everything() {
    const CHILDREN: usize = 100;
    in_own_process(|| {
        for mode in MODES {
            let mut before = Some(Before::new(mode));
            let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
            let Before { math, fib, five, pending, named, .. } = before.as_ref().unwrap();
            let (math, fib, five, pending, named) =
                (math.clone(), fib.clone(), five.clone(), pending.clone(), named.clone());
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while !stop.load(Ordering::SeqCst) {
                            let squares = (0..10).map(|n| math.fork("square", args![n]).unwrap());
                            let all = collect_all(squares);
                            let _ = collect_any(pending.iter().cloned().chain([all.map(|_| Value::unit())])).wait();
                            let _ = pending[0].wait_timeout(Duration::ZERO);
                            drop(pending[0].map(|value| value.to_string()));
                            let _ = (fib.fork("fib", args![4]).unwrap().wait(), five.value(), named.value());
                            let _ = math.fork("square", args![&pending[0]]).unwrap().cancel();
                            rounds.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                }
                for _ in 0..CHILDREN {
                    let seen = rounds.load(Ordering::SeqCst);
                    in_forked_child(|| {
                        let before = before.take().unwrap();
                        assert_eq!(before.five.value().unwrap(), Value::I32(5));
                        before.pending.iter().for_each(|future| elsewhere(future.wait()));
                        before.lengths.iter().for_each(|future| elsewhere(future.wait()));
                        elsewhere(before.math.fork("add", args![2, 3]).map(drop));
                        drop(before);
                    });
                    while rounds.load(Ordering::SeqCst) == seen {
                        thread::yield_now();
                    }
                }
                stop.store(true, Ordering::SeqCst);
            });
            before.unwrap().ends_well();
        }
    });
}
