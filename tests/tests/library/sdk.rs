//! Guests that the SDK has made: what `cargo build` for wasm32 gives is loaded as it is.

use purefork::value::{Tensor, TensorType};
use purefork::{ErrorKind, Executor, Module, Result, Value, args};
use purefork_tests::{Watchdog, compiled, each_executor, each_executor_with};

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
        let start: u64 = leaf.inspect().memories.iter().map(|memory| memory.minimum_bytes).sum();
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
        let loaded = hand.preinit("load", args![vec![1u8, 2]]).unwrap();
        assert_eq!(given(&loaded, "loaded").unwrap(), "[1, 2]");
        assert_eq!(given(&hand, "loaded").unwrap(), "[]");
    });
}

/// The sum of the squares of the numbers below 1,000.
const SQUARES: u64 = 332_833_500;

fn floats(numbers: &[f32]) -> Tensor {
    let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Tensor::new([numbers.len() as u32], TensorType::Fp32, data).unwrap()
}

#[test]
fn what_is_loaded_once_is_there_in_every_call_and_in_every_fork() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let bare = load(exec, "weights");
        let loaded = bare.preinit("load", args![floats(&[2.0, 3.0])]).unwrap();
        let forward = loaded.function::<Vec<f32>, Result<f32, String>>("forward").unwrap();
        let results: Vec<_> = (0..100).map(|n| forward.fork(vec![n as f32, 1.0])).collect();
        for (n, result) in results.into_iter().enumerate() {
            assert_eq!(result.wait().unwrap(), Ok(2.0 * n as f32 + 3.0));
        }
        let all = loaded.function::<Vec<Vec<f32>>, Result<Vec<f32>, String>>("forward-all").unwrap();
        assert_eq!(all.fork(vec![vec![10.0, 1.0], vec![0.0, 2.0]]).wait().unwrap(), Ok(vec![23.0, 6.0]));
        // The module that it was made from is as it was.
        let forward = bare.function::<Vec<f32>, Result<f32, String>>("forward").unwrap();
        assert_eq!(forward.fork(vec![1.0]).wait().unwrap(), Err("no weights are loaded".to_owned()));
    });
}

#[test]
fn what_a_call_changes_of_what_was_loaded_no_other_sees() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let loaded = load(exec, "weights").preinit("warm-up", args![50]).unwrap();
        let change = loaded.function::<(), (u32, u32)>("change").unwrap();
        let changes: Vec<_> = (0..20).map(|_| change.fork(())).collect();
        for change in changes {
            assert_eq!(change.wait().unwrap(), (101, 5));
        }
        assert_eq!(given(&loaded, "changed-by-fork").unwrap(), "((101, 5), 100)");
    });
}

#[test]
fn a_state_is_loaded_in_steps_and_an_err_ends_them() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let warm = load(exec, "weights").preinit("warm-up", args![10]).unwrap();
        let loaded = warm.preinit("load", args![floats(&[2.0])]).unwrap();
        assert_eq!(given(&loaded, "change").unwrap(), "(101, 1)");
        let forward = loaded.function::<Vec<f32>, Result<f32, String>>("forward").unwrap();
        assert_eq!(forward.fork(vec![4.0]).wait().unwrap(), Ok(8.0));
        let error = loaded.preinit("load", args![floats(&[1.0])]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert_eq!(error.message(), "`load` returned an error: \"the weights are loaded already\"");
    });
}

#[test]
fn the_heap_goes_on_after_what_was_loaded() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let bare = load(exec, "weights");
        let loaded = bare.preinit("warm-up", args![5000]).unwrap();
        let names = (0..5000).step_by(10).map(|n| format!("name {n}").len() as u64).sum::<u64>();
        for (module, names) in [(&bare, 0), (&loaded, names)] {
            let churn = module.function::<u32, (u64, u64)>("churn").unwrap();
            for rounds in [3, 1000] {
                assert_eq!(churn.fork(rounds).wait().unwrap(), (SQUARES, names));
            }
        }
    });
}

#[test]
fn a_short_call_does_not_grow_memory_after_much_was_loaded() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let loaded = load(exec, "weights").preinit("load-as-given", args![vec![1.5f32; 300_000]]).unwrap();
        let start: u64 = loaded.inspect().memories.iter().map(|memory| memory.minimum_bytes).sum();
        let limits = purefork_tests::limits().memory(start as usize);
        let exec = Executor::builder().threads(1).limits(limits).build().unwrap();
        let churn = exec.load_bytes(loaded.bytes().unwrap()).unwrap();
        let churn = churn.function::<u32, (u64, u64)>("churn").unwrap();
        // Blocks of 115 KB are for the heap that is there at the start, and of 357 KB for the room beyond it as well.
        for rounds in [40, 70] {
            assert_eq!(churn.fork(rounds).wait().unwrap(), (SQUARES, 0));
        }
        assert_eq!(churn.fork(1000).wait().unwrap_err().kind(), ErrorKind::OutOfMemory);
    });
}

#[test]
fn a_large_state_is_loaded_and_kept_once() {
    let _watchdog = Watchdog::new();
    let limits = purefork_tests::limits().memory(128 << 20);
    each_executor_with(limits, |exec| {
        let numbers: Vec<f32> = (0..4 << 20).map(|n| (n % 251) as f32).collect();
        let loaded = load(exec, "weights").preinit("load", args![floats(&numbers)]).unwrap();
        let forward = loaded.function::<Vec<f32>, Result<f32, String>>("forward").unwrap();
        assert_eq!(forward.fork(vec![0.0, 1.0, 1.0]).wait().unwrap(), Ok(3.0));
        // The argument, as large as what was made of it, has left nothing but zeros.
        let bytes = loaded.bytes().unwrap().len();
        assert!(bytes < 17 << 20, "{bytes}");
    });
}

#[test]
fn a_batch_is_one_call_of_all_its_rows() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let batches = load(exec, "batches");
        let signatures: Vec<String> = batches.inspect().functions.iter().map(ToString::to_string).collect();
        for signature in [
            "gcd(a: s64, b: s64) -> s64",
            "gcd-batch(a: list<s64>, b: list<s64>) -> list<s64>",
            "quotient-batch(a: list<s64>, b: list<s64>) -> result<list<s64>, string>",
            "check-batch(number: list<u32>) -> result<_, string>",
            "tell-batch(place: list<record { name: string, people: option<u32> }>, before: list<string>, numbers: list<list<u8>>) -> list<option<string>>",
        ] {
            assert!(signatures.iter().any(|known| known == signature), "{signature}: {signatures:#?}");
        }
        let gcd = batches.function::<(Vec<i64>, Vec<i64>), Vec<i64>>("gcd-batch").unwrap();
        assert_eq!(gcd.fork((vec![12, -35, 0], vec![18, 21, 0])).wait().unwrap(), [6, 7, 0]);
        assert_eq!(gcd.fork((vec![], vec![])).wait().unwrap(), Vec::<i64>::new());
        let halves = batches.function::<(Vec<i64>, Vec<i64>), Vec<i64>>("halves").unwrap();
        let (a, b): (Vec<i64>, Vec<i64>) = (1..=10_001).map(|n| (6 * n, 9 * n)).unzip();
        assert_eq!(halves.fork((a, b)).wait().unwrap(), (1..=10_001).map(|n| 3 * n).collect::<Vec<_>>());
        // The rows of a call have one state, each call its own.
        let count = batches.function::<Vec<bool>, Vec<u32>>("count-batch").unwrap();
        for _ in 0..3 {
            assert_eq!(count.fork(vec![true; 3]).wait().unwrap(), [1, 2, 3]);
        }
        let one = batches.function::<bool, u32>("count").unwrap();
        assert_eq!((0..3).map(|_| one.fork(true).wait().unwrap()).collect::<Vec<_>>(), [1, 1, 1]);
    });
}

#[test]
fn a_batch_takes_and_gives_whatever_lists_hold() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let batches = load(exec, "batches");
        let texts = |texts: [&str; 2]| Value::List(texts.map(Value::from).to_vec().into());
        let people = Value::List(vec![Value::Option(None), Value::Option(Some(Value::U32(3).into()))].into());
        let places = batches.fork("place-batch", args![texts(["Ulm", "Rome"]), people]).unwrap().wait().unwrap();
        assert_eq!(places.to_string(), r#"[{name: "Ulm"}, {name: "Rome", people: some(3)}]"#);
        let numbers: Vec<Value> = vec![vec![1u8].into(), vec![2u8, 3].into()];
        let told = batches.fork("tell-batch", args![places, texts(["", "in "]), Value::List(numbers.into())]);
        assert_eq!(told.unwrap().wait().unwrap().to_string(), r#"[none, some("in Rome: 3 [2, 3]")]"#);
    });
}

#[test]
fn a_batch_that_fails_says_which_row_has_failed() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let batches = load(exec, "batches");
        let quotient = batches.function::<(Vec<i64>, Vec<i64>), Result<Vec<i64>, String>>("quotient-batch").unwrap();
        assert_eq!(quotient.fork((vec![12, 35], vec![4, 5])).wait().unwrap(), Ok(vec![3, 7]));
        let failed = quotient.fork((vec![12, 35, 1], vec![4, 0, 0])).wait().unwrap();
        assert_eq!(failed, Err("row 1: 35 / 0 is no number".to_owned()));
        let check = batches.function::<Vec<u32>, Result<(), String>>("check-batch").unwrap();
        assert_eq!(check.fork(vec![2, 4]).wait().unwrap(), Ok(()));
        assert_eq!(check.fork(vec![2, 4, 4, 5]).wait().unwrap(), Err("row 3: 5 is odd".to_owned()));
    });
}

#[test]
fn columns_of_different_lengths_are_a_trap_that_says_so() {
    let _watchdog = Watchdog::new();
    each_executor(|exec| {
        let gcd = load(exec, "batches").function::<(Vec<i64>, Vec<i64>), Vec<i64>>("gcd-batch").unwrap();
        let error = gcd.fork((vec![12, 35], vec![18])).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trap);
        assert_eq!(error.message(), "`gcd-batch` trapped: wasm `unreachable` instruction executed");
        assert_eq!(error.backtrace()[0].function, "purefork_guest::batch::columns_of_different_lengths");
    });
}
