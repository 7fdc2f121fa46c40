//! The seam between what the user holds and what runs calls.

use crate::error::{Error, Result};
use crate::future::{Completion, Ready};
use crate::ir::Facts;
use crate::value::{Value, Values};
use std::any::Any;
use std::panic::Location;
use std::sync::{Arc, Weak};

/// A module that starts with the state that a call has left.
pub(crate) struct Preinitialised {
    pub(crate) facts: Arc<Facts>,
    pub(crate) digest: String,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) backend: Arc<dyn Backend>,
}

/// What comes of a fork.
pub(crate) enum Forked {
    /// A call that may have ended, or not.
    Call(Arc<dyn Completion<Value>>),
    /// One that has, and has given a value.
    Ready(Ready),
}

/// Whatever runs the calls of one module: the thread pool, or the calling thread.
pub(crate) trait Backend: Any + Send + Sync {
    /// Starts a call of the exported function number `function`. The arguments fit its parameters.
    fn fork(&self, function: u32, args: Values, site: &'static Location<'static>) -> Forked;

    /// The same, but shows the call to `before` before anybody can have started it.
    fn fork_shown(
        &self,
        function: u32,
        args: Values,
        site: &'static Location<'static>,
        before: &mut dyn FnMut(Arc<dyn Completion<Value>>),
    );

    /// The same module with one more provider, called `name`, of the functions it forks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Link`](crate::ErrorKind::Link) where a function does not fit or two providers have it.
    fn link(&self, name: &str, provider: Arc<dyn Backend>) -> Result<Arc<dyn Backend>>;

    /// The same modules, each with all others as providers of the functions it forks.
    ///
    /// # Errors
    ///
    /// As [`Backend::link`].
    fn link_together(&self, modules: Vec<(&str, Arc<dyn Backend>)>) -> Result<Vec<Arc<dyn Backend>>>;

    /// Runs a function of the module, whose bytes are given, and makes a module of the state that it leaves, linked to the
    /// same providers.
    ///
    /// # Errors
    ///
    /// What the call fails with, and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the state cannot be
    /// frozen.
    fn preinit(
        &self,
        bytes: &[u8],
        function: u32,
        args: Values,
        site: &'static Location<'static>,
    ) -> Result<Preinitialised>;

    /// Whether the module can be called: all that it forks is provided, and its executor is this process's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Link`](crate::ErrorKind::Link), naming what is not, and [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) in
    /// a child of the executor's process.
    fn ready(&self) -> Result<()>;

    /// Remembers a fork that waits for its arguments, so that it ends with the executor.
    fn remember(&self, deferred: Weak<dyn Completion<Value>>);

    /// Tells the observer of an error that no future tells anyone.
    fn unobserved(&self, error: Error);
}
