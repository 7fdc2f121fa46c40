//! What wasmtime reports, as one of our errors.

use crate::abi::Wrong;
use crate::engine::{advice, is_short};
use crate::error::{Error, ErrorKind, GuestFrame};
use crate::instrument::OffsetMap;
use std::fmt;
use std::time::Duration;
use wasmtime::{GcHeapOutOfMemory, PoolConcurrencyLimitError, Trap, WasmBacktrace};

/// An error of ours on its way through a guest's frames.
#[derive(Debug)]
pub(crate) struct Stop(pub(crate) Error);

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Stop {}

/// A guest has called what does not return, as it has failed; with what it said.
#[derive(Debug)]
pub(super) struct Failed(pub(super) String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

/// A guest has called a function that nothing provides.
#[derive(Debug)]
pub(super) struct Missing(pub(super) String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it called `{}`, which nothing provides", self.0)
    }
}

impl std::error::Error for Missing {}

/// An exception has left the guest's code: with its tag and its values.
#[derive(Debug)]
pub(super) struct Uncaught(pub(super) String);

impl fmt::Display for Uncaught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Uncaught {}

/// The end of a program, on its way through its frames.
#[derive(Debug)]
pub(super) struct Exit(pub(super) u8);

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the guest exited with status {}", self.0)
    }
}

impl std::error::Error for Exit {}

/// The call's deadline has passed.
#[derive(Debug)]
pub(super) struct DeadlinePassed;

impl fmt::Display for DeadlinePassed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deadline has passed")
    }
}

impl std::error::Error for DeadlinePassed {}

/// The guest's frames that an error keeps.
const MAX_FRAMES: usize = 16;

/// Every sandbox of a shard is in use.
#[derive(Debug)]
pub(super) struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all are in use")
    }
}

impl std::error::Error for Full {}

/// The guest was refused memory while its instances were made, and could not go on.
#[derive(Debug)]
pub(super) struct AfterRefusal;

impl fmt::Display for AfterRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the guest was refused memory")
    }
}

impl std::error::Error for AfterRefusal {}

/// Whether a sandbox could not be made because there was no place for it.
pub(super) fn is_pool_full(error: &wasmtime::Error) -> bool {
    // What the host says is left of its own; what our limits leave is an error of ours.
    error.is::<Full>()
        || error.is::<PoolConcurrencyLimitError>()
        || (!error.is::<Stop>() && !error.is::<DeadlinePassed>() && is_short(error))
}

/// Why memory could not be had before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refusals {
    /// The guest was refused some because of its limit.
    pub(super) by_limit: bool,
    /// The host had none to give.
    pub(super) by_host: bool,
}

/// What happened to a call of `function`, which may take `timeout`. `exported`: the name under which the function of an index is exported.
pub(super) fn explain(
    error: wasmtime::Error,
    (function, timeout): (&str, Option<Duration>),
    Refusals { by_limit: refused, by_host: host_is_short }: Refusals,
    exported: &dyn Fn(u32) -> Option<String>,
) -> Error {
    // A child's error keeps its own place; the frames of those who waited for it say less.
    if let Some(Stop(stop)) = error.downcast_ref::<Stop>() {
        return if stop.backtrace().is_empty() && stop.chain().is_empty() {
            stop.clone().with_backtrace(frames(&error, exported))
        } else {
            stop.clone()
        };
    }
    let backtrace = frames(&error, exported);
    if error.is::<DeadlinePassed>() {
        let limit = timeout.unwrap_or_default();
        let error = Error::new(ErrorKind::Timeout, format!("`{function}` was still running after {limit:?}"))
            .with_help("raise `Limits::timeout` (`--timeout`) if it is meant to take that long");
        return error.with_backtrace(backtrace);
    }
    if let Some(exit) = error.downcast_ref::<Exit>() {
        let error = Error::new(ErrorKind::Trap, format!("`{function}` did not return: {exit}"));
        return error.with_backtrace(backtrace);
    }
    let trapped = |why: &str, cause: Option<&str>| {
        if refused || error.is::<AfterRefusal>() {
            let message = format!("`{function}` was refused memory beyond its limit, then trapped: {why}");
            return Error::new(ErrorKind::OutOfMemory, message)
                .with_help("raise `Limits::memory` (`--memory`) if it is meant to use that much");
        }
        let error = Error::new(ErrorKind::Trap, format!("`{function}` trapped: {why}"));
        cause.into_iter().fold(error, Error::with_help)
    };
    if let Some(thrown) = error.downcast_ref::<Uncaught>() {
        let error = Error::new(ErrorKind::Trap, format!("`{function}` threw {thrown}, and nothing caught it"))
            .with_help("catch it in the guest, and return what has failed as a result");
        return error.with_backtrace(backtrace);
    }
    if error.is::<GcHeapOutOfMemory<()>>() {
        let error = if host_is_short {
            Error::new(ErrorKind::Exhausted, format!("the host has no memory left for the objects of `{function}`"))
                .with_help(advice())
        } else {
            let message = format!("`{function}` has more objects than its limit on memory allows");
            Error::new(ErrorKind::OutOfMemory, message)
                .with_help("raise `Limits::memory` (`--memory`) if it is meant to use that much")
        };
        return error.with_backtrace(backtrace);
    }
    if let Some(Failed(why)) = error.downcast_ref::<Failed>() {
        return trapped(why, cause(Trap::UnreachableCodeReached)).with_backtrace(backtrace);
    }
    if let Some(missing) = error.downcast_ref::<Missing>() {
        return trapped(&missing.to_string(), Some("build the guest without it, or on a way that does not call it"))
            .with_backtrace(backtrace);
    }
    let explained = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Error::new(ErrorKind::OutOfFuel, format!("`{function}` used up its fuel"))
            .with_help("raise `Limits::fuel` (`--fuel`) if it is meant to run that long"),
        Some(Trap::StackOverflow) => Error::new(ErrorKind::StackOverflow, format!("`{function}` used up its stack"))
            .with_help("raise `Limits::stack` if it is meant to recurse that deeply"),
        Some(trap) => trapped(&plain(*trap), cause(*trap)),
        None if is_short(&error) => Error::new(
            ErrorKind::Exhausted,
            format!("the host has no memory or address space left for a sandbox to run `{function}` in: {error:#}"),
        )
        .with_help(advice()),
        None if is_pool_full(&error) => {
            Error::new(ErrorKind::Exhausted, format!("no sandbox was left to run `{function}` in: {error}"))
                .with_help("fork less deeply, or raise `Limits::depth`")
        }
        None => Error::new(ErrorKind::Exhausted, format!("the host could not run `{function}`: {error:#}")),
    };
    explained.with_backtrace(backtrace)
}

/// What in a guest's source ends with such a trap, where that is not what the trap is called.
fn cause(trap: Trap) -> Option<&'static str> {
    match trap {
        Trap::UnreachableCodeReached => Some("a panic, an abort or a failed assertion in the guest ends so"),
        Trap::MemoryOutOfBounds => Some("a wrong index or pointer in the guest ends so"),
        Trap::TableOutOfBounds | Trap::IndirectCallToNull | Trap::BadSignature => {
            Some("a wrong function pointer in the guest ends so, or one called with other types than its function has")
        }
        _ => None,
    }
}

/// wasmtime's words without their prefix.
fn plain(trap: Trap) -> String {
    let text = trap.to_string();
    text.strip_prefix("wasm trap: ").map(str::to_owned).unwrap_or(text)
}

fn frames(error: &wasmtime::Error, exported: &dyn Fn(u32) -> Option<String>) -> Vec<GuestFrame> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    // What was added to the guest is nothing that its author knows.
    let own = backtrace.frames().iter().filter(|frame| frame.module_offset() != Some(OffsetMap::ADDED as usize));
    let frames = own.take(MAX_FRAMES).map(|frame| {
        let name = frame.func_name().map(crate::escape::escaped_function).or_else(|| exported(frame.func_index()));
        GuestFrame {
            function: name.unwrap_or_else(|| format!("func[{}]", frame.func_index())),
            offset: frame.module_offset(),
        }
    });
    frames.collect()
}

/// A trap, with what the guest did.
pub(super) fn trap(message: impl Into<String>) -> wasmtime::Error {
    Stop(Error::new(ErrorKind::Trap, message)).into()
}

/// What is wrong with a value, as an error of the call.
pub(super) fn wrong_value(wrong: Wrong, what: &str) -> wasmtime::Error {
    match wrong {
        Wrong::Broken(why) => trap(format!("{what} {why}")),
        Wrong::TooMuch => Stop(
            Error::new(ErrorKind::OutOfMemory, format!("{what} more than its limit on memory allows"))
                .with_help("raise `Limits::memory` (`--memory`) if it is meant to be that large"),
        )
        .into(),
        // Who reads what may take long says so itself.
        Wrong::Stopped => trap(format!("{what} what was not read to its end")),
    }
}
