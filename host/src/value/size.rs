//! What values take of the host's memory.

use super::list::each;
use super::{Items, List, Name, Value};
use std::sync::Arc;

/// What an allocation of so many bytes takes: allocators keep some eight bytes beside it, hand out multiples of sixteen,
/// and nothing below thirty-two.
///
/// A fixed rule, and not the allocator's own answer: what a call is charged for its values must not depend on the host.
pub(crate) const fn allocated(bytes: usize) -> usize {
    let whole = bytes.saturating_add(8 + 15) & !15;
    if whole < 32 { 32 } else { whole }
}

/// What so many bytes behind an [`Arc`] take: it counts who has it, in two words.
pub(crate) const fn shared(bytes: usize) -> usize {
    allocated(bytes.saturating_add(2 * size_of::<usize>()))
}

/// What a list takes beside its own place, if its elements are of so many bytes.
pub(crate) const fn list(bytes: usize) -> usize {
    let items = if bytes == 0 { 0 } else { allocated(bytes) };
    shared(size_of::<Vec<Value>>()).saturating_add(items)
}

impl Value {
    /// How many bytes of memory are held by the value, beside its own place. The names of fields, cases and flags are
    /// their type's.
    pub fn bytes(&self) -> usize {
        let one =
            |value: &Option<Arc<Value>>| value.as_ref().map_or(0, |value| shared(size_of::<Value>()) + value.bytes());
        match self {
            Value::String(text) => shared(text.len()),
            Value::List(list) => list.bytes(),
            Value::Record(fields) => {
                shared(size_of_val::<[(Name, Value)]>(fields))
                    + fields.iter().map(|(_, value)| value.bytes()).sum::<usize>()
            }
            Value::Tuple(values) => {
                shared(size_of_val::<[Value]>(values)) + values.iter().map(Value::bytes).sum::<usize>()
            }
            Value::Variant(_, value) | Value::Option(value) => one(value),
            Value::Result(Ok(value) | Err(value)) => one(value),
            Value::Flags(names) => shared(size_of_val::<[Name]>(names)),
            Value::I8(_) | Value::U8(_) | Value::I16(_) | Value::U16(_) | Value::I32(_) | Value::U32(_) => 0,
            Value::I64(_) | Value::U64(_) | Value::F32(_) | Value::F64(_) | Value::V128(_) => 0,
            Value::Bool(_) | Value::Char(_) | Value::Enum(_) => 0,
        }
    }
}

impl Value {
    /// How many bytes the names in it are made of, each counted wherever it stands. Values of one type share them with it; but who
    /// keeps a value when the type is gone keeps them.
    pub(crate) fn name_bytes(&self) -> usize {
        let name = |name: &Name| shared(name.len());
        match self {
            Value::List(list) => list.values().unwrap_or_default().iter().map(Value::name_bytes).sum(),
            Value::Record(fields) => fields.iter().map(|(field, value)| name(field) + value.name_bytes()).sum(),
            Value::Tuple(values) => values.iter().map(Value::name_bytes).sum(),
            Value::Variant(case, value) => name(case) + value.as_deref().map_or(0, Value::name_bytes),
            Value::Option(value) | Value::Result(Ok(value) | Err(value)) => {
                value.as_deref().map_or(0, Value::name_bytes)
            }
            Value::Enum(case) => name(case),
            Value::Flags(flags) => flags.iter().map(name).sum(),
            Value::I8(_) | Value::U8(_) | Value::I16(_) | Value::U16(_) | Value::I32(_) | Value::U32(_) => 0,
            Value::I64(_) | Value::U64(_) | Value::F32(_) | Value::F64(_) | Value::V128(_) => 0,
            Value::Bool(_) | Value::Char(_) | Value::String(_) => 0,
        }
    }
}

impl List {
    /// How many bytes of memory are held by the list.
    pub(crate) fn bytes(&self) -> usize {
        match &self.0 {
            Items::Values(values) => list(size_of_val::<[_]>(values)) + values.iter().map(Value::bytes).sum::<usize>(),
            items => list(each!(items, values => size_of_val::<[_]>(values))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out for a host of 64 bits, where a value is of 32 bytes and a name beside it of 16.
    #[test]
    fn values_take_what_they_are_made_of() {
        assert_eq!((size_of::<Value>(), size_of::<(Name, Value)>()), (32, 48));
        let empty = || Value::from("");
        let list = |values: Vec<Value>| Value::List(List::from(values));
        let some = |value: Value| Value::from(Some(value));
        for (value, bytes) in [
            (Value::from(1), 0),
            (Value::V128([0; 16]), 0),
            (Value::Option(None), 0),
            // Two counters, and the least that is handed out.
            (empty(), 32),
            (Value::from("twenty-four characters.."), 48),
            (Value::from("and one more than these.."), 64),
            // The counters and the vector's own three words; then its items.
            (list(Vec::new()), 48),
            (Value::from(vec![1u8]), 48 + 32),
            (Value::from(vec![0u8; 1 << 20]), 48 + (1 << 20) + 16),
            (list(vec![empty(); 100]), 48 + 100 * 32 + 16 + 100 * 32),
            (list(vec![Value::from(vec![1u8]); 100]), 48 + 100 * 32 + 16 + 100 * (48 + 32)),
            (some(some(some(Value::from(1u8)))), 3 * 64),
            (Value::variant("case", Some(empty())), 64 + 32),
            (Value::Result(Ok(None)), 0),
            (Value::record([("a", Value::from(1)), ("b", empty())]), 128 + 32),
            (Value::tuple([Value::from(1)]), 64),
            (Value::Flags(["a".into(), "b".into()].into()), 64),
        ] {
            assert_eq!(value.bytes(), bytes, "{value}");
        }
    }

    #[test]
    fn names_are_counted_wherever_they_stand() {
        let case = |name: &str| Value::Enum(name.into());
        for (value, bytes) in [
            (Value::from("text"), 0),
            (Value::from(vec![1u8; 100]), 0),
            (case("a"), 32),
            (case(&"a".repeat(100)), 128),
            (Value::from(vec![case("a"); 3]), 96),
            (Value::record([("x", case("a")), ("y", Value::from(Some(case("b"))))]), 128),
            (Value::variant("v", Some(Value::tuple([case("a")]))), 64),
            (Value::Flags(["a".into(), "b".into()].into()), 64),
        ] {
            assert_eq!(value.name_bytes(), bytes, "{value}");
        }
    }
}
