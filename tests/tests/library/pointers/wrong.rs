//! What does not fit is told before anything runs; and a section that lies is not believed.

use super::{MODULE, script};
use expect_test::expect;
use purefork::Executor;
use purefork_tests::{error, loaded};

#[test]
fn a_script_that_does_not_fit_is_told() {
    let exec = Executor::builder().serial().build().unwrap();
    let texts = [
        "",
        "sum(data)",
        "sum(data, len, 0.5)",
        "nosuch(1)",
        "first(x)",
        "first(9999999999)",
        "len(1)",
        "len",
        "&x",
        "bytes(data, 1); 2",
        "bytes(1)",
        "string()",
        "first(u64(data))",
        "update(1, 2, 3) = 4",
        "len = 3",
        "x = update(1, 2, 3)",
        "first(update(1, 2, 3))",
        "first(first(",
        "u8()",
        "copy(1, 2)",
        "malloc = malloc(3); malloc(malloc)",
        "data +",
        "(data",
        "data + 0.5",
        "data - u64(data)",
        "first(1 + u64(data))",
        "u64(data) + data",
        "update(1, 2, 3) + 1",
        "data-1",
        "1 + 1 * + 2",
        "x=1; x-=1",
        "top = 3; top",
        "sum(data + 1, len, 0)",
    ];
    let told = |text: &str| match script(&exec, &["data"], text) {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.to_string().replace('\n', " |"),
    };
    let all: String = texts.iter().map(|text| format!("{text}  →  {}\n", told(text))).collect();
    expect![[r#"
          →  expected a script, such as `f(data, len(data))`, but it is empty
        sum(data)  →  the module's `sum` takes (i32, i32, i64), but the script gives it 1 argument
        sum(data, len, 0.5)  →  expected i64 in the script, but was given `0.5`
        nosuch(1)  →  the module exports no function `nosuch` that takes and gives numbers |  it exports `malloc`(i32) -> (i32), `sum`(i32, i32, i64) -> (i64), `init`() -> (i32), `update`(i32, i32, i32) -> (), `final`(i32, i32) -> (), `double`(i32, i32, i32, i32) -> (i32), `version`() -> (i32), `first`(i32) -> (i32)
        first(x)  →  the script has no value called `x` |  there is `data`
        first(9999999999)  →  expected i32 in the script, but was given `9999999999`
        len(1)  →  expected `len(name)` in the script, but `len` has other arguments
        len  →  `len` is the length of what stood last as an address, and there is none before it |  write `len(name)`
        &x  →  expected how many bytes, such as `&32`, in the script, but `x` stands at byte 1
        bytes(data, 1); 2  →  `bytes` stands elsewhere than at the end of the script |  it says which bytes are the value of the whole script
        bytes(1)  →  expected `bytes(p, n)` in the script, but `bytes` has other arguments
        string()  →  expected `string(p)` or `string(p, n)` in the script, but `string` has other arguments
        first(u64(data))  →  expected i32 for parameter 1 of `first` in the script, but was given i64
        update(1, 2, 3) = 4  →  expected a name, or a place such as `u32(p)`, before `=` in the script, but `=` stands at byte 16
        len = 3  →  `len` is a word of scripts |  choose another name
        x = update(1, 2, 3)  →  `x` is given what gives nothing
        first(update(1, 2, 3))  →  expected i32 for parameter 1 of `first` in the script, but was given what gives nothing
        first(first(  →  expected a value in the script, but it ends there
        u8()  →  expected one address, as in `u8(p)`
        copy(1, 2)  →  expected `copy(to, from, n)` in the script, but `copy` has other arguments
        malloc = malloc(3); malloc(malloc)  →  taken
        data +  →  expected a value in the script, but it ends there
        (data  →  expected `)` in the script, but it ends there
        data + 0.5  →  expected i32 in the script, but was given `0.5`
        data - u64(data)  →  expected i32 for the right side of `-` in the script, but was given i64
        first(1 + u64(data))  →  expected i32 for the right side of `+` in the script, but was given i64
        u64(data) + data  →  expected i64 for the right side of `+` in the script, but was given i32
        update(1, 2, 3) + 1  →  the left side of `+` in the script gives nothing
        data-1  →  the script has no value called `data-1` |  spaces stand around `-` where it subtracts
        1 + 1 * + 2  →  expected a value in the script, but `+` stands at byte 8
        x=1; x-=1  →  expected a value in the script, but `=` stands at byte 7
        top = 3; top  →  `top` is a global variable of the module's, which a script cannot set |  choose another name
        sum(data + 1, len, 0)  →  `len` is the length of what stood last as an address, and there is none before it |  write `len(name)`
    "#]].assert_eq(&all);
}

#[test]
fn a_script_that_uses_memory_is_refused_where_there_is_none() {
    let exec = Executor::builder().serial().build().unwrap();
    let module = r#"(module (func (export "f") (param i32) (result f64) (f64.const 1)))"#;
    for text in ["f(\"a\")", "f(&8)", "u8(1)", "u8(1) = 2", "copy(1, 2, 3)", "bytes(1, 2)", "string(1)", "f(room(1))"] {
        let error = error(exec.load_options().script(Vec::<String>::new(), text).load_bytes(module));
        assert_eq!(error.message(), "the script uses memory, and the module exports no 32-bit memory", "{text}");
    }
    assert!(exec.load_options().script(Vec::<String>::new(), "f(1)").load_bytes(module).is_ok());
}

#[test]
fn a_world_that_does_not_fit_is_told_with_both_sides() {
    let exec = Executor::builder().serial().build().unwrap();
    let worlds = [
        "export sum: func(data: list<u8>) -> u64;",
        "export sum: func(data: list<u8>, seed: u64) -> u32;",
        "export nosuch: func();",
        "/// = version()\nexport text: func() -> string;",
        "/// = string(version())\nexport text: func() -> list<u8>;",
        "/// = version()\nexport number: func() -> u64;",
        "export version: func() -> list<u8>;",
        "export first: func(text: option<string>) -> u32;",
        "export i: interface { f: func(); }",
        "import f: func();",
        "export f: func(",
        "/// = 1\nexport many: func(a: string, b: string, c: string, d: string, e: string, f: string, g: string, h: string, i: u8);",
    ];
    let told = |world: &str| {
        let loaded = exec.load_options().wit(format!("world w {{\n{world}\n}}")).load_bytes(MODULE);
        error(loaded).to_string().replace('\n', " |")
    };
    let all: String = worlds.iter().map(|world| format!("{world}\n  →  {}\n", told(world))).collect();
    expect![[r#"
        export sum: func(data: list<u8>) -> u64;
          →  `sum`: the module has it as (i32, i32, i64) -> (i64), but what the world says is passed as (i32, i32) -> (i64) |  say how it is called in a line of its comment, such as `/// = f(data, len(data), 0)`
        export sum: func(data: list<u8>, seed: u64) -> u32;
          →  `sum`: the module has it as (i32, i32, i64) -> (i64), but what the world says is passed as (i32, i32, i64) -> (i32) |  say how it is called in a line of its comment, such as `/// = f(data, len(data), 0)`
        export nosuch: func();
          →  `nosuch`: the module exports no function `nosuch` that takes and gives numbers |  it exports `malloc`(i32) -> (i32), `sum`(i32, i32, i64) -> (i64), `init`() -> (i32), `update`(i32, i32, i32) -> (), `final`(i32, i32) -> (), `double`(i32, i32, i32, i32) -> (i32), `version`() -> (i32), `first`(i32) -> (i32)
        /// = version()
        export text: func() -> string;
          →  `text`: it is to give string, and its script gives something else |  end it with what is to be read, such as `bytes(p, n)`, `list(p, n)`, `string(p)` or `string(p, n)`
        /// = string(version())
        export text: func() -> list<u8>;
          →  `text`: its script gives a string, and it is to give something else
        /// = version()
        export number: func() -> u64;
          →  `number`: it is to give u64, which is passed as i64, but its script gives i32
        export version: func() -> list<u8>;
          →  `version`: it is to give list<u8>, and how long that is nobody knows |  say what it gives in a line of its comment, such as `/// = f(data); bytes(p, n)`
        export first: func(text: option<string>) -> u32;
          →  `first`: its parameter `text` has a type that a core module is not called with |  there are numbers, `bool`, `char`, `string`, and lists of numbers
        export i: interface { f: func(); }
          →  the WIT world exports `i`, which is no function |  export functions themselves: a core module has no interfaces
        import f: func();
          →  the WIT world exports no function |  write `world m { export f: func(data: list<u8>) -> u32; }`
        export f: func(
          →  the WIT world is wrong: expected an identifier or string, found '}'
        /// = 1
        export many: func(a: string, b: string, c: string, d: string, e: string, f: string, g: string, h: string, i: u8);
          →  `many`: its parameters are passed as 17 core values, and 16 are allowed
    "#]].assert_eq(&all);
    let component = exec.load_options().wit("world w { export f: func(); }").load_bytes("(component)");
    expect![[r#"
        expected a core module for a script or a WIT world, but it is a component
          a component's functions have WIT's types already: leave the script or the world away
    "#]]
    .assert_eq(&format!("{}\n", error(component)));
}

/// Whoever writes the section can say anything in it: what does not fit the core functions is left out.
#[test]
fn a_section_that_lies_changes_nothing() {
    let exec = Executor::builder().serial().build().unwrap();
    let signatures = |section: &str| {
        let module = loaded(
            &exec,
            &format!(
                r#"(module (@custom "purefork-lift:1" "{section}")
                    (memory (export "memory") 1)
                    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8))
                    (func (export "f") (param i32 i32) (result i32) (i32.const 0)))"#
            ),
        );
        let functions: Vec<_> = module.inspect().functions.iter().map(ToString::to_string).collect();
        functions.join("; ")
    };
    let plain = "cabi_realloc(p0: i32, p1: i32, p2: i32, p3: i32) -> i32; f(p0: i32, p1: i32) -> i32";
    for lie in [
        "f u64 a list<u8>",
        "f u32 a u32",
        "g u32 a string",
        "f u32 a list<list<u8>>",
        "f u32 a",
        "\\ff\\ff",
        "f",
        "cabi_realloc u32 a string b string",
    ] {
        assert_eq!(signatures(lie), plain, "{lie}");
    }
    assert_eq!(signatures("f string a string"), "f(a: string) -> string");
    assert_eq!(signatures("f string a`\\1b string"), "f(p0: string) -> string");
    assert_eq!(signatures("f s32 a u8 a char"), "f(p0: u8, p1: char) -> s32");
}
