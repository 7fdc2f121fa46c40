//! What is kept and what is not, under which key, and what it counts.

use super::{FIB, called, counts, each_mode, with_limits, with_memo};
use purefork::event::Event;
use purefork::{ErrorKind, Executor, Isolation, Limits, Memo, Module, Value, Wasi, args};
use purefork_tests::{MODES, Mode, Watchdog, built, limits, loaded};
use std::time::Duration;

/// Fails in each way that is the call's own.
const FAILING: &str = r#"(module
    (import "fork" "trap" (func $fork (param i32) (result i32)))
    (import "wait" "trap" (func $wait (param i32) (result i32)))
    (memory 1)
    (func $inner (param i32) (i32.store (i32.const 0) (local.get 0)) unreachable)
    (func (export "trap") (param i32) (result i32) (call $inner (local.get 0)) (i32.const 0))
    (func (export "spin") (param i32) (result i32) (loop $again (br $again)) unreachable)
    (func (export "grow") (param i32) (result i32)
        (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        unreachable)
    (func (export "bomb") (param i32) (result i32) (loop $again (drop (call $fork (i32.const 1))) (br $again)) unreachable)
    (func (export "waits") (param i32) (result i32)
        (drop (call $fork (i32.const 9)))
        (drop (call $wait (call $fork (local.get 0))))
        (i32.const 0))
    (func $deep (export "deep") (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0)))))"#;

#[test]
fn a_call_that_was_made_runs_no_more_and_says_so() {
    each_mode(|exec| {
        let fib = loaded(exec, FIB);
        let (value, usage) = called(&fib, "fib", args![20]);
        assert_eq!(value, Value::I64(6765));
        // Each number once: the others were known, or in flight.
        assert_eq!((usage.forks, usage.memo_hits, usage.memo_misses), (38, 18, 21));
        assert_eq!(called(&fib, "fib", args![20]).0, value);
        assert_eq!(counts(called(&fib, "fib", args![20]).1), (0, 0, 1, 0));
        let (value, usage) = called(&fib, "fib", args![21]);
        assert_eq!((value, usage.forks, usage.memo_hits, usage.memo_misses), (Value::I64(10946), 2, 2, 1));
    });
}

#[test]
fn a_tree_that_would_be_astronomical_is_small() {
    let _watchdog = Watchdog::new();
    for mode in MODES {
        let exec = with_limits(mode, &Memo::in_memory(), limits().depth(100));
        let (value, usage) = called(&loaded(&exec, FIB), "fib", args![90]);
        assert_eq!(value, Value::I64(2_880_067_194_370_816_120));
        // Where two threads come to the same call at once, one may run it again rather than wait in a circle.
        let most = if matches!(mode, Mode::Threads(2..)) { 1_000 } else { 178 };
        assert!((178..=most).contains(&usage.forks), "{mode:?}: {} forks", usage.forks);
    }
}

#[test]
fn without_a_memo_nothing_is_counted() {
    let exec = Mode::Serial.executor();
    let fib = loaded(&exec, FIB);
    let first = called(&fib, "fib", args![5]);
    assert_eq!(called(&fib, "fib", args![5]), first);
    assert_eq!((first.1.memo_hits, first.1.memo_misses), (0, 0));
    assert!(first.1.fuel > 0);
}

/// All that can be told of an error but the place of the host's fork.
fn told(error: &purefork::Error) -> String {
    let frames: Vec<_> = error.backtrace().iter().map(ToString::to_string).collect();
    let chain: Vec<_> = error.chain().iter().map(|frame| frame.function.clone()).collect();
    let sites: Vec<_> = error
        .chain()
        .iter()
        .skip_while(|_| false)
        .map(|frame| matches!(frame.site, purefork::error::ForkSite::Host { .. }))
        .collect();
    format!("{}: {} ({:?}) at {frames:?} in {chain:?} {sites:?}", error.kind().name(), error.message(), error.help())
}

#[test]
fn failures_of_the_call_itself_are_kept_with_all_that_they_tell() {
    let _watchdog = Watchdog::new();
    let few = limits().fuel(100_000).memory(1 << 20).forks(50);
    for mode in MODES {
        let plain = mode.with(few.clone());
        let plain = loaded(&plain, FAILING);
        let memo = Memo::in_memory();
        let exec = with_limits(mode, &memo, few.clone());
        let module = loaded(&exec, FAILING);
        for function in ["trap", "spin", "grow", "bomb", "waits"] {
            let expected = told(&plain.fork(function, args![7]).unwrap().wait().unwrap_err());
            let first = module.fork(function, args![7]).unwrap();
            assert_eq!(told(&first.wait().unwrap_err()), expected, "{mode:?}");
            assert_eq!(first.usage(), None);
            let here = line!() + 1;
            let again = module.fork(function, args![7]).unwrap();
            let error = again.wait().unwrap_err();
            assert_eq!(told(&error), expected, "{mode:?}");
            assert_eq!(counts(again.usage().unwrap()), (0, 0, 1, 0), "{function}");
            // It is told where this call was forked.
            let last = &error.chain().last().unwrap().site;
            assert_eq!(last.to_string(), format!("{}:{here}", file!()), "{function}");
        }
    }
}

#[test]
fn what_depends_on_others_is_not_kept() {
    let _watchdog = Watchdog::new();
    for mode in MODES {
        let exec = with_limits(mode, &Memo::in_memory(), limits().timeout(Duration::from_millis(20)));
        let module = loaded(&exec, FAILING);
        for (function, kind) in [("spin", ErrorKind::Timeout), ("deep", ErrorKind::StackOverflow)] {
            for _ in 0..2 {
                let future = module.fork(function, args![7]).unwrap();
                assert_eq!(future.wait().unwrap_err().kind(), kind);
                assert_eq!(future.usage(), None, "{mode:?}");
            }
        }
    }
}

#[test]
fn arguments_are_told_apart_bit_by_bit() {
    each_mode(|exec| {
        let bits = loaded(
            exec,
            r#"(module (func (export "bits") (param f64) (result i64) (i64.reinterpret_f64 (local.get 0))))"#,
        );
        let floats = [0.0, -0.0, f64::from_bits(0x7ff8_0000_0000_0001), f64::from_bits(0x7ff8_0000_0000_0002), 1.5];
        for _ in 0..2 {
            for float in floats {
                assert_eq!(called(&bits, "bits", args![float]).0, Value::I64(float.to_bits().cast_signed()));
            }
        }
    });
}

#[test]
fn another_guest_another_function_and_another_limit_are_another_key() {
    let _watchdog = Watchdog::new();
    let memo = Memo::in_memory();
    let text = |result: i32| {
        format!(
            r#"(module (func (export "f") (param i32) (result i32) (i32.const {result}))
                (func (export "g") (param i32) (result i32) (i32.const {})))"#,
            result + 1
        )
    };
    let exec = with_memo(Mode::Serial, &memo);
    for result in [1, 5] {
        let module = loaded(&exec, &text(result));
        assert_eq!(called(&module, "f", args![0]).0, Value::I32(result));
        assert_eq!(called(&module, "g", args![0]).0, Value::I32(result + 1));
    }
    let misses = |exec: &Executor| called(&loaded(exec, &text(1)), "f", args![0]).1.memo_misses;
    assert_eq!(misses(&with_limits(Mode::Serial, &memo, limits().fuel(1000))), 1);
    assert_eq!(misses(&built(Mode::Serial.builder().memo(memo.clone()).isolation(Isolation::Fresh))), 1);
    assert_eq!(misses(&built(Mode::Serial.builder().memo(memo.clone()).wasi(Wasi::Frozen))), 1);
    // What no result shows does not matter: an executor of threads is given what a serial one has found.
    let other = limits().depth(5).timeout(Duration::from_secs(60)).tree_forks(7).stack(1 << 20);
    assert_eq!(misses(&with_limits(Mode::Threads(1), &memo, other)), 0);
}

#[test]
fn what_a_module_is_linked_to_is_part_of_the_key() {
    each_mode(|exec| {
        let provider = |result: i32| {
            loaded(exec, &format!(r#"(module (func (export "number") (result i32) (i32.const {result})))"#))
        };
        let app = loaded(
            exec,
            r#"(module
                (import "fork" "number" (func $fork (result i32)))
                (import "wait" "number" (func $wait (param i32) (result i32)))
                (func (export "go") (result i32) (call $wait (call $fork))))"#,
        );
        for number in [1, 2] {
            let linked = app.link("numbers", &provider(number)).unwrap();
            assert_eq!(called(&linked, "go", args![]).0, Value::I32(number));
            assert_eq!(counts(called(&linked, "go", args![]).1), (0, 0, 1, 0));
            let together = Module::link_together(&[("app", &app), ("numbers", &provider(number))]).unwrap();
            assert_eq!(called(&together[0], "go", args![]).0, Value::I32(number));
        }
    });
}

#[test]
fn what_was_written_by_way_of_wasi_is_part_of_the_result() {
    const WRITES: &str = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "fork" "say" (func $fork (param i32) (result i32)))
        (import "wait" "say" (func $wait (param i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
        (func (export "say") (param i32) (result i32) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
        (func (export "twice") (param i32) (result i32)
            (i32.add (call $wait (call $fork (local.get 0))) (call $wait (call $fork (local.get 0)))))
        (func (export "fails") (param i32) (result i32)
            (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16))) unreachable))"#;
    let _watchdog = Watchdog::new();
    for mode in MODES {
        let exec = built(mode.builder().wasi(Wasi::Frozen).memo(Memo::in_memory()));
        let module = loaded(&exec, WRITES);
        for hits in [0, 1] {
            let future = module.fork("say", args![1]).unwrap();
            future.wait().unwrap();
            assert_eq!(future.output().unwrap().stdout, b"hello\n");
            assert_eq!(future.usage().unwrap().memo_hits, hits);
        }
        let twice = module.fork("twice", args![1]).unwrap();
        twice.wait().unwrap();
        assert_eq!(twice.output().unwrap().stdout, b"hello\nhello\n");
        assert_eq!(twice.usage().unwrap().memo_hits, 2);
        for _ in 0..2 {
            let fails = module.fork("fails", args![1]).unwrap();
            fails.wait().unwrap_err();
            assert_eq!(fails.output().unwrap().stderr, b"hello\n");
        }
    }
}

#[test]
fn what_a_guest_caught_is_caught_from_the_memory_as_well() {
    each_mode(|exec| {
        let module = loaded(exec, FAILING);
        // The same failure in another place is told with that place.
        module.fork("trap", args![9]).unwrap().wait().unwrap_err();
        let error = module.fork("waits", args![9]).unwrap().wait().unwrap_err();
        let chain: Vec<_> = error.chain().iter().map(|frame| format!("{} {}", frame.function, frame.site)).collect();
        assert_eq!(chain[0], "trap fork #2 of its parent");
        assert_eq!(chain.len(), 2);
        assert_eq!(error.backtrace()[0].function, "inner");
    });
}

#[test]
fn an_error_that_nobody_looks_at_is_told_the_observer_though_it_was_known() {
    let (sender, events) = std::sync::mpsc::channel();
    let observer = move |event: &Event<'_>| {
        if let Event::Unobserved(error) = event {
            sender.send(error.kind()).unwrap_or_default();
        }
    };
    let exec = built(Mode::Serial.builder().memo(Memo::in_memory()).observer(observer));
    let module = loaded(&exec, FAILING);
    module.fork("trap", args![1]).unwrap().wait().unwrap_err();
    assert_eq!(events.try_recv().ok(), None);
    for _ in 0..2 {
        drop(module.fork("trap", args![1]).unwrap());
        assert_eq!(events.try_recv().ok(), Some(ErrorKind::Trap));
    }
    drop(module.fork("trap", args![2]).unwrap());
    assert_eq!(events.try_recv().ok(), Some(ErrorKind::Trap));
}

#[test]
fn what_does_not_fit_runs_again() {
    let _watchdog = Watchdog::new();
    for mode in MODES {
        let exec = with_memo(mode, &Memo::in_memory().memory(0));
        let fib = loaded(&exec, FIB);
        for _ in 0..2 {
            let (value, usage) = called(&fib, "fib", args![10]);
            assert_eq!((value, usage.memo_misses > 10), (Value::I64(55), true));
        }
    }
}

#[test]
fn preinitialising_runs_the_function_each_time() {
    let exec = with_memo(Mode::Serial, &Memo::in_memory());
    let module = loaded(
        &exec,
        r#"(module
            (global $n (mut i32) (i32.const 1))
            (func (export "count") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"#,
    );
    assert_eq!(called(&module, "count", args![]).0, Value::I32(2));
    let two = module.preinit("count", args![]).unwrap();
    let again = module.preinit("count", args![]).unwrap();
    assert_eq!(two.bytes().unwrap(), again.bytes().unwrap());
    assert_eq!(called(&two, "count", args![]).0, Value::I32(3));
    assert_eq!(called(&module, "count", args![]).0, Value::I32(2));
}

#[test]
fn executors_share_a_memory() {
    let memo = Memo::in_memory();
    let executors = MODES.map(|mode| with_memo(mode, &memo));
    let hits: Vec<_> =
        executors.iter().map(|exec| called(&loaded(exec, FIB), "fib", args![12]).1.memo_misses).collect();
    assert_eq!(hits, [13, 0, 0]);
    let other = with_limits(Mode::Serial, &memo, Limits::default().depth(64).memory(1 << 20));
    assert_eq!(called(&loaded(&other, FIB), "fib", args![12]).1.memo_misses, 13);
}
