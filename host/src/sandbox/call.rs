//! One call in one sandbox: arguments in, the function, results out.

use super::host::{checked_place, from_bits, is_stopped, realloc_args, stopped, unfit_value, wrong_value};
use super::parts::Passing;
use super::plan::{Entry, Loaded};
use super::run::unfit;
use super::wasi::{Exit, State};
use super::{Carried, Plan, Room, Sandbox, Stop, val_type};
use crate::abi::{self, Budget, Flat, Look, Space, Writer, Wrong};
use crate::engine::HOST_STACK;
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{CoreType, Lifted};
use crate::value::{Type, Value, Values, from_slots};
use smallvec::SmallVec;
use std::convert::Infallible;
use wasmtime::{AsContextMut, Func, Memory, Val};

/// What a call needs to know of its function.
struct Target<'a, D: Carried> {
    plan: &'a Plan<D>,
    number: u32,
    loaded: &'a Loaded<D>,
    entry: &'a Entry,
    lifted: &'a Lifted,
    params: &'a [Type],
    results: &'a [Type],
}

#[inline(always)]
fn target<'a, D: Carried>(plan: &'a Plan<D>, loaded: &'a Loaded<D>, function: u32) -> Target<'a, D> {
    let (params, results) = plan.signature(function);
    let entry = &loaded.functions[function as usize];
    Target { plan, number: function, loaded, entry, lifted: plan.lifted(function), params, results }
}

impl<D: Carried> Sandbox<D> {
    /// Calls a function that cannot fork, on the stack of this thread. The sandbox was prepared for that.
    ///
    /// # Errors
    ///
    /// What happened to the call. The sandbox must not be used again then.
    pub(crate) fn call(&mut self, plan: &Plan<D>, function: u32, args: &mut Values) -> Result<Value> {
        let loaded = self.loaded.take().ok_or_else(|| unfit(plan, function))?;
        let called = self.run(&target(plan, &loaded, function), args);
        self.loaded = Some(loaded);
        called.map_err(|error| self.explain(plan, function, error))
    }

    /// Calls a function that may fork, on a stack of its own, which is set aside while it waits. The sandbox was prepared for
    /// that.
    ///
    /// # Errors
    ///
    /// As [`Sandbox::call`].
    pub(crate) async fn call_async(&mut self, plan: &Plan<D>, function: u32, args: Values) -> Result<Value> {
        let loaded = self.loaded.take().ok_or_else(|| unfit(plan, function))?;
        let called = self.run_async(&target(plan, &loaded, function), args).await;
        self.loaded = Some(loaded);
        called.map_err(|error| self.explain(plan, function, error))
    }

    #[inline(always)]
    fn run(&mut self, target: &Target<'_, D>, args: &mut Values) -> wasmtime::Result<Value> {
        if target.lifted.program {
            let function = self.program(target, args)?;
            let ended = self.raw(function, &[], &[], &target.lifted.results);
            return self.ended(ended);
        }
        if let (Values::Slots(args), None) = (&*args, target.entry.passing) {
            let function = self.function(target, target.entry.function)?;
            let Lifted { params, results, .. } = target.lifted;
            return self.enter(function, args, params, results, |words| plain(target.results, words));
        }
        let args = std::mem::take(args);
        let Some((constructor, method, first, rest)) = self.receiver(target, &args)? else {
            return self.stage(target, args).and_then(|flat| self.finish(target, &flat));
        };
        let made = self.stage(&constructor, first)?;
        self.finish(&constructor, &made)?;
        let (args, representation) = self.made(target, &made, rest)?;
        let flat = self.stage(&method, args)?;
        let value = self.finish(&method, &flat)?;
        if let Some(destructor) = self.unmade(target)? {
            self.raw(destructor, &[representation.into()], &[CoreType::I32], &[])?;
        }
        Ok(value)
    }

    async fn run_async(&mut self, target: &Target<'_, D>, args: Values) -> wasmtime::Result<Value> {
        if target.lifted.program {
            let function = self.program(target, &args)?;
            let ended = self.on_fiber(function, &[], &[], &target.lifted.results).await;
            return self.ended(ended);
        }
        let Some((constructor, method, first, rest)) = self.receiver(target, &args)? else {
            let flat = self.stage_async(target, args).await?;
            return self.finish_async(target, &flat).await;
        };
        let made = self.stage_async(&constructor, first).await?;
        self.finish_async(&constructor, &made).await?;
        let (args, representation) = self.made(target, &made, rest)?;
        let flat = self.stage_async(&method, args).await?;
        let value = self.finish_async(&method, &flat).await?;
        if let Some(destructor) = self.unmade(target)? {
            self.on_fiber(destructor, &[representation.into()], &[CoreType::I32], &[]).await?;
        }
        Ok(value)
    }

    /// Gives a program its arguments and its stdin.
    fn program(&mut self, target: &Target<'_, D>, args: &Values) -> wasmtime::Result<Func> {
        let values = args.of(target.params).ok_or_else(|| self.unfit(target))?;
        let Ok([Value::List(args), Value::List(stdin)]) = <[Value; 2]>::try_from(values.collect::<Vec<_>>()) else {
            return Err(self.unfit(target));
        };
        let mut texts = Vec::new();
        for arg in args.iter() {
            match arg {
                Value::String(text) if !text.contains('\0') => texts.push(text),
                _ => {
                    let error = Error::new(
                        ErrorKind::ArgumentMismatch,
                        format!(
                            "argument `args` of `{}`: expected text without a NUL, at which a program takes an argument to end",
                            target.plan.name(target.number)
                        ),
                    );
                    return Err(Stop(error).into());
                }
            }
        }
        let state = State::of_program(texts, stdin, target.plan.limits().output);
        self.store.data_mut().call.wasi = Some(Box::new(state));
        self.function(target, target.entry.function)
    }

    /// What a program gives: its status and what it wrote. Of what is noted, the rest stays with the call.
    fn ended(&mut self, ended: wasmtime::Result<Flat>) -> wasmtime::Result<Value> {
        let status = match ended {
            // Of a component, the result's case; a core module's function that returns has succeeded.
            Ok(flat) => u8::from(flat.first().is_some_and(|case| *case != 0)),
            Err(error) => match error.downcast_ref::<Exit>() {
                Some(Exit(status)) => {
                    self.unwound();
                    *status
                }
                None => return Err(error),
            },
        };
        let (stdout, stderr) =
            self.store.data_mut().call.wasi.as_mut().map(|state| state.take_written()).unwrap_or_default();
        Ok(Value::record([
            ("status", Value::U8(status)),
            ("stdout", Value::from(stdout)),
            ("stderr", Value::from(stderr)),
        ]))
    }

    /// Passes the arguments and calls the function.
    fn stage(&mut self, target: &Target<'_, D>, args: Values) -> wasmtime::Result<Flat> {
        let flat = match self.on_stack(target, args)? {
            Ok(flat) => flat,
            Err((passing, values)) => {
                let mut places = Vec::new();
                for space in self.spaces(target, passing, &values)? {
                    let args = realloc_args(space)?.map(u64::from);
                    let realloc = self.realloc(target, passing)?;
                    self.store.data_mut().call.may_leave = false;
                    let place = self.raw(realloc, &args, &[CoreType::I32; 4], &[CoreType::I32])?;
                    self.store.data_mut().call.may_leave = true;
                    places.push((checked_place(place[0] as u32, space)?, space));
                }
                self.lower(target, passing, values, places)?
            }
        };
        let function = self.function(target, target.entry.function)?;
        self.raw(function, &flat, &target.lifted.params, &target.lifted.results)
    }

    async fn stage_async(&mut self, target: &Target<'_, D>, args: Values) -> wasmtime::Result<Flat> {
        let flat = match self.on_stack(target, args)? {
            Ok(flat) => flat,
            Err((passing, values)) => {
                let mut places = Vec::new();
                for space in self.spaces(target, passing, &values)? {
                    let args = realloc_args(space)?.map(u64::from);
                    let realloc = self.realloc(target, passing)?;
                    let place = self.helper(target, realloc, &args, &[CoreType::I32; 4], &[CoreType::I32]).await?;
                    places.push((checked_place(place[0] as u32, space)?, space));
                }
                self.lower(target, passing, values, places)?
            }
        };
        let function = self.function(target, target.entry.function)?;
        self.on_fiber(function, &flat, &target.lifted.params, &target.lifted.results).await
    }

    /// Reads the result, and has it freed.
    fn finish(&mut self, target: &Target<'_, D>, flat: &[u64]) -> wasmtime::Result<Value> {
        let value = self.lift(target, flat)?;
        if let Some(post_return) = target.entry.post_return {
            let post_return = self.function(target, post_return)?;
            self.store.data_mut().call.may_leave = false;
            self.raw(post_return, flat, &target.lifted.results, &[])?;
            self.store.data_mut().call.may_leave = true;
        }
        Ok(value)
    }

    async fn finish_async(&mut self, target: &Target<'_, D>, flat: &[u64]) -> wasmtime::Result<Value> {
        let value = self.lift(target, flat)?;
        if let Some(post_return) = target.entry.post_return {
            let post_return = self.function(target, post_return)?;
            self.helper(target, post_return, flat, &target.lifted.results, &[]).await?;
        }
        Ok(value)
    }

    /// For a method: its resource's constructor and itself, and the arguments of each; the method's without the handle.
    #[allow(clippy::type_complexity)]
    fn receiver<'a>(
        &self,
        target: &Target<'a, D>,
        args: &Values,
    ) -> wasmtime::Result<Option<(Target<'a, D>, Target<'a, D>, Values, Vec<Value>)>> {
        let (Some(receiving), Some(receiver)) = (&target.entry.receiver, &target.lifted.receiver) else {
            return Ok(None);
        };
        let values = args.of(target.params).ok_or_else(|| self.unfit(target))?;
        let mut first: Vec<Value> = values.collect();
        let rest = first.split_off(receiver.params);
        let constructor = Target {
            entry: &receiving.constructor,
            lifted: &receiver.constructor,
            params: &receiving.made_of,
            results: &[],
            ..*target
        };
        let method = Target { params: &receiving.params, ..*target };
        Ok(Some((constructor, method, first.into_iter().collect(), rest)))
    }

    /// The method's arguments, now that its resource is there, and what is behind the handle.
    fn made(&mut self, target: &Target<'_, D>, made: &[u64], rest: Vec<Value>) -> wasmtime::Result<(Values, u32)> {
        let Some(receiver) = &target.lifted.receiver else { return Err(self.unfit(target)) };
        let Room { handles, call, .. } = self.store.data_mut();
        let representation = handles.take(receiver.given, made.first().copied().unwrap_or_default() as u32)?;
        let handle = handles.receiver(call.lending(), receiver.taken, representation, receiver.owned)?;
        Ok(([Value::U32(handle)].into_iter().chain(rest).collect(), representation))
    }

    /// What destroys the method's resource, if it is still there after the call.
    fn unmade(&mut self, target: &Target<'_, D>) -> wasmtime::Result<Option<Func>> {
        let Room { handles, call, .. } = self.store.data_mut();
        handles.exit(call.lending())?;
        let owned = target.lifted.receiver.as_ref().is_some_and(|receiver| receiver.owned);
        match target.entry.receiver.as_ref().and_then(|receiving| receiving.destructor) {
            Some(destructor) if !owned => self.function(target, destructor).map(Some),
            _ => Ok(None),
        }
    }

    /// Calls what makes room for values, or frees them: here, if it cannot reach the host.
    async fn helper(
        &mut self,
        target: &Target<'_, D>,
        function: Func,
        flat: &[u64],
        params: &[CoreType],
        results: &[CoreType],
    ) -> wasmtime::Result<Flat> {
        self.store.data_mut().call.may_leave = false;
        let flat = if target.lifted.helpers_leave {
            self.on_fiber(function, flat, params, results).await?
        } else {
            // This thread is whoever's: a fork's own stack is not yet made, or set aside.
            let stack = target.plan.limits().stack + HOST_STACK;
            stacker::maybe_grow(stack, stack + HOST_STACK, || self.raw(function, flat, params, results))?
        };
        self.store.data_mut().call.may_leave = true;
        Ok(flat)
    }

    /// Calls a function of the guest on the stack of this thread.
    fn raw(&mut self, func: Func, flat: &[u64], params: &[CoreType], results: &[CoreType]) -> wasmtime::Result<Flat> {
        self.enter(func, flat, params, results, |words| words.collect())
    }

    /// Calls a function of the guest on a stack of its own.
    async fn on_fiber(
        &mut self,
        func: Func,
        flat: &[u64],
        params: &[CoreType],
        results: &[CoreType],
    ) -> wasmtime::Result<Flat> {
        let mut bits = flat.iter().copied();
        let mut next = || bits.next().unwrap_or_default();
        let args: SmallVec<[Val; 4]> = params
            .iter()
            .map(|ty| match ty {
                CoreType::V128 => Val::V128((u128::from(next()) | u128::from(next()) << 64).into()),
                ty => from_bits(&val_type(*ty), next()),
            })
            .collect();
        let mut out: SmallVec<[Val; 2]> = results.iter().map(|_| Val::I32(0)).collect();
        func.call_async(&mut self.store, &args, &mut out).await?;
        let mut flat = Flat::new();
        for val in &out {
            match val {
                Val::I32(v) => flat.push(v.cast_unsigned().into()),
                Val::I64(v) => flat.push(v.cast_unsigned()),
                Val::F32(bits) => flat.push((*bits).into()),
                Val::F64(bits) => flat.push(*bits),
                Val::V128(v) => {
                    let bits = v.as_u128();
                    flat.extend([bits as u64, (bits >> 64) as u64]);
                }
                _ => flat.push(0),
            }
        }
        Ok(flat)
    }

    /// The arguments as core values, if they all go on the stack; else how they are passed.
    #[allow(clippy::type_complexity)]
    fn on_stack(
        &mut self,
        target: &Target<'_, D>,
        args: Values,
    ) -> wasmtime::Result<Result<Flat, (Passing, Vec<Value>)>> {
        match (args, target.entry.passing) {
            (Values::Slots(slots), None) => Ok(Ok(slots.into_iter().collect())),
            (Values::Slots(slots), Some(_)) if target.params.len() <= abi::MAX_FLAT_PARAMS => {
                Ok(Ok(slots.into_iter().collect()))
            }
            (args, Some(passing)) => {
                let values = args.of(target.params).ok_or_else(|| self.unfit(target))?;
                Ok(Err((passing, values.collect())))
            }
            (Values::Whole(_), None) => Err(self.unfit(target)),
        }
    }

    /// Writes the arguments to where room was made for them.
    fn lower(
        &mut self,
        target: &Target<'_, D>,
        passing: Passing,
        values: Vec<Value>,
        places: Vec<(u32, Space)>,
    ) -> wasmtime::Result<Flat> {
        let memory = self.memory(target, passing)?;
        let (bytes, room) = match &memory {
            Some(memory) => memory.data_and_store_mut(&mut self.store),
            None => (Default::default(), self.store.data_mut()),
        };
        let ranges = places.iter().map(|(place, space)| (*place, space.size));
        let bytes = target.loaded.located.own_mut(bytes, ranges);
        let places = places.iter().map(|(place, _)| *place).collect::<Vec<_>>();
        let has_stopped = || is_stopped(&room.carried);
        let look = Look::new(&has_stopped);
        let mut writer = Writer { memory: bytes, encoding: passing.encoding, places: places.into_iter(), look };
        let mut flat = Flat::new();
        let no_room = |unfit| {
            unfit_value(unfit, &room.carried, || {
                super::host::trap("the guest made no room for its arguments within its memory")
            })
        };
        if in_memory(target) {
            let place = writer.places.next().unwrap_or_default();
            flat.push(place.into());
            abi::store_all(&mut writer, target.params, &values, place as usize).map_err(no_room)?;
        } else {
            for (ty, value) in target.params.iter().zip(&values) {
                abi::lower(&mut writer, ty, value, &mut flat).map_err(no_room)?;
            }
        }
        Ok(flat)
    }

    /// The result that core values stand for.
    fn lift(&mut self, target: &Target<'_, D>, flat: &[u64]) -> wasmtime::Result<Value> {
        let Some(passing) = target.entry.passing else {
            return Ok(plain(target.results, &mut flat.iter().copied()));
        };
        let Some(ty) = target.results.first() else { return Ok(Value::unit()) };
        let memory = self.memory(target, passing)?;
        let bytes = memory.as_ref().map(|memory| memory.data(&self.store)).unwrap_or_default();
        let bytes = target.loaded.located.own(bytes);
        let room = self.store.data();
        let has_stopped = || is_stopped(&room.carried);
        let mut budget = Budget::new(room.budget, Look::new(&has_stopped));
        let lifted = if abi::flat_count(ty) > abi::MAX_FLAT_RESULTS {
            let at = flat.first().copied().unwrap_or_default() as u32;
            abi::load(bytes, passing.encoding, ty, at, &mut budget)
        } else {
            abi::lift(bytes, passing.encoding, ty, &mut &*flat, &mut budget)
        };
        lifted.map_err(|wrong| match wrong {
            Wrong::Stopped => stopped(&room.carried),
            wrong => wrong_value(wrong, &format!("`{}` returned", target.plan.name(target.number))),
        })
    }

    /// The spaces that the arguments take, in the order in which they are asked for.
    fn spaces(&self, target: &Target<'_, D>, passing: Passing, values: &[Value]) -> wasmtime::Result<Vec<Space>> {
        let carried = &self.store.data().carried;
        let has_stopped = || is_stopped(carried);
        let mut look = Look::new(&has_stopped);
        let mut spaces = Vec::new();
        if in_memory(target) {
            spaces.push(abi::tuple_space(target.params.iter()));
        }
        for (ty, value) in target.params.iter().zip(values) {
            let fits = abi::spaces(ty, value, passing.encoding, &mut spaces, &mut look);
            fits.map_err(|unfit| unfit_value(unfit, carried, || self.unfit(target)))?;
        }
        Ok(spaces)
    }

    fn function(&mut self, target: &Target<'_, D>, number: usize) -> wasmtime::Result<Func> {
        let function = target.loaded.located.function(self.store.as_context_mut(), number);
        function.ok_or_else(|| self.unfit(target))
    }

    fn realloc(&mut self, target: &Target<'_, D>, passing: Passing) -> wasmtime::Result<Func> {
        match passing.realloc {
            Some(number) => self.function(target, number),
            None => Err(self.unfit(target)),
        }
    }

    fn memory(&mut self, target: &Target<'_, D>, passing: Passing) -> wasmtime::Result<Option<Memory>> {
        let Some(number) = passing.memory else { return Ok(None) };
        let memory = target.loaded.located.memory(self.store.as_context_mut(), number);
        memory.map(Some).ok_or_else(|| self.unfit(target))
    }

    #[cold]
    fn unfit(&self, target: &Target<'_, D>) -> wasmtime::Error {
        Stop(unfit(target.plan, target.number)).into()
    }
}

/// The result that a core module's function gives.
#[inline]
fn plain(types: &[Type], words: &mut impl Iterator<Item = u64>) -> Value {
    let mut slot = || Ok::<_, Infallible>(words.next().unwrap_or_default());
    let mut value = |ty| match from_slots(ty, &mut slot) {
        Ok(value) => value,
    };
    match types {
        [] => Value::unit(),
        [ty] => value(ty),
        types => Value::Tuple(types.iter().map(value).collect()),
    }
}

/// Whether the parameters are passed in memory as a whole.
fn in_memory<D: Carried>(target: &Target<'_, D>) -> bool {
    target.params.iter().map(abi::flat_count).sum::<usize>() > abi::MAX_FLAT_PARAMS
}
