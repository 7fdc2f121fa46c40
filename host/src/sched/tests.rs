use super::*;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// A job that is a closure, to be run once.
struct Once<F> {
    body: Mutex<Option<F>>,
    abandoned: AtomicBool,
}

impl<F: FnOnce() + Send + 'static> Work for Once<F> {
    fn run(self: Arc<Self>) {
        let body = self.body.lock().unwrap().take();
        if let Some(body) = body {
            body();
        }
    }

    fn is_started(&self) -> bool {
        self.body.lock().unwrap().is_none()
    }

    fn abandon(self: Arc<Self>) {
        self.abandoned.store(true, Ordering::SeqCst);
    }
}

fn once<F: FnOnce() + Send + 'static>(body: F) -> Arc<Once<F>> {
    Arc::new(Once { body: Mutex::new(Some(body)), abandoned: AtomicBool::new(false) })
}

fn job(body: impl FnOnce() + Send + 'static) -> Job {
    Job::Start(once(body))
}

fn scheduler(threads: usize) -> Scheduler {
    Scheduler::new(threads, 1 << 20).unwrap()
}

/// A job that tells when it has begun, and then holds its worker until told to go on.
fn hold() -> (Job, Receiver<()>, Sender<()>) {
    let (begun, has_begun) = channel();
    let (go, may_go) = channel();
    let body = move || {
        begun.send(()).unwrap();
        may_go.recv().unwrap();
    };
    (job(body), has_begun, go)
}

#[test]
fn a_worker_runs_its_newest_job_first() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let scheduler = scheduler(1);
    let (handle, seen) = (scheduler.handle(), order.clone());
    scheduler.handle().spawn(job(move || {
        for i in 0..4 {
            let seen = seen.clone();
            handle.spawn(job(move || seen.lock().unwrap().push(i)));
        }
    }));
    drop(scheduler);
    assert_eq!(*order.lock().unwrap(), [3, 2, 1, 0]);
}

#[test]
fn another_worker_steals_the_oldest() {
    let scheduler = scheduler(2);
    let (first, has_begun, go) = hold();
    // One worker is held, so that the other is sure to run the job that spawns.
    scheduler.handle().spawn(first);
    has_begun.recv().unwrap();
    let (stolen, was_stolen) = channel();
    let handle = scheduler.handle();
    let (spawned, has_spawned) = channel();
    let (done, is_done) = channel::<()>();
    scheduler.handle().spawn(job(move || {
        for i in 0..3 {
            let stolen = stolen.clone();
            handle.spawn(job(move || stolen.send(i).unwrap()));
        }
        spawned.send(()).unwrap();
        // Its own jobs have to wait: whoever runs them now has stolen them.
        is_done.recv().unwrap();
    }));
    has_spawned.recv().unwrap();
    go.send(()).unwrap();
    assert_eq!(was_stolen.recv(), Ok(0));
    assert_eq!(was_stolen.recv(), Ok(1));
    assert_eq!(was_stolen.recv(), Ok(2));
    done.send(()).unwrap();
}

#[test]
fn dropping_the_scheduler_runs_everything_to_its_end() {
    let runs = Arc::new(AtomicUsize::new(0));
    let scheduler = scheduler(2);
    let handle = scheduler.handle();
    fn spread(handle: &Handle, runs: &Arc<AtomicUsize>, depth: usize) {
        runs.fetch_add(1, Ordering::SeqCst);
        for _ in 0..if depth == 0 { 0 } else { 3 } {
            let (inner, runs) = (handle.clone(), runs.clone());
            handle.spawn(job(move || spread(&inner, &runs, depth - 1)));
        }
    }
    spread(&handle, &runs, 7);
    drop(scheduler);
    assert_eq!(runs.load(Ordering::SeqCst), (3usize.pow(8) - 1) / 2);
}

#[test]
fn a_future_that_waits_is_set_aside_and_its_worker_does_other_things() {
    let scheduler = scheduler(1);
    let ready = Arc::new(AtomicBool::new(false));
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let finished = Arc::new(AtomicBool::new(false));
    let handle = scheduler.handle();
    scheduler.handle().spawn(job({
        let (ready, waker, finished, handle) = (ready.clone(), waker.clone(), finished.clone(), handle.clone());
        move || {
            let future = async move {
                poll_fn(|cx| {
                    *waker.lock().unwrap() = Some(cx.waker().clone());
                    if ready.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                finished.store(true, Ordering::SeqCst);
            };
            suspendable(future, move |job| handle.spawn(job));
        }
    }));
    // On the same, only worker; so it runs after the future was suspended.
    scheduler.handle().spawn(job(move || {
        ready.store(true, Ordering::SeqCst);
        waker.lock().unwrap().take().unwrap().wake();
    }));
    drop(scheduler);
    assert!(finished.load(Ordering::SeqCst));
}

#[test]
fn a_job_that_waits_for_another_runs_it_on_the_only_worker() {
    let scheduler = scheduler(1);
    let handle = scheduler.handle();
    let (told, tell) = channel();
    scheduler.handle().spawn(job(move || {
        let done = Arc::new(AtomicBool::new(false));
        let (set, sound) = (done.clone(), alarm().unwrap());
        handle.spawn(job(move || {
            set.store(true, Ordering::SeqCst);
            sound();
        }));
        run_until(&|| done.load(Ordering::SeqCst));
        told.send(done.load(Ordering::SeqCst)).unwrap();
    }));
    assert_eq!(tell.recv(), Ok(true));
}

#[test]
fn an_alarm_from_another_thread_wakes_a_worker_that_waits() {
    let scheduler = scheduler(1);
    let done = Arc::new(AtomicBool::new(false));
    let (give, take) = channel();
    let (told, tell) = channel();
    let set = done.clone();
    scheduler.handle().spawn(job(move || {
        give.send(alarm().unwrap()).unwrap();
        run_until(&|| done.load(Ordering::SeqCst));
        told.send(()).unwrap();
    }));
    let sound = take.recv().unwrap();
    set.store(true, Ordering::SeqCst);
    sound();
    assert_eq!(tell.recv(), Ok(()));
}

#[test]
fn a_job_that_panics_costs_nobody_else_anything() {
    let scheduler = scheduler(1);
    scheduler.handle().spawn(job(|| panic!("this panic is part of a test")));
    let (told, tell) = channel();
    scheduler.handle().spawn(job(move || told.send(7).unwrap()));
    assert_eq!(tell.recv(), Ok(7));
}

#[test]
fn what_is_spawned_after_the_end_is_abandoned() {
    let scheduler = scheduler(2);
    let handle = scheduler.handle();
    drop(scheduler);
    let late = once(|| panic!("nobody runs this"));
    handle.spawn(Job::Start(late.clone()));
    assert!(late.abandoned.load(Ordering::SeqCst));
}

#[test]
fn a_sweep_drops_entries_of_jobs_that_were_run_and_keeps_the_others() {
    let scheduler = scheduler(1);
    let handle = scheduler.handle();
    let (first, has_begun, go) = hold();
    handle.spawn(first);
    has_begun.recv().unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    for i in 0..10_000 {
        let runs = runs.clone();
        let work = once(move || {
            runs.fetch_add(1, Ordering::SeqCst);
        });
        handle.spawn(Job::Start(work.clone()));
        if i % 10 != 0 {
            work.run();
        }
    }
    assert_eq!(handle.waiting(), 10_000);
    handle.sweep();
    assert_eq!(handle.waiting(), 1_000);
    go.send(()).unwrap();
    drop(scheduler);
    assert_eq!(runs.load(Ordering::SeqCst), 10_000);
}

#[test]
fn the_last_handle_may_be_dropped_by_a_worker() {
    let (told, tell) = channel();
    let scheduler = scheduler(2);
    let handle = scheduler.handle();
    handle.spawn(job(move || {
        drop(scheduler);
        told.send(()).unwrap();
    }));
    assert_eq!(tell.recv(), Ok(()));
}

#[test]
fn bursts_from_many_threads_are_run_whole() {
    for round in 0..200 {
        let scheduler = scheduler(3);
        let runs = Arc::new(AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..round {
                        let runs = runs.clone();
                        scheduler.handle().spawn(job(move || {
                            runs.fetch_add(1, Ordering::SeqCst);
                        }));
                    }
                });
            }
        });
        drop(scheduler);
        assert_eq!(runs.load(Ordering::SeqCst), 3 * round);
    }
}
