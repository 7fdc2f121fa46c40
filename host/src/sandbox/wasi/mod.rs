//! WASI, answered by purefork itself in a world that stands still.
//!
//! There are four things: stdin, stdout, stderr and, in WASI 0.1, an empty directory `/`. It is there so that a program that
//! opens a file asks for it, and can be told that there is none; without any directory C's library would not ask. Handles
//! of WASI 0.2 are constants. Whatever could be waited for is ready, so that no time passes.
//!
//! All state is [`State`]: it is made by the first use of WASI in a call, and goes with the call. What is done while an
//! instance is made belongs to no call, and is forgotten.
//!
//! Nothing that a guest gives is trusted: pointers and lengths are checked, and what the host does for them takes fuel.

mod preview1;
mod preview2;
mod random;
mod state;
#[cfg(test)]
mod tests;

pub(super) use preview2::check;
pub(crate) use state::{Exit, State};

use super::host::{Host, is_stopped, stopped, trap};
use super::parts::Own;
use super::{Carried, Room, Stop};
use crate::abi::{Look, Stopped};
use crate::error::{Error, ErrorKind};
use crate::ir::HostFunctionKind;
use crate::ir::wasi::Function;
use wasmtime::{Caller, Extern, Linker, Memory, Trap, Val};

/// How much fuel a call of WASI takes beside what it copies: about what it takes the host.
const CALL: u64 = 100;

/// Of a second.
const NANOSECONDS: u64 = 1_000_000_000;

/// What a call of WASI may still use.
pub(super) struct Meter {
    fuel: u64,
}

impl Meter {
    /// Charges for so many bytes that the host is about to read, write or copy.
    fn bytes(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.fuel(bytes as u64 / super::host::BYTES_PER_FUEL as u64)
    }

    fn fuel(&mut self, units: u64) -> wasmtime::Result<()> {
        match self.fuel.checked_sub(units) {
            Some(fuel) => {
                self.fuel = fuel;
                Ok(())
            }
            None => {
                self.fuel = 0;
                Err(Trap::OutOfFuel.into())
            }
        }
    }
}

/// What a guest gives a function: its core values.
#[derive(Clone, Copy)]
struct Params<'a>(&'a [Val]);

impl Params<'_> {
    fn u32(self, at: usize) -> u32 {
        self.0.get(at).and_then(Val::i32).unwrap_or_default().cast_unsigned()
    }

    fn u64(self, at: usize) -> u64 {
        self.0.get(at).and_then(Val::i64).unwrap_or_default().cast_unsigned()
    }
}

/// What a function needs to answer.
struct Asked<'a> {
    memory: Own<'a>,
    /// Whether there is a memory at all, as WASI 0.1 wants it.
    has_memory: bool,
    state: &'a mut State,
    meter: &'a mut Meter,
    look: Look<'a>,
}

/// Defines a function of the host's, if it is one of WASI's.
pub(super) fn define<D: Carried>(
    linker: &mut Linker<Room<D>>,
    (module, name): (&str, &str),
    host: &Host,
) -> wasmtime::Result<bool> {
    let HostFunctionKind::Wasi(function) = &host.what else { return Ok(false) };
    let (ty, this) = (host.ty.clone(), host.clone());
    match function {
        Function::Preview1(function) => {
            let function = *function;
            linker.func_new(module, name, ty, move |mut caller, params, results| {
                let code = ask(&mut caller, &this, |asked| preview1::answer(asked, function, Params(params)))?;
                if let Some(result) = results.first_mut() {
                    *result = Val::I32(code.into());
                }
                Ok(())
            })?;
        }
        Function::Preview2(function, result) => preview2::define(linker, (module, name), host, *function, result)?,
        Function::Drop(resource) => {
            let resource = *resource;
            linker.func_new(module, name, ty, move |mut caller, params, _| {
                may_call(&mut caller, &this)?;
                preview2::check(resource, Params(params).u32(0))
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
    Ok(true)
}

/// Answers a guest: with its memory and its state, for fuel.
fn ask<D: Carried, R>(
    caller: &mut Caller<'_, Room<D>>,
    host: &Host,
    answer: impl FnOnce(&mut Asked<'_>) -> wasmtime::Result<R>,
) -> wasmtime::Result<R> {
    may_call(caller, host)?;
    let mut meter = Meter { fuel: caller.get_fuel()? };
    let memory = memory(caller, host)?;
    let (limit, has_memory) = (host.output, memory.is_some());
    let (bytes, room) = match &memory {
        Some(memory) => memory.data_and_store_mut(&mut *caller),
        None => (Default::default(), caller.data_mut()),
    };
    let bytes = host.to_write(bytes);
    let Room { carried, call, .. } = room;
    let state = call.wasi.get_or_insert_with(|| Box::new(State::new(limit)));
    let has_stopped = || is_stopped(carried);
    let look = Look::new(&has_stopped);
    let result = meter
        .fuel(CALL)
        .and_then(|()| answer(&mut Asked { memory: bytes, has_memory, state, meter: &mut meter, look }));
    let result = result.map_err(|error| if error.is::<Stopped>() { stopped(carried) } else { error });
    caller.set_fuel(meter.fuel)?;
    result
}

fn may_call<D: Carried>(caller: &mut Caller<'_, Room<D>>, host: &Host) -> wasmtime::Result<()> {
    host.may_leave(caller).map_err(|_| {
        trap("the guest called WASI while it made room for values or freed them, which a component must not")
    })
}

/// The memory that a function reads and writes, if it is one that does.
fn memory<D: Carried>(caller: &mut Caller<'_, Room<D>>, host: &Host) -> wasmtime::Result<Option<Memory>> {
    let Some(number) = host.wanted_memory() else { return Ok(None) };
    // While a core module is instantiated, its instance is not yet among those that are made.
    let found = host.memory(caller, number).ok();
    let found = found.or_else(|| caller.get_export("memory").and_then(Extern::into_memory));
    found.map(Some).ok_or_else(|| trap("the guest called WASI before its memory was there"))
}
