//! Bulk operations that are done in parts do what they did in one go.

use purefork::{ErrorKind, args};
use purefork_tests::{each_executor_with, error, limits, loaded};
use std::time::Duration;

const PAGES: usize = 60;

/// A guest whose functions fill its memory with a pattern, do one operation, and return a sum over all of it.
fn guest(address: &str, second: &str) -> String {
    format!(
        r#"(module
    (memory $one {address} {PAGES}) {second}
    (func $pattern (local $i i32)
        (loop $more
            (i64.store (ADDRESS (local.get $i)) (i64.mul (i64.extend_i32_u (local.get $i)) (i64.const 0x9e3779b97f4a7c15)))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const {size})))))
    (func $sum (result i64) (local $i i32) (local $sum i64)
        (loop $more
            (local.set $sum (i64.mul (i64.xor (local.get $sum) (i64.load (ADDRESS (local.get $i)))) (i64.const 0x100000001b3)))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const {size}))))
        (local.get $sum))
    (func (export "fill") (param $to i32) (param $n i32) (result i64)
        (call $pattern)
        (memory.fill (ADDRESS (local.get $to)) (i32.const 0x1f7) (ADDRESS (local.get $n)))
        (call $sum))
    (func (export "copy") (param $to i32) (param $from i32) (param $n i32) (result i64)
        (call $pattern)
        (memory.copy (ADDRESS (local.get $to)) (ADDRESS (local.get $from)) (ADDRESS (local.get $n)))
        (call $sum)))"#,
        size = PAGES << 16
    )
    .replace("ADDRESS", if address.is_empty() { "nop" } else { "i64.extend_i32_u" })
    .replace("(nop ", "(block (result i32) ")
}

fn pattern() -> Vec<u8> {
    let words = (0..(PAGES << 16) as u64).step_by(8);
    words.flat_map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()
}

fn sum(memory: &[u8]) -> i64 {
    let words = memory.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
    words.fold(0u64, |sum, word| (sum ^ word).wrapping_mul(0x100_0000_01b3)).cast_signed()
}

const MIB: i32 = 1 << 20;

#[test]
fn large_operations_do_what_small_ones_do() {
    let copies = [
        (0, 5, 3 * MIB),
        (5, 0, 3 * MIB),
        (MIB, 0, 2 * MIB + 1),
        (0, MIB, 2 * MIB + 1),
        (3, 3, 3 * MIB),
        (0, 1, MIB),
        (1, 0, MIB + 1),
        (17, 4, 3),
        (2 * MIB, 1, MIB + 7),
        ((PAGES << 16) as i32, 0, 0),
    ];
    let fills = [(0, 3 * MIB + 1), (7, MIB), (7, MIB + 1), ((PAGES << 16) as i32 - 2 * MIB, 2 * MIB), (9, 0)];
    let guests = [guest("", ""), guest("i64", ""), guest("", "(memory $two 1)")];
    each_executor_with(limits(), |exec| {
        for guest in &guests {
            let module = loaded(exec, guest);
            for (to, from, n) in copies {
                let mut memory = pattern();
                memory.copy_within(from as usize..(from + n) as usize, to as usize);
                let found = module.fork("copy", args![to, from, n]).unwrap().wait().unwrap();
                assert_eq!(found, sum(&memory).into(), "copy {to} {from} {n}");
            }
            for (to, n) in fills {
                let mut memory = pattern();
                memory[to as usize..(to + n) as usize].fill(0xf7);
                let found = module.fork("fill", args![to, n]).unwrap().wait().unwrap();
                assert_eq!(found, sum(&memory).into(), "fill {to} {n}");
            }
            let end = (PAGES << 16) as i32;
            for (to, from, n) in
                [(0, 1, end), (1, 0, end), (end + 1, 0, 0), (0, end + 1, 0), (0, 0, -1), (-1, 0, 2 * MIB)]
            {
                let found = error(module.fork("copy", args![to, from, n]).unwrap().wait());
                assert_eq!(found.kind(), ErrorKind::Trap, "{found}");
                assert!(found.to_string().contains("out of bounds memory access"), "{found}");
                assert_eq!(found.backtrace().len(), 1, "{found}");
            }
        }
    });
}

#[test]
fn tables_are_written_in_parts_too() {
    let module = r#"(module
        (table $t 50000 funcref) (elem declare func $one)
        (func $one (result i32) (i32.const 1))
        (func (export "ones") (param $to i32) (param $n i32) (param $at i32) (result i32)
            (table.fill $t (local.get $to) (ref.func $one) (local.get $n))
            (ref.is_null (table.get $t (local.get $at))))
        (func (export "moved") (param $to i32) (param $from i32) (param $n i32) (param $at i32) (result i32)
            (table.set $t (i32.const 20000) (ref.func $one))
            (table.copy $t $t (local.get $to) (local.get $from) (local.get $n))
            (ref.is_null (table.get $t (local.get $at)))))"#;
    each_executor_with(limits(), |exec| {
        let module = loaded(exec, module);
        let call = |name, args| module.fork(name, args).unwrap().wait();
        for (at, null) in [(99, 1), (100, 0), (40_099, 0), (40_100, 1)] {
            assert_eq!(call("ones", args![100, 40_000, at]).unwrap(), null.into(), "{at}");
        }
        for (to, from, at) in [(1, 0, 20_001), (0, 1, 19_999), (7000, 0, 27_000), (0, 7000, 13_000)] {
            assert_eq!(call("moved", args![to, from, 40_000, at]).unwrap(), 0.into(), "{to} {from}");
        }
        let found = error(call("ones", args![10_001, 40_000, 0]));
        assert!(found.to_string().contains("out of bounds table access"), "{found}");
    });
}

#[test]
fn a_result_that_takes_too_long_to_read_is_a_timeout() {
    let module = r#"(component
        (core module $m (memory (export "m") 1)
            (func (export "f") (param $n i32) (result i32) (drop (memory.grow (i32.const 600)))
                (i32.store (i32.const 8) (i32.const 1024)) (i32.store (i32.const 12) (local.get $n)) (i32.const 8)))
        (core instance $i (instantiate $m))
        (func (export "strings") (param "n" u32) (result (list string))
            (canon lift (core func $i "f") (memory $i "m"))))"#;
    let limits = limits().memory(64 << 20).timeout(Duration::from_millis(2));
    each_executor_with(limits, |exec| {
        let found = error(loaded(exec, module).fork("strings", args![2_400_000u32]).unwrap().wait());
        assert_eq!(found.kind(), ErrorKind::Timeout, "{found}");
    });
}
