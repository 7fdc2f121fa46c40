//! How a guest is loaded.

use super::assembly::Assembly;
use super::load;
use super::loader::Loader;
use super::read::read;
use crate::error::Result;
use crate::module::Module;
use std::path::Path;
use std::sync::Arc;

/// Loads a core module together with others that satisfy its imports; from [`Executor::load_options`](crate::Executor::load_options).
///
/// What is linked is one module, as a static linker would make it: its calls run in one sandbox, with the providers' memories and
/// globals, which start anew with each call. It is audited as a whole, [`Module::bytes`] gives it as one file, and its digest is
/// that of these bytes.
///
/// ```
/// use purefork::{Executor, args};
///
/// let exec = Executor::new()?;
/// let bench = exec.load_bytes(r#"(module
///     (global $calls (mut i32) (i32.const 0))
///     (func (export "start") (global.set $calls (i32.add (global.get $calls) (i32.const 1))))
///     (func (export "calls") (result i32) (global.get $calls)))"#)?;
/// let module = exec.load_options().provide("bench", &bench).load_bytes(r#"(module
///     (import "bench" "start" (func $start))
///     (import "bench" "calls" (func $calls (result i32)))
///     (func (export "run") (result i32) (call $start) (call $start) (call $calls)))"#)?;
/// assert_eq!(module.fork("run", args![])?.wait()?.to_string(), "2");
/// assert_eq!(module.fork("run", args![])?.wait()?.to_string(), "2");
/// # Ok::<(), purefork::Error>(())
/// ```
#[must_use = "nothing is loaded before `load` or `load_bytes`"]
pub struct LoadOptions<'e> {
    loader: &'e Arc<Loader>,
    assembly: Assembly,
}

impl<'e> LoadOptions<'e> {
    pub(super) fn new(loader: &'e Arc<Loader>) -> LoadOptions<'e> {
        LoadOptions { loader, assembly: Assembly::new().unknown_imports(loader.runtime.imports.unknown) }
    }

    /// Has a module's exports satisfy the imports from `name`: functions, memories, tables, globals and tags, by name, kind and type.
    ///
    /// Functions that it does not have trap where they are called, if the executor [takes those](crate::Builder::unknown_imports).
    ///
    /// Providers may import from each other, but not in a circle. What sets a provider up, its start function and `_initialize`,
    /// runs before that of the modules that import from it.
    pub fn provide(mut self, name: impl Into<String>, module: &Module) -> Self {
        self.assembly = self.assembly.provide(name, module);
        self
    }

    /// The same with a module's bytes, which need not be pure alone: other providers may satisfy what it imports itself.
    pub fn provide_bytes(mut self, name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        self.assembly = self.assembly.provide_bytes(name, bytes);
        self
    }

    /// Has a core module's functions, which take pointers, take and give what a WIT world says: numbers, texts and lists of numbers.
    ///
    /// A list or a text is passed as its address and its length, other parameters as they are. Where a function is called in another
    /// way, its comment holds a line that begins with `=` and says how, in a small language:
    /// [Core modules with pointers](https://github.com/purefork/purefork/blob/main/host/docs/guests.md).
    /// Room for arguments is made by the module's own allocator, if it exports one.
    ///
    /// ```
    /// use purefork::{Executor, args};
    ///
    /// let exec = Executor::new()?;
    /// let module = exec
    ///     .load_options()
    ///     .wit("world sums { export sum: func(data: list<u8>) -> u32; }")
    ///     .load_bytes(r#"(module
    ///         (memory (export "memory") 1)
    ///         (func (export "sum") (param $at i32) (param $len i32) (result i32) (local $sum i32)
    ///             (block (loop
    ///                 (br_if 1 (i32.eqz (local.get $len)))
    ///                 (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
    ///                 (local.set $at (i32.add (local.get $at) (i32.const 1)))
    ///                 (local.set $len (i32.sub (local.get $len) (i32.const 1)))
    ///                 (br 0)))
    ///             (local.get $sum)))"#)?;
    /// assert_eq!(module.fork("sum", args![vec![1u8, 2, 3]])?.wait()?.to_string(), "6");
    /// # Ok::<(), purefork::Error>(())
    /// ```
    pub fn wit(mut self, world: impl Into<String>) -> Self {
        self.assembly = self.assembly.wit(world);
        self
    }

    /// Makes a module of one function, `script`: a sequence of calls of a core module's functions in one sandbox. Its parameters are lists of
    /// bytes of these names.
    ///
    /// ```
    /// use purefork::{Executor, args};
    ///
    /// let exec = Executor::new()?;
    /// let module = exec
    ///     .load_options()
    ///     .script(["data"], "out = &8; swap(data, out); bytes(out, 2)")
    ///     .load_bytes(r#"(module
    ///         (memory (export "memory") 1)
    ///         (func (export "swap") (param $from i32) (param $to i32)
    ///             (i32.store8 offset=1 (local.get $to) (i32.load8_u (local.get $from)))
    ///             (i32.store8 (local.get $to) (i32.load8_u offset=1 (local.get $from)))))"#)?;
    /// assert_eq!(module.fork("script", args![vec![1u8, 2]])?.wait()?.to_string(), "[2, 1]");
    /// # Ok::<(), purefork::Error>(())
    /// ```
    pub fn script<N: Into<String>>(mut self, params: impl IntoIterator<Item = N>, script: impl Into<String>) -> Self {
        self.assembly = self.assembly.script(params, script);
        self
    }

    /// Loads a guest from a file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unreadable`](crate::ErrorKind::Unreadable), and those of [`LoadOptions::load_bytes`].
    pub fn load(self, path: impl AsRef<Path>) -> Result<Module> {
        if self.assembly.is_empty() {
            self.loader.runtime.here()?;
            return load::load_file(self.loader, path.as_ref());
        }
        self.load_bytes(read(path.as_ref())?.0)
    }

    /// Loads a guest from bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::ErrorKind)`::Link` if an import has another type than what is provided for it, is provided by a module without such
    /// an export, or providers import from each other in a circle; `Invalid` if a name is provided twice, or nothing imports
    /// from it; and those of [`Executor::load_bytes`](crate::Executor::load_bytes).
    pub fn load_bytes(self, bytes: impl AsRef<[u8]>) -> Result<Module> {
        self.loader.runtime.here()?;
        load::load_bytes(self.loader, &self.assembly.bytes(bytes)?)
    }
}

impl std::fmt::Debug for LoadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadOptions").field("assembly", &self.assembly).finish_non_exhaustive()
    }
}
