//! `await`: completions reach an event loop in batches.
//!
//! A thread that completes a future does not take the GIL: it leaves a note with the loop's [`Hub`], and writes a byte to a socket that the loop
//! watches, unless one is on its way already. The loop then wakes whoever waits for all that is complete by then.

use crate::future::Future;
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What completes futures of one event loop.
#[pyclass(frozen, module = "purefork")]
pub(crate) struct Hub {
    /// The loop's futures that wait for one of ours, which is complete.
    done: Mutex<Vec<Py<PyAny>>>,
    /// Whether the loop was told, and has not looked yet.
    told: AtomicBool,
    wake: Wake,
    /// The loop: weakly, as what it watches belongs to this.
    owner: Py<PyWeakrefReference>,
    patience: Patience,
}

/// Whether it is of use to look a moment longer at a future that is not complete: to be woken by the loop takes longer than a short call. It is of
/// none where calls are long, or wait for others; so each look in vain makes the next one less likely, and one of use more.
struct Patience {
    left: AtomicU32,
    passed: AtomicU32,
}

impl Patience {
    /// So many looks in vain, one after another, and there are few more.
    const MOST: u32 = 8;
    /// Then there is one in so many.
    const RARELY: u32 = 64;
    /// As long as a loop takes to wake somebody.
    const MOMENT: Duration = Duration::from_micros(2);

    fn new() -> Patience {
        Patience { left: AtomicU32::new(Patience::MOST), passed: AtomicU32::new(0) }
    }

    /// Whether the future was complete before the moment had passed.
    fn see(&self, future: &Future) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 && !self.passed.fetch_add(1, Ordering::Relaxed).is_multiple_of(Patience::RARELY) {
            return false;
        }
        let begun = Instant::now();
        loop {
            for _ in 0..8 {
                std::hint::spin_loop();
                if future.is_done() {
                    self.left.store(Patience::MOST, Ordering::Relaxed);
                    return true;
                }
            }
            if begun.elapsed() >= Patience::MOMENT {
                self.left.store(left.saturating_sub(1), Ordering::Relaxed);
                return false;
            }
        }
    }
}

/// How a loop is told.
enum Wake {
    #[cfg(unix)]
    Socket { write: std::os::unix::net::UnixStream, read: std::os::unix::net::UnixStream },
    /// Where a loop cannot watch a socket.
    Call(Py<PyAny>),
}

impl Hub {
    /// One of our futures is complete.
    fn notify(slf: &Py<Hub>, waiter: Py<PyAny>) {
        let hub = slf.get();
        hub.done.lock().unwrap_or_else(PoisonError::into_inner).push(waiter);
        if hub.told.swap(true, Ordering::SeqCst) {
            return;
        }
        match &hub.wake {
            #[cfg(unix)]
            Wake::Socket { write, .. } => {
                use std::io::Write;
                // Full: then there is something to be read. Closed: then nobody waits.
                let mut write = write;
                drop(write.write(&[1]));
            }
            Wake::Call(call_soon) => {
                Python::try_attach(|py| {
                    // A loop that is closed waits for nothing.
                    let drain = slf.bind(py).getattr("drain");
                    drop(drain.and_then(|drain| call_soon.call1(py, (drain,))));
                });
            }
        }
    }
}

#[pymethods]
impl Hub {
    /// Wakes whoever waits for what is complete.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        match &self.wake {
            #[cfg(unix)]
            Wake::Socket { read, .. } => {
                use std::io::Read;
                let mut read = read;
                drop(read.read(&mut [0; 64]));
            }
            Wake::Call(_) => {}
        }
        // Before the notes are taken: who leaves one later tells the loop again.
        self.told.store(false, Ordering::SeqCst);
        let all = std::mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner));
        for waiter in all {
            let waiter = waiter.bind(py);
            if !waiter.call_method0(pyo3::intern!(py, "done"))?.is_truthy()? {
                waiter.call_method1(pyo3::intern!(py, "set_result"), (py.None(),))?;
            }
        }
        Ok(())
    }
}

/// What `await` runs: it gives the loop a future of its own, and then the value.
#[pyclass(frozen, module = "purefork")]
pub(crate) struct Waiter {
    future: Py<Future>,
    begun: AtomicBool,
}

#[pymethods]
impl Waiter {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let future = self.future.get();
        let stop = || match future.value(py) {
            Ok(value) => PyStopIteration::new_err((value.unbind(),)),
            Err(error) => error,
        };
        if future.is_done() {
            return Err(stop());
        }
        if self.begun.swap(true, Ordering::Relaxed) {
            return Err(pyo3::exceptions::PyRuntimeError::new_err("await wasn't used with future"));
        }
        let (running, hub) = hub(py)?;
        if hub.get().patience.see(future) {
            return Err(stop());
        }
        let waiter = running.call_method0(pyo3::intern!(py, "create_future"))?;
        let (target, told) = (waiter.clone().unbind(), hub.clone_ref(py));
        future.on_done(move || Hub::notify(&told, target));
        waiter.setattr(pyo3::intern!(py, "_asyncio_future_blocking"), true)?;
        Ok(waiter)
    }

    fn send<'py>(&self, py: Python<'py>, _value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.__next__(py)
    }

    /// Whoever awaits it was cancelled: so is the call.
    #[pyo3(signature = (error, value=None, _traceback=None))]
    fn throw(
        &self,
        py: Python<'_>,
        error: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        self.future.get().cancel_it(py);
        Err(PyErr::from_value(value.unwrap_or(error)))
    }

    fn close(&self) {}
}

/// The iterator that `await` runs.
pub(crate) fn awaited<'py>(future: &Bound<'py, Future>) -> PyResult<Bound<'py, PyAny>> {
    let waiter = Waiter { future: future.clone().unbind(), begun: AtomicBool::new(false) };
    Ok(Bound::new(future.py(), waiter)?.into_any())
}

thread_local! {
    /// The hubs of the loops that have run on this thread and are still there, the last one first.
    static HUBS: RefCell<Vec<Py<Hub>>> = const { RefCell::new(Vec::new()) };
}

/// The loop that runs on this thread, and its hub.
fn hub(py: Python<'_>) -> PyResult<(Bound<'_, PyAny>, Py<Hub>)> {
    static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let running = RUNNING.import(py, "asyncio", "get_running_loop")?.call0()?;
    let known = HUBS.with_borrow_mut(|hubs| {
        let at =
            hubs.iter().position(|hub| hub.get().owner.bind(py).upgrade().is_some_and(|owner| owner.is(&running)))?;
        hubs.swap(0, at);
        Some(hubs[0].clone_ref(py))
    });
    if let Some(hub) = known {
        return Ok((running, hub));
    }
    let owner = PyWeakrefReference::new(&running)?.unbind();
    let hub = Hub {
        done: Mutex::default(),
        told: AtomicBool::new(false),
        wake: wake(&running)?,
        owner,
        patience: Patience::new(),
    };
    let hub = Py::new(py, hub)?;
    watch(&running, &hub)?;
    // What is dropped may run Python's code, which may await.
    let (live, gone) =
        HUBS.take().into_iter().partition::<Vec<_>, _>(|hub| hub.get().owner.bind(py).upgrade().is_some());
    drop(gone);
    HUBS.with_borrow_mut(|hubs| {
        hubs.push(hub.clone_ref(py));
        hubs.extend(live);
    });
    Ok((running, hub))
}

#[cfg(unix)]
fn wake(running: &Bound<'_, PyAny>) -> PyResult<Wake> {
    use std::os::unix::net::UnixStream;
    let pair = || -> std::io::Result<(UnixStream, UnixStream)> {
        let (write, read) = UnixStream::pair()?;
        write.set_nonblocking(true)?;
        read.set_nonblocking(true)?;
        Ok((write, read))
    };
    match pair() {
        Ok((write, read)) if running.hasattr("add_reader")? => Ok(Wake::Socket { write, read }),
        _ => Ok(Wake::Call(running.getattr("call_soon_threadsafe")?.unbind())),
    }
}

#[cfg(not(unix))]
fn wake(running: &Bound<'_, PyAny>) -> PyResult<Wake> {
    Ok(Wake::Call(running.getattr("call_soon_threadsafe")?.unbind()))
}

#[cfg(unix)]
fn watch(running: &Bound<'_, PyAny>, hub: &Py<Hub>) -> PyResult<()> {
    use std::os::fd::AsRawFd;
    if let Wake::Socket { read, .. } = &hub.get().wake {
        running.call_method1("add_reader", (read.as_raw_fd(), hub.bind(running.py()).getattr("drain")?))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn watch(_: &Bound<'_, PyAny>, _: &Py<Hub>) -> PyResult<()> {
    Ok(())
}
