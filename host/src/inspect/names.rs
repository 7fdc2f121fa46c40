//! What a guest's WIT calls its types. A [`Type`](crate::value::Type) is the same whatever it is called, so names stand beside it.

use std::sync::Arc;

/// What a guest's WIT calls the types of one function, in the order of its parameters and results; from
/// [`Module::type_names`](crate::Module::type_names).
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionTypeNames {
    /// Those of its parameters.
    pub params: Vec<TypeName>,
    /// Those of its results.
    pub results: Vec<TypeName>,
    /// What the WIT says of the function, if the guest has it.
    pub docs: Option<Arc<str>>,
}

/// What a type is called, and what the types are called that it is made of.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeName {
    /// Its name in WIT, such as `point`; none if it has none, as `list<u8>`.
    pub name: Option<Arc<str>>,
    /// The interface that defines it, such as `example:shapes/shapes@1.0.0`; none if a world does, or an interface without a name.
    pub interface: Option<Arc<str>>,
    /// What the WIT says of it, if the guest has it.
    pub docs: Option<Arc<str>>,
    parts: Vec<TypeName>,
}

impl TypeName {
    /// That of a part, in the order of the [`Type`](crate::value::Type): the element of a list, the value of an option, a record's fields, a tuple's members,
    /// a variant's cases, a result's `ok` and `err`. One without a name where there is no such part.
    pub fn part(&self, at: usize) -> &TypeName {
        static NONE: TypeName = TypeName { name: None, interface: None, docs: None, parts: Vec::new() };
        self.parts.get(at).unwrap_or(&NONE)
    }
}

/// Of the functions of those names, what the guest's WIT calls their types. Where it has none, or one that cannot be read, nothing has a name.
#[cfg(not(feature = "components"))]
pub(crate) fn type_names(_bytes: &[u8], functions: &[&str]) -> Vec<FunctionTypeNames> {
    vec![FunctionTypeNames::default(); functions.len()]
}

#[cfg(feature = "components")]
pub(crate) use wit::type_names;

#[cfg(feature = "components")]
mod wit {
    use super::{FunctionTypeNames, TypeName};
    use crate::audit::too_deep;
    use crate::future::caught;
    use std::collections::HashMap;
    use std::sync::Arc;
    use wit_parser::decoding::DecodedWasm;
    use wit_parser::{Docs, Function, Resolve, Type, TypeDefKind, TypeOwner, WorldId, WorldItem};

    /// The most parts of the types of one function: types are shared where they are declared, but not here. As many as the audit takes of each.
    const MAX_PARTS: usize = 10_000;

    /// The deepest that names are told: what the validator takes.
    const MAX_DEPTH: u32 = 100;

    pub(crate) fn type_names(bytes: &[u8], functions: &[&str]) -> Vec<FunctionTypeNames> {
        // The parser is another crate, and the guest may be anybody's.
        let names = caught(|| Ok(decoded(bytes).map(|(resolve, world)| of_world(&resolve, world)))).ok().flatten();
        let names = names.unwrap_or_default();
        functions.iter().map(|name| names.get(*name).cloned().unwrap_or_default()).collect()
    }

    fn decoded(bytes: &[u8]) -> Option<(Resolve, WorldId)> {
        if wasmparser::Parser::is_core_wasm(bytes) {
            let sections = wasmparser::Parser::new(0).parse_all(bytes).map_while(Result::ok);
            let deep = |payload: wasmparser::Payload<'_>| match payload {
                wasmparser::Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                    Some(too_deep(section.data()))
                }
                _ => None,
            };
            // Without such a section, or with one that would take the parser too deep, there are no names.
            if sections.filter_map(deep).reduce(|a, b| a || b).unwrap_or(true) {
                return None;
            }
            let (_, bindgen) = wit_component::metadata::decode(bytes).ok()?;
            return Some((bindgen.resolve, bindgen.world));
        }
        if too_deep(bytes) {
            return None;
        }
        match wit_component::decode(bytes).ok()? {
            DecodedWasm::Component(resolve, world) => Some((resolve, world)),
            DecodedWasm::WitPackage(..) => None,
        }
    }

    fn of_world(resolve: &Resolve, world: WorldId) -> HashMap<String, FunctionTypeNames> {
        let mut names = HashMap::new();
        for (key, item) in &resolve.worlds[world].exports {
            match item {
                WorldItem::Function(function) => {
                    names.insert(function.name.clone(), of_function(resolve, function));
                }
                WorldItem::Interface { id, .. } => {
                    let interface = resolve.name_world_key(key);
                    for function in resolve.interfaces[*id].functions.values() {
                        let name = function.name.trim_start_matches("[method]").trim_start_matches("[static]");
                        names.insert(format!("{interface}#{name}"), of_function(resolve, function));
                    }
                }
                WorldItem::Type { .. } => {}
            }
        }
        names
    }

    fn of_function(resolve: &Resolve, function: &Function) -> FunctionTypeNames {
        let mut parts = 0;
        let mut of = |ty: &Type| of_type(resolve, ty, 0, &mut parts);
        FunctionTypeNames {
            params: function.params.iter().map(|param| of(&param.ty)).collect(),
            results: function.result.iter().map(of).collect(),
            docs: text(&function.docs),
        }
    }

    fn of_type(resolve: &Resolve, ty: &Type, depth: u32, parts: &mut usize) -> TypeName {
        *parts += 1;
        let Type::Id(id) = ty else { return TypeName::default() };
        if *parts > MAX_PARTS || depth > MAX_DEPTH {
            return TypeName::default();
        }
        let def = &resolve.types[*id];
        let mut of = |ty: &Type| of_type(resolve, ty, depth + 1, parts);
        let or_none =
            |ty: &Option<Type>, of: &mut dyn FnMut(&Type) -> TypeName| ty.as_ref().map(of).unwrap_or_default();
        let inner: Vec<TypeName> = match &def.kind {
            // One that is `use`d has the name that it has here, and is defined there.
            TypeDefKind::Type(other) => {
                let there = of(other);
                return match there.name {
                    Some(_) => there,
                    None => TypeName { name: def.name.as_deref().map(Arc::from), docs: text(&def.docs), ..there },
                };
            }
            TypeDefKind::List(element) | TypeDefKind::Option(element) => vec![of(element)],
            TypeDefKind::Record(record) => record.fields.iter().map(|field| of(&field.ty)).collect(),
            TypeDefKind::Tuple(tuple) => tuple.types.iter().map(of).collect(),
            TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| or_none(&case.ty, &mut of)).collect(),
            TypeDefKind::Result(result) => vec![or_none(&result.ok, &mut of), or_none(&result.err, &mut of)],
            _ => Vec::new(),
        };
        let interface = match def.owner {
            TypeOwner::Interface(id) => resolve.id_of(id).map(Arc::from),
            TypeOwner::World(_) | TypeOwner::None => None,
        };
        TypeName { name: def.name.as_deref().map(Arc::from), interface, docs: text(&def.docs), parts: inner }
    }

    fn text(docs: &Docs) -> Option<Arc<str>> {
        docs.contents.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(Arc::from)
    }
}
