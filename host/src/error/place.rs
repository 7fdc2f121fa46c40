//! Places: in the guest, and where a fork was made.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

/// One frame of a guest's backtrace.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GuestFrame {
    /// The function's name from the name section; else the name it is exported by; else `func[N]`.
    pub function: String,
    /// The offset of the instruction in the module's bytes as they were given; of a component, in those of the core module. None where it is
    /// not known.
    pub offset: Option<usize>,
}

impl fmt::Display for GuestFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.function)?;
        match self.offset {
            Some(offset) => write!(f, " (offset {offset:#x})"),
            None => Ok(()),
        }
    }
}

/// Where a fork was made.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ForkSite {
    /// By the host, at this place in its source.
    #[non_exhaustive]
    Host {
        /// The path of the file, as the compiler was given it.
        file: Cow<'static, str>,
        /// The line, from 1.
        line: u32,
        /// The column, from 1.
        column: u32,
    },
    /// By a guest: the parent's `number`-th fork, counted from 1.
    #[non_exhaustive]
    Guest {
        /// The number of the future in the call that forked it.
        number: u32,
    },
}

impl ForkSite {
    /// A place in the source of a host that is not written in Rust, or not where the library was called: what binds the library to another
    /// language says so in a [`Trace`](crate::trace::Trace), whose sites are the places of its own calls otherwise. Lines and columns count from 1.
    pub fn in_host(file: impl Into<String>, line: u32, column: u32) -> ForkSite {
        ForkSite::Host { file: file.into().into(), line, column }
    }

    pub(crate) fn host(place: &'static Location<'static>) -> ForkSite {
        ForkSite::Host { file: place.file().into(), line: place.line(), column: place.column() }
    }
}

impl fmt::Display for ForkSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForkSite::Host { file, line, .. } => write!(f, "{file}:{line}"),
            ForkSite::Guest { number } => write!(f, "fork #{number} of its parent"),
        }
    }
}

/// One call in the chain of forks that led to a failure.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ForkFrame {
    /// The function that was called.
    pub function: String,
    /// Where the call was forked.
    pub site: ForkSite,
}
