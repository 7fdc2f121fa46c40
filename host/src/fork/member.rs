//! One module: how to run its functions, and what they fork.

use super::frame::Frame;
use super::imports;
use super::keep::Keep;
use super::link::{self, Link, Provider, Target};
use super::program::Program;
use super::runtime::Runtime;
use crate::engine::{Compiled, Kind, MAX_MEMORIES, MAX_TABLES};
use crate::error::{Error, ErrorKind, Result};
use crate::escape::shown;
use crate::instrument::Undo;
use crate::ir::{Facts, Recipe};
use crate::limits::Limits;
use crate::sandbox::{Export, Plan};
use std::sync::Arc;

/// A guest that was audited and compiled.
pub(crate) struct Guest {
    pub(crate) facts: Facts,
    pub(crate) recipe: Recipe,
    /// How the state of its sandboxes is put back, or why it cannot be.
    pub(crate) undo: std::result::Result<Undo, String>,
    pub(crate) compiled: Compiled,
}

/// One module, among those that it is linked with both ways.
#[derive(Clone)]
pub(crate) struct Member {
    pub(super) runtime: Arc<Runtime>,
    pub(super) facts: Arc<Facts>,
    pub(super) plan: Arc<Plan<Frame>>,
    /// What is linked to it, each by its name.
    pub(super) providers: Vec<(String, Provider)>,
    /// What it forks, in the audit's order.
    pub(super) links: Vec<Link>,
    /// What is not provided yet, to this module or to one that it forks functions of.
    pub(super) missing: Option<Error>,
    /// Where the sandbox goes that a call of the host's has ended in, if it is wanted.
    pub(super) keep: Option<Arc<Keep>>,
}

impl Member {
    /// Prepares a guest to be called.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if it is too large, [`ErrorKind::Link`] if it forks one of its own functions with
    /// another type.
    pub(super) fn new(runtime: Arc<Runtime>, guest: Guest) -> Result<Member> {
        let Guest { facts, recipe, undo, compiled } = guest;
        let facts = Arc::new(facts);
        let links = link::resolve(&facts, &[], &[])?;
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
        Ok(Member { runtime, facts, plan: Arc::new(plan), providers: Vec::new(), links, missing: None, keep: None })
    }

    /// Whether it forks nothing but its own functions.
    pub(super) fn is_complete(&self) -> bool {
        self.links.iter().all(|link| matches!(link.target, Target::Own(_)))
    }

    /// Takes out the programs that are linked to it.
    pub(super) fn take_linked(&mut self) -> impl Iterator<Item = Program> {
        let providers = std::mem::take(&mut self.providers).into_iter().map(|(_, provider)| provider);
        let targets = std::mem::take(&mut self.links).into_iter().filter_map(|link| match link.target {
            Target::Provided(provider, _) => Some(provider),
            Target::Own(_) | Target::Missing => None,
        });
        providers.chain(targets).filter_map(|provider| match provider {
            Provider::Program(program) => Some(program),
            Provider::Member(_) => None,
        })
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
