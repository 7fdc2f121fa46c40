//! WASI where time stands still: what guests are given, what they are told, and what they cannot do to the host.

mod asked;
mod compiled;
mod components;
mod files;
mod programs;
mod refused;
mod written;

use purefork::{Executor, Limits, Module, Value, Wasi};
use purefork_tests::{Mode, Watchdog, built, limits, modes, still_answers};

/// Runs a test with an executor of each mode whose guests may import WASI.
fn each_frozen(test: impl Fn(&Executor)) {
    each_frozen_with(limits(), test);
}

/// As [`each_frozen`], with limits of the test's own.
fn each_frozen_with(limits: Limits, test: impl Fn(&Executor)) {
    let _watchdog = Watchdog::new();
    for mode in modes() {
        println!("mode: {mode:?}");
        let exec = frozen(mode, limits.clone());
        test(&exec);
        still_answers(&exec);
    }
}

fn frozen(mode: Mode, limits: Limits) -> Executor {
    built(mode.builder().limits(limits).wasi(Wasi::Frozen))
}

/// Runs a program: its status, and what it wrote to stdout and to stderr.
fn run(program: &Module, args: &[&str], stdin: &[u8]) -> purefork::Result<(u8, Vec<u8>, Vec<u8>)> {
    let words: Vec<Value> = args.iter().map(|arg| Value::from(*arg)).collect();
    let name =
        program.inspect().functions.into_iter().find(|function| function.program).expect("it is a program").exact;
    let result = program.fork(&name, purefork::args![Value::from(words), Value::from(stdin.to_vec())])?.wait()?;
    let bytes = |field| match result.field(field) {
        Some(Value::List(bytes)) => bytes.as_slice::<u8>().expect("they are bytes").to_vec(),
        other => panic!("{field}: {other:?}"),
    };
    let Some(Value::U8(status)) = result.field("status") else { panic!("{result:?}") };
    Ok((*status, bytes("stdout"), bytes("stderr")))
}

/// A core module with the memory of one page that WASI wants; `imports` by name with their types.
fn guest(imports: &[(&str, &str)], rest: &str) -> String {
    let import =
        |(name, ty): &(&str, &str)| format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} {ty}))\n");
    format!("(module {} (memory (export \"memory\") 1) {rest})", imports.iter().map(import).collect::<String>())
}

/// The type of `fd_write` and `fd_read`.
const FOUR: &str = "(param i32 i32 i32 i32) (result i32)";
const TWO: &str = "(param i32 i32) (result i32)";
