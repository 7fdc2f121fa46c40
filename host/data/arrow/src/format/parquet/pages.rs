//! What the pages of a column are checked for before they are read.
//!
//! A page says how large it is when it is decompressed, and the reader asks for as much memory: a few bytes could have it ask for two
//! gigabytes, and have them filled. So the headers of pages, which are structures in Thrift's compact protocol, are walked here first.

use super::thrift::{I32, Lie, STRUCT, Walk};
use crate::format::file::SharedFile;
use std::io;
use std::ops::Range;

/// What any page may have, decompressed.
const SMALL: usize = 64 << 20;

/// How many times larger than its compressed bytes a larger page may be.
const RATIO: usize = 1024;

/// The most bytes of a header: it may have the least and the greatest value of the page.
const MAX_HEADER: usize = 16 << 20;

/// Walks the headers of a column's pages, which lie in a range of the file and have so many values: what is behind those is not read.
pub(super) fn check(file: &SharedFile, range: Range<u64>, values: u64) -> io::Result<Result<(), String>> {
    let (mut at, mut left) = (range.start, values);
    while at < range.end && left > 0 {
        let header = match header(file, at, range.end)? {
            Ok(header) => header,
            Err(lie) => return Ok(Err(format!("the page at byte {at} has no header: {lie}"))),
        };
        let Header { bytes, compressed, decompressed, values } = header;
        if decompressed > SMALL && decompressed / RATIO > compressed {
            return Ok(Err(format!(
                "the page at byte {at} says that its {compressed} bytes are {decompressed} decompressed: write smaller pages"
            )));
        }
        left = left.saturating_sub(values as u64);
        at = at.saturating_add(bytes as u64).saturating_add(compressed as u64);
    }
    Ok(Ok(()))
}

struct Header {
    bytes: usize,
    compressed: usize,
    decompressed: usize,
    /// Of a dictionary, none.
    values: usize,
}

fn header(file: &SharedFile, at: u64, end: u64) -> io::Result<Result<Header, Lie>> {
    let mut size = 256;
    loop {
        let there = usize::try_from(end - at).unwrap_or(usize::MAX).min(size);
        let bytes = file.bytes(at, there)?;
        match parsed(&bytes) {
            Err(Lie::Cut) if there == size && size < MAX_HEADER => size *= 16,
            parsed => return Ok(parsed),
        }
    }
}

fn parsed(bytes: &[u8]) -> Result<Header, Lie> {
    let mut walk = Walk::new(bytes);
    let mut header = Header { bytes: 0, compressed: 0, decompressed: 0, values: 0 };
    let count = |walk: &mut Walk<'_>| walk.count_i32()?.ok_or(Lie::Malformed("it has fewer bytes than none"));
    let mut last = 0;
    while let Some(ty) = walk.field(&mut last)? {
        match (last, ty) {
            (2, I32) => header.decompressed = count(&mut walk)?,
            (3, I32) => header.compressed = count(&mut walk)?,
            // Of data pages, in both versions of them.
            (5 | 8, STRUCT) => {
                let mut inner = 0;
                while let Some(ty) = walk.field(&mut inner)? {
                    match (inner, ty) {
                        (1, I32) => header.values = count(&mut walk)?,
                        _ => walk.skip(ty, false, 1)?,
                    }
                }
            }
            _ => walk.skip(ty, false, 0)?,
        }
    }
    header.bytes = bytes.len() - walk.left();
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::sync::Arc;

    /// A number of a header's field that follows the one before.
    fn field(delta: u8, number: u64) -> Vec<u8> {
        let (mut bytes, mut zigzag) = (vec![delta << 4 | I32], number << 1);
        while zigzag > 0x7f {
            bytes.push(zigzag as u8 | 0x80);
            zigzag >>= 7;
        }
        bytes.push(zigzag as u8);
        bytes
    }

    fn page(decompressed: u64, compressed: u64, content: usize) -> Vec<u8> {
        let mut bytes = [field(1, 0), field(1, decompressed), field(1, compressed), vec![0]].concat();
        bytes.resize(bytes.len() + content, 7);
        bytes
    }

    fn checked(bytes: &[u8]) -> Result<(), String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let file = SharedFile::new(file, Arc::default()).unwrap();
        check(&file, 0..bytes.len() as u64, 1).unwrap()
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        assert_eq!(checked(&[page(1 << 20, 100, 100), page(64 << 20, 1, 1), page(0, 0, 0)].concat()), Ok(()));
    }

    #[test]
    fn a_page_that_says_that_it_is_much_larger_than_its_bytes_is_refused() {
        let bomb = [page(10, 10, 10), page(2_000_000_000, 1000, 1000)].concat();
        assert_eq!(
            checked(&bomb).unwrap_err(),
            "the page at byte 17 says that its 1000 bytes are 2000000000 decompressed: write smaller pages"
        );
    }

    #[test]
    fn what_is_behind_the_last_value_is_not_looked_at() {
        let last = [field(1, 0), field(1, 9), field(1, 4), vec![2 << 4 | STRUCT], field(1, 1), vec![0, 0], vec![7; 4]];
        assert_eq!(checked(&[last.concat(), vec![0x1c; 40]].concat()), Ok(()));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        assert_eq!(checked(&[0x1c; 40]).unwrap_err(), "the page at byte 0 has no header: the structures nest too deep");
        assert_eq!(
            checked(&page(1, 1, 0)[..3]).unwrap_err(),
            "the page at byte 0 has no header: it ends in the middle"
        );
    }
}
