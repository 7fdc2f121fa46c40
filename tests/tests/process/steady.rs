//! What calls cost the kernel once the sandboxes are there: nothing. So its count for many calls is that for few. Calls run on
//! one thread, where how many sandboxes there are does not depend on who comes first.

use purefork::{Executor, Function};
use purefork_tests::{Mode, compiled, faults, in_own_process};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Rounds of calls, each of eleven: few, and many. One event in a hundred calls is allowed, for what a process does of its own
/// accord: how often the threads that compile guests look for work is never the same.
const FEW: usize = 500;
const MANY: usize = 20_000;
const ALLOWED: usize = MANY * 11 / 100;

/// A tree of forks, each of which writes to its memory.
const FIB: &str = r#"(module
    (import "fork" "fib" (func $fork (param i32) (result i32)))
    (import "wait" "fib" (func $wait (param i32) (result i64)))
    (memory 1)
    (func (export "fib") (param $n i32) (result i64) (local $a i32) (local $b i32)
        (i32.store (i32.const 1024) (local.get $n))
        (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i64.extend_i32_u (local.get $n)))))
        (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
        (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
        (i64.add (call $wait (local.get $b)) (call $wait (local.get $a)))))"#;

/// Functions that write to memory, so that their sandboxes are recycled: of a core module, of a component, and one that forks.
struct Functions {
    length: Function<i32, i32>,
    shout: Function<String, String>,
    fib: Function<i32, i64>,
}

impl Functions {
    fn new(exec: &Executor, stores: &[u8], leaf: &[u8]) -> Functions {
        Functions {
            length: exec.load_bytes(stores).unwrap().function("length").unwrap(),
            shout: exec.load_bytes(leaf).unwrap().function("shout").unwrap(),
            fib: exec.load_bytes(FIB).unwrap().function("fib").unwrap(),
        }
    }

    fn call(&self, rounds: usize) {
        for _ in 0..rounds {
            assert_eq!(self.length.fork(10).wait().unwrap(), 10);
            assert_eq!(self.shout.fork("ten bytes!".to_owned()).wait().unwrap(), "TEN BYTES!");
            assert_eq!(self.fib.fork(4).wait().unwrap(), 3);
        }
    }
}

#[test]
fn many_calls_meet_no_more_page_faults_than_few() {
    in_own_process(|| {
        let (stores, leaf) = (compiled("stores"), compiled("leaf"));
        let exec = Mode::Serial.executor();
        let functions = Functions::new(&exec, &stores, &leaf);
        functions.call(FEW);
        let Some(before) = faults() else { return };
        functions.call(MANY);
        let met = faults().unwrap() - before;
        assert!(met <= ALLOWED, "{met} page faults in {MANY} rounds of calls");
    });
}

#[test]
fn lists_within_the_heap_meet_no_page_fault_for_each_page() {
    const CALLS: usize = 50;
    in_own_process(|| {
        let leaf = compiled("leaf");
        let exec = Mode::Serial.with(purefork_tests::limits().heap(9 << 20));
        let echo = exec.load_bytes(&leaf).unwrap().function::<Vec<u8>, Vec<u8>>("bytes").unwrap();
        // The same memory of the host's for each.
        let mut list = vec![1; 8 << 20];
        let mut call = |calls: usize| {
            for _ in 0..calls {
                list = echo.fork(std::mem::take(&mut list)).join().unwrap();
            }
        };
        call(3);
        let Some(before) = faults() else { return };
        call(CALLS);
        let met = faults().unwrap() - before;
        // The host's own memory for a result may be new each time: 2,048 pages. As many are in the guest's.
        assert!(met <= CALLS * 2_100, "{met} page faults in {CALLS} calls");
    });
}

#[test]
fn many_calls_make_no_more_system_calls_than_few() {
    const NAME: &str = "steady::many_calls_make_no_more_system_calls_than_few";
    const ROUNDS: &str = "PUREFORK_TESTS_ROUNDS";
    let file = |name: &str| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("steady-{name}"));
    let guests = ["stores", "leaf"];
    if let Ok(rounds) = env::var(ROUNDS) {
        let [stores, leaf] = guests.map(|name| fs::read(file(name)).unwrap());
        let exec = Mode::Serial.executor();
        Functions::new(&exec, &stores, &leaf).call(rounds.parse().unwrap());
        return;
    }
    // Compiled here, as a compiler makes system calls of its own.
    for name in guests {
        fs::write(file(name), compiled(name)).unwrap();
    }
    let traced = |rounds: usize| {
        let log = file("log");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o"]).arg(&log).arg(env::current_exe().unwrap()).args(["--exact", NAME]);
        match strace.env(ROUNDS, rounds.to_string()).output() {
            Err(_) => Err("there is no strace".to_owned()),
            Ok(output) if String::from_utf8_lossy(&output.stderr).contains("not permitted") => {
                Err(String::from_utf8_lossy(&output.stderr).into_owned())
            }
            Ok(output) => {
                let shown = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success() && shown.contains("1 passed"), "{output:?}");
                Ok(fs::read_to_string(&log).unwrap())
            }
        }
    };
    let logs = traced(FEW).and_then(|few| Ok((few, traced(MANY)?)));
    let (few, many) = match logs {
        Ok(logs) => logs,
        Err(why) => return println!("skipped: {why}"),
    };
    // A call that was interrupted by another thread has a second line.
    let [few, many] = [few, many].map(|log| log.lines().filter(|line| !line.contains("<... ")).count());
    println!("{few} system calls in a process of {FEW} rounds of calls, {many} in one of {MANY}");
    assert!(many <= few + ALLOWED, "{few} system calls in a process of {FEW} rounds of calls, {many} in one of {MANY}");
}
