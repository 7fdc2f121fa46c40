//! The executor: engines, sandboxes and threads, put together.

mod assembly;
mod audit;
mod builder;
mod compile;
mod cost;
#[cfg_attr(not(feature = "components"), path = "no_encode.rs")]
mod encode;
mod inspect;
mod instrument;
mod key;
mod load;
mod loader;
mod options;
mod pool;
mod preinit;
#[cfg(test)]
mod proposals;
mod read;
mod serial;
#[cfg_attr(not(feature = "wat"), path = "no_text.rs")]
mod text;
mod wrap;

pub use assembly::Assembly;
pub use builder::Builder;
pub use options::LoadOptions;

use crate::error::Result;
use crate::limits::Limits;
use crate::module::Module;
use crate::sched::Scheduler;
use loader::Loader;
use std::path::Path;
use std::sync::Arc;

/// Worker threads, engines and sandboxes.
///
/// Dropping it runs every call that was forked to its end, then ends the threads; [`Executor::shutdown`] cancels them
/// instead.
///
/// It is `Send` and `Sync`: any number of threads may load and fork.
///
/// It belongs to the process that made it. In a child that is made by fork(2), as Python's `multiprocessing` does, it has no threads:
/// there, results that were complete can still be had, all else fails at once with [`ErrorKind::Invalid`](crate::ErrorKind::Invalid),
/// dropping it or its modules and futures does nothing, and a new executor works like any other.
///
/// ```
/// use purefork::{args, Executor};
///
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module
///     (func (export "add") (param $a i32) (param $b i32) (result i32)
///         (i32.add (local.get $a) (local.get $b))))"#)?;
/// let five = math.fork("add", args![2, b = 3])?;
/// assert_eq!(five.wait()?.to_string(), "5");
/// # Ok::<(), purefork::Error>(())
/// ```
pub struct Executor {
    loader: Arc<Loader>,
    /// None in serial mode. Dropped first: the threads use the runtime.
    scheduler: Option<Scheduler>,
}

impl Executor {
    /// An executor with a worker for each core and the default [`Limits`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Exhausted`](crate::ErrorKind::Exhausted) if the host cannot start the threads.
    pub fn new() -> Result<Executor> {
        Executor::builder().build()
    }

    /// Where threads, limits and the rest are chosen.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Loads a guest from a file: a core module, in binary or as text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unreadable`](crate::ErrorKind::Unreadable), and those of [`Executor::load_bytes`].
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Module> {
        self.loader.runtime.here()?;
        load::load_file(&self.loader, path.as_ref())
    }

    /// Loads a guest from bytes: audits it, and compiles it. The module keeps the bytes; one that was loaded from a file
    /// reads that again if they are needed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::ErrorKind)`::Malformed` if it is no WebAssembly; `Impure`, with every reason, if it cannot
    /// be shown to be pure; `OutOfMemory`, `Unsupported` or `Link` if it is pure but does not fit this executor.
    pub fn load_bytes(&self, bytes: impl AsRef<[u8]>) -> Result<Module> {
        self.loader.runtime.here()?;
        load::load_bytes(&self.loader, bytes.as_ref())
    }

    /// Where it is chosen what a guest is loaded with.
    pub fn load_options(&self) -> LoadOptions<'_> {
        LoadOptions::new(&self.loader)
    }

    /// What calls may use.
    pub fn limits(&self) -> &Limits {
        &self.loader.runtime.limits
    }

    /// Cancels every call that is not complete, and takes no more.
    pub fn shutdown(&self) {
        // The calls are another process's.
        if self.loader.runtime.here().is_err() {
            return;
        }
        self.loader.runtime.shutdown.shut_down();
        self.loader.runtime.interrupt();
        self.loader.runtime.cancel_deferred();
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if self.loader.runtime.here().is_err() {
            // There are no threads to be ended, and a lock that one of them held is never free.
            std::mem::forget((self.scheduler.take(), self.loader.clone()));
            return;
        }
        self.loader.runtime.shutdown.close();
        if let Some(scheduler) = self.scheduler.take() {
            drop(scheduler);
            // No call runs any more. In serial mode, other threads may be in the midst of one, and have a deadline: the watch
            // ends with the last module.
            self.loader.runtime.watch.stop();
        }
        // Modules may live on.
        self.loader.runtime.sandboxes.pool.clear();
    }
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("limits", &self.loader.runtime.limits).finish_non_exhaustive()
    }
}
