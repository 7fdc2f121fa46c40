//! A module that starts with the state that a call has left.

use super::audit::audited;
use super::compile::copied;
use super::load;
use super::loader::Loader;
use super::wrap::{Wrapped, wrapped};
use crate::error::{Error, ErrorKind, Result};
use crate::escape::{escaped, escaped_within};
use crate::fork::{Captured, Program};
use crate::module_service::{ModuleService, Preinitialised};
use crate::snapshot::Prepared;
use crate::value::{Value, Values};
use std::panic::Location;
use std::sync::Arc;

/// How much is shown of the error that a function returns, in bytes.
const MAX_SHOWN: usize = 500;

impl ModuleService for Loader {
    fn preinit(
        &self,
        program: &Program,
        bytes: &[u8],
        function: u32,
        args: Values,
        site: &'static Location<'static>,
    ) -> Result<Preinitialised> {
        self.runtime.here()?;
        preinit(self, program, bytes, function, args, site)
    }
}

/// Runs a function of a module in a sandbox, and makes a module of the state that it leaves.
///
/// What runs is the guest with exports added by which its state can be read; so it is audited and compiled anew, and not kept in the
/// cache. What comes of it is loaded like any other module.
///
/// # Errors
///
/// What the call fails with, also by giving an `err`; [`ErrorKind::Unsupported`] where the state cannot be frozen.
fn preinit(
    loader: &Loader,
    program: &Program,
    bytes: &[u8],
    function: u32,
    args: Values,
    site: &'static Location<'static>,
) -> Result<Preinitialised> {
    let (runtime, exported) = (program.runtime(), &program.facts().functions[function as usize]);
    let name = escaped(&exported.name);
    let component = match wrapped(bytes, runtime.imports)? {
        Wrapped::Component(component) => Some(component),
        Wrapped::None | Wrapped::Unreadable(_) => None,
    };
    let given = component.as_deref().unwrap_or(bytes);
    let prepared = Prepared::new(given, &program.facts().others)?;
    let readable = audited(&prepared.bytes, runtime.imports).map_err(|error| {
        // It has passed the audit without what was added.
        let message = format!("the guest's state cannot be frozen: with what it would be read by, {}", error.message());
        Error::new(ErrorKind::Unsupported, message).with_reasons(error.reasons().to_vec())
    })?;
    // What it runs in is used once, and read as it is.
    let guest = copied(runtime, readable, &audited(given, runtime.imports)?.modules)?;
    let recipe = guest.recipe.clone();
    let running = Program::new(runtime.clone(), (None, program.source().clone()), guest)?.linked_as(program)?;
    let facts = running.facts().clone();
    let number = facts.functions.iter().position(|known| {
        known.name == exported.name && known.params == exported.params && known.results == exported.results
    });
    let number = number.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, format!("the guest's state cannot be frozen: `{name}` was lost on the way"))
    })?;
    let (value, mut captured) = running.run_and_capture(number as u32, args, site)?;
    done(&name, facts.component, &value, &captured).map_err(|error| error.with_site_if_none(site))?;
    let frozen = prepared.freeze(&facts, &recipe, &mut *captured.sandbox)?;
    drop(captured);
    let bytes: Arc<[u8]> = frozen.into();
    let source = load::held(&bytes);
    let (new, digest) = load::program(loader, &bytes, &|_| source.clone())?;
    let new = new.linked_as(program)?;
    Ok(Preinitialised { digest, bytes, program: new })
}

/// Whether a call is one after which there is nothing left but the guest's state.
fn done(name: &str, component: bool, value: &Value, captured: &Captured) -> Result<()> {
    let left = |n: usize, one: &str, rest: &str| {
        let (s, its) = if n == 1 { ("", "its number") } else { ("s", "their numbers") };
        let message = format!("`{name}` ended with {n} {one}{s} {rest}, and in another call {its} would mean nothing");
        Error::new(ErrorKind::Failed, message)
    };
    if let Value::Result(Err(value)) = value {
        let value = value.as_ref().map(|value| format!(": {}", escaped_within(&value.to_string(), MAX_SHOWN)));
        return Err(Error::new(ErrorKind::Failed, format!("`{name}` returned an error{}", value.unwrap_or_default())));
    }
    if captured.futures > 0 {
        let rest = if component { "that it had not dropped" } else { "that it had not waited for" };
        return Err(left(captured.futures, "future", rest).with_help("wait for what it forks before it returns"));
    }
    match captured.sandbox.handles() {
        0 => Ok(()),
        n => Err(left(n, "handle", "of its own resources")
            .with_help("drop them before it returns, and keep what is behind them")),
    }
}
