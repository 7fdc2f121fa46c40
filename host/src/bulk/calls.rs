//! Calls of one function in place.

use super::row::Row;
use crate::args::{Callee, IntoArgs, checked, mismatch_count};
use crate::error::Result;
use crate::fork::InPlace;
use crate::function::{Function, not_whole, read};
use crate::limits::Usage;
use crate::value::{Params, Results, Value, Values};
use crate::wasi::Output;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::time::Instant;

/// Makes calls of one function, one after another on this thread, each in a state of its own; given to the code of
/// [`Function::fork_with`].
pub struct Calls<'a, P, R> {
    in_place: &'a mut InPlace,
    callee: Callee<'a>,
    types: PhantomData<fn(P) -> R>,
}

impl<'a, P: Params, R: Results> Calls<'a, P, R> {
    pub(super) fn new(function: &'a Function<P, R>, in_place: &'a mut InPlace) -> Calls<'a, P, R> {
        Calls { in_place, callee: function.callee(), types: PhantomData }
    }

    /// Calls the function, and waits for what it gives. An argument that is a future is waited for first.
    ///
    /// # Errors
    ///
    /// The call's own; of [`Args`](crate::Args), [`ErrorKind::ArgumentMismatch`](crate::ErrorKind::ArgumentMismatch), if the function takes
    /// others.
    #[inline]
    pub fn call(&mut self, args: impl IntoArgs<P>) -> Result<R> {
        self.row(Row::new(args, self.callee)).0
    }

    /// The same with values by position, which are drained: the vector's allocation stays for the next call.
    ///
    /// # Errors
    ///
    /// As [`Calls::call`], and [`ErrorKind::ArgumentMismatch`](crate::ErrorKind::ArgumentMismatch) if they are not as many values as the function has
    /// parameters, or not of their types.
    #[inline]
    pub fn call_values(&mut self, args: &mut Vec<Value>) -> Result<R> {
        let Callee(function) = self.callee;
        if args.len() != function.params.len() {
            return Err(mismatch_count(function, args.len()));
        }
        let checked: Result<Values> =
            args.drain(..).enumerate().map(|(at, value)| checked(function, at, value)).collect();
        self.values(checked?).0
    }

    /// What the last call has used, with the children it waited for; `None` if it failed, and before the first.
    pub fn usage(&self) -> Option<Usage> {
        self.in_place.usage()
    }

    /// How much memory the last call had at its end, in bytes; it is the most that it had. `None` where that is not known: of a call that
    /// forks, that is observed, or whose result was remembered.
    pub fn memory(&self) -> Option<u64> {
        self.in_place.memory()
    }

    /// What the last call wrote by way of [WASI](crate::Wasi), if it wrote something.
    pub fn output(&self) -> Option<&Output> {
        self.in_place.output()
    }

    /// Has all calls end by then, beside the time that each may take: later ones fail with
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout).
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.in_place.set_deadline(deadline);
    }

    /// Makes a call, and tells what its result takes beside its place, in bytes.
    #[inline]
    pub(super) fn row(&mut self, row: Row) -> (Result<R>, usize) {
        match row.into_values(self.callee) {
            Ok(values) => self.values(values),
            Err(error) => (Err(error), 0),
        }
    }

    #[inline]
    fn values(&mut self, mut values: Values) -> (Result<R>, usize) {
        let Callee(function) = self.callee;
        if let (Values::Slots(slots), [ty]) = (&values, &*function.results)
            && let Some(called) = self.in_place.call_slot(slots)
        {
            return (called.and_then(|slot| R::from_slot(ty, slot).ok_or_else(not_whole)), 0);
        }
        let mut result = Ok(Value::Bool(false));
        self.in_place.call(&mut values, &mut result);
        match result {
            Ok(value) => {
                let bytes = value.bytes();
                (read(Cow::Owned(value)), bytes)
            }
            Err(error) => (Err(error), 0),
        }
    }
}
