//! WASI, answered by purefork itself in a world that stands still.
//!
//! There are four things: stdin, stdout, stderr and, in WASI 0.1, an empty directory `/`. It is there so that a program that
//! opens a file asks for it, and can be told that there is none; without any directory C's library would not ask. Handles
//! of WASI 0.2 are constants. Whatever could be waited for is ready, so that no time passes.
//!
//! All state is `WasiState`: it is made by the first use of WASI in a call, and goes with the call. What is done while an
//! instance is made belongs to no call, and is forgotten.
//!
//! Nothing that a guest gives is trusted: pointers and lengths are checked, and what the host does for them takes fuel.

mod call;
mod paths;
mod preview1;
mod preview2;
#[cfg(test)]
mod tests;

pub(super) use preview2::check;

use super::import::HostImport;
use super::numbers::set;
use crate::error::{Error, ErrorKind};
use crate::ir::CoreType;
use crate::ir::wasi::Function;
use crate::sandbox::data::StoreData;
use crate::sandbox::error::Stop;
use call::{Params, ask, may_call};
use wasmtime::{Linker, Val};

/// The values of parameters of these types, of which those of 64 bits were passed in two halves.
fn joined(types: &[CoreType], params: &[Val]) -> Vec<Val> {
    let mut given = params.iter();
    let mut next = || given.next().copied().unwrap_or(Val::I32(0));
    let joined = types.iter().map(|ty| match ty {
        CoreType::I64 => {
            let [low, high] = [next(), next()].map(|half| u64::from(half.i32().unwrap_or_default().cast_unsigned()));
            Val::I64((low | high << 32).cast_signed())
        }
        _ => next(),
    });
    joined.collect()
}

/// Defines a function of the host's, of WASI's.
pub(super) fn define(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    function: &Function,
) -> wasmtime::Result<()> {
    let (ty, this) = (host.ty.clone(), host.clone());
    match function {
        Function::Preview1(function, edition) => {
            let (function, edition) = (*function, *edition);
            let is_split = ty.params().len() > function.params().len();
            linker.func_new(module, name, ty, move |mut caller, params, results| {
                let joined = is_split.then(|| joined(function.params(), params));
                let params = Params(joined.as_deref().unwrap_or(params));
                let code = ask(&mut caller, &this, |asked| preview1::answer(asked, (function, edition), params))?;
                set(results, code.into());
                Ok(())
            })?;
        }
        Function::Preview2(function, result) => preview2::define(linker, (module, name), host, *function, result)?,
        Function::Drop(resource) => {
            let resource = *resource;
            linker.func_new(module, name, ty, move |mut caller, params, _| {
                may_call(&mut caller, &this)?;
                let state = caller.data_mut().call.wasi.as_deref_mut();
                preview2::end(state, resource, Params(params).u32(0))
            })?;
        }
        Function::Unanswered(name_) => {
            let wanted = name_.clone();
            linker.func_new(module, name, ty, move |_, _, _| {
                let message = format!("the guest called `{wanted}`, which has no answer where WASI is frozen");
                let error = Error::new(ErrorKind::Trap, message);
                Err(Stop(error.with_help("give the function what it needs as an argument")).into())
            })?;
        }
    }
    Ok(())
}
