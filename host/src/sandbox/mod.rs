//! The instance that one call runs in, and the limits on it.
//!
//! There are three ways to give a call its own state, and a guest cannot tell them apart:
//! - *stateless*: an instance that served before, where the audit has shown that the function changes no state;
//! - *recycled*: an instance that served before, in which all that calls have changed was put back;
//! - *fresh*: a new instance; always right.
//!
//! A component's instance is several core instances, made by the steps of its recipe; values go in and out by the canonical
//! ABI. Nothing of it is left to wasmtime's component runtime: its tables of handles are state that nothing resets.
//!
//! The room promises: nothing of a call is left in a sandbox that another call is given; after any error a sandbox is
//! thrown away; what a call is refused does not depend on the host. It knows no futures and no trees: what a call
//! carries with it is a type parameter.

mod call;
mod enter;
mod fault;
mod footprint;
mod handles;
mod host;
mod lending;
mod limiter;
mod noreturn;
mod parts;
mod plan;
mod pristine;
mod run;
mod shards;
mod state;
mod stock;
mod undo;
mod warm;
mod wasi;
mod watch;
mod way;

pub(crate) use fault::Stop;
pub(crate) use host::{Host, val_type};
pub(crate) use plan::{Export, Plan};
pub(crate) use run::Sandbox;
pub(crate) use stock::{Most, Stock};
pub(crate) use watch::{Chore, Guard, Watch};

use crate::error::Error;
use handles::Handles;
use lending::Lending;
use limiter::Limiter;
use parts::Parts;

/// What a store holds: the instances and what belongs to them, what belongs to the call, and what the call carries with it.
pub(crate) struct Room<D> {
    pub(crate) carried: D,
    call: CallState,
    limiter: Limiter,
    parts: Parts,
    handles: Handles,
    /// How many bytes of the host's memory a call may have it read, each time.
    budget: usize,
}

/// What belongs to one call, beside what it carries.
///
/// It is built anew for each call, and once more when the instances have been made: what happens then belongs to no call.
/// Were a part of it cleared instead, one that is forgotten would tell a guest what ran before it.
struct CallState {
    /// Whether the guest may call the host: not while it makes room for arguments, or frees results.
    may_leave: bool,
    /// Whether it was refused memory because of the limit, not because of the guest's own declared maximum.
    refused: bool,
    /// The calls between the guest's components that have not returned, and what they were lent, once there was one.
    lending: Option<Box<Lending>>,
    /// What of WASI belongs to it, once it has used any.
    wasi: Option<Box<wasi::State>>,
}

impl CallState {
    #[inline]
    fn new() -> CallState {
        CallState { may_leave: true, refused: false, lending: None, wasi: None }
    }
}

impl CallState {
    /// What is lent between the guest's components.
    fn lending(&mut self) -> &mut Lending {
        self.lending.get_or_insert_default()
    }
}

impl<D: Carried> Room<D> {
    /// Lets go of all that belongs to a call. Instances stay, with what the guest has made in them.
    #[inline]
    fn end_call(&mut self) {
        // Named one by one, so that whatever is added has to be one or the other.
        let Room { carried, call, limiter: _, parts: _, handles: _, budget: _ } = self;
        carried.leave();
        *call = CallState::new();
    }
}

/// What a call carries with it.
pub(crate) trait Carried: Default + Send + 'static {
    /// Why the call must not go on, if it must not. Asked before a sandbox is made for it, and when the bell was rung.
    fn stopped(&self) -> Option<Error>;

    /// Lets go of all that belongs to a call.
    fn leave(&mut self);

    /// Fails where the call has no future of this number that it forked by this link and has not dropped.
    fn check_future(&self, link: u32, number: u32) -> Result<(), Error>;
}
