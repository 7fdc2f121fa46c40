//! The section of names of the module that is made. A broken one of a module's is read as far as it goes: it means nothing to an engine.

use super::part::{Kind, Part, UNNAMED};
use super::resolve::Resolved;
use crate::escape::escaped_function;
use std::collections::BTreeMap;
use wasm_encoder::{IndirectNameMap, NameMap, NameSection};
use wasmparser::{ExternalKind, KnownCustom, Name};

/// Names of functions and their locals: those of the main module as they are, a provider's function `f` as `NAME.f`.
pub(super) fn names(parts: &[Part<'_>], resolved: &Resolved) -> NameSection {
    let mut functions: BTreeMap<u32, String> = BTreeMap::new();
    let mut locals: BTreeMap<u32, NameMap> = BTreeMap::new();
    let mut section = NameSection::new();
    for (number, part) in parts.iter().enumerate() {
        let imported = part.imported(Kind::Function).len() as u32;
        let defined = imported..imported + part.defined(Kind::Function);
        // An import that is provided has its provider's name; one that stays is that of the first module that names it.
        let place = |own: u32| {
            let stays = resolved.place(number, Kind::Function, own).part == number;
            (own < defined.end && stays).then(|| resolved.index(number, Kind::Function, own))
        };
        let mut add = |own: u32, name: &str| {
            let Some(index) = place(own) else { return };
            functions.entry(index).or_insert_with(|| match part.name {
                Some(provider) if provider != UNNAMED && defined.contains(&own) => {
                    format!("{provider}.{}", demangled(name))
                }
                _ => name.to_owned(),
            });
        };
        for name in read(part) {
            match name {
                Name::Module { name, .. } if part.name.is_none() => section.module(name),
                Name::Function(names) => names
                    .into_iter()
                    .map_while(Result::ok)
                    .filter(|naming| !naming.name.is_empty())
                    .for_each(|naming| add(naming.index, naming.name)),
                Name::Local(names) => {
                    for function in names.into_iter().map_while(Result::ok) {
                        let Some(index) = place(function.index).filter(|_| defined.contains(&function.index)) else {
                            continue;
                        };
                        let mut map = NameMap::new();
                        for naming in function.names.into_iter().map_while(Result::ok) {
                            map.append(naming.index, naming.name);
                        }
                        locals.entry(index).or_insert(map);
                    }
                }
                _ => {}
            }
        }
        if part.name.is_some() {
            for export in part.exports.iter().filter(|export| export.kind == ExternalKind::Func) {
                add(export.index, export.name);
            }
            // So that it can be seen whose they are.
            for own in defined.clone() {
                add(own, &format!("func[{own}]"));
            }
        }
    }
    let mut map = NameMap::new();
    functions.iter().for_each(|(index, name)| map.append(*index, name));
    section.functions(&map);
    if !locals.is_empty() {
        let mut map = IndirectNameMap::new();
        locals.iter().for_each(|(index, names)| map.append(*index, names));
        section.locals(&map);
    }
    section
}

/// The names in a module's first section of them.
fn read<'a>(part: &Part<'a>) -> impl Iterator<Item = Name<'a>> {
    let reader = part.customs.iter().find_map(|custom| match custom.as_known() {
        KnownCustom::Name(reader) => Some(reader),
        _ => None,
    });
    reader.into_iter().flat_map(|reader| reader.into_iter().map_while(Result::ok))
}

/// A mangled name as it was written: with another name in front of it, nobody could tell any more.
fn demangled(name: &str) -> String {
    match rustc_demangle::try_demangle(name) {
        Ok(_) => escaped_function(name),
        Err(_) => name.to_owned(),
    }
}
