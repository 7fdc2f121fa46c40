use super::operators::{Effect, effect};
use crate::ir::proposals::CORE;
use wasmparser::{Operator, WasmFeatures};

#[test]
fn no_operator_of_an_allowed_proposal_is_forgotten_and_none_of_another_is_allowed() {
    // The list of the parser, not ours: an operator that a later version adds shows up here.
    let allowed = |proposal: &str| {
        let flag = WasmFeatures::from_name(&proposal.to_uppercase());
        proposal == "mvp" || flag.is_some_and(|flag| CORE.contains(flag))
    };
    let source = include_str!("operators.rs");
    let named = |op: &str| source.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == op);
    macro_rules! each {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            [$( (stringify!($proposal), stringify!($op)) ),*]
        };
    }
    let all = wasmparser::for_each_operator!(each);
    assert!(all.len() > 500);
    for (proposal, op) in all {
        assert_eq!(named(op), allowed(proposal), "{proposal} {op}");
    }
}

#[test]
fn an_operator_is_refused_on_its_own_even_if_the_validator_would_let_it_through() {
    assert_eq!(effect(&Operator::AtomicFence), Effect::Refused("threads"));
    assert_eq!(effect(&Operator::Rethrow { relative_depth: 0 }), Effect::Refused("legacy_exceptions"));
    assert_eq!(effect(&Operator::F32x4RelaxedMax), Effect::Refused("relaxed_simd"));
    assert_eq!(effect(&Operator::I64MulWideS), Effect::Refused("wide_arithmetic"));
    assert_eq!(effect(&Operator::MemoryDiscard { mem: 0 }), Effect::Refused("memory_control"));
}
