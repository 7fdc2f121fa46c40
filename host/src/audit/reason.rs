//! Why a module cannot be shown to be pure.

use std::fmt;

/// The most reasons that are kept; the last one then says how many more there are.
const MAX_REASONS: usize = 100;

/// One reason why a guest cannot be shown to be pure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// What is wrong.
    pub what: ReasonKind,
    /// One sentence: what it is, with its name and type, and what to do about it.
    pub message: String,
    /// How it is reached: from an export (or what runs at instantiation) over functions to the user of it.
    /// Empty if nothing reaches it.
    pub chain: Vec<String>,
    /// Where in the file it is.
    pub offset: Option<usize>,
}

/// What is wrong with a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReasonKind {
    /// It imports something other than a function from `fork` or `wait`.
    Import,
    /// It imports `fork` or `wait` with a type that these cannot have.
    LinkType,
    /// It imports one name twice with different types.
    LinkConflict,
    /// It waits for something that it cannot fork.
    WaitWithoutFork,
    /// It uses a part of WebAssembly that guests do not have.
    Feature,
    /// It can fork or wait while it is instantiated, or where its memory is managed for the host.
    ForkInInitializer,
    /// An exported function takes or gives references.
    Signature,
    /// It exports what it imports from `fork` or `wait`.
    ReExport,
    /// It has more of something than a guest may have.
    TooMany,
    /// There are more reasons than are listed; the message says how many.
    More,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.chain.is_empty() {
            write!(f, " ({})", self.chain.join(" → "))?;
        }
        Ok(())
    }
}

/// Collects reasons; keeps the first hundred and counts the rest, so that a module with a million
/// forbidden imports costs no more than one with a hundred.
#[derive(Default)]
pub(super) struct Reasons {
    kept: Vec<Reason>,
    more: u64,
}

impl Reasons {
    /// Adds the reason that `make` builds, unless there are enough of them.
    pub(super) fn add(&mut self, make: impl FnOnce() -> Reason) {
        if self.kept.len() < MAX_REASONS {
            self.kept.push(make());
        } else {
            self.more += 1;
        }
    }

    /// All reasons, the count of those not kept among them.
    pub(super) fn into_vec(mut self) -> Vec<Reason> {
        match self.more {
            0 => {}
            1 => self.kept.push(more("1 more reason is not listed".into())),
            n => self.kept.push(more(format!("{n} more reasons are not listed"))),
        }
        self.kept
    }
}

fn more(message: String) -> Reason {
    Reason { what: ReasonKind::More, message, chain: Vec::new(), offset: None }
}
