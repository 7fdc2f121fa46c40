//! The memory of results: what a call of a pure function has given once, it gives again.
//!
//! [`Remembering`] is a backend around another one. A result is found by its [`key`](key::Key): what is called, with what, under which
//! limits. [`rule`] says what is kept. It is kept in [`memory`], and, where a directory was given, on the [`disk`]. Calls that run and
//! have one key run once: [`in_flight`].

mod disk;
mod form;
mod in_flight;
mod key;
mod memory;
mod remembering;
mod rule;

pub(crate) use remembering::Remembering;

use crate::backend::{Outcome, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::process::Process;
use crate::value::Values;
use disk::Disk;
use key::Key;
use memory::Memory;
use std::fmt;
use std::hash::RandomState;
use std::path::Path;
use std::sync::Arc;

/// How many bytes of results there are in memory at most, if nobody says.
const IN_MEMORY: usize = 64 << 20;

/// The same on the disk.
const ON_DISK: u64 = 1 << 30;

/// A memory of results: a call that was made before with the same arguments is not made again.
///
/// A result is found by the digest of the guest's bytes and of all it is linked to, by the function, by the arguments, bit for bit, and
/// by what of the executor's configuration can be seen in a result: the limits of a call, the isolation, and WASI. Whoever changes a
/// guest is given no result of the old one.
///
/// Kept are values and what was written by way of [WASI](crate::Wasi); and failures that are the function's own, such as a trap,
/// each with the text and the frames that it had. Never kept is what came of time, of a [cancelled](crate::Future::cancel) call, of
/// a limit of the whole tree of calls, or of a host that ran short.
///
/// The calls that guests fork are found as well. Calls of one executor with threads that have the same key at the same time run once,
/// unless one of them may wait for the other. A call whose result was known has used nothing; [`Usage`](crate::Usage) counts it.
///
/// Clones are the same memory, and any number of executors may use it.
///
/// ```
/// use purefork::{Executor, Memo, args};
///
/// let memo = Memo::in_memory().memory(16 << 20);
/// let exec = Executor::builder().memo(memo).build()?;
/// let fib = exec.load_bytes(r#"(module
///     (import "fork" "fib" (func $fork (param i32) (result i32)))
///     (import "wait" "fib" (func $wait (param i32) (result i64)))
///     (func (export "fib") (param $n i32) (result i64) (local $a i32) (local $b i32)
///         (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i64.extend_i32_u (local.get $n)))))
///         (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
///         (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
///         (i64.add (call $wait (local.get $a)) (call $wait (local.get $b)))))"#)?;
/// let first = fib.fork("fib", args![90])?;
/// assert_eq!(first.wait()?.to_string(), "2880067194370816120");
/// let again = fib.fork("fib", args![90])?;
/// assert_eq!(again.wait()?, first.wait()?);
/// let usage = again.usage().expect("it has succeeded");
/// assert_eq!((usage.fuel, usage.memo_hits, usage.memo_misses), (0, 1, 0));
/// # Ok::<(), purefork::Error>(())
/// ```
#[derive(Clone)]
pub struct Memo(Arc<Inner>);

struct Inner {
    random: RandomState,
    memory: Memory,
    disk: Option<Disk>,
}

impl Memo {
    /// A memory of results that ends with the last who has it. Of up to 64 MiB: see [`Memo::memory`].
    pub fn in_memory() -> Memo {
        Memo::new(None)
    }

    /// A memory of results that is kept in a directory as well, which is made if needed: for later, and for other processes at the same
    /// time. Of up to 1 GiB there: see [`Memo::disk`].
    ///
    /// Written is what took about as long as it takes to write it, and what else the host has forked, of that no more than a thousand
    /// results. It is written by a thread of its own, soon after; what waits for that is written when the last handle is dropped, or at
    /// [`Memo::flush`]. A process that is killed leaves what it has written, and nothing half way. After a power failure what was
    /// written last may be gone.
    ///
    /// What is read is verified: an entry that is damaged, cut off or of another call is as good as none, is removed, and logged with
    /// `tracing`. That protects from accidents. Who may write to the directory is believed, as anybody can compute a digest: so it has to
    /// belong to the user, and nobody else may write to it. A full disk, or a directory that cannot be written to, is logged, and calls
    /// run.
    ///
    /// ```no_run
    /// use purefork::{Executor, Memo};
    ///
    /// let exec = Executor::builder().memo(Memo::dir("/var/cache/mine/results")?.disk(100 << 20)).build()?;
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the directory cannot be made, or others than the user can write to it.
    pub fn dir(path: impl AsRef<Path>) -> Result<Memo> {
        let path = path.as_ref();
        let disk = Disk::open(path, ON_DISK).map_err(|why| {
            Error::new(ErrorKind::Invalid, format!("the memo `{}` cannot be used: {why}", path.display()))
                .with_help("choose a directory that is yours alone, or do without a memo")
        })?;
        Ok(Memo::new(Some(disk)))
    }

    fn new(disk: Option<Disk>) -> Memo {
        // From now on forks of this process are counted, so that a lock which a thread had that is not there is known.
        let _ = Process::this();
        Memo(Arc::new(Inner { random: RandomState::new(), memory: Memory::new(IN_MEMORY), disk }))
    }

    /// How many bytes of results, with what they are found by, are in memory at most; for all clones. What was used least recently goes
    /// first. A result that is larger is not kept there.
    pub fn memory(self, bytes: usize) -> Memo {
        self.0.memory.bound(bytes);
        self
    }

    /// How many bytes of results are in the directory at most, if there is one; for all clones. Files count in blocks of 4096 bytes.
    /// What was used least recently goes first, when something is written. While several processes make room there may be more by what
    /// they write meanwhile.
    pub fn disk(self, bytes: u64) -> Memo {
        if let Some(disk) = &self.0.disk {
            disk.bound(bytes);
        }
        self
    }

    /// Waits until all results so far that are to be written to the directory are, or could not be.
    pub fn flush(&self) {
        if let Some(disk) = &self.0.disk {
            disk.flush();
        }
    }

    #[inline]
    fn key(&self, subject: &Subject, values: &Values) -> Key {
        Key::new(subject, values, &self.0.random)
    }

    /// A result that is in memory.
    #[inline]
    fn recall(&self, key: &Key) -> Option<Outcome> {
        self.0.memory.get(key)
    }

    /// A result that is on the disk; it is in memory then.
    fn read(&self, key: &Arc<Key>) -> Option<Outcome> {
        let outcome = self.0.disk.as_ref()?.read(key)?;
        self.0.memory.put(key, &outcome);
        Some(outcome)
    }

    fn keep(&self, key: &Arc<Key>, outcome: &Outcome, is_root: bool) {
        self.0.memory.put(key, outcome);
        if let Some(disk) = &self.0.disk {
            disk.keep(key, outcome, is_root);
        }
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.disk.is_some() { "Memo(memory, disk)" } else { "Memo(memory)" })
    }
}
