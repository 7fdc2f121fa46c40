//! Thrift's compact protocol, as far as it has to be read to see that what follows can be read.

use std::fmt;

/// The deepest that columns may nest.
pub(super) const MAX_COLUMN_DEPTH: usize = 64;

/// The deepest that Thrift's own structures may nest; a footer's are 6 deep.
const MAX_THRIFT_DEPTH: usize = 32;

/// Why bytes are not what they say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lie {
    Cut,
    TooDeep,
    Malformed(&'static str),
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lie::Cut => f.write_str("it ends in the middle"),
            Lie::TooDeep => write!(f, "the columns nest more than {MAX_COLUMN_DEPTH} levels deep"),
            Lie::Malformed(why) => f.write_str(why),
        }
    }
}

/// Thrift's types, as they stand in the compact protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
pub(super) const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Bytes that are walked through.
pub(super) struct Walk<'a>(&'a [u8]);

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Walk<'a> {
        Walk(bytes)
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    fn byte(&mut self) -> Result<u8, Lie> {
        let (&byte, rest) = self.0.split_first().ok_or(Lie::Cut)?;
        self.0 = rest;
        Ok(byte)
    }

    fn advance(&mut self, bytes: usize) -> Result<(), Lie> {
        self.0 = self.0.get(bytes..).ok_or(Lie::Cut)?;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, Lie> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Lie::Malformed("a number has too many digits"))
    }

    /// How many: there cannot be more than there are bytes.
    fn count(&mut self) -> Result<usize, Lie> {
        let count = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        if count > self.0.len() { Err(Lie::Cut) } else { Ok(count) }
    }

    /// The next field of a structure: its number, counted on from `last`, and its type; none at the end.
    pub(super) fn field(&mut self, last: &mut i64) -> Result<Option<u8>, Lie> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        *last = match byte >> 4 {
            0 => {
                let zigzag = self.varint()?;
                ((zigzag >> 1) as i64) ^ -((zigzag & 1) as i64)
            }
            delta => last.wrapping_add(delta.into()),
        };
        Ok(Some(byte & 0xf))
    }

    /// How many elements a list has, and of which type.
    pub(super) fn list(&mut self) -> Result<(usize, u8), Lie> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.count()?,
            count => count.into(),
        };
        Ok((count, byte & 0xf))
    }

    pub(super) fn skip(&mut self, ty: u8, in_list: bool, depth: usize) -> Result<(), Lie> {
        if depth > MAX_THRIFT_DEPTH {
            return Err(Lie::Malformed("the structures nest too deep"));
        }
        match ty {
            // Of a field, it is in the type.
            TRUE | FALSE if !in_list => Ok(()),
            TRUE | FALSE | BYTE => self.advance(1),
            I16 | I32 | I64 => self.varint().map(|_| ()),
            DOUBLE => self.advance(8),
            UUID => self.advance(16),
            BINARY => {
                let bytes = self.count()?;
                self.advance(bytes)
            }
            LIST | SET => {
                let (count, ty) = self.list()?;
                (0..count).try_for_each(|_| self.skip(ty, true, depth + 1))
            }
            MAP => {
                let count = self.count()?;
                if count == 0 {
                    return Ok(());
                }
                let types = self.byte()?;
                for _ in 0..count {
                    self.skip(types >> 4, true, depth + 1)?;
                    self.skip(types & 0xf, true, depth + 1)?;
                }
                Ok(())
            }
            STRUCT => {
                let mut last = 0;
                while let Some(ty) = self.field(&mut last)? {
                    self.skip(ty, false, depth + 1)?;
                }
                Ok(())
            }
            _ => Err(Lie::Malformed("there is a value of a type that is none")),
        }
    }

    /// A number of 32 bits; none if it is below zero.
    pub(super) fn count_i32(&mut self) -> Result<Option<usize>, Lie> {
        let zigzag = self.varint()?;
        Ok(if zigzag & 1 == 1 { None } else { Some(usize::try_from(zigzag >> 1).unwrap_or(usize::MAX)) })
    }
}
