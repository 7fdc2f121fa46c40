//! Places: in the guest, and where a fork was made.

use std::fmt;
use std::panic::Location;

/// One frame of a guest's backtrace.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForkSite {
    /// By the host, at this place in its source.
    Host(&'static Location<'static>),
    /// By a guest: the parent's `number`-th fork, counted from 1.
    Guest {
        /// The number of the future in the call that forked it.
        number: u32,
    },
}

impl fmt::Display for ForkSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForkSite::Host(location) => {
                write!(f, "{}:{}", location.file(), location.line())
            }
            ForkSite::Guest { number } => write!(f, "fork #{number} of its parent"),
        }
    }
}

/// One call in the chain of forks that led to a failure.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkFrame {
    /// The function that was called.
    pub function: String,
    /// Where the call was forked.
    pub site: ForkSite,
}
