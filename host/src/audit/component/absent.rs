//! In place of `component` in a build without the feature `components`: a component is refused.

use super::{Audited, Refusal};
use crate::error::{Reason, ReasonKind};
use crate::imports::Imports;

pub(super) fn audit(_bytes: &[u8], _may: Imports) -> Result<Audited, Refusal> {
    let message =
        "it is a component: build purefork with its feature `components`, or give it a core module".to_owned();
    Err(Refusal::Impure(vec![Reason { what: ReasonKind::Feature, message, chain: Vec::new(), offset: None }]))
}

pub(crate) fn too_deep(_bytes: &[u8]) -> bool {
    false
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_component_is_refused_with_what_to_do() {
        let error = crate::Executor::builder().inspect(b"\0asm\x0d\0\x01\0").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the guest cannot be shown to be pure, for 1 reason
  it is a component: build purefork with its feature `components`, or give it a core module"
        );
    }
}
