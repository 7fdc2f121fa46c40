//! What is refused when a component is loaded, and what is not.

use super::support::{failure, leafy, refusal};
use expect_test::expect;
use proptest::prelude::*;
use purefork::{Executor, Value, args};
use purefork_tests::components::{component, export};
use purefork_tests::{Mode, Watchdog, each_executor, loaded, still_answers};
use std::fmt::Write as _;
use std::sync::LazyLock;

/// What loading is asked of: what is refused is the same in every mode.
static EXECUTOR: LazyLock<Executor> = LazyLock::new(|| Mode::Threads(1).executor());

#[test]
fn everything_that_is_imported_but_types_and_forks_is_refused_and_named() {
    let _watchdog = Watchdog::new();
    let text = refusal(
        &EXECUTOR,
        r#"(component
            (import "log" (func (param "text" string)))
            (import "mine:own/things" (instance
                (export "thing" (type (sub resource)))
                (export "make" (func (result u32)))))
            (import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func (result u64)))))
            (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64)))))
            (import "wasi:io/streams@0.2.0" (instance (export "input-stream" (type (sub resource)))))
            (import "code" (core module (export "f" (func))))
            (import "thing" (type (sub resource))))"#,
    );
    expect![[r#"
        the guest cannot be shown to be pure, for 8 reasons
          imports the function `log`: a guest has no host to call; pass what is needed as an argument, or have it forked by way of the interface `fork`
          imports the resource `mine:own/things#thing`: a guest has no host to call; pass what is needed as an argument, or have it forked by way of the interface `fork`
          imports the function `mine:own/things#make`: a guest has no host to call; pass what is needed as an argument, or have it forked by way of the interface `fork`
          imports the function `wasi:clocks/wall-clock@0.2.0#now`: WASI's clocks, and a guest has none; pass the time as an argument
          imports the function `wasi:random/random@0.2.0#get-random-u64`: WASI's source of randomness, and a guest has none; pass a seed as an argument
          imports the resource `wasi:io/streams@0.2.0#input-stream`: WASI's standard input and output, and a guest has none; return a result instead of printing it
          imports the core module `code`: a guest has no host to call; pass what is needed as an argument, or have it forked by way of the interface `fork`
          imports the resource `thing`: a guest has no host to call; pass what is needed as an argument, or have it forked by way of the interface `fork`"#]].assert_eq(&text);
    let text = refusal(&EXECUTOR, r#"(component (import "inner" (component (export "f" (func)))))"#);
    expect![[r#"
        the guest cannot be shown to be pure, for 1 reason
          imports a component; instantiate each component where it is defined"#]]
    .assert_eq(&text);
    let text = refusal(&EXECUTOR, r#"(component (import "seven" (value u32)))"#);
    expect!["the module is not valid WebAssembly: value index 0 was not used as part of an instantiation, start function, or export (at byte 20)"].assert_eq(&text);
}

#[test]
fn what_an_import_gives_is_refused_where_nothing_uses_it_too() {
    let _watchdog = Watchdog::new();
    let text = refusal(
        &EXECUTOR,
        r#"(component
            (import "wasi:cli/environment@0.2.0" (instance
                (export "inner" (instance (export "get-arguments" (func (result (list string)))))))))"#,
    );
    expect![[r#"
        the guest cannot be shown to be pure, for 1 reason
          imports the interface `wasi:cli/environment@0.2.0#inner`: WASI's command-line arguments and environment, and a guest has none; pass what is needed as an argument"#]].assert_eq(&text);
}

#[test]
fn interfaces_of_types_alone_are_taken() {
    each_executor(|exec| {
        let guest = loaded(
            exec,
            r#"(component
                (import "mine:own/shapes@1.2.3" (instance $shapes
                    (type $point' (record (field "x" f64) (field "y" f64)))
                    (export "point" (type $point (eq $point')))
                    (type $colour' (enum "red" "green"))
                    (export "colour" (type (eq $colour')))))
                (alias export $shapes "point" (type $point))
                (core module $m (memory (export "memory") 1) (func (export "x") (param f64 f64) (result f64) (local.get 0)))
                (core instance $i (instantiate $m))
                (func (export "x") (param "of" $point) (result f64) (canon lift (core func $i "x"))))"#,
        );
        let point = Value::record([("x", Value::F64(1.5)), ("y", Value::F64(2.5))]);
        assert_eq!(guest.fork("x", args![point]).unwrap().wait().unwrap(), Value::F64(1.5));
    });
}

#[test]
fn an_older_version_of_the_own_types_is_refused_with_both_versions() {
    let _watchdog = Watchdog::new();
    let text = refusal(
        &EXECUTOR,
        r#"(component (import "purefork:types/tensors@0.0.9" (instance
            (type $t (enum "f32")) (export "element" (type (eq $t))))))"#,
    );
    expect![[r#"
        the guest cannot be shown to be pure, for 1 reason
          imports `purefork:types/tensors` of version 0.0.9, and this is version 0.1.0: build the guest with the interfaces of this version"#]].assert_eq(&text);
}

#[test]
fn the_interface_fork_holds_resources_with_a_constructor_and_waits_alone() {
    let _watchdog = Watchdog::new();
    let resource = r#"(export "leaf" (type $leaf (sub resource)))"#;
    let constructor = r#"(export "[constructor]leaf" (func (result (own $leaf))))"#;
    let cases = [
        ("no constructor", resource.to_owned()),
        ("a function", r#"(export "now" (func (result u64)))"#.to_owned()),
        (
            "another method",
            format!(
                r#"{resource}{constructor}(export "[method]leaf.done" (func (param "self" (borrow $leaf)) (result bool)))"#
            ),
        ),
        ("a static function", format!(r#"{resource}{constructor}(export "[static]leaf.any" (func (result u32)))"#)),
        (
            "a wait with parameters",
            format!(
                r#"{resource}{constructor}(export "[method]leaf.wait" (func (param "self" (borrow $leaf)) (param "n" u32)))"#
            ),
        ),
        (
            "a constructor that may fail",
            format!(r#"{resource}(export "[constructor]leaf" (func (result (result (own $leaf) (error string)))))"#),
        ),
        (
            "a future as an argument",
            format!(r#"{resource}(export "[constructor]leaf" (func (param "x" (own $leaf)) (result (own $leaf))))"#),
        ),
        (
            "a borrowed future as an argument",
            format!(
                r#"{resource}(export "[constructor]leaf" (func (param "x" (list (borrow $leaf))) (result (own $leaf))))"#
            ),
        ),
        (
            "a future as a result",
            format!(
                r#"{resource}{constructor}(export "[method]leaf.wait" (func (param "self" (borrow $leaf)) (result (option (own $leaf)))))"#
            ),
        ),
        ("an inner interface", r#"(export "inner" (instance (export "f" (func))))"#.to_owned()),
        (
            "an asynchronous wait",
            format!(
                r#"{resource}{constructor}(export "[method]leaf.wait" (func async (param "self" (borrow $leaf))))"#
            ),
        ),
        ("two names of one resource", format!(r#"{resource}{constructor}(export "other" (type (eq $leaf)))"#)),
    ];
    let mut text = String::new();
    for (what, interface) in cases {
        let found = EXECUTOR.load_bytes(format!(r#"(component (import "fork" (instance {interface})))"#));
        let found =
            found.map_or_else(|error| error.to_string(), |module| format!("{:?}", module.inspect().functions.len()));
        let _ = writeln!(text, "{what}: {found}");
    }
    expect![[r#"
        no constructor: the guest cannot be shown to be pure, for 1 reason
          the resource `leaf` of `fork` has no constructor, so there can be no future; give it one with the parameters of `leaf`
        a function: the guest cannot be shown to be pure, for 1 reason
          imports the function `fork#now`: in `fork` there is a resource for each forked function, with a constructor, `wait` and `try-wait`, and nothing else
        another method: the guest cannot be shown to be pure, for 1 reason
          imports the function `fork#[method]leaf.done`: in `fork` there is a resource for each forked function, with a constructor, `wait` and `try-wait`, and nothing else
        a static function: the guest cannot be shown to be pure, for 1 reason
          imports the function `fork#[static]leaf.any`: in `fork` there is a resource for each forked function, with a constructor, `wait` and `try-wait`, and nothing else
        a wait with parameters: the guest cannot be shown to be pure, for 1 reason
          `fork#[method]leaf.wait` takes parameters, and a wait has none
        a constructor that may fail: the guest cannot be shown to be pure, for 1 reason
          the constructor of `leaf` gives something else than a future; forking does not fail, waiting does
        a future as an argument: the guest cannot be shown to be pure, for 1 reason
          forks `leaf` with a resource, which cannot be passed between calls
        a borrowed future as an argument: the guest cannot be shown to be pure, for 1 reason
          forks `leaf` with a resource, which cannot be passed between calls
        a future as a result: the guest cannot be shown to be pure, for 1 reason
          waits for `leaf` with a resource, which cannot be passed between calls
        an inner interface: the guest cannot be shown to be pure, for 1 reason
          imports the interface `fork#inner`: in `fork` there is a resource for each forked function, with a constructor, `wait` and `try-wait`, and nothing else
        an asynchronous wait: the guest cannot be shown to be pure, for 1 reason
          uses component-model concurrency (`async` functions, streams, futures, threads), which guests do not have: async component functions require the component model async feature; it shows a guest what finished first; build it with synchronous functions, and fork instead
        two names of one resource: the guest cannot be shown to be pure, for 1 reason
          the resource `other` of `fork` has no constructor, so there can be no future; give it one with the parameters of `other`
    "#]].assert_eq(&text);
}

/// Whatever the binary format has beside `lift`, `lower` and resources.
#[test]
fn a_guest_has_no_way_to_observe_timing() {
    let _watchdog = Watchdog::new();
    // Each with the types it needs.
    let (stream, future) = ("(type $s (stream u8))", "(type $f (future u8))");
    let start = "(core type $start (func (param i32)))";
    let shared = "(core type $start (shared (func (param i32))))";
    let builtins = [
        ("", "backpressure.inc"),
        ("", "backpressure.dec"),
        ("", "task.cancel"),
        ("", "task.return (result u32)"),
        ("", "context.get i32 0"),
        ("", "context.set i32 0"),
        ("", "context.get i64 0"),
        ("", "subtask.drop"),
        ("", "subtask.cancel"),
        ("", "subtask.cancel async"),
        (stream, "stream.new $s"),
        (stream, "stream.read $s (memory $m \"memory\")"),
        (stream, "stream.write $s async (memory $m \"memory\")"),
        (stream, "stream.cancel-read $s"),
        (stream, "stream.cancel-write $s async"),
        (stream, "stream.drop-readable $s"),
        (stream, "stream.drop-writable $s"),
        (future, "future.new $f"),
        (future, "future.read $f (memory $m \"memory\")"),
        (future, "future.write $f async (memory $m \"memory\")"),
        (future, "future.cancel-read $f"),
        (future, "future.cancel-write $f async"),
        (future, "future.drop-readable $f"),
        (future, "future.drop-writable $f"),
        ("", "error-context.new (memory $m \"memory\")"),
        ("", "error-context.debug-message (memory $m \"memory\") (realloc (func $m \"realloc\"))"),
        ("", "error-context.drop"),
        ("", "waitable-set.new"),
        ("", "waitable-set.wait (memory $m \"memory\")"),
        ("", "waitable-set.wait cancellable (memory $m \"memory\")"),
        ("", "waitable-set.poll (memory $m \"memory\")"),
        ("", "waitable-set.poll cancellable (memory $m \"memory\")"),
        ("", "waitable-set.drop"),
        ("", "waitable.join"),
        ("", "thread.index"),
        (start, "thread.new-indirect $start (table $m \"table\")"),
        ("", "thread.resume-later"),
        ("", "thread.suspend"),
        ("", "thread.suspend cancellable"),
        ("", "thread.yield"),
        ("", "thread.yield cancellable"),
        ("", "thread.suspend-then-resume"),
        ("", "thread.yield-then-resume"),
        ("", "thread.suspend-then-promote"),
        ("", "thread.yield-then-promote"),
        (shared, "thread.spawn-ref $start"),
        (shared, "thread.spawn-indirect $start (table $m \"table\")"),
        ("", "thread.available_parallelism"),
    ];
    let mut text = String::new();
    for (types, builtin) in builtins {
        let table = if types == shared {
            "(table (export \"table\") shared 1 (ref null (shared func)))"
        } else {
            "(table (export \"table\") 1 funcref)"
        };
        let wat = format!(
            r#"(component
                (core module $m' (memory (export "memory") 1) {table}
                    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (unreachable)))
                (core instance $m (instantiate $m'))
                {types}
                (core func (canon {builtin})))"#
        );
        let found = EXECUTOR.load_bytes(&wat).map_or_else(|error| error.to_string(), |_| "is taken".to_owned());
        let named = found
            .contains(&format!("`{}`: what belongs", builtin.split(' ').next().unwrap_or_default().replace('_', "-")));
        let _ = writeln!(text, "{builtin}: {}", if named { "refused by name" } else { &found });
    }
    expect![[r#"
        backpressure.inc: refused by name
        backpressure.dec: refused by name
        task.cancel: refused by name
        task.return (result u32): refused by name
        context.get i32 0: refused by name
        context.set i32 0: refused by name
        context.get i64 0: refused by name
        subtask.drop: refused by name
        subtask.cancel: refused by name
        subtask.cancel async: refused by name
        stream.new $s: refused by name
        stream.read $s (memory $m "memory"): refused by name
        stream.write $s async (memory $m "memory"): refused by name
        stream.cancel-read $s: refused by name
        stream.cancel-write $s async: refused by name
        stream.drop-readable $s: refused by name
        stream.drop-writable $s: refused by name
        future.new $f: refused by name
        future.read $f (memory $m "memory"): refused by name
        future.write $f async (memory $m "memory"): refused by name
        future.cancel-read $f: refused by name
        future.cancel-write $f async: refused by name
        future.drop-readable $f: refused by name
        future.drop-writable $f: refused by name
        error-context.new (memory $m "memory"): refused by name
        error-context.debug-message (memory $m "memory") (realloc (func $m "realloc")): refused by name
        error-context.drop: refused by name
        waitable-set.new: refused by name
        waitable-set.wait (memory $m "memory"): refused by name
        waitable-set.wait cancellable (memory $m "memory"): refused by name
        waitable-set.poll (memory $m "memory"): refused by name
        waitable-set.poll cancellable (memory $m "memory"): refused by name
        waitable-set.drop: refused by name
        waitable.join: refused by name
        thread.index: refused by name
        thread.new-indirect $start (table $m "table"): refused by name
        thread.resume-later: refused by name
        thread.suspend: refused by name
        thread.suspend cancellable: refused by name
        thread.yield: refused by name
        thread.yield cancellable: refused by name
        thread.suspend-then-resume: refused by name
        thread.yield-then-resume: refused by name
        thread.suspend-then-promote: refused by name
        thread.yield-then-promote: refused by name
        thread.spawn-ref $start: refused by name
        thread.spawn-indirect $start (table $m "table"): refused by name
        thread.available_parallelism: refused by name
    "#]]
    .assert_eq(&text);
    let one = refusal(&EXECUTOR, "(component (core func (canon waitable-set.new)))");
    expect![[r#"
        the guest cannot be shown to be pure, for 1 reason
          uses the built-in `waitable-set.new`: what belongs to concurrency shows a guest what finished first; fork instead"#]].assert_eq(&one);
}

#[test]
fn asynchronous_functions_are_not_taken() {
    let _watchdog = Watchdog::new();
    let mut text = String::new();
    for (what, function) in [
        (
            "lifted async",
            r#"(func (export "f") async (result u32) (canon lift (core func $i "f") async (callback (func $i "callback"))))"#,
        ),
        (
            "lifted async without callback",
            r#"(func (export "f") async (result u32) (canon lift (core func $i "g") async))"#,
        ),
        ("async type", r#"(func (export "f") async (result u32) (canon lift (core func $i "f")))"#),
        ("future result", r#"(func (export "f") (result (future u32)) (canon lift (core func $i "f")))"#),
        (
            "stream parameter",
            r#"(func (export "f") (param "s" (stream u8)) (result u32) (canon lift (core func $i "id")))"#,
        ),
        (
            "error context",
            r#"(func (export "f") (param "s" error-context) (result u32) (canon lift (core func $i "id")))"#,
        ),
        ("fixed list", r#"(func (export "f") (param "s" (list u32 1)) (result u32) (canon lift (core func $i "id")))"#),
        ("map", r#"(func (export "f") (param "s" (map u32 u32)) (result u32) (canon lift (core func $i "id2")))"#),
        ("gc", r#"(func (export "f") (param "s" u32) (result u32) (canon lift (core func $i "id") gc))"#),
        (
            "many flags",
            r#"(type $f' (flags "a0" "a1" "a2" "a3" "a4" "a5" "a6" "a7" "a8" "a9" "b0" "b1" "b2" "b3" "b4" "b5" "b6" "b7" "b8" "b9" "c0" "c1" "c2" "c3" "c4" "c5" "c6" "c7" "c8" "c9" "d0" "d1" "d2")) (export $f "flags" (type $f'))"#,
        ),
    ] {
        let wat = format!(
            r#"(component
                (core module $m (func (export "f") (result i32) (i32.const 0)) (func (export "g"))
                    (func (export "id") (param i32) (result i32) (local.get 0))
                    (func (export "id2") (param i32 i32) (result i32) (local.get 0))
                    (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 0)))
                (core instance $i (instantiate $m))
                {function})"#
        );
        let found = match EXECUTOR.load_bytes(&wat) {
            Err(error) => error.to_string(),
            Ok(module) => failure(&module, "f", args![]),
        };
        let _ = writeln!(text, "{what}: {found}");
    }
    expect![[r#"
        lifted async: the guest cannot be shown to be pure, for 1 reason
          uses component-model concurrency (`async` functions, streams, futures, threads), which guests do not have: async component functions require the component model async feature; it shows a guest what finished first; build it with synchronous functions, and fork instead
        lifted async without callback: the guest cannot be shown to be pure, for 2 reasons
          uses component-model concurrency (`async` functions, streams, futures, threads), which guests do not have: async component functions require the component model async feature; it shows a guest what finished first; build it with synchronous functions, and fork instead
          uses component-model concurrency (`async` functions, streams, futures, threads), which guests do not have: requires the component model async stackful feature; it shows a guest what finished first; build it with synchronous functions, and fork instead
        async type: the guest cannot be shown to be pure, for 1 reason
          uses component-model concurrency (`async` functions, streams, futures, threads), which guests do not have: async component functions require the component model async feature; it shows a guest what finished first; build it with synchronous functions, and fork instead
        future result: the guest cannot be shown to be pure, for 1 reason
          uses component-model concurrency (`async` functions, streams, futures, threads), which guests do not have: 'future' requires the component model async feature; it shows a guest what finished first; build it with synchronous functions, and fork instead
        stream parameter: the guest cannot be shown to be pure, for 1 reason
          uses component-model concurrency (`async` functions, streams, futures, threads), which guests do not have: 'stream' requires the component model async feature; it shows a guest what finished first; build it with synchronous functions, and fork instead
        error context: the guest cannot be shown to be pure, for 1 reason
          uses error contexts, which guests do not have: 'error-context' requires the component model error-context feature; return a string instead
        fixed list: the guest cannot be shown to be pure, for 1 reason
          uses lists of fixed length, which guests do not have: Fixed-length lists require the component model fixed-length lists feature; use a tuple or a list
        map: the module is not valid WebAssembly: canonical option \`memory\` is required (at byte 157)
        gc: the guest cannot be shown to be pure, for 1 reason
          uses values in garbage-collected memory, which guests do not have: canonical option 'gc' requires the 'cm-gc' feature; pass them in linear memory
        many flags: the module is not valid WebAssembly: cannot have more than 32 flags (at byte 133)
    "#]].assert_eq(&text);
}

#[test]
fn what_core_modules_must_not_use_they_must_not_use_inside_of_a_component() {
    let _watchdog = Watchdog::new();
    let mut text = String::new();
    for (what, module) in [
        ("shared memory", "(memory 1 1 shared)"),
        ("garbage collection", "(type (struct (field i32)))"),
        (
            "relaxed simd",
            r#"(func (export "f") (param v128 v128 v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))"#,
        ),
        ("exceptions", "(tag (param i32))"),
    ] {
        let found = EXECUTOR.load_bytes(format!("(component (core module {module}))"));
        let _ = writeln!(text, "{what}: {}", found.map_or_else(|error| error.to_string(), |_| "is taken".to_owned()));
    }
    expect![[r#"
        shared memory: the guest cannot be shown to be pure, for 1 reason
          uses threads (shared memory or atomic instructions), which guests do not have: threads must be enabled for shared memories; calls share nothing; compile without threads (no `-pthread`, no `+atomics`) and fork instead
        garbage collection: is taken
        relaxed simd: the guest cannot be shown to be pure, for 1 reason
          uses relaxed SIMD, which guests do not have: relaxed SIMD support is not enabled; its results differ between machines; use plain SIMD (no `+relaxed-simd`)
        exceptions: is taken
    "#]].assert_eq(&text);
}

#[test]
fn a_memory_of_64_bits_is_refused_where_values_are_passed_by_it() {
    let _watchdog = Watchdog::new();
    let text = EXECUTOR.load_bytes(
        r#"(component
            (core module $m (memory (export "memory") i64 1)
                (func (export "realloc") (param i64 i64 i64 i64) (result i64) (i64.const 0))
                (func (export "f") (param i64 i64) (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func (export "f") (param "x" string) (result u32)
                (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")))))"#,
    );
    expect![[r#"
        the guest cannot be shown to be pure, for 1 reason
          uses 64-bit memory in the canonical ABI, which guests do not have: 64-bit memories require the 'cm64' feature to be enabled; compile for 32-bit memory"#]].assert_eq(&text.map_or_else(|error| error.to_string(), |_| "is taken".to_owned()));
}

#[test]
fn a_small_file_of_a_billion_instances_is_refused() {
    let _watchdog = Watchdog::new();
    // Each component instantiates the one in it twice.
    let mut wat = r#"(component $c0 (core module $m) (core instance (instantiate $m)))"#.to_owned();
    for level in 1..=30 {
        let below = level - 1;
        wat = format!(
            "(component $c{level} {wat} (instance (instantiate $c{below})) (instance (instantiate $c{below})))"
        );
    }
    let wat = wat.replacen("(component $c30", "(component", 1);
    assert!(wat::parse_str(&wat).unwrap().len() < 2048);
    expect![[r#"
        the guest cannot be shown to be pure, for 1 reason
          makes more than 1000 instances of modules and components; compose it of fewer"#]]
    .assert_eq(&refusal(&EXECUTOR, &wat));
}

#[test]
fn components_that_are_passed_on_are_refused() {
    let _watchdog = Watchdog::new();
    let mut text = String::new();
    for wat in [
        r#"(component (component $a) (component $b (import "a" (component))) (instance (instantiate $b (with "a" (component $a)))))"#,
        r#"(component (component $a) (component $b (alias outer 1 $a (component $c)) (instance (instantiate $c))) (instance (instantiate $b)))"#,
        r#"(component (component $a) (export "a" (component $a)))"#,
        r#"(component (component $a (component $b) (export "b" (component $b))) (instance $i (instantiate $a)) (alias export $i "b" (component $c)) (instance (instantiate $c)))"#,
    ] {
        let _ = writeln!(text, "{}", refusal(&EXECUTOR, wat));
    }
    expect![[r#"
        the guest cannot be shown to be pure, for 1 reason
          gives a component to another; instantiate each component where it is defined
        the guest cannot be shown to be pure, for 1 reason
          takes a component from another; instantiate each component where it is defined
        the guest cannot be shown to be pure, for 1 reason
          exports a component; instantiate each component where it is defined
        the guest cannot be shown to be pure, for 1 reason
          takes a component from another; instantiate each component where it is defined
    "#]]
    .assert_eq(&text);
}

#[test]
fn types_of_many_parts_and_of_many_levels_are_refused() {
    let _watchdog = Watchdog::new();
    let with = |declared: String, last: &str| {
        format!(
            r#"(component
                (core module $m (memory (export "memory") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) (unreachable))
                    (func (export "f") (param i32 i32)) (func (export "g") (param i32)))
                (core instance $i (instantiate $m))
                {declared}
                (func (export "f") (param "x" (list {last})) (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")))))"#
        )
    };
    let doubled = |levels: usize| {
        let declared: String = (1..=levels).map(|at| format!("(type $t{at} (tuple $t{0} $t{0}))", at - 1)).collect();
        with(format!("(type $t0 (tuple u8)) {declared}"), &format!("$t{levels}"))
    };
    let deep = |levels: usize| {
        let declared: String = (1..=levels).map(|at| format!("(type $t{at} (list $t{0}))", at - 1)).collect();
        with(format!("(type $t0 (tuple u8)) {declared}"), &format!("$t{levels}"))
    };
    let mut text = String::new();
    for (what, wat) in [
        ("2^12 parts", doubled(11)),
        ("2^15 parts", doubled(15)),
        ("2^30 parts", doubled(30)),
        ("60 levels", deep(60)),
        ("90 levels", deep(90)),
        ("120 levels", deep(120)),
        ("5000 levels", deep(5000)),
    ] {
        let found = match EXECUTOR.load_bytes(&wat) {
            Err(error) => error.to_string(),
            Ok(module) => failure(&module, "f", args![Value::List([].into_iter().collect())]),
        };
        let _ = writeln!(text, "{what}: {}", found.chars().take(300).collect::<String>());
    }
    expect![[r#"
        2^12 parts: Trap: `f` trapped: wasm `unreachable` instruction executed
        2^15 parts: NotCallable: `f` cannot be called from the host: it takes a type of more than 10000 parts, which the host cannot give
        2^30 parts: the module is not valid WebAssembly: effective type size exceeds the limit of 1000000 (at byte 188)
        60 levels: Trap: `f` trapped: wasm `unreachable` instruction executed
        90 levels: Trap: `f` trapped: wasm `unreachable` instruction executed
        120 levels: the module is not valid WebAssembly: type nesting is too deep (at byte 346)
        5000 levels: the module is not valid WebAssembly: type nesting is too deep (at byte 347)
    "#]]
    .assert_eq(&text);
}

/// What passes such a type from one component to another is a module that the host writes and compiles.
#[test]
fn types_of_many_parts_may_pass_between_components() {
    let _watchdog = Watchdog::new();
    let levels = 18;
    let declared: String = (1..=levels).map(|at| format!("(type $t{at} (tuple $t{0} $t{0}))", at - 1)).collect();
    let types = format!("(type $t0 (tuple u8)) {declared}");
    let wat = format!(
        r#"(component
            (component $inner
                {types}
                (core module $m (memory (export "memory") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
                    (func (export "f") (param i32 i32) (result i32) (local.get 1)))
                (core instance $i (instantiate $m))
                (func (export "f") (param "x" (list $t{levels})) (result u32)
                    (canon lift (core func $i "f") (memory $i "memory") (realloc (func $i "realloc")))))
            (instance $inner (instantiate $inner))
            (component $outer
                {types}
                (import "f" (func $f (param "x" (list $t{levels})) (result u32)))
                (core module $libc (memory (export "memory") 8))
                (core instance $libc (instantiate $libc))
                (core func $f' (canon lower (func $f) (memory $libc "memory")))
                (core module $m (import "" "f" (func $f (param i32 i32) (result i32)))
                    (func (export "g") (result i32) (call $f (i32.const 0) (i32.const 0))))
                (core instance $i (instantiate $m (with "" (instance (export "f" (func $f'))))))
                (func (export "g") (result u32) (canon lift (core func $i "g"))))
            (instance $outer (instantiate $outer (with "f" (func $inner "f"))))
            (export "g" (func $outer "g")))"#
    );
    assert_eq!(failure(&loaded(&EXECUTOR, &wat), "g", args![]), "= 0");
}

/// What a guest exports that it imports is nobody's to call.
#[test]
fn a_component_that_exports_what_it_imports_can_be_loaded_or_says_why_not() {
    let _watchdog = Watchdog::new();
    let mut text = String::new();
    for export in [
        r#"(export "again" (instance $fork))"#,
        r#"(alias export $fork "[constructor]leaf" (func $f)) (instance $x (export "make" (func $f))) (export "x" (instance $x))"#,
        r#"(export "future" (type $leaf))"#,
        r#"(func (export "raw") (result (own $leaf)) (canon lift (core func $i "fork-one")))"#,
        r#"(export "code" (core module $m))"#,
    ] {
        let wat = leafy(
            r#"(func (export "fork-one") (result i32) (call $fork))"#,
            &format!(r#"(func (export "fork-one") (result u32) (canon lift (core func $i "fork-one"))) {export}"#),
        );
        let found = match EXECUTOR.load_bytes(&wat) {
            Err(error) => error.to_string(),
            Ok(module) => {
                let functions: Vec<_> = module.inspect().functions.iter().map(|f| f.to_string()).collect();
                let others =
                    ["again#[constructor]leaf", "x#make", "raw", "code"].map(|name| match module.fork(name, args![]) {
                        Err(error) => format!("{}: {}", error.kind().name(), error.message()),
                        Ok(_) => "can be called".to_owned(),
                    });
                format!("{functions:?} {others:#?}")
            }
        };
        let _ = writeln!(text, "{export}: {found}");
    }
    expect![[r#"
        (export "again" (instance $fork)): the guest cannot be shown to be pure, for 1 reason
          has a part that is not known here (component export \`[constructor]leaf\` is a reexport of an imported function whi…); build it without
        (alias export $fork "[constructor]leaf" (func $f)) (instance $x (export "make" (func $f))) (export "x" (instance $x)): the guest cannot be shown to be pure, for 1 reason
          has a part that is not known here (component export \`make\` is a reexport of an imported function which is not imp…); build it without
        (export "future" (type $leaf)): ["leaf()", "fork-one() -> u32"] [
            "NoSuchFunction: the module exports no function `again#[constructor]leaf`",
            "NoSuchFunction: the module exports no function `x#make`",
            "NoSuchFunction: the module exports no function `raw`",
            "NoSuchFunction: the module exports no function `code`",
        ]
        (func (export "raw") (result (own $leaf)) (canon lift (core func $i "fork-one"))): ["leaf()", "fork-one() -> u32"] [
            "NoSuchFunction: the module exports no function `again#[constructor]leaf`",
            "NoSuchFunction: the module exports no function `x#make`",
            "NotCallable: `raw` cannot be called from the host: it returns a resource, which ends with the call",
            "NoSuchFunction: the module exports no function `code`",
        ]
        (export "code" (core module $m)): ["leaf()", "fork-one() -> u32"] [
            "NoSuchFunction: the module exports no function `again#[constructor]leaf`",
            "NoSuchFunction: the module exports no function `x#make`",
            "NoSuchFunction: the module exports no function `raw`",
            "NotCallable: `code` cannot be called from the host: it is a core module",
        ]
    "#]].assert_eq(&text);
}

/// A component with about everything: functions, forks, resources of its own, components in it.
fn everything() -> Vec<u8> {
    wat::parse_str(leafy(
        r#"(func (export "f") (param i32) (result i32) (call $wait (call $fork)) (local.get 0))
           (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
           (func (export "text") (param i32 i32) (result i32) (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))"#,
        r#"(type $p' (record (field "x" u8) (field "y" (option string)))) (export $p "p" (type $p'))
           (type $r (resource (rep i32)))
           (core func (canon resource.new $r)) (core func (canon resource.drop $r))
           (component $inner (core module $m (func (export "g") (param i32) (result i32) (local.get 0)))
                (core instance $i (instantiate $m)) (func (export "g") (param "x" u32) (result u32) (canon lift (core func $i "g"))))
           (instance $inner (instantiate $inner))
           (export "my:own/inner" (instance $inner))
           (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f")))
           (func (export "text") (param "n" string) (result string) (canon lift (core func $i "text") (memory $i "memory") (realloc (func $i "realloc"))))"#,
    ))
    .unwrap()
}

#[test]
fn a_component_cut_off_anywhere_is_no_panic() {
    let _watchdog = Watchdog::new();
    let bytes = everything();
    assert!(EXECUTOR.load_bytes(&bytes).is_ok());
    let mut taken = 0;
    for end in 0..bytes.len() {
        // As bytes alone: a cut one that still is one would be compiled.
        taken += usize::from(Executor::builder().inspect(&bytes[..end]).is_ok());
    }
    // Sections at the end may go: what is exported gets less.
    assert!(taken < 40, "{taken} of {} are taken", bytes.len());
    still_answers(&EXECUTOR);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_component_with_changed_bytes_is_no_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        static BYTES: LazyLock<Vec<u8>> = LazyLock::new(everything);
        let mut bytes = BYTES.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if Executor::builder().inspect(&bytes).is_ok() && let Ok(module) = EXECUTOR.load_bytes(&bytes) {
            for (name, args) in [("f", args![3u32]), ("text", args!["x"]), ("g", args![3u32])] {
                let _ = module.fork(name, args).and_then(|future| future.wait());
            }
        }
    }
}

/// A component may make so many instances; so may a call of it.
#[test]
fn a_component_of_many_instances_is_loaded_and_called() {
    let _watchdog = Watchdog::new();
    let many = |count: usize, module: &str| {
        let instances: String = (0..count).map(|_| "(core instance (instantiate $n))").collect();
        component(r#"(func (export "f") (result i32) (i32.const 7))"#, &export("f", "(result u32)")).replacen(
            "(component",
            &format!("(component (core module $n {module}) {instances}"),
            1,
        )
    };
    let mut text = String::new();
    for (count, module) in [
        (15, "(memory 1)"),
        (100, ""),
        (990, ""),
        (1000, ""),
        (20, "(memory 1)"),
        (130, "(memory 1)"),
        (400, "(table 1 funcref)"),
    ] {
        let found = match EXECUTOR.load_bytes(many(count, module)) {
            Err(error) => error.to_string(),
            Ok(guest) => (0..3).map(|_| failure(&guest, "f", args![])).collect::<Vec<_>>().join("; "),
        };
        let _ = writeln!(text, "{count} {module}: {found}");
    }
    expect![[r#"
        15 (memory 1): = 7; = 7; = 7
        100 : = 7; = 7; = 7
        990 : = 7; = 7; = 7
        1000 : the module is not valid WebAssembly: instances count exceeds limit of 1000 (at byte 3261)
        20 (memory 1): the guest has 21 memories, and 16 are allowed
          build it of fewer modules
        130 (memory 1): the guest has 131 memories, and 16 are allowed
          build it of fewer modules
        400 (table 1 funcref): the guest has 400 tables, and 64 are allowed
          build it of fewer modules
    "#]]
    .assert_eq(&text);
    still_answers(&EXECUTOR);
}
