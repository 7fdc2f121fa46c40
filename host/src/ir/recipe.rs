//! How an instance of a guest is made: its core modules, and what each is given.
//!
//! A core module is a recipe of one step. A component is taken apart at load: what is left of it is a flat list of core
//! modules to instantiate, and for each exported function the core function behind it
//! ([`CoreFunction`](super::CoreFunction)).

use super::host::HostFunction;
use super::item::Item;
use serde::{Deserialize, Serialize};

/// How an instance of a guest is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    /// The steps, in order; each makes one core instance.
    pub(crate) steps: Vec<Step>,
    /// The functions of the host that the instances import.
    pub(crate) host: Vec<HostFunction>,
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
