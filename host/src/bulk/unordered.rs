//! Calls with each row of an iterator, whose results come as they are there.

use super::chunk::{Caller, Chunk, Done};
use super::feed::{Feed, most_chunks};
use crate::args::IntoArgs;
use crate::error::Result;
use crate::function::Function;
use crate::future::collect_any;
use crate::value::{Params, Results};
use std::panic::Location;
use std::time::Instant;
use std::vec::IntoIter;

/// The results of [`Function::map_unordered`], each with the number of its row, in the order in which they come.
///
/// Dropping it cancels what was not yielded.
pub struct MapUnordered<I: Iterator, P, R> {
    caller: Caller<P, R>,
    feed: Feed<I>,
    /// Each with the number of its first row.
    chunks: Vec<(usize, Chunk<R>)>,
    /// The number of the next row of the iterator.
    next: usize,
    results: Numbered<R>,
}

/// Results with the number of the next.
type Numbered<R> = (usize, IntoIter<Result<R>>);

impl<P: Params + 'static, R: Results> Function<P, R> {
    /// As [`Function::map`], but results come as soon as they are there, each with the number of its row, from 0 on: no call keeps those
    /// behind it waiting.
    ///
    /// ```
    /// use purefork::Executor;
    ///
    /// let exec = Executor::new()?;
    /// let math = exec.load_bytes(r#"(module (func (export "double") (param i32) (result i32)
    ///     (i32.shl (local.get 0) (i32.const 1))))"#)?;
    /// let double = math.function::<i32, i32>("double")?;
    /// let mut results = double.map_unordered(0..1000).map(|(row, result)| Ok((row, result?))).collect::<purefork::Result<Vec<_>>>()?;
    /// results.sort();
    /// assert_eq!(results[700], (700, 1400));
    /// # Ok::<(), purefork::Error>(())
    /// ```
    #[track_caller]
    pub fn map_unordered<I>(&self, rows: I) -> MapUnordered<I::IntoIter, P, R>
    where
        I: IntoIterator,
        I::Item: IntoArgs<P>,
    {
        MapUnordered {
            caller: Caller { function: self.clone(), site: Location::caller(), deadline: None },
            feed: Feed::new(rows.into_iter()),
            chunks: Vec::new(),
            next: 0,
            results: (0, Vec::new().into_iter()),
        }
    }
}

impl<I, P, R> MapUnordered<I, P, R>
where
    I: Iterator,
    I::Item: IntoArgs<P>,
    P: Params + 'static,
    R: Results,
{
    /// Has all calls end by then. See [`Map::deadline`](super::Map::deadline).
    pub fn deadline(mut self, deadline: Instant) -> MapUnordered<I, P, R> {
        self.caller.deadline = Some(deadline);
        self
    }

    /// Takes a chunk that is done; waits for one if none is.
    fn take_done(&mut self) -> Option<(usize, Chunk<R>)> {
        let done = |chunks: &[(usize, Chunk<R>)]| chunks.iter().position(|(_, chunk)| chunk.future.done());
        if self.chunks.is_empty() {
            return None;
        }
        let found = done(&self.chunks).or_else(|| {
            let any = collect_any(self.chunks.iter().map(|(_, chunk)| chunk.future.clone()));
            // Its error is that of the chunk, which is read below.
            let _ = any.wait();
            done(&self.chunks)
        });
        Some(self.chunks.swap_remove(found.unwrap_or(0)))
    }
}

impl<I, P, R> Iterator for MapUnordered<I, P, R>
where
    I: Iterator,
    I::Item: IntoArgs<P>,
    P: Params + 'static,
    R: Results,
{
    type Item = (usize, Result<R>);

    fn next(&mut self) -> Option<(usize, Result<R>)> {
        loop {
            let (number, results) = &mut self.results;
            if let Some(result) = results.next() {
                *number += 1;
                return Some((*number - 1, result));
            }
            let is_done = |(_, chunk): &(usize, Chunk<R>)| chunk.future.done();
            while self.chunks.len() < most_chunks(&self.caller) && !self.chunks.iter().any(is_done) {
                let Some(rows) = self.feed.take(&self.caller.function) else { break };
                let first = self.next;
                self.next += rows.len();
                self.chunks.push((first, self.caller.spawn(rows.into_iter())));
            }
            let (first, chunk) = self.take_done()?;
            let Done { results, rest, took } = chunk.join();
            self.feed.size.learn(results.len(), took);
            if rest.len() != 0 {
                self.chunks.push((first + results.len(), self.caller.spawn(rest)));
            }
            self.results = (first, results.into_iter());
        }
    }
}

/// Nobody waits for the rest.
impl<I: Iterator, P, R> Drop for MapUnordered<I, P, R> {
    fn drop(&mut self) {
        self.chunks.iter().rev().for_each(|(_, chunk)| {
            chunk.future.cancel();
        });
    }
}
