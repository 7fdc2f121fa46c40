//! Python's objects as values of a type: exact, or an error that says where.

use crate::buffers;
use crate::from_arrow;
use crate::immutable;
use crate::numbers::Numbers;
use crate::shape::{Case, Field, Kind, Shape};
use purefork::Value;
use purefork::value::{List, Name, Type};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};
use std::sync::Arc;

/// The deepest that lists and records nest, as the library has it.
pub(crate) const MAX_DEPTH: u32 = 100;

/// The most that is shown of what was given.
const SHOWN: usize = 60;

/// Why an object is no value of a type.
pub(crate) enum Misfit {
    /// It does not fit: where, and why.
    Wrong { path: String, message: String },
    /// Something of Python's own was raised, by an iterator, say.
    Raised(PyErr),
}

impl Misfit {
    #[cold]
    pub(crate) fn new(message: impl Into<String>) -> Misfit {
        Misfit::Wrong { path: String::new(), message: message.into() }
    }

    /// The misfit as one of a part that is at `step`.
    #[cold]
    pub(crate) fn at(self, step: &str) -> Misfit {
        match self {
            Misfit::Wrong { path, message } => Misfit::Wrong { path: format!("{step}{path}"), message },
            raised => raised,
        }
    }
}

impl From<PyErr> for Misfit {
    fn from(error: PyErr) -> Misfit {
        Misfit::Raised(error)
    }
}

/// An object as it is shown in an error.
fn shown(given: &Bound<'_, PyAny>) -> String {
    let class = given.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
    let text = given.repr().map_or_else(|_| "…".to_owned(), |text| text.to_string_lossy().into_owned());
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short}, of type {class}")
}

/// What was expected, and what was given.
#[cold]
fn wrong(expected: &Type, given: &Bound<'_, PyAny>) -> Misfit {
    let range = expected.whole_numbers().map(|range| format!(", {range}")).unwrap_or_default();
    Misfit::new(format!("expected {}{range}, but was given {}", expected.brief(), shown(given)))
}

/// A name that there is not among those that there are.
#[cold]
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Misfit {
    let known: Vec<String> = known.take(12).map(|name| format!("`{name}`")).collect();
    Misfit::new(format!("there is no {what} `{}`: there are {}", name.escape_debug(), known.join(", ")))
}

/// A conversion of PyO3's that failed, as what it means here: another type, another range, or what the object's own code has raised.
#[cold]
fn failed(py: Python<'_>, expected: &Type, given: &Bound<'_, PyAny>, error: PyErr) -> Misfit {
    let expected_kinds = error.is_instance_of::<PyTypeError>(py)
        || error.is_instance_of::<PyOverflowError>(py)
        || error.is_instance_of::<PyValueError>(py) && !error.is_instance_of::<PyUnicodeEncodeError>(py);
    if expected_kinds { wrong(expected, given) } else { Misfit::Raised(error) }
}

macro_rules! number {
    ($given:expr, $ty:expr, $rust:ty, $variant:ident) => {
        match $given.extract::<$rust>() {
            Ok(number) => Ok(Value::$variant(number)),
            Err(error) => Err(failed($given.py(), $ty, $given, error)),
        }
    };
}

/// A list of numbers out of a list of Python's, without a value for each.
macro_rules! packed {
    ($items:expr, $ty:expr, $one:expr) => {
        $items
            .iter()
            .enumerate()
            .map(|(at, item)| $one(&item).map_err(|misfit: Misfit| misfit.at(&format!("[{at}]"))))
            .collect::<Result<Vec<_>, Misfit>>()
            .map(|numbers| Value::List(List::from(numbers)))
    };
}

fn single(given: &Bound<'_, PyAny>) -> Result<f32, Misfit> {
    let double: f64 = given.extract().map_err(|error| failed(given.py(), &Type::F32, given, error))?;
    #[allow(clippy::cast_possible_truncation)]
    let single = double as f32;
    if double.is_finite() && !single.is_finite() {
        return Err(wrong(&Type::F32, given));
    }
    Ok(single)
}

/// Of a core module's integer, which has no sign: the signed and the unsigned ones.
fn word(given: &Bound<'_, PyAny>) -> Result<i32, Misfit> {
    let number: i64 = given.extract().map_err(|error| failed(given.py(), &Type::I32, given, error))?;
    let signed = i32::try_from(number).or_else(|_| u32::try_from(number).map(u32::cast_signed));
    signed.map_err(|_| wrong(&Type::I32, given))
}

fn long_word(given: &Bound<'_, PyAny>) -> Result<i64, Misfit> {
    if let Ok(number) = given.extract::<i64>() {
        return Ok(number);
    }
    given.extract::<u64>().map(u64::cast_signed).map_err(|error| failed(given.py(), &Type::I64, given, error))
}

fn character(given: &Bound<'_, PyAny>) -> Result<char, Misfit> {
    let text = text(given).map_err(|_| wrong(&Type::Char, given))?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(character),
        _ => Err(wrong(&Type::Char, given)),
    }
}

fn text<'a>(given: &'a Bound<'_, PyAny>) -> Result<&'a str, Misfit> {
    let text = given.cast::<PyString>().map_err(|_| wrong(&Type::String, given))?;
    text.to_str()
        .map_err(|_| Misfit::new(format!("expected text, but was given {}, which has a lone surrogate", shown(given))))
}

static TENSOR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static OK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static SOME: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

impl Shape {
    /// The object as a value of this type.
    #[inline]
    pub(crate) fn value(&self, given: &Bound<'_, PyAny>) -> Result<Value, Misfit> {
        match &self.kind {
            Kind::Plain => scalar(&self.ty, given),
            _ => self.compound(given, 0),
        }
    }

    fn within(&self, given: &Bound<'_, PyAny>, depth: u32) -> Result<Value, Misfit> {
        match &self.kind {
            Kind::Plain => scalar(&self.ty, given),
            _ if depth > MAX_DEPTH => Err(Misfit::new(format!("values may nest {MAX_DEPTH} levels deep"))),
            _ => self.compound(given, depth),
        }
    }

    fn compound(&self, given: &Bound<'_, PyAny>, depth: u32) -> Result<Value, Misfit> {
        let py = given.py();
        match &self.kind {
            Kind::Plain => scalar(&self.ty, given),
            Kind::List(element) => list(&self.ty, element, given, depth),
            Kind::Tuple(shapes) => {
                if shapes.is_empty() && given.is_none() {
                    return Ok(Value::unit());
                }
                let members: Vec<Bound<'_, PyAny>> = match (given.cast::<PyTuple>(), given.cast::<PyList>()) {
                    (Ok(tuple), _) => tuple.iter().collect(),
                    (_, Ok(list)) => list.iter().collect(),
                    _ => return Err(wrong(&self.ty, given)),
                };
                if members.len() != shapes.len() {
                    return Err(Misfit::new(format!(
                        "expected {} members, but was given {}",
                        shapes.len(),
                        members.len()
                    )));
                }
                let members = shapes.iter().zip(&members).enumerate();
                let members = members.map(|(at, (shape, member))| {
                    shape.within(member, depth + 1).map_err(|misfit| misfit.at(&format!("[{at}]")))
                });
                Ok(Value::tuple(members.collect::<Result<Vec<_>, _>>()?))
            }
            Kind::Record { fields, .. } => record(&self.ty, fields, given, depth),
            Kind::Variant { cases, .. } => variant(&self.ty, cases, given, depth),
            Kind::Enum { class, members } => {
                if given.is_instance(class.bind(py))? {
                    let member = members.iter().find(|(_, member)| member.is(given));
                    return member.map(|(name, _)| Value::Enum(name.clone())).ok_or_else(|| wrong(&self.ty, given));
                }
                let text = name_given(&self.ty, given)?;
                let member = members.iter().find(|(name, _)| same(name, &text));
                let names = members.iter().map(|(name, _)| &**name);
                member.map(|(name, _)| Value::Enum(name.clone())).ok_or_else(|| unknown("case", &text, names))
            }
            Kind::Flags { class, members } => {
                if given.is_instance(class.bind(py))? {
                    let bits: u64 = given.getattr("value")?.extract()?;
                    let set = members.iter().filter(|(.., bit)| bits & bit != 0).map(|(name, ..)| name.clone());
                    return Ok(Value::Flags(set.collect()));
                }
                if given.is_instance_of::<PyString>() {
                    return Err(wrong(&self.ty, given));
                }
                let Ok(items) = given.try_iter() else { return Err(wrong(&self.ty, given)) };
                let mut set = Vec::new();
                for item in items {
                    let text = name_given(&self.ty, &item?)?;
                    let member = members.iter().find(|(name, ..)| same(name, &text));
                    let names = members.iter().map(|(name, ..)| &**name);
                    set.push(member.ok_or_else(|| unknown("flag", &text, names))?.0.clone());
                }
                let set = members.iter().filter(|(name, ..)| set.contains(name)).map(|(name, ..)| name.clone());
                Ok(Value::Flags(set.collect()))
            }
            Kind::Option { some, .. } => {
                if given.is_none() {
                    return Ok(Value::Option(None));
                }
                let wrapped = given.is_instance(SOME.import(py, "purefork._types", "Some")?)?;
                let inner = if wrapped { given.getattr("value")? } else { given.clone() };
                Ok(Value::Option(Some(Arc::new(some.within(&inner, depth + 1)?))))
            }
            Kind::Result { ok, err } => {
                let side = |shape: &Option<Box<Shape>>, value: Bound<'_, PyAny>, step: &str| match shape {
                    Some(shape) => {
                        Ok(Some(Arc::new(shape.within(&value, depth + 1).map_err(|misfit| misfit.at(step))?)))
                    }
                    None if value.is_none() => Ok(None),
                    None => {
                        Err(Misfit::new(format!("expected nothing in it, but was given {}", shown(&value))).at(step))
                    }
                };
                if given.is_instance(OK.import(py, "purefork._types", "Ok")?)? {
                    return Ok(Value::Result(Ok(side(ok, given.getattr("value")?, ".ok")?)));
                }
                if given.is_instance(crate::errors::err_class(py)?)? {
                    return Ok(Value::Result(Err(side(err, given.getattr("value")?, ".err")?)));
                }
                Err(Misfit::new(format!("expected Ok(…) or Err(…), but was given {}", shown(given))))
            }
            Kind::Tensor => {
                let made = TENSOR.import(py, "purefork._types", "tensor_parts")?.call1((given,))?;
                if made.is_none() {
                    return Err(Misfit::new(format!("expected a tensor: an array, but was given {}", shown(given))));
                }
                let (shape, ty, data): (Vec<u32>, String, Bound<'_, PyAny>) = made.extract()?;
                let data = buffers::numbers(&Type::U8, &data)?.ok_or_else(|| wrong(&self.ty, given))?;
                let fields =
                    [("dimensions", Value::from(shape)), ("ty", Value::Enum(ty.into())), ("data", Value::List(data))];
                Ok(Value::record(fields))
            }
        }
    }
}

#[inline]
fn scalar(ty: &Type, given: &Bound<'_, PyAny>) -> Result<Value, Misfit> {
    match ty {
        Type::I32 => word(given).map(Value::I32),
        Type::S32 => number!(given, ty, i32, I32),
        Type::I64 => long_word(given).map(Value::I64),
        Type::S64 => number!(given, ty, i64, I64),
        Type::F64 => number!(given, ty, f64, F64),
        Type::F32 => single(given).map(Value::F32),
        Type::Bool => number!(given, ty, bool, Bool),
        Type::U8 => number!(given, ty, u8, U8),
        Type::S8 => number!(given, ty, i8, I8),
        Type::U16 => number!(given, ty, u16, U16),
        Type::S16 => number!(given, ty, i16, I16),
        Type::U32 => number!(given, ty, u32, U32),
        Type::U64 => number!(given, ty, u64, U64),
        Type::String => text(given).map(Value::from),
        Type::Char => character(given).map(Value::Char),
        Type::V128 => {
            match given.cast::<PyBytes>().ok().and_then(|bytes| <[u8; 16]>::try_from(bytes.as_bytes()).ok()) {
                Some(bytes) => Ok(Value::V128(bytes)),
                None => Err(Misfit::new(format!("expected 16 bytes for a v128, but was given {}", shown(given)))),
            }
        }
        _ => Err(wrong(ty, given)),
    }
}

fn list(ty: &Type, element: &Shape, given: &Bound<'_, PyAny>, depth: u32) -> Result<Value, Misfit> {
    if let Ok(bytes) = given.cast::<PyBytes>()
        && element.ty == Type::U8
    {
        return Ok(Value::List(immutable::bytes(bytes)));
    }
    if let Ok(numbers) = given.cast::<Numbers>() {
        // Its own list, if it is of that type: it is read-only, and not copied.
        let list = numbers.get().list();
        let same = |held: Type| match element.ty {
            Type::I32 => held == Type::S32,
            Type::I64 => held == Type::S64,
            _ => held == element.ty,
        };
        if list.as_bytes().is_some_and(|(held, _)| same(held)) {
            return Ok(Value::List(list.clone()));
        }
    }
    if !matches!(element.kind, Kind::Plain) {
        if !given.is_instance_of::<PyList>()
            && !given.is_instance_of::<PyTuple>()
            && let Some(list) = from_arrow::list(&element.ty, given)?
        {
            return Ok(Value::List(list));
        }
        return items(ty, element, given, depth);
    }
    if let Ok(items) = given.cast_exact::<PyList>() {
        macro_rules! plain {
            ($rust:ty) => {
                packed!(items, ty, |item: &Bound<'_, PyAny>| item.extract::<$rust>().map_err(|error| failed(
                    item.py(),
                    &element.ty,
                    item,
                    error
                )))
            };
        }
        return match element.ty {
            Type::F64 => plain!(f64),
            Type::S64 => plain!(i64),
            Type::S32 => plain!(i32),
            Type::U32 => plain!(u32),
            Type::U64 => plain!(u64),
            Type::U8 => plain!(u8),
            Type::F32 => packed!(items, ty, single),
            Type::I32 => packed!(items, ty, word),
            Type::I64 => packed!(items, ty, long_word),
            _ => self::items(ty, element, given, depth),
        };
    }
    if let Some(numbers) = buffers::numbers(&element.ty, given)? {
        return Ok(Value::List(numbers));
    }
    items(ty, element, given, depth)
}

/// A list whose elements are taken one by one.
fn items(ty: &Type, element: &Shape, given: &Bound<'_, PyAny>, depth: u32) -> Result<Value, Misfit> {
    let no_list =
        given.is_instance_of::<PyString>() || given.is_instance_of::<PyBytes>() || given.is_instance_of::<PyDict>();
    let items = match given.try_iter() {
        Ok(items) if !no_list => items,
        _ => return Err(wrong(ty, given)),
    };
    let values = items.enumerate().map(|(at, item)| {
        // What an iterator raises is its own.
        let item = item?;
        element.within(&item, depth + 1).map_err(|misfit| misfit.at(&format!("[{at}]")))
    });
    Ok(Value::List(List::packed(values.collect::<Result<_, Misfit>>()?, &element.ty)))
}

fn record(ty: &Type, fields: &[Field], given: &Bound<'_, PyAny>, depth: u32) -> Result<Value, Misfit> {
    let py = given.py();
    let value = |field: &Field, item: &Bound<'_, PyAny>| {
        let value = field.shape.within(item, depth + 1);
        value.map_err(|misfit| misfit.at(&format!(".{}", field.name)))
    };
    let missing = |field: &Field| match &field.shape.kind {
        // What is optional may be left out.
        Kind::Option { .. } => Ok(Value::Option(None)),
        _ => Err(Misfit::new(format!("was not given the field `{}`", field.name))),
    };
    let mut values: Vec<(Name, Value)> = Vec::with_capacity(fields.len());
    if let Ok(given) = given.cast::<PyDict>() {
        let mut used = 0;
        for field in fields {
            let item = match given.get_item(field.attribute.bind(py))? {
                Some(item) => Some(item),
                None => given.get_item(&*field.name)?,
            };
            used += usize::from(item.is_some());
            let value = match item {
                Some(item) => value(field, &item)?,
                None => missing(field)?,
            };
            values.push((field.name.clone(), value));
        }
        if used < given.len() {
            let known = |key: &str| fields.iter().any(|field| same(&field.name, key));
            for key in given.keys() {
                match key.extract::<String>() {
                    Ok(key) if known(&key) => {}
                    Ok(key) => return Err(unknown("field", &key, fields.iter().map(|field| &*field.name))),
                    Err(_) => {
                        return Err(Misfit::new(format!("expected names of fields, but was given {}", shown(&key))));
                    }
                }
            }
        }
        return Ok(Value::Record(values.into()));
    }
    if given.is_instance_of::<PyString>() || given.is_instance_of::<PyInt>() || given.is_none() {
        return Err(wrong(ty, given));
    }
    for field in fields {
        let value = match given.getattr_opt(field.attribute.bind(py))? {
            Some(item) => value(field, &item)?,
            None if fields.iter().all(|field| !given.hasattr(field.attribute.bind(py)).unwrap_or(false)) => {
                return Err(wrong(ty, given));
            }
            None => missing(field)?,
        };
        values.push((field.name.clone(), value));
    }
    Ok(Value::Record(values.into()))
}

fn variant(ty: &Type, cases: &[Case], given: &Bound<'_, PyAny>, depth: u32) -> Result<Value, Misfit> {
    let py = given.py();
    for case in cases {
        if given.is_instance(case.class.bind(py))? {
            let payload = match &case.payload {
                Some(shape) => {
                    let value = given.getattr(pyo3::intern!(py, "value"))?;
                    Some(shape.within(&value, depth + 1).map_err(|misfit| misfit.at(&format!(".{}", case.name)))?)
                }
                None => None,
            };
            return Ok(Value::variant(case.name.clone(), payload));
        }
    }
    // Without the class: its name, or a dict of one name and its value.
    let (name, payload) = match given.cast::<PyDict>() {
        Ok(dict) if dict.len() == 1 => {
            let Some((name, value)) = dict.iter().next() else { return Err(wrong(ty, given)) };
            (name_given(ty, &name)?, Some(value))
        }
        _ if given.is_instance_of::<PyString>() => (name_given(ty, given)?, None),
        _ => return Err(wrong(ty, given)),
    };
    let Some(case) = cases.iter().find(|case| same(&case.name, &name)) else {
        return Err(unknown("case", &name, cases.iter().map(|case| &*case.name)));
    };
    let at = format!(".{}", case.name);
    match (&case.payload, payload.filter(|value| !value.is_none())) {
        (Some(shape), Some(value)) => {
            let value = shape.within(&value, depth + 1).map_err(|misfit| misfit.at(&at))?;
            Ok(Value::variant(case.name.clone(), Some(value)))
        }
        (None, None) => Ok(Value::variant(case.name.clone(), None)),
        (Some(shape), None) => Err(Misfit::new(format!("expected {}, but was given none", shape.ty.brief())).at(&at)),
        (None, Some(value)) => {
            Err(Misfit::new(format!("expected nothing in it, but was given {}", shown(&value))).at(&at))
        }
    }
}

/// Whether two names are the same: WIT has dashes where Python has underscores.
pub(crate) fn same(known: &str, given: &str) -> bool {
    let plain = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    known.bytes().map(plain).eq(given.bytes().map(plain))
}

fn name_given(ty: &Type, given: &Bound<'_, PyAny>) -> Result<String, Misfit> {
    given.cast::<PyString>().ok().and_then(|text| text.to_str().ok()).map(str::to_owned).ok_or_else(|| wrong(ty, given))
}
