//! A guest made readable, and the state it was left in written into its bytes.

use super::check::{check, unsupported};
use super::read::{Parts, Whole};
use super::state::State;
use crate::error::Result;
use crate::ir::{Facts, Recipe};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{self, Poll, Waker};
use wasmtime_wizer::{ComponentContext, ModuleContext, Wizer};

/// A guest whose state can be read.
pub(crate) struct Prepared<'a> {
    /// What is to be run.
    pub(crate) bytes: Vec<u8>,
    given: Context<'a>,
    wizer: Wizer,
}

enum Context<'a> {
    Module(ModuleContext<'a>),
    Component(ComponentContext<'a>),
}

impl<'a> Prepared<'a> {
    /// Adds to a guest that the audit has passed what its state is read by. `others`: what of its exports cannot be called, each
    /// with the reason; what has set the guest up is among them, and must not do so again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the guest could change more than can be frozen.
    pub(crate) fn new(bytes: &'a [u8], others: &[(String, String)]) -> Result<Prepared<'a>> {
        let is_lost = |name: &str| others.iter().any(|(other, _)| other == name);
        check(bytes, &is_lost)?;
        guarded(|| {
            if wasmparser::Parser::is_component(bytes) {
                let wizer = wizer(false);
                let (context, bytes) = wizer.instrument_component(bytes)?;
                Ok(Prepared { bytes, given: Context::Component(context), wizer })
            } else {
                let wizer = wizer(is_lost(CONSTRUCTORS));
                let (context, bytes) = wizer.instrument(bytes)?;
                Ok(Prepared { bytes, given: Context::Module(context), wizer })
            }
        })
    }

    /// The guest that was given, with a state that it was left in. `facts` and `recipe` are those of what was run.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the state cannot be written.
    pub(crate) fn freeze(&self, facts: &Facts, recipe: &Recipe, state: &mut dyn State) -> Result<Vec<u8>> {
        guarded(|| match &self.given {
            Context::Module(context) => {
                let mut state = Whole::new(state);
                let bytes = at_once(self.wizer.snapshot(context, &mut state))?;
                state.complete().map(|()| bytes)
            }
            Context::Component(context) => {
                let mut state = Parts::new(facts, recipe, state);
                let bytes = at_once(self.wizer.snapshot_component(context, &mut state))?;
                state.complete().map(|()| bytes)
            }
        })
    }
}

/// The name under which linkers export what runs a guest's constructors.
const CONSTRUCTORS: &str = "__wasm_call_ctors";

/// Every function stays what it was, the one that has run, too; but for what has set the guest up: wizer leaves out
/// `_initialize` always, and one function of another name, if it is told to.
fn wizer(without_constructors: bool) -> Wizer {
    let mut wizer = Wizer::new();
    wizer.init_func(CONSTRUCTORS).keep_init_func(!without_constructors);
    wizer
}

/// Runs wizer. What it would panic at is found before by [`check`]; should its author have thought of more, that is
/// no reason for the host to end. It holds nothing that a panic could leave half done.
fn guarded<T>(work: impl FnOnce() -> wasmtime::Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| unsupported(format!("{error:#}"))),
        Err(panic) => {
            // What it panicked with may panic when it is dropped.
            std::mem::forget(panic);
            Err(unsupported("a part of it is not known to what writes it"))
        }
    }
}

/// The result of something that does not wait.
fn at_once<T>(work: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    match pin!(work).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => wasmtime::bail!("reading the state waits for something"),
    }
}
