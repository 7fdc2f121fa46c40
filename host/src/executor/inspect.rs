//! Bytes to what can be told of a guest.

use super::audit::audited;
use super::cost::cost_of;
use super::instrument::{fresh, rewritten};
use super::key::Digest;
use super::read::binary;
use crate::audit::Audited;
use crate::audit::cost::UNIT;
use crate::error::Result;
use crate::imports::Imports;
use crate::inspect::Inspection;
use crate::isolation::Isolation;
use crate::limits::Limits;

/// What the audit finds out about a guest, and how it would be rewritten under a configuration.
pub(super) fn inspect(bytes: &[u8], may: Imports, isolation: Isolation, limits: &Limits) -> Result<Inspection> {
    let bytes = binary(bytes)?;
    let Audited { mut facts, recipe, modules } = audited(&bytes, may)?;
    let modules = match rewritten(&facts, &recipe, &modules, isolation, limits) {
        Ok(rewritten) => rewritten.modules,
        Err(why) => {
            facts.fresh = Some(why);
            fresh(&modules)?.0
        }
    };
    facts.compile = cost_of(&modules)?.0.div_ceil(UNIT / 1000);
    Ok(Inspection::new(&facts, &Digest::of(&bytes).to_string()))
}
