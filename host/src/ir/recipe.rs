//! How an instance of a guest is made: its core modules, what each is given, and how its functions are called.
//!
//! A core module is a recipe of one step. A component is taken apart at load: what is left of it is a flat list of core
//! modules to instantiate, and for each function the core function behind it with its canonical options.

use super::canon::Canon;
use super::core::CoreType;
use super::host::{HandleType, HostFunction};
use serde::{Deserialize, Serialize};

/// How an instance of a guest is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    /// The steps, in order; each makes one core instance.
    pub(crate) steps: Vec<Step>,
    /// The functions of the host that the instances import.
    pub(crate) host: Vec<HostFunction>,
    /// The exported functions, in the order of the facts'.
    pub(crate) functions: Vec<Lifted>,
    /// For each resource that the guest defines, how one is destroyed.
    pub(crate) destructors: Vec<Option<Item>>,
    /// How many component instances there are: each has a flag and a table of handles.
    pub(crate) components: u32,
    /// What is called once the instances are made, before they are called for anything else.
    pub(crate) initialize: Option<Item>,
    /// That function's index in its core module, to name it by where it fails.
    pub(crate) initialize_index: Option<u32>,
}

/// One core instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Which of the guest's core modules.
    pub(crate) module: u32,
    /// What it is given, in the order of its imports.
    pub(crate) imports: Vec<ImportBinding>,
}

/// What an instance is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ImportBinding {
    /// An export of an earlier instance.
    Item(Item),
    /// A function of the host.
    Host(u32),
    /// A global, 1 while the component instance of this number may call out.
    Flag(u32),
}

/// An export of a core instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    /// The step that made the instance.
    pub(crate) instance: u32,
    pub(crate) name: String,
}

/// An exported function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lifted {
    pub(crate) function: Item,
    /// The core function's type.
    pub(crate) params: Vec<CoreType>,
    pub(crate) results: Vec<CoreType>,
    /// How values are passed; `None` for functions of a core module, whose values are what they are.
    pub(crate) canon: Option<Canon>,
    /// What frees the results.
    pub(crate) post_return: Option<Item>,
    /// Whether making room for arguments and freeing results can reach the host.
    pub(crate) helpers_leave: bool,
    /// For a method, what it is called on.
    pub(crate) receiver: Option<Receiver>,
    /// It is a program: its arguments and its result are WASI's.
    pub(crate) program: bool,
}

/// The resource that a method is called on: made for the one call, by the resource's constructor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receiver {
    pub(crate) constructor: Box<Lifted>,
    /// How many of the function's parameters are the constructor's; they come first.
    pub(crate) params: usize,
    /// The handle that the constructor gives.
    pub(crate) given: HandleType,
    /// The handle that the method takes.
    pub(crate) taken: HandleType,
    /// The method takes the resource for good.
    pub(crate) owned: bool,
}
