//! `--provide`.

use crate::support::check_all;
use expect_test::expect;

#[test]
fn a_provider_satisfies_imports_in_the_same_sandbox() {
    check_all(
        &[
            "run bench-user.wat run 5",
            "run bench-user.wat run 5 --provide bench=bench.wat",
            "run bench-user.wat run --help --provide bench=bench.wat",
            "inspect bench-user.wat --provide bench=bench.wat",
        ],
        &expect![[r#"
            $ purefork run bench-user.wat run 5
            2> error: `bench-user.wat`: the guest cannot be shown to be pure, for 3 reasons
            2>   if it does not call them, `--unknown-imports trap` takes it: to call one is a trap then
            2>   imports `bench.start` (func): only functions from `fork` and `wait` can be imported; give the guest a module that exports it (`--provide NAME=MODULE`), or pass what it gives as an argument (export `run` → import `bench.start`)
            2>   imports `bench.end` (func): only functions from `fork` and `wait` can be imported; give the guest a module that exports it (`--provide NAME=MODULE`), or pass what it gives as an argument (export `run` → import `bench.end`)
            2>   imports `bench.count` (func (result i32)): only functions from `fork` and `wait` can be imported; give the guest a module that exports it (`--provide NAME=MODULE`), or pass what it gives as an argument (export `run` → import `bench.count`)
            exit 3

            $ purefork run bench-user.wat run 5 --provide bench=bench.wat
            7
            exit 0

            $ purefork run bench-user.wat run --help --provide bench=bench.wat
            run(n: i32) -> i32
              not stateless: writes a global: global.set in `bench.start` (called by export `run`)

            Parameters:
              --n  i32  a whole number from -2147483648 to 2147483647

            Result:
              i32

            Examples:
              purefork run bench-user.wat run 7
              purefork run bench-user.wat run --n 7
            exit 0

            $ purefork inspect bench-user.wat --provide bench=bench.wat
            bench-user.wat: pure
              digest   62b66f8cd8cc3fb5882059fc4942c8d78c1a2389be599b7e9bc41da2cf03dea9
              code     28 bytes
              sandbox  recycled

            exports
              run(n: i32) -> i32
                  not stateless: writes a global: global.set in `bench.start` (called by export `run`)
            exit 0
        "#]],
    );
}

#[test]
fn what_is_made_of_a_linked_module_stands_alone() {
    check_all(
        &[
            "trace bench-user.wat run 5 --provide bench=bench.wat -o out/provided.trace",
            "replay out/provided.trace",
            "preinit bench-user.wat run 5 --provide bench=bench.wat -o out/provided.wasm",
            "run out/provided.wasm run 5",
            "map bench-user.wat run wrong.json --provide bench=bench.wat -o bench.wat",
        ],
        &expect![[r#"
            $ purefork trace bench-user.wat run 5 --provide bench=bench.wat -o out/provided.trace
            exit 0

            $ purefork replay out/provided.trace
            1 call run again: it gave the same
            exit 0

            $ purefork preinit bench-user.wat run 5 --provide bench=bench.wat -o out/provided.wasm
            exit 0

            $ purefork run out/provided.wasm run 5
            9
            exit 0

            $ purefork map bench-user.wat run wrong.json --provide bench=bench.wat -o bench.wat
            2> error: `--output`: `bench.wat` is a provided module, too
            2>   write to another file
            exit 2
        "#]],
    );
}

#[test]
fn rows_are_mapped_with_a_linked_module() {
    crate::support::check_fed(
        "map bench-user.wat run --provide bench=bench.wat -q",
        b"{\"n\": 1}\n{\"n\": 2}\n",
        &expect![[r#"
            3
            4
            exit 0
        "#]],
    );
}

#[test]
fn a_provider_that_does_not_fit_is_told() {
    check_all(
        &[
            "run bench-user.wat run 5 --provide bench",
            "run bench-user.wat run 5 --provide bench=",
            "run bench-user.wat run 5 --provide bench=nothing.wasm",
            "run bench-user.wat run 5 --provide bench=add.wat",
            "run bench-user.wat run 5 --provide bench=bench.wat --provide bench=bench.wat",
            "inspect bench-user.wat --provide bench=bench.wat --provide beach=bench.wat",
        ],
        &expect![[r#"
            $ purefork run bench-user.wat run 5 --provide bench
            2> error: `--provide`: expected NAME=MODULE, such as bench=bench.wasm, but was given `bench`
            exit 2

            $ purefork run bench-user.wat run 5 --provide bench=
            2> error: `--provide`: expected NAME=MODULE, such as bench=bench.wasm, but was given `bench=`
            exit 2

            $ purefork run bench-user.wat run 5 --provide bench=nothing.wasm
            2> error: cannot read `nothing.wasm`: No such file or directory (os error 2)
            2>   expected the path of a .wasm or .wat file
            exit 2

            $ purefork run bench-user.wat run 5 --provide bench=add.wat
            2> error: `bench-user.wat`: the module imports `bench.start` (func), and `bench` has no such export
            2>   it exports `add`, `div`
            exit 2

            $ purefork run bench-user.wat run 5 --provide bench=bench.wat --provide bench=bench.wat
            2> error: `bench-user.wat`: `bench` is provided twice
            2>   provide one module for each name
            exit 2

            $ purefork inspect bench-user.wat --provide bench=bench.wat --provide beach=bench.wat
            2> error: `bench-user.wat`: nothing imports from `beach`
            2>   what is imported comes from `bench`
            exit 2
        "#]],
    );
}
