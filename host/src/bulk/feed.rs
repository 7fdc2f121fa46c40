//! Rows of an iterator, in pieces for one thread each.

use super::chunk::Caller;
use super::row::Row;
use super::size::{MOST_BYTES, Size};
use crate::args::IntoArgs;
use crate::function::Function;
use crate::value::{Params, Results};
use std::iter::Fuse;
use std::time::{Duration, Instant};

/// How long rows are gathered, at most, before those that are there go to a thread: an iterator may wait for each.
const PATIENCE: Duration = Duration::from_millis(1);

/// The clock is looked at every so many rows.
const LOOK: usize = 16;

/// Where rows come from, in pieces for one thread each.
pub(super) struct Feed<I: Iterator> {
    rows: Fuse<I>,
    pub(super) size: Size,
}

impl<I: Iterator> Feed<I> {
    pub(super) fn new(rows: I) -> Feed<I> {
        Feed { rows: rows.fuse(), size: Size::new() }
    }

    /// Some rows; none if there are no more.
    pub(super) fn take<P: Params, R: Results>(&mut self, function: &Function<P, R>) -> Option<Vec<Row>>
    where
        I::Item: IntoArgs<P>,
    {
        let most = self.size.rows();
        let mut rows = Vec::with_capacity(most);
        let (begun, mut bytes) = (Instant::now(), 0usize);
        for args in self.rows.by_ref().take(most) {
            let row = Row::new(args, function.callee());
            bytes = bytes.saturating_add(row.bytes());
            rows.push(row);
            if bytes >= MOST_BYTES || rows.len() % LOOK == 0 && begun.elapsed() >= PATIENCE {
                break;
            }
        }
        (!rows.is_empty()).then_some(rows)
    }

    /// A row.
    pub(super) fn next<P: Params, R: Results>(&mut self, function: &Function<P, R>) -> Option<Row>
    where
        I::Item: IntoArgs<P>,
    {
        self.rows.next().map(|args| Row::new(args, function.callee()))
    }
}

/// How many pieces are at the threads, or wait for them, at a time.
pub(super) fn most_chunks<P: Params + 'static, R: Results>(caller: &Caller<P, R>) -> usize {
    2 * caller.program().workers() + 1
}
