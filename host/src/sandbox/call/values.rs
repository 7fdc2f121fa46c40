//! Arguments into a guest, and results out of it, by the canonical ABI.

use super::target::Target;
use crate::abi::{self, Answer, Budget, Flat, Look, Places, Shape, Spaces, Writer, Wrong};
use crate::sandbox::error::trap;
use crate::sandbox::exports::CanonicalOptions;
use crate::sandbox::lifecycle::Sandbox;
use crate::value::{Json, Type, Value, Values, from_slots};
use std::convert::Infallible;
use wasmtime::{AsContextMut, Func, Memory};

impl Sandbox {
    /// The arguments as core values, if they all go on the stack; else how they are passed.
    #[allow(clippy::type_complexity)]
    pub(super) fn on_stack(
        &mut self,
        target: &Target<'_>,
        args: Values,
    ) -> wasmtime::Result<Result<Flat, (CanonicalOptions, Vec<Value>)>> {
        match (args, target.entry.options) {
            (Values::Slots(slots), None) => Ok(Ok(slots.into_iter().collect())),
            (Values::Slots(slots), Some(_)) if target.params.len() <= abi::MAX_FLAT_PARAMS => {
                Ok(Ok(slots.into_iter().collect()))
            }
            (Values::Whole(values), Some(options)) if values.len() == target.params.len() => {
                Ok(Err((options, values.into_vec())))
            }
            (args, Some(options)) => {
                let values = args.of(target.params).ok_or_else(|| target.unfit())?;
                Ok(Err((options, values.collect())))
            }
            (Values::Whole(_), None) => Err(target.unfit()),
        }
    }

    /// Writes the arguments to where room was made for them.
    pub(super) fn lower(
        &mut self,
        target: &Target<'_>,
        options: CanonicalOptions,
        values: Vec<Value>,
        spaces: &Spaces,
        places: Places,
    ) -> wasmtime::Result<Flat> {
        let memory = self.memory(target, options)?;
        let (bytes, data) = match &memory {
            Some(memory) => memory.data_and_store_mut(&mut self.store),
            None => (Default::default(), self.store.data_mut()),
        };
        let ranges = places.iter().zip(spaces).map(|(place, space)| (*place, space.size));
        let bytes = target.loaded.exports.own_mut(bytes, ranges);
        let has_stopped = || data.interrupts.is_stopped();
        let look = Look::new(&has_stopped);
        let mut writer = Writer { memory: bytes, encoding: options.encoding, places: places.into_iter(), look };
        let mut flat = Flat::new();
        let no_room = |unfit| {
            data.interrupts.not_lowered(unfit, || trap("the guest made no room for its arguments within its memory"))
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
    pub(super) fn lift(&mut self, target: &Target<'_>, flat: &[u64]) -> wasmtime::Result<Value> {
        let Some(options) = target.entry.options else {
            return Ok(plain(target.results, &mut flat.iter().copied()));
        };
        let Some(ty) = target.results.first() else { return Ok(Value::unit()) };
        self.read(target, options, ty, |memory, shape, budget| match in_memory_at(shape, flat) {
            Some(at) => abi::load(memory, options.encoding, shape, at, budget),
            None => abi::lift(memory, options.encoding, shape, &mut &*flat, budget),
        })
    }

    /// The same, written as JSON; none if it is not in memory.
    pub(super) fn lift_json(
        &mut self,
        target: &Target<'_>,
        flat: &[u64],
        json: &mut Json<'_>,
    ) -> wasmtime::Result<Option<Answer>> {
        let Some((options, ty)) = target.entry.options.zip(target.results.first()) else { return Ok(None) };
        self.read(target, options, ty, |memory, shape, budget| {
            let at = in_memory_at(shape, flat);
            at.map(|at| abi::answer(memory, options.encoding, shape, at, budget, json)).transpose()
        })
    }

    /// Reads a result of a type, out of the guest's memory.
    fn read<T>(
        &mut self,
        target: &Target<'_>,
        options: CanonicalOptions,
        ty: &Type,
        read: impl FnOnce(&[u8], &Shape<'_>, &mut Budget<'_>) -> Result<T, Wrong>,
    ) -> wasmtime::Result<T> {
        let memory = self.memory(target, options)?;
        let bytes = memory.as_ref().map(|memory| memory.data(&self.store)).unwrap_or_default();
        let bytes = target.loaded.exports.own(bytes);
        let data = self.store.data();
        let has_stopped = || data.interrupts.is_stopped();
        let mut budget = Budget::new(data.budget, Look::new(&has_stopped));
        let made;
        let shape = match target.loaded.functions[target.number as usize].result(ty) {
            Some(kept) => kept,
            None => {
                made = Shape::of(ty);
                &made
            }
        };
        read(bytes, shape, &mut budget).map_err(|wrong| {
            data.interrupts.not_lifted(wrong, &format!("`{}` returned", target.definition.name(target.number)))
        })
    }

    /// The spaces that the arguments take, in the order in which they are asked for.
    pub(super) fn spaces(
        &self,
        target: &Target<'_>,
        options: CanonicalOptions,
        values: &[Value],
    ) -> wasmtime::Result<Spaces> {
        let interrupts = &self.store.data().interrupts;
        let has_stopped = || interrupts.is_stopped();
        let mut look = Look::new(&has_stopped);
        let mut spaces = Spaces::new();
        if in_memory(target) {
            spaces.push(abi::tuple_space(target.params.iter()));
        }
        for (ty, value) in target.params.iter().zip(values) {
            let fits = abi::spaces(ty, value, options.encoding, &mut spaces, &mut look);
            fits.map_err(|unfit| interrupts.not_lowered(unfit, || target.unfit()))?;
        }
        Ok(spaces)
    }

    pub(super) fn function(&mut self, target: &Target<'_>, number: usize) -> wasmtime::Result<Func> {
        let function = target.loaded.exports.function(self.store.as_context_mut(), number);
        function.ok_or_else(|| target.unfit())
    }

    pub(super) fn realloc(&mut self, target: &Target<'_>, options: CanonicalOptions) -> wasmtime::Result<Func> {
        match options.realloc {
            Some(number) => self.function(target, number),
            None => Err(target.unfit()),
        }
    }

    fn memory(&mut self, target: &Target<'_>, options: CanonicalOptions) -> wasmtime::Result<Option<Memory>> {
        let Some(number) = options.memory else { return Ok(None) };
        let memory = target.loaded.exports.memory(self.store.as_context_mut(), number);
        memory.map(Some).ok_or_else(|| target.unfit())
    }
}

/// Where a result is in memory, if it is not on the stack.
fn in_memory_at(shape: &Shape<'_>, flat: &[u64]) -> Option<u32> {
    (shape.flat_count() > abi::MAX_FLAT_RESULTS).then(|| flat.first().copied().unwrap_or_default() as u32)
}

/// The result that a core module's function gives.
#[inline]
pub(super) fn plain(types: &[Type], words: &mut impl Iterator<Item = u64>) -> Value {
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
fn in_memory(target: &Target<'_>) -> bool {
    target.params.iter().map(abi::flat_count).sum::<usize>() > abi::MAX_FLAT_PARAMS
}
