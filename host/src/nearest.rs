//! Which name is meant: the very one, a short form of it, or one that is most like it.

use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use crate::ir::short;

/// Longer names are not compared: it takes time in proportion to the product of two lengths.
const LONGEST: usize = 64;

/// The most names that a message lists.
const SHOWN: usize = 8;

/// The place of the exported function that `name` means: by its whole name, or by its short one, if only one is called
/// that. `others` are exported too, but cannot be called; `exports` tells what there is, where nothing is like `name`.
///
/// # Errors
///
/// [`ErrorKind::NoSuchFunction`], if none is meant, or more than one; [`ErrorKind::NotCallable`], if one of the others is.
pub(crate) fn find<'a>(
    name: &str,
    names: impl Iterator<Item = &'a str> + Clone,
    others: impl IntoIterator<Item = (&'a str, &'a str)>,
    exports: impl FnOnce() -> String,
) -> Result<usize> {
    if let Some(at) = names.clone().position(|known| known == name) {
        return Ok(at);
    }
    let called = names.clone().enumerate().filter(|(_, known)| short(known).any(|short| short == name));
    let called: Vec<_> = called.collect();
    let error = |message: String| Error::new(ErrorKind::NoSuchFunction, message);
    match called.as_slice() {
        [(at, _)] => Ok(*at),
        [] => {
            let is_meant = |known: &str| known == name || short(known).any(|short| short == name);
            if let Some((other, why)) = others.into_iter().find(|(other, _)| is_meant(other)) {
                let message = format!("`{}` cannot be called from the host: {why}", escaped(other));
                return Err(Error::new(ErrorKind::NotCallable, message));
            }
            let help = did_you_mean(name, names.clone().chain(names.flat_map(short))).unwrap_or_else(exports);
            Err(error(format!("the module exports no function `{}`", escaped(name))).with_help(help))
        }
        several => {
            let n = several.len();
            let mut list: Vec<_> =
                several.iter().take(SHOWN).map(|(_, known)| format!("`{}`", escaped(known))).collect();
            if n > SHOWN {
                list.push(format!("{} more", n - SHOWN));
            }
            Err(error(format!("{n} functions are called `{}`", escaped(name)))
                .with_help(format!("say which: {}", list.join(", "))))
        }
    }
}

/// A hint at the known name that is most like `given`, if one is like it.
pub(crate) fn did_you_mean<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    if given.len() > LONGEST {
        return None;
    }
    let (name, likeness) = known
        .filter(|name| name.len() <= LONGEST)
        .map(|name| (name, strsim::jaro_winkler(given, name)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (likeness > 0.8).then(|| format!("did you mean `{}`?", escaped(name)))
}
