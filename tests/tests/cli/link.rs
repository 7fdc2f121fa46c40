//! `--link`.

use crate::support::check_all;
use expect_test::expect;

#[test]
fn a_module_forks_functions_of_a_linked_one() {
    check_all(
        &[
            "run app.wat next 3 --link math=add.wat",
            "run app.wat next 3 --link=math=add.wat --serial",
            "run top.wat top 5 --link math=add.wat --link app=app.wat",
            "run top.wat top 5 --link app=app.wat --link math=add.wat",
        ],
        &expect![[r#"
            $ purefork run app.wat next 3 --link math=add.wat
            4
            exit 0

            $ purefork run app.wat next 3 --link=math=add.wat --serial
            4
            exit 0

            $ purefork run top.wat top 5 --link math=add.wat --link app=app.wat
            6
            exit 0

            $ purefork run top.wat top 5 --link app=app.wat --link math=add.wat
            6
            exit 0
        "#]],
    );
}

/// The module that is run is `main` to those that are linked to it.
#[test]
fn modules_fork_each_others_functions_round_and_round() {
    check_all(
        &[
            "run even.wat even 7 --link odds=odd.wat",
            "run even.wat even 8 --link odds=odd.wat --serial",
            "run odd.wat odd 8 --link main=even.wat",
            "run odd.wat odd 8 --link evens=even.wat",
        ],
        &expect![[r#"
            $ purefork run even.wat even 7 --link odds=odd.wat
            0
            exit 0

            $ purefork run even.wat even 8 --link odds=odd.wat --serial
            1
            exit 0

            $ purefork run odd.wat odd 8 --link main=even.wat
            2> error: `--link`: expected another name than `main`, which is MODULE's, but was given `main=even.wat`
            exit 2

            $ purefork run odd.wat odd 8 --link evens=even.wat
            2> error: nothing provides `main#even`, which the module forks as (i32) -> (i32)
            2>   export `main#even`, or link a module that does with `--link NAME=MODULE`
            exit 2
        "#]],
    );
}

#[test]
fn a_function_that_nothing_provides_is_told() {
    check_all(
        &["run app.wat next 3", "run app.wat next 3 --link fib=fib.wat", "run top.wat top 5 --link app=app.wat"],
        &expect![[r#"
            $ purefork run app.wat next 3
            2> error: nothing provides `add`, which the module forks as (i32, i32) -> (i32)
            2>   export `add`, or link a module that does with `--link NAME=MODULE`
            exit 2

            $ purefork run app.wat next 3 --link fib=fib.wat
            2> error: nothing provides `add`, which the module forks as (i32, i32) -> (i32)
            2>   export `add`, or link a module that does with `--link NAME=MODULE`
            exit 2

            $ purefork run top.wat top 5 --link app=app.wat
            2> error: nothing provides `add`, which the module forks as (i32, i32) -> (i32)
            2>   export `add`, or link a module that does with `--link NAME=MODULE`
            exit 2
        "#]],
    );
}

#[test]
fn a_function_of_another_type_is_told() {
    check_all(
        &["run app.wat next 3 --link wide=wide.wat"],
        &expect![[r#"
            $ purefork run app.wat next 3 --link wide=wide.wat
            2> error: in `main`, `add` is (i64, i64) -> (i64), but it is imported as (i32, i32) -> (i32)
            2>   `fork` takes the function's parameters and gives an i32, `wait` takes that and gives its results
            exit 2
        "#]],
    );
}

#[test]
fn two_providers_of_one_function_are_told() {
    check_all(
        &[
            "run app.wat next 3 --link math=add.wat --link wide=wide.wat",
            "run app.wat next 3 --link math=add.wat --link math=add.wat",
            "run app.wat next 3 --link self=add.wat",
        ],
        &expect![[r#"
            $ purefork run app.wat next 3 --link math=add.wat --link wide=wide.wat
            2> error: in `main`, `fork` `add` is provided by `math` and `wide`
            2>   import it as `math#add` to say which
            exit 2

            $ purefork run app.wat next 3 --link math=add.wat --link math=add.wat
            2> error: `math` is linked already
            2>   link it under another name
            exit 2

            $ purefork run app.wat next 3 --link self=add.wat
            2> error: `self` is linked already
            2>   link it under another name
            exit 2
        "#]],
    );
}

#[test]
fn a_link_needs_a_name_and_a_module_that_is_pure() {
    check_all(
        &[
            "run app.wat next 3 --link add.wat",
            "run app.wat next 3 --link =add.wat",
            "run app.wat next 3 --link math=",
            "run app.wat next 3 --link wasi=wasi.wat",
            "run app.wat next 3 --link elf=elf.wasm",
        ],
        &expect![[r#"
            $ purefork run app.wat next 3 --link add.wat
            2> error: `--link`: expected NAME=MODULE, such as math=math.wasm, but was given `add.wat`
            exit 2

            $ purefork run app.wat next 3 --link =add.wat
            2> error: `--link`: expected NAME=MODULE, such as math=math.wasm, but was given `=add.wat`
            exit 2

            $ purefork run app.wat next 3 --link math=
            2> error: `--link`: expected NAME=MODULE, such as math=math.wasm, but was given `math=`
            exit 2

            $ purefork run app.wat next 3 --link wasi=wasi.wat
            2> error: `wasi.wat`: the guest cannot be shown to be pure, for 2 reasons
            2>   it imports nothing else than WASI: `--wasi frozen` gives it one in which time stands still, with no files but those that are given
            2>   imports `wasi_snapshot_preview1.fd_write` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`) (export `hello` → function `print` → import `wasi_snapshot_preview1.fd_write`)
            2>   imports `wasi_snapshot_preview1.clock_time_get` (func (param i32 i64 i32) (result i32)): WASI's clock, and a guest has no clock; pass the time as an argument, or compile without it (`wasm32-unknown-unknown`)
            exit 3

            $ purefork run app.wat next 3 --link elf=elf.wasm
            2> error: `elf.wasm`: the file is not WebAssembly: it starts with 7f 45 4c 46 02 01 01 00 and is an ELF file, such as a native program or a precompiled module (at byte 0)
            exit 2
        "#]],
    );
}
