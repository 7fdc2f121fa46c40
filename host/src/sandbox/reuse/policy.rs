//! The three ways to give a call a state of its own.

/// How the calls of a function get a state of their own; a guest cannot tell.
///
/// It is known once a guest is loaded, and nothing but this file decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReusePolicy {
    /// The audit has shown that the function changes no state: an instance that served before is as good as new.
    Stateless,
    /// What a call has changed is put back, and the instance serves another.
    Recycled,
    /// Each call gets a new instance: always right.
    Fresh,
}

impl ReusePolicy {
    /// The cheapest way that is right. `stateless`: the function changes no state. `reset`: what others change can be reset.
    pub(crate) fn of(stateless: bool, reset: bool) -> ReusePolicy {
        match (stateless, reset) {
            (true, _) => ReusePolicy::Stateless,
            (false, true) => ReusePolicy::Recycled,
            (false, false) => ReusePolicy::Fresh,
        }
    }

    /// Whether a sandbox that served before may serve a call.
    pub(crate) fn reuses(self) -> bool {
        self != ReusePolicy::Fresh
    }
}
