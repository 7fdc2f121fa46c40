//! Imports that end a program that has failed: the call traps, with the guest's own words.

use expect_test::expect;
use purefork::{ErrorKind, args};
use purefork_tests::{each_executor, error, loaded};

/// Functions `0`, `1`, … of an `i32`, which call the import with these arguments unless they are given 0.
fn guest(import: &str, calls: &[&str], rest: &str) -> String {
    let function = |(number, given): (usize, &&str)| {
        format!(
            r#"(func (export "{number}") (param $x i32) (result i32)
                (if (local.get $x) (then (call $end {given}) (unreachable)))
                (i32.const 7))"#
        )
    };
    let functions: String = calls.iter().enumerate().map(function).collect();
    format!("(module (import {import}) {rest} {functions})")
}

/// `(i32.const …)` for each number.
fn numbers(numbers: &[i64]) -> String {
    numbers.iter().map(|n| format!("(i32.const {n})")).collect()
}

/// How the calls end, a line for each.
fn ends(import: &str, calls: &[Vec<i64>], rest: &str, expected: &expect_test::Expect) {
    each_executor(|exec| {
        let calls: Vec<String> = calls.iter().map(|given| numbers(given)).collect();
        let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
        let module = loaded(exec, &guest(import, &calls, rest));
        let inspection = module.inspect();
        let mut lines = format!("traps: {}\n", inspection.traps.join(", "));
        for function in &inspection.functions {
            // A trap leaves nothing, so that nothing is changed.
            assert!(function.stateless && !function.can_fork, "{function:?}");
            for _ in 0..2 {
                assert_eq!(module.fork(&function.exact, args![0]).unwrap().wait().unwrap().to_string(), "7");
                let error = error(module.fork(&function.exact, args![1]).unwrap().wait());
                assert_eq!((error.kind(), error.is_catchable()), (ErrorKind::Trap, true));
                let text = format!("{}\n", error.message());
                if !lines.ends_with(&text) {
                    lines.push_str(&text);
                }
            }
        }
        expected.assert_eq(&lines);
    });
}

#[test]
fn an_abort_without_words_is_a_trap() {
    ends(
        r#""env" "abort" (func $end)"#,
        &[vec![]],
        "",
        &expect![[r#"
            traps: env.abort
            `0` trapped: the guest called `abort`
        "#]],
    );
    ends(
        r#""env" "_abort_js" (func $end)"#,
        &[vec![]],
        "",
        &expect![[r#"
            traps: env._abort_js
            `0` trapped: the guest called `_abort_js`
        "#]],
    );
    ends(
        r#""env" "__cxa_throw" (func $end (param i32 i32 i32))"#,
        &[vec![16, 32, 0]],
        r#"(memory (export "memory") 1)"#,
        &expect![[r#"
            traps: env.__cxa_throw
            `0` trapped: the guest called `__cxa_throw`: an exception that nothing catches
        "#]],
    );
}

#[test]
fn a_failed_assertion_tells_what_and_where() {
    let import = r#""env" "__assert_fail" (func $end (param i32 i32 i32 i32))"#;
    let data = r#"(memory (export "memory") 1)
        (data (i32.const 16) "n > 0\00") (data (i32.const 32) "main.c\00") (data (i32.const 48) "main\00")
        (data (i32.const 65532) "\ff\1b[m")"#;
    ends(
        import,
        &[
            vec![16, 32, 12, 48],
            vec![16, 32, 12, 0],
            vec![0, 32, 12, 48],
            vec![16, 0, 12, 48],
            vec![65532, 65536, 12, -1],
            vec![0, 0, 0, 0],
        ],
        data,
        &expect![[r#"
            traps: env.__assert_fail
            `0` trapped: the guest called `__assert_fail`: n > 0, at main.c:12, in `main`
            `1` trapped: the guest called `__assert_fail`: n > 0, at main.c:12
            `2` trapped: the guest called `__assert_fail`: at main.c:12, in `main`
            `3` trapped: the guest called `__assert_fail`: n > 0, in `main`
            `4` trapped: the guest called `__assert_fail`: �\u{1b}[m
            `5` trapped: the guest called `__assert_fail`
        "#]],
    );
    // Nothing to read from.
    ends(
        import,
        &[vec![16, 32, 12, 48]],
        "(memory 1)",
        &expect![[r#"
            traps: env.__assert_fail
            `0` trapped: the guest called `__assert_fail`
        "#]],
    );
}

#[test]
fn assembly_scripts_strings_are_read_with_their_length_in_front() {
    ends(
        r#""env" "abort" (func $end (param i32 i32 i32 i32))"#,
        &[
            vec![20, 52, 3, 9],
            vec![0, 52, 3, 9],
            vec![20, 0, 3, 9],
            vec![2, 3, 3, 9],
            vec![104, 52, 3, 9],
            vec![-1, -4, 3, 9],
        ],
        r#"(memory (export "other") 1)
        (data (i32.const 16) "\06\00\00\00\e4\00h\00!\00") (data (i32.const 48) "\08\00\00\00a\00.\00t\00s\00")
        (data (i32.const 100) "\ff\ff\ff\7f")"#,
        &expect![[r#"
            traps: env.abort
            `0` trapped: the guest called `abort`: äh!, at a.ts:3:9
            `1` trapped: the guest called `abort`: at a.ts:3:9
            `2` trapped: the guest called `abort`: äh!
            `3` trapped: the guest called `abort`
            `4` trapped: the guest called `abort`: at a.ts:3:9
            `5` trapped: the guest called `abort`
        "#]],
    );
}

#[test]
fn wasm_bindgens_text_is_told_and_cut() {
    let data = format!(
        r#"(memory (export "memory") 1) (data (i32.const 16) "a\nb`\1b") (data (i32.const 1024) "{}")"#,
        "x".repeat(3000)
    );
    for import in [
        r#""wbg" "__wbindgen_throw""#,
        r#""wbg" "__wbg___wbindgen_throw_344f42d3211c4765""#,
        r#""./app_bg.js" "__wbindgen_throw""#,
        r#""__wbindgen_placeholder__" "__wbindgen_throw""#,
    ] {
        let traps = import.replace(r#"" ""#, ".").replace('"', "");
        let expected = format!(
            "traps: {traps}\n\
             `0` trapped: the guest called `__wbindgen_throw`: a\\nb\\`\\u{{1b}}\n\
             `1` trapped: the guest called `__wbindgen_throw`: {}…\n\
             `2` trapped: the guest called `__wbindgen_throw`\n\
             `3` trapped: the guest called `__wbindgen_throw`\n",
            "x".repeat(1024)
        );
        each_executor(|exec| {
            let calls = [numbers(&[16, 5]), numbers(&[1024, 3000]), numbers(&[65536, 0]), numbers(&[1, 65536])];
            let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
            let module = loaded(exec, &guest(&format!("{import} (func $end (param i32 i32))"), &calls, &data));
            let mut lines = format!("traps: {}\n", module.inspect().traps.join(", "));
            for function in ["0", "1", "2", "3"] {
                lines.push_str(error(module.fork(function, args![1]).unwrap().wait()).message());
                lines.push('\n');
            }
            assert_eq!(lines, expected);
        });
    }
}

/// In a rewritten guest, the text is read behind the card table; and it may be what the call has written.
#[test]
fn a_guest_that_writes_is_recycled_and_tells_what_it_wrote() {
    each_executor(|exec| {
        let module = loaded(
            exec,
            r#"(module
                (import "wbg" "__wbindgen_throw" (func $throw (param i32 i32)))
                (memory (export "memory") 1)
                (func (export "say") (param $digit i32) (param $end i32) (result i32)
                    (i32.store8 (i32.const 100) (i32.add (i32.load8_u (i32.const 100)) (local.get $digit)))
                    (if (local.get $end) (then (call $throw (i32.const 100) (i32.const 1)) (unreachable)))
                    (i32.load8_u (i32.const 100))))"#,
        );
        assert_eq!(module.inspect().fresh, None);
        for digit in [48, 49, 50] {
            assert_eq!(module.fork("say", args![digit, 0]).unwrap().wait().unwrap().to_string(), digit.to_string());
            let error = error(module.fork("say", args![digit, 1]).unwrap().wait());
            let text = format!("`say` trapped: the guest called `__wbindgen_throw`: {}", digit - 48);
            assert_eq!(error.message(), text);
        }
    });
}

/// As every trap after a refusal.
#[test]
fn an_abort_after_memory_was_refused_is_out_of_memory() {
    each_executor(|exec| {
        let module = loaded(
            exec,
            r#"(module (import "env" "abort" (func $abort)) (memory 1)
                (func (export "f")
                    (if (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)) (then (call $abort)))))"#,
        );
        let error = error(module.fork("f", args![]).unwrap().wait());
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        assert_eq!(error.message(), "`f` was refused memory beyond its limit, then trapped: the guest called `abort`");
    });
}

#[test]
fn what_runs_first_may_abort_too() {
    each_executor(|exec| {
        let module = loaded(
            exec,
            r#"(module (import "wbg" "__wbindgen_throw" (func $throw (param i32 i32)))
                (memory (export "memory") 1) (data (i32.const 16) "early")
                (func $start (call $throw (i32.const 16) (i32.const 5))) (start $start)
                (func (export "f")))"#,
        );
        let error = error(module.fork("f", args![]).unwrap().wait());
        assert_eq!(error.message(), "`f` trapped: the guest called `__wbindgen_throw`: early");
    });
}
