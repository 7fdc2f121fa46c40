//! Runs in parts: shards, and runs that go on where they were interrupted.

use super::room::{Room, out};
use expect_test::expect;
use std::fs;

#[test]
fn shards_together_are_the_whole() {
    let rows: String = (0..10_001).map(|n| format!("{n},{}\n", n % 5)).collect();
    let room = Room::new(
        "shards",
        &[("1.csv", format!("a,b\n{rows}").as_bytes()), ("2.csv", b"a,b\n1,1\n2,2\n"), ("one.csv", b"a,b\n3,1\n")],
    );
    let inputs = "rows.wat div 1.csv 2.csv --into q --on-error skip --quiet";
    let whole = room.command(inputs).output().expect("the binary runs").stdout;
    for (count, ending) in [(1, "csv"), (3, "csv"), (7, "csv.gz")] {
        let parts: Vec<String> = (1..=count).map(|number| format!("part-{number}.{ending}")).collect();
        for (number, part) in (1..).zip(&parts) {
            let done = room.command(&format!("{inputs} --shard {number}/{count} -o {part}")).output();
            assert!(done.is_ok_and(|done| done.status.code() == Some(1)), "rows fail");
        }
        out(room.command(&format!("--merge merged.csv {}", parts.join(" "))));
        assert!(fs::read(room.path("merged.csv")).expect("it was written") == whole, "{count} shards");
    }
    // More shards than rows.
    for number in 1..=3 {
        out(room.command(&format!("rows.wat div one.csv --shard {number}/3 -o one-{number}.csv")));
    }
    out(room.command("--merge one-merged.csv one-1.csv one-2.csv one-3.csv"));
    assert_eq!(room.read("one-merged.csv"), "div\n3\n");
    fs::write(room.path("cut.csv"), "div\n3").expect("it is written");
    fs::write(room.path("other.csv"), "mul\n3\n").expect("it is written");
    room.check(
        &[
            "--merge all.csv one-1.csv cut.csv",
            "--merge all.csv one-1.csv other.csv",
            "--merge all.ndjson one-1.csv",
            "--merge one-1.csv one-1.csv",
        ],
        &expect![[r#"
            $ purefork map --merge all.csv one-1.csv cut.csv
            2> error: `cut.csv` ends in the middle of a line: it is not whole
            2>   run its shard again
            exit 2

            $ purefork map --merge all.csv one-1.csv other.csv
            2> error: `other.csv` has other columns than the parts before it
            2>   name parts of one run; if they have no header row, say `--no-header`
            exit 2

            $ purefork map --merge all.ndjson one-1.csv
            2> error: expected parts of the output's format, `ndjson`, but `one-1.csv` is `csv` by its name
            2>   parts are put together as they are; say what they are, as `--to ndjson`
            exit 2

            $ purefork map --merge one-1.csv one-1.csv
            2> error: `one-1.csv` is the output, or a file of the output's, too
            2>   write to another file
            exit 2
        "#]],
    );
}

#[test]
fn a_part_is_not_a_file_of_the_outputs() {
    let room = Room::new("merged-part", &[("all.csv", b"a\n1\n"), ("all.csv.purefork-part", b"a\n2\n")]);
    room.check(
        &["--merge all.csv all.csv", "--merge all.csv all.csv.purefork-part --to csv"],
        &expect![[r#"
        $ purefork map --merge all.csv all.csv
        2> error: `all.csv` is the output, or a file of the output's, too
        2>   write to another file
        exit 2

        $ purefork map --merge all.csv all.csv.purefork-part --to csv
        2> error: `all.csv.purefork-part` is the output, or a file of the output's, too
        2>   write to another file
        exit 2
    "#]],
    );
}

/// A run that stops at a row that fails goes on once the row is skipped or the rest is there.
#[test]
fn a_run_goes_on_behind_what_is_written() {
    let rows = |from: u32, to: u32| (from..to).map(|n| format!("[{n},1]\n")).collect::<String>();
    let (start, end) = (rows(0, 60_000), rows(60_000, 90_000));
    let whole: String = (1..=90_000).map(|n| format!("{n}\n")).collect();
    for ending in ["", ".gz"] {
        let room = Room::new(&format!("resume{ending}"), &[("in.ndjson", format!("{start}[1,\n{end}").as_bytes())]);
        let line = format!("rows.wat add in.ndjson -o out.ndjson{ending} --quiet");
        let output = room.command(&line).output().expect("the binary runs");
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            format!(
                "error: row 60001 of `in.ndjson`: `b`: it is no JSON: EOF while parsing a value\nnote: the rows so far are in \
                 `out.ndjson{ending}.purefork-part`; the same words with `--resume` go on behind them\n"
            )
        );
        // Behind what was read, the input may change.
        fs::write(room.path("in.ndjson"), format!("{start}{end}")).expect("it is written");
        let output = room.command(&format!("{line} --resume")).output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found = out(room.command(&format!("rows.wat add out.ndjson{ending} --arg b=0")));
        assert!(found == whole.as_bytes(), "rows are lost or doubled");
        assert_eq!(room.names(), ["in.ndjson", &format!("out.ndjson{ending}")]);
    }
}

#[test]
fn a_run_does_not_go_on_with_what_has_changed() {
    let rows: String = (0..60_000).map(|n| format!("[{n},1]\n")).collect();
    let room = Room::new("changed", &[("in.ndjson", format!("{rows}[1,\n").as_bytes())]);
    let line = "rows.wat add in.ndjson -o out.ndjson --quiet";
    let _ = room.command(line).output().expect("the binary runs");
    fs::write(room.path("in.ndjson"), rows.replacen("[7,", "[8,", 1)).expect("it is written");
    let output = room.command(&format!("{line} --resume")).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    // How far the run was written down when it stopped depends on how fast it was.
    let text: String = text.chars().filter(|char| !char.is_ascii_digit()).collect();
    assert_eq!(
        (text.as_str(), output.status.code()),
        (
            "error: `in.ndjson` is not what it was: its first  bytes have changed\n  start anew, without `--resume`\n",
            Some(2)
        )
    );
    room.check(
        &[
            "rows.wat div in.ndjson -o out.ndjson --resume",
            "rows.wat add in.ndjson -o out.ndjson --resume --into sum",
            "rows.wat add in.ndjson -o new.ndjson --resume",
        ],
        &expect![[r#"
            $ purefork map rows.wat div in.ndjson -o out.ndjson --resume
            2> error: `out.ndjson` was begun by a run with another module, function or options
            2>   give the same, or start anew, without `--resume`
            exit 2

            $ purefork map rows.wat add in.ndjson -o out.ndjson --resume --into sum
            2> error: `out.ndjson` was begun by a run with another module, function or options
            2>   give the same, or start anew, without `--resume`
            exit 2

            $ purefork map rows.wat add in.ndjson -o new.ndjson --resume
            exit 0
        "#]],
    );
    fs::write(room.path("out.ndjson.purefork-part"), "").expect("it is written");
    fs::write(room.path("in.ndjson"), &rows[..1000]).expect("it is written");
    let output = room.command(&format!("{line} --resume")).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.starts_with("error: `out.ndjson.purefork-part` has 0 bytes, but the run had written "), "{text}");
    fs::write(room.path("out.ndjson.purefork-resume"), "{}").expect("it is written");
    room.check(
        &["rows.wat add in.ndjson -o out.ndjson --resume"],
        &expect![[r#"
        $ purefork map rows.wat add in.ndjson -o out.ndjson --resume
        2> error: `out.ndjson.purefork-resume` says nothing of a run that can be gone on with
        2>   start anew, without `--resume`
        exit 2
    "#]],
    );
}

/// Inputs without rows are no hindrance, wherever they stand.
#[test]
fn a_run_goes_on_behind_inputs_without_rows() {
    let rows = |from: u32, to: u32| (from..to).map(|n| format!("[{n},1]\n")).collect::<String>();
    let (first, second) = (rows(0, 50_000), rows(50_000, 90_000));
    let room = Room::new(
        "resume-empty",
        &[
            ("none.ndjson", b""),
            ("blank.ndjson", b"\n\n"),
            ("one.ndjson", first.as_bytes()),
            ("two.ndjson", format!("{second}[1,\n").as_bytes()),
        ],
    );
    let line = "rows.wat add none.ndjson one.ndjson blank.ndjson none.ndjson two.ndjson -o out.ndjson --quiet";
    let output = room.command(line).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let kept: serde_json::Value = serde_json::from_str(&room.read("out.ndjson.purefork-resume")).expect("it is JSON");
    assert_eq!(kept["checkpoint"]["input"], 4, "it stands in the last input");
    fs::write(room.path("two.ndjson"), &second).expect("it is written");
    out(room.command(&format!("{line} --resume")));
    let whole: String = (1..=90_000).map(|n| format!("{n}\n")).collect();
    assert!(room.read("out.ndjson") == whole, "rows are lost or doubled");
    // A row where none was is another input.
    fs::write(room.path("two.ndjson"), format!("{second}[1,\n")).expect("it is written");
    let _ = room.command(line).output().expect("the binary runs");
    fs::write(room.path("blank.ndjson"), "[1,2]\n").expect("it is written");
    let output = room.command(&format!("{line} --resume")).output().expect("the binary runs");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: `blank.ndjson` is not what it was\n  start anew, without `--resume`\n"
    );
}

#[test]
fn a_share_goes_on_behind_inputs_that_it_has_nothing_of() {
    let rows = |from: u32, to: u32| (from..to).map(|n| format!("[{n},1]\n")).collect::<String>();
    let (first, second) = (rows(0, 5000), rows(5000, 10_000));
    let broken = second.replacen("[9990,1]", "[9990,x]", 1);
    let room = Room::new("resume-share", &[("one.ndjson", first.as_bytes()), ("two.ndjson", broken.as_bytes())]);
    let line = "rows.wat add one.ndjson two.ndjson --shard 2/2 -o out.ndjson --quiet";
    let output = room.command(line).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(room.path("two.ndjson"), &second).expect("it is written");
    out(room.command(&format!("{line} --resume")));
    let share: String = (5001..=10_000).map(|n| format!("{n}\n")).collect();
    assert!(room.read("out.ndjson") == share, "rows are lost or doubled");
}

/// What is in files that arguments and options name is what makes a run, not the files' names.
#[test]
fn a_run_does_not_go_on_with_other_arguments_or_links() {
    let rows: String = (0..3000).map(|n| format!("{{\"a\":{n}}}\n")).collect();
    let room = Room::new(
        "other-arguments",
        &[("in.ndjson", format!("{rows}[\n").as_bytes()), ("b.txt", b"10"), ("more.wat", b"(module)")],
    );
    let line = "rows.wat add in.ndjson --arg b=@b.txt --link more=more.wat -o out.ndjson --quiet --resume";
    let other = "error: `out.ndjson` was begun by a run with another module, function or options\n  give the same, or start \
                 anew, without `--resume`\n";
    let _ = room.command(line).output().expect("the binary runs");
    for (file, text, back) in [("b.txt", "20", "10"), ("more.wat", "(module (func))", "(module)")] {
        fs::write(room.path(file), text).expect("it is written");
        let output = room.command(line).output().expect("the binary runs");
        assert_eq!(String::from_utf8_lossy(&output.stderr), other, "{file}");
        fs::write(room.path(file), back).expect("it is written");
    }
    fs::write(room.path("in.ndjson"), &rows).expect("it is written");
    out(room.command(line));
}

#[test]
fn a_run_does_not_go_on_with_rejects_that_are_gone() {
    let rows: String = (0..3000).map(|n| format!("[{n},{}]\n", n % 2)).collect();
    let room = Room::new("gone-rejects", &[("in.ndjson", format!("{rows}[1,\n").as_bytes())]);
    let line = "rows.wat div in.ndjson --on-error skip --max-errors 1500 --rejects bad.ndjson -o out.ndjson --quiet";
    let _ = room.command(line).output().expect("the binary runs");
    fs::write(room.path("bad.ndjson"), "").expect("it is written");
    let output = room.command(&format!("{line} --resume")).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.starts_with("error: `bad.ndjson` has 0 bytes, but the run had written "), "{text}");
}

#[test]
fn a_run_does_not_go_on_with_rows_that_are_gone() {
    let rows: String = (0..3000).map(|n| format!("[{n},1]\n")).collect();
    let room = Room::new("gone", &[("in.ndjson", format!("{rows}[1,\n").as_bytes())]);
    let line = "rows.wat add in.ndjson -o out.ndjson --quiet";
    let _ = room.command(line).output().expect("the binary runs");
    for left in ["", "[0,1]\n"] {
        fs::write(room.path("in.ndjson"), left).expect("it is written");
        let output = room.command(&format!("{line} --resume")).output().expect("the binary runs");
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "error: `in.ndjson` is not what it was: the rows that were read last have changed\n  start anew, without `--resume`\n"
        );
        assert_eq!(output.status.code(), Some(2));
    }
}

/// Whenever it is killed, the run goes on, and gives what it would have given.
#[cfg(unix)]
#[test]
fn a_run_that_is_killed_goes_on() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::Stdio;
    let rows: Vec<String> = (0..40_000).map(|n| format!("[{n},1]\n")).collect();
    let room = Room::new("killed", &[]);
    for (number, kill) in [0, 1, 9_999, 20_000, 39_999].into_iter().enumerate() {
        let line = format!("rows.wat add -o out-{number}.ndjson --quiet");
        // The run gets a part of the rows, and waits for the rest when it is killed.
        let mut child = room.command(&line).stdin(Stdio::piped()).spawn().expect("the binary runs");
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(rows[..kill].concat().as_bytes()).expect("it is read");
        child.kill().expect("it runs");
        child.wait().expect("it has run");
        let mut child =
            room.command(&format!("{line} --resume")).stdin(Stdio::piped()).spawn().expect("the binary runs");
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(rows.concat().as_bytes()).expect("it is read");
        drop(input);
        let output = child.wait_with_output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let file = fs::File::open(room.path(&format!("out-{number}.ndjson"))).expect("it was written");
        let found: Vec<String> = BufReader::new(file).lines().map(|line| line.expect("it is text")).collect();
        assert!(found.len() == rows.len() && (1..).zip(&found).all(|(n, line)| *line == format!("{n}")));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_ends_cleanly() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Command, Stdio};
    let room = Room::new("interrupted", &[]);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = room.command("rows.wat add --quiet").stdin(Stdio::piped()).spawn().expect("the binary runs");
        let mut input = child.stdin.take().expect("it is piped");
        // The run takes what it has room for; the pipe stays open until it has ended.
        let fed = std::thread::spawn(move || {
            let _ = input.write_all("[1,2]\n".repeat(100_000).as_bytes());
            input
        });
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut first = String::new();
        output.read_line(&mut first).expect("there are rows");
        let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|sent| sent.success()));
        let lines: Vec<String> = output.lines().map(|line| line.expect("it is text")).collect();
        assert!(first == "3\n" && lines.iter().all(|line| line == "3"));
        let ended = child.wait_with_output().expect("the binary runs");
        let said = format!("error: interrupted after {} rows\n", lines.len() + 1);
        assert_eq!((String::from_utf8_lossy(&ended.stderr).into_owned(), ended.status.code()), (said, Some(code)));
        drop(fed.join());
    }
}
