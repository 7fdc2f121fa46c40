//! Functions of futures, most of them of many at once.

use super::promise::Plain;
use super::sources::{Derived, Needs};
use super::{Cell, Future, nested};
use crate::error::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Waits for a future and returns its value: [`Future::join`] as a function.
///
/// # Errors
///
/// The future's error.
pub fn wait<T: Clone>(future: Future<T>) -> Result<T> {
    future.join()
}

/// Waits for all futures and returns their values in order, or the first error in that order.
///
/// # Errors
///
/// The error of the first future, in order, that has one. The others go on.
pub fn wait_all<T: Clone>(futures: impl IntoIterator<Item = Future<T>>) -> Result<Vec<T>> {
    let futures: Vec<_> = futures.into_iter().collect();
    help(&futures);
    futures.into_iter().map(Future::join).collect()
}

/// Runs calls that nobody has started, the last one first: other threads start with the first, and do not meet this one before
/// all are begun. Side by side with another thread, two would fight over the same calls, and over the allocator. A call that
/// waits in its turn is the last that is begun here: many of them at a time would take a sandbox each.
fn help<T>(futures: &[Future<T>]) {
    nested::waiting(|| {
        let _ = futures.iter().rev().take_while(|future| !future.done() && future.help() && future.done()).count();
    });
}

/// Waits for all futures and returns their values in order; as soon as one fails, whichever it is, cancels the rest.
///
/// # Errors
///
/// The error of the future that failed first.
pub fn wait_all_or_cancel<T: Clone + Send + 'static>(futures: impl IntoIterator<Item = Future<T>>) -> Result<Vec<T>> {
    let futures: Arc<[Future<T>]> = futures.into_iter().collect();
    let first: Arc<Mutex<Option<Error>>> = Arc::default();
    for future in futures.iter() {
        // Not the list itself: the futures would keep each other alive.
        let (first, rest) = (first.clone(), Arc::downgrade(&futures));
        future.on_done(move |future| {
            let Err(error) = future.value() else { return };
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            if first.is_none() {
                *first = Some(error);
                drop(first);
                if let Some(rest) = rest.upgrade() {
                    cancel_rest(&rest);
                }
            }
        });
    }
    help(&futures);
    let all: Result<Vec<T>> = futures.iter().map(Future::wait).collect();
    all.map_err(|error| {
        // The callback of this error may not have come to it yet; it must not take one that is cancelled now for the first.
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error).clone();
        cancel_rest(&futures);
        first
    })
}

/// Cancels those of the futures that are not complete.
pub fn cancel_rest<T>(futures: &[Future<T>]) {
    for future in futures {
        future.cancel();
    }
}

/// A future of all the futures: complete, with the futures themselves, once each is complete, with a value or an error.
///
/// With no futures it is complete at once.
pub fn collect_all<T: Clone + Send + 'static>(futures: impl IntoIterator<Item = Future<T>>) -> Future<Vec<Future<T>>> {
    let all = Derived::<T, Vec<Future<T>>>::new(Needs::All);
    // One more than there are futures, until all are known.
    let rest = Arc::new(AtomicUsize::new(1));
    for future in futures {
        rest.fetch_add(1, Ordering::Relaxed);
        let (target, rest) = (Arc::downgrade(&all), rest.clone());
        all.sources.follow(future, move || {
            if let Some(all) = target.upgrade() {
                arrived(&all, &rest);
            }
        });
    }
    arrived(&all, &rest);
    Future::from_completion(all)
}

/// One of the futures is complete.
fn arrived<T: Send + 'static>(all: &Derived<T, Vec<Future<T>>>, rest: &AtomicUsize) {
    if rest.fetch_sub(1, Ordering::AcqRel) == 1 {
        // None if it was cancelled.
        let futures = all.sources.close().into_iter().flatten();
        let _ = all.cell.complete(Ok(futures.map(Future::told).collect()));
    }
}

/// A future with the result, value or error, of the first of the futures to complete.
///
/// With no futures it fails with [`ErrorKind::Invalid`].
pub fn collect_any<T: Clone + Send + 'static>(futures: impl IntoIterator<Item = Future<T>>) -> Future<T> {
    race(futures, |_| true)
}

/// A future with the value of the first of the futures to succeed; if none does, with the error of the last to fail.
///
/// With no futures it fails with [`ErrorKind::Invalid`].
pub fn first_ok<T: Clone + Send + 'static>(futures: impl IntoIterator<Item = Future<T>>) -> Future<T> {
    race(futures, Result::is_ok)
}

fn race<T: Clone + Send + 'static>(
    futures: impl IntoIterator<Item = Future<T>>,
    wins: fn(&Result<T>) -> bool,
) -> Future<T> {
    let futures: Vec<Future<T>> = futures.into_iter().collect();
    if futures.is_empty() {
        let nobody = Error::new(ErrorKind::Invalid, "expected at least one future, but was given none");
        return Future::from_completion(Arc::new(Plain(Cell::done(Err(nobody)))));
    }
    let winner = Derived::new(Needs::Any);
    let rest = Arc::new(AtomicUsize::new(futures.len()));
    for future in futures {
        if winner.cell.is_done() {
            break;
        }
        let (target, rest, own) = (Arc::downgrade(&winner), rest.clone(), future.clone());
        winner.sources.follow(future, move || {
            let Some(winner) = target.upgrade() else { return };
            let result = own.value();
            // A winner is counted once it has won: then the last to lose knows that nobody has.
            if wins(&result) {
                // False if another was first.
                winner.finish(result);
                rest.fetch_sub(1, Ordering::AcqRel);
            } else if rest.fetch_sub(1, Ordering::AcqRel) == 1 {
                winner.finish(result);
            }
        });
    }
    Future::from_completion(winner)
}
