//! Guests, and callbacks, that mean harm. After each the executor still answers.

use expect_test::expect;
use purefork::event::Event;
use purefork::{Error, ErrorKind, Executor, Limits, Value, args, promise};
use purefork_tests::guests::{CHAIN, FIB, MATH};
use purefork_tests::{
    MODES, Mode, Watchdog, assert_kind, built, describe, each_executor, each_executor_with, error, in_own_process,
    limits, loaded, modes, still_answers,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// A guest with a child that never ends, one that ends at once, and ways to bring them together.
const ENDLESS: &str = r#"(module
    (import "fork" "spin" (func $fork_spin (result i32)))
    (import "wait" "spin" (func $wait_spin (param i32)))
    (import "fork" "quick" (func $fork_quick (result i32)))
    (import "wait" "quick" (func $wait_quick (param i32)))
    (import "fork" "waits" (func $fork_waits (result i32)))
    (import "wait" "waits" (func $wait_waits (param i32)))
    (func $spin (export "spin") (loop $again (br $again)))
    (func (export "quick"))
    (func (export "waits") (call $wait_spin (call $fork_spin)))
    (func (export "above") (call $wait_waits (call $fork_waits)))
    ;; Forks ten that never end, works on, and leaves them.
    (func (export "abandons") (result i32) (local $i i32)
        (call $wait_quick (call $fork_quick))
        (loop $more
            (drop (call $fork_spin))
            (drop (call $fork_waits))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $i) (i32.const 10))))
        (loop $busy
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $busy (i32.lt_u (local.get $i) (i32.const 1000000))))
        (local.get $i)))"#;

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    each_executor_with(limits().fuel(1_000_000), |exec| {
        assert_kind(loaded(exec, MATH).fork("spin", args![]).unwrap().wait(), ErrorKind::OutOfFuel);
        assert_kind(loaded(exec, ENDLESS).fork("above", args![]).unwrap().wait(), ErrorKind::OutOfFuel);
    });
}

#[test]
fn an_endless_loop_runs_out_of_time() {
    each_executor_with(limits().timeout(Duration::from_millis(30)), |exec| {
        assert_kind(loaded(exec, MATH).fork("spin", args![]).unwrap().wait(), ErrorKind::Timeout);
        assert_kind(loaded(exec, ENDLESS).fork("above", args![]).unwrap().wait(), ErrorKind::Timeout);
    });
}

#[test]
fn an_endless_loop_is_cancelled() {
    let _watchdog = Watchdog::new();
    for threads in [1, 2] {
        let exec = Mode::Threads(threads).executor();
        let (math, endless) = (loaded(&exec, MATH), loaded(&exec, ENDLESS));
        for _ in 0..50 {
            for future in [math.fork("spin", args![]).unwrap(), endless.fork("above", args![]).unwrap()] {
                assert!(future.cancel());
                assert_kind(future.wait(), ErrorKind::Cancelled);
            }
        }
        still_answers(&exec);
        // Joins the threads: it would hang if one of them still ran.
        drop(exec);
    }
}

#[test]
fn an_endless_loop_whose_future_was_dropped_runs_out_of_fuel() {
    let _watchdog = Watchdog::new();
    for mode in modes() {
        let failures = Arc::new(AtomicUsize::new(0));
        let counting = failures.clone();
        let exec = built(mode.builder().limits(limits().fuel(1_000_000)).observer(move |event: &Event<'_>| {
            if let Event::Unobserved(error) = event {
                assert_eq!(error.kind(), ErrorKind::OutOfFuel);
                counting.fetch_add(1, Ordering::SeqCst);
            }
        }));
        drop(loaded(&exec, MATH).fork("spin", args![]).unwrap());
        drop(loaded(&exec, ENDLESS).fork("above", args![]).unwrap());
        still_answers(&exec);
        drop(exec);
        assert_eq!(failures.load(Ordering::SeqCst), 2);
    }
}

#[test]
fn a_recursion_without_end_uses_up_its_own_stack_alone() {
    let leaf = r#"(module (func $down (export "down") (param i64 i64 i64 i64) (result i64)
        (i64.add (call $down (local.get 1) (local.get 2) (local.get 3) (local.get 0)) (local.get 0))))"#;
    let forking = r#"(module (import "fork" "down" (func $fork (param i64 i64 i64 i64) (result i32)))
        (func $down (export "down") (param i64 i64 i64 i64) (result i64)
            (drop (call $fork (local.get 1) (local.get 2) (local.get 3) (local.get 0)))
            (call $down (local.get 1) (local.get 2) (local.get 3) (local.get 0))))"#;
    // The forking one would fork as often as it recurses, and its children too.
    each_executor_with(limits().tree_forks(100), |exec| {
        for guest in [leaf, forking] {
            let down = loaded(exec, guest).function::<(i64, i64, i64, i64), i64>("down").unwrap();
            assert_kind(down.fork((1, 2, 3, 4)).wait(), ErrorKind::StackOverflow);
        }
    });
}

/// A thread of the host that waits runs the call itself, however small its stack.
#[test]
fn a_recursion_on_a_small_thread_of_the_hosts_does_not_overflow_it() {
    in_own_process(|| {
        each_executor(|exec| {
            let leaf = loaded(exec, r#"(module (func $down (export "down") (call $down)))"#);
            let fib = loaded(exec, FIB);
            thread::scope(|scope| {
                let small = thread::Builder::new().stack_size(128 << 10);
                let body = || {
                    for _ in 0..20 {
                        assert_kind(leaf.fork("down", args![]).unwrap().wait(), ErrorKind::StackOverflow);
                        assert_eq!(fib.fork("fib", args![10]).unwrap().wait().unwrap(), Value::I64(55));
                    }
                };
                small.spawn_scoped(scope, body).unwrap().join().unwrap();
            });
        });
    });
}

#[test]
fn a_memory_bomb_is_given_no_more_than_its_limit() {
    let bomb = r#"(module (memory 0) (memory 0)
        (func (export "bomb") (result i32)
            (loop $more
                (br_if $more (i32.ne (memory.grow 0 (i32.const 1)) (i32.const -1)))
                (br_if $more (i32.ne (memory.grow 1 (i32.const 1)) (i32.const -1))))
            (memory.fill 0 (i32.const 0) (i32.const 1) (i32.mul (memory.size 0) (i32.const 65536)))
            (i32.add (memory.size 0) (memory.size 1))))"#;
    each_executor_with(limits().memory(10 << 16), |exec| {
        let bomb = loaded(exec, bomb);
        for _ in 0..50 {
            assert_eq!(bomb.fork("bomb", args![]).unwrap().wait().unwrap(), Value::I32(10));
        }
    });
}

#[test]
fn a_table_bomb_is_given_no_more_than_its_limit() {
    let bomb = r#"(module (table 0 funcref)
        (func (export "bomb") (result i32)
            (loop $more (br_if $more (i32.ne (table.grow 0 (ref.null func) (i32.const 7)) (i32.const -1))))
            (table.size 0)))"#;
    each_executor_with(limits().table_elements(1000), |exec| {
        let bomb = loaded(exec, bomb);
        for _ in 0..50 {
            assert_eq!(bomb.fork("bomb", args![]).unwrap().wait().unwrap(), Value::I32(994));
        }
    });
}

/// Forks `width` children like itself, `depth` deep, and waits for each.
const BOMB: &str = r#"(module
    (import "fork" "bomb" (func $fork (param i32 i32) (result i32)))
    (import "wait" "bomb" (func $wait (param i32)))
    (func (export "bomb") (param $width i32) (param $depth i32) (local $i i32)
        (if (i32.eqz (local.get $depth)) (then (return)))
        (loop $fork
            (drop (call $fork (local.get $width) (i32.sub (local.get $depth) (i32.const 1))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $fork (i32.lt_u (local.get $i) (local.get $width))))
        (loop $wait
            (call $wait (local.get $i))
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (br_if $wait (local.get $i)))))"#;

#[test]
fn a_fork_bomb_in_width_forks_too_often() {
    each_executor_with(limits().forks(20_000), |exec| {
        let bomb = loaded(exec, BOMB);
        assert!(bomb.fork("bomb", args![20_000, 1]).unwrap().wait().is_ok());
        assert_kind(bomb.fork("bomb", args![20_001, 1]).unwrap().wait(), ErrorKind::TooManyForks);
    });
}

#[test]
fn a_fork_bomb_in_depth_is_too_deep() {
    each_executor_with(limits().depth(500), |exec| {
        let bomb = loaded(exec, BOMB);
        assert!(bomb.fork("bomb", args![1, 500]).unwrap().wait().is_ok());
        assert_kind(bomb.fork("bomb", args![1, 1_000_000]).unwrap().wait(), ErrorKind::TooDeep);
    });
}

#[test]
fn a_fork_bomb_in_width_and_depth_is_stopped() {
    each_executor_with(limits().tree_forks(20_000), |exec| {
        let failure = error(loaded(exec, BOMB).fork("bomb", args![10, 60]).unwrap().wait());
        assert_eq!((failure.kind(), failure.is_catchable()), (ErrorKind::TooManyForks, false), "{failure:?}");
    });
}

#[test]
fn a_million_levels_are_too_deep_for_the_default_limits() {
    let _watchdog = Watchdog::new();
    let exec = Mode::Threads(1).with(Limits::default());
    let (future, line) = (loaded(&exec, CHAIN).fork("down", args![1_000_000]).unwrap(), line!());
    let text = describe(&error(future.wait()), file!(), line);
    let text: Vec<_> = text.lines().filter(|line| !line.starts_with("chain")).collect();
    expect![[r#"
        TooDeep, final
        text: `down` was forked more than 5120 levels deep
          5121 forks below `down`, forked at HERE; raise `Limits::depth` (`--depth`) if it is meant to nest that deeply
        site: fork #1 of its parent
        omitted: 5058"#]]
    .assert_eq(&text.join("\n"));
    still_answers(&exec);
}

/// A guest that waits for numbers it was never given.
const LIAR: &str = r#"(module
    (import "fork" "one" (func $fork_one (result i32)))
    (import "wait" "one" (func $wait_one (param i32) (result i32)))
    (import "fork" "two" (func $fork_two (result i32)))
    (import "wait" "two" (func $wait_two (param i32) (result i32)))
    (import "fork" "lie" (func $fork_lie (param i32) (result i32)))
    (import "wait" "lie" (func $wait_lie (param i32) (result i32)))
    (import "fork" "makes" (func $fork_makes (param i32) (result i32)))
    (import "wait" "makes" (func $wait_makes (param i32) (result i32)))
    (func (export "one") (result i32) (i32.const 1))
    (func (export "two") (result i32) (i32.const 2))
    (func $lie (export "lie") (param $n i32) (result i32) (call $wait_one (local.get $n)))
    (func $makes (export "makes") (param $n i32) (result i32)
        (loop $more
            (drop (call $fork_one))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $more (local.get $n)))
        (i32.const 7))
    (func $after (export "after") (param $forks i32) (param $n i32) (result i32)
        (drop (call $makes (local.get $forks)))
        (call $wait_one (local.get $n)))
    (func $other (export "other") (result i32) (call $wait_two (call $fork_one)))
    (func $parents (export "parents") (result i32)
        (drop (call $fork_one))
        (call $wait_lie (call $fork_lie (i32.const 1))))
    (func $siblings (export "siblings") (result i32)
        (drop (call $wait_makes (call $fork_makes (i32.const 5))))
        (call $wait_lie (call $fork_lie (i32.const 3))))
    (func $childs (export "childs") (result i32)
        (drop (call $wait_makes (call $fork_makes (i32.const 5))))
        (call $wait_one (i32.const 4))))"#;

#[test]
fn a_number_that_is_no_future_of_the_call_traps() {
    each_executor(|exec| {
        let liar = loaded(exec, LIAR);
        let trap = |name: &str, args| {
            let failure = error(liar.fork(name, args).unwrap().wait());
            assert_eq!((failure.kind(), failure.is_catchable()), (ErrorKind::Trap, true), "{failure:?}");
            failure.message().to_owned()
        };
        for n in [0, 1, -1, i32::MAX, i32::MIN] {
            assert_eq!(trap("lie", args![n]), format!("`wait` `one`: {n} is none of this call's futures"));
        }
        assert_eq!(trap("other", args![]), "`wait` `two`: 1 is of another function");
        assert_eq!(trap("parents", args![]), "`wait` `one`: 1 is none of this call's futures");
        assert_eq!(trap("siblings", args![]), "`wait` `one`: 3 is none of this call's futures");
        assert_eq!(trap("childs", args![]), "`wait` `one`: 4 is none of this call's futures");
        for n in [-1000, -999, 0, 1001, 65_537] {
            assert_eq!(trap("after", args![1000, n]), format!("`wait` `one`: {n} is none of this call's futures"));
        }
        let last = liar.fork("after", args![1000, 1000]).unwrap();
        assert_eq!(last.wait().unwrap(), Value::I32(1));
    });
}

#[test]
fn a_lie_is_told_with_its_place() {
    each_executor(|exec| {
        let (future, line) = (loaded(exec, LIAR).fork("parents", args![]).unwrap(), line!());
        expect![[r#"
            Trap, catchable
            text: `wait` `one`: 1 is none of this call's futures
              at `lie` (offset 0xe1), 1 fork below `parents`, forked at HERE
            site: fork #2 of its parent
            backtrace: lie
            chain: lie (fork #2 of its parent) < parents (HERE)
        "#]]
        .assert_eq(&describe(&error(future.wait()), file!(), line));
    });
}

#[test]
fn numbers_start_at_one_in_each_call_whatever_ran_before() {
    each_executor(|exec| {
        let guest = loaded(
            exec,
            r#"(module (import "fork" "f" (func $fork (result i32))) (func (export "f"))
                (func (export "go") (result i32) (drop (call $fork)) (drop (call $fork)) (call $fork)))"#,
        );
        for _ in 0..100 {
            assert_eq!(guest.fork("go", args![]).unwrap().wait().unwrap(), Value::I32(3));
        }
    });
}

#[test]
fn a_start_function_that_traps_or_loops_fails_the_call() {
    each_executor_with(limits().fuel(1_000_000), |exec| {
        let traps = loaded(exec, r#"(module (func $init unreachable) (start $init) (func (export "f")))"#);
        let (future, line) = (traps.fork("f", args![]).unwrap(), line!());
        expect![[r#"
            Trap, catchable
            text: `f` trapped: wasm `unreachable` instruction executed
              at `init` (offset 0x22), forked at HERE; a panic, an abort or a failed assertion in the guest ends so
            site: HERE
            backtrace: init
            chain: f (HERE)
        "#]]
        .assert_eq(&describe(&error(future.wait()), file!(), line));
        let loops = loaded(exec, r#"(module (func $init (loop (br 0))) (start $init) (func (export "f")))"#);
        for _ in 0..200 {
            assert_kind(loops.fork("f", args![]).unwrap().wait(), ErrorKind::OutOfFuel);
            assert_kind(traps.fork("f", args![]).unwrap().wait(), ErrorKind::Trap);
        }
        let segment = loaded(exec, r#"(module (memory 1) (data (i32.const 65536) "x") (func (export "f")))"#);
        assert_kind(segment.fork("f", args![]).unwrap().wait(), ErrorKind::Trap);
    });
}

#[test]
fn a_start_function_that_loops_runs_out_of_time_or_is_cancelled() {
    let loops = r#"(module (func $init (loop (br 0))) (start $init) (func (export "f")))"#;
    let _watchdog = Watchdog::new();
    for mode in modes() {
        let exec = mode.with(limits().timeout(Duration::from_millis(30)));
        assert_kind(loaded(&exec, loops).fork("f", args![]).unwrap().wait(), ErrorKind::Timeout);
        if mode != Mode::Serial {
            let exec = mode.executor();
            for _ in 0..20 {
                let future = loaded(&exec, loops).fork("f", args![]).unwrap();
                assert!(future.cancel());
                assert_kind(future.wait(), ErrorKind::Cancelled);
            }
        }
    }
}

#[test]
fn children_that_never_end_are_stopped_when_they_are_abandoned() {
    let _watchdog = Watchdog::new();
    for threads in [1, 2, 4] {
        let exec = Mode::Threads(threads).with(limits().fuel(i64::MAX as u64));
        let endless = loaded(&exec, ENDLESS);
        for _ in 0..20 {
            assert_eq!(endless.fork("abandons", args![]).unwrap().wait().unwrap(), Value::I32(1_000_000));
        }
        still_answers(&exec);
        drop(exec);
    }
}

/// The call that was abandoned is not the endless one's parent: it is two levels above, and the endless one starts
/// only after it was abandoned.
#[test]
fn a_descendant_of_an_abandoned_call_does_not_start_to_run_for_ever() {
    in_own_process(|| {
        let guest = r#"(module
            (import "fork" "p" (func $fork_p (result i32))) (import "wait" "p" (func $wait_p (param i32)))
            (import "fork" "c" (func $fork_c (result i32)))
            (import "fork" "g" (func $fork_g (result i32))) (import "wait" "g" (func $wait_g (param i32)))
            (import "fork" "spin" (func $fork_spin (result i32))) (import "wait" "spin" (func $wait_spin (param i32)))
            (import "fork" "busy" (func $fork_busy (result i32))) (import "wait" "busy" (func $wait_busy (param i32)))
            (func $busy (export "busy") (local $i i32)
                (loop $more
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $more (i32.lt_u (local.get $i) (i32.const 100000000)))))
            (func (export "spin") (loop $again (br $again)))
            ;; One worker runs `c`, `g` and a `spin`; the other runs `busy`, then `p` again, which abandons `c`.
            (func (export "p") (local $busy i32)
                (local.set $busy (call $fork_busy))
                (drop (call $fork_c))
                (call $wait_busy (local.get $busy)))
            (func (export "c") (call $wait_g (call $fork_g)))
            (func (export "g") (local $first i32)
                (local.set $first (call $fork_spin))
                (drop (call $fork_spin))
                (call $wait_spin (local.get $first)))
            ;; Goes on after `p`, so that the tree is not at its end when the other `spin` gets its turn.
            (func (export "root") (call $wait_p (call $fork_p)) (call $busy)))"#;
        for _ in 0..3 {
            let exec = Mode::Threads(2).with(limits().fuel(i64::MAX as u64));
            let root = loaded(&exec, guest).fork("root", args![]).unwrap();
            // Not on this thread: there have to be two workers.
            while root.wait_timeout(Duration::from_secs(60)).is_none() {}
            assert!(root.value().is_ok());
            drop(exec);
        }
    });
}

#[test]
fn cancel_and_completion_agree_on_who_was_first() {
    let _watchdog = Watchdog::new();
    for threads in [1, 2] {
        let exec = Mode::Threads(threads).executor();
        let (add, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
        for i in 0..2000 {
            let future = match i % 2 {
                0 => add.fork("add", args![40, 2]).unwrap(),
                _ => fib.fork("fib", args![3]).unwrap(),
            };
            if i % 3 == 0 {
                thread::yield_now();
            }
            let in_time = thread::scope(|scope| {
                let other = scope.spawn(|| future.cancel());
                let waited = future.wait();
                let in_time = other.join().unwrap();
                assert_eq!(waited.is_err(), in_time, "{waited:?}");
                in_time
            });
            let value = if i % 2 == 0 { Value::I32(42) } else { Value::I64(2) };
            match future.value() {
                Ok(found) => assert!(!in_time && found == value),
                Err(error) => assert!(in_time && error.kind() == ErrorKind::Cancelled, "{error:?}"),
            }
            assert!(!future.cancel());
        }
        still_answers(&exec);
    }
}

#[test]
fn a_callback_that_panics_harms_nobody() {
    each_executor(|exec| {
        let square = loaded(exec, MATH).function::<(i32,), i32>("square").unwrap();
        for _ in 0..20 {
            let (start, pending) = promise::<i32>();
            let future = square.fork((&pending,));
            let (then, map) = (future.then::<i32>(|_| panic!("then")), future.map::<i32>(|_| panic!("map")));
            future.on_done::<()>(|_| panic!("on_done"));
            let after = future.map(|n| n + 1);
            start.set(3).unwrap();
            assert_eq!(after.wait().unwrap(), 10);
            assert_kind(then.wait(), ErrorKind::Panicked);
            assert_kind(map.wait(), ErrorKind::Panicked);
        }
    });
}

/// A panic in the observer is caught, wherever the event happens.
#[test]
fn an_observer_that_panics_harms_nobody() {
    in_own_process(|| {
        let _watchdog = Watchdog::new();
        for mode in MODES {
            let exec = built(mode.builder().observer(|_: &Event<'_>| panic!("the observer")));
            let (math, chain) = (loaded(&exec, MATH), loaded(&exec, CHAIN));
            for _ in 0..20 {
                drop(math.fork("fail", args![]).unwrap());
                drop(chain.fork("doomed", args![5]).unwrap());
                let ended = math.fork("fail", args![]).unwrap();
                while !ended.done() {
                    thread::yield_now();
                }
                drop(ended);
            }
            still_answers(&exec);
            drop(exec);
        }
    });
}

#[test]
fn a_panic_payload_that_panics_when_dropped_harms_nobody() {
    struct Spiteful;
    impl Drop for Spiteful {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("once more");
            }
        }
    }
    in_own_process(|| {
        each_executor(|exec| {
            let (start, pending) = promise::<i32>();
            let future = loaded(exec, MATH).fork("square", args![&pending]).unwrap();
            let spiteful = future.map::<i32>(|_| std::panic::panic_any(Spiteful));
            let after = future.map(|value| value.to_string());
            start.set(3).unwrap();
            assert_eq!(after.wait().unwrap(), "9");
            assert_kind(spiteful.wait(), ErrorKind::Panicked);
        });
    });
}

#[test]
fn an_error_of_the_hosts_own_goes_through_a_graph_as_it_is() {
    each_executor(|exec| {
        let (promise, future) = promise::<i32>();
        let square = loaded(exec, MATH).fork("square", args![&future]).unwrap();
        promise.fail(Error::failed("`\u{1b}[31m`")).unwrap();
        let failure = error(square.wait());
        assert_eq!((failure.kind(), failure.message()), (ErrorKind::Failed, "`\u{1b}[31m`"));
    });
}

#[test]
fn names_in_a_guest_are_shown_escaped_and_cut() {
    each_executor(|exec| {
        let name = format!("\u{1b}[31m`{}", "x".repeat(1000));
        let wat = format!(r#"(module (func (@name "\1b[0m\0a") (export "\1b[31m`{}") unreachable))"#, "x".repeat(1000));
        let (future, line) = (loaded(exec, &wat).fork(&name, args![]).unwrap(), line!());
        expect![[r#"
            Trap, catchable
            text: `\u{1b}[31m\`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` trapped: wasm `unreachable` instruction executed
              at `\u{1b}[0m\n` (offset 0x40d), forked at HERE; a panic, an abort or a failed assertion in the guest ends so
            site: HERE
            backtrace: \u{1b}[0m\n
            chain: \u{1b}[31m\`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (HERE)
        "#]].assert_eq(&describe(&error(future.wait()), file!(), line));
    });
}

/// A fork in each of many modules, loaded and dropped: what one has left is no obstacle to the next.
#[test]
fn many_modules_come_and_go() {
    fn run(exec: &Executor, i: i32) {
        let wat = format!(r#"(module (memory 1) (func (export "f") (result i32) (i32.const {i})))"#);
        let module = loaded(exec, &wat);
        assert_eq!(module.fork("f", args![]).unwrap().wait().unwrap(), Value::I32(i));
    }
    each_executor(|exec| (0..300).for_each(|i| run(exec, i)));
}
