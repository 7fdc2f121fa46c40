//! What was proved of a guest to its machine code.

use super::cost::check_cost;
use super::instrument::{fresh, rewritten};
use crate::audit::Audited;
use crate::audit::cost::UNIT;
use crate::engine::{Compiled, Key, Modules};
use crate::error::Result;
use crate::fork::Runtime;
use crate::instrument::{Instrumented, OffsetMap};
use crate::ir::{Facts, Recipe};
use crate::limits::Limits;
use crate::sandbox::Guest;

/// The guest as an earlier run has kept it.
pub(super) fn kept(runtime: &Runtime, key: &Key) -> Option<Result<Guest>> {
    let bytes = Compiled::kept_facts(&runtime.sandboxes.engines, key)?;
    let (facts, recipe, reset, modules): (Facts, Recipe, _, Modules) = postcard::from_bytes(&bytes).ok()?;
    let compiled = Compiled::kept(&runtime.sandboxes.engines, Guest::kind(&facts), modules, key)?;
    Some(Guest::check(&runtime.limits, &facts).map(|()| Guest {
        facts,
        recipe,
        reset,
        compiled,
        heap: runtime.limits.heap,
    }))
}

/// Compiles a guest that the audit has passed, and keeps it for later runs.
pub(super) fn compiled(runtime: &Runtime, audited: Audited, key: &Key) -> Result<Guest> {
    let Audited { mut facts, recipe, modules: given } = audited;
    Guest::check(&runtime.limits, &facts)?;
    let bytes: usize = given.iter().map(Vec::len).sum();
    facts.startup_fuel = startup_fuel(&recipe, &given);
    let (modules, maps, reset) = match rewritten(&facts, &recipe, &given, runtime.isolation, &runtime.limits) {
        Ok(Instrumented { modules, maps, reset, startup_fuel }) => {
            facts.startup_fuel += startup_fuel;
            (modules, maps, Ok(reset))
        }
        Err(why) => {
            let (modules, maps) = fresh(&given)?;
            (modules, maps, Err(why))
        }
    };
    // A large one would be there twice while it is compiled.
    drop(given);
    facts.compile = check_cost(&modules, bytes, runtime.limits.compile)?.div_ceil(UNIT / 1000);
    facts.fresh = reset.as_ref().err().cloned();
    let bytes = postcard::to_stdvec(&(&facts, &recipe, &reset, Modules::of(&modules))).ok();
    let keep = bytes.as_deref().map(|bytes| (key, bytes));
    let compiled = Compiled::new(&runtime.sandboxes.engines, Guest::kind(&facts), &modules, &maps, keep)?;
    Ok(Guest { facts, recipe, reset, compiled, heap: runtime.limits.heap })
}

/// The most fuel that making a guest's instances takes, without its own code: the engine charges for each byte of data, each element and
/// each operator of a constant expression, of which none is shorter than a byte.
fn startup_fuel(recipe: &Recipe, modules: &[Vec<u8>]) -> u64 {
    let bytes =
        recipe.steps.iter().filter_map(|step| modules.get(step.module as usize)).map(|module| module.len() as u64);
    bytes.sum()
}

/// Compiles a guest that the audit has passed, to be run once: a copy of one that was `given` as core modules, whose code is the same.
pub(super) fn copied(runtime: &Runtime, audited: Audited, given: &[Vec<u8>]) -> Result<Guest> {
    let Audited { mut facts, recipe, modules } = audited;
    Guest::check(&Limits { heap: 0, ..runtime.limits.clone() }, &facts)?;
    facts.startup_fuel = startup_fuel(&recipe, &modules);
    facts.functions.iter_mut().for_each(|function| function.core.free_results());
    // Modules may have been added behind those that were given.
    let copied = modules.iter().zip(given).map(|(copy, given)| OffsetMap::moved(given, copy).unwrap_or_default());
    let copied: Vec<_> = copied.collect();
    let bytes = modules.iter().map(Vec::len).sum();
    let (modules, maps) = fresh(&modules)?;
    check_cost(&modules, bytes, runtime.limits.compile)?;
    let maps: Vec<_> = maps.into_iter().zip(copied).map(|(map, copied)| map.after(copied)).collect();
    let compiled = Compiled::new(&runtime.sandboxes.engines, Guest::kind(&facts), &modules, &maps, None)?;
    // What it would leave free would be a part of the file.
    Ok(Guest { facts, recipe, reset: Err("it is used once".to_owned()), compiled, heap: 0 })
}
