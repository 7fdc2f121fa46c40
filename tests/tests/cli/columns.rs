//! `purefork map` of Parquet and Arrow IPC, which the binary `purefork-arrow` reads and writes.

use crate::support::purefork;
use expect_test::{Expect, expect};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Builds the other binary, beside the first.
fn built() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let first = PathBuf::from(purefork().get_program());
        let room = first.parent().expect("a binary lies in <target>/<profile>");
        let profile = match room.file_name().and_then(|name| name.to_str()).expect("a profile has a name") {
            "debug" => "dev",
            other => other,
        };
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--workspace", "--bin", "purefork-arrow", "--profile", profile])
            .arg("--target-dir")
            .arg(room.parent().expect("a profile lies in a target directory"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "purefork-cli-arrow does not build");
    });
}

/// A folder of its own, with a guest and rows.
fn folder(name: &str) -> PathBuf {
    built();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-columns").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the target directory is writable");
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/data/arrow/src/tests/guest.wat");
    std::fs::copy(guest, folder.join("double.wat")).expect("the guest is there");
    let rows: String = (0..5000).map(|n| format!("{{\"n\":{n},\"text\":\"row {n}\"}}\n")).collect();
    std::fs::write(folder.join("rows.ndjson"), rows).expect("the folder is writable");
    folder
}

/// What commands do, one after another: stdout, stderr with `2> ` before each line, the exit code; of much, the first lines.
fn transcript(folder: &Path, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let output = purefork().current_dir(folder).args(line.split(' ')).output().expect("the binary runs");
        text.push_str(&format!("$ purefork {line}\n"));
        let stdout = String::from_utf8(output.stdout).expect("stdout is UTF-8");
        let count = stdout.lines().count();
        stdout.lines().take(3).for_each(|line| text.push_str(&format!("{line}\n")));
        if count > 3 {
            text.push_str(&format!("… {} lines more\n", count - 3));
        }
        for line in String::from_utf8(output.stderr).expect("stderr is UTF-8").lines() {
            text.push_str(&format!("2> {line}\n"));
        }
        match output.status.code() {
            Some(0) => {}
            Some(code) => text.push_str(&format!("exit {code}\n")),
            None => text.push_str(&format!("{}\n", output.status)),
        }
    }
    text
}

#[track_caller]
fn check(folder: &Path, lines: &[&str], expected: &Expect) {
    expected.assert_eq(&transcript(folder, lines));
}

#[test]
fn rows_go_through_parquet_and_arrow_and_come_back() {
    let folder = folder("and_back");
    check(
        &folder,
        &[
            "map double.wat both rows.ndjson -o rows.parquet -q",
            "map double.wat one rows.parquet --column n=twice -o four.arrow -q",
            "map double.wat one four.arrow --column n=one -o eight.arrows -q",
            "map double.wat one eight.arrows --column n=one --to ndjson -q",
            "map double.wat many rows.parquet --column n=once --batch 1000 --to ndjson -q",
        ],
        &expect![[r#"
            $ purefork map double.wat both rows.ndjson -o rows.parquet -q
            $ purefork map double.wat one rows.parquet --column n=twice -o four.arrow -q
            $ purefork map double.wat one four.arrow --column n=one -o eight.arrows -q
            $ purefork map double.wat one eight.arrows --column n=one --to ndjson -q
            0
            16
            32
            … 4997 lines more
            $ purefork map double.wat many rows.parquet --column n=once --batch 1000 --to ndjson -q
            0
            2
            4
            … 4997 lines more
        "#]],
    );
}

#[test]
fn results_are_added_to_the_columns_of_a_file() {
    let folder = folder("into");
    check(
        &folder,
        &[
            "map double.wat both rows.ndjson -o rows.parquet -q",
            "map double.wat one rows.parquet --column n=twice --into more -o more.parquet -q",
            "map double.wat one more.parquet --column n=more --into most --to ndjson -q",
            "map double.wat many more.parquet --column n=more --batch 100 --into most --to csv -q",
            "map double.wat one more.parquet --column n=more --into once -q",
        ],
        &expect![[r#"
            $ purefork map double.wat both rows.ndjson -o rows.parquet -q
            $ purefork map double.wat one rows.parquet --column n=twice --into more -o more.parquet -q
            $ purefork map double.wat one more.parquet --column n=more --into most --to ndjson -q
            {"once":0,"twice":0,"more":0,"most":0}
            {"once":1,"twice":2,"more":4,"most":8}
            {"once":2,"twice":4,"more":8,"most":16}
            … 4997 lines more
            $ purefork map double.wat many more.parquet --column n=more --batch 100 --into most --to csv -q
            once,twice,more,most
            0,0,0,0
            1,2,4,8
            … 4998 lines more
            $ purefork map double.wat one more.parquet --column n=more --into once -q
            2> error: `more.parquet`: there is a column `once` already
            2>   name another with --into
            exit 2
        "#]],
    );
}

#[test]
fn shares_of_a_file_are_put_together_again() {
    let folder = folder("shares");
    check(
        &folder,
        &[
            "map double.wat both rows.ndjson -o rows.parquet -q",
            "map double.wat one rows.parquet --column n=once --shard 1/3 -o 1.parquet -q",
            "map double.wat one rows.parquet --column n=once --shard 2/3 -o 2.parquet -q",
            "map double.wat one rows.parquet --column n=once --shard 3/3 -o 3.parquet -q",
            "map --merge all.parquet 1.parquet 2.parquet 3.parquet -q",
            "map double.wat one all.parquet --column n=one --to ndjson -q",
        ],
        &expect![[r#"
            $ purefork map double.wat both rows.ndjson -o rows.parquet -q
            $ purefork map double.wat one rows.parquet --column n=once --shard 1/3 -o 1.parquet -q
            $ purefork map double.wat one rows.parquet --column n=once --shard 2/3 -o 2.parquet -q
            $ purefork map double.wat one rows.parquet --column n=once --shard 3/3 -o 3.parquet -q
            $ purefork map --merge all.parquet 1.parquet 2.parquet 3.parquet -q
            $ purefork map double.wat one all.parquet --column n=one --to ndjson -q
            0
            4
            8
            … 4997 lines more
        "#]],
    );
}

#[test]
fn files_that_are_broken_or_do_not_fit_are_told_of() {
    let folder = folder("broken");
    let wrote = transcript(
        &folder,
        &["map double.wat both rows.ndjson -o rows.parquet -q", "map double.wat both rows.ndjson -o rows.arrow -q"],
    );
    assert_eq!(wrote.lines().count(), 2, "{wrote}");
    for name in ["rows.parquet", "rows.arrow"] {
        let whole = std::fs::read(folder.join(name)).expect("it was written");
        let (_, ending) = name.split_once('.').expect("it has an ending");
        // In the first batch, which has one row: how many the others have depends on how fast they were done.
        std::fs::write(folder.join(format!("cut.{ending}")), &whole[..600]).expect("it is writable");
    }
    std::fs::copy(folder.join("rows.ndjson"), folder.join("text.parquet")).expect("it is writable");
    check(
        &folder,
        &[
            "map double.wat one cut.parquet --column n=once -q --to ndjson",
            "map double.wat one cut.arrow --column n=once -o out.arrow -q",
            "map double.wat one text.parquet -q",
            "map double.wat one rows.parquet -q",
            "map double.wat echo rows.parquet --column text=once -q",
            "map double.wat one rows.parquet --column n=once -o rows.parquet.gz -q",
            "map double.wat one rows.parquet --column n=once -o rows.parquet -q",
        ],
        &expect![[r#"
            $ purefork map double.wat one cut.parquet --column n=once -q --to ndjson
            2> error: `cut.parquet` is no whole Parquet file: it does not end with `PAR1`, as if it were cut off
            2>   copy or download it again; if it is of another format, say which with --from
            exit 2
            $ purefork map double.wat one cut.arrow --column n=once -o out.arrow -q
            2> error: `cut.arrow` is broken, or uses what is not supported: it ends in the middle, behind byte 600
            2>   write, copy or download it again; `parquet-tools` or pyarrow may tell more
            exit 2
            $ purefork map double.wat one text.parquet -q
            2> error: `text.parquet` is no whole Parquet file: it does not begin with `PAR1`
            2>   copy or download it again; if it is of another format, say which with --from
            exit 2
            $ purefork map double.wat one rows.parquet -q
            2> error: `rows.parquet`: `one` takes `n`, but there is only `once`, `twice`
            2>   name the column that gives a parameter with `--column PARAMETER=COLUMN`, or give it a value with `--arg`
            exit 2
            $ purefork map double.wat echo rows.parquet --column text=once -q
            2> error: `rows.parquet`: the column `once` (Int64) does not fit the parameter `once: string` of `echo`: a number is no string; it can be a number of another type
            2>   cast the column, or change the parameter's type
            exit 2
            $ purefork map double.wat one rows.parquet --column n=once -o rows.parquet.gz -q
            2> error: parquet is not compressed as a whole: what reads it would not know it
            2>   leave `.gz` or `.zst` out of the output's name
            exit 2
            $ purefork map double.wat one rows.parquet --column n=once -o rows.parquet -q
            2> error: `--output`: `rows.parquet` is an input, too
            2>   write to another file
            exit 2
        "#]],
    );
}
