//! A fork that waits for its arguments.

use crate::args::{Slot, Slots, checked};
use crate::audit::Facts;
use crate::backend::Backend;
use crate::error::Result;
use crate::future::{Cell, Completion, cancelled, collect_all};
use crate::value::{Value, Values};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Forks the call once every future among its arguments is complete; fails with the first error among them.
pub(crate) fn fork(
    backend: Arc<dyn Backend>,
    facts: Arc<Facts>,
    function: usize,
    slots: Slots,
    site: &'static Location<'static>,
) -> Arc<dyn Completion<Value>> {
    let deferred = Arc::new(Deferred { cell: Cell::new(), call: Mutex::default(), backend: backend.clone() });
    let weak: Weak<Deferred> = Arc::downgrade(&deferred);
    backend.remember(weak);
    let futures: Vec<_> = slots
        .iter()
        .filter_map(|slot| match slot {
            Slot::Future(future) => Some(future.clone()),
            Slot::Value(_) => None,
        })
        .collect();
    let target = deferred.clone();
    collect_all(futures).when_done(move || {
        let args: Result<Values> = slots
            .into_iter()
            .enumerate()
            .map(|(at, slot)| match slot {
                Slot::Value(value) => Ok(value),
                Slot::Future(future) => checked(&facts.functions[function], at, future.value()?),
            })
            .collect();
        match args {
            Ok(args) => target.start(|| backend.fork(function as u32, args, site)),
            // Fails if it was cancelled meanwhile.
            Err(error) => drop(target.cell.complete(Err(error.with_site_if_none(site)))),
        }
    });
    deferred
}

struct Deferred {
    cell: Cell<Value>,
    /// The call, once it is forked.
    call: Mutex<Option<Arc<dyn Completion<Value>>>>,
    backend: Arc<dyn Backend>,
}

impl Drop for Deferred {
    fn drop(&mut self) {
        if let Some(error) = self.cell.unobserved() {
            self.backend.unobserved(error);
        }
    }
}

impl Deferred {
    fn start(self: Arc<Self>, fork: impl FnOnce() -> Arc<dyn Completion<Value>>) {
        if self.cell.is_done() {
            return;
        }
        let call = fork();
        *self.place() = Some(call.clone());
        // Cancelling completes the cell first and looks for a call then.
        if self.cell.is_done() {
            call.cancel();
        }
        let done = call.clone();
        call.cell().on_done(move || {
            if let Some(result) = done.cell().get() {
                // Fails if it was cancelled.
                let _ = self.cell.complete(result);
            }
            // The two held each other.
            *self.place() = None;
        });
    }

    fn place(&self) -> MutexGuard<'_, Option<Arc<dyn Completion<Value>>>> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Completion<Value> for Deferred {
    fn cell(&self) -> &Cell<Value> {
        &self.cell
    }

    fn cancel(&self) -> bool {
        let in_time = self.cell.complete(Err(cancelled())).is_ok();
        let call = self.place().clone();
        if let Some(call) = call {
            call.cancel();
        }
        in_time
    }

    fn help(self: Arc<Self>) {
        let call = self.place().clone();
        if let Some(call) = call {
            call.help();
        }
    }
}
