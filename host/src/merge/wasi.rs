//! The memory that functions of WASI read and write: that which a module exports as `memory`, or that the main module is given.

use super::part::{Kind, Part};
use super::resolve::{Place, Resolved};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::wasi::preview1;
use wasmparser::ExternalKind;

/// The name under which a module exports the memory that WASI is to use.
pub(super) const MEMORY: &str = "memory";

/// Makes sure that all modules that import WASI mean one memory: for WASI there is only the one that the module that is made exports.
///
/// # Errors
///
/// [`ErrorKind::Link`] if they do not.
pub(super) fn check(parts: &[Part<'_>], resolved: &Resolved) -> Result<()> {
    let own = exported(&parts[0], 0, resolved).or_else(|| given(&parts[0], resolved).map(|(_, place)| place));
    let mut meant: Option<(&Part<'_>, Place)> = own.map(|place| (&parts[0], place));
    for (number, part) in importers(parts, resolved) {
        let place = match exported(part, number, resolved) {
            Some(place) => place,
            // It is as it would be alone; or it has no memory that could be meant.
            None if number == 0 && given(part, resolved).is_none() => continue,
            None if part.imported(Kind::Memory).is_empty() && part.memories.is_empty() => continue,
            // It shares that of another, which has to be the one.
            None if number == 0 => given(part, resolved).map_or(Place { part: 0, index: 0 }, |(_, place)| place),
            None if !part.imported(Kind::Memory).is_empty() => resolved.place(number, Kind::Memory, 0),
            None => {
                let message = format!(
                    "{} imports WASI, which reads and writes the memory that is exported as `{MEMORY}`, and it exports none",
                    part.shown(),
                );
                let help = "build it to share the memory of the module that is called (`--import-memory`)";
                return Err(Error::new(ErrorKind::Link, message).with_help(help));
            }
        };
        match meant {
            Some((other, known)) if known != place => {
                let message = format!(
                    "{} imports WASI, which reads and writes the memory that is exported as `{MEMORY}`, and {} exports another one",
                    part.shown(),
                    other.shown(),
                );
                return Err(Error::new(ErrorKind::Link, message).with_help(
                    "build them to share one memory: one exports it, the other imports it (`--import-memory`)",
                ));
            }
            _ => meant = Some((part, place)),
        }
    }
    Ok(())
}

/// The memory that has to be exported for WASI, and for scripts, if the main module does not: by its new index.
pub(super) fn memory(parts: &[Part<'_>], resolved: &Resolved) -> Option<u32> {
    if parts[0].export(MEMORY).is_some() {
        return None;
    }
    // A module that is given its memory has it all the same: where a host gives it, that reads and writes it as well.
    if let Some((index, _)) = given(&parts[0], resolved) {
        return Some(resolved.index(0, Kind::Memory, index));
    }
    let (number, export) = importers(parts, resolved).find_map(|(number, part)| Some((number, memory_of(part)?)))?;
    Some(resolved.index(number, Kind::Memory, export))
}

/// The modules that import a function of WASI which nobody provides.
fn importers<'p, 'a>(parts: &'p [Part<'a>], resolved: &'p Resolved) -> impl Iterator<Item = (usize, &'p Part<'a>)> {
    let wasi = |number: usize, part: &Part<'_>| {
        let mut imports = part.imported(Kind::Function).iter().enumerate();
        imports.any(|(index, import)| {
            let import = &part.imports[*import];
            preview1(import.module, import.name).is_some()
                && resolved.place(number, Kind::Function, index as u32).part == number
        })
    };
    parts.iter().enumerate().filter(move |(number, part)| wasi(*number, part))
}

/// The memory that the main module imports and somebody provides, and its own index: of several, the one that is called so.
fn given(main: &Part<'_>, resolved: &Resolved) -> Option<(u32, Place)> {
    let imports = main.imported(Kind::Memory);
    let index = match imports.len() {
        1 => 0,
        _ => imports.iter().position(|import| main.imports[*import].name == MEMORY)? as u32,
    };
    Some((index, resolved.place(0, Kind::Memory, index))).filter(|(_, place)| place.part != 0)
}

fn exported(part: &Part<'_>, number: usize, resolved: &Resolved) -> Option<Place> {
    memory_of(part).map(|index| resolved.place(number, Kind::Memory, index))
}

/// The module's own index of the memory that it exports for WASI.
fn memory_of(part: &Part<'_>) -> Option<u32> {
    part.export(MEMORY).filter(|export| export.kind == ExternalKind::Memory).map(|export| export.index)
}
