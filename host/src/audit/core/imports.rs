//! Which imports a guest may have, and what to say about the others.

use std::collections::HashMap;
use std::sync::Arc;

use wasmparser::{FuncType, TypeRef};

use super::calls::{Reach, Set};
use super::chain::Labels;
use super::declared;
use super::declared::number;
use super::scan::{Import, Scan};
use crate::audit::advice::advice;
use crate::audit::features::Valid;
use crate::audit::reason::Reasons;
use crate::error::{Reason, ReasonKind};
use crate::escape::escaped;
use crate::imports::Imports;
use crate::ir::MAX_VALUES;
use crate::ir::NoReturn;
use crate::ir::shown as types;
use crate::ir::wasi;
use crate::ir::{LinkFacts, WasiFacts};

/// The imports from `fork` and `wait`.
#[derive(Default)]
pub(super) struct Links {
    /// One for each distinct name.
    pub(super) facts: Vec<LinkFacts>,
    /// The nodes of the functions imported from `fork`, with the place of their name in `facts`.
    pub(super) forks: Vec<(u32, u32)>,
    /// The nodes of all functions imported from `fork` and `wait`.
    pub(super) nodes: Vec<u32>,
    /// The functions of WASI, and their nodes.
    pub(super) wasi: Vec<WasiFacts>,
    pub(super) wasi_nodes: Vec<u32>,
    /// The functions that never return, and their nodes.
    pub(super) traps: Vec<String>,
    pub(super) trap_nodes: Vec<u32>,
    /// The functions that nothing provides. Their nodes are among those that never return.
    pub(super) unknown: Vec<String>,
}

/// Half of a link as imported: the type, and where.
#[derive(Clone, Copy)]
struct Half<'v> {
    ty: &'v FuncType,
    node: u32,
    offset: usize,
}

#[derive(Default)]
struct Pair<'a, 'v> {
    name: &'a str,
    fork: Option<Half<'v>>,
    wait: Option<Half<'v>>,
}

/// Judges every import; `reach` is what runs. `may`: what may be among them.
pub(super) fn judge(
    scan: &Scan<'_>,
    valid: &Valid,
    labels: &Labels<'_, '_>,
    may: Imports,
    reach: &Reach,
    reasons: &mut Reasons,
) -> Links {
    let mut links = Links::default();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut pairs: Vec<Pair<'_, '_>> = Vec::new();
    let mut hosts: HashMap<(&str, &str), &FuncType> = HashMap::new();
    for import in &scan.imports {
        // The host has one function of a name.
        if let TypeRef::Func(index) = import.ty
            && !matches!(import.module, "fork" | "wait")
            && import.no_return.is_none()
            && let Some(ty) = valid.type_at(index)
            && let first = *hosts.entry((import.module, import.name)).or_insert(ty)
            && first != ty
        {
            reasons.add(|| Reason {
                what: ReasonKind::LinkConflict,
                message: format!(
                    "imports {} {}: it is also imported as {}; use one type",
                    quoted(import),
                    types::function(ty),
                    types::function(first),
                ),
                chain: labels.to(reach, import.node),
                offset: Some(import.offset),
            });
            continue;
        }
        if may.has_wasi()
            && let TypeRef::Func(index) = import.ty
            && let Some((function, _)) = wasi::preview1(import.module, import.name)
        {
            links.wasi.push(WasiFacts { name: format!("{}.{}", import.module, import.name), answered: true });
            links.wasi_nodes.push(import.node);
            let Some(ty) = valid.type_at(index) else { continue };
            let own = declared::function_type(function.params(), function.results());
            if *ty != own && !import.is_split {
                reasons.add(|| Reason {
                    what: ReasonKind::Import,
                    message: format!(
                        "imports {} {}, and WASI has it as {}; declare it so",
                        quoted(import),
                        types::function(ty),
                        types::function(&own),
                    ),
                    chain: labels.to(reach, import.node),
                    offset: Some(import.offset),
                });
            }
            continue;
        }
        if import.no_return.is_some() {
            links.traps.push(format!("{}.{}", escaped(import.module), escaped(import.name)));
            links.trap_nodes.push(import.node);
            continue;
        }
        if may.has_unknown() && is_unknown(import) {
            links.unknown.push(format!("{}.{}", escaped(import.module), escaped(import.name)));
            links.trap_nodes.push(import.node);
            continue;
        }
        let (TypeRef::Func(index), "fork" | "wait") = (import.ty, import.module) else {
            reasons.add(|| refused(import, valid, labels.to(reach, import.node)));
            continue;
        };
        let Some(ty) = valid.type_at(index) else { continue };
        links.nodes.push(import.node);
        let add = |what, problem: String, reasons: &mut Reasons| {
            reasons.add(|| Reason {
                what,
                message: format!("imports {} {}: {problem}", quoted(import), types::function(ty)),
                chain: labels.to(reach, import.node),
                offset: Some(import.offset),
            });
        };
        if let Some((what, problem)) = wrong_type(import.module, ty) {
            add(what, problem, reasons);
        }
        let place = *places.entry(import.name).or_insert_with(|| {
            pairs.push(Pair { name: import.name, ..Pair::default() });
            pairs.len() - 1
        });
        if import.module == "fork" {
            links.forks.push((import.node, place as u32));
        }
        let pair = &mut pairs[place];
        let half = if import.module == "fork" { &mut pair.fork } else { &mut pair.wait };
        match half {
            Some(first) if first.ty != ty => {
                let problem = format!("it is also imported as {}; use one type", types::function(first.ty));
                add(ReasonKind::LinkConflict, problem, reasons);
            }
            Some(_) => {}
            None => *half = Some(Half { ty, node: import.node, offset: import.offset }),
        }
    }
    for pair in &pairs {
        if let (None, Some(wait)) = (pair.fork, pair.wait) {
            let name = escaped(pair.name);
            reasons.add(|| Reason {
                what: ReasonKind::WaitWithoutFork,
                message: format!(
                    "imports `wait.{name}` but not `fork.{name}`: there can be no future to wait for; \
                     import both or neither"
                ),
                chain: labels.to(reach, wait.node),
                offset: Some(wait.offset),
            });
        }
    }
    if pairs.len() > Set::MOST as usize {
        reasons.add(|| Reason {
            what: ReasonKind::TooMany,
            message: format!(
                "imports {} names from `fork` and `wait`, and {} are allowed; fork one function that selects by an \
                 argument",
                pairs.len(),
                Set::MOST,
            ),
            chain: Vec::new(),
            offset: None,
        });
    }
    links.facts = pairs.iter().map(facts).collect();
    links
}

/// Whether it is a function that nothing could provide, as it is none to fork or to wait for.
fn is_unknown(import: &Import<'_>) -> bool {
    matches!(import.ty, TypeRef::Func(_)) && !matches!(import.module, "fork" | "wait")
}

fn facts(pair: &Pair<'_, '_>) -> LinkFacts {
    let numbers = |types: &[wasmparser::ValType]| types.iter().copied().filter_map(number).collect();
    LinkFacts {
        name: Arc::from(pair.name),
        params: pair.fork.map(|half| numbers(half.ty.params())).unwrap_or_default(),
        results: pair.wait.map(|half| numbers(half.ty.results())),
        caught: None,
    }
}

fn wrong_type(module: &str, ty: &FuncType) -> Option<(ReasonKind, String)> {
    const I32: &[wasmparser::ValType] = &[wasmparser::ValType::I32];
    let problem = if ty.params().iter().chain(ty.results()).any(|ty| number(*ty).is_none()) {
        "references cannot be passed between calls; pass numbers"
    } else if module == "fork" && ty.results() != I32 {
        "a fork gives exactly one i32, the future; declare `(result i32)`"
    } else if module == "wait" && ty.params() != I32 {
        "a wait takes exactly one i32, the future; declare `(param i32)`"
    } else if ty.params().len().max(ty.results().len()) > MAX_VALUES {
        let problem = format!("a function has at most {MAX_VALUES} parameters and results here; pass them in fewer");
        return Some((ReasonKind::TooMany, problem));
    } else {
        return None;
    };
    Some((ReasonKind::LinkType, problem.into()))
}

fn refused(import: &Import<'_>, valid: &Valid, chain: Vec<String>) -> Reason {
    let ty = match import.ty {
        TypeRef::Func(index) | TypeRef::FuncExact(index) => valid.type_at(index),
        TypeRef::Memory(_) | TypeRef::Table(_) | TypeRef::Global(_) | TypeRef::Tag(_) => None,
    };
    let known: Vec<_> = NoReturn::named(import.module, import.name)
        .map(|known| types::function(&declared::function_type(known.params(), &[])))
        .collect();
    let message = if ty.is_some() && !known.is_empty() {
        format!(
            "imports {} {}, and compilers, which end a failed program with it, have it as {}; declare it so",
            quoted(import),
            type_text(import, valid),
            known.join(" or "),
        )
    } else {
        let (what, instead) = advice((import.module, import.name), import.ty, ty);
        let provided = provided(import).map(|text| {
            format!(", or provide it: `--provide {}=FILE`, with `{text}` in the file", escaped(import.module))
        });
        let provided = provided.unwrap_or_default();
        format!("imports {} {}: {what}; {instead}{provided}", quoted(import), type_text(import, valid))
    };
    Reason { what: ReasonKind::Import, message, chain, offset: Some(import.offset) }
}

/// The text of a module that exports what is imported, where that can be told from its type: what is new in each sandbox.
fn provided(import: &Import<'_>) -> Option<String> {
    if matches!(import.module, "fork" | "wait") || import.module.starts_with("wasi") {
        return None;
    }
    let (word, text) = match &import.ty {
        TypeRef::Memory(ty) if !ty.shared => ("(memory", types::memory(ty)),
        TypeRef::Table(ty) if ty.element_type.is_nullable() => ("(table", types::table(ty)),
        TypeRef::Global(ty) if number(ty.content_type).is_some() && ty.content_type != wasmparser::ValType::V128 => {
            let initial = format!(" ({}.const 0))", ty.content_type);
            ("(global", types::global(ty).strip_suffix(')')?.to_owned() + &initial)
        }
        _ => return None,
    };
    let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'`'));
    let rest = text.strip_prefix(word).filter(|_| plain(import.name))?;
    Some(format!("(module {word} (export \"{}\"){rest})", import.name))
}

fn quoted(import: &Import<'_>) -> String {
    format!("`{}.{}`", escaped(import.module), escaped(import.name))
}

fn type_text(import: &Import<'_>, valid: &Valid) -> String {
    match &import.ty {
        TypeRef::Func(index) | TypeRef::FuncExact(index) => {
            valid.type_at(*index).map_or_else(|| "(func)".into(), types::function)
        }
        TypeRef::Memory(ty) => types::memory(ty),
        TypeRef::Table(ty) => types::table(ty),
        TypeRef::Global(ty) => types::global(ty),
        TypeRef::Tag(ty) => valid.type_at(ty.func_type_idx).map_or_else(|| "(tag)".into(), types::tag),
    }
}
