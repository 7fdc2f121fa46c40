//! The chain of forks that led to a failure.

use super::call::{Call, Origin};
use crate::error::{Error, ForkFrame, ForkSite};
use std::collections::VecDeque;

/// How many entries a chain of forks keeps at each end.
const CHAIN: usize = 32;

impl Call {
    /// The error with the chain of forks that led to this call.
    pub(super) fn locate(&self, error: Error) -> Error {
        let (mut inner, mut outer) = (Vec::new(), VecDeque::new());
        let mut omitted = 0;
        let mut next = Some(self);
        while let Some(call) = next {
            let site = match &call.origin {
                Origin::Host(site) => ForkSite::Host(site),
                Origin::Guest { number, .. } => ForkSite::Guest { number: *number },
            };
            if inner.len() < CHAIN {
                inner.push(ForkFrame { function: call.name(), site });
            } else {
                if outer.len() == CHAIN {
                    outer.pop_front();
                    omitted += 1;
                }
                outer.push_back((call, site));
            }
            next = call.parent();
        }
        inner.extend(outer.into_iter().map(|(call, site)| ForkFrame { function: call.name(), site }));
        error.with_chain(inner, omitted)
    }
}
