//! What cannot be linked, and what is said of it.

use super::{Provider, provided};
use expect_test::{Expect, expect};
use purefork_tests::{Mode, error};

#[track_caller]
fn check(providers: &[Provider<'_>], main: &str, expected: &Expect) {
    let error = error(provided(&Mode::Serial.executor(), providers, main));
    expected.assert_eq(&format!("{}: {error}\n", error.kind().name()));
}

const MAIN: &str = r#"(module (import "p" "f" (func $f (param i32))) (func (export "g") (call $f (i32.const 1))))"#;

#[test]
fn providers_that_import_from_each_other_are_named() {
    let p = r#"(module (import "q" "f" (func $f (param i32))) (export "f" (func $f)))"#;
    let q = r#"(module (import "p" "f" (func $f (param i32))) (export "f" (func $f)))"#;
    check(
        &[("p", p), ("q", q)],
        MAIN,
        &expect![[r#"
            Link: modules import from each other in a circle: `p` → `q` → `p`
              a module is made after those that it imports from; provide one module that has what both need
        "#]],
    );
    check(
        &[("p", p.replace("\"q\"", "\"p\"").as_str())],
        MAIN,
        &expect![[r#"
            Link: `p` imports from itself
              a module is made after those that it imports from; provide one module that has what both need
        "#]],
    );
}

#[test]
fn what_a_provider_needs_and_nobody_has_is_told_with_the_provider() {
    let p = r#"(module (import "host" "log" (func $log (param i32))) (func (param i32) (call $log (local.get 0))) (func $f (export "f") (param i32) (call 1 (local.get 0))))"#;
    check(
        &[("p", p)],
        MAIN,
        &expect![[r#"
            Impure: the guest cannot be shown to be pure, for 1 reason
              if it does not call them, `Builder::unknown_imports` (`--unknown-imports trap`) takes it: to call one is a trap then
              imports `host.log` (func (param i32)): only functions from `fork` and `wait` can be imported; give the guest a module that exports it (`--provide NAME=MODULE`), or pass what it gives as an argument (export `g` → function `p.f` → function `p.func[1]` → import `host.log`)
        "#]],
    );
}

#[test]
fn an_export_of_another_type_is_told_with_both_types() {
    let p = |export: &str| format!("(module {export})");
    let main = |import: &str| format!(r#"(module (import "p" "x" {import}))"#);
    let told = |export: &str, import: &str| {
        let error = error(provided(&Mode::Serial.executor(), &[("p", p(export).as_str())], &main(import)));
        format!("{error}\n")
    };
    let text: String = [
        (r#"(func (export "x") (param i64))"#, "(func (param i32))"),
        (r#"(global (export "x") i32 (i32.const 1))"#, "(func (param i32))"),
        (r#"(global (export "x") i32 (i32.const 1))"#, "(global (mut i32))"),
        (r#"(memory (export "x") 1)"#, "(memory 2)"),
        (r#"(memory (export "x") 1)"#, "(memory 1 2)"),
        (r#"(memory (export "x") 1 3)"#, "(memory 1 2)"),
        (r#"(memory (export "x") i64 1)"#, "(memory 1)"),
        (r#"(table (export "x") 1 funcref)"#, "(table 2 funcref)"),
        (r#"(table (export "x") 1 funcref)"#, "(table 1 externref)"),
    ]
    .iter()
    .map(|(export, import)| told(export, import))
    .collect();
    expect![[r#"
        the module imports `p.x` (func (param i32)), but `p` exports it as (func (param i64))
          build both from the same declaration
        the module imports `p.x` (func (param i32)), but `p` exports it as (global i32)
          build both from the same declaration
        the module imports `p.x` (global (mut i32)), but `p` exports it as (global i32)
          build both from the same declaration
        the module imports `p.x` (memory 2), but `p` exports it as (memory 1)
          build both from the same declaration
        the module imports `p.x` (memory 1 2), but `p` exports it as (memory 1)
          build both from the same declaration
        the module imports `p.x` (memory 1 2), but `p` exports it as (memory 1 3)
          build both from the same declaration
        the module imports `p.x` (memory 1), but `p` exports it as (memory i64 1)
          build both from the same declaration
        the module imports `p.x` (table 2 funcref), but `p` exports it as (table 1 funcref)
          build both from the same declaration
        the module imports `p.x` (table 1 externref), but `p` exports it as (table 1 funcref)
          build both from the same declaration
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_provider_without_the_export_is_told_with_what_it_has() {
    check(
        &[("p", r#"(module (func (export "start")) (memory (export "end") 1))"#)],
        MAIN,
        &expect![[r#"
            Link: the module imports `p.f` (func (param i32)), and `p` has no such export
              it exports `start`, `end`
        "#]],
    );
    check(
        &[("p", "(module)")],
        MAIN,
        &expect![[r#"
            Link: the module imports `p.f` (func (param i32)), and `p` has no such export
              it exports nothing
        "#]],
    );
}

#[test]
fn a_name_is_provided_once_and_imported_from() {
    let p = r#"(module (func (export "f") (param i32)))"#;
    check(
        &[("p", p), ("p", p)],
        MAIN,
        &expect![[r#"
            Invalid: `p` is provided twice
              provide one module for each name
        "#]],
    );
    check(
        &[("p", p), ("q`\u{1b}", p)],
        MAIN,
        &expect![[r#"
            Invalid: nothing imports from `q\`\u{1b}`
              what is imported comes from `p`
        "#]],
    );
    check(
        &[("p", p)],
        "(module)",
        &expect![[r#"
            Invalid: nothing imports from `p`
              nothing is imported: load the module without it
        "#]],
    );
}

#[test]
fn a_component_and_what_is_no_module_are_refused() {
    check(
        &[("p", "(component)")],
        MAIN,
        &expect![[r#"
            Malformed: expected core modules to link, but `p` is a component
              compose components beforehand, such as with `wac plug`, and load what comes of it
        "#]],
    );
    check(
        &[("p", "(module)")],
        "(component)",
        &expect![[r#"
            Malformed: expected core modules to link, but the module is a component
              compose components beforehand, such as with `wac plug`, and load what comes of it
        "#]],
    );
    check(
        &[("p", "\0asm\u{1}\0\0\0\u{1}")],
        MAIN,
        &expect![[r#"
            Malformed: `p` is not a valid core module: unexpected end-of-file (at byte 0x9)
        "#]],
    );
}

/// It would read the memory of another module.
#[test]
fn a_provider_that_imports_wasi_exports_its_memory_or_shares_one() {
    let p = r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (memory 1)
        (func (export "f") (param i32) (drop (call $random (i32.const 0) (i32.const 4)))))"#;
    check(
        &[("p", p)],
        MAIN,
        &expect![[r#"
            Link: `p` imports WASI, which reads and writes the memory that is exported as `memory`, and it exports none
              build it to share the memory of the module that is called (`--import-memory`)
        "#]],
    );
}

/// WASI reads the memory that is exported: with two, it would read the wrong one.
#[test]
fn modules_that_import_wasi_mean_one_memory() {
    let p = r#"(module
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "f") (param i32) (drop (call $random (i32.const 0) (i32.const 4)))))"#;
    let main = MAIN.replace("(func (export", "(memory (export \"memory\") 1) (func (export");
    check(
        &[("p", p)],
        &main,
        &expect![[r#"
            Link: `p` imports WASI, which reads and writes the memory that is exported as `memory`, and the module exports another one
              build them to share one memory: one exports it, the other imports it (`--import-memory`)
        "#]],
    );
}
