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
        &expect![[r#""#]],
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
        &expect![[r#""#]],
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
        &expect![[r#""#]],
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
        &expect![[r#""#]],
    );
}

#[test]
fn a_module_is_read_from_standard_input() {
    let module = content("add.wat");
    for (line, expected) in [
        ("run - add 2 3", expect![[r#""#]]),
        ("run - add 2 --b 3 --json", expect![[r#""#]]),
        ("run -", expect![[r#""#]]),
        ("run - --help", expect![[r#""#]]),
        ("inspect -", expect![[r#""#]]),
        ("run - add @- 3", expect![[r#""#]]),
        ("run app.wat main 7 --link math=- --link other=-", expect![[r#""#]]),
        ("preinit - add 2 3 -o out/from-stdin.wasm", expect![[r#""#]]),
        ("run ./- add 2 3", expect![[r#""#]]),
    ] {
        check_fed(line, &module, &expected);
    }
    check_fed("run - add 2 3", b"", &expect![[r#""#]]);
    check_fed("run --wasi frozen - a", &content("program.wat"), &expect![[r#""#]]);
    check_fed("run --wasi frozen - --stdin @-", &content("program.wat"), &expect![[r#""#]]);
    check_fed("run add.wat add @- @-", b"2", &expect![[r#""#]]);
}
