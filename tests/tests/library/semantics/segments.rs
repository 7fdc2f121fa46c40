//! Modules of more data segments than a compiler can take one by one.

use purefork::{Error, ErrorKind, args};
use purefork_tests::{each_executor, error};

/// A module with a segment of four bytes, which are its number, every `step` bytes; `load` reads what is at an address, and
/// `store` writes, and gives what was there.
fn module(segments: u32, step: u32) -> Vec<u8> {
    let segment = |number: u32| {
        let bytes: String = number.to_le_bytes().iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!("(data (i32.const {}) \"{bytes}\")", number * step)
    };
    let data: String = (0..segments).map(segment).collect();
    let pages = segments * step / 65536 + 1;
    let wat = format!(
        r#"(module (memory {pages}) {data}
            (func $load (export "load") (param i32) (result i32) (i32.load (local.get 0)))
            (func (export "store") (param i32) (result i32)
                (call $load (local.get 0))
                (i32.store (local.get 0) (i32.const -1))))"#
    );
    wat::parse_str(wat).unwrap()
}

#[test]
fn neighbours_are_one() {
    for (segments, step) in [(81_192, 12), (30_000, 68), (25_000, 4)] {
        let bytes = module(segments, step);
        each_executor(|exec| {
            let module = exec.load_bytes(&bytes).unwrap();
            let get =
                |function: &str, at: u32| Ok::<_, Error>(module.fork(function, args![at as i32])?.wait()?.to_string());
            for number in [0, 1, 2, 77, segments / 2, segments - 1] {
                for _ in 0..2 {
                    assert_eq!(get("load", number * step).unwrap(), number.to_string());
                    // As at the start, whatever an earlier call wrote.
                    assert_eq!(get("store", number * step).unwrap(), number.to_string());
                }
                if step >= 8 {
                    assert_eq!(get("load", number * step + 4).unwrap(), "0");
                }
            }
            let frozen = module.preinit("store", args![step as i32]).unwrap();
            assert_eq!(frozen.fork("load", args![step as i32]).unwrap().wait().unwrap().to_string(), "-1");
        });
    }
}

#[test]
fn what_lies_too_far_apart_is_counted() {
    each_executor(|exec| {
        let refused = error(exec.load_bytes(module(25_000, 69)));
        assert_eq!(refused.kind(), ErrorKind::Impure);
        let expected = "declares 1 types, 0 globals, 0 imports and 25000 segments, and 20000 are allowed all together; build it of fewer";
        assert_eq!(refused.reasons()[0].message, expected);
    });
}

/// Where making an instance fails, it still does, in each call; and places in code stay what they were.
#[test]
fn what_is_written_beyond_a_memory_still_traps() {
    each_executor(|exec| {
        for wat in [
            r#"(module (memory 1) (data (i32.const 0) "a") (data (i32.const 1) "b") (data (i32.const 65535) "cd")
                (func (export "f")))"#,
            r#"(module (memory 1) (data (i32.const 0) "a") (data (i32.const 1) "b") (data (i32.const 65537) "")
                (func (export "f")))"#,
        ] {
            let module = exec.load_bytes(wat).unwrap();
            let error = error(module.fork("f", args![]).unwrap().wait());
            assert_eq!(error.message(), "`f` trapped: out of bounds memory access");
        }
        let wat =
            r#"(module (memory 1) (data (i32.const 0) "a") (data (i32.const 1) "b") (func (export "f") unreachable))"#;
        let error = error(exec.load_bytes(wat).unwrap().fork("f", args![]).unwrap().wait());
        assert_eq!(wat::parse_str(wat).unwrap()[error.backtrace()[0].offset.unwrap()], 0);
    });
}
