//! The types of values.

use std::fmt;
use std::sync::Arc;

/// The most columns of a type that is shown whole by [`Type::brief`].
const BRIEF: usize = 40;

/// The name of a field, a case or a flag.
pub type Name = Arc<str>;

/// The type of a parameter or result: of core WebAssembly, or of WIT.
///
/// Types are equal when they are made of the same parts under the same names; what a WIT document calls a type, and
/// where it is defined, does not matter.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A 32-bit integer of core WebAssembly, which has no sign of its own.
    I32,
    /// A 64-bit integer of core WebAssembly.
    I64,
    /// A 32-bit float, in core WebAssembly and in WIT.
    F32,
    /// A 64-bit float, in core WebAssembly and in WIT.
    F64,
    /// A 128-bit vector of core WebAssembly.
    V128,
    /// True or false.
    Bool,
    /// A signed 8-bit integer.
    S8,
    /// An unsigned 8-bit integer.
    U8,
    /// A signed 16-bit integer.
    S16,
    /// An unsigned 16-bit integer.
    U16,
    /// A signed 32-bit integer.
    S32,
    /// An unsigned 32-bit integer.
    U32,
    /// A signed 64-bit integer.
    S64,
    /// An unsigned 64-bit integer.
    U64,
    /// A Unicode scalar value.
    Char,
    /// Unicode text.
    String,
    /// Any number of values of one type.
    List(Arc<Type>),
    /// A value for each of some names.
    Record(Arc<[(Name, Type)]>),
    /// A value for each of some positions.
    Tuple(Arc<[Type]>),
    /// One of several cases, each with a value or without.
    Variant(Arc<[(Name, Option<Type>)]>),
    /// One of several names.
    Enum(Arc<[Name]>),
    /// A value, or none.
    Option(Arc<Type>),
    /// A success or a failure, each with a value or without.
    Result(Arc<(Option<Type>, Option<Type>)>),
    /// Any of several names.
    Flags(Arc<[Name]>),
}

/// The types of numbers, `bool` and `char`, as a pattern: a `match` that ends with it does not compile once there are more
/// types.
macro_rules! scalar {
    () => {
        $crate::value::types::integer!()
            | $crate::value::Type::F32
            | $crate::value::Type::F64
            | $crate::value::Type::V128
            | $crate::value::Type::Bool
            | $crate::value::Type::Char
    };
}

/// The types of whole numbers, as a pattern.
macro_rules! integer {
    () => {
        $crate::value::Type::I32
            | $crate::value::Type::I64
            | $crate::value::Type::S8
            | $crate::value::Type::U8
            | $crate::value::Type::S16
            | $crate::value::Type::U16
            | $crate::value::Type::S32
            | $crate::value::Type::U32
            | $crate::value::Type::S64
            | $crate::value::Type::U64
    };
}

pub(crate) use {integer, scalar};

impl Type {
    /// A list's type.
    pub fn list(element: Type) -> Type {
        Type::List(Arc::new(element))
    }

    /// An option's type.
    pub fn option(some: Type) -> Type {
        Type::Option(Arc::new(some))
    }

    /// A result's type.
    pub fn result(ok: Option<Type>, err: Option<Type>) -> Type {
        Type::Result(Arc::new((ok, err)))
    }

    /// A tuple's type.
    pub fn tuple(members: impl IntoIterator<Item = Type>) -> Type {
        Type::Tuple(members.into_iter().collect())
    }

    /// A record's type.
    pub fn record<'a>(fields: impl IntoIterator<Item = (&'a str, Type)>) -> Type {
        Type::Record(fields.into_iter().map(|(name, ty)| (name.into(), ty)).collect())
    }

    /// A variant's type.
    pub fn variant<'a>(cases: impl IntoIterator<Item = (&'a str, Option<Type>)>) -> Type {
        Type::Variant(cases.into_iter().map(|(name, ty)| (name.into(), ty)).collect())
    }

    /// An enum's type.
    pub fn enumeration<'a>(cases: impl IntoIterator<Item = &'a str>) -> Type {
        Type::Enum(cases.into_iter().map(Into::into).collect())
    }

    /// The type of flags.
    pub fn flags<'a>(names: impl IntoIterator<Item = &'a str>) -> Type {
        Type::Flags(names.into_iter().map(Into::into).collect())
    }

    /// The type as [`Display`](fmt::Display) has it; if that is long, with records and the like as `record {…}`.
    pub fn brief(&self) -> String {
        let short = |text: &str| text.chars().count() <= BRIEF;
        let whole = self.to_string();
        if short(&whole) {
            return whole;
        }
        match self {
            Type::Record(_) => "record {…}".to_owned(),
            Type::Variant(_) => "variant {…}".to_owned(),
            Type::Enum(_) => "enum {…}".to_owned(),
            Type::Flags(_) => "flags {…}".to_owned(),
            Type::List(element) => format!("list<{}>", element.brief()),
            Type::Option(some) => format!("option<{}>", some.brief()),
            Type::Result(types) => match (types.0.as_ref().map(Type::brief), types.1.as_ref().map(Type::brief)) {
                (None, None) => "result".to_owned(),
                (Some(ok), None) => format!("result<{ok}>"),
                (ok, Some(err)) => format!("result<{}, {err}>", ok.as_deref().unwrap_or("_")),
            },
            Type::Tuple(types) => {
                let whole = format!("tuple<{}>", types.iter().map(Type::brief).collect::<Vec<_>>().join(", "));
                if short(&whole) { whole } else { "tuple<…>".to_owned() }
            }
            scalar!() | Type::String => whole,
        }
    }

    /// Which whole numbers are of the type, for messages: `a whole number from 0 to 255`. None if others are, too.
    pub fn whole_numbers(&self) -> Option<&'static str> {
        range(self).filter(|_| is_integer(self))
    }

    /// Whether it is a number, a `bool` or a `char`: what needs no memory to be passed.
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(self, scalar!())
    }

    /// Whether every pattern of its 32 or 64 bits is a value.
    pub(crate) fn is_word(&self) -> bool {
        use Type::*;
        matches!(self, I32 | I64 | F32 | F64 | S32 | U32 | S64 | U64)
    }

    /// Whether there is a string or a list in it, which lies in memory.
    pub(crate) fn has_memory(&self) -> bool {
        match self {
            Type::String | Type::List(_) => true,
            Type::Record(fields) => fields.iter().any(|(_, ty)| ty.has_memory()),
            Type::Tuple(types) => types.iter().any(Type::has_memory),
            Type::Variant(cases) => cases.iter().flat_map(|(_, ty)| ty).any(Type::has_memory),
            Type::Option(some) => some.has_memory(),
            Type::Result(types) => [&types.0, &types.1].into_iter().flatten().any(Type::has_memory),
            scalar!() | Type::Enum(_) | Type::Flags(_) => false,
        }
    }

    /// How many types it is made of, itself and names included.
    pub(crate) fn parts(&self) -> usize {
        1 + match self {
            Type::List(inner) | Type::Option(inner) => inner.parts(),
            Type::Record(fields) => fields.iter().map(|(_, ty)| 1 + ty.parts()).sum(),
            Type::Tuple(types) => types.iter().map(Type::parts).sum(),
            Type::Variant(cases) => cases.iter().map(|(_, ty)| 1 + ty.as_ref().map_or(0, Type::parts)).sum(),
            Type::Result(types) => [&types.0, &types.1].into_iter().flatten().map(Type::parts).sum(),
            Type::Enum(names) | Type::Flags(names) => names.len(),
            scalar!() | Type::String => 0,
        }
    }

    /// How many core values a value of this type takes on the stack.
    pub(crate) fn flat_count(&self) -> usize {
        match self {
            Type::String | Type::List(_) => 2,
            Type::Record(fields) => fields.iter().map(|(_, ty)| ty.flat_count()).sum(),
            Type::Tuple(types) => types.iter().map(Type::flat_count).sum(),
            Type::Variant(cases) => 1 + cases.iter().flat_map(|(_, ty)| ty).map(Type::flat_count).max().unwrap_or(0),
            Type::Option(some) => 1 + some.flat_count(),
            Type::Result(types) => {
                1 + [&types.0, &types.1].into_iter().flatten().map(Type::flat_count).max().unwrap_or(0)
            }
            Type::Flags(names) => names.len().div_ceil(32),
            scalar!() | Type::Enum(_) => 1,
        }
    }

    /// The type of core WebAssembly that has the same values, where a core module and a component meet.
    pub(crate) fn core(&self) -> &Type {
        match self {
            Type::S32 | Type::U32 => &Type::I32,
            Type::S64 | Type::U64 => &Type::I64,
            other => other,
        }
    }

    /// Whether values of this type can be passed as `other`: the same type, or an integer of core WebAssembly and one
    /// of WIT.
    pub(crate) fn passes_as(&self, other: &Type) -> bool {
        let core = |ty: &Type| matches!(ty, Type::I32 | Type::I64);
        self == other || (core(self) || core(other)) && self.core() == other.core()
    }
}

impl fmt::Display for Type {
    /// Writes the type as WIT does; types that WIT would give a name are written out. The type of
    /// [`Tensor`](crate::value::Tensor) is written `tensor`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Type::I32 => "i32",
            Type::I64 => "i64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::V128 => "v128",
            Type::Bool => "bool",
            Type::S8 => "s8",
            Type::U8 => "u8",
            Type::S16 => "s16",
            Type::U16 => "u16",
            Type::S32 => "s32",
            Type::U32 => "u32",
            Type::S64 => "s64",
            Type::U64 => "u64",
            Type::Char => "char",
            Type::String => "string",
            Type::List(element) => return write!(f, "list<{element}>"),
            Type::Option(some) => return write!(f, "option<{some}>"),
            Type::Result(types) => {
                return match &**types {
                    (None, None) => f.write_str("result"),
                    (Some(ok), None) => write!(f, "result<{ok}>"),
                    (None, Some(err)) => write!(f, "result<_, {err}>"),
                    (Some(ok), Some(err)) => write!(f, "result<{ok}, {err}>"),
                };
            }
            Type::Tuple(members) => {
                f.write_str("tuple<")?;
                separated(f, members.iter(), |f, ty| write!(f, "{ty}"))?;
                return f.write_str(">");
            }
            Type::Record(_) if super::tensor_type::is_tensor(self) => "tensor",
            Type::Record(fields) => {
                f.write_str("record { ")?;
                separated(f, fields.iter(), |f, (name, ty)| write!(f, "{name}: {ty}"))?;
                return f.write_str(" }");
            }
            Type::Variant(cases) => {
                f.write_str("variant { ")?;
                separated(f, cases.iter(), |f, (name, ty)| match ty {
                    Some(ty) => write!(f, "{name}({ty})"),
                    None => write!(f, "{name}"),
                })?;
                return f.write_str(" }");
            }
            Type::Enum(names) => {
                f.write_str("enum { ")?;
                separated(f, names.iter(), |f, name| write!(f, "{name}"))?;
                return f.write_str(" }");
            }
            Type::Flags(names) => {
                f.write_str("flags { ")?;
                separated(f, names.iter(), |f, name| write!(f, "{name}"))?;
                return f.write_str(" }");
            }
        };
        f.write_str(text)
    }
}

/// The range or form that values of a type have, for messages.
pub(super) fn range(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::S8 => "a whole number from -128 to 127",
        Type::U8 => "a whole number from 0 to 255",
        Type::S16 => "a whole number from -32768 to 32767",
        Type::U16 => "a whole number from 0 to 65535",
        Type::I32 | Type::S32 => "a whole number from -2147483648 to 2147483647",
        Type::U32 => "a whole number from 0 to 4294967295",
        Type::I64 | Type::S64 => "a whole number from -9223372036854775808 to 9223372036854775807",
        Type::U64 => "a whole number from 0 to 18446744073709551615",
        Type::F32 | Type::F64 => "a number, `nan`, `inf` or `-inf`",
        Type::V128 => "16 bytes as `(b0, b1, …, b15)`, each from 0 to 255",
        Type::Bool => "`true` or `false`",
        Type::Char => "one character in single quotes",
        Type::String => "text in double quotes",
        Type::List(_) | Type::Record(_) | Type::Tuple(_) | Type::Variant(_) | Type::Enum(_) => return None,
        Type::Option(_) | Type::Result(_) | Type::Flags(_) => return None,
    })
}

pub(super) fn is_integer(ty: &Type) -> bool {
    matches!(ty, integer!())
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (i, item) in items.enumerate() {
        if i != 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}
