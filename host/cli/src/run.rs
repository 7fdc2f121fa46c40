//! `purefork run`: one call of one function.

use crate::flags::{Common, Run, is_option, similar};
use crate::given::Given;
use crate::inspect::{audit, read};
use crate::report::{Usage, shown_path};
use crate::{describe, json, stdout};
use anyhow::{Context as _, Result};
use purefork::{Args, Error, ErrorKind, Executor, InspectedFunction, Limits, Module, Value};
use std::path::Path;

/// Calls the function and prints its result; or, if that was asked for, what there is to call.
pub(crate) fn run(run: &Run) -> Result<()> {
    let Some(name) = &run.function else {
        let inspection = audit(&run.module)?;
        if run.help {
            return stdout::print(&describe::module(&run.module, &inspection));
        }
        let message = format!("expected the name of a function of `{}`", shown_path(&run.module));
        return Err(Usage::new(message)
            .with_help(describe::functions(&inspection))
            .with_kind(ErrorKind::NotCallable)
            .into());
    };
    if run.help
        && let Some(function) = audit(&run.module)?.functions.iter().find(|function| function.name == *name)
    {
        return stdout::print(&describe::function(&run.module, function));
    }
    let exec = executor(&run.common)?;
    let module = link(&exec, &run.common, load(&exec, &run.module)?)?;
    let inspection = module.inspect();
    let function = inspection.functions.iter().find(|function| function.name == *name);
    let function = function.ok_or_else(|| no_such(&module, name))?;
    let value = call(&module, function, &run.given)?;
    stdout::print(&if run.json { json::value(&value).to_string() } else { value.to_string() })
}

fn executor(common: &Common) -> Result<Executor> {
    let mut limits = Limits::default();
    macro_rules! limit {
        ($($name:ident)*) => {$(
            if let Some(value) = common.$name {
                limits = limits.$name(value);
            }
        )*};
    }
    limit!(fuel timeout memory stack table_elements depth forks tree_forks);
    let mut builder = Executor::builder().limits(limits);
    if let Some(threads) = common.threads {
        builder = builder.threads(threads);
    }
    if common.serial {
        builder = builder.serial();
    }
    Ok(builder.build()?)
}

fn load(exec: &Executor, path: &Path) -> Result<Module> {
    exec.load_bytes(read(path)?).with_context(|| format!("`{}`", shown_path(path)))
}

/// The module with all that is linked to it. A linked module that needs others itself gets those before it.
fn link(exec: &Executor, common: &Common, module: Module) -> Result<Module> {
    let mut linked: Vec<(&str, Module)> = Vec::new();
    for link in &common.link {
        let mut provider = load(exec, &link.module)?;
        if provider.inspect().forks.iter().any(|fork| !fork.own) {
            provider = link_all(provider, &linked).with_context(|| format!("`{}`", shown_path(&link.module)))?;
        }
        linked.push((&link.name, provider));
    }
    Ok(link_all(module, &linked)?)
}

fn link_all(module: Module, linked: &[(&str, Module)]) -> Result<Module, Error> {
    linked.iter().try_fold(module, |module, (name, provider)| module.link(name, provider))
}

/// Why no function of that name can be called: the library knows what was probably meant.
fn no_such(module: &Module, name: &str) -> anyhow::Error {
    match module.function::<(), ()>(name) {
        Err(error) if error.kind() == ErrorKind::NoSuchFunction => error.into(),
        // It has a name that is not shown as it is, so that its parameters cannot be found by it.
        _ => Usage::new("the function's name is too long to be called from here, or has characters that do not print")
            .into(),
    }
}

fn call(module: &Module, function: &InspectedFunction, given: &[Given]) -> Result<Value> {
    let args = arguments(function, given)?;
    let future = module.fork(&function.name, args).map_err(|error| hint(error, function, given))?;
    Ok(future.wait()?)
}

/// The arguments as values. One that has no parameter is passed on, for the library to say so.
fn arguments(function: &InspectedFunction, given: &[Given]) -> Result<Args> {
    let mut args = Args::new();
    let mut positional = function.params.iter();
    for given in given {
        let param = match &given.name {
            None => positional.next(),
            Some(name) => parameter(function, name),
        };
        let value = match param {
            None => Value::from(()),
            Some((param, ty)) => Value::from_wave(ty, &given.value)
                .with_context(|| format!("argument `{param}` of `{}`", function.name))?,
        };
        args = match &given.name {
            None => args.push(value),
            Some(name) => args.push_named(param.map_or(name, |(param, _)| param), value),
        };
    }
    Ok(args)
}

/// The parameter of that name: dashes and underscores are the same, as no two parameters differ in them alone.
fn parameter<'a>(function: &'a InspectedFunction, name: &str) -> Option<&'a (String, purefork::Type)> {
    let same = |param: &str| param.bytes().map(dash).eq(name.bytes().map(dash));
    function.params.iter().find(|(param, _)| same(param))
}

fn dash(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte }
}

/// The library knows the function's parameters, but not this program's options.
fn hint(error: Error, function: &InspectedFunction, given: &[Given]) -> anyhow::Error {
    let names = || given.iter().filter_map(|given| given.name.as_deref());
    let unknown = names().find(|name| parameter(function, name).is_none());
    let help = match unknown {
        Some(name) if error.help().is_none() && is_option(name) => {
            Some(format!("`--{name}` is an option of purefork: put it before `--`"))
        }
        Some(name) if error.help().is_none() => similar(name).map(|option| format!("did you mean `{option}`?")),
        // What is not given may have been taken for an option.
        None if error.kind() == ErrorKind::ArgumentMismatch => {
            let taken = function.params.iter().find(|(param, _)| is_option(param));
            let taken = taken.filter(|(param, _)| !names().any(|name| name == param));
            taken.map(|(param, _)| {
                format!("`--{param}` before `--` is an option of purefork: give the parameter after it, `-- --{param} VALUE`")
            })
        }
        _ => None,
    };
    match help {
        Some(help) => Usage::new(error.message()).with_kind(error.kind()).with_help(help).into(),
        None => error.into(),
    }
}
