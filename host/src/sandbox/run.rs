//! A sandbox: made, given a call to run, asked what the call has used.

use super::fault::AfterRefusal;
use super::footprint::Footprint;
use super::handles::Handles;
use super::limiter::Limiter;
use super::parts::Parts;
use super::plan::Loaded;
use super::shards::InUse;
use super::stock::Reusable;
use super::{CallState, Carried, Plan, Room, Stop};
use crate::engine::{Kind, Permit};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::wasi::Output;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{Ordering, fence};
use std::task::{Context, Poll, Waker};
use wasmtime::{AsContextMut, Engine, Store, UpdateDeadline};

/// An instance with everything that belongs to it.
pub(crate) struct Sandbox<D: 'static> {
    pub(super) store: Store<Room<D>>,
    /// What it holds, if it may serve again.
    pub(super) footprint: Footprint,
    /// What it was made of; lent to the call that runs.
    pub(super) loaded: Option<InUse<D>>,
    module: u64,
    shard: usize,
    /// The function whose calls this one is to teach about.
    learns_from: Option<u32>,
    /// How many calls it has served.
    served: u32,
    /// Whether a call has ended in the midst of the guest's code.
    unwound: bool,
    /// Given back once everything above is.
    _permit: Permit,
}

/// How many calls a sandbox serves: wasmtime counts some things of a store in 32 bits.
const MOST_SERVED: u32 = 1 << 20;

impl<D: Carried> Sandbox<D> {
    /// Makes a sandbox for calls of the guest that was loaded, and of which `place` is the number, the shard, and the right to it.
    pub(super) fn new(
        engine: &Engine,
        loaded: &Loaded<D>,
        kind: Kind,
        place: (u64, usize, Permit),
        limits: &Limits,
        carried: D,
    ) -> wasmtime::Result<Sandbox<D>> {
        let room = Room {
            carried,
            call: CallState::new(),
            limiter: Limiter::new(limits, loaded.margin(), loaded.maximum()),
            parts: Parts::default(),
            handles: Handles::default(),
            // Of what is small in a guest, a host's value is several times as large: of an empty string eight.
            budget: limits.memory.saturating_mul(4).saturating_add(64 << 10),
        };
        let mut store = Store::new(engine, room);
        store.limiter(|room| room);
        store.epoch_deadline_callback(|cx| match cx.data().carried.stopped() {
            Some(error) => Err(Stop(error).into()),
            None => Ok(UpdateDeadline::Continue(1)),
        });
        // For start functions, which have a call's fuel to themselves: instantiation is not charged.
        store.set_fuel(limits.fuel)?;
        store.set_epoch_deadline(1);
        let made = {
            let instantiating = pin!(instantiate(loaded, &mut store, kind == Kind::Forking));
            match instantiating.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(made) => made,
                // Of modules, the audit refuses those that could wait here; and a fork outside of a call is a trap.
                Poll::Pending => wasmtime::bail!("the start function waits for something"),
            }
        };
        let refused = store.data().call.refused;
        made.map_err(|error| if refused { error.context(AfterRefusal) } else { error })?;
        // There was no call yet that any of this could belong to.
        store.data_mut().call = CallState::new();
        Ok(Sandbox {
            store,
            footprint: Footprint::default(),
            loaded: None,
            module: place.0,
            shard: place.1,
            learns_from: None,
            served: 0,
            unwound: false,
            _permit: place.2,
        })
    }

    /// Has what this call writes to looked at when it has ended.
    pub(super) fn learn_from(&mut self, function: u32) {
        self.learns_from = Some(function);
    }

    /// The function whose calls this one is to teach about, once.
    pub(super) fn learns_from(&mut self) -> Option<u32> {
        self.learns_from.take()
    }

    /// What the call carries with it.
    #[inline]
    pub(crate) fn carried(&mut self) -> &mut D {
        &mut self.store.data_mut().carried
    }

    /// Makes it one that has served no call, but for what the guest has changed; false if it has served enough.
    pub(super) fn renew(&mut self) -> bool {
        self.served += 1;
        self.store.data_mut().end_call();
        self.served < MOST_SERVED && !self.unwound
    }

    /// The call has ended in the midst of the guest's code: the sandbox is not used again.
    pub(super) fn unwound(&mut self) {
        self.unwound = true;
    }

    /// Takes out what the call has carried with it.
    pub(crate) fn take_carried(&mut self) -> D {
        std::mem::take(&mut self.store.data_mut().carried)
    }

    /// The fuel that the call has used, in units. Of no meaning after an error.
    pub(crate) fn fuel_used(&self, plan: &Plan<D>) -> u64 {
        plan.limits().fuel.saturating_sub(self.store.get_fuel().unwrap_or(0))
    }

    /// Gives the call its fuel and its deadline. `stopped` tells why it must not start, if it must not.
    ///
    /// # Errors
    ///
    /// What `stopped` told. The sandbox is as it was.
    #[inline]
    pub(crate) fn prepare(
        &mut self,
        plan: &Plan<D>,
        function: u32,
        stopped: impl FnOnce() -> Option<Error>,
    ) -> Result<()> {
        self.store.set_fuel(plan.limits().fuel).map_err(|error| plan.explain(error, function))?;
        self.store.set_epoch_deadline(1);
        // Who stops a call says so first and rings the bell then. Either the deadline was set by what the bell had counted before,
        // and the guest hears it; or it was rung before, and what was said is seen here.
        fence(Ordering::Acquire);
        stopped().map_or(Ok(()), Err)
    }

    pub(super) fn explain(&mut self, plan: &Plan<D>, function: u32, error: wasmtime::Error) -> Error {
        let refused = self.store.data().call.refused;
        let error = plan.explain_call(error, function, refused);
        // A child's error has notes of its own.
        let notes = self.store.data().call.wasi.as_ref().and_then(|state| state.notes());
        let notes = notes.filter(|_| error.kind() == ErrorKind::Trap && error.chain().is_empty());
        match (notes, error.help()) {
            (Some(notes), None) => error.with_help(notes),
            (Some(notes), Some(help)) => {
                let help = format!("{help}; {notes}");
                error.with_help(help)
            }
            (None, _) => error,
        }
    }

    /// What the call wrote by way of WASI.
    pub(crate) fn take_output(&mut self) -> Option<Box<Output>> {
        let state = self.store.data_mut().call.wasi.take()?;
        let output = state.into_output();
        (output != Output::default()).then(|| Box::new(output))
    }
}

impl<D: Carried> Reusable for Sandbox<D> {
    fn module(&self) -> u64 {
        self.module
    }

    fn shard(&self) -> usize {
        self.shard
    }

    fn bytes(&self) -> usize {
        self.footprint.bytes()
    }
}

/// Makes the instances, and has the guest set itself up.
async fn instantiate<D: Carried>(
    loaded: &Loaded<D>,
    store: &mut Store<Room<D>>,
    may_wait: bool,
) -> wasmtime::Result<()> {
    loaded.assembly.instantiate(store, may_wait).await?;
    let Some(initialize) = loaded.initialize else { return Ok(()) };
    let function = loaded.located.function(store.as_context_mut(), initialize);
    let function = function.ok_or_else(|| wasmtime::format_err!("`_initialize` is not there"))?;
    if may_wait { function.call_async(store, &[], &mut []).await } else { function.call(store, &[], &mut []) }
}

/// What cannot happen: values are checked where a call is forked, exports where a guest is loaded.
#[cold]
pub(super) fn unfit<D: Carried>(plan: &Plan<D>, function: u32) -> Error {
    debug_assert!(false, "a call of `{}` does not fit its signature", plan.name(function));
    Error::new(ErrorKind::ArgumentMismatch, format!("the call does not fit the signature of `{}`", plan.name(function)))
}
