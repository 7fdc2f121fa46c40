//! Comma-separated and tab-separated rows.

use super::room::Room;
use expect_test::expect;

#[test]
fn columns_are_parameters_by_name() {
    let room = Room::new(
        "csv",
        &[
            ("in.csv", b"\xef\xbb\xbfb,note,a\r\n1,\"x, \"\"y\"\"\",2\r\n\r\n\"3\",\"two\nlines\",\" 4 \"\r\n5,,6"),
            ("in.tsv", b"a\tb\n1\t2\n3\t4\n"),
            ("bare.csv", b"1,2\n3,4\n"),
            ("lists.csv", b"values\n\"[1,2.5]\"\n[]\n"),
        ],
    );
    room.check(
        &[
            "rows.wat add in.csv",
            "rows.wat add in.csv --into sum",
            "rows.wat add in.csv --into sum --to ndjson",
            "rows.wat add in.tsv --into sum",
            "rows.wat add bare.csv --no-header",
            "rows.wat add bare.csv --no-header --into sum",
            "shapes.wat numbers lists.csv",
        ],
        &expect![[r#"
            $ purefork map rows.wat add in.csv
            add
            3
            7
            11
            exit 0

            $ purefork map rows.wat add in.csv --into sum
            b,note,a,sum
            1,"x, ""y""",2,3
            3,"two
            lines", 4 ,7
            5,,6,11
            exit 0

            $ purefork map rows.wat add in.csv --into sum --to ndjson
            {"b":1,"note":"x, \"y\"","a":2,"sum":3}
            {"b":3,"note":"two\nlines","a":4,"sum":7}
            {"b":5,"note":"","a":6,"sum":11}
            exit 0

            $ purefork map rows.wat add in.tsv --into sum
            a	b	sum
            1	2	3
            3	4	7
            exit 0

            $ purefork map rows.wat add bare.csv --no-header
            3
            7
            exit 0

            $ purefork map rows.wat add bare.csv --no-header --into sum
            1,2,3
            3,4,7
            exit 0

            $ purefork map shapes.wat numbers lists.csv
            numbers
            "[1.0,2.5]"
            []
            exit 0
        "#]],
    );
}

#[test]
fn records_are_columns() {
    let room =
        Room::new("records", &[("in.ndjson", b"{\"x\":1,\"y\":2}\n{\"x\":\"nan\",\"y\":1e300}\n{\"x\":true}\n")]);
    room.check(
        &[
            "shapes.wat move in.ndjson --to csv --on-error keep",
            "shapes.wat move in.ndjson --to csv --on-error keep --into moved",
            "shapes.wat move in.ndjson --to tsv --on-error skip --no-header",
        ],
        &expect![[r#"
            $ purefork map shapes.wat move in.ndjson --to csv --on-error keep
            x,y
            1.0,2.0
            nan,1e+300
            ,
            exit 1

            $ purefork map shapes.wat move in.ndjson --to csv --on-error keep --into moved
            point,moved.x,moved.y
            "{""x"":1.0,""y"":2.0}",1.0,2.0
            "{""x"":""nan"",""y"":1e+300}",nan,1e+300
            "{""x"":true}",,
            exit 1

            $ purefork map shapes.wat move in.ndjson --to tsv --on-error skip --no-header
            1.0	2.0
            nan	1e+300
            exit 1
        "#]],
    );
}

#[test]
fn a_row_without_a_value_is_no_blank_line() {
    let room = Room::new("blank-cells", &[("in.ndjson", b"[1,1]\n[1,0]\n[4,2]\n")]);
    room.check(
        &["rows.wat div in.ndjson --to csv --on-error keep"],
        &expect![[r#"
        $ purefork map rows.wat div in.ndjson --to csv --on-error keep
        div
        1
        ""
        2
        exit 1
    "#]],
    );
}

#[test]
fn rows_that_do_not_fit_fail_with_their_number() {
    let room = Room::new(
        "ragged",
        &[
            ("in.csv", b"a,b\n1,2\n3\n4,5,6\n7,\n8,x\n9,1e3\n10,2147483648\n11,\xff\n12,\"13\n"),
            ("half.csv", b"x\n9007199254740993\nInfinity\n-nan\n.5\n1,\n"),
            ("twice.csv", b"a,b,a\n1,2,3\n"),
            ("other.csv", b"a,c\n1,2\n"),
        ],
    );
    room.check(
        &[
            "rows.wat add in.csv --on-error keep --rejects bad.ndjson",
            "rows.wat add in.csv",
            "rows.wat half half.csv --on-error keep --to ndjson",
            "rows.wat add twice.csv",
            "rows.wat add other.csv",
            "rows.wat none other.csv --strict",
            "rows.wat add in.csv --into b",
        ],
        &expect![[r#"
            $ purefork map rows.wat add in.csv --on-error keep --rejects bad.ndjson
            add
            3
            ""
            ""
            ""
            ""
            ""
            ""
            ""
            ""
            exit 1

            $ purefork map rows.wat add in.csv
            add
            3
            2> error: row 2 of `in.csv` (line 3): expected 2 fields, as in the header, but there are 1
            exit 1

            $ purefork map rows.wat half half.csv --on-error keep --to ndjson
            {"error":{"kind":"Row","message":"`x`: expected f64, but `9007199254740993` is none: the nearest is 9007199254740992; with a fraction, as `9007199254740993.0`, it is rounded"}}
            "inf"
            "nan"
            0.25
            {"error":{"kind":"Row","message":"expected 1 field, as in the header, but there are 2"}}
            exit 1

            $ purefork map rows.wat add twice.csv
            2> error: `twice.csv` has two columns `a`
            exit 2

            $ purefork map rows.wat add other.csv
            2> error: `other.csv` has no column `b`, which `add` takes
            2>   it has `a`, `c`
            exit 2

            $ purefork map rows.wat none other.csv --strict
            2> error: `other.csv` has a column `c`, which `none` does not take
            2>   leave `--strict` away to pass over it
            exit 2

            $ purefork map rows.wat add in.csv --into b
            2> error: the input has a column `b` already
            2>   choose another name, `--into NAME`
            exit 2
        "#]],
    );
    expect![[r#"
        {"file":"in.csv","row":2,"line":3,"byte":8,"column":null,"kind":"Row","message":"expected 2 fields, as in the header, but there are 1","raw":"3"}
        {"file":"in.csv","row":3,"line":4,"byte":10,"column":null,"kind":"Row","message":"expected 2 fields, as in the header, but there are 3","raw":"4,5,6"}
        {"file":"in.csv","row":4,"line":5,"byte":16,"column":"b","kind":"Row","message":"it is empty","raw":"7,"}
        {"file":"in.csv","row":5,"line":6,"byte":19,"column":"b","kind":"Row","message":"expected i32, a whole number from -2147483648 to 2147483647, but was given `x`","raw":"8,x"}
        {"file":"in.csv","row":6,"line":7,"byte":23,"column":"b","kind":"Row","message":"expected i32, a whole number from -2147483648 to 2147483647, but was given `1e3`","raw":"9,1e3"}
        {"file":"in.csv","row":7,"line":8,"byte":29,"column":"b","kind":"Row","message":"expected i32, a whole number from -2147483648 to 2147483647, but was given `2147483648`","raw":"10,2147483648"}
        {"file":"in.csv","row":8,"line":9,"byte":43,"column":"b","kind":"Row","message":"expected UTF-8, but at byte 0 there is 0xff","raw":"11,�"}
        {"file":"in.csv","row":9,"line":10,"byte":48,"column":null,"kind":"Row","message":"a quote is not closed: the file may be cut off","raw":"12,\"13\n"}
    "#]].assert_eq(&room.read("bad.ndjson"));
}

#[test]
fn an_empty_cell_is_null_if_that_is_asked_for() {
    let room =
        Room::new("nulls", &[("in.csv", b"a,b\n1,2\n,3\n4,\n"), ("in.ndjson", b"[1,2]\n[null,3]\n[4,null]\n[5]\n")]);
    room.check(
        &[
            "rows.wat add in.csv --nulls null --into sum",
            "rows.wat add in.csv --nulls null --into sum --to ndjson",
            "rows.wat add in.ndjson --nulls null --on-error keep",
            "rows.wat add in.ndjson --nulls null --on-error skip --into sum",
        ],
        &expect![[r#"
            $ purefork map rows.wat add in.csv --nulls null --into sum
            a,b,sum
            1,2,3
            ,3,
            4,,
            exit 0

            $ purefork map rows.wat add in.csv --nulls null --into sum --to ndjson
            {"a":1,"b":2,"sum":3}
            {"a":null,"b":3,"sum":null}
            {"a":4,"b":null,"sum":null}
            exit 0

            $ purefork map rows.wat add in.ndjson --nulls null --on-error keep
            3
            null
            null
            {"error":{"kind":"Row","message":"`b`: expected a value for each of `a`, `b`, but was given 1"}}
            exit 1

            $ purefork map rows.wat add in.ndjson --nulls null --on-error skip --into sum
            {"a":1,"b":2,"sum":3}
            {"a":null,"b":3,"sum":null}
            {"a":4,"b":null,"sum":null}
            exit 1
        "#]],
    );
}

#[test]
fn a_row_without_a_value_has_a_null_beside_its_cells() {
    let room = Room::new("csv-nulls", &[("in.csv", b"a,b,note\n1,2,\n,3,x\n4,5,y\n")]);
    room.check(
        &["rows.wat add in.csv --into s --nulls null", "rows.wat add in.csv --into s --nulls null --to ndjson"],
        &expect![[r#"
            $ purefork map rows.wat add in.csv --into s --nulls null
            a,b,note,s
            1,2,,3
            ,3,x,
            4,5,y,9
            exit 0

            $ purefork map rows.wat add in.csv --into s --nulls null --to ndjson
            {"a":1,"b":2,"note":"","s":3}
            {"a":null,"b":3,"note":"x","s":null}
            {"a":4,"b":5,"note":"y","s":9}
            exit 0
        "#]],
    );
}

#[test]
fn an_empty_file_among_others_has_no_columns_of_its_own() {
    let room =
        Room::new("csv-empty", &[("none.csv", b""), ("one.csv", b"a,b,note\n1,2,x\n"), ("head.csv", b"a,b,note\n")]);
    room.check(
        &[
            "rows.wat add none.csv one.csv none.csv --into s",
            "rows.wat add head.csv none.csv one.csv --into s --to ndjson",
            "rows.wat add none.csv --into s",
        ],
        &expect![[r#"
            $ purefork map rows.wat add none.csv one.csv none.csv --into s
            a,b,note,s
            1,2,x,3
            exit 0

            $ purefork map rows.wat add head.csv none.csv one.csv --into s --to ndjson
            {"a":1,"b":2,"note":"x","s":3}
            exit 0

            $ purefork map rows.wat add none.csv --into s
            a,b,s
            exit 0
        "#]],
    );
}
