//! A module: its functions are its attributes.

use crate::core::Shared;
use crate::errors::raised;
use crate::function::Function;
use purefork::Args;
use purefork::inspect::FunctionTypeNames;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use std::sync::{Arc, OnceLock};

/// A guest that was audited and compiled. The functions that it exports are its attributes.
#[pyclass(frozen, dict, weakref, module = "purefork")]
pub(crate) struct Module {
    whole: Arc<Whole>,
    functions: Vec<Py<Function>>,
}

/// What a module's functions share.
pub(crate) struct Whole {
    pub(crate) module: purefork::Module,
    pub(crate) shared: Arc<Shared>,
    /// The Python classes of its types: `purefork._types.Types`.
    pub(crate) types: Py<PyAny>,
    /// Where it was loaded from, and what it is linked to: what it is pickled by.
    pub(crate) source: Py<PyAny>,
    names: OnceLock<Vec<FunctionTypeNames>>,
}

impl Whole {
    /// What the module's WIT calls the types of a function.
    pub(crate) fn names(&self, function: usize) -> Option<&FunctionTypeNames> {
        // Where the bytes are gone, nothing has a name.
        self.names.get_or_init(|| self.module.type_names().unwrap_or_default()).get(function)
    }
}

impl Module {
    pub(crate) fn made(
        py: Python<'_>,
        module: purefork::Module,
        shared: Arc<Shared>,
        types: Bound<'_, PyAny>,
        source: Py<PyAny>,
    ) -> PyResult<Py<Module>> {
        static ATTRIBUTE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let attribute = ATTRIBUTE.import(py, "purefork._types", "attribute")?;
        let inspection = module.inspect();
        let whole = Arc::new(Whole { module, shared, types: types.unbind(), source, names: OnceLock::new() });
        let mut functions = Vec::with_capacity(inspection.functions.len());
        for (number, inspected) in inspection.functions.into_iter().enumerate() {
            functions.push(Py::new(py, Function::new(whole.clone(), number, inspected))?);
        }
        let module = Py::new(py, Module { whole, functions })?;
        let class = py.get_type::<Module>();
        for function in &module.get().functions {
            // One of an interface is called by its name alone as well, where only one is called that.
            let exact = function.get().exact().to_owned();
            let short = exact.rsplit_once('#').map_or(&*exact, |(_, name)| name).to_owned();
            let alone = module.get().functions.iter().filter(|other| {
                let other = other.get().exact();
                other.rsplit_once('#').map_or(other, |(_, name)| name) == short
            });
            if alone.count() > 1 && exact.contains('#') {
                continue;
            }
            let name = attribute.call1((short,))?.extract::<String>()?;
            // What a module has itself is not hidden: `module["link"]` is the function.
            if !class.hasattr(&*name)? {
                module.bind(py).setattr(&*name, function)?;
            }
        }
        Ok(module)
    }

    pub(crate) fn module(&self) -> &purefork::Module {
        &self.whole.module
    }

    fn again(&self, py: Python<'_>, module: purefork::Module, source: Py<PyAny>) -> PyResult<Py<Module>> {
        let types = py.import("purefork._types")?.getattr("Types")?.call0()?;
        Module::made(py, module, self.whole.shared.clone(), types, source)
    }

    pub(crate) fn function_named(&self, py: Python<'_>, name: &str) -> PyResult<Py<Function>> {
        let exact = |function: &&Py<Function>| function.get().exact() == name;
        if let Some(function) = self.functions.iter().find(exact) {
            return Ok(function.clone_ref(py));
        }
        let alike = |function: &&Py<Function>| crate::from_python::same(function.get().exact(), name);
        if let Some(function) = self.functions.iter().find(alike) {
            return Ok(function.clone_ref(py));
        }
        let inspection = self.whole.module.inspect();
        match inspection.function(name) {
            Ok(found) => {
                let number = inspection.functions.iter().position(|function| function.exact == found.exact);
                let function = number.and_then(|number| self.functions.get(number));
                function
                    .map(|function| function.clone_ref(py))
                    .ok_or_else(|| PyAttributeError::new_err(name.to_owned()))
            }
            Err(error) => Err(raised(py, &error, None)),
        }
    }
}

/// Python would take the error of an attribute for there being none, and look elsewhere.
fn hidden(py: Python<'_>, error: PyErr) -> PyErr {
    if !error.is_instance_of::<PyAttributeError>(py) {
        return error;
    }
    let shown = pyo3::exceptions::PyRuntimeError::new_err(error.to_string());
    shown.set_cause(py, Some(error));
    shown
}

#[pymethods]
impl Module {
    /// The function of that name, whatever else the module has of that name.
    fn __getitem__(&self, py: Python<'_>, name: &str) -> PyResult<Py<Function>> {
        self.function_named(py, name)
    }

    fn __getattr__(&self, py: Python<'_>, name: &str) -> PyResult<Py<Function>> {
        if name.starts_with("__") {
            // What Python looks for: copy, pickle, inspect.
            return Err(PyAttributeError::new_err(name.to_owned()));
        }
        self.function_named(py, name)
    }

    fn __contains__(&self, py: Python<'_>, name: &str) -> bool {
        self.function_named(py, name).is_ok()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyList::new(py, &self.functions)?.try_iter()?.into_any())
    }

    fn __len__(&self) -> usize {
        self.functions.len()
    }

    /// All functions that it exports.
    #[getter]
    fn functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.functions)
    }

    /// The Python classes of the module's types.
    #[getter]
    fn types(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        for function in &self.functions {
            // One that cannot be called, as nothing is linked, has types all the same.
            function.get().ready(py).map_err(|error| hidden(py, error))?;
        }
        Ok(self.whole.types.clone_ref(py))
    }

    /// The module called as such: its function `forward`, or its only one.
    #[pyo3(signature = (*args, **keywords))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.itself(py)?.get().call(py, args, keywords)
    }

    /// The function that the module as such stands for: `forward`, or the only one.
    pub(crate) fn itself(&self, py: Python<'_>) -> PyResult<Py<Function>> {
        let forward = self.functions.iter().find(|function| function.get().exact() == "forward");
        match (forward, &*self.functions) {
            (Some(function), _) | (None, [function]) => Ok(function.clone_ref(py)),
            // The library has the words for it.
            _ => match self.whole.module.fork_self(Args::new()) {
                Err(error) => Err(raised(py, &error, None)),
                Ok(_) => Err(PyAttributeError::new_err("forward")),
            },
        }
    }

    /// The same module with other modules' functions to fork, each under a name: `module.link(math=math)`.
    #[pyo3(signature = (**modules))]
    fn link(&self, py: Python<'_>, modules: Option<&Bound<'_, PyDict>>) -> PyResult<Py<Module>> {
        let mut linked = self.whole.module.clone();
        let mut links = Vec::new();
        for (name, provider) in modules.into_iter().flat_map(|modules| modules.iter()) {
            let provider = provider.cast::<Module>().map_err(PyErr::from)?;
            let name: String = name.extract()?;
            let other = &provider.get().whole.module;
            linked = linked
                .link(&name.replace('_', "-"), other)
                .or_else(|_| linked.link(&name, other))
                .map_err(|error| raised(py, &error, None))?;
            links.push((name, provider.clone()));
        }
        let source = py.import("purefork._loading")?.getattr("linked")?;
        let source = source.call1((self.whole.source.bind(py), PyList::new(py, links)?))?.unbind();
        self.again(py, linked, source)
    }

    /// Runs a function once, and makes a module that starts with the state that it leaves: `module.preinit("load", weights)`.
    #[pyo3(signature = (function, /, *args, **keywords))]
    fn preinit(
        &self,
        py: Python<'_>,
        function: &str,
        args: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<Module>> {
        let function = self.function_named(py, function)?;
        let values = function.get().arguments(py, args, keywords)?;
        let site = crate::site::Site::here(py);
        let made = py.detach(|| self.whole.module.preinit(function.get().exact(), values));
        let module = made.map_err(|error| raised(py, &error, site.as_ref()))?;
        let bytes = py.detach(|| module.bytes()).map_err(|error| raised(py, &error, None))?;
        let source = py.import("purefork._loading")?.getattr("of_bytes")?;
        let source = source.call1((PyBytes::new(py, &bytes), self.whole.source.bind(py)))?.unbind();
        self.again(py, module, source)
    }

    /// The module as a binary file.
    fn bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.whole.module.bytes()).map_err(|error| raised(py, &error, None))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The SHA-256 of its bytes, in hexadecimal.
    #[getter]
    fn digest(&self) -> &str {
        self.whole.module.digest()
    }

    /// Its own name, if it has one.
    #[getter]
    fn name(&self) -> Option<String> {
        self.whole.module.inspect().name
    }

    #[getter]
    fn _source(&self, py: Python<'_>) -> Py<PyAny> {
        self.whole.source.clone_ref(py)
    }

    fn __repr__(&self) -> String {
        const SHOWN: usize = 6;
        let names: Vec<&str> = self.functions.iter().take(SHOWN).map(|function| function.get().shown()).collect();
        let more = self.functions.len().saturating_sub(SHOWN);
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        format!("<purefork.Module {}: {}{more}>", &self.digest()[..12], names.join(", "))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let loading = py.import("purefork._loading")?;
        let args = loading.getattr("pickled")?.call1((slf,))?.cast_into::<PyTuple>()?;
        Ok((loading.getattr("again")?, args))
    }
}
