//! Calls between the components that a guest is composed of: handles and strings that one gives to another.

use super::fuel::charge;
use super::import::HostImport;
use super::numbers::{number, set};
use super::wasi;
use crate::abi::Look;
use crate::ir::{HandleType, ResourceId};
use crate::sandbox::data::StoreData;
use crate::sandbox::error::{Stop, trap};
use wasmtime::{Linker, Trap};

type Done = wasmtime::Result<()>;

/// Moves a handle from one component instance to another, or lends it.
pub(super) fn transfer(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    (types, lend): (&[HandleType], bool),
) -> Done {
    let types = types.to_vec();
    linker.func_new(module, name, host.ty.clone(), move |mut caller, params, results| {
        let at = number(params, 0);
        let ty = |at| types.get(number(params, at) as usize).copied().ok_or_else(|| trap("no such resource"));
        let (from, to) = (ty(1)?, ty(2)?);
        if let ResourceId::Future(link) = from.resource {
            caller.data_mut().futures()?.check(link, at.cast_signed()).map_err(Stop)?;
        }
        if let ResourceId::Wasi(resource) = from.resource {
            wasi::check(caller.data().call.wasi.as_deref(), resource, at)?;
        }
        let StoreData { handles, call, .. } = caller.data_mut();
        let given = match from.resource {
            // Handles of WASI are numbered by the call, for all its components.
            ResourceId::Wasi(_) => at,
            // Futures are numbered by the call, for all its components.
            ResourceId::Future(_) if lend => {
                call.lending().lend_future(at)?;
                at
            }
            ResourceId::Future(_) => at,
            ResourceId::Own { .. } if lend => handles.lend(call.lending(), at, from, to)?,
            ResourceId::Own { .. } => handles.give(at, from, to)?,
        };
        set(results, given);
        Ok(())
    })?;
    Ok(())
}

/// One component instance calls another.
pub(super) fn enter(linker: &mut Linker<StoreData>, (module, name): (&str, &str), host: &HostImport) -> Done {
    linker.func_new(module, name, host.ty.clone(), |mut caller, _, _| {
        caller.data_mut().call.lending().enter();
        Ok(())
    })?;
    Ok(())
}

/// The call has returned.
pub(super) fn exit(linker: &mut Linker<StoreData>, (module, name): (&str, &str), host: &HostImport) -> Done {
    linker.func_new(module, name, host.ty.clone(), |mut caller, _, _| {
        let StoreData { handles, call, .. } = caller.data_mut();
        handles.exit(call.lending())
    })?;
    Ok(())
}

/// Traps.
pub(super) fn fail(linker: &mut Linker<StoreData>, (module, name): (&str, &str), host: &HostImport) -> Done {
    linker.func_new(module, name, host.ty.clone(), move |_, params, _| {
        let why = u8::try_from(number(params, 0)).ok().and_then(Trap::from_u8).map(|trap| trap.to_string());
        let why = why.as_deref().map_or("a trap", |why| why.strip_prefix("wasm trap: ").unwrap_or(why));
        Err(trap(format!("one component of the guest called another against the canonical ABI: {why}")))
    })?;
    Ok(())
}

/// Copies UTF-8 from one memory to another.
pub(super) fn copy_utf8(linker: &mut Linker<StoreData>, (module, name): (&str, &str), host: &HostImport) -> Done {
    let (host, this_ty) = (host.clone(), host.ty.clone());
    linker.func_new(module, name, this_ty, move |mut caller, params, _| {
        let (from, len, to) = (number(params, 0) as usize, number(params, 1) as usize, number(params, 2) as usize);
        charge(&mut caller, len)?;
        let (source, target) = host.memories.ok_or_else(|| trap("a memory that is not there"))?;
        let source = host.memory(&mut caller, source)?;
        let bytes = from.checked_add(len).and_then(|end| host.own(source.data(&caller)).get(from..end));
        let bytes = bytes.ok_or_else(|| trap("a string beyond the end of its memory"))?;
        let interrupts = &caller.data().interrupts;
        let has_stopped = || interrupts.is_stopped();
        let mut text = String::with_capacity(len);
        match Look::new(&has_stopped).text(bytes, |part| text.push_str(part)) {
            Ok(true) => {}
            Ok(false) => {
                return Err(trap("one component of the guest gave another a string that is not valid UTF-8"));
            }
            Err(_) => return Err(interrupts.why()),
        }
        let target = host.memory(&mut caller, target)?;
        let (memory, data) = target.data_and_store_mut(&mut caller);
        let has_stopped = || data.interrupts.is_stopped();
        let memory = host.own_mut(memory, [(to as u32, len)]);
        let place = to.checked_add(len).and_then(|end| memory.get_mut(to..end));
        let place = place.ok_or_else(|| trap("a string beyond the end of its memory"))?;
        let copied = Look::new(&has_stopped).copy(place, text.as_bytes());
        copied.map_err(|_| data.interrupts.why())
    })?;
    Ok(())
}
