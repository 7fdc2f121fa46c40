//! The order in which modules are linked: each after those that it imports from.

use super::part::Part;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use std::collections::{BTreeSet, HashMap};

/// The most names that are listed in a message.
const LISTED: usize = 8;

/// The modules by number, each after those that it imports from; the main module, which is number 0, comes last. The same for any order in
/// which the providers are given.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] if a name is provided twice, or nothing imports from it; [`ErrorKind::Link`] if there is a circle.
pub(super) fn order(parts: &[Part<'_>]) -> Result<Vec<usize>> {
    let mut by_name = HashMap::new();
    for (number, part) in parts.iter().enumerate() {
        if let Some(name) = part.name
            && by_name.insert(name, number).is_some()
        {
            let message = format!("`{}` is provided twice", escaped(name));
            return Err(Error::new(ErrorKind::Invalid, message).with_help("provide one module for each name"));
        }
    }
    // Whom each imports from, in the order of its imports.
    let needs: Vec<Vec<usize>> = parts
        .iter()
        .map(|part| {
            let mut seen = BTreeSet::new();
            let named = part.imports.iter().filter_map(|import| by_name.get(import.module).copied());
            named.filter(|provider| seen.insert(*provider)).collect()
        })
        .collect();
    let order = sorted(parts, &needs)?;
    let mut unused = (1..parts.len()).filter(|number| !order.contains(number));
    let needed = |number: &usize| needs.iter().flatten().any(|need| need == number);
    if let Some(unused) = unused.clone().find(|number| !needed(number)).or(unused.next()) {
        return Err(not_imported(parts, &parts[unused]));
    }
    Ok(order)
}

/// Depth first from the main module, without recursion.
fn sorted(parts: &[Part<'_>], needs: &[Vec<usize>]) -> Result<Vec<usize>> {
    let mut order = Vec::new();
    let mut done = vec![false; parts.len()];
    // The way from the main module to where the search is, and how many of the needs of each were looked at.
    let mut way: Vec<(usize, usize)> = vec![(0, 0)];
    while let Some((number, looked)) = way.last_mut() {
        let number = *number;
        match needs[number].get(*looked) {
            None => {
                done[number] = true;
                order.push(number);
                way.pop();
            }
            Some(&next) => {
                *looked += 1;
                if let Some(begin) = way.iter().position(|(on_way, _)| *on_way == next) {
                    return Err(circle(way[begin..].iter().map(|(number, _)| &parts[*number])));
                }
                if !done[next] {
                    way.push((next, 0));
                }
            }
        }
    }
    Ok(order)
}

fn circle<'p>(parts: impl Iterator<Item = &'p Part<'p>>) -> Error {
    let mut names: Vec<String> = parts.map(Part::shown).collect();
    names.extend(names.first().cloned());
    let message = match names.len() {
        2 => format!("{} imports from itself", names[0]),
        _ => format!("modules import from each other in a circle: {}", names.join(" → ")),
    };
    Error::new(ErrorKind::Link, message)
        .with_help("a module is made after those that it imports from; provide one module that has what both need")
}

fn not_imported(parts: &[Part<'_>], unused: &Part<'_>) -> Error {
    let imported: BTreeSet<&str> = parts.iter().flat_map(|part| &part.imports).map(|import| import.module).collect();
    let names: Vec<_> = imported.iter().take(LISTED).map(|name| format!("`{}`", escaped(name))).collect();
    let more = imported.len().saturating_sub(LISTED);
    let help = match (names.is_empty(), more) {
        (true, _) => "nothing is imported: load the module without it".to_owned(),
        (false, 0) => format!("what is imported comes from {}", names.join(", ")),
        (false, more) => format!("what is imported comes from {} and {more} more", names.join(", ")),
    };
    Error::new(ErrorKind::Invalid, format!("nothing imports from {}", unused.shown())).with_help(help)
}
