//! What messages show of what was given.

use super::super::Name;
use crate::escape::printable;

/// The most characters of a value that a message shows.
const SHOWN: usize = 40;

/// The text in a message: cut where it is long.
pub(super) fn shown(text: &str) -> String {
    printable(text.trim(), SHOWN)
}

/// What there is instead of what is not there.
pub(in super::super) fn unknown<'a>(what: &str, given: &str, known: impl Iterator<Item = &'a Name>) -> String {
    const LISTED: usize = 8;
    let given = printable(given, SHOWN);
    let mut known: Vec<&Name> = known.collect();
    if known.len() > LISTED {
        // What was meant is to be among those that are shown.
        known.sort_by_cached_key(|name| strsim::osa_distance(&given, name));
    }
    let mut names: Vec<String> = known.iter().take(LISTED + 1).map(|name| format!("`{name}`")).collect();
    if names.len() > LISTED {
        names[LISTED] = "…".to_owned();
    }
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!("there is no {what} `{given}`; there is {names}")
}

/// The line and the column, in characters, of a byte of the text.
pub(super) fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line} column {column}")
}
