//! In place of `encode` in a build without the feature `components`: a core module stays one.

use super::wrap::Wrapped;
use crate::error::Result;

pub(super) fn encoded(_bytes: &[u8]) -> Result<Wrapped> {
    let why = "it is used as a core module, as purefork was built without the feature `components`";
    Ok(Wrapped::Unreadable(why.to_owned()))
}
