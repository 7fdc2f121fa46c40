//! JSON text, with a limit.

use crate::error::RowError;
use purefork::Value;

/// The most bytes of one result's text. A record has its fields' names each time, so that a guest could have the host write a
/// hundred times what its memory holds.
pub(crate) const MOST_TEXT: usize = 256 << 20;

/// Appends the value's JSON text. The result of a function without one is null: the caller knows.
///
/// # Errors
///
/// If it is too long; then nothing is appended.
pub(crate) fn write(value: &Value, to: &mut Vec<u8>) -> Result<(), RowError> {
    if value.write_json(to, MOST_TEXT) { Ok(()) } else { Err(too_long()) }
}

/// The error of a result whose text is too long.
pub(crate) fn too_long() -> RowError {
    RowError::output(format!("its text would be longer than {MOST_TEXT} bytes"))
}

/// Appends a text as a JSON string.
pub(crate) fn write_string(text: &str, to: &mut Vec<u8>) {
    // Writing into a vector does not fail.
    let _ = serde_json::to_writer(to, text);
}
