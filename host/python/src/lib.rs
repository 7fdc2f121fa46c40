//! The native half of the Python package `purefork`. What a user sees is put together in `python/purefork/__init__.py`.
//!
//! It uses the library's public API alone. Nothing here panics into Python: a panic would be a bug, and PyO3 would show it as one.

mod arguments;
mod awaiting;
mod buffers;
mod capsules;
mod column;
mod columns;
mod completed;
mod core;
mod errors;
mod from_arrow;
mod from_python;
mod function;
mod future;
mod immutable;
mod interpreter;
mod map_arrow;
mod module;
mod numbers;
mod promise;
mod shape;
mod site;
mod source;
mod to_python;
mod typed_columns;
mod untracked;
mod waiting;

use pyo3::prelude::*;

/// The native half of `purefork`.
#[pymodule]
#[pyo3(name = "_purefork")]
mod native {
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::interpreter::only_one(module.py())
    }

    #[pymodule_export]
    use super::awaiting::{Hub, Waiter};
    #[pymodule_export]
    use super::column::Column;
    #[pymodule_export]
    use super::command_line;
    #[pymodule_export]
    use super::completed::Completed;
    #[pymodule_export]
    use super::core::Core;
    #[pymodule_export]
    use super::function::{Function, fork};
    #[pymodule_export]
    use super::future::{Future, wait, wait_all};
    #[pymodule_export]
    use super::module::Module;
    #[pymodule_export]
    use super::numbers::Numbers;
    #[pymodule_export]
    use super::promise::Promise;
    #[pymodule_export]
    use super::waiting::{armed, ending, interrupt};
}

/// The command line of `purefork`, with these arguments; gives its exit code.
#[pyfunction]
fn command_line(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| purefork_cli::run_with(arguments, &[]))
}
