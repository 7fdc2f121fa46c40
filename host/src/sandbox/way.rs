//! The three ways to give a call a state of its own.

/// How the calls of a function get a state of their own; a guest cannot tell.
///
/// It is known once a guest is loaded, and nothing but this file decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The audit has shown that the function changes no state: an instance that served before is as good as new.
    Stateless,
    /// What a call has changed is put back, and the instance serves another.
    Recycled,
    /// Each call gets a new instance: always right.
    Fresh,
}

impl Way {
    /// The cheapest way that is right. `stateless`: the function changes no state. `undo`: what others change can be put back.
    pub(super) fn of(stateless: bool, undo: bool) -> Way {
        match (stateless, undo) {
            (true, _) => Way::Stateless,
            (false, true) => Way::Recycled,
            (false, false) => Way::Fresh,
        }
    }

    /// Whether a sandbox that served before may serve a call.
    pub(super) fn reuses(self) -> bool {
        self != Way::Fresh
    }
}
