//! `purefork replay`: the calls of a trace, run again.

use crate::flags::Replay;
use crate::inspect::read as read_module;
use crate::{json, stdout, trace};
use anyhow::Result;
use purefork::trace::Difference;
use serde_json::json;
use std::io::Write as _;

/// Runs the calls again, and says whether they gave the same; or runs one, and prints what it gives. Returns whether that was a success.
pub(crate) fn replay(typed: &Replay) -> Result<bool> {
    let trace = trace::read(&typed.trace)?;
    let mut replay = trace.replay();
    if let Some(threads) = typed.threads {
        replay = replay.threads(threads);
    }
    if let Some(timeout) = typed.timeout {
        replay = replay.timeout(timeout);
    }
    for module in &typed.module {
        replay = replay.module(read_module(module)?);
    }
    if let Some(node) = typed.node {
        let value = replay.node(node)??;
        stdout::print(&if typed.json { json::to_string(&value) } else { value.to_string() })?;
        if let purefork::Value::Result(Err(_)) = value {
            // If stderr is closed, nobody can be told.
            let _ = writeln!(std::io::stderr().lock(), "error: node {node} returned an error");
            return Ok(false);
        }
        return Ok(true);
    }
    let replayed = replay.all()?;
    let difference = replayed.difference.as_ref();
    if typed.json {
        let object = json!({
            "run": replayed.run,
            "skipped": replayed.skipped,
            "difference": difference.map(difference_object),
        });
        stdout::print(&object.to_string())?;
    } else {
        let skipped = match replayed.skipped {
            0 => String::new(),
            n => format!(", {n} not run: they never started, had not ended, or not by their own doing"),
        };
        match difference {
            None => {
                let what = match replayed.run {
                    1 => "1 call run again: it gave the same".to_owned(),
                    n => format!("{n} calls run again: all gave the same"),
                };
                stdout::print(&(what + &skipped))?;
            }
            Some(difference) => stdout::print(&difference.to_string())?,
        }
    }
    Ok(difference.is_none())
}

/// What differs, as JSON.
pub(crate) fn difference_object(difference: &Difference) -> serde_json::Value {
    json!({
        "node": difference.task,
        "function": difference.function,
        "what": difference.what,
        "expected": difference.expected,
        "given": difference.given,
    })
}
