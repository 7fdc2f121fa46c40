//! Runs something, and gives a trace of it.

use super::{Recorder, Trace};
use crate::args::Args;
use crate::error::{Error, ErrorKind, Result};
use crate::event::observe;
use crate::future::Future;
use crate::module::Module;
use crate::value::Value;
use std::panic::Location;

/// Runs `f`, and gives what it gives and a trace of the calls that this thread forks meanwhile, with all that they fork.
///
/// It waits until all of them have ended.
///
/// ```
/// use purefork::{Executor, args, trace};
///
/// let exec = Executor::builder().serial().build()?;
/// let math = exec.load_bytes(r#"(module (func (export "add") (param $a i32) (param $b i32) (result i32)
///     (i32.add (local.get $a) (local.get $b))))"#)?;
/// let add = math.function::<(i32, i32), i32>("add")?;
/// let (sum, trace) = trace(|| {
///     let three = add.fork((1, 2));
///     add.fork((three, 4)).wait()
/// });
/// assert_eq!(sum?, 7);
/// let text = trace.graph().to_string();
/// assert!(text.starts_with("graph host():\n  %1: future<i32> = fork @add(1, 2)"), "{text}");
/// # Ok::<(), purefork::Error>(())
/// ```
pub fn trace<R>(f: impl FnOnce() -> R) -> (R, Trace) {
    let recorder = Recorder::to_memory();
    let given = observe(recorder.clone(), f);
    (given, read(&recorder))
}

impl Module {
    /// Runs a function to its end, and gives a trace of it and of all that it forks.
    ///
    /// What the call itself fails with is [`Task::result`](super::Task::result) of the trace's first task.
    ///
    /// ```
    /// use purefork::{Executor, args};
    ///
    /// let exec = Executor::new()?;
    /// let fib = exec.load_bytes(r#"(module
    ///     (import "fork" "fib" (func $fork (param i32) (result i32)))
    ///     (import "wait" "fib" (func $wait (param i32) (result i32)))
    ///     (func (export "fib") (param $n i32) (result i32) (local $a i32) (local $b i32)
    ///         (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (local.get $n))))
    ///         (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
    ///         (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
    ///         (i32.add (call $wait (local.get $a)) (call $wait (local.get $b)))))"#)?;
    /// let trace = fib.trace("fib", args![2])?;
    /// assert_eq!(trace.tasks.len(), 3);
    /// println!("{}", trace.graph());
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Module::fork`], before anything runs.
    #[track_caller]
    pub fn trace(&self, function: &str, args: Args) -> Result<Trace> {
        let recorder = Recorder::to_memory();
        drop(self.record(function, args, &recorder)?);
        Ok(read(&recorder))
    }

    /// Runs a function to its end, and has `recorder` write down what it does. Gives its future, which is complete.
    ///
    /// # Errors
    ///
    /// As [`Module::fork`], before anything runs.
    #[track_caller]
    pub fn record(&self, function: &str, args: Args, recorder: &Recorder) -> Result<Future<Value>> {
        let site = Location::caller();
        observe(recorder.clone(), || {
            let future = self.fork_at(function, args, site)?;
            // What it fails with is the future's.
            let _ = future.wait();
            Ok(future)
        })
    }
}

/// What was recorded, which nothing could keep from being written or read.
fn read(recorder: &Recorder) -> Trace {
    let trace = recorder
        .finish()
        .map_err(|error| Error::new(ErrorKind::Exhausted, error.to_string()))
        .and_then(|bytes| Trace::read(&bytes));
    trace.unwrap_or_else(|error| {
        tracing::error!("what was recorded could not be read: {error}");
        Trace::default()
    })
}
