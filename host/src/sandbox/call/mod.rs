//! One call in one sandbox: arguments in, the function, results out.

mod enter;
mod method;
mod program;
mod target;
mod values;

use super::error::DeadlinePassed;
use super::lifecycle::Sandbox;
use super::ready::ready;
use crate::abi::Flat;
use crate::engine::HOST_STACK;
use crate::error::{Error, ErrorKind, Result};
use crate::ir::CoreType;
use crate::sandbox::realloc::{checked_place, realloc_args};
use crate::value::{Value, Values};
use method::Method;
use target::{Stack, Target};
use values::plain;
use wasmtime::Func;

impl Sandbox {
    /// Calls a function that cannot fork, on the stack of this thread. The sandbox was taken for that.
    ///
    /// # Errors
    ///
    /// What happened to the call. The sandbox must not be used again then.
    pub(crate) fn call(&mut self, function: u32, args: &mut Values) -> Result<Value> {
        let Some(loaded) = self.loaded.take() else { return Err(lost()) };
        let target = Target::new(&loaded, function, Stack::Thread);
        let called = match self.call_plain(&target, args) {
            Some(called) => called,
            None => ready(self.run(&target, std::mem::take(args))).unwrap_or_else(|| Err(target.unfit())),
        };
        let called = self.in_time(called);
        self.loaded = Some(loaded);
        called.map_err(|error| self.explain(function, error))
    }

    /// Calls a function that may fork, on a stack of its own, which is set aside while it waits. The sandbox was taken for that.
    ///
    /// # Errors
    ///
    /// As [`Sandbox::call`].
    pub(crate) async fn call_async(&mut self, function: u32, args: Values) -> Result<Value> {
        let Some(loaded) = self.loaded.take() else { return Err(lost()) };
        let called = self.run(&Target::new(&loaded, function, Stack::Fiber), args).await;
        let called = self.in_time(called);
        self.loaded = Some(loaded);
        called.map_err(|error| self.explain(function, error))
    }

    /// A value that has come after the deadline is none: whoever set it does not wait for it any more.
    #[inline]
    fn in_time(&self, called: wasmtime::Result<Value>) -> wasmtime::Result<Value> {
        if called.is_ok() && self.store.data().interrupts.is_late() {
            return Err(DeadlinePassed.into());
        }
        called
    }

    /// Calls a function whose arguments and results are core values, if it is one.
    #[inline(always)]
    fn call_plain(&mut self, target: &Target<'_>, args: &Values) -> Option<wasmtime::Result<Value>> {
        let Values::Slots(args) = args else { return None };
        if target.entry.options.is_some() || target.is_program {
            return None;
        }
        let results = target.results;
        Some(self.function(target, target.entry.function).and_then(|function| {
            let core = target.core;
            self.enter(function, args, &core.params, &core.results, |words| plain(results, words))
        }))
    }

    /// The body of every call but those of plain functions. It waits for nothing where the guest runs on this thread's stack.
    async fn run(&mut self, target: &Target<'_>, args: Values) -> wasmtime::Result<Value> {
        if target.is_program {
            let function = self.program(target, &args)?;
            let ended = self.call_guest(target.stack, function, &[], (&[], &target.core.results)).await;
            return self.program_ended(ended);
        }
        let Some(Method { constructor, method, made_of, rest }) = self.method(target, &args)? else {
            let flat = self.pass_and_call(target, args).await?;
            return self.finish(target, &flat).await;
        };
        let made = self.pass_and_call(&constructor, made_of).await?;
        self.finish(&constructor, &made).await?;
        let (args, representation) = self.receiver(target, &made, rest)?;
        let flat = self.pass_and_call(&method, args).await?;
        let value = self.finish(&method, &flat).await?;
        if let Some(destructor) = self.method_ended(target)? {
            self.call_guest(target.stack, destructor, &[representation.into()], (&[CoreType::I32], &[])).await?;
        }
        Ok(value)
    }

    /// Passes the arguments and calls the function.
    async fn pass_and_call(&mut self, target: &Target<'_>, args: Values) -> wasmtime::Result<Flat> {
        let flat = match self.on_stack(target, args)? {
            Ok(flat) => flat,
            Err((options, values)) => {
                let mut places = Vec::new();
                for space in self.spaces(target, options, &values)? {
                    let args = realloc_args(space)?.map(u64::from);
                    let realloc = self.realloc(target, options)?;
                    let types: (&[_], &[_]) = (&[CoreType::I32; 4], &[CoreType::I32]);
                    let place = self.call_helper(target, realloc, &args, types).await?;
                    places.push((checked_place(place[0] as u32, space)?, space));
                }
                self.lower(target, options, values, places)?
            }
        };
        let function = self.function(target, target.entry.function)?;
        self.call_guest(target.stack, function, &flat, (&target.core.params, &target.core.results)).await
    }

    /// Reads the result, and has it freed.
    async fn finish(&mut self, target: &Target<'_>, flat: &[u64]) -> wasmtime::Result<Value> {
        let value = self.lift(target, flat)?;
        if let Some(post_return) = target.entry.post_return {
            let post_return = self.function(target, post_return)?;
            self.call_helper(target, post_return, flat, (&target.core.results, &[])).await?;
        }
        Ok(value)
    }

    /// Calls what makes room for values, or frees them.
    async fn call_helper(
        &mut self,
        target: &Target<'_>,
        function: Func,
        flat: &[u64],
        types: (&[CoreType], &[CoreType]),
    ) -> wasmtime::Result<Flat> {
        self.store.data_mut().call.may_leave = false;
        let flat = match target.stack {
            // What cannot reach the host needs no fiber. But this thread is whoever's: a fork's own stack is not yet made, or
            // set aside.
            Stack::Fiber if !target.core.helpers_leave => {
                let stack = target.definition.limits.stack + HOST_STACK;
                stacker::maybe_grow(stack, stack + HOST_STACK, || self.call_here(function, flat, types))?
            }
            stack => self.call_guest(stack, function, flat, types).await?,
        };
        self.store.data_mut().call.may_leave = true;
        Ok(flat)
    }

    /// Calls a function of the guest, with parameters and results of these types.
    #[inline]
    async fn call_guest(
        &mut self,
        stack: Stack,
        function: Func,
        flat: &[u64],
        types: (&[CoreType], &[CoreType]),
    ) -> wasmtime::Result<Flat> {
        match stack {
            Stack::Thread => self.call_here(function, flat, types),
            Stack::Fiber => self.call_on_fiber(function, flat, types).await,
        }
    }

    fn call_here(
        &mut self,
        function: Func,
        flat: &[u64],
        (params, results): (&[CoreType], &[CoreType]),
    ) -> wasmtime::Result<Flat> {
        self.enter(function, flat, params, results, |words| words.collect())
    }
}

/// A call was dropped half way, and its sandbox used again: that cannot happen.
#[cold]
fn lost() -> Error {
    debug_assert!(false, "a sandbox is used after its call was dropped");
    Error::new(ErrorKind::Exhausted, "the sandbox was lost with a call that was dropped")
}
