//! What a guest may have the host hold is bounded in bytes that the host really takes, whatever the value's type.

use purefork::{ErrorKind, Executor, Limits, Value, args};
use purefork_tests::in_own_process;
use std::fs;

/// The limit on a guest's memory. Its results may be four times as large, and 64 KiB.
const MEMORY: usize = 16 << 20;
const BUDGET: usize = 4 * MEMORY + (64 << 10);

/// Functions that give as many values as they are asked for, each the smallest of its type, from the same few bytes.
const MANY: &str = r#"(component
    (core module $code
        (memory (export "memory") 250)
        (func $list (param $n i32) (result i32)
            (i32.store (i32.const 0) (i32.const 16))
            (i32.store (i32.const 4) (local.get $n))
            (i32.const 0))
        (func (export "zeros") (param $n i32) (result i32) (call $list (local.get $n)))
        (func (export "ones") (param $n i32) (result i32)
            (memory.fill (i32.const 16) (i32.const 1) (i32.mul (local.get $n) (i32.const 4)))
            (call $list (local.get $n)))
        (func (export "lists") (param $n i32) (result i32) (local $i i32)
            (loop $next
                (i32.store (i32.add (i32.const 20) (i32.mul (local.get $i) (i32.const 8))) (i32.const 1))
                (br_if $next
                    (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
            (call $list (local.get $n))))
    (core instance $code (instantiate $code))
    (type $pair' (record (field "a" u8) (field "b" u8)))
    (export $pair "pair" (type $pair'))
    (func (export "strings") (param "n" u32) (result (list string))
        (canon lift (core func $code "zeros") (memory $code "memory")))
    (func (export "pairs") (param "n" u32) (result (list $pair))
        (canon lift (core func $code "zeros") (memory $code "memory")))
    (func (export "options") (param "n" u32) (result (list (option (option (option u8)))))
        (canon lift (core func $code "ones") (memory $code "memory")))
    (func (export "lists") (param "n" u32) (result (list (list u8)))
        (canon lift (core func $code "lists") (memory $code "memory")))
    (func (export "tuples") (param "n" u32) (result (list (tuple char)))
        (canon lift (core func $code "zeros") (memory $code "memory")))
    (func (export "bytes") (param "n" u32) (result (list u8))
        (canon lift (core func $code "zeros") (memory $code "memory"))))"#;

fn executor() -> Executor {
    let limits = Limits::default().memory(MEMORY);
    Executor::builder().limits(limits).serial().build().unwrap()
}

/// So many bytes of memory the process has had at most.
fn most_resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib << 10
}

/// Has the guest return as many values as it may, in a process that must hold nothing else.
fn is_bounded(name: &str) {
    let exec = executor();
    let module = exec.load_bytes(MANY).unwrap();
    let call = |n: u32| module.fork(name, args![n])?.wait();
    call(1).unwrap();
    let before = most_resident();
    let (mut fits, mut does_not) = (1u32, 1 << 21);
    while does_not - fits > 4096 {
        let n = fits.midpoint(does_not);
        match call(n) {
            Ok(_) => fits = n,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{name}: {error}");
                does_not = n;
            }
        }
    }
    // Beside what the guest itself has written to.
    let taken = most_resident() - before;
    let most = BUDGET * 3 / 2 + MEMORY;
    assert!(taken <= most, "{taken} bytes for {fits} values, of {most}");
    // Nor is the limit met long before.
    assert!(taken >= BUDGET / 2, "{taken} bytes for {fits} values");
}

macro_rules! bounded {
    ($($test:ident $name:literal)*) => {$(
        #[test]
        fn $test() {
            in_own_process(|| is_bounded($name));
        }
    )*};
}

bounded! {
    empty_strings_take_no_more_than_the_limit_says "strings"
    small_records_take_no_more_than_the_limit_says "pairs"
    small_tuples_take_no_more_than_the_limit_says "tuples"
    options_in_options_take_no_more_than_the_limit_says "options"
    short_lists_take_no_more_than_the_limit_says "lists"
}

#[test]
fn a_guest_that_is_half_full_of_bytes_can_return_them() {
    let exec = executor();
    let module = exec.load_bytes(MANY).unwrap();
    let half = (MEMORY / 2) as u32;
    match module.fork("bytes", args![half]).unwrap().wait().unwrap() {
        Value::List(list) => assert_eq!(list.len(), half as usize),
        other => panic!("{other}"),
    }
    let strings = module.fork("strings", args![half / 8]).unwrap().wait();
    assert!(strings.is_ok_and(|value| matches!(value, Value::List(list) if list.len() == (half / 8) as usize)));
    match module.fork("strings", args![half / 5]).unwrap().wait() {
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::OutOfMemory);
            assert_eq!(error.message(), "`strings` returned more than its limit on memory allows");
        }
        Ok(value) => panic!("{} bytes", value.to_string().len()),
    }
}
