//! Components from Rust: typed functions, arguments by name, names of functions.

use expect_test::expect;
use purefork::value::Typed;
use purefork::{Value, args};
use purefork_tests::components::{component, export};
use purefork_tests::{each_executor, error, loaded};
use std::fmt::Debug;
use std::fmt::Write as _;

/// A function that gives back a list of whatever is in it, for each of these types.
fn echoes(types: &[(&str, &str)]) -> String {
    let exports: String = types
        .iter()
        .map(|(name, ty)| {
            format!(
                r#"(func (export "{name}") (param "x" (list {ty})) (result (list {ty}))
                    (canon lift (core func $i "list") (memory $libc "memory") (realloc (func $libc "realloc"))))"#
            )
        })
        .collect();
    component(
        r#"(func (export "list") (param i32 i32) (result i32)
            (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))"#,
        &exports,
    )
}

#[test]
fn every_rust_type_stands_for_a_type_of_wit() {
    let types = [
        ("bool", "bool"),
        ("s8", "s8"),
        ("u8", "u8"),
        ("s16", "s16"),
        ("u16", "u16"),
        ("s32", "s32"),
        ("u32", "u32"),
        ("s64", "s64"),
        ("u64", "u64"),
        ("f32", "f32"),
        ("f64", "f64"),
        ("char", "char"),
        ("string", "string"),
        ("lists", "(list u16)"),
        ("options", "(option string)"),
        ("results", "(result u8 (error string))"),
        ("empty-results", "(result)"),
        ("errors", "(result (error (list f64)))"),
        ("pairs", "(tuple s8 (tuple string bool))"),
        ("deep", "(option (option (list (result (tuple u64 char)))))"),
    ];
    each_executor(|exec| {
        let guest = loaded(exec, &echoes(&types));
        fn same<T: Typed + PartialEq + Debug>(guest: &purefork::Module, name: &str, values: Vec<T>) {
            let echo = guest.function::<Vec<T>, Vec<T>>(name).unwrap();
            assert_eq!(echo.fork(values.clone()).wait().unwrap(), values, "{name}");
            let echo = guest.function::<(Vec<T>,), Vec<T>>(name).unwrap();
            assert_eq!(echo.fork((Vec::new(),)).wait().unwrap(), Vec::new(), "{name}");
        }
        same(&guest, "bool", vec![true, false]);
        same(&guest, "s8", vec![i8::MIN, -1, i8::MAX]);
        same(&guest, "u8", vec![0, u8::MAX]);
        same(&guest, "s16", vec![i16::MIN, -1, i16::MAX]);
        same(&guest, "u16", vec![0, u16::MAX]);
        same(&guest, "s32", vec![i32::MIN, -1, i32::MAX]);
        same(&guest, "u32", vec![0, u32::MAX]);
        same(&guest, "s64", vec![i64::MIN, -1, i64::MAX]);
        same(&guest, "u64", vec![0, u64::MAX]);
        same(&guest, "f32", vec![-0.0f32, f32::INFINITY, 1.5]);
        same(&guest, "f64", vec![-0.0, f64::NEG_INFINITY, 1.5]);
        same(&guest, "char", vec!['a', 'ß', '𝄞']);
        same(&guest, "string", vec![String::new(), "aß𝄞\0".to_owned()]);
        same(&guest, "lists", vec![vec![], vec![1u16, 2]]);
        same(&guest, "options", vec![None, Some("x".to_owned())]);
        same::<Result<u8, String>>(&guest, "results", vec![Ok(1), Err("x".to_owned())]);
        same::<Result<(), ()>>(&guest, "empty-results", vec![Ok(()), Err(())]);
        same::<Result<(), Vec<f64>>>(&guest, "errors", vec![Ok(()), Err(vec![1.0])]);
        same(&guest, "pairs", vec![(-1i8, ("x".to_owned(), true))]);
        same::<Option<Option<Vec<Result<(u64, char), ()>>>>>(
            &guest,
            "deep",
            vec![None, Some(None), Some(Some(vec![Ok((1, 'x')), Err(())]))],
        );
    });
}

fn scale() -> String {
    component(
        r#"(func (export "scale") (param i32 i32 i32 i32) (result i32)
            (i32.store8 (i32.const 16) (i32.ne (local.get 3) (i32.const 0)))
            (i32.store (i32.const 20) (i32.const 0)) (i32.store (i32.const 24) (i32.const 0)) (i32.const 16))
           (func (export "count") (param i32 i32 i32) (result i32) (i32.add (i32.mul (local.get 1) (i32.const 10)) (local.get 2)))
           (func (export "none"))"#,
        &[
            export("scale", r#"(param "name" string) (param "data" (list u8)) (result (option (list f32)))"#),
            export("count", r#"(param "the-text" string) (param "max-len" u32) (result u32)"#),
            export("none", ""),
        ]
        .concat(),
    )
}

#[test]
fn a_typed_function_is_compared_with_the_signature_once() {
    each_executor(|exec| {
        let guest = loaded(exec, &scale());
        let scale = guest.function::<(String, Vec<u8>), Option<Vec<f32>>>("scale").unwrap();
        assert_eq!(scale.fork(("x".to_owned(), vec![1, 2])).wait().unwrap(), Some(vec![]));
        assert_eq!(scale.fork(("x".to_owned(), vec![])).wait().unwrap(), None);
        guest.function::<(), ()>("none").unwrap().fork(()).wait().unwrap();
        let mut text = String::new();
        let _ = writeln!(text, "{}", error(guest.function::<(String, Vec<u8>), Vec<f32>>("scale")));
        let _ = writeln!(text, "{}", error(guest.function::<(String, Vec<i8>), Option<Vec<f32>>>("scale")));
        let _ = writeln!(text, "{}", error(guest.function::<String, Option<Vec<f32>>>("scale")));
        let _ = writeln!(text, "{}", error(guest.function::<(String, Vec<u8>), ()>("scale")));
        let _ = writeln!(text, "{}", error(guest.function::<(), u32>("none")));
        let _ = writeln!(text, "{}", error(guest.function::<(String, i32), u32>("count")));
        let _ = writeln!(text, "{}", error(guest.function::<(Option<String>, u32), Result<u32, ()>>("count")));
        expect![[r#"
            expected types for `scale(name: string, data: list<u8>) -> option<list<f32>>`, but was given (string, list<u8>) -> (list<f32>)
            expected types for `scale(name: string, data: list<u8>) -> option<list<f32>>`, but was given (string, list<s8>) -> (option<list<f32>>)
            expected types for `scale(name: string, data: list<u8>) -> option<list<f32>>`, but was given (string) -> (option<list<f32>>)
            expected types for `scale(name: string, data: list<u8>) -> option<list<f32>>`, but was given (string, list<u8>) -> ()
            expected types for `none()`, but was given () -> (u32)
            expected types for `count(the-text: string, max-len: u32) -> u32`, but was given (string, s32) -> (u32)
            expected types for `count(the-text: string, max-len: u32) -> u32`, but was given (option<string>, u32) -> (result<u32>)
        "#]].assert_eq(&text);
    });
}

#[test]
fn arguments_that_are_not_of_their_types_are_refused() {
    each_executor(|exec| {
        let guest = loaded(
            exec,
            &component(
                r#"(func (export "f") (param i32 i32 i32 i32 i32) (result i32) (local.get 0))"#,
                &format!(
                    r#"(type $c' (enum "red" "green")) (export $c "c" (type $c'))
                       (type $v' (variant (case "none") (case "some" u8))) (export $v "v" (type $v'))
                       (type $p' (flags "r" "w")) (export $p "p" (type $p'))
                       {}"#,
                    export("f", r#"(param "colour" $c) (param "v" $v) (param "p" $p) (param "n" u8) (result u32)"#)
                ),
            ),
        );
        let red = || Value::Enum("red".into());
        let some = || Value::variant("some", Some(Value::U8(3)));
        let flags = |names: &[&str]| Value::Flags(names.iter().map(|name| (*name).into()).collect());
        assert_eq!(guest.fork("f", args![red(), some(), flags(&["w"]), 7u8]).unwrap().wait().unwrap(), Value::U32(0));
        let mut text = String::new();
        for args in [
            args![Value::Enum("blue".into()), some(), flags(&[]), 7u8],
            args!["red", some(), flags(&[]), 7u8],
            args![red(), Value::variant("some", None), flags(&[]), 7u8],
            args![red(), Value::variant("none", Some(Value::U8(1))), flags(&[]), 7u8],
            args![red(), Value::variant("all", None), flags(&[]), 7u8],
            args![red(), some(), flags(&["x"]), 7u8],
            args![red(), some(), flags(&["r", "r"]), 7u8],
            args![red(), some(), flags(&[]), 256],
            args![red(), some(), flags(&[]), -1],
        ] {
            let _ = writeln!(
                text,
                "{}",
                guest.fork("f", args).map_or_else(|error| error.to_string(), |_| "is taken".to_owned())
            );
        }
        expect![[r#"
            argument `colour` of `f`: there is no case `blue`; there is `red`, `green`
            argument `colour` of `f`: expected enum { red, green }, but was given "red", which is a string
            argument `v` of `f`: expected u8 for `some`, but was given none
            argument `v` of `f`: `none` takes no value, but was given 1
            argument `v` of `f`: there is no case `all`; there is `none`, `some`
            argument `p` of `f`: there is no flag `x`; there is `r`, `w`
            is taken
            argument `n` of `f`: expected u8, a whole number from 0 to 255, but was given 256
            argument `n` of `f`: expected u8, a whole number from 0 to 255, but was given -1
        "#]]
        .assert_eq(&text);
    });
}

#[test]
fn arguments_have_names() {
    each_executor(|exec| {
        let guest = loaded(exec, &scale());
        assert_eq!(guest.fork("count", args!["four", 7u32]).unwrap().wait().unwrap(), Value::U32(47));
        let named = purefork::Args::new().push_named("max-len", 7u32).push_named("the-text", "four");
        assert_eq!(guest.fork("count", named).unwrap().wait().unwrap(), Value::U32(47));
        let scale = guest.fork("scale", args![data = vec![1u8], name = "x"]).unwrap().wait().unwrap();
        assert_eq!(scale.to_string(), "some([])");
    });
}

/// A Rust name has no dash.
#[test]
fn an_underscore_stands_for_a_dash() {
    each_executor(|exec| {
        let guest = loaded(exec, &scale());
        assert_eq!(
            guest.fork("count", args![max_len = 7u32, the_text = "four"]).unwrap().wait().unwrap(),
            Value::U32(47)
        );
    });
}

#[test]
fn functions_of_interfaces_have_a_full_and_a_bare_name() {
    let interface = |inner: &str, name: &str| {
        format!(
            r#"(component {inner}
                (core module $m (func (export "seven") (result i32) (i32.const 7)) (func (export "eight") (result i32) (i32.const 8)))
                (core instance $i (instantiate $m))
                (func $seven (result u32) (canon lift (core func $i "seven")))
                (func $eight (result u32) (canon lift (core func $i "eight")))
                (instance $one (export "seven" (func $seven)) (export "eight" (func $eight)))
                (instance $two (export "seven" (func $eight)))
                (export "my:own/numbers@1.0.0" (instance $one))
                (export "{name}" (instance $two)))"#
        )
    };
    each_executor(|exec| {
        let guest = loaded(exec, &interface("", "my:own/others@1.0.0"));
        // In the order in which they are declared, each time.
        for _ in 0..10 {
            let functions = loaded(exec, &interface("", "my:own/others@1.0.0")).inspect().functions;
            assert_eq!(
                functions.iter().map(|function| function.name.as_str()).collect::<Vec<_>>(),
                ["my:own/numbers@1.0.0#seven", "my:own/numbers@1.0.0#eight", "my:own/others@1.0.0#seven"]
            );
        }
        let call = |name: &str| guest.fork(name, args![]).map(|future| future.wait().unwrap().to_string());
        assert_eq!(call("my:own/numbers@1.0.0#seven").unwrap(), "7");
        assert_eq!(call("my:own/others@1.0.0#seven").unwrap(), "8");
        assert_eq!(call("eight").unwrap(), "8");
        let mut text = String::new();
        for name in ["seven", "nine", "my:own/numbers@1.0.0#nine", "my:own/numbers#eight"] {
            let _ = writeln!(text, "{}", call(name).unwrap_or_else(|error| error.to_string()));
        }
        expect![[r#"
            2 functions are called `seven`
              say which: `my:own/numbers@1.0.0#seven`, `my:own/others@1.0.0#seven`
            the module exports no function `nine`
              it exports my:own/numbers@1.0.0#seven() -> u32, my:own/numbers@1.0.0#eight() -> u32, my:own/others@1.0.0#seven() -> u32
            the module exports no function `my:own/numbers@1.0.0#nine`
              did you mean `my:own/numbers@1.0.0#eight`?
            the module exports no function `my:own/numbers#eight`
              did you mean `my:own/numbers@1.0.0#eight`?
        "#]].assert_eq(&text);
        assert_eq!(guest.function::<(), u32>("eight").unwrap().fork(()).wait().unwrap(), 8);
    });
}
