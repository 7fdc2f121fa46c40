//! What ends a run, and what is wrong with one row.

use std::fmt;

/// A result whose error ends the run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was being done when a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// What was asked for cannot be done: columns that do not fit the function, a format that is not known.
    Usage,
    /// An input could not be read.
    Input,
    /// The output could not be written.
    Output,
}

/// Why a run ended: an input that cannot be read, an output that cannot be written, or what makes no sense.
///
/// ```
/// use purefork_data::{Error, Stage};
///
/// let error = Error::new(Stage::Usage, "there is no column `x`").with_help("there is `y`");
/// assert_eq!(error.to_string(), "there is no column `x`");
/// assert_eq!(error.help(), Some("there is `y`"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    stage: Stage,
    message: String,
    help: Option<String>,
}

impl Error {
    /// An error, in one sentence.
    pub fn new(stage: Stage, message: impl Into<String>) -> Error {
        Error { stage, message: message.into(), help: None }
    }

    /// The same, with what to do next.
    pub fn with_help(self, help: impl Into<String>) -> Error {
        Error { help: Some(help.into()), ..self }
    }

    /// What was being done.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// What to do next, where there is something to do.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Why one row has no result: it could not be read as arguments, its call failed, or its result could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// `Row` if the row does not fit the function, `Err` if the function returned an `err`, `Output` if the output's format has no
    /// such value, or the name of the library's [`ErrorKind`](purefork::ErrorKind).
    pub kind: String,
    /// The column or field, if it is one.
    pub column: Option<String>,
    /// The byte of the row's text, from 0, if it is known.
    pub at: Option<u64>,
    /// What is wrong, in one sentence.
    pub message: String,
}

impl RowError {
    /// A row that does not fit the function.
    pub fn row(message: impl Into<String>) -> RowError {
        RowError { kind: "Row".to_owned(), column: None, at: None, message: message.into() }
    }

    /// A result that the output's format does not have.
    pub fn output(message: impl Into<String>) -> RowError {
        RowError { kind: "Output".to_owned(), column: None, at: None, message: message.into() }
    }

    /// The same, of one column.
    pub fn in_column(self, column: impl Into<String>) -> RowError {
        RowError { column: Some(column.into()), ..self }
    }

    /// The same, at a byte of the row's text.
    pub fn at(self, byte: u64) -> RowError {
        RowError { at: Some(byte), ..self }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "`{column}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for RowError {}
