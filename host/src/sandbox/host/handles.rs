//! Handles of resources that a guest defines for itself.

use super::import::HostImport;
use super::numbers::{number, set};
use crate::ir::HandleType;
use crate::sandbox::data::{Handle, Kind, StoreData};
use crate::sandbox::error::trap;
use crate::sandbox::exception::ended;
use std::sync::Arc;
use wasmtime::{AsContextMut, Caller, Func, Linker, Val};

type Done = wasmtime::Result<()>;

/// Makes a handle.
pub(super) fn new(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    handle: HandleType,
) -> Done {
    let this = host.clone();
    linker.func_new(module, name, host.ty.clone(), move |mut caller, params, results| {
        this.may_leave(&mut caller)?;
        let representation = number(params, 0);
        let own = Handle { resource: handle.resource, representation, kind: Kind::Own { lent: 0 } };
        set(results, caller.data_mut().handles.insert(handle.component, own)?);
        Ok(())
    })?;
    Ok(())
}

/// Gives what is behind a handle.
pub(super) fn representation(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    handle: HandleType,
) -> Done {
    linker.func_new(module, name, host.ty.clone(), move |mut caller, params, results| {
        set(results, caller.data_mut().handles.get(handle, number(params, 0))?.representation);
        Ok(())
    })?;
    Ok(())
}

/// Drops a handle, and destroys the resource if the handle owns it.
pub(super) fn end(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    handle: HandleType,
) -> Done {
    let this = Arc::new(host.clone());
    // Only a destructor calls the guest, which may have to be set aside.
    if host.settings.may_wait && host.destructor.is_some() {
        linker.func_new_async(module, name, host.ty.clone(), move |mut caller, params, _| {
            let this = this.clone();
            Box::new(async move {
                if let Some((function, args)) = destructor(&mut caller, &this, handle, number(params, 0))? {
                    let called = function.call_async(&mut caller, &args, &mut []).await;
                    called.map_err(|error| ended(&mut caller, error))?;
                    caller.data_mut().call.lending().destroyed();
                }
                Ok(())
            })
        })?;
    } else {
        linker.func_new(module, name, host.ty.clone(), move |mut caller, params, _| {
            if let Some((function, args)) = destructor(&mut caller, &this, handle, number(params, 0))? {
                let called = function.call(&mut caller, &args, &mut []);
                called.map_err(|error| ended(&mut caller, error))?;
                caller.data_mut().call.lending().destroyed();
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Drops a handle; returns what is to be called to destroy its resource, and with what.
fn destructor(
    caller: &mut Caller<'_, StoreData>,
    host: &HostImport,
    handle: HandleType,
    at: u32,
) -> wasmtime::Result<Option<(Func, [Val; 1])>> {
    host.may_leave(caller)?;
    let StoreData { handles, call, .. } = caller.data_mut();
    let dropped = handles.dropped(call.lending(), handle, at)?;
    let (Some(representation), Some(number)) = (dropped, host.destructor) else { return Ok(None) };
    let function = host.exports().and_then(|exports| exports.function(caller.as_context_mut(), number));
    let function = function.ok_or_else(|| trap("a destructor that is not there"))?;
    caller.data_mut().call.lending().destroy()?;
    Ok(Some((function, [Val::I32(representation.cast_signed())])))
}
