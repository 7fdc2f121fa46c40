//! Core modules to those that are compiled: they are charged for what they do, what takes long looks whether the call may go on, and
//! what changes state can be put back.

use crate::error::{Error, ErrorKind, Result};
use crate::instrument::{Instrumented, OffsetMap, instrument, instrument_fresh};
use crate::ir::{Facts, Recipe};
use crate::isolation::Isolation;
use crate::limits::Limits;

/// Core modules as they run in fresh sandboxes, and for each where its code was.
pub(super) fn fresh(modules: &[Vec<u8>]) -> Result<(Vec<Vec<u8>>, Vec<OffsetMap>)> {
    let rewritten = modules.iter().map(|bytes| {
        instrument_fresh(bytes).map_err(|why| {
            Error::new(ErrorKind::Unsupported, format!("the module cannot be compiled: {why}"))
                .with_help("build it of fewer or smaller functions")
        })
    });
    Ok(rewritten.collect::<Result<Vec<_>>>()?.into_iter().unzip())
}

/// A guest rewritten so that the state of its sandboxes can be put back, or why it is not.
pub(super) fn rewritten(
    facts: &Facts,
    recipe: &Recipe,
    modules: &[Vec<u8>],
    isolation: Isolation,
    limits: &Limits,
) -> std::result::Result<Instrumented, String> {
    if isolation == Isolation::Fresh {
        return Err("the executor was made so".to_owned());
    }
    if facts.functions.iter().all(|function| function.stateless.is_ok()) {
        return Err("none of its functions changes anything".to_owned());
    }
    let heap = if facts.reallocs().is_empty() { 0 } else { limits.heap };
    instrument(modules, recipe, limits.memory, heap)
}
