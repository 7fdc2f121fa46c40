//! `purefork verify`: a call, run in every way there is.

use crate::flags::Verify;
use crate::replay::difference_object;
use crate::report::Usage;
use crate::run::{arguments, executor_with, function, given, hint, link, wanted};
use crate::stdout;
use crate::whole::Whole;
use anyhow::{Error, Result};
use purefork::trace::{Receipt, Trace, Verified, Way, verify as verify_all};
use serde_json::json;

/// Runs the call, and prints its receipt, if all runs agree. Returns whether they do.
pub(crate) fn verify(typed: &Verify) -> Result<bool> {
    let call = &typed.call;
    let whole = Whole::new(&call.module, &call.common);
    let name = wanted("verify", whole, call.name(), call.help)?;
    let Some(name) = name else { return Ok(true) };
    if call.common.threads.is_some() || call.common.serial || call.common.isolation.is_some() {
        let message = "`verify` chooses threads and sandboxes itself: it tries all ways";
        return Err(Usage::new(message).with_help("leave `--threads`, `--serial` and `--isolation` away").into());
    }
    if call.common.memo.is_some() {
        let message = "`verify` runs the call each time: a result that was kept would prove nothing";
        return Err(Usage::new(message).with_help("leave `--memo` away").into());
    }
    if typed.runs == Some(0) {
        return Err(Usage::new("expected to run the call at least once in each way, but was given `--runs 0`").into());
    }
    // Read once: standard input cannot be read again.
    whole.read()?;
    let world = given(&call.common)?;
    // What is wrong with the arguments is told by this program's error, which the library's closure cannot return.
    let mut wrong: Option<Error> = None;
    let run = |way: Way| -> Result<Trace> {
        let exec = executor_with(&call.common, |builder| way.applied(builder))?;
        let module = link(&exec, &call.common, &world, whole.load(&exec)?)?;
        let inspection = module.inspect();
        let function = function(&call.module, &inspection, name)?;
        let args = arguments(function, &call.given)?;
        module.trace(&function.exact, args).map_err(|error| hint("verify", error, function, &call.given))
    };
    let verified = verify_all(typed.runs.unwrap_or(1), |way| {
        run(way).map_err(|error| {
            wrong = Some(error);
            purefork::Error::failed("the call could not be made")
        })
    });
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    let Verified { trace, runs, difference, .. } = verified?;
    let receipt = trace.receipt(0);
    if typed.json {
        let object = json!({
            "runs": runs,
            "calls": trace.tasks.len(),
            "way": difference.as_ref().map(|(way, _)| way.to_string()),
            "difference": difference.as_ref().map(|(_, difference)| difference_object(difference)),
            "receipt": receipt.as_ref().map(object),
        });
        stdout::print(&object.to_string())?;
    } else if let Some((way, difference)) = &difference {
        stdout::print(&format!("run {runs}, {way}, differs: {difference}"))?;
    } else {
        let calls = trace.tasks.len();
        let calls = if calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") };
        stdout::print(&format!("{runs} runs of {calls}, all the same"))?;
        match trace.tasks.first().and_then(|task| task.result.as_ref()) {
            Some(Ok(value)) => stdout::print(&format!("value          {value}"))?,
            Some(Err(error)) => stdout::print(&format!("error          {}", error.message()))?,
            None => {}
        }
        if let Some(receipt) = receipt {
            stdout::print(&receipt.to_string())?;
        }
    }
    Ok(difference.is_none())
}

fn object(receipt: &Receipt) -> serde_json::Value {
    let mut object = serde_json::to_value(receipt).unwrap_or_default();
    object["receipt"] = json!(receipt.digest());
    object
}
