//! Rows on their way to a thread, and their results on the way back.

use super::calls::Calls;
use super::row::Row;
use super::size::MOST_BYTES;
use crate::error::{Error, ErrorKind, Result};
use crate::fork::Program;
use crate::function::Function;
use crate::future::Future;
use crate::value::{Params, Results};
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::vec::IntoIter;

/// Calls of a function, and what holds for all of them.
pub(super) struct Caller<P, R> {
    pub(super) function: Function<P, R>,
    pub(super) site: &'static Location<'static>,
    pub(super) deadline: Option<Instant>,
}

impl<P: Params + 'static, R: Results> Caller<P, R> {
    pub(super) fn program(&self) -> &Program {
        self.function.program()
    }

    /// Has a thread call the function with each row. Stops early when the results take much.
    pub(super) fn spawn(&self, rows: IntoIter<Row>) -> Chunk<R> {
        self.spawn_up_to(rows, MOST_BYTES)
    }

    /// The same, whatever the results take.
    pub(super) fn spawn_whole(&self, rows: IntoIter<Row>) -> Chunk<R> {
        self.spawn_up_to(rows, usize::MAX)
    }

    fn spawn_up_to(&self, rows: IntoIter<Row>, most: usize) -> Chunk<R> {
        Chunk { rows: rows.len(), future: self.spawn_calls(move |calls| Taken::new(run(rows, most, calls))) }
    }

    /// Has a thread run code that makes calls.
    pub(super) fn spawn_calls<T: Send + 'static>(
        &self,
        code: impl FnOnce(&mut Calls<'_, P, R>) -> T + Send + 'static,
    ) -> Future<T> {
        let (function, deadline) = (self.function.clone(), self.deadline);
        Future::from_completion(self.program().spawn(self.function.number(), self.site, move |in_place| {
            in_place.set_deadline(deadline);
            code(&mut Calls::new(&function, in_place))
        }))
    }
}

/// Calls the function with row after row, until the results take `most` bytes.
fn run<P: Params, R: Results>(mut rows: IntoIter<Row>, most: usize, calls: &mut Calls<'_, P, R>) -> Done<R> {
    let begun = Instant::now();
    let mut results = Vec::with_capacity(rows.len());
    let mut bytes = 0usize;
    while bytes < most
        && let Some(row) = rows.next()
    {
        let (result, more) = calls.row(row);
        results.push(result);
        bytes = bytes.saturating_add(more);
    }
    Done { results, rest: rows, took: begun.elapsed() }
}

/// Rows that a thread has, or will have, to do with.
pub(super) struct Chunk<R> {
    rows: usize,
    pub(super) future: Future<Taken<R>>,
}

impl<R: Results> Chunk<R> {
    /// Waits for the results.
    pub(super) fn join(self) -> Done<R> {
        let result = self.future.wait_for_others();
        self.read(result)
    }

    /// What became of the rows.
    pub(super) fn read(&self, result: Result<Taken<R>>) -> Done<R> {
        let none = || Error::new(ErrorKind::Invalid, "the results of these calls were taken before");
        match result.and_then(|taken| taken.take().ok_or_else(none)) {
            Ok(done) => done,
            // It never ran, or was cancelled: so was each row.
            Err(error) => {
                Done { results: vec![Err(error); self.rows], rest: Vec::new().into_iter(), took: Duration::ZERO }
            }
        }
    }

    pub(super) fn cancel(&self) {
        self.future.cancel();
    }
}

/// What became of some rows.
pub(super) struct Done<R> {
    /// Of the first rows, at least of one.
    pub(super) results: Vec<Result<R>>,
    /// The others, which nobody has looked at.
    pub(super) rest: IntoIter<Row>,
    pub(super) took: Duration,
}

/// Something that one of all who have it can take out.
pub(super) struct Taken<R>(Arc<Mutex<Option<Done<R>>>>);

impl<R> Taken<R> {
    fn new(done: Done<R>) -> Taken<R> {
        Taken(Arc::new(Mutex::new(Some(done))))
    }

    fn take(&self) -> Option<Done<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<R> Clone for Taken<R> {
    fn clone(&self) -> Taken<R> {
        Taken(self.0.clone())
    }
}
