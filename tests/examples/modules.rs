//! What a process holds that has loaded many modules: 10,000 of about 10 kB, each of which is called.
//!
//! `cargo build --example modules && (ulimit -n 1024; target/debug/examples/modules 10000)`

use purefork::{Executor, Module, args};
use purefork_tests::{built, remains};
use std::fs::File;

/// A module with data and functions of its own.
fn module(exec: &Executor, number: usize) -> (Module, usize) {
    let data = "0123456789abcdef".repeat(512);
    let functions: String = (0..40)
        .map(|n| {
            format!(
                "(func (export \"f{n}\") (param $n i32) (result i32) (i32.store (local.get $n) (i32.const {n}))
                (i32.add (i32.load offset={n} (local.get $n)) (i32.mul (local.get $n) (i32.const {}))))",
                number * 100 + n
            )
        })
        .collect();
    let text = format!("(module (memory 1) (data (i32.const 1024) \"{data}\") {functions})");
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    let size = bytes.len();
    (exec.load_bytes(bytes).unwrap_or_else(|error| panic!("module {number}: {error}")), size)
}

fn main() {
    let many = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1000);
    let exec = built(Executor::builder().threads(2));
    let tell = |what: &str| println!("{what}: {:?}", remains());
    let call = |modules: &[(Module, usize)], numbers: std::ops::Range<usize>| {
        for number in numbers {
            let given = modules[number].0.fork("f7", args![4]).and_then(|future| future.wait());
            let given = given.unwrap_or_else(|error| panic!("module {number}: {error}"));
            assert_eq!(given.to_string(), (4 * (number * 100 + 7)).to_string(), "module {number}");
        }
    };
    tell("before");
    let modules: Vec<_> = (0..many).map(|number| module(&exec, number)).collect();
    println!("each has about {} bytes", modules[0].1);
    tell("loaded");
    call(&modules, 0..many);
    tell("called");
    call(&modules, 0..many / 10);
    tell("called again");
    assert!(File::open("/dev/null").is_ok(), "no file can be opened");
    drop(modules);
    tell("dropped");
}
