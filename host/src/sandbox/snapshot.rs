//! The state that a call has left in a sandbox.

use super::lifecycle::Sandbox;
use crate::snapshot::State;
use wasmtime::{Instance, Val};

impl Sandbox {
    /// How many handles of the guest's own resources there are.
    pub(crate) fn handles(&self) -> usize {
        self.store.data().handles.count()
    }

    fn instance(&self, number: u32) -> Option<Instance> {
        self.store.data().instances.instances.get(number as usize).copied()
    }
}

impl State for Sandbox {
    fn memory(&mut self, instance: u32, name: &str) -> Option<&[u8]> {
        let memory = self.instance(instance)?.get_memory(&mut self.store, name)?;
        Some(memory.data(&self.store))
    }

    fn global(&mut self, instance: u32, name: &str) -> Option<u128> {
        let global = self.instance(instance)?.get_global(&mut self.store, name)?;
        Some(match global.get(&mut self.store) {
            Val::I32(v) => v.cast_unsigned().into(),
            Val::I64(v) => v.cast_unsigned().into(),
            Val::F32(bits) => bits.into(),
            Val::F64(bits) => bits.into(),
            Val::V128(v) => v.as_u128(),
            _ => return None,
        })
    }
}
