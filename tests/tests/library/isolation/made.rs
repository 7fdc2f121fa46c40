//! What happens while an instance is made: it is done once, before any call, and belongs to none.

use super::{WAYS, builder};
use purefork::{ErrorKind, Executor, Limits, Value, args};
use purefork_tests::{Mode, built, error, loaded};

/// Runs a test with an executor for each way, and with one that is serial.
fn each(limits: Limits, test: impl Fn(&Executor)) {
    for way in WAYS {
        test(&built(builder(way).limits(limits.clone())));
        test(&built(Mode::Serial.builder().isolation(way).limits(limits.clone())));
    }
}

fn limits() -> Limits {
    Limits::default().depth(8).memory(1 << 20)
}

/// A library that counts how often it was set up, in a global, and how often its function was called, in memory.
const LIBRARY: &str = r#"(module (memory 1) (global $n (mut i32) (i32.const 40))
    (func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 2))))
    (func (export "get") (result i32)
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 100)))
        (i32.add (global.get $n) (i32.load (i32.const 0))))
    (func (export "peek") (result i32) (global.get $n)))"#;

#[test]
fn a_library_is_set_up_once_before_every_call() {
    each(limits(), |exec| {
        let module = loaded(exec, LIBRARY);
        for _ in 0..5 {
            for (function, expected) in [("get", 142), ("peek", 42)] {
                assert_eq!(module.fork(function, args![]).unwrap().wait().unwrap(), Value::I32(expected), "{function}");
            }
        }
        let error = error(module.fork("_initialize", args![]));
        assert_eq!(error.kind(), ErrorKind::NotCallable);
        assert_eq!(
            error.message(),
            "`_initialize` cannot be called from the host: it has run once the instance is made, before any call"
        );
        let names: Vec<_> = module.inspect().functions.into_iter().map(|function| function.name).collect();
        assert_eq!(names, ["get", "peek"]);
    });
}

#[test]
fn what_is_set_up_is_frozen_and_not_set_up_again() {
    each(limits(), |exec| {
        for text in [LIBRARY.to_owned(), LIBRARY.replace("_initialize", "__wasm_call_ctors")] {
            let ready = loaded(exec, &text).preinit("get", args![]).unwrap();
            for _ in 0..3 {
                assert_eq!(ready.fork("get", args![]).unwrap().wait().unwrap(), Value::I32(242));
                assert_eq!(ready.fork("peek", args![]).unwrap().wait().unwrap(), Value::I32(42));
            }
            let again = ready.preinit("get", args![]).unwrap();
            assert_eq!(again.fork("get", args![]).unwrap().wait().unwrap(), Value::I32(342));
        }
    });
}

#[test]
fn a_library_with_both_names_is_set_up_by_one_also_when_it_was_frozen() {
    let text = r#"(module (global $n (mut i32) (i32.const 0))
        (func (export "__wasm_call_ctors") (global.set $n (i32.add (global.get $n) (i32.const 1000))))
        (func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 1))))
        (func (export "add") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 10))) (global.get $n)))"#;
    each(limits(), |exec| {
        let module = loaded(exec, text);
        assert_eq!(module.fork("add", args![]).unwrap().wait().unwrap(), Value::I32(11));
        let ready = module.preinit("add", args![]).unwrap();
        assert_eq!(ready.fork("add", args![]).unwrap().wait().unwrap(), Value::I32(21));
        assert_eq!(
            error(module.fork("__wasm_call_ctors", args![])).message(),
            "`__wasm_call_ctors` cannot be called from the host: `_initialize` has run in its place, before any call"
        );
    });
}

#[test]
fn constructors_are_left_to_a_program_that_runs_them_itself() {
    let text = r#"(module (global $n (mut i32) (i32.const 0))
        (func $begin (export "__wasm_call_ctors") (global.set $n (i32.add (global.get $n) (i32.const 1))))
        (func (export "_start") (call $begin))
        (func (export "n") (result i32) (call $begin) (global.get $n)))"#;
    each(limits(), |exec| {
        let module = loaded(exec, text);
        assert_eq!(module.fork("n", args![]).unwrap().wait().unwrap(), Value::I32(1));
        assert!(module.fork("_start", args![]).unwrap().wait().is_ok());
    });
}

#[test]
fn what_takes_or_gives_something_is_a_function_like_any_other() {
    each(limits(), |exec| {
        let module = loaded(exec, r#"(module (func (export "_initialize") (param i32) (result i32) (local.get 0)))"#);
        assert_eq!(module.fork("_initialize", args![5]).unwrap().wait().unwrap(), Value::I32(5));
        assert_eq!(
            error(module.preinit("_initialize", args![5])).to_string().lines().next().unwrap_or_default(),
            "the guest's state cannot be frozen: it exports `_initialize`, and not as a function without parameters and results"
        );
    });
}

#[test]
fn every_module_of_a_tree_is_set_up() {
    let parent = r#"(module
        (import "fork" "peek" (func $fork (result i32))) (import "wait" "peek" (func $wait (param i32) (result i32)))
        (import "fork" "own" (func $fork-own (result i32))) (import "wait" "own" (func $wait-own (param i32) (result i32)))
        (global $n (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $n (i32.const 1000)))
        (func (export "own") (result i32) (global.get $n))
        (func (export "sum") (result i32) (i32.add (global.get $n)
            (i32.add (call $wait (call $fork)) (call $wait-own (call $fork-own))))))"#;
    each(limits(), |exec| {
        let linked = loaded(exec, parent).link("library", &loaded(exec, LIBRARY)).unwrap();
        for _ in 0..3 {
            assert_eq!(linked.fork("sum", args![]).unwrap().wait().unwrap(), Value::I32(2042));
        }
    });
}

#[test]
fn memory_that_was_refused_before_any_call_is_no_calls_failure() {
    let refused = "(drop (memory.grow (i32.const 60000)))";
    let set_ups = [
        format!("(func $begin {refused}) (start $begin)"),
        format!(r#"(func (export "_initialize") {refused})"#),
        format!(r#"(func (export "__wasm_call_ctors") {refused})"#),
    ];
    each(limits(), |exec| {
        for set_up in &set_ups {
            let text = format!(
                r#"(module (memory 1) (global $g (mut i32) (i32.const 0)) {set_up}
                (func (export "boom") (result i32) unreachable)
                (func (export "starved") (result i32) {refused} unreachable)
                (func (export "fine") (result i32) (global.set $g (i32.const 5)) (i32.const 1)))"#
            );
            let module = loaded(exec, &text);
            let mut seen = Vec::new();
            for function in ["boom", "boom", "starved", "fine", "boom", "fine", "fine", "boom", "starved", "boom"] {
                let ended = module.fork(function, args![]).unwrap().wait();
                seen.push(match ended {
                    Ok(value) => value.to_string(),
                    Err(error) => error.message().to_owned(),
                });
            }
            let boom = "`boom` trapped: wasm `unreachable` instruction executed";
            let starved =
                "`starved` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed";
            assert_eq!(seen, [boom, boom, starved, "1", boom, "1", "1", boom, starved, boom]);
        }
    });
}

#[test]
fn a_guest_that_cannot_be_set_up_without_more_memory_is_out_of_memory() {
    let refused = "(drop (memory.grow (i32.const 60000))) unreachable";
    each(limits(), |exec| {
        for set_up in
            [format!("(func $begin {refused}) (start $begin)"), format!(r#"(func (export "_initialize") {refused})"#)]
        {
            let module = loaded(exec, &format!(r#"(module (memory 1) {set_up} (func (export "f")))"#));
            let name = if set_up.contains("_initialize") { "_initialize" } else { "begin" };
            for _ in 0..2 {
                let error = error(module.fork("f", args![]).unwrap().wait());
                assert_eq!(error.backtrace().first().map(|frame| frame.function.as_str()), Some(name));
                assert_eq!(
                    (error.kind(), error.message()),
                    (
                        ErrorKind::OutOfMemory,
                        "`f` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed"
                    )
                );
            }
        }
    });
}

#[test]
fn growth_that_no_table_can_have_gives_minus_one_whatever_was_grown_before() {
    let text = r#"(module (table $t i64 1 funcref) (table $u 1 9 funcref) (memory 1) (memory $wide i64 1)
        (func $begin (drop (table.grow $t (ref.null func) (i64.const 2))) (drop (memory.grow (i32.const 1)))) (start $begin)
        (func (export "table") (param i64) (result i64) (table.grow $t (ref.null func) (local.get 0)))
        (func (export "twice") (param i64) (result i64)
            (drop (table.grow $t (ref.null func) (i64.const 1)))
            (table.grow $t (ref.null func) (local.get 0)))
        (func (export "narrow") (param i32) (result i32) (table.grow $u (ref.null func) (local.get 0)))
        (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "wide") (param i64) (result i64)
            (drop (memory.grow $wide (i64.const 1)))
            (memory.grow $wide (local.get 0))))"#;
    each(limits(), |exec| {
        let module = loaded(exec, text);
        for _ in 0..2 {
            for delta in [-1i64, i64::MIN, i64::MAX, 1 << 48, 1 << 32, (1 << 32) - 1] {
                for function in ["table", "twice", "wide"] {
                    let given = module.fork(function, args![delta]).unwrap().wait();
                    assert_eq!(given.unwrap(), Value::I64(-1), "{function}({delta})");
                }
            }
            for delta in [-1i32, i32::MIN, i32::MAX, 65_536, 65_535] {
                for function in ["narrow", "memory"] {
                    let given = module.fork(function, args![delta]).unwrap().wait();
                    assert_eq!(given.unwrap(), Value::I32(-1), "{function}({delta})");
                }
            }
        }
    });
}
