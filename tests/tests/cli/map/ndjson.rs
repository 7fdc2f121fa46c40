//! Lines of JSON, good and bad.

use super::room::Room;
use expect_test::expect;

#[test]
fn a_line_is_an_object_an_array_or_the_only_parameter() {
    let room = Room::new(
        "forms",
        &[
            ("in.ndjson", b"{\"a\":1,\"b\":2}\n[3,4]\n{\"b\": 5, \"a\": 6, \"more\": [{}]}\n"),
            ("bare.ndjson", b"3\n[5]\n{\"x\":7}\n\"nan\"\n{\"x\":\"-inf\"}"),
            ("bad-text.ndjson", b"\"\\ud800\"\n\"\\ud800\\u0041\"\n\"a\tb\"\n"),
            ("text.ndjson", "\"gr\\u00fc\\u00df\"\n{\"text\":\"\\ud83d\\ude00\"}\n".as_bytes()),
            ("points.ndjson", b"{\"x\":1,\"y\":2}\n{\"point\":{\"x\":3,\"y\":4,\"z\":5}}\n{\"y\":5,\"x\":6,\"z\":7}\n"),
            ("lists.ndjson", b"[1,2]\n{\"values\":[3]}\n[]\n"),
            ("options.ndjson", b"{}\nnull\n5\n{\"some\":null}\n{\"value\":{\"some\":6}}\n{\"some\":7}\n"),
        ],
    );
    room.check(
        &[
            "rows.wat add in.ndjson",
            "rows.wat half bare.ndjson",
            "shapes.wat text text.ndjson",
            "shapes.wat text bad-text.ndjson --on-error keep",
            "shapes.wat move points.ndjson",
            "shapes.wat numbers lists.ndjson",
            "shapes.wat maybe options.ndjson",
        ],
        &expect![[r#"
            $ purefork map rows.wat add in.ndjson
            3
            7
            11
            exit 0

            $ purefork map rows.wat half bare.ndjson
            1.5
            2.5
            3.5
            "nan"
            "-inf"
            exit 0

            $ purefork map shapes.wat text text.ndjson
            "grüß"
            "😀"
            exit 0

            $ purefork map shapes.wat text bad-text.ndjson --on-error keep
            {"error":{"kind":"Row","message":"`text`: it is no JSON: unexpected end of hex escape"}}
            {"error":{"kind":"Row","message":"`text`: it is no JSON: lone leading surrogate in hex escape"}}
            {"error":{"kind":"Row","message":"`text`: it is no JSON: control character (\\u0000-\\u001F) found while parsing a string"}}
            exit 1

            $ purefork map shapes.wat move points.ndjson
            {"x":1.0,"y":2.0}
            {"x":3.0,"y":4.0}
            {"x":6.0,"y":5.0}
            exit 0

            $ purefork map shapes.wat numbers lists.ndjson
            [1.0,2.0]
            [3.0]
            []
            exit 0

            $ purefork map shapes.wat maybe options.ndjson
            null
            null
            2> error: row 3 of `options.ndjson`: `value`: expected option<option<u8>>, null or {"some": value}, but was given integer `5`
            exit 1
        "#]],
    );
}

#[test]
fn a_result_is_added_to_its_line() {
    let room = Room::new(
        "into",
        &[("in.ndjson", b" { \"a\":1,\"b\":2 , \"n\": 1.50 } \r\n{\"sum\":0,\"a\":1,\"b\":1}\n{\"a\":1,\"b\":0}\n[7,8]\n{\"a\":1}\n")],
    );
    room.check(
        &["rows.wat add in.ndjson --into sum", "rows.wat div in.ndjson --into sum --on-error keep"],
        &expect![[r#"
            $ purefork map rows.wat add in.ndjson --into sum
            {"a":1,"b":2 , "n": 1.50,"sum":3}
            2> error: row 2 of `in.ndjson`: it has a field `sum` already
            exit 1

            $ purefork map rows.wat div in.ndjson --into sum --on-error keep
            {"a":1,"b":2 , "n": 1.50,"sum":0}
            {"a":1,"b":1,"sum":{"error":{"kind":"Row","message":"it has a field `sum` already"}}}
            {"a":1,"b":0,"sum":{"error":{"kind":"Trap","message":"`div` trapped: integer divide by zero"}}}
            {"a":7,"b":8,"sum":0}
            {"a":1,"sum":{"error":{"kind":"Row","message":"`b`: it is not given"}}}
            exit 1
        "#]],
    );
}

#[test]
fn numbers_are_exact_or_fail() {
    let room = Room::new(
        "numbers",
        &[
            ("floats.ndjson", b"9007199254740992\n9007199254740993\n9007199254740993.0\n0.1\n1e400\n100000000000000000000\n100000000000000000001\n-0\nNaN\n1.\n01\n+1\n0x10\n"),
            ("ints.ndjson", b"[2147483647,0]\n[2147483648,0]\n[1.0,0]\n[1e0,0]\n[\"1\",0]\n[-0,0]\n[null,0]\n[true,0]\n"),
        ],
    );
    room.check(
        &["rows.wat half floats.ndjson --on-error keep", "rows.wat add ints.ndjson --on-error keep"],
        &expect![[r#"
            $ purefork map rows.wat half floats.ndjson --on-error keep
            4503599627370496.0
            {"error":{"kind":"Row","message":"`x`: expected f64, but `9007199254740993` is none: the nearest is 9007199254740992; with a fraction, as `9007199254740993.0`, it is rounded"}}
            4503599627370496.0
            0.05
            {"error":{"kind":"Row","message":"`x`: expected f64, a number from -1.7976931348623157e308 to 1.7976931348623157e308, but was given `1e400`"}}
            5e+19
            {"error":{"kind":"Row","message":"`x`: expected f64, but `100000000000000000001` is none: the nearest is 100000000000000000000; with a fraction, as `100000000000000000001.0`, it is rounded"}}
            -0.0
            {"error":{"kind":"Row","message":"`x`: it is no JSON: expected value"}}
            {"error":{"kind":"Row","message":"`x`: it is no JSON: invalid number"}}
            {"error":{"kind":"Row","message":"`x`: it is no JSON: invalid number"}}
            {"error":{"kind":"Row","message":"`x`: it is no JSON: expected value"}}
            {"error":{"kind":"Row","message":"it is no JSON: trailing characters"}}
            exit 1

            $ purefork map rows.wat add ints.ndjson --on-error keep
            2147483647
            {"error":{"kind":"Row","message":"`a`: expected i32, a whole number from -2147483648 to 2147483647, but was given `2147483648`"}}
            {"error":{"kind":"Row","message":"`a`: expected i32, a whole number from -2147483648 to 2147483647, but was given `1.0`"}}
            {"error":{"kind":"Row","message":"`a`: expected i32, a whole number from -2147483648 to 2147483647, but was given `1e0`"}}
            {"error":{"kind":"Row","message":"`a`: expected i32, a whole number from -2147483648 to 2147483647, but was given `\"1\"`"}}
            0
            {"error":{"kind":"Row","message":"`a`: expected i32, a whole number from -2147483648 to 2147483647, but was given `null`"}}
            {"error":{"kind":"Row","message":"`a`: expected i32, a whole number from -2147483648 to 2147483647, but was given `true`"}}
            exit 1
        "#]],
    );
}

#[test]
fn lines_that_are_none_fail_with_their_reason() {
    let deep = format!("{{\"a\":1,\"b\":2,\"c\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
    let lines: [&[u8]; 20] = [
        b"nope",
        b"{\"a\":1,\"b\":2}{\"a\":1,\"b\":2}",
        b"{\"a\":1,\"b\":2},",
        b"{\"a\":1,\"b\":2,\"a\":3}",
        b"{\"a\":1,\"b\":2,\"c\":0,\"c\":1}",
        b"{\"a\":1}",
        b"[1]",
        b"[1,2,3]",
        b"5",
        b"null",
        b"{\"a\":1,\"b\":\"\xff\"}",
        b"{\"a\":1,\"b\":2,\"c\":\"\\ud800\"}",
        deep.as_bytes(),
        b"{'a':1,'b':2}",
        b"{\"a\":1,\"b\":2,}",
        b"{\"a\":[1],\"b\":2}",
        b"{\"a\":1,\"b\":{}}",
        b"\0",
        b"{",
        b"{\"a\":1,\"b\":",
    ];
    let room = Room::new("bad", &[("bad.ndjson", &lines.join(&b'\n'))]);
    room.check(&["rows.wat add bad.ndjson --on-error keep", "rows.wat add bad.ndjson"], &expect![[r#"
        $ purefork map rows.wat add bad.ndjson --on-error keep
        {"error":{"kind":"Row","message":"it is no JSON: expected `true`, `false` or `null`"}}
        {"error":{"kind":"Row","message":"it is no JSON: trailing characters"}}
        {"error":{"kind":"Row","message":"it is no JSON: trailing characters"}}
        {"error":{"kind":"Row","message":"it has the field `a` twice"}}
        {"error":{"kind":"Row","message":"it has the field `c` twice"}}
        {"error":{"kind":"Row","message":"`b`: it is not given"}}
        {"error":{"kind":"Row","message":"`b`: expected a value for each of `a`, `b`, but was given 1"}}
        {"error":{"kind":"Row","message":"expected a value for each of `a`, `b`, but was given 3"}}
        {"error":{"kind":"Row","message":"expected an object with `a`, `b`, but was given `5`"}}
        {"error":{"kind":"Row","message":"expected an object with `a`, `b`, but was given `null`"}}
        {"error":{"kind":"Row","message":"expected UTF-8, but at byte 12 there is 0xff"}}
        3
        3
        {"error":{"kind":"Row","message":"it is no JSON: key must be a string"}}
        {"error":{"kind":"Row","message":"it is no JSON: trailing comma"}}
        {"error":{"kind":"Row","message":"`a`: expected i32, a whole number from -2147483648 to 2147483647, but was given `[1]`"}}
        {"error":{"kind":"Row","message":"`b`: expected i32, a whole number from -2147483648 to 2147483647, but was given `{}`"}}
        {"error":{"kind":"Row","message":"it is no JSON: expected value"}}
        {"error":{"kind":"Row","message":"expected a JSON document on each line, but this one goes on over several: `jq -c` writes each on one"}}
        {"error":{"kind":"Row","message":"`b`: it is no JSON: EOF while parsing a value"}}
        exit 1

        $ purefork map rows.wat add bad.ndjson
        2> error: row 1 of `bad.ndjson`: it is no JSON: expected `true`, `false` or `null`
        exit 1
    "#]]);
    let strict = Room::new("strict", &[("in.ndjson", b"{\"a\":1,\"b\":2,\"c\":3}\n")]);
    strict.check(
        &["rows.wat add in.ndjson --strict"],
        &expect![[r#"
        $ purefork map rows.wat add in.ndjson --strict
        2> error: row 1 of `in.ndjson`: `add` takes no `c`; there is `a`, `b`
        exit 1
    "#]],
    );
}

#[test]
fn blank_lines_marks_and_carriage_returns_are_no_rows() {
    let room = Room::new(
        "blank",
        &[
            ("in.ndjson", b"\xef\xbb\xbf\n\r\n[1,2]\r\n \t\n[3,4]\r\r\n\n[5,6]"),
            ("empty.ndjson", b""),
            ("mark.ndjson", b"\xef\xbb\xbf"),
            ("utf16.ndjson", b"\xff\xfe[\0"),
        ],
    );
    room.check(
        &[
            "rows.wat add in.ndjson --into sum",
            "rows.wat add empty.ndjson",
            "rows.wat add mark.ndjson",
            "rows.wat add utf16.ndjson",
        ],
        &expect![[r#"
            $ purefork map rows.wat add in.ndjson --into sum
            {"a":1,"b":2,"sum":3}
            {"a":3,"b":4,"sum":7}
            {"a":5,"b":6,"sum":11}
            exit 0

            $ purefork map rows.wat add empty.ndjson
            exit 0

            $ purefork map rows.wat add mark.ndjson
            exit 0

            $ purefork map rows.wat add utf16.ndjson
            2> error: expected text in UTF-8, but `utf16.ndjson` is in UTF-16
            2>   convert it: `iconv -f UTF-16 -t UTF-8`
            exit 2
        "#]],
    );
}

#[test]
fn values_of_every_kind_are_told_what_is_wrong_with_them() {
    let room = Room::new(
        "kinds",
        &[
            ("shapes.ndjson", b"[\"nothing\",{\"circle\":[{\"x\":1,\"y\":2},3]}]\n[{\"circle\":null}]\n[\"circle\"]\n[{\"nothing\":null}]\n[{\"square\":1}]\n[{\"polygon\":{\"name\":\"p\",\"points\":[{\"x\":1,\"y\":\"2\"}]}}]\n[{\"polygon\":{\"name\":\"p\",\"points\":[],\"fill\":\"blue\"}}]\n[{\"nothing\":null,\"circle\":1}]\n7\n"),
            ("letters.ndjson", b"\"a\"\n\"ab\"\n\"\"\n"),
            ("paint.ndjson", b"\"red\"\n\"blue\"\n1\n"),
            ("measure.ndjson", b"\"four\"\n\"\"\n"),
        ],
    );
    room.check(
        &[
            "shapes.wat shapes shapes.ndjson --on-error keep",
            "shapes.wat letter letters.ndjson --on-error keep",
            "shapes.wat paint paint.ndjson --on-error keep",
            "shapes.wat measure measure.ndjson --on-error keep",
        ],
        &expect![[r#"
            $ purefork map shapes.wat shapes shapes.ndjson --on-error keep
            ["nothing",{"circle":[{"x":1.0,"y":2.0},3.0]}]
            {"error":{"kind":"Row","message":"`shapes`: at `[0].circle`: expected tuple<record { x: f64, y: f64 }, f64>, an array, but was given null"}}
            {"error":{"kind":"Row","message":"`shapes`: at `[0].circle`: expected tuple<record { x: f64, y: f64 }, f64> for `circle`, but was given none"}}
            ["nothing"]
            {"error":{"kind":"Row","message":"`shapes`: at `[0]`: there is no case `square`; there is `nothing`, `circle`, `polygon`"}}
            {"error":{"kind":"Row","message":"`shapes`: at `[0].polygon.points[0].y`: expected f64, a number, \"nan\", \"inf\" or \"-inf\", but was given `\"2\"`"}}
            {"error":{"kind":"Row","message":"`shapes`: at `[0].polygon.fill`: there is no case `blue`; there is `red`, `green`, `dark-blue`"}}
            {"error":{"kind":"Row","message":"`shapes`: at `[0]`: expected variant {…}, \"case\" or {\"case\": value}, but was given `circle`, too"}}
            {"error":{"kind":"Row","message":"`shapes`: expected list<variant {…}>, an array, but was given integer `7`"}}
            exit 1

            $ purefork map shapes.wat letter letters.ndjson --on-error keep
            "a"
            {"error":{"kind":"Row","message":"`letter`: expected char, a string of one character, but was given `\"ab\"`"}}
            {"error":{"kind":"Row","message":"`letter`: expected char, a string of one character, but was given `\"\"`"}}
            exit 1

            $ purefork map shapes.wat paint paint.ndjson --on-error keep
            "red"
            {"error":{"kind":"Row","message":"`color`: there is no case `blue`; there is `red`, `green`, `dark-blue`"}}
            {"error":{"kind":"Row","message":"`color`: expected enum { red, green, dark-blue }, one of its names as a string, but was given integer `1`"}}
            exit 1

            $ purefork map shapes.wat measure measure.ndjson --on-error keep
            4
            {"error":{"kind":"Err","message":"it is empty"}}
            exit 1
        "#]],
    );
}

/// No key is there twice, and no field is lost.
#[test]
fn a_field_of_the_name_is_no_place_for_a_result() {
    let room = Room::new(
        "into-taken",
        &[
            ("in.ndjson", b"{\"a\":1,\"b\":2,\"s\":9,\"note\":\"x\"}\n[3,4]\n"),
            ("in.csv", b"a,b,s,s\n1,2,3,4\n"),
            ("bare.csv", b"1,2\n1,2,3\n"),
            ("points.ndjson", b"{\"x\":1,\"y\":2}\n{\"x\":1,\"y\":2,\"z\":3}\n"),
        ],
    );
    room.check(
        &[
            "rows.wat add in.ndjson --into a",
            "rows.wat add in.ndjson --into s",
            "rows.wat add in.ndjson --into s --on-error keep",
            "rows.wat add in.csv --into c --to ndjson",
            "rows.wat add in.csv --into s --to ndjson",
            "rows.wat add bare.csv --no-header --into s --on-error keep",
            "shapes.wat move points.ndjson --into z --on-error keep",
            "shapes.wat move points.ndjson --into to --to csv --on-error keep",
        ],
        &expect![[r#"
            $ purefork map rows.wat add in.ndjson --into a
            2> error: a row would have two fields `a`
            2>   choose another name, `--into NAME`, or give the input's columns names of their own
            exit 2

            $ purefork map rows.wat add in.ndjson --into s
            2> error: row 1 of `in.ndjson`: it has a field `s` already
            exit 1

            $ purefork map rows.wat add in.ndjson --into s --on-error keep
            {"a":1,"b":2,"note":"x","s":{"error":{"kind":"Row","message":"it has a field `s` already"}}}
            {"a":3,"b":4,"s":7}
            exit 1

            $ purefork map rows.wat add in.csv --into c --to ndjson
            2> error: a row would have two fields `s`
            2>   choose another name, `--into NAME`, or give the input's columns names of their own
            exit 2

            $ purefork map rows.wat add in.csv --into s --to ndjson
            2> error: a row would have two fields `s`
            2>   choose another name, `--into NAME`, or give the input's columns names of their own
            exit 2

            $ purefork map rows.wat add bare.csv --no-header --into s --on-error keep
            1,2,3
            1,2,
            exit 1

            $ purefork map shapes.wat move points.ndjson --into z --on-error keep
            {"x":1,"y":2,"z":{"x":1.0,"y":2.0}}
            {"x":1,"y":2,"z":{"error":{"kind":"Row","message":"it has a field `z` already"}}}
            exit 1

            $ purefork map shapes.wat move points.ndjson --into to --to csv --on-error keep
            point,to.x,to.y
            "{""x"":1.0,""y"":2.0}",1.0,2.0
            "{""x"":1,""y"":2,""z"":3}",,
            exit 1
        "#]],
    );
}
