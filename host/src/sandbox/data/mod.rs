//! What a store holds: the instances with what belongs to them, and what belongs to the call that runs.

mod descriptors;
mod futures;
mod handles;
mod handles2;
mod instances;
mod interrupts;
mod lending;
mod limiter;
mod missing_files;
mod random;
mod wasi;

pub(super) use descriptors::{DIRECTORY_RIGHTS, Open, OpenNode};
pub(crate) use futures::Futures;
pub(super) use handles::{Handle, Handles, Kind};
pub(super) use handles2::Handle2;
pub(super) use instances::Instances;
pub(crate) use interrupts::CallState;
pub(super) use interrupts::Interrupts;
pub(super) use lending::Lending;
pub(super) use limiter::Limiter;
pub(super) use wasi::{Sink, WasiState};

use super::error::{Refusals, Stop, trap};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::wasi::GivenWorld;
use std::sync::Arc;
use wasmtime::ResourceLimiter;

/// What a store holds.
pub(super) struct StoreData {
    /// What may stop the call that runs.
    pub(super) interrupts: Interrupts,
    pub(super) call: CallData,
    pub(super) limiter: Limiter,
    pub(super) instances: Instances,
    pub(super) handles: Handles,
    /// How many bytes of the host's memory a call may have it read, each time.
    pub(super) budget: usize,
    /// What WASI gives to the calls that are made; nothing while instances are made, as whatever is called may have them.
    pub(super) world: Option<Arc<GivenWorld>>,
}

/// What belongs to one call.
///
/// It is built anew for each call, and once more when the instances have been made: what happens then belongs to no call.
/// Were a part of it cleared instead, one that is forgotten would tell a guest what ran before it.
pub(super) struct CallData {
    /// Whether the guest may call the host: not while it makes room for arguments, or frees results.
    pub(super) may_leave: bool,
    /// Why it was not given memory, other than by the guest's own declared maximum.
    pub(super) refusals: Refusals,
    /// The futures of the calls that it has forked, once it has forked any.
    pub(super) futures: Option<Box<dyn Futures>>,
    /// The calls between the guest's components that have not returned, and what they were lent, once there was one.
    lending: Option<Box<Lending>>,
    /// What of WASI belongs to it, once it has used any.
    pub(super) wasi: Option<Box<WasiState>>,
}

impl CallData {
    #[inline]
    fn new() -> CallData {
        CallData { may_leave: true, refusals: Refusals::default(), futures: None, lending: None, wasi: None }
    }

    /// Makes it that of another call.
    #[inline]
    fn renew(&mut self) {
        // Named one by one, so that whatever is added is seen here. Where there is nothing to drop, nothing is called that would look for it.
        let CallData { may_leave: _, refusals: _, futures, lending, wasi } = self;
        if futures.is_some() || lending.is_some() || wasi.is_some() {
            *self = CallData::new();
        } else {
            std::mem::forget(std::mem::replace(self, CallData::new()));
        }
    }

    /// What is lent between the guest's components.
    pub(super) fn lending(&mut self) -> &mut Lending {
        self.lending.get_or_insert_default()
    }

    /// Takes back what was lent, if the future of this number was lent by one component of the guest to another.
    pub(super) fn returns_future(&mut self, number: u32) -> bool {
        self.lending.as_mut().is_some_and(|lending| lending.returns_future(number))
    }
}

impl StoreData {
    /// `card_table`: its size, in front of the guest's own memory, in bytes. `maximum`: what that memory may grow
    /// to by its declaration.
    pub(super) fn new(limits: &Limits, card_table: usize, maximum: Option<usize>, interrupts: Interrupts) -> StoreData {
        StoreData {
            interrupts,
            call: CallData::new(),
            limiter: Limiter::new(limits, card_table, maximum),
            instances: Instances::default(),
            handles: Handles::default(),
            // Of what is small in a guest, a host's value is several times as large: of an empty string eight.
            budget: limits.memory.saturating_mul(4).saturating_add(64 << 10),
            world: None,
        }
    }

    /// The instances are made: there was no call yet that anything could belong to that has happened.
    pub(super) fn made(&mut self) {
        self.call = CallData::new();
    }

    /// Lets go of all that belongs to a call. Instances stay, with what the guest has made in them.
    #[inline]
    pub(super) fn end_call(&mut self) {
        // Named one by one, so that whatever is added has to be one or the other.
        let StoreData { interrupts, call, limiter: _, instances: _, handles: _, budget: _, world } = self;
        interrupts.end_call();
        *call = CallData::new();
        *world = None;
    }

    /// The same where another call of the same caller follows: what may stop them stays, and what they are given.
    #[inline]
    pub(super) fn end_for_next(&mut self) {
        let StoreData { interrupts: _, call, limiter: _, instances: _, handles: _, budget: _, world: _ } = self;
        call.renew();
    }

    /// The futures of the call that runs, which is about to fork, or to use one.
    ///
    /// # Errors
    ///
    /// A trap where no call runs that could fork.
    pub(super) fn futures(&mut self) -> wasmtime::Result<&mut dyn Futures> {
        if self.call.futures.is_none() {
            self.call.futures = self.interrupts.futures();
        }
        match &mut self.call.futures {
            Some(futures) => Ok(&mut **futures),
            None => Err(trap("a fork outside of any call")),
        }
    }
}

impl ResourceLimiter for StoreData {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let StoreData { limiter, call, .. } = self;
        Ok(limiter.grow_memory(current, desired, maximum, &mut call.refusals.by_limit))
    }

    /// What may be grown to was told before: it is within the limits and the declared maximum.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // Where it is a collector's heap that grows, nobody hears of the error.
        self.call.refusals.by_host = true;
        let message = format!("the host could not give a memory that is within the limits: {error:#}");
        Err(Stop(Error::new(ErrorKind::Exhausted, message)).into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.limiter.grow_table(current, desired, maximum))
    }

    /// wasmtime tells this of sizes that no table can have, and of no others: it does not ask before. Where the host is short,
    /// the call ends with wasmtime's own error.
    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        Ok(())
    }
}
