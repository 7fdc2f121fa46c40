//! `--wasi frozen`: programs and functions that import WASI.

use crate::support::{check, check_all, check_fed};
use expect_test::expect;

#[test]
fn what_follows_the_module_are_a_programs_arguments() {
    check_all(
        &[
            "run --wasi frozen program.wat",
            "run --wasi frozen program.wat _start",
            "run --wasi frozen program.wat a -- -b --fuel 3 'c d'",
            "run --wasi frozen program.wat -- --a= --a",
        ],
        &expect![[r#"
            $ purefork run --wasi frozen program.wat
            program
            2> note: the guest asked for the time: it is always 1970-01-01T00:00:01Z
            exit 0

            $ purefork run --wasi frozen program.wat _start
            program
            2> note: the guest asked for the time: it is always 1970-01-01T00:00:01Z
            exit 0

            $ purefork run --wasi frozen program.wat a -- -b --fuel 3 'c d'
            program
            a
            -b
            --fuel
            3
            c d
            2> note: the guest asked for the time: it is always 1970-01-01T00:00:01Z
            2> error: `_start` exited with status 5
            exit 1

            $ purefork run --wasi frozen program.wat -- --a= --a
            program
            --a=
            --a
            2> note: the guest asked for the time: it is always 1970-01-01T00:00:01Z
            2> error: `_start` exited with status 2
            exit 1
        "#]],
    );
}

#[test]
fn stdin_is_what_is_given_and_not_what_is_there() {
    check_fed(
        "run --wasi frozen program.wat",
        b"not read",
        &expect![[r#"
        program
        2> note: the guest asked for the time: it is always 1970-01-01T00:00:01Z
        exit 0
    "#]],
    );
    check_fed(
        "run --wasi frozen --stdin @- program.wat",
        b"read\n",
        &expect![[r#"
        program
        2> read
        2> note: the guest asked for the time: it is always 1970-01-01T00:00:01Z
        exit 0
    "#]],
    );
    check_all(
        &[
            "run --wasi frozen program.wat --stdin @@text",
            "run --wasi frozen program.wat --stdin @nowhere.txt",
            "run --wasi frozen program.wat twice 2 --stdin text",
            "run program.wat twice 2 --stdin text",
        ],
        &expect![[r#"
            $ purefork run --wasi frozen program.wat --stdin @@text
            program
            2> @text
            2> note: the guest asked for the time: it is always 1970-01-01T00:00:01Z
            exit 0

            $ purefork run --wasi frozen program.wat --stdin @nowhere.txt
            2> error: cannot read `nowhere.txt`: No such file or directory (os error 2)
            exit 2

            $ purefork run --wasi frozen program.wat twice 2 --stdin text
            2> error: `--stdin` is for a program, and this is a call of another function
            exit 2

            $ purefork run program.wat twice 2 --stdin text
            2> error: `--stdin` is for programs of WASI
            2>   give `--wasi frozen`, too
            exit 2
        "#]],
    );
}

#[test]
fn a_program_as_json_is_a_record() {
    check(
        "run --wasi frozen --json program.wat a --stdin b",
        &expect![[r#"
        {"status":1,"stdout":[112,114,111,103,114,97,109,10,97,10],"stderr":[98]}
        2> note: the guest asked for the time: it is always 1970-01-01T00:00:01Z
        2> error: `_start` exited with status 1
        exit 1
    "#]],
    );
}

#[test]
fn what_a_function_prints_is_no_result() {
    check_all(
        &[
            "run --wasi frozen program.wat twice 4",
            "run --wasi frozen program.wat twice -- -4",
            "run --wasi frozen --output-limit 7 program.wat twice 4",
            "run --wasi frozen program.wat twice --m 4",
            "run --wasi frozen program.wat twice --m",
        ],
        &expect![[r#"
            $ purefork run --wasi frozen program.wat twice 4
            8
            2> printed
            2> note: the guest asked for the time: it is always 1970-01-01T00:00:01Z
            exit 0

            $ purefork run --wasi frozen program.wat twice -- -4
            2> printed
            2> error: `twice` trapped: wasm `unreachable` instruction executed
            2>   at `twice` (offset 0x1f6); a panic, an abort or a failed assertion in the guest ends so; it asked for the time: it is always 1970-01-01T00:00:01Z
            exit 1

            $ purefork run --wasi frozen --output-limit 7 program.wat twice 4
            2> error: the guest wrote more than 7 bytes to stdout and stderr
            2>   at `write` (offset 0x152), called by `twice`; raise `--output-limit` if it is meant to write that much
            exit 1

            $ purefork run --wasi frozen program.wat twice --m 4
            2> error: expected `twice(n: i32) -> i32`, but was given `m`
            exit 2

            $ purefork run --wasi frozen program.wat twice --m
            2> error: expected a value after `--m`
            2>   write `--m VALUE` or `--m=VALUE`
            exit 2
        "#]],
    );
}

#[test]
fn what_a_program_wrote_before_it_failed_goes_where_it_was_written_to() {
    check_all(
        &[
            "run --wasi frozen trapping.wat",
            "run --wasi frozen trapping.wat -o out/trapping.txt",
            "run --wasi frozen trapping.wat --json",
        ],
        &expect![[r#"
            $ purefork run --wasi frozen trapping.wat
            out
            2> warned
            2> error: `_start` trapped: wasm `unreachable` instruction executed
            2>   at `_start` (offset 0x74); a panic, an abort or a failed assertion in the guest ends so
            exit 1

            $ purefork run --wasi frozen trapping.wat -o out/trapping.txt
            out
            2> warned
            2> error: `_start` trapped: wasm `unreachable` instruction executed
            2>   at `_start` (offset 0x74); a panic, an abort or a failed assertion in the guest ends so
            exit 1

            $ purefork run --wasi frozen trapping.wat --json
            {"error":{"backtrace":[{"function":"_start","offset":116}],"chain":[{"function":"_start","site":{"by":"host"}}],"fork_site":{"by":"host"},"help":"a panic, an abort or a failed assertion in the guest ends so","kind":"Trap","message":"`_start` trapped: wasm `unreachable` instruction executed","omitted":0,"reasons":[]}}
            2> out
            2> warned
            2> error: `_start` trapped: wasm `unreachable` instruction executed
            2>   at `_start` (offset 0x74); a panic, an abort or a failed assertion in the guest ends so
            exit 1
        "#]],
    );
}

#[test]
fn a_program_has_help_of_its_own() {
    check_all(
        &[
            "run --wasi frozen program.wat --help",
            "run --wasi frozen program.wat _start --help",
            "run --wasi frozen program.wat twice --help",
        ],
        &expect![[r#"
            $ purefork run --wasi frozen program.wat --help
            _start(args: list<string>, stdin: list<u8>) -> record {…}
            twice(n: i32) -> i32

            `purefork run --wasi frozen program.wat FUNCTION --help` shows what a function takes.

            `_start` is a program; what follows MODULE are its arguments:
              purefork run --wasi frozen program.wat [--stdin TEXT] -- [ARG]...
            exit 0

            $ purefork run --wasi frozen program.wat _start --help
            _start(args: list<string>, stdin: list<u8>) -> record {…}
              not stateless: writes memory: i32.store8 in `_start`

            `_start` is a program; what follows MODULE are its arguments:
              purefork run --wasi frozen program.wat [--stdin TEXT] -- [ARG]...

            With `--json`, its result is printed as a record:
              record { status: u8, stdout: list<u8>, stderr: list<u8> }
            exit 0

            $ purefork run --wasi frozen program.wat twice --help
            twice(n: i32) -> i32
              not stateless: writes memory: i32.store in `write` (called by export `twice`)

            Parameters:
              --n  i32  a whole number from -2147483648 to 2147483647

            Result:
              i32

            Examples:
              purefork run --wasi frozen program.wat twice 7
              purefork run --wasi frozen program.wat twice --n 7
            exit 0
        "#]],
    );
}

#[test]
fn what_is_imported_of_wasi_is_shown() {
    check(
        "inspect --wasi frozen program.wat",
        &expect![[r#"
            program.wat: pure
              digest   5c02b6e8b4f34f75202904dc0d010cb73660cd6f1a1a035d3f207e0b7c5d8104
              code     192 bytes
              memory   64 KiB, may grow to the limit
              sandbox  recycled
              wasi     wasi_snapshot_preview1 (args_sizes_get, args_get, clock_time_get, fd_read, fd_write, proc_exit)

            exports
              _start(
                args: list<string>, stdin: list<u8>,
              ) -> record { status: u8, stdout: list<u8>, stderr: list<u8> }
                  not stateless: writes memory: i32.store8 in `_start`
              twice(n: i32) -> i32
                  not stateless: writes memory: i32.store in `write` (called by export `twice`)
            exit 0
        "#]],
    );
}

#[test]
fn without_it_the_way_to_it_is_shown() {
    check_all(
        &["inspect program.wat", "run program.wat twice 3", "run --wasi thawed program.wat"],
        &expect![[r#"
        $ purefork inspect program.wat
        program.wat: refused; the guest cannot be shown to be pure, for 6 reasons
          imports `wasi_snapshot_preview1.args_sizes_get` (func (param i32 i32) (result i32)): WASI's command-line arguments and environment, and a guest has none; pass what is needed as an argument, or compile without it (`wasm32-unknown-unknown`) (export `_start` → import `wasi_snapshot_preview1.args_sizes_get`)
          imports `wasi_snapshot_preview1.args_get` (func (param i32 i32) (result i32)): WASI's command-line arguments and environment, and a guest has none; pass what is needed as an argument, or compile without it (`wasm32-unknown-unknown`) (export `_start` → import `wasi_snapshot_preview1.args_get`)
          imports `wasi_snapshot_preview1.clock_time_get` (func (param i32 i64 i32) (result i32)): WASI's clock, and a guest has no clock; pass the time as an argument, or compile without it (`wasm32-unknown-unknown`) (export `_start` → import `wasi_snapshot_preview1.clock_time_get`)
          imports `wasi_snapshot_preview1.fd_read` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`) (export `_start` → import `wasi_snapshot_preview1.fd_read`)
          imports `wasi_snapshot_preview1.fd_write` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`) (export `_start` → function `write` → import `wasi_snapshot_preview1.fd_write`)
          imports `wasi_snapshot_preview1.proc_exit` (func (param i32)): WASI's end of the process, and a guest is no process; return or trap instead, or compile as a library without `main` (`wasm32-unknown-unknown`) (export `_start` → import `wasi_snapshot_preview1.proc_exit`)
          it imports nothing else than WASI: `--wasi frozen` gives it one in which time stands still, with no files but those that are given
        exit 3

        $ purefork run program.wat twice 3
        2> error: `program.wat`: the guest cannot be shown to be pure, for 6 reasons
        2>   it imports nothing else than WASI: `--wasi frozen` gives it one in which time stands still, with no files but those that are given
        2>   imports `wasi_snapshot_preview1.args_sizes_get` (func (param i32 i32) (result i32)): WASI's command-line arguments and environment, and a guest has none; pass what is needed as an argument, or compile without it (`wasm32-unknown-unknown`) (export `_start` → import `wasi_snapshot_preview1.args_sizes_get`)
        2>   imports `wasi_snapshot_preview1.args_get` (func (param i32 i32) (result i32)): WASI's command-line arguments and environment, and a guest has none; pass what is needed as an argument, or compile without it (`wasm32-unknown-unknown`) (export `_start` → import `wasi_snapshot_preview1.args_get`)
        2>   imports `wasi_snapshot_preview1.clock_time_get` (func (param i32 i64 i32) (result i32)): WASI's clock, and a guest has no clock; pass the time as an argument, or compile without it (`wasm32-unknown-unknown`) (export `_start` → import `wasi_snapshot_preview1.clock_time_get`)
        2>   imports `wasi_snapshot_preview1.fd_read` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`) (export `_start` → import `wasi_snapshot_preview1.fd_read`)
        2>   imports `wasi_snapshot_preview1.fd_write` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`) (export `_start` → function `write` → import `wasi_snapshot_preview1.fd_write`)
        2>   imports `wasi_snapshot_preview1.proc_exit` (func (param i32)): WASI's end of the process, and a guest is no process; return or trap instead, or compile as a library without `main` (`wasm32-unknown-unknown`) (export `_start` → import `wasi_snapshot_preview1.proc_exit`)
        exit 3

        $ purefork run --wasi thawed program.wat
        2> error: `--wasi`: expected `frozen`, but was given `thawed`
        exit 2
    "#]],
    );
}

#[test]
fn files_and_environment_are_given_and_what_is_made_is_put_into_a_directory() {
    let out = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli/out/made");
    // Of an earlier run.
    let _ = std::fs::remove_dir_all(&out);
    check_all(
        &[
            "run --wasi frozen copying.wat --file in=text --env LANG=C --out out/made",
            "run --wasi frozen copying.wat copy --file in=@text.txt --out out/made/below",
            "run --wasi frozen copying.wat copy --file in=text",
            "run --wasi frozen copying.wat copy",
            "run --wasi frozen copying.wat copy --file in=text --out text.txt",
            "run --wasi frozen copying.wat copy --file in=text --out out/made/below --output-limit 9",
        ],
        &expect![[r#"
            $ purefork run --wasi frozen copying.wat --file in=text --env LANG=C --out out/made
            LANG=C
            exit 0

            $ purefork run --wasi frozen copying.wat copy --file in=@text.txt --out out/made/below
            0
            exit 0

            $ purefork run --wasi frozen copying.wat copy --file in=text
            69
            2> note: the guest tried to make the directory `d`: no file can be written
            2> note: the guest tried to write `d/out`: no file can be written
            exit 0

            $ purefork run --wasi frozen copying.wat copy
            44
            2> note: the guest tried to open `in`: no such file was given (`--file in=@in`)
            exit 0

            $ purefork run --wasi frozen copying.wat copy --file in=text --out text.txt
            2> error: `--out`: expected a directory, but `text.txt` is none
            exit 2

            $ purefork run --wasi frozen copying.wat copy --file in=text --out out/made/below --output-limit 9
            2> error: the guest wrote more than 9 bytes to stdout, stderr and files
            2>   at `copy` (offset 0x17d); raise `--output-limit` if it is meant to write that much
            exit 1
        "#]],
    );
    assert_eq!(std::fs::read(out.join("d/out")).unwrap(), b"text");
    assert_eq!(std::fs::read(out.join("below/d/out")).unwrap(), "grüß\n".as_bytes());
    check_fed(
        "run --wasi frozen copying.wat copy --file in=@- --out out/made",
        b"fed",
        &expect![[r#"
        0
        exit 0
    "#]],
    );
    assert_eq!(std::fs::read(out.join("d/out")).unwrap(), b"fed");
    // Nothing is left beside it.
    assert_eq!(std::fs::read_dir(out.join("d")).unwrap().count(), 1);
}

/// What is made stays within the directory, whatever is there already.
#[test]
#[cfg(unix)]
fn nothing_is_written_by_way_of_a_link() {
    let out = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli/out/linked");
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(out.join("elsewhere")).unwrap();
    std::fs::create_dir_all(out.join("by-file/d")).unwrap();
    std::fs::create_dir_all(out.join("by-directory")).unwrap();
    std::fs::write(out.join("elsewhere/kept"), "kept").unwrap();
    std::os::unix::fs::symlink("../../elsewhere/kept", out.join("by-file/d/out")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", out.join("by-directory/d")).unwrap();
    check_all(
        &[
            "run --wasi frozen copying.wat copy --file in=text --out out/linked/by-file",
            "run --wasi frozen copying.wat copy --file in=text --out out/linked/by-directory",
        ],
        &expect![[r#"
            $ purefork run --wasi frozen copying.wat copy --file in=text --out out/linked/by-file
            0
            exit 0

            $ purefork run --wasi frozen copying.wat copy --file in=text --out out/linked/by-directory
            2> error: cannot write `out/linked/by-directory/d`: it is there, and no directory
            exit 2
        "#]],
    );
    assert_eq!(std::fs::read(out.join("elsewhere/kept")).unwrap(), b"kept");
    assert!(std::fs::symlink_metadata(out.join("by-file/d/out")).unwrap().is_file());
    assert_eq!(std::fs::read_dir(out.join("elsewhere")).unwrap().count(), 1);
}

#[test]
fn what_is_wrong_with_a_file_or_a_variable_is_told() {
    check_all(
        &[
            "run copying.wat copy --file in=text",
            "map copying.wat copy --env A=B",
            "run --wasi frozen copying.wat copy --file in",
            "run --wasi frozen copying.wat copy --file in=@nowhere.txt",
            "run --wasi frozen copying.wat copy --file ../in=text",
            "run --wasi frozen copying.wat copy --file /in=text",
            "run --wasi frozen copying.wat copy --file in=text --file in=text",
            "run --wasi frozen copying.wat copy --file in=text --file in/a=text",
            "run --wasi frozen copying.wat copy --env LANG",
            "run --wasi frozen copying.wat copy --env LANG=C --env LANG=D",
        ],
        &expect![[r#"
            $ purefork run copying.wat copy --file in=text
            2> error: `--file` is for guests of WASI
            2>   give `--wasi frozen`, too
            exit 2

            $ purefork map copying.wat copy --env A=B
            2> error: `--env` is for guests of WASI
            2>   give `--wasi frozen`, too
            exit 2

            $ purefork run --wasi frozen copying.wat copy --file in
            2> error: `--file`: expected NAME=TEXT or NAME=@PATH, such as a.txt=@a.txt, but was given `in`
            exit 2

            $ purefork run --wasi frozen copying.wat copy --file in=@nowhere.txt
            2> error: cannot read `nowhere.txt`: No such file or directory (os error 2)
            exit 2

            $ purefork run --wasi frozen copying.wat copy --file ../in=text
            2> error: `--file`: expected the name of a file below a directory, but was given `../in`
            2>   a name is like `a/b.txt`: without `..`, not from the root, and of parts of up to 255 bytes
            exit 2

            $ purefork run --wasi frozen copying.wat copy --file /in=text
            2> error: `--file`: expected the name of a file below a directory, but was given `/in`
            2>   a name is like `a/b.txt`: without `..`, not from the root, and of parts of up to 255 bytes
            exit 2

            $ purefork run --wasi frozen copying.wat copy --file in=text --file in=text
            2> error: `--file`: the file `in` is given twice
            exit 2

            $ purefork run --wasi frozen copying.wat copy --file in=text --file in/a=text
            2> error: `--file`: the file `in/a` is below `in`, which is a file
            exit 2

            $ purefork run --wasi frozen copying.wat copy --env LANG
            2> error: `--env`: expected NAME=TEXT, such as LANG=C, but was given `LANG`
            exit 2

            $ purefork run --wasi frozen copying.wat copy --env LANG=C --env LANG=D
            2> error: `--env`: the variable `LANG` is given twice
            exit 2
        "#]],
    );
}

#[test]
fn what_nothing_provides_traps_where_that_is_asked_for() {
    check_all(
        &[
            "run logging.wat twice 4",
            "run --unknown-imports trap logging.wat twice 4",
            "run --unknown-imports trap logging.wat log",
            "inspect --unknown-imports trap logging.wat",
            "run --unknown-imports stub logging.wat log",
        ],
        &expect![[r#"
            $ purefork run logging.wat twice 4
            2> error: `logging.wat`: the guest cannot be shown to be pure, for 1 reason
            2>   if it does not call them, `--unknown-imports trap` takes it: to call one is a trap then
            2>   imports `env.log` (func (param i32)): a symbol that was not defined when the guest was linked; define it in the guest, or link without `--allow-undefined` to see who needs it (export `log` → import `env.log`)
            exit 3

            $ purefork run --unknown-imports trap logging.wat twice 4
            8
            exit 0

            $ purefork run --unknown-imports trap logging.wat log
            2> error: `log` trapped: it called `env.log`, which nothing provides
            2>   at `log` (offset 0x49); build the guest without it, or on a way that does not call it
            exit 1

            $ purefork inspect --unknown-imports trap logging.wat
            logging.wat: pure
              digest   9e7601b6e13e2942f50572f0f44ade5038eadc36f03b0524a7f295e2f5f7eefc
              code     13 bytes
              unknown  env.log; nothing provides them, and to call one is a trap

            exports
              twice(n: i32) -> i32
                  stateless
              log()
                  stateless
            exit 0

            $ purefork run --unknown-imports stub logging.wat log
            2> error: `--unknown-imports`: expected `refuse` or `trap`, but was given `stub`
            exit 2
        "#]],
    );
}
