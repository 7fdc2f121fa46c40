//! Modules that cannot be read.

use crate::support::check_all;
use expect_test::expect;

#[cfg(unix)]
#[test]
fn a_file_that_is_not_there_is_told() {
    check_all(
        &[
            "run absent.wasm f",
            "run directory.wasm f",
            "run '\u{1b}[31m.wasm' f",
            "run '' f",
            "inspect absent.wasm",
            "inspect directory.wasm",
            "run absent.wasm f --help",
            "run absent.wasm f --json -- --json 1",
        ],
        &expect![[r#"
            $ purefork run absent.wasm f
            2> error: cannot read `absent.wasm`: No such file or directory (os error 2)
            2>   expected the path of a .wasm or .wat file
            exit 2

            $ purefork run directory.wasm f
            2> error: cannot read `directory.wasm`: Is a directory (os error 21)
            2>   expected the path of a .wasm or .wat file
            exit 2

            $ purefork run '␛[31m.wasm' f
            2> error: cannot read `\u{1b}[31m.wasm`: No such file or directory (os error 2)
            2>   expected the path of a .wasm or .wat file
            exit 2

            $ purefork run '' f
            2> error: expected the path of a module, but was given an empty word
            2>   `purefork run --help` shows what there is
            exit 2

            $ purefork inspect absent.wasm
            2> error: cannot read `absent.wasm`: No such file or directory (os error 2)
            2>   expected the path of a .wasm or .wat file
            exit 2

            $ purefork inspect directory.wasm
            2> error: cannot read `directory.wasm`: Is a directory (os error 21)
            2>   expected the path of a .wasm or .wat file
            exit 2

            $ purefork run absent.wasm f --help
            2> error: cannot read `absent.wasm`: No such file or directory (os error 2)
            2>   expected the path of a .wasm or .wat file
            exit 2

            $ purefork run absent.wasm f --json -- --json 1
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"expected the path of a .wasm or .wat file","kind":"Unreadable","message":"cannot read `absent.wasm`: No such file or directory (os error 2)","omitted":0,"reasons":[]}}
            2> error: cannot read `absent.wasm`: No such file or directory (os error 2)
            2>   expected the path of a .wasm or .wat file
            exit 2
        "#]],
    );
}

#[test]
fn a_file_that_is_no_module_is_told_what_it_is() {
    check_all(
        &[
            "run elf.wasm f",
            "run empty.wasm f",
            "run text.wasm f",
            "run head.wasm f",
            "run cut.wasm one",
            "run wrong.wat f",
            "inspect elf.wasm",
            "inspect elf.wasm --json",
        ],
        &expect![[r#"
            $ purefork run elf.wasm f
            2> error: `elf.wasm`: the file is not WebAssembly: it starts with 7f 45 4c 46 02 01 01 00 and is an ELF file, such as a native program or a precompiled module (at byte 0)
            exit 2

            $ purefork run empty.wasm f
            2> error: `empty.wasm`: the file is empty, and a module or a component was expected (at byte 0)
            exit 2

            $ purefork run text.wasm f
            2> error: `text.wasm`: the file is not WebAssembly: it starts with 61 64 64 3a 20 61 2c 20 and is text (at byte 0)
            exit 2

            $ purefork run head.wasm f
            2> error: `head.wasm`: the file is cut off: it has 7 of the 8 bytes that start a module (at byte 7)
            exit 2

            $ purefork run cut.wasm one
            2> error: `cut.wasm`: the file is cut off: the section at byte 28 has 6 bytes and 3 of them are there (at byte 33)
            exit 2

            $ purefork run wrong.wat f
            2> error: `wrong.wat`: the WebAssembly text is wrong: expected `)` (line and column 3:1)
            exit 2

            $ purefork inspect elf.wasm
            2> error: `elf.wasm`: the file is not WebAssembly: it starts with 7f 45 4c 46 02 01 01 00 and is an ELF file, such as a native program or a precompiled module (at byte 0)
            exit 2

            $ purefork inspect elf.wasm --json
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":null,"kind":"Malformed","message":"`elf.wasm`: the file is not WebAssembly: it starts with 7f 45 4c 46 02 01 01 00 and is an ELF file, such as a native program or a precompiled module (at byte 0)","omitted":0,"reasons":[]}}
            2> error: `elf.wasm`: the file is not WebAssembly: it starts with 7f 45 4c 46 02 01 01 00 and is an ELF file, such as a native program or a precompiled module (at byte 0)
            exit 2
        "#]],
    );
}

#[test]
fn a_binary_module_runs_as_its_text_does() {
    check_all(
        &["run one.wasm one", "inspect one.wasm"],
        &expect![[r#"
        $ purefork run one.wasm one
        1
        exit 0

        $ purefork inspect one.wasm
        one.wasm: pure
          digest   ba43071cd21d65278f8edcbeb8410ccd450ed7278efaad88139881960e875f60
          code     4 bytes

        exports
          one() -> i32
              stateless
        exit 0
    "#]],
    );
}
