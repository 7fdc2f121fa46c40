//! What observers are told of calls.

use expect_test::expect;
use purefork::event::{CallEvent, CallEventKind, Event, Observer, TaskId, observe};
use purefork::{Error, ErrorKind, Executor, Future, Limits, Value, args, promise};
use purefork_tests::guests::{CHAIN, FIB, MATH};
use purefork_tests::{MODES, Mode, Watchdog, assert_kind, built, each_executor, limits, loaded, still_answers};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

/// `go` forks `spin`, which never ends, twice, and waits for the first; `leave` forks it and waits for nothing.
const SPINS: &str = r#"(module $spins
    (import "fork" "spin" (func $fork (result i32)))
    (import "wait" "spin" (func $wait (param i32) (result i32)))
    (func $spin (export "spin") (result i32) (loop $again (br $again)) (unreachable))
    (func $go (export "go") (result i32) (local $first i32)
        (local.set $first (call $fork)) (drop (call $fork)) (call $wait (local.get $first)))
    (func $leave (export "leave") (result i32) (drop (call $fork)) (call $fork)))"#;

#[derive(Clone, Debug, PartialEq)]
struct Told {
    task: TaskId,
    parent: Option<TaskId>,
    worker: Option<usize>,
    thread: ThreadId,
    fuel: u64,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Fork { function: String, number: u32, by_host: bool, pending: bool },
    Ready,
    Start,
    Wait,
    Suspend,
    Resume,
    Cancelled,
    Done(Result<Value, ErrorKind>),
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Told>>>);

impl Observer for Log {
    fn event(&self, event: &Event<'_>) {
        let Event::Call(CallEvent { task, parent, worker, fuel, kind, .. }) = event else { return };
        let kind = match kind {
            CallEventKind::Fork { function, args, number, site, .. } => Kind::Fork {
                function: function.name().to_owned(),
                number: *number,
                by_host: site.is_some(),
                pending: args.values().is_none(),
            },
            CallEventKind::Ready(args) => {
                assert!(args.values().is_some(), "the arguments are there");
                Kind::Ready
            }
            CallEventKind::Start => Kind::Start,
            CallEventKind::Wait => Kind::Wait,
            CallEventKind::Suspend => Kind::Suspend,
            CallEventKind::Resume => Kind::Resume,
            CallEventKind::Cancelled => Kind::Cancelled,
            CallEventKind::Done { result, .. } => Kind::Done(result.map(Value::clone).map_err(Error::kind)),
            kind => panic!("an event that there was not: {kind:?}"),
        };
        let (task, parent, worker, thread, fuel) = (*task, *parent, *worker, thread::current().id(), *fuel);
        self.0.lock().unwrap().push(Told { task, parent, worker, thread, fuel, kind });
    }
}

impl Log {
    fn all(&self) -> Vec<Told> {
        self.0.lock().unwrap().clone()
    }

    /// Each call's events as text, with calls numbered in the order in which they were forked.
    fn text(&self) -> String {
        let all = self.all();
        let mut numbers: BTreeMap<TaskId, usize> = BTreeMap::new();
        let mut text = String::new();
        for told in &all {
            let next = numbers.len() + 1;
            let number = *numbers.entry(told.task).or_insert(next);
            let what = match &told.kind {
                Kind::Fork { function, number, .. } => format!("fork {number} {function}"),
                kind => format!("{kind:?}").to_lowercase(),
            };
            let parent = told.parent.map(|parent| format!(" of {}", numbers[&parent])).unwrap_or_default();
            // After a failure it is not always known.
            let failed = matches!(told.kind, Kind::Done(Err(_)));
            let fuel = if failed { String::new() } else { format!(", fuel {}", told.fuel) };
            text.push_str(&format!("{number}{parent}: {what}{fuel}\n"));
        }
        text
    }

    /// Checks that every call's events come in an order that there can be, and returns how calls have ended, by function.
    #[track_caller]
    fn legal(&self) -> BTreeMap<String, Vec<Result<Value, ErrorKind>>> {
        #[derive(Clone, Copy, Debug, PartialEq)]
        enum State {
            Pending,
            Forked,
            Running,
            Suspended,
            Done,
        }
        let all = self.all();
        let mut states: BTreeMap<TaskId, (State, String, Option<TaskId>, bool, u64)> = BTreeMap::new();
        let mut ends: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for told in &all {
            let wrong = || panic!("{told:?} is not expected, in\n{}", self.text());
            if let Kind::Fork { function, number, by_host, pending } = &told.kind {
                let by_call = told.parent.is_some();
                if *by_host == by_call || (*number > 0) != by_call || by_call && *pending {
                    wrong();
                }
                if let Some(parent) = told.parent
                    && states.get(&parent).is_none_or(|(state, ..)| *state != State::Running)
                {
                    wrong();
                }
                let state = if *pending { State::Pending } else { State::Forked };
                if states.insert(told.task, (state, function.clone(), told.parent, false, 0)).is_some() {
                    wrong();
                }
                continue;
            }
            let Some((state, function, parent, cancelled, fuel)) = states.get_mut(&told.task) else { wrong() };
            if *parent != told.parent {
                wrong();
            }
            *state = match (*state, &told.kind) {
                (state, Kind::Wait) => state,
                (State::Pending, Kind::Ready) => State::Forked,
                (State::Forked, Kind::Start) => State::Running,
                (State::Running, Kind::Suspend) => State::Suspended,
                (State::Suspended, Kind::Resume) => State::Running,
                (state, Kind::Cancelled) if state != State::Done && !*cancelled => {
                    *cancelled = true;
                    state
                }
                (State::Pending | State::Forked, Kind::Done(Ok(_))) | (State::Done, _) => wrong(),
                (_, Kind::Done(end)) => {
                    ends.entry(function.clone()).or_default().push(end.clone());
                    State::Done
                }
                _ => wrong(),
            };
            if !matches!(told.kind, Kind::Wait | Kind::Cancelled) {
                if told.fuel < *fuel {
                    wrong();
                }
                *fuel = told.fuel;
            }
        }
        for (state, function, ..) in states.values() {
            assert_eq!(*state, State::Done, "`{function}` has not ended, in\n{}", self.text());
        }
        ends
    }
}

/// Runs a scenario in each mode, with an observer, and checks what that was told once the executor is gone.
fn each_observed(
    limits: Limits,
    scenario: impl Fn(&Executor),
    check: impl Fn(BTreeMap<String, Vec<Result<Value, ErrorKind>>>),
) {
    let _watchdog = Watchdog::new();
    for mode in MODES {
        println!("mode: {mode:?}");
        let log = Log::default();
        let exec = built(mode.builder().limits(limits.clone()).observer(log.clone()));
        scenario(&exec);
        drop(exec);
        check(log.legal());
    }
}

/// Row 18: an observer is told of each fork, and of all that becomes of the call.
#[test]
fn an_observer_is_told_what_becomes_of_each_call() {
    let log = Log::default();
    let exec = built(Mode::Serial.builder().observer(log.clone()));
    let chain = loaded(&exec, CHAIN);
    assert_eq!(chain.fork("down", args![2]).unwrap().wait().unwrap(), Value::I32(2));
    assert_kind(chain.fork("doomed", args![1]).unwrap().wait(), ErrorKind::Trap);
    drop((chain, exec));
    log.legal();
    expect![[r#"
        1: fork 0 down, fuel 0
        1: start, fuel 0
        2 of 1: fork 1 down, fuel 9
        1: suspend, fuel 9
        2 of 1: start, fuel 0
        3 of 2: fork 1 down, fuel 9
        2 of 1: suspend, fuel 9
        3 of 2: start, fuel 0
        3 of 2: done(ok(i32(0))), fuel 5
        2 of 1: resume, fuel 9
        3 of 2: wait, fuel 10
        2 of 1: done(ok(i32(1))), fuel 11
        1: resume, fuel 9
        2 of 1: wait, fuel 10
        1: done(ok(i32(2))), fuel 11
        1: wait, fuel 0
        4: fork 0 doomed, fuel 0
        4: start, fuel 0
        5 of 4: fork 1 doomed, fuel 9
        4: suspend, fuel 9
        5 of 4: start, fuel 0
        5 of 4: done(err(trap))
        4: resume, fuel 9
        5 of 4: wait, fuel 10
        4: done(err(trap))
        4: wait, fuel 0
    "#]]
    .assert_eq(&log.text());
}

/// Rows 18 and 19: with the worker on whose thread it happens.
#[test]
fn an_observer_is_told_of_the_thread_on_which_it_happens() {
    let _watchdog = Watchdog::new();
    for mode in MODES {
        println!("mode: {mode:?}");
        let log = Log::default();
        let exec = built(mode.builder().observer(log.clone()));
        assert_eq!(loaded(&exec, FIB).fork("fib", args![9]).unwrap().wait().unwrap(), Value::I64(34));
        drop(exec);
        let ends = log.legal();
        assert_eq!(ends["fib"].len(), 109);
        let all = log.all();
        let workers: BTreeSet<_> = all.iter().filter_map(|told| told.worker).collect();
        let most = match mode {
            Mode::Serial => 0,
            Mode::Threads(threads) => threads,
        };
        assert!(workers.iter().all(|worker| *worker < most), "{workers:?}");
        assert_eq!(workers.is_empty(), most == 0);
        // One thread is always the same worker, and a worker always the same thread.
        let threads: BTreeMap<_, _> = all.iter().map(|told| (format!("{:?}", told.thread), told.worker)).collect();
        for told in &all {
            assert_eq!(threads[&format!("{:?}", told.thread)], told.worker, "{told:?}");
        }
        assert_eq!(threads.values().flatten().count(), workers.len());
    }
}

#[test]
fn calls_that_succeed_or_trap_are_told_of_once_each() {
    each_observed(
        limits(),
        |exec| {
            let (math, chain) = (loaded(exec, MATH), loaded(exec, CHAIN));
            let all: Vec<_> = (0..50).map(|n| math.fork("square", args![n]).unwrap()).collect();
            all.iter().for_each(|future| drop(future.wait().unwrap()));
            assert_kind(math.fork("div", args![1, 0]).unwrap().wait(), ErrorKind::Trap);
            assert_kind(chain.fork("doomed", args![9]).unwrap().wait(), ErrorKind::Trap);
            // Nobody waits for it.
            drop(chain.fork("down", args![3]).unwrap());
        },
        |ends| {
            let counts: Vec<_> = ends.iter().map(|(function, ends)| (&**function, ends.len())).collect();
            assert_eq!(counts, [("div", 1), ("doomed", 10), ("down", 4), ("square", 50)]);
            assert!(ends["doomed"].iter().all(|end| *end == Err(ErrorKind::Trap)));
            assert!(ends["square"].iter().all(Result::is_ok));
        },
    );
}

#[test]
fn calls_that_are_refused_end_without_a_start() {
    each_observed(
        limits().depth(3),
        |exec| assert_kind(loaded(exec, CHAIN).fork("down", args![10]).unwrap().wait(), ErrorKind::TooDeep),
        |ends| assert_eq!(ends["down"], [const { Err(ErrorKind::TooDeep) }; 5]),
    );
    each_observed(
        limits().tree_forks(2),
        |exec| assert_kind(loaded(exec, CHAIN).fork("down", args![5]).unwrap().wait(), ErrorKind::TooManyForks),
        |ends| assert_eq!(ends["down"], [const { Err(ErrorKind::TooManyForks) }; 4]),
    );
}

#[test]
fn a_call_that_waits_for_arguments_is_told_of_when_these_are_there() {
    each_observed(
        limits(),
        |exec| {
            let math = loaded(exec, MATH);
            let (start, pending) = promise::<i32>();
            let square = math.fork("square", args![&pending]).unwrap();
            let sum = math.fork("add", args![&square, 1]).unwrap();
            start.set(3).unwrap();
            assert_eq!(sum.wait().unwrap(), Value::I32(10));
            // Of those whose arguments fail, and of those that are cancelled before, there is no call.
            let (start, pending) = promise::<i32>();
            let failing = math.fork("half", args![&pending.map(f64::from)]).unwrap();
            start.fail(Error::failed("there is no number")).unwrap();
            assert_kind(failing.wait(), ErrorKind::Failed);
            let (start, pending) = promise::<i32>();
            let cancelled = math.fork("div", args![1, &pending]).unwrap();
            assert!(cancelled.cancel());
            start.set(3).unwrap();
            assert_kind(cancelled.wait(), ErrorKind::Cancelled);
        },
        |ends| {
            assert_eq!(ends["square"], [Ok(Value::I32(9))]);
            assert_eq!(ends["add"], [Ok(Value::I32(10))]);
            assert_eq!(ends["half"], [Err(ErrorKind::Failed)]);
            assert_eq!(ends["div"], [Err(ErrorKind::Cancelled)]);
        },
    );
}

#[test]
fn calls_that_are_given_up_end_once() {
    let _watchdog = Watchdog::new();
    for threads in [1, 2] {
        let log = Log::default();
        let exec = built(Mode::Threads(threads).builder().observer(log.clone()));
        let (math, spins) = (loaded(&exec, MATH), loaded(&exec, SPINS));
        // Runs, with others that wait for their turn.
        let running = spins.fork("go", args![]).unwrap();
        while !log.all().iter().any(|told| told.kind == Kind::Suspend) {
            thread::yield_now();
        }
        let queued: Vec<_> = (0..threads).map(|_| math.fork("spin", args![]).unwrap()).collect();
        assert!(queued.iter().all(Future::cancel));
        assert!(running.cancel());
        assert!(!running.cancel());
        assert_kind(running.wait(), ErrorKind::Cancelled);
        // What a call has not waited for when it ends.
        assert_eq!(spins.fork("leave", args![]).unwrap().wait().unwrap(), Value::I32(2));
        drop((math, spins, running, queued, exec));
        let ends = log.legal();
        assert_eq!(ends["go"], [Err(ErrorKind::Cancelled)]);
        assert_eq!(ends["spin"], vec![Err(ErrorKind::Cancelled); 4 + threads]);
    }
}

#[test]
fn calls_end_when_the_executor_is_shut_down() {
    let _watchdog = Watchdog::new();
    for threads in [1, 2] {
        let log = Log::default();
        let exec = built(Mode::Threads(threads).builder().observer(log.clone()));
        let (math, spins) = (loaded(&exec, MATH), loaded(&exec, SPINS));
        let running = spins.fork("go", args![]).unwrap();
        let (start, pending) = promise::<i32>();
        let waiting = math.fork("square", args![&pending]).unwrap();
        while !log.all().iter().any(|told| told.kind == Kind::Suspend) {
            thread::yield_now();
        }
        let queued: Vec<_> = (0..20).map(|_| math.fork("spin", args![]).unwrap()).collect();
        exec.shutdown();
        let late = math.fork("unit", args![]).unwrap();
        for future in queued.iter().chain([&running, &waiting, &late]) {
            assert_kind(future.wait(), ErrorKind::Cancelled);
        }
        drop((start, exec));
        let ends = log.legal();
        assert_eq!(ends["square"], [Err(ErrorKind::Cancelled)]);
        assert_eq!(ends["unit"], [Err(ErrorKind::Cancelled)]);
        assert_eq!(ends["spin"], [const { Err(ErrorKind::Cancelled) }; 22]);
    }
}

/// Two threads give up a call that has not started, or one does as its arguments come: at the same time, as nearly as can be.
#[test]
fn a_call_that_several_threads_give_up_at_a_time_ends_once() {
    const ROUNDS: usize = 3_000;
    let _watchdog = Watchdog::new();
    let log = Log::default();
    let exec = built(Mode::Threads(1).builder().observer(log.clone()));
    let math = loaded(&exec, MATH);
    // No call starts as long as this one runs.
    let spin = exec.load_bytes(MATH).unwrap().fork("spin", args![]).unwrap();
    while !log.all().iter().any(|told| told.kind == Kind::Start) {
        thread::yield_now();
    }
    let queued: Vec<_> = (0..ROUNDS).map(|_| math.fork("square", args![3]).unwrap()).collect();
    let (promises, pending): (Vec<_>, Vec<_>) = (0..ROUNDS).map(|_| promise::<i32>()).unzip();
    let waiting: Vec<_> = pending.iter().map(|pending| math.fork("square", args![pending]).unwrap()).collect();
    let arrived: Vec<_> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    let both_there = |round: usize| {
        arrived[round].fetch_add(1, Ordering::SeqCst);
        while arrived[round].load(Ordering::SeqCst) < 2 {
            thread::yield_now();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                both_there(round);
                queued[round].cancel();
                waiting[round].cancel();
            }
        });
        for (round, promise) in promises.into_iter().enumerate() {
            both_there(round);
            queued[round].cancel();
            promise.set(3).unwrap();
        }
    });
    assert!(spin.cancel());
    drop((queued, waiting, math, spin, exec));
    let all = log.all();
    let once = |is: fn(&Kind) -> bool| {
        let told: Vec<_> = all.iter().filter(|told| is(&told.kind)).map(|told| told.task).collect();
        assert_eq!(told.len(), told.iter().collect::<BTreeSet<_>>().len());
        told.len()
    };
    assert_eq!(once(|kind| matches!(kind, Kind::Done(_))), 2 * ROUNDS + 1);
    once(|kind| *kind == Kind::Cancelled);
}

#[test]
fn the_observers_of_an_executor_and_of_a_thread_are_told_the_same() {
    let _watchdog = Watchdog::new();
    for mode in MODES {
        let [all, outer, inner] = std::array::from_fn(|_| Log::default());
        let exec = built(mode.builder().observer(all.clone()));
        let chain = loaded(&exec, CHAIN);
        let down = |n: i32| drop(chain.fork("down", args![n]).unwrap().wait().unwrap());
        down(1);
        observe(outer.clone(), || {
            down(2);
            observe(inner.clone(), || down(3));
            // What another thread forks is not told.
            thread::scope(|scope| drop(scope.spawn(|| down(4))));
            down(5);
        });
        down(6);
        drop(chain);
        drop(exec);
        let counts = [all, outer, inner].map(|log| log.legal()["down"].len());
        assert_eq!(counts, [2 + 3 + 4 + 5 + 6 + 7, 3 + 4 + 6, 4]);
    }
}

#[test]
fn a_call_is_told_to_whoever_observed_its_fork_until_it_ends() {
    let _watchdog = Watchdog::new();
    for mode in MODES {
        let log = Log::default();
        let exec = mode.executor();
        let math = loaded(&exec, MATH);
        let (start, pending) = promise::<i32>();
        let square = observe(log.clone(), || math.fork("square", args![&pending]).unwrap());
        assert_eq!(log.text(), "1: fork 0 square, fuel 0\n");
        start.set(3).unwrap();
        assert_eq!(square.wait().unwrap(), Value::I32(9));
        drop((math, exec));
        log.legal();
    }
}

#[test]
fn where_nobody_observes_calls_nobody_is_told_of_them() {
    struct Deaf(Log);
    impl Observer for Deaf {
        fn event(&self, event: &Event<'_>) {
            self.0.event(event);
        }
        fn observes_calls(&self) -> bool {
            false
        }
    }
    for mode in MODES {
        let log = Log::default();
        let exec = built(mode.builder().observer(Deaf(log.clone())));
        assert_eq!(loaded(&exec, FIB).fork("fib", args![5]).unwrap().wait().unwrap(), Value::I64(5));
        drop(exec);
        assert_eq!(log.all(), []);
    }
}

#[test]
fn an_observer_that_panics_keeps_nobody_else_from_being_told() {
    each_executor(|exec| {
        let log = Log::default();
        let fib = loaded(exec, FIB);
        let value = observe(log.clone(), || {
            observe(
                |_: &Event<'_>| panic!("the observer"),
                || observe(log.clone(), || fib.fork("fib", args![5]).unwrap().wait()),
            )
        });
        assert_eq!(value.unwrap(), Value::I64(5));
        still_answers(exec);
        // Each is told twice.
        let done = log.all().iter().filter(|told| matches!(told.kind, Kind::Done(_))).count();
        assert_eq!(done, 2 * 15);
    });
}

/// An observer may fork in turn: of that it is told, too, so it has to know when to stop.
#[test]
fn an_observer_may_fork() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let (log, inner) = (Log::default(), math.clone());
        let counted = log.clone();
        let observer = move |event: &Event<'_>| {
            counted.event(event);
            if let Event::Call(CallEvent { kind: CallEventKind::Start, .. }) = event
                && counted.all().len() < 20
            {
                drop(inner.fork("square", args![2]).unwrap());
            }
        };
        assert_eq!(observe(observer, || math.fork("square", args![3]).unwrap().wait()).unwrap(), Value::I32(9));
    });
}
