//! How an instance of a guest is made: its core modules, what each is given, and how its functions are called.
//!
//! A core module is a recipe of one step. A component is taken apart at load: what is left of it is a flat list of core
//! modules to instantiate, and for each function the core function behind it with its canonical ABI.

use super::facts::Facts;
use super::noreturn::NoReturn;
use super::scan::Import;
use super::wasi::{self, Preview1, Resource};
use crate::value::Type;
use serde::{Deserialize, Serialize};

/// A type of core WebAssembly that crosses to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Core {
    I32,
    I64,
    F32,
    F64,
    V128,
}

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
    pub(crate) imports: Vec<Given>,
}

/// What an instance is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Given {
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

/// How values lie in a guest's memory, and how room for them is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Canon {
    pub(crate) memory: Option<Item>,
    pub(crate) realloc: Option<Item>,
    pub(crate) strings: Encoding,
    /// The component instance that the function belongs to.
    pub(crate) component: u32,
}

/// How strings are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Encoding {
    #[default]
    Utf8,
    Utf16,
    /// Latin-1, or UTF-16 where the top bit of the length says so.
    CompactUtf16,
}

/// An exported function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lifted {
    pub(crate) function: Item,
    /// The core function's type.
    pub(crate) params: Vec<Core>,
    pub(crate) results: Vec<Core>,
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

/// A function of the host that a guest imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostFunction {
    pub(crate) params: Vec<Core>,
    pub(crate) results: Vec<Core>,
    pub(crate) what: What,
    /// How values are passed; `None` where they are core values.
    pub(crate) canon: Option<Canon>,
}

/// What a function of the host does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// Forks the function of this link; gives the future's number.
    Fork(u32),
    /// Waits for a future of this link. `catch`: gives a failure that can be caught as the `err` of a result.
    Wait { link: u32, catch: bool },
    /// Forgets a future of this link.
    Abandon(u32),
    /// Makes a handle of a resource of the guest's own.
    NewHandle(HandleType),
    /// The representation behind a handle.
    Representation(HandleType),
    /// Drops a handle, and the resource if the handle owns it.
    DropHandle(HandleType),
    /// Moves a handle from one component instance to another.
    TransferOwn(Vec<HandleType>),
    /// Lends a handle to another component instance.
    TransferBorrow(Vec<HandleType>),
    /// One component instance calls another.
    Enter,
    /// The call has returned.
    Exit,
    /// Copies UTF-8 from one memory to another.
    CopyUtf8 { from: Item, to: Item },
    /// Traps.
    Trap,
    /// Traps, as the guest has failed.
    NoReturn(NoReturn),
    /// A function of WASI.
    Wasi(wasi::Function),
}

/// Which handles: those of one resource in the table of one component instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HandleType {
    /// The component instance whose table it is.
    pub(crate) component: u32,
    pub(crate) resource: ResourceId,
}

/// A resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ResourceId {
    /// The guest's own, by number; and the component instance that defines it.
    Own { number: u32, component: u32 },
    /// Futures of a link.
    Future(u32),
    /// One of WASI.
    Wasi(Resource),
}

/// The memory that functions of WASI 0.1 read and write.
pub(super) const MEMORY: &str = "memory";

/// The recipe of a core module: one instance, which imports `fork` and `wait`, what never returns, and, where it may, WASI.
/// `memory`: the name under which it exports its memory.
pub(super) fn of_module(imports: &[Import<'_>], facts: &Facts, memory: Option<&str>) -> Recipe {
    let canon = |name: Option<&str>| Canon {
        memory: name.map(|name| Item { instance: 0, name: name.to_owned() }),
        ..Canon::default()
    };
    let all = |types: &[Type]| types.iter().map(core).collect::<Vec<_>>();
    let mut recipe = Recipe::default();
    let mut given = Vec::new();
    for import in imports {
        // Where it could be anything else, the audit has refused it.
        if import.module == wasi::PREVIEW1
            && let Some(function) = Preview1::find(import.name)
        {
            given.push(Given::Host(recipe.host.len() as u32));
            recipe.host.push(HostFunction {
                params: function.params().to_vec(),
                results: function.results().to_vec(),
                what: What::Wasi(wasi::Function::Preview1(function)),
                canon: Some(canon(memory.filter(|name| *name == MEMORY))),
            });
            continue;
        }
        if let Some(function) = import.no_return {
            given.push(Given::Host(recipe.host.len() as u32));
            recipe.host.push(HostFunction {
                params: function.params().to_vec(),
                results: Vec::new(),
                what: What::NoReturn(function),
                canon: Some(canon(memory)),
            });
            continue;
        }
        let Some(link) = facts.forks.iter().position(|link| *link.name == *import.name) else { continue };
        let types = &facts.forks[link];
        let link = link as u32;
        let (params, results, what) = match import.module {
            "fork" => (all(&types.params), vec![Core::I32], What::Fork(link)),
            _ => {
                (vec![Core::I32], all(types.results.as_deref().unwrap_or_default()), What::Wait { link, catch: false })
            }
        };
        given.push(Given::Host(recipe.host.len() as u32));
        recipe.host.push(HostFunction { params, results, what, canon: None });
    }
    recipe.steps.push(Step { module: 0, imports: given });
    recipe.functions = facts
        .functions
        .iter()
        .map(|function| Lifted {
            function: Item { instance: 0, name: function.name.clone() },
            params: function.params.iter().map(|param| core(&param.ty)).collect(),
            results: all(&function.results),
            canon: None,
            post_return: None,
            helpers_leave: false,
            receiver: None,
            program: false,
        })
        .collect();
    recipe
}

/// The core type that a scalar has on the stack.
pub(crate) fn core(ty: &Type) -> Core {
    match ty {
        Type::I64 | Type::S64 | Type::U64 => Core::I64,
        Type::F32 => Core::F32,
        Type::F64 => Core::F64,
        Type::V128 => Core::V128,
        _ => Core::I32,
    }
}
