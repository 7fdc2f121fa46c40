//! A guest cannot tell which way it got its sandbox: recycled, or fresh of bytes that were not rewritten.

mod conformance;
mod liars;
mod places;
mod secrets;
mod smith;

use purefork::{Args, Builder, Error, Executor, Isolation, Module, Value};
use purefork_tests::{Mode, built};

/// The ways that are told apart by name.
const WAYS: [Isolation; 2] = [Isolation::Recycled, Isolation::Fresh];

/// An executor of one thread, so that calls get the same sandbox one after another.
fn executor(isolation: Isolation) -> Executor {
    built(builder(isolation))
}

fn builder(isolation: Isolation) -> Builder {
    Mode::Threads(1).builder().isolation(isolation)
}

/// The arguments of a call.
fn arguments(values: &[Value]) -> Args {
    values.iter().fold(Args::new(), |args, value| args.push(value.clone()))
}

/// How a call ends: its value, bit for bit, or all that its error says, with every place in the guest.
fn outcome(module: &Module, function: &str, values: &[Value]) -> Result<Value, String> {
    let ended = module.fork(function, arguments(values)).and_then(|future| future.wait());
    ended.map_err(|error: Error| {
        let frames: Vec<_> = error.backtrace().iter().map(ToString::to_string).collect();
        format!("{error:?}\n{}", frames.join(" < "))
    })
}

/// Why a module's sandboxes are not recycled.
fn not_recycled(bytes: &[u8]) -> Option<String> {
    purefork::inspect(bytes).expect("it is pure").fresh
}
