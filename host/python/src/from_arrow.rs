//! A column of Arrow as a list, which is one argument. Numbers are read where they lie.

use crate::capsules::{Incoming, is_column};
use crate::from_python::Misfit;
use arrow_array::{Array, ArrayRef, new_empty_array};
use arrow_select::concat::concat;
use purefork::value::{List, Type};
use purefork_arrow::Values;
use pyo3::prelude::*;

/// The values of a column as a list of such elements; none if the object is no column, or is one of pandas, whose arrays are numpy's.
pub(crate) fn list(element: &Type, given: &Bound<'_, PyAny>) -> Result<Option<List>, Misfit> {
    if !is_column(given)? || is_pandas(given)? {
        return Ok(None);
    }
    let Some(mut incoming) = Incoming::of(given)? else { return Ok(None) };
    let whole = given.py().detach(|| {
        let mut arrays: Vec<ArrayRef> = Vec::new();
        while let Some(array) = incoming.next()? {
            arrays.push(array);
        }
        match &*arrays {
            [] => Ok(new_empty_array(&incoming.data_type)),
            [one] => Ok(one.clone()),
            several => {
                let several: Vec<&dyn Array> = several.iter().map(AsRef::as_ref).collect();
                concat(&several).map_err(|error| error.to_string())
            }
        }
    });
    let whole = whole.map_err(|why| Misfit::new(format!("the column cannot be read: {why}")))?;
    let list = Values::new(&whole, element).and_then(|values| values.list(0..whole.len()));
    list.map(Some).map_err(|error| Misfit::new(error.message().to_owned()))
}

/// Whether an object is one of pandas.
pub(crate) fn is_pandas(given: &Bound<'_, PyAny>) -> PyResult<bool> {
    let module = given.get_type().module()?;
    Ok(module.to_str().is_ok_and(|module| module.split('.').next() == Some("pandas")))
}
