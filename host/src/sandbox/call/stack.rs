//! The stack that a guest runs on.

use crate::abi::Flat;
use crate::ir::CoreType;
use crate::sandbox::lifecycle::Sandbox;
use wasmtime::Func;

/// The stack that a guest runs on. A type, so that the body of a call is compiled for each: on a thread's stack nothing waits, and
/// nothing of a fiber is set up.
pub(super) trait Stack {
    /// Whether the guest can be set aside while it waits.
    const FIBER: bool;

    /// Calls a function of the guest, with parameters and results of these types.
    async fn call(
        sandbox: &mut Sandbox,
        function: Func,
        flat: &[u64],
        types: (&[CoreType], &[CoreType]),
    ) -> wasmtime::Result<Flat>;
}

/// This thread's.
pub(super) struct Thread;

/// One of its own, which is set aside while the guest waits.
pub(super) struct Fiber;

impl Stack for Thread {
    const FIBER: bool = false;

    #[inline]
    async fn call(
        sandbox: &mut Sandbox,
        function: Func,
        flat: &[u64],
        types: (&[CoreType], &[CoreType]),
    ) -> wasmtime::Result<Flat> {
        sandbox.call_here(function, flat, types)
    }
}

impl Stack for Fiber {
    const FIBER: bool = true;

    async fn call(
        sandbox: &mut Sandbox,
        function: Func,
        flat: &[u64],
        types: (&[CoreType], &[CoreType]),
    ) -> wasmtime::Result<Flat> {
        sandbox.call_on_fiber(function, flat, types).await
    }
}
