//! Every limit, and every kind of error: the whole text, whether it may be caught, the frames, the chain of forks.

use expect_test::{Expect, expect};
use purefork::value::Type;
use purefork::{Error, ErrorKind, Executor, Limits, Module, Value, args};
use purefork_tests::guests::{CHAIN, FIB, MATH};
use purefork_tests::{Mode, Watchdog, describe, each_executor, each_executor_with, error, limits, loaded, modes};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

/// A guest that uses up whatever it is asked to.
const GREEDY: &str = r#"(module
    (import "fork" "unit" (func $fork (result i32)))
    (import "wait" "unit" (func $wait (param i32)))
    (import "fork" "down" (func $fork_down (param i32) (result i32)))
    (import "wait" "down" (func $wait_down (param i32)))
    (memory $one 1) (memory $two 0 3) (table $t 1 funcref)
    (func $unit (export "unit"))
    (func $spin (export "spin") (loop $again (br $again)))
    (func $recurse (export "recurse") (call $recurse))
    (func $pages (export "pages") (param $n i32) (result i32) (memory.grow $one (local.get $n)))
    (func $two (export "two") (param $n i32) (result i32) (memory.grow $two (local.get $n)))
    (func $again (export "again") (param $n i32) (result i32)
        (drop (memory.grow $one (i32.const 1))) (memory.grow $one (local.get $n)))
    (func $need (export "need") (param $n i32)
        (if (i32.eq (memory.grow $one (local.get $n)) (i32.const -1)) (then (unreachable))))
    (func $both (export "both") (param $n i32)
        (drop (memory.grow $one (i32.const 1)))
        (if (i32.eq (memory.grow $two (local.get $n)) (i32.const -1)) (then (unreachable))))
    (func $elements (export "elements") (param $n i32) (result i32)
        (table.grow $t (ref.null func) (local.get $n)))
    (func $forks (export "forks") (param $n i32)
        (loop $more
            (drop (call $fork))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $more (local.get $n))))
    (func $waits (export "waits") (param $n i32)
        (loop $more
            (call $wait (call $fork))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $more (local.get $n))))
    (func $down (export "down") (param $n i32)
        (if (local.get $n) (then (call $wait_down (call $fork_down (i32.sub (local.get $n) (i32.const 1))))))))"#;

#[track_caller]
fn check(error: &Error, line: u32, expected: Expect) {
    expected.assert_eq(&describe(error, file!(), line));
}

fn greedy(exec: &Executor) -> Module {
    loaded(exec, GREEDY)
}

#[test]
fn fuel() {
    each_executor_with(limits().fuel(10_000), |exec| {
        let (future, line) = (greedy(exec).fork("spin", args![]).unwrap(), line!());
        check(
            &error(future.wait()),
            line,
            expect![[r#"
            OutOfFuel, catchable
            text: `spin` used up its fuel
              at `spin` (offset 0xd5), forked at HERE; raise `Limits::fuel` (`--fuel`) if it is meant to run that long
            site: HERE
            backtrace: spin
            chain: spin (HERE)
        "#]],
        );
    });
}

#[test]
fn fuel_is_for_each_call_alone() {
    // Two hundred calls of a few dozen instructions each.
    each_executor_with(limits().fuel(400), |exec| {
        assert!(loaded(exec, FIB).fork("fib", args![10]).unwrap().wait().is_ok());
    });
}

#[test]
fn fuel_of_a_child() {
    each_executor_with(limits().fuel(10_000), |exec| {
        let parent = loaded(
            exec,
            r#"(module
                (import "fork" "spin" (func $fork (result i32)))
                (import "wait" "spin" (func $wait (param i32)))
                (func $spin (export "spin") (loop $again (br $again)))
                (func $go (export "go") (drop (call $fork)) (call $wait (call $fork))))"#,
        );
        let (future, line) = (parent.fork("go", args![]).unwrap(), line!());
        check(
            &error(future.wait()),
            line,
            expect![[r#"
            OutOfFuel, catchable
            text: `spin` used up its fuel
              at `spin` (offset 0x4a), 1 fork below `go`, forked at HERE; raise `Limits::fuel` (`--fuel`) if it is meant to run that long
            site: fork #2 of its parent
            backtrace: spin
            chain: spin (fork #2 of its parent) < go (HERE)
        "#]],
        );
    });
}

#[test]
fn memory_beyond_the_limit_is_not_given() {
    each_executor_with(limits().memory(4 << 16), |exec| {
        let guest = greedy(exec);
        let grow = |name: &str, n: i32| guest.fork(name, args![n]).unwrap().wait().unwrap();
        assert_eq!(grow("pages", 3), Value::I32(1));
        assert_eq!(grow("pages", 4), Value::I32(-1));
        assert_eq!(grow("pages", -1), Value::I32(-1));
        // The first growth is given, the second is beyond the limit, or beyond what a memory can be.
        assert_eq!(grow("again", 2), Value::I32(2));
        assert_eq!(grow("again", 3), Value::I32(-1));
        assert_eq!(grow("again", 65_535), Value::I32(-1));
        assert_eq!(grow("again", -1), Value::I32(-1));
        // Both memories count; the second may have three pages by its own maximum.
        assert_eq!(grow("two", 3), Value::I32(0));
        assert_eq!(grow("two", 4), Value::I32(-1));
    });
}

#[test]
fn memory() {
    each_executor_with(limits().memory(4 << 16), |exec| {
        let guest = greedy(exec);
        assert!(guest.fork("need", args![3]).unwrap().wait().is_ok());
        let (future, line) = (guest.fork("need", args![4]).unwrap(), line!());
        check(
            &error(future.wait()),
            line,
            expect![[r#"
            OutOfMemory, catchable
            text: `need` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed
              at `need` (offset 0x105), forked at HERE; raise `Limits::memory` (`--memory`) if it is meant to use that much
            site: HERE
            backtrace: need
            chain: need (HERE)
        "#]],
        );
        assert!(guest.fork("both", args![2]).unwrap().wait().is_ok());
        let over = guest.fork("both", args![3]).unwrap();
        assert_eq!(error(over.wait()).kind(), ErrorKind::OutOfMemory);
        // Refused by its own maximum, not by the limit.
        let own = guest.fork("both", args![4]).unwrap();
        assert_eq!(error(own.wait()).kind(), ErrorKind::Trap);
    });
}

#[test]
fn memory_at_the_start() {
    each_executor_with(limits().memory(4 << 16), |exec| {
        assert!(exec.load_bytes("(module (memory 4))").is_ok());
        let refused = error(exec.load_bytes("(module (memory 4) (memory 1))"));
        check(
            &refused,
            0,
            expect![[r#"
                OutOfMemory, final
                text: the module starts with 327680 bytes of memory, more than its limit of 262144
                  raise `Limits::memory` (`--memory`)
            "#]],
        );
    });
}

/// Also after a growth that the host has given.
#[test]
fn what_is_no_size_is_refused_as_what_is_too_large() {
    each_executor_with(limits().table_elements(10).memory(1 << 20), |exec| {
        let guest = loaded(
            exec,
            r#"(module (table $small 1 funcref) (table $large i64 1 funcref) (memory $m i64 1) (memory $n 1)
                (func (export "table") (param i64) (result i64) (table.grow $large (ref.null func) (local.get 0)))
                (func (export "table32") (param i64) (result i64)
                    (i64.extend_i32_s (table.grow $small (ref.null func) (i32.wrap_i64 (local.get 0)))))
                (func (export "memory") (param i64) (result i64) (memory.grow $m (local.get 0)))
                (func (export "memory32") (param i64) (result i64)
                    (i64.extend_i32_s (memory.grow $n (i32.wrap_i64 (local.get 0)))))
                (func (export "table-twice") (param i64) (result i64)
                    (drop (table.grow $large (ref.null func) (i64.const 1)))
                    (table.grow $large (ref.null func) (local.get 0)))
                (func (export "memory-twice") (param i64) (result i64)
                    (drop (memory.grow $m (i64.const 1)))
                    (memory.grow $m (local.get 0))))"#,
        );
        for n in [-1, -2, i64::MIN, i64::MAX, 1 << 62, 1 << 48, (1 << 48) - 1, 1 << 32, (1 << 32) - 1, 1 << 31, 17] {
            for function in ["table", "table32", "memory", "memory32", "table-twice", "memory-twice"] {
                // To these it is the number of its lowest bits.
                let expected = if function.ends_with("32") && n as i32 == 0 { 1 } else { -1 };
                let given = guest.fork(function, args![n]).unwrap().wait();
                assert_eq!(given.unwrap(), Value::I64(expected), "{function}({n})");
            }
        }
    });
}

#[test]
fn table_elements() {
    each_executor_with(limits().table_elements(10), |exec| {
        let guest = greedy(exec);
        let grow = |n: i32| guest.fork("elements", args![n]).unwrap().wait().unwrap();
        assert_eq!((grow(9), grow(10), grow(-1)), (Value::I32(1), Value::I32(-1), Value::I32(-1)));
        assert!(exec.load_bytes("(module (table 10 funcref))").is_ok());
        let refused = error(exec.load_bytes("(module (table 11 funcref))"));
        check(
            &refused,
            0,
            expect![[r#"
            Unsupported, final
            text: a table starts with 11 elements, more than its limit of 10
              raise `Limits::table_elements`
        "#]],
        );
    });
}

#[test]
fn stack() {
    for stack in [Limits::MIN_STACK, 512 << 10] {
        each_executor_with(limits().stack(stack), |exec| {
            let (future, line) = (greedy(exec).fork("recurse", args![]).unwrap(), line!());
            let error = error(future.wait());
            // How many frames fit differs between processors; no more than 32 are kept.
            assert!((10..=32).contains(&error.backtrace().len()));
            let text = describe(&error, file!(), line);
            let text: Vec<_> = text.lines().filter(|line| !line.starts_with("backtrace")).collect();
            let expected = [
                "StackOverflow, final",
                "text: `recurse` used up its stack",
                "  at `recurse`, forked at HERE; raise `Limits::stack` if it is meant to recurse that deeply",
                "site: HERE",
                "chain: recurse (HERE)",
            ];
            assert_eq!(text, expected);
        });
    }
}

#[test]
fn stack_of_a_guest_that_cannot_fork() {
    for stack in [Limits::MIN_STACK, 8 << 20] {
        each_executor_with(limits().stack(stack), |exec| {
            let leaf = loaded(exec, r#"(module (func $recurse (export "recurse") (call $recurse)))"#);
            let future = leaf.fork("recurse", args![]).unwrap();
            assert_eq!(error(future.wait()).kind(), ErrorKind::StackOverflow);
        });
    }
}

#[test]
fn forks_per_call() {
    each_executor_with(limits().forks(5), |exec| {
        let guest = greedy(exec);
        assert!(guest.fork("forks", args![5]).unwrap().wait().is_ok());
        assert!(guest.fork("waits", args![5]).unwrap().wait().is_ok());
        let (future, line) = (guest.fork("forks", args![6]).unwrap(), line!());
        check(
            &error(future.wait()),
            line,
            expect![[r#"
                TooManyForks, catchable
                text: `forks` forked more than 5 times
                  at `forks` (offset 0x129), forked at HERE; raise `Limits::forks` if it is meant to fork that often
                site: HERE
                backtrace: forks
                chain: forks (HERE)
            "#]],
        );
        let waits = guest.fork("waits", args![6]).unwrap();
        assert_eq!(error(waits.wait()).kind(), ErrorKind::TooManyForks);
    });
}

#[test]
fn no_forks_at_all() {
    each_executor_with(limits().forks(0), |exec| {
        let future = greedy(exec).fork("forks", args![1]).unwrap();
        assert_eq!(error(future.wait()).message(), "`forks` forked more than 0 times");
    });
}

#[test]
fn forks_in_a_tree() {
    each_executor_with(limits().tree_forks(5), |exec| {
        let guest = greedy(exec);
        assert!(guest.fork("waits", args![5]).unwrap().wait().is_ok());
        assert!(guest.fork("down", args![5]).unwrap().wait().is_ok());
        // Nobody waits for the sixth.
        assert!(guest.fork("forks", args![6]).unwrap().wait().is_ok());
        let (future, line) = (guest.fork("waits", args![6]).unwrap(), line!());
        check(
            &error(future.wait()),
            line,
            expect![[r#"
            TooManyForks, final
            text: the tree of calls forked more than 5 times
              1 fork below `waits`, forked at HERE; raise `Limits::tree_forks` if it is meant to fork that often
            site: fork #6 of its parent
            chain: unit (fork #6 of its parent) < waits (HERE)
        "#]],
        );
        let (future, line) = (guest.fork("down", args![6]).unwrap(), line!());
        check(
            &error(future.wait()),
            line,
            expect![[r#"
            TooManyForks, final
            text: the tree of calls forked more than 5 times
              6 forks below `down`, forked at HERE; raise `Limits::tree_forks` if it is meant to fork that often
            site: fork #1 of its parent
            chain: down (fork #1 of its parent) < down (fork #1 of its parent) < down (fork #1 of its parent) < down (fork #1 of its parent) < down (fork #1 of its parent) < down (fork #1 of its parent) < down (HERE)
        "#]],
        );
    });
}

#[test]
fn depth() {
    each_executor_with(limits().depth(3), |exec| {
        let guest = greedy(exec);
        assert!(guest.fork("down", args![3]).unwrap().wait().is_ok());
        let (future, line) = (guest.fork("down", args![4]).unwrap(), line!());
        check(
            &error(future.wait()),
            line,
            expect![[r#"
            TooDeep, final
            text: `down` was forked more than 3 levels deep
              4 forks below `down`, forked at HERE; raise `Limits::depth` (`--depth`) if it is meant to nest that deeply
            site: fork #1 of its parent
            chain: down (fork #1 of its parent) < down (fork #1 of its parent) < down (fork #1 of its parent) < down (fork #1 of its parent) < down (HERE)
        "#]],
        );
    });
}

#[test]
fn no_depth_at_all() {
    each_executor_with(limits().depth(0), |exec| {
        let guest = greedy(exec);
        assert!(guest.fork("down", args![0]).unwrap().wait().is_ok());
        assert!(guest.fork("forks", args![1]).unwrap().wait().is_ok());
        assert_eq!(error(guest.fork("down", args![1]).unwrap().wait()).kind(), ErrorKind::TooDeep);
    });
}

#[test]
fn timeout() {
    each_executor_with(limits().timeout(Duration::from_millis(20)), |exec| {
        let (future, line) = (greedy(exec).fork("spin", args![]).unwrap(), line!());
        check(
            &error(future.wait()),
            line,
            expect![[r#"
                Timeout, final
                text: `spin` was still running after 20ms
                  at `spin` (offset 0xd5), forked at HERE; raise `Limits::timeout` (`--timeout`) if it is meant to take that long
                site: HERE
                backtrace: spin
                chain: spin (HERE)
            "#]],
        );
        let leaf = loaded(exec, r#"(module (func $spin (export "spin") (loop $again (br $again))))"#);
        let future = leaf.fork("spin", args![]).unwrap();
        assert_eq!(error(future.wait()).kind(), ErrorKind::Timeout);
    });
}

#[test]
fn timeout_in_a_child() {
    each_executor_with(limits().timeout(Duration::from_millis(20)), |exec| {
        let parent = loaded(
            exec,
            r#"(module
                (import "fork" "spin" (func $fork (result i32)))
                (import "wait" "spin" (func $wait (param i32)))
                (func $spin (export "spin") (loop $again (br $again)))
                (func $go (export "go") (call $wait (call $fork))))"#,
        );
        let (future, line) = (parent.fork("go", args![]).unwrap(), line!());
        check(
            &error(future.wait()),
            line,
            expect![[r#"
                Timeout, final
                text: `spin` was still running after 20ms
                  at `spin` (offset 0x4a), 1 fork below `go`, forked at HERE; raise `Limits::timeout` (`--timeout`) if it is meant to take that long
                site: fork #1 of its parent
                backtrace: spin
                chain: spin (fork #1 of its parent) < go (HERE)
            "#]],
        );
    });
}

#[test]
fn no_time_at_all() {
    let _watchdog = Watchdog::new();
    for mode in modes() {
        let exec = mode.with(limits().timeout(Duration::ZERO));
        let future = loaded(&exec, MATH).fork("add", args![1, 2]).unwrap();
        assert_eq!(error(future.wait()).message(), "`add` was still running after 0ns");
        let exec = mode.with(limits().timeout(Duration::MAX));
        assert!(loaded(&exec, FIB).fork("fib", args![5]).unwrap().wait().is_ok());
    }
}

#[test]
fn cancelled() {
    let _watchdog = Watchdog::new();
    for threads in [1, 2] {
        let exec = Mode::Threads(threads).executor();
        let guest = greedy(&exec);
        let (future, line) = (guest.fork("spin", args![]).unwrap(), line!());
        assert!(future.cancel());
        check(
            &error(future.wait()),
            line,
            expect![[r#"
            Cancelled, final
            text: the future was cancelled
              forked at HERE
            site: HERE
            chain: spin (HERE)
        "#]],
        );
    }
}

#[test]
fn shut_down() {
    let _watchdog = Watchdog::new();
    for mode in modes() {
        let exec = mode.executor();
        let guest = greedy(&exec);
        let running = (mode != Mode::Serial).then(|| guest.fork("spin", args![]).unwrap());
        exec.shutdown();
        if let Some(running) = running {
            let stopped = error(running.wait());
            assert_eq!((stopped.kind(), stopped.message()), (ErrorKind::Cancelled, "the executor was shut down"));
        }
        let (late, line) = (guest.fork("unit", args![]).unwrap(), line!());
        check(
            &error(late.wait()),
            line,
            expect![[r#"
                Cancelled, final
                text: the executor was shut down
                  forked at HERE
                site: HERE
                chain: unit (HERE)
            "#]],
        );
    }
}

#[test]
fn shut_down_stops_a_call_that_another_thread_runs_where_it_was_forked() {
    let _watchdog = Watchdog::new();
    // Before it starts, or in its midst: it makes no difference.
    for turns in [0, 10_000, 1_000_000] {
        let exec = Mode::Serial.executor();
        let guest = greedy(&exec);
        guest.fork("unit", args![]).unwrap().wait().unwrap();
        let together = Barrier::new(2);
        let stopped = thread::scope(|scope| {
            let call = scope.spawn(|| {
                together.wait();
                error(guest.fork("spin", args![]).unwrap().wait())
            });
            together.wait();
            (0..turns).for_each(|_| std::hint::spin_loop());
            exec.shutdown();
            call.join().unwrap()
        });
        assert_eq!((stopped.kind(), stopped.message()), (ErrorKind::Cancelled, "the executor was shut down"));
    }
}

#[test]
fn a_call_that_another_thread_runs_keeps_its_deadline_when_the_executor_is_dropped() {
    let _watchdog = Watchdog::new();
    let ended = |turns: u32| {
        let exec = Mode::Serial.with(limits().timeout(Duration::from_millis(100)));
        let guest = greedy(&exec);
        guest.fork("unit", args![]).unwrap().wait().unwrap();
        let together = Barrier::new(2);
        thread::scope(|scope| {
            let call = scope.spawn(|| {
                together.wait();
                error(guest.fork("spin", args![]).unwrap().wait()).kind()
            });
            together.wait();
            (0..turns).for_each(|_| std::hint::spin_loop());
            drop(exec);
            call.join().unwrap()
        })
    };
    // Once the executor is dropped no call starts; later is more often late enough.
    let ended: Vec<_> = (0..12).map(|n| ended(1000 << n)).collect();
    assert!(ended.contains(&ErrorKind::Timeout), "{ended:?}");
    assert!(ended.iter().all(|kind| matches!(kind, ErrorKind::Timeout | ErrorKind::Cancelled)), "{ended:?}");
}

#[test]
fn shut_down_while_a_fork_waits_for_its_argument() {
    let _watchdog = Watchdog::new();
    for mode in modes() {
        let exec = mode.executor();
        let (_later, pending) = purefork::promise::<i32>();
        let future = loaded(&exec, MATH).fork("square", args![&pending]).unwrap();
        exec.shutdown();
        // "Cancels every call that is not complete."
        let cancelled = future.wait_timeout(Duration::from_secs(10)).expect("it was not cancelled");
        assert_eq!(error(cancelled).kind(), ErrorKind::Cancelled);
    }
}

#[test]
fn dropped() {
    let _watchdog = Watchdog::new();
    for mode in modes() {
        let exec = mode.executor();
        let guest = greedy(&exec);
        drop(exec);
        let (late, line) = (guest.fork("unit", args![]).unwrap(), line!());
        check(
            &error(late.wait()),
            line,
            expect![[r#"
            Cancelled, final
            text: the executor was dropped before the call could run
              forked at HERE; keep the `Executor` for as long as its modules are used
            site: HERE
            chain: unit (HERE)
        "#]],
        );
    }
}

#[test]
fn a_trap_in_the_fiftieth_generation() {
    each_executor(|exec| {
        let (future, line) = (loaded(exec, CHAIN).fork("doomed", args![50]).unwrap(), line!());
        let error = error(future.wait());
        assert_eq!((error.chain().len(), error.omitted()), (51, 0));
        let text = describe(&error, file!(), line);
        assert_eq!(text.matches("doomed (fork #1 of its parent) < ").count(), 50);
        expect![[r#"
            Trap, catchable
            text: `doomed` trapped: wasm `unreachable` instruction executed
              at `doomed` (offset 0x81), 50 forks below `doomed`, forked at HERE; a panic, an abort or a failed assertion in the guest ends so
            site: fork #1 of its parent
            backtrace: doomed
            chain: 50 × < doomed (HERE)
        "#]]
        .assert_eq(&text.replace(&"doomed (fork #1 of its parent) < ".repeat(50), "50 × < "));
    });
}

#[test]
fn a_trap_in_the_hundredth_generation() {
    each_executor_with(Limits::default().depth(200), |exec| {
        let (future, line) = (loaded(exec, CHAIN).fork("doomed", args![100]).unwrap(), line!());
        let error = error(future.wait());
        assert_eq!((error.chain().len(), error.omitted()), (64, 37));
        let text = describe(&error, file!(), line);
        expect![[r#"
            Trap, catchable
            text: `doomed` trapped: wasm `unreachable` instruction executed
              at `doomed` (offset 0x81), 100 forks below `doomed`, forked at HERE; a panic, an abort or a failed assertion in the guest ends so
            site: fork #1 of its parent
            backtrace: doomed
            chain: 63 × < doomed (HERE)
            omitted: 37
        "#]]
        .assert_eq(&text.replace(&"doomed (fork #1 of its parent) < ".repeat(63), "63 × < "));
    });
}

#[test]
fn values_that_are_no_numbers_of_the_type() {
    for (ty, text) in [(Type::I32, "2147483648"), (Type::I32, "one"), (Type::V128, "(1, 2)")] {
        assert_eq!(error(Value::from_wave(&ty, text)).kind(), ErrorKind::ArgumentMismatch);
    }
    expect!["expected i32, a whole number from -2147483648 to 2147483647, but was given `2147483648`"]
        .assert_eq(&error(Value::from_wave(&Type::I32, "2147483648")).to_string());
}

#[test]
fn unreadable() {
    each_executor(|exec| {
        check(
            &error(exec.load("no/such.wasm")),
            0,
            expect![[r#"
            Unreadable, final
            text: cannot read `no/such.wasm`: No such file or directory (os error 2)
              expected the path of a .wasm or .wat file
        "#]],
        );
    });
}

#[test]
fn malformed() {
    each_executor(|exec| {
        check(
            &error(exec.load_bytes(b"\0asm\x01\0\0")),
            0,
            expect![[r#"
            Malformed, final
            text: the file is cut off: it has 7 of the 8 bytes that start a module (at byte 7)
        "#]],
        );
        check(
            &error(exec.load_bytes("no wasm")),
            0,
            expect![[r#"
            Malformed, final
            text: the file is not WebAssembly: it starts with 6e 6f 20 77 61 73 6d and is text (at byte 0)
        "#]],
        );
        check(
            &error(exec.load_bytes("(module\n  (func (result i32) (i32.cons 1)))")),
            0,
            expect![[r#"
            Malformed, final
            text: the WebAssembly text is wrong: unknown operator or unexpected token (line and column 2:23)
        "#]],
        );
        check(
            &error(exec.load_bytes("(module (func $f (result i32) (i64.const 1)))")),
            0,
            expect![[r#"
            Malformed, final
            text: the module is not valid WebAssembly: type mismatch: expected i32, found i64 (at byte 26)
        "#]],
        );
    });
}

#[test]
fn impure() {
    each_executor(|exec| {
        let refused = error(exec.load_bytes(
            r#"(module
                (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
                (import "env" "memory" (memory 1))
                (func $inner (drop (call $random (i32.const 0) (i32.const 4))))
                (func (export "go") (call $inner)))"#,
        ));
        assert_eq!(refused.reasons().len(), 2);
        check(
            &refused,
            0,
            expect![[r#"
                Impure, final
                text: the guest cannot be shown to be pure, for 2 reasons
                  imports `wasi_snapshot_preview1.random_get` (func (param i32 i32) (result i32)): WASI's source of randomness, and a guest has none; pass a seed as an argument, or compile without it (`wasm32-unknown-unknown`) (export `go` → function `inner` → import `wasi_snapshot_preview1.random_get`)
                  imports `env.memory` (memory 1): a guest has its memory to itself; define and export the memory in the guest (link without `--import-memory`), or provide it: `--provide env=FILE`, with `(module (memory (export "memory") 1))` in the file
            "#]],
        );
    });
}

#[test]
fn invalid_configurations() {
    let invalid = |builder: purefork::Builder, expected: Expect| {
        let error = error(builder.build());
        assert_eq!(error.kind(), ErrorKind::Invalid);
        expected.assert_eq(&error.to_string());
    };
    let with = |limits: Limits| Executor::builder().threads(1).limits(limits);
    invalid(Executor::builder().threads(0), expect!["expected from 1 to 1024 threads, but was given 0"]);
    invalid(Executor::builder().threads(1025), expect!["expected from 1 to 1024 threads, but was given 1025"]);
    invalid(
        with(limits().stack(Limits::MIN_STACK - 1)),
        expect!["expected a stack from 16384 to 67108864 bytes, but was given 16383 bytes"],
    );
    invalid(
        with(limits().stack(Limits::MAX_STACK + 1)),
        expect!["expected a stack from 16384 to 67108864 bytes, but was given 67108865 bytes"],
    );
    invalid(
        with(limits().memory(Limits::MAX_MEMORY + 1)),
        expect!["expected memory of at most 4294967296 bytes, but was given 4294967297 bytes"],
    );
    invalid(with(limits().fuel(0)), expect!["expected fuel from 1 to 9223372036854775807, but was given 0"]);
    invalid(
        with(limits().fuel(u64::MAX)),
        expect!["expected fuel from 1 to 9223372036854775807, but was given 18446744073709551615"],
    );
    invalid(
        with(limits().forks(u32::MAX)),
        expect!["expected forks per call up to 2147483647, but was given 4294967295"],
    );
    invalid(
        with(limits().table_elements(10_000_001)),
        expect!["expected table elements up to 10000000, but was given 10000001"],
    );
    let deep = error(with(limits().depth(u32::MAX)).build());
    assert_eq!(deep.kind(), ErrorKind::Invalid);
    // How many it has differs between hosts.
    assert!(deep.message().starts_with("a depth of 4294967295 was asked for, but this host has mappings for "));
}

#[test]
fn the_smallest_limits_that_are_valid() {
    let _watchdog = Watchdog::new();
    let least = Limits::default().memory(0).table_elements(0).stack(Limits::MIN_STACK).forks(0).depth(0).tree_forks(0);
    for mode in modes() {
        let exec = mode.with(least.clone());
        assert!(loaded(&exec, MATH).fork("add", args![5, 6]).unwrap().wait().is_ok());
        assert!(loaded(&exec, CHAIN).fork("down", args![0]).unwrap().wait().is_ok());
        let exec = mode.with(least.clone().fuel(1));
        let future = loaded(&exec, MATH).fork("add", args![5, 6]).unwrap();
        assert_eq!(error(future.wait()).kind(), ErrorKind::OutOfFuel);
    }
}

#[test]
fn the_largest_limits_that_are_valid() {
    let _watchdog = Watchdog::new();
    let most = Limits::default()
        .fuel(i64::MAX as u64)
        .memory(Limits::MAX_MEMORY)
        .table_elements(10_000_000)
        .stack(Limits::MAX_STACK)
        .forks(i32::MAX as u32)
        .depth(10)
        .tree_forks(u64::MAX);
    for mode in modes() {
        let exec = mode.with(most.clone());
        let down = loaded(&exec, CHAIN).fork("down", args![5]).unwrap();
        assert_eq!(down.wait().unwrap(), Value::I32(5));
        assert!(loaded(&exec, MATH).fork("add", args![5, 6]).unwrap().wait().is_ok());
    }
}

#[test]
fn an_inspection_fails_like_a_load() {
    assert_eq!(error(Executor::builder().inspect("nothing")).kind(), ErrorKind::Malformed);
    assert_eq!(error(Executor::builder().inspect(r#"(module (import "a" "b" (func)))"#)).kind(), ErrorKind::Impure);
}
