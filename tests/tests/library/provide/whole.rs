//! What is linked is one module: what it exports, is called, and holds.

use super::{calls, provided};
use expect_test::expect;
use purefork::{Assembly, Executor, Wasi, args};
use purefork_tests::{Mode, built, describe, error, loaded};

const P: &str = r#"(module $provider
    (global $n (export "n") (mut i32) (i32.const 1))
    (func $inner (result i32) (i32.div_u (i32.const 1) (i32.sub (global.get $n) (i32.const 1))))
    (func $outer (export "outer") (param $what i32) (result i32) (call $inner))
    (func (export "hidden")))"#;

const MAIN: &str = r#"(module $main
    (import "p" "outer" (func $elsewhere (param i32) (result i32)))
    (import "p" "n" (global $n (mut i32)))
    (export "again" (func $elsewhere))
    (func $own (export "own") (param $given i32) (result i32) (call $elsewhere (local.get $given))))"#;

#[test]
fn exports_are_those_of_the_module_and_names_say_whose_a_function_is() {
    let exec = Mode::Serial.executor();
    let module = provided(&exec, &[("p", P)], MAIN).unwrap();
    let inspection = module.inspect();
    let functions: Vec<_> = inspection.functions.iter().map(ToString::to_string).collect();
    assert_eq!(functions, ["again(what: i32) -> i32", "own(given: i32) -> i32"]);
    let (error, line) = (error(module.fork("own", args![3]).unwrap().wait()), line!());
    expect![[r#"
        Trap, catchable
        text: `own` trapped: integer divide by zero
          at `p.inner` (offset 0x48), forked at HERE
        site: HERE
        backtrace: p.inner < p.outer < own
        chain: own (HERE)
    "#]]
    .assert_eq(&describe(&error, file!(), line));
}

#[test]
fn the_order_of_providers_makes_no_difference() {
    let chained = r#"(module (import "p" "outer" (func $f (param i32) (result i32))) (export "f" (func $f)))"#;
    let main = r#"(module (import "q" "f" (func $q (param i32) (result i32))) (import "p" "hidden" (func $p)) (export "q" (func $q)) (export "p" (func $p)))"#;
    let bytes = |providers: [(&str, &str); 2]| {
        let assembly = providers.iter().fold(Assembly::new(), |made, (name, wat)| made.provide_bytes(*name, wat));
        assembly.bytes(main).unwrap()
    };
    assert_eq!(bytes([("p", P), ("q", chained)]), bytes([("q", chained), ("p", P)]));
}

/// A module that was loaded provides what it was loaded from; what is linked is the same by its bytes as well.
#[test]
fn what_is_linked_is_loaded_from_its_own_bytes_like_any_other() {
    let exec = Executor::builder().threads(1).build().unwrap();
    let p = loaded(&exec, P);
    let module = exec.load_options().provide("p", &p).load_bytes(MAIN).unwrap();
    let again = exec.load_bytes(module.bytes().unwrap()).unwrap();
    assert_eq!(module.digest(), again.digest());
    assert_eq!(calls(&again, &[("again", &[1])]), "again[1] trap\n");
}

#[test]
fn a_module_that_is_preinitialised_keeps_what_its_providers_hold() {
    let exec = Mode::Serial.executor();
    let counter = r#"(module (global $n (mut i32) (i32.const 1))
        (func (export "more") (global.set $n (i32.add (global.get $n) (i32.const 1))))
        (func (export "n") (result i32) (global.get $n)))"#;
    let main = r#"(module (import "p" "n" (func $n (result i32))) (import "p" "more" (func $more))
        (export "n" (func $n)) (export "more" (func $more)))"#;
    let module = provided(&exec, &[("p", counter)], main).unwrap();
    let more = module.preinit("more", args![]).unwrap();
    assert_eq!(calls(&more, &[("n", &[])]), "n[] 2\n");
    assert_eq!(calls(&module, &[("n", &[])]), "n[] 1\n");
}

/// The main module exports no memory, and so that of the provider serves.
#[test]
fn a_provider_s_wasi_reads_its_own_memory() {
    let exec = built(Executor::builder().serial().wasi(Wasi::Frozen));
    let p = r#"(module
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "now") (result i64) (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 8))) (i64.load (i32.const 8))))"#;
    let main = r#"(module (import "p" "now" (func $now (result i64))) (export "now" (func $now)))"#;
    let module = provided(&exec, &[("p", p)], main).unwrap();
    assert_eq!(calls(&module, &[("now", &[])]), "now[] 1000000000\n");
}

/// As Emscripten makes them whose memory JavaScript makes.
#[test]
fn a_module_that_is_given_its_memory_has_it_for_wasi_and_for_scripts() {
    let exec = built(Executor::builder().serial().wasi(Wasi::Frozen));
    let main = r#"(module
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
        (import "env" "memory" (memory 1))
        (data (i32.const 8) "hello")
        (func (export "now") (result i64) (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 16))) (i64.load (i32.const 16)))
        (func (export "word") (result i32) (i32.const 8)))"#;
    let memory = r#"(module (memory (export "memory") 1))"#;
    let module = provided(&exec, &[("env", memory)], main).unwrap();
    assert_eq!(module.fork("now", args![]).unwrap().wait().unwrap().to_string(), "1000000000");
    let options = exec.load_options().provide_bytes("env", memory).script(Vec::<String>::new(), "string(word())");
    let module = options.load_bytes(main).unwrap();
    assert_eq!(module.fork("script", args![]).unwrap().wait().unwrap().to_string(), "\"hello\"");
}

/// Of several, the one that is called so.
#[test]
fn of_two_memories_that_are_given_the_one_of_that_name_is_meant() {
    let exec = built(Executor::builder().serial().wasi(Wasi::Frozen));
    let main = r#"(module
        (import "env" "other" (memory 1))
        (import "env" "memory" (memory $memory 1))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
        (func (export "now") (result i64) (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 16))) (i64.load $memory (i32.const 16))))"#;
    let memories = r#"(module (memory (export "memory") 1) (memory (export "other") 1))"#;
    let module = provided(&exec, &[("env", memories)], main).unwrap();
    assert_eq!(module.fork("now", args![]).unwrap().wait().unwrap().to_string(), "1000000000");
}

/// A provider may stand for WASI itself.
#[test]
fn a_name_of_the_host_s_may_be_provided_too() {
    let exec = Mode::Serial.executor();
    let wasi = r#"(module (func (export "sched_yield") (result i32) (i32.const 42)))"#;
    let main =
        r#"(module (import "wasi_snapshot_preview1" "sched_yield" (func $y (result i32))) (export "y" (func $y)))"#;
    let module = provided(&exec, &[("wasi_snapshot_preview1", wasi)], main).unwrap();
    assert_eq!(calls(&module, &[("y", &[])]), "y[] 42\n");
}
