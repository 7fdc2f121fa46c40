//! `purefork run`: one call of one function.

use crate::argument::Reader;
use crate::directory::Directory;
use crate::flags::{Common, MAIN, Run, is_option, similar};
use crate::inspect::{read, shown_module};
use crate::layout::{WIDTH, brief_signature};
use crate::output::Output;
use crate::report::{Usage, used};
use crate::script::Script;
use crate::split::TypedArg;
use crate::whole::Whole;
use crate::{describe, program, stdout};
use anyhow::{Context as _, Result};
use purefork::inspect::{InspectedFunction, InspectedParam, Inspection};
use purefork::value::Type;
use purefork::{Args, Builder, Error, ErrorKind, Executor, Future, Limits, Memo, Module, Value, World};
use std::io::Write as _;
use std::path::Path;

/// Calls the function and writes its result, or shows help. Returns whether the call was a success: an `err` is none.
pub(crate) fn run(run: &Run) -> Result<bool> {
    if let Some(script) = Script::of(run)? {
        if run.help {
            return Err(Usage::new("a script has no help of its own")
                .with_help("`purefork run --help` shows what there is")
                .into());
        }
        if run.stdin.is_some() {
            return Err(Usage::new("`--stdin` is for a program, and a script is none").into());
        }
        return script.run(run);
    }
    // Whether what stands after `--` is a function's name or a program's argument is known from the module.
    let unnamed = run.function.is_none() && !run.help;
    let whole = Whole::new(&run.module, &run.common);
    if unnamed || program::is_certain(run) {
        // Before it is compiled, which takes long if it is large.
        if program::is_meant(&whole.audit()?, run) {
            let exec = executor(&run.common)?;
            let world = world(run)?;
            return program::run(run, &link(&exec, &run.common, &world, whole.load(&exec)?)?);
        }
        program::is_not_meant(run)?;
    }
    let name = run.function.as_deref().or(run.after.as_deref());
    let Some(name) = wanted("run", whole, name, run.help)? else { return Ok(true) };
    let exec = executor(&run.common)?;
    let module = link(&exec, &run.common, &world(run)?, whole.load(&exec)?)?;
    let inspection = module.inspect();
    if program::is_meant(&inspection, run) {
        return program::run(run, &module);
    }
    let function = function(&run.module, &inspection, name)?;
    let output = Output::new(run, function)?;
    let out = run.out.as_deref().map(Directory::new).transpose()?;
    let (value, usage, files) = call(&module, function, run)?;
    if let Some(out) = out {
        out.write(&files)?;
    }
    output.write(function, value, usage)
}

/// The function to call; none if help was asked for, which is printed.
pub(crate) fn wanted<'a>(verb: &str, whole: Whole<'_>, name: Option<&'a str>, help: bool) -> Result<Option<&'a str>> {
    if name.is_some() && !help {
        return Ok(name);
    }
    let (module, inspection) = (whole.module, whole.audit()?);
    let text = match name {
        Some(name) => {
            describe::function(verb, module, name, function(module, &inspection, name)?, !inspection.wasi.is_empty())
        }
        None if help => describe::module(verb, module, &inspection),
        None => return Err(nameless(module, &inspection, None).into()),
    };
    stdout::print(&text).map(|()| None)
}

fn nameless(module: &Path, inspection: &Inspection, given: Option<&str>) -> Usage {
    let given = match given {
        None => String::new(),
        Some("") => ", but was given an empty word".to_owned(),
        Some(given) => format!(", but was given `{}`", given.escape_debug()),
    };
    Usage::new(format!("expected the name of a function of {}{given}", shown_module(module)))
        .with_help(describe::functions(inspection))
        .with_kind(ErrorKind::NotCallable)
}

pub(crate) fn executor(common: &Common) -> Result<Executor> {
    executor_with(common, |builder| builder)
}

/// An executor that is changed by `change` before it is built.
pub(crate) fn executor_with(common: &Common, change: impl Fn(Builder) -> Builder) -> Result<Executor> {
    let mut limits = Limits::default();
    macro_rules! limit {
        ($($name:ident)*) => {$(
            if let Some(value) = common.$name {
                limits = limits.$name(value);
            }
        )*};
    }
    limit!(fuel timeout memory heap stack table_elements depth forks tree_forks tree_values compile);
    if let Some(bytes) = common.output_limit {
        limits = limits.output(bytes);
    }
    let memo = common.memo.as_ref().map(Memo::dir).transpose()?;
    let build = |cache: Option<&Path>| {
        let mut builder = common.allowed().builder().limits(limits.clone());
        if let Some(isolation) = common.isolation {
            builder = builder.isolation(isolation);
        }
        if let Some(threads) = common.threads {
            builder = builder.threads(threads);
        }
        if common.serial {
            builder = builder.serial();
        }
        if let Some(dir) = cache {
            builder = builder.cache_dir(dir);
        }
        if let Some(memo) = &memo {
            builder = builder.memo(memo.clone());
        }
        change(builder).build()
    };
    match (&common.cache_dir, Builder::default_cache_dir().filter(|_| !common.no_cache)) {
        (Some(dir), _) => Ok(build(Some(dir))?),
        // The default cache is optional: go on without it.
        (None, Some(dir)) => Ok(build(Some(&dir)).or_else(|_| build(None))?),
        (None, None) => Ok(build(None)?),
    }
}

pub(crate) fn load(exec: &Executor, path: &Path) -> Result<Module> {
    exec.load_bytes(read(path)?).with_context(|| shown_module(path))
}

/// What modules are given by WASI.
pub(crate) fn given(common: &Common) -> Result<World> {
    let mut world = World::new();
    let mut reader = Reader::default();
    for (name, text) in &common.file {
        let bytes = reader.bytes(&format!("--file {name}"), text)?;
        world = world.file(name, bytes).context("`--file`")?;
    }
    for (name, value) in &common.env {
        world = world.env(name, value).context("`--env`")?;
    }
    Ok(world)
}

/// The same for a call that may make files, if it may.
pub(crate) fn world(run: &Run) -> Result<World> {
    let world = given(&run.common)?;
    Ok(if run.out.is_some() { world.writable() } else { world })
}

/// The module, linked with those of `--link`: each may fork the functions of all others, and all are given the same by WASI.
pub(crate) fn link(exec: &Executor, common: &Common, world: &World, module: Module) -> Result<Module> {
    let module = module.with_world(world)?;
    if common.link.is_empty() {
        return Ok(module);
    }
    let linked = common.link.iter().map(|link| Ok((&*link.name, load(exec, &link.module)?.with_world(world)?)));
    let linked = linked.collect::<Result<Vec<(&str, Module)>>>()?;
    let all: Vec<_> =
        [(MAIN, &module)].into_iter().chain(linked.iter().map(|(name, module)| (*name, module))).collect();
    Ok(Module::link_together(&all)?.swap_remove(0))
}

/// Finds a function by name, as the library does.
pub(crate) fn function<'a>(module: &Path, inspection: &'a Inspection, name: &str) -> Result<&'a InspectedFunction> {
    /// More functions than these are not listed.
    const LISTED: usize = 8;
    inspection.function(name).map_err(|error| {
        // An argument or an option in the place of the name.
        if name.is_empty() || name.starts_with('-') {
            return nameless(module, inspection, Some(name)).with_kind(error.kind()).into();
        }
        if error.help().is_none_or(|help| help.starts_with("did you mean") || help.chars().count() <= WIDTH) {
            return error.into();
        }
        let functions = inspection.functions.iter();
        let help = if error.help().is_some_and(|help| help.starts_with("say which")) {
            let called = functions.filter(|function| function.exact.ends_with(name)).take(LISTED);
            format!(
                "say which:\n{}",
                called.map(|function| format!("`{}`", function.name)).collect::<Vec<_>>().join("\n")
            )
        } else {
            let list = functions.take(LISTED).map(brief_signature).collect::<Vec<_>>();
            let rest = inspection.functions.len().saturating_sub(LISTED);
            let more = if rest == 0 { String::new() } else { format!("\nand {rest} more") };
            format!("it exports\n{}{more}", list.join("\n"))
        };
        Usage::new(error.message()).with_kind(error.kind()).with_help(help).into()
    })
}

/// The files that a call has made.
type Files = Vec<(String, Vec<u8>)>;

/// The call's result, what it has used, if that is of interest, and the files that it has made.
fn call(module: &Module, function: &InspectedFunction, run: &Run) -> Result<(Value, Option<purefork::Usage>, Files)> {
    let given = &run.given;
    let args = arguments(function, given)?;
    let future = module.fork(&function.exact, args).map_err(|error| hint("run", error, function, given))?;
    let result = future.wait();
    let usage = usage(run, &future);
    let written = future.output();
    if let Some(output) = &written {
        forward(output, &result);
    }
    let files = written.map(|output| output.files).unwrap_or_default();
    Ok((result.map_err(|error| used(error, usage))?, usage, files))
}

/// Writes what a call has printed to stderr.
pub(crate) fn forward(output: &purefork::Output, result: &purefork::Result<Value>) {
    // stdout is for results alone. If stderr is closed, nobody can be told.
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(&output.stdout).and_then(|()| stderr.write_all(&output.stderr));
    drop(stderr);
    let last = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    match result {
        Ok(_) => program::note(last, &output.refused),
        Err(_) => program::end_line(last),
    }
}

/// What a call has used, where somebody who reads JSON wants to know whether its result was kept.
pub(crate) fn usage(run: &Run, future: &Future<Value>) -> Option<purefork::Usage> {
    run.common.memo.as_ref().and_then(|_| future.usage())
}

/// The arguments as values. One without a parameter is passed on, so that the library refuses it. A parameter of type option that
/// is not given is `none`.
pub(crate) fn arguments(function: &InspectedFunction, given: &[TypedArg]) -> Result<Args> {
    let mut args = Args::new();
    let mut positional = function.params.iter();
    let mut reader = Reader::default();
    for given in given {
        let param = match &given.name {
            None => positional.next(),
            Some(name) => parameter(function, name),
        };
        let value = match param {
            None => Value::from(()),
            Some(param) => reader
                .read(&param.name, &param.ty, &given.value)
                .with_context(|| format!("argument `{}` of `{}`", param.name, function.name))?,
        };
        args = match &given.name {
            None => args.push(value),
            Some(name) => args.push_named(param.map_or(name, |param| &param.name), value),
        };
    }
    let names: Vec<_> = given.iter().filter_map(|given| parameter(function, given.name.as_deref()?)).collect();
    for param in positional.filter(|param| matches!(param.ty, Type::Option(_)) && !names.contains(param)) {
        args = args.push_named(&param.name, Value::from(None::<Value>));
    }
    Ok(args)
}

/// The parameter of that name. Dashes and underscores are the same: no two parameters differ in them alone.
pub(crate) fn parameter<'a>(function: &'a InspectedFunction, name: &str) -> Option<&'a InspectedParam> {
    let same = |param: &str| param.bytes().map(dash).eq(name.bytes().map(dash));
    function.params.iter().find(|param| same(&param.name))
}

fn dash(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte }
}

/// Adds help to an error about arguments: the library does not know this program's options.
pub(crate) fn hint(verb: &str, error: Error, function: &InspectedFunction, given: &[TypedArg]) -> anyhow::Error {
    let names = || given.iter().filter_map(|given| given.name.as_deref());
    let unknown = names().find(|name| parameter(function, name).is_none());
    let help = match unknown {
        Some(name) if error.help().is_none() && is_option(verb, name) => {
            Some(format!("`--{name}` is an option of purefork: put it before `--`"))
        }
        // A single letter is similar to any option.
        Some(name) if error.help().is_none() && name.len() > 2 => {
            similar(verb, name).map(|option| format!("did you mean `{option}`?"))
        }
        // The parameter may have been taken for an option of purefork.
        None if error.kind() == ErrorKind::ArgumentMismatch => {
            let taken = function.params.iter().find(|param| is_option(verb, &param.name));
            let taken = taken.filter(|param| !names().any(|name| name == param.name));
            taken.map(|InspectedParam { name, .. }| {
                format!(
                    "`--{name}` before `--` is an option of purefork: give the parameter after it, `-- --{name} VALUE`"
                )
            })
        }
        _ => None,
    };
    let (whole, brief) = (function.to_string(), brief_signature(function));
    match help {
        None if whole == brief || !error.message().contains(&whole) => error.into(),
        help => {
            // A signature of several lines does not fit into a sentence.
            let brief = if brief.contains('\n') { &function.name } else { &brief };
            let usage = Usage::new(error.message().replacen(&whole, brief, 1)).with_kind(error.kind());
            match help.or(error.help().map(str::to_owned)) {
                Some(help) => usage.with_help(help).into(),
                None => usage.into(),
            }
        }
    }
}
