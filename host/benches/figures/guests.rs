//! The guests that are measured.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A Rust guest of the tests, built by the guests' toolchain.
pub(crate) fn built(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let guests = root.join("target/guests");
    std::fs::create_dir_all(&guests).expect("`target` can be written to");
    let out = guests.join(format!("{name}.wasm"));
    let built = Command::new(root.join("guest/toolchain"))
        .args(["build".as_ref(), root.join("tests/guests").join(name).as_os_str(), "-o".as_ref(), out.as_os_str()])
        .status();
    assert!(built.is_ok_and(|status| status.success()), "`guest/toolchain` has said why it built nothing");
    out
}

/// Adds two numbers; stateless.
pub(crate) const ADD: &str = r#"(module
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;

/// Adds two numbers, and writes to its memory, so that each call needs a sandbox of its own.
pub(crate) fn with_memory() -> String {
    r#"(module (memory 1)
        (func (export "add") (param i32 i32) (result i32)
            (i32.store (i32.const 1024) (local.get 0))
            (i32.add (i32.load (i32.const 1024)) (local.get 1))))"#
        .to_owned()
}

/// The Fibonacci numbers, each call two forks; with a store to memory in every call, if wanted.
pub(crate) fn fib(store: bool) -> String {
    let (memory, store) = if store { ("(memory 1)", "(i32.store (i32.const 1024) (local.get $n))") } else { ("", "") };
    format!(
        r#"(module
        (import "fork" "fib" (func $fork (param i32) (result i32)))
        (import "wait" "fib" (func $wait (param i32) (result i64)))
        {memory}
        (func (export "fib") (param $n i32) (result i64) (local $a i32) (local $b i32)
            {store}
            (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i64.extend_i32_u (local.get $n)))))
            (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
            (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
            (i64.add (call $wait (local.get $b)) (call $wait (local.get $a)))))"#
    )
}

/// Each call forks one: as deep as its argument.
pub(crate) const CHAIN: &str = r#"(module
    (import "fork" "chain" (func $fork (param i32) (result i32)))
    (import "wait" "chain" (func $wait (param i32) (result i32)))
    (memory 1)
    (func (export "chain") (param $n i32) (result i32)
        (i32.store (i32.const 1024) (local.get $n))
        (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
        (i32.add (i32.const 1) (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1)))))))"#;

/// Each call forks `width` more, `depth` levels; counts the calls.
pub(crate) const TREE: &str = r#"(module
    (import "fork" "tree" (func $fork (param i32 i32) (result i32)))
    (import "wait" "tree" (func $wait (param i32) (result i32)))
    (func (export "tree") (param $width i32) (param $depth i32) (result i32) (local $i i32) (local $sum i32)
        (local.set $sum (i32.const 1))
        (if (i32.eqz (local.get $depth)) (then (return (local.get $sum))))
        (loop $fork_all
            (drop (call $fork (local.get $width) (i32.sub (local.get $depth) (i32.const 1))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $fork_all (i32.lt_u (local.get $i) (local.get $width))))
        (loop $wait_all
            (local.set $sum (i32.add (local.get $sum) (call $wait (local.get $i))))
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (br_if $wait_all (local.get $i)))
        (local.get $sum)))"#;

/// One function for each way to fail, one that does not, and one that never ends.
pub(crate) const FAILING: &str = r#"(module (memory 1)
    (func (export "fine") (param i32) (result i32) (i32.store (i32.const 0) (local.get 0)) (i32.load (i32.const 0)))
    (func (export "trap") (param i32) (result i32) (i32.store (i32.const 0) (local.get 0)) unreachable)
    (func (export "spin") (param i32) (result i32) (loop $again (br $again)) unreachable)
    (func (export "grow") (param i32) (result i32)
        (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        unreachable))"#;
