//! Rows that are not one call each: lists, batches, folds.

use super::room::Room;
use expect_test::expect;

#[test]
fn a_list_is_a_row_for_each_of_its_elements() {
    let room = Room::new("flatten", &[("in.ndjson", b"{\"values\":[1,2.5],\"id\":7}\n[]\n[3]\n{\"values\":[4]}\n")]);
    room.check(
        &[
            "shapes.wat numbers in.ndjson --flatten",
            "shapes.wat numbers in.ndjson --flatten --into value",
            "shapes.wat numbers in.ndjson --flatten --to csv",
            "rows.wat add in.ndjson --flatten",
        ],
        &expect![[r#"
            $ purefork map shapes.wat numbers in.ndjson --flatten
            1.0
            2.5
            3.0
            4.0
            exit 0

            $ purefork map shapes.wat numbers in.ndjson --flatten --into value
            {"values":[1,2.5],"id":7,"value":1.0}
            {"values":[1,2.5],"id":7,"value":2.5}
            {"values":[3.0],"value":3.0}
            {"values":[4],"value":4.0}
            exit 0

            $ purefork map shapes.wat numbers in.ndjson --flatten --to csv
            numbers
            1.0
            2.5
            3.0
            4.0
            exit 0

            $ purefork map rows.wat add in.ndjson --flatten
            2> error: `--flatten` is for functions that give a list, but `add` gives i32
            2>   leave `--flatten` away
            exit 2
        "#]],
    );
}

#[test]
fn a_batch_is_one_call_for_many_rows() {
    let room = Room::new("batch", &[("in.ndjson", b"1\n2\n3\n\"x\"\n5\n{\"values\":6}\n7")]);
    room.check(
        &[
            "shapes.wat numbers in.ndjson --batch 2 --on-error keep",
            "shapes.wat numbers in.ndjson --batch 3 --on-error skip --into same --to csv",
            "shapes.wat numbers in.ndjson --batch 3",
            "rows.wat add in.ndjson --batch 3",
            "shapes.wat measure in.ndjson --batch 3",
        ],
        &expect![[r#"
            $ purefork map shapes.wat numbers in.ndjson --batch 2 --on-error keep
            1.0
            2.0
            3.0
            {"error":{"kind":"Row","message":"`values`: expected f32, a number, \"nan\", \"inf\" or \"-inf\", but was given `\"x\"`"}}
            5.0
            6.0
            7.0
            exit 1

            $ purefork map shapes.wat numbers in.ndjson --batch 3 --on-error skip --into same --to csv
            values,same
            1.0,1.0
            2.0,2.0
            3.0,3.0
            5.0,5.0
            6.0,6.0
            7.0,7.0
            exit 1

            $ purefork map shapes.wat numbers in.ndjson --batch 3
            1.0
            2.0
            3.0
            2> error: row 4 of `in.ndjson`: `values`: expected f32, a number, "nan", "inf" or "-inf", but was given `"x"`
            exit 1

            $ purefork map rows.wat add in.ndjson --batch 3
            2> error: expected lists for the parameters of `add`, as it is called for many rows at a time, but `a` is i32
            2>   call it for each row, without `--batch`; or give the same for all rows, `--arg a=VALUE`
            exit 2

            $ purefork map shapes.wat measure in.ndjson --batch 3
            2> error: expected lists for the parameters of `measure`, as it is called for many rows at a time, but `text` is string
            2>   call it for each row, without `--batch`; or give the same for all rows, `--arg text=VALUE`
            exit 2
        "#]],
    );
}

#[test]
fn results_are_folded_as_a_tree() {
    let rows: String = (1..=99_997_u64).map(|n| format!("{}\n", n * n % 1013)).collect();
    let room = Room::new(
        "reduce",
        &[("in.ndjson", rows.as_bytes()), ("few.ndjson", b"[8,1]\n[1,0]\n[3,1]\n[9,3]\n"), ("none.ndjson", b"")],
    );
    room.check(
        &[
            // A sum of differences depends on the tree's shape.
            "rows.wat half in.ndjson --reduce less",
            "rows.wat half in.ndjson --reduce less --serial",
            "rows.wat half in.ndjson --reduce less --threads 3",
            "rows.wat add in.ndjson --arg b=0 --reduce add",
            "rows.wat div few.ndjson --reduce add --on-error skip",
            "rows.wat div few.ndjson --reduce add",
            "rows.wat div few.ndjson --reduce div --on-error skip",
            "rows.wat div none.ndjson --reduce add",
            "rows.wat half in.ndjson --reduce add",
            "rows.wat half in.ndjson --reduce ad",
        ],
        &expect![[r#"
            $ purefork map rows.wat half in.ndjson --reduce less
            -36459.5
            exit 0

            $ purefork map rows.wat half in.ndjson --reduce less --serial
            -36459.5
            exit 0

            $ purefork map rows.wat half in.ndjson --reduce less --threads 3
            -36459.5
            exit 0

            $ purefork map rows.wat add in.ndjson --arg b=0 --reduce add
            50601503
            exit 0

            $ purefork map rows.wat div few.ndjson --reduce add --on-error skip
            14
            exit 1

            $ purefork map rows.wat div few.ndjson --reduce add
            2> error: row 2 of `few.ndjson`: `div` trapped: integer divide by zero
            2>   at `div` (offset 0x75)
            exit 1

            $ purefork map rows.wat div few.ndjson --reduce div --on-error skip
            8
            exit 1

            $ purefork map rows.wat div none.ndjson --reduce add
            null
            exit 0

            $ purefork map rows.wat half in.ndjson --reduce add
            2> error: `add(a: i32, b: i32) -> i32` cannot fold the results, which are f64
            2>   it has to take two of them and give one
            exit 2

            $ purefork map rows.wat half in.ndjson --reduce ad
            2> error: the module exports no function `ad`
            2>   did you mean `add`?
            exit 2
        "#]],
    );
}

/// Some bytes of input may give megabytes: what is under way is bounded all the same, and the output is what it was.
#[test]
fn rows_that_give_much_are_parted() {
    let text = "x".repeat(30_000);
    let rows: String = (0..600).map(|n| format!("\"{n}{text}\"\n")).collect();
    let room = Room::new("much", &[("in.ndjson", rows.as_bytes())]);
    for line in [
        "shapes.wat text in.ndjson",
        "shapes.wat text in.ndjson --to csv --into same",
        "rows.wat none --arg a=1 in.ndjson",
    ] {
        let serial = room.command(&format!("{line} --serial -q --on-error keep")).output().expect("the binary runs");
        let parallel =
            room.command(&format!("{line} --threads 3 -q --on-error keep")).output().expect("the binary runs");
        assert!(serial.stdout == parallel.stdout, "{line}: the output depends on the threads");
        assert!(serial.stdout.split(|byte| *byte == b'\n').count() > 600, "{line}: rows are lost");
    }
    let texts = room.command("shapes.wat text in.ndjson -q").output().expect("the binary runs").stdout;
    assert!(texts == rows.as_bytes(), "it is not what it was");
}
