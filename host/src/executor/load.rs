//! Bytes to a module.

use super::key::{digest, key};
use super::loader::Loader;
use crate::audit::cost::{BYTES_PER_UNIT, Cost, Single, UNIT, cost};
use crate::audit::{Audited, Refusal, audit, function_name, too_deep};
use crate::engine::{Compiled, Key, Modules};
use crate::error::{Error, ErrorKind, ReasonKind, Result};
use crate::escape::{shown, shown_within};
use crate::fork::{Program, Runtime};
use crate::inspect::Inspection;
use crate::instrument::{Instrumented, OffsetMap, chunk_bulk_operations, instrument};
use crate::ir::{Facts, Recipe};
use crate::isolation::Isolation;
use crate::limits::Limits;
use crate::module::Module;
use crate::sandbox::Guest;
use crate::wasi::Wasi;
use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// The most bytes of a guest's file. A path may lead to a device that never ends.
const MAX_FILE: u64 = 4 << 30;

/// A file's bytes, and whether they can be read again: not from a pipe.
fn read(path: &Path) -> Result<(Vec<u8>, bool)> {
    let limited = |path: &Path| {
        let mut bytes = Vec::new();
        let file = File::open(path)?;
        let again = file.metadata()?.is_file();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            let message = format!("it has more than {MAX_FILE} bytes");
            return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message));
        }
        Ok((bytes, again))
    };
    limited(path).map_err(|error| {
        Error::new(ErrorKind::Unreadable, format!("cannot read `{}`: {error}", path.display()))
            .with_help("expected the path of a .wasm or .wat file")
    })
}

/// Loads a guest from a file. Its bytes are not kept, but read again when they are needed, if they are still there.
pub(super) fn load_file(loader: &Arc<Loader>, path: &Path) -> Result<Module> {
    let (bytes, again) = read(path)?;
    let path = std::path::absolute(path).ok().filter(|_| again);
    let Some(path) = path else { return load_bytes(loader, &bytes) };
    let (program, known) = program(loader, &binary(&bytes)?)?;
    let source = {
        let known = known.clone();
        move || {
            let (bytes, _) = read(&path)?;
            let bytes = binary(&bytes)?;
            if digest(&bytes) != known {
                let message = format!("`{}` is not what it was when it was loaded", path.display());
                return Err(Error::new(ErrorKind::Unreadable, message).with_help("load it again"));
            }
            Ok(bytes.into())
        }
    };
    Ok(Module::new(program, known, Arc::new(source), loader.clone()))
}

/// Loads a guest from bytes, which are kept.
pub(super) fn load_bytes(loader: &Arc<Loader>, bytes: &[u8]) -> Result<Module> {
    let bytes: Arc<[u8]> = binary(bytes)?.into();
    let (program, digest) = program(loader, &bytes)?;
    Ok(Module::new(program, digest, Arc::new(move || Ok(bytes.clone())), loader.clone()))
}

/// Audits and compiles a guest, or finds it in the cache; gives its digest, too. One that is loaded already is the same program.
pub(super) fn program(loader: &Loader, bytes: &[u8]) -> Result<(Program, String)> {
    let runtime = &loader.runtime;
    let digest = digest(bytes);
    if let Some(program) = loader.known(&digest) {
        return Ok((program, digest));
    }
    let key = key(runtime, &digest);
    let program = match kept(runtime, &key).transpose()?.map(|guest| Program::new(runtime.clone(), guest)) {
        Some(Ok(program)) => program,
        Some(Err(error)) if error.kind() != ErrorKind::Unsupported => return Err(error),
        // Nothing was kept, or it was made by another build of wasmtime.
        _ => Program::new(runtime.clone(), compiled(runtime, audited(bytes, runtime.wasi)?, &key)?)?,
    };
    loader.know(&digest, &program);
    Ok((program, digest))
}

/// The guest as an earlier run has kept it.
fn kept(runtime: &Runtime, key: &Key) -> Option<Result<Guest>> {
    let bytes = Compiled::kept_facts(&runtime.sandboxes.engines, key)?;
    let (facts, recipe, reset, modules): (Facts, Recipe, _, Modules) = postcard::from_bytes(&bytes).ok()?;
    let compiled = Compiled::kept(&runtime.sandboxes.engines, Guest::kind(&facts), modules, key)?;
    Some(Guest::check(&runtime.limits, &facts).map(|()| Guest { facts, recipe, reset, compiled }))
}

/// Compiles a guest that the audit has passed, and keeps it for later runs.
fn compiled(runtime: &Runtime, audited: Audited, key: &Key) -> Result<Guest> {
    let Audited { mut facts, recipe, modules } = audited;
    Guest::check(&runtime.limits, &facts)?;
    let bytes: usize = modules.iter().map(Vec::len).sum();
    let (modules, chunked) = chunked(modules)?;
    let (modules, maps, reset) = match rewritten(&facts, &recipe, &modules, runtime.isolation, runtime.limits.memory) {
        Ok(Instrumented { modules, maps, reset }) => {
            (modules, maps.into_iter().zip(chunked).map(|(map, chunked)| map.after(chunked)).collect(), Ok(reset))
        }
        Err(why) => (modules, chunked, Err(why)),
    };
    facts.compile = check_cost(&modules, bytes, runtime.limits.compile)?.div_ceil(UNIT / 1000);
    facts.fresh = reset.as_ref().err().cloned();
    let bytes = postcard::to_stdvec(&(&facts, &recipe, &reset, Modules::of(&modules))).ok();
    let keep = bytes.as_deref().map(|bytes| (key, bytes));
    let compiled = Compiled::new(&runtime.sandboxes.engines, Guest::kind(&facts), &modules, &maps, keep)?;
    Ok(Guest { facts, recipe, reset, compiled })
}

/// Compiles a guest that the audit has passed, to be run once: a copy of one that was `given` as core modules, whose code is the same.
pub(super) fn copied(runtime: &Runtime, audited: Audited, given: &[Vec<u8>]) -> Result<Guest> {
    let Audited { facts, recipe, modules } = audited;
    Guest::check(&runtime.limits, &facts)?;
    // Modules may have been added behind those that were given.
    let copied = modules.iter().zip(given).map(|(copy, given)| OffsetMap::moved(given, copy).unwrap_or_default());
    let copied: Vec<_> = copied.collect();
    let bytes = modules.iter().map(Vec::len).sum();
    let (modules, maps) = chunked(modules)?;
    check_cost(&modules, bytes, runtime.limits.compile)?;
    let maps: Vec<_> = maps.into_iter().zip(copied).map(|(map, copied)| map.after(copied)).collect();
    let compiled = Compiled::new(&runtime.sandboxes.engines, Guest::kind(&facts), &modules, &maps, None)?;
    Ok(Guest { facts, recipe, reset: Err("it is used once".to_owned()), compiled })
}

/// Core modules whose bulk operations are done in chunks, and for each where its code was.
fn chunked(modules: Vec<Vec<u8>>) -> Result<(Vec<Vec<u8>>, Vec<OffsetMap>)> {
    let chunked = modules.into_iter().map(|bytes| match chunk_bulk_operations(&bytes) {
        Ok(Some(chunked)) => Ok(chunked),
        Ok(None) => Ok((bytes, OffsetMap::identity())),
        Err(why) => Err(Error::new(ErrorKind::Unsupported, format!("the module is too large: {why}"))
            .with_help("build it of fewer or smaller functions")),
    });
    Ok(chunked.collect::<Result<Vec<_>>>()?.into_iter().unzip())
}

/// What compiling core modules costs: all of them, and the function that costs most, with the number of its module.
fn cost_of(modules: &[Vec<u8>]) -> Result<(u64, Option<(usize, Single)>)> {
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
fn check_cost(modules: &[Vec<u8>], bytes: usize, limit: u32) -> Result<u64> {
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

/// A guest rewritten so that the state of its sandboxes can be put back, or why it is not.
fn rewritten(
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

/// What the audit finds out about a guest, and how it would be rewritten under a configuration.
pub(super) fn inspect(bytes: &[u8], wasi: Wasi, isolation: Isolation, limits: &Limits) -> Result<Inspection> {
    let bytes = binary(bytes)?;
    let Audited { mut facts, recipe, modules } = audited(&bytes, wasi)?;
    let (modules, _) = chunked(modules)?;
    let modules = match rewritten(&facts, &recipe, &modules, isolation, limits.memory) {
        Ok(rewritten) => rewritten.modules,
        Err(why) => {
            facts.fresh = Some(why);
            modules
        }
    };
    facts.compile = cost_of(&modules)?.0.div_ceil(UNIT / 1000);
    Ok(Inspection::new(&facts, &digest(&bytes)))
}

/// The module's binary form: text is assembled.
fn binary(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes {
        let message = "expected WebAssembly, or its text in UTF-8, but was given text in UTF-16";
        return Err(Error::new(ErrorKind::Malformed, message).with_help("save it in UTF-8"));
    }
    let text = std::str::from_utf8(bytes).ok().map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
    let text = text.filter(|text| {
        let text = text.trim_start();
        text.starts_with('(') || text.starts_with(";;")
    });
    match text {
        None => Ok(Cow::Borrowed(bytes)),
        Some(text) => wat::parse_str(text).map(Cow::Owned).map_err(|error| {
            Error::new(
                ErrorKind::Malformed,
                format!("the WebAssembly text is wrong: {}", first_line(&error.to_string())),
            )
        }),
    }
}

fn first_line(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    // The second line is the place, `--> <anon>:3:5`.
    let place = lines.next().and_then(|line| line.trim().strip_prefix("--> <anon>:")).map(str::to_owned);
    match place {
        Some(place) => format!("{first} (line and column {place})"),
        None => first,
    }
}

/// Audits a guest; says if it would be taken with WASI.
pub(super) fn audited(bytes: &[u8], wasi: Wasi) -> Result<Audited> {
    audited_with(bytes, wasi).map_err(|error| {
        let imports = error.reasons().iter().any(|reason| reason.what == ReasonKind::Import);
        if wasi == Wasi::None && imports && audited_with(bytes, Wasi::Frozen).is_ok() {
            return error.with_help(
                "it imports nothing else than WASI: `Builder::wasi` (`--wasi frozen`) gives it one in which time stands still and there are no files",
            );
        }
        error
    })
}

/// Audits a guest. A core module that is meant to become a component is made one first.
fn audited_with(bytes: &[u8], wasi: Wasi) -> Result<Audited> {
    match wrapped(bytes, wasi)? {
        Wrapped::Component(component) => audit(&component, wasi).map_err(refused),
        Wrapped::None => audit(bytes, wasi).map_err(refused),
        Wrapped::Unreadable(why) => {
            let mut audited = audit(bytes, wasi).map_err(|refusal| refused(refusal).with_help(why.clone()))?;
            audited.facts.note = Some(why);
            Ok(audited)
        }
    }
}

/// What a core module becomes before it is audited.
pub(super) enum Wrapped {
    /// It is meant to become this component.
    Component(Vec<u8>),
    /// It is what it is.
    None,
    /// The same, as what it is meant to become cannot be read. No custom section stops a core module.
    Unreadable(String),
}

/// The component that a core module is meant to become, if it is.
pub(super) fn wrapped(bytes: &[u8], wasi: Wasi) -> Result<Wrapped> {
    if !component_type(bytes) {
        return Ok(Wrapped::None);
    }
    // What it imports is judged in the component.
    if let Err(refusal @ Refusal::Malformed(_)) = audit(bytes, wasi) {
        return Err(refused(refusal));
    }
    let unreadable = |why: &str| {
        let why =
            format!("it is used as a core module, as the component type in its custom section cannot be read: {why}");
        Ok(Wrapped::Unreadable(why))
    };
    if component_types(bytes).any(too_deep) {
        return unreadable("types lie too many levels within each other");
    }
    if let Err(error) = wit_component::metadata::decode(bytes) {
        return unreadable(&shown_within(&format!("{error:#}"), 300));
    }
    let wrapped = wit_component::ComponentEncoder::default()
        .validate(false)
        .module(bytes)
        .and_then(|mut encoder| encoder.encode());
    wrapped.map(Wrapped::Component).map_err(|error| {
        Error::new(
            ErrorKind::Malformed,
            format!(
                "the module says that it is meant to become a component, but it cannot: {}",
                shown(&format!("{error:#}"))
            ),
        )
    })
}

/// Whether a custom section of a core module holds component types.
fn component_type(bytes: &[u8]) -> bool {
    component_types(bytes).next().is_some()
}

/// The custom sections of a core module that hold component types.
fn component_types(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let payloads = wasmparser::Parser::is_core_wasm(bytes)
        .then(|| wasmparser::Parser::new(0).parse_all(bytes).map_while(Result::ok));
    payloads.into_iter().flatten().filter_map(|payload| match payload {
        wasmparser::Payload::CustomSection(section) if section.name().starts_with("component-type") => {
            Some(section.data())
        }
        _ => None,
    })
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Malformed(malformed) => Error::new(ErrorKind::Malformed, malformed.to_string()),
        Refusal::Impure(reasons) => {
            let n = reasons.len();
            let s = if n == 1 { "" } else { "s" };
            Error::new(ErrorKind::Impure, format!("the guest cannot be shown to be pure, for {n} reason{s}"))
                .with_reasons(reasons)
        }
    }
}
