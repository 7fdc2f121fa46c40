//! What is refused, with and without WASI.

use super::*;
use expect_test::{Expect, expect};
use purefork::{ErrorKind, Executor};
use purefork_tests::error;

#[track_caller]
fn check(wat: &str, expected: &Expect) {
    let error = error(Executor::builder().wasi(Wasi::Frozen).inspect(wat));
    expected.assert_eq(&format!("{}: {error}\n", error.kind().name()));
}

#[test]
fn without_it_a_guest_is_refused_and_told_of_it() {
    let wat = guest(&[("sched_yield", "(result i32)")], "");
    let error = error(Executor::builder().inspect(&wat));
    expect![[r#"
        Impure: the guest cannot be shown to be pure, for 1 reason
          it imports nothing else than WASI: `Builder::wasi` (`--wasi frozen`) gives it one in which time stands still, with no files but those that are given
          imports `wasi_snapshot_preview1.sched_yield` (func (result i32)): WASI's sleeping and yielding, and a guest sees no time pass; compile without it (`wasm32-unknown-unknown`)
    "#]]
    .assert_eq(&format!("{}: {error}\n", error.kind().name()));
    let both = guest(&[("sched_yield", "(result i32)")], "").replace("(memory", r#"(import "env" "f" (func)) (memory"#);
    let told = "if it does not call them, `Builder::unknown_imports` (`--unknown-imports trap`) takes it: to call one is a trap then";
    assert_eq!(purefork_tests::error(Executor::builder().inspect(both)).help(), Some(told));
    assert!(Executor::builder().wasi(Wasi::Frozen).inspect(wat).is_ok());
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
            (import "wasi_unstable" "sock_accept" (func (param i32 i32 i32) (result i32)))
            (memory (export "memory") 1))"#,
        &expect![[r#"
            Impure: the guest cannot be shown to be pure, for 3 reasons
              imports `wasi_snapshot_preview1.thread-spawn` (func (param i32) (result i32)): WASI's threads, and a guest has none; fork instead
              imports `wasi_snapshot_preview1.sched_yield` (global i32): a guest sees no state but its own; define the global in the guest (link as an executable, not as a shared library)
              imports `wasi_unstable.sock_accept` (func (param i32 i32 i32) (result i32)): WASI's sockets, and a guest has none; pass the data as an argument
        "#]],
    );
}

#[test]
fn wasi_is_not_handed_on() {
    let wat = guest(&[("sched_yield", "(result i32)")], r#"(export "yield" (func $sched_yield)) (func (export "f"))"#);
    let inspection = Executor::builder().wasi(Wasi::Frozen).inspect(wat).unwrap();
    let [yields] = inspection.others.as_slice() else { panic!("{inspection:?}") };
    assert_eq!(
        (yields.name.as_str(), yields.why.as_str()),
        ("yield", "it is imported, and so nothing outside of a call")
    );
    assert_eq!(inspection.functions[0].to_string(), "f()");
}

/// A module whose functions of WASI read and write no memory needs none; and only those trap without one that do.
#[test]
fn wasi_needs_a_memory_only_where_it_reads_or_writes_one() {
    for memory in [
        "",
        "(memory 1)",
        r#"(memory (export "other") 1)"#,
        r#"(memory (export "memory") i64 1)"#,
        r#"(func (export "memory"))"#,
    ] {
        let wat = format!(
            r#"(module
                (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
                (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
                (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
                (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
                (import "wasi_snapshot_preview1" "fd_write" (func $fd_write {FOUR}))
                {memory}
                (func (export "clock") (result i32) (call $clock (i32.const 0) (i64.const 0) (i32.const 8)))
                (func (export "write") (result i32)
                    (call $fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
                (func (export "_start")
                    (if (call $sched_yield) (then (unreachable)))
                    (if (i32.ne (call $fd_close (i32.const 9)) (i32.const 8)) (then (unreachable)))
                    (call $proc_exit (i32.const 3))))"#
        );
        each_frozen(|exec| {
            let module = purefork_tests::loaded(exec, &wat);
            assert_eq!(run(&module, &[], b"").unwrap(), (3, vec![], vec![]));
            for function in ["clock", "write"] {
                let error = error(module.fork(function, purefork::args![]).unwrap().wait());
                assert_eq!(error.kind(), ErrorKind::Trap);
                assert_eq!(
                    error.message(),
                    "the guest called a function of WASI that reads or writes the export `memory`, and it exports no 32-bit memory under that name"
                );
            }
        });
    }
}

#[test]
fn a_forked_function_called_like_one_of_wasi_is_another() {
    let inspection = Executor::builder()
        .wasi(Wasi::Frozen)
        .inspect(
            r#"(module
            (import "fork" "fd_write" (func (result i32)))
            (import "wait" "fd_write" (func (param i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "fd_write")))"#,
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

/// The host has one function of a name: with two types, one of them could not be linked.
#[test]
fn a_function_that_is_imported_with_two_types_is_refused() {
    let exec = built(Executor::builder().serial().wasi(Wasi::Frozen));
    let module = r#"(module
        (import "wasi_snapshot_preview1" "fd_seek" (func (param i32 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_seek" (func (param i32 i32 i32 i32 i32) (result i32))))"#;
    let error = purefork_tests::error(exec.load_bytes(module));
    assert!(
        error.to_string().contains("it is also imported as (func (param i32 i64 i32 i32) (result i32)); use one type"),
        "{error}"
    );
}
