//! Components that fork: their own functions, and those of linked modules.

use super::differential::bits;
use super::random::{Written, any_type, flat, has_pointers, value};
use super::support::{failure, refusal};
use expect_test::expect;
use proptest::prelude::*;
use purefork::value::Type;
use purefork::{Args, ErrorKind, Executor, Isolation, Limits, Module, Value, args};
use purefork_tests::components::{Fork, LIBC, component, export, forking};
use purefork_tests::guests::FIB as CORE_FIB;
use purefork_tests::{
    MODES, Mode, Watchdog, arguments, assert_kind, built, each_executor, each_executor_with, limits, loaded, outcome,
};
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

/// The core types of a fork of `(u32) -> u64` and of those with no parameter.
fn fib() -> String {
    forking(
        &[Fork { name: "fib", params: &["u32"], wait: Some("u64"), try_wait: None }],
        |part, _| if part == "fork" { "(param i32) (result i32)" } else { "(param i32) (result i64)" }.to_owned(),
        r#"(func (export "fib") (param $n i32) (result i64) (local $a i32) (local $b i32) (local $sum i64)
            (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i64.extend_i32_u (local.get $n)))))
            (local.set $a (call $fork-fib (i32.sub (local.get $n) (i32.const 1))))
            (local.set $b (call $fork-fib (i32.sub (local.get $n) (i32.const 2))))
            (local.set $sum (i64.add (call $wait-fib (local.get $a)) (call $wait-fib (local.get $b))))
            (call $drop-fib (local.get $a)) (call $drop-fib (local.get $b))
            (local.get $sum))"#,
        &export("fib", r#"(param "n" u32) (result u64)"#),
    )
}

#[test]
fn a_component_forks_itself() {
    each_executor(|exec| {
        let guest = loaded(exec, &fib());
        assert_eq!(guest.fork("fib", args![15]).unwrap().wait().unwrap(), Value::U64(610));
        let fib = guest.function::<u32, u64>("fib").unwrap();
        assert_eq!(fib.fork(12).wait().unwrap(), 144);
    });
}

#[test]
fn what_a_tree_of_components_has_used_is_the_same_in_every_mode() {
    let _watchdog = Watchdog::new();
    let used = [Mode::Serial, Mode::Threads(1), Mode::Threads(4)].map(|mode| {
        let exec = mode.executor();
        let guest = loaded(&exec, &fib());
        let future = guest.fork("fib", args![12]).unwrap();
        future.wait().unwrap();
        future.usage().unwrap()
    });
    assert_eq!(used[0].forks, 464);
    assert_eq!(used[0], used[1]);
    assert_eq!(used[0], used[2]);
}

/// Children that fail in every way; `catch-NAME` gives what its wait gives, `through-NAME` fails as the child does.
fn catching() -> String {
    let children = ["fine", "traps", "spins", "eats", "forks-many", "overflows", "hangs-on", "waits-many"];
    let forks: Vec<Fork<'_>> = children
        .iter()
        .map(|name| Fork { name, params: &[], wait: Some("u32"), try_wait: Some("(result u32 (error string))") })
        .collect();
    let mut core = String::from(
        r#"(func (export "fine") (result i32) (i32.const 5))
           (func (export "traps") (result i32) (unreachable))
           (func (export "spins") (result i32) (loop $again (br $again)) (unreachable))
           (func (export "eats") (result i32)
                (loop $more (br_if $more (i32.ne (i32.const -1) (memory.grow (i32.const 4))))) (unreachable))
           (func (export "forks-many") (result i32) (loop $more (drop (call $fork-fine)) (br $more)) (unreachable))
           (func (export "waits-many") (result i32) (loop $more (drop (call $wait-fine (call $fork-fine))) (br $more)) (unreachable))
           (func $down (export "overflows") (result i32) (i32.add (call $down) (i32.const 1)))
           ;; Waits for one that runs out of fuel: its error is the child's.
           (func (export "hangs-on") (result i32) (call $wait-spins (call $fork-spins)))"#,
    );
    let mut exports = String::new();
    for name in children {
        exports.push_str(&export(name, "(result u32)"));
        let _ = write!(
            core,
            r#"(func (export "catch-{name}") (result i32) (call $try-{name} (call $fork-{name}) (i32.const 1024)) (i32.const 1024))
               (func (export "through-{name}") (result i32) (call $wait-{name} (call $fork-{name})))"#
        );
        exports.push_str(&export(&format!("catch-{name}"), "(result (result u32 (error string)))"));
        exports.push_str(&export(&format!("through-{name}"), "(result u32)"));
    }
    let signatures = |part: &str, _: &str| match part {
        "fork" => "(result i32)",
        "wait" => "(param i32) (result i32)",
        _ => "(param i32 i32)",
    };
    forking(&forks, |part, name| signatures(part, name).to_owned(), &core, &exports)
}

#[test]
fn a_childs_failure_is_caught_where_it_is_asked_for_and_can_be() {
    each_executor_with(limits().fuel(1_000_000).memory(1 << 20).forks(8), |exec| {
        let guest = loaded(exec, &catching());
        let mut text = String::new();
        for name in ["fine", "traps", "spins", "eats", "forks-many", "overflows", "hangs-on"] {
            for way in ["catch", "through"] {
                let function = format!("{way}-{name}");
                let _ = writeln!(text, "{function}: {}", failure(&guest, &function, args![]));
            }
        }
        expect![[r#"
            catch-fine: = ok(5)
            through-fine: = 5
            catch-traps: = err("trap")
            through-traps: Trap: `traps` trapped: wasm `unreachable` instruction executed
            catch-spins: = err("out of fuel")
            through-spins: OutOfFuel: `spins` used up its fuel
            catch-eats: = err("out of memory")
            through-eats: OutOfMemory: `eats` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed
            catch-forks-many: = err("too many forks")
            through-forks-many: TooManyForks: `forks-many` forked more than 8 times
            catch-overflows: StackOverflow: `overflows` used up its stack
            through-overflows: StackOverflow: `overflows` used up its stack
            catch-hangs-on: = err("out of fuel")
            through-hangs-on: OutOfFuel: `spins` used up its fuel
        "#]].assert_eq(&text);
    });
}

#[test]
fn the_limits_of_a_tree_are_not_caught() {
    each_executor_with(limits().timeout(Duration::from_millis(30)), |exec| {
        expect!["Timeout: `spins` was still running after 30ms"].assert_eq(&failure(
            &loaded(exec, &catching()),
            "catch-spins",
            args![],
        ));
    });
    // A call forks as many as it may, but those beyond the tree's limit give no result.
    each_executor_with(limits().tree_forks(20), |exec| {
        expect!["TooManyForks: the tree of calls forked more than 20 times"].assert_eq(&failure(
            &loaded(exec, &catching()),
            "catch-waits-many",
            args![],
        ));
    });
    each_executor_with(Limits::default().depth(1), |exec| {
        expect!["TooDeep: `spins` was forked more than 1 levels deep"].assert_eq(&failure(
            &loaded(exec, &catching()),
            "catch-hangs-on",
            args![],
        ));
    });
}

/// A function whose own result is a result, waited for as it is and with failures.
fn ratio(wait: &str) -> String {
    forking(
        &[Fork {
            name: "ratio",
            params: &["u32", "u32"],
            wait: Some(wait),
            try_wait: Some("(result (result u32 (error string)) (error string))"),
        }],
        |part, _| if part == "fork" { "(param i32 i32) (result i32)" } else { "(param i32 i32)" }.to_owned(),
        r#"(data (i32.const 64) "by zero")
           (func (export "ratio") (param i32 i32) (result i32)
                (if (i32.eq (local.get 1) (i32.const 99)) (then (unreachable)))
                (if (i32.eqz (local.get 1)) (then
                    (i32.store (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 64)) (i32.store (i32.const 24) (i32.const 7))
                    (return (i32.const 16))))
                (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.div_u (local.get 0) (local.get 1)))
                (i32.const 16))
           (func (export "plain") (param i32 i32) (result i32)
                (call $wait-ratio (call $fork-ratio (local.get 0) (local.get 1)) (i32.const 1024)) (i32.const 1024))
           (func (export "try") (param i32 i32) (result i32)
                (call $try-ratio (call $fork-ratio (local.get 0) (local.get 1)) (i32.const 1024)) (i32.const 1024))"#,
        &[
            export("ratio", r#"(param "a" u32) (param "b" u32) (result (result u32 (error string)))"#),
            export("plain", &format!(r#"(param "a" u32) (param "b" u32) (result {wait})"#)),
            export(
                "try",
                r#"(param "a" u32) (param "b" u32) (result (result (result u32 (error string)) (error string)))"#,
            ),
        ]
        .concat(),
    )
}

#[test]
fn a_result_of_the_functions_own_is_told_from_its_failure() {
    each_executor(|exec| {
        let mut text = String::new();
        for wait in ["(result u32 (error string))", "(result (result u32 (error string)) (error string))"] {
            let guest = loaded(exec, &ratio(wait));
            for function in ["plain", "try"] {
                for by in [2, 0, 99] {
                    let _ = writeln!(text, "{wait}: {function} by {by}: {}", failure(&guest, function, args![6, by]));
                }
            }
        }
        expect![[r#"
            (result u32 (error string)): plain by 2: = ok(3)
            (result u32 (error string)): plain by 0: = err("by zero")
            (result u32 (error string)): plain by 99: Trap: `ratio` trapped: wasm `unreachable` instruction executed
            (result u32 (error string)): try by 2: = ok(ok(3))
            (result u32 (error string)): try by 0: = ok(err("by zero"))
            (result u32 (error string)): try by 99: = err("trap")
            (result (result u32 (error string)) (error string)): plain by 2: = ok(ok(3))
            (result (result u32 (error string)) (error string)): plain by 0: = ok(err("by zero"))
            (result (result u32 (error string)) (error string)): plain by 99: = err("trap")
            (result (result u32 (error string)) (error string)): try by 2: = ok(ok(3))
            (result (result u32 (error string)) (error string)): try by 0: = ok(err("by zero"))
            (result (result u32 (error string)) (error string)): try by 99: = err("trap")
        "#]]
        .assert_eq(&text);
    });
}

/// For a type: `list` gives back a list of it, and `bits`, where it fits on the stack, what is there, as numbers;
/// `list-via` and `bits-via` fork these and give what they give.
fn via(ty: &Type, encoding: &str) -> String {
    let mut written = Written::default();
    let text = written.ty(ty);
    let core = flat(ty);
    let small = core.len() <= 16;
    let types: String = core.iter().map(|core| format!(" {}", core.name())).collect();
    let locals: String = (0..core.len()).map(|at| format!("(local.get {at})")).collect();
    let options = format!(r#"(memory $libc "memory") (realloc (func $libc "realloc")) string-encoding={encoding}"#);
    let list = format!("(list {text})");
    let mut functions = vec![("list", list.as_str(), list.as_str(), " i32 i32", "(local.get 0) (local.get 1)")];
    let mut body = String::from(
        r#"(func (export "list") (param i32 i32) (result i32)
            (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))"#,
    );
    if small {
        functions.push(("bits", &text, "(list u64)", &types, &locals));
        body.push_str(&bits(&core));
    }
    let (mut interface, mut lowered, mut given, mut imports, mut exports) =
        (String::new(), String::new(), String::new(), String::new(), String::new());
    for (name, param, result, types, locals) in functions {
        // Writing into a string does not fail.
        let _ = write!(
            interface,
            r#"(export "{name}" (type ${name} (sub resource)))
               (export "[constructor]{name}" (func (param "x" {param}) (result (own ${name}))))
               (export "[method]{name}.wait" (func (param "self" (borrow ${name})) (result {result})))"#
        );
        let _ = write!(
            lowered,
            r#"(core func $fork-{name} (canon lower (func $fork "[constructor]{name}") {options}))
               (core func $wait-{name} (canon lower (func $fork "[method]{name}.wait") {options}))"#
        );
        let _ =
            write!(given, r#"(export "fork-{name}" (func $fork-{name})) (export "wait-{name}" (func $wait-{name}))"#);
        let _ = write!(
            imports,
            r#"(import "" "fork-{name}" (func $fork-{name} (param{types}) (result i32)))
               (import "" "wait-{name}" (func $wait-{name} (param i32 i32)))"#
        );
        let _ = write!(
            body,
            r#"(func (export "{name}-via") (param{types}) (result i32)
                (call $wait-{name} (call $fork-{name} {locals}) (i32.const 16)) (i32.const 16))"#
        );
        for function in [name.to_owned(), format!("{name}-via")] {
            let _ = write!(
                exports,
                r#"(func (export "{function}") (param "x" {param}) (result {result}) (canon lift (core func $i "{function}") {options}))"#
            );
        }
    }
    let (declared, aliases) = written.in_instance("$fork");
    format!(
        r#"(component
            (import "fork" (instance $fork {declared} {interface}))
            {aliases}
            {LIBC}
            {lowered}
            (core module $m {imports} (import "libc" "memory" (memory 1)) {body})
            (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance {given}))))
            {exports})"#
    )
}

/// One executor for all cases: they differ in their modules.
static EXECUTORS: LazyLock<[Executor; 2]> = LazyLock::new(|| [Mode::Serial, Mode::Threads(2)].map(Mode::executor));

/// With a fresh sandbox for each call.
static FRESH: LazyLock<Executor> = LazyLock::new(|| built(Mode::Serial.builder().isolation(Isolation::Fresh)));

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn values_go_through_a_fork_unchanged(
        (ty, values) in any_type().prop_flat_map(|ty| {
            let values = prop::collection::vec(value(&ty), 1..5);
            (Just(ty), values)
        }),
        encoding in prop::sample::select(vec!["utf8", "utf16", "latin1+utf16"]),
        mode in 0..2usize,
    ) {
        let _watchdog = Watchdog::new();
        let guest = loaded(&EXECUTORS[mode], &via(&ty, encoding));
        let call = |function: &str, value: &Value| guest.fork(function, args![value.clone()]).unwrap().wait().unwrap();
        let list = Value::List(values.iter().cloned().collect());
        prop_assert_eq!(&call("list-via", &list), &list, "{}", ty);
        if flat(&ty).len() <= 16 {
            for value in &values {
                let (plain, via) = (call("bits", value), call("bits-via", value));
                if !has_pointers(&ty) {
                    prop_assert_eq!(plain, via, "{}", ty);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn calls_with_any_values_end_the_same_each_way(
        (ty, calls) in any_type().prop_flat_map(|ty| {
            let one = prop::collection::vec(value(&ty), 0..4);
            let calls = prop::collection::vec((0..4usize, one), 1..8);
            (Just(ty), calls)
        }),
        encoding in prop::sample::select(vec!["utf8", "utf16", "latin1+utf16"]),
        cancelled in prop::collection::vec(any::<bool>(), 8),
    ) {
        let _watchdog = Watchdog::new();
        let guest = via(&ty, encoding);
        let small = flat(&ty).len() <= 16;
        // `bits` gives what the guest was given, addresses among it: so what lies where is compared too.
        let calls: Vec<(&str, Vec<Value>)> = calls
            .into_iter()
            .map(|(function, values)| match (function, values.first()) {
                (0, Some(value)) if small => ("bits", vec![value.clone()]),
                (1, Some(value)) if small => ("bits-via", vec![value.clone()]),
                (2, _) => ("list", vec![Value::List(values.into_iter().collect())]),
                _ => ("list-via", vec![Value::List(values.into_iter().collect())]),
            })
            .collect();
        let fresh = loaded(&FRESH, &guest);
        let expected: Vec<_> = calls.iter().map(|(function, values)| outcome(&fresh, function, values)).collect();
        for exec in EXECUTORS.iter() {
            let module = loaded(exec, &guest);
            let fork = |(function, values): &(&str, Vec<Value>)| module.fork(function, arguments(values)).unwrap();
            let futures: Vec<_> = calls.iter().zip(&cancelled).map(|(call, cancel)| (fork(call), *cancel)).collect();
            for (future, _) in futures.iter().filter(|(_, cancel)| *cancel) {
                future.cancel();
            }
            for ((function, values), expected) in calls.iter().zip(&expected).rev() {
                prop_assert_eq!(&outcome(&module, function, values), expected, "{} of {}", function, ty);
            }
            for ((future, cancelled), expected) in futures.iter().zip(&expected) {
                match (future.wait(), expected) {
                    (Ok(value), Ok(expected)) => prop_assert_eq!(&value, expected, "{}", ty),
                    (Err(error), _) if *cancelled && error.kind() == ErrorKind::Cancelled => {}
                    (Err(_), Err(_)) => {}
                    (given, expected) => prop_assert!(false, "{:?} is not {:?}: {}", given, expected, ty),
                }
            }
        }
    }
}

/// A function of twenty parameters, which are passed in memory, and one that forks it with its own.
#[test]
fn more_parameters_than_fit_on_the_stack_are_forked() {
    let names: String = (0..20).map(|at| format!(r#"(param "p{at}" u32)"#)).collect();
    let sum: String = (0..20)
        .map(|at| {
            format!(
                "(local.set 1 (i64.add (i64.mul (local.get 1) (i64.const 3)) (i64.load32_u offset={} (local.get 0))))",
                at * 4
            )
        })
        .collect();
    let wat = forking(
        &[Fork { name: "wide", params: &["u32"; 20], wait: Some("u64"), try_wait: None }],
        |part, _| if part == "fork" { "(param i32) (result i32)" } else { "(param i32) (result i64)" }.to_owned(),
        &format!(
            r#"(func (export "wide") (param i32) (result i64) (local i64) {sum} (local.get 1))
               (func (export "wide-via") (param i32) (result i64) (call $wait-wide (call $fork-wide (local.get 0))))
               (func (export "odd") (result i64) (call $wait-wide (call $fork-wide (i32.const 18))))
               (func (export "far") (result i64) (call $wait-wide (call $fork-wide (i32.const 65528))))"#
        ),
        &[
            export("wide", &format!("{names} (result u64)")),
            export("wide-via", &format!("{names} (result u64)")),
            export("odd", "(result u64)"),
            export("far", "(result u64)"),
        ]
        .concat(),
    );
    each_executor(|exec| {
        let guest = loaded(exec, &wat);
        let args = || (0..20u32).fold(Args::new(), |args, value| args.push(value * 1_000));
        let expected = (0..20u64).fold(0u64, |sum, value| sum * 3 + value * 1_000);
        for name in ["wide", "wide-via"] {
            assert_eq!(guest.fork(name, args()).unwrap().wait().unwrap(), Value::U64(expected));
        }
        expect!["Trap: a fork was given parameters at address 18, which is not a multiple of 4"].assert_eq(&failure(
            &guest,
            "odd",
            args![],
        ));
        expect!["Trap: a fork was given parameters of 80 bytes at address 65528, beyond the end of its memory"]
            .assert_eq(&failure(&guest, "far", args![]));
    });
}

/// What a component forks with may be no value, and where it wants a result no place.
#[test]
fn a_fork_is_given_values_and_a_wait_a_place() {
    let wat = forking(
        &[
            Fork { name: "echo", params: &["string"], wait: Some("string"), try_wait: None },
            Fork { name: "code", params: &["char", "(list (list u8))"], wait: None, try_wait: None },
        ],
        |part, name| {
            match (part, name) {
                ("fork", "echo") => "(param i32 i32) (result i32)",
                ("fork", _) => "(param i32 i32 i32) (result i32)",
                _ => "(param i32 i32)",
            }
            .to_owned()
        },
        r#"(data (i32.const 64) "\c3\a9\ff")
           (func (export "echo") (param i32 i32) (result i32)
                (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
           (func (export "code") (param i32 i32 i32))
           (func $text (param i32 i32) (result i32)
                (call $wait-echo (call $fork-echo (local.get 0) (local.get 1)) (i32.const 16)) (i32.const 16))
           (func (export "fine") (result i32) (call $text (i32.const 64) (i32.const 2)))
           (func (export "not-utf8") (result i32) (call $text (i32.const 64) (i32.const 3)))
           (func (export "far") (result i32) (call $text (i32.const 65535) (i32.const 2)))
           (func (export "odd-place") (result i32)
                (call $wait-echo (call $fork-echo (i32.const 64) (i32.const 2)) (i32.const 17)) (i32.const 16))
           (func (export "far-place") (result i32)
                (call $wait-echo (call $fork-echo (i32.const 64) (i32.const 2)) (i32.const 65532)) (i32.const 16))
           (func (export "no-char") (drop (call $fork-code (i32.const 0xd800) (i32.const 0) (i32.const 0))))
           (func (export "too-much") (local i32)
                (drop (memory.grow (i32.const 40)))
                (loop $more
                    (i32.store (i32.add (i32.const 1048576) (i32.shl (local.get 0) (i32.const 3))) (i32.const 0))
                    (i32.store (i32.add (i32.const 1048580) (i32.shl (local.get 0) (i32.const 3))) (i32.const 1048576))
                    (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                    (br_if $more (i32.lt_u (local.get 0) (i32.const 1000))))
                (drop (call $fork-code (i32.const 65) (i32.const 1048576) (i32.const 1000))))"#,
        &[
            export("echo", r#"(param "x" string) (result string)"#),
            export("code", r#"(param "x" char) (param "y" (list (list u8)))"#),
            export("fine", "(result string)"),
            export("not-utf8", "(result string)"),
            export("far", "(result string)"),
            export("odd-place", "(result string)"),
            export("far-place", "(result string)"),
            export("no-char", ""),
            export("too-much", ""),
        ]
        .concat(),
    );
    each_executor(|exec| {
        let guest = loaded(exec, &wat);
        let mut text = String::new();
        for name in ["fine", "not-utf8", "far", "odd-place", "far-place", "no-char", "too-much"] {
            let _ = writeln!(text, "{name}: {}", failure(&guest, name, args![]));
        }
        expect![[r#"
            fine: = "é"
            not-utf8: Trap: a fork was given a string at address 64 that is not valid UTF-8
            far: Trap: a fork was given a string of 2 bytes at address 65535, beyond the end of its memory
            odd-place: Trap: the guest wants a result at address 17, which is not a multiple of 4
            far-place: Trap: the guest wants a result at address 65532, beyond the end of its memory
            no-char: Trap: a fork was given 0xd800, which is no character
            too-much: OutOfMemory: a fork was given more than its limit on memory allows
        "#]]
        .assert_eq(&text);
    });
}

/// Futures that nobody waits for, and ones that are waited for twice.
#[test]
fn futures_may_be_abandoned_and_waited_for_twice() {
    let wat = forking(
        &[
            Fork { name: "spins", params: &[], wait: Some(""), try_wait: None },
            Fork { name: "traps", params: &[], wait: Some(""), try_wait: Some("(result (error string))") },
            Fork { name: "text", params: &["string"], wait: Some("string"), try_wait: None },
        ],
        |part, name| {
            match (part, name) {
                ("fork", "text") => "(param i32 i32) (result i32)",
                ("fork", _) => "(result i32)",
                ("wait", "text") | ("try", _) => "(param i32 i32)",
                _ => "(param i32)",
            }
            .to_owned()
        },
        r#"(func (export "spins") (loop $again (br $again)))
           (func (export "traps") (unreachable))
           (data (i32.const 64) "abc")
           (func (export "text") (param i32 i32) (result i32)
                (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
           (func (export "abandon") (result i32) (local i32)
                (drop (call $fork-spins)) (call $drop-spins (call $fork-spins)) (drop (call $fork-traps)) (call $drop-traps (call $fork-traps))
                (i32.const 7))
           ;; Each wait gives the guest a copy of its own.
           (func (export "twice") (result i32) (local i32)
                (local.set 0 (call $fork-text (i32.const 64) (i32.const 3)))
                (call $wait-text (local.get 0) (i32.const 24))
                (i32.store8 (i32.load (i32.const 24)) (i32.const 33))
                (call $wait-text (local.get 0) (i32.const 32))
                (i32.store (i32.const 16) (i32.const 24)) (i32.store (i32.const 20) (i32.const 2)) (i32.const 16))
           (func (export "fails-twice") (result i32) (local i32)
                (local.set 0 (call $fork-traps))
                (call $try-traps (local.get 0) (i32.const 24))
                (call $try-traps (local.get 0) (i32.const 36))
                (i32.store (i32.const 16) (i32.const 24)) (i32.store (i32.const 20) (i32.const 2)) (i32.const 16))"#,
        &[
            export("spins", ""),
            export("traps", ""),
            export("text", r#"(param "x" string) (result string)"#),
            export("abandon", "(result u32)"),
            export("twice", "(result (list string))"),
            export("fails-twice", "(result (list (result (error string))))"),
        ]
        .concat(),
    );
    for mode in MODES {
        // In serial mode what is forked runs at once: so it has to end.
        let exec = mode.with(limits().fuel(1_000_000));
        let guest = loaded(&exec, &wat);
        assert_eq!(failure(&guest, "abandon", args![]), "= 7");
        assert_eq!(failure(&guest, "twice", args![]), r#"= ["!bc", "abc"]"#);
        assert_eq!(failure(&guest, "fails-twice", args![]), r#"= [err("trap"), err("trap")]"#);
    }
}

#[test]
fn components_and_core_modules_fork_each_others_functions() {
    each_executor(|exec| {
        let asks = |params: &[&str], wait: &str, core: &str| {
            forking(
                &[Fork { name: "fib", params, wait: Some(wait), try_wait: None }],
                |part, _| {
                    if part == "fork" { "(param i32) (result i32)" } else { "(param i32) (result i64)" }.to_owned()
                },
                core,
                &export("twice", r#"(param "n" u32) (result u64)"#),
            )
        };
        let twice = r#"(func (export "twice") (param i32) (result i64) (local i32)
            (local.set 1 (call $fork-fib (local.get 0)))
            (i64.add (call $wait-fib (local.get 1)) (call $wait-fib (call $fork-fib (local.get 0)))))"#;
        // A component, linked to a component and to a core module, whose integers have no sign.
        let (by_component, by_core) = (loaded(exec, &fib()), loaded(exec, CORE_FIB));
        for wit in [("u32", "u64"), ("s32", "s64"), ("u32", "s64")] {
            let guest = loaded(exec, &asks(&[wit.0], wit.1, twice));
            let unlinked = guest.fork("twice", args![10u32]);
            assert_kind(unlinked, ErrorKind::Link);
            let linked = guest.link("numbers", &by_core).unwrap();
            assert_eq!(linked.fork("twice", args![10u32]).unwrap().wait().unwrap(), Value::U64(110));
        }
        let linked = loaded(exec, &asks(&["u32"], "u64", twice)).link("numbers", &by_component).unwrap();
        assert_eq!(linked.fork("twice", args![10u32]).unwrap().wait().unwrap(), Value::U64(110));
        // A core module, linked to a component.
        let core = loaded(
            exec,
            r#"(module
                (import "fork" "fib" (func $fork (param i32) (result i32)))
                (import "wait" "fib" (func $wait (param i32) (result i64)))
                (func (export "once") (param i32) (result i64) (call $wait (call $fork (local.get 0)))))"#,
        );
        let linked = core.link("numbers", &by_component).unwrap();
        assert_eq!(linked.fork("once", args![10]).unwrap().wait().unwrap(), Value::I64(55));
    });
}

/// A component counts down by forking a core module's function, which does so by forking the component's.
#[test]
fn a_component_and_a_core_module_fork_each_others_functions_round_and_round() {
    each_executor(|exec| {
        let component = forking(
            &[Fork { name: "odd", params: &["u32"], wait: Some("s32"), try_wait: None }],
            |_, _| "(param i32) (result i32)".to_owned(),
            r#"(func (export "even") (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
                (call $wait-odd (call $fork-odd (i32.sub (local.get 0) (i32.const 1)))))"#,
            &export("even", r#"(param "n" u32) (result s32)"#),
        );
        let core = r#"(module
            (import "fork" "even" (func $fork (param i32) (result i32)))
            (import "wait" "even" (func $wait (param i32) (result i32)))
            (func (export "odd") (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
                (call $wait (call $fork (i32.sub (local.get 0) (i32.const 1))))))"#;
        let linked = Module::link_together(&[("c", &loaded(exec, &component)), ("m", &loaded(exec, core))]).unwrap();
        assert_eq!(linked[0].fork("even", args![9u32]).unwrap().wait().unwrap(), Value::I32(0));
        assert_eq!(linked[1].fork("odd", args![9]).unwrap().wait().unwrap(), Value::I32(1));
    });
}

#[test]
fn a_failure_of_a_linked_core_module_is_caught() {
    each_executor(|exec| {
        let core = loaded(
            exec,
            r#"(module (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))"#,
        );
        let guest = loaded(
            exec,
            &forking(
                &[Fork {
                    name: "div",
                    params: &["s32", "s32"],
                    wait: Some("(result s32 (error string))"),
                    try_wait: None,
                }],
                |part, _| if part == "fork" { "(param i32 i32) (result i32)" } else { "(param i32 i32)" }.to_owned(),
                r#"(func (export "go") (param i32 i32) (result i32)
                    (call $wait-div (call $fork-div (local.get 0) (local.get 1)) (i32.const 16)) (i32.const 16))"#,
                &export("go", r#"(param "a" s32) (param "b" s32) (result (result s32 (error string)))"#),
            ),
        );
        let linked = guest.link("math", &core).unwrap();
        assert_eq!(failure(&linked, "go", args![6, -2]), "= ok(-3)");
        assert_eq!(failure(&linked, "go", args![6, 0]), r#"= err("trap")"#);
    });
}

#[test]
fn what_a_link_is_imported_as_has_to_fit_the_function() {
    let _watchdog = Watchdog::new();
    let exec = Mode::Threads(1).executor();
    let function = component(
        r#"(func (export "f") (param i32 i32) (result i64) (i64.const 0))"#,
        &export("f", r#"(param "x" string) (result u64)"#),
    );
    let provider = loaded(&exec, &function);
    let asks = |params: &[&str], wait: Option<&str>, try_wait: Option<&str>| {
        let flat = |ty: &str| match ty {
            "string" => " i32 i32",
            "u64" | "s64" => " i64",
            _ => " i32",
        };
        let types: String = params.iter().map(|ty| flat(ty)).collect();
        forking(
            &[Fork { name: "f", params, wait, try_wait }],
            |part, _| match (part, if part == "try" { try_wait } else { wait }) {
                ("fork", _) => format!("(param{types}) (result i32)"),
                (_, Some("u64" | "s64")) => "(param i32) (result i64)".to_owned(),
                (_, Some("")) => "(param i32)".to_owned(),
                (_, Some("u32")) => "(param i32) (result i32)".to_owned(),
                _ => "(param i32 i32)".to_owned(),
            },
            "",
            "",
        )
    };
    let mut text = String::new();
    for (params, wait, try_wait) in [
        (&["string"][..], Some("u64"), Some("(result u64 (error string))")),
        (&["string"], Some("(result u64 (error string))"), None),
        (&["string"], None, None),
        (&[], Some("u64"), None),
        (&["u32"], Some("u64"), None),
        (&["string", "u32"], Some("u64"), None),
        (&["string"], Some("s64"), None),
        (&["string"], Some("u32"), None),
        (&["string"], Some(""), None),
        (&["string"], Some("string"), None),
        (&["string"], Some("(result u32 (error string))"), None),
        (&["string"], Some("(result u64)"), None),
        (&["string"], Some("u64"), Some("u64")),
        (&["string"], Some("u64"), Some("(result u32 (error string))")),
    ] {
        let found = loaded(&exec, &asks(params, wait, try_wait)).link("them", &provider);
        let found = found.map_or_else(|error| error.to_string(), |_| "fits".to_owned());
        let _ = writeln!(text, "{params:?} -> {wait:?}, {try_wait:?}: {found}");
    }
    expect![[r#"
        ["string"] -> Some("u64"), Some("(result u64 (error string))"): fits
        ["string"] -> Some("(result u64 (error string))"), None: fits
        ["string"] -> None, None: fits
        [] -> Some("u64"), None: `f` is (string) -> (u64), but it is imported as () -> (u64)
          the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`
        ["u32"] -> Some("u64"), None: `f` is (string) -> (u64), but it is imported as (u32) -> (u64)
          the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`
        ["string", "u32"] -> Some("u64"), None: `f` is (string) -> (u64), but it is imported as (string, u32) -> (u64)
          the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`
        ["string"] -> Some("s64"), None: `f` is (string) -> (u64), but it is imported as (string) -> (s64)
          the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`
        ["string"] -> Some("u32"), None: `f` is (string) -> (u64), but it is imported as (string) -> (u32)
          the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`
        ["string"] -> Some(""), None: `f` is (string) -> (u64), but it is imported as (string) -> ()
          the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`
        ["string"] -> Some("string"), None: `f` is (string) -> (u64), but it is imported as (string) -> (string)
          the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`
        ["string"] -> Some("(result u32 (error string))"), None: `f` is (string) -> (u64), but it is imported as (string) -> (result<u32, string>)
          the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`
        ["string"] -> Some("(result u64)"), None: `f` is (string) -> (u64), but it is imported as (string) -> (result<u64>)
          the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`
        ["string"] -> Some("u64"), Some("u64"): `f` is (string) -> (u64), but `try-wait` gives u64
          `try-wait` gives result<u64, string>
        ["string"] -> Some("u64"), Some("(result u32 (error string))"): `f` is (string) -> (u64), but `try-wait` gives result<u32, string>
          `try-wait` gives result<u64, string>
    "#]].assert_eq(&text);
    // Its own functions are compared when it is loaded.
    let own = asks(&["u32"], Some("u64"), None).replacen(
        "(core instance $i",
        r#"(core module $n (func (export "f") (param i64))) (core instance $n (instantiate $n))
           (func (export "f") (param "x" u64) (canon lift (core func $n "f"))) (core instance $i"#,
        1,
    );
    expect![[r#"
        `f` is (u64) -> (), but it is imported as (u32) -> (u64)
          the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`"#]].assert_eq(&refusal(&exec, &own));
}

/// Each call of a component takes several instances; the limit on depth is the same.
#[test]
fn components_nest_as_deeply_as_the_limit_says() {
    let _watchdog = Watchdog::new();
    let wat = forking(
        &[Fork { name: "down", params: &["u32"], wait: Some("u32"), try_wait: None }],
        |_, _| "(param i32) (result i32)".to_owned(),
        r#"(func (export "down") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
            (i32.add (i32.const 1) (call $wait-down (call $fork-down (i32.sub (local.get 0) (i32.const 1))))))"#,
        &export("down", r#"(param "n" u32) (result u32)"#),
    );
    for mode in [Mode::Threads(1), Mode::Serial] {
        let exec = mode.with(Limits::default());
        let guest = loaded(&exec, &wat);
        assert_eq!(failure(&guest, "down", args![5_000u32]), "= 5000", "{mode:?}");
    }
}
