//! Guests that the SDK has made: what `cargo build` for wasm32 gives is loaded as it is.

use purefork::{ErrorKind, Executor, Module, Result, Tensor, TensorType, Value, args};
use purefork_tests::{Watchdog, compiled, each_executor};

fn load(exec: &Executor, name: &str) -> Module {
    exec.load_bytes(compiled(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// The text of what a function gives for no arguments.
fn given(module: &Module, function: &str) -> Result<String> {
    Ok(module.fork(function, args![])?.wait()?.to_string())
}

#[test]
fn values_of_every_kind_go_round_through_forks() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        assert_eq!(given(&load(exec, "kinds"), "round-trip").unwrap(), "true");
    });
}

#[test]
fn a_guest_forks_itself() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let fib = load(exec, "fib").function::<u32, u64>("fib").unwrap();
        assert_eq!(fib.fork(15).wait().unwrap(), 610);
    });
}

#[test]
fn a_guest_catches_a_childs_panic() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let both = load(exec, "kinds").function::<String, String>("both").unwrap();
        assert_eq!(both.fork("hi".to_owned()).wait().unwrap(), r#"Ok("HI") Err("trap")"#);
    });
}

#[test]
fn a_panic_is_a_trap_of_the_function_that_panicked() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let error = load(exec, "kinds").fork("shout", args![""]).unwrap().wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trap);
        assert_eq!(error.message(), "`shout` trapped: wasm `unreachable` instruction executed");
        assert!(error.backtrace().iter().any(|frame| frame.function.contains("rust_panic")), "{error:?}");
    });
}

#[test]
fn typed_functions_take_rusts_types() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let kinds = load(exec, "kinds");
        let strlen = kinds.function::<String, u32>("strlen").unwrap();
        assert_eq!(strlen.fork("häuser".to_owned()).wait().unwrap(), "häuser".len() as u32);
        let bytes = kinds.function::<Vec<u8>, Vec<u8>>("list-u8").unwrap();
        assert_eq!(bytes.fork(vec![1, 2, 3]).join().unwrap(), [1, 2, 3]);
        let tensor = kinds.function::<Tensor, Tensor>("echo-tensor").unwrap();
        let sent = Tensor::new([2, 1], TensorType::Fp32, vec![0, 0, 128, 63, 0, 0, 0, 64]).unwrap();
        assert_eq!(tensor.fork(sent.clone()).wait().unwrap(), sent);
    });
}

#[test]
fn names_are_kebab_case_outside_and_snake_case_in_args() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let kinds = load(exec, "kinds");
        let point = Value::record([("x", Value::from(1.5)), ("y", Value::from(2.0))]);
        let back = kinds.fork("echo-record", args![value = point]).unwrap().wait().unwrap();
        assert_eq!(back.to_string(), "{x: 1.5, y: 2}");
    });
}

#[test]
fn a_guest_that_never_forks_imports_nothing_and_its_pure_functions_are_stateless() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let leaf = load(exec, "leaf").inspect();
        assert!(leaf.forks.is_empty());
        let fib = load(exec, "fib").inspect();
        assert_eq!(fib.forks.iter().map(|fork| fork.name.as_str()).collect::<Vec<_>>(), ["fib"]);
        let kinds = load(exec, "kinds").inspect();
        assert!(kinds.function("echo-u32").unwrap().stateless && !kinds.function("echo-u32").unwrap().can_fork);
        assert!(kinds.function("round-trip").unwrap().can_fork);
    });
}

#[test]
fn a_short_call_does_not_grow_memory() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let leaf = load(exec, "leaf");
        // As much as there is at the start, so that growth is refused; the allocator would abort.
        let start: u64 = leaf.inspect().memories.iter().map(|(bytes, _)| bytes).sum();
        let limits = purefork_tests::limits().memory(start as usize);
        let exec = Executor::builder().threads(1).limits(limits).build().unwrap();
        let shout = load(&exec, "leaf").function::<String, String>("shout").unwrap();
        assert_eq!(shout.fork("a short text".to_owned()).wait().unwrap(), "A SHORT TEXT");
        assert_eq!(shout.fork("x".repeat(1 << 20)).wait().unwrap_err().kind(), ErrorKind::OutOfMemory);
    });
}

#[test]
fn a_wit_by_hand_forks_by_its_own_interface() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let hand = load(exec, "hand");
        assert_eq!(hand.fork("run", args![4]).unwrap().wait().unwrap().to_string(), "111");
    });
}
