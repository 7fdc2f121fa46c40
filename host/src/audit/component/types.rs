//! WIT's types, out of wasmtime's form for them.

use std::sync::Arc;

use wasmtime_environ::component::{ComponentTypesBuilder, InterfaceType, TypeFunc, TypeResourceTableIndex};

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
    within(types, ty, false, &mut parts)
}

/// As [`convert`], with numbers for handles.
///
/// # Errors
///
/// As [`convert`].
pub(super) fn with_handles(types: &ComponentTypesBuilder, ty: &InterfaceType) -> Result<Type, &'static str> {
    let mut parts = 0;
    within(types, ty, true, &mut parts)
}

fn within(
    types: &ComponentTypesBuilder,
    ty: &InterfaceType,
    handles: bool,
    parts: &mut usize,
) -> Result<Type, &'static str> {
    *parts += 1;
    if *parts > MAX_PARTS {
        return Err("a type of more than 10000 parts");
    }
    let mut inner = |ty: &InterfaceType| within(types, ty, handles, parts);
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
        InterfaceType::Own(_) | InterfaceType::Borrow(_) if handles => Type::U32,
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

/// The most bytes of a type that [`shape`] writes out; those that are looked for are shorter.
const MAX_SHAPE: usize = 1500;

/// A function's type, written out as in WIT: `(borrow<pollable>) -> bool`. `resource` names the resource of a table. What is
/// long is cut, and no type that is looked for is that long.
pub(super) fn shape(
    types: &ComponentTypesBuilder,
    function: &TypeFunc,
    resource: &dyn Fn(TypeResourceTableIndex) -> String,
) -> String {
    let mut shape = Shape { types, resource, text: String::new() };
    if function.async_ {
        shape.text.push_str("async ");
    }
    shape.list("(", &types[function.params].types, ")");
    if let Some(result) = types[function.results].types.first() {
        shape.text.push_str(" -> ");
        shape.write(result);
    }
    shape.text
}

struct Shape<'a> {
    types: &'a ComponentTypesBuilder,
    resource: &'a dyn Fn(TypeResourceTableIndex) -> String,
    text: String,
}

impl Shape<'_> {
    fn write(&mut self, ty: &InterfaceType) {
        if self.text.len() > MAX_SHAPE {
            if !self.text.ends_with('…') {
                self.text.push('…');
            }
            return;
        }
        let types = self.types;
        match ty {
            InterfaceType::List(list) => self.list("list<", std::slice::from_ref(&types[*list].element), ">"),
            InterfaceType::Option(option) => self.list("option<", std::slice::from_ref(&types[*option].ty), ">"),
            InterfaceType::Tuple(tuple) => self.list("tuple<", &types[*tuple].types, ">"),
            InterfaceType::Record(record) => {
                let fields = types[*record].fields.iter().map(|field| (field.name.as_str(), Some(&field.ty)));
                self.named("record", fields, |shape, ty| {
                    shape.text.push_str(": ");
                    shape.write(ty);
                });
            }
            InterfaceType::Variant(variant) => {
                let cases = types[*variant].cases.iter().map(|(name, ty)| (name.as_str(), ty.as_ref()));
                self.named("variant", cases, |shape, ty| shape.list("(", std::slice::from_ref(ty), ")"));
            }
            InterfaceType::Enum(cases) => {
                self.named("enum", types[*cases].names.iter().map(|name| (name.as_str(), None)), |_, _| {});
            }
            InterfaceType::Flags(flags) => {
                self.named("flags", types[*flags].names.iter().map(|name| (name.as_str(), None)), |_, _| {});
            }
            InterfaceType::Result(result) => match (&types[*result].ok, &types[*result].err) {
                (None, None) => self.text.push_str("result"),
                (Some(ok), None) => self.list("result<", std::slice::from_ref(ok), ">"),
                (None, Some(err)) => self.list("result<_, ", std::slice::from_ref(err), ">"),
                (Some(ok), Some(err)) => self.list("result<", &[*ok, *err], ">"),
            },
            InterfaceType::Own(table) => self.text.push_str(&format!("own<{}>", (self.resource)(*table))),
            InterfaceType::Borrow(table) => self.text.push_str(&format!("borrow<{}>", (self.resource)(*table))),
            ty => match convert(types, ty) {
                Ok(ty) => self.text.push_str(&ty.to_string()),
                Err(what) => self.text.push_str(what),
            },
        }
    }

    fn list(&mut self, before: &str, types: &[InterfaceType], after: &str) {
        self.text.push_str(before);
        for (at, ty) in types.iter().enumerate() {
            if at > 0 {
                self.text.push_str(", ");
            }
            self.write(ty);
            if self.text.ends_with('…') {
                return;
            }
        }
        self.text.push_str(after);
    }

    fn named<'t>(
        &mut self,
        what: &str,
        items: impl Iterator<Item = (&'t str, Option<&'t InterfaceType>)>,
        write: impl Fn(&mut Self, &InterfaceType),
    ) {
        self.text.push_str(what);
        for (at, (name, ty)) in items.enumerate() {
            self.text.push_str(if at == 0 { " { " } else { ", " });
            self.text.push_str(name);
            if let Some(ty) = ty {
                write(self, ty);
            }
            if self.text.len() > MAX_SHAPE {
                self.text.push('…');
                return;
            }
        }
        self.text.push_str(" }");
    }
}
