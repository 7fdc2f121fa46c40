//! WIT's types, out of wasmtime's form for them.

use std::sync::Arc;

use wasmtime_environ::component::{ComponentTypesBuilder, InterfaceType};

use crate::value::Type;

/// The most parts of one type, written out: types are shared where they are declared, but not where they are shown.
const MAX_PARTS: usize = 10_000;

/// The type as ours.
///
/// # Errors
///
/// What there is in it that cannot cross between host and guest.
pub(super) fn convert(types: &ComponentTypesBuilder, ty: &InterfaceType) -> Result<Type, &'static str> {
    let mut parts = 0;
    within(types, ty, &mut parts)
}

fn within(types: &ComponentTypesBuilder, ty: &InterfaceType, parts: &mut usize) -> Result<Type, &'static str> {
    *parts += 1;
    if *parts > MAX_PARTS {
        return Err("a type of more than 10000 parts");
    }
    let mut inner = |ty: &InterfaceType| within(types, ty, parts);
    Ok(match ty {
        InterfaceType::Bool => Type::Bool,
        InterfaceType::S8 => Type::S8,
        InterfaceType::U8 => Type::U8,
        InterfaceType::S16 => Type::S16,
        InterfaceType::U16 => Type::U16,
        InterfaceType::S32 => Type::S32,
        InterfaceType::U32 => Type::U32,
        InterfaceType::S64 => Type::S64,
        InterfaceType::U64 => Type::U64,
        InterfaceType::Float32 => Type::F32,
        InterfaceType::Float64 => Type::F64,
        InterfaceType::Char => Type::Char,
        InterfaceType::String => Type::String,
        InterfaceType::List(list) => Type::list(inner(&types[*list].element)?),
        InterfaceType::Option(option) => Type::option(inner(&types[*option].ty)?),
        InterfaceType::Tuple(tuple) => Type::Tuple(types[*tuple].types.iter().map(inner).collect::<Result<_, &str>>()?),
        InterfaceType::Record(record) => {
            let fields = types[*record].fields.iter();
            Type::Record(fields.map(|field| Ok((name(&field.name), inner(&field.ty)?))).collect::<Result<_, &str>>()?)
        }
        InterfaceType::Variant(variant) => {
            let cases = types[*variant].cases.iter();
            let cases = cases.map(|(case, ty)| Ok((name(case), ty.as_ref().map(&mut inner).transpose()?)));
            Type::Variant(cases.collect::<Result<_, &str>>()?)
        }
        InterfaceType::Enum(cases) => Type::Enum(types[*cases].names.iter().map(|case| name(case)).collect()),
        InterfaceType::Flags(flags) => Type::Flags(types[*flags].names.iter().map(|flag| name(flag)).collect()),
        InterfaceType::Result(result) => {
            let result = &types[*result];
            let ok = result.ok.as_ref().map(&mut inner).transpose()?;
            Type::result(ok, result.err.as_ref().map(&mut inner).transpose()?)
        }
        InterfaceType::Own(_) | InterfaceType::Borrow(_) => return Err("a resource"),
        InterfaceType::Map(_) => return Err("a map"),
        InterfaceType::FixedLengthList(_) => return Err("a list of fixed length"),
        InterfaceType::Future(_) => return Err("a future"),
        InterfaceType::Stream(_) => return Err("a stream"),
        InterfaceType::ErrorContext(_) => return Err("an error context"),
    })
}

fn name(name: &str) -> Arc<str> {
    Arc::from(name)
}
