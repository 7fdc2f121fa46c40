//! Strings in the three encodings.

use crate::audit::recipe::Encoding;
use std::sync::Arc;

/// The bit of a length that says that a string is in UTF-16 after all.
pub(super) const UTF16_TAG: u32 = 1 << 31;

/// A string's bytes, its length in the encoding's units, and their alignment.
pub(super) struct Encoded<'a> {
    pub(super) bytes: std::borrow::Cow<'a, [u8]>,
    pub(super) units: usize,
    pub(super) align: usize,
    pub(super) tag: u32,
}

pub(super) fn encode(text: &str, encoding: Encoding) -> Encoded<'_> {
    let utf16 = |tag| {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let units = bytes.len() / 2;
        Encoded { bytes: bytes.into(), units, align: 2, tag }
    };
    match encoding {
        Encoding::Utf8 => Encoded { bytes: text.as_bytes().into(), units: text.len(), align: 1, tag: 0 },
        Encoding::Utf16 => utf16(0),
        Encoding::CompactUtf16 => {
            let latin1: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            match latin1 {
                Some(bytes) => Encoded { units: bytes.len(), bytes: bytes.into(), align: 2, tag: 0 },
                None => utf16(UTF16_TAG),
            }
        }
    }
}

/// The bytes and the alignment of a string of that length, and whether it is in UTF-16.
pub(super) fn extent(units: u32, encoding: Encoding) -> (usize, usize, bool) {
    let (wide, align, units) = match encoding {
        Encoding::Utf8 => (false, 1, units),
        Encoding::Utf16 => (true, 2, units),
        Encoding::CompactUtf16 => (units & UTF16_TAG != 0, 2, units & !UTF16_TAG),
    };
    (units as usize * if wide { 2 } else { 1 }, align, wide)
}

/// The text, if the bytes are text.
pub(super) fn decode(bytes: &[u8], encoding: Encoding, wide: bool) -> Option<Arc<str>> {
    if wide {
        let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        return char::decode_utf16(units).collect::<Result<String, _>>().ok().map(Into::into);
    }
    match encoding {
        Encoding::CompactUtf16 => Some(bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into()),
        _ => std::str::from_utf8(bytes).ok().map(Into::into),
    }
}
