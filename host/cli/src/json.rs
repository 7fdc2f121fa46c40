//! Values, errors and inspections as JSON.

use purefork::{ForkSite, GuestFrame, Inspection, Reason, Type};
use serde_json::{Number, Value, json};

/// A value: integers and floats as numbers, `nan`, `inf` and `-inf` as strings, a `v128` as its 16 bytes, a tuple as
/// an array, no result as null.
pub(crate) fn value(value: &purefork::Value) -> Value {
    match value {
        purefork::Value::I32(v) => json!(v),
        purefork::Value::I64(v) => json!(v),
        purefork::Value::F32(v) => float(shortest(*v)),
        purefork::Value::F64(v) => float(*v),
        purefork::Value::V128(bytes) => json!(bytes),
        purefork::Value::Tuple(values) if values.is_empty() => Value::Null,
        purefork::Value::Tuple(values) => values.iter().map(self::value).collect(),
        // What a later version of the library adds still has its text.
        other => Value::String(other.to_string()),
    }
}

fn float(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => json!("nan"),
        None if value > 0.0 => json!("inf"),
        None => json!("-inf"),
    }
}

/// The double whose text is the single's: 0.1 rather than 0.10000000149011612. It rounds back to the same single.
fn shortest(value: f32) -> f64 {
    #[allow(clippy::cast_possible_truncation)]
    let same = |double: &f64| (*double as f32).to_bits() == value.to_bits();
    value.to_string().parse().ok().filter(same).unwrap_or(f64::from(value))
}

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
    json!({
        "pure": true,
        "name": inspection.name,
        "digest": inspection.digest,
        "functions": functions.collect::<Value>(),
        "forks": forks.collect::<Value>(),
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
        "code_bytes": inspection.code_bytes,
    })
}

fn types(types: &[Type]) -> Value {
    types.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use purefork::Value as Guest;

    #[test]
    fn values_keep_what_they_are() {
        for (value, text) in [
            (Guest::I32(-1), "-1"),
            (Guest::I64(i64::MIN), "-9223372036854775808"),
            (Guest::F32(0.1), "0.1"),
            (Guest::F32(f32::MAX), "3.4028235e+38"),
            (Guest::F64(-0.0), "-0.0"),
            (Guest::F64(f64::NAN), r#""nan""#),
            (Guest::F32(f32::INFINITY), r#""inf""#),
            (Guest::F64(f64::NEG_INFINITY), r#""-inf""#),
            (Guest::V128([7; 16]), "[7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7]"),
            (Guest::from(()), "null"),
            (Guest::Tuple(vec![Guest::I32(1), Guest::F64(0.5)].into()), "[1,0.5]"),
        ] {
            assert_eq!(super::value(&value).to_string(), text);
        }
    }
}
