//! The reasons why a module cannot be shown to be pure, as they are found.

use crate::error::{Reason, ReasonKind};
use crate::ir::proposals::explain;

/// The most reasons that are kept; the last one then says how many more there are.
const MAX_REASONS: usize = 100;

/// Collects reasons; keeps the first hundred and counts the rest, so that a module with a million
/// forbidden imports costs no more than one with a hundred.
#[derive(Default)]
pub(super) struct Reasons {
    kept: Vec<Reason>,
    more: u64,
}

impl Reasons {
    /// Adds the reason that `make` builds, unless there are enough of them.
    pub(super) fn add(&mut self, make: impl FnOnce() -> Reason) {
        if self.kept.len() < MAX_REASONS {
            self.kept.push(make());
        } else {
            self.more += 1;
        }
    }

    /// All reasons, the count of those not kept among them.
    pub(super) fn into_vec(mut self) -> Vec<Reason> {
        match self.more {
            0 => {}
            1 => self.kept.push(more("1 more reason is not listed".into())),
            n => self.kept.push(more(format!("{n} more reasons are not listed"))),
        }
        self.kept
    }
}

fn more(message: String) -> Reason {
    Reason { what: ReasonKind::More, message, chain: Vec::new(), offset: None }
}

/// The reason that a proposal is used which guests do not have.
pub(super) fn feature(proposal: &str, detail: &str, chain: Vec<String>, offset: usize) -> Reason {
    let (what, instead) = explain(proposal);
    Reason {
        what: ReasonKind::Feature,
        message: format!("uses {what}, which guests do not have: {detail}; {instead}"),
        chain,
        offset: Some(offset),
    }
}
