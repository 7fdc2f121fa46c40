//! What a guest imports: `fork` and `wait`, one pair per forked function.

use super::call::Call;
use super::frame::Frame;
use crate::error::Error;
use crate::ir::HostFunctionKind;
use crate::ir::{Facts, LinkFacts};
use crate::sandbox::{Host, Room, Stop};
use crate::value::{Type, Value, Values};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use wasmtime::{Caller, Linker, Val};

type Defined = wasmtime::Result<()>;

/// Defines a function of the host's, under a name. `inline`: a fork returns once the child is complete.
pub(super) fn define(
    facts: &Arc<Facts>,
    inline: bool,
    linker: &mut Linker<Room<Frame>>,
    name: (&str, &str),
    host: &Host,
) -> Defined {
    match host.what {
        HostFunctionKind::Fork(link) if inline => define_inline_fork(facts, link, linker, name, host),
        HostFunctionKind::Fork(link) => define_fork(facts, link, linker, name, host),
        HostFunctionKind::Wait { link, catch } => define_wait(facts, link, catch, linker, name, host),
        HostFunctionKind::Abandon(link) => define_abandon(link, linker, name, host),
        _ => wasmtime::bail!("a function of the host's that is not known here"),
    }
}

fn define_fork(
    facts: &Arc<Facts>,
    number: u32,
    linker: &mut Linker<Room<Frame>>,
    (module, name): (&str, &str),
    host: &Host,
) -> Defined {
    let (facts, this) = (facts.clone(), host.clone());
    linker.func_new(module, name, host.ty.clone(), move |mut caller, params, results| {
        let (future, _) = fork(&mut caller, &this, &facts.forks[number as usize], number, params)?;
        set(results, future);
        Ok(())
    })?;
    Ok(())
}

fn define_inline_fork(
    facts: &Arc<Facts>,
    number: u32,
    linker: &mut Linker<Room<Frame>>,
    (module, name): (&str, &str),
    host: &Host,
) -> Defined {
    let (facts, this) = (facts.clone(), host.clone());
    linker.func_new_async(module, name, host.ty.clone(), move |mut caller, params, results| {
        let (facts, this) = (facts.clone(), this.clone());
        Box::new(async move {
            let (future, child) = fork(&mut caller, &this, &facts.forks[number as usize], number, params)?;
            complete(&child).await;
            set(results, future);
            Ok(())
        })
    })?;
    Ok(())
}

fn define_wait(
    facts: &Arc<Facts>,
    number: u32,
    catch: bool,
    linker: &mut Linker<Room<Frame>>,
    (module, name): (&str, &str),
    host: &Host,
) -> Defined {
    let shared = Arc::new((facts.clone(), host.clone()));
    linker.func_new_async(module, name, host.ty.clone(), move |mut caller, params, results| {
        let shared = shared.clone();
        Box::new(async move {
            let (facts, host) = &*shared;
            host.may_fork(&mut caller)?;
            let link = &facts.forks[number as usize];
            let future = params.first().and_then(Val::i32).unwrap_or_default();
            let child = caller.data().carried.future(number, future).map_err(Stop)?;
            complete(&child).await;
            if let Some(child) = caller.data().carried.wrote(future)
                && let Some(output) = child.output()
            {
                host.append(&mut caller, output)?;
            }
            let result = caller.data_mut().carried.take(future);
            let types = if catch { &link.caught } else { &link.results };
            let ty = types.as_ref().and_then(|types| types.first());
            let value = if caller.data().carried.catches(number, catch) {
                caught(result, ty).map_err(Stop)?
            } else {
                tagged(result.map_err(Stop)?, ty)
            };
            host.give(&mut caller, ty, &value, params, results).await
        })
    })?;
    Ok(())
}

fn define_abandon(number: u32, linker: &mut Linker<Room<Frame>>, (module, name): (&str, &str), host: &Host) -> Defined {
    let this = host.clone();
    linker.func_new(module, name, host.ty.clone(), move |mut caller, params, _| {
        this.may_fork(&mut caller)?;
        let future = params.first().and_then(Val::i32).unwrap_or_default();
        if this.returns_future(&mut caller, future) {
            return Ok(());
        }
        let dropped = caller.data_mut().carried.forget(number, future);
        Ok(dropped.map_err(Stop)?)
    })?;
    Ok(())
}

fn fork(
    caller: &mut Caller<'_, Room<Frame>>,
    host: &Host,
    link: &LinkFacts,
    number: u32,
    params: &[Val],
) -> wasmtime::Result<(u32, Arc<Call>)> {
    let args = host.arguments(caller, &link.params, params)?;
    Ok(caller.data_mut().carried.fork(number, args).map_err(Stop)?)
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

/// Waits until the call is complete; meanwhile the guest's stack is set aside.
async fn complete(call: &Arc<Call>) {
    let mut place = None;
    poll_fn(|cx| if call.cell.wake(&mut place, cx.waker()) { Poll::Pending } else { Poll::Ready(()) }).await;
}

fn set(results: &mut [Val], future: u32) {
    if let Some(result) = results.first_mut() {
        *result = Val::I32(future.cast_signed());
    }
}
