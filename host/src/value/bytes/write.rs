//! Values to bytes.

use super::form::{Scalar, scalars, tag};
use super::sink::{Sink, write_length};
use crate::value::{Items, List, Name, Value};
use std::collections::HashMap;
use std::slice;
use std::sync::Arc;

/// Writes a value. What is pending is kept in a list, and not on the stack: values of one's own making may nest as deep as they like.
pub(crate) fn write(value: &Value, to: &mut impl Sink) {
    let mut names = Names::default();
    let Some(first) = write_head(value, &mut names, to) else { return };
    let mut pending = vec![first];
    while let Some(last) = pending.last_mut() {
        let next = match last {
            Pending::One(value) => {
                let value = *value;
                pending.pop();
                Some(value)
            }
            Pending::Values(values) => values.next(),
            Pending::Fields(fields) => fields.next().map(|(name, value)| {
                names.write(name, to);
                value
            }),
        };
        match next {
            Some(value) => pending.extend(write_head(value, &mut names, to)),
            None => drop(pending.pop()),
        }
    }
}

/// What is still to be written.
enum Pending<'a> {
    One(&'a Value),
    Values(slice::Iter<'a, Value>),
    Fields(slice::Iter<'a, (Name, Value)>),
}

/// The names that were written, with their numbers.
#[derive(Default)]
struct Names<'a>(HashMap<&'a str, usize>);

impl<'a> Names<'a> {
    fn write(&mut self, name: &'a str, to: &mut impl Sink) {
        let next = self.0.len();
        match *self.0.entry(name).or_insert(next) {
            known if known != next => {
                write_length(0, to);
                write_length(known, to);
            }
            _ => {
                write_length(name.len().saturating_add(1), to);
                to.put(name.as_bytes());
            }
        }
    }
}

/// Writes a value but for those in it, and returns those.
fn write_head<'a>(value: &'a Value, names: &mut Names<'a>, to: &mut impl Sink) -> Option<Pending<'a>> {
    macro_rules! head {
        ($($variant:ident $rust:ident $tag:literal),*) => {
            match value {
                $(Value::$variant(v) => {
                    to.put(&[$tag]);
                    to.put(v.to_bytes().as_ref());
                    None
                })*
                Value::V128(bytes) => {
                    to.put(&[tag::V128]);
                    to.put(bytes);
                    None
                }
                Value::String(text) => {
                    write_bytes(tag::STRING, text.as_bytes(), to);
                    None
                }
                Value::List(list) => write_list(list, to),
                Value::Record(fields) => {
                    to.put(&[tag::RECORD]);
                    write_length(fields.len(), to);
                    Some(Pending::Fields(fields.iter()))
                }
                Value::Tuple(values) => {
                    to.put(&[tag::TUPLE]);
                    write_length(values.len(), to);
                    Some(Pending::Values(values.iter()))
                }
                Value::Variant(case, value) => {
                    to.put(&[if value.is_some() { tag::CASE_OF } else { tag::CASE }]);
                    names.write(case, to);
                    payload(value)
                }
                Value::Enum(case) => {
                    to.put(&[tag::ENUM]);
                    names.write(case, to);
                    None
                }
                Value::Option(value) => {
                    to.put(&[if value.is_some() { tag::SOME } else { tag::NONE }]);
                    payload(value)
                }
                Value::Result(Ok(value)) => {
                    to.put(&[if value.is_some() { tag::OK_OF } else { tag::OK }]);
                    payload(value)
                }
                Value::Result(Err(value)) => {
                    to.put(&[if value.is_some() { tag::ERR_OF } else { tag::ERR }]);
                    payload(value)
                }
                Value::Flags(flags) => {
                    to.put(&[tag::FLAGS]);
                    write_length(flags.len(), to);
                    flags.iter().for_each(|flag| names.write(flag, to));
                    None
                }
            }
        };
    }
    scalars!(head)
}

fn payload(value: &Option<Arc<Value>>) -> Option<Pending<'_>> {
    value.as_deref().map(Pending::One)
}

fn write_bytes(tag: u8, bytes: &[u8], to: &mut impl Sink) {
    to.put(&[tag]);
    write_length(bytes.len(), to);
    to.put(bytes);
}

fn write_list<'a>(list: &'a List, to: &mut impl Sink) -> Option<Pending<'a>> {
    macro_rules! list {
        ($($variant:ident $rust:ident $tag:literal),*) => {
            match &list.0 {
                $(Items::$variant(scalars) => write_scalars(tag::LIST_OF + $tag, scalars, to),)*
                Items::Values(values) => match values.first() {
                    // Scalars that were put together without their type being known: as if it had been.
                    $(Some(Value::$variant(_)) if values.iter().all(|value| matches!(value, Value::$variant(_))) => {
                        let scalars = values.iter().filter_map(|value| match value {
                            Value::$variant(scalar) => Some(*scalar),
                            _ => None,
                        });
                        write_scalars(tag::LIST_OF + $tag, &scalars.collect::<Vec<_>>(), to);
                    })*
                    _ => {
                        to.put(&[tag::LIST]);
                        write_length(values.len(), to);
                        return Some(Pending::Values(values.iter()));
                    }
                },
            }
        };
    }
    scalars!(list);
    None
}

fn write_scalars<T: Scalar>(tag: u8, scalars: &[T], to: &mut impl Sink) {
    to.put(&[tag]);
    write_length(scalars.len(), to);
    T::write_all(scalars, to);
}
