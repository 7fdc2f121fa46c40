//! What a call is said to have used.

use purefork::{Usage, args, promise};
use purefork_tests::guests::{FIB, MATH};
use purefork_tests::{MODES, each_executor, limits, loaded};

/// Forks a child that runs for ever, or for long, and waits for another.
const ABANDONS: &str = r#"(module
    (import "fork" "long" (func $long (param i32) (result i32)))
    (import "fork" "short" (func $short (result i32)))
    (import "wait" "short" (func $wait (param i32) (result i32)))
    (func (export "long") (param $n i32) (result i32)
        (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $n))
    (func (export "short") (result i32) (i32.const 7))
    (func (export "with") (result i32) (drop (call $long (i32.const 1000))) (call $wait (call $short)))
    (func (export "without") (result i32) (drop (i32.const 1000)) (call $wait (call $short))))"#;

#[test]
fn a_tree_uses_the_same_however_it_is_scheduled() {
    let mut seen: Vec<Usage> = Vec::new();
    for mode in MODES {
        let exec = mode.builder().limits(limits()).build().unwrap();
        let fib = loaded(&exec, FIB);
        for _ in 0..20 {
            let future = fib.fork("fib", args![10]).unwrap();
            assert_eq!(future.wait().unwrap().to_string(), "55");
            seen.push(future.usage().unwrap());
        }
    }
    // fib(10) is a tree of 177 calls.
    assert_eq!(seen[0].forks, 176);
    assert!(seen[0].fuel > 177);
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[test]
fn a_fork_that_nobody_waits_for_counts_for_nothing() {
    each_executor(|exec| {
        let guest = loaded(exec, ABANDONS);
        for _ in 0..20 {
            let of = |name| {
                let future = guest.fork(name, args![]).unwrap();
                future.wait().unwrap();
                future.usage().unwrap()
            };
            let (with, without) = (of("with"), of("without"));
            assert_eq!((with.forks, without.forks), (1, 1));
            // The call of `fork` itself.
            assert_eq!(with.fuel - without.fuel, 1);
        }
    });
}

#[test]
fn what_failed_or_is_no_call_reports_nothing_and_a_dependent_fork_its_call() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let failed = math.fork("div", args![1, 0]).unwrap();
        failed.wait().unwrap_err();
        assert_eq!(failed.usage(), None);
        let square = math.fork("square", args![3]).unwrap();
        assert_eq!(square.map(|value| value).usage(), None);
        let (start, pending) = promise::<i32>();
        let dependent = math.fork("square", args![pending]).unwrap();
        assert_eq!(dependent.usage(), None);
        start.set(4).unwrap();
        dependent.wait().unwrap();
        square.wait().unwrap();
        assert_eq!(dependent.usage().unwrap(), square.usage().unwrap());
    });
}
