//! In place of `snapshot` in a build without the feature `preinit`: nothing can be frozen.

use crate::error::{Error, ErrorKind, Result};
use crate::ir::{Facts, Recipe};
use std::convert::Infallible;

/// The state of a guest that has run.
pub(crate) trait State: Send {
    fn memory(&mut self, instance: u32, name: &str) -> Option<&[u8]>;
    fn global(&mut self, instance: u32, name: &str) -> Option<u128>;
}

/// A guest whose state can be read: there is none.
pub(crate) struct Prepared {
    pub(crate) bytes: Vec<u8>,
    none: Infallible,
}

impl Prepared {
    pub(crate) fn new(_bytes: &[u8], _others: &[(String, String)]) -> Result<Prepared> {
        Err(Error::new(ErrorKind::Unsupported, "purefork was built without the feature `preinit`"))
    }

    pub(crate) fn freeze(&self, _facts: &Facts, _recipe: &Recipe, _state: &mut dyn State) -> Result<Vec<u8>> {
        match self.none {}
    }
}
