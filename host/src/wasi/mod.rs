//! What guests that import WASI are given, and what they write.

mod tree;
mod world;

pub use world::World;

pub(crate) use tree::{Fault, MAX_PATH, NodeId, Tree};
pub(crate) use world::{GivenWorld, NOW, is_name};

/// Whether guests may import WASI.
///
/// ```
/// use purefork::{Executor, Value, Wasi, args};
///
/// let exec = Executor::builder().wasi(Wasi::Frozen).build()?;
/// let program = exec.load_bytes(r#"(module
///     (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
///     (memory (export "memory") 1)
///     (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
///     (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#)?;
/// let result = program.fork("_start", args![Value::from(Vec::<Value>::new()), Value::from(Vec::<u8>::new())])?.wait()?;
/// assert_eq!(result.field("status"), Some(&Value::U8(0)));
/// assert_eq!(result.field("stdout"), Some(&Value::from(b"hello\n".to_vec())));
/// # Ok::<(), purefork::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Wasi {
    /// They may not: a guest that imports WASI is refused.
    #[default]
    None,
    /// They may import WASI 0.1 and 0.2, and are given a world that stands still: it is always 1970-01-01T00:00:01Z, random
    /// numbers are the same in every call, there is no network, and of files and environment what a [`World`] gives.
    ///
    /// What a guest writes to stdout and stderr is part of what the call gives: [`Future::output`](crate::Future::output).
    /// What it cannot be given truly, a file or the time, is noted there. A function of WASI that has no answer in such a
    /// world can be imported; to call it is a trap.
    ///
    /// A program is one function: `_start` of a core module, `run` of a component that exports `wasi:cli/run`. Whatever
    /// else it is declared to be, it takes `args: list<string>` and `stdin: list<u8>`, and gives
    /// `record { status: u8, stdout: list<u8>, stderr: list<u8> }`. The name under which it runs, its `argv[0]`, is `program`.
    Frozen,
}

/// What a call wrote, and what it asked for in vain; from [`Future::output`](crate::Future::output).
///
/// What the calls wrote that it forked and waited for follows what it had written itself by then. It is a result of the
/// function and its arguments, as everything else.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Output {
    /// What was written to stdout.
    pub stdout: Vec<u8>,
    /// What was written to stderr.
    pub stderr: Vec<u8>,
    /// What the call asked for and was not truly given, such as ``asked for the time: it is always 1970-01-01T00:00:01Z``; each once,
    /// and no more than sixteen. Fit to be shown.
    pub refused: Vec<String>,
    /// The files that were made, where a [`World`] allows it: their names, such as `a/b.txt`, and what is in them, in the order of the
    /// names. They are names below a directory, whatever the guest does; but escape them where they are shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<(String, Vec<u8>)>,
}

impl Output {
    /// Bytes that were written.
    pub(crate) fn bytes(&self) -> usize {
        let files = self.files.iter().map(|(name, bytes)| name.len() + bytes.len());
        self.stdout.len() + self.stderr.len() + files.sum::<usize>()
    }
}
