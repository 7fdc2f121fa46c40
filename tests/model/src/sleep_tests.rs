use super::sleep::Sleep;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;

/// The scheduler without deques: one queue, workers that look for `jobs` jobs in all, and then end.
struct Pool {
    sleep: Sleep,
    queue: Mutex<Vec<u32>>,
    /// What the model looks at instead of a deque's length: written after each change of the queue.
    waiting: AtomicUsize,
    run: AtomicUsize,
    /// A job ends when as many have begun. With more than one, they need a worker each.
    begun: (Mutex<usize>, Condvar),
    together: usize,
    stopped: AtomicBool,
}

impl Pool {
    fn new(workers: usize, together: usize) -> Arc<Pool> {
        Arc::new(Pool {
            sleep: Sleep::new(workers),
            queue: Mutex::new(Vec::new()),
            waiting: AtomicUsize::new(0),
            run: AtomicUsize::new(0),
            begun: (Mutex::new(0), Condvar::new()),
            together,
            stopped: AtomicBool::new(false),
        })
    }

    fn push(&self, job: u32) {
        let mut queue = self.queue.lock().unwrap();
        queue.push(job);
        self.waiting.store(queue.len(), Ordering::SeqCst);
        drop(queue);
        self.sleep.notify();
    }

    fn pop(&self) -> Option<u32> {
        let mut queue = self.queue.lock().unwrap();
        let job = queue.pop();
        self.waiting.store(queue.len(), Ordering::SeqCst);
        job
    }

    fn has_work(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) != 0
    }

    fn meet(&self) {
        let mut begun = self.begun.0.lock().unwrap();
        *begun += 1;
        self.begun.1.notify_all();
        while *begun < self.together {
            begun = self.begun.1.wait(begun).unwrap();
        }
    }

    /// A worker's loop, as in the scheduler: find, search once, sleep.
    fn work(&self, index: usize, jobs: usize) {
        let mut searching = false;
        loop {
            let mut found = self.pop();
            if found.is_none() {
                searching = searching || self.sleep.start_search();
                if searching {
                    found = self.pop();
                }
            }
            if found.is_some() {
                if std::mem::take(&mut searching) {
                    self.sleep.end_search(|| self.has_work());
                }
                self.meet();
                if self.run.fetch_add(1, Ordering::SeqCst) + 1 == jobs {
                    self.stopped.store(true, Ordering::SeqCst);
                    self.sleep.unpark_all();
                    return;
                }
                continue;
            }
            self.sleep.prepare(index, std::mem::take(&mut searching));
            if self.has_work() {
                self.sleep.cancel(index);
                searching = true;
                continue;
            }
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            searching = self.sleep.park(index);
        }
    }
}

fn check(workers: usize, pushers: usize, jobs_each: usize, together: usize, preemptions: usize) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(move || {
        let jobs = pushers * jobs_each;
        let pool = Pool::new(workers, together);
        let workers: Vec<_> = (0..workers)
            .map(|index| {
                let pool = pool.clone();
                thread::spawn(move || pool.work(index, jobs))
            })
            .collect();
        let more: Vec<_> = (1..pushers)
            .map(|_| {
                let pool = pool.clone();
                thread::spawn(move || (0..jobs_each).for_each(|job| pool.push(job as u32)))
            })
            .collect();
        (0..jobs_each).for_each(|job| pool.push(job as u32));
        for thread in workers.into_iter().chain(more) {
            thread.join().unwrap();
        }
        // A lost wake-up shows as a deadlock before this line.
        assert_eq!(pool.run.load(Ordering::SeqCst), jobs);
    });
}

#[test]
fn one_worker_runs_every_job_that_two_threads_push() {
    check(1, 2, 1, 1, 3);
}

#[test]
fn two_workers_run_every_job_that_one_thread_pushes() {
    check(2, 1, 2, 1, 3);
}

/// One sleeping worker too few would be woken if a push that wakes nobody, as somebody searches, were forgotten.
#[test]
fn two_jobs_that_wait_for_each_other_get_a_worker_each() {
    check(2, 1, 2, 2, 3);
}

#[test]
fn two_jobs_of_two_threads_that_wait_for_each_other_get_a_worker_each() {
    check(2, 2, 1, 2, 2);
}

#[test]
fn a_worker_that_is_woken_for_nothing_sleeps_on_and_hears_the_next_push() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let pool = Pool::new(1, 1);
        let worker = {
            let pool = pool.clone();
            thread::spawn(move || pool.work(0, 1))
        };
        pool.sleep.unpark(0);
        pool.push(7);
        worker.join().unwrap();
        assert_eq!(pool.run.load(Ordering::SeqCst), 1);
    });
}
