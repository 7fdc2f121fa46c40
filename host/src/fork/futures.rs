//! The futures that a call has made.

use super::branch::Branch;
use super::call::{Args, Call, ProgramHandle, Used};
use super::program::ProgramRef;
use super::script::{Script, Scripted};
use crate::error::{Error, ErrorKind, Result};
use crate::event::CallEventKind;
use crate::future::Place;
use crate::limits::Usage;
use crate::sandbox::Futures;
use crate::value::{Value, Values};
use crate::wasi::Output;
use smallvec::SmallVec;
use std::sync::Arc;
use std::task::{Poll, Waker};

/// The futures that a call has made.
///
/// They are numbered 1, 2, 3 … in the order of forking, and no number is used twice: what numbers a call sees is a result of what
/// it does, not of what ran in its sandbox before.
pub(super) struct CallFutures {
    call: Arc<Call>,
    futures: SmallVec<[Forked; 4]>,
    /// The branch that the last fork was part of.
    branch: Option<Arc<Branch>>,
    /// What the children have used that were waited for.
    waited: Usage,
    /// Fuel that the call had left when it last came here, if it is observed.
    left: u64,
    suspended: bool,
}

struct Forked {
    /// Which of the module's imports it was forked by.
    link: u32,
    waited: bool,
    /// None once the guest has dropped the future; its number is not used again.
    call: Option<Arc<Call>>,
    /// Among those who wait for it.
    place: Option<Place>,
}

impl CallFutures {
    pub(super) fn new(call: Arc<Call>) -> CallFutures {
        CallFutures {
            call,
            futures: SmallVec::new(),
            branch: None,
            waited: Usage::default(),
            left: 0,
            suspended: false,
        }
    }

    /// Where a future is that was forked by link number `link`.
    ///
    /// # Errors
    ///
    /// A trap where this call has made no such future.
    fn find(&self, link: u32, number: i32) -> Result<usize> {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        match index.and_then(|index| Some((index, self.futures.get(index)?))) {
            Some((index, Forked { link: known, call: Some(_), .. })) if *known == link => Ok(index),
            found => {
                let why = match found {
                    Some((_, Forked { call: None, .. })) => "was dropped",
                    Some(_) => "is of another function",
                    None => "is none of this call's futures",
                };
                let name = self.call.program().link_name(link);
                Err(Error::new(ErrorKind::Trap, format!("`wait` `{name}`: {number} {why}")))
            }
        }
    }

    /// The fuel that the call has used itself, if it is observed.
    fn used(&self) -> u64 {
        self.call.program().runtime.limits.fuel.saturating_sub(self.left)
    }

    /// A call that is complete, with what the script says. It is none of any function: nobody asks.
    fn scripted(&self, script: &dyn Script, number: u32, link: u32, args: &Values) -> Arc<Call> {
        let program = self.call.program();
        let known = &program.facts.forks[link as usize];
        let Scripted { result, output } = script.child(number, &known.name, args);
        let branch = self.branch(&self.call, program.as_ref());
        let child = Call::child(&self.call, (number, None), branch, self.call.function, Args::default());
        child.withdraw();
        child.finish(result, Used::default(), output);
        child
    }

    /// The branch for a call of `program` that is forked now, by this thread.
    fn branch(&self, parent: &Call, program: ProgramRef<'_>) -> Arc<Branch> {
        let worker = parent.program().runtime.threads.worker();
        match (&self.branch, &parent.program) {
            (Some(branch), _) | (None, ProgramHandle::Branch(branch)) => branch.for_calls(program, worker),
            (None, ProgramHandle::Program(_, observer)) => Branch::new(program, worker, observer.as_ref()),
        }
    }
}

impl Futures for CallFutures {
    fn fork(&mut self, link: u32, args: Values) -> Result<i32> {
        let parent = &self.call;
        let limits = &parent.program().runtime.limits;
        let number = u32::try_from(self.futures.len() + 1).unwrap_or(u32::MAX);
        if number > limits.forks {
            let message = format!("`{}` forked more than {} times", parent.name(), limits.forks);
            return Err(Error::new(ErrorKind::TooManyForks, message)
                .with_help("raise `Limits::forks` if it is meant to fork that often"));
        }
        if let Some(script) = &parent.program().script {
            let child = self.scripted(&**script, number, link, &args);
            self.futures.push(Forked { link, waited: false, call: Some(child), place: None });
            return Ok(number.cast_signed());
        }
        let (program, function) = parent.program().target(link)?;
        let branch = self.branch(parent, program);
        let charge = branch.hold(args.bytes(), limits.tree_values);
        let fits = charge.is_ok();
        let args = Args { values: args, charge: charge.unwrap_or_default() };
        let task = parent.tell_forks(program.member(), function, &args.values, number, self.used());
        let child = Call::child(parent, (number, task), branch.clone(), function, args);
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
            child.hand_over();
        }
        self.branch = Some(branch);
        self.futures.push(Forked { link, waited: false, call: Some(child), place: None });
        Ok(number.cast_signed())
    }

    fn observed(&self) -> bool {
        self.call.task.is_some()
    }

    fn at(&mut self, left: u64) {
        self.left = left;
    }

    fn waits(&self, number: i32) {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let forked = index.and_then(|index| self.futures.get(index));
        if let Some(call) = forked.and_then(|forked| forked.call.as_ref()) {
            call.tell(self.used(), CallEventKind::Wait);
        }
    }

    fn check(&self, link: u32, number: i32) -> Result<()> {
        self.find(link, number).map(drop)
    }

    fn poll_wait(&mut self, link: u32, number: i32, waker: &Waker) -> Poll<Result<()>> {
        let index = match self.find(link, number) {
            Ok(index) => index,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let Forked { call, place, .. } = &mut self.futures[index];
        let pending = call.as_ref().is_some_and(|call| call.cell.wake(place, waker));
        if pending != self.suspended && self.call.task.is_some() {
            self.suspended = pending;
            let kind = if pending { CallEventKind::Suspend } else { CallEventKind::Resume };
            self.call.tell(self.used(), kind);
        }
        if pending { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn written(&self, number: i32) -> Option<Arc<Output>> {
        let forked = self.futures.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
        forked.call.as_ref().filter(|_| !forked.waited)?.output().cloned()
    }

    fn take(&mut self, number: i32) -> Result<Value> {
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let Some(Forked { waited, call: Some(call), .. }) = self.futures.get_mut(index) else {
            return Err(Error::new(ErrorKind::Trap, format!("{number} is none of this call's futures")));
        };
        if !std::mem::replace(waited, true) {
            self.waited = self.waited.and_child(call.used());
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

    fn catches(&self, link: u32) -> bool {
        self.call.program().catches(link)
    }

    fn abandon(&mut self, link: u32, number: i32) -> Result<()> {
        let index = self.find(link, number)?;
        if let Some(call) = self.futures[index].call.take()
            && !call.cell.is_done()
        {
            call.abandon();
        }
        Ok(())
    }

    fn alive(&self, numbers: bool) -> usize {
        self.futures.iter().filter(|forked| forked.call.is_some() && !(numbers && forked.waited)).count()
    }

    fn end(self: Box<Self>) -> Usage {
        for call in self.futures.iter().filter_map(|forked| forked.call.as_ref()) {
            if !call.cell.is_done() {
                call.abandon();
            }
        }
        self.waited
    }
}

fn too_many(limit: u64) -> Error {
    Error::new(ErrorKind::TooManyForks, format!("the tree of calls forked more than {limit} times"))
        .with_help("raise `Limits::tree_forks` if it is meant to fork that often")
        .ending_tree()
}
