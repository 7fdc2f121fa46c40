//! Names, arguments, types and links that do not fit: the whole text of each error.

use expect_test::{Expect, expect};
use purefork::{Args, Error, ErrorKind, Module, args};
use purefork_tests::guests::{FIB, MATH};
use purefork_tests::{Mode, each_executor, error, loaded};

#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, expected: Expect) {
    let error = error(result);
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(!error.is_catchable());
    // Misuse is seen at the fork, so the caller's own place says where it was.
    assert!(error.fork_site().is_none() && error.chain().is_empty() && error.backtrace().is_empty());
    expected.assert_eq(&error.to_string());
}

#[test]
fn no_such_function() {
    use ErrorKind::NoSuchFunction;
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        check(
            math.fork("sqaure", args![1]),
            NoSuchFunction,
            expect![[r#"
            the module exports no function `sqaure`
              did you mean `square`?"#]],
        );
        check(
            math.fork("multiply", args![1]),
            NoSuchFunction,
            expect![[r#"
            the module exports no function `multiply`
              it exports add(a: i32, b: i32) -> i32, sub(a: i32, b: i32) -> i32, div(a: i32, b: i32) -> i32, square(n: i32) -> i32, half(x: f64) -> f64, fail() -> i32, spin() -> i32, unit() and 1 more"#]],
        );
        check(
            math.fork("", args![]),
            NoSuchFunction,
            expect![[r#"
            the module exports no function ``
              it exports add(a: i32, b: i32) -> i32, sub(a: i32, b: i32) -> i32, div(a: i32, b: i32) -> i32, square(n: i32) -> i32, half(x: f64) -> f64, fail() -> i32, spin() -> i32, unit() and 1 more"#]],
        );
        check(
            math.fork("\u{1b}[31m`", args![]),
            NoSuchFunction,
            expect![[r#"
            the module exports no function `\u{1b}[31m\``
              it exports add(a: i32, b: i32) -> i32, sub(a: i32, b: i32) -> i32, div(a: i32, b: i32) -> i32, square(n: i32) -> i32, half(x: f64) -> f64, fail() -> i32, spin() -> i32, unit() and 1 more"#]],
        );
        check(
            math.function::<(i32,), i32>("Square"),
            NoSuchFunction,
            expect![[r#"
            the module exports no function `Square`
              did you mean `square`?"#]],
        );
        check(
            loaded(exec, "(module)").fork("f", args![]),
            NoSuchFunction,
            expect![[r#"
            the module exports no function `f`
              it exports none"#]],
        );
    });
}

#[test]
fn not_callable() {
    each_executor(|exec| {
        check(
            loaded(exec, MATH).fork_self(args![1]),
            ErrorKind::NotCallable,
            expect![[r#"
            expected a module that exports `forward` or a single function, but it exports 9
              it exports add(a: i32, b: i32) -> i32, sub(a: i32, b: i32) -> i32, div(a: i32, b: i32) -> i32, square(n: i32) -> i32, half(x: f64) -> f64, fail() -> i32, spin() -> i32, unit() and 1 more"#]],
        );
        check(
            loaded(exec, "(module)").fork_self(args![]),
            ErrorKind::NotCallable,
            expect![[r#"
            expected a module that exports `forward` or a single function, but it exports 0
              it exports none"#]],
        );
    });
}

#[test]
fn argument_mismatch() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let add = |args: Args, expected: Expect| check(math.fork("add", args), ErrorKind::ArgumentMismatch, expected);
        add(args![], expect!["expected `add(a: i32, b: i32) -> i32`, but was not given `a`, `b`"]);
        add(args![1], expect!["expected `add(a: i32, b: i32) -> i32`, but was not given `b`"]);
        add(args![b = 1], expect!["expected `add(a: i32, b: i32) -> i32`, but was not given `a`"]);
        add(args![1, 2, 3], expect!["expected `add(a: i32, b: i32) -> i32`, but was given 3 arguments"]);
        add(args![1, a = 2], expect!["expected `add(a: i32, b: i32) -> i32`, but was given `a` twice"]);
        add(args![1, b = 2, b = 3], expect!["expected `add(a: i32, b: i32) -> i32`, but was given `b` twice"]);
        add(args![1, c = 2], expect!["expected `add(a: i32, b: i32) -> i32`, but was given `c`"]);
        add(
            Args::new().push_named("bb", 1).push(2),
            expect![[r#"
            expected `add(a: i32, b: i32) -> i32`, but was given `bb`
              did you mean `b`?"#]],
        );
        add(
            Args::new().push_named("a", 1).push(2),
            expect!["expected `add(a: i32, b: i32) -> i32`, but was given `a` twice"],
        );
        add(args![1, 2.5], expect!["argument `b` of `add`: expected i32, but was given 2.5, which is f64"]);
        add(
            args![1, 1i64 << 31],
            expect![
                "argument `b` of `add`: expected i32, a whole number from -2147483648 to 2147483647, but was given 2147483648"
            ],
        );
        add(
            args![1, u32::MAX],
            expect![
                "argument `b` of `add`: expected i32, a whole number from -2147483648 to 2147483647, but was given 4294967295"
            ],
        );
        add(
            args![1, [0u8; 16]],
            expect![
                "argument `b` of `add`: expected i32, but was given (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), which is v128"
            ],
        );
        add(args![1, ()], expect!["argument `b` of `add`: expected i32, but was given (), which is a tuple"]);
        let half = |args: Args, expected: Expect| check(math.fork("half", args), ErrorKind::ArgumentMismatch, expected);
        half(args![1], expect!["argument `x` of `half`: expected f64, but was given 1, which is s32"]);
        let narrow = loaded(exec, r#"(module (func (export "f") (param f32)))"#);
        check(
            narrow.fork("f", args![0.1]),
            ErrorKind::ArgumentMismatch,
            expect!["argument `p0` of `f`: expected f32, but 0.1 is none: the nearest is another number"],
        );
        assert!(narrow.fork("f", args![0.5]).unwrap().wait().is_ok());
    });
}

#[test]
fn values_within_range_fit_other_types() {
    each_executor(|exec| {
        let module = loaded(
            exec,
            r#"(module (func (export "f") (param i32 i64 f32 f64) (result i32 i64 f32 f64)
                (local.get 0) (local.get 1) (local.get 2) (local.get 3)))"#,
        );
        let value = module.fork("f", args![7i64, 8, 0.5, 0.5f32]).unwrap().wait().unwrap();
        assert_eq!(value.to_string(), "(7, 8, 0.5, 0.5)");
        let value = module.fork("f", args![true, u32::MAX, f64::INFINITY, f32::NEG_INFINITY]).unwrap().wait().unwrap();
        assert_eq!(value.to_string(), "(1, 4294967295, inf, -inf)");
    });
}

#[test]
fn signature_mismatch() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        check(
            math.function::<(i32,), i64>("add"),
            ErrorKind::SignatureMismatch,
            expect!["expected types for `add(a: i32, b: i32) -> i32`, but was given (i32) -> (i64)"],
        );
        check(
            math.function::<(), ()>("pair"),
            ErrorKind::SignatureMismatch,
            expect!["expected types for `pair(a: i32, b: i64) -> (i64, i32)`, but was given () -> ()"],
        );
    });
}

const USER: &str = r#"(module
    (import "fork" "fib" (func $fork (param i32) (result i32)))
    (import "wait" "fib" (func $wait (param i32) (result i64)))
    (func (export "go") (result i64) (call $wait (call $fork (i32.const 10)))))"#;

#[test]
fn link_missing() {
    each_executor(|exec| {
        let user = loaded(exec, USER);
        check(
            user.fork("go", args![]),
            ErrorKind::Link,
            expect![[r#"
            nothing provides `fib`, which the module forks as (i32) -> (i64)
              export `fib`, or link a module that does (`Module::link`, `--link`)"#]],
        );
        check(
            user.fork_self(args![]),
            ErrorKind::Link,
            expect![[r#"
            nothing provides `fib`, which the module forks as (i32) -> (i64)
              export `fib`, or link a module that does (`Module::link`, `--link`)"#]],
        );
        check(
            user.function::<(), i64>("go"),
            ErrorKind::Link,
            expect![[r#"
            nothing provides `fib`, which the module forks as (i32) -> (i64)
              export `fib`, or link a module that does (`Module::link`, `--link`)"#]],
        );
        // One that has no such function is linked in vain.
        let linked = user.link("math", &loaded(exec, MATH)).unwrap();
        check(
            linked.fork("go", args![]),
            ErrorKind::Link,
            expect![[r#"
            nothing provides `fib`, which the module forks as (i32) -> (i64)
              export `fib`, or link a module that does (`Module::link`, `--link`)"#]],
        );
        let linked = linked.link("fib", &loaded(exec, FIB)).unwrap();
        assert_eq!(linked.fork("go", args![]).unwrap().wait().unwrap().to_string(), "55");
        // The module that was linked is another one.
        check(
            user.fork("go", args![]),
            ErrorKind::Link,
            expect![[r#"
            nothing provides `fib`, which the module forks as (i32) -> (i64)
              export `fib`, or link a module that does (`Module::link`, `--link`)"#]],
        );
    });
}

/// What a linked module forks is looked for in that module, before anything runs.
#[test]
fn link_missing_in_a_linked_module() {
    each_executor(|exec| {
        let outer = loaded(
            exec,
            r#"(module
                (import "fork" "go" (func $fork (result i32)))
                (import "wait" "go" (func $wait (param i32) (result i64)))
                (func (export "outer") (result i64) (call $wait (call $fork))))"#,
        );
        let (user, fib) = (loaded(exec, USER), loaded(exec, FIB));
        let linked = outer.link("user", &user.link("fib", &fib).unwrap()).unwrap();
        assert_eq!(linked.fork("outer", args![]).unwrap().wait().unwrap().to_string(), "55");
        let incomplete = outer.link("user", &user).and_then(|linked| linked.fork("outer", args![]));
        check(
            incomplete,
            ErrorKind::Link,
            expect![[r#"
            nothing provides `fib`, which the module forks as (i32) -> (i64)
              export `fib`, or link a module that does (`Module::link`, `--link`)"#]],
        );
    });
}

#[test]
fn link_mismatch() {
    each_executor(|exec| {
        let user = loaded(exec, USER);
        let other = loaded(exec, r#"(module (func (export "fib") (param i64) (result i64) (local.get 0)))"#);
        check(
            user.link("other", &other),
            ErrorKind::Link,
            expect![[r#"
            `fib` is (i64) -> (i64), but it is imported as (i32) -> (i64)
              `fork` takes the function's parameters and gives an i32, `wait` takes that and gives its results"#]],
        );
        let own = exec.load_bytes(
            r#"(module (import "fork" "f" (func (param i32) (result i32)))
                (import "wait" "f" (func (param i32) (result i32 i32)))
                (func (export "f") (param i32) (result i32) (local.get 0)))"#,
        );
        check(
            own,
            ErrorKind::Link,
            expect![[r#"
            `f` is (i32) -> (i32), but it is imported as (i32) -> (i32, i32)
              `fork` takes the function's parameters and gives an i32, `wait` takes that and gives its results"#]],
        );
    });
}

#[test]
fn link_two_providers() {
    each_executor(|exec| {
        let (user, fib) = (loaded(exec, USER), loaded(exec, FIB));
        let once = user.link("one", &fib).unwrap();
        check(
            once.link("two", &fib),
            ErrorKind::Link,
            expect![[r#"
            `fork` `fib` is provided by `one` and `two`
              import it as `one#fib` to say which"#]],
        );
        check(
            once.link("one", &fib),
            ErrorKind::Link,
            expect![[r#"
            `one` is linked already
              link it under another name"#]],
        );
        check(
            user.link("self", &fib),
            ErrorKind::Link,
            expect![[r#"
            `self` is linked already
              link it under another name"#]],
        );
        // Its own counts.
        check(
            fib.link("other", &fib),
            ErrorKind::Link,
            expect![[r#"
            `fork` `fib` is provided by `self` and `other`
              import it as `self#fib` to say which"#]],
        );
    });
}

#[test]
fn link_by_the_providers_name() {
    each_executor(|exec| {
        let named = |module: &str, name: &str| -> Module {
            let text = format!(
                r#"(module (import "fork" "{module}#f" (func $fork (result i32)))
                    (import "wait" "{module}#f" (func $wait (param i32) (result i32)))
                    (func (export "{name}") (result i32) (i32.const 1))
                    (func (export "go") (result i32) (call $wait (call $fork))))"#
            );
            loaded(exec, &text)
        };
        let lib = loaded(exec, r#"(module (func (export "f") (result i32) (i32.const 2)))"#);
        let go = |module: &Module| module.fork("go", args![]).unwrap().wait().unwrap().to_string();
        assert_eq!(go(&named("self", "f")), "1");
        check(
            named("self", "g").fork("go", args![]),
            ErrorKind::Link,
            expect![[r#"
            nothing provides `self#f`, which the module forks as () -> (i32)
              export `self#f`, or link a module that does (`Module::link`, `--link`)"#]],
        );
        let of_lib = named("lib", "f");
        check(
            of_lib.fork("go", args![]),
            ErrorKind::Link,
            expect![[r#"
            nothing provides `lib#f`, which the module forks as () -> (i32)
              export `lib#f`, or link a module that does (`Module::link`, `--link`)"#]],
        );
        check(
            of_lib.link("bil", &lib).unwrap().fork("go", args![]),
            ErrorKind::Link,
            expect![[r#"
            nothing provides `lib#f`, which the module forks as () -> (i32)
              export `lib#f`, or link a module that does (`Module::link`, `--link`)"#]],
        );
        assert_eq!(go(&of_lib.link("bil", &lib).unwrap().link("lib", &lib).unwrap()), "2");
    });
}

/// A name with a hash in it that the module itself exports is the module's own.
#[test]
fn link_to_an_own_name_with_a_hash() {
    each_executor(|exec| {
        let module = loaded(
            exec,
            r#"(module (import "fork" "a#b" (func $fork (result i32)))
                (import "wait" "a#b" (func $wait (param i32) (result i32)))
                (func (export "a#b") (result i32) (i32.const 1))
                (func (export "go") (result i32) (call $wait (call $fork))))"#,
        );
        let own = module.inspect().forks[0].own;
        assert_eq!(own, module.fork("go", args![]).is_ok(), "what `inspect` says and what `fork` does");
    });
}

#[test]
fn link_to_a_module_of_another_executor() {
    each_executor(|exec| {
        let elsewhere = Mode::Threads(1).executor();
        let user = loaded(exec, USER);
        check(
            user.link("fib", &loaded(&elsewhere, FIB)),
            ErrorKind::Invalid,
            expect![[r#"
            expected a module of the same executor to link
              load both with one executor"#]],
        );
    });
}
