//! Rows that fail, and what becomes of the run.

use super::room::Room;
use expect_test::expect;

const ROWS: &[u8] = b"[6,3]\n[1,0]\n[8,2]\n\n[1]\n[9,3]\n[1,0]\n";

#[test]
fn the_first_failure_stops_the_run_unless_it_is_kept_or_skipped() {
    let room = Room::new("on-error", &[("in.ndjson", ROWS)]);
    room.check(
        &[
            "rows.wat div in.ndjson",
            "rows.wat div in.ndjson --on-error keep",
            "rows.wat div in.ndjson --on-error skip",
            "rows.wat div in.ndjson --on-error skip --max-errors 0",
            "rows.wat div in.ndjson --on-error skip --max-errors 1 --rejects one.ndjson",
            "rows.wat div in.ndjson --on-error keep --max-errors 2",
            "rows.wat div in.ndjson --on-error keep --max-errors 3 --rejects all.ndjson",
        ],
        &expect![[r#"
            $ purefork map rows.wat div in.ndjson
            2
            2> error: row 2 of `in.ndjson`: `div` trapped: integer divide by zero
            2>   at `div` (offset 0x75)
            exit 1

            $ purefork map rows.wat div in.ndjson --on-error keep
            2
            {"error":{"kind":"Trap","message":"`div` trapped: integer divide by zero"}}
            4
            {"error":{"kind":"Row","message":"`b`: expected a value for each of `a`, `b`, but was given 1"}}
            3
            {"error":{"kind":"Trap","message":"`div` trapped: integer divide by zero"}}
            exit 1

            $ purefork map rows.wat div in.ndjson --on-error skip
            2
            4
            3
            exit 1

            $ purefork map rows.wat div in.ndjson --on-error skip --max-errors 0
            2
            2> error: more than 0 rows failed, the last: row 2 of `in.ndjson`: `div` trapped: integer divide by zero
            2>   at `div` (offset 0x75)
            exit 1

            $ purefork map rows.wat div in.ndjson --on-error skip --max-errors 1 --rejects one.ndjson
            2
            4
            2> error: more than 1 row failed, the last: row 4 of `in.ndjson` (line 5): `b`: expected a value for each of `a`, `b`, but was given 1
            exit 1

            $ purefork map rows.wat div in.ndjson --on-error keep --max-errors 2
            2
            {"error":{"kind":"Trap","message":"`div` trapped: integer divide by zero"}}
            4
            {"error":{"kind":"Row","message":"`b`: expected a value for each of `a`, `b`, but was given 1"}}
            3
            2> error: more than 2 rows failed, the last: row 6 of `in.ndjson` (line 7): `div` trapped: integer divide by zero
            2>   at `div` (offset 0x75)
            exit 1

            $ purefork map rows.wat div in.ndjson --on-error keep --max-errors 3 --rejects all.ndjson
            2
            {"error":{"kind":"Trap","message":"`div` trapped: integer divide by zero"}}
            4
            {"error":{"kind":"Row","message":"`b`: expected a value for each of `a`, `b`, but was given 1"}}
            3
            {"error":{"kind":"Trap","message":"`div` trapped: integer divide by zero"}}
            exit 1
        "#]],
    );
    expect![[r#"
        {"file":"in.ndjson","row":2,"line":2,"byte":6,"column":null,"kind":"Trap","message":"`div` trapped: integer divide by zero","raw":"[1,0]"}
        {"file":"in.ndjson","row":4,"line":5,"byte":19,"column":"b","kind":"Row","message":"expected a value for each of `a`, `b`, but was given 1","raw":"[1]"}
        --
        {"file":"in.ndjson","row":2,"line":2,"byte":6,"column":null,"kind":"Trap","message":"`div` trapped: integer divide by zero","raw":"[1,0]"}
        {"file":"in.ndjson","row":4,"line":5,"byte":19,"column":"b","kind":"Row","message":"expected a value for each of `a`, `b`, but was given 1","raw":"[1]"}
        {"file":"in.ndjson","row":6,"line":7,"byte":29,"column":null,"kind":"Trap","message":"`div` trapped: integer divide by zero","raw":"[1,0]"}
    "#]].assert_eq(&format!("{}--\n{}", room.read("one.ndjson"), room.read("all.ndjson")));
}

#[test]
fn a_failed_row_that_is_kept_has_its_cells() {
    let room = Room::new(
        "kept-cells",
        &[
            ("in.csv", b"a,b,note\n6,3,x\nsix,3,y\n1,0,z\n8\n,2,\n9,3,1,extra\n"),
            (
                "in.ndjson",
                br#"[6,3]
["six",3]
{"a":"x","b":[1]}
{"a":1}
[8
"text"
{"a":6,"b":2}
"#,
            ),
            ("alone.ndjson", b"5\n\"five\"\n[1]\n"),
        ],
    );
    room.check(
        &[
            "rows.wat div in.csv --into c --on-error keep",
            "rows.wat div in.csv --into c --on-error keep --to ndjson",
            "rows.wat div in.ndjson --into c --on-error keep",
            "rows.wat div in.ndjson --into c --on-error keep --to csv",
            "rows.wat half alone.ndjson --into c --on-error keep",
        ],
        &expect![[r#"
            $ purefork map rows.wat div in.csv --into c --on-error keep
            a,b,note,c
            6,3,x,2
            six,3,y,
            1,0,z,
            8,,,
            ,2,,
            9,3,1,
            exit 1

            $ purefork map rows.wat div in.csv --into c --on-error keep --to ndjson
            {"a":6,"b":3,"note":"x","c":2}
            {"a":"six","b":3,"note":"y","c":{"error":{"kind":"Row","message":"`a`: expected i32, a whole number from -2147483648 to 2147483647, but was given `six`"}}}
            {"a":1,"b":0,"note":"z","c":{"error":{"kind":"Trap","message":"`div` trapped: integer divide by zero"}}}
            {"a":8,"b":null,"note":null,"c":{"error":{"kind":"Row","message":"expected 3 fields, as in the header, but there are 1"}}}
            {"a":null,"b":2,"note":"","c":{"error":{"kind":"Row","message":"`a`: it is empty"}}}
            {"a":9,"b":3,"note":"1","c":{"error":{"kind":"Row","message":"expected 3 fields, as in the header, but there are 4"}}}
            exit 1

            $ purefork map rows.wat div in.ndjson --into c --on-error keep
            {"a":6,"b":3,"c":2}
            {"a":"six","b":3,"c":{"error":{"kind":"Row","message":"`a`: expected i32, a whole number from -2147483648 to 2147483647, but was given `\"six\"`"}}}
            {"a":"x","b":[1],"c":{"error":{"kind":"Row","message":"`a`: expected i32, a whole number from -2147483648 to 2147483647, but was given `\"x\"`"}}}
            {"a":1,"c":{"error":{"kind":"Row","message":"`b`: it is not given"}}}
            {"a":null,"b":null,"c":{"error":{"kind":"Row","message":"`b`: it is no JSON: EOF while parsing a list"}}}
            {"a":null,"b":null,"c":{"error":{"kind":"Row","message":"expected an object with `a`, `b`, but was given `\"text\"`"}}}
            {"a":6,"b":2,"c":3}
            exit 1

            $ purefork map rows.wat div in.ndjson --into c --on-error keep --to csv
            a,b,c
            6,3,2
            six,3,
            x,[1],
            1,,
            ,,
            ,,
            6,2,3
            exit 1

            $ purefork map rows.wat half alone.ndjson --into c --on-error keep
            {"x":5.0,"c":2.5}
            {"x":"five","c":{"error":{"kind":"Row","message":"`x`: expected f64, a number, \"nan\", \"inf\" or \"-inf\", but was given `\"five\"`"}}}
            {"x":1.0,"c":0.5}
            exit 1
        "#]],
    );
}

#[test]
fn fields_that_would_be_lost_fail_their_row() {
    let room = Room::new("lost-fields", &[("in.ndjson", b"{\"a\":6,\"b\":3}\n{\"a\":6,\"b\":3,\"id\":7}\n")]);
    room.check(
        &["rows.wat div in.ndjson --into c --to csv", "rows.wat div in.ndjson --into c", "rows.wat div in.ndjson --to csv"],
        &expect![[r#"
            $ purefork map rows.wat div in.ndjson --into c --to csv
            a,b,c
            6,3,2
            2> error: row 2 of `in.ndjson`: its field `id` would be lost: the output has columns for the parameters and the result alone; NDJSON keeps whole rows
            exit 1

            $ purefork map rows.wat div in.ndjson --into c
            {"a":6,"b":3,"c":2}
            {"a":6,"b":3,"id":7,"c":2}
            exit 0

            $ purefork map rows.wat div in.ndjson --to csv
            div
            2
            2
            exit 0
        "#]],
    );
}

#[test]
fn the_summary_counts_failures_by_kind() {
    let room = Room::new("summary", &[("in.ndjson", ROWS)]);
    let output =
        room.command("rows.wat div in.ndjson --on-error skip -o out.ndjson").output().expect("the binary runs");
    let text = String::from_utf8(output.stderr).expect("it is text");
    // What differs from run to run.
    let text: Vec<&str> = text.lines().map(|line| line.split_once(" s, ").map_or(line, |(_, rest)| rest)).collect();
    let text: Vec<&str> = text.iter().map(|line| line.split_once(" rows/s").map_or(*line, |(_, rest)| rest)).collect();
    expect![[r#"
        first failure: row 2 of `in.ndjson`: `div` trapped: integer divide by zero
        ; 3 failed: 1 Row, 2 Trap
        fuel per call: p50 4, p99 4, max 4"#]]
    .assert_eq(&text.join("\n"));
    assert_eq!(room.read("out.ndjson"), "2\n4\n3\n");
}

#[test]
fn limits_hold_for_each_row_and_a_deadline_for_all() {
    let room = Room::new("limits", &[("in.ndjson", b"1\n2\n")]);
    room.check(
        &[
            "rows.wat spin in.ndjson --fuel 1000 --on-error keep",
            "rows.wat spin in.ndjson --timeout 20ms --on-error keep",
            "rows.wat spin in.ndjson --deadline 50ms --on-error keep",
            "rows.wat spin in.ndjson --deadline 50ms --on-error keep --serial",
        ],
        &expect![[r#"
            $ purefork map rows.wat spin in.ndjson --fuel 1000 --on-error keep
            {"error":{"kind":"OutOfFuel","message":"`spin` used up its fuel"}}
            {"error":{"kind":"OutOfFuel","message":"`spin` used up its fuel"}}
            exit 1

            $ purefork map rows.wat spin in.ndjson --timeout 20ms --on-error keep
            {"error":{"kind":"Timeout","message":"`spin` was still running after 20ms"}}
            {"error":{"kind":"Timeout","message":"`spin` was still running after 20ms"}}
            exit 1

            $ purefork map rows.wat spin in.ndjson --deadline 50ms --on-error keep
            2> error: the time of `--deadline` is up after 0 rows
            exit 1

            $ purefork map rows.wat spin in.ndjson --deadline 50ms --on-error keep --serial
            2> error: the time of `--deadline` is up after 0 rows
            exit 1
        "#]],
    );
}

#[test]
fn an_output_that_cannot_be_written_ends_the_run() {
    let room = Room::new("unwritten", &[("in.ndjson", b"[1,2]\n"), ("there.ndjson", b"old\n")]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("in.ndjson", room.path("link.ndjson")).expect("it is made");
        std::fs::hard_link(room.path("in.ndjson"), room.path("hard.ndjson")).expect("it is made");
    }
    std::fs::create_dir(room.path("folder")).expect("it is made");
    room.check(
        &[
            "rows.wat add in.ndjson -o in.ndjson",
            "rows.wat add in.ndjson -o ./folder/../in.ndjson",
            #[cfg(unix)]
            "rows.wat add in.ndjson -o link.ndjson",
            #[cfg(unix)]
            "rows.wat add in.ndjson -o hard.ndjson",
            "rows.wat add in.ndjson --rejects in.ndjson",
            "rows.wat add in.ndjson -o out.ndjson --rejects out.ndjson",
            "rows.wat add in.ndjson -o out.ndjson --rejects ./out.ndjson.purefork-part",
            "rows.wat add in.ndjson -o rows.wat --to ndjson",
            "rows.wat add in.ndjson --rejects rows.wat",
            "rows.wat add in.ndjson --arg b=@in.ndjson -o out.ndjson --rejects in.ndjson",
            "rows.wat add in.ndjson --rejects -",
            "rows.wat add in.ndjson -o folder",
            "rows.wat add in.ndjson -o missing/out.ndjson",
            "rows.wat add there.ndjson -o out.ndjson",
            "rows.wat add missing.ndjson -o out.ndjson",
            "rows.wat add folder --from ndjson",
        ],
        &expect![[r#"
            $ purefork map rows.wat add in.ndjson -o in.ndjson
            2> error: `--output`: `in.ndjson` is an input, too
            2>   write to another file
            exit 2

            $ purefork map rows.wat add in.ndjson -o ./folder/../in.ndjson
            2> error: `--output`: `./folder/../in.ndjson` is an input, too
            2>   write to another file
            exit 2

            $ purefork map rows.wat add in.ndjson -o link.ndjson
            2> error: `--output`: `in.ndjson` is an input, too
            2>   write to another file
            exit 2

            $ purefork map rows.wat add in.ndjson -o hard.ndjson
            2> error: `--output`: `hard.ndjson` is an input, too
            2>   write to another file
            exit 2

            $ purefork map rows.wat add in.ndjson --rejects in.ndjson
            2> error: `--rejects`: `in.ndjson` is an input, too
            2>   write to another file
            exit 2

            $ purefork map rows.wat add in.ndjson -o out.ndjson --rejects out.ndjson
            2> error: `--rejects`: `out.ndjson` is the output, too
            2>   write to another file
            exit 2

            $ purefork map rows.wat add in.ndjson -o out.ndjson --rejects ./out.ndjson.purefork-part
            2> error: `--rejects`: `./out.ndjson.purefork-part` is a file of the output's
            2>   write to another file
            exit 2

            $ purefork map rows.wat add in.ndjson -o rows.wat --to ndjson
            2> error: `--output`: `rows.wat` is the module, too
            2>   write to another file
            exit 2

            $ purefork map rows.wat add in.ndjson --rejects rows.wat
            2> error: `--rejects`: `rows.wat` is the module, too
            2>   write to another file
            exit 2

            $ purefork map rows.wat add in.ndjson --arg b=@in.ndjson -o out.ndjson --rejects in.ndjson
            2> error: `--rejects`: `in.ndjson` is an input, too
            2>   write to another file
            exit 2

            $ purefork map rows.wat add in.ndjson --rejects -
            2> error: expected a file with `--rejects`: standard output carries results alone
            2>   name a file, such as `rejects.ndjson`
            exit 2

            $ purefork map rows.wat add in.ndjson -o folder
            2> error: cannot write `folder`: it is a directory
            exit 2

            $ purefork map rows.wat add in.ndjson -o missing/out.ndjson
            2> error: cannot write `missing/out.ndjson`: `missing`: No such file or directory (os error 2)
            exit 2

            $ purefork map rows.wat add there.ndjson -o out.ndjson
            2> error: row 1 of `there.ndjson`: it is no JSON: expected value
            exit 1

            $ purefork map rows.wat add missing.ndjson -o out.ndjson
            2> error: cannot read `missing.ndjson`: No such file or directory (os error 2)
            exit 2

            $ purefork map rows.wat add folder --from ndjson
            2> error: cannot read `folder`: it is a directory
            exit 2
        "#]],
    );
    assert_eq!(room.read("in.ndjson"), "[1,2]\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_a_reader_that_goes_away_is_none() {
    use std::fs::File;
    use std::io::Read as _;
    use std::process::Stdio;
    let rows = "[1,2]\n".repeat(200_000);
    let room = Room::new("full", &[("in.ndjson", rows.as_bytes())]);
    let full = File::options().write(true).open("/dev/full").expect("it is there");
    let output = room.command("rows.wat add in.ndjson -q").stdout(full).output().expect("the binary runs");
    assert_eq!(
        (String::from_utf8_lossy(&output.stderr), output.status.code()),
        ("error: cannot write the output: No space left on device (os error 28)\n".into(), Some(1))
    );
    room.check(
        &["rows.wat add in.ndjson -o /dev/full"],
        &expect![[r#"
        $ purefork map rows.wat add in.ndjson -o /dev/full
        2> error: cannot write the output: No space left on device (os error 28)
        exit 1
    "#]],
    );
    let mut child = room.command("rows.wat add in.ndjson").stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut first = [0; 4];
    child.stdout.take().expect("it is piped").read_exact(&mut first).expect("there are rows");
    let output = child.wait_with_output().expect("the binary runs");
    assert_eq!((&first, &*output.stderr, output.status.code()), (b"3\n3\n", &b""[..], Some(0)));
}

#[test]
fn an_input_that_is_cut_off_fails_with_its_place() {
    let room = Room::new("cut", &[("cut.ndjson", b"[1,2]\n[3,4]\n[5,")]);
    room.check(
        &["rows.wat add cut.ndjson", "rows.wat add cut.ndjson --max-row 4"],
        &expect![[r#"
        $ purefork map rows.wat add cut.ndjson
        3
        7
        2> error: row 3 of `cut.ndjson`: `b`: it is no JSON: EOF while parsing a value
        exit 1

        $ purefork map rows.wat add cut.ndjson --max-row 4
        2> error: row 1 of `cut.ndjson` has more than 4 bytes
        2>   allow longer ones with `--max-row SIZE`
        exit 2
    "#]],
    );
}

/// Who reads results may have all it wanted; who is to be told of failures is not told.
#[cfg(unix)]
#[test]
fn rejects_that_cannot_be_written_end_the_run_and_it_is_said() {
    use std::process::{Command, Stdio};
    let rows = "[1,0]\n".repeat(100_000);
    let room = Room::new("rejects-unread", &[("in.ndjson", rows.as_bytes())]);
    assert!(Command::new("mkfifo").arg(room.path("fifo")).status().is_ok_and(|made| made.success()));
    let mut reader = Command::new("head").args(["-n", "1"]).arg(room.path("fifo")).stdout(Stdio::null()).spawn();
    let reader = reader.as_mut().expect("there is `head`");
    let output = room.command("rows.wat div in.ndjson --on-error skip --rejects fifo -q").output();
    let output = output.expect("the binary runs");
    reader.wait().expect("it ends");
    assert_eq!(
        (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code()),
        (
            "error: cannot write `--rejects`, about the rows that failed: Broken pipe (os error 32)\n".to_owned(),
            Some(1)
        )
    );
    if std::path::Path::new("/dev/full").exists() {
        room.check(
            &["rows.wat div in.ndjson --on-error skip --rejects /dev/full"],
            &expect![[r#"
            $ purefork map rows.wat div in.ndjson --on-error skip --rejects /dev/full
            2> error: cannot write `--rejects`, about the rows that failed: No space left on device (os error 28)
            exit 1
        "#]],
        );
    }
}
