//! A fork that waits for its arguments.

use crate::args::{Slot, Slots, checked};
use crate::error::{Error, Result};
use crate::event::{ArgSource, Observed, TaskId};
use crate::fork::Program;
use crate::future::{Cell, Completion, Future, Needs, Sources, cancelled, collect_all};
use crate::ir::Facts;
use crate::limits::Usage;
use crate::value::{Value, Values};
use crate::wasi::Output;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// Forks the call once every future among its arguments is complete; fails with the first error among them.
pub(crate) fn fork(
    program: Program,
    facts: Arc<Facts>,
    function: usize,
    slots: Slots,
    site: &'static Location<'static>,
) -> Arc<dyn Completion<Value>> {
    // Not ready in a forked child, for example, where the locks taken below may never be released.
    let cell = program.ready().map_or_else(|error| Cell::done(Err(error.with_site_if_none(site))), |()| Cell::new());
    let deferred = Arc::new(Deferred {
        cell,
        sources: Sources::new(Needs::All),
        call: Mutex::default(),
        site,
        program: program.clone(),
        usage: OnceLock::new(),
        output: OnceLock::new(),
        observed: program.observed(function as u32),
    });
    if let Some(observed) = &deferred.observed {
        let args: Vec<_> = slots.iter().map(source).collect();
        program.tell_deferred(observed, function as u32, &args, site);
        if deferred.cell.is_done() {
            deferred.tell_done();
        }
    }
    if deferred.cell.is_done() {
        return deferred;
    }
    let weak: Weak<Deferred> = Arc::downgrade(&deferred);
    program.remember(weak);
    let futures: Vec<_> = slots
        .iter()
        .filter_map(|slot| match slot {
            Slot::Future(future) => Some(future.clone()),
            Slot::Value(_) => None,
        })
        .collect();
    let target = deferred.clone();
    deferred.sources.follow(collect_all(futures), move || {
        // In a forked child, the call is the parent's.
        if target.program.ready().is_err() {
            return;
        }
        // Release the handles: the call owns the arguments from now on.
        drop(target.sources.close());
        let args: Result<Values> = slots
            .into_iter()
            .enumerate()
            .map(|(at, slot)| match slot {
                Slot::Value(value) => Ok(value),
                Slot::Future(future) => checked(&facts.functions[function], at, future.value()?),
            })
            .collect();
        match args {
            Ok(args) => {
                let observed = target.observed.clone();
                target.start(|before| program.fork_shown(function as u32, args, (site, observed), before));
            }
            // Has no effect if it was cancelled.
            Err(error) => {
                if target.cell.complete(Err(error.with_site_if_none(site))).is_ok() {
                    target.tell_done();
                }
            }
        }
    });
    deferred
}

struct Deferred {
    cell: Cell<Value>,
    /// The futures among its arguments, joined.
    sources: Sources<Vec<Future<Value>>>,
    site: &'static Location<'static>,
    call: Mutex<Stage>,
    program: Program,
    usage: OnceLock<Usage>,
    output: OnceLock<Output>,
    observed: Option<Observed>,
}

/// How far a fork that waits for its arguments has come.
#[derive(Default)]
enum Stage {
    /// Arguments are missing. It can be cancelled without a call.
    #[default]
    Waiting,
    /// The call is being made.
    Starting,
    /// It is made, and not complete.
    Made(Arc<dyn Completion<Value>>),
    /// It is complete, or will never be made.
    Over,
}

impl Stage {
    fn call(&self) -> Option<Arc<dyn Completion<Value>>> {
        match self {
            Stage::Made(call) => Some(call.clone()),
            _ => None,
        }
    }
}

/// What an observer is told of an argument.
fn source(slot: &Slot) -> ArgSource {
    match slot {
        Slot::Value(value) => ArgSource::Value(value.clone()),
        Slot::Future(future) => ArgSource::Future(future.task()),
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        if let Some(error) = self.cell.unobserved() {
            self.program.unobserved(error);
        }
    }
}

impl Deferred {
    fn start(self: Arc<Self>, fork: impl FnOnce(&mut dyn FnMut(Arc<dyn Completion<Value>>))) {
        if !self.begins() {
            return;
        }
        // Registered before the call can complete. So callbacks of this future run where the call completes, and not here, where
        // they would delay the forks of other calls.
        fork(&mut |call| {
            *self.place() = Stage::Made(call.clone());
            let (deferred, done) = (self.clone(), call.clone());
            call.cell().on_done(move || {
                if let Some(usage) = done.usage() {
                    // Set once, as a call completes once.
                    let _ = deferred.usage.set(usage);
                }
                if let Some(output) = done.output() {
                    let _ = deferred.output.set(output);
                }
                if let Some(result) = done.cell().get() {
                    // Has no effect if it was cancelled.
                    let _ = deferred.cell.complete(result);
                }
                // Break the reference cycle: the two held each other.
                *deferred.place() = Stage::Over;
            });
        });
        // `cancel` completes the cell first and then looks for a call. If it came before the call was stored, cancel it here.
        let call = self.place().call();
        if let Some(call) = call
            && self.cell.is_done()
        {
            call.cancel();
        }
    }

    /// From now on there is to be a call; false if it was cancelled before.
    fn begins(&self) -> bool {
        let mut stage = self.place();
        let begins = matches!(*stage, Stage::Waiting);
        if begins {
            *stage = Stage::Starting;
        }
        begins
    }

    /// Tells of the end of a call that was never made.
    fn tell_done(&self) {
        if let (Some(observed), Some(Err(error))) = (&self.observed, self.cell.look()) {
            self.program.tell_never_made(observed, error);
        }
    }

    fn place(&self) -> MutexGuard<'_, Stage> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Completion<Value> for Deferred {
    fn cell(&self) -> &Cell<Value> {
        &self.cell
    }

    fn cell_mut(&mut self) -> &mut Cell<Value> {
        &mut self.cell
    }

    fn cancel(&self) -> bool {
        let in_time = self.cell.complete(Err(cancelled())).is_ok();
        // Release the arguments now: they may take long to complete.
        drop(self.sources.close());
        let stage = {
            let mut stage = self.place();
            match *stage {
                // It will never be made.
                Stage::Waiting if in_time => std::mem::replace(&mut *stage, Stage::Over),
                _ => stage.call().map_or(Stage::Over, Stage::Made),
            }
        };
        match stage {
            Stage::Made(call) => drop(call.cancel()),
            Stage::Waiting => self.tell_done(),
            // Whoever makes the call looks whether it is still wanted.
            Stage::Starting | Stage::Over => {}
        }
        in_time
    }

    fn usage(&self) -> Option<Usage> {
        self.usage.get().copied()
    }

    fn output(&self) -> Option<Output> {
        self.output.get().cloned()
    }

    fn help(self: Arc<Self>) -> bool {
        let call = self.place().call();
        call.is_some_and(|call| call.help())
    }

    fn task(&self) -> Option<TaskId> {
        Some(self.observed.as_ref()?.task)
    }

    fn waited_for(&self) {
        if let Some(observed) = &self.observed {
            self.program.tell_waited_for(observed);
        }
    }

    fn stranded(&self) -> Option<Error> {
        let stranded = self.program.ready().err().or_else(|| self.sources.stranded());
        stranded.map(|error| error.with_site_if_none(self.site))
    }
}
