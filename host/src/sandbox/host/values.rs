//! Values between a guest and a function of the host: arguments in, a result out.

use super::fuel::charge;
use super::import::HostImport;
use crate::abi::{self, Budget, Flat, Look, Shape, Writer};
use crate::sandbox::data::StoreData;
use crate::sandbox::error::trap;
use crate::sandbox::exception::ended;
use crate::sandbox::exports::CanonicalOptions;
use crate::sandbox::realloc::{checked_place, realloc_args};
use crate::sandbox::vals::{bits, from_bits, from_val, to_val};
use crate::value::{Type, Value, Values};
use smallvec::SmallVec;
use wasmtime::{AsContextMut, Caller, Func, Val};

impl HostImport {
    /// The arguments, of `types`, that a guest gave.
    ///
    /// # Errors
    ///
    /// A trap, where they break the canonical ABI.
    pub(crate) fn arguments(
        &self,
        caller: &mut Caller<'_, StoreData>,
        types: &[Type],
        params: &[Val],
    ) -> wasmtime::Result<Values> {
        self.may_fork(caller)?;
        // Whole numbers and floats of 32 and 64 bits are what they are, and no value has to be made of them.
        if params.len() == types.len() && types.iter().all(Type::is_word) {
            return Ok(params.iter().map(bits).collect());
        }
        let Some(options) = self.options else {
            let values = params.iter().map(|val| from_val(val).ok_or_else(|| trap("a fork was given a reference")));
            return values
                .collect::<wasmtime::Result<SmallVec<[Value; 4]>>>()
                .map(|values| values.into_iter().collect());
        };
        let flat: Flat = params.iter().map(bits).collect();
        let memory = match options.memory {
            Some(number) => Some(self.memory(caller, number)?),
            None => None,
        };
        let data = caller.data();
        let has_stopped = || data.interrupts.is_stopped();
        let mut budget = Budget::new(data.budget, Look::new(&has_stopped));
        let bytes = self.own(memory.as_ref().map(|memory| memory.data(&*caller)).unwrap_or_default());
        let count: usize = types.iter().map(abi::flat_count).sum();
        let lifted = if count > abi::MAX_FLAT_PARAMS {
            let at = flat.first().copied().unwrap_or_default() as u32;
            abi::load_all(bytes, options.encoding, types, at, &mut budget)
        } else {
            let mut flat = flat.as_slice();
            types
                .iter()
                .map(|ty| abi::lift(bytes, options.encoding, &Shape::of(ty), &mut flat, &mut budget))
                .collect::<Result<Vec<_>, _>>()
        };
        let lifted = lifted.map_err(|wrong| data.interrupts.not_lifted(wrong, "a fork was given"));
        let values: Values = lifted?.into_iter().collect();
        charge(caller, values.bytes())?;
        Ok(values)
    }

    /// Gives a guest a result; it may have to make room for it first. Where the guest runs on this thread's stack, nothing is
    /// waited for.
    ///
    /// # Errors
    ///
    /// A trap, where the guest makes no room or the wrong one.
    pub(crate) async fn give(
        &self,
        caller: &mut Caller<'_, StoreData>,
        ty: Option<&Type>,
        value: &Value,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let (Some(options), Some(ty)) = (self.options, ty) else { return plain(value, results) };
        let mut places = Vec::new();
        if let Some((realloc, spaces)) = self.spaces(caller, options, ty, value)? {
            for space in spaces {
                let args = realloc_args(space)?.map(|arg| Val::I32(arg.cast_signed()));
                let mut place = [Val::I32(0)];
                caller.data_mut().call.may_leave = false;
                let called = if self.settings.may_wait {
                    realloc.call_async(&mut *caller, &args, &mut place).await
                } else {
                    realloc.call(&mut *caller, &args, &mut place)
                };
                // Nothing that is thrown leaves what the canonical ABI calls.
                called.map_err(|error| ended(&mut *caller, error))?;
                caller.data_mut().call.may_leave = true;
                places.push((checked_place(place[0].unwrap_i32().cast_unsigned(), space)?, space.size));
            }
        }
        self.write(caller, (options, ty), value, places, params, results)
    }

    /// The spaces that a result takes, if it takes any, and what makes room for them.
    fn spaces(
        &self,
        caller: &mut Caller<'_, StoreData>,
        options: CanonicalOptions,
        ty: &Type,
        value: &Value,
    ) -> wasmtime::Result<Option<(Func, abi::Spaces)>> {
        charge(caller, value.bytes())?;
        let mut spaces = abi::Spaces::new();
        let interrupts = &caller.data().interrupts;
        let has_stopped = || interrupts.is_stopped();
        let fits = abi::spaces(ty, value, options.encoding, &mut spaces, &mut Look::new(&has_stopped));
        fits.map_err(|wrong| interrupts.not_lowered(wrong, unfit))?;
        if spaces.is_empty() {
            return Ok(None);
        }
        let realloc = options.realloc.zip(self.exports());
        let realloc = realloc.and_then(|(number, exports)| exports.function(caller.as_context_mut(), number));
        let realloc = realloc.ok_or_else(|| trap("there is no `realloc` to make room with"))?;
        Ok(Some((realloc, spaces)))
    }

    /// Writes a result to where room was made for it.
    fn write(
        &self,
        caller: &mut Caller<'_, StoreData>,
        (options, ty): (CanonicalOptions, &Type),
        value: &Value,
        places: Vec<(u32, usize)>,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        // Where a result that is passed in memory is wanted is the last parameter.
        let space = abi::tuple_space([ty].into_iter());
        let at = params.last().and_then(Val::i32).unwrap_or_default().cast_unsigned();
        let whole = (abi::flat_count(ty) > abi::MAX_FLAT_RESULTS).then_some((at, space.size));
        let memory = match options.memory {
            Some(number) => Some(self.memory(caller, number)?),
            None => None,
        };
        let (bytes, data) = match &memory {
            Some(memory) => memory.data_and_store_mut(&mut *caller),
            None => (Default::default(), caller.data_mut()),
        };
        let bytes = self.own_mut(bytes, places.iter().copied().chain(whole));
        let places = places.iter().map(|(place, _)| *place).collect::<abi::Places>();
        let has_stopped = || data.interrupts.is_stopped();
        let look = Look::new(&has_stopped);
        let mut writer = Writer { memory: bytes, encoding: options.encoding, places: places.into_iter(), look };
        if whole.is_some() {
            if !(at as usize).is_multiple_of(space.align) {
                return Err(trap(format!(
                    "the guest wants a result at address {at}, which is not a multiple of {}",
                    space.align
                )));
            }
            return abi::store(&mut writer, ty, value, at as usize).map_err(|unfit| {
                data.interrupts.not_lowered(unfit, || {
                    trap(format!("the guest wants a result at address {at}, beyond the end of its memory"))
                })
            });
        }
        let mut flat = Flat::new();
        abi::lower(&mut writer, ty, value, &mut flat).map_err(|wrong| data.interrupts.not_lowered(wrong, unfit))?;
        for ((result, bits), ty) in results.iter_mut().zip(flat).zip(self.ty.results()) {
            *result = from_bits(&ty, bits);
        }
        Ok(())
    }
}

/// Gives core values as they are.
fn plain(value: &Value, results: &mut [Val]) -> wasmtime::Result<()> {
    for (result, value) in results.iter_mut().zip(value.as_results()) {
        *result = to_val(value).ok_or_else(|| trap("a result that is no core value"))?;
    }
    Ok(())
}

/// What cannot happen: values are checked where a call is forked, and where a link is made.
#[cold]
fn unfit() -> wasmtime::Error {
    debug_assert!(false, "a value does not fit its type");
    trap("a value does not fit its type")
}
