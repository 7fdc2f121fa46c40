//! The functions of the host that guests import.

mod components;
mod forks;
mod fuel;
mod handles;
mod import;
mod noreturn;
mod numbers;
mod unknown;
mod values;
mod wasi;

pub(super) use import::{HostImport, HostSettings};

use super::data::StoreData;
use crate::ir::HostFunctionKind;
use wasmtime::Linker;

/// Defines a function of the host under a name.
pub(super) fn define(linker: &mut Linker<StoreData>, name: (&str, &str), host: &HostImport) -> wasmtime::Result<()> {
    use HostFunctionKind::*;
    match &host.what {
        Fork(link) if host.settings.inline => forks::fork_inline(linker, name, host, *link),
        Fork(link) => forks::fork(linker, name, host, *link),
        Wait { link, catch } => forks::wait(linker, name, host, (*link, *catch)),
        Abandon(link) => forks::abandon(linker, name, host, *link),
        NewHandle(handle) => handles::new(linker, name, host, *handle),
        Representation(handle) => handles::representation(linker, name, host, *handle),
        DropHandle(handle) => handles::end(linker, name, host, *handle),
        TransferOwn(types) => components::transfer(linker, name, host, (types, false)),
        TransferBorrow(types) => components::transfer(linker, name, host, (types, true)),
        Enter => components::enter(linker, name, host),
        Exit => components::exit(linker, name, host),
        CopyUtf8 { .. } => components::copy_utf8(linker, name, host),
        Trap => components::fail(linker, name, host),
        Unknown(function) => unknown::define(linker, name, host, function),
        NoReturn(function) => noreturn::define(linker, name, host, *function),
        Wasi(function) => wasi::define(linker, name, host, function),
    }
}
