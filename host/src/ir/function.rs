//! An exported function: what a caller sees of it, what it can do, and the core function behind it.

use super::canon::Canon;
use super::core::CoreType;
use super::host::HandleType;
use super::item::Item;
use crate::value::Type;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// An exported function. Everywhere, its number is its place in [`Facts::functions`](super::Facts::functions).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FunctionDef {
    /// The export's name, byte for byte as in the module: look it up, but show it through
    /// [`escaped`](crate::escape::escaped). A function of an exported interface is called `interface#function`.
    pub(crate) name: String,
    /// The function's index in its core module, imported functions included.
    pub(crate) index: u32,
    /// The parameters' types; for a method, its resource's constructor's come first.
    #[serde(with = "crate::value::wire")]
    pub(crate) params: Vec<Type>,
    /// For each parameter, a name to give the argument by; no two are the same.
    pub(crate) param_names: Vec<String>,
    #[serde(with = "crate::value::wire")]
    pub(crate) results: Vec<Type>,
    /// `Ok` when no function that it can reach changes state; else the nearest change.
    pub(crate) stateless: Result<(), Write>,
    /// Whether it can reach an import from `fork` or `wait`.
    pub(crate) can_fork: bool,
    /// The names that it can fork, over all it can reach, in the order of [`Facts::forks`](super::Facts::forks).
    pub(crate) forks: Vec<Arc<str>>,
    /// Whether it is a program of WASI, which takes and gives what all programs do.
    pub(crate) program: bool,
    /// The core function that is called.
    pub(crate) core: CoreFunction,
    /// For a method, what it is called on.
    pub(crate) receiver: Option<Receiver>,
}

/// The core function behind an exported one, with its canonical options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CoreFunction {
    pub(crate) export: Item,
    pub(crate) params: Vec<CoreType>,
    pub(crate) results: Vec<CoreType>,
    /// How values are passed; `None` for functions of a core module, whose values are what they are.
    pub(crate) canon: Option<Canon>,
    /// What frees the results.
    pub(crate) post_return: Option<Item>,
    /// What would free the results of a function that has no `post_return`, whose bindings export it under a name of their own. Nobody
    /// needs it where the call's state is thrown away.
    pub(crate) frees: Option<Item>,
    /// Whether `realloc` or `post_return` can reach the host.
    pub(crate) helpers_leave: bool,
}

/// The resource that a method is called on: made for the one call, by the resource's constructor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receiver {
    pub(crate) constructor: CoreFunction,
    /// How many of the function's parameters are the constructor's; they come first.
    pub(crate) params: usize,
    /// The handle that the constructor gives.
    pub(crate) given: HandleType,
    /// The handle that the method takes.
    pub(crate) taken: HandleType,
    /// The method takes the resource for good.
    pub(crate) owned: bool,
}

/// Why a function is not stateless: the nearest operator that changes state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Write {
    /// What it does, such as `writes memory`.
    pub(crate) what: Cow<'static, str>,
    /// The operator, such as `i32.store`; empty where it is no operator that does it.
    pub(crate) operator: String,
    /// The function that it stands in, fit to be shown.
    pub(crate) function: String,
    /// From the export to that function, both included.
    pub(crate) chain: Vec<String>,
    /// Where the operator is in the file.
    pub(crate) offset: usize,
}

impl FunctionDef {
    /// Makes it a program of WASI: what that takes and gives, instead of what the function is declared to.
    pub(crate) fn make_program(&mut self) {
        let bytes = || Type::list(Type::U8);
        self.param_names = vec!["args".to_owned(), "stdin".to_owned()];
        self.params = vec![Type::list(Type::String), bytes()];
        self.results = vec![Type::record([("status", Type::U8), ("stdout", bytes()), ("stderr", bytes())])];
        self.program = true;
    }
}

impl CoreFunction {
    /// Has the results freed, as what the call leaves is kept.
    pub(crate) fn free_results(&mut self) {
        if let Some(frees) = self.frees.take() {
            self.post_return.get_or_insert(frees);
        }
    }

    /// A function of a core module's one instance, whose values are core values.
    pub(crate) fn plain(name: &str, params: Vec<CoreType>, results: Vec<CoreType>) -> CoreFunction {
        let export = Item { instance: 0, name: name.to_owned() };
        CoreFunction { export, params, results, canon: None, post_return: None, frees: None, helpers_leave: false }
    }
}

impl Write {
    /// A change that no operator shows.
    pub(crate) fn of(what: &'static str) -> Write {
        Write { what: what.into(), operator: String::new(), function: String::new(), chain: Vec::new(), offset: 0 }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.operator.is_empty() {
            write!(f, ": {} in `{}`", self.operator, self.function)?;
        }
        match self.chain.as_slice() {
            [] | [_] => Ok(()),
            [callers @ .., _] => write!(f, " (called by {})", callers.join(" → ")),
        }
    }
}
