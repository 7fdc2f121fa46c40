//! A module as its calls see it: how to run its functions, and what they fork.

use super::call::Call;
use super::frame::Frame;
use super::imports;
use super::keep::Keep;
use super::link::{self, Link, Target};
use super::runtime::Runtime;
use crate::audit::{Facts, Recipe, shown};
use crate::backend::{Backend, Preinitialised};
use crate::engine::{Compiled, Kind, MAX_MEMORIES, MAX_TABLES};
use crate::error::{Error, ErrorKind, Result};
use crate::future::Completion;
use crate::instrument::Undo;
use crate::limits::Limits;
use crate::sandbox::{Export, Plan};
use crate::value::{Value, Values};
use std::any::Any;
use std::panic::Location;
use std::sync::{Arc, Weak};

/// A guest that was audited and compiled.
pub(crate) struct Guest {
    pub(crate) facts: Facts,
    pub(crate) recipe: Recipe,
    /// How the state of its sandboxes is put back, or why it cannot be.
    pub(crate) undo: std::result::Result<Undo, String>,
    pub(crate) compiled: Compiled,
}

/// A module as its calls see it.
pub(crate) struct Program {
    pub(super) runtime: Arc<Runtime>,
    pub(super) facts: Arc<Facts>,
    pub(super) plan: Arc<Plan<Frame>>,
    pub(super) providers: Vec<(String, Arc<Program>)>,
    pub(super) links: Vec<Link>,
    /// What is not provided yet, to this module or to one that is linked to it.
    pub(super) missing: Option<Error>,
    /// Where the sandbox goes that a call of the host's has ended in, if it is wanted.
    pub(super) keep: Option<Arc<Keep>>,
}

impl Program {
    /// Prepares a guest to be called.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if it is too large, [`ErrorKind::Link`] if it forks one of its own functions with
    /// another type.
    pub(crate) fn new(runtime: Arc<Runtime>, guest: Guest) -> Result<Program> {
        let Guest { facts, recipe, undo, compiled } = guest;
        let facts = Arc::new(facts);
        let links = link::resolve(&facts, &[])?;
        let kind = kind(&facts);
        let exports = facts
            .functions
            .iter()
            .map(|function| Export {
                name: function.name.clone(),
                index: function.index,
                stateless: function.stateless.is_ok(),
                params: function.params.iter().map(|param| param.ty.clone()).collect(),
                results: function.results.clone(),
            })
            .collect();
        let (linked, inline) = (facts.clone(), runtime.threads.inline());
        let plan = Plan::new(
            runtime.engines.clone(),
            runtime.stock.clone(),
            &runtime.limits,
            compiled,
            recipe,
            undo.ok(),
            exports,
            kind,
            move |linker, name, host| imports::define(&linked, inline, linker, name, host),
        )?;
        let missing = missing(&facts, &links);
        Ok(Program { runtime, facts, plan: Arc::new(plan), providers: Vec::new(), links, missing, keep: None })
    }

    /// The function behind link number `link`, and the module that has it.
    pub(super) fn target(self: &Arc<Program>, link: u32) -> Result<(&Arc<Program>, u32)> {
        match &self.links[link as usize].target {
            Target::Own(function) => Ok((self, *function)),
            Target::Linked(program, function) => Ok((program, *function)),
            Target::Missing => Err(link::missing(&self.facts.forks[link as usize])),
        }
    }

    /// Whether `wait` of link number `link` gives the guest failures.
    pub(super) fn catches(&self, link: u32) -> bool {
        self.links[link as usize].catches
    }

    /// What the calls of the executor have in common.
    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// What the audit found out.
    pub(crate) fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    /// The name of link number `link`, fit to be shown.
    pub(super) fn link_name(&self, link: u32) -> String {
        shown(&self.facts.forks[link as usize].name)
    }

    /// The same module with one more provider of what it forks, of the same executor.
    ///
    /// # Errors
    ///
    /// As [`Backend::link`].
    fn linked(&self, name: &str, provider: Arc<Program>) -> Result<Program> {
        if name == "self" || self.providers.iter().any(|(known, _)| known == name) {
            return Err(Error::new(ErrorKind::Link, format!("`{}` is linked already", shown(name)))
                .with_help("link it under another name"));
        }
        let mut providers = self.providers.clone();
        providers.push((name.to_owned(), provider));
        let links = link::resolve(&self.facts, &providers)?;
        Ok(Program {
            runtime: self.runtime.clone(),
            facts: self.facts.clone(),
            plan: self.plan.clone(),
            providers,
            missing: missing(&self.facts, &links),
            links,
            keep: self.keep.clone(),
        })
    }

    /// The same module with the providers that `other` has.
    ///
    /// # Errors
    ///
    /// As [`Backend::link`].
    pub(crate) fn linked_as(self, other: &Program) -> Result<Program> {
        other.providers.iter().try_fold(self, |program, (name, provider)| program.linked(name, provider.clone()))
    }
}

impl Backend for Program {
    fn fork(
        self: Arc<Program>,
        function: u32,
        args: Values,
        site: &'static Location<'static>,
    ) -> Arc<dyn Completion<Value>> {
        let call = Call::root(self, function, args, site);
        call.start();
        call
    }

    fn fork_shown(
        self: Arc<Program>,
        function: u32,
        args: Values,
        site: &'static Location<'static>,
        before: &mut dyn FnMut(Arc<dyn Completion<Value>>),
    ) {
        let call = Call::root(self, function, args, site);
        before(call.clone());
        call.start();
    }

    fn link(&self, name: &str, provider: Arc<dyn Backend>) -> Result<Arc<dyn Backend>> {
        let provider: Arc<dyn Any + Send + Sync> = provider;
        let provider = provider.downcast::<Program>().ok().filter(|p| Arc::ptr_eq(&p.runtime, &self.runtime));
        let provider = provider.ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "expected a module of the same executor to link")
                .with_help("load both with one executor")
        })?;
        Ok(Arc::new(self.linked(name, provider)?))
    }

    fn preinit(
        &self,
        bytes: &[u8],
        function: u32,
        args: Values,
        site: &'static Location<'static>,
    ) -> Result<Preinitialised> {
        (self.runtime.preinit)(self, bytes, function, args, site)
    }

    fn ready(&self) -> Result<()> {
        self.missing.clone().map_or(Ok(()), Err)
    }

    fn remember(&self, deferred: Weak<dyn Completion<Value>>) {
        self.runtime.remember(deferred);
    }

    fn unobserved(&self, error: Error) {
        self.runtime.unobserved(error);
    }
}
fn missing(facts: &Facts, links: &[Link]) -> Option<Error> {
    links.iter().zip(&facts.forks).find_map(|(found, link)| match &found.target {
        Target::Own(_) => None,
        Target::Linked(program, _) => program.missing.clone(),
        Target::Missing => Some(link::missing(link)),
    })
}

/// The kind of engine that a guest needs.
pub(crate) fn kind(facts: &Facts) -> Kind {
    if facts.forks.is_empty() { Kind::Leaf } else { Kind::Forking }
}

/// Compares what a guest starts with with the limits.
///
/// # Errors
///
/// [`ErrorKind::OutOfMemory`] if it starts with more memory than a call may have, [`ErrorKind::Unsupported`] if with
/// more of something else.
pub(crate) fn check(limits: &Limits, facts: &Facts) -> Result<()> {
    let (limits, bytes) = (limits, facts.memories.iter().fold(0u64, |sum, m| sum.saturating_add(m.initial_bytes)));
    if bytes > limits.memory as u64 {
        return Err(Error::new(
            ErrorKind::OutOfMemory,
            format!("the module starts with {bytes} bytes of memory, more than its limit of {}", limits.memory),
        )
        .with_help("raise `Limits::memory` (`--memory`)")
        .ending_tree());
    }
    for (what, n, most) in
        [("memories", facts.memories.len(), MAX_MEMORIES), ("tables", facts.tables.len(), MAX_TABLES)]
    {
        if n > most {
            let message = format!("the guest has {n} {what}, and {most} are allowed");
            return Err(Error::new(ErrorKind::Unsupported, message).with_help("build it of fewer modules"));
        }
    }
    if let Some(table) = facts.tables.iter().find(|table| table.initial > limits.table_elements as u64) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("a table starts with {} elements, more than its limit of {}", table.initial, limits.table_elements),
        )
        .with_help("raise `Limits::table_elements`"));
    }
    Ok(())
}
