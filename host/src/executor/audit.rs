//! Bytes to what was proved of them.

use super::wrap::{Wrapped, wrapped};
use crate::audit::{Audited, audit};
use crate::error::{Error, ReasonKind, Result};
use crate::imports::{Imports, UnknownImports};
use crate::wasi::Wasi;

/// Audits a guest; says if it would be taken with WASI, or if nothing had to provide what it imports.
pub(super) fn audited(bytes: &[u8], may: Imports) -> Result<Audited> {
    audited_with(bytes, may).map_err(|error| {
        let imports = error.reasons().iter().any(|reason| reason.what == ReasonKind::Import);
        let frozen = Imports { wasi: Wasi::Frozen, ..may };
        if !may.has_wasi() && imports && audited_with(bytes, frozen).is_ok() {
            return error.with_help(
                "it imports nothing else than WASI: `Builder::wasi` (`--wasi frozen`) gives it one in which time stands still, with no files but those that are given",
            );
        }
        let trapping = Imports { unknown: UnknownImports::Trap, ..may };
        if !may.has_unknown() && imports && audited_with(bytes, trapping).is_ok() {
            return error.with_help(
                "if it does not call them, `Builder::unknown_imports` (`--unknown-imports trap`) takes it: to call one is a trap then",
            );
        }
        error
    })
}

/// Audits a guest. A core module that is meant to become a component is made one first.
fn audited_with(bytes: &[u8], may: Imports) -> Result<Audited> {
    match wrapped(bytes, may)? {
        Wrapped::Component(component) => audit(&component, may).map_err(Error::from),
        Wrapped::None => audit(bytes, may).map_err(Error::from),
        Wrapped::Unreadable(why) => {
            let mut audited = audit(bytes, may).map_err(|refusal| Error::from(refusal).with_help(why.clone()))?;
            audited.facts.note = Some(why);
            Ok(audited)
        }
    }
}
