//! Numbers that a guest gives a function of the host, and is given.

use wasmtime::Val;

/// A parameter that is a number without a sign.
pub(super) fn number(params: &[Val], at: usize) -> u32 {
    params.get(at).and_then(Val::i32).unwrap_or_default().cast_unsigned()
}

/// Gives the one result.
pub(super) fn set(results: &mut [Val], value: u32) {
    if let Some(result) = results.first_mut() {
        *result = Val::I32(value.cast_signed());
    }
}
