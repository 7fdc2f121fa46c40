//! Components that give what is no value, make room where there is none, or fork where they must not.

use crate::components::support::{failure, leafy};
use expect_test::expect;
use purefork::{Value, args};
use purefork_tests::components::{Fork, LIFT, component, export, forking};
use purefork_tests::{each_executor, each_executor_with, in_own_process, limits, loaded, remains};
use std::fmt::Write as _;
use std::time::Duration;

/// A function whose result lies at 16: the bytes there, as words.
fn words(name: &str, words: &[u32]) -> String {
    let stores: String = words
        .iter()
        .enumerate()
        .map(|(at, word)| format!("(i32.store (i32.const {}) (i32.const {}))", 16 + 4 * at, word.cast_signed()))
        .collect();
    format!(r#"(func (export "{name}") (result i32) {stores} (i32.const 16))"#)
}

#[test]
fn results_that_are_no_values_are_refused() {
    let far = u32::MAX;
    // What is wrong with it, its type and how strings are encoded, and what is in memory.
    let cases: &[(&str, &str, &str, &[u32])] = &[
        ("not UTF-8", "string", "utf8", &[24, 2, 0x0000_ffc3]),
        ("half a character", "string", "utf8", &[24, 1, 0xc3]),
        ("a surrogate in UTF-8", "string", "utf8", &[24, 3, 0x0080_a0ed]),
        ("a lone high surrogate", "string", "utf16", &[24, 1, 0xd800]),
        ("a lone low surrogate", "string", "utf16", &[24, 2, 0x0041_dc00]),
        ("two high surrogates", "string", "utf16", &[24, 2, 0xd800_d800]),
        ("a lone surrogate in UTF-16 that might be Latin-1", "string", "latin1+utf16", &[24, 1 | 1 << 31, 0xd800]),
        ("a string at an odd address in UTF-16", "string", "utf16", &[25, 1, 0]),
        ("a string at an odd address in Latin-1", "string", "latin1+utf16", &[25, 1, 0]),
        ("a string beyond the end", "string", "utf8", &[65_530, 7]),
        ("a string far beyond the end", "string", "utf8", &[far - 8, 4]),
        ("a string that wraps around", "string", "utf8", &[far, far]),
        ("an empty string far beyond the end", "string", "utf8", &[far, 0]),
        ("a string of 2^32 - 1 units in UTF-16", "string", "utf16", &[0, far]),
        ("a list beyond the end", "(list u64)", "utf8", &[65_528, 2]),
        ("a list of 2^32 - 1 elements", "(list u8)", "utf8", &[16, far]),
        ("a list of 2^32 - 1 large elements", "(list (tuple u64 u64))", "utf8", &[16, far]),
        ("a list whose size wraps around 32 bits", "(list u64)", "utf8", &[16, 1 << 29]),
        ("a list at an odd address", "(list u16)", "utf8", &[25, 1]),
        ("an empty list at an odd address", "(list u32)", "utf8", &[26, 0]),
        ("a list of lists, one beyond the end", "(list (list u8))", "utf8", &[24, 2, 0, 1, 65_536, 1]),
        ("a surrogate as a character", "(tuple char u8)", "utf8", &[0xdfff]),
        ("a character beyond Unicode", "(tuple char u8)", "utf8", &[0x11_0000]),
        ("a list of characters", "(list char)", "utf8", &[24, 2, 0x41, far]),
        ("a third case of an option", "(option u8)", "utf8", &[2]),
        ("a third case of a result", "(result u8)", "utf8", &[0xff]),
        ("a case inside of a list", "(list (option string))", "utf8", &[24, 2, 0, 0, 0, 7]),
    ];
    let (mut core, mut exports) = (String::new(), String::new());
    for (at, (_, ty, encoding, memory)) in cases.iter().enumerate() {
        core.push_str(&words(&format!("f{at}"), memory));
        let _ = write!(
            exports,
            r#"(func (export "f{at}") (result {ty}) (canon lift (core func $i "f{at}") (memory $libc "memory") string-encoding={encoding}))"#
        );
    }
    let wat = component(&core, &exports);
    each_executor(|exec| {
        let guest = loaded(exec, &wat);
        let mut text = String::new();
        for (at, (what, ..)) in cases.iter().enumerate() {
            // Writing into a string does not fail.
            let _ = writeln!(text, "{what}: {}", failure(&guest, &format!("f{at}"), args![]));
        }
        expect![[r#"
            not UTF-8: Trap: `f0` returned a string at address 24 that is not valid UTF-8
            half a character: Trap: `f1` returned a string at address 24 that is not valid UTF-8
            a surrogate in UTF-8: Trap: `f2` returned a string at address 24 that is not valid UTF-8
            a lone high surrogate: Trap: `f3` returned a string at address 24 that is not valid UTF-16
            a lone low surrogate: Trap: `f4` returned a string at address 24 that is not valid UTF-16
            two high surrogates: Trap: `f5` returned a string at address 24 that is not valid UTF-16
            a lone surrogate in UTF-16 that might be Latin-1: Trap: `f6` returned a string at address 24 that is not valid UTF-16
            a string at an odd address in UTF-16: Trap: `f7` returned a string at address 25, which is not a multiple of 2
            a string at an odd address in Latin-1: Trap: `f8` returned a string at address 25, which is not a multiple of 2
            a string beyond the end: Trap: `f9` returned a string of 7 bytes at address 65530, beyond the end of its memory
            a string far beyond the end: Trap: `f10` returned a string of 4 bytes at address 4294967287, beyond the end of its memory
            a string that wraps around: Trap: `f11` returned a string of 4294967295 bytes at address 4294967295, beyond the end of its memory
            an empty string far beyond the end: Trap: `f12` returned a string of 0 bytes at address 4294967295, beyond the end of its memory
            a string of 2^32 - 1 units in UTF-16: Trap: `f13` returned a string of 8589934590 bytes at address 0, beyond the end of its memory
            a list beyond the end: Trap: `f14` returned a list of 16 bytes at address 65528, beyond the end of its memory
            a list of 2^32 - 1 elements: Trap: `f15` returned a list of 4294967295 bytes at address 16, beyond the end of its memory
            a list of 2^32 - 1 large elements: Trap: `f16` returned a list of 68719476720 bytes at address 16, beyond the end of its memory
            a list whose size wraps around 32 bits: Trap: `f17` returned a list of 4294967296 bytes at address 16, beyond the end of its memory
            a list at an odd address: Trap: `f18` returned a list at address 25, which is not a multiple of 2
            an empty list at an odd address: Trap: `f19` returned a list at address 26, which is not a multiple of 4
            a list of lists, one beyond the end: Trap: `f20` returned a list of 1 bytes at address 65536, beyond the end of its memory
            a surrogate as a character: Trap: `f21` returned 0xdfff, which is no character
            a character beyond Unicode: Trap: `f22` returned 0x110000, which is no character
            a list of characters: Trap: `f23` returned 0xffffffff, which is no character
            a third case of an option: Trap: `f24` returned case number 2 of a type that has 2 cases
            a third case of a result: Trap: `f25` returned case number 255 of a type that has 2 cases
            a case inside of a list: Trap: `f26` returned case number 7 of a type that has 2 cases
        "#]].assert_eq(&text);
    });
}

/// Results that are one core value, and places of results.
#[test]
fn results_that_are_no_values_are_refused_on_the_stack_too() {
    let wat = component(
        r#"(func (export "char") (param i32) (result i32) (local.get 0))
           (func (export "enum") (param i32) (result i32) (local.get 0))
           (func (export "pair") (param i32) (result i32) (local.get 0))"#,
        &format!(
            r#"(type $e' (enum "a" "b" "c")) (export $e "e" (type $e'))
               (func (export "char") (param "x" u32) (result char) (canon lift (core func $i "char") {LIFT}))
               (func (export "enum") (param "x" u32) (result $e) (canon lift (core func $i "enum") {LIFT}))
               (func (export "pair") (param "x" u32) (result (tuple u64 u8)) (canon lift (core func $i "pair") {LIFT}))"#
        ),
    );
    each_executor(|exec| {
        let guest = loaded(exec, &wat);
        let mut text = String::new();
        let calls = [
            ("char", 0xd800),
            ("char", u32::MAX),
            ("enum", 3),
            ("enum", u32::MAX),
            ("pair", 4),
            ("pair", 65_528),
            ("pair", u32::MAX - 7),
        ];
        for (name, given) in calls {
            let _ = writeln!(text, "{}", failure(&guest, name, args![given]));
        }
        expect![[r#"
            Trap: `char` returned 0xd800, which is no character
            Trap: `char` returned 0xffffffff, which is no character
            Trap: `enum` returned case number 3 of a type that has 3 cases
            Trap: `enum` returned case number 4294967295 of a type that has 3 cases
            Trap: `pair` returned a value at address 4, which is not a multiple of 8
            Trap: `pair` returned a value of 16 bytes at address 65528, beyond the end of its memory
            Trap: `pair` returned a value of 16 bytes at address 4294967288, beyond the end of its memory
        "#]]
        .assert_eq(&text);
        assert_eq!(guest.fork("pair", args![65_520u32]).unwrap().wait().unwrap().to_string(), "(0, 0)");
    });
}

/// A list costs a guest its length alone, and its elements may all be the same megabyte.
#[test]
fn a_result_that_shows_the_same_megabyte_a_million_times_ends_the_call() {
    let wat = component(
        r#"(func (export "many") (param $count i32) (result i32) (local $i i32)
                (drop (memory.grow (i32.const 400)))
                (loop $more
                    (i32.store (i32.add (i32.const 2097152) (i32.shl (local.get $i) (i32.const 3))) (i32.const 0))
                    (i32.store (i32.add (i32.const 2097156) (i32.shl (local.get $i) (i32.const 3))) (i32.const 1048576))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $more (i32.lt_u (local.get $i) (local.get $count))))
                (i32.store (i32.const 1048576) (i32.const 2097152))
                (i32.store (i32.const 1048580) (local.get $count))
                (i32.const 1048576))
           (func (export "empty") (param $count i32) (result i32)
                (drop (memory.grow (i32.const 900)))
                (i32.store (i32.const 1048576) (i32.const 0))
                (i32.store (i32.const 1048580) (local.get $count))
                (i32.const 1048576))"#,
        &format!(
            r#"{}{}{}"#,
            export("many", r#"(param "count" u32) (result (list (list u8)))"#),
            format_args!(
                r#"(func (export "strings") (param "count" u32) (result (list string)) (canon lift (core func $i "many") {LIFT}))"#
            ),
            format_args!(
                r#"(func (export "nested") (param "count" u32) (result (list (list (list (tuple u8))))) (canon lift (core func $i "empty") {LIFT}))"#
            ),
        ),
    );
    in_own_process(|| {
        let before = remains();
        each_executor(|exec| {
            let guest = loaded(exec, &wat);
            for (name, count) in [("many", 1_000_000u32), ("strings", 1_000_000), ("nested", 5_000_000)] {
                let wrong = format!("OutOfMemory: `{name}` returned more than its limit on memory allows");
                assert_eq!(failure(&guest, name, args![count]), wrong);
            }
            let few = guest.fork("many", args![3u32]).unwrap().wait().unwrap();
            assert!(matches!(few, Value::List(list) if list.len() == 3));
        });
        if let (Some(before), Some(after)) = (before, remains()) {
            assert!(after.resident < before.resident + (512 << 10), "{before:?}, then {after:?}");
        }
    });
}

/// A component whose `realloc` does this, and a function that takes a string.
fn with_realloc(realloc: &str) -> String {
    leafy(
        &format!(
            r#"(global $calls (mut i32) (i32.const 0))
               (func $realloc (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
                    {realloc})
               (func (export "length") (param i32 i32) (result i32) (local.get 1))
               (func (export "forks-first") (param i32 i32) (result i32) (drop (call $fork)) (local.get 1))
               (func (export "sum") (param i32 i32) (result i32) (i32.load (i32.load (local.get 0))))"#
        ),
        r#"(func (export "length") (param "x" string) (result u32)
                (canon lift (core func $i "length") (memory $i "memory") (realloc (func $i "realloc"))))
           (func (export "forks-first") (param "x" string) (result u32)
                (canon lift (core func $i "forks-first") (memory $i "memory") (realloc (func $i "realloc"))))
           (func (export "sum") (param "x" (list (list u32))) (result u32)
                (canon lift (core func $i "sum") (memory $i "memory") (realloc (func $i "realloc"))))"#,
    )
}

#[test]
fn a_realloc_that_makes_no_room_ends_the_call() {
    let reallocs = [
        ("garbage", "(i32.const -2)"),
        ("beyond the end", "(i32.const 65530)"),
        ("misaligned", "(i32.const 17)"),
        ("traps", "(unreachable)"),
        ("grows for ever", "(loop $more (drop (memory.grow (i32.const 1))) (br $more)) (unreachable)"),
        (
            "grows too far, then traps",
            "(if (i32.eq (i32.const -1) (memory.grow (i32.const 20000))) (then (unreachable))) (i32.const 0)",
        ),
        ("recurses", "(call $realloc (local.get 0) (local.get 1) (local.get 2) (local.get 3))"),
        ("forks", "(drop (call $fork)) (i32.const 32)"),
        ("waits", "(call $wait (i32.const 1)) (i32.const 32)"),
        ("drops", "(call $drop (i32.const 1)) (i32.const 32)"),
    ];
    each_executor_with(limits().fuel(3_000_000), |exec| {
        let mut text = String::new();
        for (what, realloc) in reallocs {
            let guest = loaded(exec, &with_realloc(realloc));
            for (name, args) in [
                ("length", args!["ten letters"]),
                ("forks-first", args!["ten letters"]),
                ("sum", args![Value::List([Value::from(vec![1u32, 2])].into_iter().collect())]),
            ] {
                let _ = writeln!(text, "{what}: {}", failure(&guest, name, args));
            }
        }
        expect![[r#"
            garbage: Trap: the guest made no room for its arguments within its memory
            garbage: Trap: the guest made no room for its arguments within its memory
            garbage: Trap: the guest made room at address 4294967294, which is not a multiple of 4
            beyond the end: Trap: the guest made no room for its arguments within its memory
            beyond the end: Trap: the guest made no room for its arguments within its memory
            beyond the end: Trap: the guest made room at address 65530, which is not a multiple of 4
            misaligned: = 11
            misaligned: = 11
            misaligned: Trap: the guest made room at address 17, which is not a multiple of 4
            traps: Trap: `length` trapped: wasm `unreachable` instruction executed
            traps: Trap: `forks-first` trapped: wasm `unreachable` instruction executed
            traps: Trap: `sum` trapped: wasm `unreachable` instruction executed
            grows for ever: OutOfFuel: `length` used up its fuel
            grows for ever: OutOfFuel: `forks-first` used up its fuel
            grows for ever: OutOfFuel: `sum` used up its fuel
            grows too far, then traps: OutOfMemory: `length` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed
            grows too far, then traps: OutOfMemory: `forks-first` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed
            grows too far, then traps: OutOfMemory: `sum` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed
            recurses: StackOverflow: `length` used up its stack
            recurses: StackOverflow: `forks-first` used up its stack
            recurses: StackOverflow: `sum` used up its stack
            forks: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            forks: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            forks: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            waits: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            waits: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            waits: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            drops: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            drops: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            drops: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
        "#]].assert_eq(&text);
    });
}

#[test]
fn a_realloc_that_grows_memory_is_served() {
    each_executor(|exec| {
        let guest = loaded(exec, &with_realloc("(i32.shl (memory.grow (i32.const 1)) (i32.const 16))"));
        for name in ["length", "forks-first"] {
            assert_eq!(guest.fork(name, args!["ten letters"]).unwrap().wait().unwrap(), Value::U32(11));
        }
        let lists = Value::List([Value::from(vec![41u32, 2])].into_iter().collect());
        assert_eq!(guest.fork("sum", args![lists]).unwrap().wait().unwrap(), Value::U32(41));
    });
}

#[test]
fn a_realloc_that_never_ends_is_stopped_in_time() {
    each_executor_with(limits().timeout(Duration::from_millis(30)), |exec| {
        let guest = loaded(exec, &with_realloc("(loop $again (br $again)) (unreachable)"));
        let mut text = String::new();
        for name in ["length", "forks-first"] {
            let _ = writeln!(text, "{}", failure(&guest, name, args!["ten letters"]));
        }
        expect![[r#"
            Timeout: `length` was still running after 30ms
            Timeout: `forks-first` was still running after 30ms
        "#]]
        .assert_eq(&text);
    });
}

/// A component with a function that gives `(list u8)`, and whose post-return does this.
fn with_post_return(post: &str) -> String {
    leafy(
        &format!(
            r#"(func (export "bytes") (result i32) (i32.store (i32.const 16) (i32.const 32)) (i32.store (i32.const 20) (i32.const 2)) (i32.const 16))
               (func (export "forks-first") (result i32) (drop (call $fork)) (i32.store (i32.const 16) (i32.const 32)) (i32.store (i32.const 20) (i32.const 2)) (i32.const 16))
               (func (export "post") (param i32) {post})"#
        ),
        r#"(func (export "bytes") (result (list u8))
                (canon lift (core func $i "bytes") (memory $i "memory") (post-return (func $i "post"))))
           (func (export "forks-first") (result (list u8))
                (canon lift (core func $i "forks-first") (memory $i "memory") (post-return (func $i "post"))))"#,
    )
}

#[test]
fn a_post_return_that_does_not_return_ends_the_call() {
    let posts = [
        ("traps", "(unreachable)"),
        ("never ends", "(loop $again (br $again))"),
        ("forks", "(drop (call $fork))"),
        ("waits", "(call $wait (i32.const 1))"),
        ("drops", "(call $drop (i32.const 1))"),
        ("was given another address", "(if (i32.ne (local.get 0) (i32.const 17)) (then (unreachable)))"),
    ];
    each_executor_with(limits().fuel(1_000_000), |exec| {
        let mut text = String::new();
        for (what, post) in posts {
            let guest = loaded(exec, &with_post_return(post));
            for name in ["bytes", "forks-first"] {
                let _ = writeln!(text, "{what}: {}", failure(&guest, name, args![]));
            }
        }
        expect![[r#"
            traps: Trap: `bytes` trapped: wasm `unreachable` instruction executed
            traps: Trap: `forks-first` trapped: wasm `unreachable` instruction executed
            never ends: OutOfFuel: `bytes` used up its fuel
            never ends: OutOfFuel: `forks-first` used up its fuel
            forks: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            forks: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            waits: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            waits: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            drops: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            drops: Trap: the guest forked, waited or made or dropped a handle while it made room for values or freed them, and there is no call then that it could belong to
            was given another address: Trap: `bytes` trapped: wasm `unreachable` instruction executed
            was given another address: Trap: `forks-first` trapped: wasm `unreachable` instruction executed
        "#]].assert_eq(&text);
    });
}

/// What is lifted is what was there before it was freed.
#[test]
fn a_post_return_is_called_with_the_result_once_it_was_read() {
    each_executor(|exec| {
        let guest = loaded(
            exec,
            &with_post_return(
                "(if (i32.ne (local.get 0) (i32.const 16)) (then (unreachable))) (i32.store (i32.const 16) (i32.const -1)) (i32.store (i32.const 32) (i32.const -1))",
            ),
        );
        for name in ["bytes", "forks-first", "bytes"] {
            assert_eq!(guest.fork(name, args![]).unwrap().wait().unwrap(), Value::from(vec![0u8, 0]));
        }
    });
}

#[test]
fn a_start_function_cannot_fork() {
    let starts = [
        ("forks", "(drop (call $fork))"),
        ("forks and waits", "(call $wait (call $fork))"),
        ("waits for a guess", "(call $wait (i32.const 1))"),
        ("drops a guess", "(call $drop (i32.const 1))"),
        ("traps", "(unreachable)"),
        ("never ends", "(loop $again (br $again))"),
    ];
    each_executor_with(limits().fuel(1_000_000), |exec| {
        let mut text = String::new();
        for (what, start) in starts {
            let guest = loaded(
                exec,
                &leafy(
                    &format!(
                        r#"(func $start {start}) (start $start) (func (export "seven") (result i32) (i32.const 7)) (func (export "fork-one") (result i32) (call $fork))"#
                    ),
                    r#"(func (export "seven") (result u32) (canon lift (core func $i "seven")))
                       (func (export "fork-one") (result u32) (canon lift (core func $i "fork-one")))"#,
                ),
            );
            for name in ["seven", "fork-one"] {
                let _ = writeln!(text, "{what}: {}", failure(&guest, name, args![]));
            }
        }
        expect![[r#"
            forks: Trap: the guest forked or waited while it was instantiated, and there is no call then that it could belong to
            forks: Trap: the guest forked or waited while it was instantiated, and there is no call then that it could belong to
            forks and waits: Trap: the guest forked or waited while it was instantiated, and there is no call then that it could belong to
            forks and waits: Trap: the guest forked or waited while it was instantiated, and there is no call then that it could belong to
            waits for a guess: Trap: the guest forked or waited while it was instantiated, and there is no call then that it could belong to
            waits for a guess: Trap: the guest forked or waited while it was instantiated, and there is no call then that it could belong to
            drops a guess: Trap: the guest forked or waited while it was instantiated, and there is no call then that it could belong to
            drops a guess: Trap: the guest forked or waited while it was instantiated, and there is no call then that it could belong to
            traps: Trap: `seven` trapped: wasm `unreachable` instruction executed
            traps: Trap: `fork-one` trapped: wasm `unreachable` instruction executed
            never ends: OutOfFuel: `seven` used up its fuel
            never ends: OutOfFuel: `fork-one` used up its fuel
        "#]]
        .assert_eq(&text);
    });
}

#[test]
fn arguments_larger_than_the_memory_limit_are_an_error_of_the_call() {
    each_executor_with(limits().memory(1 << 20), |exec| {
        let guest = loaded(
            exec,
            &component(
                r#"(func (export "length") (param i32 i32) (result i32) (local.get 1))
                   (func (export "many") (param i32 i32) (result i32) (local.get 1))
                   (func (export "last") (param i32) (result i32) (i32.load (i32.add (local.get 0) (i32.const 12))))"#,
                &[
                    export("length", r#"(param "x" string) (result u32)"#),
                    export("many", r#"(param "x" (list string)) (result u32)"#),
                ]
                .concat(),
            ),
        );
        let mut text = String::new();
        let long = "x".repeat(2 << 20);
        let _ = writeln!(text, "{}", failure(&guest, "length", args![long.as_str()]));
        let many = Value::List((0..300_000).map(|_| Value::from("")).collect());
        let _ = writeln!(text, "{}", failure(&guest, "many", args![many]));
        expect![[r#"
            OutOfMemory: `length` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed
            OutOfMemory: `many` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed
        "#]].assert_eq(&text);
        let fits = "x".repeat(900_000);
        assert_eq!(guest.fork("length", args![fits.as_str()]).unwrap().wait().unwrap(), Value::U32(900_000));
    });
}

/// What a guest gives of its memory may be as large as the memory.
#[test]
fn a_result_as_large_as_the_memory_is_given() {
    each_executor_with(limits().memory(4 << 20), |exec| {
        let guest = loaded(
            exec,
            &component(
                r#"(func (export "all") (result i32)
                    (drop (memory.grow (i32.const 63)))
                    (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 4194304)) (i32.const 16))"#,
                &export("all", "(result (list u8))"),
            ),
        );
        let Value::List(all) = guest.fork("all", args![]).unwrap().wait().unwrap() else { panic!() };
        assert_eq!(all.len(), 4 << 20);
    });
}

/// The host reads what a guest forks with on the guest's own stack, of which the guest has used what it may.
#[test]
fn deep_values_are_read_where_the_guests_stack_is_all_but_used_up() {
    let levels = 85;
    let nested = |open: &str, close: &str| format!("{}u8{}", open.repeat(levels), close.repeat(levels));
    // A type, how it is passed, and bytes that are as deep: a list of one, which is that list; or ones.
    let guests: Vec<String> = [
        (nested("(list ", ")"), "i32 i32", "(i32.const 64) (i32.const 1)", r"\40\00\00\00\01\00\00\00".to_owned()),
        (nested("(tuple ", " u8)"), "i32", "(i32.const 64)", r"\01".repeat(levels + 1)),
        (nested("(option ", ")"), "i32", "(i32.const 64)", r"\01".repeat(levels + 1)),
        (nested("(result ", " (error u8))"), "i32", "(i32.const 64)", r"\00".repeat(levels + 1)),
    ]
    .map(|(ty, core, passed, bytes)| {
        forking(
            &[Fork { name: "leaf", params: &[&ty], wait: Some(&ty), try_wait: None }],
            |part, _| {
                if part == "fork" { format!("(param {core}) (result i32)") } else { "(param i32 i32)".to_owned() }
            },
            &format!(
                r#"(data (i32.const 64) "{bytes}")
                   (func (export "leaf") (param {core}) (result i32) (i32.const 64))
                   (func $down (export "down") (param i32) (result i32)
                        (if (i32.eqz (local.get 0)) (then
                            (call $wait-leaf (call $fork-leaf {passed}) (i32.const 1024))
                            (return (i32.const 1))))
                        (i32.mul (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))"#
            ),
            &[
                export("leaf", &format!(r#"(param "x" {ty}) (result {ty})"#)),
                export("down", r#"(param "n" u32) (result u32)"#),
            ]
            .concat(),
        )
    })
    .into();
    in_own_process(|| {
        each_executor(|exec| {
            for wat in &guests {
                let guest = loaded(exec, wat);
                let calls = (0..30_000u32).step_by(200);
                let mut outcomes: Vec<String> = calls.map(|frames| failure(&guest, "down", args![frames])).collect();
                outcomes.dedup();
                assert_eq!(outcomes, ["= 1", "StackOverflow: `down` used up its stack"]);
            }
        });
    });
}
