//! What a module asks of the executor that has loaded it.

use crate::error::Result;
use crate::fork::Program;
use crate::value::Values;
use std::panic::Location;
use std::sync::Arc;

/// A module that starts with the state that a call has left.
pub(crate) struct Preinitialised {
    pub(crate) digest: String,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) program: Program,
}

/// What a module asks of the executor that has loaded it: to load another.
pub(crate) trait ModuleService: Send + Sync {
    /// Runs a function of the module, whose bytes are given, and makes a module of the state that it leaves, linked to the
    /// same providers.
    ///
    /// # Errors
    ///
    /// What the call fails with, and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the state cannot be
    /// frozen.
    fn preinit(
        &self,
        program: &Program,
        bytes: &[u8],
        function: u32,
        args: Values,
        site: &'static Location<'static>,
    ) -> Result<Preinitialised>;
}
