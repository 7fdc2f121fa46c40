//! In place of `wit` in a build without the feature `components`.

use super::scripted::{Scripted, wrong};
use crate::error::Result;

pub(crate) fn functions(_text: &str) -> Result<Vec<Scripted>> {
    Err(wrong("a WIT world cannot be read, as purefork was built without the feature `components`"))
}
