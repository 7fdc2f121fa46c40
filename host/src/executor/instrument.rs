//! Core modules to those that are compiled: what takes long looks whether the call may go on, and what changes state can be
//! put back.

use crate::error::{Error, ErrorKind, Result};
use crate::instrument::{Instrumented, OffsetMap, chunk_bulk_operations, instrument};
use crate::ir::{Facts, Recipe};
use crate::isolation::Isolation;

/// Core modules whose bulk operations are done in chunks, and for each where its code was.
pub(super) fn chunked(modules: Vec<Vec<u8>>) -> Result<(Vec<Vec<u8>>, Vec<OffsetMap>)> {
    let chunked = modules.into_iter().map(|bytes| match chunk_bulk_operations(&bytes) {
        Ok(Some(chunked)) => Ok(chunked),
        Ok(None) => Ok((bytes, OffsetMap::identity())),
        Err(why) => Err(Error::new(ErrorKind::Unsupported, format!("the module is too large: {why}"))
            .with_help("build it of fewer or smaller functions")),
    });
    Ok(chunked.collect::<Result<Vec<_>>>()?.into_iter().unzip())
}

/// A guest rewritten so that the state of its sandboxes can be put back, or why it is not.
pub(super) fn rewritten(
    facts: &Facts,
    recipe: &Recipe,
    modules: &[Vec<u8>],
    isolation: Isolation,
    memory: usize,
) -> std::result::Result<Instrumented, String> {
    if isolation == Isolation::Fresh {
        return Err("the executor was made so".to_owned());
    }
    if facts.functions.iter().all(|function| function.stateless.is_ok()) {
        return Err("none of its functions changes anything".to_owned());
    }
    instrument(modules, recipe, memory)
}
