//! Where rows are in a piece of text.

use crate::error::RowError;
use memchr::memchr_iter;

/// A row in a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its first byte.
    pub(crate) start: u32,
    /// Behind its last byte, without what ends the line.
    pub(crate) end: u32,
    /// Where the next row may begin.
    pub(crate) after: u32,
    /// How many line feeds are before it.
    pub(crate) line: u32,
}

/// Finds the whole rows of a text that begins where a row does. `ended`: whether the text ends with it, so that a last row needs no
/// end of line. What it finds depends on the text alone.
pub(crate) type Splitter = fn(text: &[u8], ended: bool, spans: &mut Vec<Span>);

/// Finds lines. Blank ones are no rows, and a carriage return at a line's end is no part of it.
pub(crate) fn lines(text: &[u8], ended: bool, spans: &mut Vec<Span>) {
    let mut start = 0;
    let mut line = 0;
    let mut add = |start: usize, end: usize, after: usize, line: u32| {
        let bytes = &text[start..end];
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.iter().any(|byte| !byte.is_ascii_whitespace()) {
            let end = start + bytes.len();
            spans.push(Span { start: start as u32, end: end as u32, after: after as u32, line });
        }
    };
    for end in memchr_iter(b'\n', text) {
        add(start, end, end + 1, line);
        start = end + 1;
        line += 1;
    }
    if ended && start < text.len() {
        add(start, text.len(), text.len(), line);
    }
}

/// A row as text.
///
/// # Errors
///
/// Where it is none.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, RowError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let message = format!("expected UTF-8, but at byte {at} there is {:#04x}", bytes[at]);
        RowError::row(message).at(at as u64)
    })
}
