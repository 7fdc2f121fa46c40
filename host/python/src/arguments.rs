//! Arguments of a call: Python's positional and keyword arguments, bound to the parameters of a function.

use crate::errors::mismatch;
use crate::from_python::{Misfit, same};
use crate::future::Future;
use crate::shape::Shape;
use purefork::function::Arg;
use purefork::{Args, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

/// A parameter.
pub(crate) struct Param {
    pub(crate) name: String,
    /// The name as an attribute, which keywords are given by.
    pub(crate) keyword: Py<PyString>,
    pub(crate) shape: Shape,
}

/// The parameters of a function.
pub(crate) struct Params {
    pub(crate) all: Vec<Param>,
    /// `add(a: i32, b: i32) -> i32`.
    pub(crate) signature: String,
    pub(crate) function: String,
}

/// Arguments in the order of their parameters.
pub(crate) enum Given {
    One([Value; 1]),
    Two([Value; 2]),
    Many(Vec<Value>),
    /// Some are futures.
    Args(Args),
}

impl Params {
    /// Binds arguments.
    ///
    /// # Errors
    ///
    /// `ArgumentMismatch`, and what Python's own code raises meanwhile.
    #[inline]
    pub(crate) fn bind(&self, args: &Bound<'_, PyTuple>, keywords: Option<&Bound<'_, PyDict>>) -> PyResult<Given> {
        if keywords.is_none_or(|keywords| keywords.is_empty()) && args.len() == self.all.len() {
            let value = |at: usize| {
                let given = args.get_borrowed_item(at)?;
                match given.cast::<Future>() {
                    Ok(_) => Ok(None),
                    Err(_) => self.value(at, &given).map(Some),
                }
            };
            match self.all.len() {
                1 => {
                    if let Some(first) = value(0)? {
                        return Ok(Given::One([first]));
                    }
                }
                2 => {
                    if let (Some(first), Some(second)) = (value(0)?, value(1)?) {
                        return Ok(Given::Two([first, second]));
                    }
                }
                _ => {
                    if let Some(all) = (0..self.all.len()).map(value).collect::<PyResult<Option<Vec<_>>>>()? {
                        return Ok(Given::Many(all));
                    }
                }
            }
        }
        self.bind_slowly(args, keywords)
    }

    /// With keywords, futures, or what is wrong.
    fn bind_slowly(&self, args: &Bound<'_, PyTuple>, keywords: Option<&Bound<'_, PyDict>>) -> PyResult<Given> {
        let py = args.py();
        let expected = |given: String| mismatch(py, format!("expected `{}`, but {given}", self.signature));
        if args.len() > self.all.len() {
            let s = if args.len() == 1 { "" } else { "s" };
            return Err(expected(format!("was given {} argument{s}", args.len())));
        }
        let mut given: Vec<Option<Bound<'_, PyAny>>> = args.iter().map(Some).collect();
        given.resize(self.all.len(), None);
        for (name, value) in keywords.into_iter().flat_map(|keywords| keywords.iter()) {
            let name = name.cast::<PyString>().map_err(PyErr::from)?.to_string_lossy().into_owned();
            let at = self.all.iter().position(|param| {
                same(&param.name, &name) || param.keyword.bind(py).to_str().is_ok_and(|keyword| keyword == name)
            });
            let Some(at) = at else {
                return Err(expected(format!("was given `{}`", name.escape_debug())));
            };
            if given[at].replace(value).is_some() {
                return Err(expected(format!("was given `{}` twice", self.all[at].name)));
            }
        }
        let missing: Vec<String> = given
            .iter()
            .zip(&self.all)
            .filter(|(given, _)| given.is_none())
            .map(|(_, param)| format!("`{}`", param.name))
            .collect();
        if !missing.is_empty() {
            return Err(expected(format!("was not given {}", missing.join(", "))));
        }
        let given: Vec<Bound<'_, PyAny>> = given.into_iter().flatten().collect();
        if given.iter().all(|given| !given.is_instance_of::<Future>()) {
            let values = given.iter().enumerate().map(|(at, given)| self.value(at, given));
            return Ok(Given::Many(values.collect::<PyResult<_>>()?));
        }
        let mut bound = Args::new();
        for (at, given) in given.iter().enumerate() {
            let arg = match given.cast::<Future>() {
                Ok(future) => future.get().argument(),
                Err(_) => Arg::from(self.value(at, given)?),
            };
            bound = bound.push(arg);
        }
        Ok(Given::Args(bound))
    }

    /// The value of an argument.
    #[inline]
    pub(crate) fn value(&self, at: usize, given: &Bound<'_, PyAny>) -> PyResult<Value> {
        self.all[at].shape.value(given).map_err(|misfit| self.misfit(given.py(), at, misfit))
    }

    /// The exception of an argument that does not fit.
    #[cold]
    pub(crate) fn misfit(&self, py: Python<'_>, at: usize, misfit: Misfit) -> PyErr {
        match misfit {
            Misfit::Raised(error) => error,
            Misfit::Wrong { path, message } => {
                let place = if path.is_empty() { String::new() } else { format!("at `{path}`: ") };
                mismatch(py, format!("argument `{}` of `{}`: {place}{message}", self.all[at].name, self.function))
            }
        }
    }
}
