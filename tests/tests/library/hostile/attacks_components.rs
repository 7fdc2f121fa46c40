//! Attacks on what components brought: their audit, their values, their handles.

use purefork::{Args, ErrorKind, Executor, Limits, Module, args};
use purefork_tests::components::{Fork, export, forking};
use purefork_tests::{MODES, Watchdog, each_executor, error, in_own_process, loaded};
use std::fmt::Write as _;

/// A component's first bytes.
const COMPONENT: [u8; 8] = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];

/// A call's result, or what it failed of.
fn called(module: &Module, function: &str, args: Args) -> String {
    match module.fork(function, args).and_then(|future| future.wait()) {
        Ok(value) => value.to_string(),
        Err(error) => format!("{}: {}", error.kind().name(), error.message()),
    }
}

fn leb(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (n & 127) as u8;
        n >>= 7;
        bytes.push(if n == 0 { low } else { low | 128 });
        if n == 0 {
            return bytes;
        }
    }
}

fn section(id: u8, body: &[u8]) -> Vec<u8> {
    [vec![id], leb(body.len()), body.to_vec()].concat()
}

/// A component whose one type is so many types within each other. `kind`: 0x41 for components, 0x42 for instances.
fn nested_types(kind: u8, levels: usize) -> Vec<u8> {
    let ty = [[kind, 1, 1].repeat(levels), vec![kind, 0]].concat();
    [COMPONENT.to_vec(), section(7, &[vec![1], ty].concat())].concat()
}

/// So many components within each other.
fn nested_components(levels: usize) -> Vec<u8> {
    let mut bytes = COMPONENT.to_vec();
    for _ in 0..levels {
        bytes = [COMPONENT.to_vec(), section(4, &bytes)].concat();
    }
    bytes
}

/// Three bytes for a level of types, and the parser calls itself for each.
#[test]
fn types_within_types_do_not_use_up_the_hosts_stack() {
    in_own_process(|| {
        for kind in [0x41, 0x42] {
            for levels in [150, 100_000] {
                let component = nested_types(kind, levels);
                assert_eq!(error(Executor::builder().inspect(&component)).kind(), ErrorKind::Impure);
                // The same in a core module that is meant to become a component.
                let name = b"component-type:x";
                let custom = [leb(name.len()), name.to_vec(), component].concat();
                let module = [b"\0asm\x01\0\0\0".to_vec(), section(0, &custom)].concat();
                let note = Executor::builder().inspect(module).unwrap().note;
                let why = "the component type in its custom section cannot be read: types lie too many levels within each other";
                assert_eq!(note, Some(format!("it is used as a core module, as {why}")));
            }
            assert!(Executor::builder().inspect(nested_types(kind, 50)).is_ok());
        }
    });
}

/// 240 KB took 40 seconds and 12 GB.
#[test]
fn components_within_components_take_no_memory_by_the_square() {
    let _watchdog = Watchdog::new();
    assert_eq!(error(Executor::builder().inspect(nested_components(20_000))).kind(), ErrorKind::Impure);
    assert!(Executor::builder().inspect(nested_components(50)).is_ok());
}

/// More parameters than fit on the stack are written to memory, though none of them has memory of its own: the core function has
/// one parameter then.
#[test]
fn many_numbers_as_arguments_are_not_seen_by_the_next_call() {
    let params = |n: usize| (0..n).map(|i| format!(r#"(param "p{i}" u32)"#)).collect::<String>();
    let wat = format!(
        r#"(component
            (core module $m (memory (export "memory") 1)
                (global $next (mut i32) (i32.const 1024))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                    (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 3))))
                (func (export "where") (param i32) (result i32) (local.get 0))
                (func (export "peek") (result i32) (i32.load (i32.const 1024))))
            (core instance $i (instantiate $m))
            (func (export "where") {} (result u32)
                (canon lift (core func $i "where") (memory $i "memory") (realloc (func $i "realloc"))))
            (func (export "peek") (result u32) (canon lift (core func $i "peek"))))"#,
        params(17)
    );
    each_executor(|exec| {
        let guest = loaded(exec, &wat);
        for _ in 0..50 {
            let mut args = args![];
            for _ in 0..17 {
                args = args.push(0x5ec2e7_u32);
            }
            assert_eq!(
                called(&guest, "where", args),
                "1024",
                "where the arguments are shows how many calls came before"
            );
            assert_eq!(called(&guest, "peek", args![]), "0", "another call's arguments");
        }
    });
}

/// A component of `n` others that make handles, each in a table of its own.
fn makers(n: usize) -> String {
    let mut wat = r#"(component (component $c
        (type $r (resource (rep i32)))
        (core func $new (canon resource.new $r))
        (core module $m (import "" "new" (func $new (param i32) (result i32)))
            (func (export "fill") (param $n i32) (result i32)
                (loop $l (drop (call $new (i32.const 1)))
                    (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n))) (i32.const 0)))
        (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
        (func (export "fill") (param "n" u32) (result u32) (canon lift (core func $i "fill"))))"#
        .to_owned();
    let each = |wat: &mut String, text: &dyn Fn(usize) -> String| (0..n).for_each(|i| wat.push_str(&text(i)));
    each(&mut wat, &|i| format!("(instance $c{i} (instantiate $c))"));
    wat.push_str("(component $top");
    each(&mut wat, &|i| format!(r#"(import "f{i}" (func $f{i} (param "n" u32) (result u32)))"#));
    each(&mut wat, &|i| format!("(core func $g{i} (canon lower (func $f{i})))"));
    wat.push_str("(core module $m");
    each(&mut wat, &|i| format!(r#"(import "" "f{i}" (func $f{i} (param i32) (result i32)))"#));
    wat.push_str(r#"(func (export "go") (param i32) (result i32)"#);
    each(&mut wat, &|i| format!("(drop (call $f{i} (local.get 0)))"));
    wat.push_str(r#"(i32.const 7))) (core instance $i (instantiate $m (with "" (instance "#);
    each(&mut wat, &|i| format!(r#"(export "f{i}" (func $g{i}))"#));
    wat.push_str(
        r#")))) (func (export "go") (param "n" u32) (result u32) (canon lift (core func $i "go"))))
        (instance $top (instantiate $top "#,
    );
    each(&mut wat, &|i| format!(r#"(with "f{i}" (func $c{i} "fill"))"#));
    wat.push_str(r#")) (export "go" (func $top "go")))"#);
    wat
}

/// A thousand components would have had a thousand times the handles that a call may have.
#[test]
fn the_handles_of_a_call_are_counted_over_all_its_components() {
    each_executor(|exec| {
        let guest = loaded(exec, &makers(5));
        assert_eq!(called(&guest, "go", args![200_000_u32]), "7");
        assert_eq!(
            called(&guest, "go", args![250_000_u32]),
            "Trap: the guest has more than 1048576 handles of its own resources"
        );
    });
}

/// A component that lends another the future of a number that it makes up, which drops it.
fn lender(go: &str) -> String {
    format!(
        r#"(component
        (import "fork" (instance $fork
            (export "leaf" (type $leaf (sub resource)))
            (export "[constructor]leaf" (func (result (own $leaf))))))
        (alias export $fork "leaf" (type $leaf))
        (component $inner
            (import "fork" (instance $fork (export "leaf" (type $leaf (sub resource)))))
            (alias export $fork "leaf" (type $leaf))
            (core func $drop-leaf (canon resource.drop $leaf))
            (core module $m
                (import "" "drop" (func $drop (param i32)))
                (func (export "lend") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 1)))
            (core instance $i (instantiate $m (with "" (instance (export "drop" (func $drop-leaf))))))
            (func (export "lend") (param "x" (borrow $leaf)) (result u32) (canon lift (core func $i "lend")))
            (func (export "give") (param "x" (own $leaf)) (result u32) (canon lift (core func $i "lend"))))
        (instance $inner (instantiate $inner (with "fork" (instance $fork))))
        (component $outer
            (import "fork" (instance $fork
                (export "leaf" (type $leaf (sub resource)))
                (export "[constructor]leaf" (func (result (own $leaf))))))
            (alias export $fork "leaf" (type $leaf))
            (import "lend" (func $lend' (param "x" (borrow $leaf)) (result u32)))
            (import "give" (func $give' (param "x" (own $leaf)) (result u32)))
            (core func $fork-leaf (canon lower (func $fork "[constructor]leaf")))
            (core func $lend (canon lower (func $lend')))
            (core func $give (canon lower (func $give')))
            (core module $m
                (import "" "fork" (func $fork (result i32)))
                (import "" "lend" (func $lend (param i32) (result i32)))
                (import "" "give" (func $give (param i32) (result i32)))
                (func (export "leaf"))
                (func (export "go") (param $n i32) (result i32) {go}))
            (core instance $i (instantiate $m (with "" (instance
                (export "fork" (func $fork-leaf)) (export "lend" (func $lend)) (export "give" (func $give))))))
            (func (export "leaf") (canon lift (core func $i "leaf")))
            (func (export "go") (param "n" u32) (result u32) (canon lift (core func $i "go"))))
        (instance $outer (instantiate $outer (with "fork" (instance $fork))
            (with "lend" (func $inner "lend")) (with "give" (func $inner "give"))))
        (export "leaf" (func $outer "leaf"))
        (export "go" (func $outer "go")))"#
    )
}

/// Each number that was lent was remembered for as long as the call ran, future or not: 140 bytes for 50 units of fuel.
#[test]
fn what_is_no_future_cannot_be_lent_or_given() {
    each_executor(|exec| {
        for (what, go) in [("lend", "(call $lend (local.get $n))"), ("give", "(call $give (local.get $n))")] {
            let guest = loaded(exec, &lender(go));
            for n in [0, 1, 7, u32::MAX] {
                let found = called(&guest, "go", args![n]);
                let n = n.cast_signed();
                assert_eq!(found, format!("Trap: `wait` `leaf`: {n} is none of this call's futures"), "{what}");
            }
        }
        let often = "(local $f i32) (local.set $f (call $fork))
            (loop $l (drop (call $lend (local.get $f)))
                (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n)))
            (call $give (local.get $f))";
        let guest = loaded(exec, &lender(often));
        assert_eq!(called(&guest, "go", args![10_000_u32]), "1");
    });
}

/// A type of 6,561 parts is in the file once, and would be in the facts once for every method.
#[test]
fn methods_do_not_multiply_their_constructors_parameters() {
    let mut wat = r#"(component
        (core module $m (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16))
            (func (export "new") (param i32) (result i32) (unreachable))
            (func (export "m") (param i32)))
        (core instance $i (instantiate $m))
        (type $t0 (tuple u8 u8 u8 u8 u8 u8 u8 u8 u8))"#
        .to_owned();
    for level in 1..4 {
        let _ = write!(wat, "(type $t{level} (tuple {}))", format!("$t{} ", level - 1).repeat(9));
    }
    wat.push_str(
        r#"(type $r' (resource (rep i32))) (export $r "r" (type $r'))
        (func (export "[constructor]r") (param "x" $t3) (result (own $r))
            (canon lift (core func $i "new") (memory $i "memory") (realloc (func $i "realloc"))))
        (func $meth (param "self" (borrow $r)) (canon lift (core func $i "m")))"#,
    );
    for method in 0..1_000 {
        let _ = write!(wat, r#"(export "[method]r.m{method}" (func $meth))"#);
    }
    wat.push(')');
    let text = error(Executor::builder().inspect(wat)).to_string();
    assert!(text.contains("have more than 1000000 parts all together"), "{text}");
}

/// An interface's name is in the file once, and would be in the facts once for every function of it.
#[test]
fn functions_do_not_multiply_their_interfaces_name() {
    let mut wat = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (instance $x "#
        .to_owned();
    for function in 0..9_000 {
        let _ = write!(wat, r#"(export "f{function}" (func $f))"#);
    }
    let _ = write!(wat, r#") (export "a:b/{}" (instance $x)))"#, "c".repeat(90_000));
    let text = error(Executor::builder().inspect(wat)).to_string();
    assert!(text.contains("exports whose names have more than 16777216 bytes all together"), "{text}");
}

/// Instances are few, and each has a list of all that it exports.
#[test]
fn instances_do_not_multiply_their_exports() {
    let mut wat = r#"(component (component $c
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))"#
        .to_owned();
    for function in 0..10_000 {
        let _ = write!(wat, r#"(export "f{function}" (func $f))"#);
    }
    let _ = write!(wat, ") {})", "(instance (instantiate $c))".repeat(400));
    let text = error(Executor::builder().inspect(wat)).to_string();
    assert!(text.contains("more than 1000000 imports, exports, aliases and functions"), "{text}");
}

/// Globals are no memory that a limit covers: a megabyte of file was 3 GB for each call.
#[test]
fn instances_do_not_multiply_their_globals() {
    let globals = "(global (mut i64) (i64.const 7))".repeat(19_000);
    let instances = "(core instance (instantiate $m))".repeat(200);
    let text =
        error(Executor::builder().inspect(format!("(component (core module $m {globals}) {instances})"))).to_string();
    assert!(text.contains("bytes beside their memories, and 33554432 are allowed"), "{text}");
}

/// A component that forks, and whose `realloc`, which cannot, recurses without end.
const DEEP_REALLOC: &str = r#"(component
    (import "fork" (instance $fork
        (export "leaf" (type $leaf (sub resource)))
        (export "[constructor]leaf" (func (result (own $leaf))))))
    (core func $f (canon lower (func $fork "[constructor]leaf")))
    (core module $libc (memory (export "memory") 1)
        (func $r (export "realloc") (param i32 i32 i32 i32) (result i32)
            (i32.add (call $r (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (i32.const 1))))
    (core instance $libc (instantiate $libc))
    (core module $m (import "" "f" (func $f (result i32)))
        (func (export "leaf"))
        (func (export "go") (param i32 i32) (result i32) (call $f)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "leaf") (canon lift (core func $i "leaf")))
    (func (export "go") (param "s" string) (result u32)
        (canon lift (core func $i "go") (memory $libc "memory") (realloc (func $libc "realloc")))))"#;

/// It ran on the stack of the thread that forked, which knew nothing of the limit.
#[test]
fn a_deep_realloc_does_not_use_up_the_stack_of_the_thread_that_forks() {
    in_own_process(|| {
        for mode in purefork_tests::MODES {
            let exec = mode.with(purefork_tests::limits().depth(8).stack(64 << 20));
            let found = called(&loaded(&exec, DEEP_REALLOC), "go", args!["x"]);
            assert_eq!(found, "StackOverflow: `go` used up its stack", "{mode:?}");
        }
    });
}

/// A wait is a few instructions to the guest, and a copy to the host.
#[test]
fn what_the_host_copies_for_a_guest_takes_fuel() {
    let _watchdog = Watchdog::new();
    each_executor_with(Limits::default().fuel(1_000_000), |exec| {
        let guest = loaded(
            exec,
            &forking(
                &[Fork { name: "big", params: &[], wait: Some("(list u8)"), try_wait: None }],
                |part, _| if part == "fork" { "(result i32)" } else { "(param i32 i32)" }.to_owned(),
                r#"(func (export "big") (result i32)
                       (drop (memory.grow (i32.const 17)))
                       (i32.store (i32.const 32) (i32.const 65536))
                       (i32.store (i32.const 36) (i32.const 0x100000))
                       (i32.const 32))
                   (func (export "again") (param $times i32) (result i32) (local $future i32)
                       (local.set $future (call $fork-big))
                       (loop $more
                           (call $wait-big (local.get $future) (i32.const 16))
                           (br_if $more (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
                       (i32.load (i32.const 20)))"#,
                &(export("big", "(result (list u8))") + &export("again", r#"(param "times" u32) (result u32)"#)),
            ),
        );
        assert_eq!(called(&guest, "again", args![7u32]), "1048576");
        assert_eq!(called(&guest, "again", args![8u32]), "OutOfFuel: `again` used up its fuel");
    });
}

/// Runs `test` in every mode, with these limits.
fn each_executor_with(limits: Limits, test: impl Fn(&Executor)) {
    for mode in MODES {
        test(&mode.with(limits.clone()));
    }
}
