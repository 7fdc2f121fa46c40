//! What is typed.

use super::room::Room;
use expect_test::expect;

#[test]
fn arguments_may_be_the_same_for_all_rows() {
    let room = Room::new("arg", &[("in.ndjson", b"{\"a\":1,\"b\":9}\n2\n[3]\n"), ("ten.json", b"10\n")]);
    room.check(
        &[
            "rows.wat add in.ndjson --arg b=10",
            "rows.wat add in.ndjson --arg a=@ten.json --column b=a",
            "rows.wat add in.ndjson --arg a=1 --arg b=2",
            "rows.wat add in.ndjson --arg c=1",
            "rows.wat add in.ndjson --arg b=1 --arg b=2",
            "rows.wat add in.ndjson --arg b=x",
            "rows.wat add in.ndjson --arg b",
            "rows.wat add in.ndjson --arg b=1 --column b=x",
        ],
        &expect![[r#"
            $ purefork map rows.wat add in.ndjson --arg b=10
            11
            12
            13
            exit 0

            $ purefork map rows.wat add in.ndjson --arg a=@ten.json --column b=a
            11
            12
            13
            exit 0

            $ purefork map rows.wat add in.ndjson --arg a=1 --arg b=2
            3
            2> error: row 2 of `in.ndjson`: expected an object, whatever is in it, but was given `2`
            exit 1

            $ purefork map rows.wat add in.ndjson --arg c=1
            2> error: `--arg c`: `add` has no such parameter
            2>   it takes `a`, `b`
            exit 2

            $ purefork map rows.wat add in.ndjson --arg b=1 --arg b=2
            2> error: `--arg b` is given twice
            exit 2

            $ purefork map rows.wat add in.ndjson --arg b=x
            2> error: argument `b` of `add`: expected i32, a whole number from -2147483648 to 2147483647, but was given `x`
            exit 2

            $ purefork map rows.wat add in.ndjson --arg b
            2> error: `--arg`: expected NAME=VALUE, such as limit=10, but was given `b`
            exit 2

            $ purefork map rows.wat add in.ndjson --arg b=1 --column b=x
            2> error: `--column b`: `add` takes no such parameter from a row
            2>   it takes `a`
            exit 2
        "#]],
    );
}

#[test]
fn what_is_wrong_is_said() {
    let room = Room::new("usage", &[("in.ndjson", b"[1,2]\n")]);
    room.check(
        &[
            "",
            "rows.wat",
            "rows.wat ad in.ndjson",
            "missing.wasm add in.ndjson",
            "rows.wat add in.ndjson --on-error ignore",
            "rows.wat add in.ndjson --shard 0/2",
            "rows.wat add in.ndjson --shard 3/2",
            "rows.wat add --shard 1/2",
            "rows.wat add in.ndjson --resume",
            "rows.wat add in.ndjson --resume -o -",
            "rows.wat add in.ndjson --batch 0",
            "rows.wat add in.ndjson --max-row 1x",
            "rows.wat add - -",
            "rows.wat add in.ndjson --quick",
            "rows.wat add in.ndjson --merge",
            "--merge out.ndjson",
            "--merge out.ndjson missing.ndjson",
            "--merge out.ndjson in.ndjson -o other.ndjson",
            "--merge out.ndjson in.ndjson --into a --fuel 5",
            "rows.wat add in.ndjson --column a=x --column a=y",
            "rows.wat add in.ndjson --arg a=1 --arg b=2 --column a=x",
            "rows.wat add in.ndjson --rejects /dev/stdout",
            "rows.wat add in.ndjson --memo /proc/nowhere",
        ],
        &expect![[r#"
            $ purefork map 
            2> error: expected the path of a module
            2>   `purefork map --help` shows what there is
            exit 2

            $ purefork map rows.wat
            2> error: expected the name of a function after the module
            2>   `purefork map --help` shows what there is
            exit 2

            $ purefork map rows.wat ad in.ndjson
            2> error: the module exports no function `ad`
            2>   did you mean `add`?
            exit 2

            $ purefork map missing.wasm add in.ndjson
            2> error: cannot read `missing.wasm`: No such file or directory (os error 2)
            2>   expected the path of a .wasm or .wat file
            exit 2

            $ purefork map rows.wat add in.ndjson --on-error ignore
            2> error: `--on-error`: expected `stop`, `keep` or `skip`, but was given `ignore`
            exit 2

            $ purefork map rows.wat add in.ndjson --shard 0/2
            2> error: `--shard`: expected I/N, such as 1/10 for the first of ten, but was given `0/2`
            exit 2

            $ purefork map rows.wat add in.ndjson --shard 3/2
            2> error: `--shard`: expected I/N, such as 1/10 for the first of ten, but was given `3/2`
            exit 2

            $ purefork map rows.wat add --shard 1/2
            2> error: expected files with `--shard`: the rows are counted first, and standard input is read once
            exit 2

            $ purefork map rows.wat add in.ndjson --resume
            2> error: expected `--output FILE` with `--resume`: what is no file cannot be gone on with
            exit 2

            $ purefork map rows.wat add in.ndjson --resume -o -
            2> error: expected `--output FILE` with `--resume`: what is no file cannot be gone on with
            exit 2

            $ purefork map rows.wat add in.ndjson --batch 0
            2> error: `--batch`: expected a number of at least 1, but was given `0`
            exit 2

            $ purefork map rows.wat add in.ndjson --max-row 1x
            2> error: `--max-row`: expected a size, such as 65536, 512KiB, 64MiB or 64MB, but was given `1x`
            exit 2

            $ purefork map rows.wat add - -
            2> error: standard input can be read once only
            2>   name a file
            exit 2

            $ purefork map rows.wat add in.ndjson --quick
            2> error: unexpected argument `--quick` found
            2>   did you mean `--quiet`?
            exit 2

            $ purefork map rows.wat add in.ndjson --merge
            2> error: a value is required for `--merge <OUT>` but none was supplied
            2>   `purefork map --help` shows what there is
            exit 2

            $ purefork map --merge out.ndjson
            2> error: expected the outputs of the shards after `--merge OUT`
            2>   as `purefork map --merge all.ndjson part-1.ndjson part-2.ndjson`
            exit 2

            $ purefork map --merge out.ndjson missing.ndjson
            2> error: cannot read `missing.ndjson`: No such file or directory (os error 2)
            exit 2

            $ purefork map --merge out.ndjson in.ndjson -o other.ndjson
            2> error: the argument `--merge <OUT>` cannot be used with `--output <OUT>`
            2>   `purefork map --help` shows what there is
            exit 2

            $ purefork map --merge out.ndjson in.ndjson --into a --fuel 5
            2> error: the argument `--merge <OUT>` cannot be used with `--into <COLUMN>`, `--fuel <N>`
            2>   `purefork map --help` shows what there is
            exit 2

            $ purefork map rows.wat add in.ndjson --column a=x --column a=y
            2> error: `--column a` is given twice
            exit 2

            $ purefork map rows.wat add in.ndjson --arg a=1 --arg b=2 --column a=x
            2> error: `--column a`: `add` takes no such parameter from a row
            2>   it takes none: `--arg` gives them all
            exit 2

            $ purefork map rows.wat add in.ndjson --rejects /dev/stdout
            2> error: expected a file with `--rejects`: standard output carries results alone
            2>   name a file, such as `rejects.ndjson`
            exit 2

            $ purefork map rows.wat add in.ndjson --memo /proc/nowhere
            2> error: the memo `/proc/nowhere` cannot be used: `/proc/nowhere` cannot be used: it cannot be made, or is removed again and again
            2>   choose a directory that is yours alone, or do without a memo
            exit 2
        "#]],
    );
}

#[test]
fn two_parameters_may_have_each_the_column_of_the_other() {
    let room = Room::new("swapped", &[("in.csv", b"a,b\n3,6\n1,8\n")]);
    room.check(
        &["rows.wat div in.csv --column a=b --column b=a"],
        &expect![[r#"
        $ purefork map rows.wat div in.csv --column a=b --column b=a
        div
        2
        8
        exit 0
    "#]],
    );
}
