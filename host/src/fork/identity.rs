//! Which program and function a call is of, told by digests, so that it is the same in another process.

use crate::backend::Subject;
use sha2::{Digest as _, Sha256};
use std::sync::OnceLock;

/// What tells a program from all others: the bytes of its guest, and those of all that it is linked to, with the names.
#[derive(Clone)]
pub(super) struct Identity {
    /// The digest of the guest's bytes; none where what its calls leave behind matters, and not their results.
    guest: Option<[u8; 32]>,
    /// The digest of what WASI gives to its calls, if that is something.
    world: Option<[u8; 32]>,
    /// Both with what it is linked to; none if one of that has none.
    linked: Option<[u8; 32]>,
    /// For each function, once somebody has asked for one.
    subjects: OnceLock<Box<[Subject]>>,
}

/// What is linked to a program.
pub(super) enum Provider {
    /// A member of the same group, by number.
    Member(usize),
    Program(Option<[u8; 32]>),
}

impl Identity {
    pub(super) fn of(guest: Option<[u8; 32]>) -> Identity {
        Identity { guest, world: None, linked: None, subjects: OnceLock::new() }
    }

    /// The same guest with another world. Who it is is known once it is linked.
    pub(super) fn given(&self, world: Option<[u8; 32]>) -> Identity {
        Identity { world, ..Identity::of(self.guest) }
    }

    pub(super) fn linked(&self) -> Option<[u8; 32]> {
        self.linked
    }

    /// Makes it that of a member of a group.
    pub(super) fn link(&mut self, group: Option<[u8; 32]>, number: usize) {
        self.linked = group.map(|group| {
            let mut digest = Sha256::new();
            digest.update(group);
            digest.update((number as u64).to_le_bytes());
            digest.finalize().into()
        });
        self.subjects = OnceLock::new();
    }

    /// What is called by a call of a function. `rest`: the digest of the configuration, and the names of all functions.
    #[inline]
    pub(super) fn subject<'a, N: Iterator<Item = &'a str>>(
        &self,
        function: u32,
        rest: impl FnOnce() -> (&'a [u8; 32], N),
    ) -> Option<&Subject> {
        let linked = self.linked?;
        let subjects = self.subjects.get_or_init(|| {
            let (configuration, names) = rest();
            let subject = |(number, name): (usize, &str)| {
                let mut digest = Sha256::new();
                digest.update(configuration);
                digest.update(linked);
                digest.update((number as u64).to_le_bytes());
                digest.update(name);
                digest.finalize().into()
            };
            names.enumerate().map(subject).collect()
        });
        subjects.get(function as usize)
    }
}

/// A digest of members that are linked with one another, each with its providers by name; none if one of those has none.
pub(super) fn group<'a, P: Iterator<Item = (&'a str, Provider)>>(
    members: impl Iterator<Item = (&'a Identity, P)>,
) -> Option<[u8; 32]> {
    let mut digest = Sha256::new();
    for (identity, providers) in members {
        digest.update([0]);
        digest.update(identity.guest?);
        if let Some(world) = identity.world {
            digest.update([2]);
            digest.update(world);
        }
        for (name, provider) in providers {
            digest.update([1]);
            digest.update((name.len() as u64).to_le_bytes());
            digest.update(name);
            match provider {
                Provider::Member(number) => {
                    digest.update([0]);
                    digest.update((number as u64).to_le_bytes());
                }
                Provider::Program(linked) => {
                    digest.update([1]);
                    digest.update(linked?);
                }
            }
        }
    }
    Some(digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(byte: u8) -> Identity {
        Identity::of(Some([byte; 32]))
    }

    fn alone(byte: u8) -> Identity {
        linked(guest(byte), Vec::new())
    }

    fn linked(mut identity: Identity, providers: Vec<(&str, Provider)>) -> Identity {
        let group = group([(&identity, providers.into_iter())].into_iter());
        identity.link(group, 0);
        identity
    }

    fn subject(identity: &Identity, function: u32) -> Option<Subject> {
        identity.subject(function, || (&[9; 32], ["f", "g"].into_iter())).copied()
    }

    #[test]
    fn a_subject_is_of_the_bytes_of_the_links_of_their_names_and_of_the_function() {
        let program = |byte| Provider::Program(alone(byte).linked());
        let identities = [
            alone(1),
            alone(2),
            linked(guest(1), vec![("a", program(2))]),
            linked(guest(1), vec![("b", program(2))]),
            linked(guest(1), vec![("a", program(3))]),
            linked(guest(1), vec![("a", program(2)), ("b", program(2))]),
            linked(guest(1), vec![("a", Provider::Member(0))]),
            linked(guest(1).given(Some([1; 32])), Vec::new()),
            linked(guest(1).given(Some([2; 32])), Vec::new()),
            linked(guest(1).given(Some([2; 32])), vec![("a", program(2))]),
        ];
        let mut all: Vec<Subject> = identities
            .iter()
            .flat_map(|identity| [0, 1].map(|function| subject(identity, function).unwrap()))
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(subject(&alone(1), 0), subject(&alone(1), 0));
        assert_eq!(subject(&alone(1), 2), None);
    }

    #[test]
    fn what_is_linked_to_one_without_identity_has_none() {
        let nameless = Identity::of(None);
        assert_eq!(subject(&linked(nameless, Vec::new()), 0), None);
        assert_eq!(subject(&linked(guest(1), vec![("a", Provider::Program(None))]), 0), None);
    }
}
