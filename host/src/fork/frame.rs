//! What a call carries with it while it runs: the futures it has made.

use super::branch::Branch;
use super::call::{Args, Call, Home};
use super::lone::Lone;
use super::program::Seen;
use super::run::Run;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Usage;
use crate::sandbox::Carried;
use crate::value::{Value, Values};
use std::sync::Arc;

/// What a call carries with it while it runs.
///
/// Its futures are numbered 1, 2, 3 … in the order of forking, and no number is used twice: what numbers a call sees is
/// a result of what it does, not of what ran in its sandbox before.
#[derive(Default)]
pub(crate) struct Frame {
    owner: Owner,
    futures: Vec<Forked>,
    /// The branch that the last fork was part of.
    branch: Option<Arc<Branch>>,
    /// What the children have used that were waited for.
    waited: Usage,
}

/// Whose frame it is.
#[derive(Default)]
enum Owner {
    #[default]
    Nobody,
    Call(Arc<Call>),
    /// One that cannot fork, and that is no [`Call`].
    Lone(Lone),
}

struct Forked {
    /// Which of the module's imports it was forked by.
    link: u32,
    waited: bool,
    /// None once the guest has dropped the future; its number is not used again.
    call: Option<Arc<Call>>,
}

impl Frame {
    /// Begins to carry what belongs to a call.
    #[inline]
    pub(super) fn enter(&mut self, call: Arc<Call>) {
        self.owner = Owner::Call(call);
    }

    /// The same for one that cannot fork, and that nobody else knows of.
    #[inline]
    pub(super) fn enter_lone(&mut self, run: &Run<'_>) {
        match &mut self.owner {
            // Of the same module, as its sandbox is.
            Owner::Lone(lone) => lone.again(run),
            owner => *owner = Owner::Lone(Lone::new(run)),
        }
    }

    /// Forks a call by the module's link number `link`, and returns its future's number.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooManyForks`] for a call that has forked as often as it may. What is wrong with the child, or
    /// with the tree, is seen where the child is waited for.
    pub(super) fn fork(&mut self, link: u32, args: Values) -> Result<(u32, Arc<Call>)> {
        let parent = self.call()?;
        let limits = &parent.program().runtime.limits;
        let number = u32::try_from(self.futures.len() + 1).unwrap_or(u32::MAX);
        if number > limits.forks {
            let message = format!("`{}` forked more than {} times", parent.name(), limits.forks);
            return Err(Error::new(ErrorKind::TooManyForks, message)
                .with_help("raise `Limits::forks` if it is meant to fork that often"));
        }
        let (program, function) = parent.program().target(link)?;
        let branch = self.branch(parent, program);
        let held = branch.hold(args.bytes(), limits.tree_values);
        let fits = held.is_ok();
        let args = Args { values: args, held: held.unwrap_or_default() };
        let child = Call::child(parent, number, branch.clone(), function, args);
        if child.depth > limits.depth {
            let message = format!("`{}` was forked more than {} levels deep", child.name(), limits.depth);
            child.refuse(
                Error::new(ErrorKind::TooDeep, message)
                    .with_help("raise `Limits::depth` (`--depth`) if it is meant to nest that deeply"),
            );
        } else if !branch.count(limits.tree_forks) {
            child.refuse(too_many(limits.tree_forks));
        } else if !fits {
            child.refuse(child.holds_too_much());
        } else {
            child.spawn();
        }
        self.branch = Some(branch);
        self.futures.push(Forked { link, waited: false, call: Some(child.clone()) });
        Ok((number, child))
    }

    /// The call behind future number `number`, which was forked by link number `link`.
    ///
    /// # Errors
    ///
    /// A trap where this call has made no such future.
    pub(super) fn future(&self, link: u32, number: i32) -> Result<Arc<Call>> {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        match index.and_then(|index| self.futures.get(index)) {
            Some(Forked { link: known, call: Some(call), .. }) if *known == link => Ok(call.clone()),
            found => {
                let why = match found {
                    Some(Forked { call: None, .. }) => "was dropped",
                    Some(_) => "is of another function",
                    None => "is none of this call's futures",
                };
                let name = self.call()?.program().link_name(link);
                Err(Error::new(ErrorKind::Trap, format!("`wait` `{name}`: {number} {why}")))
            }
        }
    }

    /// The call behind a future, if it wrote something and nobody has waited for it before.
    pub(super) fn wrote(&self, number: i32) -> Option<Arc<Call>> {
        let forked = self.futures.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
        let call = forked.call.as_ref().filter(|_| !forked.waited)?;
        call.output().is_some().then(|| call.clone())
    }

    /// The result of a future that is complete; merges what it has used into this call's totals.
    ///
    /// # Errors
    ///
    /// The child's own.
    pub(super) fn take(&mut self, number: i32) -> Result<Value> {
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let Some(Forked { waited, call: Some(call), .. }) = self.futures.get_mut(index) else {
            return Err(Error::new(ErrorKind::Trap, format!("{number} is none of this call's futures")));
        };
        if !std::mem::replace(waited, true) {
            let usage = call.used();
            self.waited.fuel = self.waited.fuel.saturating_add(usage.fuel);
            self.waited.forks = self.waited.forks.saturating_add(usage.forks).saturating_add(1);
            // However the forks of the tree were counted while it ran, this is what the program does.
            let limit = call.program().runtime.limits.tree_forks;
            if self.waited.forks > limit {
                return Err(call.locate(too_many(limit)));
            }
        }
        let result = call.cell.get().unwrap_or_else(|| {
            Err(Error::new(ErrorKind::NotReady, "the child's result was taken before it was there"))
        });
        result.map_err(|error| if error.chain().is_empty() { call.locate(error) } else { error })
    }

    /// Forgets a future that the guest has dropped: what nobody can see any more is abandoned.
    ///
    /// # Errors
    ///
    /// A trap where this call has made no such future.
    pub(super) fn forget(&mut self, link: u32, number: i32) -> Result<()> {
        let call = self.future(link, number)?;
        if let Some(forked) = usize::try_from(number - 1).ok().and_then(|index| self.futures.get_mut(index)) {
            forked.call = None;
        }
        if !call.cell.is_done() {
            call.abandon();
        }
        Ok(())
    }

    /// Whether a wait of that link gives failures to the guest. `asked`: it is one that always does.
    pub(super) fn catches(&self, link: u32, asked: bool) -> bool {
        asked || self.call().is_ok_and(|call| call.program().catches(link))
    }

    /// How many futures the call has not dropped. `numbers`: it could not, as to a core module they are numbers; then, how
    /// many it has not waited for.
    pub(super) fn alive(&self, numbers: bool) -> usize {
        self.futures.iter().filter(|forked| forked.call.is_some() && !(numbers && forked.waited)).count()
    }

    /// Ends the call: what it forked and nobody can see any more is abandoned. Returns what its children have used.
    pub(super) fn end(self) -> Usage {
        for call in self.futures.iter().filter_map(|forked| forked.call.as_ref()) {
            if !call.cell.is_done() {
                call.abandon();
            }
        }
        self.waited
    }

    /// The branch for a call of `program` that is forked now, by this thread.
    fn branch(&self, parent: &Call, program: Seen<'_>) -> Arc<Branch> {
        let worker = parent.program().runtime.threads.worker();
        match (&self.branch, &parent.home) {
            (Some(branch), _) | (None, Home::Branch(branch)) => branch.for_calls(program, worker),
            (None, Home::Program(_)) => Branch::new(program, worker),
        }
    }

    fn call(&self) -> Result<&Arc<Call>> {
        match &self.owner {
            Owner::Call(call) => Ok(call),
            Owner::Lone(_) | Owner::Nobody => Err(Error::new(ErrorKind::Trap, "a fork outside of any call")),
        }
    }
}

fn too_many(limit: u64) -> Error {
    Error::new(ErrorKind::TooManyForks, format!("the tree of calls forked more than {limit} times"))
        .with_help("raise `Limits::tree_forks` if it is meant to fork that often")
        .ending_tree()
}

impl Carried for Frame {
    fn stopped(&self) -> Option<Error> {
        match &self.owner {
            Owner::Call(call) => call.stopped(),
            Owner::Lone(lone) => lone.stopped(),
            Owner::Nobody => None,
        }
    }

    #[inline]
    fn leave(&mut self) {
        // Named one by one, so that whatever is added is let go of, too.
        let Frame { owner, futures, branch, waited } = self;
        // What is known of a lone call is its module's, or written anew when the next one enters.
        if !matches!(owner, Owner::Lone(_)) {
            *owner = Owner::Nobody;
        }
        *futures = Vec::new();
        *branch = None;
        *waited = Usage::default();
    }

    fn check_future(&self, link: u32, number: u32) -> Result<()> {
        self.future(link, number.cast_signed()).map(drop)
    }
}
