//! A guest cannot tell which way it got its sandbox: recycled, or fresh of bytes that were not rewritten.

mod conformance;
mod histories;
mod liars;
mod made;
mod places;
mod secrets;
mod smith;
mod storing;

use purefork::{Builder, Executor, Isolation};
use purefork_tests::{Mode, built, outcome};

/// The ways that are told apart by name.
const WAYS: [Isolation; 2] = [Isolation::Recycled, Isolation::Fresh];

/// An executor of one thread, so that calls get the same sandbox one after another.
fn executor(isolation: Isolation) -> Executor {
    built(builder(isolation))
}

fn builder(isolation: Isolation) -> Builder {
    Mode::Threads(1).builder().isolation(isolation)
}

/// Why a module's sandboxes are not recycled.
fn not_recycled(bytes: &[u8]) -> Option<String> {
    purefork::inspect(bytes).expect("it is pure").fresh
}
