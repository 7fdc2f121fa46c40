//! Arguments of WIT's types: in WAVE, in JSON, from files, and wrong.

use crate::support::{check_all, check_fed};
use expect_test::expect;

#[test]
fn values_are_given_in_wave_or_in_json() {
    check_all(
        &[
            "run shapes.wat move '{x: 1, y: 2}'",
            "run shapes.wat move '{\"x\": 1, \"y\": 2}' --json",
            "run shapes.wat numbers '[1, 2.5, nan]'",
            "run shapes.wat numbers '[1, 2.5, \"nan\"]' --json",
            "run shapes.wat maybe none",
            "run shapes.wat maybe '{\"some\": null}' --json",
            "run shapes.wat draw '{under-line, bold}'",
            "run shapes.wat draw '[\"under-line\", \"bold\"]' --json",
            "run shapes.wat paint dark-blue",
            "run shapes.wat paint '\"red\"' --json",
            "run shapes.wat shapes '[nothing, circle(({x: 1, y: 2}, 3))]' --json",
            "run shapes.wat shapes '[\"nothing\", {\"circle\": [{\"x\": 1, \"y\": 2}, 3]}]'",
            "run shapes.wat shapes '[{\"polygon\": {\"name\": \"a\", \"points\": []}}]' --json",
        ],
        &expect![[r#"
            $ purefork run shapes.wat move '{x: 1, y: 2}'
            {x: 1, y: 2}
            exit 0

            $ purefork run shapes.wat move '{"x": 1, "y": 2}' --json
            {"x":1.0,"y":2.0}
            exit 0

            $ purefork run shapes.wat numbers '[1, 2.5, nan]'
            [1, 2.5, nan]
            exit 0

            $ purefork run shapes.wat numbers '[1, 2.5, "nan"]' --json
            [1.0,2.5,"nan"]
            exit 0

            $ purefork run shapes.wat maybe none
            none
            exit 0

            $ purefork run shapes.wat maybe '{"some": null}' --json
            {"some":null}
            exit 0

            $ purefork run shapes.wat draw '{under-line, bold}'
            {bold, under-line}
            exit 0

            $ purefork run shapes.wat draw '["under-line", "bold"]' --json
            ["bold","under-line"]
            exit 0

            $ purefork run shapes.wat paint dark-blue
            dark-blue
            exit 0

            $ purefork run shapes.wat paint '"red"' --json
            "red"
            exit 0

            $ purefork run shapes.wat shapes '[nothing, circle(({x: 1, y: 2}, 3))]' --json
            ["nothing",{"circle":[{"x":1.0,"y":2.0},3.0]}]
            exit 0

            $ purefork run shapes.wat shapes '["nothing", {"circle": [{"x": 1, "y": 2}, 3]}]'
            [nothing, circle(({x: 1, y: 2}, 3))]
            exit 0

            $ purefork run shapes.wat shapes '[{"polygon": {"name": "a", "points": []}}]' --json
            [{"polygon":{"name":"a","points":[],"fill":null}}]
            exit 0
        "#]],
    );
}

#[test]
fn a_string_is_its_text_as_it_stands() {
    check_all(
        &[
            "run shapes.wat text hello",
            "run shapes.wat text --text ''",
            "run shapes.wat text '\"5\"'",
            "run shapes.wat text --text '\"two\\nlines\"'",
            "run shapes.wat text '{\"n\": \"\\u00fc\"}'",
            "run shapes.wat text '\"'",
            "run shapes.wat text '\"a\" and \"b\"'",
            "run shapes.wat text null",
            "run shapes.wat text --text=--fuel",
            "run shapes.wat text @@home",
            "run shapes.wat text @@@home",
            "run shapes.wat letter a",
            "run shapes.wat letter '\"'",
            "run shapes.wat letter '\"a\"' --json",
            "run shapes.wat letter ab",
        ],
        &expect![[r#"
            $ purefork run shapes.wat text hello
            "hello"
            exit 0

            $ purefork run shapes.wat text --text ''
            ""
            exit 0

            $ purefork run shapes.wat text '"5"'
            "\"5\""
            exit 0

            $ purefork run shapes.wat text --text '"two\nlines"'
            "\"two\\nlines\""
            exit 0

            $ purefork run shapes.wat text '{"n": "\u00fc"}'
            "{\"n\": \"\\u00fc\"}"
            exit 0

            $ purefork run shapes.wat text '"'
            "\""
            exit 0

            $ purefork run shapes.wat text '"a" and "b"'
            "\"a\" and \"b\""
            exit 0

            $ purefork run shapes.wat text null
            "null"
            exit 0

            $ purefork run shapes.wat text --text=--fuel
            "--fuel"
            exit 0

            $ purefork run shapes.wat text @@home
            "@home"
            exit 0

            $ purefork run shapes.wat text @@@home
            "@@home"
            exit 0

            $ purefork run shapes.wat letter a
            'a'
            exit 0

            $ purefork run shapes.wat letter '"'
            '\"'
            exit 0

            $ purefork run shapes.wat letter '"a"' --json
            "a"
            exit 0

            $ purefork run shapes.wat letter ab
            2> error: argument `letter` of `letter`: expected char, one character in single quotes, but was given `ab`
            exit 2
        "#]],
    );
}

#[test]
fn what_is_misspelt_is_refused_in_wave_as_in_json() {
    check_all(
        &[
            "run shapes.wat set '{colour: red}'",
            "run shapes.wat set '{\"colour\": \"red\"}'",
            "run shapes.wat move '{x: 1, y: 2, z: 3}'",
            "run shapes.wat move '{x: 1, x: 2, y: 3}'",
            "run shapes.wat move '{\"x\": 1, \"x\": 2, \"y\": 3}'",
            "run shapes.wat draw '{fat}'",
            "run shapes.wat draw '{bold, bold}'",
            "run shapes.wat draw '[\"bold\", \"bold\"]'",
            "run shapes.wat numbers '[1, 3.5e38]'",
            "run shapes.wat numbers '[1.000000059604644775390626]'",
            "run shapes.wat numbers '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, zz]'",
        ],
        &expect![[r#"
            $ purefork run shapes.wat set '{colour: red}'
            2> error: argument `settings` of `set`: at line 1 column 2: there is no field `colour`; there is `color`, `border`, `closed`, `author`, `width`, `height`, `depth`, `margin`, …
            exit 2

            $ purefork run shapes.wat set '{"colour": "red"}'
            2> error: argument `settings` of `set`: at line 1 column 2: there is no field `colour`; there is `color`, `border`, `closed`, `author`, `width`, `height`, `depth`, `margin`, …
            exit 2

            $ purefork run shapes.wat move '{x: 1, y: 2, z: 3}'
            2> error: argument `point` of `move`: at line 1 column 14: there is no field `z`; there is `x`, `y`
            exit 2

            $ purefork run shapes.wat move '{x: 1, x: 2, y: 3}'
            2> error: argument `point` of `move`: at line 1 column 8: was given the field `x` twice
            exit 2

            $ purefork run shapes.wat move '{"x": 1, "x": 2, "y": 3}'
            2> error: argument `point` of `move`: at line 1 column 10: was given the field `x` twice
            exit 2

            $ purefork run shapes.wat draw '{fat}'
            2> error: argument `style` of `draw`: at line 1 column 2: there is no flag `fat`; there is `bold`, `italic`, `under-line`
            exit 2

            $ purefork run shapes.wat draw '{bold, bold}'
            2> error: argument `style` of `draw`: at line 1 column 8: was given the flag `bold` twice
            exit 2

            $ purefork run shapes.wat draw '["bold", "bold"]'
            2> error: argument `style` of `draw`: at line 1 column 10: was given the flag `bold` twice
            exit 2

            $ purefork run shapes.wat numbers '[1, 3.5e38]'
            2> error: argument `values` of `numbers`: at `[1]`, line 1 column 5: expected f32, a number from -3.4028235e38 to 3.4028235e38, but was given `3.5e38`
            exit 2

            $ purefork run shapes.wat numbers '[1.000000059604644775390626]'
            [1.0000001]
            exit 0

            $ purefork run shapes.wat numbers '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, zz]'
            2> error: argument `values` of `numbers`: at `[14]`, line 1 column 49: expected f32, a number, `nan`, `inf` or `-inf`, but was given `zz`
            exit 2
        "#]],
    );
}

#[test]
fn a_byte_order_mark_is_skipped_where_text_is_read() {
    check_all(
        &[
            "run shapes.wat move @marked.json",
            "run shapes.wat move @marked.wave",
            "run shapes.wat text @marked.txt",
            "run marked.wat f",
            "run shapes.wat numbers @utf16.json",
            "run utf16.wat f",
        ],
        &expect![[r#"
            $ purefork run shapes.wat move @marked.json
            {x: 1, y: 2}
            exit 0

            $ purefork run shapes.wat move @marked.wave
            {x: 1, y: 2}
            exit 0

            $ purefork run shapes.wat text @marked.txt
            "\u{feff}a"
            exit 0

            $ purefork run marked.wat f
            1
            exit 0

            $ purefork run shapes.wat numbers @utf16.json
            2> error: argument `values` of `numbers`: `utf16.json`: expected text in UTF-8, but was given text in UTF-16
            2>   save it in UTF-8
            exit 2

            $ purefork run utf16.wat f
            2> error: `utf16.wat`: expected WebAssembly, or its text in UTF-8, but was given text in UTF-16
            2>   save it in UTF-8
            exit 2
        "#]],
    );
}

#[test]
fn values_are_read_from_files() {
    check_all(
        &[
            "run shapes.wat text @text.txt",
            "run shapes.wat bytes @latin1.txt",
            "run shapes.wat move @point.json",
            "run shapes.wat move --point @point.wave",
            "run shapes.wat numbers @f4.npy",
            "run shapes.wat numbers @f4-big.npy",
            "run shapes.wat tint @u1.npy",
            "run shapes.wat tint @u1-columns.npy",
        ],
        &expect![[r#"
            $ purefork run shapes.wat text @text.txt
            "grüß\n"
            exit 0

            $ purefork run shapes.wat bytes @latin1.txt
            [103, 114, 252, 223]
            exit 0

            $ purefork run shapes.wat move @point.json
            {x: 1, y: 2}
            exit 0

            $ purefork run shapes.wat move --point @point.wave
            {x: 1, y: 2}
            exit 0

            $ purefork run shapes.wat numbers @f4.npy
            [1, 2]
            exit 0

            $ purefork run shapes.wat numbers @f4-big.npy
            [1, 2]
            exit 0

            $ purefork run shapes.wat tint @u1.npy
            {dimensions: [2, 3], ty: u8, data: [0, 1, 2, 3, 4, 5]}
            exit 0

            $ purefork run shapes.wat tint @u1-columns.npy
            {dimensions: [2, 3], ty: u8, data: [0, 1, 2, 3, 4, 5]}
            exit 0
        "#]],
    );
}

#[test]
fn a_value_is_read_from_standard_input_once() {
    check_fed(
        "run shapes.wat numbers @-",
        b"[1, 2]\n",
        &expect![[r#"
        [1, 2]
        exit 0
    "#]],
    );
    check_fed(
        "run shapes.wat add @- @-",
        b"1",
        &expect![[r#"
        2> error: argument `more` of `demo:shapes/sums@1.0.0#add`: standard input is read for `max-len` already
        exit 2
    "#]],
    );
    check_fed(
        "run shapes.wat text --text=@-",
        b"",
        &expect![[r#"
        ""
        exit 0
    "#]],
    );
    check_fed(
        "run shapes.wat numbers @-",
        b"[1, 2",
        &expect![[r#"
            2> error: argument `values` of `numbers`: standard input: expected list<f32>, but was given `[1, 2`, which is no WAVE: expected `,` or `]`, not the end, at line 1 column 6
            exit 2
        "#]],
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_does_not_fit_is_told() {
    check_all(
        &[
            "run shapes.wat text @absent.txt",
            "run shapes.wat text @",
            "run shapes.wat bytes @directory.wasm",
            "run shapes.wat text @latin1.txt",
            "run shapes.wat move @latin1.txt",
            "run shapes.wat move @wrong.json",
            "run shapes.wat move @wrong.wave",
            "run shapes.wat move @f4.npy",
            "run shapes.wat numbers @f8.npy",
            "run shapes.wat numbers @u1.npy",
            "run shapes.wat shapes @f4.npy",
            "run shapes.wat tint @c8.npy",
            "run shapes.wat tint @short.npy",
            "run shapes.wat tint @text.txt",
            "run shapes.wat text @absent.txt --json",
        ],
        &expect![[r#"
            $ purefork run shapes.wat text @absent.txt
            2> error: argument `text` of `text`: cannot read `absent.txt`: No such file or directory (os error 2)
            2>   a text that begins with `@` is written with two: `@@`
            exit 2

            $ purefork run shapes.wat text @
            2> error: argument `text` of `text`: expected the path of a file after `@`
            2>   write `@-` for standard input, `@@` for a text that is an `@`
            exit 2

            $ purefork run shapes.wat bytes @directory.wasm
            2> error: argument `data` of `bytes`: cannot read `directory.wasm`: Is a directory (os error 21)
            exit 2

            $ purefork run shapes.wat text @latin1.txt
            2> error: argument `text` of `text`: `latin1.txt`: expected text in UTF-8, but at byte 2 there is 0xfc, which is none
            exit 2

            $ purefork run shapes.wat move @latin1.txt
            2> error: argument `point` of `move`: `latin1.txt`: expected text in UTF-8, but at byte 2 there is 0xfc, which is none
            exit 2

            $ purefork run shapes.wat move @wrong.json
            2> error: argument `point` of `move`: `wrong.json`: expected record { x: f64, y: f64 }, but was given `{\n  "x": 1,\n  "y": }`, which is no JSON: expected value at line 3 column 8
            exit 2

            $ purefork run shapes.wat move @wrong.wave
            2> error: argument `point` of `move`: `wrong.wave`: at `.y`, line 3 column 6: expected f64, a number, `nan`, `inf` or `-inf`, but was given `z`
            exit 2

            $ purefork run shapes.wat move @f4.npy
            2> error: argument `point` of `move`: `f4.npy`: expected record { x: f64, y: f64 }, but was given a .npy file
            exit 2

            $ purefork run shapes.wat numbers @f8.npy
            2> error: argument `values` of `numbers`: `f8.npy`: expected list<f32>, a one-dimensional array of dtype `f4`, but was given one of `f8` with shape [1]
            exit 2

            $ purefork run shapes.wat numbers @u1.npy
            2> error: argument `values` of `numbers`: `u1.npy`: expected list<f32>, a one-dimensional array of dtype `f4`, but was given one of `u1` with shape [2, 3]
            exit 2

            $ purefork run shapes.wat shapes @f4.npy
            2> error: argument `shapes` of `shapes`: `f4.npy`: expected list<variant {…}>, but was given a .npy file
            exit 2

            $ purefork run shapes.wat tint @c8.npy
            2> error: argument `image` of `tint`: `c8.npy`: a tensor has no elements of dtype `c8`; there are `f2` (fp16), `f4` (fp32), `f8` (fp64), `u1` (u8), `i4` (i32), `i8` (i64)
            exit 2

            $ purefork run shapes.wat tint @short.npy
            2> error: argument `image` of `tint`: `short.npy`: expected 12 bytes of `f4` with shape [3], but the file has 8
            exit 2

            $ purefork run shapes.wat tint @text.txt
            2> error: argument `image` of `tint`: `text.txt`: expected tensor, but was given `grüß`, which is no WAVE: unexpected `ü` at line 1 column 3
            exit 2

            $ purefork run shapes.wat text @absent.txt --json
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"a text that begins with `@` is written with two: `@@`","kind":"Unreadable","message":"argument `text` of `text`: cannot read `absent.txt`: No such file or directory (os error 2)","omitted":0,"reasons":[]}}
            2> error: argument `text` of `text`: cannot read `absent.txt`: No such file or directory (os error 2)
            2>   a text that begins with `@` is written with two: `@@`
            exit 2
        "#]],
    );
}

#[test]
fn a_value_that_does_not_fit_is_told_with_its_place() {
    check_all(
        &[
            "run shapes.wat move '{\"x\": 1, \"y\": \"two\"}'",
            "run shapes.wat move '{\"x\": 1}'",
            "run shapes.wat move '{\"x\": 1, \"y\": 2,}'",
            "run shapes.wat move '{x: 1}'",
            "run shapes.wat move '{x: 1, y: two}'",
            "run shapes.wat move 1",
            "run shapes.wat shapes '[{\"polygon\": {\"name\": \"a\", \"points\": [{\"x\": 1, \"y\": true}]}}]'",
            "run shapes.wat shapes '[\"square\"]'",
            "run shapes.wat shapes '[\"circle\"]'",
            "run shapes.wat shapes '[circle(1)]'",
            "run shapes.wat paint blue",
            "run shapes.wat draw '[\"bold\", \"fat\"]'",
            "run shapes.wat bytes '[1, 256]'",
            "run shapes.wat add -1 2",
            "run shapes.wat maybe 1",
            "run shapes.wat set 1",
            "run shapes.wat set",
            "run shapes.wat move '{\"x\": 1, \"y\": \"two\"}' --json",
        ],
        &expect![[r#"
            $ purefork run shapes.wat move '{"x": 1, "y": "two"}'
            2> error: argument `point` of `move`: at `.y`, line 1 column 15: expected f64, a number, "nan", "inf" or "-inf", but was given `"two"`
            exit 2

            $ purefork run shapes.wat move '{"x": 1}'
            2> error: argument `point` of `move`: was not given the field `y`
            exit 2

            $ purefork run shapes.wat move '{"x": 1, "y": 2,}'
            2> error: argument `point` of `move`: expected record { x: f64, y: f64 }, but was given `{"x": 1, "y": 2,}`, which is no JSON: trailing comma at line 1 column 17
            exit 2

            $ purefork run shapes.wat move '{x: 1}'
            2> error: argument `point` of `move`: was not given the field `y`
            exit 2

            $ purefork run shapes.wat move '{x: 1, y: two}'
            2> error: argument `point` of `move`: at `.y`, line 1 column 11: expected f64, a number, `nan`, `inf` or `-inf`, but was given `two`
            exit 2

            $ purefork run shapes.wat move 1
            2> error: argument `point` of `move`: expected record { x: f64, y: f64 }, fields as `{name: value}`, but was given `1`
            exit 2

            $ purefork run shapes.wat shapes '[{"polygon": {"name": "a", "points": [{"x": 1, "y": true}]}}]'
            2> error: argument `shapes` of `shapes`: at `[0].polygon.points[0].y`, line 1 column 53: expected f64, a number, "nan", "inf" or "-inf", but was given `true`
            exit 2

            $ purefork run shapes.wat shapes '["square"]'
            2> error: argument `shapes` of `shapes`: at `[0]`, line 1 column 2: there is no case `square`; there is `nothing`, `circle`, `polygon`
            exit 2

            $ purefork run shapes.wat shapes '["circle"]'
            2> error: argument `shapes` of `shapes`: at `[0]`, line 1 column 2: expected tuple<record { x: f64, y: f64 }, f64> for `circle`, but was given none
            exit 2

            $ purefork run shapes.wat shapes '[circle(1)]'
            2> error: argument `shapes` of `shapes`: at `[0].circle`, line 1 column 9: expected tuple<record { x: f64, y: f64 }, f64>, values in `()`, but was given `1`
            exit 2

            $ purefork run shapes.wat paint blue
            2> error: argument `color` of `paint`: there is no case `blue`; there is `red`, `green`, `dark-blue`
            exit 2

            $ purefork run shapes.wat draw '["bold", "fat"]'
            2> error: argument `style` of `draw`: at line 1 column 10: there is no flag `fat`; there is `bold`, `italic`, `under-line`
            exit 2

            $ purefork run shapes.wat bytes '[1, 256]'
            2> error: argument `data` of `bytes`: at `[1]`, line 1 column 5: expected u8, a whole number from 0 to 255, but was given `256`
            exit 2

            $ purefork run shapes.wat add -1 2
            2> error: argument `max-len` of `demo:shapes/sums@1.0.0#add`: expected u32, a whole number from 0 to 4294967295, but was given `-1`
            exit 2

            $ purefork run shapes.wat maybe 1
            2> error: argument `value` of `maybe`: expected option<option<u8>>, `none` or `some(value)`, but was given `1`
            exit 2

            $ purefork run shapes.wat set 1
            2> error: argument `settings` of `set`: expected record {…}, fields as `{name: value}`, but was given `1`
            exit 2

            $ purefork run shapes.wat set
            2> error: expected `set(settings: record {…}) -> record {…}`, but was not given `settings`
            exit 2

            $ purefork run shapes.wat move '{"x": 1, "y": "two"}' --json
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":null,"kind":"ArgumentMismatch","message":"argument `point` of `move`: at `.y`, line 1 column 15: expected f64, a number, \"nan\", \"inf\" or \"-inf\", but was given `\"two\"`","omitted":0,"reasons":[]}}
            2> error: argument `point` of `move`: at `.y`, line 1 column 15: expected f64, a number, "nan", "inf" or "-inf", but was given `"two"`
            exit 2
        "#]],
    );
}

#[test]
fn a_function_of_an_interface_is_called_by_its_name_alone_where_that_is_clear() {
    check_all(
        &[
            "run shapes.wat add 1 2",
            "run shapes.wat demo:shapes/sums@1.0.0#add --max-len 1 --more 2",
            "run shapes.wat add --max_len=1 --more=2",
            "run shapes.wat demo:shapes/others@1.0.0#total 1 2",
            "run shapes.wat total 1 2",
            "run shapes.wat ad 1 2",
            "run shapes.wat totel 1 2",
            "run shapes.wat demo:shapes/sum@1.0.0#add 1 2",
            "run shapes.wat zebra",
        ],
        &expect![[r#"
            $ purefork run shapes.wat add 1 2
            3
            exit 0

            $ purefork run shapes.wat demo:shapes/sums@1.0.0#add --max-len 1 --more 2
            3
            exit 0

            $ purefork run shapes.wat add --max_len=1 --more=2
            3
            exit 0

            $ purefork run shapes.wat demo:shapes/others@1.0.0#total 1 2
            3
            exit 0

            $ purefork run shapes.wat total 1 2
            2> error: 2 functions are called `total`
            2>   say which: `demo:shapes/totals@1.0.0#total`, `demo:shapes/others@1.0.0#total`
            exit 2

            $ purefork run shapes.wat ad 1 2
            2> error: the module exports no function `ad`
            2>   did you mean `add`?
            exit 2

            $ purefork run shapes.wat totel 1 2
            2> error: the module exports no function `totel`
            2>   did you mean `total`?
            exit 2

            $ purefork run shapes.wat demo:shapes/sum@1.0.0#add 1 2
            2> error: the module exports no function `demo:shapes/sum@1.0.0#add`
            2>   did you mean `demo:shapes/sums@1.0.0#add`?
            exit 2

            $ purefork run shapes.wat zebra
            2> error: the module exports no function `zebra`
            2>   it exports
            2>   text(text: string) -> string
            2>   bytes(data: list<u8>) -> list<u8>
            2>   numbers(values: list<f32>) -> list<f32>
            2>   wholes(values: list<s16>) -> list<s16>
            2>   move(point: record { x: f64, y: f64 }) -> record { x: f64, y: f64 }
            2>   shapes(shapes: list<variant {…}>) -> list<variant {…}>
            2>   set(settings: record {…}) -> record {…}
            2>   tint(image: tensor) -> tensor
            2>   and 8 more
            exit 2
        "#]],
    );
}

#[test]
fn an_option_that_is_not_given_is_none() {
    check_all(
        &[
            "run shapes.wat maybe",
            "run shapes.wat maybe --value 'some(none)'",
            "run shapes.wat maybe --value 5",
            "run shapes.wat maybe --valeu 5",
            "run shapes.wat maybe --help",
        ],
        &expect![[r#"
            $ purefork run shapes.wat maybe
            none
            exit 0

            $ purefork run shapes.wat maybe --value 'some(none)'
            some(none)
            exit 0

            $ purefork run shapes.wat maybe --value 5
            2> error: argument `value` of `maybe`: expected option<option<u8>>, `none` or `some(value)`, but was given `5`
            exit 2

            $ purefork run shapes.wat maybe --valeu 5
            2> error: expected `maybe(value: option<option<u8>>) -> option<option<u8>>`, but was given `valeu`
            2>   did you mean `value`?
            exit 2

            $ purefork run shapes.wat maybe --help
            maybe(value: option<option<u8>>) -> option<option<u8>>
              not stateless: writes memory: i32.store8 in `maybe`

            Parameters:
              --value
                  option<option<u8>>
                  may be left out; such as some(some(7)); or @FILE with it in WAVE or JSON

            Result:
              option<option<u8>>

            Examples:
              purefork run shapes.wat maybe 'some(some(7))'
              purefork run shapes.wat maybe --value 'some(some(7))'
            exit 0
        "#]],
    );
}
