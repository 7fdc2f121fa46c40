//! Core modules whose functions take pointers: `&` arguments, `--read`, `--script` and `--wit`.

use crate::support::{check_all, check_fed};
use expect_test::expect;

#[test]
fn bytes_are_laid_in_memory_and_their_address_is_passed() {
    check_all(
        &[
            "run pointers.wat sum &@text.txt len 0",
            "run pointers.wat sum &abc len 0 --json",
            "run pointers.wat first &@@x",
            "run pointers.wat version --read result",
            "run pointers.wat final 16 &8 --read &1:8",
            "run pointers.wat final 16 &8 --read &1:&1 -o out/eight.bin",
            "run pointers.wat version --read result:3",
        ],
        &expect![[r#"
            $ purefork run pointers.wat sum &@text.txt len 0
            94862481994
            exit 0

            $ purefork run pointers.wat sum &abc len 0 --json
            96354
            exit 0

            $ purefork run pointers.wat first &@@x
            64
            exit 0

            $ purefork run pointers.wat version --read result
            "1.2.13"
            exit 0

            $ purefork run pointers.wat final 16 &8 --read &1:8
            [49, 46, 50, 46, 49, 51, 0, 0]
            exit 0

            $ purefork run pointers.wat final 16 &8 --read &1:&1 -o out/eight.bin
            exit 0

            $ purefork run pointers.wat version --read result:3
            [49, 46, 50]
            exit 0
        "#]],
    );
    check_fed(
        "run pointers.wat sum &@- len 0",
        b"abc",
        &expect![[r#"
        96354
        exit 0
    "#]],
    );
}

#[test]
fn a_script_makes_several_calls_in_one_sandbox() {
    check_all(
        &[
            "run pointers.wat --script 'h = init(); update(h, &@text.txt, len); u64(h)'",
            "run pointers.wat --script 'h = init(); update(h, \"abc\", len); out = &8; final(h, out); bytes(out, 8)'",
            "run pointers.wat --script 'string(version())' -o out/version.txt",
            "run pointers.wat --script 'sum(version(), 5000000, 1)'",
        ],
        &expect![[r#"
            $ purefork run pointers.wat --script 'h = init(); update(h, &@text.txt, len); u64(h)'
            287450780771
            exit 0

            $ purefork run pointers.wat --script 'h = init(); update(h, "abc", len); out = &8; final(h, out); bytes(out, 8)'
            [251, 166, 4, 0, 0, 0, 0, 0]
            exit 0

            $ purefork run pointers.wat --script 'string(version())' -o out/version.txt
            exit 0

            $ purefork run pointers.wat --script 'sum(version(), 5000000, 1)'
            2> error: `script` trapped: out of bounds memory access
            2>   at `sum` (offset 0xc4), called by `script`; a wrong index or pointer in the guest ends so
            exit 1
        "#]],
    );
}

#[test]
fn a_world_gives_a_module_types_in_every_command() {
    check_all(
        &[
            "inspect pointers.wat --wit pointers.wit",
            "run pointers.wat digest --help --wit pointers.wit",
            "run pointers.wat sum @text.txt 0 --wit pointers.wit",
            "trace pointers.wat version --wit pointers.wit",
            "preinit pointers.wat digest @text.txt --wit pointers.wit -o out/lifted.wasm",
            "run out/lifted.wasm digest @text.txt",
        ],
        &expect![[r#"
            $ purefork inspect pointers.wat --wit pointers.wit
            pointers.wat: pure
              digest   13bab04f2366c45418c286bf6a549ecec1f824ee5cc4a7ba7d81d290932f452a
              code     622 bytes
              memory   64 KiB, may grow to the limit
              sandbox  recycled

            exports
              sum(data: list<u8>, seed: u64) -> u64
                  not stateless: its arguments are written to memory
              digest(data: list<u8>) -> u64
                  not stateless: its arguments are written to memory
              twice(data: list<u8>) -> list<u8>
                  not stateless: its arguments are written to memory
              version() -> string
                  not stateless: writes memory: i32.store in `version`
              first(text: string) -> u32
                  not stateless: its arguments are written to memory

            cannot be called
              cabi_realloc: it makes room for arguments
            exit 0

            $ purefork run pointers.wat digest --help --wit pointers.wit
            digest(data: list<u8>) -> u64
              not stateless: its arguments are written to memory

            Parameters:
              --data  list<u8>  @FILE with the bytes; or such as [7, 7]

            Result:
              u64

            Examples:
              purefork run pointers.wat digest @data.bin
              purefork run pointers.wat digest --data @data.bin
            exit 0

            $ purefork run pointers.wat sum @text.txt 0 --wit pointers.wit
            94862481994
            exit 0

            $ purefork trace pointers.wat version --wit pointers.wit
            graph @version() -> string:                      # fuel 121, forks nothing
              return "1.2.13"
            exit 0

            $ purefork preinit pointers.wat digest @text.txt --wit pointers.wit -o out/lifted.wasm
            exit 0

            $ purefork run out/lifted.wasm digest @text.txt
            287450780771
            exit 0
        "#]],
    );
    check_fed(
        "map pointers.wat sum --wit pointers.wit -q",
        b"{\"data\": [1, 2], \"seed\": 3}\n{\"data\": [], \"seed\": 4}\n",
        &expect![[r#"
            2916
            4
            exit 0
        "#]],
    );
}

#[test]
fn what_does_not_fit_is_told() {
    check_all(
        &[
            "run pointers.wat sum len &abc 0",
            "run pointers.wat sum &abc len",
            "run pointers.wat sum &abc x 0",
            "run pointers.wat sum &@nothing.txt len 0",
            "run pointers.wat sum --at &abc",
            "run pointers.wat version --read &1",
            "run pointers.wat version --read x:y",
            "run pointers.wat version --script 'version()'",
            "run pointers.wat --script 'version(' --json",
            "run pointers.wat --script 'version()' --read result",
            "run pointers.wat sum @text.txt 0 --wit nothing.wit",
            "run pointers.wat sum @text.txt 0 --wit text.txt",
        ],
        &expect![[r#"
            $ purefork run pointers.wat sum len &abc 0
            2> error: `len` is the length of the bytes laid last, and there are none before it
            2>   write the bytes first: `&@FILE len`
            exit 2

            $ purefork run pointers.wat sum &abc len
            2> error: `pointers.wat`: the module's `sum` takes (i32, i32, i64), but the script gives it 2 arguments
            exit 2

            $ purefork run pointers.wat sum &abc x 0
            2> error: `pointers.wat`: the script has no value called `x`
            2>   there is `data1`
            exit 2

            $ purefork run pointers.wat sum &@nothing.txt len 0
            2> error: cannot read `nothing.txt`: No such file or directory (os error 2)
            exit 2

            $ purefork run pointers.wat sum --at &abc
            2> error: argument `at` of `sum`: expected i32, a whole number from -2147483648 to 2147483647, but was given `&abc`
            exit 2

            $ purefork run pointers.wat version --read &1
            2> error: `--read`: expected PTR:LEN or PTR, but was given `&1`
            2>   each is a number, `result`, or `&N` for the N-th argument with a `&`, such as `&2:32`
            exit 2

            $ purefork run pointers.wat version --read x:y
            2> error: `--read`: expected PTR:LEN or PTR, but was given `x:y`
            2>   each is a number, `result`, or `&N` for the N-th argument with a `&`, such as `&2:32`
            exit 2

            $ purefork run pointers.wat version --script 'version()'
            2> error: expected no FUNCTION with `--script`, which names what it calls
            2>   write data into the script as `&@FILE`
            exit 2

            $ purefork run pointers.wat --script 'version(' --json
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":null,"kind":"Invalid","message":"`pointers.wat`: expected a value in the script, but it ends there","omitted":0,"reasons":[]}}
            2> error: `pointers.wat`: expected a value in the script, but it ends there
            exit 2

            $ purefork run pointers.wat --script 'version()' --read result
            2> error: `--read` is for a call that is given by FUNCTION
            2>   end the script with `bytes(p, n)` or `string(p)`
            exit 2

            $ purefork run pointers.wat sum @text.txt 0 --wit nothing.wit
            2> error: cannot read `nothing.wit`: No such file or directory (os error 2)
            2>   expected the path of a .wit file
            exit 2

            $ purefork run pointers.wat sum @text.txt 0 --wit text.txt
            2> error: `pointers.wat`: the WIT world is wrong: expected `world`, `interface` or `use`, found an identifier
            exit 2
        "#]],
    );
}
