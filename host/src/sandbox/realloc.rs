//! Room that a guest makes in its memory for values.

use super::error::trap;
use crate::abi::Space;

/// What `realloc` is given for new room.
pub(super) fn realloc_args(space: Space) -> wasmtime::Result<[u32; 4]> {
    let size = u32::try_from(space.size).map_err(|_| trap("a value of more than 4 GiB"))?;
    Ok([0, 0, space.align as u32, size])
}

/// The room that a guest has made, if it is aligned. That it is within memory is seen when it is written to.
pub(super) fn checked_place(at: u32, space: Space) -> wasmtime::Result<u32> {
    if (at as usize).is_multiple_of(space.align) {
        return Ok(at);
    }
    Err(trap(format!("the guest made room at address {at}, which is not a multiple of {}", space.align)))
}
