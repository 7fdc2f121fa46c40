//! Values to show how values are written.

use purefork::Value;
use purefork::value::{List, Tensor, Type, Typed as _};
use std::sync::Arc;

/// The longest value, in WAVE, that is shown on a command line.
const LONGEST: usize = 60;

/// Some value of the type.
pub(crate) fn value(ty: &Type) -> Value {
    let inner = |ty: &Option<Type>| ty.as_ref().map(|ty| Arc::new(value(ty)));
    match ty {
        Type::I64 | Type::S64 => Value::I64(7),
        Type::F32 => Value::F32(0.5),
        Type::F64 => Value::F64(0.5),
        Type::V128 => Value::V128([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        Type::Bool => Value::Bool(true),
        Type::S8 => Value::I8(7),
        Type::U8 => Value::U8(7),
        Type::S16 => Value::I16(7),
        Type::U16 => Value::U16(7),
        Type::U32 => Value::U32(7),
        Type::U64 => Value::U64(7),
        Type::Char => Value::Char('a'),
        Type::String => Value::from("text"),
        Type::List(element) => Value::List(List::from(vec![value(element)])),
        Type::Record(fields) => Value::Record(fields.iter().map(|(name, ty)| (name.clone(), value(ty))).collect()),
        Type::Tuple(types) => Value::tuple(types.iter().map(value)),
        Type::Variant(cases) => match cases.iter().find(|(_, ty)| ty.is_some()).or(cases.first()) {
            Some((case, ty)) => Value::Variant(case.clone(), inner(ty)),
            None => Value::unit(),
        },
        Type::Enum(names) => names.first().map_or_else(Value::unit, |name| Value::Enum(name.clone())),
        Type::Option(some) => Value::from(Some(value(some))),
        Type::Result(types) => Value::Result(Ok(inner(&types.0))),
        Type::Flags(names) => Value::Flags(names.iter().take(2).cloned().collect()),
        _ => Value::I32(7),
    }
}

/// An argument for the parameter `param`, as a word for a shell.
pub(crate) fn word(param: &str, ty: &Type) -> String {
    match ty {
        Type::String => "text".to_owned(),
        Type::Char => "a".to_owned(),
        Type::List(element) if **element == Type::U8 => format!("@{param}.bin"),
        _ if Tensor::is(ty) => format!("@{param}.npy"),
        _ => match value(ty).to_string() {
            long if long.len() > LONGEST => format!("@{param}.json"),
            short => quoted(&short),
        },
    }
}

/// The text as a word for a shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
