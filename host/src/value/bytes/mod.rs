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
//! the bytes there are, whatever they claim, and goes no deeper than [`MAX_DEPTH`].

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::{Broken, Reader};
pub(crate) use write::{Sink, write, write_length};

use super::Value;
use std::slice;

/// The deepest that values nest which are read. Types, and so the values that calls take and give, nest less deep.
pub(crate) const MAX_DEPTH: u32 = 128;

/// The tags of what is no scalar; those of scalars are in [`scalars`].
mod tag {
    pub(super) const V128: u8 = 12;
    pub(super) const STRING: u8 = 13;
    pub(super) const LIST: u8 = 14;
    pub(super) const RECORD: u8 = 15;
    pub(super) const TUPLE: u8 = 16;
    pub(super) const CASE: u8 = 17;
    pub(super) const CASE_OF: u8 = 18;
    pub(super) const ENUM: u8 = 19;
    pub(super) const NONE: u8 = 20;
    pub(super) const SOME: u8 = 21;
    pub(super) const OK: u8 = 22;
    pub(super) const OK_OF: u8 = 23;
    pub(super) const ERR: u8 = 24;
    pub(super) const ERR_OF: u8 = 25;
    pub(super) const FLAGS: u8 = 26;
    /// What is added to a scalar's tag for a list of such.
    pub(super) const LIST_OF: u8 = 32;
}

/// The scalars that a list holds as they are, with their tags: calls a macro with all of them.
macro_rules! scalars {
    ($with:ident) => {
        $with! {
            I32 i32 0, I64 i64 1, F32 f32 2, F64 f64 3, Bool bool 4, I8 i8 5,
            U8 u8 6, I16 i16 7, U16 u16 8, U32 u32 9, U64 u64 10, Char char 11
        }
    };
}

use scalars;

/// Scalars as bytes.
trait Scalar: Copy {
    /// Of what such a number of bytes is made of.
    type Bytes: AsRef<[u8]>;

    fn to_bytes(self) -> Self::Bytes;

    /// None if there is no such scalar.
    fn from_bytes(bytes: Self::Bytes) -> Option<Self>;

    /// Writes all, some thousand bytes at a time.
    fn write_all(scalars: &[Self], to: &mut impl Sink);

    /// As many as the bytes hold; none if one of them is no such scalar.
    fn read_all(bytes: &[u8]) -> Option<Vec<Self>>;
}

macro_rules! scalar {
    ($rust:ty, $to:expr, $from:expr, $collect:expr) => {
        impl Scalar for $rust {
            type Bytes = [u8; size_of::<$rust>()];

            #[inline]
            fn to_bytes(self) -> Self::Bytes {
                $to(self)
            }

            #[inline]
            fn from_bytes(bytes: Self::Bytes) -> Option<Self> {
                $from(bytes)
            }

            fn write_all(scalars: &[Self], to: &mut impl Sink) {
                const MANY: usize = 512;
                let mut buffer = [[0; size_of::<$rust>()]; MANY];
                for scalars in scalars.chunks(MANY) {
                    for (place, scalar) in buffer.iter_mut().zip(scalars) {
                        *place = $to(*scalar);
                    }
                    to.put(buffer[..scalars.len()].as_flattened());
                }
            }

            fn read_all(bytes: &[u8]) -> Option<Vec<Self>> {
                $collect(bytes.as_chunks().0.iter())
            }
        }
    };
}

// Every pattern of bits is a number, so that these loops are copies; of the others, each is looked at.
macro_rules! numbers {
    ($($rust:ty)*) => {$(
        scalar!(
            $rust,
            <$rust>::to_le_bytes,
            |bytes| Some(<$rust>::from_le_bytes(bytes)),
            |all: slice::Iter<'_, [u8; size_of::<$rust>()]>| Some(all.map(|bytes| <$rust>::from_le_bytes(*bytes)).collect())
        );
    )*};
}

numbers!(i8 u8 i16 u16 i32 u32 i64 u64 f32 f64);
scalar!(bool, |scalar| [u8::from(scalar)], |[byte]: [u8; 1]| (byte < 2).then_some(byte == 1), |all: slice::Iter<
    '_,
    [u8; 1],
>| all
    .map(|bytes| bool::from_bytes(*bytes))
    .collect());
scalar!(
    char,
    |scalar| u32::from(scalar).to_le_bytes(),
    |bytes| char::from_u32(u32::from_le_bytes(bytes)),
    |all: slice::Iter<'_, [u8; 4]>| all.map(|bytes| char::from_bytes(*bytes)).collect()
);

/// Appends a value's binary form.
pub(crate) fn encode(value: &Value, to: &mut Vec<u8>) {
    write(value, to);
}

/// Reads a value from the front of `from`, which is what is behind it afterwards.
///
/// # Errors
///
/// Where the bytes are those of no value, and why; `from` stays as it was.
pub(crate) fn decode(from: &mut &[u8]) -> Result<Value, Broken> {
    let mut reader = Reader::new(from);
    let value = reader.value()?;
    *from = reader.rest();
    Ok(value)
}
