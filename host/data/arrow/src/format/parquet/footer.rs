//! What a file's footer is checked for before it is read.
//!
//! The reader builds the columns' types by recursion, as deep as the footer says that they nest: a file of some kilobytes could use up
//! the stack, which ends the process. So the footer, which is a structure in Thrift's compact protocol, is walked here, without recursion beyond a
//! bound, and the depth of the columns is counted.

use super::thrift::{I32, LIST, Lie, MAX_COLUMN_DEPTH, STRUCT, Walk};

/// The most columns, and groups of them.
const MAX_ELEMENTS: usize = 1 << 20;

impl Walk<'_> {
    /// How many children an element of the schema has.
    fn element(&mut self) -> Result<usize, Lie> {
        let (mut last, mut children) = (0, 0);
        while let Some(ty) = self.field(&mut last)? {
            if last == 5 && ty == I32 {
                children = self.count_i32()?.ok_or(Lie::Malformed("a group of columns has fewer than none"))?;
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
    let mut walk = Walk::new(footer);
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
        assert_eq!(check(&[0x1c; 1000]), Err(Lie::Malformed("the structures nest too deep")));
    }
}
