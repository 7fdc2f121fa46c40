//! What would take too long to compile is refused before; what compilers make, and what is small, is not.

use purefork::{Error, ErrorKind, Executor, Limits};

const STORE: &str = "(i32.store (i32.const 0) (i32.const 1))";
const LOAD: &str = "i32.const 0 i32.load";

fn repeated(text: &str, times: usize) -> String {
    text.repeat(times)
}

fn function(locals: &str, body: &str) -> String {
    format!("(module (memory 1) (table $t 10 funcref) (func $f (export \"f\") {locals} {body} {STORE}))")
}

/// Modules of a few kilobytes in the binary form that take from ten seconds to minutes to compile, and gigabytes of memory.
fn bombs() -> Vec<(&'static str, String)> {
    let values = |n| repeated(" i32", n);
    let constants = |n| repeated("(i32.const 0)", n);
    let drops = |n| repeated("drop ", n);
    let gets = |n: usize| (0..n).map(|i| format!("(local.get {i})")).collect::<String>();
    let many = |n, body: &str| format!("(module (memory 1) {})", repeated(&format!("(func {body})"), n));
    vec![
        ("loops", function("", &repeated("(loop (br_if 0 (i32.const 0)))", 10_000))),
        ("loops in loops", function("", &(repeated("(loop ", 10_000) + &repeated(")", 10_000)))),
        ("blocks in blocks", function("", &(repeated("block ", 100_000) + &repeated("end ", 100_000)))),
        ("blocks", function("", &repeated("(block)", 100_000))),
        // Nothing is set: but each loop is asked for each of them, before it is known that none changes.
        ("reads in loops", {
            let reads: String = (0..2000).map(|i| format!("(drop (local.get {i}))")).collect();
            let locals = format!("(local {})", values(2000));
            function(&locals, &(repeated("(loop ", 1000) + &reads + &repeated(")", 1000)))
        }),
        ("variables that are set late", {
            let sets: String = (0..45_000).map(|i| format!("(local.set {i} (i32.const 1))")).collect();
            let locals = format!("(local {})", values(45_000));
            function(&locals, &(repeated("(block (br_if 0 (i32.const 0)))", 20_000) + &sets))
        }),
        ("returns", function("", &repeated("(if (i32.const 1) (then (return)))", 40_000))),
        (
            "calls of many results",
            format!(
                "(module (memory 1) (func $g (param {p}) (result {p}) {}) (func $f (export \"f\") {} {} {} {STORE}))",
                gets(1000),
                constants(1000),
                repeated("call $g ", 3000),
                drops(1000),
                p = values(1000)
            ),
        ),
        (
            "entries of many parameters",
            format!(
                "(module (type $t (func (param {p}) (result {p}))) (table 500 funcref) (elem (i32.const 0) func {}) {})",
                (0..500).map(|i| format!(" {i}")).collect::<String>(),
                repeated("(func (type $t) unreachable)", 500),
                p = values(1000)
            ),
        ),
        (
            "loops that carry many values",
            format!(
                "(module (memory 1) (type $t (func (param {p}) (result {p}))) (func $f (export \"f\") {} {} {} {STORE}))",
                constants(100),
                repeated("loop (type $t) (br_if 0 (i32.load (i32.const 0))) end ", 1000),
                drops(100),
                p = values(100)
            ),
        ),
        (
            "local variables that meet",
            function(
                &format!("(local {})", values(1000)),
                &format!(
                    "block {LOAD} br_if 0 {} {} end {}",
                    (0..1000).map(|i| format!("{LOAD} local.set {i} ")).collect::<String>(),
                    repeated(&format!("{LOAD} br_if 0 "), 3000),
                    gets(1000) + &drops(1000)
                ),
            ),
        ),
        ("functions", many(100_000, STORE)),
        ("calls through tables", function("", &repeated("(call_indirect (i32.const 0))", 40_000))),
        ("expressions in segments", format!("(module (elem funcref {}))", repeated("(ref.null func)", 300_000))),
        (
            "branches to blocks of many values",
            function(
                "",
                &(format!(
                    "{} {} (i32.load (i32.const 0)) br_table {} {}",
                    repeated(&format!("block (result {})", values(100)), 1000),
                    constants(100),
                    (0..1000).map(|i| format!("{i} ")).collect::<String>(),
                    repeated(&format!("end {} {}", drops(100), constants(100)), 1000)
                ) + &drops(100)),
            ),
        ),
    ]
}

/// So many functions, each of 50,000 local variables: seven bytes each, and kilobytes of text.
fn locals_of_many_functions(n: u32) -> Vec<u8> {
    let number = |mut n: u32| {
        let mut bytes = Vec::new();
        while n > 127 {
            bytes.push(n as u8 | 128);
            n >>= 7;
        }
        bytes.push(n as u8);
        bytes
    };
    let section = |id: u8, body: Vec<u8>| [vec![id], number(body.len() as u32), body].concat();
    let locals = [vec![1], number(50_000), vec![0x7f, 0x0b]].concat();
    let function = [number(locals.len() as u32), locals].concat();
    let types = section(1, vec![1, 0x60, 0, 0]);
    let functions = section(3, [number(n), vec![0; n as usize]].concat());
    let code = section(10, [number(n), function.repeat(n as usize)].concat());
    [b"\0asm\x01\0\0\0".to_vec(), types, functions, code].concat()
}

fn refusal(exec: &Executor, module: impl AsRef<[u8]>) -> Option<Error> {
    exec.load_bytes(module).err()
}

#[test]
fn what_would_take_too_long_to_compile_is_refused_before() {
    let exec = Executor::builder().threads(1).build().unwrap();
    let texts = bombs().into_iter().map(|(name, text)| (name, text.into_bytes()));
    for (name, module) in texts.chain([("local variables of many functions", locals_of_many_functions(4000))]) {
        let error = refusal(&exec, &module).unwrap_or_else(|| panic!("{name} were compiled"));
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
        let text = error.to_string();
        assert!(text.contains("compiling ") && text.contains(" units, and the limit for its "), "{name}: {text}");
        assert!(text.contains("raise `Limits::compile`"), "{name}: {text}");
    }
}

#[test]
fn an_error_names_the_function_what_it_costs_and_the_limit() {
    let exec = Executor::builder().threads(1).limits(Limits::default().compile(0)).build().unwrap();
    let error = refusal(&exec, "(module (func $one (export \"one\") (result i32) (i32.const 1)))").unwrap();
    assert_eq!(
        error.to_string(),
        "compiling `one` would cost 1 units, and the limit for its 4 bytes is 0\n  build it of smaller functions, with fewer parameters, results, loops and branches each, or raise `Limits::compile`"
    );
}

#[test]
fn what_people_write_is_far_below_the_limit() {
    let exec = Executor::builder().threads(1).limits(Limits::default().compile(1)).build().unwrap();
    for name in ["add", "fib", "primes", "sum"] {
        let path = format!("{}/../examples/{name}.wat", env!("CARGO_MANIFEST_DIR"));
        exec.load(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
