//! What is known of a guest: its functions, what it forks, and what it starts with.

use super::function::FunctionDef;
use super::item::Item;
use crate::value::Type;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A guest's facts. The same bytes give the same facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// The module's own name, fit to be shown.
    pub(crate) name: Option<String>,
    /// The exported functions that can be called, in the order of their exports.
    pub(crate) functions: Vec<FunctionDef>,
    /// What else is exported by name, and why it cannot be called.
    pub(crate) others: Vec<(String, String)>,
    /// What the module forks and waits for, by name, in the order of first import.
    pub(crate) forks: Vec<LinkFacts>,
    /// What the module imports of WASI, in the order of the imports.
    pub(crate) wasi: Vec<WasiFacts>,
    /// What the module imports that never returns, in the order of the imports; names fit to be shown.
    pub(crate) traps: Vec<String>,
    /// The functions that it imports and that nothing provides, in the order of the imports; names fit to be shown.
    pub(crate) unknown: Vec<String>,
    /// The memories, in the order of their indices; of a component, over all its instances of core modules. None is
    /// imported.
    pub(crate) memories: Vec<MemoryFacts>,
    /// The tables, in the order of their indices. None is imported.
    pub(crate) tables: Vec<TableFacts>,
    /// Whether there is a start function.
    pub(crate) start: bool,
    /// How many of each thing the module defines.
    pub(crate) counts: Counts,
    /// Whether a custom section holds component types: the module is meant to become a component.
    pub(crate) component_type: bool,
    /// Why it did not become one, if it was meant to; one sentence. Found out before the audit.
    pub(crate) note: Option<String>,
    /// Whether it is a component.
    pub(crate) component: bool,
    /// The names of the custom sections, fit to be shown, without repeats; at most a hundred.
    pub(crate) custom_sections: Vec<String>,
    /// Whether it may have objects in a garbage-collected heap, exceptions among them.
    pub(crate) collected: bool,
    /// Why each call gets a fresh sandbox, if it does. Found out after the audit.
    pub(crate) fresh: Option<String>,
    /// What compiling it costs, in thousandths of a unit. Set once the guest was rewritten.
    pub(crate) compile: u64,
    /// The most fuel that making its instances takes, without its own code. Set once the guest was rewritten.
    pub(crate) startup_fuel: u64,
}

impl Facts {
    /// What the exported functions have room made by for their arguments, each once.
    pub(crate) fn reallocs(&self) -> Vec<&Item> {
        let mut all: Vec<&Item> = Vec::new();
        for canon in self.functions.iter().filter_map(|function| function.core.canon.as_ref()) {
            if let Some(realloc) = canon.realloc.as_ref().filter(|realloc| !all.contains(realloc)) {
                all.push(realloc);
            }
        }
        all
    }

    /// The number of the function called `name`: by its whole name, or by its short one, if only one is called that.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let whole = self.functions.iter().position(|function| function.name == name);
        whole.or_else(|| {
            let functions = self.functions.iter().enumerate();
            let mut called = functions.filter(|(_, function)| short(&function.name).any(|short| short == name));
            match (called.next(), called.next()) {
                (Some((number, _)), None) => Some(number),
                _ => None,
            }
        })
    }
}

/// The short names of a function of an interface, which is called `ns:package/interface#function`: its name there; and a
/// method's `resource.method`. Names that are made otherwise, such as those of core modules, have none.
pub(crate) fn short(name: &str) -> impl Iterator<Item = &str> {
    let item = name.split_once('#').filter(|(interface, _)| interface.contains(':')).map(|(_, item)| item);
    let of_resource = |item: &str| item.starts_with("[method]") || item.starts_with("[static]");
    let method = item.or(Some(name)).filter(|item| of_resource(item)).and_then(|item| item.split_once(']'));
    item.into_iter().chain(method.map(|(_, method)| method))
}

/// One forked function: a name among the imports from `fork` and `wait`, or a resource of the interface `fork`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkFacts {
    /// The name, byte for byte as in the module.
    pub(crate) name: Arc<str>,
    /// What `fork` takes: the parameters of the forked function. It gives one `i32`, the future.
    #[serde(with = "crate::value::wire")]
    pub(crate) params: Vec<Type>,
    /// What `wait` gives for that future; `None` when the module does not import `wait` for this name.
    #[serde(with = "crate::value::wire")]
    pub(crate) results: Option<Vec<Type>>,
    /// What `try-wait` gives, where a component has that.
    #[serde(with = "crate::value::wire")]
    pub(crate) caught: Option<Vec<Type>>,
}

/// A function of WASI that is imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WasiFacts {
    /// Its name, fit to be shown.
    pub(crate) name: String,
    /// Whether a call of it has an answer; if not, it is a trap.
    pub(crate) answered: bool,
}

impl LinkFacts {
    /// A link whose types are to be found out.
    pub(crate) fn new(name: Arc<str>) -> LinkFacts {
        LinkFacts { name, params: Vec::new(), results: None, caught: None }
    }
}

/// A memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemoryFacts {
    /// Pages at the start.
    pub(crate) initial: u64,
    /// The declared limit, in pages.
    pub(crate) maximum: Option<u64>,
    /// The base-two logarithm of the size of a page.
    pub(crate) page_size_log2: u32,
    /// Whether addresses are 64 bits wide.
    pub(crate) memory64: bool,
    /// Bytes at the start; `u64::MAX` if that many or more.
    pub(crate) initial_bytes: u64,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableFacts {
    /// The type of an element, such as `funcref`.
    pub(crate) element: String,
    /// Elements at the start.
    pub(crate) initial: u64,
    /// The declared limit, in elements.
    pub(crate) maximum: Option<u64>,
    /// Whether indices are 64 bits wide.
    pub(crate) table64: bool,
}

/// How many of each thing a module has; imported functions are counted apart, nothing else is imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Types.
    pub(crate) types: u64,
    /// Functions imported from `fork` and `wait`.
    pub(crate) imported_functions: u64,
    /// Functions defined.
    pub(crate) functions: u64,
    /// Memories.
    pub(crate) memories: u64,
    /// Tables.
    pub(crate) tables: u64,
    /// Globals.
    pub(crate) globals: u64,
    /// Exports of any kind.
    pub(crate) exports: u64,
    /// Element segments.
    pub(crate) elements: u64,
    /// Data segments.
    pub(crate) data: u64,
    /// Bytes in the bodies of functions.
    pub(crate) code_bytes: u64,
    /// Bytes in data segments.
    pub(crate) data_bytes: u64,
}
