//! What readers of files do with broken ones: they panic, or ask for more memory than there is.
//!
//! The readers of arrow and parquet check much, not all. Here is the one place where a panic of theirs becomes an error, and
//! the errors of all their kinds become those of a run.

use purefork_data::{Error, Stage};
use std::cell::Cell;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is one that becomes an error.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Has panics that become errors write nothing to stderr, in the whole process; others are told of as before. For binaries: a
/// library does not change what a process does with panics.
pub fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                before(panic);
            }
        }));
    });
}

/// Reads something of a file that may be broken. After an error, what was read with is not used again.
pub(super) fn guarded<T, E: Display>(name: &str, read: impl FnOnce() -> Result<T, E>) -> Result<T, Error> {
    let outer = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(outer);
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(broken(name, &error)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text =
                text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("its parts do not fit each other");
            Err(broken(name, &text))
        }
    }
}

/// That a file is broken.
pub(super) fn broken(name: &str, why: &dyn Display) -> Error {
    let why = bounded(&why.to_string());
    Error::new(Stage::Input, format!("`{name}` is broken, or uses what is not supported: {why}"))
        .with_help("write, copy or download it again; `parquet-tools` or pyarrow may tell more")
}

/// What is said of a file, cut and fit to be shown.
fn bounded(text: &str) -> String {
    const MOST: usize = 300;
    let mut bounded: String = text.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        bounded.push('…');
    }
    bounded
}

/// This crate's error as one of a run.
pub(super) fn usage(error: &crate::Error) -> Error {
    let ended = Error::new(Stage::Usage, error.message());
    match error.help() {
        Some(help) => ended.with_help(help),
        None => ended,
    }
}
