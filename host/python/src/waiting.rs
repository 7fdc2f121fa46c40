//! Waits that Ctrl-C ends, and that do not hold the GIL.
//!
//! Python's own handler of a signal runs on the main thread alone, once that is back in Python. A wait on the main thread may run the call
//! itself, for as long as that takes. So a thread of `purefork._signals` is told of SIGINT, and calls [`interrupt`]: the call that the main
//! thread runs is cancelled, the wait ends, and Python raises what its handler does. A call that others run goes on: there the wait ends.
//!
//! That thread may be late: Python may have raised long since, and the main thread run another call. So it says when the signal came, and what
//! began later is not cancelled; what came before a call begins is looked for then.

use purefork::Future;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How long the main thread waits before it looks for signals.
const SLICE: Duration = Duration::from_millis(50);

/// Whether a thread waits for signals.
static ARMED: AtomicBool = AtomicBool::new(false);

/// When the last signal came, in nanoseconds of the system's clock.
static INTERRUPTED: AtomicU64 = AtomicU64::new(0);

type Cancel = Box<dyn Fn() + Send>;

/// What the main thread runs, the innermost last, and when it began to.
static RUNNING: Mutex<Vec<(u64, Cancel)>> = Mutex::new(Vec::new());

/// Now, by the clock that signals are timed by.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether a signal has come since.
fn interrupted_since(begun: u64) -> bool {
    INTERRUPTED.load(Ordering::SeqCst) >= begun
}

fn running() -> MutexGuard<'static, Vec<(u64, Cancel)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says whether a thread waits for signals, to call `interrupt`.
#[pyfunction]
#[pyo3(name = "_armed")]
pub(crate) fn armed(are: bool) {
    ARMED.store(are, Ordering::Relaxed);
}

/// Cancels what the main thread has run since before a signal came.
#[pyfunction]
#[pyo3(name = "_interrupt")]
pub(crate) fn interrupt(py: Python<'_>, came: u64) {
    py.detach(|| {
        INTERRUPTED.fetch_max(came, Ordering::SeqCst);
        running().iter().rev().filter(|(begun, _)| *begun <= came).for_each(|(_, cancel)| cancel());
    });
}

/// The interpreter ends, and calls are cancelled.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Says that the interpreter ends.
#[pyfunction]
#[pyo3(name = "_ending")]
pub(crate) fn ending() {
    ENDING.store(true, Ordering::SeqCst);
}

thread_local!(static CALLBACKS: Cell<u32> = const { Cell::new(0) });

/// Runs code of Python that a thread of an executor was left: without it if the interpreter has ended.
pub(crate) fn in_callback<T>(run: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    CALLBACKS.set(CALLBACKS.get() + 1);
    let given = Python::try_attach(run);
    CALLBACKS.set(CALLBACKS.get() - 1);
    given
}

/// A daemon thread that waits while the interpreter ends stays where it is, as each that would take the GIL then: nobody is to be told of an
/// exception for the sake of that end. A thread of an executor goes on: the end waits for its callback.
fn stay_if_ending(py: Python<'_>, main: bool) {
    if !main && CALLBACKS.get() == 0 && ENDING.load(Ordering::SeqCst) {
        py.detach(|| {
            loop {
                std::thread::park();
            }
        });
    }
}

/// Whether this is Python's main thread.
fn is_main(py: Python<'_>) -> bool {
    thread_local!(static MAIN: Cell<Option<bool>> = const { Cell::new(None) });
    static ASK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if let Some(known) = MAIN.get() {
        return known;
    }
    let ask = || ASK.import(py, "purefork._signals", "on_main_thread")?.call0()?.is_truthy();
    let known = ask().unwrap_or(false);
    MAIN.set(Some(known));
    known
}

/// Runs a call on this thread if nobody has begun to; cancelled by [`interrupt`]. Without the GIL. Where nobody would call that, the call is left
/// to the workers, and Ctrl-C ends the wait.
fn run_here<T: Send + 'static>(future: &Future<T>, begun: u64) -> bool {
    if !ARMED.load(Ordering::Relaxed) {
        return future.is_done();
    }
    let cancel = future.clone();
    running().push((
        begun,
        Box::new(move || {
            cancel.cancel();
        }),
    ));
    // One that comes before the call is among those that run is seen here.
    let there = if interrupted_since(begun) { future.is_done() } else { future.run_here() };
    let last = running().pop();
    drop(last);
    there
}

/// Waits until the future is complete, or the time has come; returns whether it is.
///
/// # Errors
///
/// What a handler of a signal raises.
pub(crate) fn settle<T: Clone + Send + 'static>(
    py: Python<'_>,
    future: &Future<T>,
    timeout: Option<Duration>,
) -> PyResult<bool> {
    if future.is_done() && !ENDING.load(Ordering::Relaxed) {
        return Ok(true);
    }
    let main = is_main(py);
    stay_if_ending(py, main);
    if timeout.is_none() {
        if !main {
            py.detach(|| drop(future.wait()));
            stay_if_ending(py, main);
            return Ok(true);
        }
        let begun = now();
        // What came before that is raised here.
        py.check_signals()?;
        if py.detach(|| run_here(future, begun)) {
            if interrupted_since(begun) {
                py.check_signals()?;
            }
            return Ok(true);
        }
    }
    let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        py.check_signals()?;
        let rest = end.map(|end| end.saturating_duration_since(Instant::now()));
        let slice = match rest {
            Some(rest) if !main => rest,
            Some(rest) => rest.min(SLICE),
            None => SLICE,
        };
        if py.detach(|| future.wait_timeout(slice).is_some()) {
            stay_if_ending(py, main);
            return Ok(true);
        }
        if rest.is_some_and(|rest| rest <= slice) {
            return Ok(future.is_done());
        }
    }
}

/// How many futures of many are looked at together.
const SOME: usize = 64;

/// Runs calls that nobody has begun on this thread, the last first, as long as that is of use. What is left is to be waited for.
///
/// # Errors
///
/// What a handler of a signal raises.
pub(crate) fn help<T: Send + 'static>(py: Python<'_>, futures: &[&Future<T>]) -> PyResult<()> {
    if !is_main(py) {
        py.detach(|| futures.iter().rev().all(|future| !future.is_done() && future.run_here()));
        return Ok(());
    }
    // Nobody has left anything to be run, or nobody would end what is run here.
    if !ARMED.load(Ordering::Relaxed) || futures.last().is_none_or(|last| last.is_done()) {
        return Ok(());
    }
    let begun = now();
    py.check_signals()?;
    py.detach(|| {
        // Some in one place among those that run, as a lock for each is time of each.
        for some in futures.rchunks(SOME) {
            let some: Arc<(Vec<Future<T>>, AtomicUsize)> =
                Arc::new((some.iter().map(|future| (*future).clone()).collect(), AtomicUsize::new(usize::MAX)));
            let seen = some.clone();
            let cancel = move || {
                if let Some(future) = seen.0.get(seen.1.load(Ordering::SeqCst)) {
                    future.cancel();
                }
            };
            running().push((begun, Box::new(cancel)));
            let all = some.0.iter().enumerate().rev().all(|(at, future)| {
                some.1.store(at, Ordering::SeqCst);
                // One that comes before the call is the one that runs is seen here.
                !interrupted_since(begun) && !future.is_done() && future.run_here()
            });
            let last = running().pop();
            drop(last);
            if !all {
                break;
            }
        }
    });
    py.check_signals()
}
