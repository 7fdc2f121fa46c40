//! Bytes to what was proved of them.

use super::wrap::{Wrapped, wrapped};
use crate::audit::{Audited, audit};
use crate::error::{Error, ReasonKind, Result};
use crate::wasi::Wasi;

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
        Wrapped::Component(component) => audit(&component, wasi).map_err(Error::from),
        Wrapped::None => audit(bytes, wasi).map_err(Error::from),
        Wrapped::Unreadable(why) => {
            let mut audited = audit(bytes, wasi).map_err(|refusal| Error::from(refusal).with_help(why.clone()))?;
            audited.facts.note = Some(why);
            Ok(audited)
        }
    }
}
