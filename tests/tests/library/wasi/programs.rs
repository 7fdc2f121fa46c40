//! Programs: what they are given, what they give, and that nothing of one call is seen in another.

use super::*;
use purefork::{ErrorKind, args};
use purefork_tests::loaded;

/// Copies its arguments and its stdin to stdout, eight bytes of random numbers to stderr, and exits with the number of
/// its arguments.
const ECHO: &str = r#"
    (global $count (mut i32) (i32.const 0))
    (func (export "_start") (local $n i32)
        ;; What another call would have left here.
        (if (i32.load (i32.const 4096)) (then (unreachable)))
        (i32.store (i32.const 4096) (i32.const 1))
        (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
        (drop (call $args_get (i32.const 1024) (i32.const 2048)))
        (i32.store (i32.const 8) (i32.const 2048))
        (i32.store (i32.const 12) (i32.load (i32.const 4)))
        (drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))
        (loop $more
            (i32.store (i32.const 8) (i32.const 8192))
            (i32.store (i32.const 12) (i32.const 7))
            (drop (call $fd_read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 16)))
            (i32.store (i32.const 12) (local.tee $n (i32.load (i32.const 16))))
            (drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))
            (br_if $more (local.get $n)))
        (drop (call $random_get (i32.const 8192) (i32.const 8)))
        (i32.store (i32.const 12) (i32.const 8))
        (drop (call $fd_write (i32.const 2) (i32.const 8) (i32.const 1) (i32.const 16)))
        (call $proc_exit (i32.load (i32.const 0)))
        (unreachable))"#;

fn echo(exec: &Executor) -> Module {
    let imports = [
        ("args_get", TWO),
        ("args_sizes_get", TWO),
        ("fd_read", FOUR),
        ("fd_write", FOUR),
        ("random_get", TWO),
        ("proc_exit", "(param i32)"),
    ];
    loaded(exec, &guest(&imports, ECHO))
}

/// The first eight bytes of random numbers.
const RANDOM: [u8; 8] = [0xaf, 0xcd, 0x1d, 0x7b, 0x39, 0xa8, 0x20, 0xe2];

#[test]
fn a_program_is_a_function_of_its_arguments_and_its_stdin() {
    each_frozen(|exec| {
        let echo = echo(exec);
        let given = run(&echo, &["-a", "b c", ""], b"a long line\nand more").unwrap();
        assert_eq!(given, (4, b"program\0-a\0b c\0\0a long line\nand more".to_vec(), RANDOM.to_vec()));
    });
}

#[test]
fn every_call_starts_anew() {
    each_frozen(|exec| {
        let echo = echo(exec);
        for (args, stdin) in [(&["secret"][..], &b"hidden"[..]), (&[], b"")] {
            let (_, stdout, random) = run(&echo, args, stdin).unwrap();
            let words: String = args.iter().map(|arg| format!("{arg}\0")).collect();
            assert_eq!(stdout, [b"program\0", words.as_bytes(), stdin].concat());
            assert_eq!(random, RANDOM);
        }
    });
}

#[test]
fn many_programs_at_a_time_give_each_its_own() {
    each_frozen(|exec| {
        let echo = echo(exec);
        let futures: Vec<_> = (0..200)
            .map(|n| {
                let words: Vec<Value> = vec![Value::from(n.to_string())];
                echo.fork("_start", args![Value::from(words), Value::from(vec![n as u8; n])]).unwrap()
            })
            .collect();
        for (n, future) in futures.into_iter().enumerate() {
            let expected = [format!("program\0{n}\0").into_bytes(), vec![n as u8; n]].concat();
            let result = future.wait().unwrap();
            assert_eq!(result.field("stdout"), Some(&Value::from(expected)));
            assert_eq!(result.field("stderr"), Some(&Value::from(RANDOM.to_vec())));
        }
    });
}

#[test]
fn a_program_that_returns_has_succeeded_and_one_that_traps_has_failed() {
    each_frozen(|exec| {
        let program = loaded(exec, r#"(module (func (export "_start")))"#);
        assert_eq!(run(&program, &[], b"").unwrap(), (0, vec![], vec![]));
        let program = loaded(exec, r#"(module (func (export "_start") (unreachable)))"#);
        let error = run(&program, &[], b"").unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Trap, "`_start` trapped: wasm `unreachable` instruction executed")
        );
    });
}

#[test]
fn a_start_of_another_type_is_a_function_like_any() {
    each_frozen(|exec| {
        let module = loaded(exec, r#"(module (func (export "_start") (param i32) (result i32) (local.get 0)))"#);
        assert_eq!(module.fork("_start", args![7]).unwrap().wait().unwrap(), Value::I32(7));
    });
}

#[test]
fn an_argument_that_a_program_would_take_to_end_early_is_an_error() {
    each_frozen(|exec| {
        let error = run(&echo(exec), &["a\0b"], b"").unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (
                ErrorKind::ArgumentMismatch,
                "argument `args` of `_start`: expected text without a NUL, at which a program takes an argument to end"
            )
        );
    });
}

#[test]
fn a_reactor_is_initialized_before_every_call() {
    each_frozen(|exec| {
        let reactor = loaded(
            exec,
            &guest(
                &[("fd_write", FOUR), ("random_get", TWO)],
                r#"
                (global $ready (mut i32) (i32.const 0))
                (data (i32.const 0) "\10\00\00\00\02\00\00\00")
                (data (i32.const 16) "hi")
                (func (export "_initialize")
                    (if (global.get $ready) (then (unreachable)))
                    (global.set $ready (i32.const 1))
                    (drop (call $random_get (i32.const 64) (i32.const 8)))
                    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))
                (func (export "ready") (result i32) (global.get $ready))
                (func (export "random") (result i64)
                    (drop (call $random_get (i32.const 64) (i32.const 8)))
                    (i64.load (i32.const 64)))"#,
            ),
        );
        for _ in 0..3 {
            let future = reactor.fork("ready", args![]).unwrap();
            assert_eq!(future.wait().unwrap(), Value::I32(1));
            // What it did before the call is no part of the call.
            assert_eq!(future.output(), None);
            let random = reactor.fork("random", args![]).unwrap().wait().unwrap();
            assert_eq!(random, Value::I64(i64::from_le_bytes(RANDOM)));
        }
        let error = reactor.fork("_initialize", args![]).unwrap_err();
        assert_eq!(
            error.message(),
            "`_initialize` cannot be called from the host: it has run once the instance is made, before any call"
        );
    });
}

#[test]
fn a_start_function_may_write_and_nobody_sees_it() {
    each_frozen(|exec| {
        let module = loaded(
            exec,
            &guest(
                &[("fd_write", FOUR)],
                r#"(data (i32.const 0) "\10\00\00\00\02\00\00\00")
                (func $begin (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))
                (start $begin)
                (func (export "written") (result i32) (i32.load (i32.const 32)))"#,
            ),
        );
        for _ in 0..2 {
            let future = module.fork("written", args![]).unwrap();
            assert_eq!((future.wait().unwrap(), future.output()), (Value::I32(2), None));
        }
    });
}

#[test]
fn a_reactor_that_forks_is_initialized_in_every_call_of_the_tree() {
    each_frozen(|exec| {
        let reactor = loaded(
            exec,
            r#"(module
                (import "fork" "down" (func $fork (param i32) (result i32)))
                (import "wait" "down" (func $wait (param i32) (result i32)))
                (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
                (memory (export "memory") 1)
                (func (export "_initialize")
                    (drop (call $random_get (i32.const 0) (i32.const 8)))
                    (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1))))
                ;; One for each level.
                (func (export "down") (param i32) (result i32)
                    (if (i32.eqz (local.get 0)) (then (return (i32.load (i32.const 16)))))
                    (i32.add (i32.load (i32.const 16)) (call $wait (call $fork (i32.sub (local.get 0) (i32.const 1)))))))"#,
        );
        assert_eq!(reactor.fork("down", args![9]).unwrap().wait().unwrap(), Value::I32(10));
    });
}

#[test]
fn an_initialization_that_fails_fails_every_call() {
    each_frozen(|exec| {
        let reactor = loaded(
            exec,
            &guest(
                &[("proc_exit", "(param i32)")],
                r#"(func (export "_initialize") (call $proc_exit (i32.const 3)))
                (func (export "one") (result i32) (i32.const 1))"#,
            ),
        );
        for _ in 0..2 {
            let error = reactor.fork("one", args![]).unwrap().wait().unwrap_err();
            assert_eq!(
                (error.kind(), error.message()),
                (ErrorKind::Trap, "`one` did not return: the guest exited with status 3")
            );
        }
    });
}

#[test]
fn a_program_that_forks_shows_what_its_children_print() {
    each_frozen(|exec| {
        let program = loaded(
            exec,
            &format!(
                r#"(module
                (import "fork" "say" (func $fork (param i32) (result i32)))
                (import "wait" "say" (func $wait (param i32)))
                (import "wasi_snapshot_preview1" "fd_write" (func $fd_write {FOUR}))
                (memory (export "memory") 1)
                (data (i32.const 0) "\10\00\00\00\01\00\00\00")
                (func $say (export "say") (param i32)
                    (i32.store8 (i32.const 16) (local.get 0))
                    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))
                (func (export "_start") (local $a i32) (local $b i32)
                    (local.set $a (call $fork (i32.const 97)))
                    (local.set $b (call $fork (i32.const 98)))
                    (call $say (i32.const 60))
                    (call $wait (local.get $a))
                    (call $wait (local.get $b))
                    (call $say (i32.const 62))))"#
            ),
        );
        assert_eq!(run(&program, &[], b"").unwrap(), (0, b"<ab>".to_vec(), vec![]));
    });
}

#[test]
fn a_program_is_no_function_that_a_core_module_can_fork() {
    each_frozen(|exec| {
        let error = exec
            .load_bytes(
                r#"(module
                    (import "fork" "_start" (func $fork (result i32)))
                    (func (export "_start") (drop (call $fork))))"#,
            )
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Link, "{error}");
        assert_eq!(
            error.message(),
            "`_start` is (list<string>, list<u8>) -> (record { status: u8, stdout: list<u8>, stderr: list<u8> }), but it is imported as () -> …"
        );
    });
}
