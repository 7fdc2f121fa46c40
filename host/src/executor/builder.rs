//! What an executor is made of.

use super::key::configuration;
use super::loader::Loader;
use super::{Executor, inspect, pool, serial};
use crate::backend::Backend;
use crate::engine::{Cache, Engines, advice};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Listener, Observer};
use crate::fork::{Local, Runtime, Shutdown, Threads};
use crate::imports::{Imports, UnknownImports};
use crate::inspect::Inspection;
use crate::isolation::Isolation;
use crate::limits::Limits;
use crate::memo::{Memo, Remembering};
use crate::process::Process;
use crate::sandbox::{Chore, DeadlineWatch, PoolLimits, SandboxPool, Sandboxes};
use crate::sched::Scheduler;
use crate::wasi::Wasi;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::available_parallelism;
use std::time::Duration;

/// The most threads an executor may have.
const MAX_THREADS: usize = 1024;

/// The room on a worker's stack beside a guest's frames, in bytes: for the host's own, and for callbacks.
const HOST_STACK: usize = 1 << 20;

/// How much a cache keeps, in bytes.
const CACHE_LIMIT: u64 = 2 << 30;

/// What the sandboxes that a thread keeps for later may hold together, in bytes, in addition to what one call may have.
const KEPT: usize = 16 << 20;

/// Of a sandbox that holds more bytes, and more than the heap that it starts with, none lies where it is taken from without a lock.
const LARGE: usize = 4 << 20;

/// A sandbox that was not used for so long, or at most twice as long, is not kept any more.
const UNUSED: Duration = Duration::from_secs(1);

/// Chooses an executor's threads, limits and the rest; from [`Executor::builder`].
#[must_use = "nothing is started before `build`"]
pub struct Builder {
    threads: Option<usize>,
    serial: bool,
    limits: Limits,
    isolation: Isolation,
    imports: Imports,
    cache_dir: Option<PathBuf>,
    memo: Option<Memo>,
    observer: Arc<dyn Observer>,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            threads: None,
            serial: false,
            limits: Limits::default(),
            isolation: Isolation::default(),
            imports: Imports::default(),
            cache_dir: None,
            memo: None,
            observer: event::log(),
        }
    }
}

impl Builder {
    /// How many workers there are. By default, one for each core.
    pub fn threads(mut self, threads: usize) -> Builder {
        self.threads = Some(threads);
        self
    }

    /// Runs every call on the thread that forks it, before the fork returns. Errors still surface at `wait`, and
    /// results are the same as with threads.
    ///
    /// Threads that fork in one serial executor at the same time run their calls side by side; all of them together have
    /// the sandboxes that one tree of the greatest depth needs.
    pub fn serial(mut self) -> Builder {
        self.serial = true;
        self
    }

    /// What calls may use.
    pub fn limits(mut self, limits: Limits) -> Builder {
        self.limits = limits;
        self
    }

    /// How calls get their sandboxes.
    pub fn isolation(mut self, isolation: Isolation) -> Builder {
        self.isolation = isolation;
        self
    }

    /// Whether guests may import WASI. By default, they may not.
    pub fn wasi(mut self, wasi: Wasi) -> Builder {
        self.imports.wasi = wasi;
        self
    }

    /// What becomes of functions that guests import and that nothing provides. By default, a guest that imports one is refused.
    pub fn unknown_imports(mut self, unknown: UnknownImports) -> Builder {
        self.imports.unknown = unknown;
        self
    }

    /// Keeps compiled guests in a directory, so that they are compiled once and not at each start. By default, nothing is
    /// kept. See [`Builder::default_cache_dir`].
    ///
    /// What is in the directory is run as it is: it has to belong to the user, and nobody else may write to it. Up to
    /// two gigabytes are kept; what was used least recently goes first. Any number of processes may use it at a
    /// time.
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Builder {
        self.cache_dir = Some(dir.into());
        self
    }

    /// A directory for [`Builder::cache_dir`]: `purefork` in the user's cache directory, if there is one.
    pub fn default_cache_dir() -> Option<PathBuf> {
        Cache::default_dir()
    }

    /// Keeps results, so that no call is made twice. By default, none are kept.
    ///
    /// ```
    /// use purefork::{Executor, Memo};
    ///
    /// let exec = Executor::builder().memo(Memo::in_memory()).build()?;
    /// # Ok::<(), purefork::Error>(())
    /// ```
    pub fn memo(mut self, memo: Memo) -> Builder {
        self.memo = Some(memo);
        self
    }

    /// Who is told of calls, and of what no future tells. By default the latter is logged with `tracing`.
    ///
    /// For what one thread forks, see [`observe`](crate::event::observe).
    pub fn observer(mut self, observer: impl Observer) -> Builder {
        self.observer = Arc::new(observer);
        self
    }

    /// What the audit finds out about a guest, and how an executor built so would run it, without starting one.
    ///
    /// ```
    /// use purefork::Executor;
    ///
    /// let inspection = Executor::builder().inspect(r#"(module (func (export "one") (result i32) (i32.const 1)))"#)?;
    /// assert_eq!(inspection.functions[0].to_string(), "one() -> i32");
    /// assert!(inspection.functions[0].stateless);
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`], or [`ErrorKind::Impure`] with every reason.
    pub fn inspect(&self, bytes: impl AsRef<[u8]>) -> Result<Inspection> {
        inspect::inspect(bytes.as_ref(), self.imports, self.isolation, &self.limits)
    }

    /// Starts the executor.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a configuration that cannot be had; [`ErrorKind::Exhausted`] if the host cannot start
    /// the threads.
    pub fn build(self) -> Result<Executor> {
        let workers = match self.threads {
            _ if self.serial => 0,
            Some(threads @ 1..=MAX_THREADS) => threads,
            Some(threads) => {
                let message = format!("expected from 1 to {MAX_THREADS} threads, but was given {threads}");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            None => available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS)),
        };
        let cache = self.cache_dir.map(|dir| {
            Cache::open(&dir, CACHE_LIMIT).map_err(|why| {
                Error::new(ErrorKind::Invalid, format!("the cache `{}` cannot be used: {why}", dir.display()))
                    .with_help("choose a directory that is yours alone, or do without a cache (`--no-cache`)")
            })
        });
        // One shard per worker, and one for all threads that are none.
        let engines = Arc::new(Engines::new(&self.limits, workers + 1, cache.transpose()?)?);
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Exhausted, format!("the host could not start a thread: {error}")).with_help(format!(
                "if it may have no more threads (`ulimit -u`), ask for fewer (`--threads`); else, {}",
                advice()
            ))
        };
        let interrupted = engines.clone();
        let Limits { memory, heap, .. } = self.limits;
        let bytes = memory.saturating_add(KEPT).saturating_add(heap);
        let most = PoolLimits { sandboxes: engines.idle(), bytes, large: LARGE.saturating_add(heap) };
        let pool = Arc::new(SandboxPool::new(engines.shards(), most));
        let tidied = pool.clone();
        let watch =
            DeadlineWatch::new(workers, move || interrupted.interrupt(), Chore::new(UNUSED, move || tidied.tidy()))
                .map_err(failed)?;
        let (scheduler, threads): (_, Arc<dyn Threads>) = match workers {
            0 => (None, Arc::new(serial::Serial)),
            _ => {
                let scheduler = Scheduler::new(workers, self.limits.stack + HOST_STACK).map_err(failed)?;
                let threads = pool::Pool::new(scheduler.handle());
                (Some(scheduler), Arc::new(threads))
            }
        };
        let shutdown = Arc::new(Shutdown::default());
        let sandboxes = Arc::new(Sandboxes {
            engines,
            pool,
            limits: self.limits.clone(),
            inline: threads.inline(),
            executor: shutdown.clone(),
        });
        let local = Box::new(Local(threads.clone()));
        let backend: Box<dyn Backend> = match self.memo {
            Some(memo) => Box::new(Remembering::new(memo, local, !threads.inline())),
            None => local,
        };
        let runtime = Arc::new(Runtime {
            configuration: configuration(&self.limits, self.isolation, self.imports),
            limits: self.limits,
            isolation: self.isolation,
            imports: self.imports,
            sandboxes,
            watch,
            observer: Listener::new(self.observer),
            inline_calls: threads.inline() && !backend.looks_at_all(),
            backend,
            threads,
            deferred: Mutex::default(),
            shutdown,
            process: Process::this(),
        });
        Ok(Executor { loader: Arc::new(Loader::new(runtime)), scheduler })
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("threads", &self.threads)
            .field("serial", &self.serial)
            .field("limits", &self.limits)
            .field("isolation", &self.isolation)
            .field("wasi", &self.imports.wasi)
            .field("unknown_imports", &self.imports.unknown)
            .finish_non_exhaustive()
    }
}
