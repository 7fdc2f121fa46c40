//! Links core modules statically: WebAssembly to WebAssembly.
//!
//! A core module imports by name, and so may be given another core module for a name: a *provider*, whose exports stand for the
//! imports. What comes of it is one core module that imports nothing of that, and so is audited, rewritten, cached and called as any
//! other: the provider's state belongs to the same sandbox, and starts anew with each call.
//!
//! Index spaces are put one behind the other, each module's after those of the modules that it imports from, the main module's last.
//! Nothing but indices changes in a module, and:
//!
//! - *Exports* are those of the main module alone.
//! - *Imports* that nobody provides stay, the same ones once.
//! - *What sets a module up* (its start function, and of a provider `_initialize`) runs in the order in which an engine would
//!   have made the instances. Active segments come before that; where an engine would have placed them after the start function of another
//!   module, the start function places them.
//! - *Constants* that are read from a provider's immutable global are written in its place: constant expressions may read imported globals
//!   alone.
//! - *Custom sections* of the main module stay, unless they speak of places in the file; of names, there are those of functions
//!   and locals, a provider's function `f` as `NAME.f`.

mod constant;
mod matching;
mod names;
mod order;
mod part;
mod remap;
mod resolve;
mod setup;
#[cfg(test)]
mod tests;
mod wasi;
mod write;

use crate::error::{Error, ErrorKind, Result};
use crate::imports::UnknownImports;
use part::Part;
pub(crate) use part::UNNAMED;

/// What a provider is called, by its importers, and its bytes.
pub(crate) struct Provider<'a> {
    pub(crate) name: &'a str,
    pub(crate) bytes: &'a [u8],
}

/// The one module that a main module and those that satisfy its imports make.
///
/// The order of the providers makes no difference. `unknown`: whether a function may be imported from a provider that does not have it.
///
/// # Errors
///
/// [`ErrorKind::Malformed`] if one of them is no core module; [`ErrorKind::Link`] if an import does not fit what is provided for it, or providers
/// import from each other in a circle; [`ErrorKind::Invalid`] if a name is provided twice, or nothing imports from it.
pub(crate) fn merge(main: &[u8], providers: &[Provider<'_>], unknown: UnknownImports) -> Result<Vec<u8>> {
    let mut parts = vec![Part::read(None, main)?];
    for provider in providers {
        parts.push(Part::read(Some(provider.name), provider.bytes)?);
    }
    let order = order::order(&parts)?;
    let resolved = resolve::resolve(&parts, &order, unknown)?;
    wasi::check(&parts, &resolved)?;
    write::write(&parts, &order, &resolved).map_err(|error| {
        Error::new(ErrorKind::Unsupported, format!("the modules cannot be linked: {error}"))
            .with_help("link them with a toolchain, or pass what the module needs as arguments")
    })
}
