//! Modules that start with the state that a call has left.

use expect_test::expect;
use purefork::{ErrorKind, Executor, Module, args};
use purefork_tests::{compiled, each_executor, error, loaded};

/// What a function gives, as text.
#[track_caller]
fn given(module: &Module, function: &str, args: purefork::Args) -> String {
    match module.fork(function, args).and_then(|future| future.wait()) {
        Ok(value) => value.to_string(),
        Err(error) => panic!("{error:?}"),
    }
}

/// State in memory, which grows, and in globals of every type.
const STATE: &str = r#"(module $state
    (memory $memory 1 8)
    (memory $wide i64 1 4)
    (global $i (mut i32) (i32.const 1))
    (global $l (mut i64) (i64.const 2))
    (global $f (mut f32) (f32.const 3))
    (global $d (mut f64) (f64.const 4))
    (global $v (mut v128) (v128.const i32x4 1 2 3 4))
    (global $fixed i32 (i32.const 77))
    (data $text (i32.const 16) "text")
    (data $later "later")
    (start $start)
    (func $start (global.set $i (i32.add (global.get $i) (i32.const 100))))
    (func (export "load") (param $n i32)
        (drop (memory.grow $memory (i32.const 2)))
        (drop (memory.grow $wide (i64.const 1)))
        (i32.store $memory (i32.const 196600) (local.get $n))
        (i64.store $wide (i64.const 131000) (i64.extend_i32_u (local.get $n)))
        (memory.init $memory $later (i32.const 32) (i32.const 0) (i32.const 5))
        (i32.store8 $memory (i32.const 17) (i32.const 0x41))
        (global.set $i (i32.add (global.get $i) (local.get $n)))
        (global.set $l (i64.const -5))
        (global.set $f (f32.reinterpret_i32 (i32.const 0x7fc01234)))
        (global.set $d (f64.const -0.0))
        (global.set $v (i32x4.splat (local.get $n))))
    (func (export "numbers") (result i32 i64 i32 f64 v128 i32)
        (global.get $i) (global.get $l) (i32.reinterpret_f32 (global.get $f)) (global.get $d) (global.get $v)
        (global.get $fixed))
    (func (export "memory") (result i32 i64 i32 i64 i64 i64)
        (memory.size $memory) (memory.size $wide)
        (i32.load $memory (i32.const 196600)) (i64.load $wide (i64.const 131000))
        (i64.load $memory (i32.const 16)) (i64.load $memory (i32.const 32)))
    (func (export "later") (result i64)
        (memory.init $memory $later (i32.const 48) (i32.const 0) (i32.const 5))
        (i64.load $memory (i32.const 48)))
    (func (export "text") (memory.init $memory $text (i32.const 48) (i32.const 0) (i32.const 1)))
    (func (export "spoil") (result i32)
        (i32.store $memory (i32.const 196600) (i32.const 1))
        (global.set $i (i32.const 1))
        (i32.add (i32.load $memory (i32.const 196600)) (global.get $i))))"#;

#[test]
fn every_call_starts_with_the_state_that_the_initialiser_has_left() {
    each_executor(|exec| {
        let module = loaded(exec, STATE);
        let ready = module.preinit("load", args![7]).unwrap();
        for _ in 0..2 {
            assert_eq!(given(&ready, "numbers", args![]), "(108, -5, 2143294004, -0, (7, 0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0), 77)");
            assert_eq!(given(&ready, "memory", args![]), "(3, 2, 7, 7, 1954038132, 491328397676)");
            // What one call does to it no other sees.
            assert_eq!(given(&ready, "spoil", args![]), "2");
        }
        assert_eq!(given(&module, "numbers", args![]).split(',').next(), Some("(101"));
    });
}

#[test]
fn a_guest_in_rust_keeps_what_it_has_loaded() {
    each_executor(|exec| {
        let guest = exec.load_bytes(compiled("attributes")).unwrap();
        let ready = guest.preinit("load", args!["the cat and the dog", times = 3]).unwrap();
        assert_eq!(given(&ready, "count", args!["the"]), "6");
        assert_eq!(given(&ready, "all", args![]), r#"(["and", "cat", "dog", "the"], 1)"#);
        let again = ready.preinit("load", args!["a bird", 1]).unwrap();
        assert_eq!(given(&again, "all", args![]), r#"(["a", "and", "bird", "cat", "dog", "the"], 2)"#);
        assert_eq!(given(&ready, "all", args![]), r#"(["and", "cat", "dog", "the"], 1)"#);
        assert_eq!(given(&guest, "all", args![]), "([], 0)");
        let forked = guest.preinit("load-forked", args!["one two"]).unwrap();
        assert_eq!(given(&forked, "all", args![]), "([], 2)");
        println!("{}", error(guest.preinit("load-kept", args!["one two"])));
        println!("{}", error(guest.preinit("load", args!["", 1])));
    });
}
