//! What compiling a guest may cost.

use crate::audit::cost::{BYTES_PER_UNIT, Cost, Single, UNIT, cost};
use crate::audit::function_name;
use crate::error::{Error, ErrorKind, Result};

/// What compiling core modules costs: all of them, and the function that costs most, with the number of its module.
pub(super) fn cost_of(modules: &[Vec<u8>]) -> Result<(u64, Option<(usize, Single)>)> {
    let mut total = 0u64;
    let mut most: Option<(usize, Single)> = None;
    for (number, module) in modules.iter().enumerate() {
        let broken = |error: wasmparser::Error| Error::new(ErrorKind::Malformed, error.to_string());
        let Cost { total: all, largest } = cost(module).map_err(broken)?;
        total = total.saturating_add(all);
        if let Some(single) = largest
            && most.is_none_or(|(_, most)| most.beyond() < single.beyond())
        {
            most = Some((number, single));
        }
    }
    Ok((total, most))
}

/// Refuses core modules that would take too long to compile; tells what it costs. `bytes`: how large they were when they were given.
pub(super) fn check_cost(modules: &[Vec<u8>], bytes: usize, limit: u32) -> Result<u64> {
    let units = |cost: u64| cost.div_ceil(UNIT);
    let most = |bytes: u64| u64::from(limit).saturating_add(bytes / BYTES_PER_UNIT);
    let refused = |what: &str, cost: u64, bytes: u64, help: &str| {
        let (cost, most) = (units(cost), most(bytes));
        let message =
            format!("compiling {what} would cost {cost} units, and the limit for its {bytes} bytes is {most}");
        Err(Error::new(ErrorKind::Unsupported, message).with_help(format!("{help}, or raise `Limits::compile`")))
    };
    let (total, largest) = cost_of(modules)?;
    if let Some((module, Single { function, cost, bytes })) = largest
        && units(cost) > most(bytes)
    {
        let name = format!("`{}`", function_name(&modules[module], function));
        let help = "build it of smaller functions, with fewer parameters, results, loops and branches each";
        return refused(&name, cost, bytes, help);
    }
    if units(total) > most(bytes as u64) {
        let help = "build it of fewer functions, with fewer parameters, results, loops and branches";
        return refused("the module", total, bytes as u64, help);
    }
    Ok(total)
}
