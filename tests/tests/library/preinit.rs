//! Modules that start with the state that a call has left.

use expect_test::expect;
use proptest::prelude::*;
use purefork::{Args, ErrorKind, Module, Value, args, promise};
use purefork_tests::components::{component, export};
use purefork_tests::{
    Mode, Watchdog, assert_kind, compiled, describe, each_executor, each_executor_with, error, limits, loaded,
};
use std::fmt::Write as _;
use std::panic::Location;
use std::time::Duration;

/// What a function gives, as text.
#[track_caller]
fn given(module: &Module, function: &str, args: Args) -> String {
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
            // The start function added 100, once.
            let numbers = "(108, -5, 2143294004, -0, (7, 0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0), 77)";
            assert_eq!(given(&ready, "numbers", args![]), numbers);
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
    });
}

/// The whole of the error that an initialiser ends in.
#[track_caller]
fn failure(module: &Module, function: &str, args: Args) -> String {
    let here = Location::caller();
    describe(&error(module.preinit(function, args)), here.file(), here.line())
}

#[test]
fn an_initialiser_that_traps_does_so_at_the_same_instruction_as_a_call() {
    let module = r#"(module (memory 1) (global $g (mut i32) (i32.const 1))
        (func $inner (i32.store (i32.const 8) (i32.div_u (global.get $g) (i32.const 0))))
        (func (export "f") (i32.store (i32.const 8) (i32.const 1)) (call $inner)))"#;
    let two = r#"(component
        (core module $inner (memory 1) (global $g (mut i32) (i32.const 1))
            (func (export "f") (param i32) (i32.store (local.get 0) (global.get $g))))
        (core module $outer
            (import "inner" "f" (func $f (param i32))) (global $g (mut i32) (i32.const -1))
            (func $named (export "f") (call $f (global.get $g))))
        (core instance $inner (instantiate $inner))
        (core instance $outer (instantiate $outer (with "inner" (instance $inner))))
        (func (export "f") (canon lift (core func $outer "f"))))"#;
    each_executor(|exec| {
        for guest in [module, two] {
            let module = loaded(exec, guest);
            let called = error(module.fork("f", args![]).and_then(|future| future.wait()));
            let run = error(module.preinit("f", args![]));
            assert_eq!(run.message(), called.message());
            assert_eq!(run.backtrace(), called.backtrace());
            assert!(called.backtrace().len() == 2 && called.backtrace().iter().all(|frame| frame.offset.is_some()));
        }
    });
}

#[test]
fn an_initialiser_that_fails_makes_no_module() {
    each_executor_with(limits().fuel(1_000_000).memory(4 << 16), |exec| {
        let module = loaded(
            exec,
            r#"(module
                (memory 1)
                (func $deep (export "deep") (param i32) (call $deep (i32.const 1)))
                (func (export "trap") unreachable)
                (func (export "spin") (loop $again (br $again)))
                (func (export "greedy") (drop (memory.grow (i32.const 9))) (i32.store (i32.const 70000) (i32.const 1)))
                (func (export "fine")))"#,
        );
        let mut text = String::new();
        for function in ["trap", "spin", "greedy", "missing"] {
            let _ = writeln!(text, "{}", failure(&module, function, args![]));
        }
        let _ = writeln!(text, "{}", failure(&module, "fine", args![1]));
        expect![[r#"
            Trap, catchable
            text: `trap` trapped: wasm `unreachable` instruction executed
              at `trap` (offset 0x53), forked at HERE; a panic, an abort or a failed assertion in the guest ends so
            site: HERE
            backtrace: trap
            chain: trap (HERE)

            OutOfFuel, catchable
            text: `spin` used up its fuel
              at `spin` (offset 0x57), forked at HERE; raise `Limits::fuel` (`--fuel`) if it is meant to run that long
            site: HERE
            backtrace: spin
            chain: spin (HERE)

            OutOfMemory, catchable
            text: `greedy` was refused memory beyond its limit, then trapped: out of bounds memory access
              at `greedy` (offset 0x6a), forked at HERE; raise `Limits::memory` (`--memory`) if it is meant to use that much
            site: HERE
            backtrace: greedy
            chain: greedy (HERE)

            NoSuchFunction, final
            text: the module exports no function `missing`
              it exports deep(p0: i32), trap(), spin(), greedy(), fine()

            ArgumentMismatch, final
            text: expected `fine()`, but was given 1 argument

        "#]]
        .assert_eq(&text);
        assert_kind(module.preinit("deep", args![1]), ErrorKind::StackOverflow);
        assert!(module.preinit("fine", args![]).is_ok());
    });
    each_executor_with(limits().timeout(Duration::from_millis(20)), |exec| {
        let module = loaded(exec, r#"(module (func (export "spin") (loop $again (br $again))))"#);
        assert_kind(module.preinit("spin", args![]), ErrorKind::Timeout);
    });
}

#[test]
fn an_initialiser_that_returns_an_err_makes_no_module() {
    each_executor(|exec| {
        let guest = exec.load_bytes(compiled("attributes")).unwrap();
        expect![[r#"
            Failed, final
            text: `load` returned an error: "there is nothing to load"
              forked at HERE
            site: HERE
        "#]]
        .assert_eq(&failure(&guest, "load", args!["", 1]));
    });
}

#[test]
fn of_a_long_err_the_beginning_is_shown() {
    let guest = component(
        r#"(func (export "f") (result i32)
            (memory.fill (i32.const 100) (i32.const 7) (i32.const 60000))
            (i32.store8 (i32.const 0) (i32.const 1))
            (i32.store (i32.const 4) (i32.const 100))
            (i32.store (i32.const 8) (i32.const 60000))
            (i32.const 0))"#,
        &export("f", "(result (result (error string)))"),
    );
    let exec = Mode::Serial.executor();
    let error = error(loaded(&exec, &guest).preinit("f", args![]));
    assert!(error.message().starts_with(r#"`f` returned an error: ""#), "{error}");
    assert!(error.message().len() < 600 && !error.message().contains('\u{7}'), "{error}");
}

/// Forks `leaf` in ways that leave futures behind.
const FORKS: &str = r#"(module
    (import "fork" "leaf" (func $fork (result i32)))
    (import "wait" "leaf" (func $wait (param i32) (result i32)))
    (global $sum (mut i32) (i32.const 0))
    (func (export "leaf") (result i32) (global.get $sum) (i32.const 20) (i32.add))
    (func (export "load") (global.set $sum (i32.add (call $wait (call $fork)) (call $wait (call $fork)))))
    (func (export "one") (drop (call $wait (call $fork))) (drop (call $fork)))
    (func (export "two") (drop (call $fork)) (drop (call $fork)))
    (func (export "sum") (result i32) (global.get $sum)))"#;

#[test]
fn an_initialiser_may_fork_and_has_to_wait_for_what_it_forks() {
    each_executor(|exec| {
        let module = loaded(exec, FORKS);
        let ready = module.preinit("load", args![]).unwrap();
        assert_eq!(given(&ready, "sum", args![]), "40");
        // Forks of the new module start with its state.
        assert_eq!(given(&ready.preinit("load", args![]).unwrap(), "sum", args![]), "120");
        let guest = exec.load_bytes(compiled("attributes")).unwrap();
        let text = [
            failure(&module, "one", args![]),
            failure(&module, "two", args![]),
            failure(&guest, "load-kept", args!["one two"]),
        ];
        expect![[r#"
            Failed, final
            text: `one` ended with 1 future that it had not waited for, and in another call its number would mean nothing
              forked at HERE; wait for what it forks before it returns
            site: HERE

            Failed, final
            text: `two` ended with 2 futures that it had not waited for, and in another call their numbers would mean nothing
              forked at HERE; wait for what it forks before it returns
            site: HERE

            Failed, final
            text: `load-kept` ended with 1 future that it had not dropped, and in another call its number would mean nothing
              forked at HERE; wait for what it forks before it returns
            site: HERE
        "#]].assert_eq(&text.join("\n"));
    });
}

/// A component with a resource of its own, which keeps handles or drops them.
const RESOURCE: &str = r#"(component
    (type $r (resource (rep i32)))
    (core func $new (canon resource.new $r))
    (core func $drop (canon resource.drop $r))
    (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (import "" "drop" (func $drop (param i32)))
        (global $last (mut i32) (i32.const 0))
        (func (export "keep") (result i32) (global.set $last (call $new (i32.const 7))) (global.get $last))
        (func (export "drop") (result i32) (global.set $last (call $new (i32.const 7))) (call $drop (global.get $last)) (global.get $last))
        (func (export "last") (result i32) (global.get $last)))
    (core instance $i (instantiate $m
        (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
    (func (export "keep") (result u32) (canon lift (core func $i "keep")))
    (func (export "drop") (result u32) (canon lift (core func $i "drop")))
    (func (export "last") (result u32) (canon lift (core func $i "last"))))"#;

#[test]
fn an_initialiser_keeps_no_handles() {
    each_executor(|exec| {
        let guest = loaded(exec, RESOURCE);
        expect![[r#"
            Failed, final
            text: `keep` ended with 1 handle of its own resources, and in another call its number would mean nothing
              forked at HERE; drop them before it returns, and keep what is behind them
            site: HERE
        "#]]
        .assert_eq(&failure(&guest, "keep", args![]));
        let ready = guest.preinit("drop", args![]).unwrap();
        assert_eq!(given(&ready, "last", args![]), "1");
        assert_eq!(given(&ready, "keep", args![]), "1");
    });
}

#[test]
fn a_guest_whose_state_cannot_be_frozen_is_refused_with_the_reason() {
    let core = |body: &str| {
        format!(
            r#"(module (table $t 2 4 funcref) (elem $e func $f) (memory 1) (data $d "x") (func $f (export "f")) {body})"#
        )
    };
    let many = |n: usize, item: &str| item.repeat(n);
    let component = |body: &str, exports: &str| {
        format!(
            r#"(component (core module $m {body} (func (export "f"))) (core instance $i (instantiate $m))
               (func $f (export "f") (canon lift (core func $i "f"))) {exports})"#
        )
    };
    let cases = [
        core(r#"(func $change (export "g") (table.set $t (i32.const 0) (ref.func $f)))"#),
        core(r#"(func (export "g") (drop (table.grow $t (ref.null func) (i32.const 1))))"#),
        core("(func $unused (table.fill $t (i32.const 0) (ref.null func) (i32.const 1)))"),
        core("(func $g (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1)))"),
        core("(func $g (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)))"),
        core("(func $g (elem.drop $e))"),
        core("(func $g (data.drop $d))"),
        core("(type $s (struct (field (mut i32)))) (func $g (struct.set $s 0 (ref.null $s) (i32.const 1)))"),
        core(
            "(type $a (array (mut i8))) (func $g (array.fill $a (ref.null $a) (i32.const 0) (i32.const 1) (i32.const 1)))",
        ),
        core("(global (mut funcref) (ref.null func))"),
        core(r#"(func (export "__wizer_memory_0"))"#),
        core(r#"(func (export "_initialize") (param i32))"#),
        core(r#"(@custom "name" (before data) "")"#),
        component("(memory i64 1)", ""),
        component("(global (mut v128) (v128.const i64x2 0 0))", ""),
        component(&many(10_000, "(global (mut i32) (i32.const 0))"), ""),
        component("", "(core instance (instantiate $m))"),
        component("", r#"(instance $x (export "f" (func $f))) (export "wasmtime:wizer/access" (instance $x))"#),
        component("", "(component (core module))"),
        component("", "(core module $bare (memory 1)) (core instance (instantiate $bare))"),
        component("", r#"(export "m" (core module $m))"#),
        component("", "(component (alias outer 1 $m (core module)))"),
    ];
    let exec = Mode::Serial.executor();
    let mut text = String::new();
    for guest in &cases {
        let module = loaded(&exec, guest);
        let error = error(module.preinit("f", args![]));
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        let _ = writeln!(text, "{error}");
    }
    expect![[r#"
        the guest's state cannot be frozen: `table.set` in `change` changes a table, and tables cannot be frozen
          it is refused even if it would not run; compile the guest without it
        the guest's state cannot be frozen: `table.grow` in `func[1]` changes a table, and tables cannot be frozen
          it is refused even if it would not run; compile the guest without it
        the guest's state cannot be frozen: `table.fill` in `unused` changes a table, and tables cannot be frozen
          it is refused even if it would not run; compile the guest without it
        the guest's state cannot be frozen: `table.copy` in `g` changes a table, and tables cannot be frozen
          it is refused even if it would not run; compile the guest without it
        the guest's state cannot be frozen: `table.init` in `g` changes a table, and tables cannot be frozen
          it is refused even if it would not run; compile the guest without it
        the guest's state cannot be frozen: `elem.drop` in `g` drops a segment, and segments that are gone cannot be frozen
          it is refused even if it would not run; compile the guest without it
        the guest's state cannot be frozen: `data.drop` in `g` drops a segment, and segments that are gone cannot be frozen
          it is refused even if it would not run; compile the guest without it
        the guest's state cannot be frozen: `struct.set` in `g` changes an object, and objects cannot be frozen
          it is refused even if it would not run; compile the guest without it
        the guest's state cannot be frozen: `array.fill` in `g` changes an object, and objects cannot be frozen
          it is refused even if it would not run; compile the guest without it
        the guest's state cannot be frozen: it has a global that holds a reference and can change, and references cannot be frozen
        the guest's state cannot be frozen: it uses the name `__wizer_memory_0`, under which its state would be read
          call it something else
        the guest's state cannot be frozen: it exports `_initialize`, and not as a function without parameters and results
          export it under another name
        the guest's state cannot be frozen: its section of names comes before other sections
          put the section at the end, or strip it
        the guest's state cannot be frozen: it is a component with a 64-bit memory
          compile for 32-bit memory
        the guest's state cannot be frozen: it is a component with a global of type v128 that can change
          keep the value in memory
        the guest's state cannot be frozen: it has more than 10000 exported functions, memories and globals that can change
        the guest's state cannot be frozen: it has two instances of one module, and a module starts with one state
          compose it of a module for each
        the guest's state cannot be frozen: it uses the name `wasmtime:wizer/access`, under which its state would be read
          call it something else
        the guest's state cannot be frozen: it is composed of components that have modules of their own
          preinitialise each before they are composed
        the guest's state cannot be frozen: it has a module with memories or globals, and no exports at all
          give the module an export
        the guest's state cannot be frozen: it takes modules or components from elsewhere than where they are used
        the guest's state cannot be frozen: it takes modules or components from elsewhere than where they are used
    "#]].assert_eq(&text);
}

#[test]
fn a_module_to_be_initialised_first_is_initialised_first() {
    let exec = Mode::Serial.executor();
    let module = loaded(
        &exec,
        r#"(module (global $n (mut i32) (i32.const 0))
            (func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 1))))
            (func (export "load") (global.set $n (i32.add (global.get $n) (i32.const 10))))
            (func (export "n") (result i32) (global.get $n)))"#,
    );
    let ready = module.preinit("load", args![]).unwrap();
    assert_eq!(given(&ready, "n", args![]), "11");
    assert_eq!(given(&ready.preinit("load", args![]).unwrap(), "n", args![]), "21");
    let names: Vec<_> = ready.inspect().functions.into_iter().map(|function| function.name).collect();
    assert_eq!(names, ["load", "n"]);
}

#[test]
fn the_same_initialiser_gives_the_same_bytes_whatever_runs_it() {
    let _watchdog = Watchdog::new();
    let mut seen: Vec<Vec<std::sync::Arc<[u8]>>> = Vec::new();
    for mode in [Mode::Serial, Mode::Threads(1), Mode::Threads(2), Mode::Threads(2)] {
        let exec = mode.executor();
        let rust = exec.load_bytes(compiled("attributes")).unwrap();
        let ready = [
            loaded(&exec, STATE).preinit("load", args![7]).unwrap(),
            loaded(&exec, FORKS).preinit("load", args![]).unwrap(),
            rust.preinit("load", args!["the cat and the dog", 2]).unwrap(),
            rust.preinit("load-forked", args!["the cat"]).unwrap(),
        ];
        for module in &ready {
            // It is a file like any other.
            let bytes = module.bytes().unwrap();
            assert_eq!(purefork::Executor::builder().inspect(&bytes).unwrap().digest, module.digest());
            assert_eq!(exec.load_bytes(&bytes).unwrap().digest(), module.digest());
        }
        seen.push(ready.iter().map(|module| module.bytes().unwrap()).collect());
    }
    assert!(seen.iter().all(|bytes| *bytes == seen[0]));
}

#[test]
fn any_host_can_load_what_comes_of_it() {
    let exec = Mode::Serial.executor();
    let ready = loaded(&exec, STATE).preinit("load", args![7]).unwrap();
    let engine = wasmtime::Engine::default();
    let module = wasmtime::Module::new(&engine, ready.bytes().unwrap()).unwrap();
    let exports: Vec<_> = module.exports().map(|export| export.name().to_owned()).collect();
    assert_eq!(exports, ["load", "numbers", "memory", "later", "text", "spoil"]);
    let mut store = wasmtime::Store::new(&engine, ());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    let memory = instance.get_typed_func::<(), (i32, i64, i32, i64, i64, i64)>(&mut store, "memory").unwrap();
    assert_eq!(memory.call(&mut store, ()).unwrap(), (3, 2, 7, 7, 1_954_038_132, 491_328_397_676));
}

#[test]
fn segments_keep_what_is_in_them() {
    each_executor(|exec| {
        let module = loaded(exec, STATE);
        let ready = module.preinit("load", args![7]).unwrap();
        // One that was never placed can be placed at any time; one that was placed at the start is empty since.
        assert_eq!(given(&ready, "later", args![]), given(&module, "later", args![]));
        assert_kind(module.fork("text", args![]).unwrap().wait(), ErrorKind::Trap);
        assert_kind(ready.fork("text", args![]).unwrap().wait(), ErrorKind::Trap);
    });
}

#[test]
fn what_is_linked_stays_linked() {
    each_executor(|exec| {
        let module = loaded(
            exec,
            r#"(module
                (import "fork" "twice" (func $fork (param i32) (result i32)))
                (import "wait" "twice" (func $wait (param i32) (result i32)))
                (global $n (mut i32) (i32.const 3))
                (func (export "load") (global.set $n (call $wait (call $fork (global.get $n)))))
                (func (export "n") (result i32) (call $wait (call $fork (global.get $n)))))"#,
        );
        let provider = loaded(
            exec,
            r#"(module (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))"#,
        );
        assert_kind(module.preinit("load", args![]), ErrorKind::Link);
        let ready = module.link("math", &provider).unwrap().preinit("load", args![]).unwrap();
        assert_eq!(given(&ready, "n", args![]), "12");
        // The file knows nothing of that.
        assert_kind(exec.load_bytes(ready.bytes().unwrap()).unwrap().fork("n", args![]), ErrorKind::Link);
    });
}

#[test]
fn a_method_of_a_resource_may_be_the_initialiser() {
    // Its instance has a table of another one's, and its exports are of types with names.
    let guest = r#"(component
        (core module $before (table (export "table") 1 funcref) (type $dtor (func (param i32)))
            (func (export "dtor") (param i32) (call_indirect (type $dtor) (local.get 0) (i32.const 0))))
        (core instance $before (instantiate $before))
        (type $r' (resource (rep i32) (dtor (func $before "dtor"))))
        (core func $new (canon resource.new $r'))
        (core module $m
            (import "" "new" (func $new (param i32) (result i32)))
            (import "before" "table" (table 1 funcref))
            (elem (i32.const 0) func $dtor)
            (global $state (mut i32) (i32.const 0))
            (func $dtor (param $rep i32) (global.set $state (i32.add (global.get $state) (local.get $rep))))
            (func (export "new") (param $start i32) (result i32) (call $new (local.get $start)))
            (func (export "add") (param $self i32) (param $n i32) (global.set $state (i32.mul (local.get $self) (local.get $n))))
            (func (export "state") (result i32) (global.get $state)))
        (core instance $i (instantiate $m (with "before" (instance $before)) (with "" (instance (export "new" (func $new))))))
        (component $shim
            (import "counter" (type $r (sub resource)))
            (import "new" (func $new (param "start" u32) (result (own $r))))
            (import "add" (func $add (param "self" (borrow $r)) (param "n" u32)))
            (import "state" (func $state (result u32)))
            (export $out "counter" (type $r))
            (export "[constructor]counter" (func $new) (func (param "start" u32) (result (own $out))))
            (export "[method]counter.add" (func $add) (func (param "self" (borrow $out)) (param "n" u32)))
            (export "state" (func $state)))
        (func $construct (param "start" u32) (result (own $r')) (canon lift (core func $i "new")))
        (func $add (param "self" (borrow $r')) (param "n" u32) (canon lift (core func $i "add")))
        (func $state (result u32) (canon lift (core func $i "state")))
        (instance $counters (instantiate $shim
            (with "counter" (type $r')) (with "new" (func $construct)) (with "add" (func $add)) (with "state" (func $state))))
        (export "test:counters/counters@1.0.0" (instance $counters)))"#;
    each_executor(|exec| {
        let module = loaded(exec, guest);
        let ready = module.preinit("counter.add", args![10, 4]).unwrap();
        // 10 times 4, and 10 when it was destroyed.
        assert_eq!(given(&ready, "state", args![]), "50");
        assert_eq!(given(&ready, "test:counters/counters@1.0.0#state", args![]), "50");
        assert!(ready.fork("counter.add", args![10, 4]).unwrap().wait().is_ok());
    });
}

#[test]
fn values_of_every_kind_go_round_in_what_comes_of_it() {
    let exec = Mode::Threads(2).executor();
    let guest = exec.load_bytes(compiled("kinds")).unwrap();
    let ready = guest.preinit("round-trip", args![]).unwrap();
    assert_eq!(given(&ready, "round-trip", args![]), "true");
    assert_eq!(ready.inspect().functions, guest.inspect().functions);
}

#[test]
fn a_callback_may_preinitialise() {
    each_executor(|exec| {
        let module = loaded(exec, STATE);
        let digest = module.preinit("load", args![7]).unwrap().digest().to_owned();
        let later = module.clone();
        let made = module.fork("numbers", args![]).unwrap().then(move |_| later.preinit("load", args![7]));
        assert_eq!(made.wait().unwrap().digest(), digest);
        // And several threads at a time.
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..3).map(|_| scope.spawn(|| module.preinit("load", args![7]).unwrap().digest().to_owned())).collect();
            assert!(threads.into_iter().all(|thread| thread.join().unwrap() == digest));
        });
    });
}

#[test]
fn an_executor_that_has_ended_preinitialises_nothing() {
    let _watchdog = Watchdog::new();
    for mode in [Mode::Serial, Mode::Threads(1)] {
        let exec = mode.executor();
        let module = loaded(&exec, STATE);
        exec.shutdown();
        assert_kind(module.preinit("load", args![7]), ErrorKind::Cancelled);
        drop(exec);
        assert_kind(module.preinit("load", args![7]), ErrorKind::Cancelled);
    }
}

#[test]
fn arguments_may_be_futures() {
    each_executor(|exec| {
        let module = loaded(exec, STATE);
        let (promise, future) = promise::<i32>();
        promise.set(7).unwrap();
        let ready = module.preinit("load", args![n = future]).unwrap();
        assert_eq!(ready.digest(), module.preinit("load", args![7]).unwrap().digest());
        let (promise, future) = promise_of_text();
        promise.set(Value::from("seven")).unwrap();
        assert_kind(module.preinit("load", args![future]), ErrorKind::ArgumentMismatch);
    });
}

fn promise_of_text() -> (purefork::Promise<Value>, purefork::Future<Value>) {
    promise()
}

#[test]
fn a_file_that_has_changed_since_is_not_taken_for_the_module() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("preinit-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("state.wat");
    std::fs::write(&file, STATE).unwrap();
    let exec = Mode::Serial.executor();
    let module = exec.load(&file).unwrap();
    assert_eq!(
        module.preinit("load", args![7]).unwrap().digest(),
        loaded(&exec, STATE).preinit("load", args![7]).unwrap().digest()
    );
    std::fs::write(&file, FORKS).unwrap();
    let error = error(module.preinit("load", args![7]));
    std::fs::remove_dir_all(&folder).unwrap();
    let text = error.to_string().replace(&file.display().to_string(), "FILE");
    expect![[r#"
        Unreadable: `FILE` is not what it was when it was loaded
          load it again"#]]
    .assert_eq(&format!("{}: {text}", error.kind().name()));
    assert_kind(module.bytes(), ErrorKind::Unreadable);
}

#[test]
fn an_executor_with_lower_limits_refuses_what_has_grown() {
    let exec = Mode::Serial.executor();
    let ready = loaded(&exec, STATE).preinit("load", args![7]).unwrap();
    let small = Mode::Serial.with(limits().memory(4 << 16));
    assert_kind(small.load_bytes(ready.bytes().unwrap()), ErrorKind::OutOfMemory);
}

#[test]
fn a_memory_of_single_bytes_far_and_near_is_frozen() {
    let exec = Mode::Serial.executor();
    let module = loaded(
        &exec,
        r#"(module (memory 1)
            (func (export "fill") (param $pages i32) (param $step i32) (local $at i32)
                (drop (memory.grow (local.get $pages)))
                (loop $next
                    (i32.store8 (local.get $at) (i32.const 1))
                    (local.set $at (i32.add (local.get $at) (local.get $step)))
                    (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536))))))
            (func (export "sum") (result i32 i32) (local $at i32) (local $sum i32)
                (loop $next
                    (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
                (local.get $sum) (memory.size)))"#,
    );
    for (pages, step, sum) in [(31, 2, "(1048576, 32)"), (255, 200, "(83887, 256)"), (255, 70_000, "(240, 256)")] {
        let ready = module.preinit("fill", args![pages, step]).unwrap();
        assert_eq!(given(&ready, "sum", args![]), sum);
    }
}

#[test]
fn a_module_is_preinitialised_over_and_over() {
    let exec = Mode::Serial.executor();
    let mut module = loaded(
        &exec,
        r#"(module (memory 1)
            (func (export "add") (param $at i32) (i32.store8 (local.get $at) (i32.const 1)))
            (func (export "sum") (result i64) (i64.add (i64.load (i32.const 0)) (i64.load (i32.const 1000)))))"#,
    );
    let size = module.bytes().unwrap().len();
    for at in [0, 1, 2, 1000, 1001, 1002, 1003, 40_000] {
        module = module.preinit("add", args![at]).unwrap();
    }
    assert_eq!(given(&module, "sum", args![]), "16908802");
    // What was written before is not kept twice.
    assert!(module.bytes().unwrap().len() < size + 1_000);
}

/// What a generated initialiser does.
#[derive(Clone, Debug)]
enum Change {
    Store(u32, u64),
    Byte(u32, u8),
    Grow(u32),
    Fill(u32, u8, u32),
    Copy(u32, u32, u32),
    Init(u32, u32),
    Global(usize, u64),
}

fn change() -> impl Strategy<Value = Change> {
    let at = || prop_oneof![0u32..300, 65_400u32..65_528, 0u32..131_000];
    let len = || prop_oneof![0u32..200, 0u32..20_000];
    prop_oneof![
        (at(), any::<u64>()).prop_map(|(at, value)| Change::Store(at, value)),
        (at(), any::<u8>()).prop_map(|(at, value)| Change::Byte(at, value)),
        (0u32..3).prop_map(Change::Grow),
        (at(), prop_oneof![Just(0), any::<u8>()], len()).prop_map(|(at, value, len)| Change::Fill(at, value, len)),
        (at(), at(), len()).prop_map(|(from, to, len)| Change::Copy(from, to, len)),
        (at(), 0u32..8).prop_map(|(at, len)| Change::Init(at, len)),
        (0usize..4, any::<u64>()).prop_map(|(global, value)| Change::Global(global, value)),
    ]
}

/// A core module that makes the changes, and sums up its whole state; both alone, and one after the other.
fn changing(changes: &[Change]) -> String {
    let mut code = String::new();
    for change in changes {
        let _ = match change {
            Change::Store(at, value) => writeln!(code, "(i64.store (i32.const {at}) (i64.const {value}))"),
            Change::Byte(at, value) => writeln!(code, "(i32.store8 (i32.const {at}) (i32.const {value}))"),
            Change::Grow(pages) => writeln!(code, "(drop (memory.grow (i32.const {pages})))"),
            Change::Fill(at, value, len) => {
                writeln!(code, "(memory.fill (i32.const {at}) (i32.const {value}) (i32.const {len}))")
            }
            Change::Copy(from, to, len) => {
                writeln!(code, "(memory.copy (i32.const {to}) (i32.const {from}) (i32.const {len}))")
            }
            Change::Init(at, len) => {
                writeln!(code, "(memory.init $passive (i32.const {at}) (i32.const 0) (i32.const {len}))")
            }
            Change::Global(global, value) => match global {
                0 => writeln!(code, "(global.set $g0 (i32.wrap_i64 (i64.const {value})))"),
                1 => writeln!(code, "(global.set $g1 (i64.const {value}))"),
                2 => writeln!(code, "(global.set $g2 (f32.reinterpret_i32 (i32.wrap_i64 (i64.const {value}))))"),
                _ => writeln!(code, "(global.set $g3 (f64.reinterpret_i64 (i64.const {value})))"),
            },
        };
    }
    format!(
        r#"(module
            (memory 3 16)
            (global $g0 (mut i32) (i32.const 1))
            (global $g1 (mut i64) (i64.const 2))
            (global $g2 (mut f32) (f32.const 3))
            (global $g3 (mut f64) (f64.const 4))
            (data (i32.const 100) "placed at the start")
            (data $passive "passive\00")
            (start $start)
            (func $start (i32.store (i32.const 65536) (i32.add (i32.load (i32.const 65536)) (i32.const 5))))
            (func $change (export "change") {code})
            (func $sum (export "sum") (result i64) (local $sum i64) (local $at i32)
                (local.set $sum (i64.extend_i32_u (memory.size)))
                (loop $next
                    (local.set $sum (i64.xor (i64.mul (local.get $sum) (i64.const 0x100000001b3)) (i64.load (local.get $at))))
                    (local.set $at (i32.add (local.get $at) (i32.const 8)))
                    (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
                (i64.add (i64.xor (local.get $sum) (i64.mul (i64.extend_i32_u (global.get $g0)) (i64.const 0x9e3779b97f4a7c15)))
                    (i64.xor (i64.rotl (global.get $g1) (i64.const 7))
                        (i64.add (i64.extend_i32_u (i32.reinterpret_f32 (global.get $g2))) (i64.reinterpret_f64 (global.get $g3))))))
            (func (export "both") (result i64) (call $change) (call $sum)))"#
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_call_afterwards_sees_what_one_would_see_after_the_initialiser(
        first in prop::collection::vec(change(), 0..12),
    ) {
        let exec = Mode::Serial.executor();
        let core = changing(&first);
        let component = format!(
            r#"(component {} (core instance $i (instantiate $m))
                (func (export "change") (canon lift (core func $i "change")))
                (func (export "sum") (result s64) (canon lift (core func $i "sum")))
                (func (export "both") (result s64) (canon lift (core func $i "both"))))"#,
            core.replacen("(module", "(core module $m", 1)
        );
        for guest in [core, component] {
            let module = loaded(&exec, &guest);
            let ready = module.preinit("change", args![]).unwrap();
            prop_assert_eq!(given(&ready, "sum", args![]), given(&module, "both", args![]));
            // And what is done to it once more is done to the same state.
            let again = ready.preinit("change", args![]).unwrap();
            prop_assert_eq!(given(&again, "sum", args![]), given(&ready, "both", args![]));
        }
    }
}

#[test]
fn what_a_call_of_the_sdk_has_returned_is_free_for_those_that_follow() {
    let _watchdog = Watchdog::new();
    let list = vec![7u8; 4 << 20];
    let exec = Mode::Serial.executor();
    let bare = exec.load_bytes(compiled("leaf")).unwrap();
    let frozen = bare.preinit("bytes", args![list.clone()]).unwrap();
    let start: u64 = frozen.inspect().memories.iter().map(|memory| memory.minimum_bytes).sum();
    // As much as there is at the start, so that growth is refused.
    let exec = Mode::Serial.with(limits().memory(start as usize));
    let echo = exec.load_bytes(frozen.bytes().unwrap()).unwrap().function::<Vec<u8>, Vec<u8>>("bytes").unwrap();
    for size in [1 << 20, 4 << 20] {
        assert!(echo.fork(list[..size].to_vec()).join().unwrap() == list[..size]);
    }
}
