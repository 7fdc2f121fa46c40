//! Futures in the order in which they complete.

use crate::future::{Future, seconds};
use pyo3::exceptions::{PyTimeoutError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyList;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long is waited before signals are looked for.
const SLICE: Duration = Duration::from_millis(50);

/// The futures of an iterable, all of them ours.
pub(crate) fn futures<'py>(given: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, Future>>> {
    let ours = |item: Bound<'py, PyAny>| match item.cast_into::<Future>() {
        Ok(future) => Ok(future),
        Err(other) => {
            let class = other.into_inner().get_type().name()?.to_string();
            Err(PyTypeError::new_err(format!("expected purefork.Future, but was given {class}")))
        }
    };
    match given.cast::<PyList>() {
        Ok(list) => list.iter().map(ours).collect(),
        Err(_) => given.try_iter()?.map(|item| ours(item?)).collect(),
    }
}

#[derive(Default)]
struct Queue {
    done: Mutex<VecDeque<usize>>,
    more: Condvar,
}

/// An iterator of futures in the order in which they complete.
#[pyclass(frozen, module = "purefork")]
pub(crate) struct Completed {
    futures: Vec<Py<Future>>,
    queue: Arc<Queue>,
    left: Mutex<usize>,
    end: Option<Instant>,
}

#[pymethods]
impl Completed {
    #[new]
    #[pyo3(signature = (futures, timeout=None))]
    fn new(futures: &Bound<'_, PyAny>, timeout: Option<f64>) -> PyResult<Completed> {
        let all = self::futures(futures)?;
        let queue = Arc::new(Queue::default());
        for (number, future) in all.iter().enumerate() {
            let queue = queue.clone();
            let done = move || {
                queue.done.lock().unwrap_or_else(PoisonError::into_inner).push_back(number);
                queue.more.notify_all();
            };
            let future = future.get();
            futures.py().detach(|| future.on_done(done));
        }
        let end = seconds(timeout)?.and_then(|timeout| Instant::now().checked_add(timeout));
        let left = Mutex::new(all.len());
        Ok(Completed { futures: all.into_iter().map(Bound::unbind).collect(), queue, left, end })
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<Future>>> {
        {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            if *left == 0 {
                return Ok(None);
            }
            *left -= 1;
        }
        let next = self.take(py);
        if !matches!(next, Ok(Some(_))) {
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        next
    }
}

impl Completed {
    fn take(&self, py: Python<'_>) -> PyResult<Option<Py<Future>>> {
        loop {
            let mut slice = SLICE;
            if let Some(end) = self.end {
                let rest = end.saturating_duration_since(Instant::now());
                slice = slice.min(rest);
            }
            let next = py.detach(|| {
                let mut done = self.queue.done.lock().unwrap_or_else(PoisonError::into_inner);
                if done.is_empty() {
                    done = match self.queue.more.wait_timeout(done, slice) {
                        Ok((done, _)) => done,
                        Err(poisoned) => poisoned.into_inner().0,
                    };
                }
                done.pop_front()
            });
            if let Some(number) = next {
                return Ok(self.futures.get(number).map(|future| future.clone_ref(py)));
            }
            py.check_signals()?;
            if self.end.is_some_and(|end| end <= Instant::now()) {
                return Err(PyTimeoutError::new_err("not all of the futures are done"));
            }
        }
    }
}
