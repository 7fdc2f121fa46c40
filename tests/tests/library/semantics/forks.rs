//! Forking, waiting, and what can be forked.

use expect_test::expect;
use purefork::event::Event;
use purefork::{Error, ErrorKind, Executor, Future, Value, args, promise, wait_all};
use purefork_tests::guests::{FIB, MATH};
use purefork_tests::{
    MODES, Mode, Watchdog, assert_kind, built, describe, each_executor, error, loaded, modes, still_answers,
};
use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::thread;

/// Row 1.
#[test]
fn a_fork_gives_a_future_and_wait_gives_its_value() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let future: Future<Value> = math.fork("add", args![2, 3]).unwrap();
        assert_eq!(future.wait().unwrap(), Value::I32(5));
        let typed: Future<i32> = math.function::<(i32, i32), i32>("add").unwrap().fork((2, 3));
        assert_eq!(typed.wait().unwrap(), 5);
        assert_eq!(math.fork("unit", args![]).unwrap().wait().unwrap(), Value::from(()));
        let pair = Value::Tuple([Value::I64(1 << 40), Value::I32(7)].into());
        assert_eq!(math.fork("pair", args![7, 1i64 << 40]).unwrap().wait().unwrap(), pair);
        let pair = math.function::<(i32, i64), (i64, i32)>("pair").unwrap();
        assert_eq!(pair.fork((7, 1 << 40)).wait().unwrap(), (1 << 40, 7));
    });
}

/// Row 1: `fork` does not wait for the call, unless the executor is serial.
#[test]
fn a_fork_returns_before_its_call_ends() {
    let _watchdog = Watchdog::new();
    for mode in [Mode::Threads(1), Mode::Threads(2)] {
        let exec = mode.executor();
        let endless = loaded(&exec, MATH).fork("spin", args![]).unwrap();
        assert!(!endless.done());
        assert!(endless.cancel());
        still_answers(&exec);
    }
}

/// Row 1, in a guest.
#[test]
fn a_guest_forks_and_waits() {
    each_executor(|exec| {
        let fib = loaded(exec, FIB);
        assert_eq!(fib.fork("fib", args![12]).unwrap().wait().unwrap(), Value::I64(144));
    });
}

/// Row 2.
#[test]
fn waiting_twice_gives_the_same_value() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let future = math.fork("add", args![2, 3]).unwrap();
        assert_eq!(future.wait().unwrap(), Value::I32(5));
        assert_eq!(future.wait().unwrap(), Value::I32(5));
        assert_eq!(future.clone().wait().unwrap(), Value::I32(5));
        let fails = math.fork("fail", args![]).unwrap();
        let (first, second) = (error(fails.wait()), error(fails.clone().wait()));
        assert_eq!(first.to_string(), second.to_string());
        assert_eq!(first.kind(), ErrorKind::Trap);
    });
}

/// Row 2, in a guest: in order of forking, in the other order, and each twice.
#[test]
fn a_guest_may_wait_twice_and_in_any_order() {
    each_executor(|exec| {
        let guest = loaded(
            exec,
            r#"(module
                (import "fork" "id" (func $fork (param i32) (result i32)))
                (import "wait" "id" (func $wait (param i32) (result i32)))
                (func (export "id") (param i32) (result i32) (local.get 0))
                (func (export "go") (result i32) (local $a i32) (local $b i32) (local $sum i32)
                    (local.set $a (call $fork (i32.const 1)))
                    (local.set $b (call $fork (i32.const 10)))
                    (local.set $sum (call $wait (local.get $b)))
                    (local.set $sum (i32.add (local.get $sum) (call $wait (local.get $a))))
                    (local.set $sum (i32.add (local.get $sum) (call $wait (local.get $a))))
                    (i32.add (local.get $sum) (call $wait (local.get $b)))))"#,
        );
        assert_eq!(guest.fork("go", args![]).unwrap().wait().unwrap(), Value::I32(22));
    });
}

/// Row 3: a fork that nobody waits for runs on, and its failure goes to the observer; success goes to nobody.
#[test]
fn what_nobody_waits_for_runs_on_and_its_failure_goes_to_the_observer() {
    let _watchdog = Watchdog::new();
    for mode in modes() {
        println!("mode: {mode:?}");
        let (tell, told) = channel();
        let exec = built(mode.builder().observer(move |event: &Event<'_>| {
            if let Event::Unobserved(error) = event {
                tell.send((*error).clone()).unwrap();
            }
        }));
        let math = loaded(&exec, MATH);
        drop(math.fork("add", args![1, 2]).unwrap());
        let (future, line) = (math.fork("div", args![1, 0]).unwrap(), line!());
        drop(future);
        let seen = math.fork("fail", args![]).unwrap();
        assert_kind(seen.wait(), ErrorKind::Trap);
        drop(seen);
        if mode != Mode::Serial {
            // That it was cancelled is known to whoever did it.
            assert!(math.fork("spin", args![]).unwrap().cancel());
        }
        drop(exec);
        drop(math);
        let events: Vec<Error> = told.iter().collect();
        let texts: Vec<_> = events.iter().map(|error| describe(error, file!(), line)).collect();
        expect![[r#"
            Trap, catchable
            text: `div` trapped: integer divide by zero
              at `div` (offset 0x8f), forked at HERE
            site: HERE
            backtrace: div
            chain: div (HERE)
        "#]]
        .assert_eq(&texts.join("\n"));
    }
}

/// Row 3, in a guest: the failure of a fork that nobody waits for is not seen.
#[test]
fn a_guest_that_does_not_wait_does_not_see_the_failure() {
    each_executor(|exec| {
        let guest = loaded(
            exec,
            r#"(module
                (import "fork" "fail" (func $fork (result i32)))
                (func (export "fail") unreachable)
                (func (export "go") (result i32)
                    (drop (call $fork)) (drop (call $fork)) (call $fork)))"#,
        );
        assert_eq!(guest.fork("go", args![]).unwrap().wait().unwrap(), Value::I32(3));
    });
}

/// Row 3.
#[test]
fn of_many_forks_some_are_waited_for() {
    each_executor(|exec| {
        let square = loaded(exec, MATH).function::<(i32,), i32>("square").unwrap();
        let futures: Vec<_> = (0..1000).map(|n| square.fork((n,))).collect();
        for (n, future) in futures.iter().enumerate().step_by(7) {
            assert_eq!(future.wait().unwrap(), (n * n) as i32);
        }
    });
}

/// Row 5: any export can be forked; so can a module, if it says what that means.
#[test]
fn a_module_forked_as_such_calls_forward_or_its_only_export() {
    each_executor(|exec| {
        let only = loaded(exec, r#"(module (func (export "two") (result i32) (i32.const 2)))"#);
        assert_eq!(only.fork_self(args![]).unwrap().wait().unwrap(), Value::I32(2));
        let forward = loaded(
            exec,
            r#"(module (func (export "other") (result i32) (i32.const 1))
                (func (export "forward") (param $x i32) (result i32) (local.get $x)))"#,
        );
        assert_eq!(forward.fork_self(args![x = 3]).unwrap().wait().unwrap(), Value::I32(3));
    });
}

/// Row 6.
#[test]
fn what_cannot_be_called_is_an_error_at_fork() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        assert_kind(math.fork("nothing", args![]), ErrorKind::NoSuchFunction);
        assert_kind(math.fork_self(args![]), ErrorKind::NotCallable);
        assert_kind(loaded(exec, "(module)").fork_self(args![]), ErrorKind::NotCallable);
        // An export that is no function is none.
        let memory = loaded(exec, r#"(module (memory (export "memory") 1))"#);
        assert_kind(memory.fork("memory", args![]), ErrorKind::NoSuchFunction);
    });
}

/// Row 8.
#[test]
fn futures_are_made_in_a_loop_and_waited_for_in_a_loop() {
    each_executor(|exec| {
        let square = loaded(exec, MATH).function::<(i32,), i32>("square").unwrap();
        let mut futures = Vec::new();
        for n in 0..100 {
            futures.push(square.fork((n,)));
        }
        let mut sum = 0;
        for future in &futures {
            sum += future.wait().unwrap();
        }
        assert_eq!(sum, (0..100).map(|n| n * n).sum::<i32>());
    });
}

/// Row 8, in a guest: the futures are in its memory.
#[test]
fn a_guest_keeps_futures_in_memory() {
    each_executor(|exec| {
        let guest = loaded(
            exec,
            r#"(module
                (import "fork" "square" (func $fork (param i32) (result i32)))
                (import "wait" "square" (func $wait (param i32) (result i32)))
                (memory 1)
                (func (export "square") (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
                (func (export "sum") (param $n i32) (result i32) (local $i i32) (local $sum i32)
                    (loop $fork
                        (i32.store (i32.mul (local.get $i) (i32.const 4)) (call $fork (local.get $i)))
                        (local.set $i (i32.add (local.get $i) (i32.const 1)))
                        (br_if $fork (i32.lt_u (local.get $i) (local.get $n))))
                    (loop $wait
                        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
                        (local.set $sum (i32.add (local.get $sum)
                            (call $wait (i32.load (i32.mul (local.get $i) (i32.const 4))))))
                        (br_if $wait (local.get $i)))
                    (local.get $sum)))"#,
        );
        assert_eq!(guest.fork("sum", args![100]).unwrap().wait().unwrap(), Value::I32(328_350));
    });
}

/// Row 9.
#[test]
fn a_future_is_returned_from_a_function() {
    fn later(module: &purefork::Module) -> Future<Value> {
        module.fork("add", args![20, 22]).unwrap()
    }
    each_executor(|exec| assert_eq!(later(&loaded(exec, MATH)).wait().unwrap(), Value::I32(42)));
}

/// Row 9: it outlives the module that it came from.
#[test]
fn a_future_outlives_its_module() {
    each_executor(|exec| {
        let future = {
            let module = loaded(exec, FIB);
            module.fork("fib", args![10]).unwrap()
        };
        assert_eq!(future.wait().unwrap(), Value::I64(55));
    });
}

/// Row 10.
#[test]
fn futures_stand_in_lists_tuples_and_maps() {
    each_executor(|exec| {
        let square = loaded(exec, MATH).function::<(i32,), i32>("square").unwrap();
        let (a, list) = (square.fork((3,)), [square.fork((4,)), square.fork((5,))]);
        let map: BTreeMap<&str, Future<i32>> = [("six", square.fork((6,))), ("seven", square.fork((7,)))].into();
        assert_eq!(a.wait().unwrap(), 9);
        assert_eq!(wait_all(list).unwrap(), [16, 25]);
        assert_eq!(wait_all(map.into_values()).unwrap(), [49, 36]);
        assert_eq!(wait_all((0..3).map(|n| square.fork((n,)))).unwrap(), [0, 1, 4]);
        assert_eq!(wait_all(Vec::<Future<i32>>::new()).unwrap(), Vec::<i32>::new());
    });
}

/// Row 12: by signature where a function is taken from a module.
#[test]
fn a_typed_function_is_of_its_own_types_alone() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        assert!(math.function::<(u32, u32), u32>("add").is_ok());
        let kind = |result: Result<(), Error>| assert_kind(result, ErrorKind::SignatureMismatch);
        kind(math.function::<(i32, i32), f32>("add").map(drop));
        kind(math.function::<(i32, i32), ()>("add").map(drop));
        kind(math.function::<(i32,), i32>("add").map(drop));
        kind(math.function::<(i32, i64), i32>("add").map(drop));
        kind(math.function::<(i32, i64), (i32, i64)>("pair").map(drop));
        assert_kind(math.function::<(), ()>("nothing"), ErrorKind::NoSuchFunction);
    });
}

/// Row 12: by the import's types where a guest forks.
#[test]
fn a_guest_that_imports_a_function_with_another_type_is_refused() {
    each_executor(|exec| {
        let refused = exec.load_bytes(
            r#"(module
                (import "fork" "f" (func (param i32) (result i32)))
                (import "wait" "f" (func (param i32) (result f32)))
                (func (export "f") (param i32) (result i32) (local.get 0)))"#,
        );
        assert_kind(refused, ErrorKind::Link);
    });
}

/// Row 15.
#[test]
fn an_error_keeps_its_kind() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let failed = math.fork("fail", args![]).unwrap();
        assert_eq!(error(failed.wait()).kind(), ErrorKind::Trap);
        assert_eq!(error(failed.map(|value| value).wait()).kind(), ErrorKind::Trap);
        assert_eq!(error(failed.then(|f| f.value()).wait()).kind(), ErrorKind::Trap);
        let dependent = math.fork("add", args![1, &failed]).unwrap();
        assert_eq!(error(dependent.wait()).kind(), ErrorKind::Trap);
        let (promise, future) = promise::<i32>();
        promise.fail(error(failed.wait())).unwrap();
        assert_eq!(error(future.wait()).kind(), ErrorKind::Trap);
    });
}

/// Row 20: a serial executor runs the call before `fork` returns.
#[test]
fn in_serial_mode_the_call_has_ended_when_fork_returns() {
    let exec = MODES[0].executor();
    let (math, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
    assert!(math.fork("add", args![1, 2]).unwrap().done());
    assert!(fib.fork("fib", args![5]).unwrap().done());
    let failed = math.fork("fail", args![]).unwrap();
    assert!(failed.done());
    assert_kind(failed.wait(), ErrorKind::Trap);
}

/// Row 20: `fork` itself succeeds in every mode, and the error is the same.
#[test]
fn errors_surface_at_wait_in_every_mode() {
    let texts = MODES.map(|mode| {
        let exec = mode.executor();
        let (future, line) = (loaded(&exec, MATH).fork("div", args![1, 0]).unwrap(), line!());
        describe(&error(future.wait()), file!(), line)
    });
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[1], texts[2]);
}

/// Row 22: what a call writes, no other call sees: memory, globals, tables, grown or dropped.
#[test]
fn nothing_leaks_out_of_a_call() {
    each_executor(|exec| {
        let leaky = loaded(
            exec,
            r#"(module
                (type $get (func (result i32)))
                (memory $m 1 3) (global $g (mut i32) (i32.const 7)) (table $t 2 5 funcref)
                (data $d "\05") (elem (i32.const 0) func $one) (elem $e func $two)
                (func $one (result i32) (i32.const 1))
                (func $two (result i32) (i32.const 2))
                (func (export "leak") (result i32) (local $seen i32)
                    (local.set $seen (i32.load (i32.const 100)))
                    (i32.store (i32.const 100) (i32.const 1))
                    (local.set $seen (i32.or (local.get $seen) (i32.xor (global.get $g) (i32.const 7))))
                    (global.set $g (i32.const 9))
                    (local.set $seen (i32.or (local.get $seen)
                        (i32.xor (call_indirect $t (type $get) (i32.const 0)) (i32.const 1))))
                    (table.set $t (i32.const 0) (ref.func $two))
                    (local.set $seen (i32.or (local.get $seen) (i32.xor (memory.size) (i32.const 1))))
                    (drop (memory.grow (i32.const 1)))
                    (local.set $seen (i32.or (local.get $seen) (i32.xor (table.size $t) (i32.const 2))))
                    (drop (table.grow $t (ref.null func) (i32.const 1)))
                    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))
                    (data.drop $d)
                    (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))
                    (elem.drop $e)
                    (local.get $seen)))"#,
        );
        let leaks = wait_all((0..200).map(|_| leaky.fork("leak", args![]).unwrap())).unwrap();
        assert_eq!(leaks, vec![Value::I32(0); 200]);
    });
}

/// Row 22: a parent's memory and its children's are not the same.
#[test]
fn nothing_leaks_between_parent_and_child() {
    each_executor(|exec| {
        let guest = loaded(
            exec,
            r#"(module
                (import "fork" "child" (func $fork (result i32)))
                (import "wait" "child" (func $wait (param i32) (result i32)))
                (memory 1)
                (func $swap (result i32) (i32.load (i32.const 0)) (i32.store (i32.const 0) (i32.const 5)))
                (func (export "child") (result i32) (call $swap))
                (func (export "parent") (result i32) (local $seen i32)
                    (local.set $seen (call $swap))
                    (local.set $seen (i32.or (local.get $seen) (call $wait (call $fork))))
                    (i32.store (i32.const 0) (i32.const 6))
                    (local.set $seen (i32.or (local.get $seen) (call $wait (call $fork))))
                    (i32.or (local.get $seen) (i32.xor (i32.load (i32.const 0)) (i32.const 6)))))"#,
        );
        for _ in 0..20 {
            assert_eq!(guest.fork("parent", args![]).unwrap().wait().unwrap(), Value::I32(0));
        }
    });
}

/// Row 25.
#[test]
fn done_is_true_for_a_value_and_for_an_error() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        for name in ["unit", "fail"] {
            let future = math.fork(name, args![]).unwrap();
            let _ = future.wait();
            assert!(future.done() && future.clone().done());
        }
        let (promise, pending) = promise::<()>();
        assert!(!pending.done());
        drop(promise);
        assert!(pending.done());
    });
}

/// Row 26.
#[test]
fn any_thread_may_wait_and_each_gets_the_same_error() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let (value, fails) = (math.fork("add", args![2, 3]).unwrap(), math.fork("div", args![1, 0]).unwrap());
        let texts: Vec<_> = thread::scope(|scope| {
            let wait = || {
                assert_eq!(value.wait().unwrap(), Value::I32(5));
                error(fails.wait()).to_string()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(wait)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(texts.iter().all(|text| *text == texts[0] && text.contains("divide by zero")), "{texts:?}");
    });
}

/// Row 27.
#[test]
fn value_does_not_wait() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let (promise, pending) = promise::<i32>();
        let dependent = math.fork("add", args![1, &pending]).unwrap();
        let not_ready = error(dependent.value());
        assert_eq!(not_ready.kind(), ErrorKind::NotReady);
        expect![[r#"
            the future has no value yet
              wait for it, or ask `done` first"#]]
        .assert_eq(&not_ready.to_string());
        promise.set(2).unwrap();
        assert_eq!(dependent.wait().unwrap(), Value::I32(3));
        assert_eq!(dependent.value().unwrap(), Value::I32(3));
        let failed = math.fork("fail", args![]).unwrap();
        let _ = failed.wait();
        assert_kind(failed.value(), ErrorKind::Trap);
    });
}

/// What a guest is, is known without an executor too.
#[test]
fn a_module_says_what_it_forks() {
    let inspection = Executor::builder().inspect(FIB).unwrap();
    assert_eq!(inspection.functions[0].to_string(), "fib(n: i32) -> i64");
    assert!(inspection.functions[0].can_fork);
    assert_eq!(inspection.functions[0].forks, ["fib"]);
    assert!(inspection.forks[0].own);
    let named = Executor::builder().inspect(
        r#"(module (import "fork" "self#f" (func (result i32))) (func (export "f"))
            (func (export "go") (result i32) (call 0)))"#,
    );
    assert!(named.unwrap().forks[0].own, "`self#f` is the module's own");
}
