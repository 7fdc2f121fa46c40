//! A function of a module.

use crate::arguments::{Given as Bound_, Param, Params};
use crate::columns;
use crate::errors::raised;
use crate::future::{Future, Given, Source};
use crate::map_arrow;
use crate::module::{Module, Whole};
use crate::shape::{Kind, Shape, Shapes};
use crate::site::Site;
use purefork::error::ForkSite;
use purefork::inspect::{InspectedFunction, TypeName};
use purefork::value::Type;
use purefork::{Args, Value};
use purefork_arrow::Nulls;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use std::sync::Arc;

// A function that a module exports. Calling it forks it and waits. No documentation comment: that would be `__doc__`.
#[pyclass(frozen, weakref, module = "purefork")]
pub(crate) struct Function {
    whole: Arc<Whole>,
    number: usize,
    inspected: Arc<InspectedFunction>,
    /// Whether a `result` is given as it is.
    as_result: bool,
    ready: PyOnceLock<Ready>,
}

/// What a call needs: made once, when the function is used first.
pub(crate) struct Ready {
    pub(crate) function: Result<purefork::Function<Args, Value>, purefork::Error>,
    pub(crate) params: Params,
    pub(crate) given: Arc<Given>,
    serial: bool,
}

impl Function {
    pub(crate) fn new(whole: Arc<Whole>, number: usize, inspected: InspectedFunction) -> Function {
        Function { whole, number, inspected: Arc::new(inspected), as_result: false, ready: PyOnceLock::new() }
    }

    /// Its name as it is.
    pub(crate) fn exact(&self) -> &str {
        &self.inspected.exact
    }

    /// Its name, fit to be shown.
    pub(crate) fn shown(&self) -> &str {
        &self.inspected.name
    }

    pub(crate) fn module(&self) -> &purefork::Module {
        &self.whole.module
    }

    /// What a call needs.
    #[inline]
    pub(crate) fn ready(&self, py: Python<'_>) -> PyResult<&Ready> {
        self.ready.get_or_try_init(py, || self.make_ready(py))
    }

    #[cold]
    fn make_ready(&self, py: Python<'_>) -> PyResult<Ready> {
        static ATTRIBUTE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let attribute = ATTRIBUTE.import(py, "purefork._types", "attribute")?;
        let inspected = &*self.inspected;
        let named = py.detach(|| self.whole.names(self.number));
        let none = TypeName::default();
        let shapes = Shapes { types: self.whole.types.bind(py).clone() };
        let mut all = Vec::new();
        for (at, param) in inspected.params.iter().enumerate() {
            let name = named.and_then(|names| names.params.get(at)).unwrap_or(&none);
            let keyword = attribute.call1((&*param.name,))?.cast_into::<PyString>()?.unbind();
            all.push(Param { name: param.name.clone(), keyword, shape: shapes.shape(&param.ty, name)? });
        }
        let result = |at: usize| named.and_then(|names| names.results.get(at)).unwrap_or(&none);
        let shape = match &*inspected.results {
            [ty] => shapes.shape(ty, result(0))?,
            types => {
                let members = types.iter().enumerate().map(|(at, ty)| shapes.shape(ty, result(at)));
                Shape { ty: Type::tuple(types.iter().cloned()), kind: Kind::Tuple(members.collect::<PyResult<_>>()?) }
            }
        };
        Ok(Ready {
            function: self.whole.module.function::<Args, Value>(&inspected.exact),
            params: Params { all, signature: inspected.to_string(), function: inspected.name.clone() },
            given: Arc::new(Given { shape, whole: self.as_result }),
            serial: self.whole.shared.serial,
        })
    }

    /// Forks a call.
    #[inline]
    pub(crate) fn start(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Future> {
        self.start_from(py, args, keywords, || Site::here(py))
    }

    /// Forks a call, in the name of a line of Python.
    #[inline]
    fn start_from(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
        site: impl FnOnce() -> Option<Site>,
    ) -> PyResult<Future> {
        let ready = self.ready(py)?;
        let bound = ready.params.bind(args, keywords)?;
        let function = ready.function.as_ref().map_err(|error| raised(py, error, None))?;
        let fork = || match bound {
            Bound_::One(values) => function.fork(values),
            Bound_::Two(values) => function.fork(values),
            Bound_::Many(values) => function.fork(values),
            Bound_::Args(args) => function.fork(args),
        };
        // A serial executor runs the call here and now.
        let future = if ready.serial { py.detach(fork) } else { fork() };
        Ok(Future::new(Source::Call { future, result: ready.given.clone(), site: site() }))
    }

    pub(crate) fn call<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let future = self.start(py, args, keywords)?;
        future.settle(py, None)?;
        future.value(py)
    }

    /// Arguments that are given on to the library.
    pub(crate) fn arguments(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Args> {
        let all = |values: Vec<Value>| values.into_iter().fold(Args::new(), Args::push);
        Ok(match self.ready(py)?.params.bind(args, keywords)? {
            Bound_::One(values) => all(values.into()),
            Bound_::Two(values) => all(values.into()),
            Bound_::Many(values) => all(values),
            Bound_::Args(args) => args,
        })
    }
}

#[pymethods]
impl Function {
    /// Forks a call and returns its future at once.
    #[pyo3(signature = (*args, **keywords))]
    fn fork<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, Future>> {
        self.start(py, args, keywords)?.object(py)
    }

    #[pyo3(signature = (*args, **keywords))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.call(py, args, keywords)
    }

    /// Calls the function with each row, on all threads, and gives the results in order: a buffer of numbers where they are numbers and the
    /// columns are arrays, else a list. Of columns of pyarrow, polars or pandas, the results are one of that library, and of what else gives
    /// itself as columns of Arrow a `purefork.Column`.
    ///
    /// `columns`: one for each parameter; or one table alone, whose columns are the parameters of their names. `errors`: `"raise"`, or
    /// `"keep"`, which leaves the exception of a call that failed in its place, in a list; of Arrow, gives a column, null where a call failed,
    /// and a list of the exceptions. `nulls`: what a null is for a parameter that is no option, in a column of Arrow: `"fail"`, or `"null"`, the
    /// result.
    #[pyo3(signature = (*columns, errors="raise", nulls="fail", progress=None))]
    fn map<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        columns: &Bound<'py, PyTuple>,
        errors: &str,
        nulls: &str,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wrong = |what: &str, known: [&str; 2], given: &str| {
            let [one, other] = known;
            let message = format!("expected `{what}` to be {one:?} or {other:?}, but was given {given:?}");
            Err(PyValueError::new_err(message))
        };
        let keep = match errors {
            "raise" => false,
            "keep" => true,
            other => return wrong("errors", ["raise", "keep"], other),
        };
        let null = match nulls {
            "fail" => false,
            "null" => true,
            other => return wrong("nulls", ["fail", "null"], other),
        };
        // A bar of tqdm is told by its `update`.
        let progress = match progress {
            Some(bar) if bar.hasattr("update")? => Some(bar.getattr("update")?),
            other => other,
        };
        let site = Site::here(py);
        let this = slf.get();
        let ready = this.ready(py)?;
        let function = ready.function.as_ref().map_err(|error| raised(py, error, None))?;
        let plain = |columns: &Bound<'py, PyTuple>| {
            let names = (this.module(), this.exact());
            columns::map(py, names, function, ready, columns, keep, progress.as_ref(), site.as_ref())
        };
        let mut foreign = false;
        for column in columns.iter() {
            foreign = foreign || columns::is_foreign(&column)?;
        }
        if !foreign {
            if null {
                let message = "`nulls` is said of columns of Arrow, of polars or of pandas: lists and arrays have none";
                return Err(PyValueError::new_err(message));
            }
            return plain(columns);
        }
        static PREPARED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let prepared = PREPARED.import(py, "purefork._columns", "prepared")?.call1((slf, columns, keep, null))?;
        let (columns, table, are_plain, restored): (Bound<'py, PyTuple>, Option<bool>, bool, Bound<'py, PyAny>) =
            prepared.extract()?;
        if are_plain {
            return restored.call1((plain(&columns)?,));
        }
        let nulls = if null { Nulls::Null } else { Nulls::Fail };
        let options = map_arrow::Options { keep, nulls, table, progress: progress.as_ref(), site: site.as_ref() };
        let (results, errors) = map_arrow::map(py, (this.module(), &this.inspected), ready, &columns, &options)?;
        let results = restored.call1((results,))?;
        if keep { (results, errors).into_bound_py_any(py) } else { Ok(results) }
    }

    /// The same function, which gives `Ok(…)` or `Err(…)` where it would give a value or raise.
    #[getter]
    fn as_result(&self) -> Function {
        Function {
            whole: self.whole.clone(),
            number: self.number,
            inspected: self.inspected.clone(),
            as_result: true,
            ready: PyOnceLock::new(),
        }
    }

    #[getter]
    fn __name__(&self) -> &str {
        self.shown()
    }

    #[getter]
    fn __qualname__(&self) -> &str {
        self.shown()
    }

    #[getter]
    fn __doc__(&self, py: Python<'_>) -> String {
        let docs = py.detach(|| self.whole.names(self.number)).and_then(|names| names.docs.clone());
        let signature = self.inspected.to_string();
        match docs {
            Some(docs) => format!("{signature}\n\n{docs}"),
            None => signature,
        }
    }

    #[getter]
    fn __signature__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("purefork._types")?.getattr("signature")?.call1(self._hints(py)?)
    }

    #[getter]
    fn __annotations__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (params, result) = self._hints(py)?;
        let annotations = PyDict::new(py);
        for (name, hint) in params {
            annotations.set_item(name, hint)?;
        }
        annotations.set_item("return", result)?;
        Ok(annotations)
    }

    /// The names and the types of the parameters, and the type of the result, as texts.
    fn _hints(&self, py: Python<'_>) -> PyResult<(Vec<(String, String)>, String)> {
        let ready = self.ready(py)?;
        let params = ready
            .params
            .all
            .iter()
            .map(|param| Ok((param.keyword.bind(py).to_str()?.to_owned(), param.shape.hint(py)?)));
        let result = match (&ready.given.shape.kind, self.as_result) {
            (Kind::Result { ok, .. }, false) => ok.as_ref().map_or(Ok("None".to_owned()), |ok| ok.hint(py))?,
            _ => ready.given.shape.hint(py)?,
        };
        Ok((params.collect::<PyResult<_>>()?, result))
    }

    /// Its types as WIT has them: of the parameters, and of the results.
    #[getter]
    fn types(&self) -> (Vec<(String, String)>, Vec<String>) {
        let params = self.inspected.params.iter().map(|param| (param.name.clone(), param.ty.to_string()));
        (params.collect(), self.inspected.results.iter().map(ToString::to_string).collect())
    }

    /// Its name, byte for byte.
    #[getter]
    fn exact_name(&self) -> &str {
        self.exact()
    }

    /// Whether nothing that it can reach changes any state.
    #[getter]
    fn stateless(&self) -> bool {
        self.inspected.stateless
    }

    fn __repr__(&self) -> String {
        format!("<purefork.Function {}>", *self.inspected)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Function>().is_ok_and(|other| {
            let other = other.get();
            self.module().digest() == other.module().digest()
                && self.number == other.number
                && self.as_result == other.as_result
                && Arc::ptr_eq(&self.whole.shared, &other.whole.shared)
        })
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (self.module().digest(), self.number).hash(&mut hasher);
        hasher.finish()
    }

    /// Its module, made anew: functions do not keep it.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let loading = py.import("purefork._loading")?;
        let args = loading.getattr("pickled_function")?.call1((slf,))?.cast_into::<PyTuple>()?;
        Ok((loading.getattr("function_again")?, args))
    }

    /// `fork`, in the name of the line that a frame is at: of who called what calls this.
    fn _fork_from<'py>(
        &self,
        py: Python<'py>,
        frame: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        keywords: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, Future>> {
        let site = Site::of(frame)?;
        self.start_from(py, args, Some(keywords), || Some(site))?.object(py)
    }

    #[getter]
    fn _source(&self, py: Python<'_>) -> Py<PyAny> {
        self.whole.source.clone_ref(py)
    }

    /// The module's bytes, and its digest: what it is pickled by.
    fn _bytes<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyBytes>, String)> {
        let bytes = py.detach(|| self.module().bytes()).map_err(|error| raised(py, &error, None))?;
        Ok((PyBytes::new(py, &bytes), self.module().digest().to_owned()))
    }

    /// Whether a `result` is given as it is.
    #[getter]
    fn _whole(&self) -> bool {
        self.as_result
    }

    /// A trace of a call, and of all that it forks: the native half of `purefork.trace`.
    /// `site`: the file and the line of Python that asked for it.
    #[pyo3(signature = (args, keywords, site))]
    fn _trace<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        site: (String, u32),
    ) -> PyResult<(String, String, Bound<'py, PyBytes>, String)> {
        let values = self.arguments(py, args, keywords)?;
        let traced = py.detach(|| {
            let mut trace = self.module().trace(self.exact(), values)?;
            for task in trace.tasks.iter_mut().filter(|task| task.parent.is_none()) {
                task.site = Some(ForkSite::in_host(&*site.0, site.1, 1));
            }
            let ir = trace.graph().to_string();
            Ok((trace.to_dot(), trace.to_perfetto(), trace.to_html(self.shown(), &ir), ir))
        });
        let (dot, perfetto, html, ir) = traced.map_err(|error: purefork::Error| raised(py, &error, None))?;
        Ok((ir, dot, PyBytes::new(py, &perfetto), html))
    }

    /// Calls with the rows of a list of tuples, in one future of a list.
    fn _fork_rows(&self, py: Python<'_>, rows: &Bound<'_, PyList>) -> PyResult<Future> {
        let ready = self.ready(py)?;
        let function = ready.function.as_ref().map_err(|error| raised(py, error, None))?;
        columns::fork_rows(py, function, ready, rows)
    }
}

/// Forks a call of a function, and returns its future at once: `fork(module.add, 2, b=3)`. A module forked as such calls its function `forward`,
/// or its only one.
#[pyfunction]
#[pyo3(signature = (function, /, *args, **keywords))]
pub(crate) fn fork<'py>(
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, Future>> {
    let py = function.py();
    if let Ok(function) = function.cast::<Function>() {
        return function.get().start(py, args, keywords)?.object(py);
    }
    if let Ok(module) = function.cast::<Module>() {
        return module.get().itself(py)?.get().start(py, args, keywords)?.object(py);
    }
    let what = function.repr().map_or_else(|_| "…".to_owned(), |text| text.to_string_lossy().into_owned());
    let what: String = what.chars().take(80).collect();
    let message =
        format!("cannot fork {what}: expected a function of a module, or a module; a function in Python is not pure");
    Err(if function.is_callable() {
        PyTypeError::new_err(message)
    } else {
        crate::errors::of_kind(py, purefork::ErrorKind::NotCallable, message)
    })
}
