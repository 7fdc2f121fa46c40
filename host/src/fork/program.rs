//! A module as its calls see it: with all that it is linked to.

use super::capture::Capture;
use super::identity::{self, Identity};
use super::link::{self, Link, Target};
use super::runtime::Runtime;
use super::script::Script;
use crate::backend::Subject;
use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use crate::event::Source;
use crate::ir::Facts;
use crate::process;
use crate::sandbox::{Guest, Plan};
use crate::wasi::{GivenWorld, World};
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// One module, among those that it is linked with both ways.
#[derive(Clone)]
pub(crate) struct Member {
    pub(super) runtime: Arc<Runtime>,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub(super) digest: Arc<str>,
    /// What gives these.
    pub(super) source: Arc<Source>,
    pub(super) facts: Arc<Facts>,
    pub(super) plan: Arc<Plan>,
    /// What is linked to it, each by its name.
    providers: Vec<(String, Provider)>,
    /// What it forks, in the audit's order.
    links: Vec<Link>,
    /// What is not provided yet, to this module or to one that it forks functions of.
    missing: Option<Error>,
    /// Where the sandbox goes that a call of the host's has ended in, if it is wanted.
    pub(super) capture: Option<Arc<Capture>>,
    /// What its calls' children give, if none are to be run.
    pub(super) script: Option<Arc<dyn Script>>,
    /// What its calls may use, if that is less than the limit.
    pub(super) fuel: Option<u64>,
    /// What WASI gives to its calls.
    pub(super) world: Option<Arc<GivenWorld>>,
    identity: Identity,
}

/// A module that is linked to another.
#[derive(Clone)]
enum Provider {
    /// A member of the same program, by number.
    Member(usize),
    /// One that was there before.
    Program(Program),
}

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
    pub(crate) fn upgrade(&self) -> Option<Program> {
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
pub(super) struct ProgramRef<'a> {
    members: &'a Arc<[Member]>,
    number: usize,
}

impl ProgramRef<'_> {
    pub(super) fn is(self, program: &Program) -> bool {
        self.number == program.number && Arc::ptr_eq(self.members, &program.members)
    }

    pub(super) fn member(&self) -> &Member {
        &self.members[self.number]
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

impl Member {
    /// Whether it forks nothing but its own functions.
    fn is_complete(&self) -> bool {
        self.links.iter().all(|link| matches!(link.target, Target::Own(_)))
    }

    /// Takes out the programs that are linked to it.
    fn take_linked(&mut self) -> impl Iterator<Item = Program> {
        std::mem::take(&mut self.providers).into_iter().filter_map(|(_, provider)| match provider {
            Provider::Program(program) => Some(program),
            Provider::Member(_) => None,
        })
    }

    /// Links a provider under a name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Link`] if the name is taken.
    fn add(&mut self, name: &str, provider: Provider) -> Result<()> {
        if name == link::SELF || self.providers.iter().any(|(known, _)| known == name) {
            return Err(taken(name));
        }
        self.providers.push((name.to_owned(), provider));
        Ok(())
    }

    /// Whether `wait` of link number `link` gives the guest failures.
    pub(super) fn catches(&self, link: u32) -> bool {
        self.links[link as usize].catches
    }

    /// What the calls of the executor have in common.
    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// What gives its bytes.
    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// What the audit found out.
    pub(crate) fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    /// What is called by a call of that function, if a call that was made before will do.
    pub(super) fn subject(&self, function: u32) -> Option<&Subject> {
        self.identity.subject(function, || {
            let names = self.facts.functions.iter().map(|function| function.name.as_str());
            (&self.runtime.configuration, names)
        })
    }

    /// The name of link number `link`, fit to be shown.
    pub(super) fn link_name(&self, link: u32) -> String {
        escaped(&self.facts.forks[link as usize].name)
    }
}

impl Program {
    /// Prepares a guest to be called. `digest`: that of its bytes; none if it is called for what its calls leave behind.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if it is too large, [`ErrorKind::Link`] if it forks one of its own functions with
    /// another type.
    /// `digest`: the SHA-256 of its bytes, if calls of it may be found in a memory of results; `source`: what gives them.
    pub(crate) fn new(
        runtime: Arc<Runtime>,
        (digest, source): (Option<[u8; 32]>, Arc<Source>),
        guest: Guest,
    ) -> Result<Program> {
        // Before it is loaded: what cannot be linked to itself is not worth that.
        let links = link::resolve(&guest.facts, &[])?;
        let plan = Arc::new(Plan::new(runtime.sandboxes.clone(), guest)?);
        let facts = plan.facts().clone();
        let identity = Identity::of(digest);
        let digest = digest.unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
        Program::of(Member {
            runtime,
            digest,
            source,
            facts,
            plan,
            providers: Vec::new(),
            links,
            missing: None,
            capture: None,
            script: None,
            fuel: None,
            world: None,
            identity,
        })
    }

    /// A program of one member.
    fn of(member: Member) -> Result<Program> {
        let members = settled(vec![member]).map_err(|(_, error)| error)?;
        Ok(Program { members, number: 0 })
    }

    /// The member by itself, linked to what it is linked to.
    fn alone(&self) -> Member {
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

    pub(crate) fn downgrade(&self) -> WeakProgram {
        WeakProgram { members: Arc::downgrade(&self.members), number: self.number }
    }

    pub(super) fn as_ref(&self) -> ProgramRef<'_> {
        ProgramRef { members: &self.members, number: self.number }
    }

    /// The function behind link number `link`, and the program that has it.
    pub(super) fn target(&self, link: u32) -> Result<(ProgramRef<'_>, u32)> {
        match &self.links[link as usize].target {
            Target::Own(function) => Ok((self.as_ref(), *function)),
            Target::Provided(provider, function) => match &self.providers[*provider].1 {
                Provider::Member(number) => Ok((ProgramRef { members: &self.members, number: *number }, *function)),
                Provider::Program(program) => Ok((program.as_ref(), *function)),
            },
            Target::Missing => Err(link::missing(&self.facts.forks[link as usize])),
        }
    }

    /// The same module with the providers and the world that `other` has.
    ///
    /// # Errors
    ///
    /// As [`Program::link`].
    pub(crate) fn linked_as(self, other: &Program) -> Result<Program> {
        let Member { providers, world, .. } = other.alone();
        let identity = self.identity.given(world.as_ref().map(|world| world.digest));
        Program::of(Member { providers, world, identity, ..self.alone() })
    }

    /// The same module, whose calls are given that by WASI.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if guests may not import WASI.
    pub(crate) fn with_world(&self, world: &World) -> Result<Program> {
        if !self.runtime.imports.has_wasi() && !world.is_empty() {
            let message = "a world is for guests that may import WASI, and the executor's may not";
            return Err(
                Error::new(ErrorKind::Invalid, message).with_help("build it with `Builder::wasi` (`--wasi frozen`)")
            );
        }
        let world = (!world.is_empty()).then(|| Arc::new(GivenWorld::new(world)));
        let identity = self.identity.given(world.as_ref().map(|world| world.digest));
        Program::of(Member { world, identity, ..self.alone() })
    }

    /// The same module, of which the sandbox that a call of the host's ends in goes to `capture`.
    pub(super) fn capturing(self, capture: Arc<Capture>) -> Result<Program> {
        // Its calls have to run.
        Program::of(Member { capture: Some(capture), identity: Identity::of(None), ..self.alone() })
    }

    /// The same module, of whose calls the children are not run, but give what `script` says. What it is linked to does not matter.
    ///
    /// `fuel`: what they may use, if that is less than the limit.
    pub(crate) fn scripted(&self, script: Arc<dyn Script>, fuel: Option<u64>) -> Result<Program> {
        Program::of(Member { script: Some(script), fuel, ..self.alone() })
    }

    /// The same module with one more provider, called `name`, of the functions it forks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Link`] where a function does not fit or two providers have it.
    pub(crate) fn link(&self, name: &str, provider: &Program) -> Result<Program> {
        self.check_executor(provider)?;
        let mut member = self.alone();
        member.add(name, Provider::Program(provider.clone()))?;
        Program::of(member)
    }

    /// The same modules, each with all others as providers of the functions it forks.
    ///
    /// # Errors
    ///
    /// As [`Program::link`].
    pub(crate) fn link_together(modules: &[(&str, &Program)]) -> Result<Vec<Program>> {
        let names: Vec<_> = modules.iter().map(|(name, _)| *name).collect();
        if let Some((_, twice)) = names.iter().enumerate().find(|(number, name)| names[..*number].contains(name)) {
            return Err(taken(twice));
        }
        let members = modules.iter().map(|(_, module)| {
            modules[0].1.check_executor(module)?;
            Ok(module.alone())
        });
        let mut members = members.collect::<Result<Vec<_>>>()?;
        // To one that has all it forks, others could only be one provider too many.
        let needing = members.iter_mut().enumerate().filter(|(_, member)| !member.is_complete());
        for (number, member) in needing {
            for (other, name) in names.iter().enumerate().filter(|(other, _)| *other != number) {
                member.add(name, Provider::Member(other))?;
            }
        }
        let members = settled(members).map_err(|(number, error)| {
            let message = format!("in `{}`, {}", escaped(names[number]), error.message());
            let help = error.help().unwrap_or_default().to_owned();
            Error::new(error.kind(), message).with_help(help)
        })?;
        Ok((0..names.len()).map(|number| Program { members: members.clone(), number }).collect())
    }

    /// Whether the module can be called: all that it forks is provided, and its executor is this process's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Link`], naming what is not, and [`ErrorKind::Invalid`] in a child of the executor's process.
    pub(crate) fn ready(&self) -> Result<()> {
        self.runtime.here()?;
        self.missing.clone().map_or(Ok(()), Err)
    }

    fn check_executor(&self, other: &Program) -> Result<()> {
        if Arc::ptr_eq(&other.runtime, &self.runtime) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Invalid, "expected a module of the same executor to link")
            .with_help("load both with one executor"))
    }
}

/// The error for a name that is that of another module.
fn taken(name: &str) -> Error {
    Error::new(ErrorKind::Link, format!("`{}` is linked already", escaped(name)))
        .with_help("link it under another name")
}

/// Finds what the members fork, and what is missing to them.
///
/// # Errors
///
/// As [`Program::link`], and to which member that happened.
fn settled(mut members: Vec<Member>) -> Result<Arc<[Member]>, (usize, Error)> {
    let links = members.iter().enumerate().map(|(number, member)| {
        let providers = member.providers.iter().map(|(name, provider)| match provider {
            Provider::Member(number) => (name.as_str(), &*members[*number].facts),
            Provider::Program(program) => (name.as_str(), &*program.facts),
        });
        link::resolve(&member.facts, &providers.collect::<Vec<_>>()).map_err(|error| (number, error))
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
            identify(&mut members);
            return Ok(members.into());
        }
        for (number, error) in news {
            members[number].missing = Some(error);
        }
    }
}

/// Tells the members from all others, by what they are linked with.
fn identify(members: &mut [Member]) {
    let group = identity::group(members.iter().map(|member| {
        let providers = member.providers.iter().map(|(name, provider)| match provider {
            Provider::Member(number) => (name.as_str(), identity::Provider::Member(*number)),
            Provider::Program(program) => (name.as_str(), identity::Provider::Program(program.identity.linked())),
        });
        (&member.identity, providers)
    }));
    for (number, member) in members.iter_mut().enumerate() {
        member.identity.link(group, number);
    }
}

/// What is missing to a member, as far as is known of the others.
fn missing(members: &[Member], number: usize) -> Option<Error> {
    let member = &members[number];
    member.links.iter().zip(&member.facts.forks).find_map(|(found, link)| match &found.target {
        Target::Own(_) => None,
        Target::Provided(provider, _) => match &member.providers[*provider].1 {
            Provider::Member(number) => members[*number].missing.clone(),
            Provider::Program(program) => program.missing.clone(),
        },
        Target::Missing => Some(link::missing(link)),
    })
}
