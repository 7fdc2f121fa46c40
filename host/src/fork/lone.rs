//! A call that has ended before anybody knows of it.
//!
//! Where a fork runs before it returns, nobody can cancel, steal or wait for a call that forks nothing itself. So it is
//! no [`Call`], which is made to be found by others, counts no references, and allocates nothing.

use super::call::{Call, Given};
use super::program::Program;
use super::run::Run;
use super::runtime::Runtime;
use crate::backend::Forked;
use crate::error::Error;
use crate::escape::shown;
use crate::future::{Ready, cancelled};
use crate::ir::Facts;
use crate::value::Values;
use crate::wasi::Output;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// What a sandbox knows of such a call. It stays there for the next one: it is the same module's.
pub(super) struct Lone {
    runtime: Weak<Runtime>,
    facts: Arc<Facts>,
    function: u32,
    deadline: Option<Instant>,
}

/// Runs a function that cannot fork, which the host forks.
#[inline]
pub(super) fn run(program: &Program, function: u32, mut values: Values, site: &'static Location<'static>) -> Forked {
    let run = Run { program, function, is_root: true, deadline: program.runtime.deadline() };
    let args = Given { values: &mut values, held: &mut None };
    let ended =
        run.here(args, &|frame| frame.enter_lone(&run), || stopped(&program.runtime, || run.name(), run.deadline));
    match ended.result {
        Ok(value) => Forked::Ready(Ready { value, fuel: ended.usage.fuel, output: ended.output.map(Arc::from) }),
        Err(error) => Forked::Call(fail(&run, error, ended.output, site)),
    }
}

/// Of a call that failed more is told.
#[cold]
fn fail(run: &Run<'_>, error: Error, output: Option<Box<Output>>, site: &'static Location<'static>) -> Arc<Call> {
    let call = Call::root(run.program.clone(), run.function, Values::default(), site);
    call.withdraw();
    call.end(run.failed(error, output));
    call
}

/// Why a call must not start or go on, if it must not.
#[inline]
fn stopped(runtime: &Runtime, name: impl FnOnce() -> String, deadline: Option<Instant>) -> Option<Error> {
    if runtime.is_shut_down() {
        return Some(runtime.closed_error());
    }
    runtime.late(deadline, name)
}

impl Lone {
    pub(super) fn new(run: &Run<'_>) -> Lone {
        Lone {
            runtime: Arc::downgrade(&run.program.runtime),
            facts: run.program.facts.clone(),
            function: run.function,
            deadline: run.deadline,
        }
    }

    /// Another call of the same module.
    #[inline]
    pub(super) fn again(&mut self, run: &Run<'_>) {
        (self.function, self.deadline) = (run.function, run.deadline);
    }

    pub(super) fn stopped(&self) -> Option<Error> {
        // Whoever runs it has it.
        let Some(runtime) = self.runtime.upgrade() else { return Some(cancelled()) };
        let name = || shown(&self.facts.functions[self.function as usize].name);
        stopped(&runtime, name, self.deadline)
    }
}
