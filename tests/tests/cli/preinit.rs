//! `preinit`: a module that starts with the state that a call has left.

use crate::support::{check, check_all, content, purefork};
use expect_test::expect;

#[test]
fn preinit_writes_a_module_that_starts_with_the_state() {
    check_all(
        &[
            "preinit linear.wat load 5 -o out/ready.wasm",
            "run out/ready.wasm predict 7",
            "run linear.wat predict 7",
            "preinit linear.wat load --weight=-2 --serial --output out/ready.wasm",
            "run out/ready.wasm predict 7",
            "preinit out/ready.wasm load -o out/ready.wasm -- --weight 3",
            "run out/ready.wasm predict 7",
        ],
        &expect![[r#"
            $ purefork preinit linear.wat load 5 -o out/ready.wasm
            exit 0

            $ purefork run out/ready.wasm predict 7
            35
            exit 0

            $ purefork run linear.wat predict 7
            0
            exit 0

            $ purefork preinit linear.wat load --weight=-2 --serial --output out/ready.wasm
            exit 0

            $ purefork run out/ready.wasm predict 7
            -14
            exit 0

            $ purefork preinit out/ready.wasm load -o out/ready.wasm -- --weight 3
            exit 0

            $ purefork run out/ready.wasm predict 7
            21
            exit 0
        "#]],
    );
}

#[test]
fn preinit_writes_to_stdout_if_told_so() {
    let run = |output: &str| purefork().args(["preinit", "linear.wat", "load", "5", "-o", output]).output().unwrap();
    let out = run("-");
    assert!(out.status.success() && out.stderr.is_empty());
    assert!(out.stdout.starts_with(b"\0asm"));
    assert!(run("out/same.wasm").status.success());
    assert_eq!(out.stdout, content("out/same.wasm"));
}

#[test]
fn preinit_that_fails_writes_nothing() {
    assert!(purefork().args(["preinit", "linear.wat", "load", "5", "-o", "out/old.wasm"]).status().unwrap().success());
    let old = content("out/old.wasm");
    check_all(
        &[
            "preinit linear.wat load 5",
            "preinit linear.wat",
            "preinit",
            "preinit linear.wat lode 5 -o out/old.wasm",
            "preinit linear.wat load -o out/old.wasm",
            "preinit linear.wat load 5 -o out",
            "preinit linear.wat load 5 -o nowhere/new.wasm",
            "preinit linear.wat fail -o out/old.wasm",
            "preinit linear.wat spin -o out/old.wasm --fuel 1000",
            "preinit linear.wat leave -o out/old.wasm",
            "preinit linear.wat fail -o out/old.wasm --json",
            "preinit table.wat f -o out/old.wasm",
        ],
        &expect![[r#"
            $ purefork preinit linear.wat load 5
            2> error: expected where to write the new module
            2>   write `-o OUT.wasm`, or `-o -` for stdout
            exit 2

            $ purefork preinit linear.wat
            2> error: expected the name of a function of `linear.wat`
            2>   load(weight: i32)
            2>   predict(x: i32) -> i32
            2>   fail()
            2>   spin()
            2>   leave()
            exit 2

            $ purefork preinit
            2> error: expected the path of a module
            2>   `purefork preinit --help` shows what there is
            exit 2

            $ purefork preinit linear.wat lode 5 -o out/old.wasm
            2> error: the module exports no function `lode`
            2>   did you mean `load`?
            exit 2

            $ purefork preinit linear.wat load -o out/old.wasm
            2> error: expected `load(weight: i32)`, but was not given `weight`
            exit 2

            $ purefork preinit linear.wat load 5 -o out
            2> error: cannot write `out`: it is a directory
            exit 2

            $ purefork preinit linear.wat load 5 -o nowhere/new.wasm
            2> error: cannot write `nowhere/new.wasm`: `nowhere`: No such file or directory (os error 2)
            exit 2

            $ purefork preinit linear.wat fail -o out/old.wasm
            2> error: `fail` trapped: wasm `unreachable` instruction executed
            2>   at `fail` (offset 0x84); a panic, an abort or a failed assertion in the guest ends so
            exit 1

            $ purefork preinit linear.wat spin -o out/old.wasm --fuel 1000
            2> error: `spin` used up its fuel
            2>   at `spin` (offset 0x88); raise `--fuel` if it is meant to run that long
            exit 1

            $ purefork preinit linear.wat leave -o out/old.wasm
            2> error: `leave` ended with 1 future that it had not waited for, and in another call its number would mean nothing
            2>   wait for what it forks before it returns
            exit 1

            $ purefork preinit linear.wat fail -o out/old.wasm --json
            {"error":{"backtrace":[{"function":"fail","offset":132}],"chain":[{"function":"fail","site":{"by":"host"}}],"fork_site":{"by":"host"},"help":"a panic, an abort or a failed assertion in the guest ends so","kind":"Trap","message":"`fail` trapped: wasm `unreachable` instruction executed","omitted":0,"reasons":[]}}
            2> error: `fail` trapped: wasm `unreachable` instruction executed
            2>   at `fail` (offset 0x84); a panic, an abort or a failed assertion in the guest ends so
            exit 1

            $ purefork preinit table.wat f -o out/old.wasm
            2> error: the guest's state cannot be frozen: `table.set` in `swap` changes a table, and tables cannot be frozen
            2>   it is refused even if it would not run; compile the guest without it
            exit 3
        "#]],
    );
    assert_eq!(content("out/old.wasm"), old);
}

#[test]
fn preinit_has_help() {
    check(
        "preinit --help",
        &expect![[r#"
            Runs a function of a module, and writes a module that starts with the state it leaves

            Usage: purefork preinit [OPTIONS] MODULE FUNCTION [ARG]... [--NAME VALUE]... -o OUT.wasm [-- ...]

            Arguments:
              <MODULE>    A WebAssembly module: .wasm, or its text, .wat; `-` for standard input
              [FUNCTION]  The exported function to run

            Options:
                  --threads <N>             Worker threads; by default, one per core
                  --serial                  Run everything on one thread, in order
                  --fuel <N>                Fuel per call, about one unit an instruction; by default
                                            100000000000
                  --timeout <TIME>          Time for the call and all it forks, such as 500ms, 2s or 1m; by
                                            default without end
                  --memory <SIZE>           Memory per call, such as 64MiB or 64MB; by default 64MiB
                  --heap <SIZE>             Heap that calls start with, for lists of megabytes; by default none
                                            but the module's own
                  --stack <SIZE>            Stack per call; by default 512KiB
                  --table-elements <N>      Elements per table; by default 100000
                  --depth <N>               How deeply forks may be nested; by default 5120
                  --forks <N>               Forks that one call may make; by default 100000
                  --tree-forks <N>          Forks in the whole tree of calls; by default 1000000
                  --tree-values <SIZE>      Arguments and results that the whole tree of calls may hold at a
                                            time; by default 1GiB
                  --compile <N>             What compiling may cost, about in seconds; by default 8
                  --compile-timeout <TIME>  Time for compiling the module, such as 30s; by default without end
                  --cache-dir <DIR>         Where to keep compiled modules; by default purefork in the user's
                                            cache directory
                  --no-cache                Do not keep compiled modules, nor use those that are kept
                  --memo <DIR>              Keep results in a directory, and do not make a call again whose
                                            result is there
                  --link <NAME=MODULE>      A module whose functions MODULE may fork. Each may fork those of all
                                            others; MODULE is called `main`
                  --provide <NAME=MODULE>   A core module whose exports satisfy what MODULE imports from NAME,
                                            in the same sandbox
                  --wit <FILE>              A WIT world that says what MODULE's functions, which take pointers,
                                            take and give
                  --isolation <HOW>         How calls get their sandboxes: `recycled`, or `fresh` for each call;
                                            by default recycled
                  --wasi <HOW>              Let modules import WASI, in a world that stands still: `frozen`
                  --unknown-imports <HOW>   What becomes of imported functions that nothing provides: `refuse`,
                                            or `trap` when they are called; by default refuse
                  --file <NAME=TEXT>        With `--wasi`: a file that the modules may read, as text, `@PATH` or
                                            `@-`. NAME is like a/b.txt
                  --env <NAME=TEXT>         With `--wasi`: a variable of the modules' environment
                  --output-limit <SIZE>     Bytes that a call may write to stdout, stderr and files by way of
                                            WASI; by default 16MiB
                  --json                    Print an error as JSON
              -o, --output <FILE>           Where to write the new module, `-` for stdout
              -h, --help                    Print help

            The function is run once, and the state that it leaves in memory is what every call of the new
            module starts with. The new module has the same functions; it is a WebAssembly file like any
            other, and the same arguments give the same file. What the function gives is dropped; if it is an
            `err`, that is an error.

            Arguments and limits are those of `purefork run`: see `purefork run --help`.

            Examples:
              purefork preinit model.wasm load @weights.npy -o ready.wasm
              purefork run ready.wasm predict @image.npy
            exit 0
        "#]],
    );
    check_all(
        &["preinit linear.wat --help", "preinit linear.wat load --help"],
        &expect![[r#"
        $ purefork preinit linear.wat --help
        load(weight: i32)
        predict(x: i32) -> i32
        fail()
        spin()
        leave()

        `purefork preinit linear.wat FUNCTION --help` shows what a function takes.
        exit 0

        $ purefork preinit linear.wat load --help
        load(weight: i32)
          not stateless: writes memory: i32.store in `load`

        Parameters:
          --weight  i32  a whole number from -2147483648 to 2147483647

        Result:
          none, printed as ()

        Examples:
          purefork preinit linear.wat load -o ready.wasm 7
          purefork preinit linear.wat load -o ready.wasm --weight 7
        exit 0
    "#]],
    );
}
