//! What is wrong with a text, and where.

/// What is wrong at a place of a text.
#[derive(Debug)]
pub(super) struct Fault {
    /// In bytes from the text's beginning.
    pub(super) at: usize,
    /// Where in the value; empty for all of it, and where there is no value yet.
    pub(super) path: String,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Fault {
        Fault { at, path: String::new(), message: message.into() }
    }
}
