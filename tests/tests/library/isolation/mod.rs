//! A guest cannot tell which way it got its sandbox: recycled, or fresh of bytes that were not rewritten.

mod conformance;
mod heap;
mod histories;
mod made;
mod places;
mod secrets;
mod smith;
pub(crate) mod storing;

use purefork::{Builder, Executor, Isolation, Limits, Module, Value};
use purefork_tests::{Mode, built, ended, limits, outcome, used};

/// The ways that are told apart by name.
pub(crate) const WAYS: [Isolation; 2] = [Isolation::Recycled, Isolation::Fresh];

/// An executor of one thread, so that calls get the same sandbox one after another.
pub(crate) fn executor(isolation: Isolation) -> Executor {
    built(builder(isolation))
}

pub(crate) fn builder(isolation: Isolation) -> Builder {
    Mode::Threads(1).builder().isolation(isolation)
}

/// Why a module's sandboxes are not recycled.
pub(crate) fn not_recycled(bytes: &[u8]) -> Option<String> {
    Executor::builder().inspect(bytes).expect("it is pure").fresh
}

/// A guest in both ways.
pub(crate) struct Ways {
    modules: [Module; 2],
    _executors: [Executor; 2],
}

impl Ways {
    pub(crate) fn new(guest: &str) -> Ways {
        Ways::with(guest.as_bytes(), limits())
    }

    pub(crate) fn with(guest: &[u8], limits: Limits) -> Ways {
        assert_eq!(not_recycled(guest), None);
        let executors = WAYS.map(|way| built(builder(way).limits(limits.clone())));
        let modules = [0, 1].map(|at| executors[at].load_bytes(guest).expect("it is pure"));
        Ways { modules, _executors: executors }
    }

    /// How a call ends each way.
    pub(crate) fn each(&self, function: &str, values: &[Value]) -> [Result<Value, String>; 2] {
        [0, 1].map(|at| outcome(&self.modules[at], function, values))
    }

    /// Calls a function each way, recycled twice: the outcomes have to be the same, and what is used.
    pub(crate) fn agree(&self, function: &str, values: &[Value]) -> Result<Value, String> {
        let [recycled, fresh] = &self.modules;
        let expected = ended(fresh, function, values);
        for _ in 0..2 {
            assert_eq!(ended(recycled, function, values), expected, "{function} {values:?}");
        }
        used(fresh, function, values).0
    }
}
