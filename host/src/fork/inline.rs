//! An inline call: finished before the fork returns.
//!
//! Where a fork runs before it returns, nobody can cancel, steal or wait for a call that forks nothing itself. So it is
//! no [`Call`], which is made to be found by others, counts no references, and allocates nothing.

use super::call::{Call, ClaimedArgs};
use super::program::Program;
use super::run::{Ended, Run};
use crate::backend::Forked;
use crate::future::Ready;
use crate::value::Values;
use std::panic::Location;
use std::sync::Arc;

/// Runs a function that cannot fork, which the host forks.
#[inline]
pub(super) fn run(program: &Program, function: u32, mut values: Values, site: &'static Location<'static>) -> Forked {
    let run = Run { program, function, is_root: true, deadline: program.runtime.deadline() };
    let mut ended = Ended::default();
    run.here(ClaimedArgs { values: &mut values, charge: &mut None }, None, &mut ended);
    match ended.result {
        Ok(value) => Forked::Ready(Ready { value, fuel: ended.used.usage.fuel, output: ended.output }),
        Err(error) => Forked::Call(fail(&run, Ended { result: Err(error), ..ended }, site)),
    }
}

/// Of a call that failed more is told.
#[cold]
fn fail(run: &Run<'_>, ended: Ended, site: &'static Location<'static>) -> Arc<Call> {
    let call = Call::root(run.program.clone(), run.function, Values::default(), site, None);
    call.withdraw();
    call.end(ended);
    call
}
