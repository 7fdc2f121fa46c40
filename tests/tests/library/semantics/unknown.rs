//! Functions that a guest imports and that nothing provides.

use expect_test::expect;
use purefork::trace::{Recorder, Trace};
use purefork::{ErrorKind, Executor, Module, UnknownImports, Wasi, args};
use purefork_tests::{Watchdog, built, error, loaded, modes};

/// Runs a test with an executor of each mode where they trap.
fn each_trapping(test: impl Fn(&Executor)) {
    let _watchdog = Watchdog::new();
    for mode in modes() {
        println!("mode: {mode:?}");
        test(&built(mode.builder().unknown_imports(UnknownImports::Trap)));
    }
}

#[track_caller]
fn trapped(module: &Module, function: &str) -> String {
    let error = error(module.fork(function, args![]).unwrap().wait());
    assert_eq!(error.kind(), ErrorKind::Trap);
    error.message().to_owned()
}

#[test]
fn a_function_that_a_provider_does_not_have_is_one() {
    let main = r#"(module
        (import "p" "one" (func $one (result i32)))
        (import "p" "two" (func $two (param i64) (result i32)))
        (func (export "one") (result i32) (call $one))
        (func (export "two") (result i32) (call $two (i64.const 2))))"#;
    let provider = r#"(module (func (export "one") (result i32) (i32.const 1)))"#;
    each_trapping(|exec| {
        let module = exec.load_options().provide_bytes("p", provider).load_bytes(main).unwrap();
        assert_eq!(module.fork("one", args![]).unwrap().wait().unwrap().to_string(), "1");
        assert_eq!(trapped(&module, "two"), "`two` trapped: it called `p.two`, which nothing provides");
        // Of another type, or no function, it is none.
        for import in [r#"(import "p" "one" (func (result i64)))"#, r#"(import "p" "memory" (memory 1))"#] {
            let refused = exec.load_options().provide_bytes("p", provider).load_bytes(format!("(module {import})"));
            assert_eq!(error(refused).kind(), ErrorKind::Link);
        }
    });
    let refused = Executor::new().unwrap().load_options().provide_bytes("p", provider).load_bytes(main);
    assert_eq!(error(refused).kind(), ErrorKind::Link);
}

#[test]
fn to_call_one_is_a_trap_whatever_its_type() {
    each_trapping(|exec| {
        let module = loaded(
            exec,
            r#"(module
                (import "env" "log" (func $log (param i32 v128) (result f64 i64)))
                (import "env" "\1b\60" (func $odd))
                (import "env" "refs" (func $refs (param funcref i32) (result funcref)))
                (import "env" "host" (func $host (param externref) (result externref)))
                (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
                (func (export "log") (drop (drop (call $log (i32.const 1) (v128.const i64x2 0 0)))))
                (func (export "odd") (call $odd))
                (func (export "refs") (drop (call $refs (ref.null func) (i32.const 1))))
                (func (export "host") (drop (call $host (ref.null extern))))
                (func (export "yield") (drop (call $yield)))
                (func (export "fine") (result i32) (i32.const 1))
                (export "log itself" (func $log)))"#,
        );
        assert_eq!(module.fork("fine", args![]).unwrap().wait().unwrap().to_string(), "1");
        for (function, name) in
            [("log", "env.log"), ("odd", r"env.\u{1b}\`"), ("refs", "env.refs"), ("host", "env.host")]
        {
            assert_eq!(
                trapped(&module, function),
                format!("`{function}` trapped: it called `{name}`, which nothing provides")
            );
        }
        // WASI is not given where only this is asked for.
        assert_eq!(
            trapped(&module, "yield"),
            "`yield` trapped: it called `wasi_snapshot_preview1.sched_yield`, which nothing provides"
        );
        let inspection = module.inspect();
        assert_eq!(
            inspection.unknown,
            ["env.log", r"env.\u{1b}\`", "env.refs", "env.host", "wasi_snapshot_preview1.sched_yield"]
        );
        let others = inspection.others.iter().map(|other| (other.name.as_str(), other.why.as_str()));
        assert_eq!(others.collect::<Vec<_>>(), [("log itself", "it is imported, and so nothing outside of a call")]);
    });
}

#[test]
fn what_is_no_function_is_refused_as_ever_and_what_is_known_has_its_type() {
    let builder = || Executor::builder().unknown_imports(UnknownImports::Trap);
    let error = error(builder().wasi(Wasi::Frozen).inspect(
        r#"(module
            (import "env" "memory" (memory 1))
            (import "env" "table" (table 1 funcref))
            (import "env" "global" (global i32))
            (import "wait" "f" (func (param i32)))
            (import "fork" "g" (func (result i64)))
            (import "wasi_snapshot_preview1" "sched_yield" (func (result i64)))
            (import "wasi_snapshot_preview1" "thread-spawn" (func)))"#,
    ));
    expect![[r#"
        the guest cannot be shown to be pure, for 6 reasons
          imports `env.memory` (memory 1): a guest has its memory to itself; define and export the memory in the guest (link without `--import-memory`), or provide it: `--provide env=FILE`, with `(module (memory (export "memory") 1))` in the file
          imports `env.table` (table 1 funcref): a guest has its tables to itself; define the table in the guest (link without `--import-table`), or provide it: `--provide env=FILE`, with `(module (table (export "table") 1 funcref))` in the file
          imports `env.global` (global i32): a guest sees no state but its own; define the global in the guest (link as an executable, not as a shared library), or provide it: `--provide env=FILE`, with `(module (global (export "global") i32 (i32.const 0)))` in the file
          imports `fork.g` (func (result i64)): a fork gives exactly one i32, the future; declare `(result i32)`
          imports `wasi_snapshot_preview1.sched_yield` (func (result i64)), and WASI has it as (func (result i32)); declare it so
          imports `wait.f` but not `fork.f`: there can be no future to wait for; import both or neither
    "#]].assert_eq(&format!("{error}\n"));
}

#[test]
fn a_guest_that_is_refused_for_nothing_else_is_told_of_it() {
    let help = |wat: &str| error(Executor::builder().inspect(wat)).help().map(str::to_owned);
    let told = "if it does not call them, `Builder::unknown_imports` (`--unknown-imports trap`) takes it: to call one is a trap then";
    assert_eq!(help(r#"(module (import "env" "f" (func)))"#).as_deref(), Some(told));
    assert_eq!(help(r#"(module (import "env" "f" (func)) (import "env" "g" (global i32)))"#), None);
}

#[test]
fn functions_of_a_component_trap_too_and_resources_are_refused() {
    let component = |resource: &str| {
        format!(
            r#"(component
                (import "app:log/sink" (instance $log {resource} (export "write" (func (param "n" u32)))))
                (core func $write (canon lower (func $log "write")))
                (core module $main
                    (import "log" "write" (func $write (param i32)))
                    (func (export "write") (param i32) (call $write (local.get 0)))
                    (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))
                (core instance $main (instantiate $main (with "log" (instance (export "write" (func $write))))))
                (func (export "write") (param "n" u32) (canon lift (core func $main "write")))
                (func (export "twice") (param "n" u32) (result u32) (canon lift (core func $main "twice"))))"#
        )
    };
    each_trapping(|exec| {
        let module = loaded(exec, &component(""));
        assert_eq!(module.fork("twice", args![4u32]).unwrap().wait().unwrap().to_string(), "8");
        let error = error(module.fork("write", args![4u32]).unwrap().wait());
        assert_eq!(error.message(), "`write` trapped: it called `app:log/sink#write`, which nothing provides");
        assert_eq!(module.inspect().unknown, ["app:log/sink#write"]);
    });
    let builder = || Executor::builder().unknown_imports(UnknownImports::Trap);
    let error = error(builder().inspect(component(r#"(export "file" (type (sub resource)))"#)));
    expect![[r#"
        the guest cannot be shown to be pure, for 1 reason
          imports the resource `app:log/sink#file`: a guest has no host to call; pass what is needed as an argument, or have it forked by way of the interface `fork`
    "#]].assert_eq(&format!("{error}\n"));
}

#[test]
fn a_trace_of_a_call_that_trapped_so_runs_again() {
    each_trapping(|exec| {
        let module = loaded(exec, r#"(module (import "env" "f" (func $f)) (func (export "f") (call $f)))"#);
        let recorder = Recorder::to_memory();
        let _ = module.record("f", args![], &recorder).unwrap().wait();
        let trace = Trace::read(&recorder.finish().unwrap()).unwrap();
        assert_eq!(trace.functions[0].unknown_imports, UnknownImports::Trap);
        let replayed = trace.replay().all().unwrap();
        assert_eq!((replayed.run, replayed.difference), (1, None));
    });
}
