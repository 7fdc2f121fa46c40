//! What each kind of import does when it is provided. Every text is what wasmtime's linker gives, too.

use super::{Call, Provider, calls, linked, provided};
use expect_test::{Expect, expect};
use purefork_tests::each_executor;

#[track_caller]
fn check(providers: &[Provider<'_>], main: &str, all: &[Call<'_>], expected: &Expect) {
    let there = linked(providers, main, all);
    expected.assert_eq(&there);
    each_executor(|exec| {
        let module = provided(exec, providers, main).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(calls(&module, all), there);
        // A sandbox that has served a call serves the next.
        assert_eq!(calls(&module, all), there);
    });
}

#[test]
fn a_provider_s_state_starts_anew_with_each_call() {
    let counter = r#"(module
        (global $n (mut i32) (i32.const 40))
        (func (export "next") (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1)))
            (global.get $n)))"#;
    let main = r#"(module
        (import "counter" "next" (func $next (result i32)))
        (func (export "once") (result i32) (call $next))
        (func (export "twice") (result i32) (drop (call $next)) (call $next)))"#;
    let expected = expect![[r#"
        once[] 41
        twice[] 42
        once[] 41
    "#]];
    check(&[("counter", counter)], main, &[("once", &[]), ("twice", &[]), ("once", &[])], &expected);
}

#[test]
fn markers_of_a_benchmark_are_functions_like_any_other() {
    let bench = r#"(module (func (export "start")) (func (export "end")))"#;
    let main = r#"(module
        (import "bench" "start" (func $start))
        (import "bench" "end" (func $end))
        (func (export "run") (param i32) (result i32)
            (call $start) (local.set 0 (i32.mul (local.get 0) (i32.const 6))) (call $end) (local.get 0)))"#;
    let expected = expect![[r#"
        run[7] 42
    "#]];
    check(&[("bench", bench)], main, &[("run", &[7])], &expected);
}

/// As LLVM and Emscripten make them: memory, table, and the places that are the module's own, come from outside.
#[test]
fn a_side_module_is_placed_where_its_host_says() {
    let env = r#"(module
        (memory (export "memory") 1)
        (table (export "__indirect_function_table") 8 funcref)
        (global (export "__memory_base") i32 (i32.const 1024))
        (global (export "__table_base") i32 (i32.const 3))
        (global (export "__stack_pointer") (mut i32) (i32.const 65536))
        (data (i32.const 1020) "ABCDEFGH")
        (func $own (result i32) (i32.const -1))
        (elem (i32.const 0) $own)
        (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;
    let main = r#"(module
        (import "env" "memory" (memory 1))
        (import "env" "__indirect_function_table" (table 1 funcref))
        (import "env" "__memory_base" (global $base i32))
        (import "env" "__table_base" (global $table i32))
        (import "env" "__stack_pointer" (global $stack (mut i32)))
        (import "env" "peek" (func $peek (param i32) (result i32)))
        (type $f (func (result i32)))
        (global $second i32 (i32.add (global.get $base) (i32.const 2)))
        (data (global.get $base) "ab")
        (data (i32.add (global.get $base) (i32.const 2)) "c")
        (elem (global.get $table) $first $peeking)
        (func $first (result i32) (i32.const 11))
        (func $peeking (result i32) (call $peek (global.get $second)))
        (func (export "byte") (param i32) (result i32) (i32.load8_u offset=1020 (local.get 0)))
        (func (export "indirect") (param i32) (result i32) (call_indirect (type $f) (local.get 0)))
        (func (export "stack") (result i32)
            (global.set $stack (i32.sub (global.get $stack) (i32.const 16)))
            (global.get $stack)))"#;
    let expected = expect![[r#"
        byte[3] 68
        byte[4] 97
        byte[6] 99
        byte[7] 72
        indirect[0] -1
        indirect[3] 11
        indirect[4] 99
        indirect[5] trap
        stack[] 65520
    "#]];
    let all: &[Call<'_>] = &[
        ("byte", &[3]),
        ("byte", &[4]),
        ("byte", &[6]),
        ("byte", &[7]),
        ("indirect", &[0]),
        ("indirect", &[3]),
        ("indirect", &[4]),
        ("indirect", &[5]),
        ("stack", &[]),
    ];
    check(&[("env", env)], main, all, &expected);
}

#[test]
fn providers_may_import_from_each_other_in_a_chain() {
    let a = r#"(module (func (export "a") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (global (export "g") i32 (i32.const 5)))"#;
    let b = r#"(module (import "a" "a" (func $a (param i32) (result i32))) (import "a" "g" (global $g i32))
        (export "a" (func $a)) (export "g" (global $g))
        (global (export "h") i32 (i32.mul (global.get $g) (i32.const 3)))
        (func (export "b") (param i32) (result i32) (i32.mul (call $a (local.get 0)) (i32.const 2))))"#;
    let c = r#"(module (import "b" "b" (func $b (param i32) (result i32))) (import "b" "a" (func $a (param i32) (result i32)))
        (import "b" "h" (global $h i32)) (import "b" "g" (global $g i32))
        (global $sum i32 (i32.add (global.get $h) (global.get $g)))
        (export "both" (func $b))
        (func (export "c") (param i32) (result i32) (i32.add (global.get $sum) (i32.sub (call $b (local.get 0)) (call $a (local.get 0))))))"#;
    let expected = expect![[r#"
        c[9] 30
        both[9] 20
    "#]];
    check(&[("a", a), ("b", b)], c, &[("c", &[9]), ("both", &[9])], &expected);
}

#[test]
fn references_to_functions_go_both_ways() {
    let p = r#"(module
        (type $f (func (param i32) (result i32)))
        (table (export "t") 4 funcref)
        (func $double (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
        (func (export "ref") (result funcref) (ref.func $double))
        (func (export "apply") (param i32 i32) (result i32) (call_indirect (type $f) (local.get 1) (local.get 0))))"#;
    let main = r#"(module
        (type $f (func (param i32) (result i32)))
        (import "p" "t" (table $t 2 funcref))
        (import "p" "double" (func $double (type $f)))
        (import "p" "ref" (func $ref (result funcref)))
        (import "p" "apply" (func $apply (param i32 i32) (result i32)))
        (func $triple (type $f) (i32.mul (local.get 0) (i32.const 3)))
        (elem (i32.const 1) func $double $triple)
        (elem declare func $double)
        (func (export "apply") (param i32 i32) (result i32) (call $apply (local.get 0) (local.get 1)))
        (func (export "set") (param i32) (result i32)
            (table.set $t (i32.const 3) (call $ref))
            (call $apply (i32.const 3) (local.get 0)))
        (func (export "own") (param i32) (result i32) (call_ref $f (local.get 0) (ref.func $double))))"#;
    let expected = expect![[r#"
        apply[0, 7] trap
        apply[1, 7] 14
        apply[2, 7] 21
        apply[3, 7] trap
        set[8] 16
        own[9] 18
    "#]];
    let all: &[Call<'_>] =
        &[("apply", &[0, 7]), ("apply", &[1, 7]), ("apply", &[2, 7]), ("apply", &[3, 7]), ("set", &[8]), ("own", &[9])];
    check(&[("p", p)], main, all, &expected);
}

#[test]
fn memories_beside_each_other_and_wide_ones_keep_apart() {
    let p = r#"(module
        (memory $own 1) (memory $wide (export "wide") i64 1) (data (memory $own) (i32.const 0) "\01")
        (data (memory $wide) (i64.const 0) "\02")
        (func (export "own") (param i32) (result i32)
            (i32.store8 $own (i32.const 1) (local.get 0)) (i32.load16_u $own (i32.const 0))))"#;
    let main = r#"(module
        (import "p" "wide" (memory $wide i64 1))
        (import "p" "own" (func $own (param i32) (result i32)))
        (memory $mine 1) (data (memory $mine) (i32.const 0) "\03")
        (data (memory $wide) (i64.const 1) "\04")
        (func (export "all") (param i32) (result i32)
            (memory.copy $mine $wide (i32.const 1) (i64.const 0) (i32.const 2))
            (i32.add (i32.load $mine (i32.const 0)) (call $own (local.get 0)))))"#;
    let expected = expect![[r#"
        all[5] 263940
    "#]];
    check(&[("p", p)], main, &[("all", &[5])], &expected);
}

#[test]
fn tail_calls_cross_modules() {
    let p = r#"(module (func $down (export "down") (param i32 i32) (result i32)
        (if (result i32) (local.get 0)
            (then (return_call $down (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 1))))
            (else (local.get 1)))))"#;
    let main = r#"(module (import "p" "down" (func $down (param i32 i32) (result i32)))
        (func (export "count") (param i32) (result i32) (return_call $down (local.get 0) (i32.const 0))))"#;
    let expected = expect![[r#"
        count[100000] 100000
    "#]];
    check(&[("p", p)], main, &[("count", &[100_000])], &expected);
}

/// Providers are set up first, and a segment is placed after the start functions of those who were made before.
#[test]
fn what_sets_modules_up_runs_in_their_order() {
    let p = r#"(module
        (memory (export "memory") 1)
        (global $n (export "n") (mut i32) (i32.const 0))
        (func $step (export "step") (param i32)
            (global.set $n (i32.add (i32.mul (global.get $n) (i32.const 10)) (local.get 0))))
        (func $start (call $step (i32.const 1)) (i32.store8 (i32.const 0) (i32.const 9)) (drop (memory.grow (i32.const 1))))
        (start $start)
        (func (export "_initialize") (call $step (i32.const 2))))"#;
    let q = r#"(module (import "p" "step" (func $step (param i32)))
        (func (export "_initialize") (call $step (i32.const 3))) (func (export "q")))"#;
    let main = r#"(module
        (import "p" "memory" (memory 1))
        (import "p" "n" (global $n (mut i32)))
        (import "p" "step" (func $step (param i32)))
        (import "q" "q" (func $q))
        (data (i32.const 0) "\07") (data (i32.const 65536) "\08")
        (func $start (call $step (i32.const 4)))
        (start $start)
        (func (export "n") (result i32) (global.get $n))
        (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;
    let expected = expect![[r#"
        n[] 1234
        byte[0] 7
        byte[65536] 8
    "#]];
    check(&[("p", p), ("q", q)], main, &[("n", &[]), ("byte", &[0]), ("byte", &[65536])], &expected);
}

#[test]
fn exceptions_and_objects_cross_modules() {
    let p = r#"(module
        (type $pair (struct (field i32) (field (mut i32))))
        (tag $t (export "t") (param i32))
        (global (export "pair") (ref $pair) (struct.new $pair (i32.const 3) (i32.const 4)))
        (func (export "fail") (param i32) (throw $t (i32.add (local.get 0) (i32.const 1)))))"#;
    let main = r#"(module
        (type $pair (struct (field i32) (field (mut i32))))
        (import "p" "t" (tag $t (param i32)))
        (import "p" "pair" (global $pair (ref $pair)))
        (import "p" "fail" (func $fail (param i32)))
        (global $same (ref $pair) (global.get $pair))
        (func (export "caught") (param i32) (result i32)
            (block $h (result i32) (try_table (catch $t $h) (call $fail (local.get 0))) (unreachable)))
        (func (export "same") (result i32)
            (struct.set $pair 1 (global.get $same) (i32.const 9))
            (i32.add (i32.mul (struct.get $pair 1 (global.get $pair)) (i32.const 2)) (ref.eq (global.get $same) (global.get $pair)))))"#;
    let expected = expect![[r#"
        caught[4] 5
        same[] 19
    "#]];
    check(&[("p", p)], main, &[("caught", &[4]), ("same", &[])], &expected);
}
