//! Functions that nothing provides: to call one is a trap.

use super::import::HostImport;
use crate::sandbox::data::StoreData;
use crate::sandbox::error::Missing;
use wasmtime::Linker;

/// Defines a function that traps, of whatever type.
pub(super) fn define(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    function: &str,
) -> wasmtime::Result<()> {
    let wanted = function.to_owned();
    linker.func_new(module, name, host.ty.clone(), move |_, _, _| Err(Missing(wanted.clone()).into()))?;
    Ok(())
}
