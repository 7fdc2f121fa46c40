//! How much a core module may declare.

use super::scan::Scan;
use crate::audit::reason::Reasons;
use crate::error::{Reason, ReasonKind};

/// The most types, globals, imports and segments, all together.
///
/// The compiler gives each one that a function uses a few of 65,536 numbers, and panics where they are used up; and it takes time
/// in proportion to the square of how many of them are computed at instantiation. Compilers emit some hundreds, and
/// what was preinitialised has up to 10,000 segments.
pub(super) const MAX_DECLARED: u64 = 20_000;

/// Adds a reason against a module that declares more than is allowed.
pub(super) fn judge(scan: &Scan<'_>, reasons: &mut Reasons) {
    let counts = &scan.counts;
    let (imports, segments) = (scan.imports.len() as u64, counts.elements + counts.data);
    if counts.types + counts.globals + imports + segments > MAX_DECLARED {
        reasons.add(|| Reason {
            what: ReasonKind::TooMany,
            message: format!(
                "declares {} types, {} globals, {imports} imports and {segments} segments, and {MAX_DECLARED} are allowed all together; build it of fewer",
                counts.types, counts.globals
            ),
            chain: Vec::new(),
            offset: None,
        });
    }
}
