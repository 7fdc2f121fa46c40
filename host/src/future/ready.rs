//! A value that was there before its future: what a call has left that ended where it was forked.

use crate::value::Value;
use crate::wasi::Output;
use std::sync::Arc;

/// What a call has left that has succeeded before anybody could ask for it. Nobody waits for it, so it needs no place that
/// those who ask have in common.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) value: Value,
    /// What it has used; it forked nothing.
    pub(crate) fuel: u64,
    pub(crate) output: Option<Arc<Output>>,
}
