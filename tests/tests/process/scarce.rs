//! Hosts that are short of something: address space, file descriptors, memory mappings. Calls give the same results there, or end in
//! an error that says what is missing; and something is left to the host.

use purefork::{ErrorKind, Executor, Limits, Module, args};
use purefork_tests::{in_limited_process, in_own_process};
use std::fs::{self, File};

/// Looks at its memory, and has it grow.
const MEMORY: &str = r#"(module (memory 1) (data (i32.const 8) "data")
    (func (export "load") (param $at i32) (result i32) (i32.load offset=4 (local.get $at)))
    (func (export "keeps") (param $pages i32) (result i32)
        (i32.store (i32.const 65532) (i32.const 7))
        (drop (memory.grow (local.get $pages)))
        (i32.store (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 4)) (i32.const 5))
        (i32.add (i32.load8_u (i32.const 8)) (i32.load (i32.const 65532))))
    (func (export "most") (result i32)
        (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        (memory.size))
    (func (export "far") (result i32) (drop (memory.grow (i32.const 1))) (i32.load (i32.const 131072))))"#;

const ECHO: &str = r#"(component
    (core module $m (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "echo") (param i32 i32) (result i32)
            (i32.store (i32.const 512) (local.get 0))
            (i32.store (i32.const 516) (local.get 1))
            (i32.const 512)))
    (core instance $i (instantiate $m))
    (func (export "echo") (param "text" string) (result string)
        (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc")))))"#;

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

fn call(module: &Module, function: &str, args: purefork::Args) -> String {
    let result = module.fork(function, args).and_then(|future| future.wait());
    result.map_or_else(|error| format!("{:?}: {}", error.kind(), error.message()), |value| value.to_string())
}

/// What calls give, in each kind of sandbox.
fn results(exec: &Executor) -> Vec<String> {
    let [memory, echo, fib] = [MEMORY, ECHO, FIB].map(|text| exec.load_bytes(text).unwrap());
    let mut results = vec![];
    for _ in 0..3 {
        results.push(call(&memory, "load", args![4]));
        results.push(call(&memory, "load", args![65_528]));
        results.push(call(&memory, "load", args![65_529]));
        results.push(call(&memory, "load", args![-8]));
        results.push(call(&memory, "keeps", args![300]));
        results.push(call(&memory, "most", args![]));
        results.push(call(&memory, "far", args![]));
        results.push(call(&echo, "echo", args!["some text"]));
        results.push(call(&fib, "fib", args![15]));
    }
    results
}

fn expected() -> Vec<String> {
    let out_of_bounds = "Trap: `load` trapped: out of bounds memory access";
    let far = "Trap: `far` trapped: out of bounds memory access";
    let once = ["1635017060", "0", out_of_bounds, out_of_bounds, "107", "1009", far, "\"some text\"", "610"]
        .map(str::to_owned);
    [once.clone(), once.clone(), once].concat()
}

#[test]
fn results_are_the_same_however_much_address_space_there_is() {
    for kib in ["unlimited", "1000000000", "40000000", "4000000", "1000000"] {
        in_limited_process(&format!("-v {kib}"), || {
            for builder in [Executor::builder().threads(2), Executor::builder().serial()] {
                assert_eq!(results(&builder.build().unwrap()), expected());
            }
        });
    }
}

#[test]
fn small_limits_take_little_address_space() {
    in_limited_process("-v 1000000", || {
        let limits = Limits::default().depth(0).memory(1 << 20);
        let exec = Executor::builder().threads(1).limits(limits).build().unwrap();
        let memory = exec.load_bytes(MEMORY).unwrap();
        assert_eq!(call(&memory, "keeps", args![3]), "107");
        assert_eq!(call(&memory, "most", args![]), "1");
    });
}

#[test]
fn a_tree_that_does_not_fit_ends_and_says_that_address_space_is_missing() {
    in_limited_process("-v 1000000", || {
        const DEEP: &str = r#"(module
                (import "fork" "deep" (func $fork (param i32) (result i32)))
                (import "wait" "deep" (func $wait (param i32) (result i32)))
                (memory 16)
                (func (export "deep") (param $n i32) (result i32)
                    (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
                    (i32.add (i32.const 1) (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1)))))))"#;
        let exec = Executor::builder().threads(2).build().unwrap();
        let deep = exec.load_bytes(DEEP).unwrap();
        assert_eq!(call(&deep, "deep", args![100]), "100");
        let error = deep.fork("deep", args![5000]).unwrap().wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
        assert!(error.help().unwrap_or_default().contains("`ulimit -v`"), "{error}");
        // And what was held is free again.
        assert_eq!(call(&deep, "deep", args![100]), "100");
    });
}

/// A module that differs from all others, with so many bytes of data.
fn module(number: usize, data: usize) -> String {
    let data = "d".repeat(data);
    format!(
        r#"(module (memory 1) (data (i32.const 0) "{data}")
            (func (export "number") (param $n i32) (result i32)
                (i32.store (i32.const 4) (i32.add (local.get $n) (i32.const {number})))
                (i32.add (i32.load (i32.const 4)) (i32.load8_u (i32.const 0)))))"#
    )
}

fn check(modules: &[Module], which: impl Iterator<Item = usize>) {
    let d = i32::from(b'd');
    for number in which {
        assert_eq!(call(&modules[number], "number", args![1]), (number as i32 + 1 + d).to_string());
    }
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

#[test]
fn any_number_of_modules_can_be_loaded_and_called() {
    in_limited_process("-n 128", || {
        let exec = Executor::builder().threads(2).build().unwrap();
        // The images of the larger ones are files.
        let modules: Vec<_> =
            (0..600).map(|number| exec.load_bytes(module(number, [10, 40_000][number % 2])).unwrap()).collect();
        check(&modules, 0..modules.len());
        check(&modules, 0..50);
        assert!(open_files() < 96, "{} files are open", open_files());
        assert!(mappings() < 20_000, "there are {} mappings", mappings());
        let files: Vec<_> = (0..20).map(|_| File::open("/dev/null").unwrap()).collect();
        check(&modules, (0..modules.len()).rev().step_by(7));
        drop(files);
    });
}

#[test]
fn a_module_that_is_loaded_twice_is_loaded_once() {
    in_own_process(|| {
        let exec = Executor::builder().threads(1).build().unwrap();
        let modules: Vec<_> = (0..10).map(|_| exec.load_bytes(module(1, 40_000)).unwrap()).collect();
        let files = open_files();
        let again: Vec<_> = (0..1000).map(|_| exec.load_bytes(module(1, 40_000)).unwrap()).collect();
        assert!(open_files() < files + 100);
        assert_eq!(call(&again[999], "number", args![1]), call(&modules[0], "number", args![1]));
    });
}

#[test]
fn the_last_file_descriptors_are_left_to_the_host() {
    in_limited_process("-n 128", || {
        let exec = Executor::builder().threads(1).build().unwrap();
        let mut files: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        files.truncate(files.len() - 8);
        let error = exec.load_bytes(module(1, 40_000)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
        assert!(error.message().contains("file descriptors"), "{error}");
        assert!(File::open("/dev/null").is_ok());
        files.truncate(8);
        assert!(exec.load_bytes(module(1, 40_000)).is_ok());
    });
}
