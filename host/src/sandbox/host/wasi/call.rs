//! One call of WASI: what the guest gives, and what is needed to answer.

use crate::abi::{Look, Stopped};
use crate::sandbox::data::{StoreData, WasiState};
use crate::sandbox::error::trap;
use crate::sandbox::guest_memory::GuestMemoryMut;
use crate::sandbox::host::fuel::BYTES_PER_FUEL;
use crate::sandbox::host::import::HostImport;
use wasmtime::{Caller, Extern, Memory, Trap, Val};

/// How much fuel a call of WASI takes beside what it copies: about what it takes the host.
const CALL: u64 = 100;

/// What a call of WASI may still use.
pub(super) struct Meter {
    pub(super) fuel: u64,
}

impl Meter {
    /// Charges for so many bytes that the host is about to read, write or copy.
    pub(super) fn bytes(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.fuel(bytes as u64 / BYTES_PER_FUEL as u64)
    }

    pub(super) fn fuel(&mut self, units: u64) -> wasmtime::Result<()> {
        match self.fuel.checked_sub(units) {
            // One unit more than the limit was given.
            Some(fuel @ 1..) => {
                self.fuel = fuel;
                Ok(())
            }
            _ => {
                self.fuel = 0;
                Err(Trap::OutOfFuel.into())
            }
        }
    }
}

/// What a guest gives a function: its core values.
#[derive(Clone, Copy)]
pub(super) struct Params<'a>(pub(super) &'a [Val]);

impl Params<'_> {
    pub(super) fn u32(self, at: usize) -> u32 {
        self.0.get(at).and_then(Val::i32).unwrap_or_default().cast_unsigned()
    }

    pub(super) fn u64(self, at: usize) -> u64 {
        self.0.get(at).and_then(Val::i64).unwrap_or_default().cast_unsigned()
    }
}

/// What a function needs to answer.
pub(super) struct WasiCall<'a> {
    pub(super) memory: GuestMemoryMut<'a>,
    /// Whether there is a memory at all, as WASI 0.1 wants it.
    pub(super) has_memory: bool,
    pub(super) state: &'a mut WasiState,
    pub(super) meter: &'a mut Meter,
    pub(super) look: Look<'a>,
}

/// Answers a guest: with its memory and its state, for fuel.
pub(super) fn ask<R>(
    caller: &mut Caller<'_, StoreData>,
    host: &HostImport,
    answer: impl FnOnce(&mut WasiCall<'_>) -> wasmtime::Result<R>,
) -> wasmtime::Result<R> {
    may_call(caller, host)?;
    let mut meter = Meter { fuel: caller.get_fuel()? };
    let memory = memory(caller, host)?;
    let (limit, has_memory) = (host.settings.output, memory.is_some());
    let (bytes, data) = match &memory {
        Some(memory) => memory.data_and_store_mut(&mut *caller),
        None => (Default::default(), caller.data_mut()),
    };
    let bytes = host.to_write(bytes);
    let StoreData { interrupts, call, world, .. } = data;
    let state = call.wasi.get_or_insert_with(|| Box::new(WasiState::new(limit, world.clone())));
    let has_stopped = || interrupts.is_stopped();
    let look = Look::new(&has_stopped);
    let result = meter
        .fuel(CALL)
        .and_then(|()| answer(&mut WasiCall { memory: bytes, has_memory, state, meter: &mut meter, look }));
    let result = result.map_err(|error| if error.is::<Stopped>() { interrupts.why() } else { error });
    caller.set_fuel(meter.fuel)?;
    result
}

pub(super) fn may_call(caller: &mut Caller<'_, StoreData>, host: &HostImport) -> wasmtime::Result<()> {
    host.may_leave(caller).map_err(|_| {
        trap("the guest called WASI while it made room for values or freed them, which a component must not")
    })
}

/// The memory that a function reads and writes, if it is one that does.
fn memory(caller: &mut Caller<'_, StoreData>, host: &HostImport) -> wasmtime::Result<Option<Memory>> {
    let Some(number) = host.wanted_memory() else { return Ok(None) };
    // While a core module is instantiated, its instance is not yet among those that are made.
    let found = host.memory(caller, number).ok();
    let found = found.or_else(|| caller.get_export("memory").and_then(Extern::into_memory));
    found.map(Some).ok_or_else(|| trap("the guest called WASI before its memory was there"))
}
