//! Strings in the three encodings.

use super::look::{Look, PART, Stopped};
use crate::ir::Encoding;
use std::sync::Arc;

/// The bit of a length that says, in `latin1+utf16`, that a string is in UTF-16.
pub(super) const UTF16_TAG: u32 = 1 << 31;

/// A string's bytes, its length in code units, and their alignment.
pub(super) struct Encoded<'a> {
    pub(super) bytes: std::borrow::Cow<'a, [u8]>,
    pub(super) units: usize,
    pub(super) align: usize,
    pub(super) tag: u32,
}

pub(super) fn encode<'t>(text: &'t str, encoding: Encoding, look: &mut Look<'_>) -> Result<Encoded<'t>, Stopped> {
    let utf16 = |tag, look: &mut Look<'_>| {
        let mut units = text.encode_utf16();
        let mut bytes = Vec::new();
        while chunk(&mut units, |unit| bytes.extend(unit.to_le_bytes()), look)? {}
        let units = bytes.len() / 2;
        Ok(Encoded { bytes: bytes.into(), units, align: 2, tag })
    };
    Ok(match encoding {
        Encoding::Utf8 => Encoded { bytes: text.as_bytes().into(), units: text.len(), align: 1, tag: 0 },
        Encoding::Utf16 => utf16(0, look)?,
        Encoding::CompactUtf16 => {
            let (mut chars, mut bytes, mut latin1) = (text.chars(), Vec::new(), true);
            let mut add = |c| match u8::try_from(u32::from(c)) {
                Ok(byte) => bytes.push(byte),
                Err(_) => latin1 = false,
            };
            while chunk(&mut chars, &mut add, look)? {}
            match latin1 {
                true => Encoded { units: bytes.len(), bytes: bytes.into(), align: 2, tag: 0 },
                false => utf16(UTF16_TAG, look)?,
            }
        }
    })
}

/// Gives the next chunk of an iterator's items to `add`; false if it was the last.
fn chunk<T>(items: &mut impl Iterator<Item = T>, mut add: impl FnMut(T), look: &mut Look<'_>) -> Result<bool, Stopped> {
    // An item takes about a nanosecond, in which more than four bytes can be copied.
    const ITEMS: usize = PART / 16;
    let mut count = 0;
    items.take(ITEMS).for_each(|item| {
        count += 1;
        add(item);
    });
    look.bytes(count * (PART / ITEMS))?;
    Ok(count == ITEMS)
}

/// The size in bytes and the alignment of a string of that length, and whether it is in UTF-16.
pub(super) fn extent(units: u32, encoding: Encoding) -> (usize, usize, bool) {
    let (wide, align, units) = match encoding {
        Encoding::Utf8 => (false, 1, units),
        Encoding::Utf16 => (true, 2, units),
        Encoding::CompactUtf16 => (units & UTF16_TAG != 0, 2, units & !UTF16_TAG),
    };
    (units as usize * if wide { 2 } else { 1 }, align, wide)
}

/// The text; none if the bytes are not valid in the encoding.
pub(super) fn decode(
    bytes: &[u8],
    encoding: Encoding,
    wide: bool,
    look: &mut Look<'_>,
) -> Result<Option<Arc<str>>, Stopped> {
    let mut text = String::new();
    let mut valid = true;
    if wide {
        let mut chars = char::decode_utf16(bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])));
        let mut add = |c| match c {
            Ok(c) => text.push(c),
            Err(_) => valid = false,
        };
        while chunk(&mut chars, &mut add, look)? {}
    } else if encoding == Encoding::CompactUtf16 {
        let mut chars = bytes.iter().map(|&byte| char::from(byte));
        while chunk(&mut chars, |c| text.push(c), look)? {}
    } else if bytes.len() <= PART {
        // The usual case: copied once.
        look.bytes(bytes.len())?;
        return Ok(std::str::from_utf8(bytes).ok().map(Into::into));
    } else {
        text.reserve_exact(bytes.len());
        valid = look.text(bytes, |part| text.push_str(part))?;
    }
    Ok(valid.then(|| text.into()))
}
