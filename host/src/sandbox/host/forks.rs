//! `fork`, `wait` and the end of a future, for each function that a guest forks.

use super::fuel::charge;
use super::import::HostImport;
use super::numbers::set;
use crate::error::Error;
use crate::ir::LinkFacts;
use crate::sandbox::data::{StoreData, WasiState};
use crate::sandbox::error::Stop;
use crate::value::{Type, Value, Values};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use wasmtime::{Caller, Linker, Val};

type Done = wasmtime::Result<()>;

pub(super) fn fork(linker: &mut Linker<StoreData>, (module, name): (&str, &str), host: &HostImport, link: u32) -> Done {
    let this = host.clone();
    linker.func_new(module, name, host.ty.clone(), move |mut caller, params, results| {
        set(results, start(&mut caller, &this, link, params)?.cast_unsigned());
        Ok(())
    })?;
    Ok(())
}

/// A fork that returns once the child is complete.
pub(super) fn fork_inline(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    link: u32,
) -> Done {
    let this = Arc::new(host.clone());
    linker.func_new_async(module, name, host.ty.clone(), move |mut caller, params, results| {
        let this = this.clone();
        Box::new(async move {
            let future = start(&mut caller, &this, link, params)?;
            complete(&mut caller, link, future).await?;
            set(results, future.cast_unsigned());
            Ok(())
        })
    })?;
    Ok(())
}

/// `catch`: gives a failure that can be caught as the `err` of a result.
pub(super) fn wait(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    (link, catch): (u32, bool),
) -> Done {
    let this = Arc::new(host.clone());
    linker.func_new_async(module, name, host.ty.clone(), move |mut caller, params, results| {
        let host = this.clone();
        Box::new(async move {
            host.may_fork(&mut caller)?;
            let future = future(params);
            if tell_fuel(&mut caller)? {
                caller.data_mut().futures()?.waits(future);
            }
            complete(&mut caller, link, future).await?;
            let futures = caller.data_mut().futures()?;
            let written = futures.written(future);
            let catches = catch || futures.catches(link);
            if let Some(output) = written {
                charge(&mut caller, output.bytes())?;
                let StoreData { call, world, .. } = caller.data_mut();
                let state = || Box::new(WasiState::new(host.settings.output, world.clone()));
                call.wasi.get_or_insert_with(state).append(&output)?;
            }
            let result = caller.data_mut().futures()?.take(future);
            let LinkFacts { results: plain, caught: caught_types, .. } = host.link(link);
            let types = if catch { caught_types } else { plain };
            let ty = types.as_ref().and_then(|types| types.first());
            let value = if catches { caught(result, ty).map_err(Stop)? } else { tagged(result.map_err(Stop)?, ty) };
            host.give(&mut caller, ty, &value, params, results).await
        })
    })?;
    Ok(())
}

pub(super) fn abandon(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    link: u32,
) -> Done {
    let this = host.clone();
    linker.func_new(module, name, host.ty.clone(), move |mut caller, params, _| {
        this.may_fork(&mut caller)?;
        let future = future(params);
        if caller.data_mut().call.returns_future(future.cast_unsigned()) {
            return Ok(());
        }
        Ok(caller.data_mut().futures()?.abandon(link, future).map_err(Stop)?)
    })?;
    Ok(())
}

/// The number of the future that the guest gives.
fn future(params: &[Val]) -> i32 {
    params.first().and_then(Val::i32).unwrap_or_default()
}

/// Forks, and returns the future's number.
fn start(caller: &mut Caller<'_, StoreData>, host: &HostImport, link: u32, params: &[Val]) -> wasmtime::Result<i32> {
    let args: Values = host.arguments(caller, &host.link(link).params, params)?;
    tell_fuel(caller)?;
    Ok(caller.data_mut().futures()?.fork(link, args).map_err(Stop)?)
}

/// Tells whoever observes the call how much fuel it has left; returns whether anybody does.
#[inline]
fn tell_fuel(caller: &mut Caller<'_, StoreData>) -> wasmtime::Result<bool> {
    if !caller.data_mut().futures()?.observed() {
        return Ok(false);
    }
    // One unit more than the limit was given.
    let fuel = caller.get_fuel()?.saturating_sub(1);
    caller.data_mut().futures()?.at(fuel);
    Ok(true)
}

/// Waits until a future is complete; meanwhile the guest's stack is set aside.
async fn complete(caller: &mut Caller<'_, StoreData>, link: u32, future: i32) -> Done {
    poll_fn(|cx| match caller.data_mut().futures() {
        Ok(futures) => futures.poll_wait(link, future, cx.waker()).map(|waited| waited.map_err(|e| Stop(e).into())),
        Err(error) => Poll::Ready(Err(error)),
    })
    .await
}

/// A child's result as the `ok` of a result, or its failure as the `err`, if it is one that can be caught.
///
/// # Errors
///
/// A failure that cannot be caught.
fn caught(result: Result<Value, Error>, ty: Option<&Type>) -> Result<Value, Error> {
    let ok = match ty {
        Some(Type::Result(types)) => types.0.as_ref(),
        _ => None,
    };
    Ok(Value::Result(match result {
        Ok(value) => Ok(ok.map(|ty| Arc::new(tagged(value, Some(ty))))),
        Err(error) => match error.caught_text() {
            Some(text) => Err(Some(Arc::new(text.into()))),
            None => return Err(error),
        },
    }))
}

/// The value as one of the very type that the guest waits for: a core function's integers have no sign.
fn tagged(value: Value, ty: Option<&Type>) -> Value {
    match ty {
        Some(ty) if ty.is_scalar() => {
            let slots: Values = [value.clone()].into_iter().collect();
            slots.of(std::slice::from_ref(ty)).and_then(|mut values| values.next()).unwrap_or(value)
        }
        _ => value,
    }
}
