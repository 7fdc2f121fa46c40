//! The places that an error names are those of the file that was given, whichever way its guest runs.

use super::{WAYS, executor, not_recycled, outcome};
use expect_test::{Expect, expect};
use purefork::Value;

/// One function for each kind of trap. What is passed is an address or an index that is out of bounds.
const TRAPS: &str = r#"(module
    (memory (export "memory") 1 2)
    (table funcref (elem $first $second))
    (type $plain (func))
    (global $count (mut i32) (i32.const 0))
    (func $first (global.set $count (i32.add (global.get $count) (i32.const 1))))
    (func $second (param i64))
    (func (export "load") (param i32) (i32.store (i32.const 8) (i32.const 1)) (drop (i32.load offset=3 (local.get 0))))
    (func (export "add in place") (param i32)
        (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1))))
    (func (export "add elsewhere") (param i32) (local i64)
        (i32.store (i32.const 8) (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.load (local.get 0)))))
    (func (export "add elsewhere and here") (param i32) (result i32)
        (i32.store (i32.const 8) (i32.const 1))
        (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.load (local.get 0))))
    (func (export "compare") (param i32) (result i32)
        (i32.store (i32.const 8) (i32.lt_u (local.get 0) (i32.load (local.get 0)))) (i32.const 1))
    (func (export "convert") (param i32)
        (f64.store (i32.const 8) (f64.add (f64.const 1) (f64.load (local.get 0)))))
)"#;

#[test]
fn t() {
    let ex = WAYS.map(executor); let modules = [0, 1].map(|i| ex[i].load_bytes(TRAPS).expect("it is pure"));
    assert_eq!(not_recycled(TRAPS.as_bytes()), None);
    for f in ["load", "add in place", "add elsewhere", "add elsewhere and here", "compare", "convert"] {
        for at in [-1, 65536, i32::MAX] {
            let outs = [0, 1].map(|i| outcome(&modules[i], f, &[Value::I32(at)]));
            println!("{f} {at}: {} {:?}\n {:?}", outs[0] == outs[1], outs[0], outs[1]);
        }
    }
    let _ : Expect = expect![""];
}
