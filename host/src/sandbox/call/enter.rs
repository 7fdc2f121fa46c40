//! A function of the guest's, called on the stack of this thread, or on one of its own: core values in, core values out.

use crate::abi::Flat;
use crate::ir::{CoreFunction, CoreType};
use crate::sandbox::lifecycle::Sandbox;
use crate::sandbox::vals::{from_bits, val_type};
use smallvec::SmallVec;
use std::slice::Iter;
use wasmtime::{Func, Val, ValRaw};

/// Most functions have no more parameters, and no more results.
const FEW: usize = 4;

/// A function that is called again and again in one sandbox, and whose few parameters and one result are no vectors.
pub(crate) struct Prepared {
    func: Func,
    params: usize,
    /// Whether the result has 32 bits.
    is_short: bool,
}

impl Sandbox {
    /// Calls a function of the guest's with `args`, of types `params`, as their bits; `read` reads the results.
    #[inline]
    pub(super) fn enter<R>(
        &mut self,
        func: Func,
        args: &[u64],
        params: &[CoreType],
        results: &[CoreType],
        read: impl FnOnce(&mut Words<'_>) -> R,
    ) -> wasmtime::Result<R> {
        let count = params.len().max(results.len());
        let (mut few, mut many) = ([ValRaw::v128(0); FEW], Vec::new());
        let slots = match few.get_mut(..count) {
            Some(few) => few,
            None => {
                many.resize(count, ValRaw::v128(0));
                many.as_mut_slice()
            }
        };
        let mut args = args.iter().copied();
        for (slot, ty) in slots.iter_mut().zip(params) {
            let low = args.next().unwrap_or_default();
            let high = if *ty == CoreType::V128 { args.next().unwrap_or_default() } else { 0 };
            // Of a value of fewer bits, the lowest are read.
            *slot = ValRaw::v128(u128::from(low) | u128::from(high) << 64);
        }
        // SAFETY: `slots` has a place for every parameter and every result, and `ExportTable::resolve` has compared `params` and
        // `results` with the type of the export that `func` is. The parameters are as their types want them: of a
        // 32-bit value the lower half is read. No type is a reference. And this is no call from within a `call_async`:
        // jobs run when fibers are set aside, and no host function of ours runs a job or calls this.
        unsafe { func.call_unchecked(&mut self.store, slots) }?;
        Ok(read(&mut Words { slots: slots.iter(), types: results.iter(), high: None }))
    }

    /// Prepares a function of this sandbox to be called more than once; none if it is another one than [`Prepared`] says.
    pub(super) fn prepared(&mut self, func: Func, core: &CoreFunction) -> Option<Prepared> {
        let [result] = core.results[..] else { return None };
        let fits = core.params.len() <= FEW && !core.params.contains(&CoreType::V128) && result != CoreType::V128;
        let is_short = matches!(result, CoreType::I32 | CoreType::F32);
        fits.then_some(Prepared { func, params: core.params.len(), is_short })
    }

    /// Calls a function that was prepared in this sandbox, with as many arguments as it has parameters.
    #[inline]
    pub(super) fn enter_prepared(&mut self, prepared: &Prepared, args: &[u64]) -> wasmtime::Result<u64> {
        let mut slots = [ValRaw::u64(0); FEW];
        for (slot, arg) in slots.iter_mut().zip(args) {
            // Of a value of 32 bits, the lower half is read.
            *slot = ValRaw::u64(*arg);
        }
        let used = slots.get_mut(..prepared.params.max(1)).unwrap_or_default();
        // SAFETY: as in `enter`: `prepared` has compared the types, of which none is wider than 64 bits, and has counted the parameters
        // and the one result; they are no more than there are slots.
        unsafe { prepared.func.call_unchecked(&mut self.store, used) }?;
        Ok(if prepared.is_short { slots[0].get_u32().into() } else { slots[0].get_u64() })
    }

    /// Calls a function of the guest on a stack of its own.
    pub(super) async fn call_on_fiber(
        &mut self,
        func: Func,
        flat: &[u64],
        (params, results): (&[CoreType], &[CoreType]),
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
}

/// Results as their bits: 32-bit ones are extended with zeros, and a vector is two, the lower half first.
pub(super) struct Words<'a> {
    slots: Iter<'a, ValRaw>,
    types: Iter<'a, CoreType>,
    /// The higher half of the last one.
    high: Option<u64>,
}

impl Iterator for Words<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        if let Some(high) = self.high.take() {
            return Some(high);
        }
        let (ty, slot) = (self.types.next()?, self.slots.next()?);
        Some(match ty {
            CoreType::I32 => slot.get_u32().into(),
            CoreType::I64 => slot.get_u64(),
            CoreType::F32 => slot.get_f32().into(),
            CoreType::F64 => slot.get_f64(),
            CoreType::V128 => {
                let bits = slot.get_v128();
                self.high = Some((bits >> 64) as u64);
                bits as u64
            }
        })
    }
}
