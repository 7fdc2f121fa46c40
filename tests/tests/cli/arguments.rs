//! Arguments of the function: by position, by name, and wrong.

use crate::support::{check, check_all};
use expect_test::expect;

#[test]
fn arguments_are_given_by_position_by_name_and_mixed() {
    check_all(
        &[
            "run add.wat add 2 3",
            "run add.wat add --b 3 --a 2",
            "run add.wat add 2 --b 3",
            "run add.wat add --b=3 2",
            "run add.wat add -- 2 --b 3",
        ],
        &expect![[r#"
            $ purefork run add.wat add 2 3
            5
            exit 0

            $ purefork run add.wat add --b 3 --a 2
            5
            exit 0

            $ purefork run add.wat add 2 --b 3
            5
            exit 0

            $ purefork run add.wat add --b=3 2
            5
            exit 0

            $ purefork run add.wat add -- 2 --b 3
            5
            exit 0
        "#]],
    );
}

#[test]
fn negative_numbers_are_values() {
    check_all(
        &["run add.wat add -5 -7", "run add.wat add --a -5 --b=-7", "run ops.wat half -inf", "run ops.wat half -0.0"],
        &expect![[r#"
            $ purefork run add.wat add -5 -7
            -12
            exit 0

            $ purefork run add.wat add --a -5 --b=-7
            -12
            exit 0

            $ purefork run ops.wat half -inf
            -inf
            exit 0

            $ purefork run ops.wat half -0.0
            -0
            exit 0
        "#]],
    );
}

#[test]
fn dashes_and_underscores_in_a_parameters_name_are_the_same() {
    check(
        "run ops.wat collide 1 --max-depth 2",
        &expect![[r#"
        (1, 2)
        exit 0
    "#]],
    );
}

#[test]
fn a_parameter_named_like_an_option_is_given_after_dashes() {
    check_all(
        &[
            "run ops.wat collide --max_depth 5 -- --timeout 3",
            "run ops.wat collide --timeout 10s -- --timeout=3 --max_depth 5",
            "run ops.wat collide --timeout 3s --max_depth 5",
            "run add.wat add 2 3 -- --json",
            "run add.wat add 2 3 -- --json 1",
        ],
        &expect![[r#"
            $ purefork run ops.wat collide --max_depth 5 -- --timeout 3
            (3, 5)
            exit 0

            $ purefork run ops.wat collide --timeout 10s -- --timeout=3 --max_depth 5
            (3, 5)
            exit 0

            $ purefork run ops.wat collide --timeout 3s --max_depth 5
            2> error: expected `collide(timeout: i32, max_depth: i32) -> (i32, i32)`, but was not given `timeout`
            2>   `--timeout` before `--` is an option of purefork: give the parameter after it, `-- --timeout VALUE`
            exit 2

            $ purefork run add.wat add 2 3 -- --json
            2> error: expected a value after `--json`
            2>   write `--json VALUE` or `--json=VALUE`
            exit 2

            $ purefork run add.wat add 2 3 -- --json 1
            2> error: expected `add(a: i32, b: i32) -> i32`, but was given `json`
            2>   `--json` is an option of purefork: put it before `--`
            exit 2
        "#]],
    );
}

#[test]
fn too_few_and_too_many_arguments_show_the_signature() {
    check_all(
        &["run add.wat add", "run add.wat add 2", "run add.wat add --b 2", "run add.wat add 1 2 3"],
        &expect![[r#"
            $ purefork run add.wat add
            2> error: expected `add(a: i32, b: i32) -> i32`, but was not given `a`, `b`
            exit 2

            $ purefork run add.wat add 2
            2> error: expected `add(a: i32, b: i32) -> i32`, but was not given `b`
            exit 2

            $ purefork run add.wat add --b 2
            2> error: expected `add(a: i32, b: i32) -> i32`, but was not given `a`
            exit 2

            $ purefork run add.wat add 1 2 3
            2> error: expected `add(a: i32, b: i32) -> i32`, but was given 3 arguments
            exit 2
        "#]],
    );
}

#[test]
fn unknown_and_repeated_names_are_errors() {
    check_all(
        &[
            "run add.wat add 1 --c 2",
            "run primes.wat primes 1 --hihg 2",
            "run add.wat add 1 --a 2",
            "run add.wat add --a 1 --a 2",
        ],
        &expect![[r#"
            $ purefork run add.wat add 1 --c 2
            2> error: expected `add(a: i32, b: i32) -> i32`, but was given `c`
            exit 2

            $ purefork run primes.wat primes 1 --hihg 2
            2> error: expected `primes(low: i32, high: i32) -> i32`, but was given `hihg`
            2>   did you mean `high`?
            exit 2

            $ purefork run add.wat add 1 --a 2
            2> error: expected `add(a: i32, b: i32) -> i32`, but was given `a` twice
            exit 2

            $ purefork run add.wat add --a 1 --a 2
            2> error: expected `add(a: i32, b: i32) -> i32`, but was given `a` twice
            exit 2
        "#]],
    );
}

#[test]
fn a_name_without_a_value_is_an_error() {
    check_all(
        &["run add.wat add 1 --b", "run add.wat add --a --b 2"],
        &expect![[r#"
        $ purefork run add.wat add 1 --b
        2> error: expected a value after `--b`
        2>   write `--b VALUE` or `--b=VALUE`
        exit 2

        $ purefork run add.wat add --a --b 2
        2> error: expected a value after `--a`
        2>   write `--a VALUE` or `--a=VALUE`
        exit 2
    "#]],
    );
}

#[test]
fn a_mistyped_option_is_recognised() {
    check_all(
        &["run add.wat add 1 2 --thread 3", "run --fule 3 add.wat add 1 2"],
        &expect![[r#"
        $ purefork run add.wat add 1 2 --thread 3
        2> error: expected `add(a: i32, b: i32) -> i32`, but was given `thread`
        2>   did you mean `--threads`?
        exit 2

        $ purefork run --fule 3 add.wat add 1 2
        2> error: unexpected argument `--fule` found
        2>   did you mean `--fuel`?
        exit 2
    "#]],
    );
}

#[test]
fn values_of_the_wrong_form_or_range_say_what_was_expected() {
    check_all(
        &[
            "run add.wat add 1 2147483648",
            "run add.wat add 1 two",
            "run add.wat add 1 2.0",
            "run add.wat add 1 ''",
            "run ops.wat half 0x10",
            "run ops.wat wide 9223372036854775808",
            "run ops.wat vector '(1, 2)'",
            "run add.wat add 1 '\u{1b}[31m'",
        ],
        &expect![[r#"
            $ purefork run add.wat add 1 2147483648
            2> error: argument `b` of `add`: expected i32, a whole number from -2147483648 to 2147483647, but was given `2147483648`
            exit 2

            $ purefork run add.wat add 1 two
            2> error: argument `b` of `add`: expected i32, a whole number from -2147483648 to 2147483647, but was given `two`
            exit 2

            $ purefork run add.wat add 1 2.0
            2> error: argument `b` of `add`: expected i32, a whole number from -2147483648 to 2147483647, but was given `2.0`
            exit 2

            $ purefork run add.wat add 1 ''
            2> error: argument `b` of `add`: expected i32, a whole number from -2147483648 to 2147483647, but was given ``
            exit 2

            $ purefork run ops.wat half 0x10
            2> error: argument `x` of `half`: expected f64, a number, `nan`, `inf` or `-inf`, but was given `0x10`
            exit 2

            $ purefork run ops.wat wide 9223372036854775808
            2> error: argument `x` of `wide`: expected i64, a whole number from -9223372036854775808 to 9223372036854775807, but was given `9223372036854775808`
            exit 2

            $ purefork run ops.wat vector '(1, 2)'
            2> error: argument `v` of `vector`: expected v128, 16 bytes as `(b0, b1, …, b15)`, each from 0 to 255, but was given `(1, 2)`
            exit 2

            $ purefork run add.wat add 1 '␛[31m'
            2> error: argument `b` of `add`: expected i32, a whole number from -2147483648 to 2147483647, but was given `\u{1b}[31m`
            exit 2
        "#]],
    );
}

#[test]
fn a_mistyped_function_is_recognised() {
    check_all(
        &["run add.wat ad 2 3", "run add.wat multiply 2 3", "run none.wat f"],
        &expect![[r#"
        $ purefork run add.wat ad 2 3
        2> error: the module exports no function `ad`
        2>   did you mean `add`?
        exit 2

        $ purefork run add.wat multiply 2 3
        2> error: the module exports no function `multiply`
        2>   it exports add(a: i32, b: i32) -> i32, div(a: i32, b: i32) -> (i32, i32)
        exit 2

        $ purefork run none.wat f
        2> error: the module exports no function `f`
        2>   it exports none
        exit 2
    "#]],
    );
}

#[test]
fn without_a_function_the_functions_are_listed() {
    check_all(
        &["run add.wat", "run add.wat --json", "run none.wat"],
        &expect![[r#"
        $ purefork run add.wat
        2> error: expected the name of a function of `add.wat`
        2>   add(a: i32, b: i32) -> i32
        2>   div(a: i32, b: i32) -> (i32, i32)
        exit 2

        $ purefork run add.wat --json
        {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"add(a: i32, b: i32) -> i32\ndiv(a: i32, b: i32) -> (i32, i32)","kind":"NotCallable","message":"expected the name of a function of `add.wat`","omitted":0,"reasons":[]}}
        2> error: expected the name of a function of `add.wat`
        2>   add(a: i32, b: i32) -> i32
        2>   div(a: i32, b: i32) -> (i32, i32)
        exit 2

        $ purefork run none.wat
        2> error: expected the name of a function of `none.wat`
        2>   it exports no function
        exit 2
    "#]],
    );
}

#[test]
fn a_function_whose_name_does_not_print_is_called_by_it() {
    check_all(
        &["run ops.wat '\u{1b}[31mred`'", "run ops.wat '\u{1b}[31mblue'"],
        &expect![[r#"
            $ purefork run ops.wat '␛[31mred`'
            1
            exit 0

            $ purefork run ops.wat '␛[31mblue'
            2> error: the module exports no function `\u{1b}[31mblue`
            2>   did you mean `\u{1b}[31mred\``?
            exit 2
        "#]],
    );
}
