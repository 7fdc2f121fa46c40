//! A typed handle on an exported function, and what its calls take.

use crate::args::{Bound, Callee, signature};
use crate::backend::Forked;
use crate::deferred;
use crate::error::{Error, ErrorKind, Result};
use crate::fork::Program;
use crate::future::Future;
use crate::ir::Facts;
use crate::value::{Params, Results, Value};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

pub use crate::args::{Arg, IntoArg, IntoArgs};

/// An exported function whose parameters are `P` and whose result is `R`; from
/// [`Module::function`](crate::Module::function). It is `Send` and `Sync`, whatever its types are.
///
/// ```
/// use purefork::{Executor, Future, wait_all};
///
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "add") (param i32 i32) (result i32)
///     (i32.add (local.get 0) (local.get 1))))"#)?;
/// let add = math.function::<(i32, i32), i32>("add")?;
/// let sums: Vec<Future<i32>> = (0..1000).map(|i| add.fork((i, 2))).collect();
/// assert_eq!(wait_all(sums)?.last(), Some(&1001));
/// # Ok::<(), purefork::Error>(())
/// ```
pub struct Function<P, R> {
    facts: Arc<Facts>,
    number: usize,
    program: Program,
    types: PhantomData<fn(P) -> R>,
}

impl<P: Params, R: Results> Function<P, R> {
    pub(crate) fn new(facts: Arc<Facts>, number: usize, program: Program) -> Function<P, R> {
        Function { facts, number, program, types: PhantomData }
    }

    pub(crate) fn callee(&self) -> Callee<'_> {
        Callee(&self.facts.functions[self.number])
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn number(&self) -> u32 {
        self.number as u32
    }

    /// Forks a call and returns its future at once.
    ///
    /// Each argument is a value, or a future of one: then the call starts when the future completes, and fails if it
    /// fails.
    #[track_caller]
    pub fn fork(&self, args: impl IntoArgs<P>) -> Future<R> {
        let site = Location::caller();
        let forked = match args.into_args(self.callee()) {
            Ok(Bound(Ok(values))) => self.program.fork(self.number as u32, values, site),
            Ok(Bound(Err(slots))) => {
                Forked::Call(deferred::fork(self.program.clone(), self.facts.clone(), self.number, slots, site))
            }
            Err(error) => return Future::failed(error.with_site_if_none(site)),
        };
        match forked {
            Forked::Call(call) => Future::from_call(call, read),
            Forked::Ready(ready) => Future::from_ready(ready, read),
        }
    }
}

/// The results of a call whose signature was compared with `R`.
pub(crate) fn read<R: Results>(value: Cow<'_, Value>) -> Result<R> {
    let results = match value {
        Cow::Borrowed(value) => R::from_ref(value),
        Cow::Owned(value) => R::from_value(value),
    };
    results.ok_or_else(not_whole)
}

/// The error of a result that is of the right type, and wrong.
#[cold]
pub(crate) fn not_whole() -> Error {
    Error::new(ErrorKind::Failed, "a tensor has not as many bytes as its dimensions say")
        .with_help("ask for the function's result as a `Value` to see it")
}

impl<P, R> Clone for Function<P, R> {
    fn clone(&self) -> Function<P, R> {
        Function { facts: self.facts.clone(), number: self.number, program: self.program.clone(), types: PhantomData }
    }
}

impl<P, R> fmt::Debug for Function<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({})", signature(&self.facts.functions[self.number]))
    }
}
