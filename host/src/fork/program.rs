//! A module as its calls see it: with all that it is linked to.

use super::call::Call;
use super::link::{self, Provider, Target};
use super::lone;
use super::member::{Guest, Member};
use super::runtime::Runtime;
use crate::backend::{Backend, Forked, Preinitialised};
use crate::error::{Error, ErrorKind, Result};
use crate::escape::shown;
use crate::future::Completion;
use crate::process;
use crate::value::{Value, Values};
use std::any::Any;
use std::ops::Deref;
use std::panic::Location;
use std::sync::{Arc, Weak};

/// A module as its calls see it.
///
/// Modules that fork each other's functions are members of one program, and refer to each other by number; what else is
/// linked to a member is a program that was there before. So no references go round, whatever forks what.
#[derive(Clone)]
pub(crate) struct Program {
    members: Arc<[Member]>,
    number: usize,
}

/// A program, if anybody has it.
pub(crate) struct WeakProgram {
    members: Weak<[Member]>,
    number: usize,
}

impl WeakProgram {
    pub(super) fn upgrade(&self) -> Option<Program> {
        Some(Program { members: self.members.upgrade()?, number: self.number })
    }
}

/// Programs linked to one another may be a long chain: they are dropped one by one, and not each within the one before.
impl Drop for Program {
    fn drop(&mut self) {
        // In a child process of the executor's, nothing of it is taken apart: that would take locks which may never be free.
        if process::was_forked() && self.runtime.here().is_err() {
            return std::mem::forget(self.members.clone());
        }
        let mut linked = self.take_linked();
        while let Some(mut program) = linked.pop() {
            linked.append(&mut program.take_linked());
        }
    }
}

/// A program that is looked at: its references are not counted.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    members: &'a Arc<[Member]>,
    number: usize,
}

impl Seen<'_> {
    pub(super) fn is(self, program: &Program) -> bool {
        self.number == program.number && Arc::ptr_eq(self.members, &program.members)
    }

    pub(super) fn program(self) -> Program {
        Program { members: self.members.clone(), number: self.number }
    }
}

impl Deref for Program {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.members[self.number]
    }
}

impl Program {
    /// Prepares a guest to be called.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if it is too large, [`ErrorKind::Link`] if it forks one of its own functions with
    /// another type.
    pub(crate) fn new(runtime: Arc<Runtime>, guest: Guest) -> Result<Program> {
        Program::of(Member::new(runtime, guest)?)
    }

    /// A program of one member.
    pub(super) fn of(member: Member) -> Result<Program> {
        let members = settled(vec![member]).map_err(|(_, error)| error)?;
        Ok(Program { members, number: 0 })
    }

    /// The member by itself, linked to what it is linked to.
    pub(super) fn alone(&self) -> Member {
        let mut member = (**self).clone();
        for (_, provider) in &mut member.providers {
            if let Provider::Member(number) = *provider {
                *provider = Provider::Program(Program { members: self.members.clone(), number });
            }
        }
        member
    }

    /// Takes out what is linked to the members, if nobody else has them.
    fn take_linked(&mut self) -> Vec<Program> {
        // Most often somebody has, and that is cheaper to see so.
        let own = Arc::strong_count(&self.members) == 1;
        let members = own.then(|| Arc::get_mut(&mut self.members)).flatten().unwrap_or_default();
        members.iter_mut().flat_map(Member::take_linked).collect()
    }

    pub(super) fn downgrade(&self) -> WeakProgram {
        WeakProgram { members: Arc::downgrade(&self.members), number: self.number }
    }

    pub(super) fn seen(&self) -> Seen<'_> {
        Seen { members: &self.members, number: self.number }
    }

    /// The function behind link number `link`, and the program that has it.
    pub(super) fn target(&self, link: u32) -> Result<(Seen<'_>, u32)> {
        match &self.links[link as usize].target {
            Target::Own(function) => Ok((self.seen(), *function)),
            Target::Provided(Provider::Member(number), function) => {
                Ok((Seen { members: &self.members, number: *number }, *function))
            }
            Target::Provided(Provider::Program(program), function) => Ok((program.seen(), *function)),
            Target::Missing => Err(link::missing(&self.facts.forks[link as usize])),
        }
    }

    /// The same module with the providers that `other` has.
    ///
    /// # Errors
    ///
    /// As [`Backend::link`].
    pub(crate) fn linked_as(self, other: &Program) -> Result<Program> {
        Program::of(Member { providers: other.alone().providers, ..self.alone() })
    }

    /// The program behind a backend, if it is one of the same executor.
    fn known(&self, backend: Arc<dyn Backend>) -> Result<Arc<Program>> {
        let backend: Arc<dyn Any + Send + Sync> = backend;
        let program = backend.downcast::<Program>().ok().filter(|known| Arc::ptr_eq(&known.runtime, &self.runtime));
        program.ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "expected a module of the same executor to link")
                .with_help("load both with one executor")
        })
    }
}

/// Links a provider to a member under a name.
///
/// # Errors
///
/// [`ErrorKind::Link`] if the name is taken.
fn add(member: &mut Member, name: &str, provider: Provider) -> Result<()> {
    if name == link::SELF || member.providers.iter().any(|(known, _)| known == name) {
        return Err(taken(name));
    }
    member.providers.push((name.to_owned(), provider));
    Ok(())
}

/// The error for a name that is that of another module.
fn taken(name: &str) -> Error {
    Error::new(ErrorKind::Link, format!("`{}` is linked already", shown(name))).with_help("link it under another name")
}

/// Finds what the members fork, and what is missing to them.
///
/// # Errors
///
/// As [`Backend::link`], and to which member that happened.
fn settled(mut members: Vec<Member>) -> Result<Arc<[Member]>, (usize, Error)> {
    let links = members.iter().enumerate().map(|(number, member)| {
        link::resolve(&member.facts, &member.providers, &members).map_err(|error| (number, error))
    });
    let links = links.collect::<Result<Vec<_>, _>>()?;
    for (member, links) in members.iter_mut().zip(links) {
        (member.links, member.missing) = (links, None);
    }
    // What is missing to one is missing to those that fork its functions, and to those that fork theirs.
    loop {
        let news = (0..members.len()).filter(|number| members[*number].missing.is_none());
        let news: Vec<_> = news.filter_map(|number| Some((number, missing(&members, number)?))).collect();
        if news.is_empty() {
            return Ok(members.into());
        }
        for (number, error) in news {
            members[number].missing = Some(error);
        }
    }
}

/// What is missing to a member, as far as is known of the others.
fn missing(members: &[Member], number: usize) -> Option<Error> {
    let member = &members[number];
    member.links.iter().zip(&member.facts.forks).find_map(|(found, link)| match &found.target {
        Target::Own(_) => None,
        Target::Provided(Provider::Member(number), _) => members[*number].missing.clone(),
        Target::Provided(Provider::Program(program), _) => program.missing.clone(),
        Target::Missing => Some(link::missing(link)),
    })
}

impl Backend for Program {
    fn fork(&self, function: u32, args: Values, site: &'static Location<'static>) -> Forked {
        if self.runtime.threads.inline()
            && !self.runtime.is_closed()
            && self.runtime.here().is_ok()
            && !self.facts.functions[function as usize].can_fork
        {
            return lone::run(self, function, args, site);
        }
        let call = Call::root(self.clone(), function, args, site);
        call.start();
        Forked::Call(call)
    }

    fn fork_shown(
        &self,
        function: u32,
        args: Values,
        site: &'static Location<'static>,
        before: &mut dyn FnMut(Arc<dyn Completion<Value>>),
    ) {
        let call = Call::root(self.clone(), function, args, site);
        before(call.clone());
        call.start();
    }

    fn link(&self, name: &str, provider: Arc<dyn Backend>) -> Result<Arc<dyn Backend>> {
        let provider = self.known(provider)?;
        let mut member = self.alone();
        add(&mut member, name, Provider::Program((*provider).clone()))?;
        Ok(Arc::new(Program::of(member)?))
    }

    fn link_together(&self, modules: Vec<(&str, Arc<dyn Backend>)>) -> Result<Vec<Arc<dyn Backend>>> {
        let names: Vec<_> = modules.iter().map(|(name, _)| *name).collect();
        if let Some((_, twice)) = names.iter().enumerate().find(|(number, name)| names[..*number].contains(name)) {
            return Err(taken(twice));
        }
        let members = modules.into_iter().map(|(_, module)| Ok(self.known(module)?.alone()));
        let mut members = members.collect::<Result<Vec<_>>>()?;
        // To one that has all it forks, others could only be one provider too many.
        let needing = members.iter_mut().enumerate().filter(|(_, member)| !member.is_complete());
        for (number, member) in needing {
            for (other, name) in names.iter().enumerate().filter(|(other, _)| *other != number) {
                add(member, name, Provider::Member(other))?;
            }
        }
        let members = settled(members).map_err(|(number, error)| {
            let message = format!("in `{}`, {}", shown(names[number]), error.message());
            let help = error.help().unwrap_or_default().to_owned();
            Error::new(error.kind(), message).with_help(help)
        })?;
        let program = |number| -> Arc<dyn Backend> { Arc::new(Program { members: members.clone(), number }) };
        Ok((0..names.len()).map(program).collect())
    }

    fn preinit(
        &self,
        bytes: &[u8],
        function: u32,
        args: Values,
        site: &'static Location<'static>,
    ) -> Result<Preinitialised> {
        self.runtime.here()?;
        (self.runtime.preinit)(self, bytes, function, args, site)
    }

    fn ready(&self) -> Result<()> {
        self.runtime.here()?;
        self.missing.clone().map_or(Ok(()), Err)
    }

    fn remember(&self, deferred: Weak<dyn Completion<Value>>) {
        self.runtime.remember(deferred);
    }

    fn unobserved(&self, error: Error) {
        self.runtime.unobserved(error);
    }
}
