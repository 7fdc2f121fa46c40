//! What a guest imports: `fork` and `wait`, one pair per forked function.

use super::call::Call;
use super::frame::Frame;
use crate::audit::{Facts, LinkFacts};
use crate::error::{Error, ErrorKind};
use crate::sandbox::{Room, Stop, from_val, to_val};
use crate::value::{Type, Values};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use wasmtime::{Caller, Engine, FuncType, Linker, Val, ValType};

/// Defines the imports of a module. `inline`: a fork returns once the child is complete.
pub(super) fn define(
    facts: &Facts,
    inline: bool,
    engine: &Engine,
    linker: &mut Linker<Room<Frame>>,
) -> wasmtime::Result<()> {
    for (number, link) in (0..).zip(&facts.forks) {
        if inline {
            define_inline_fork(number, link, engine, linker)?;
        } else {
            define_fork(number, link, engine, linker)?;
        }
        if let Some(results) = &link.results {
            define_wait(number, link, results, engine, linker)?;
        }
    }
    Ok(())
}

fn define_fork(
    number: u32,
    link: &LinkFacts,
    engine: &Engine,
    linker: &mut Linker<Room<Frame>>,
) -> wasmtime::Result<()> {
    linker.func_new("fork", &link.name, fork_type(engine, link), move |mut caller, params, results| {
        let (future, _) = fork(&mut caller, number, params)?;
        set(results, [Val::I32(future.cast_signed())]);
        Ok(())
    })?;
    Ok(())
}

fn define_inline_fork(
    number: u32,
    link: &LinkFacts,
    engine: &Engine,
    linker: &mut Linker<Room<Frame>>,
) -> wasmtime::Result<()> {
    linker.func_new_async("fork", &link.name, fork_type(engine, link), move |mut caller, params, results| {
        Box::new(async move {
            let (future, child) = fork(&mut caller, number, params)?;
            complete(&child).await;
            set(results, [Val::I32(future.cast_signed())]);
            Ok(())
        })
    })?;
    Ok(())
}

fn define_wait(
    number: u32,
    link: &LinkFacts,
    results: &[Type],
    engine: &Engine,
    linker: &mut Linker<Room<Frame>>,
) -> wasmtime::Result<()> {
    let ty = FuncType::new(engine, [ValType::I32], results.iter().map(|&ty| val_type(ty)));
    linker.func_new_async("wait", &link.name, ty, move |mut caller, params, results| {
        Box::new(async move {
            let future = params.first().and_then(Val::i32).unwrap_or_default();
            let child = caller.data().carried.future(number, future).map_err(Stop)?;
            complete(&child).await;
            let value = caller.data_mut().carried.take(future).map_err(Stop)?;
            set(results, value.as_results().iter().filter_map(to_val));
            Ok(())
        })
    })?;
    Ok(())
}

fn fork(caller: &mut Caller<'_, Room<Frame>>, number: u32, params: &[Val]) -> wasmtime::Result<(u32, Arc<Call>)> {
    let args: Option<Values> = params.iter().map(from_val).collect();
    // Parameters of an import are numbers: the audit refuses others.
    let args = args.ok_or_else(|| Stop(Error::new(ErrorKind::Trap, "`fork` was given a reference")))?;
    Ok(caller.data_mut().carried.fork(number, args).map_err(Stop)?)
}

/// Waits until the call is complete; meanwhile the guest's stack is set aside.
async fn complete(call: &Arc<Call>) {
    poll_fn(|cx| if call.cell.wake(cx.waker()) { Poll::Pending } else { Poll::Ready(()) }).await;
}

fn set(results: &mut [Val], values: impl IntoIterator<Item = Val>) {
    for (result, value) in results.iter_mut().zip(values) {
        *result = value;
    }
}

fn fork_type(engine: &Engine, link: &LinkFacts) -> FuncType {
    FuncType::new(engine, link.params.iter().map(|&ty| val_type(ty)), [ValType::I32])
}

fn val_type(ty: Type) -> ValType {
    match ty {
        Type::I32 => ValType::I32,
        Type::I64 => ValType::I64,
        Type::F32 => ValType::F32,
        Type::F64 => ValType::F64,
        Type::V128 => ValType::V128,
    }
}
