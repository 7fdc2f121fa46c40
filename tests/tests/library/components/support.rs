//! What the tests of components share.

use purefork::{Args, Module};
use purefork_tests::error;

/// What a call fails with, as its kind and its message; or its value.
pub(crate) fn failure(module: &Module, function: &str, args: Args) -> String {
    match module.fork(function, args).and_then(|future| future.wait()) {
        Ok(value) => format!("= {value}"),
        Err(error) => format!("{}: {}", error.kind().name(), error.message()),
    }
}

/// Why a guest is not loaded: all of it.
#[track_caller]
pub(crate) fn refusal(exec: &purefork::Executor, wat: &str) -> String {
    error(exec.load_bytes(wat)).to_string()
}

/// A component that can fork a function `leaf` of its own, which does nothing. `core` is the core module's body; there
/// are `$fork`, `$wait` and `$drop`, a memory, and the module's instance is `$i`.
pub(crate) fn leafy(core: &str, exports: &str) -> String {
    format!(
        r#"(component
            (import "fork" (instance $fork
                (export "leaf" (type $leaf (sub resource)))
                (export "[constructor]leaf" (func (result (own $leaf))))
                (export "[method]leaf.wait" (func (param "self" (borrow $leaf))))))
            (alias export $fork "leaf" (type $leaf))
            (core func $fork-leaf (canon lower (func $fork "[constructor]leaf")))
            (core func $wait-leaf (canon lower (func $fork "[method]leaf.wait")))
            (core func $drop-leaf (canon resource.drop $leaf))
            (core module $m
                (import "fork" "leaf" (func $fork (result i32)))
                (import "wait" "leaf" (func $wait (param i32)))
                (import "drop" "leaf" (func $drop (param i32)))
                (memory (export "memory") 1)
                (func (export "leaf"))
                {core})
            (core instance $i (instantiate $m
                (with "fork" (instance (export "leaf" (func $fork-leaf))))
                (with "wait" (instance (export "leaf" (func $wait-leaf))))
                (with "drop" (instance (export "leaf" (func $drop-leaf))))))
            (func (export "leaf") (canon lift (core func $i "leaf")))
            {exports})"#
    )
}
