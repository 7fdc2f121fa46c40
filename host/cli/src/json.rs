//! Values, errors and inspections as JSON.

mod read;
mod write;

pub(crate) use read::{Mismatch, from_str};
pub(crate) use write::to_string;

use purefork::{ForkSite, GuestFrame, Inspection, Reason, Type};
use serde_json::{Value, json};

/// The error object's members that an error of the library has.
pub(crate) fn error(error: &purefork::Error) -> Value {
    let frame = |frame: &GuestFrame| json!({ "function": frame.function, "offset": frame.offset });
    json!({
        "fork_site": error.fork_site().map(site),
        "backtrace": error.backtrace().iter().map(frame).collect::<Value>(),
        "chain": error
            .chain()
            .iter()
            .map(|frame| json!({ "function": frame.function, "site": site(&frame.site) }))
            .collect::<Value>(),
        "omitted": error.omitted(),
        "reasons": reasons(error.reasons()),
    })
}

/// Where a fork was made. Which line of this program made it is nobody's concern.
fn site(site: &ForkSite) -> Value {
    match site {
        ForkSite::Guest { number } => json!({ "by": "guest", "number": number }),
        _ => json!({ "by": "host" }),
    }
}

/// Why a guest was refused.
pub(crate) fn reasons(reasons: &[Reason]) -> Value {
    let reason = |reason: &Reason| {
        json!({
            "what": format!("{:?}", reason.what),
            "message": reason.message,
            "chain": reason.chain,
            "offset": reason.offset,
        })
    };
    reasons.iter().map(reason).collect()
}

/// What the audit found out.
pub(crate) fn inspection(inspection: &Inspection) -> Value {
    let functions = inspection.functions.iter().map(|function| {
        let params = function.params.iter().map(|(name, ty)| json!({ "name": name, "type": ty.to_string() }));
        json!({
            "name": function.name,
            "signature": function.to_string(),
            "params": params.collect::<Value>(),
            "results": types(&function.results),
            "stateless": function.stateless,
            "state": function.state,
            "can_fork": function.can_fork,
            "forks": function.forks,
            "program": function.program,
        })
    });
    let forks = inspection.forks.iter().map(|fork| {
        json!({
            "name": fork.name,
            "params": types(&fork.params),
            "results": fork.results.as_deref().map(types),
            "own": fork.own,
        })
    });
    let wasi = inspection.wasi.iter().map(|function| json!({ "name": function.name, "answered": function.answered }));
    json!({
        "pure": true,
        "name": inspection.name,
        "digest": inspection.digest,
        "functions": functions.collect::<Value>(),
        "forks": forks.collect::<Value>(),
        "wasi": wasi.collect::<Value>(),
        "memories": inspection
            .memories
            .iter()
            .map(|(bytes, maximum)| json!({ "bytes": bytes, "maximum": maximum }))
            .collect::<Value>(),
        "tables": inspection
            .tables
            .iter()
            .map(|(elements, maximum)| json!({ "elements": elements, "maximum": maximum }))
            .collect::<Value>(),
        "start": inspection.start,
        "fresh": inspection.fresh,
        "code_bytes": inspection.code_bytes,
    })
}

fn types(types: &[Type]) -> Value {
    types.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::typed_values;
    use proptest::prelude::*;
    use purefork::Value as Guest;

    fn whys(ty: &Type, cases: &[(&str, &str)]) {
        for (text, why) in cases {
            assert_eq!(from_str(ty, text), Err(Mismatch::Value((*why).to_owned())), "{text}");
        }
    }

    fn shape() -> Type {
        Type::variant([
            ("circle", Some(Type::F64)),
            ("polygon", Some(Type::list(Type::record([("x", Type::S32), ("y", Type::option(Type::S32))])))),
            ("all", None),
        ])
    }

    #[test]
    fn cases_and_optional_fields_have_more_than_one_form() {
        let all = Guest::variant("all", None);
        for (text, value) in [
            (r#""all""#, all.clone()),
            (r#"{"all": null}"#, all),
            (r#"{"circle": 1}"#, Guest::variant("circle", Some(Guest::F64(1.0)))),
            (
                r#" {"polygon": [{"x": 1}]} "#,
                Guest::variant(
                    "polygon",
                    Some(vec![Guest::record([("x", Guest::I32(1)), ("y", Guest::Option(None))])].into()),
                ),
            ),
        ] {
            assert_eq!(from_str(&shape(), text), Ok(value), "{text}");
        }
        assert_eq!(from_str(&Type::result(None, None), r#""ok""#), Ok(Guest::Result(Ok(None))));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        whys(
            &shape(),
            &[
                (r#""square""#, "there is no case `square`; there is `circle`, `polygon`, `all`"),
                (r#""circle""#, r#"expected {"circle": f64}, but was given "circle""#),
                (
                    r#"{"circle": "1"}"#,
                    r#"at `.circle`: expected f64, a number, "nan", "inf" or "-inf", but was given "1""#,
                ),
                (r#"{"all": 1}"#, "at `.all`: expected no value, or null, but was given 1"),
                (
                    r#"{"all": null, "circle": 1}"#,
                    "expected an object with one member, but was given `all` and `circle`",
                ),
                ("{}", r#"expected variant {…}, "case" or {"case": value}, but was given {}"#),
                ("[1]", r#"expected variant {…}, "case" or {"case": value}, but was given an array"#),
                (
                    r#"{"polygon": [{"x": 1}, {"x": 2, "y": 4.5}]}"#,
                    "at `.polygon[1].y`: expected s32, a whole number from -2147483648 to 2147483647, but was given 4.5",
                ),
                (r#"{"polygon": [{"y": 1}]}"#, "at `.polygon[0]`: was not given the field `x`"),
                (r#"{"polygon": [{"x": 1, "z": 1}]}"#, "at `.polygon[0]`: there is no field `z`; there is `x`, `y`"),
                (r#"{"polygon": [{"x": 1, "x": 1}]}"#, "at `.polygon[0]`: was given the field `x` twice"),
                (
                    r#"{"polygon": null}"#,
                    "at `.polygon`: expected list<record { x: s32, y: option<s32> }>, an array, but was given null",
                ),
            ],
        );
        whys(
            &Type::tuple([Type::U8, Type::Char]),
            &[
                ("[1]", "expected tuple<u8, char>, an array of 2, but was given an array of 1"),
                (r#"[1, "a", 2]"#, "expected tuple<u8, char>, an array of 2, but was given an array of more than 2"),
                (r#"[256, "a"]"#, "at `.0`: expected u8, a whole number from 0 to 255, but was given 256"),
                (r#"[1, "ab"]"#, "at `.1`: expected char, a string of one character, but was given \"ab\""),
            ],
        );
        whys(
            &Type::flags(["r", "w"]),
            &[
                (r#"["r", "x"]"#, "there is no flag `x`; there is `r`, `w`"),
                (r#""r""#, r#"expected flags { r, w }, an array of strings, but was given "r""#),
            ],
        );
        whys(
            &Type::option(Type::option(Type::Bool)),
            &[
                ("true", r#"expected option<option<bool>>, null or {"some": value}, but was given true"#),
                (
                    r#"{"none": null}"#,
                    r#"expected option<option<bool>>, null or {"some": value}, but was given {"none": …}"#,
                ),
                (r#"{"some": 1}"#, "at `.some`: expected bool, true or false, but was given 1"),
            ],
        );
        whys(&Type::F32, &[("1e40", r#"expected f32, a number, "nan", "inf" or "-inf", but was given 1e+40"#)]);
    }

    #[test]
    fn what_is_no_json_is_told_with_its_line() {
        let why = |text| from_str(&shape(), text).expect_err("it is wrong");
        assert_eq!(why("{\"circle\":\n1,}"), Mismatch::Syntax("trailing comma at line 2 column 3".to_owned()));
        assert_eq!(why("\"all\" 1"), Mismatch::Syntax("trailing characters at line 1 column 7".to_owned()));
    }

    proptest! {
        #[test]
        fn a_value_is_the_same_after_json((ty, values) in typed_values()) {
            for value in values {
                let text = to_string(&value);
                prop_assert_eq!(from_str(&ty, &text), Ok(value), "{} {}", ty, text);
            }
        }

        #[test]
        fn a_value_is_the_same_after_wave((ty, values) in typed_values()) {
            for value in values {
                let text = value.to_string();
                let read = Guest::from_wave(&ty, &text);
                prop_assert!(read.as_ref().is_ok_and(|read| *read == value), "{} {} {:?}", ty, text, read);
            }
        }

        #[test]
        fn an_example_is_a_value((ty, _) in typed_values()) {
            let example = crate::example::value(&ty);
            prop_assert_eq!(from_str(&ty, &to_string(&example)).ok(), Some(example.clone()));
            prop_assert!(Guest::from_wave(&ty, &example.to_string()).is_ok_and(|read| read == example));
        }
    }
}
