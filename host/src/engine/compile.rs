//! Bytes to machine code.

use super::{Engines, Kind};
use crate::error::{Error, ErrorKind, Result};
use wasmtime::Module;

/// The machine code of a guest's core modules, the same for every shard of its kind.
pub(crate) struct Compiled {
    kind: Kind,
    code: Vec<Vec<u8>>,
}

impl Compiled {
    /// Compiles the core modules of a guest that the audit has passed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where a module is larger than the executor's limits allow, in any of its parts.
    pub(crate) fn new(engines: &Engines, kind: Kind, modules: &[Vec<u8>]) -> Result<Compiled> {
        let engine = engines.get(kind, 0)?;
        let code = modules.iter().map(|bytes| engine.precompile_module(bytes).map_err(|error| unsupported(&error)));
        Ok(Compiled { kind, code: code.collect::<Result<_>>()? })
    }

    /// Loads the machine code into a shard.
    ///
    /// # Errors
    ///
    /// As [`Compiled::new`].
    pub(crate) fn load(&self, engines: &Engines, shard: usize) -> Result<Vec<Module>> {
        let engine = engines.get(self.kind, shard)?;
        // SAFETY: the bytes are those that an engine of the same configuration made in this process, unchanged: `code`
        // is private, and written only above.
        let load = |code: &Vec<u8>| unsafe { Module::deserialize(engine, code) }.map_err(|error| unsupported(&error));
        self.code.iter().map(load).collect()
    }
}

fn unsupported(error: &wasmtime::Error) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the module needs more than this executor gives: {error:#}"))
}
