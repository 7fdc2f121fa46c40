//! One call in one sandbox.

use super::limiter::Limiter;
use super::{Carried, Plan, Room, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::value::{Type, Value, Values};
use smallvec::SmallVec;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{Ordering, fence};
use std::task::{Context, Poll, Waker};
use wasmtime::{Func, Instance, InstancePre, Store, UpdateDeadline, Val, ValRaw};

/// An instance with everything that belongs to it.
pub(crate) struct Sandbox<D: 'static> {
    store: Store<Room<D>>,
    instance: Instance,
    module: u64,
    shard: usize,
    /// The exported functions that were called before.
    functions: SmallVec<[(u32, Func); 1]>,
}

impl<D: Carried> Sandbox<D> {
    pub(super) fn new(
        pre: &InstancePre<Room<D>>,
        module: u64,
        shard: usize,
        limits: &Limits,
        carried: D,
    ) -> wasmtime::Result<Sandbox<D>> {
        let room = Room { carried, limiter: Limiter::new(limits) };
        let mut store = Store::new(pre.module().engine(), room);
        store.limiter(|room| &mut room.limiter);
        store.epoch_deadline_callback(|cx| match cx.data().carried.stopped() {
            Some(error) => Err(Stop(error).into()),
            None => Ok(UpdateDeadline::Continue(1)),
        });
        // For the start function, which has a call's fuel to itself: instantiation is not charged.
        store.set_fuel(limits.fuel)?;
        store.set_epoch_deadline(1);
        // What imports nothing cannot wait, and its engine has no stacks to set aside.
        let instance = if pre.module().imports().len() == 0 {
            pre.instantiate(&mut store)?
        } else {
            let instantiating = pin!(pre.instantiate_async(&mut store));
            match instantiating.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(instance) => instance?,
                // The audit refuses modules that could wait here.
                Poll::Pending => wasmtime::bail!("the start function waits for something"),
            }
        };
        Ok(Sandbox { store, instance, module, shard, functions: SmallVec::new() })
    }

    pub(super) fn module(&self) -> u64 {
        self.module
    }

    pub(super) fn shard(&self) -> usize {
        self.shard
    }

    pub(super) fn carry(&mut self, carried: D) {
        self.store.data_mut().carried = carried;
    }

    /// Takes out what the call has carried with it.
    pub(crate) fn take_carried(&mut self) -> D {
        std::mem::take(&mut self.store.data_mut().carried)
    }

    /// The fuel that the call has used, in units. Of no meaning after an error.
    pub(crate) fn fuel_used(&self, plan: &Plan<D>) -> u64 {
        plan.limits().fuel.saturating_sub(self.store.get_fuel().unwrap_or(0))
    }

    /// Calls a function that cannot fork, on the stack of this thread.
    ///
    /// # Errors
    ///
    /// What happened to the call. The sandbox must not be used again then.
    pub(crate) fn call(&mut self, plan: &Plan<D>, function: u32, args: &Values) -> Result<Value> {
        let func = self.prepare(plan, function)?;
        let (params, results) = plan.signature(function);
        let values = args.of(params).ok_or_else(|| unfit(plan, function))?;
        let mut slots: SmallVec<[ValRaw; 4]> = values.map(|value| raw(&value)).collect();
        slots.resize(params.len().max(results.len()), ValRaw::i64(0));
        // SAFETY: `slots` has a place for every parameter and every result. The arguments are of the types
        // `params`, as `Values::of` has made them; `Plan::load` has compared `params` and `results` with the type of the export that `func` is. No
        // type is a reference. And this is no call from within a `call_async`: jobs run when fibers are set aside, and
        // no host function of ours runs a job.
        let called = unsafe { func.call_unchecked(&mut self.store, slots.as_mut_slice()) };
        called.map_err(|error| self.explain(plan, function, error))?;
        Ok(match results {
            [] => Value::unit(),
            [ty] => from_raw(*ty, &slots[0]),
            _ => Value::Tuple(results.iter().zip(&slots).map(|(&ty, slot)| from_raw(ty, slot)).collect()),
        })
    }

    /// Calls a function that may fork, on a stack of its own, which is set aside while it waits.
    ///
    /// # Errors
    ///
    /// As [`Sandbox::call`].
    pub(crate) async fn call_async(&mut self, plan: &Plan<D>, function: u32, args: &Values) -> Result<Value> {
        let func = self.prepare(plan, function)?;
        let (params, results) = plan.signature(function);
        let values = args.of(params).ok_or_else(|| unfit(plan, function))?;
        let args: SmallVec<[Val; 4]> = values.filter_map(|value| to_val(&value)).collect();
        let mut out: SmallVec<[Val; 2]> = results.iter().map(|_| Val::I32(0)).collect();
        let called = func.call_async(&mut self.store, &args, &mut out).await;
        called.map_err(|error| self.explain(plan, function, error))?;
        Ok(match out.as_slice() {
            [] => Value::unit(),
            [value] => from_val(value).ok_or_else(|| unfit(plan, function))?,
            _ => {
                let values: Option<_> = out.iter().map(from_val).collect();
                Value::Tuple(values.ok_or_else(|| unfit(plan, function))?)
            }
        })
    }

    /// Gives the call its fuel and its deadline, and looks up its function.
    fn prepare(&mut self, plan: &Plan<D>, function: u32) -> Result<Func> {
        self.store.set_fuel(plan.limits().fuel).map_err(|error| plan.explain(error, function))?;
        self.store.set_epoch_deadline(1);
        // Who stops a call says so first and rings the bell then. Either the bell is heard, as the deadline was set
        // before it, or what was said is seen here.
        fence(Ordering::SeqCst);
        if let Some(error) = self.store.data().carried.stopped() {
            return Err(error);
        }
        if let Some((_, func)) = self.functions.iter().find(|(known, _)| *known == function) {
            return Ok(*func);
        }
        let export = plan.export(self, function).ok_or_else(|| unfit(plan, function))?;
        let func = self.instance.get_module_export(&mut self.store, export).and_then(wasmtime::Extern::into_func);
        let func = func.ok_or_else(|| unfit(plan, function))?;
        self.functions.push((function, func));
        Ok(func)
    }

    fn explain(&mut self, plan: &Plan<D>, function: u32, error: wasmtime::Error) -> Error {
        let refused = self.store.data_mut().limiter.take_refused();
        plan.explain_call(error, function, refused)
    }
}

/// What cannot happen: values are checked where a call is forked, exports where a module is loaded.
#[cold]
fn unfit<D: Carried>(plan: &Plan<D>, function: u32) -> Error {
    debug_assert!(false, "a call of `{}` does not fit its signature", plan.name(function));
    Error::new(ErrorKind::ArgumentMismatch, format!("the call does not fit the signature of `{}`", plan.name(function)))
}

fn raw(value: &Value) -> ValRaw {
    match value {
        Value::I32(v) => ValRaw::i32(*v),
        Value::I64(v) => ValRaw::i64(*v),
        Value::F32(v) => ValRaw::f32(v.to_bits()),
        Value::F64(v) => ValRaw::f64(v.to_bits()),
        Value::V128(bytes) => ValRaw::v128(u128::from_le_bytes(*bytes)),
        // No parameter is a tuple.
        Value::Tuple(_) => ValRaw::i64(0),
    }
}

fn from_raw(ty: Type, slot: &ValRaw) -> Value {
    match ty {
        Type::I32 => Value::I32(slot.get_i32()),
        Type::I64 => Value::I64(slot.get_i64()),
        Type::F32 => Value::F32(f32::from_bits(slot.get_f32())),
        Type::F64 => Value::F64(f64::from_bits(slot.get_f64())),
        Type::V128 => Value::V128(slot.get_v128().to_le_bytes()),
    }
}

/// A value for wasmtime; none for a tuple, which is no single value.
pub(crate) fn to_val(value: &Value) -> Option<Val> {
    Some(match value {
        Value::I32(v) => Val::I32(*v),
        Value::I64(v) => Val::I64(*v),
        Value::F32(v) => Val::F32(v.to_bits()),
        Value::F64(v) => Val::F64(v.to_bits()),
        Value::V128(bytes) => Val::V128(u128::from_le_bytes(*bytes).into()),
        Value::Tuple(_) => return None,
    })
}

/// A value from wasmtime; none for a reference, which never crosses.
pub(crate) fn from_val(val: &Val) -> Option<Value> {
    Some(match val {
        Val::I32(v) => Value::I32(*v),
        Val::I64(v) => Value::I64(*v),
        Val::F32(bits) => Value::F32(f32::from_bits(*bits)),
        Val::F64(bits) => Value::F64(f64::from_bits(*bits)),
        Val::V128(v) => Value::V128(v.as_u128().to_le_bytes()),
        _ => return None,
    })
}
