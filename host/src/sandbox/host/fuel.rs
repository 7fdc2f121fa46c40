//! What the host does for a guest takes fuel.

use crate::sandbox::data::StoreData;
use wasmtime::Caller;

/// How many bytes the host copies for a guest for one unit of fuel: about what an instruction's time is enough for.
pub(super) const BYTES_PER_FUEL: usize = 8;

/// Charges a guest for what the host copies at its wish. Else it could wait for the same megabytes for months.
pub(super) fn charge(caller: &mut Caller<'_, StoreData>, bytes: usize) -> wasmtime::Result<()> {
    let cost = (bytes / BYTES_PER_FUEL) as u64;
    if cost == 0 {
        return Ok(());
    }
    let fuel = caller.get_fuel()?;
    caller.set_fuel(fuel.saturating_sub(cost))?;
    // One unit more than the limit was given.
    if fuel <= cost { Err(wasmtime::Trap::OutOfFuel.into()) } else { Ok(()) }
}
