//! What children give whose results are known: a call that is run again, alone, with what its children gave the first time.

use crate::error::Result;
use crate::value::{Value, Values};
use crate::wasi::Output;
use std::sync::Arc;

/// What the children of one call give.
pub(crate) trait Script: Send + Sync {
    /// What the call's fork number `number` gives. `name`: what the guest imports it as; `args`: what it gives it.
    fn child(&self, number: u32, name: &str, args: &Values) -> Scripted;
}

/// What a child gave, and wrote by way of WASI.
pub(crate) struct Scripted {
    pub(crate) result: Result<Value>,
    pub(crate) output: Option<Arc<Output>>,
}
