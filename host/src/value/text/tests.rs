use super::super::{List, Type, Value};

fn refused(read: impl Fn(&Type, &str) -> crate::Result<Value>, ty: &Type, cases: &[(&str, &str)]) {
    let read = |text: &str| read(ty, text).map_or_else(|error| error.message().to_owned(), |value| format!("{value}"));
    let given: Vec<_> = cases.iter().map(|(text, _)| (*text, read(text))).collect();
    let wanted: Vec<_> = cases.iter().map(|(text, message)| (*text, (*message).to_owned())).collect();
    assert_eq!(given, wanted);
}

fn in_wave(ty: &Type, cases: &[(&str, &str)]) {
    refused(Value::from_wave, ty, cases);
}

fn in_json(ty: &Type, cases: &[(&str, &str)]) {
    refused(Value::from_json, ty, cases);
}

/// The texts are the same value in both.
fn in_both(ty: &Type, cases: &[(&str, Value)]) {
    for (text, value) in cases {
        assert_eq!(Value::from_wave(ty, text).ok().as_ref(), Some(value), "{text}");
        assert_eq!(Value::from_json(ty, text).ok().as_ref(), Some(value), "{text}");
    }
}

fn shape() -> Type {
    Type::variant([
        ("circle", Some(Type::F64)),
        ("polygon", Some(Type::list(Type::record([("x", Type::S32), ("y", Type::option(Type::S32))])))),
        ("all", None),
    ])
}

fn point() -> Type {
    Type::record([("x", Type::F64), ("opt", Type::option(Type::U8))])
}

#[test]
fn fields_that_are_unknown_missing_or_given_twice_are_refused() {
    in_wave(
        &point(),
        &[
            ("{x: 1, optt: some(3)}", "at line 1 column 8: there is no field `optt`; there is `x`, `opt`"),
            ("{x: 1,\n x: 2}", "at line 2 column 2: was given the field `x` twice"),
            ("{opt: 3}", "was not given the field `x`"),
            ("{:}", "was not given the field `x`"),
            ("{x}", "expected record { x: f64, opt: option<u8> }, fields as `{name: value}`, but was given `{x}`"),
        ],
    );
    in_json(
        &point(),
        &[
            (r#"{"x": 1, "optt": 3}"#, "at line 1 column 10: there is no field `optt`; there is `x`, `opt`"),
            ("{\"x\": 1,\n \"x\": 2}", "at line 2 column 2: was given the field `x` twice"),
            (r#"{"opt": 3}"#, "was not given the field `x`"),
            ("{}", "was not given the field `x`"),
            (r#"["x"]"#, r#"expected record { x: f64, opt: option<u8> }, an object, but was given `["x"]`"#),
        ],
    );
    let optional = Type::record([("a", Type::option(Type::U8)), ("b", Type::option(Type::U8))]);
    in_wave(&optional, &[("{aa: 1}", "at line 1 column 2: there is no field `aa`; there is `a`, `b`")]);
    in_json(&optional, &[(r#"{"aa": 1}"#, "at line 1 column 2: there is no field `aa`; there is `a`, `b`")]);
}

#[test]
fn flags_that_are_unknown_or_given_twice_are_refused() {
    let flags = Type::flags(["a", "b", "true"]);
    in_wave(
        &flags,
        &[
            ("{d}", "at line 1 column 2: there is no flag `d`; there is `a`, `b`, `true`"),
            ("{b, a, b}", "at line 1 column 8: was given the flag `b` twice"),
            ("a", "expected flags { a, b, true }, names in `{}`, but was given `a`"),
            (
                "{a b}",
                "expected flags { a, b, true }, but was given `{a b}`, which is no WAVE: expected `,` or `}`, not `b`, at line 1 column 4",
            ),
        ],
    );
    in_json(
        &flags,
        &[
            (r#"["d"]"#, "at line 1 column 2: there is no flag `d`; there is `a`, `b`, `true`"),
            (r#"["b", "a", "b"]"#, "at line 1 column 12: was given the flag `b` twice"),
            (r#""a""#, r#"expected flags { a, b, true }, an array of strings, but was given `"a"`"#),
            (r#"["a", 1]"#, "at line 1 column 7: expected a flag's name, but was given `1`"),
        ],
    );
    let set = Value::Flags(["a".into(), "true".into()].into());
    assert_eq!(Value::from_wave(&flags, "{true, %a,}").ok(), Some(set.clone()));
    assert_eq!(Value::from_json(&flags, r#"["true", "a"]"#).ok(), Some(set));
}

#[test]
fn a_float_beyond_the_largest_is_refused_and_infinity_has_its_word() {
    let single =
        |given: &str| format!("expected f32, a number from -3.4028235e38 to 3.4028235e38, but was given `{given}`");
    for text in ["1e39", "-3.5e38", "1e400", "340282356779733661637539395458142568448"] {
        in_wave(&Type::F32, &[(text, &single(text))]);
        in_json(&Type::F32, &[(text, &single(text))]);
        let placed = format!("at `[0]`, line 1 column 2: {}", single(text));
        in_wave(&Type::list(Type::F32), &[(&format!("[{text}]"), &placed)]);
        in_json(&Type::list(Type::F32), &[(&format!("[{text}]"), &placed)]);
    }
    let double = "expected f64, a number from -1.7976931348623157e308 to 1.7976931348623157e308, but was given `1e309`";
    in_wave(&Type::F64, &[("1e309", double)]);
    in_json(&Type::F64, &[("1e309", double)]);
    in_both(
        &Type::F32,
        &[
            ("3.4028235e38", Value::F32(f32::MAX)),
            // Nearer to the largest than to what would follow.
            ("3.40282356e38", Value::F32(f32::MAX)),
            ("1e-46", Value::F32(0.0)),
            ("-0.0", Value::F32(-0.0)),
            ("-0", Value::F32(-0.0)),
        ],
    );
    for (word, value) in [("nan", f64::NAN), ("inf", f64::INFINITY), ("-inf", f64::NEG_INFINITY)] {
        assert_eq!(Value::from_wave(&Type::F64, word).ok(), Some(Value::F64(value)));
        assert_eq!(Value::from_json(&Type::F64, &format!("\"{word}\"")).ok(), Some(Value::F64(value)));
    }
    in_wave(&Type::F64, &[("NaN", "expected f64, a number, `nan`, `inf` or `-inf`, but was given `NaN`")]);
    in_json(
        &Type::F64,
        &[(r#""infinity""#, r#"expected f64, a number, "nan", "inf" or "-inf", but was given `"infinity"`"#)],
    );
}

#[test]
fn a_number_is_rounded_once() {
    // Just above the middle between two singles; as a double it is the middle, and would be rounded down.
    in_both(&Type::F32, &[("1.000000059604644775390626", Value::F32(1.000_000_1))]);
    in_both(
        &Type::F64,
        &[
            ("9007199254740993.0000000000000001", Value::F64(9_007_199_254_740_994.0)),
            ("2.2250738585072011e-308", Value::F64(2.225_073_858_507_201e-308)),
            ("1e0", Value::F64(1.0)),
        ],
    );
    in_both(
        &Type::U64,
        &[("18446744073709551615", Value::U64(u64::MAX)), ("9007199254740993", Value::U64(9_007_199_254_740_993))],
    );
    in_both(&Type::S64, &[("-9223372036854775808", Value::I64(i64::MIN)), ("-0", Value::I64(0))]);
    for text in ["1.0", "1e0", "256", "-1", "99999999999999999999999999999999999999999"] {
        let message = format!("expected u8, a whole number from 0 to 255, but was given `{}`", super::shown(text));
        in_wave(&Type::U8, &[(text, &message)]);
        in_json(&Type::U8, &[(text, &message)]);
    }
}

#[test]
fn cases_and_optional_fields_have_more_than_one_form() {
    let all = Value::variant("all", None);
    let polygon = Value::record([("x", Value::I32(1)), ("y", Value::Option(None))]);
    for (text, value) in [
        (r#""all""#, all.clone()),
        (r#"{"all": null}"#, all),
        (r#"{"circle": 1}"#, Value::variant("circle", Some(Value::F64(1.0)))),
        (r#" {"polygon": [{"x": 1}]} "#, Value::variant("polygon", Some(vec![polygon].into()))),
    ] {
        assert_eq!(Value::from_json(&shape(), text).ok(), Some(value), "{text}");
    }
    assert_eq!(Value::from_json(&Type::result(None, None), r#""ok""#).ok(), Some(Value::Result(Ok(None))));
    let flat = Type::result(Some(Type::U8), Some(Type::String));
    assert_eq!(Value::from_wave(&flat, "5").ok(), Some(Value::Result(Ok(Some(Value::U8(5).into())))));
    in_both(&Type::option(Type::U8), &[("5", Value::from(Some(5u8)))]);
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    in_json(
        &shape(),
        &[
            (r#""square""#, "there is no case `square`; there is `circle`, `polygon`, `all`"),
            (r#""circle""#, "expected f64 for `circle`, but was given none"),
            (
                r#"{"circle": "1"}"#,
                r#"at `.circle`, line 1 column 12: expected f64, a number, "nan", "inf" or "-inf", but was given `"1"`"#,
            ),
            (r#"{"all": 1}"#, "at line 1 column 9: `all` takes no value, but was given `1`"),
            (
                r#"{"all": null, "circle": 1}"#,
                r#"expected variant {…}, "case" or {"case": value}, but was given `{"all": null, "circle": 1}`"#,
            ),
            ("{}", r#"expected variant {…}, "case" or {"case": value}, but was given `{}`"#),
            ("[1]", r#"expected variant {…}, "case" or {"case": value}, but was given `[1]`"#),
            (
                r#"{"polygon": [{"x": 1}, {"x": 2, "y": 4.5}]}"#,
                "at `.polygon[1].y`, line 1 column 38: expected s32, a whole number from -2147483648 to 2147483647, but was given `4.5`",
            ),
            (r#"{"polygon": [{"y": 1}]}"#, "at `.polygon[0]`, line 1 column 14: was not given the field `x`"),
            (
                r#"{"polygon": null}"#,
                "at `.polygon`, line 1 column 13: expected list<record { x: s32, y: option<s32> }>, an array, but was given `null`",
            ),
        ],
    );
    in_wave(
        &shape(),
        &[
            ("square", "there is no case `square`; there is `circle`, `polygon`, `all`"),
            ("circle", "expected f64 for `circle`, but was given none"),
            (
                "circle(\"1\")",
                "at `.circle`, line 1 column 8: expected f64, a number, `nan`, `inf` or `-inf`, but was given `\"1\"`",
            ),
            ("all(1)", "at line 1 column 5: `all` takes no value, but was given `1`"),
            (
                "polygon([{x: 1},\n  {x: 2, y: 4.5}])",
                "at `.polygon[1].y`, line 2 column 13: expected s32, a whole number from -2147483648 to 2147483647, but was given `4.5`",
            ),
        ],
    );
    let pair = Type::tuple([Type::U8, Type::Char]);
    in_json(
        &pair,
        &[
            ("[1]", "expected tuple<u8, char>, but was given 1 value"),
            (r#"[1, "a", 2]"#, "expected tuple<u8, char>, but was given 3 values"),
            (
                r#"[1, "ab"]"#,
                "at `.1`, line 1 column 5: expected char, a string of one character, but was given `\"ab\"`",
            ),
        ],
    );
    in_wave(
        &pair,
        &[
            ("(1)", "expected tuple<u8, char>, but was given 1 value"),
            ("[1, 'a']", "expected tuple<u8, char>, values in `()`, but was given `[1, 'a']`"),
        ],
    );
    in_json(
        &Type::option(Type::option(Type::Bool)),
        &[
            ("true", r#"expected option<option<bool>>, null or {"some": value}, but was given `true`"#),
            (
                r#"{"none": null}"#,
                r#"expected option<option<bool>>, null or {"some": value}, but was given `{"none": null}`"#,
            ),
            (r#"{"some": 1}"#, "at `.some`, line 1 column 10: expected bool, `true` or `false`, but was given `1`"),
        ],
    );
    in_json(
        &Type::result(Some(Type::U8), None),
        &[(r#"{"okay": 1}"#, "at line 1 column 2: there is no case `okay`; there is `ok`, `err`")],
    );
}

#[test]
fn a_long_text_is_told_with_the_same_place() {
    let strings = Type::list(Type::String);
    let long = r#"["a", "b", "c", "d", "e", "f", "g", "h", zz]"#;
    in_wave(
        &strings,
        &[
            (r#"["a", zz]"#, "at `[1]`, line 1 column 7: expected string, text in double quotes, but was given `zz`"),
            (long, "at `[8]`, line 1 column 42: expected string, text in double quotes, but was given `zz`"),
            (
                r#"["a\n", "b", "c", "d", "e", "f", "g", "h""#,
                r#"expected list<string>, but was given `["a\n", "b", "c", "d", "e", "f", "g", "h…`, which is no WAVE: expected `,` or `]`, not the end, at line 1 column 42"#,
            ),
        ],
    );
}

#[test]
fn a_case_that_is_called_like_a_word_of_the_syntax_is_told_how_to_be_written() {
    let words = Type::enumeration(["true", "none", "nan", "null"]);
    let expected = "expected enum { true, none, nan, null }, but was given";
    in_wave(
        &words,
        &[
            ("true", &format!("{expected} `true`: write `%true` for the case")),
            ("none", &format!("{expected} `none`: write `%none` for the case")),
            ("nan", &format!("{expected} `nan`: write `%nan` for the case")),
            ("inf", &format!("{expected} `inf`")),
            ("nul", "there is no case `nul`; there is `true`, `none`, `nan`, `null`"),
        ],
    );
    in_json(
        &words,
        &[
            ("true", &format!("{expected} `true`: write `\"true\"` for the case")),
            ("null", &format!("{expected} `null`: write `\"null\"` for the case")),
            ("1", "expected enum { true, none, nan, null }, a string, but was given `1`"),
        ],
    );
    let some = Type::variant([("some", Some(Type::U8)), ("ok", None)]);
    in_wave(
        &some,
        &[
            ("some(1)", "expected variant { some(u8), ok }, but was given `some(1)`: write `%some` for the case"),
            ("ok", "expected variant { some(u8), ok }, but was given `ok`: write `%ok` for the case"),
        ],
    );
    assert_eq!(Value::from_wave(&some, "%some(1)").ok(), Some(Value::variant("some", Some(Value::U8(1)))));
}

#[test]
fn what_is_no_text_of_the_syntax_is_told_with_its_line() {
    let no = |syntax: &str, text: &str, why: &str| {
        format!("expected variant {{…}}, but was given `{}`, which is no {syntax}: {why}", super::shown(text))
    };
    let json = [
        ("{\"circle\":\n1,}", "trailing comma at line 2 column 3"),
        ("\"all\" 1", "trailing characters at line 1 column 7"),
        ("", "EOF while parsing a value at line 1 column 1"),
        ("\"ä\\ud800\"", "unexpected end of hex escape at line 1 column 9"),
        ("{\"ä\":\n {\"\\ud800\\u0041\": 1}}", "lone leading surrogate in hex escape at line 2 column 15"),
        ("\"a\tb\"", "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 2"),
    ]
    .map(|(text, why)| (text, no("JSON", text, why)));
    in_json(&shape(), &json.each_ref().map(|(text, message)| (*text, message.as_str())));
    let wave = [
        ("", "expected a value, not the end, at line 1 column 1"),
        ("circle(1", "expected `)`, not the end, at line 1 column 9"),
        ("circle(1 2)", "expected `)`, not `2`, at line 1 column 10"),
        ("all all", "expected the end, not `all`, at line 1 column 5"),
        ("polygon([{x: 1 y: 2}])", "expected `,` or `}`, not `y`, at line 1 column 16"),
        ("polygon([1,,2])", "expected a value, not `,`, at line 1 column 12"),
        ("polygon([{: }, {x 1}])", "expected `,` or `}`, not `1`, at line 1 column 19"),
        ("circle(#)", "unexpected `#` at line 1 column 8"),
        ("circle(\"a)", "unexpected `\"a)` at line 1 column 8"),
        ("circle('\\u{d800}')", "invalid character escape at line 1 column 8"),
        ("some", "expected `(` after `some`, not the end, at line 1 column 5"),
        (
            "circle(\n\"\"\"x\"\"\")",
            "invalid multiline string: closing \"\"\" must be on a line preceded only by spaces, at line 2 column 2",
        ),
    ]
    .map(|(text, why)| (text, no("WAVE", text, why)));
    in_wave(&shape(), &wave.each_ref().map(|(text, message)| (*text, message.as_str())));
}

#[test]
fn values_that_nest_too_deeply_are_refused() {
    let ty = (0..120).fold(Type::U8, |ty, _| Type::list(ty));
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    in_both(&ty, &[(&nested(100), Value::from_wave(&ty, &nested(100)).expect("it is not too deep"))]);
    for read in [Value::from_wave, Value::from_json] {
        for text in [nested(101), nested(100_000), "[".repeat(100_000), "{\"a\":".repeat(1000), "some(".repeat(1000)] {
            assert!(read(&ty, &text).is_err());
        }
        let message = read(&ty, &nested(101)).expect_err("it is too deep").message().to_owned();
        let why = ": values may nest 100 levels deep, and here is one more at line 1 column 101";
        assert!(message.ends_with(why), "{message}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    in_both(&Type::list(Type::U8), &[("\u{feff}[1, 2]", Value::List(List::from(vec![1u8, 2])))]);
    in_wave(
        &Type::list(Type::U8),
        &[(
            "\u{feff}[1, a]",
            "at `[1]`, line 1 column 5: expected u8, a whole number from 0 to 255, but was given `a`",
        )],
    );
}
