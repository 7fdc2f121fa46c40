//! Words that stand where others should, and functions that are called like options.

use crate::support::{check_all, check_fed, content};
use expect_test::expect;

#[test]
fn what_stands_where_the_functions_name_should_is_told_with_the_names_there_are() {
    check_all(
        &[
            "run add.wat",
            "run add.wat -5 3",
            "run add.wat -5",
            "run add.wat -x",
            "run add.wat ''",
            "run add.wat -- --bogus 3",
            "preinit add.wat -5 -o out/never.wasm",
            "run add.wat ADD 2 3",
        ],
        &expect![[r#"
            $ purefork run add.wat
            2> error: expected the name of a function of `add.wat`
            2>   add(a: i32, b: i32) -> i32
            2>   div(a: i32, b: i32) -> (i32, i32)
            exit 2

            $ purefork run add.wat -5 3
            2> error: expected the name of a function of `add.wat`, but was given `-5`
            2>   add(a: i32, b: i32) -> i32
            2>   div(a: i32, b: i32) -> (i32, i32)
            exit 2

            $ purefork run add.wat -5
            2> error: expected the name of a function of `add.wat`, but was given `-5`
            2>   add(a: i32, b: i32) -> i32
            2>   div(a: i32, b: i32) -> (i32, i32)
            exit 2

            $ purefork run add.wat -x
            2> error: expected the name of a function of `add.wat`, but was given `-x`
            2>   add(a: i32, b: i32) -> i32
            2>   div(a: i32, b: i32) -> (i32, i32)
            exit 2

            $ purefork run add.wat ''
            2> error: expected the name of a function of `add.wat`, but was given an empty word
            2>   add(a: i32, b: i32) -> i32
            2>   div(a: i32, b: i32) -> (i32, i32)
            exit 2

            $ purefork run add.wat -- --bogus 3
            2> error: expected the name of a function of `add.wat`, but was given `--bogus`
            2>   add(a: i32, b: i32) -> i32
            2>   div(a: i32, b: i32) -> (i32, i32)
            exit 2

            $ purefork preinit add.wat -5 -o out/never.wasm
            2> error: expected the name of a function of `add.wat`, but was given `-5`
            2>   add(a: i32, b: i32) -> i32
            2>   div(a: i32, b: i32) -> (i32, i32)
            exit 2

            $ purefork run add.wat ADD 2 3
            2> error: the module exports no function `ADD`
            2>   it exports add(a: i32, b: i32) -> i32, div(a: i32, b: i32) -> (i32, i32)
            exit 2
        "#]],
    );
}

#[test]
fn an_option_before_the_function_that_is_none_is_told() {
    check_all(
        &[
            "run add.wat --a 2 add 3",
            "run add.wat --fule 2 add 3",
            "run --bogus add.wat",
            "preinit --b 2 add.wat add 3",
        ],
        &expect![[r#"
            $ purefork run add.wat --a 2 add 3
            2> error: unexpected argument `--a` found
            2>   a parameter of the function comes after its name; `purefork run --help` shows what there is
            exit 2

            $ purefork run add.wat --fule 2 add 3
            2> error: unexpected argument `--fule` found
            2>   did you mean `--fuel`?
            exit 2

            $ purefork run --bogus add.wat
            2> error: unexpected argument `--bogus` found
            2>   a parameter of the function comes after its name; `purefork run --help` shows what there is
            exit 2

            $ purefork preinit --b 2 add.wat add 3
            2> error: unexpected argument `--b` found
            2>   a parameter of the function comes after its name; `purefork preinit --help` shows what there is
            exit 2
        "#]],
    );
}

#[test]
fn a_function_called_like_an_option_is_named_after_the_dashes() {
    check_all(
        &[
            "run dashes.wat -- --json 4",
            "run dashes.wat -- --json --a -4",
            "run dashes.wat --json -- -x --a=4",
            "run dashes.wat -- --help",
            "run dashes.wat -x 4",
            "run dashes.wat 'a b'",
            "run dashes.wat ''",
            "run dashes.wat -- 'a b'",
            "run dashes.wat --help -- --json",
            "preinit dashes.wat --help -- -x",
            "run -- dashes.wat -x 4",
            "run dashes.wat --json 4",
        ],
        &expect![[r#"
            $ purefork run dashes.wat -- --json 4
            4
            exit 0

            $ purefork run dashes.wat -- --json --a -4
            -4
            exit 0

            $ purefork run dashes.wat --json -- -x --a=4
            4
            exit 0

            $ purefork run dashes.wat -- --help
            7
            exit 0

            $ purefork run dashes.wat -x 4
            4
            exit 0

            $ purefork run dashes.wat 'a b'
            8
            exit 0

            $ purefork run dashes.wat ''
            9
            exit 0

            $ purefork run dashes.wat -- 'a b'
            8
            exit 0

            $ purefork run dashes.wat --help -- --json
            --json(a: i32) -> i32
              stateless

            Parameters:
              --a  i32  a whole number from -2147483648 to 2147483647

            Result:
              i32

            Examples:
              purefork run dashes.wat -- --json 7
              purefork run dashes.wat -- --json --a 7
            exit 0

            $ purefork preinit dashes.wat --help -- -x
            -x(a: i32) -> i32
              stateless

            Parameters:
              --a  i32  a whole number from -2147483648 to 2147483647

            Result:
              i32

            Examples:
              purefork preinit dashes.wat -o ready.wasm -- -x 7
              purefork preinit dashes.wat -o ready.wasm -- -x --a 7
            exit 0

            $ purefork run -- dashes.wat -x 4
            4
            exit 0

            $ purefork run dashes.wat --json 4
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"it exports -x(a: i32) -> i32, --json(a: i32) -> i32, --help() -> i32, a b() -> i32, () -> i32","kind":"NoSuchFunction","message":"the module exports no function `4`","omitted":0,"reasons":[]}}
            2> error: the module exports no function `4`
            2>   it exports -x(a: i32) -> i32, --json(a: i32) -> i32, --help() -> i32, a b() -> i32, () -> i32
            exit 2
        "#]],
    );
}

#[test]
fn a_command_that_is_none_is_told() {
    check_all(
        &[
            "bogus",
            "help bogus",
            "help run extra",
            "help ru",
            "add.wat add 2 3",
            "help add.wat",
            "inspect add.wat add",
            "inspect add.wat -x",
            "inspect",
            "run ''",
            "run add.wat add 2 3 --timeout -5s",
            "run add.wat add 2 3 -o ''",
        ],
        &expect![[r#"
            $ purefork bogus
            2> error: expected a command, such as `run` or `inspect`, but was given `bogus`
            2>   `purefork --help` shows what there is
            exit 2

            $ purefork help bogus
            2> error: expected a command, such as `run` or `inspect`, but was given `bogus`
            2>   `purefork --help` shows what there is
            exit 2

            $ purefork help run extra
            2> error: expected a command, such as `run` or `inspect`, but was given `extra`
            2>   `purefork run --help` shows what there is
            exit 2

            $ purefork help ru
            2> error: expected a command, such as `run` or `inspect`, but was given `ru`
            2>   `purefork --help` shows what there is
            exit 2

            $ purefork add.wat add 2 3
            2> error: expected a command, such as `run` or `inspect`, but was given `add.wat`
            2>   did you mean `purefork run add.wat`?
            exit 2

            $ purefork help add.wat
            2> error: expected a command, such as `run` or `inspect`, but was given `add.wat`
            2>   `purefork --help` shows what there is
            exit 2

            $ purefork inspect add.wat add
            2> error: unexpected argument `add` found
            2>   it takes one module and no function; `purefork inspect --help` shows what there is
            exit 2

            $ purefork inspect add.wat -x
            2> error: unexpected argument `-x` found
            2>   `purefork inspect --help` shows what there is
            exit 2

            $ purefork inspect
            2> error: expected the path of a module
            2>   `purefork inspect --help` shows what there is
            exit 2

            $ purefork run ''
            2> error: expected the path of a module, but was given an empty word
            2>   `purefork run --help` shows what there is
            exit 2

            $ purefork run add.wat add 2 3 --timeout -5s
            2> error: `--timeout`: expected a duration, such as 500ms, 2s or 1m, but was given `-5s`
            exit 2

            $ purefork run add.wat add 2 3 -o ''
            2> error: a value is required for `--output <FILE>` but none was supplied
            2>   `purefork run --help` shows what there is
            exit 2
        "#]],
    );
}

#[test]
fn a_module_is_read_from_standard_input() {
    let module = content("add.wat");
    for (line, expected) in [
        (
            "run - add 2 3",
            expect![[r#"
            5
            exit 0
        "#]],
        ),
        (
            "run - add 2 --b 3 --json",
            expect![[r#"
            5
            exit 0
        "#]],
        ),
        (
            "run -",
            expect![[r#"
            2> error: expected the name of a function of standard input
            2>   add(a: i32, b: i32) -> i32
            2>   div(a: i32, b: i32) -> (i32, i32)
            exit 2
        "#]],
        ),
        (
            "run - --help",
            expect![[r#"
            add(a: i32, b: i32) -> i32
            div(a: i32, b: i32) -> (i32, i32)

            `purefork run - FUNCTION --help` shows what a function takes.
            exit 0
        "#]],
        ),
        (
            "inspect -",
            expect![[r#"
            -: pure
              name     math
              digest   d3fefd9da3503eaae1074a1d53ce4e2ad26370fa0142b342692bdc4b11c57914
              code     19 bytes

            exports
              add(a: i32, b: i32) -> i32
                  stateless
              div(a: i32, b: i32) -> (i32, i32)
                  stateless
            exit 0
        "#]],
        ),
        (
            "run - add @- 3",
            expect![[r#"
            2> error: argument `a` of `add`: standard input is read for the module already
            exit 2
        "#]],
        ),
        (
            "preinit - add 2 3 -o out/from-stdin.wasm",
            expect![[r#"
            exit 0
        "#]],
        ),
        (
            "run ./- add 2 3",
            expect![[r#"
            2> error: cannot read `./-`: No such file or directory (os error 2)
            2>   expected the path of a .wasm or .wat file
            exit 2
        "#]],
        ),
    ] {
        check_fed(line, &module, &expected);
    }
    check_fed(
        "run - add 2 3",
        b"",
        &expect![[r#"
        2> error: standard input: the file is empty, and a module or a component was expected (at byte 0)
        exit 2
    "#]],
    );
    check_fed(
        "run --wasi frozen - a",
        &content("program.wat"),
        &expect![[r#"
        program
        a
        2> note: the guest asked for the time: it is always 1970-01-01T00:00:01Z
        2> error: `_start` exited with status 1
        exit 1
    "#]],
    );
    check_fed(
        "run --wasi frozen - --stdin @-",
        &content("program.wat"),
        &expect![[r#"
        2> error: standard input is read for the module already
        exit 2
    "#]],
    );
    check_fed(
        "run add.wat add @- @-",
        b"2",
        &expect![[r#"
        2> error: argument `b` of `add`: standard input is read for `a` already
        exit 2
    "#]],
    );
}
