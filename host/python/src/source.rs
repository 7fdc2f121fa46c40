//! A column that rows are taken from: one of Arrow, or Python's own objects.

use crate::arguments::Param;
use crate::buffers;
use crate::capsules::Incoming;
use crate::from_python::Misfit;
use crate::shape::{Kind, Shape};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use purefork::value::Type;
use purefork_arrow::{Error, ResultBuilder, Variants};
use pyo3::prelude::*;

/// A column that rows are taken from.
pub(crate) struct Source {
    /// Its name, for messages.
    pub(crate) name: String,
    incoming: Coming,
    /// The array that rows are taken from, and how many of it were.
    current: Option<(ArrayRef, usize)>,
    pub(crate) taken: u64,
}

enum Coming {
    Arrow(Incoming),
    /// What came as Python's own objects, made an array of.
    Made(Option<ArrayRef>),
}

impl Source {
    /// What was given for a parameter, which has to be a column of Arrow where there is none.
    pub(crate) fn new(
        name: String,
        given: &Bound<'_, PyAny>,
        param: Option<&Param>,
        misfit: impl FnOnce(Misfit) -> PyErr,
    ) -> PyResult<Source> {
        let incoming = match (Incoming::of(given)?, param) {
            (Some(incoming), _) => Coming::Arrow(incoming),
            (None, Some(param)) => Coming::Made(Some(made(&param.shape, given).map_err(misfit)?)),
            // That there are too many is told.
            (None, None) => Coming::Made(None),
        };
        Ok(Source { name, incoming, current: None, taken: 0 })
    }

    /// The type of its arrays.
    pub(crate) fn data_type(&self) -> DataType {
        match (&self.incoming, &self.current) {
            (Coming::Arrow(incoming), _) => incoming.data_type.clone(),
            (Coming::Made(Some(array)), _) | (_, Some((array, _))) => array.data_type().clone(),
            (Coming::Made(None), None) => DataType::Null,
        }
    }

    /// How many rows its current array has left; none at the end.
    pub(crate) fn left(&mut self) -> Result<Option<usize>, String> {
        loop {
            if let Some((array, from)) = &self.current
                && *from < array.len()
            {
                return Ok(Some(array.len() - from));
            }
            let next = match &mut self.incoming {
                Coming::Arrow(incoming) => {
                    let place = |why| format!("the column `{}`, after row {}: {why}", self.name, self.taken);
                    incoming.next().map_err(place)?
                }
                Coming::Made(array) => array.take(),
            };
            match next {
                Some(array) => self.current = Some((array, 0)),
                None => return Ok(None),
            }
        }
    }

    /// The next rows of its current array.
    pub(crate) fn take(&mut self, count: usize) -> Option<ArrayRef> {
        let (array, from) = self.current.as_mut()?;
        let taken = array.slice(*from, count);
        *from += count;
        self.taken += count as u64;
        Some(taken)
    }
}

/// An array of what comes as Python's own objects.
fn made(shape: &Shape, given: &Bound<'_, PyAny>) -> Result<ArrayRef, Misfit> {
    let wrong = |error: Error| Misfit::new(error.message().to_owned());
    let mut builder = ResultBuilder::new(&shape.ty, Variants::Structure).map_err(wrong)?;
    let plain = matches!(shape.kind, Kind::Plain) && !matches!(shape.ty, Type::String | Type::Char | Type::V128);
    if plain && let Some(list) = buffers::numbers(&shape.ty, given)? {
        builder.extend(list).map_err(wrong)?;
        return builder.finish().map_err(wrong);
    }
    for (row, item) in given.try_iter()?.enumerate() {
        let at = |misfit: Misfit| misfit.at(&format!("[{row}]"));
        builder.push(&shape.value(&item?).map_err(at)?).map_err(|error| at(wrong(error)))?;
    }
    builder.finish().map_err(wrong)
}
