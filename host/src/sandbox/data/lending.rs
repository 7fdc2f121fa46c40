//! The calls between the components that a guest is composed of, and what one was lent for each.
//!
//! After the component model's `CanonicalABI.md`: what was borrowed for a call has to be dropped before the call returns.

use crate::sandbox::error::trap;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

type Done<T> = wasmtime::Result<T>;

/// The most destructors within each other: each takes a stack of its own where a guest may wait.
const DEEPEST: u32 = 64;

/// The calls from component to component that have not returned, and what they were lent.
#[derive(Default)]
pub(crate) struct Lending {
    scopes: Vec<Scope>,
    /// Futures that are lent, each with the scopes it is lent to. Their numbers are the call's, in all its components.
    futures: HashMap<u32, Vec<usize>>,
    /// Destructors that have not returned.
    destroying: u32,
}

/// A call from component to component.
#[derive(Default)]
pub(crate) struct Scope {
    /// Borrowed handles that were not dropped yet.
    borrowed: u32,
    /// What was lent for it: component and handle.
    pub(crate) lent: Vec<(u32, u32)>,
}

impl Lending {
    /// A component is called; returns the scope's number.
    pub(crate) fn enter(&mut self) -> usize {
        self.scopes.push(Scope::default());
        self.scopes.len() - 1
    }

    /// The component that was called last returns.
    ///
    /// # Errors
    ///
    /// A trap if it has not dropped what it had borrowed.
    pub(crate) fn exit(&mut self) -> Done<Scope> {
        let scope = self.scopes.pop().ok_or_else(|| trap("a call returns that was not made"))?;
        if scope.borrowed != 0 {
            return Err(trap("a component returned without dropping what it had borrowed"));
        }
        Ok(scope)
    }

    /// The scope that something is lent to, and its number.
    pub(crate) fn innermost(&mut self) -> Option<(usize, &mut Scope)> {
        let at = self.scopes.len().checked_sub(1)?;
        Some((at, &mut self.scopes[at]))
    }

    /// What a scope had borrowed was dropped.
    pub(crate) fn returned(&mut self, scope: usize) {
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.borrowed = scope.borrowed.saturating_sub(1);
        }
    }

    /// Lends a future to the component that was called last.
    pub(crate) fn lend_future(&mut self, number: u32) -> Done<()> {
        let (at, scope) = self.innermost().ok_or_else(|| trap("a future is lent outside of a call"))?;
        scope.borrow();
        self.futures.entry(number).or_default().push(at);
        Ok(())
    }

    /// Whether what is dropped is a future that was lent, and not the future itself.
    pub(crate) fn returns_future(&mut self, number: u32) -> bool {
        let Entry::Occupied(mut lent) = self.futures.entry(number) else { return false };
        let Some(scope) = lent.get_mut().pop() else { return false };
        if lent.get().is_empty() {
            lent.remove();
        }
        self.returned(scope);
        true
    }

    /// A destructor is called.
    pub(crate) fn destroy(&mut self) -> Done<()> {
        if self.destroying == DEEPEST {
            return Err(trap(format!("the guest has more than {DEEPEST} destructors within each other")));
        }
        self.destroying += 1;
        Ok(())
    }

    /// A destructor has returned. Where one fails the call ends, so that only those that return have to be counted.
    pub(crate) fn destroyed(&mut self) {
        self.destroying -= 1;
    }
}

impl Scope {
    pub(crate) fn borrow(&mut self) {
        self.borrowed += 1;
    }
}
