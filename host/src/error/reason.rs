//! Why a module cannot be shown to be pure.

use std::fmt;

/// One reason why a guest cannot be shown to be pure.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum ReasonKind {
    /// It imports something that guests may not.
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
