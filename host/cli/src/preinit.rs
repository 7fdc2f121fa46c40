//! `purefork preinit`: one call of one function, and a module that starts with the state it leaves.

use crate::flags::Preinit;
use crate::report::Usage;
use crate::run::{arguments, executor, function, hint, link, load, wanted};
use crate::target::Target;
use anyhow::Result;

/// Runs the function, and writes the module; or tells what there is to run.
pub(crate) fn preinit(preinit: &Preinit) -> Result<()> {
    let call = &preinit.call;
    let name = wanted("preinit", &call.module, call.name(), call.help, call.common.wasi)?;
    let Some(name) = name else { return Ok(()) };
    let Some(output) = &preinit.output else {
        return Err(Usage::new("expected where to write the new module")
            .with_help("write `-o OUT.wasm`, or `-o -` for stdout")
            .into());
    };
    let exec = executor(&call.common)?;
    let module = link(&exec, &call.common, load(&exec, &call.module)?)?;
    let inspection = module.inspect();
    let function = function(&call.module, &inspection, name)?;
    let target = Target::open(output)?;
    let args = arguments(function, &call.given)?;
    let ready = module.preinit(&function.exact, args).map_err(|error| hint("preinit", error, function, &call.given))?;
    target.write(&ready.bytes()?)
}
