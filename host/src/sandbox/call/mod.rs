//! One call in one sandbox: arguments in, the function, results out.

mod enter;
mod method;
mod program;
mod target;
mod values;

use super::error::DeadlinePassed;
use super::lifecycle::Sandbox;
use crate::abi::{Answer, Flat, Places};
use crate::engine::HOST_STACK;
use crate::error::{Error, ErrorKind, Result};
use crate::ir::CoreType;
use crate::sandbox::realloc::{checked_place, realloc_args};
use crate::value::{Json, Value, Values};
use method::Method;
use target::Target;
use values::plain;
use wasmtime::Func;

pub(crate) use enter::Prepared;

/// What a function gave whose result was to be written as JSON.
pub(crate) enum Given {
    /// What was written.
    Json(Answer),
    /// It was not written.
    Value(Value),
}

impl Sandbox {
    /// Calls a function that cannot fork, on the stack of this thread. The sandbox was taken for that. What comes of it is written
    /// where it stays, as moving what was just written is slow: the value, or what happened to the call. The sandbox must not be
    /// used again after an error.
    pub(crate) fn call(&mut self, function: u32, args: &mut Values, result: &mut Result<Value>) {
        let Some(loaded) = self.loaded.take() else { return *result = Err(lost()) };
        let target = Target::new(&loaded, function);
        let called = match (&*args, target.entry.options) {
            (Values::Slots(args), None) if !target.is_program => {
                let (core, results) = (target.core, target.results);
                self.function(&target, target.entry.function).and_then(|function| {
                    self.enter(function, args, &core.params, &core.results, |words| *result = Ok(plain(results, words)))
                })
            }
            _ => self.run_here(&target, std::mem::take(args)).map(|value| *result = Ok(value)),
        };
        self.loaded = Some(loaded);
        if let Err(error) = called.and_then(|()| self.within_limits()) {
            *result = Err(self.explain(function, error));
        }
    }

    /// As [`Sandbox::call`], with the result written as JSON where that can be done without a value; if not, it is given.
    ///
    /// # Errors
    ///
    /// What happened to the call. The sandbox must not be used again.
    pub(crate) fn call_json(&mut self, function: u32, args: &mut Values, json: &mut Json<'_>) -> Result<Given> {
        let Some(loaded) = self.loaded.take() else { return Err(lost()) };
        let target = Target::new(&loaded, function);
        let called = if target.is_program || target.function.receiver.is_some() {
            self.run_here(&target, std::mem::take(args)).map(Given::Value)
        } else {
            self.json_here(&target, std::mem::take(args), json)
        };
        self.loaded = Some(loaded);
        match called.and_then(|given| self.within_limits().map(|()| given)) {
            Ok(given) => Ok(given),
            Err(error) => Err(self.explain(function, error)),
        }
    }

    fn json_here(&mut self, target: &Target<'_>, args: Values, json: &mut Json<'_>) -> wasmtime::Result<Given> {
        let flat = self.pass_here(target, args)?;
        let given = match self.lift_json(target, &flat, json)? {
            Some(answer) => Given::Json(answer),
            None => Given::Value(self.lift(target, &flat)?),
        };
        self.free_here(target, &flat)?;
        Ok(given)
    }

    /// Prepares a function to be called more than once in this sandbox; none if it has to be called by [`Sandbox::call`].
    pub(crate) fn prepare(&mut self, function: u32) -> Option<Prepared> {
        let loaded = self.loaded.take()?;
        let target = Target::new(&loaded, function);
        let prepared = target.passes_scalars().then(|| {
            let func = self.function(&target, target.entry.function).ok();
            func.and_then(|func| self.prepared(func, target.core))
        });
        let prepared = prepared.flatten();
        self.loaded = Some(loaded);
        prepared
    }

    /// As [`Sandbox::call`], of a function that was prepared in this sandbox: gives the slot of its result.
    ///
    /// # Errors
    ///
    /// What happened to the call.
    #[inline]
    pub(crate) fn call_prepared(&mut self, prepared: &Prepared, function: u32, args: &[u64]) -> Result<u64> {
        let called = self.enter_prepared(prepared, args);
        match called.and_then(|slot| self.within_limits().map(|()| slot)) {
            Ok(slot) => Ok(slot),
            Err(error) => Err(self.explain(function, error)),
        }
    }

    /// Calls a function that may fork, on a stack of its own, which is set aside while it waits. The sandbox was taken for that.
    ///
    /// # Errors
    ///
    /// As [`Sandbox::call`].
    pub(crate) async fn call_async(&mut self, function: u32, args: Values) -> Result<Value> {
        let Some(loaded) = self.loaded.take() else { return Err(lost()) };
        let called = self.run_on_fiber(&Target::new(&loaded, function), args).await;
        let called = called.and_then(|value| self.within_limits().map(|()| value));
        self.loaded = Some(loaded);
        called.map_err(|error| self.explain(function, error))
    }

    /// A value that has come after the deadline is none: whoever set it does not wait for it any more. Nor is one for which more fuel was
    /// used than there was: wasmtime looks for it only where a function or a loop begins.
    #[inline]
    fn within_limits(&self) -> wasmtime::Result<()> {
        if self.store.data().interrupts.is_late() {
            return Err(DeadlinePassed.into());
        }
        self.within_fuel()
    }

    /// Calls what makes room for values, or frees them.
    fn helper_here(
        &mut self,
        _: &Target<'_>,
        function: Func,
        flat: &[u64],
        types: (&[CoreType], &[CoreType]),
    ) -> wasmtime::Result<Flat> {
        self.store.data_mut().call.may_leave = false;
        let flat = self.call_here(function, flat, types)?;
        self.store.data_mut().call.may_leave = true;
        Ok(flat)
    }

    /// The same of a guest that runs on a fiber.
    async fn helper_on_fiber(
        &mut self,
        target: &Target<'_>,
        function: Func,
        flat: &[u64],
        types: (&[CoreType], &[CoreType]),
    ) -> wasmtime::Result<Flat> {
        self.store.data_mut().call.may_leave = false;
        let flat = if target.core.helpers_leave {
            self.call_on_fiber(function, flat, types).await?
        } else {
            // What cannot reach the host needs no fiber. But this thread is whoever's: a fork's own stack is not yet made, or
            // set aside.
            let stack = target.definition.limits.stack + HOST_STACK;
            stacker::maybe_grow(stack, stack + HOST_STACK, || self.call_here(function, flat, types))?
        };
        self.store.data_mut().call.may_leave = true;
        Ok(flat)
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

/// On this thread's stack, what a guest does is there at once; on a fiber it is waited for.
macro_rules! here {
    ($called:expr) => {
        $called
    };
}
macro_rules! on_fiber {
    ($called:expr) => {
        $called.await
    };
}

/// The body of every call but those whose arguments and results are core values: written once, and compiled for both stacks, as a
/// future that never waits takes a fifth longer than a function.
macro_rules! body {
    ([$($async:ident)?] $stack:ident, $run:ident, $pass:ident, $finish:ident, $free:ident, $call:ident, $helper:ident) => {
        $($async)? fn $run(&mut self, target: &Target<'_>, args: Values) -> wasmtime::Result<Value> {
            if target.is_program {
                let function = self.program(target, &args)?;
                let ended = $stack!(self.$call(function, &[], (&[], &target.core.results)));
                return self.program_ended(ended);
            }
            let Some(Method { constructor, method, made_of, rest }) = self.method(target, &args)? else {
                let flat = $stack!(self.$pass(target, args))?;
                return $stack!(self.$finish(target, &flat));
            };
            let made = $stack!(self.$pass(&constructor, made_of))?;
            $stack!(self.$finish(&constructor, &made))?;
            let (args, representation) = self.receiver(target, &made, rest)?;
            let flat = $stack!(self.$pass(&method, args))?;
            let value = $stack!(self.$finish(&method, &flat))?;
            if let Some(destructor) = self.method_ended(target)? {
                $stack!(self.$call(destructor, &[representation.into()], (&[CoreType::I32], &[])))?;
            }
            Ok(value)
        }

        /// Passes the arguments and calls the function.
        $($async)? fn $pass(&mut self, target: &Target<'_>, args: Values) -> wasmtime::Result<Flat> {
            let flat = match self.on_stack(target, args)? {
                Ok(flat) => flat,
                Err((options, values)) => {
                    let spaces = self.spaces(target, options, &values)?;
                    let mut places = Places::new();
                    for space in &spaces {
                        let args = realloc_args(*space)?.map(u64::from);
                        let realloc = self.realloc(target, options)?;
                        let types: (&[_], &[_]) = (&[CoreType::I32; 4], &[CoreType::I32]);
                        let place = $stack!(self.$helper(target, realloc, &args, types))?;
                        places.push(checked_place(place[0] as u32, *space)?);
                    }
                    self.lower(target, options, values, &spaces, places)?
                }
            };
            let function = self.function(target, target.entry.function)?;
            $stack!(self.$call(function, &flat, (&target.core.params, &target.core.results)))
        }

        /// Reads the result, and has it freed.
        $($async)? fn $finish(&mut self, target: &Target<'_>, flat: &[u64]) -> wasmtime::Result<Value> {
            let value = self.lift(target, flat)?;
            $stack!(self.$free(target, flat))?;
            Ok(value)
        }

        /// Has the result freed, which was read.
        $($async)? fn $free(&mut self, target: &Target<'_>, flat: &[u64]) -> wasmtime::Result<()> {
            if let Some(post_return) = target.entry.post_return {
                let post_return = self.function(target, post_return)?;
                $stack!(self.$helper(target, post_return, flat, (&target.core.results, &[])))?;
            }
            Ok(())
        }
    };
}

impl Sandbox {
    body!([] here, run_here, pass_here, finish_here, free_here, call_here, helper_here);
    body!([async] on_fiber, run_on_fiber, pass_on_fiber, finish_on_fiber, free_on_fiber, call_on_fiber, helper_on_fiber);
}

/// A call was dropped half way, and its sandbox used again: that cannot happen.
#[cold]
fn lost() -> Error {
    debug_assert!(false, "a sandbox is used after its call was dropped");
    Error::new(ErrorKind::Exhausted, "the sandbox was lost with a call that was dropped")
}
