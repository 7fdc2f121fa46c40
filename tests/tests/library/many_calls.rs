//! Many calls at once.

use futures_core::Stream;
use proptest::prelude::*;
use purefork::error::ErrorKind;
use purefork::event::{CallEventKind, Event, observe};
use purefork::{Args, Executor, Function, Memo, Value, args};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// A counter that each call finds at zero; it traps for 13.
const COUNT: &str = r#"(module
    (memory 1) (global $n (mut i32) (i32.const 0))
    (func (export "count") (param $n i32) (result i32)
        (if (i32.eq (local.get $n) (i32.const 13)) (then unreachable))
        (global.set $n (i32.add (global.get $n) (i32.const 1)))
        (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
        (i32.add (i32.mul (local.get $n) (i32.const 10)) (i32.add (global.get $n) (i32.load (i32.const 8)))))
    (func (export "spin") (param $n i32) (result i32)
        (loop $l (br_if $l (i32.eqz (local.get $n)))) (local.get $n))
    (func (export "sub") (param f64 f64) (result f64) (f64.sub (local.get 0) (local.get 1))))"#;

/// Forks a call for each of its two terms.
const FIB: &str = r#"(module
    (import "fork" "fib" (func $fork (param i32) (result i32)))
    (import "wait" "fib" (func $wait (param i32) (result i32)))
    (func (export "fib") (param $n i32) (result i32) (local $a i32)
        (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (local.get $n))))
        (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
        (i32.add (call $wait (local.get $a)) (call $wait (call $fork (i32.sub (local.get $n) (i32.const 2)))))))"#;

fn executors() -> Vec<Executor> {
    let mut all = vec![Executor::builder().serial().build().unwrap()];
    all.extend([1, 2, 3].map(|threads| Executor::builder().threads(threads).build().unwrap()));
    all
}

fn count(exec: &Executor) -> Function<(i32,), i32> {
    exec.load_bytes(COUNT).unwrap().function("count").unwrap()
}

fn expected(n: i32) -> Option<i32> {
    (n != 13).then(|| n.wrapping_mul(10) + 2)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn results_come_in_the_order_of_rows_each_of_its_own_state(rows in proptest::collection::vec(0..40i32, 0..3000)) {
        let right: Vec<_> = rows.iter().map(|n| expected(*n)).collect();
        for exec in executors() {
            let count = count(&exec);
            let rows = || rows.iter().map(|n| (*n,));
            let mapped: Vec<_> = count.map(rows()).map(Result::ok).collect();
            prop_assert_eq!(&mapped, &right);
            let many = count.fork_many(rows()).wait().unwrap();
            prop_assert_eq!(many.into_iter().map(Result::ok).collect::<Vec<_>>(), right.clone());
            let mut unordered: Vec<_> = count.map_unordered(rows()).map(|(row, result)| (row, result.ok())).collect();
            unordered.sort_unstable();
            prop_assert_eq!(unordered, right.iter().copied().enumerate().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_fold_has_one_shape_on_any_number_of_threads(values in proptest::collection::vec(-1e6..1e6f64, 0..5000)) {
        let mut results = Vec::new();
        for exec in executors() {
            let sub = exec.load_bytes(COUNT).unwrap().function::<(f64, f64), f64>("sub").unwrap();
            results.push(sub.reduce(values.iter().copied()).unwrap().map(f64::to_bits));
        }
        let mut row = values.clone();
        while row.len() > 1 {
            row = row.chunks(2).map(|pair| if let [a, b] = pair { a - b } else { pair[0] }).collect();
        }
        prop_assert_eq!(results, vec![row.first().map(|value| value.to_bits()); 4]);
    }
}

#[test]
fn functions_of_unknown_types_are_called_with_values() {
    for exec in executors() {
        let add = exec
            .load_bytes(
                r#"(module (func (export "sub") (param $a i32) (param $b i32) (result i32)
                (i32.sub (local.get $a) (local.get $b))))"#,
            )
            .unwrap();
        let sub = add.function::<Args, Value>("sub").unwrap();
        let rows = [args![5, 3], args![b = 1, a = 1], args![1], args!["x", 1], args![9, 9]];
        let results: Vec<_> = sub
            .map(rows)
            .map(|result| result.map_or_else(|error| error.message().to_owned(), |value| value.to_string()))
            .collect();
        assert_eq!(
            results,
            [
                "2",
                "0",
                "expected `sub(a: i32, b: i32) -> i32`, but was not given `b`",
                "argument `a` of `sub`: expected i32, but was given \"x\", which is a string",
                "0"
            ]
        );
        let job = sub.fork_with(|calls| {
            let mut values = vec![Value::I32(7), Value::I32(2)];
            let result = calls.call_values(&mut values).map(|value| value.to_string());
            let usage = calls.usage().map(|usage| usage.fuel);
            let wrong = calls.call_values(&mut vec![Value::I32(1)]).unwrap_err().to_string();
            (result, usage, calls.memory(), wrong, values.capacity() > 1)
        });
        let (result, usage, memory, wrong, kept) = job.wait().unwrap();
        assert_eq!((result.unwrap().as_str(), usage, memory, kept), ("5", Some(4), Some(0), true));
        assert_eq!(wrong, "expected `sub(a: i32, b: i32) -> i32`, but was given 1 argument");
    }
}

#[test]
fn rows_are_taken_no_more_than_some_thousands_ahead() {
    let exec = Executor::builder().threads(2).build().unwrap();
    let count = count(&exec);
    let mut taken = 0;
    let mut results = count.map((0..i32::MAX).map(|n| {
        taken = n;
        (n + 14,)
    }));
    assert!(results.next().unwrap().is_ok());
    assert!(results.by_ref().take(500_000).all(|result| result.is_ok()));
    drop(results);
    assert!(taken < 500_001 + 9 * 8192, "{taken}");
}

#[test]
fn calls_that_were_given_up_end() {
    let exec = Executor::builder().threads(2).build().unwrap();
    let spin = exec.load_bytes(COUNT).unwrap().function::<i32, i32>("spin").unwrap();
    let many = spin.fork_many([1, 0, 0, 0]);
    assert!(many.cancel());
    assert_eq!(many.wait().unwrap_err().kind(), ErrorKind::Cancelled);
    let mut mapped = spin.map([1, 0, 0, 1]);
    assert_eq!(mapped.next().unwrap().unwrap(), 1);
    drop(mapped);
    let job = spin.fork_with(|calls| (calls.call(0).unwrap_err().kind(), calls.call(1).unwrap_err().kind()));
    assert!(job.cancel());
    // The threads are free again.
    assert_eq!(spin.fork_many([1, 2, 3]).wait().unwrap().len(), 3);
}

#[test]
fn a_deadline_holds_for_all_together() {
    for exec in executors() {
        let spin = exec.load_bytes(COUNT).unwrap().function::<i32, i32>("spin").unwrap();
        let begun = Instant::now();
        let results: Vec<_> = spin
            .map((0..100).map(|n| i32::from(n < 50)))
            .deadline(begun + Duration::from_millis(50))
            .map(|result| result.map_err(|error| error.to_string()))
            .collect();
        assert_eq!(results.len(), 100);
        let late = results[60].clone().unwrap_err();
        assert!(late.starts_with("`spin`") || late.starts_with("the time for all calls together is over"), "{late}");
        assert!(results[99].is_err());
    }
}

#[test]
fn code_that_panics_fails_its_future_alone() {
    for exec in executors() {
        let count = count(&exec);
        let job = count.fork_with(|calls| {
            calls.call((1,)).unwrap();
            assert!(calls.usage().is_none(), "as it should");
        });
        let error = job.wait().unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Panicked, "a callback panicked: as it should"));
        assert_eq!(count.fork((1,)).wait().unwrap(), 12);
    }
}

#[test]
fn rows_of_a_function_that_forks_are_trees() {
    for exec in executors() {
        let fib = exec.load_bytes(FIB).unwrap().function::<i32, i32>("fib").unwrap();
        let results: Vec<i32> = fib.map((0..200).map(|n| n % 12)).map(Result::unwrap).collect();
        assert_eq!(&results[..14], [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 0, 1]);
        let (forks, memory) = fib
            .fork_with(|calls| {
                calls.call(5).unwrap();
                (calls.usage().map(|usage| usage.forks), calls.memory())
            })
            .wait()
            .unwrap();
        assert_eq!((forks, memory), (Some(14), None));
    }
}

#[test]
fn who_observes_what_a_thread_forks_is_told_of_its_rows() {
    for exec in executors() {
        let count = count(&exec);
        let done = Arc::new(AtomicUsize::new(0));
        let counted = done.clone();
        let observer = move |event: &Event<'_>| {
            if let Event::Call(call) = event
                && let CallEventKind::Done { .. } = call.kind
            {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        };
        let right: Vec<_> = (0..300).map(expected).collect();
        let results: Vec<_> = observe(observer, || count.map((0..300).map(|n| (n,))).map(Result::ok).collect());
        assert_eq!(done.load(Ordering::Relaxed), 300);
        assert!(results == right);
    }
}

#[test]
fn rows_that_are_the_same_are_looked_up_in_a_memory_of_results() {
    let exec = Executor::builder().threads(2).memo(Memo::in_memory()).build().unwrap();
    let count = count(&exec);
    let results: Vec<_> = count.map((0..3000).map(|n| (n % 10,))).map(Result::ok).collect();
    assert_eq!(results, (0..3000).map(|n| expected(n % 10)).collect::<Vec<_>>());
    let usage = count.fork_with(|calls| {
        calls.call((3,)).unwrap();
        calls.usage().unwrap()
    });
    assert_eq!((usage.wait().unwrap().memo_hits, usage.wait().unwrap().fuel), (1, 0));
}

#[test]
fn an_argument_that_is_to_come_is_waited_for_by_its_row() {
    for exec in executors() {
        let sub = exec.load_bytes(COUNT).unwrap().function::<(f64, f64), f64>("sub").unwrap();
        let five = sub.fork((7.0, 2.0));
        let results: Vec<f64> = sub.map((0..20).map(|n| (&five, f64::from(n)))).map(Result::unwrap).collect();
        assert_eq!(results[..3], [5.0, 4.0, 3.0]);
    }
}

#[test]
fn once_the_executor_is_gone_every_row_says_so() {
    for exec in executors() {
        let count = count(&exec);
        let mut results = count.map((0..50).map(|n| (n,)));
        assert_eq!(results.next().unwrap().unwrap(), 2);
        drop(exec);
        let last = results.map(|result| result.map_err(|error| error.kind())).last().unwrap();
        assert_eq!(last, Err(ErrorKind::Cancelled));
        assert_eq!(count.fork_many([(1,), (2,)]).wait().unwrap()[1].as_ref().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(count.map_unordered([(1,)]).next().unwrap().1.unwrap_err().kind(), ErrorKind::Cancelled);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn results_are_a_stream() {
    for exec in executors() {
        let count = count(&exec);
        let mut stream = pin!(count.map((0..2000).map(|n| (n,))));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut results = Vec::new();
        loop {
            match stream.as_mut().poll_next(&mut Context::from_waker(&waker)) {
                Poll::Ready(Some(result)) => results.push(result.ok()),
                Poll::Ready(None) => break,
                Poll::Pending => thread::park(),
            }
        }
        assert_eq!(results, (0..2000).map(expected).collect::<Vec<_>>());
    }
}

/// Whatever bits a component gives for a scalar, a call among many reads them as a fork does.
#[test]
fn scalars_of_components_are_read_as_forks_read_them() {
    let types = ["bool", "s8", "u8", "s16", "u16", "s32", "u32", "char"];
    let lifts: String = types
        .iter()
        .map(|ty| format!(r#"(func (export "{ty}") (param "n" u32) (result {ty}) (canon lift (core func $i "same")))"#))
        .collect();
    let wat = format!(
        r#"(component
            (core module $m (func (export "same") (param i32) (result i32) (local.get 0)))
            (core instance $i (instantiate $m)) {lifts})"#
    );
    let rows =
        [0, 1, 2, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0xd800, 0x10_ffff, 0x11_0000, 0x7fff_ffff, u32::MAX];
    for exec in executors() {
        let module = exec.load_bytes(&wat).unwrap();
        for ty in types {
            let function = module.function::<Args, Value>(ty).unwrap();
            let of = |result: Result<Value, purefork::Error>| result.map_err(|error| error.message().to_owned());
            let forked: Vec<_> = rows.iter().map(|n| of(function.fork(args![*n]).wait())).collect();
            let mapped: Vec<_> = function.map(rows.map(|n| args![n])).map(of).collect();
            assert_eq!(mapped, forked, "{ty}");
        }
    }
}
