//! Traces: what ran, as a graph, the same in every mode.

use expect_test::expect;
use purefork::trace::{Recorder, Trace};
use purefork::{Value, args, event, trace};
use purefork_tests::{Mode, Watchdog, loaded, modes};

const FIB: &str = r#"(module
    (import "fork" "fib" (func $fork (param i32) (result i32)))
    (import "wait" "fib" (func $wait (param i32) (result i32)))
    (func (export "fib") (param $n i32) (result i32) (local $a i32) (local $b i32)
        (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (local.get $n))))
        (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
        (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
        (i32.add (call $wait (local.get $a)) (call $wait (local.get $b)))))"#;

const MATH: &str = r#"(module
    (func (export "add") (param $a i32) (param $b i32) (result i32) (i32.add (local.get $a) (local.get $b)))
    (func (export "div") (param $a i32) (param $b i32) (result i32) (i32.div_s (local.get $a) (local.get $b))))"#;

/// The graph of what `run` does with a module, which is the same in every mode.
fn graph(wat: &str, run: impl Fn(&purefork::Module) -> Trace) -> String {
    let _watchdog = Watchdog::new();
    let executors: Vec<_> = modes().map(Mode::executor).collect();
    let mut graphs = executors.iter().map(|exec| run(&loaded(exec, wat)).graph().to_string());
    let first = graphs.next().unwrap();
    for graph in graphs {
        assert_eq!(graph, first);
    }
    first
}

/// Row 21: a trace holds a fork, a wait and, as a subgraph, the body.
#[test]
fn a_trace_has_a_node_for_each_fork_and_wait_and_one_body_for_all_calls_that_are_the_same() {
    expect![[r#"
        graph @fib(%n: i32 = 4) -> i32:                  # fuel 20
          %1: future<i32> = fork @fib.2(3)
          %2: future<i32> = fork @fib.3(2)
          %3: i32 = wait(%1)                             # 2
          %4: i32 = wait(%2)                             # 1
          return 3

        subgraph @fib.2(%n: i32 = 3) -> i32:             # fuel 20
          %1: future<i32> = fork @fib.3(2)
          %2: future<i32> = fork @fib.4(1)
          %3: i32 = wait(%1)                             # 1
          %4: i32 = wait(%2)                             # 1
          return 2

        subgraph @fib.3(%n: i32 = 2) -> i32:             # 2 calls, fuel 20 each
          %1: future<i32> = fork @fib.4(1)
          %2: future<i32> = fork @fib.5(0)
          %3: i32 = wait(%1)                             # 1
          %4: i32 = wait(%2)                             # 0
          return 1

        subgraph @fib.4(%n: i32 = 1) -> i32:             # 3 calls, fuel 6 each, forks nothing
          return 1

        subgraph @fib.5(%n: i32 = 0) -> i32:             # 2 calls, fuel 6 each, forks nothing
          return 0
    "#]]
    .assert_eq(&graph(FIB, |module| module.trace("fib", args![4]).unwrap()));
}

/// Row 23: inlining puts the body in the place of the fork, and deletes its wait.
#[test]
fn inlining_puts_the_body_in_the_place_of_the_fork() {
    let _watchdog = Watchdog::new();
    let exec = Mode::Serial.executor();
    let module = loaded(&exec, FIB);
    expect![[r#"
        graph @fib(%n: i32 = 3) -> i32:                  # fuel 20
          %1: i32 = call @fib.2(2):
            %1: i32 = call @fib.3(1):
              return 1
            %2: i32 = call @fib.4(0):
              return 0
            return 1
          %2: i32 = call @fib.3(1):
            return 1
          return 2
    "#]]
    .assert_eq(&module.trace("fib", args![3]).unwrap().graph().inline().to_string());
}

#[test]
fn what_a_thread_forks_is_one_graph_with_futures_among_the_arguments() {
    let line = line!() + 4;
    let text = graph(MATH, |module| {
        let add = module.function::<(i32, i32), i32>("add").unwrap();
        let (sum, trace) = trace(|| {
            let three = add.fork((1, 2));
            let seven = add.fork((&three, three.map(|n| n + 1)));
            seven.wait()
        });
        assert_eq!(sum.unwrap(), 7);
        trace
    });
    let text =
        text.replace(&format!("{}:{line}", file!()), "HERE").replace(&format!("{}:{}", file!(), line + 1), "BELOW");
    expect![[r#"
        graph host():
          %1: future<i32> = fork @add(1, 2)              # HERE
          %2: future<i32> = fork @add.2(%1, %1)          # BELOW
          %3: i32 = wait(%2)                             # 7

        subgraph @add(%a: i32 = 1, %b: i32 = 2) -> i32:  # fuel 4, forks nothing
          return 3

        subgraph @add.2(%a: i32 = 3, %b: i32 = 4) -> i32: # fuel 4, forks nothing
          return 7
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_call_that_fails_ends_with_its_error() {
    expect![[r#"
        graph @div(%a: i32 = 1, %b: i32 = 0) -> i32:     # forks nothing
          fail Trap: `div` trapped: integer divide by zero at `div` (offset 0x36)
    "#]]
    .assert_eq(&graph(MATH, |module| module.trace("div", args![1, 0]).unwrap()));
}

#[test]
fn a_profile_names_the_guests_functions_and_is_the_same_each_way() {
    let wat = r#"(module
        (import "fork" "work" (func $fork (param i32) (result i32)))
        (import "wait" "work" (func $wait (param i32) (result i32)))
        (func $spin (param $n i32) (loop $more (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (func $twice (param $n i32) (call $spin (local.get $n)) (call $spin (local.get $n)))
        (func (export "work") (param $n i32) (result i32) (call $twice (local.get $n)) (local.get $n))
        (func (export "run") (result i32)
            (call $spin (i32.const 2000))
            (call $wait (call $fork (i32.const 1000)))))"#;
    let _watchdog = Watchdog::new();
    for mode in modes() {
        let exec = mode.executor();
        let trace = loaded(&exec, wat).trace("run", args![]).unwrap();
        expect![[r#"
            run;spin 10010
            run;work;twice;spin 10010
        "#]]
        .assert_eq(&trace.replay().profile(20).unwrap().to_folded());
    }
}

#[test]
fn what_is_recorded_into_a_file_is_read_from_it() {
    let _watchdog = Watchdog::new();
    for mode in modes() {
        let exec = mode.executor();
        let module = loaded(&exec, FIB);
        let path = std::env::temp_dir().join(format!("purefork-trace-{}", std::process::id()));
        let recorder = Recorder::to_file(&path).unwrap();
        let value = event::observe(recorder.clone(), || module.fork("fib", args![15]).unwrap().wait()).unwrap();
        assert_eq!(recorder.finish().unwrap(), Vec::<u8>::new());
        let trace = Trace::read_file(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((value, trace.tasks.len()), (Value::I32(610), 1973));
        assert_eq!(trace.graph(), module.trace("fib", args![15]).unwrap().graph());
        assert_eq!(trace.modules[0].digest, module.digest());
    }
}
