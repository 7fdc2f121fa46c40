use super::*;
use crate::error::ReasonKind;
use crate::ir::Facts;
use crate::ir::proposals::CORE;
use crate::ir::{LinkFacts, MemoryFacts};
use crate::value::Type;

/// What the audit finds out about a module.
fn audit(bytes: &[u8]) -> Result<Facts, Refusal> {
    super::audit(bytes, crate::wasi::Wasi::None.into()).map(|audited| audited.facts)
}

/// What the audit says about a module in the text format: the facts, or the reasons as text.
fn check(wat: &str) -> Result<Facts, Vec<String>> {
    match audit(&wat::parse_str(wat).expect("the test's module is malformed")) {
        Ok(facts) => Ok(facts),
        Err(Refusal::Impure(reasons)) => Err(reasons.iter().map(ToString::to_string).collect()),
        Err(Refusal::Malformed(malformed)) => panic!("{malformed}"),
    }
}

fn pure(wat: &str) -> Facts {
    check(wat).unwrap_or_else(|reasons| panic!("refused: {reasons:#?}"))
}

#[track_caller]
fn refused(wat: &str, expected: &[&str]) {
    assert_eq!(check(wat).map(|_| ()).expect_err("not refused"), expected);
}

#[track_caller]
fn kinds(wat: &str) -> Vec<ReasonKind> {
    match audit(&wat::parse_str(wat).unwrap()) {
        Err(Refusal::Impure(reasons)) => reasons.into_iter().map(|reason| reason.what).collect(),
        other => panic!("{other:?}"),
    }
}

fn malformed(bytes: &[u8]) -> String {
    match audit(bytes) {
        Err(Refusal::Malformed(malformed)) => malformed.to_string(),
        other => panic!("{other:?}"),
    }
}

fn writes(facts: &Facts, name: &str) -> Option<String> {
    let function = facts.functions.iter().find(|function| function.name == name).expect("no such export");
    function.stateless.as_ref().err().map(ToString::to_string)
}

fn names(facts: &Facts) -> Vec<&str> {
    facts.functions[0].param_names.iter().map(String::as_str).collect()
}

// What is not a module.

#[test]
fn what_is_not_a_module_is_said_in_plain_words() {
    assert_eq!(malformed(b""), "the file is empty, and a module or a component was expected (at byte 0)");
    assert_eq!(
        malformed(b"\x7fELF\x02\x01\x01\0\0\0"),
        "the file is not WebAssembly: it starts with 7f 45 4c 46 02 01 01 00 and is an ELF file, such as a native \
         program or a precompiled module (at byte 0)"
    );
    assert_eq!(
        malformed(b"\x1f\x8b\x08"),
        "the file is not WebAssembly: it starts with 1f 8b 08 and is compressed with gzip; unpack it first (at byte 0)"
    );
    assert_eq!(
        malformed(b"hello"),
        "the file is not WebAssembly: it starts with 68 65 6c 6c 6f and is text (at byte 0)"
    );
    assert_eq!(
        malformed(b"  (module)"),
        "the file is not WebAssembly: it starts with 20 20 28 6d 6f 64 75 6c and is WebAssembly's text format; convert \
         it to the binary format first (at byte 0)"
    );
    assert_eq!(
        malformed(b"\xff\xfe"),
        "the file is not WebAssembly: it starts with ff fe and is of no kind that is known here (at byte 0)"
    );
    assert_eq!(malformed(b"\0as"), "the file is cut off: it has 3 of the 8 bytes that start a module (at byte 3)");
    assert_eq!(
        malformed(b"\0asm\x01\0"),
        "the file is cut off: it has 6 of the 8 bytes that start a module (at byte 6)"
    );
    assert_eq!(
        malformed(b"\0asm\x0c\0\x01\0"),
        "this is a component of version 12, and only version 13 is known (at byte 4)"
    );
    assert_eq!(
        malformed(b"\0asm\x02\0\0\0"),
        "this is WebAssembly of version 2, and only version 1 is known (at byte 4)"
    );
    assert_eq!(
        malformed(b"\0asm\x01\0\0\0\x01\x7f\x01"),
        "the file is cut off: the section at byte 8 has 127 bytes and 1 of them are there (at byte 11)"
    );
    assert_eq!(
        malformed(b"\0asm\x01\0\0\0\x63\0"),
        "the module is not valid WebAssembly: malformed section id: 99 (at byte 10)"
    );
}

#[test]
fn an_invalid_module_is_malformed_even_if_it_also_uses_what_is_refused() {
    let wat = r#"(module (import "env" "f" (func)) (memory 1 1 shared)
        (func (result i32) (i64.const 1)))"#;
    assert_eq!(
        malformed(&wat::parse_str(wat).unwrap()),
        "the module is not valid WebAssembly: type mismatch: expected i32, found i64 (at byte 46)"
    );
}

#[test]
fn names_in_the_parsers_messages_are_escaped() {
    let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x0d\x02".to_vec();
    for _ in 0..2 {
        bytes.extend(b"\x03\x1b[m\0\0");
    }
    bytes.extend(b"\x0a\x04\x01\x02\0\x0b");
    assert!(!malformed(&bytes).contains('\x1b'));
    assert!(malformed(&bytes).contains("duplicate export name"), "{}", malformed(&bytes));
}

// Imports.

#[test]
fn a_forbidden_import_is_named_with_its_type_and_the_calls_that_lead_to_it() {
    refused(
        r#"(module
            (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))
            (func $helper (drop (call 0 (i32.const 0) (i64.const 0) (i32.const 0))))
            (func $outer (call $helper))
            (func $long (call $outer))
            (func (export "long") (call $long))
            (func (export "run") (return_call $outer)))"#,
        &["imports `wasi_snapshot_preview1.clock_time_get` (func (param i32 i64 i32) (result i32)): WASI's clock, \
           and a guest has no clock; pass the time as an argument, or compile without it (`wasm32-unknown-unknown`) \
           (export `run` → function `outer` → function `helper` → import `wasi_snapshot_preview1.clock_time_get`)"],
    );
}

#[test]
fn every_forbidden_import_is_listed_whatever_its_kind() {
    refused(
        r#"(module
            (import "env" "memory" (memory 1 2))
            (import "env" "__stack_pointer" (global (mut i32)))
            (import "env" "table" (table 4 funcref))
            (import "env" "oops" (func $oops (param f64)))
            (import "m" "unused" (func))
            (import "fork" "m" (memory 1))
            (func $f (elem declare) )
            (func $store (i32.store (i32.const 0) (i32.const 1)))
            (func (export "run") (call $store) (drop (global.get 0)))
            (elem (i32.const 0) $store))"#
            .replace("(func $f (elem declare) )", "")
            .as_str(),
        &[
            "imports `env.memory` (memory 1 2): a guest has its memory to itself; define and export the memory in the \
             guest (link without `--import-memory`), or provide it: `--provide env=FILE`, with `(module (memory (export \"memory\") 1 2))` in the file (export `run` → function `store` → import `env.memory`)",
            "imports `env.__stack_pointer` (global (mut i32)): a guest sees no state but its own; define the global in \
             the guest (link as an executable, not as a shared library), or provide it: `--provide env=FILE`, with `(module (global (export \"__stack_pointer\") (mut i32) (i32.const 0)))` in the file (export `run` → import `env.__stack_pointer`)",
            "imports `env.table` (table 4 funcref): a guest has its tables to itself; define the table in the guest \
             (link without `--import-table`), or provide it: `--provide env=FILE`, with `(module (table (export \"table\") 4 funcref))` in the file (instantiation → import `env.table`)",
            "imports `env.oops` (func (param f64)): a symbol that was not defined when the guest was linked; define it \
             in the guest, or link without `--allow-undefined` to see who needs it",
            "imports `m.unused` (func): only functions from `fork` and `wait` can be imported; give the guest a \
             module that exports it (`--provide NAME=MODULE`), or pass what it gives as an argument",
            "imports `fork.m` (memory 1): a guest has its memory to itself; define and export the memory in the guest \
             (link without `--import-memory`)",
        ],
    );
}

#[test]
fn what_an_import_is_for_is_told_from_its_name() {
    let told = |module: &str, name: &str| {
        let wat = format!(r#"(module (import "{module}" "{name}" (func)))"#);
        let reason = check(&wat).unwrap_err().remove(0);
        let start = format!("imports `{module}.{name}` (func): ");
        reason.strip_prefix(&start).expect("starts with the import").to_owned()
    };
    let nowhere = "compile without it (`wasm32-unknown-unknown`)";
    for (module, name, expected) in [
        (
            "wasi_snapshot_preview1",
            "random_get",
            format!("WASI's source of randomness, and a guest has none; pass a seed as an argument, or {nowhere}"),
        ),
        (
            "wasi_snapshot_preview1",
            "environ_get",
            format!(
                "WASI's command-line arguments and environment, and a guest has none; pass what is needed as an \
                 argument, or {nowhere}"
            ),
        ),
        (
            "wasi_snapshot_preview1",
            "fd_write",
            format!(
                "WASI's standard input and output or files, and a guest has none; return a result instead of printing \
                 it, or {nowhere}"
            ),
        ),
        (
            "wasi_unstable",
            "path_open",
            format!("WASI's files, and a guest has none; pass the data as an argument, or {nowhere}"),
        ),
        (
            "wasi_snapshot_preview1",
            "sock_recv",
            "WASI's sockets, and a guest has none; pass the data as an argument".into(),
        ),
        (
            "wasi:clocks/monotonic-clock@0.2.0",
            "now",
            "WASI's clocks, and a guest has none; pass the time as an argument".into(),
        ),
        (
            "env",
            "emscripten_resize_heap",
            "Emscripten's runtime in JavaScript; compile for a target without it, such as `wasm32-unknown-unknown`"
                .into(),
        ),
        (
            "env",
            "_localtime_js",
            "Emscripten's runtime in JavaScript; compile for a target without it, such as `wasm32-unknown-unknown`"
                .into(),
        ),
        (
            "__wbindgen_placeholder__",
            "__wbindgen_describe",
            "glue of wasm-bindgen for JavaScript; build without wasm-bindgen and without crates' features for \
             JavaScript"
                .into(),
        ),
        (
            "env",
            "console.log",
            "AssemblyScript's runtime; do without `trace`, `console`, `Date` and `Math.random`; pass the time or a seed \
             as an argument, and return what is to be shown"
                .into(),
        ),
        ("wasm:js-string", "concat", "JavaScript's strings; compile for a target without JavaScript, such as WASI".into()),
        ("dart2wasm", "_1", "Dart's glue for JavaScript; Dart compiles for no other host yet".into()),
        ("./a.uninstantiated.mjs", "f", "Kotlin's glue for JavaScript; compile for the target `wasmWasi`".into()),
        ("./a.js", "f", "glue in JavaScript; compile for a target without JavaScript, such as WASI".into()),
        (
            "extism:host/env",
            "input_length",
            "Extism's kernel; give it with `--provide extism:host/env=extism-runtime.wasm`".into(),
        ),
        (
            "javy_quickjs_provider_v3",
            "invoke",
            "a module that comes beside the guest; give it with `--provide NAME=MODULE`, or link the guest statically"
                .into(),
        ),
        (
            "./a.js",
            "__wbg_log_0123456789abcdef",
            "glue of wasm-bindgen for JavaScript; build without wasm-bindgen and without crates' features for \
             JavaScript"
                .into(),
        ),
        // Of another type than AssemblyScript's.
        (
            "env",
            "seed",
            "a symbol that was not defined when the guest was linked; define it in the guest, or link without \
             `--allow-undefined` to see who needs it"
                .into(),
        ),
    ] {
        assert_eq!(told(module, name), expected, "{module}.{name}");
    }
}

/// Whose import it is, is told by its type too.
#[test]
fn assembly_scripts_functions_are_known_by_their_types() {
    for (name, ty) in [("seed", "(result f64)"), ("trace", "(param i32 i32 f64 f64 f64 f64 f64)")] {
        let reasons = check(&format!(r#"(module (import "env" "{name}" (func {ty})))"#)).unwrap_err();
        assert!(reasons[0].contains(": AssemblyScript's runtime; "), "{reasons:?}");
    }
}

#[test]
fn what_never_returns_is_taken_with_its_own_type_alone() {
    for (import, ty, is) in [
        (r#""env" "abort""#, "", true),
        (r#""env" "abort""#, "(param i32 i32 i32 i32)", true),
        (r#""env" "_abort_js""#, "", true),
        (r#""env" "__assert_fail""#, "(param i32 i32 i32 i32)", true),
        (r#""env" "__cxa_throw""#, "(param i32 i32 i32)", true),
        (r#""wbg" "__wbindgen_throw""#, "(param i32 i32)", true),
        (r#""wbg" "__wbg___wbindgen_throw_344f42d3211c4765""#, "(param i32 i32)", true),
        (r#""./a_bg.js" "__wbindgen_throw""#, "(param i32 i32)", true),
        (r#""__wbindgen_placeholder__" "__wbindgen_throw""#, "(param i32 i32)", true),
        (r#""env" "abort""#, "(param i32)", false),
        (r#""env" "abort""#, "(result i32)", false),
        (r#""env" "__assert_fail""#, "(param i32 i32 i32)", false),
        (r#""env" "__cxa_throw""#, "(param i32 i32 i32) (result i32)", false),
        (r#""env" "__wbindgen_throw""#, "(param i32 i32)", false),
        (r#""wbg" "abort""#, "", false),
        (r#""wbg" "__wbg___wbindgen_throw_344f42d3211c476""#, "(param i32 i32)", false),
        (r#""./a.js" "__wbindgen_throw""#, "(param i32 i32)", false),
        (r#""wbg" "__wbindgen_throw""#, "(param i64 i64)", false),
    ] {
        let found = check(&format!(r#"(module (import {import} (func {ty})))"#));
        assert_eq!(found.is_ok(), is, "{import} {ty}: {found:?}");
    }
    let facts = pure(
        r#"(module
            (import "env" "abort" (func $a)) (import "env" "abort" (func $b (param i32 i32 i32 i32)))
            (func (export "f") (call $a)) (func (export "g") (call $b (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))"#,
    );
    assert_eq!(facts.traps, ["env.abort", "env.abort"]);
    assert!(facts.functions.iter().all(|function| function.stateless.is_ok() && !function.can_fork));
    refused(
        r#"(module (import "env" "abort" (func $a (param i64))) (import "env" "abort" (memory 1))
            (import "wbg" "__wbindgen_throw" (func)) (func (export "f") (call $a (i64.const 1))))"#,
        &[
            "imports `env.abort` (func (param i64)), and compilers, which end a failed program with it, have it as (func) or \
             (func (param i32 i32 i32 i32)); declare it so (export `f` → import `env.abort`)",
            "imports `env.abort` (memory 1): a guest has its memory to itself; define and export the memory in the guest \
             (link without `--import-memory`), or provide it: `--provide env=FILE`, with `(module (memory (export \"abort\") 1))` in the file",
            "imports `wbg.__wbindgen_throw` (func), and compilers, which end a failed program with it, have it as \
             (func (param i32 i32)); declare it so",
        ],
    );
}

#[test]
fn names_from_the_guest_cannot_write_to_the_terminal_or_close_a_quotation() {
    refused(
        "(module (import \"e\\1b[31m\" \"a`b\\0a\\e2\\80\\ae\" (func $\"x\\07y`\")) (func (export \"r\\0d\") (call 0)))",
        &[
            "imports `e\\u{1b}[31m.a\\`b\\n\\u{202e}` (func): only functions from `fork` and `wait` can be imported; give \
             the guest a module that exports it (`--provide NAME=MODULE`), or pass what it gives as an argument (export `r\\r` → import \
             `e\\u{1b}[31m.a\\`b\\n\\u{202e}`)",
        ],
    );
}

#[test]
fn long_names_and_long_types_are_cut() {
    let name = "n".repeat(90_000);
    let wat = format!(r#"(module (import "m" "{name}" (func (param {}))))"#, "i32 ".repeat(1000));
    let cut = "n".repeat(80);
    let types = " i32".repeat(16);
    refused(
        &wat,
        &[&format!(
            "imports `m.{cut}…` (func (param{types} … 984 more)): only functions from `fork` and `wait` can be imported; \
             give the guest a module that exports it (`--provide NAME=MODULE`), or pass what it gives as an argument"
        )],
    );
}

#[test]
fn a_hundred_reasons_are_kept_and_the_rest_counted() {
    let wat = format!("(module {})", r#"(import "m" "f" (func))"#.repeat(1234));
    let reasons = check(&wat).unwrap_err();
    assert_eq!(reasons.len(), 101);
    assert_eq!(reasons[100], "1134 more reasons are not listed");
}

// Forking and waiting.

#[test]
fn forks_and_waits_are_linked_by_name() {
    let facts = pure(
        r#"(module
            (import "wait" "b" (func $wait_b (param i32) (result f64 i64)))
            (import "fork" "a" (func $fork_a (param i32 v128) (result i32)))
            (import "fork" "b" (func $fork_b (result i32)))
            (import "fork" "a" (func $again (param i32 v128) (result i32)))
            (func (export "none"))
            (func (export "one") (drop (call $again (i32.const 1) (v128.const i64x2 1 2))))
            (func $both (call 5) (drop (call $fork_b)))
            (func (export "both") (call $both))
            (func (export "waits") (call $wait_b (i32.const 1)) drop drop))"#,
    );
    let link = |name: &str, params, results| LinkFacts { name: name.into(), params, results, caught: None };
    assert_eq!(
        facts.forks,
        [link("b", vec![], Some(vec![Type::F64, Type::I64])), link("a", vec![Type::I32, Type::V128], None),]
    );
    let can: Vec<_> = facts.functions.iter().map(|f| (f.name.as_str(), f.can_fork, f.forks.join(" "))).collect();
    assert_eq!(
        can,
        [
            ("none", false, String::new()),
            ("one", true, "a".into()),
            ("both", true, "b a".into()),
            ("waits", true, String::new()),
        ]
    );
    assert!(facts.functions.iter().all(|function| function.stateless.is_ok()), "forking and waiting is no state");
}

#[test]
fn links_of_wrong_types_are_refused() {
    refused(
        r#"(module
            (import "fork" "a" (func (param i32)))
            (import "fork" "b" (func (result i64)))
            (import "fork" "c" (func (result i32 i32)))
            (import "fork" "d" (func (param funcref) (result i32)))
            (import "wait" "a" (func (result i32)))
            (import "wait" "b" (func (param i64)))
            (import "wait" "c" (func (param i32) (result funcref)))
            (import "fork" "e" (func (param i32) (result i32)))
            (import "fork" "e" (func (param i64) (result i32)))
            (import "wait" "f" (func (param i32))))"#,
        &[
            "imports `fork.a` (func (param i32)): a fork gives exactly one i32, the future; declare `(result i32)`",
            "imports `fork.b` (func (result i64)): a fork gives exactly one i32, the future; declare `(result i32)`",
            "imports `fork.c` (func (result i32 i32)): a fork gives exactly one i32, the future; declare `(result i32)`",
            "imports `fork.d` (func (param funcref) (result i32)): references cannot be passed between calls; pass \
             numbers",
            "imports `wait.a` (func (result i32)): a wait takes exactly one i32, the future; declare `(param i32)`",
            "imports `wait.b` (func (param i64)): a wait takes exactly one i32, the future; declare `(param i32)`",
            "imports `wait.c` (func (param i32) (result funcref)): references cannot be passed between calls; pass \
             numbers",
            "imports `fork.e` (func (param i64) (result i32)): it is also imported as (func (param i32) (result i32)); \
             use one type",
            "imports `wait.f` but not `fork.f`: there can be no future to wait for; import both or neither",
        ],
    );
}

#[test]
fn a_future_cannot_be_exported() {
    refused(
        r#"(module (import "fork" "a" (func $f (result i32))) (export "leak" (func $f)))"#,
        &["export `leak` is the import `fork.a`: a future means nothing outside of the call that forked it; export a \
             function of the guest's own"],
    );
}

#[test]
fn nothing_that_runs_around_a_call_may_fork() {
    refused(
        r#"(module
            (import "fork" "a" (func $fork (result i32)))
            (import "wait" "a" (func $wait (param i32)))
            (func $init (drop (call $fork)))
            (func $start (call $init))
            (start $start)
            (func (export "_initialize") (call $init))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (call $fork))
            (func (export "cabi_post_run") (call $wait (i32.const 1)))
            (func (export "run") (call $init)))"#,
        &[
            "the start function can call `fork.a`: there is no call yet, or no more, that a fork could belong to; fork \
             and wait in the exported functions alone (start function `start` → function `init` → import `fork.a`)",
            "export `_initialize` can call `fork.a`: there is no call yet, or no more, that a fork could belong to; fork \
             and wait in the exported functions alone (export `_initialize` → function `init` → import `fork.a`)",
            "export `cabi_realloc` can call `fork.a`: there is no call yet, or no more, that a fork could belong to; \
             fork and wait in the exported functions alone (export `cabi_realloc` → import `fork.a`)",
            "export `cabi_post_run` can call `wait.a`: there is no call yet, or no more, that a fork could belong to; \
             fork and wait in the exported functions alone (export `cabi_post_run` → import `wait.a`)",
        ],
    );
}

#[test]
fn a_start_function_that_reaches_a_wait_through_a_table_is_refused() {
    refused(
        r#"(module
            (import "fork" "a" (func (result i32)))
            (import "wait" "a" (func $wait (param i32)))
            (table 1 funcref)
            (elem (i32.const 0) func $wait)
            (func $start (call_indirect (param i32) (i32.const 1) (i32.const 0)))
            (start $start))"#,
        &["the start function can call `wait.a`: there is no call yet, or no more, that a fork could belong to; fork \
             and wait in the exported functions alone (start function `start` → import `wait.a` (called indirectly))"],
    );
}

#[test]
fn a_start_function_that_is_itself_a_link_is_refused() {
    // No link of a right type has the type of a start function; that is a reason of its own.
    refused(
        r#"(module (import "fork" "a" (func $f)) (start $f))"#,
        &[
            "imports `fork.a` (func): a fork gives exactly one i32, the future; declare `(result i32)` (start function \
             `fork.a` → import `fork.a`)",
            "the start function can call `fork.a`: there is no call yet, or no more, that a fork could belong to; fork \
             and wait in the exported functions alone (start function `fork.a` → import `fork.a`)",
        ],
    );
}

#[test]
fn indirect_calls_reach_every_function_of_the_type_whose_reference_is_taken() {
    // Every way to take a reference, and every way to call one.
    let takes = [
        "(elem (i32.const 0) func $target)",
        "(elem (i32.const 0) funcref (ref.func $target))",
        "(elem func $target)",
        "(elem declare func $target)",
        "(global $g funcref (ref.func $target))",
        "(table 1 (ref func) (ref.func $target))",
        "(elem declare func $target) (func (unreachable) (drop (ref.func $target)))",
        "(export \"t\" (func $target)) (func (table.set (i32.const 0) (ref.func $target)))",
    ];
    let calls = [
        "(call_indirect (type $other) (i32.const 0))",
        "(return_call_indirect (type $other) (i32.const 0))",
        "(call_ref $other (ref.null $other))",
        "(return_call_ref $other (ref.null $other))",
    ];
    for take in takes {
        for call in calls {
            // `$t` and `$other` are two declarations of one type.
            let wat = format!(
                r#"(module
                    (type $t (func (result i32)))
                    (type $other (func (result i32)))
                    (import "fork" "a" (func $fork (result i32)))
                    (table 1 funcref) (memory 1)
                    (func $target (type $t) (i32.store (i32.const 0) (i32.const 0)) (call $fork))
                    {take}
                    (func (export "run") (result i32) {call}))"#
            );
            let facts = pure(&wat);
            let run = facts.functions.iter().find(|function| function.name == "run").unwrap();
            assert!(run.can_fork, "{wat}");
            assert_eq!(run.forks.join(" "), "a");
            assert_eq!(
                run.stateless.as_ref().unwrap_err().to_string(),
                "writes memory: i32.store in `target` (called by export `run`)"
            );
        }
    }
}

#[test]
fn indirect_calls_do_not_reach_other_types_nor_functions_that_nobody_refers_to() {
    let facts = pure(
        r#"(module
            (import "fork" "a" (func $fork (result i32)))
            (table 1 funcref)
            (func $wrong_type (param i32) (result i32) (call $fork))
            (func $not_taken (result i32) (call $fork))
            (elem (i32.const 0) func $wrong_type)
            (func (export "run") (result i32) (call_indirect (result i32) (i32.const 0))))"#,
    );
    assert!(!facts.functions[0].can_fork);
}

#[test]
fn a_type_with_references_is_matched_by_structure_too() {
    let facts = pure(
        r#"(module
            (type $inner (func)) (type $inner2 (func))
            (type $t (func (param (ref null $inner)))) (type $t2 (func (param (ref null $inner2))))
            (global $g (mut i32) (i32.const 0))
            (func $target (type $t) (global.set $g (i32.const 1)))
            (elem declare func $target)
            (func (export "run") (call_ref $t2 (ref.null $inner2) (ref.null $t2))))"#,
    );
    assert_eq!(
        writes(&facts, "run").as_deref(),
        Some("writes a global: global.set in `target` (called by export `run`)")
    );
}

#[test]
fn mutual_recursion_forks_what_any_of_it_forks() {
    let facts = pure(
        r#"(module
            (import "fork" "a" (func $a (result i32)))
            (import "fork" "b" (func $b (result i32)))
            (func $even (export "even") (drop (call $a)) (call $odd))
            (func $odd (export "odd") (call $leaf) (call $even))
            (func $leaf (export "leaf") (drop (call $b)))
            (func (export "top") (call $odd)))"#,
    );
    let forks: Vec<_> = facts.functions.iter().map(|function| function.forks.join(" ")).collect();
    assert_eq!(forks, ["a b", "a b", "b", "a b"]);
}

// Stateless.

#[test]
fn a_function_that_only_reads_is_stateless() {
    let facts = pure(
        r#"(module
            (memory 1) (table 1 funcref) (global $g (mut i32) (i32.const 0)) (data (i32.const 0) "x")
            (func $init (global.set $g (i32.const 1)))
            (start $init)
            (func $leaf)
            (elem (i32.const 0) func $leaf)
            (func (export "reads") (result i32)
                (drop (table.get (i32.const 0)))
                (drop (v128.load (i32.const 0)))
                (drop (table.size))
                (call_indirect (i32.const 0))
                (i32.add (i32.load (i32.const 0)) (i32.add (memory.size) (global.get $g)))))"#,
    );
    assert_eq!(writes(&facts, "reads"), None);
    assert!(facts.start);
}

#[test]
fn every_operator_that_changes_state_is_found() {
    let all = [
        ("i32.store (i32.const 0) (i32.const 0)", "writes memory: i32.store"),
        ("i64.store (i32.const 0) (i64.const 0)", "writes memory: i64.store"),
        ("f32.store (i32.const 0) (f32.const 0)", "writes memory: f32.store"),
        ("f64.store (i32.const 0) (f64.const 0)", "writes memory: f64.store"),
        ("i32.store8 (i32.const 0) (i32.const 0)", "writes memory: i32.store8"),
        ("i32.store16 (i32.const 0) (i32.const 0)", "writes memory: i32.store16"),
        ("i64.store8 (i32.const 0) (i64.const 0)", "writes memory: i64.store8"),
        ("i64.store16 (i32.const 0) (i64.const 0)", "writes memory: i64.store16"),
        ("i64.store32 (i32.const 0) (i64.const 0)", "writes memory: i64.store32"),
        ("v128.store (i32.const 0) (v128.const i64x2 0 0)", "writes memory: v128.store"),
        ("v128.store8_lane 0 (i32.const 0) (v128.const i64x2 0 0)", "writes memory: v128.store8_lane"),
        ("v128.store16_lane 0 (i32.const 0) (v128.const i64x2 0 0)", "writes memory: v128.store16_lane"),
        ("v128.store32_lane 0 (i32.const 0) (v128.const i64x2 0 0)", "writes memory: v128.store32_lane"),
        ("v128.store64_lane 0 (i32.const 0) (v128.const i64x2 0 0)", "writes memory: v128.store64_lane"),
        ("memory.copy (i32.const 0) (i32.const 0) (i32.const 0)", "writes memory: memory.copy"),
        ("memory.fill (i32.const 0) (i32.const 0) (i32.const 0)", "writes memory: memory.fill"),
        ("memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)", "writes memory: memory.init"),
        ("drop (memory.grow (i32.const 0))", "grows memory: memory.grow"),
        ("data.drop $d", "drops a data segment: data.drop"),
        ("elem.drop $e", "drops an element segment: elem.drop"),
        ("global.set $g (i32.const 0)", "writes a global: global.set"),
        ("table.set (i32.const 0) (ref.null func)", "writes a table: table.set"),
        ("table.fill (i32.const 0) (ref.null func) (i32.const 0)", "writes a table: table.fill"),
        ("table.copy (i32.const 0) (i32.const 0) (i32.const 0)", "writes a table: table.copy"),
        ("table.init $e (i32.const 0) (i32.const 0) (i32.const 0)", "writes a table: table.init"),
        ("drop (table.grow (ref.null func) (i32.const 0))", "grows a table: table.grow"),
    ];
    for (instruction, expected) in all {
        let wat = format!(
            r#"(module (memory 1) (table 1 funcref) (global $g (mut i32) (i32.const 0)) (data $d "x") (elem $e func)
                (func $push ({instruction}))
                (func (export "sum") (call $push))
                (func (export "other")))"#
        );
        let facts = pure(&wat);
        assert_eq!(writes(&facts, "sum"), Some(format!("{expected} in `push` (called by export `sum`)")));
        assert_eq!(writes(&facts, "other"), None);
    }
}

#[test]
fn the_nearest_write_is_shown_with_the_calls_to_it() {
    let facts = pure(
        r#"(module (memory 1)
            (func $push (i32.store (i32.const 0) (i32.const 1)))
            (func $mid (call $push))
            (func (export "far") (call $mid))
            (func (export "here") (i64.store (i32.const 0) (i64.const 1)) (call $push)))"#,
    );
    assert_eq!(
        writes(&facts, "far").as_deref(),
        Some("writes memory: i32.store in `push` (called by export `far` → function `mid`)")
    );
    assert_eq!(writes(&facts, "here").as_deref(), Some("writes memory: i64.store in `here`"));
    let write = facts.functions[0].stateless.as_ref().unwrap_err();
    assert_eq!(write.chain, ["export `far`", "function `mid`", "function `push`"]);
}

// Features.

#[test]
fn what_guests_do_not_have_is_refused_with_the_function_that_uses_it() {
    refused(
        r#"(module (memory 1 1 shared)
            (func $dot (param v128 v128 v128) (result v128)
                (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))
            (func $add (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))
            (func (export "run") (call $add) 
                (drop (call $dot (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0)))))"#,
        &[
            "uses relaxed SIMD, which guests do not have: `f32x4.relaxed_madd` in `dot`; its results differ between \
             machines; use plain SIMD (no `+relaxed-simd`) (export `run` → function `dot`)",
            "uses threads (shared memory or atomic instructions), which guests do not have: `i32.atomic.rmw.add` in \
             `add`; calls share nothing; compile without threads (no `-pthread`, no `+atomics`) and fork instead (export \
             `run` → function `add`)",
        ],
    );
}

#[test]
fn each_refused_proposal_is_told_by_its_name() {
    let told = |wat: &str| {
        let reasons = check(wat).map(|_| ()).expect_err(wat);
        let names: Vec<_> = reasons
            .iter()
            .map(|r| r.strip_prefix("uses ").and_then(|r| r.split(", which").next()).expect(r).to_owned())
            .collect();
        names.join(" + ")
    };
    for (wat, expected) in [
        ("(module (memory 1 1 shared))", "threads (shared memory or atomic instructions)"),
        ("(module (func atomic.fence))", "threads (shared memory or atomic instructions)"),
        (
            "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))",
            "threads (shared memory or atomic instructions)",
        ),
        ("(module (func (param v128) (drop (i32x4.relaxed_trunc_f32x4_s (local.get 0)))))", "relaxed SIMD"),
        ("(module (func try catch_all end))", "exceptions of the old kind (`try` and `catch`)"),
        ("(module (func (param i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)) drop drop))", "wide arithmetic"),
        ("(module (memory 1 (pagesize 1)))", "custom page sizes"),
        ("(module (memory 1) (func (memory.discard (i32.const 0) (i32.const 0))))", "memory control"),
    ] {
        assert_eq!(told(wat), expected, "{wat}");
    }
    for (wat, expected) in [
        ("(module (type $f (func)) (type $c (cont $f)) (func (param (ref null $c))))", "stack switching"),
        ("(module (global (shared i32) (i32.const 0)))", "shared-everything threads"),
    ] {
        assert!(told(wat).contains(expected), "{}", told(wat));
    }
}

#[test]
fn what_is_deterministic_is_allowed() {
    let facts = pure(
        r#"(module $all
            (type $t (func (result i32)))
            (memory $a 1) (memory $b i64 2 3)
            (table $typed 2 (ref null $t)) (table $wide i64 1 4 funcref)
            (global i32 (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))
            (global (export "counter") (mut i32) (i32.const 0))
            (export "memory" (memory $a)) (export "table" (table $wide))
            (func $g (type $t) (i32.const 7))
            (elem declare func $g)
            (func $swap (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
            (func (export "run") (param $x f64) (result i32)
                (local $l (ref $t))
                (local.set $l (ref.func $g))
                (drop (i32.trunc_sat_f64_s (local.get $x)))
                (drop (i32.extend8_s (i32.const 1)))
                (drop (i8x16.swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))
                (memory.fill $b (i64.const 0) (i32.const 0) (i64.const 1))
                (drop (call_ref $t (ref.as_non_null (local.get $l))))
                (return_call_ref $t (local.get $l))))"#,
    );
    assert_eq!(facts.name.as_deref(), Some("all"));
    let memory = |initial, maximum, memory64| MemoryFacts {
        initial,
        maximum,
        page_size_log2: 16,
        memory64,
        initial_bytes: initial * 65536,
    };
    assert_eq!(facts.memories, [memory(1, None, false), memory(2, Some(3), true)]);
    assert_eq!(
        facts.tables.iter().map(|t| (t.initial, t.maximum, t.table64, t.element.as_str())).collect::<Vec<_>>()[1],
        (1, Some(4), true, "funcref")
    );
    assert_eq!(facts.counts.functions, 3);
    assert_eq!(facts.counts.globals, 2);
    assert_eq!(facts.counts.exports, 4);
    assert_eq!((names(&facts), facts.functions[0].params.as_slice()), (vec!["x"], [Type::F64].as_slice()));
    assert_eq!(facts.functions[0].results, [Type::I32]);
}

// Exports.

#[test]
fn references_do_not_leave_or_enter_a_guest() {
    let facts = pure(
        r#"(module
            (type $t (func))
            (func (export "takes") (param funcref))
            (func (export "gives") (result (ref null $t)) (ref.null $t))
            (func (export "fine") (param v128)))"#,
    );
    let why = |verb: &str| format!("it {verb} a reference, which cannot pass between host and guest");
    assert_eq!(facts.others, [("takes".to_owned(), why("takes")), ("gives".to_owned(), why("returns"))]);
    assert_eq!(facts.functions.iter().map(|function| function.name.as_str()).collect::<Vec<_>>(), ["fine"]);
}

#[test]
fn answers_that_would_outgrow_the_question_are_refused() {
    let params = "i32 ".repeat(65);
    let facts = pure(&format!(r#"(module (func (export "f") (param {params})))"#));
    let why = "it has 65 parameters, and at most 64 can be passed";
    assert_eq!((facts.functions.len(), facts.others), (0, vec![("f".to_owned(), why.to_owned())]));
    let params = "i32 ".repeat(64);
    let facts = pure(&format!(r#"(module (func (export "f") (param {params})))"#));
    assert_eq!((facts.functions.len(), facts.others.len()), (1, 0));
    let exports: String = (0..10_001).map(|i| format!(r#"(export "{i}" (func 0))"#)).collect();
    assert_eq!(kinds(&format!("(module (func) {exports})")), [ReasonKind::TooMany]);
    for (declared, of_all) in
        [("(type (func))", 20_000), ("(global i32 (i32.const 0))", 20_000), ("(elem func)", 19_999)]
    {
        let most = format!("(module {} (memory 1) (func))", declared.repeat(of_all - 1));
        pure(&most);
        assert_eq!(kinds(&most.replacen(declared, &declared.repeat(3), 1)), [ReasonKind::TooMany]);
    }
    let links: String = (0..257).map(|i| format!(r#"(import "fork" "{i}" (func (result i32)))"#)).collect();
    assert_eq!(kinds(&format!("(module {links})")), [ReasonKind::TooMany]);
}

#[test]
fn parameters_are_named_by_their_locals_where_that_is_unambiguous() {
    let named = |params: &str| names(&pure(&format!(r#"(module (func (export "f") {params}))"#))).join(" ");
    assert_eq!(named("(param $a i32) (param $b-c i64)"), "a b-c");
    assert_eq!(named("(param i32 i32)"), "p0 p1");
    assert_eq!(named("(param $a i32) (param i32) (param $c i32)"), "a p1 c");
    assert_eq!(named("(param $p1 i32) (param $p1x i32) (param $p2 i32)"), "p0 p1x p2");
    assert_eq!(named("(param $a_b i32) (param $a-b i32)"), "p0 p1");
    assert_eq!(named("(param $\"two words\" i32) (param $9 i32) (param $-x i32) (param $x.y i32)"), "p0 p1 p2 p3");
    assert_eq!(named("(param $\"\\1b[m\" i32) (param $\"é\" i32)"), "p0 p1");
    assert_eq!(named(&format!("(param ${} i32)", "n".repeat(81))), "p0");
}

#[test]
fn two_parameters_of_one_name_are_named_by_position() {
    // The text format cannot say this, so the name section is written by hand.
    let mut bytes = wat::parse_str(r#"(module (func (export "f") (param i32 i32 i32)))"#).unwrap();
    bytes.extend(b"\0\x13\x04name\x02\x0c\x01\0\x03\0\x01a\x01\x01a\x02\x01z");
    let facts = audit(&bytes).unwrap();
    assert_eq!(names(&facts), ["p0", "p1", "z"]);
    assert_eq!(facts.custom_sections, ["name"]);
}

#[test]
fn a_broken_or_a_second_name_section_changes_nothing() {
    let module = wat::parse_str(r#"(module (func (export "f") (param $a i32)))"#).unwrap();
    for tail in [&b"\0\x06\x04name\x01"[..], b"\0\x0c\x04name\x02\x05\x01\0\x01\0\xff"] {
        let mut bytes = module.clone();
        bytes.extend(tail);
        if let Ok(facts) = audit(&bytes) {
            assert_eq!(names(&facts), ["a"]);
        }
    }
    let mut broken = wat::parse_str(r#"(module (func (export "f") (param i32)))"#).unwrap();
    broken.extend(b"\0\x0d\x04name\x02\x06\x01\0\xff\xff\xff\x7f");
    assert_eq!(names(&audit(&broken).unwrap()), ["p0"]);
}

#[test]
fn a_module_that_is_meant_to_become_a_component_is_recognised() {
    let mut bytes = wat::parse_str("(module)").unwrap();
    assert!(!audit(&bytes).unwrap().component_type);
    bytes.extend(b"\0\x14\x13component-type:tree");
    let facts = audit(&bytes).unwrap();
    assert!(facts.component_type);
    assert_eq!(facts.custom_sections, ["component-type:tree"]);
}

// Hostile shapes.

/// `functions` functions, of which each calls the next; the last one has `last` as its body.
fn chain(functions: u32, head: &str, last: &str) -> String {
    let links: String = (0..functions - 1).map(|i| format!("(func $f{i} (call $f{}))", i + 1)).collect();
    format!(r#"(module {head} {links} (func $f{} {last}) (export "run" (func $f0)))"#, functions - 1)
}

#[test]
fn a_chain_of_a_hundred_thousand_calls_is_followed_and_cut_in_the_middle() {
    let reason =
        &match audit(&wat::parse_str(chain(100_000, r#"(import "env" "time" (func $time))"#, "(call $time)")).unwrap())
        {
            Err(Refusal::Impure(reasons)) => reasons,
            other => panic!("{other:?}"),
        }[0];
    assert_eq!(reason.chain.len(), 32);
    assert_eq!(reason.chain[0], "export `run`");
    assert_eq!(reason.chain[1], "…");
    assert_eq!(reason.chain[2], "function `f99971`");
    assert_eq!(reason.chain[30], "function `f99999`");
    assert_eq!(reason.chain[31], "import `env.time`");

    let facts = pure(&chain(100_000, "(memory 1)", "(i32.store (i32.const 0) (i32.const 0))"));
    let chain = &facts.functions[0].stateless.as_ref().unwrap_err().chain;
    assert_eq!(chain.len(), 32);
    assert_eq!(
        [&chain[0], &chain[1], &chain[29], &chain[30], &chain[31]],
        ["export `run`", "function `f1`", "function `f29`", "…", "function `f99999`"]
    );
}

#[test]
fn a_deep_chain_to_a_fork_is_followed() {
    let facts = pure(&chain(100_000, r#"(import "fork" "a" (func $a (result i32)))"#, "(drop (call $a))"));
    assert!(facts.functions[0].can_fork);
    assert_eq!(facts.functions[0].forks.join(" "), "a");
}

#[test]
fn many_indirect_calls_to_many_functions_take_linear_time() {
    // 20,000 callers of 20,000 functions: four hundred million edges if they were written out.
    let functions: String =
        (0..20_000).map(|_| "(func (call_indirect (i32.const 0)) (call_indirect (i32.const 1)))").collect();
    let elements: String = (1..=20_000).map(|i| format!(" {i}")).collect();
    let exports: String = (0..10_000).map(|i| format!(r#"(export "{i}" (func {}))"#, i + 1)).collect();
    let wat = format!(
        r#"(module (import "fork" "a" (func (result i32))) (table 20000 funcref) {functions}
            (func (drop (call 0))) (elem (i32.const 0) func {elements} 20001) {exports})"#
    );
    let bytes = wat::parse_str(wat).unwrap();
    let start = std::time::Instant::now();
    let facts = audit(&bytes).unwrap();
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    assert!(facts.functions.iter().all(|function| function.can_fork && function.forks.len() == 1));
}

#[test]
fn many_imported_globals_take_linear_time() {
    let globals = r#"(import "m" "g" (global i32))"#.repeat(100_000);
    let uses: String = (0..10_000).map(|i| format!("(global i32 (global.get {i}))")).collect();
    let reasons = check(&format!("(module {globals} {uses})")).unwrap_err();
    assert_eq!(reasons.last().unwrap(), "99901 more reasons are not listed");
}

// Properties.

const SAMPLE: &str = r#"(module $sample
    (import "fork" "fib" (func $fork (param i32) (result i32)))
    (import "wait" "fib" (func $wait (param i32) (result i64)))
    (memory (export "memory") 1 4) (table 2 funcref) (global $g (mut i32) (i32.const 0))
    (func $fib (export "fib") (param $n i32) (result i64)
        (if (result i64) (i32.lt_u (local.get $n) (i32.const 2)) (then (i64.extend_i32_u (local.get $n)))
            (else (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1)))))))
    (func $set (export "set") (param $v i32) (global.set $g (local.get $v)))
    (func $init (call $set (i32.const 1)))
    (start $init)
    (elem (i32.const 0) func $set) (data (i32.const 8) "data"))"#;

/// Where the sections of a module end, the head of the module being one.
fn section_ends(bytes: &[u8]) -> Vec<usize> {
    let sections = wasmparser::Parser::new(0).parse_all(bytes).filter_map(|payload| payload.unwrap().as_section());
    std::iter::once(8).chain(sections.map(|(_, range)| range.end)).collect()
}

#[test]
fn a_module_cut_within_a_section_is_never_taken() {
    let bytes = wat::parse_str(SAMPLE).unwrap();
    let ends = section_ends(&bytes);
    for end in 0..bytes.len() {
        if ends.contains(&end) {
            // Nothing in the format says how many sections follow. What is left is taken exactly if it is a
            // module by itself: without functions, without its data segments or without its names.
            assert_eq!(audit(&bytes[..end]).is_ok(), wasmparser::validate(&bytes[..end]).is_ok(), "cut at {end}");
        } else {
            let cut = if end == 0 { "the file is empty" } else { "the file is cut off: " };
            let message = malformed(&bytes[..end]);
            assert!(message.starts_with(cut), "cut at {end}: {message}");
        }
    }
    let taken: Vec<_> = ends.iter().filter_map(|end| audit(&bytes[..*end]).ok()).map(|facts| facts.counts).collect();
    let functions: Vec<_> = taken.iter().map(|counts| (counts.functions, counts.data)).collect();
    assert_eq!(functions, [(0, 0), (0, 0), (0, 0), (3, 0), (3, 1), (3, 1)]);
}

#[test]
fn a_module_that_counts_its_data_segments_cannot_lose_them_unseen() {
    let bytes = wat::parse_str(
        r#"(module (memory 1) (data $d "data")
            (func (export "f") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 4))))"#,
    )
    .unwrap();
    let whole = audit(&bytes).unwrap();
    for end in 0..bytes.len() {
        let Ok(facts) = audit(&bytes[..end]) else { continue };
        assert!(facts.functions.is_empty() || facts.counts == whole.counts, "cut at {end}");
    }
}

#[test]
fn damaged_modules_never_panic_and_are_taken_only_if_the_validator_takes_them() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let bytes = wat::parse_str(SAMPLE).unwrap();
    let mut taken = 0;
    for _ in 0..20_000 {
        let mut damaged = bytes.clone();
        for _ in 0..=random(3) {
            let at = 8 + random(damaged.len() - 8);
            damaged[at] = random(256) as u8;
        }
        let allowed = wasmparser::Validator::new_with_features(CORE).validate_all(&damaged).is_ok();
        match audit(&damaged) {
            Ok(_) => {
                assert!(allowed);
                taken += 1;
            }
            Err(Refusal::Impure(reasons)) => assert!(!reasons.is_empty()),
            Err(Refusal::Malformed(_)) => assert!(!allowed),
        }
    }
    assert!(taken > 100, "{taken}");
}

#[test]
fn the_same_bytes_give_the_same_facts() {
    let bytes = wat::parse_str(SAMPLE).unwrap();
    assert_eq!(audit(&bytes), audit(&bytes));
}
