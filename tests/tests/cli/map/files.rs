//! Files, streams and compression.

use super::room::{Room, out};
use expect_test::expect;
use std::fs;

#[test]
fn many_inputs_are_read_one_after_another() {
    let room = Room::new(
        "many",
        &[("1.ndjson", b"[1,2]\n[3,4]"), ("2.csv", b"a,b\n5,6\n"), ("3.ndjson", b""), ("4.jsonl", b"[7,8]\n[9]\n")],
    );
    room.check(
        &[
            "rows.wat add 1.ndjson 2.csv 3.ndjson 4.jsonl",
            "rows.wat add 1.ndjson 2.csv --into sum",
            "rows.wat add 1.ndjson 5.ndjson",
        ],
        &expect![[r#"
            $ purefork map rows.wat add 1.ndjson 2.csv 3.ndjson 4.jsonl
            3
            7
            11
            15
            2> error: row 2 of `4.jsonl`: `b`: expected a value for each of `a`, `b`, but was given 1
            exit 1

            $ purefork map rows.wat add 1.ndjson 2.csv --into sum
            {"a":1,"b":2,"sum":3}
            {"a":3,"b":4,"sum":7}
            {"a":5,"b":6,"sum":11}
            exit 0

            $ purefork map rows.wat add 1.ndjson 5.ndjson
            2> error: cannot read `5.ndjson`: No such file or directory (os error 2)
            exit 2
        "#]],
    );
    room.check_fed(
        "rows.wat add 2.csv - --quiet",
        "1.ndjson",
        &expect![[r#"
        add
        11
        3
        7
        exit 0
    "#]],
    );
}

#[test]
fn compressed_files_are_read_and_written() {
    let rows: String = (0..200_000).map(|n| format!("[{n},1]\n")).collect();
    let room = Room::new("compressed", &[("in.ndjson", rows.as_bytes())]);
    let plain = out(room.command("rows.wat add in.ndjson"));
    for ending in ["gz", "zst"] {
        let (packed, again) = (format!("out.ndjson.{ending}"), format!("again.ndjson.{ending}"));
        out(room.command(&format!("rows.wat add in.ndjson -o {packed}")));
        out(room.command(&format!("rows.wat add in.ndjson -o {again} --serial")));
        let bytes = fs::read(room.path(&packed)).expect("it was written");
        assert!(
            bytes == fs::read(room.path(&again)).expect("it was written"),
            "{ending}: the bytes depend on the threads"
        );
        assert!(bytes.len() < plain.len() / 2);
        // Numbers are rows again.
        let halves = out(room.command(&format!("rows.wat half {packed}")));
        assert_eq!(halves.iter().filter(|byte| **byte == b'\n').count(), 200_000);
        // By its first bytes, whatever it is called; and two of them one behind the other.
        fs::write(room.path("unnamed"), [&bytes[..], &bytes].concat()).expect("it is written");
        let twice = out(room.command("rows.wat half unnamed --from ndjson"));
        assert!(twice == [&halves[..], &halves].concat());
        fs::write(room.path("cut"), &bytes[..bytes.len() / 2]).expect("it is written");
        let output = room.command("rows.wat half cut --from ndjson -q").output().expect("the binary runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            error.starts_with("error: `cut` is cut off: its compressed data ends in the middle, after "),
            "{error}"
        );
        assert_eq!(output.status.code(), Some(2));
        assert!(halves.starts_with(&output.stdout) && !output.stdout.is_empty());
    }
    let empty = Room::new("compressed-empty", &[("in.ndjson", b"")]);
    out(empty.command("rows.wat add in.ndjson -o out.ndjson.gz"));
    assert_eq!(out(empty.command("rows.wat add out.ndjson.gz")), b"");
}

#[test]
fn a_gzip_file_is_read_to_its_end_whatever_is_behind_it() {
    let room = Room::new("gzip-end", &[("in.ndjson", b"[1,2]\n[3,4]\n")]);
    out(room.command("rows.wat add in.ndjson --into sum -o one.ndjson.gz"));
    let one = fs::read(room.path("one.ndjson.gz")).expect("it was written");
    let write = |name: &str, bytes: &[&[u8]]| fs::write(room.path(name), bytes.concat()).expect("it is written");
    write("padded.ndjson.gz", &[&one, &one, &[0; 1000]]);
    write("trailed.ndjson.gz", &[&one, b"more"]);
    write("between.ndjson.gz", &[&one, &[0; 1000], &one]);
    let mut broken = one.clone();
    let crc = broken.len() - 8;
    broken[crc] ^= 1;
    write("broken.ndjson.gz", &[&broken]);
    write("empty.ndjson.gz", &[]);
    write("short.ndjson.gz", &[&one[..3]]);
    write("empty.ndjson.zst", &[]);
    fs::write(room.path("plain.wat"), "(module (func (export \"one\") (param $sum i32) (result i32) (local.get 0)))")
        .expect("it is written");
    room.check(
        &[
            "plain.wat one padded.ndjson.gz --column sum=sum",
            "plain.wat one trailed.ndjson.gz",
            "plain.wat one between.ndjson.gz",
            "plain.wat one broken.ndjson.gz",
            "plain.wat one empty.ndjson.gz",
            "plain.wat one empty.ndjson.zst",
            "plain.wat one short.ndjson.gz",
        ],
        &expect![[r#"
            $ purefork map plain.wat one padded.ndjson.gz --column sum=sum
            3
            7
            3
            7
            exit 0

            $ purefork map plain.wat one trailed.ndjson.gz
            2> error: cannot read `trailed.ndjson.gz` beyond byte 44 of its content: behind the compressed data there are bytes that are none
            2>   copy or download it again
            exit 2

            $ purefork map plain.wat one between.ndjson.gz
            2> error: cannot read `between.ndjson.gz` beyond byte 44 of its content: behind the compressed data there are bytes that are none
            2>   copy or download it again
            exit 2

            $ purefork map plain.wat one broken.ndjson.gz
            2> error: cannot read `broken.ndjson.gz` beyond byte 44 of its content: corrupt gzip stream does not have a matching checksum
            2>   copy or download it again
            exit 2

            $ purefork map plain.wat one empty.ndjson.gz
            2> error: `empty.ndjson.gz` is cut off: its compressed data ends in the middle, after 0 bytes of content
            2>   copy or download it again
            exit 2

            $ purefork map plain.wat one empty.ndjson.zst
            2> error: `empty.ndjson.zst` is cut off: its compressed data ends in the middle, after 0 bytes of content
            2>   copy or download it again
            exit 2

            $ purefork map plain.wat one short.ndjson.gz
            2> error: `short.ndjson.gz` is cut off: its compressed data ends in the middle, after 0 bytes of content
            2>   copy or download it again
            exit 2
        "#]],
    );
}

#[test]
fn the_output_is_the_same_on_any_number_of_threads() {
    let rows: String = (0..50_000).map(|n| format!("{{\"a\":{n},\"b\":{}}}\n", n % 7)).collect();
    let room = Room::new("threads", &[("in.ndjson", rows.as_bytes())]);
    let run = |more: &str| {
        let line = format!("rows.wat div in.ndjson --into q --on-error keep --rejects rejects.ndjson --quiet {more}");
        let output = room.command(&line).output().expect("the binary runs");
        (output.stdout, fs::read(room.path("rejects.ndjson")).expect("it was written"))
    };
    let serial = run("--serial");
    for more in ["--threads 1", "--threads 2", "--threads 5", "--threads 3 --isolation fresh"] {
        assert!(run(more) == serial, "{more}");
    }
}

#[test]
fn a_file_takes_its_place_when_all_rows_are_done() {
    let room = Room::new("place", &[("in.ndjson", b"[6,3]\n[1,0]\n"), ("out.ndjson", b"old\n")]);
    room.check(
        &["rows.wat div in.ndjson -o out.ndjson"],
        &expect![[r#"
        $ purefork map rows.wat div in.ndjson -o out.ndjson
        2> error: row 2 of `in.ndjson`: `div` trapped: integer divide by zero
        2>   at `div` (offset 0x75)
        2> note: the rows so far are in `out.ndjson.purefork-part`; the same words with `--resume` go on behind them
        exit 1
    "#]],
    );
    assert_eq!(room.read("out.ndjson"), "old\n");
    room.check(
        &["rows.wat div in.ndjson -o out.ndjson --on-error skip"],
        &expect![[r#"
        $ purefork map rows.wat div in.ndjson -o out.ndjson --on-error skip
        exit 1
    "#]],
    );
    assert_eq!(room.read("out.ndjson"), "2\n");
    assert_eq!(room.names(), ["in.ndjson", "out.ndjson"]);
}

#[test]
fn formats_of_the_other_binary_are_named() {
    let room = Room::new("other", &[("in.ndjson", b"[6,3]\n"), ("in.xyz", b"[6,3]\n"), ("in.txt", b"")]);
    room.check(
        &[
            "rows.wat add in.xyz",
            "rows.wat add in.xyz --from xml",
            "rows.wat add in.ndjson --to yaml",
            "rows.wat add in.xyz --from ndjson",
        ],
        &expect![[r#"
            $ purefork map rows.wat add in.xyz
            2> error: cannot tell the format of `in.xyz` from its name
            2>   say it, as `--from ndjson`; there is `ndjson`, `csv`, `tsv`, `parquet`, `arrow`, `arrows`
            exit 2

            $ purefork map rows.wat add in.xyz --from xml
            2> error: `--from`: expected a format, but was given `xml`
            2>   there is `ndjson`, `csv`, `tsv`, `parquet`, `arrow`, `arrows`
            exit 2

            $ purefork map rows.wat add in.ndjson --to yaml
            2> error: `--to`: expected a format, but was given `yaml`
            2>   there is `ndjson`, `csv`, `tsv`, `parquet`, `arrow`, `arrows`
            exit 2

            $ purefork map rows.wat add in.xyz --from ndjson
            9
            exit 0
        "#]],
    );
}
