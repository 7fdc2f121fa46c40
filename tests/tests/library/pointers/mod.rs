//! Core modules whose functions take pointers, called with texts and lists.

mod allocators;
mod wrong;

use expect_test::expect;
use purefork::{Args, Assembly, Executor, Isolation, Module, Value, args};
use purefork_tests::{each_executor, error, outcome};

/// Sums, a state that is updated, texts, an allocator.
const MODULE: &str = include_str!("../../cli/guests/pointers.wat");

const WORLD: &str = r#"world pointers {
    export sum: func(data: list<u8>, seed: u64) -> u64;
    /// The state's last value.
    /// = h = init(); update(h, data, len); out = &8; final(h, out); u64(out)
    export digest: func(data: list<u8>) -> u64;
    /// = size = &4
    ///   u32(size) = 1000
    ///   to = room(1000)
    ///   double(to, size, data,
    ///       len(data))
    ///   bytes(to, u32(size))
    export twice: func(data: list<u8>) -> list<u8>;
    export version: func() -> string;
    /// = first(text)
    export first: func(text: string) -> u32;
    /// = list(numbers, len(numbers))
    export same: func(numbers: list<f32>) -> list<f32>;
    /// = copy(to, from, len(from)); list(to, len(to))
    export over: func(to: list<s8>, %from: list<s8>) -> list<s8>;
}"#;

fn script(exec: &Executor, params: &[&str], script: &str) -> purefork::Result<Module> {
    exec.load_options().script(params.iter().copied(), script).load_bytes(MODULE)
}

#[test]
fn a_world_gives_functions_their_types() {
    each_executor(|exec| {
        let module = exec.load_options().wit(WORLD).load_bytes(MODULE).unwrap();
        let functions: Vec<_> = module.inspect().functions.iter().map(ToString::to_string).collect();
        assert_eq!(
            functions,
            [
                "sum(data: list<u8>, seed: u64) -> u64",
                "digest(data: list<u8>) -> u64",
                "twice(data: list<u8>) -> list<u8>",
                "version() -> string",
                "first(text: string) -> u32",
                "same(numbers: list<f32>) -> list<f32>",
                "over(to: list<s8>, from: list<s8>) -> list<s8>",
            ]
        );
        let given = |function: &str, args: Args| match module.fork(function, args).unwrap().wait() {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        };
        for _ in 0..2 {
            assert_eq!(given("sum", args![b"abc".to_vec(), 0u64]), "96354");
            assert_eq!(given("digest", args![b"abc".to_vec()]), "304891");
            assert_eq!(given("twice", args![vec![1u8, 2]]), "[1, 1, 2, 2]");
            assert_eq!(given("version", args![]), "\"1.2.13\"");
            assert_eq!(given("first", args!["\u{7f}"]), "127");
            assert_eq!(given("first", args![""]), "0");
            assert_eq!(given("same", args![vec![1.5f32, -2.0]]), "[1.5, -2]");
            assert_eq!(given("over", args![vec![1i8, 2, 3], vec![-1i8, -2]]), "[-1, -2, 3]");
        }
        let sum = module.function::<(Vec<u8>, u64), u64>("sum").unwrap();
        assert_eq!(sum.fork((b"abc".to_vec(), 1)).wait().unwrap(), 126_145);
    });
}

#[test]
fn a_script_is_one_call_that_leaves_nothing() {
    each_executor(|exec| {
        let module = script(exec, &["a", "b"], "h = init(); update(h, a, len); update(h, b, len(b)); u64(h)").unwrap();
        let call = || module.fork("script", args![vec![1u8, 2], vec![3u8]]).unwrap().wait().unwrap();
        assert_eq!(call(), Value::I64(209_563));
        assert_eq!(call(), Value::I64(209_563));
    });
}

#[test]
fn the_last_statement_gives_the_value() {
    let exec = Executor::builder().serial().build().unwrap();
    let given = |text: &str| {
        let module = script(&exec, &["data"], text).unwrap();
        outcome(&module, "script", &[Value::from(b"hallo".to_vec())]).map(|value| value.to_string())
    };
    let texts = [
        "7",
        "0.5",
        "len(data)",
        "data; len",
        "update(init(), data, len(data))",
        "h = init()",
        "u64(init())",
        "u32(&4) = 5",
        "p = &4; u16(p) = 0xffff; s16(p)",
        "p = &8; f64(p) = 1.5; f64(p)",
        "bytes(data, 2)",
        "string(data)",
        "string(data, 4)",
        "string(\"a\\nb\")",
        "bytes(\"ab\", 3)",
        "sum(data, len, len)",
        "first(\"z\")",
        "bytes(room(3), 3)",
        "string(data + 2, len(data) - 3)",
        "2 + 3 * 4 - 1",
        "(2 + 3) * -4",
        "-1-1",
        "10 - 3 - 2",
        "7 + u64(init())",
        "2 * (1 + u64(init()))",
        "p = &4 - 1; u8(p + 1) = 9; u8(p + 1)",
        "1.5 * 2.0",
        "top",
        "malloc(100); top - limit",
        "limit = 3; limit",
        "1e2 + 1e-1",
        "2 * 1.5e-2",
        "sum(data, 1 + len, 0)",
    ];
    let all: String = texts.iter().map(|text| format!("{text}  →  {}\n", given(text).unwrap())).collect();
    expect![[r#"
        7  →  7
        0.5  →  0.5
        len(data)  →  5
        data; len  →  5
        update(init(), data, len(data))  →  ()
        h = init()  →  512
        u64(init())  →  7
        u32(&4) = 5  →  ()
        p = &4; u16(p) = 0xffff; s16(p)  →  -1
        p = &8; f64(p) = 1.5; f64(p)  →  1.5
        bytes(data, 2)  →  [104, 97]
        string(data)  →  "hallo"
        string(data, 4)  →  "hall"
        string("a\nb")  →  "a\nb"
        bytes("ab", 3)  →  [97, 98, 0]
        sum(data, len, len)  →  242188913
        first("z")  →  122
        bytes(room(3), 3)  →  [0, 0, 0]
        string(data + 2, len(data) - 3)  →  "ll"
        2 + 3 * 4 - 1  →  13
        (2 + 3) * -4  →  -20
        -1-1  →  -2
        10 - 3 - 2  →  5
        7 + u64(init())  →  14
        2 * (1 + u64(init()))  →  16
        p = &4 - 1; u8(p + 1) = 9; u8(p + 1)  →  9
        1.5 * 2.0  →  3
        top  →  1040
        malloc(100); top - limit  →  -64384
        limit = 3; limit  →  3
        1e2 + 1e-1  →  100.1
        2 * 1.5e-2  →  0.03
        sum(data, 1 + len, 0)  →  3070337898
    "#]]
    .assert_eq(&all);
}

/// Data is no part of the code: a script is compiled once, whatever it is called with.
#[test]
fn the_same_script_is_the_same_module() {
    let bytes = || Assembly::new().script(["data"], "sum(data, len, 0)").bytes(MODULE).unwrap();
    assert_eq!(bytes(), bytes());
    let exec = Executor::builder().serial().isolation(Isolation::Recycled).build().unwrap();
    let module = exec.load_bytes(bytes()).unwrap();
    assert_eq!(module.inspect().fresh, None);
}

#[test]
fn what_lies_outside_of_memory_is_told() {
    let exec = Executor::builder().serial().build().unwrap();
    let told = |text: &str| {
        let module = script(&exec, &[], text).unwrap();
        error(module.fork("script", args![]).unwrap().wait()).message().to_owned()
    };
    let texts = ["bytes(65530, 10)", "string(65530, 10)", "bytes(0, -1)", "bytes(room(70000), 1)", "u32(65533)"];
    let all: String = texts.iter().map(|text| format!("{text}  →  {}\n", told(text))).collect();
    expect![[r#"
        bytes(65530, 10)  →  `script` returned a list of 10 bytes at address 65530, beyond the end of its memory
        string(65530, 10)  →  `script` returned a string of 10 bytes at address 65530, beyond the end of its memory
        bytes(0, -1)  →  `script` returned a list of 4294967295 bytes at address 0, beyond the end of its memory
        bytes(room(70000), 1)  →  `script` trapped: wasm `unreachable` instruction executed
        u32(65533)  →  `script` trapped: out of bounds memory access
    "#]]
    .assert_eq(&all);
}
