//! What a future keeps of those who wait for it: as much as can still be told.
//!
//! A server may ask for a future that is pending for a year, over and over, and each time give up.

use purefork::{Error, ErrorKind, Future, collect_all, collect_any, first_ok, promise, wait_all, wait_all_or_cancel};
use purefork_tests::guests::MATH;
use purefork_tests::{Watchdog, assert_kind, each_executor, in_own_process, loaded};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

const ROUNDS: usize = 10_000;

/// So many that what takes a step for each of them, for each of them, would not end.
const MANY: usize = 400_000;

/// A task that counts how often it is woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    fn woken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[track_caller]
fn polled<T: Clone>(future: &mut Future<T>, task: &Arc<Task>) -> bool {
    let waker = Waker::from(task.clone());
    let polled = std::future::Future::poll(Pin::new(future), &mut Context::from_waker(&waker));
    matches!(polled, Poll::Ready(_))
}

/// How many others have what a callback was given to keep.
fn kept<T>(probe: &Arc<T>) -> usize {
    Arc::strong_count(probe) - 1
}

/// What is made of a future and dropped, with something to keep: nobody has that any more.
#[track_caller]
fn leaves_nothing(name: &str, round: impl Fn(&Future<i32>, Arc<()>)) {
    let (promise, future) = promise::<i32>();
    let probe = Arc::new(());
    for n in 0..ROUNDS {
        round(&future, probe.clone());
        assert_eq!(kept(&probe), 0, "{name}, round {n}");
    }
    promise.set(1).unwrap();
}

#[test]
fn a_handle_that_was_polled_keeps_no_waker_once_it_is_dropped() {
    let (promise, future) = promise::<i32>();
    let task = Arc::new(Task::default());
    for _ in 0..ROUNDS {
        let mut other = future.clone();
        assert!(!polled(&mut other, &task));
        assert_eq!(kept(&task), 1);
        drop(other);
        assert_eq!(kept(&task), 0);
    }
    promise.set(1).unwrap();
    assert_eq!(task.woken(), 0);
}

#[test]
fn a_handle_wakes_the_last_waker_it_was_polled_with_and_keeps_no_other() {
    let (promise, mut future) = promise::<i32>();
    let tasks: Vec<_> = (0..ROUNDS).map(|_| Arc::new(Task::default())).collect();
    let mut clone = future.clone();
    for task in &tasks {
        assert!(!polled(&mut future, task) && !polled(&mut future, task));
        assert!(!polled(&mut clone, &tasks[0]));
        assert_eq!(
            tasks.iter().take(2).map(kept).sum::<usize>(),
            if Arc::ptr_eq(task, &tasks[0]) { 2 } else { 1 + kept(&tasks[1]) }
        );
    }
    assert_eq!(tasks.iter().map(kept).sum::<usize>(), 2);
    promise.set(1).unwrap();
    let woken: Vec<_> = tasks.iter().enumerate().filter(|(_, task)| task.woken() != 0).collect();
    assert_eq!(woken.iter().map(|(n, task)| (*n, task.woken())).collect::<Vec<_>>(), [(0, 1), (ROUNDS - 1, 1)]);
    assert!(polled(&mut future, &tasks[5]) && polled(&mut clone, &tasks[5]));
    assert_eq!(tasks.iter().map(kept).sum::<usize>(), 0);
}

#[test]
fn a_map_that_nobody_can_see_is_gone() {
    leaves_nothing("map", |future, kept| drop(future.map(move |_| drop(kept))));
    leaves_nothing("map of a map", |future, kept| {
        let first = future.map(move |n| (n, kept));
        let second = first.map(|_| 1);
        drop(first);
        drop(second.map(|_| 2));
    });
    // It is not called, either; and one that is seen is, though another that was made of it is not.
    let (promise, future) = promise::<i32>();
    drop(future.map(|_| unreachable!("nobody has its future")));
    let seen = future.map(|n| n + 1);
    drop(seen.map(|_| unreachable!("nobody has its future")));
    promise.set(1).unwrap();
    assert_eq!(seen.value().unwrap(), 2);
}

#[test]
fn what_is_cancelled_is_gone() {
    leaves_nothing("map", |future, kept| {
        let mapped = future.map(move |_| drop(kept));
        assert!(mapped.cancel() && !mapped.cancel());
        assert_kind(mapped.value(), ErrorKind::Cancelled);
    });
    leaves_nothing("then", |future, kept| {
        let then = future.then(move |_| {
            drop(kept);
            Ok(())
        });
        assert!(then.cancel());
        assert_kind(then.value(), ErrorKind::Cancelled);
    });
    leaves_nothing("collect_all", |future, kept| {
        let all = collect_all([future.map(move |_| drop(kept))]);
        assert!(all.cancel());
    });
    leaves_nothing("wait_all_or_cancel", |future, kept| {
        let (failing, failed) = promise::<()>();
        failing.fail(Error::failed("the other one")).unwrap();
        let result = wait_all_or_cancel([future.map(move |_| drop(kept)), failed]);
        assert_kind(result, ErrorKind::Failed);
    });
}

/// Row 31: a callback of `then` or `on_done` may be there for what it does.
#[test]
fn a_then_whose_future_was_dropped_is_called_all_the_same() {
    let (promise, future) = promise::<i32>();
    let calls = Arc::new(AtomicUsize::new(0));
    for n in 0..ROUNDS {
        let [a, b, c] = [(); 3].map(|()| calls.clone());
        let count = |calls: Arc<AtomicUsize>| calls.fetch_add(1, Ordering::SeqCst);
        drop(future.then(move |_| Ok(count(a))));
        future.on_done(move |_| {
            count(b);
        });
        // What it is made of stays with it.
        drop(collect_any([future.map(|n| n + 1)]).map(move |m| m + n as i32).then(move |_| Ok(count(c))));
    }
    promise.set(1).unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 3 * ROUNDS);
    assert_eq!(kept(&calls), 0);
}

#[test]
fn a_race_that_is_decided_is_gone_from_those_who_lost() {
    for race in [|futures: [Future<i32>; 3]| collect_any(futures), |futures: [Future<i32>; 3]| first_ok(futures)] {
        leaves_nothing("with the result seen", |future, kept| {
            let (short, won) = promise::<i32>();
            let slow = || {
                let kept = kept.clone();
                future.map(move |n| n + Arc::strong_count(&kept) as i32)
            };
            let winner = race([slow(), won, slow()]);
            drop(kept.clone());
            assert!(!winner.done());
            short.set(7).unwrap();
            assert_eq!(winner.value().unwrap(), 7);
            // Not only when its own future is dropped.
            assert_eq!(Arc::strong_count(&kept), 2);
        });
        leaves_nothing("decided from the beginning", |future, kept| {
            let (short, won) = promise::<i32>();
            short.set(7).unwrap();
            assert_eq!(race([future.map(move |_| drop(kept)).map(|()| 1), won, future.clone()]).value().unwrap(), 7);
        });
        leaves_nothing("given up", |future, kept| {
            drop(race([future.map(move |_| drop(kept)).map(|()| 1), future.clone(), future.clone()]));
        });
    }
}

#[test]
fn a_collection_that_nobody_can_see_is_gone() {
    leaves_nothing("collect_all", |future, kept| {
        drop(collect_all([future.map(move |_| drop(kept)), future.map(drop)]));
    });
}

/// Row 11.
#[test]
fn a_fork_that_waited_for_its_arguments_and_was_cancelled_is_gone() {
    each_executor(|exec| {
        let square = loaded(exec, MATH).function::<i32, i32>("square").unwrap();
        leaves_nothing("a deferred fork", |future, kept| {
            let argument = future.map(move |n| n + Arc::strong_count(&kept) as i32);
            assert!(square.fork(argument).cancel());
        });
        // One that was dropped runs.
        let (promise, future) = promise::<i32>();
        let probe = Arc::new(());
        let kept_by = probe.clone();
        let forked = square.fork(future.map(move |n| n + Arc::strong_count(&kept_by) as i32));
        let (tell, told) = std::sync::mpsc::channel();
        forked.on_done(move |forked| tell.send(forked.value()).unwrap());
        drop(forked);
        assert_eq!(kept(&probe), 1);
        promise.set(5).unwrap();
        assert_eq!(told.recv().unwrap().unwrap(), 49);
        assert_eq!(kept(&probe), 0);
    });
}

/// Row 35, where some leave: the others are told in the order in which they came.
#[test]
fn who_leaves_changes_nothing_for_the_others() {
    let (promise, future) = promise::<i32>();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut maps = Vec::new();
    for n in 0..ROUNDS {
        let order = order.clone();
        maps.push(Some(future.map(move |_| order.lock().unwrap().push(n))));
        if n % 3 == 2 {
            maps[n / 2] = None;
        }
    }
    promise.set(1).unwrap();
    let left: Vec<_> = (0..ROUNDS).filter(|&n| maps[n].is_some()).collect();
    assert!(left.len() > ROUNDS / 2);
    assert_eq!(*order.lock().unwrap(), left);
}

#[test]
fn many_who_wait_and_leave_take_time_in_proportion() {
    let _watchdog = Watchdog::new();
    let (promise, future) = promise::<i32>();
    let tasks: Vec<_> = (0..MANY).map(|_| Arc::new(Task::default())).collect();
    let mut handles: Vec<_> = (0..MANY).map(|_| future.clone()).collect();
    for turn in 0..3 {
        for (n, handle) in handles.iter_mut().enumerate() {
            assert!(!polled(handle, &tasks[(n + turn) % MANY]));
        }
    }
    // With all of them there, threads wait and leave, and so does what is made of it.
    for (n, handle) in handles.iter_mut().take(MANY / 2).enumerate() {
        assert!(future.wait_timeout(Duration::ZERO).is_none());
        drop(future.map(|n| n + 1));
        drop(collect_any([future.clone(), future.clone()]));
        if n % 2 == 0 {
            *handle = future.clone();
        }
    }
    promise.set(1).unwrap();
    let woken: usize = tasks.iter().map(|task| task.woken()).sum();
    assert_eq!(woken, MANY - MANY / 4);
    drop(handles);
    assert!(tasks.iter().all(|task| kept(task) == 0));
}

/// A chain of what is made of one another is taken apart, and not each within the one before.
#[test]
fn a_long_chain_is_dropped_or_cancelled() {
    in_own_process(|| {
        let (promise, future) = promise::<i32>();
        let probe = Arc::new(());
        for cancel in [false, true] {
            let mut last = future.clone();
            for n in 0..MANY {
                let kept = probe.clone();
                last = match n % 3 {
                    0 => last.map(move |n| n + Arc::strong_count(&kept) as i32),
                    1 => first_ok([last]).map(move |n| n + Arc::strong_count(&kept) as i32),
                    _ => collect_all([last]).map(move |all| Arc::strong_count(&kept) as i32 + all[0].value().unwrap()),
                };
            }
            assert_eq!(kept(&probe), MANY);
            if cancel {
                assert!(last.cancel());
            } else {
                drop(last);
            }
            assert_eq!(kept(&probe), 0);
        }
        drop(promise);
        assert_kind(future.wait(), ErrorKind::BrokenPromise);
    });
}

/// Threads wait, poll, give up, race and complete, all at once: nobody who still waits is forgotten, and nothing is kept.
#[test]
fn nothing_is_lost_or_kept_where_threads_come_and_go() {
    let _watchdog = Watchdog::new();
    for _ in 0..300 {
        let (promise, future) = promise::<i32>();
        let (never, pending) = purefork::promise::<i32>();
        let task = Arc::new(Task::default());
        let probe = Arc::new(());
        thread::scope(|scope| {
            for number in 0..4 {
                let (future, pending, task, probe) = (&future, &pending, &task, &probe);
                scope.spawn(move || {
                    let mut asked = 0;
                    loop {
                        let kept = probe.clone();
                        let sum = move |n: i32| {
                            // It has what it was given.
                            let _kept = &kept;
                            n
                        };
                        let mapped = future.map(sum.clone());
                        let race = collect_any([pending.map(sum.clone()), mapped.clone()]);
                        let mut handle = race.clone();
                        asked += 1;
                        if polled(&mut handle, task) || asked == 50 {
                            drop(handle);
                            assert_eq!(if number % 2 == 0 { race.wait() } else { mapped.wait() }.unwrap(), 7);
                            assert_eq!(wait_all([race.map(sum.clone()), mapped, future.map(sum)]).unwrap(), [7, 7, 7]);
                            break;
                        }
                        drop(pending.wait_timeout(Duration::ZERO));
                    }
                });
            }
            scope.spawn(move || promise.set(7).unwrap());
        });
        assert_eq!((kept(&task), kept(&probe)), (0, 0));
        drop(never);
    }
}
