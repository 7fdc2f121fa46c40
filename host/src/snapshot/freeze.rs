//! A guest made readable, and the state it was left in written into its bytes.

use super::check::{check, unsupported};
use super::read::{Parts, Whole};
use super::state::State;
use crate::error::Result;
use crate::ir::{Facts, Recipe};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use wasmtime_wizer::{ComponentContext, ModuleContext, Wizer};

/// A guest whose state can be read.
pub(crate) struct Prepared<'a> {
    /// What is to be run.
    pub(crate) bytes: Vec<u8>,
    context: WizerContext<'a>,
    wizer: Wizer,
}

/// What wizer knows of the bytes that were given.
enum WizerContext<'a> {
    Module(ModuleContext<'a>),
    Component(ComponentContext<'a>),
}

impl<'a> Prepared<'a> {
    /// Adds exports to read its state to a guest that the audit has passed. `others`: its exports that cannot be called, each with
    /// the reason. Functions that set up the guest are among them: they have run, and must not run again.
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
                Ok(Prepared { bytes, context: WizerContext::Component(context), wizer })
            } else {
                let wizer = wizer(is_lost(CONSTRUCTORS));
                let (context, bytes) = wizer.instrument(bytes)?;
                Ok(Prepared { bytes, context: WizerContext::Module(context), wizer })
            }
        })
    }

    /// The guest that was given, with the state after a run. `facts` and `recipe`: those of the guest that was run.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the state cannot be written.
    pub(crate) fn freeze(&self, facts: &Facts, recipe: &Recipe, state: &mut dyn State) -> Result<Vec<u8>> {
        guarded(|| match &self.context {
            WizerContext::Module(context) => {
                let mut state = Whole::new(state);
                let bytes = at_once(self.wizer.snapshot(context, &mut state))?;
                state.complete().map(|()| bytes)
            }
            WizerContext::Component(context) => {
                let mut state = Parts::new(facts, recipe, state);
                let bytes = at_once(self.wizer.snapshot_component(context, &mut state))?;
                state.complete().map(|()| bytes)
            }
        })
    }
}

/// The export by which linkers have a guest's constructors run.
const CONSTRUCTORS: &str = "__wasm_call_ctors";

/// Has wizer keep all functions, that which has run included, but for those that set up the guest: it always removes
/// `_initialize`, and the constructors if it is told to.
fn wizer(without_constructors: bool) -> Wizer {
    let mut wizer = Wizer::new();
    wizer.init_func(CONSTRUCTORS).keep_init_func(!without_constructors);
    wizer
}

/// Runs wizer, and makes a panic an error. [`check`] has refused all that is known to panic. A panic cannot leave shared state half
/// changed, as there is none.
fn guarded<T>(work: impl FnOnce() -> wasmtime::Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| unsupported(format!("{error:#}"))),
        Err(panic) => {
            // Dropping the payload could panic again.
            std::mem::forget(panic);
            Err(unsupported("a part of it is not known to what writes it"))
        }
    }
}

/// The result of a future that never waits.
fn at_once<T>(work: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => wasmtime::bail!("reading the state waits for something"),
    }
}
