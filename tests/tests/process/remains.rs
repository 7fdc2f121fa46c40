//! What is left of an executor once it is dropped: threads, files, mappings, memory. Each scenario has a process to
//! itself, where nothing else moves these numbers.

use purefork::{Executor, Future, Limits, Module, Value, args, promise, wait_all};
use purefork_tests::guests::{CHAIN, FIB, MATH};
use purefork_tests::{MODES, Mode, in_process_of, limits, loaded, remains, still_answers, test_of};
use std::time::Duration;

/// What the allocator may keep: mappings (arenas of threads that are gone, large blocks) and memory, in KiB.
const MAPPINGS: usize = 40;
const RESIDENT: usize = 24 << 10;

/// Runs a scenario until what a process does once is done, then several times more, and compares.
#[track_caller]
fn leaves_nothing(scenario: impl Fn()) {
    in_process_of(&test_of(&scenario), || {
        for _ in 0..2 {
            scenario();
        }
        let Some(before) = remains() else { return };
        for _ in 0..4 {
            scenario();
        }
        let after = remains().unwrap();
        println!("{before:?}\n{after:?}");
        assert_eq!(after.threads, before.threads, "threads");
        assert_eq!(after.files, before.files, "files");
        assert!(after.mappings <= before.mappings + MAPPINGS, "mappings: {} → {}", before.mappings, after.mappings);
        assert!(after.resident <= before.resident + RESIDENT, "memory: {} → {}", before.resident, after.resident);
    });
}

/// Runs `body` with an executor of each mode.
fn each(limits: Limits, body: impl Fn(&Executor, Mode)) {
    for mode in MODES {
        let exec = mode.with(limits.clone());
        body(&exec, mode);
        still_answers(&exec);
    }
}

fn call(module: &Module, name: &str, n: i32) {
    let _ = module.fork(name, args![n]).unwrap().wait();
}

#[test]
fn nothing_remains_of_calls_that_succeed() {
    leaves_nothing(|| {
        each(limits(), |exec, _| {
            let square = loaded(exec, MATH).function::<(i32,), i32>("square").unwrap();
            wait_all((0..5000).map(|n| square.fork((n,)))).unwrap();
            call(&loaded(exec, FIB), "fib", 14);
        });
    });
}

#[test]
fn nothing_remains_of_calls_that_fail() {
    leaves_nothing(|| {
        each(limits().fuel(100_000).tree_forks(2000), |exec, _| {
            let (math, chain, fib) = (loaded(exec, MATH), loaded(exec, CHAIN), loaded(exec, FIB));
            for _ in 0..200 {
                let _ = math.fork("fail", args![]).unwrap().wait();
                let _ = math.fork("spin", args![]).unwrap().wait();
                drop(math.fork("fail", args![]).unwrap());
            }
            for _ in 0..20 {
                call(&chain, "doomed", 60);
                call(&chain, "down", 1000);
                call(&fib, "fib", 20);
            }
        });
    });
}

#[test]
fn nothing_remains_of_calls_that_time_out_or_are_cancelled() {
    leaves_nothing(|| {
        each(limits().timeout(Duration::from_millis(20)), |exec, mode| {
            let (math, fib) = (loaded(exec, MATH), loaded(exec, FIB));
            assert!(math.fork("spin", args![]).unwrap().wait().is_err());
            if mode != Mode::Serial {
                for _ in 0..100 {
                    math.fork("spin", args![]).unwrap().cancel();
                    fib.fork("fib", args![25]).unwrap().cancel();
                }
            }
        });
    });
}

#[test]
fn nothing_remains_of_modules_that_fork_each_other() {
    let half = |exec: &Executor, own: &str, other: &str| {
        let guest = format!(
            r#"(module
                (import "fork" "{other}" (func $fork (param i32) (result i32)))
                (import "wait" "{other}" (func $wait (param i32) (result i32)))
                (func (export "{own}") (param $n i32) (result i32)
                    (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
                    (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1))))))"#
        );
        loaded(exec, &guest)
    };
    leaves_nothing(|| {
        each(limits(), |exec, _| {
            for n in 0..100 {
                let (one, two) = (half(exec, "one", "two"), half(exec, "two", "one"));
                let ring = Module::link_together(&[("a", &one), ("b", &two)]).unwrap();
                assert_eq!(ring[0].fork("one", args![n % 7]).unwrap().wait().unwrap().to_string(), "0");
            }
        });
    });
}

#[test]
fn nothing_remains_of_deep_trees() {
    leaves_nothing(|| {
        each(limits().depth(1000), |exec, _| {
            let chain = loaded(exec, CHAIN);
            call(&chain, "down", 1000);
            call(&chain, "doomed", 1000);
            call(&chain, "down", 1001);
        });
    });
}

#[test]
fn nothing_remains_of_memory_bombs() {
    let bomb = r#"(module (memory 0)
        (func (export "bomb") (param i32)
            (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
            (memory.fill (i32.const 0) (i32.const 1) (i32.mul (memory.size) (i32.const 65536)))))"#;
    leaves_nothing(|| {
        each(limits(), |exec, _| {
            let bomb = loaded(exec, bomb);
            for _ in 0..10 {
                call(&bomb, "bomb", 0);
            }
        });
    });
}

#[test]
fn nothing_remains_of_abandoned_children() {
    let guest = r#"(module
        (import "fork" "spin" (func $fork (result i32)))
        (func (export "spin") (loop $again (br $again)))
        (func (export "go") (param i32) (local $i i32)
            (loop $more
                (drop (call $fork))
                (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))))"#;
    leaves_nothing(|| {
        // In serial mode each of them runs out of fuel.
        each(limits().fuel(10_000), |exec, _| {
            let guest = loaded(exec, guest);
            (0..20).for_each(|_| call(&guest, "go", 0));
        });
    });
}

#[test]
fn nothing_remains_of_callbacks_and_promises() {
    leaves_nothing(|| {
        each(limits(), |exec, _| {
            let square = loaded(exec, MATH).function::<(i32,), i32>("square").unwrap();
            for n in 0..500 {
                let (set, future) = promise::<i32>();
                let last: Future<i32> = square.fork((&future,)).map(|n| n + 1);
                last.on_done(|_| ());
                let big = last.map(|_| vec![0u8; 10_000]);
                match n % 3 {
                    0 => set.set(n).unwrap(),
                    1 => drop(set),
                    _ => assert!(last.cancel()),
                }
                let _ = big.wait();
            }
        });
    });
}

#[test]
fn nothing_remains_of_executors_and_modules() {
    leaves_nothing(|| {
        for i in 0..12 {
            let exec = MODES[i % 3].executor();
            for n in 0..10 {
                let wat = format!(r#"(module (memory 4) (func (export "f") (param i32) (drop (i32.const {n}))))"#);
                call(&loaded(&exec, &wat), "f", 0);
            }
            // A module may outlive its executor.
            let module = loaded(&exec, FIB);
            drop(exec);
            call(&module, "fib", 1);
        }
    });
}

#[test]
fn nothing_remains_of_an_executor_that_was_shut_down() {
    leaves_nothing(|| {
        for mode in [Mode::Threads(1), Mode::Threads(2)] {
            let exec = mode.executor();
            let (math, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
            let _endless: Vec<_> = (0..20).map(|_| math.fork("spin", args![]).unwrap()).collect();
            let _trees: Vec<_> = (0..20).map(|_| fib.fork("fib", args![25]).unwrap()).collect();
            exec.shutdown();
        }
    });
}

#[test]
fn nothing_remains_of_modules_that_were_preinitialised() {
    leaves_nothing(|| {
        each(limits().fuel(10_000_000), |exec, _| {
            let fill = loaded(
                exec,
                r#"(module
                    (import "fork" "zero" (func $fork (result i32)))
                    (memory 128)
                    (func (export "zero"))
                    (func (export "fill") (param i32) (memory.fill (i32.const 0) (local.get 0) (i32.const 8388608)))
                    (func (export "fail") (param i32) unreachable)
                    (func (export "leave") (param i32) (drop (call $fork))))"#,
            );
            for n in 1..4 {
                let filled = fill.preinit("fill", args![n]).unwrap();
                call(&filled, "fill", n);
                assert!(fill.preinit("fail", args![n]).is_err());
                assert!(filled.preinit("leave", args![n]).is_err());
            }
        });
    });
}

/// Each call writes to 3 MiB, and forks the next: so many sandboxes are in use at a time, and kept afterwards.
const WRITERS: &str = r#"(module
    (import "fork" "down" (func $fork (param i32) (result i32)))
    (import "wait" "down" (func $wait (param i32) (result i32)))
    (memory 60)
    (func (export "down") (param i32) (result i32)
        (memory.fill (i32.const 65536) (i32.const 1) (i32.const 3145728))
        (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
        (i32.add (i32.const 1) (call $wait (call $fork (i32.sub (local.get 0) (i32.const 1)))))))"#;

const MIB: usize = 1 << 10;

/// Has 24 sandboxes written to, of calls that may have `memory` MiB each. `then` is given a way to tell how much more memory
/// there is than before, in MiB, and without what a module has once.
fn after_writing(mode: Mode, memory: usize, then: impl FnOnce(Executor, Module, &dyn Fn() -> usize)) {
    in_process_of(&test_of(&then), || {
        let exec = mode.with(limits().memory(memory << 20));
        let module = loaded(&exec, WRITERS);
        call(&module, "down", 1);
        let Some(before) = remains() else { return };
        let kept = || remains().unwrap().resident.saturating_sub(before.resident) / MIB;
        assert_eq!(module.fork("down", args![23]).unwrap().wait().unwrap(), Value::I32(24));
        println!("kept: {} MiB", kept());
        then(exec, module, &kept);
        println!("then: {} MiB", kept());
    });
}

/// What is left of 24 sandboxes of more than 3 MiB: what their pool keeps of each, and what the allocator does.
const LITTLE: usize = 12;

/// Waits for that without asking all the time. If it never comes, the scenario's watchdog ends it.
fn wait_until(done: impl Fn() -> bool) {
    while !done() {
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[test]
fn sandboxes_that_are_kept_hold_about_as_much_as_one_call_may_have() {
    after_writing(Mode::Threads(1), 4, |exec, _module, kept| {
        assert!(kept() <= 4 + 16 + LITTLE, "{} MiB are kept", kept());
        still_answers(&exec);
    });
}

#[test]
fn an_executor_with_nothing_to_do_keeps_no_sandboxes() {
    after_writing(Mode::Threads(1), 64, |exec, module, kept| {
        wait_until(|| kept() <= LITTLE);
        // It goes on where it stopped.
        assert_eq!(module.fork("down", args![23]).unwrap().wait().unwrap(), Value::I32(24));
        wait_until(|| kept() <= LITTLE);
        still_answers(&exec);
    });
}

#[test]
fn sandboxes_that_are_kept_go_with_their_module() {
    // On one thread: a worker may be a moment later to let go of a call, and so of its module.
    after_writing(Mode::Serial, 64, |exec, module, kept| {
        drop(module);
        assert!(kept() <= LITTLE, "{} MiB are kept", kept());
        still_answers(&exec);
    });
}

#[test]
fn sandboxes_that_are_kept_go_with_their_executor() {
    after_writing(Mode::Threads(1), 64, |exec, module, kept| {
        drop(exec);
        assert!(kept() <= LITTLE, "{} MiB are kept", kept());
        drop(module);
    });
}
