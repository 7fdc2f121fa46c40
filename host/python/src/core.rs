//! The executor, as `purefork.Executor` uses it.

use crate::errors::{of_kind, raised};
use crate::module::Module;
use purefork::{ErrorKind, Executor, Isolation, Limits, Memo, UnknownImports, Wasi};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::PathBuf;
use std::sync::{Arc, RwLock, RwLockReadGuard};
use std::time::Duration;

/// An executor that modules keep alive.
pub(crate) struct Shared {
    /// None once it was shut down.
    executor: RwLock<Option<Executor>>,
    pub(crate) serial: bool,
    process: u32,
}

impl Shared {
    fn lock(&self) -> RwLockReadGuard<'_, Option<Executor>> {
        self.executor.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Ends the threads: what was forked before still runs, or is cancelled.
    fn end(&self, cancel: bool) {
        let taken = self.executor.write().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(executor) = taken {
            if cancel {
                executor.shutdown();
            }
            drop(executor);
        }
    }
}

/// Nobody can fork any more. What was forked still runs to its end: this thread, which may be a worker or hold the GIL, does not wait for it.
impl Drop for Shared {
    fn drop(&mut self) {
        let taken = self.executor.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(executor) = taken else { return };
        if self.serial || self.process != std::process::id() {
            return drop(executor);
        }
        // Where there can be no thread, it is waited for here.
        let given = Arc::new(std::sync::Mutex::new(Some(executor)));
        let own = given.clone();
        let end = move || drop(own.lock().map(|mut executor| executor.take()));
        drop(std::thread::Builder::new().name("purefork-end".to_owned()).spawn(end));
    }
}

/// The native half of an executor.
#[pyclass(frozen, module = "purefork")]
pub(crate) struct Core {
    shared: Arc<Shared>,
}

/// Reads what is given by name, each of its type.
struct Options<'a, 'py>(&'a Bound<'py, PyDict>);

impl<'py> Options<'_, 'py> {
    fn get<T>(&self, name: &str) -> PyResult<Option<T>>
    where
        T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
    {
        let Some(given) = self.0.get_item(name)?.filter(|given| !given.is_none()) else { return Ok(None) };
        given.extract::<T>().map(Some).map_err(|error| {
            let error: PyErr = error.into();
            PyTypeError::new_err(format!("`{name}`: {}", error.value(self.0.py())))
        })
    }
}

fn limits(options: &Options<'_, '_>) -> PyResult<Limits> {
    let mut limits = Limits::default();
    macro_rules! set {
        ($($name:ident: $ty:ty),*) => {$(
            if let Some(limit) = options.get::<$ty>(stringify!($name))? {
                limits = limits.$name(limit);
            }
        )*};
    }
    set!(fuel: u64, memory: usize, heap: usize, table_elements: usize, stack: usize, forks: u32, depth: u32, tree_forks: u64,
        tree_values: usize, output: usize, compile: u32);
    if let Some(timeout) = options.get::<f64>("timeout")? {
        let timeout = Duration::try_from_secs_f64(timeout)
            .map_err(|_| PyValueError::new_err(format!("expected seconds as a timeout, but was given {timeout}")))?;
        limits = limits.timeout(timeout);
    }
    Ok(limits)
}

#[pymethods]
impl Core {
    /// `options`: `threads`, `serial`, `cache_dir`, `memo`, `wasi`, `isolation`, `unknown_imports`; `limits`: those of `purefork.Limits`.
    #[new]
    fn new(py: Python<'_>, options: &Bound<'_, PyDict>, limits: &Bound<'_, PyDict>) -> PyResult<Core> {
        let options = Options(options);
        let mut builder = Executor::builder().limits(self::limits(&Options(limits))?);
        if let Some(threads) = options.get::<usize>("threads")? {
            builder = builder.threads(threads);
        }
        let serial = options.get::<bool>("serial")?.unwrap_or(false);
        if serial {
            builder = builder.serial();
        }
        if let Some(directory) = options.get::<PathBuf>("cache_dir")? {
            builder = builder.cache_dir(directory);
        }
        if options.get::<bool>("wasi")?.unwrap_or(false) {
            builder = builder.wasi(Wasi::Frozen);
        }
        if options.get::<bool>("fresh")?.unwrap_or(false) {
            builder = builder.isolation(Isolation::Fresh);
        }
        if options.get::<bool>("trap_unknown_imports")?.unwrap_or(false) {
            builder = builder.unknown_imports(UnknownImports::Trap);
        }
        let memo_dir = options.get::<PathBuf>("memo_dir")?;
        let memo = options.get::<bool>("memo")?.unwrap_or(false);
        let made = py.detach(|| {
            let builder = match memo_dir {
                Some(directory) => builder.memo(Memo::dir(directory)?),
                None if memo => builder.memo(Memo::in_memory()),
                None => builder,
            };
            builder.build()
        });
        let executor = made.map_err(|error| raised(py, &error, None))?;
        let shared = Shared { executor: RwLock::new(Some(executor)), serial, process: std::process::id() };
        Ok(Core { shared: Arc::new(shared) })
    }

    /// The directory that machine code is kept in unless another is named.
    #[staticmethod]
    fn default_cache_dir() -> Option<PathBuf> {
        purefork::Builder::default_cache_dir()
    }

    /// Loads a module from a file, or from bytes. `provide`: modules that satisfy imports, by name.
    #[pyo3(signature = (path, bytes, types, provide, source))]
    fn load(
        &self,
        py: Python<'_>,
        path: Option<PathBuf>,
        bytes: Option<&Bound<'_, PyBytes>>,
        types: Bound<'_, PyAny>,
        provide: Vec<(String, Py<Module>)>,
        source: Py<PyAny>,
    ) -> PyResult<Py<Module>> {
        let bytes = bytes.map(|bytes| bytes.as_bytes());
        let provided: Vec<(String, purefork::Module)> =
            provide.iter().map(|(name, module)| (name.clone(), module.get().module().clone())).collect();
        let loaded = py.detach(|| {
            let executor = self.shared.lock();
            let executor = executor.as_ref()?;
            let options =
                provided.iter().fold(executor.load_options(), |options, (name, module)| options.provide(name, module));
            Some(match (bytes, path) {
                (Some(bytes), _) => options.load_bytes(bytes),
                (None, path) => options.load(path.unwrap_or_default()),
            })
        });
        let Some(loaded) = loaded else {
            return Err(of_kind(
                py,
                ErrorKind::Cancelled,
                "the executor was shut down: it loads nothing any more".to_owned(),
            ));
        };
        let module = loaded.map_err(|error| raised(py, &error, None))?;
        Module::made(py, module, self.shared.clone(), types, source)
    }

    /// Takes no more calls, and waits for those that were forked; or cancels them.
    fn shutdown(&self, py: Python<'_>, wait: bool, cancel: bool) {
        let shared = self.shared.clone();
        py.detach(|| {
            if wait || shared.serial {
                shared.end(cancel);
            } else {
                if cancel && let Some(executor) = &*shared.lock() {
                    executor.shutdown();
                }
                let end = move || shared.end(false);
                drop(std::thread::Builder::new().name("purefork-end".to_owned()).spawn(end));
            }
        });
    }

    /// Whether it was shut down.
    fn is_shut_down(&self) -> bool {
        self.shared.lock().is_none()
    }

    /// Whether it runs calls where they are forked.
    #[getter]
    fn serial(&self) -> bool {
        self.shared.serial
    }
}
