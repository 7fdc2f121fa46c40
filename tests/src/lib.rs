//! What the tests that cross crates share; the tests themselves live in `tests/`.
//!
//! - [`each_executor`] runs a test in every mode an executor has: serial, one thread, two threads.
//! - [`Watchdog`] turns a hang into a failure, [`in_own_process`] a crash or hang into the failure of one test.
//! - [`describe`] writes out all of an error, for whole-text expectations.
//! - [`guests`] are modules that several tests use, [`smith`] those that nobody has written, [`histories`] those that look for
//!   what others did.

mod compiled;
pub mod components;
#[cfg(unix)]
mod forked;
pub mod guests;
pub mod histories;
pub mod imports;
mod measure;
mod process;
pub mod smith;
pub mod sources;

pub use compiled::compiled;
#[cfg(unix)]
pub use forked::in_forked_child;
pub use measure::{Remains, faults, remains};
pub use process::{Watchdog, in_limited_process, in_own_process, in_process_of, test_of};

use purefork::error::ForkSite;
use purefork::{Args, Builder, Error, ErrorKind, Executor, Limits, Module, Usage, Value, args};
use std::fmt::Write as _;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// How an executor runs its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// On the thread that forks.
    Serial,
    /// On so many workers.
    Threads(usize),
}

/// The modes in which every test runs.
pub const MODES: [Mode; 3] = [Mode::Serial, Mode::Threads(1), Mode::Threads(2)];

/// The modes of [`MODES`]; the first alone while expected texts are being updated, as each can be written only once.
pub fn modes() -> impl Iterator<Item = Mode> {
    let most = if std::env::var_os("UPDATE_EXPECT").is_some() { 1 } else { MODES.len() };
    MODES.into_iter().take(most)
}

impl Mode {
    /// A builder of an executor of this mode, with [`limits`].
    pub fn builder(self) -> Builder {
        let builder = Executor::builder().limits(limits());
        match self {
            Mode::Serial => builder.serial(),
            Mode::Threads(threads) => builder.threads(threads),
        }
    }

    /// An executor of this mode, with [`limits`].
    pub fn executor(self) -> Executor {
        built(self.builder())
    }

    /// An executor of this mode with other limits.
    pub fn with(self, limits: Limits) -> Executor {
        built(self.builder().limits(limits))
    }
}

/// Limits for tests that are not about depth: an executor that reserves room for thousands of nested calls is slow to
/// build.
pub fn limits() -> Limits {
    Limits::default().depth(64)
}

/// Runs a test with an executor of each mode, and checks that the executor still answers afterwards.
pub fn each_executor(test: impl Fn(&Executor)) {
    each_executor_with(limits(), test);
}

/// As [`each_executor`], with limits of the test's own.
pub fn each_executor_with(limits: Limits, test: impl Fn(&Executor)) {
    let _watchdog = Watchdog::new();
    for mode in modes() {
        // Shown if the test fails.
        println!("mode: {mode:?}");
        let exec = mode.with(limits.clone());
        test(&exec);
        still_answers(&exec);
    }
}

/// Checks that an executor still runs calls of a module that it has just loaded. Where its limits have a short timeout, the machine may be too busy
/// for one of them, and not for all.
///
/// # Panics
///
/// If it does not.
#[track_caller]
pub fn still_answers(exec: &Executor) {
    let module = loaded(exec, r#"(module (func (export "nine") (result i32) (i32.const 9)))"#);
    let mut tries = 0..100;
    loop {
        match module.fork("nine", args![]).and_then(|future| future.wait()) {
            Ok(value) => return assert_eq!(value.to_string(), "9"),
            Err(error) if error.kind() == ErrorKind::Timeout && tries.next().is_some() => {}
            Err(error) => panic!("the executor no longer answers: {error:?}"),
        }
    }
}

/// Builds an executor.
///
/// # Panics
///
/// If it cannot be built.
#[track_caller]
pub fn built(builder: Builder) -> Executor {
    match builder.build() {
        Ok(exec) => exec,
        Err(error) => panic!("cannot build the executor: {error:?}"),
    }
}

/// Loads a guest.
///
/// # Panics
///
/// If it is refused.
#[track_caller]
pub fn loaded(exec: &Executor, wat: &str) -> Module {
    match exec.load_bytes(wat) {
        Ok(module) => module,
        Err(error) => panic!("cannot load the guest: {error:?}\n{wat}"),
    }
}

/// All of an error as text. The host's fork site is checked to be in `file` at `line`, and written as `HERE`.
///
/// # Panics
///
/// If the error names another place.
#[track_caller]
pub fn describe(error: &Error, file: &str, line: u32) -> String {
    let here = format!("{file}:{line}");
    let site = |site: &ForkSite| match site {
        ForkSite::Host { file: found, line: at, .. } => {
            assert_eq!((&**found, *at), (file, line), "the fork site");
            "HERE".to_owned()
        }
        site => site.to_string(),
    };
    let mut text = format!("{}, {}\n", error.kind().name(), if error.is_catchable() { "catchable" } else { "final" });
    let mut add = |name: &str, what: String| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{name}: {what}");
    };
    add("text", error.to_string().replace(&here, "HERE"));
    if let Some(found) = error.fork_site() {
        add("site", site(found));
    }
    let frames: Vec<_> = error.backtrace().iter().map(|frame| frame.function.clone()).collect();
    if !frames.is_empty() {
        add("backtrace", frames.join(" < "));
    }
    let chain: Vec<_> = error.chain().iter().map(|f| format!("{} ({})", f.function, site(&f.site))).collect();
    if !chain.is_empty() {
        add("chain", chain.join(" < "));
    }
    if error.omitted() > 0 {
        add("omitted", error.omitted().to_string());
    }
    text
}

/// The arguments of a call.
pub fn arguments(values: &[Value]) -> Args {
    values.iter().fold(Args::new(), |args, value| args.push(value.clone()))
}

/// How a call ends: its value, bit for bit, or all that its error says, with every place in the guest.
///
/// # Errors
///
/// The call's, as text.
pub fn outcome(module: &Module, function: &str, values: &[Value]) -> Result<Value, String> {
    used(module, function, values).0
}

/// How a call ends, as [`outcome`], and what it has used if it gives a value.
pub fn used(module: &Module, function: &str, values: &[Value]) -> (Result<Value, String>, Option<Usage>) {
    let told = |error: Error| {
        let frames: Vec<_> = error.backtrace().iter().map(ToString::to_string).collect();
        format!("{error:?}\n{}", frames.join(" < "))
    };
    match module.fork(function, arguments(values)) {
        Ok(future) => (future.wait().map_err(told), future.usage()),
        Err(error) => (Err(told(error)), None),
    }
}

/// The same without the offsets of instructions: the compiler loses the place of one that it merges with another, which depends on what
/// stands around it.
pub fn ended(module: &Module, function: &str, values: &[Value]) -> (Result<Value, String>, Option<Usage>) {
    let (result, usage) = used(module, function, values);
    let without = |text: String| {
        let mut parts = text.split(" (offset ");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once(')').map_or(part, |(_, rest)| rest))
    };
    (result.map_err(without), usage)
}

/// The error of a result that has to be one.
///
/// # Panics
///
/// If it is none.
#[track_caller]
pub fn error<T: std::fmt::Debug>(result: Result<T, Error>) -> Error {
    match result {
        Ok(value) => panic!("expected an error, but was given {value:?}"),
        Err(error) => error,
    }
}

/// Asserts that a result is an error of this kind.
///
/// # Panics
///
/// If it is not.
#[track_caller]
pub fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) {
    let error = error(result);
    assert_eq!(error.kind(), kind, "{error:?}");
}

/// Runs a future on the current thread: the least that `.await` needs.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
