//! Bytes to machine code.

use super::{Engines, Kind};
use crate::error::{Error, ErrorKind, Result};
use wasmtime::Module;

/// A module's machine code, the same for every shard of its kind.
pub(crate) struct Compiled {
    kind: Kind,
    code: Vec<u8>,
}

impl Compiled {
    /// Compiles a module that the audit has passed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the module is larger than the executor's limits allow, in any of its parts.
    pub(crate) fn new(engines: &Engines, kind: Kind, bytes: &[u8]) -> Result<Compiled> {
        let code = engines.get(kind, 0)?.precompile_module(bytes).map_err(|error| unsupported(&error))?;
        Ok(Compiled { kind, code })
    }

    /// Loads the machine code into a shard.
    ///
    /// # Errors
    ///
    /// As [`Compiled::new`].
    pub(crate) fn load(&self, engines: &Engines, shard: usize) -> Result<Module> {
        let engine = engines.get(self.kind, shard)?;
        // SAFETY: the bytes are those that an engine of the same configuration made in this process, unchanged: `code`
        // is private, and written only above.
        unsafe { Module::deserialize(engine, &self.code) }.map_err(|error| unsupported(&error))
    }
}

fn unsupported(error: &wasmtime::Error) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the module needs more than this executor gives: {error:#}"))
}
