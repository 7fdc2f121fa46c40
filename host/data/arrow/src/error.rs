//! What goes wrong, where, and what to do next.

use std::fmt;
use std::sync::Arc;

/// A result whose error is this crate's.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of error an [`Error`] is. More may come: a `match` needs a wildcard arm.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The columns do not fit the function's parameters, or its result has no form in Arrow.
    Binding,
    /// A row's values do not fit the parameters, or the result of its call does not fit the column.
    Row,
    /// A call failed; [`Error::call`] has its error.
    Call,
    /// A file or stream is broken, or is none of its format.
    Broken,
    /// A file or stream is well, but has something that is not supported.
    Unsupported,
    /// Reading or writing failed.
    Io,
}

/// What went wrong. It is cheap to clone. `Display` prints what happened, and on a second line what to do next.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    row: Option<u64>,
    call: Option<purefork::Error>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Arc::new(Inner { kind, message: message.into(), help: None, row: None, call: None }))
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Error {
        Arc::make_mut(&mut self.0).help = Some(help.into());
        self
    }

    pub(crate) fn at_row(mut self, row: u64) -> Error {
        Arc::make_mut(&mut self.0).row = Some(row);
        self
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, in one sentence without the row.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next, where there is something to do.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The number of the row, from 0, in what was passed: a batch, or all batches of an iterator.
    pub fn row(&self) -> Option<u64> {
        self.0.row
    }

    /// The error of the call that failed.
    pub fn call(&self) -> Option<&purefork::Error> {
        self.0.call.as_ref()
    }
}

impl From<purefork::Error> for Error {
    fn from(error: purefork::Error) -> Error {
        let help = error.help().map(str::to_owned);
        let message = error.message().to_owned();
        Error(Arc::new(Inner { kind: ErrorKind::Call, message, help, row: None, call: Some(error) }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.0.row {
            write!(f, "row {row}: ")?;
        }
        match (&self.0.call, &self.0.help) {
            (Some(call), _) => write!(f, "{call}"),
            (None, Some(help)) => write!(f, "{}\n  {help}", self.0.message),
            (None, None) => f.write_str(&self.0.message),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.call.as_ref().map(|call| call as _)
    }
}

/// What does not fit, and where in a value: at a field, an element, a case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit(Box<(String, String)>);

impl Misfit {
    pub(crate) fn new(message: impl Into<String>) -> Misfit {
        Misfit(Box::new((String::new(), message.into())))
    }

    /// The misfit as one of a part that is at `step`.
    pub(crate) fn at(mut self, step: &str) -> Misfit {
        self.0.0.insert_str(0, step);
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.0.as_str() {
            "" => f.write_str(&self.0.1),
            path => write!(f, "at `{path}`: {}", self.0.1),
        }
    }
}

/// Text of a file, cut and escaped, fit to be shown.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
