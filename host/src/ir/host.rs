//! The functions of the host that a guest imports.

use super::canon::Canon;
use super::core::CoreType;
use super::item::Item;
use super::noreturn::NoReturn;
use super::wasi::{self, Resource};
use serde::{Deserialize, Serialize};

/// A function of the host that a guest imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostFunction {
    pub(crate) params: Vec<CoreType>,
    pub(crate) results: Vec<CoreType>,
    pub(crate) what: HostFunctionKind,
    /// How values are passed; `None` where they are core values.
    pub(crate) canon: Option<Canon>,
}

/// What a function of the host does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HostFunctionKind {
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
    /// Traps, as nothing provides the function of this name, which is fit to be shown.
    Unknown(String),
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
