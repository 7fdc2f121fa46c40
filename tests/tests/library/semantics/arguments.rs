//! Arguments: by position, by name, and futures.

use expect_test::expect;
use purefork::event::Event;
use purefork::{ErrorKind, Future, Value, args, promise};
use purefork_tests::guests::{FIB, MATH};
use purefork_tests::{MODES, Mode, Watchdog, assert_kind, built, describe, each_executor, error, loaded};
use std::sync::mpsc::channel;

const WEIGHED: &str = r#"(module (func (export "weighed") (param $a i32) (param $b i32) (param $c i32) (result i32)
    (i32.add (local.get $a) (i32.add (i32.mul (local.get $b) (i32.const 10)) (i32.mul (local.get $c) (i32.const 100))))))"#;

/// Row 4.
#[test]
fn arguments_are_given_by_position_and_by_name_in_every_permutation() {
    each_executor(|exec| {
        let module = loaded(exec, WEIGHED);
        let calls = [
            args![1, 2, 3],
            args![1, 2, c = 3],
            args![1, b = 2, c = 3],
            args![1, c = 3, b = 2],
            args![a = 1, b = 2, c = 3],
            args![a = 1, c = 3, b = 2],
            args![b = 2, a = 1, c = 3],
            args![b = 2, c = 3, a = 1],
            args![c = 3, a = 1, b = 2],
            args![c = 3, b = 2, a = 1],
        ];
        for args in calls {
            let shown = format!("{args:?}");
            assert_eq!(module.fork("weighed", args).unwrap().wait().unwrap(), Value::I32(321), "{shown}");
        }
    });
}

/// Row 4: without names, parameters are called after their place.
#[test]
fn parameters_without_a_name_are_named_by_their_place() {
    each_executor(|exec| {
        let module = loaded(
            exec,
            r#"(module (func (export "sub") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1))))"#,
        );
        assert_eq!(module.fork("sub", args![p1 = 1, p0 = 5]).unwrap().wait().unwrap(), Value::I32(4));
    });
}

/// Row 11.
#[test]
fn a_future_is_an_argument() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let five = math.fork("add", args![2, 3]).unwrap();
        let eight = math.fork("add", args![&five, b = 3]).unwrap();
        let both = math.fork("sub", args![a = &eight, b = &five]).unwrap();
        assert_eq!(both.wait().unwrap(), Value::I32(3));
        let add = math.function::<(i32, i32), i32>("add").unwrap();
        let typed: Future<i32> = add.fork((1, 2));
        assert_eq!(add.fork((&typed, 10)).wait().unwrap(), 13);
        assert_eq!(add.fork((typed.clone(), typed)).wait().unwrap(), 6);
        let fib = loaded(exec, FIB);
        assert_eq!(fib.fork("fib", args![&five]).unwrap().wait().unwrap(), Value::I64(5));
    });
}

/// Row 11: it starts when the last of its arguments is there.
#[test]
fn a_fork_waits_for_the_futures_among_its_arguments() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let ((one, first), (two, second)) = (promise::<i32>(), promise::<i32>());
        let sum = math.fork("add", args![&first, &second]).unwrap();
        two.set(20).unwrap();
        assert!(!sum.done());
        one.set(1).unwrap();
        assert_eq!(sum.wait().unwrap(), Value::I32(21));
    });
}

/// Row 11: the error is that of the argument's call, at the argument's place.
#[test]
fn a_fork_fails_if_an_argument_fails_and_the_error_names_the_call_that_failed() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let (bad, line) = (math.fork("div", args![1, 0]).unwrap(), line!());
        let dependent = math.fork("add", args![1, &bad]).unwrap();
        let error = error(dependent.wait());
        expect![[r#"
            Trap, catchable
            text: `div` trapped: integer divide by zero
              at `div` (offset 0x8f), forked at HERE
            site: HERE
            backtrace: div
            chain: div (HERE)
        "#]]
        .assert_eq(&describe(&error, file!(), line));
    });
}

/// Row 11.
#[test]
fn the_first_failed_argument_by_position_is_the_error() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let ((a, first), (b, second)) = (promise::<i32>(), promise::<i32>());
        let sum = math.fork("add", args![&first, &second]).unwrap();
        b.fail(purefork::Error::failed("second")).unwrap();
        a.fail(purefork::Error::failed("first")).unwrap();
        assert_eq!(error(sum.wait()).message(), "first");
    });
}

/// Row 11: what does not fit is known only when it is there.
#[test]
fn a_future_of_the_wrong_type_fails_the_fork() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let half = math.fork("half", args![3.0]).unwrap();
        let (dependent, line) = (math.fork("square", args![&half]).unwrap(), line!());
        expect![[r#"
            ArgumentMismatch, final
            text: argument `n` of `square`: expected i32, but was given 1.5, which is f64
              forked at HERE
            site: HERE
        "#]]
        .assert_eq(&describe(&error(dependent.wait()), file!(), line));
        let pair = math.fork("pair", args![1, 2i64]).unwrap();
        let (dependent, line) = (math.fork("square", args![&pair]).unwrap(), line!());
        expect![[r#"
            ArgumentMismatch, final
            text: argument `n` of `square`: expected i32, but was given (2, 1), which is a tuple
              forked at HERE
            site: HERE
        "#]]
        .assert_eq(&describe(&error(dependent.wait()), file!(), line));
    });
}

/// Row 11: with a promise, the host's own work is an argument.
#[test]
fn a_dependent_fork_can_be_cancelled_before_it_starts() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let (later, pending) = promise::<i32>();
        let dependent = math.fork("square", args![&pending]).unwrap();
        assert!(dependent.cancel());
        assert!(!dependent.cancel());
        assert_kind(dependent.wait(), ErrorKind::Cancelled);
        later.set(1).unwrap();
        assert_kind(dependent.wait(), ErrorKind::Cancelled);
    });
}

/// Row 11: ten thousand in a row, started by one promise, need neither stack nor time beyond measure.
#[test]
fn a_long_chain_of_dependent_forks_completes() {
    each_executor(|exec| {
        let add = loaded(exec, MATH).function::<(i32, i32), i32>("add").unwrap();
        let (start, first) = promise::<i32>();
        let mut last = first;
        for _ in 0..10_000 {
            last = add.fork((&last, 1));
        }
        start.set(0).unwrap();
        assert_eq!(last.wait().unwrap(), 10_000);
    });
}

/// Row 11: among executors too.
#[test]
fn a_future_of_one_executor_is_an_argument_in_another() {
    let _watchdog = Watchdog::new();
    for (first, second) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
        let (here, there) = (MODES[first].executor(), MODES[second].executor());
        let five = loaded(&here, MATH).fork("add", args![2, 3]).unwrap();
        let square = loaded(&there, MATH).fork("square", args![&five]).unwrap();
        assert_eq!(square.wait().unwrap(), Value::I32(25));
    }
}

/// Rows 3 and 11: that it waited for an argument does not make its failure go unnoticed.
#[test]
fn the_failure_of_a_dependent_fork_that_nobody_waits_for_goes_to_the_observer() {
    let _watchdog = Watchdog::new();
    for mode in [Mode::Serial, Mode::Threads(1)] {
        println!("mode: {mode:?}");
        let (tell, told) = channel();
        let exec = built(mode.builder().observer(move |event: &Event<'_>| {
            if let Event::Unobserved(error) = event {
                tell.send(error.kind()).unwrap();
            }
        }));
        let math = loaded(&exec, MATH);
        let zero = math.fork("sub", args![1, 1]).unwrap();
        drop(math.fork("div", args![1, &zero]).unwrap());
        drop((zero, math, exec));
        assert_eq!(told.iter().collect::<Vec<_>>(), [ErrorKind::Trap]);
    }
}
