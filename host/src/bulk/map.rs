//! Calls with each row of an iterator, whose results come in the order of the rows.

use super::calls::Calls;
use super::chunk::{Caller, Chunk, Done};
use super::feed::{Feed, most_chunks};
use crate::args::IntoArgs;
use crate::error::Result;
use crate::fork::InPlace;
use crate::function::Function;
use crate::value::{Params, Results};
use futures_core::Stream;
use std::collections::VecDeque;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use std::vec::IntoIter;

/// The results of [`Function::map`], in the order of the rows: an iterator, and a stream.
///
/// Dropping it cancels what was not yielded.
pub struct Map<I: Iterator, P, R> {
    caller: Caller<P, R>,
    feed: Feed<I>,
    /// Where there are no threads: the calls are made when their results are asked for.
    here: Option<InPlace>,
    chunks: VecDeque<Chunk<R>>,
    results: IntoIter<Result<R>>,
}

impl<P: Params + 'static, R: Results> Function<P, R> {
    /// Calls the function with each row, on all threads, each call in a state of its own. The results come in the order of the rows; that of
    /// a call that fails is its error, in its place, and the others go on.
    ///
    /// Rows are taken from the iterator as results are taken, some thousands ahead at most, and no more than some megabytes of arguments
    /// and of results for each thread: any number of rows go through a bounded memory. How many rows a thread has at a time depends on
    /// how long they take; results never do.
    ///
    /// [`Limits`](crate::Limits) hold for each call. See [`Map::deadline`] for all together.
    ///
    /// ```
    /// use purefork::Executor;
    ///
    /// let exec = Executor::new()?;
    /// let math = exec.load_bytes(r#"(module (func (export "div") (param i32 i32) (result i32)
    ///     (i32.div_s (local.get 0) (local.get 1))))"#)?;
    /// let div = math.function::<(i32, i32), i32>("div")?;
    /// let results: Vec<_> = div.map([(6, 2), (1, 0), (9, 3)]).map(Result::ok).collect();
    /// assert_eq!(results, [Some(3), None, Some(3)]);
    /// # Ok::<(), purefork::Error>(())
    /// ```
    #[track_caller]
    pub fn map<I>(&self, rows: I) -> Map<I::IntoIter, P, R>
    where
        I: IntoIterator,
        I::Item: IntoArgs<P>,
    {
        let site = Location::caller();
        let caller = Caller { function: self.clone(), site, deadline: None };
        let here = self.program().is_inline().then(|| self.program().in_place(self.number(), site));
        Map {
            caller,
            feed: Feed::new(rows.into_iter()),
            here,
            chunks: VecDeque::new(),
            results: Vec::new().into_iter(),
        }
    }
}

impl<I, P, R> Map<I, P, R>
where
    I: Iterator,
    I::Item: IntoArgs<P>,
    P: Params + 'static,
    R: Results,
{
    /// Has all calls end by then: what has not ended fails with [`ErrorKind::Timeout`](crate::ErrorKind::Timeout). Of calls that were begun
    /// before this is called, it is not known.
    pub fn deadline(mut self, deadline: Instant) -> Map<I, P, R> {
        self.caller.deadline = Some(deadline);
        if let Some(here) = &mut self.here {
            here.set_deadline(Some(deadline));
        }
        self
    }

    /// Has all calls end within a time from now. See [`Map::deadline`].
    pub fn timeout(self, timeout: Duration) -> Map<I, P, R> {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.deadline(deadline),
            // Later than any clock.
            None => self,
        }
    }

    /// Gives the threads as much to do as they may have; but no more once there is a result.
    fn fill(&mut self) {
        while self.chunks.len() < most_chunks(&self.caller)
            && !self.chunks.front().is_some_and(|chunk| chunk.future.done())
        {
            let Some(rows) = self.feed.take(&self.caller.function) else { return };
            self.chunks.push_back(self.caller.spawn(rows.into_iter()));
        }
    }

    /// The results of the first chunk are there.
    fn arrived(&mut self, Done { results, rest, took }: Done<R>) {
        self.feed.size.learn(results.len(), took);
        self.results = results.into_iter();
        if rest.len() != 0 {
            self.chunks.push_front(self.caller.spawn(rest));
        }
    }

    /// The next result, where there are no threads.
    fn next_here(&mut self) -> Option<Result<R>> {
        let row = self.feed.next(&self.caller.function)?;
        if let Some(closed) = self.caller.program().closed() {
            return Some(Err(closed.with_site_if_none(self.caller.site)));
        }
        let here = self.here.as_mut()?;
        Some(Calls::new(&self.caller.function, here).row(row).0)
    }
}

impl<I, P, R> Iterator for Map<I, P, R>
where
    I: Iterator,
    I::Item: IntoArgs<P>,
    P: Params + 'static,
    R: Results,
{
    type Item = Result<R>;

    #[inline]
    fn next(&mut self) -> Option<Result<R>> {
        if self.here.is_some() {
            return self.next_here();
        }
        loop {
            if let Some(result) = self.results.next() {
                return Some(result);
            }
            self.fill();
            let done = self.chunks.pop_front()?.join();
            self.arrived(done);
        }
    }
}

/// Nothing in it is pinned.
impl<I: Iterator, P, R> Unpin for Map<I, P, R> {}

/// Polled on any thread, which takes rows from the iterator then; what computes is the executor's threads.
impl<I, P, R> Stream for Map<I, P, R>
where
    I: Iterator,
    I::Item: IntoArgs<P>,
    P: Params + 'static,
    R: Results,
{
    type Item = Result<R>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<R>>> {
        let this = self.get_mut();
        if this.here.is_some() {
            return Poll::Ready(this.next_here());
        }
        loop {
            if let Some(result) = this.results.next() {
                return Poll::Ready(Some(result));
            }
            this.fill();
            let Some(first) = this.chunks.front_mut() else { return Poll::Ready(None) };
            let result = ready!(Pin::new(&mut first.future).poll(cx));
            if let Some(chunk) = this.chunks.pop_front() {
                let done = chunk.read(result);
                this.arrived(done);
            }
        }
    }
}

/// Nobody waits for the rest.
impl<I: Iterator, P, R> Drop for Map<I, P, R> {
    fn drop(&mut self) {
        // The last first: what is taken back was not begun.
        self.chunks.iter().rev().for_each(|chunk| {
            chunk.future.cancel();
        });
    }
}
