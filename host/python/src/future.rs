//! Futures: of calls, and of what Python computes from them.

use crate::completed;
use crate::errors::raised;
use crate::from_python::MAX_DEPTH;
use crate::shape::{Kind, Shape};
use crate::site::Site;
use crate::untracked::untracked;
use crate::waiting::{help, in_callback, settle};
use purefork::function::Arg;
use purefork::{Error, ErrorKind, Value};
use pyo3::exceptions::{PyTimeoutError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyType};
use std::sync::Arc;
use std::time::Duration;

/// The result to be of a call.
///
/// `fut.wait()` gives the value, or raises what the call failed with; every wait gives the same. A future can be awaited, and is taken by
/// `concurrent.futures.wait` and `as_completed` and by `asyncio.wrap_future`. Dropping it does not cancel the call.
#[pyclass(frozen, weakref, module = "purefork")]
pub(crate) struct Future {
    pub(crate) source: Source,
    /// What `concurrent.futures` looks at, made when it first does.
    mirror: PyOnceLock<Py<PyAny>>,
}

/// Where the result comes from.
pub(crate) enum Source {
    /// A call.
    Call { future: purefork::Future<Value>, result: Arc<Given>, site: Option<Site> },
    /// Code in Python.
    Python(purefork::Future<Computed>),
}

/// How a call's result is shown.
pub(crate) struct Given {
    pub(crate) shape: Shape,
    /// Whether a `result` is given as it is, and not opened.
    pub(crate) whole: bool,
}

impl Given {
    /// What there is of a call that succeeded: the `ok` of a `result` that is opened, none if that has no value.
    pub(crate) fn opened(&self) -> Option<&Shape> {
        match &self.shape.kind {
            Kind::Result { ok, .. } if !self.whole => ok.as_deref(),
            _ => Some(&self.shape),
        }
    }
}

/// What code in Python gave, or raised. Shared, as it may be looked at by a thread that is not attached to the interpreter.
#[derive(Clone)]
pub(crate) struct Computed(pub(crate) Arc<Result<Py<PyAny>, PyErr>>);

impl Future {
    pub(crate) fn new(source: Source) -> Future {
        Future { source, mirror: PyOnceLock::new() }
    }

    /// A call's future as an object that the garbage collector does not look at: there are many at a time, each would be looked at again and again,
    /// and none refers to anything that the collector could find to refer back.
    #[inline]
    pub(crate) fn object(self, py: Python<'_>) -> PyResult<Bound<'_, Future>> {
        Bound::new(py, self).inspect(untracked)
    }

    pub(crate) fn is_done(&self) -> bool {
        match &self.source {
            Source::Call { future, .. } => future.is_done(),
            Source::Python(future) => future.is_done(),
        }
    }

    /// Waits; returns whether it is complete.
    pub(crate) fn settle(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<bool> {
        match &self.source {
            Source::Call { future, .. } => settle(py, future, timeout),
            Source::Python(future) => settle(py, future, timeout),
        }
    }

    /// The value, or what it failed with, raised.
    #[inline]
    pub(crate) fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.source {
            Source::Call { future, result, site } => match future.value() {
                Ok(value) => result.shape.given(py, &value, result.whole),
                Err(error) => Err(raised(py, &error, site.as_ref())),
            },
            Source::Python(future) => match future.value() {
                Ok(computed) => match &*computed.0 {
                    Ok(value) => Ok(value.bind(py).clone()),
                    Err(error) => Err(error.clone_ref(py)),
                },
                Err(error) => Err(raised(py, &error, None)),
            },
        }
    }

    /// Whether it failed with an error of that kind.
    fn failed_as(&self, kind: ErrorKind) -> bool {
        let error = match &self.source {
            Source::Call { future, .. } => future.try_get().and_then(Result::err),
            Source::Python(future) => future.try_get().and_then(Result::err),
        };
        error.is_some_and(|error| error.kind() == kind)
    }

    /// Calls `then` when it is complete: at once, if it is.
    pub(crate) fn on_done(&self, then: impl FnOnce() + Send + 'static) {
        match &self.source {
            Source::Call { future, .. } => future.on_done(move |_| then()),
            Source::Python(future) => future.on_done(move |_| then()),
        }
    }

    pub(crate) fn cancel_it(&self, py: Python<'_>) -> bool {
        py.detach(|| match &self.source {
            Source::Call { future, .. } => future.cancel(),
            Source::Python(future) => future.cancel(),
        })
    }

    /// As the argument of a call, which starts when this is complete.
    pub(crate) fn argument(&self) -> Arg {
        match &self.source {
            Source::Call { future, .. } => Arg::from(future),
            Source::Python(future) => Arg::from(future.then(|future| {
                let computed = future.value()?;
                let value = in_callback(|py| match &*computed.0 {
                    Ok(value) => plain(value.bind(py), 0),
                    Err(error) => Err(Error::failed(error.to_string())),
                });
                value.unwrap_or_else(|| Err(Error::failed("Python has ended")))
            })),
        }
    }
}

/// An object as a value, without its type: what the call makes of it is checked then.
fn plain(given: &Bound<'_, PyAny>, depth: u32) -> Result<Value, Error> {
    use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString};
    if depth > MAX_DEPTH {
        return Err(Error::failed(format!(
            "expected lists that nest {MAX_DEPTH} levels deep at most, but was given more"
        )));
    }
    let value = if given.is_instance_of::<PyBool>() {
        given.extract::<bool>().map(Value::from)
    } else if given.is_instance_of::<PyInt>() {
        given.extract::<i64>().map(Value::from).or_else(|_| given.extract::<u64>().map(Value::from))
    } else if given.is_instance_of::<PyFloat>() {
        given.extract::<f64>().map(Value::from)
    } else if given.is_instance_of::<PyString>() {
        given.extract::<String>().map(Value::from)
    } else if given.is_instance_of::<PyBytes>() {
        given.extract::<Vec<u8>>().map(Value::from)
    } else if let Ok(list) = given.cast::<PyList>() {
        return list.iter().map(|item| plain(&item, depth + 1)).collect::<Result<Vec<_>, _>>().map(Value::from);
    } else if given.is_none() {
        return Ok(Value::Option(None));
    } else {
        Err(PyTypeError::new_err(
            "expected a number, a text, bytes, or a list of these as the value of a future that is an argument",
        ))
    };
    value.map_err(|error| Error::failed(error.to_string()))
}

/// A timeout in seconds.
pub(crate) fn seconds(timeout: Option<f64>) -> PyResult<Option<Duration>> {
    let Some(timeout) = timeout else { return Ok(None) };
    if timeout.is_nan() {
        return Err(pyo3::exceptions::PyValueError::new_err("expected seconds as a timeout, but was given NaN"));
    }
    // Later than any clock is for ever.
    Ok(Duration::try_from_secs_f64(timeout.max(0.0)).ok())
}

static MIRROR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static REAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

#[pymethods]
impl Future {
    /// Waits for the value, or raises what the call failed with; TimeoutError if it is not there after so many seconds.
    #[pyo3(signature = (timeout=None))]
    fn wait<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        if !self.settle(py, seconds(timeout)?)? {
            return Err(PyTimeoutError::new_err(format!("not done after {} s", timeout.unwrap_or_default())));
        }
        self.value(py)
    }

    /// `wait`, as `concurrent.futures` calls it.
    #[pyo3(signature = (timeout=None))]
    fn result<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        self.wait(py, timeout)
    }

    /// The value, without waiting; NotReady if it is not there.
    #[pyo3(name = "value")]
    fn value_now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.value(py)
    }

    /// Waits, and gives the exception that `wait` would raise; None if there is a value.
    #[pyo3(signature = (timeout=None))]
    fn exception<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if !self.settle(py, seconds(timeout)?)? {
            return Err(PyTimeoutError::new_err(format!("not done after {} s", timeout.unwrap_or_default())));
        }
        if self.failed_as(ErrorKind::Cancelled) {
            return self.value(py).map(|_| None);
        }
        Ok(self.value(py).err().map(|error| error.into_value(py).into_bound(py).into_any()))
    }

    /// Whether the result is there, be it a value or an error.
    fn done(&self) -> bool {
        self.is_done()
    }

    /// Whether it is pending; whether a thread has begun with it is not told.
    fn running(&self) -> bool {
        !self.is_done()
    }

    /// Cancels the call, one that runs as well, and returns whether that came in time.
    fn cancel(&self, py: Python<'_>) -> bool {
        self.cancel_it(py)
    }

    /// Whether it was cancelled.
    fn cancelled(&self) -> bool {
        self.is_done() && self.failed_as(ErrorKind::Cancelled)
    }

    /// Calls `fn` with this future once it is complete: in the order of registration, on the thread that completes it, or at once if it
    /// is. What it raises goes to `sys.unraisablehook`.
    #[pyo3(signature = (r#fn))]
    fn add_done_callback(slf: &Bound<'_, Self>, r#fn: Py<PyAny>) {
        let callback = r#fn;
        let this = slf.clone().unbind();
        let py = slf.py();
        let then = move || {
            in_callback(|py| {
                if let Err(error) = callback.call1(py, (this,)) {
                    error.write_unraisable(py, Some(callback.bind(py)));
                }
            });
        };
        // It may have to wait for a thread that needs the interpreter.
        let future = slf.get();
        py.detach(|| future.on_done(then));
    }

    /// A future of what `callback` makes of this one, which it is given once that is complete, with a value or an error. What it raises is
    /// what the new future fails with.
    fn then(slf: &Bound<'_, Self>, callback: Py<PyAny>) -> Future {
        let this = slf.clone().unbind();
        let run = move || {
            let computed = in_callback(|py| Computed(Arc::new(callback.call1(py, (this,)))));
            computed.ok_or_else(|| Error::failed("Python has ended"))
        };
        let source = &slf.get().source;
        let py = slf.py();
        Future::new(Source::Python(py.detach(|| match source {
            Source::Call { future, .. } => future.then(move |_| run()),
            Source::Python(future) => future.then(move |_| run()),
        })))
    }

    /// What the call has used, as a dict with `fuel` and `forks`; None while it is not complete, and if it failed.
    fn usage<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let usage = match &self.source {
            Source::Call { future, .. } => future.usage(),
            Source::Python(_) => None,
        };
        let Some(usage) = usage else { return Ok(None) };
        let used = PyDict::new(py);
        used.set_item("fuel", usage.fuel)?;
        used.set_item("forks", usage.forks)?;
        used.set_item("memo_hits", usage.memo_hits)?;
        used.set_item("memo_misses", usage.memo_misses)?;
        Ok(Some(used))
    }

    /// What the call wrote to stdout and stderr by way of WASI, as `(stdout, stderr)`; None if nothing.
    fn output(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        match &self.source {
            Source::Call { future, .. } => future.output().map(|output| (output.stdout, output.stderr)),
            Source::Python(_) => None,
        }
    }

    fn __await__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        crate::awaiting::awaited(slf)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        if !self.is_done() {
            return "<purefork.Future pending>".to_owned();
        }
        match self.value(py) {
            Ok(value) => {
                let text = value.repr().map_or_else(|_| "…".to_owned(), |text| text.to_string_lossy().into_owned());
                format!("<purefork.Future {}>", text.chars().take(80).collect::<String>())
            }
            Err(error) => {
                let class = error.get_type(py).name().map_or_else(|_| "error".to_owned(), |name| name.to_string());
                format!("<purefork.Future failed with {class}>")
            }
        }
    }

    /// `Future[int]`, for annotations.
    #[classmethod]
    fn __class_getitem__<'py>(class: &Bound<'py, PyType>, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        class.py().import("types")?.getattr("GenericAlias")?.call1((class, item))
    }

    fn __reduce__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(PyTypeError::new_err(format!(
            "a future cannot be pickled: it is the result to be of a call in this process{}",
            if self.is_done() { "; pickle its value" } else { "" }
        )))
        .map(|()| py.None())
    }

    /// What `isinstance` looks at: for `concurrent.futures`, and for asyncio, it is one of theirs.
    #[getter]
    fn __class__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(REAL.import(slf.py(), "purefork._futures", "Real")?.clone().unbind())
    }

    /// `_condition`, `_state`, `_waiters` and the like, which `concurrent.futures.wait` and `as_completed` look at.
    fn __getattr__<'py>(slf: &Bound<'py, Self>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if matches!(name, "_condition" | "_state" | "_waiters" | "_result" | "_exception" | "_done_callbacks") {
            let this = slf.get();
            let mirror = match this.mirror.get(py) {
                Some(mirror) => mirror.clone_ref(py),
                None => {
                    let made = MIRROR.import(py, "purefork._futures", "Mirror")?.call0()?;
                    if this.mirror.set(py, made.clone().unbind()).is_ok() {
                        made.call_method1("follow", (slf,))?;
                    }
                    this.mirror.get(py).map_or_else(|| made.unbind(), |mirror| mirror.clone_ref(py))
                }
            };
            return mirror.into_bound(py).getattr(name);
        }
        Err(pyo3::exceptions::PyAttributeError::new_err(format!("a purefork.Future has no attribute `{name}`")))
    }
}

/// Waits for a future, and gives its value, or raises what it failed with.
#[pyfunction]
#[pyo3(signature = (future, timeout=None))]
pub(crate) fn wait<'py>(future: &Bound<'py, PyAny>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
    let py = future.py();
    match future.cast::<Future>() {
        Ok(future) => future.get().wait(py, timeout),
        Err(_) => Err(PyTypeError::new_err(format!(
            "expected a purefork.Future, but was given {}",
            future.get_type().name()?
        ))),
    }
}

/// Waits for all futures, and gives their values in order; raises what the first failed with, in that order, that did. The others go on.
#[pyfunction]
#[pyo3(signature = (futures, timeout=None))]
pub(crate) fn wait_all<'py>(
    py: Python<'py>,
    futures: &Bound<'py, PyAny>,
    timeout: Option<f64>,
) -> PyResult<Bound<'py, PyList>> {
    let all = completed::futures(futures)?;
    let timeout = seconds(timeout)?;
    let end = timeout.and_then(|timeout| std::time::Instant::now().checked_add(timeout));
    if end.is_none() {
        let calls = all.iter().filter_map(|future| match &future.get().source {
            Source::Call { future, .. } => Some(future),
            Source::Python(_) => None,
        });
        help(py, &calls.collect::<Vec<_>>())?;
    }
    for future in &all {
        if !future.get().is_done() {
            let rest = end.map(|end| end.saturating_duration_since(std::time::Instant::now()));
            // The rest is waited for, not run: what is left here is what others have begun.
            if !future.get().settle(py, rest)? {
                return Err(PyTimeoutError::new_err("not all of the futures are done"));
            }
        }
    }
    let values = all.iter().map(|future| future.get().value(py)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, values)
}
