//! Forks within forks, and how their errors are told.

use expect_test::expect;
use purefork::{Limits, Value, args};
use purefork_tests::guests::{CHAIN, FIB};
use purefork_tests::{Mode, Watchdog, describe, each_executor, each_executor_with, error, loaded};

/// A tree of `width` forks at each of `depth` levels; gives the number of its leaves.
const TREE: &str = r#"(module
    (import "fork" "tree" (func $fork (param i32 i32) (result i32)))
    (import "wait" "tree" (func $wait (param i32) (result i32)))
    (memory 1)
    (func $tree (export "tree") (param $width i32) (param $depth i32) (result i32) (local $i i32) (local $sum i32)
        (if (i32.eqz (local.get $depth)) (then (return (i32.const 1))))
        (loop $fork
            (i32.store (i32.shl (local.get $i) (i32.const 2))
                (call $fork (local.get $width) (i32.sub (local.get $depth) (i32.const 1))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $fork (i32.lt_u (local.get $i) (local.get $width))))
        (local.set $i (i32.const 0))
        (loop $wait
            (local.set $sum (i32.add (local.get $sum)
                (call $wait (i32.load (i32.shl (local.get $i) (i32.const 2))))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $wait (i32.lt_u (local.get $i) (local.get $width))))
        (local.get $sum)))"#;

/// Row 13.
#[test]
fn forks_nest() {
    each_executor(|exec| {
        let fib = loaded(exec, FIB);
        assert_eq!(fib.fork("fib", args![15]).unwrap().wait().unwrap(), Value::I64(610));
        let chain = loaded(exec, CHAIN);
        assert_eq!(chain.fork("down", args![64]).unwrap().wait().unwrap(), Value::I32(64));
    });
}

/// Row 13: ten forks, each of which makes ten, each of which makes ten.
#[test]
fn ten_by_ten_nesting_never_stalls() {
    each_executor(|exec| {
        let tree = loaded(exec, TREE);
        assert_eq!(tree.fork("tree", args![10, 2]).unwrap().wait().unwrap(), Value::I32(100));
        assert_eq!(tree.fork("tree", args![10, 3]).unwrap().wait().unwrap(), Value::I32(1000));
        let many: Vec<_> = (0..10).map(|_| tree.fork("tree", args![10, 2]).unwrap()).collect();
        for future in many {
            assert_eq!(future.wait().unwrap(), Value::I32(100));
        }
    });
}

/// Row 13: with room for no more calls than the tree is deep, beside what each worker has at hand.
#[test]
fn a_wide_tree_needs_room_for_its_depth_alone() {
    each_executor_with(Limits::default().depth(4), |exec| {
        let tree = loaded(exec, TREE);
        assert_eq!(tree.fork("tree", args![2000, 1]).unwrap().wait().unwrap(), Value::I32(2000));
        assert_eq!(tree.fork("tree", args![100, 2]).unwrap().wait().unwrap(), Value::I32(10_000));
    });
}

/// Row 13: the default limits allow 5,120 levels.
#[test]
fn five_thousand_levels_complete_with_the_default_limits() {
    let _watchdog = Watchdog::new();
    for mode in [Mode::Threads(1), Mode::Serial] {
        let exec = mode.with(Limits::default());
        let chain = loaded(&exec, CHAIN);
        assert_eq!(chain.fork("down", args![5000]).unwrap().wait().unwrap(), Value::I32(5000));
    }
}

/// Row 13: a guest forks functions of a module linked to it, which forks in its turn.
#[test]
fn forks_nest_across_linked_modules() {
    each_executor(|exec| {
        let user = loaded(
            exec,
            r#"(module
                (import "fork" "fib" (func $fork (param i32) (result i32)))
                (import "wait" "fib" (func $wait (param i32) (result i64)))
                (func (export "twice") (param i32) (result i64) (local i32 i32)
                    (local.set 1 (call $fork (local.get 0)))
                    (local.set 2 (call $fork (local.get 0)))
                    (i64.add (call $wait (local.get 1)) (call $wait (local.get 2)))))"#,
        );
        let linked = user.link("numbers", &loaded(exec, FIB)).unwrap();
        assert_eq!(linked.fork("twice", args![10]).unwrap().wait().unwrap(), Value::I64(110));
    });
}

/// Row 13: which of two functions of one name is said in the import.
#[test]
fn a_name_before_a_hash_says_whose_function_is_forked() {
    each_executor(|exec| {
        let one = loaded(exec, r#"(module (func (export "f") (result i32) (i32.const 1)))"#);
        let user = loaded(
            exec,
            r#"(module
                (import "fork" "self#f" (func $fork_own (result i32)))
                (import "wait" "self#f" (func $wait_own (param i32) (result i32)))
                (import "fork" "lib#f" (func $fork_lib (result i32)))
                (import "wait" "lib#f" (func $wait_lib (param i32) (result i32)))
                (func (export "f") (result i32) (i32.const 10))
                (func (export "go") (result i32)
                    (i32.sub (call $wait_own (call $fork_own)) (call $wait_lib (call $fork_lib)))))"#,
        );
        let linked = user.link("lib", &one).unwrap();
        assert_eq!(linked.fork("go", args![]).unwrap().wait().unwrap(), Value::I32(9));
    });
}

/// Row 14.
#[test]
fn an_error_names_its_fork_site_and_the_guests_frames() {
    each_executor(|exec| {
        let guest = loaded(
            exec,
            r#"(module
                (func $inner (unreachable))
                (func $outer (export "outer") (call $inner)))"#,
        );
        let (future, line) = (guest.fork("outer", args![]).unwrap(), line!());
        expect![[r#"
            Trap, catchable
            text: `outer` trapped: wasm `unreachable` instruction executed
              at `inner` (offset 0x23), forked at HERE; a panic, an abort or a failed assertion in the guest ends so
            site: HERE
            backtrace: inner < outer
            chain: outer (HERE)
        "#]]
        .assert_eq(&describe(&error(future.wait()), file!(), line));
    });
}

/// Row 14: one error, with the chain of forks; a typed fork names its place too.
#[test]
fn an_error_from_below_is_one_error_with_its_chain_of_forks() {
    each_executor(|exec| {
        let chain = loaded(exec, CHAIN);
        let (future, line) = (chain.fork("doomed", args![2]).unwrap(), line!());
        let text = describe(&error(future.wait()), file!(), line);
        expect![[r#"
            Trap, catchable
            text: `doomed` trapped: wasm `unreachable` instruction executed
              at `doomed` (offset 0x81), 2 forks below `doomed`, forked at HERE; a panic, an abort or a failed assertion in the guest ends so
            site: fork #1 of its parent
            backtrace: doomed
            chain: doomed (fork #1 of its parent) < doomed (fork #1 of its parent) < doomed (HERE)
        "#]]
        .assert_eq(&text);
        let doomed = chain.function::<(i32,), i32>("doomed").unwrap();
        let (future, line) = (doomed.fork((2,)), line!());
        assert_eq!(describe(&error(future.wait()), file!(), line), text);
    });
}
