//! The kinds of error.

/// What kind of error an [`Error`](crate::Error) is.
///
/// More may come: a `match` needs a wildcard arm.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ErrorKind {
    /// A file could not be read.
    Unreadable,
    /// The bytes are no valid WebAssembly.
    Malformed,
    /// The guest cannot be shown to be pure; [`reasons`](crate::Error::reasons) has every reason.
    Impure,
    /// The guest is pure but needs more than the executor's configuration gives it.
    Unsupported,
    /// An imported `fork` or `wait` does not fit the function it names, or nothing provides that function.
    Link,
    /// The module as such cannot be called: it exports neither `forward` nor exactly one function. Or a function cannot be
    /// called from the host: it takes or gives a resource.
    NotCallable,
    /// The module exports no function of that name.
    NoSuchFunction,
    /// Arguments do not fit the function's parameters: their number, a type, a name, or a range.
    ArgumentMismatch,
    /// The Rust types given to [`Module::function`](crate::Module::function) are not the function's.
    SignatureMismatch,
    /// The guest trapped.
    Trap,
    /// The call used up its fuel.
    OutOfFuel,
    /// The call failed after it was refused memory beyond its limit, or starts with more than that.
    OutOfMemory,
    /// The call used up its stack.
    StackOverflow,
    /// Forks are nested more deeply than the limit.
    TooDeep,
    /// A call, or a whole tree of calls, forked more than its limit.
    TooManyForks,
    /// A call wrote more by way of WASI than its limit.
    TooMuchOutput,
    /// The tree of calls ran longer than its limit.
    Timeout,
    /// The call was cancelled, or the executor was shut down.
    Cancelled,
    /// The host ran out of something the limits would have allowed: sandboxes, stacks, memory.
    Exhausted,
    /// A future has no value yet.
    NotReady,
    /// A promise was completed a second time.
    AlreadyCompleted,
    /// A promise was dropped before it was completed.
    BrokenPromise,
    /// A host callback panicked.
    Panicked,
    /// An error that the host's own code made. Or a function that was run to [preinitialise](crate::Module::preinit) a module
    /// returned an `err`, or ended with a future or a handle.
    #[default]
    Failed,
    /// A configuration that cannot be had, or a use that makes no sense: of modules of two executors together, say, or of an
    /// executor in a process that was forked from its own.
    Invalid,
}

impl ErrorKind {
    /// The kind's name, as it stands in this enum.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}
