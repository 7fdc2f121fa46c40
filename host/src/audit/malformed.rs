//! What is not a valid core module, in plain words.

use std::fmt;
use std::ops::Range;

use crate::escape::escaped_within;

/// Bytes that are not a valid core module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Where in the file it shows.
    pub(crate) offset: usize,
    /// One sentence: what is wrong.
    pub(crate) message: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.message, self.offset)
    }
}

const MAGIC: &[u8; 4] = b"\0asm";
/// The most bytes in the head of a section: its kind, and its size as a LEB128 number.
const MAX_HEAD: usize = 6;
/// The most bytes of a parser's message that are shown.
const MAX_MESSAGE: usize = 300;

/// Looks at the first eight bytes, and at the extent of the sections.
pub(super) fn check(bytes: &[u8]) -> Result<(), Malformed> {
    if bytes.is_empty() {
        return Err(at(0, "the file is empty, and a module or a component was expected".into()));
    }
    let known = MAGIC.len().min(bytes.len());
    if bytes[..known] != MAGIC[..known] {
        return Err(at(0, not_wasm(bytes)));
    }
    let Some(version) = bytes.get(4..8) else {
        let message = format!("the file is cut off: it has {} of the 8 bytes that start a module", bytes.len());
        return Err(at(bytes.len(), message));
    };
    match version {
        [1, 0, 0, 0] => cut_off(bytes),
        [13, 0, 1, 0] => cut_off(bytes),
        [version, _, 1, 0] => {
            Err(at(4, format!("this is a component of version {version}, and only version 13 is known")))
        }
        [a, b, c, d] => {
            let version = u32::from_le_bytes([*a, *b, *c, *d]);
            Err(at(4, format!("this is WebAssembly of version {version}, and only version 1 is known")))
        }
        _ => Ok(()),
    }
}

/// An error of the parser or the validator.
pub(super) fn invalid(error: &wasmparser::Error) -> Malformed {
    let message = escaped_within(error.message(), MAX_MESSAGE);
    at(error.offset(), format!("the module is not valid WebAssembly: {message}"))
}

fn at(offset: usize, message: String) -> Malformed {
    Malformed { offset, message }
}

fn not_wasm(bytes: &[u8]) -> String {
    let first: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
    let first = first.join(" ");
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let text = bytes.get(..512).unwrap_or(bytes);
    let trimmed = text.trim_ascii_start();
    let what = if starts(b"\x7fELF") {
        "an ELF file, such as a native program or a precompiled module"
    } else if starts(b"\x1f\x8b") {
        "compressed with gzip; unpack it first"
    } else if starts(b"\x28\xb5\x2f\xfd") {
        "compressed with zstd; unpack it first"
    } else if starts(b"PK\x03\x04") {
        "a zip archive; unpack it first"
    } else if starts(b"!<arch>\n") {
        "a library archive; link it into a module first"
    } else if starts(b"BC\xc0\xde") {
        "LLVM bitcode; link it into a module first"
    } else if starts(b"MZ") {
        "a Windows program"
    } else if starts(b"\xcf\xfa\xed\xfe") || starts(b"\xca\xfe\xba\xbe") {
        "a program for macOS"
    } else if trimmed.starts_with(b"(module") || trimmed.starts_with(b"(component") || trimmed.starts_with(b";;") {
        "WebAssembly's text format; convert it to the binary format first"
    } else if starts(b"#!") {
        "a script"
    } else if is_text(text) {
        "text"
    } else {
        "of no kind that is known here"
    };
    format!("the file is not WebAssembly: it starts with {first} and is {what}")
}

fn is_text(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The cut at the end may have split a character.
        Err(e) if e.error_len().is_none() => return e.valid_up_to() > 0,
        Err(_) => return false,
    };
    !valid.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// Whether a section ends after the file. A head that is whole and still no head is left to the parser.
fn cut_off(bytes: &[u8]) -> Result<(), Malformed> {
    let mut at_byte = 8;
    while at_byte < bytes.len() {
        let Some(section) = section(bytes, at_byte) else {
            if bytes.len() - at_byte > MAX_HEAD {
                return Ok(());
            }
            let message = format!("the file is cut off: it ends in the head of the section at byte {at_byte}");
            return Err(at(bytes.len(), message));
        };
        if section.end > bytes.len() {
            let there = bytes.len() - section.start;
            let message = format!(
                "the file is cut off: the section at byte {at_byte} has {} bytes and {there} of them are there",
                section.len(),
            );
            return Err(at(bytes.len(), message));
        }
        at_byte = section.end;
    }
    Ok(())
}

/// The bytes that the section at `start` says it has; `None` if its head is not one.
fn section(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let mut size: u64 = 0;
    for i in 0..MAX_HEAD - 1 {
        let byte = *bytes.get(start.checked_add(1 + i)?)?;
        size |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            let body = start + 2 + i;
            return Some(body..body.checked_add(usize::try_from(size).ok()?)?);
        }
    }
    None
}
