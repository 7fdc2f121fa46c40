//! The proposals that a core module uses and guests do not have.

use super::calls::Reach;
use super::chain::Labels;
use super::scan::Scan;
use crate::audit::features::Valid;
use crate::audit::reason::{Reasons, feature};
use crate::escape::escaped_within;

/// One reason for each proposal that the module needs and guests do not have: from its operators, which can be
/// named, and from the validator, which also knows the types.
pub(super) fn judge(
    scan: &Scan<'_>,
    valid: &Valid,
    labels: &Labels<'_, '_>,
    from_roots: &Reach,
    reasons: &mut Reasons,
) {
    for refused in &scan.refused {
        let place = refused.function.map(|function| format!(" in `{}`", labels.name(function)));
        let detail = format!("`{}`{}", refused.operator, place.unwrap_or_default());
        let chain = refused.function.map(|function| labels.to(from_roots, function));
        reasons.add(|| feature(refused.proposal, &detail, chain.unwrap_or_default(), refused.offset));
    }
    for missing in &valid.missing {
        if scan.refused.iter().any(|refused| refused.proposal == missing.proposal) {
            continue;
        }
        let function = scan.function_at(missing.offset);
        let place = function.map(|function| format!(" in `{}`", labels.name(function)));
        let detail = format!("{}{}", escaped_within(&missing.detail, 200), place.unwrap_or_default());
        let chain = function.map(|function| labels.to(from_roots, function)).unwrap_or_default();
        reasons.add(|| feature(&missing.proposal, &detail, chain, missing.offset));
    }
}
