//! Errors and inspections as JSON.

use purefork::Usage;
use purefork::error::{ForkSite, GuestFrame, Reason};
use purefork::inspect::Inspection;
use purefork::value::Type;
use serde_json::{Value, json};

/// A result as JSON text, on one line.
pub(crate) fn to_string(value: &purefork::Value) -> String {
    value.to_json()
}

/// A result with what its call has used, as JSON text, on one line.
pub(crate) fn with_usage(value: &purefork::Value, used: Usage) -> String {
    // The value's text is kept: a number may have more digits than others read.
    format!("{{\"value\":{},\"usage\":{}}}", to_string(value), usage(used))
}

/// What a call has used.
pub(crate) fn usage(usage: Usage) -> Value {
    json!({
        "fuel": usage.fuel,
        "forks": usage.forks,
        "memo_hits": usage.memo_hits,
        "memo_misses": usage.memo_misses,
    })
}

/// The members of an error object that come from an error of the library.
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

/// Where a fork was made. The line of this program that made it is left out.
fn site(site: &ForkSite) -> Value {
    match site {
        ForkSite::Guest { number, .. } => json!({ "by": "guest", "number": number }),
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
        let params = function.params.iter().map(|param| json!({ "name": param.name, "type": param.ty.to_string() }));
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
    let others = inspection.others.iter().map(|other| json!({ "name": other.name, "why": other.why }));
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
        "others": others.collect::<Value>(),
        "forks": forks.collect::<Value>(),
        "wasi": wasi.collect::<Value>(),
        "traps": inspection.traps,
        "unknown": inspection.unknown,
        "memories": inspection
            .memories
            .iter()
            .map(|memory| json!({ "bytes": memory.minimum_bytes, "maximum": memory.maximum_bytes }))
            .collect::<Value>(),
        "tables": inspection
            .tables
            .iter()
            .map(|table| json!({ "elements": table.minimum, "maximum": table.maximum }))
            .collect::<Value>(),
        "start": inspection.start,
        "fresh": inspection.fresh,
        "code_bytes": inspection.code_bytes,
        "compile": inspection.compile as f64 / 1000.0,
        "note": inspection.note,
    })
}

fn types(types: &[Type]) -> Value {
    types.iter().map(ToString::to_string).collect()
}
