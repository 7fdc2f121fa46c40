//! The arguments of one call among many.

use crate::args::{Bound, Callee, IntoArgs, Slot, Slots, checked};
use crate::error::{Error, Result};
use crate::value::{Params, Values};

/// The arguments of one call among many.
pub(super) enum Row {
    Values(Values),
    /// What is seldom, at a distance: there are thousands of rows at a time.
    Other(Box<Other>),
}

pub(super) enum Other {
    /// Some are to come.
    Slots(Slots),
    /// They are not those that the function takes.
    Wrong(Error),
}

impl Row {
    /// Inlined, so that it is made where it stays: to move what was just written is slow.
    #[inline(always)]
    pub(super) fn new<P: Params>(args: impl IntoArgs<P>, callee: Callee<'_>) -> Row {
        match args.into_args(callee) {
            Ok(Bound(Ok(values))) => Row::Values(values),
            Ok(Bound(Err(slots))) => Row::Other(Box::new(Other::Slots(slots))),
            Err(error) => Row::Other(Box::new(Other::Wrong(error))),
        }
    }

    /// What it takes beside its place, in bytes, as far as that is known.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Row::Values(values) => values.bytes(),
            Row::Other(_) => size_of::<Other>(),
        }
    }

    /// The arguments, once all are there.
    #[inline]
    pub(super) fn into_values(self, callee: Callee<'_>) -> Result<Values> {
        match self {
            Row::Values(values) => Ok(values),
            Row::Other(other) => other.into_values(callee),
        }
    }
}

impl Other {
    #[cold]
    fn into_values(self, Callee(function): Callee<'_>) -> Result<Values> {
        let slots = match self {
            Other::Slots(slots) => slots,
            Other::Wrong(error) => return Err(error),
        };
        let value = |(at, slot)| match slot {
            Slot::Value(value) => Ok(value),
            Slot::Future(future) => checked(function, at, future.wait()?),
        };
        slots.into_iter().enumerate().map(value).collect()
    }
}
