//! `purefork preinit`: one call of one function, and a module that starts with the state it leaves.

use crate::flags::Preinit;
use crate::report::Usage;
use crate::run::{arguments, executor, function, given, hint, link, wanted};
use crate::target::Target;
use crate::whole::Whole;
use anyhow::Result;

/// Runs the function, and writes the module; or tells what there is to run.
pub(crate) fn preinit(preinit: &Preinit) -> Result<()> {
    let call = &preinit.call;
    let whole = Whole::new(&call.module, &call.common);
    let name = wanted("preinit", whole, call.name(), call.help)?;
    let Some(name) = name else { return Ok(()) };
    let Some(output) = &preinit.output else {
        return Err(Usage::new("expected where to write the new module")
            .with_help("write `-o OUT.wasm`, or `-o -` for stdout")
            .into());
    };
    let exec = executor(&call.common)?;
    let module = link(&exec, &call.common, &given(&call.common)?, whole.load(&exec)?)?;
    let inspection = module.inspect();
    let function = function(&call.module, &inspection, name)?;
    let target = Target::open(output)?;
    let args = arguments(function, &call.given)?;
    let ready = module.preinit(&function.exact, args).map_err(|error| hint("preinit", error, function, &call.given))?;
    target.write(&ready.bytes()?)
}
