//! The binary form of values: what is stored, compared between machines, and digested.
//!
//! It says of itself what it is, and has one form for each value: equal values give equal bytes, and different ones different bytes.
//! The only exception are empty lists, which keep what they are held as. A tag of one byte says what follows; numbers are
//! little-endian and of fixed width, so NaNs keep their bits; lengths and numbers of names are unsigned LEB128.
//!
//! | tag | value | what follows |
//! | --- | --- | --- |
//! | 0–11 | `i32` `i64` `f32` `f64` `bool` `i8` `u8` `i16` `u16` `u32` `u64` `char` | its 1, 2, 4 or 8 bytes |
//! | 12 | `v128` | 16 bytes |
//! | 13 | string | length, UTF-8 |
//! | 14 | list of values | length, values |
//! | 15 | record | length, then a name and a value each |
//! | 16 | tuple | length, values |
//! | 17, 18 | variant's case without and with a value | name, value |
//! | 19 | enum's case | name |
//! | 20, 21 | option: none, some | value |
//! | 22, 23 | result: `ok` without and with a value | value |
//! | 24, 25 | result: `err` without and with a value | value |
//! | 26 | flags | length, names |
//! | 32–43 | list of the scalar whose tag is 32 less | length, the elements' bytes |
//!
//! A name is its length plus one, and UTF-8; a name that came before in the same value is a 0, and its number in the order of first
//! use. So a list of a million records names their fields once, and what is read shares the names as what was written did.
//!
//! What is read may come from anywhere. Only what would be written so is read. Reading takes no more memory than some fifty times
//! the bytes there are, whatever they claim, and goes no deeper than [`form::MAX_DEPTH`].

mod form;
mod read;
mod sink;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::{Broken, Reader};
pub(crate) use sink::{Sink, write_length};
pub(crate) use write::write;

use super::Value;

/// Appends a value's binary form.
pub(crate) fn encode(value: &Value, to: &mut Vec<u8>) {
    write(value, to);
}

/// Reads a value from the front of `from`, which is what is behind it afterwards.
///
/// # Errors
///
/// Where the bytes are those of no value, and why; `from` stays as it was.
#[allow(dead_code, reason = "the tests' half of `encode`; what stores values reads more than one")]
pub(crate) fn decode(from: &mut &[u8]) -> Result<Value, Broken> {
    let mut reader = Reader::new(from);
    let value = reader.value()?;
    *from = reader.rest();
    Ok(value)
}
