//! Calls with many rows that are all there, and one future of all results.

use super::chunk::{Caller, Chunk};
use super::row::Row;
use crate::args::IntoArgs;
use crate::error::{Error, Result};
use crate::fork::Program;
use crate::function::Function;
use crate::future::{Cell, Completion, Future, cancelled};
use crate::value::{Params, Results};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Each thread has so many pieces: one whose rows take longer leaves the others more of the rest.
const PIECES: usize = 16;

/// The most rows of a piece.
const MOST: usize = 4096;

impl<P: Params + 'static, R: Results> Function<P, R> {
    /// Calls the function with each row, on all threads, each call in a state of its own; gives one future of all results, in the order of the
    /// rows, at once. A call that fails leaves its error in its place.
    ///
    /// All rows and all results are in memory at a time; see [`Function::map`] for more than fit. Cancelling the future cancels all calls
    /// that have not ended.
    ///
    /// ```
    /// use purefork::Executor;
    ///
    /// let exec = Executor::new()?;
    /// let math = exec.load_bytes(r#"(module (func (export "add") (param i32 i32) (result i32)
    ///     (i32.add (local.get 0) (local.get 1))))"#)?;
    /// let add = math.function::<(i32, i32), i32>("add")?;
    /// let future = add.fork_many((0..1000).map(|n| (n, 1)));
    /// let sums = future.wait()?.into_iter().collect::<purefork::Result<Vec<i32>>>()?;
    /// assert_eq!(sums[999], 1000);
    /// # Ok::<(), purefork::Error>(())
    /// ```
    #[track_caller]
    pub fn fork_many<I>(&self, rows: I) -> Future<Vec<Result<R>>>
    where
        I: IntoIterator,
        I::Item: IntoArgs<P>,
    {
        let caller = Caller { function: self.clone(), site: Location::caller(), deadline: None };
        let rows: Vec<Row> = rows.into_iter().map(|args| Row::new(args, self.callee())).collect();
        let most = rows.len().div_ceil(self.program().workers() * PIECES).clamp(1, MOST);
        let mut chunks = Vec::new();
        let mut rows = rows.into_iter();
        while rows.len() != 0 {
            chunks.push(caller.spawn_whole(rows.by_ref().take(most).collect::<Vec<_>>().into_iter()));
        }
        let many = Many {
            cell: Cell::new(),
            pending: AtomicUsize::new(chunks.len() + 1),
            chunks,
            program: self.program().clone(),
        };
        let many = Arc::new(many);
        for chunk in &many.chunks {
            let target = many.clone();
            chunk.future.on_done(move |_| target.arrived());
        }
        many.arrived();
        Future::from_completion(many)
    }
}

/// The results of many calls.
struct Many<R> {
    cell: Cell<Vec<Result<R>>>,
    chunks: Vec<Chunk<R>>,
    /// How many have not been told of; one more until all are known.
    pending: AtomicUsize,
    program: Program,
}

impl<R: Results> Many<R> {
    /// One more of the chunks is complete.
    fn arrived(&self) {
        if self.pending.fetch_sub(1, Ordering::AcqRel) == 1 && !self.cell.is_done() {
            let results = self.chunks.iter().flat_map(|chunk| chunk.read(chunk.future.value()).results);
            // Fails if it was cancelled meanwhile.
            let _ = self.cell.complete(Ok(results.collect()));
        }
    }
}

impl<R: Results> Completion<Vec<Result<R>>> for Many<R> {
    fn cell(&self) -> &Cell<Vec<Result<R>>> {
        &self.cell
    }

    fn cell_mut(&mut self) -> &mut Cell<Vec<Result<R>>> {
        &mut self.cell
    }

    fn cancel(&self) -> bool {
        let in_time = self.cell.complete(Err(cancelled())).is_ok();
        if in_time {
            self.chunks.iter().rev().for_each(Chunk::cancel);
        }
        in_time
    }

    fn help(self: Arc<Self>) -> bool {
        // From the end: other threads begin with the first.
        let helps = |chunk: &&Chunk<R>| !chunk.future.done() && chunk.future.help();
        self.chunks.iter().rev().take_while(helps).count() != 0
    }

    fn stranded(&self) -> Option<Error> {
        self.program.runtime().here().err()
    }
}
