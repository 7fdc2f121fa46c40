//! What the form is made of: tags, and scalars as bytes.

use super::sink::Sink;
use std::slice;

/// The deepest that values nest which are read. Types, and so the values that calls take and give, nest less deep.
pub(super) const MAX_DEPTH: u32 = 128;

/// The tags of what is no scalar; those of scalars are in [`scalars`].
pub(super) mod tag {
    pub(in super::super) const V128: u8 = 12;
    pub(in super::super) const STRING: u8 = 13;
    pub(in super::super) const LIST: u8 = 14;
    pub(in super::super) const RECORD: u8 = 15;
    pub(in super::super) const TUPLE: u8 = 16;
    pub(in super::super) const CASE: u8 = 17;
    pub(in super::super) const CASE_OF: u8 = 18;
    pub(in super::super) const ENUM: u8 = 19;
    pub(in super::super) const NONE: u8 = 20;
    pub(in super::super) const SOME: u8 = 21;
    pub(in super::super) const OK: u8 = 22;
    pub(in super::super) const OK_OF: u8 = 23;
    pub(in super::super) const ERR: u8 = 24;
    pub(in super::super) const ERR_OF: u8 = 25;
    pub(in super::super) const FLAGS: u8 = 26;
    /// What is added to a scalar's tag for a list of such.
    pub(in super::super) const LIST_OF: u8 = 32;
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

pub(super) use scalars;

/// Scalars as bytes.
pub(super) trait Scalar: Copy {
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
