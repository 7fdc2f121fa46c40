//! What a component may import: one interface named `fork`, interfaces of types alone, and, where it may, those of WASI.

use std::sync::Arc;

use wasmtime_environ::component::{
    Component, ComponentTypesBuilder, InterfaceType, ResourceIndex, TypeDef, TypeFuncIndex, TypeResourceTable,
    TypeResourceTableIndex,
};

use super::types::{convert, shape};
use crate::audit::advice;
use crate::audit::reason::Reasons;
use crate::error::{Reason, ReasonKind};
use crate::escape::escaped;
use crate::imports::Imports;
use crate::ir::wasi::{self, Preview2, Resource};
use crate::ir::{LinkFacts, WasiFacts};
use crate::value::{TENSOR_INTERFACE, Type};

/// The interface that a guest forks by.
pub(super) const FORK: &str = "fork";

/// The most functions that a component may fork.
const MAX_LINKS: usize = 256;

/// Judges every import; returns what the component forks, in the order of declaration; where it may import WASI, what it does of that; and,
/// where it may import them, the functions that nothing provides.
pub(super) fn judge(
    component: &Component,
    types: &ComponentTypesBuilder,
    may: Imports,
    reasons: &mut Reasons,
) -> (Vec<LinkFacts>, Vec<WasiFacts>, Vec<String>) {
    let mut links = Vec::new();
    let mut functions = Vec::new();
    let mut unknown = Vec::new();
    for (_, (name, item)) in &component.import_types {
        match item.ty {
            TypeDef::ComponentInstance(instance) if name == FORK => {
                let exports: Vec<_> =
                    types[instance].exports.iter().map(|(name, item)| (name.as_str(), item.ty)).collect();
                links = fork_interface(types, &exports, reasons);
            }
            TypeDef::ComponentInstance(instance)
                if let Some(interface) = wasi::interface(name).filter(|_| may.has_wasi()) =>
            {
                for (item, ty) in &types[instance].exports {
                    match ty.ty {
                        TypeDef::ComponentFunc(function) => {
                            let known = Preview2::find(interface, item);
                            let name = format!("{}#{}", escaped(name), escaped(item));
                            if let Some(known) = known {
                                let ty =
                                    shape(types, &types[function], &|table| resource_name(component, types, table));
                                if ty != known.ty() {
                                    let message = format!(
                                        "imports the function `{name}` as `{ty}`, and WASI has it as `{}`; build the guest with WASI's own interfaces",
                                        known.ty()
                                    );
                                    refuse(ReasonKind::Import, message, reasons);
                                }
                            }
                            functions.push(WasiFacts { name, answered: known.is_some() });
                        }
                        TypeDef::Resource(_) => {}
                        _ => {
                            if let Some(kind) = wanted(&ty.ty) {
                                refuse(ReasonKind::Import, import(name, Some(item), kind), reasons);
                            }
                        }
                    }
                }
            }
            TypeDef::ComponentInstance(instance) => {
                if let Some(error) = version(name) {
                    refuse(ReasonKind::Import, error, reasons);
                }
                for (item, ty) in &types[instance].exports {
                    if let TypeDef::ComponentFunc(_) = ty.ty
                        && may.has_unknown()
                    {
                        unknown.push(format!("{}#{}", escaped(name), escaped(item)));
                    } else if let Some(kind) = wanted(&ty.ty) {
                        refuse(ReasonKind::Import, import(name, Some(item), kind), reasons);
                    }
                }
            }
            TypeDef::ComponentFunc(_) if may.has_unknown() => unknown.push(escaped(name)),
            _ => {
                if let Some(kind) = wanted(&item.ty) {
                    refuse(ReasonKind::Import, import(name, None, kind), reasons);
                }
            }
        }
    }
    (links, functions, unknown)
}

/// The name of the resource that handles of a table are of: plain if it is one of WASI's own, as WASI has it.
pub(super) fn resource_name(
    component: &Component,
    types: &ComponentTypesBuilder,
    table: TypeResourceTableIndex,
) -> String {
    let TypeResourceTable::Concrete { ty, .. } = types[table] else { return "a resource".to_owned() };
    if component.defined_resource_index(ty).is_some() {
        return "a resource of the guest's own".to_owned();
    }
    match wasi_resource(component, ty) {
        Some(Resource::Other) | None => {
            let (import, path) = &component.imports[component.imported_resources[ty]];
            let name = path.last().map_or("", |name| name.as_str());
            format!("{}#{}", escaped(&component.import_types[*import].0), escaped(name))
        }
        Some(known) => known.name().to_owned(),
    }
}

/// Which resource of WASI an imported one is, if it is one.
pub(super) fn wasi_resource(component: &Component, ty: ResourceIndex) -> Option<Resource> {
    let (import, path) = &component.imports[*component.imported_resources.get(ty)?];
    let interface = wasi::interface(&component.import_types.get(*import)?.0)?;
    match path.as_slice() {
        [name] => Some(Resource::find(interface, name)),
        _ => None,
    }
}

/// What an import would give the guest, in words, unless it is only a type.
fn wanted(ty: &TypeDef) -> Option<&'static str> {
    Some(match ty {
        TypeDef::ComponentFunc(_) | TypeDef::CoreFunc(_) => "function",
        TypeDef::Resource(_) => "resource",
        TypeDef::ComponentInstance(_) => "interface",
        TypeDef::Component(_) => "component",
        TypeDef::Module(_) => "core module",
        TypeDef::Interface(_) => return None,
    })
}

fn import(module: &str, item: Option<&str>, kind: &str) -> String {
    let (what, instead) = advice::component(module);
    let name = item.map_or_else(|| escaped(module), |item| format!("{}#{}", escaped(module), escaped(item)));
    format!("imports the {kind} `{name}`: {what}; {instead}")
}

/// Why a version of purefork's own types cannot be taken.
fn version(name: &str) -> Option<String> {
    let (package, version) = name.split_once('@')?;
    let (known, current) = TENSOR_INTERFACE.split_once('@')?;
    (package == known && version != current).then(|| {
        format!(
            "imports `{}` of version {}, and this is version {current}: build the guest with the interfaces of this version",
            escaped(package),
            escaped(version)
        )
    })
}

fn refuse(what: ReasonKind, message: String, reasons: &mut Reasons) {
    reasons.add(|| Reason { what, message, chain: Vec::new(), offset: None });
}

/// The functions that the interface `fork` forks: a resource for each.
fn fork_interface(types: &ComponentTypesBuilder, exports: &[(&str, TypeDef)], reasons: &mut Reasons) -> Vec<LinkFacts> {
    let mut links: Vec<LinkFacts> = Vec::new();
    for (name, ty) in exports {
        if let TypeDef::Resource(_) = ty {
            links.push(LinkFacts::new(Arc::from(*name)));
        }
    }
    if links.len() > MAX_LINKS {
        refuse(
            ReasonKind::TooMany,
            format!(
                "forks {} functions, and {MAX_LINKS} are allowed; fork one that selects by an argument",
                links.len()
            ),
            reasons,
        );
    }
    let mut constructed = vec![false; links.len()];
    for (name, ty) in exports {
        let TypeDef::ComponentFunc(function) = ty else {
            if let Some(kind @ ("interface" | "component" | "core module" | "core function")) = wanted(ty) {
                refuse(
                    ReasonKind::LinkType,
                    format!("imports the {kind} `fork#{}`: {NOTHING_ELSE}", escaped(name)),
                    reasons,
                );
            }
            continue;
        };
        let part = Part::of(name);
        let Some(at) = part.and_then(|(resource, _)| links.iter().position(|link| *link.name == *resource)) else {
            refuse(
                ReasonKind::LinkType,
                format!("imports the function `fork#{}`: {NOTHING_ELSE}", escaped(name)),
                reasons,
            );
            continue;
        };
        let link = &mut links[at];
        match part.map(|(_, part)| part) {
            Some(Part::Constructor) => {
                constructed[at] = true;
                if !matches!(*types[types[*function].results].types, [InterfaceType::Own(_)]) {
                    refuse(
                        ReasonKind::LinkType,
                        format!(
                            "the constructor of `{}` gives something else than a future; forking does not fail, waiting does",
                            escaped(&link.name)
                        ),
                        reasons,
                    );
                }
                match values(types, *function, false) {
                    Ok((params, _)) => link.params = params,
                    Err(problem) => refuse(
                        ReasonKind::LinkType,
                        format!("forks `{}` with {problem}, which cannot be passed between calls", escaped(&link.name)),
                        reasons,
                    ),
                }
            }
            Some(method) => match values(types, *function, true) {
                Ok((params, result)) if params.is_empty() => {
                    let result = Vec::from_iter(result);
                    let slot = if method == Part::Wait { &mut link.results } else { &mut link.caught };
                    *slot = Some(result);
                }
                Ok(_) => refuse(
                    ReasonKind::LinkType,
                    format!("`fork#{}` takes parameters, and a wait has none", escaped(name)),
                    reasons,
                ),
                Err(problem) => refuse(
                    ReasonKind::LinkType,
                    format!("waits for `{}` with {problem}, which cannot be passed between calls", escaped(&link.name)),
                    reasons,
                ),
            },
            None => {}
        }
    }
    for (link, constructed) in links.iter().zip(constructed) {
        if !constructed {
            let name = escaped(&link.name);
            refuse(
                ReasonKind::WaitWithoutFork,
                format!(
                    "the resource `{name}` of `fork` has no constructor, so there can be no future; give it one with the parameters of `{name}`"
                ),
                reasons,
            );
        }
    }
    links
}

const NOTHING_ELSE: &str = "in `fork` there is a resource for each forked function, with a constructor, `wait` and `try-wait`, and nothing else";

/// What a function of the interface is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Constructor,
    Wait,
    TryWait,
}

impl Part {
    /// The resource that a function of this name belongs to, and what it is for.
    pub(super) fn of(name: &str) -> Option<(&str, Part)> {
        if let Some(resource) = name.strip_prefix("[constructor]") {
            return Some((resource, Part::Constructor));
        }
        match name.strip_prefix("[method]")?.split_once('.')? {
            (resource, "wait") => Some((resource, Part::Wait)),
            (resource, "try-wait") => Some((resource, Part::TryWait)),
            _ => None,
        }
    }
}

/// The types of a function's parameters, without the first if that is the future, and of its result.
fn values(
    types: &ComponentTypesBuilder,
    function: TypeFuncIndex,
    method: bool,
) -> Result<(Vec<Type>, Option<Type>), &'static str> {
    let function = &types[function];
    if function.async_ {
        return Err("an asynchronous function");
    }
    let all = |types_of: &[InterfaceType]| types_of.iter().map(|ty| convert(types, ty)).collect::<Result<Vec<_>, _>>();
    let params = &types[function.params].types;
    let params = all(if method { params.get(1..).unwrap_or_default() } else { params })?;
    // A constructor's result is the future.
    let result = if method { all(&types[function.results].types)?.pop() } else { None };
    Ok((params, result))
}
