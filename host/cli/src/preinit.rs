//! `purefork preinit`: one call of one function, and a module that starts with the state it leaves.

use crate::flags::Preinit;
use crate::report::Usage;
use crate::run::{arguments, executor, function, hint, link, load, wanted};
use crate::target::Target;
use anyhow::Result;

/// Runs the function, and writes the module; or tells what there is to run.
pub(crate) fn preinit(preinit: &Preinit) -> Result<()> {
    let name = preinit.function.as_deref().or(preinit.after.as_deref());
    let name = wanted("preinit", &preinit.module, name, preinit.help, preinit.common.wasi)?;
    let Some(name) = name else { return Ok(()) };
    let Some(output) = &preinit.output else {
        return Err(Usage::new("expected where to write the new module")
            .with_help("write `-o OUT.wasm`, or `-o -` for stdout")
            .into());
    };
    let exec = executor(&preinit.common)?;
    let module = link(&exec, &preinit.common, load(&exec, &preinit.module)?)?;
    let inspection = module.inspect();
    let function = function(&preinit.module, &inspection, name)?;
    let target = Target::open(output)?;
    let args = arguments(function, &preinit.given)?;
    let ready =
        module.preinit(&function.exact, args).map_err(|error| hint("preinit", error, function, &preinit.given))?;
    target.write(&ready.bytes()?)
}
