//! What guests may import beside `fork` and `wait`, and what only ends a failed program.

use crate::wasi::Wasi;

/// What becomes of functions that a guest imports and that nothing provides.
///
/// ```
/// use purefork::{ErrorKind, Executor, UnknownImports, args};
///
/// let exec = Executor::builder().unknown_imports(UnknownImports::Trap).build()?;
/// let module = exec.load_bytes(r#"(module
///     (import "env" "log" (func $log (param i32)))
///     (func (export "abs") (param $n i32) (result i32)
///         (if (i32.eq (local.get $n) (i32.const -2147483648)) (then (call $log (i32.const 1))))
///         (if (result i32) (i32.lt_s (local.get $n) (i32.const 0))
///             (then (i32.sub (i32.const 0) (local.get $n)))
///             (else (local.get $n)))))"#)?;
/// assert_eq!(module.fork("abs", args![-7])?.wait()?.to_string(), "7");
/// let error = module.fork("abs", args![i32::MIN])?.wait().unwrap_err();
/// assert_eq!((error.kind(), error.message()), (ErrorKind::Trap, "`abs` trapped: it called `env.log`, which nothing provides"));
/// # Ok::<(), purefork::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum UnknownImports {
    /// A guest that imports one is refused.
    #[default]
    Refuse,
    /// They can be imported, whatever their types, and to call one is a trap. So a guest learns nothing by them.
    ///
    /// Functions alone: memories, tables, globals and tags, and the resources of unknown interfaces, are refused as ever. What
    /// `fork`, `wait` and WASI have is not unknown, and has to be of their types.
    Trap,
}

impl UnknownImports {
    pub(crate) fn is_refuse(&self) -> bool {
        *self == UnknownImports::Refuse
    }
}

/// What guests may import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct Imports {
    pub(crate) wasi: Wasi,
    pub(crate) unknown: UnknownImports,
}

impl Imports {
    /// Whether WASI may be imported.
    pub(crate) fn has_wasi(self) -> bool {
        self.wasi == Wasi::Frozen
    }

    /// Whether functions may be that nothing provides.
    pub(crate) fn has_unknown(self) -> bool {
        self.unknown == UnknownImports::Trap
    }
}

/// Guests that may import WASI alone.
impl From<Wasi> for Imports {
    fn from(wasi: Wasi) -> Imports {
        Imports { wasi, ..Imports::default() }
    }
}
