//! What a file's footer is checked for before it is read.
//!
//! The reader builds the columns' types by recursion, as deep as the footer says that they nest: a file of some kilobytes could use up
//! the stack, which ends the process. So the footer, which is a structure in Thrift's compact protocol, is walked here, without recursion beyond a
//! bound, and the depth of the columns is counted.

use std::fmt;

/// The deepest that columns may nest.
const MAX_COLUMN_DEPTH: usize = 64;

/// The deepest that Thrift's own structures may nest; a footer's are 6 deep.
const MAX_THRIFT_DEPTH: usize = 32;

/// The most columns, and groups of them.
const MAX_ELEMENTS: usize = 1 << 20;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lie {
    Cut,
    TooDeep,
    Malformed(&'static str),
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lie::Cut => f.write_str("the footer ends in the middle"),
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
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

struct Walk<'a>(&'a [u8]);

impl Walk<'_> {
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
        Err(Lie::Malformed("a number in the footer has too many digits"))
    }

    /// How many: there cannot be more than there are bytes.
    fn count(&mut self) -> Result<usize, Lie> {
        let count = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        if count > self.0.len() { Err(Lie::Cut) } else { Ok(count) }
    }

    /// The next field of a structure: its number, counted on from `last`, and its type; none at the end.
    fn field(&mut self, last: &mut i64) -> Result<Option<u8>, Lie> {
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
    fn list(&mut self) -> Result<(usize, u8), Lie> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.count()?,
            count => count.into(),
        };
        Ok((count, byte & 0xf))
    }

    fn skip(&mut self, ty: u8, in_list: bool, depth: usize) -> Result<(), Lie> {
        if depth > MAX_THRIFT_DEPTH {
            return Err(Lie::Malformed("the footer's own structures nest too deep"));
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
            _ => Err(Lie::Malformed("the footer has a value of a type that is none")),
        }
    }

    /// How many children an element of the schema has.
    fn element(&mut self) -> Result<usize, Lie> {
        let (mut last, mut children) = (0, 0);
        while let Some(ty) = self.field(&mut last)? {
            if last == 5 && ty == I32 {
                let zigzag = self.varint()?;
                if zigzag & 1 == 1 {
                    return Err(Lie::Malformed("a group of columns has fewer than none"));
                }
                children = usize::try_from(zigzag >> 1).unwrap_or(usize::MAX);
            } else {
                self.skip(ty, false, 1)?;
            }
        }
        Ok(children)
    }

    /// The columns, as they stand: each group before what is in it.
    fn schema(&mut self) -> Result<(), Lie> {
        let (count, ty) = self.list()?;
        if ty != STRUCT || count > MAX_ELEMENTS {
            return Err(Lie::Malformed("the footer's schema is none"));
        }
        // How many children are to come, of each group that is open.
        let mut open: Vec<usize> = Vec::new();
        for _ in 0..count {
            while open.pop_if(|left| *left == 0).is_some() {}
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            let children = self.element()?;
            if children > 0 {
                open.push(children);
            }
            if open.len() > MAX_COLUMN_DEPTH {
                return Err(Lie::TooDeep);
            }
        }
        if open.iter().any(|left| *left > 0) {
            return Err(Lie::Malformed("the footer's schema has fewer columns than it says"));
        }
        Ok(())
    }
}

/// Walks a footer, which is `FileMetaData` in Thrift's compact protocol.
pub(super) fn check(footer: &[u8]) -> Result<(), Lie> {
    let mut walk = Walk(footer);
    let mut last = 0;
    while let Some(ty) = walk.field(&mut last)? {
        if last == 2 && ty == LIST {
            walk.schema()?;
        } else {
            walk.skip(ty, false, 0)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer with a schema of nested groups, each with one child.
    fn nested(depth: u8) -> Vec<u8> {
        let mut footer = vec![0x15, 0x02, 0x19, 0xfc, depth];
        for at in 1..=depth {
            footer.extend(if at < depth { vec![0x55, 0x02, 0x00] } else { vec![0x15, 0x02, 0x00] });
        }
        footer.push(0);
        footer
    }

    #[test]
    fn columns_that_nest_too_deep_are_refused_before_they_are_read() {
        assert_eq!(check(&nested(64)), Ok(()));
        assert_eq!(check(&nested(120)), Err(Lie::TooDeep));
    }

    #[test]
    fn a_footer_that_is_cut_anywhere_is_refused() {
        let footer = nested(8);
        for len in 0..footer.len() {
            assert!(check(&footer[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn counts_beyond_the_footer_are_refused_at_once() {
        assert_eq!(check(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(Lie::Cut));
        assert_eq!(check(&[0x18, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(Lie::Cut));
        assert_eq!(check(&[0x1b, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(Lie::Cut));
    }

    #[test]
    fn structures_in_structures_without_end_are_refused() {
        assert_eq!(check(&[0x1c; 1000]), Err(Lie::Malformed("the footer's own structures nest too deep")));
    }
}
