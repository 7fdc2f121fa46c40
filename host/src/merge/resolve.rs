//! What each import stands for, and the indices that all things get.

use super::matching::{Shape, TypeSpace};
use super::part::{Kind, Part};
use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use crate::imports::UnknownImports;
use crate::ir::wasi::preview1;
use std::collections::HashMap;

/// The most exports that are listed in a message.
const LISTED: usize = 8;

/// Of imports that have the same names and other types, only so many are compared with a further one: whether an import is there
/// once or twice makes no difference.
const COMPARED: usize = 4;

/// Where a thing is: its module and its index there. Either the module defines it, or nobody provides it, and it is an import.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) part: usize,
    pub(super) index: u32,
}

/// What each import stands for, and the indices that all things get.
pub(super) struct Resolved {
    pub(super) types: TypeSpace,
    /// For each module and kind, the new index of each thing that it imports.
    imported: Vec<[Vec<u32>; 5]>,
    /// For each module and kind, the new index of the first thing that it defines.
    bases: Vec<[u32; 5]>,
    /// For each module and kind, where each thing that it imports is.
    places: Vec<[Vec<Place>; 5]>,
    /// The imports that stay, as modules and places among their imports.
    pub(super) imports: Vec<(usize, usize)>,
    /// How many things of each kind there are.
    pub(super) counts: [u32; 5],
}

impl Resolved {
    /// The new index of a thing.
    pub(super) fn index(&self, part: usize, kind: Kind, index: u32) -> u32 {
        let imported = &self.imported[part][kind as usize];
        match imported.get(index as usize) {
            Some(new) => *new,
            None => self.bases[part][kind as usize] + (index - imported.len() as u32),
        }
    }

    /// Where a thing is.
    pub(super) fn place(&self, part: usize, kind: Kind, index: u32) -> Place {
        let imported = self.places[part][kind as usize].get(index as usize);
        imported.copied().unwrap_or(Place { part, index })
    }
}

/// Finds what each import stands for.
///
/// # Errors
///
/// [`ErrorKind::Link`] if a provider has no such export, or one of another type. With [`UnknownImports::Trap`], a function that it does not have stays an
/// import.
pub(super) fn resolve(parts: &[Part<'_>], order: &[usize], unknown: UnknownImports) -> Result<Resolved> {
    let types = TypeSpace::new(parts, order)?;
    let by_name: HashMap<&str, usize> =
        parts.iter().enumerate().filter_map(|(number, part)| Some((part.name?, number))).collect();
    let mut places: Vec<[Vec<Place>; 5]> = parts.iter().map(|_| Default::default()).collect();
    for &number in order {
        let part = &parts[number];
        for kind in Kind::ALL {
            for (index, import) in part.imported(kind).iter().enumerate() {
                let index = index as u32;
                let import = &part.imports[*import];
                let stays = |provider: usize| {
                    // What `fork`, `wait` and WASI have is not unknown.
                    let known =
                        matches!(import.module, "fork" | "wait") || preview1(import.module, import.name).is_some();
                    let missing = parts[provider].export(import.name).is_none();
                    kind == Kind::Function && missing && !known && !unknown.is_refuse()
                };
                let place = match by_name.get(import.module) {
                    None => Place { part: number, index },
                    Some(&provider) if stays(provider) => Place { part: number, index },
                    Some(&provider) => {
                        let wanted = || types.shown(number, part, kind, index);
                        let export = parts[provider].export(import.name);
                        let export = export.ok_or_else(|| missing(part, import, &parts[provider], wanted()))?;
                        let (given, export_index) = (Kind::of(export.kind), export.index);
                        // What the provider imports itself lies further on, and was looked up before.
                        let known = places[provider][given as usize].get(export_index as usize).copied();
                        let place = known.unwrap_or(Place { part: provider, index: export_index });
                        let shape = |at: Place, kind| types.shape(at.part, &parts[at.part], kind, at.index);
                        let fits = match (shape(place, given), types.shape(number, part, kind, index)) {
                            (Some(given), Some(wanted)) => types.matches(&given, &wanted),
                            _ => false,
                        };
                        if !fits {
                            let given = types.shown(place.part, &parts[place.part], given, place.index);
                            return Err(unlike(part, import, &parts[provider], wanted(), given));
                        }
                        place
                    }
                };
                places[number][kind as usize].push(place);
            }
        }
    }
    Ok(indexed(parts, order, types, places))
}

/// Gives all things their indices: imports first, the main module's before those of others; then what the modules define, in their order.
fn indexed(parts: &[Part<'_>], order: &[usize], types: TypeSpace, places: Vec<[Vec<Place>; 5]>) -> Resolved {
    let mut imports = Vec::new();
    let mut counts = [0u32; 5];
    // The new index of each import that stays, by where it is.
    let mut kept: HashMap<(usize, Kind, u32), u32> = HashMap::new();
    // By name and kind, those that stay, with their types.
    let mut same: HashMap<_, Vec<(Shape, u32)>> = HashMap::new();
    for number in order.iter().rev().copied() {
        let part = &parts[number];
        let mut seen = [0u32; 5];
        for (at, import) in part.imports.iter().enumerate() {
            let kind = Kind::of_import(&import.ty);
            let index = seen[kind as usize];
            seen[kind as usize] += 1;
            if places[number][kind as usize][index as usize] != (Place { part: number, index }) {
                continue;
            }
            let Some(shape) = types.shape(number, part, kind, index) else { continue };
            let alike = same.entry((import.module, import.name, kind)).or_default();
            let new = match alike.iter().find(|(known, _)| *known == shape) {
                Some((_, new)) => *new,
                None => {
                    let new = counts[kind as usize];
                    counts[kind as usize] += 1;
                    imports.push((number, at));
                    if alike.len() < COMPARED {
                        alike.push((shape, new));
                    }
                    new
                }
            };
            kept.insert((number, kind, index), new);
        }
    }
    let mut bases = vec![[0; 5]; parts.len()];
    for &number in order {
        for kind in Kind::ALL {
            bases[number][kind as usize] = counts[kind as usize];
            counts[kind as usize] += parts[number].defined(kind);
        }
    }
    let mut imported: Vec<[Vec<u32>; 5]> = parts.iter().map(|_| Default::default()).collect();
    for number in 0..parts.len() {
        for kind in Kind::ALL {
            let new = |place: &Place| match kept.get(&(place.part, kind, place.index)) {
                Some(new) => *new,
                None => {
                    let own = parts[place.part].imported(kind).len() as u32;
                    bases[place.part][kind as usize] + place.index.saturating_sub(own)
                }
            };
            imported[number][kind as usize] = places[number][kind as usize].iter().map(new).collect();
        }
    }
    Resolved { types, imported, bases, places, imports, counts }
}

fn missing(part: &Part<'_>, import: &wasmparser::Import<'_>, provider: &Part<'_>, wanted: String) -> Error {
    let message = format!(
        "{} imports `{}.{}` {wanted}, and {} has no such export",
        part.shown(),
        escaped(import.module),
        escaped(import.name),
        provider.shown(),
    );
    let names = provider.exports.iter().take(LISTED).map(|export| format!("`{}`", escaped(export.name)));
    let names = names.collect::<Vec<_>>().join(", ");
    Error::new(ErrorKind::Link, message).with_help(match provider.exports.len() {
        0 => "it exports nothing".to_owned(),
        count @ ..=LISTED => format!("it exports {names}{}", if count == 1 { " alone" } else { "" }),
        count => format!("it exports {names} and {} more", count - LISTED),
    })
}

fn unlike(
    part: &Part<'_>,
    import: &wasmparser::Import<'_>,
    provider: &Part<'_>,
    wanted: String,
    given: String,
) -> Error {
    let message = format!(
        "{} imports `{}.{}` {wanted}, but {} exports it as {given}",
        part.shown(),
        escaped(import.module),
        escaped(import.name),
        provider.shown(),
    );
    Error::new(ErrorKind::Link, message).with_help("build both from the same declaration")
}
