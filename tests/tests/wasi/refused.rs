//! What is refused, with and without WASI.

use super::*;
use expect_test::{Expect, expect};
use purefork::{ErrorKind, inspect, inspect_with};
use purefork_tests::error;

#[track_caller]
fn check(wat: &str, expected: &Expect) {
    let error = error(inspect_with(wat, Wasi::Frozen));
    expected.assert_eq(&format!("{}: {error}\n", error.kind().name()));
}

#[test]
fn without_it_a_guest_is_refused_and_told_of_it() {
    let wat = guest(&[("sched_yield", "(result i32)")], "");
    let error = error(inspect(&wat));
    expect![[r#"
        Impure: the guest cannot be shown to be pure, for 1 reason
          it imports nothing else than WASI: `Builder::wasi` (`--wasi frozen`) gives it one in which time stands still and there are no files
          imports `wasi_snapshot_preview1.sched_yield` (func (result i32)): WASI's sleeping and yielding, and a guest sees no time pass; compile without it (`wasm32-unknown-unknown`)
    "#]]
    .assert_eq(&format!("{}: {error}\n", error.kind().name()));
    let both = guest(&[("sched_yield", "(result i32)")], "").replace("(memory", r#"(import "env" "f" (func)) (memory"#);
    assert_eq!(purefork_tests::error(inspect(both)).help(), None);
    assert!(inspect_with(wat, Wasi::Frozen).is_ok());
}

#[test]
fn a_function_is_taken_with_wasis_own_type_alone() {
    check(
        &guest(&[("fd_write", "(param i32 i32 i32 i64) (result i32)")], ""),
        &expect![[r#"
            Impure: the guest cannot be shown to be pure, for 1 reason
              imports `wasi_snapshot_preview1.fd_write` (func (param i32 i32 i32 i64) (result i32)), and WASI has it as (func (param i32 i32 i32 i32) (result i32)); declare it so
        "#]],
    );
}

#[test]
fn what_wasi_does_not_have_is_refused() {
    check(
        r#"(module
            (import "wasi_snapshot_preview1" "thread-spawn" (func (param i32) (result i32)))
            (import "wasi_snapshot_preview1" "sched_yield" (global i32))
            (import "wasi_unstable" "sched_yield" (func (result i32)))
            (memory (export "memory") 1))"#,
        &expect![[r#"
            Impure: the guest cannot be shown to be pure, for 3 reasons
              imports `wasi_snapshot_preview1.thread-spawn` (func (param i32) (result i32)): WASI's threads, and a guest has none; fork instead
              imports `wasi_snapshot_preview1.sched_yield` (global i32): a guest sees no state but its own; define the global in the guest (link as an executable, not as a shared library)
              imports `wasi_unstable.sched_yield` (func (result i32)): WASI's sleeping and yielding, and a guest sees no time pass; compile without it (`wasm32-unknown-unknown`)
        "#]],
    );
}

#[test]
fn wasi_needs_the_memory_and_is_not_handed_on() {
    for rest in ["", "(memory 1)", r#"(memory (export "memory") i64 1)"#, r#"(func (export "memory"))"#] {
        check(
            &format!(r#"(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) {rest})"#),
            &expect![[r#"
                Impure: the guest cannot be shown to be pure, for 1 reason
                  imports WASI, which reads and writes the export `memory`, and exports no 32-bit memory under that name; export the memory
            "#]],
        );
    }
    check(
        &guest(&[("sched_yield", "(result i32)")], r#"(export "yield" (func $sched_yield))"#),
        &expect![[r#"
            Impure: the guest cannot be shown to be pure, for 1 reason
              export `yield` is the import `wasi_snapshot_preview1.sched_yield`: it has no meaning outside of a guest; export a function of the guest's own
        "#]],
    );
}

#[test]
fn a_forked_function_called_like_one_of_wasi_is_another() {
    let inspection = inspect_with(
        r#"(module
            (import "fork" "fd_write" (func (result i32)))
            (import "wait" "fd_write" (func (param i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "fd_write")))"#,
        Wasi::Frozen,
    )
    .unwrap();
    assert_eq!((inspection.forks.len(), inspection.wasi.len()), (1, 1));
}

#[test]
fn what_was_compiled_with_wasi_is_not_found_without() {
    let dir = std::env::temp_dir().join(format!("purefork-wasi-{}", std::process::id()));
    let wat = guest(&[("sched_yield", "(result i32)")], "");
    let builder = || Mode::Serial.builder().cache_dir(&dir);
    for _ in 0..2 {
        let with = built(builder().wasi(Wasi::Frozen));
        assert!(with.load_bytes(&wat).is_ok());
        let without = built(builder());
        assert_eq!(error(without.load_bytes(&wat)).kind(), ErrorKind::Impure);
    }
    std::fs::remove_dir_all(dir).unwrap();
}
