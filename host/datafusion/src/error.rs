//! Why a function of a query failed.

use datafusion::error::DataFusionError;
use purefork::Value;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// What kind of error an [`Error`] is. More may come: a `match` needs a wildcard arm.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The function cannot be what it was registered as, or the columns do not fit its parameters.
    Binding,
    /// A row's values do not fit the parameters, or the result of its call does not fit the column.
    Row,
    /// A call failed; [`Error::call`] has its error.
    Call,
    /// The function gave an `err`.
    Err,
    /// A limit of the [`Query`](crate::Query) was reached, or it was dropped.
    Query,
}

/// Why a function failed: the cause of a [`DataFusionError`], from which [`Error::of`] takes it.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    function: Arc<str>,
    row: Option<usize>,
    message: String,
    help: Option<String>,
    call: Option<purefork::Error>,
}

/// A text of a guest is cut off there.
const LONGEST: usize = 1000;

impl Error {
    pub(crate) fn new(kind: ErrorKind, function: &Arc<str>, message: impl Into<String>) -> Error {
        let (function, message) = (function.clone(), message.into());
        Error(Box::new(Inner { kind, function, row: None, message, help: None, call: None }))
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Error {
        self.0.help = Some(help.into());
        self
    }

    pub(crate) fn at_row(mut self, row: usize) -> Error {
        self.0.row = Some(row);
        self
    }

    /// Of a call that failed.
    pub(crate) fn of_call(function: &Arc<str>, error: purefork::Error) -> Error {
        let mut own = Error::new(ErrorKind::Call, function, error.message());
        own.0.help = error.help().map(str::to_owned);
        own.0.call = Some(error);
        own
    }

    /// Of a call that gave an `err`, whose text is the guest's.
    pub(crate) fn of_err(function: &Arc<str>, err: Option<&Value>) -> Error {
        let text = match err {
            Some(value) => format!("err({value})"),
            None => "err".to_owned(),
        };
        let mut shown: String = text.chars().take(LONGEST).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Error::new(ErrorKind::Err, function, format!("it gave {shown}"))
    }

    pub(crate) fn of_columns(function: &Arc<str>, error: &purefork_arrow::Error) -> Error {
        let kind = match error.kind() {
            purefork_arrow::ErrorKind::Row => ErrorKind::Row,
            _ => ErrorKind::Binding,
        };
        let mut own = Error::new(kind, function, error.message());
        own.0.help = error.help().map(str::to_owned);
        own.0.row = error.row().and_then(|row| usize::try_from(row).ok());
        own
    }

    /// The error of this crate that an error of DataFusion comes from, if it comes from one.
    pub fn of(error: &DataFusionError) -> Option<&Error> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(own) = error.downcast_ref::<Error>() {
                return Some(own);
            }
            // What is shared stands for what it holds, which `source` would pass over.
            next = match error.downcast_ref::<DataFusionError>() {
                Some(DataFusionError::Shared(shared)) => Some(shared.as_ref()),
                Some(DataFusionError::External(external)) => Some(external.as_ref()),
                _ => error.source(),
            };
        }
        None
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The function, as SQL names it.
    pub fn function(&self) -> &str {
        &self.0.function
    }

    /// The number of the row, from 0, in the batch of rows that DataFusion passed.
    pub fn row(&self) -> Option<usize> {
        self.0.row
    }

    /// What happened, in one sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next, where there is something to do.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The error of the call that failed.
    pub fn call(&self) -> Option<&purefork::Error> {
        self.0.call.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { function, row, message, help, .. } = &*self.0;
        write!(f, "`{function}`")?;
        if let Some(row) = row {
            write!(f, ", row {row} of a batch")?;
        }
        write!(f, ": {message}")?;
        match help {
            Some(help) => write!(f, "\n  {help}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.call.as_ref().map(|call| call as _)
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> DataFusionError {
        match error.kind() {
            // Of planning, before anything runs: DataFusion says that by itself.
            ErrorKind::Binding => DataFusionError::Plan(error.to_string()),
            _ => DataFusionError::External(Box::new(error)),
        }
    }
}
