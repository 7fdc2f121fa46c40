//! Bytes to values.

use super::form::{MAX_DEPTH, Scalar, scalars, tag};
use crate::value::{List, Name, Value};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// So many places are made for values before any of them was read: a length may lie.
const FIRST: usize = 64;

/// Why bytes are no value, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The offset from where reading began.
    pub(crate) at: usize,
    /// What is wrong there.
    pub(crate) why: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.at, self.why)
    }
}

/// Reads what was written, from the front.
pub(crate) struct Reader<'a> {
    all: &'a [u8],
    rest: &'a [u8],
    /// The names of the value that is read, in the order of first use.
    names: Vec<Name>,
    known: HashSet<Name>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { all: bytes, rest: bytes, names: Vec::new(), known: HashSet::new() }
    }

    /// What was not read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// That something is wrong with what was read last.
    pub(crate) fn broken(&self, why: &'static str) -> Broken {
        Broken { at: self.all.len() - self.rest.len(), why }
    }

    /// So many bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(self.broken("more is announced than there is"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// So many bytes, known when this is compiled.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(self.broken("the bytes end in a value's midst"))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// An unsigned LEB128 in the only form that is written: the shortest.
    pub(crate) fn length(&mut self) -> Result<usize, Broken> {
        let mut length = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits || byte == 0 && shift > 0 {
                break;
            }
            length |= bits << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(length).map_err(|_| self.broken("a length is larger than any memory"));
            }
        }
        Err(self.broken("a length is not written as lengths are"))
    }

    /// Text behind its length.
    pub(crate) fn text(&mut self) -> Result<&'a str, Broken> {
        let length = self.length()?;
        self.utf8(length)
    }

    fn utf8(&mut self, length: usize) -> Result<&'a str, Broken> {
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.broken("text is not UTF-8"))
    }

    /// A value, with names of its own.
    pub(crate) fn value(&mut self) -> Result<Value, Broken> {
        self.names.clear();
        self.known.clear();
        self.value_within(0)
    }

    fn value_within(&mut self, depth: u32) -> Result<Value, Broken> {
        if depth > MAX_DEPTH {
            return Err(self.broken("values are nested too deeply"));
        }
        let [tag] = self.array()?;
        macro_rules! value {
            ($($variant:ident $rust:ident $number:literal),*) => {
                match tag {
                    $($number => Value::$variant(self.scalar()?),)*
                    $(_ if tag == tag::LIST_OF + $number => Value::from(self.scalars::<$rust>()?),)*
                    tag::V128 => Value::V128(self.array()?),
                    tag::STRING => Value::String(self.text()?.into()),
                    tag::LIST => {
                        let values = self.many(|reader| reader.value_within(depth + 1))?;
                        $(if !values.is_empty() && values.iter().all(|value| matches!(value, Value::$variant(_))) {
                            return Err(self.broken("a list of scalars is written as one of values"));
                        })*
                        Value::List(List::from(values))
                    }
                    tag::RECORD => {
                        let fields = self.many(|reader| Ok((reader.name()?, reader.value_within(depth + 1)?)))?;
                        Value::Record(fields.into())
                    }
                    tag::TUPLE => Value::Tuple(self.many(|reader| reader.value_within(depth + 1))?.into()),
                    tag::CASE => Value::Variant(self.name()?, None),
                    tag::CASE_OF => Value::Variant(self.name()?, self.payload(depth)?),
                    tag::ENUM => Value::Enum(self.name()?),
                    tag::NONE => Value::Option(None),
                    tag::SOME => Value::Option(self.payload(depth)?),
                    tag::OK => Value::Result(Ok(None)),
                    tag::OK_OF => Value::Result(Ok(self.payload(depth)?)),
                    tag::ERR => Value::Result(Err(None)),
                    tag::ERR_OF => Value::Result(Err(self.payload(depth)?)),
                    tag::FLAGS => Value::Flags(self.many(Reader::name)?.into()),
                    _ => return Err(self.broken("there is no such kind of value")),
                }
            };
        }
        Ok(scalars!(value))
    }

    fn payload(&mut self, depth: u32) -> Result<Option<Arc<Value>>, Broken> {
        Ok(Some(Arc::new(self.value_within(depth + 1)?)))
    }

    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T, Broken>) -> Result<Vec<T>, Broken> {
        let length = self.length()?;
        // Each takes a byte at least.
        if length > self.rest.len() {
            return Err(self.broken("more is announced than there is"));
        }
        let mut all = Vec::with_capacity(length.min(FIRST));
        for _ in 0..length {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn scalar<T: Scalar<Bytes = [u8; N]>, const N: usize>(&mut self) -> Result<T, Broken> {
        T::from_bytes(self.array()?).ok_or(self.broken("there is no such bool or char"))
    }

    fn scalars<T: Scalar>(&mut self) -> Result<Vec<T>, Broken> {
        let length = self.length()?;
        let bytes = self.take(length.saturating_mul(size_of::<T::Bytes>()))?;
        T::read_all(bytes).ok_or(self.broken("there is no such bool or char"))
    }

    fn name(&mut self) -> Result<Name, Broken> {
        match self.length()?.checked_sub(1) {
            None => {
                let number = self.length()?;
                self.names.get(number).cloned().ok_or(self.broken("a name is meant that was not there before"))
            }
            Some(length) => {
                let name = Name::from(self.utf8(length)?);
                if self.known.insert(name.clone()) {
                    self.names.push(name.clone());
                    Ok(name)
                } else {
                    Err(self.broken("a name is written a second time"))
                }
            }
        }
    }
}
