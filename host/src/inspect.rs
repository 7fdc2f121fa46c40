//! What the audit found out about a module, for people and programs.

mod names;

pub(crate) use names::type_names;
pub use names::{FunctionTypeNames, TypeName};

use crate::args::signature;
use crate::error::Result;
use crate::escape::escaped;
use crate::ir::Facts;
use crate::nearest::find;
use crate::value::Type;
use std::fmt;

/// What the audit found out about a module that can be pure. Names are escaped and bounded, fit to be shown.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The module's own name, from its name section.
    pub name: Option<String>,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    /// Whether it is a component.
    pub component: bool,
    /// Why it is none, though a custom section says that it is meant to become one.
    pub note: Option<String>,
    /// The exported functions that can be called.
    pub functions: Vec<InspectedFunction>,
    /// What else it exports that is a function, or stands where one could, and cannot be called.
    pub others: Vec<InspectedOther>,
    /// What it imports from `fork` and `wait`.
    pub forks: Vec<InspectedFork>,
    /// What it imports of WASI.
    pub wasi: Vec<InspectedWasi>,
    /// What it imports that never returns, such as `env.abort`: to call it is a trap.
    pub traps: Vec<String>,
    /// The functions that it imports and that nothing provides, such as `env.log`, where it [may](crate::UnknownImports::Trap): to call one
    /// is a trap.
    pub unknown: Vec<String>,
    /// Its linear memories.
    pub memories: Vec<InspectedMemory>,
    /// Its tables.
    pub tables: Vec<InspectedTable>,
    /// Whether it has a start function, which runs each time a fresh sandbox is made.
    pub start: bool,
    /// Why each call of a function that is not stateless gets a fresh sandbox; none where a sandbox serves one call after
    /// another, its state put back in between. See [`Isolation`](crate::Isolation).
    pub fresh: Option<String>,
    /// Bytes of code.
    pub code_bytes: u64,
    /// What compiling it costs, in thousandths of the units of [`Limits::compile`](crate::Limits::compile).
    pub compile: u64,
}

/// An exported function.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedFunction {
    /// Its name.
    pub name: String,
    /// Its name as it is, byte for byte: to fork it by, not to be shown.
    pub exact: String,
    /// Its parameters.
    pub params: Vec<InspectedParam>,
    /// The types of its results.
    pub results: Vec<Type>,
    /// Whether nothing it can reach changes any state, so that its sandbox may be used again as it is.
    pub stateless: bool,
    /// Why not.
    pub state: Option<String>,
    /// Whether it can fork or wait.
    pub can_fork: bool,
    /// What it can fork.
    pub forks: Vec<String>,
    /// Whether it is a program of [WASI](crate::Wasi), which takes and gives what all programs do.
    pub program: bool,
    signature: String,
}

/// A parameter of an exported function.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedParam {
    /// A name to give the argument by.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// A linear memory.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InspectedMemory {
    /// How large it is at the start, in bytes.
    pub minimum_bytes: u64,
    /// How large it declares itself to become at the most, in bytes.
    pub maximum_bytes: Option<u64>,
}

/// A table.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InspectedTable {
    /// How many elements it has at the start.
    pub minimum: u64,
    /// How many it declares to have at the most.
    pub maximum: Option<u64>,
}

/// An export that cannot be called.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedOther {
    /// Its name.
    pub name: String,
    /// Its name as it is, byte for byte: not to be shown.
    pub exact: String,
    /// Why it cannot be called.
    pub why: String,
}

/// A function that a module forks.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedFork {
    /// Its name.
    pub name: String,
    /// The types of its parameters.
    pub params: Vec<Type>,
    /// The types of its results, if the module waits for them.
    pub results: Option<Vec<Type>>,
    /// Whether the module exports it itself. If not, it has to be linked.
    pub own: bool,
}

/// A function of WASI that is imported.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedWasi {
    /// Its name.
    pub name: String,
    /// Whether it has an answer where WASI is frozen; if not, it is a trap to call it.
    pub answered: bool,
}

impl Inspection {
    /// The exported function that [`Module::fork`](crate::Module::fork) means by `name`: by its whole name, or by the one
    /// within its interface, if only one is called that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchFunction`](crate::ErrorKind::NoSuchFunction), with what was probably meant.
    pub fn function(&self, name: &str) -> Result<&InspectedFunction> {
        let names = self.functions.iter().map(|function| function.exact.as_str());
        let list = || exports(&self.functions.iter().map(|function| function.signature.clone()).collect::<Vec<_>>());
        let others = self.others.iter().map(|other| (other.exact.as_str(), other.why.as_str()));
        find(name, names, others, list).map(|at| &self.functions[at])
    }

    pub(crate) fn new(facts: &Facts, digest: &str) -> Inspection {
        let functions = facts.functions.iter().map(|function| InspectedFunction {
            name: escaped(&function.name),
            exact: function.name.clone(),
            params: (function.param_names.iter().zip(&function.params))
                .map(|(name, ty)| InspectedParam { name: name.clone(), ty: ty.clone() })
                .collect(),
            results: function.results.clone(),
            stateless: function.stateless.is_ok(),
            state: function.stateless.as_ref().err().map(ToString::to_string),
            can_fork: function.can_fork,
            forks: function.forks.iter().map(|name| escaped(name)).collect(),
            program: function.program,
            signature: signature(function),
        });
        let forks = facts.forks.iter().map(|link| InspectedFork {
            name: escaped(&link.name),
            params: link.params.clone(),
            results: link.results.clone(),
            own: {
                let name = link.name.strip_prefix("self#").unwrap_or(&link.name);
                facts.functions.iter().any(|function| *function.name == *name || *function.name == *link.name)
            },
        });
        let bytes = |pages: u64, log2: u32| pages.saturating_mul(1u64.checked_shl(log2).unwrap_or(u64::MAX));
        Inspection {
            name: facts.name.clone(),
            digest: digest.to_owned(),
            component: facts.component,
            note: facts.note.clone(),
            functions: functions.collect(),
            others: facts
                .others
                .iter()
                .map(|(name, why)| InspectedOther { name: escaped(name), exact: name.clone(), why: why.clone() })
                .collect(),
            forks: forks.collect(),
            wasi: facts
                .wasi
                .iter()
                .map(|function| InspectedWasi { name: function.name.clone(), answered: function.answered })
                .collect(),
            traps: facts.traps.clone(),
            unknown: facts.unknown.clone(),
            memories: facts
                .memories
                .iter()
                .map(|m| InspectedMemory {
                    minimum_bytes: m.initial_bytes,
                    maximum_bytes: m.maximum.map(|pages| bytes(pages, m.page_size_log2)),
                })
                .collect(),
            tables: facts
                .tables
                .iter()
                .map(|table| InspectedTable { minimum: table.initial, maximum: table.maximum })
                .collect(),
            start: facts.start,
            fresh: facts.fresh.clone(),
            code_bytes: facts.counts.code_bytes,
            compile: facts.compile,
        }
    }
}

/// What a module exports, for messages.
pub(crate) fn exports(signatures: &[String]) -> String {
    const SHOWN: usize = 8;
    if signatures.is_empty() {
        return "it exports none".to_owned();
    }
    let rest = signatures.len().saturating_sub(SHOWN);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!("it exports {}{more}", signatures[..signatures.len().min(SHOWN)].join(", "))
}

impl fmt::Display for InspectedFunction {
    /// Writes the signature: `add(a: i32, b: i32) -> i32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signature)
    }
}
