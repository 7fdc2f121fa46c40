//! A function of the host's as a guest sees it: core values in, core values out, and memory in between.

use super::fault::Stop;
use super::parts::{Items, Located, Own, Passing, may_call_out};
use super::wasi::State;
use super::{Carried, Room};
use crate::abi::{self, Budget, Flat, Look, Unfit, Writer, Wrong};
use crate::error::{Error, ErrorKind};
use crate::ir::Recipe;
use crate::ir::{CoreType, Encoding, HandleType, HostFunction, HostFunctionKind, ResourceId};
use crate::value::{Type, Value, Values};
use crate::wasi::Output;
use smallvec::SmallVec;
use std::sync::Arc;
use wasmtime::{AsContextMut, Caller, Engine, Func, FuncType, Val, ValType};

/// A function of the host's that a guest imports.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) what: HostFunctionKind,
    pub(crate) ty: FuncType,
    passing: Option<Passing>,
    located: Option<Arc<Located>>,
    /// For a copy from one memory to another, the two.
    pub(super) memories: Option<(usize, usize)>,
    /// For a handle's drop, what destroys the resource.
    pub(super) destructor: Option<usize>,
    /// Whether the guest runs on a stack of its own, so that it can be set aside.
    pub(super) may_wait: bool,
    /// The component instance that calls it, where that is known.
    component: Option<u32>,
    /// How many bytes a call may write by way of WASI.
    pub(crate) output: usize,
}

impl Host {
    pub(super) fn new(
        engine: &Engine,
        function: &HostFunction,
        recipe: &Recipe,
        (may_wait, output): (bool, usize),
        items: &mut Items,
    ) -> Host {
        let destructor = match &function.what {
            HostFunctionKind::DropHandle(HandleType { resource: ResourceId::Own { number, .. }, .. }) => {
                recipe.destructors.get(*number as usize).and_then(Option::as_ref)
            }
            _ => None,
        };
        Host {
            what: function.what.clone(),
            ty: func_type(engine, &function.params, &function.results),
            passing: function.canon.as_ref().map(|canon| items.passing(engine, canon)),
            located: None,
            memories: match &function.what {
                HostFunctionKind::CopyUtf8 { from, to } => Some((items.memory(from), items.memory(to))),
                _ => None,
            },
            destructor: destructor.map(|item| items.function(item, func_type(engine, &[CoreType::I32], &[]))),
            may_wait,
            component: match &function.what {
                HostFunctionKind::NewHandle(handle) | HostFunctionKind::DropHandle(handle) => Some(handle.component),
                _ => function.canon.as_ref().map(|canon| canon.component),
            },
            output,
        }
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.passing.map(|passing| passing.encoding).unwrap_or_default()
    }

    /// The memory that it reads and writes, by number.
    pub(super) fn wanted_memory(&self) -> Option<usize> {
        self.passing.and_then(|passing| passing.memory)
    }

    pub(super) fn located(&self) -> Option<Arc<Located>> {
        self.located.clone()
    }

    /// The same with the exports of one shard's modules.
    pub(super) fn with(&self, located: Arc<Located>) -> Host {
        Host { located: Some(located), ..self.clone() }
    }

    pub(super) fn memory<D: Carried>(
        &self,
        caller: &mut Caller<'_, Room<D>>,
        number: usize,
    ) -> wasmtime::Result<wasmtime::Memory> {
        let memory = self.located.as_ref().and_then(|located| located.memory(caller.as_context_mut(), number));
        memory.ok_or_else(|| trap("a memory that is not there"))
    }

    /// The guest's own part of its memory.
    pub(super) fn own<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        self.located.as_ref().map_or(memory, |located| located.own(memory))
    }

    /// The guest's own part of its memory, to write to.
    pub(super) fn to_write<'m>(&self, memory: &'m mut [u8]) -> Own<'m> {
        match &self.located {
            Some(located) => located.to_write(memory),
            None => Own::whole(memory),
        }
    }

    /// The guest's own part of its memory, to write to in these ranges: addresses and sizes in bytes.
    pub(super) fn own_mut<'m>(
        &self,
        memory: &'m mut [u8],
        ranges: impl IntoIterator<Item = (u32, usize)>,
    ) -> &'m mut [u8] {
        match &self.located {
            Some(located) => located.own_mut(memory, ranges),
            None => memory,
        }
    }

    /// The arguments, of `types`, that a guest gave.
    ///
    /// # Errors
    ///
    /// A trap, where they break the canonical ABI.
    pub(crate) fn arguments<D: Carried>(
        &self,
        caller: &mut Caller<'_, Room<D>>,
        types: &[Type],
        params: &[Val],
    ) -> wasmtime::Result<Values> {
        self.may_fork(caller)?;
        // Whole numbers and floats of 32 and 64 bits are what they are, and no value has to be made of them.
        if params.len() == types.len() && types.iter().all(Type::is_word) {
            return Ok(params.iter().map(bits).collect());
        }
        let Some(passing) = self.passing else {
            let values = params.iter().map(|val| from_val(val).ok_or_else(|| trap("a fork was given a reference")));
            return values
                .collect::<wasmtime::Result<SmallVec<[Value; 4]>>>()
                .map(|values| values.into_iter().collect());
        };
        let flat: Flat = params.iter().map(bits).collect();
        let memory = match passing.memory {
            Some(number) => Some(self.memory(caller, number)?),
            None => None,
        };
        let room = caller.data();
        let has_stopped = || is_stopped(&room.carried);
        let mut budget = Budget::new(room.budget, Look::new(&has_stopped));
        let bytes = self.own(memory.as_ref().map(|memory| memory.data(&*caller)).unwrap_or_default());
        let count: usize = types.iter().map(abi::flat_count).sum();
        let lifted = if count > abi::MAX_FLAT_PARAMS {
            let at = flat.first().copied().unwrap_or_default() as u32;
            abi::load_all(bytes, passing.encoding, types, at, &mut budget)
        } else {
            let mut flat = flat.as_slice();
            types
                .iter()
                .map(|ty| abi::lift(bytes, passing.encoding, ty, &mut flat, &mut budget))
                .collect::<Result<Vec<_>, _>>()
        };
        let lifted = lifted.map_err(|wrong| match wrong {
            Wrong::Stopped => stopped(&room.carried),
            wrong => wrong_value(wrong, "a fork was given"),
        });
        let values: Values = lifted?.into_iter().collect();
        charge(caller, values.bytes())?;
        Ok(values)
    }

    /// Gives a guest a result; it may have to make room for it first.
    ///
    /// # Errors
    ///
    /// A trap, where the guest makes no room or the wrong one.
    pub(crate) async fn give<D: Carried>(
        &self,
        caller: &mut Caller<'_, Room<D>>,
        ty: Option<&Type>,
        value: &Value,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let (Some(passing), Some(ty)) = (self.passing, ty) else { return plain(value, results) };
        let mut places = Vec::new();
        if let Some((realloc, spaces)) = self.spaces(caller, passing, ty, value)? {
            for space in spaces {
                let args = realloc_args(space)?.map(|arg| Val::I32(arg.cast_signed()));
                let mut place = [Val::I32(0)];
                caller.data_mut().call.may_leave = false;
                realloc.call_async(&mut *caller, &args, &mut place).await?;
                caller.data_mut().call.may_leave = true;
                places.push((checked_place(place[0].unwrap_i32().cast_unsigned(), space)?, space.size));
            }
        }
        self.write(caller, (passing, ty), value, places, params, results)
    }

    /// As [`Host::give`], where the guest runs on this thread's stack.
    ///
    /// # Errors
    ///
    /// As [`Host::give`].
    pub(super) fn give_here<D: Carried>(
        &self,
        caller: &mut Caller<'_, Room<D>>,
        ty: Option<&Type>,
        value: &Value,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let (Some(passing), Some(ty)) = (self.passing, ty) else { return plain(value, results) };
        let mut places = Vec::new();
        if let Some((realloc, spaces)) = self.spaces(caller, passing, ty, value)? {
            for space in spaces {
                let args = realloc_args(space)?.map(|arg| Val::I32(arg.cast_signed()));
                let mut place = [Val::I32(0)];
                caller.data_mut().call.may_leave = false;
                realloc.call(&mut *caller, &args, &mut place)?;
                caller.data_mut().call.may_leave = true;
                places.push((checked_place(place[0].unwrap_i32().cast_unsigned(), space)?, space.size));
            }
        }
        self.write(caller, (passing, ty), value, places, params, results)
    }

    /// The spaces that a result takes, if it takes any, and what makes room for them.
    fn spaces<D: Carried>(
        &self,
        caller: &mut Caller<'_, Room<D>>,
        passing: Passing,
        ty: &Type,
        value: &Value,
    ) -> wasmtime::Result<Option<(Func, Vec<abi::Space>)>> {
        charge(caller, value.bytes())?;
        let mut spaces = Vec::new();
        let carried = &caller.data().carried;
        let has_stopped = || is_stopped(carried);
        let fits = abi::spaces(ty, value, passing.encoding, &mut spaces, &mut Look::new(&has_stopped));
        fits.map_err(|wrong| unfit_value(wrong, carried, unfit))?;
        if spaces.is_empty() {
            return Ok(None);
        }
        let realloc = passing.realloc.zip(self.located.as_ref());
        let realloc = realloc.and_then(|(number, located)| located.function(caller.as_context_mut(), number));
        let realloc = realloc.ok_or_else(|| trap("there is no `realloc` to make room with"))?;
        Ok(Some((realloc, spaces)))
    }

    /// Writes a result to where room was made for it.
    fn write<D: Carried>(
        &self,
        caller: &mut Caller<'_, Room<D>>,
        (passing, ty): (Passing, &Type),
        value: &Value,
        places: Vec<(u32, usize)>,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        // Where a result that is passed in memory is wanted is the last parameter.
        let space = abi::tuple_space([ty].into_iter());
        let at = params.last().and_then(Val::i32).unwrap_or_default().cast_unsigned();
        let whole = (abi::flat_count(ty) > abi::MAX_FLAT_RESULTS).then_some((at, space.size));
        let memory = match passing.memory {
            Some(number) => Some(self.memory(caller, number)?),
            None => None,
        };
        let (bytes, room) = match &memory {
            Some(memory) => memory.data_and_store_mut(&mut *caller),
            None => (Default::default(), caller.data_mut()),
        };
        let bytes = self.own_mut(bytes, places.iter().copied().chain(whole));
        let places = places.iter().map(|(place, _)| *place).collect::<Vec<_>>();
        let has_stopped = || is_stopped(&room.carried);
        let look = Look::new(&has_stopped);
        let mut writer = Writer { memory: bytes, encoding: passing.encoding, places: places.into_iter(), look };
        if whole.is_some() {
            if !(at as usize).is_multiple_of(space.align) {
                return Err(trap(format!(
                    "the guest wants a result at address {at}, which is not a multiple of {}",
                    space.align
                )));
            }
            return abi::store(&mut writer, ty, value, at as usize).map_err(|unfit| {
                unfit_value(unfit, &room.carried, || {
                    trap(format!("the guest wants a result at address {at}, beyond the end of its memory"))
                })
            });
        }
        let mut flat = Flat::new();
        abi::lower(&mut writer, ty, value, &mut flat).map_err(|wrong| unfit_value(wrong, &room.carried, unfit))?;
        for ((result, bits), ty) in results.iter_mut().zip(flat).zip(self.ty.results()) {
            *result = from_bits(&ty, bits);
        }
        Ok(())
    }
}

impl Host {
    /// Refuses a fork or a wait where there is no call that it could belong to.
    pub(crate) fn may_fork<D: Carried>(&self, caller: &mut Caller<'_, Room<D>>) -> wasmtime::Result<()> {
        if !caller.data().parts.made {
            return Err(trap(
                "the guest forked or waited while it was instantiated, and there is no call then that it could belong to",
            ));
        }
        self.may_leave(caller)
    }

    /// Refuses a call from a guest that makes room for values, or frees them.
    pub(super) fn may_leave<D: Carried>(&self, caller: &mut Caller<'_, Room<D>>) -> wasmtime::Result<()> {
        if caller.data().call.may_leave
            && self.component.is_none_or(|component| may_call_out(caller.as_context_mut(), component))
        {
            return Ok(());
        }
        Err(no_call())
    }

    /// Adds what a call has written that the guest has forked and waited for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMuchOutput`].
    pub(crate) fn append<D: Carried>(&self, caller: &mut Caller<'_, Room<D>>, output: &Output) -> wasmtime::Result<()> {
        charge(caller, output.bytes())?;
        caller.data_mut().call.wasi.get_or_insert_with(|| Box::new(State::new(self.output))).append(output)
    }

    /// Takes back what was lent, if the future of this number was lent by one component of the guest to another.
    pub(crate) fn returns_future<D: Carried>(&self, caller: &mut Caller<'_, Room<D>>, number: i32) -> bool {
        let lending = &mut caller.data_mut().call.lending;
        lending.as_mut().is_some_and(|lending| lending.returns_future(number.cast_unsigned()))
    }
}

/// Gives core values as they are.
fn plain(value: &Value, results: &mut [Val]) -> wasmtime::Result<()> {
    for (result, value) in results.iter_mut().zip(value.as_results()) {
        *result = to_val(value).ok_or_else(|| trap("a result that is no core value"))?;
    }
    Ok(())
}

fn no_call() -> wasmtime::Error {
    trap(
        "the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to",
    )
}

/// How many bytes the host copies for a guest for one unit of fuel: about what an instruction's time is enough for.
pub(super) const BYTES_PER_FUEL: usize = 8;

/// Charges a guest for what the host copies at its wish. Else it could wait for the same megabytes for months.
pub(super) fn charge<D: Carried>(caller: &mut Caller<'_, Room<D>>, bytes: usize) -> wasmtime::Result<()> {
    let cost = (bytes / BYTES_PER_FUEL) as u64;
    if cost == 0 {
        return Ok(());
    }
    let fuel = caller.get_fuel()?;
    caller.set_fuel(fuel.saturating_sub(cost))?;
    if fuel < cost { Err(wasmtime::Trap::OutOfFuel.into()) } else { Ok(()) }
}

/// What `realloc` is given for new room.
pub(super) fn realloc_args(space: abi::Space) -> wasmtime::Result<[u32; 4]> {
    let size = u32::try_from(space.size).map_err(|_| trap("a value of more than 4 GiB"))?;
    Ok([0, 0, space.align as u32, size])
}

/// The room that a guest has made, if it is aligned. That it is within memory is seen when it is written to.
pub(super) fn checked_place(at: u32, space: abi::Space) -> wasmtime::Result<u32> {
    if (at as usize).is_multiple_of(space.align) {
        return Ok(at);
    }
    Err(trap(format!("the guest made room at address {at}, which is not a multiple of {}", space.align)))
}

/// What is wrong with a value, as an error of the call.
pub(super) fn wrong_value(wrong: Wrong, what: &str) -> wasmtime::Error {
    match wrong {
        Wrong::Broken(why) => trap(format!("{what} {why}")),
        Wrong::TooMuch => Stop(
            Error::new(ErrorKind::OutOfMemory, format!("{what} more than its limit on memory allows"))
                .with_help("raise `Limits::memory` (`--memory`) if it is meant to be that large"),
        )
        .into(),
        // Who reads what may take long says so itself.
        Wrong::Stopped => trap(format!("{what} what was not read to its end")),
    }
}

/// Whether the call must not go on that carries this.
pub(super) fn is_stopped<D: Carried>(carried: &D) -> bool {
    carried.stopped().is_some()
}

/// Why it must not. Whatever stops a call does so for good.
#[cold]
pub(super) fn stopped<D: Carried>(carried: &D) -> wasmtime::Error {
    match carried.stopped() {
        Some(error) => Stop(error).into(),
        None => trap("the call was stopped, and then was not"),
    }
}

/// Why a value is not lowered. `wrong`: the error if it is not of its type, or there is no room for it.
pub(super) fn unfit_value<D: Carried>(
    unfit: Unfit,
    carried: &D,
    wrong: impl FnOnce() -> wasmtime::Error,
) -> wasmtime::Error {
    match unfit {
        Unfit::Value => wrong(),
        Unfit::Stopped => stopped(carried),
    }
}

pub(super) fn trap(message: impl Into<String>) -> wasmtime::Error {
    Stop(Error::new(ErrorKind::Trap, message)).into()
}

/// What cannot happen: values are checked where a call is forked, and where a link is made.
#[cold]
fn unfit() -> wasmtime::Error {
    debug_assert!(false, "a value does not fit its type");
    trap("a value does not fit its type")
}

pub(super) fn func_type(engine: &Engine, params: &[CoreType], results: &[CoreType]) -> FuncType {
    FuncType::new(engine, params.iter().map(|&ty| val_type(ty)), results.iter().map(|&ty| val_type(ty)))
}

pub(crate) fn val_type(ty: CoreType) -> ValType {
    match ty {
        CoreType::I32 => ValType::I32,
        CoreType::I64 => ValType::I64,
        CoreType::F32 => ValType::F32,
        CoreType::F64 => ValType::F64,
        CoreType::V128 => ValType::V128,
    }
}

fn bits(val: &Val) -> u64 {
    match val {
        Val::I32(v) => v.cast_unsigned().into(),
        Val::I64(v) => v.cast_unsigned(),
        Val::F32(bits) => (*bits).into(),
        Val::F64(bits) => *bits,
        _ => 0,
    }
}

pub(super) fn from_bits(ty: &ValType, bits: u64) -> Val {
    match ty {
        ValType::I64 => Val::I64(bits.cast_signed()),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits),
        _ => Val::I32((bits as u32).cast_signed()),
    }
}

/// A core value for wasmtime; none for a value that is no single core value.
pub(super) fn to_val(value: &Value) -> Option<Val> {
    Some(match value {
        Value::I32(v) => Val::I32(*v),
        Value::U32(v) => Val::I32(v.cast_signed()),
        Value::I64(v) => Val::I64(*v),
        Value::U64(v) => Val::I64(v.cast_signed()),
        Value::F32(v) => Val::F32(v.to_bits()),
        Value::F64(v) => Val::F64(v.to_bits()),
        Value::V128(bytes) => Val::V128(u128::from_le_bytes(*bytes).into()),
        _ => return None,
    })
}

/// A core value from wasmtime; none for a reference, which never crosses.
pub(super) fn from_val(val: &Val) -> Option<Value> {
    Some(match val {
        Val::I32(v) => Value::I32(*v),
        Val::I64(v) => Value::I64(*v),
        Val::F32(bits) => Value::F32(f32::from_bits(*bits)),
        Val::F64(bits) => Value::F64(f64::from_bits(*bits)),
        Val::V128(v) => Value::V128(v.as_u128().to_le_bytes()),
        _ => return None,
    })
}
