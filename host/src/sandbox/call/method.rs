//! A method of a resource of the guest's own, which is made for the one call.

use super::target::Target;
use crate::sandbox::data::StoreData;
use crate::sandbox::lifecycle::Sandbox;
use crate::value::{Value, Values};
use wasmtime::Func;

/// A method's two calls, and the arguments of each; the method's without the handle.
pub(super) struct Method<'a> {
    pub(super) constructor: Target<'a>,
    pub(super) method: Target<'a>,
    pub(super) made_of: Values,
    pub(super) rest: Vec<Value>,
}

impl Sandbox {
    /// The calls of a method, if the function is one.
    pub(super) fn method<'a>(&self, target: &Target<'a>, args: &Values) -> wasmtime::Result<Option<Method<'a>>> {
        let receiver = target.loaded.functions[target.number as usize].receiver.as_ref();
        let Some((loaded, receiver)) = receiver.zip(target.function.receiver.as_ref()) else { return Ok(None) };
        let values = args.of(target.params).ok_or_else(|| target.unfit())?;
        let mut made_of: Vec<Value> = values.collect();
        let rest = made_of.split_off(receiver.params);
        let constructor = Target {
            entry: &loaded.constructor,
            core: &receiver.constructor,
            params: &loaded.made_of,
            results: &[],
            ..*target
        };
        let method = Target { params: &loaded.params, ..*target };
        Ok(Some(Method { constructor, method, made_of: made_of.into_iter().collect(), rest }))
    }

    /// The method's arguments, now that its resource is there, and what is behind the handle.
    pub(super) fn receiver(
        &mut self,
        target: &Target<'_>,
        made: &[u64],
        rest: Vec<Value>,
    ) -> wasmtime::Result<(Values, u32)> {
        let Some(receiver) = &target.function.receiver else { return Err(target.unfit()) };
        let StoreData { handles, call, .. } = self.store.data_mut();
        let representation = handles.take(receiver.given, made.first().copied().unwrap_or_default() as u32)?;
        let handle = handles.receiver(call.lending(), receiver.taken, representation, receiver.owned)?;
        Ok(([Value::U32(handle)].into_iter().chain(rest).collect(), representation))
    }

    /// What destroys the method's resource, if it is still there after the call.
    pub(super) fn method_ended(&mut self, target: &Target<'_>) -> wasmtime::Result<Option<Func>> {
        let StoreData { handles, call, .. } = self.store.data_mut();
        handles.exit(call.lending())?;
        let owned = target.function.receiver.as_ref().is_some_and(|receiver| receiver.owned);
        let receiver = target.loaded.functions[target.number as usize].receiver.as_ref();
        match receiver.and_then(|receiver| receiver.destructor) {
            Some(destructor) if !owned => self.function(target, destructor).map(Some),
            _ => Ok(None),
        }
    }
}
