//! What calls write: bounded, in order, and each call's own.

use super::*;
use expect_test::expect;
use purefork::{ErrorKind, args};
use purefork_tests::{describe, loaded};

/// Writes `n` times the letter at `letter`, forks itself below for both halves of `n` and waits for them the other way round.
fn tree(exec: &Executor) -> Module {
    let write = r#"(func $letter (param $letter i32)
            (i32.store8 (i32.const 16) (local.get $letter))
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))
        (data (i32.const 0) "\10\00\00\00\01\00\00\00")"#;
    loaded(
        exec,
        &format!(
            r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $fd_write {FOUR}))
        (import "fork" "tree" (func $fork (param i32 i32) (result i32)))
        (import "wait" "tree" (func $wait (param i32)))
        (memory (export "memory") 1)
        {write}
        (func (export "tree") (param $depth i32) (param $letter i32) (local $a i32) (local $b i32)
            (call $letter (local.get $letter))
            (if (i32.eqz (local.get $depth)) (then (return)))
            (local.set $a (call $fork (i32.sub (local.get $depth) (i32.const 1)) (i32.add (local.get $letter) (i32.const 1))))
            (local.set $b (call $fork (i32.sub (local.get $depth) (i32.const 1)) (i32.add (local.get $letter) (i32.const 2))))
            (call $wait (local.get $b))
            (call $letter (i32.const 45))
            (call $wait (local.get $a))
            ;; A second wait adds nothing; a fork that nobody waits for, neither.
            (call $wait (local.get $a))
            (drop (call $fork (i32.const 0) (i32.const 33)))))"#
        ),
    )
}

#[test]
fn what_children_write_follows_what_was_written_before_the_first_wait() {
    each_frozen(|exec| {
        let tree = tree(exec);
        let future = tree.fork("tree", args![2, 97]).unwrap();
        future.wait().unwrap();
        assert_eq!(String::from_utf8(future.output().unwrap().stdout).unwrap(), "ace-d-bd-c");
        // And so it does each time.
        let again = tree.fork("tree", args![2, 97]).unwrap();
        again.wait().unwrap();
        assert_eq!(future.output(), again.output());
    });
}

#[test]
fn what_a_call_writes_is_bounded_with_its_childrens() {
    for (limit, ends) in [(9, true), (10, false)] {
        each_frozen_with(limits().output(limit), |exec| {
            let (future, line) = (tree(exec).fork("tree", args![2, 97]).unwrap(), line!());
            if !ends {
                return future.wait().map(drop).unwrap();
            }
            let error = future.wait().unwrap_err();
            expect![[r#"
                TooMuchOutput, catchable
                text: the guest wrote more than 9 bytes to stdout and stderr
                  at `tree` (offset 0xc9), forked at HERE; raise `Limits::output` (`--output-limit`) if it is meant to write that much
                site: HERE
                backtrace: tree
                chain: tree (HERE)
            "#]]
            .assert_eq(&describe(&error, file!(), line));
        });
    }
}

#[test]
fn a_call_that_fails_shows_what_it_wrote_and_why_it_may_have_failed() {
    each_frozen(|exec| {
        let module = loaded(
            exec,
            &guest(
                &[("fd_write", FOUR), ("clock_time_get", "(param i32 i64 i32) (result i32)")],
                r#"(data (i32.const 0) "\10\00\00\00\05\00\00\00")
                (data (i32.const 16) "panic")
                (func (export "fail")
                    (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 64)))
                    (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 32)))
                    (unreachable))"#,
            ),
        );
        let future = module.fork("fail", args![]).unwrap();
        let error = future.wait().unwrap_err();
        assert_eq!(
            error.help(),
            Some(
                "a panic, an abort or a failed assertion in the guest ends so; it asked for the time: it is always 1970-01-01T00:00:01Z"
            )
        );
        let output = future.output().unwrap();
        assert_eq!((output.stdout, output.stderr), (vec![], b"panic".to_vec()));
    });
}

#[test]
fn what_is_noted_is_escaped_and_there_is_not_much_of_it() {
    each_frozen(|exec| {
        let module = loaded(
            exec,
            &guest(
                &[("path_filestat_get", "(param i32 i32 i32 i32 i32) (result i32)")],
                r#"(data (i32.const 0) "\1b[31m`x")
                (func (export "look") (param $n i32)
                    (loop $more
                        (i32.store8 (i32.const 6) (local.get $n))
                        (drop (call $path_filestat_get (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 64)))
                        (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))"#,
            ),
        );
        let future = module.fork("look", args![100]).unwrap();
        future.wait().unwrap();
        let refused = future.output().unwrap().refused;
        let note = |last: &str| format!(r"looked for `\u{{1b}}[31m\`{last}`: no such file was given");
        let before = "looked for other files before, which were not given".to_owned();
        assert_eq!(refused, [before, note(r"\u{3}"), note(r"\u{2}"), note(r"\u{1}")]);
    });
}

#[test]
fn a_guest_without_wasi_has_no_output() {
    each_frozen(|exec| {
        let module = loaded(exec, r#"(module (func (export "one") (result i32) (i32.const 1)))"#);
        let future = module.fork("one", args![]).unwrap();
        future.wait().unwrap();
        assert_eq!(future.output(), None);
        // Its sandbox is used again.
        assert!(module.inspect().functions[0].stateless);
    });
}

#[test]
fn what_uses_wasi_is_not_stateless() {
    each_frozen(|exec| {
        let module = loaded(
            exec,
            &guest(&[("sched_yield", "(result i32)")], r#"(func (export "yield") (result i32) (call $sched_yield))"#),
        );
        let function = &module.inspect().functions[0];
        assert_eq!(
            function.state.as_deref(),
            Some("calls `wasi_snapshot_preview1.sched_yield` (called by export `yield`)")
        );
    });
}

#[test]
fn a_childs_failure_that_is_caught_keeps_what_the_child_wrote() {
    each_frozen(|exec| {
        let linked = loaded(
            exec,
            &guest(
                &[("fd_write", FOUR)],
                r#"(data (i32.const 0) "\10\00\00\00\02\00\00\00")
                (data (i32.const 16) "hi")
                (func (export "child") (result i32)
                    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
                    (unreachable))"#,
            ),
        );
        // A parent that imports no WASI itself.
        let parent = loaded(
            exec,
            r#"(module
                (import "fork" "child" (func $fork (result i32)))
                (import "wait" "child" (func $wait (param i32) (result i32)))
                (func (export "parent") (result i32) (call $wait (call $fork))))"#,
        );
        let future = parent.link("linked", &linked).unwrap().fork("parent", args![]).unwrap();
        assert_eq!(future.wait().unwrap_err().kind(), ErrorKind::Trap);
        assert_eq!(future.output().unwrap().stdout, b"hi");
    });
}
