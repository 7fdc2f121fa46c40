//! What is said at the end of a run.

use super::interrupt::Interrupt;
use super::partial::Partial;
use super::{code, usage};
use crate::CALL_FAILED;
use crate::flags::Map;
use crate::report::{self, Usage};
use purefork_data::Stage;
use purefork_data::map::{End, Failure, Histogram, Tally};
use std::io::Write as _;
use std::time::Duration;

/// Prints what has become of the rows, on stderr. `first`: the first row that failed, if it is not told of otherwise.
pub(super) fn print(tally: &Tally, took: Duration, first: Option<&Failure>) {
    let mut text = String::new();
    if let Some(failure) = first {
        text.push_str(&format!("first failure: {failure}\n"));
    }
    let rows = tally.rows;
    let seconds = took.as_secs_f64().max(1e-9);
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let speed = (rows as f64 / seconds) as u64;
    text.push_str(&format!("{rows} row{} in {seconds:.1} s, {speed} rows/s", if rows == 1 { "" } else { "s" }));
    if tally.failed > 0 {
        let kinds: Vec<_> = tally.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        text.push_str(&format!("; {} failed: {}", tally.failed, kinds.join(", ")));
    }
    text.push('\n');
    let line = |name: &str, histogram: &Histogram, shown: fn(u64) -> String| {
        let of = |percent| histogram.percentile(percent).map(shown);
        match (of(50), of(99), histogram.most().map(shown)) {
            (Some(half), Some(most), Some(max)) if histogram.most() != Some(0) => {
                format!("{name} per call: p50 {half}, p99 {most}, max {max}\n")
            }
            _ => String::new(),
        }
    };
    text.push_str(&line("fuel", &tally.fuel, |fuel| fuel.to_string()));
    text.push_str(&line("memory", &tally.memory, |bytes| format!("{} KiB", bytes.div_ceil(1024))));
    // If stderr is closed, nobody can be told.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Says why a run ended before its end, and how it is gone on with. Returns the exit code.
pub(super) fn ended(map: &Map, end: &End, tally: &Tally, resumes: Option<&Partial>, interrupt: &Interrupt) -> u8 {
    let rows = tally.rows;
    let (error, code) = match end {
        End::Whole | End::Unread => return 0,
        End::Failed(failure) => (failed(failure, ""), CALL_FAILED),
        End::TooMany(failure) => {
            let most = map.max_errors.unwrap_or_default();
            (
                failed(
                    failure,
                    &format!("more than {most} row{} failed, the last: ", if most == 1 { "" } else { "s" }),
                ),
                CALL_FAILED,
            )
        }
        End::Interrupted => {
            let signal = interrupt.signal().unwrap_or(2);
            (Usage::new(format!("interrupted after {rows} rows")).into(), 128 + signal)
        }
        End::Deadline => {
            let text = format!("the time of `--deadline` is up after {rows} rows");
            (Usage::new(text).with_kind(purefork::ErrorKind::Timeout).into(), CALL_FAILED)
        }
        End::Error(error) => (usage(error).into(), code(error.stage())),
    };
    report::report(&error, false);
    // What is no use to go on with is told of as such.
    let anew = matches!(end, End::Error(error) if error.stage() == Stage::Usage);
    if let Some(partial) = resumes.filter(|_| !anew) {
        let text = format!(
            "note: the rows so far are in `{}`; the same words with `--resume` go on behind them\n",
            partial.part_name()
        );
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
    code
}

/// The error of a row, with where its call failed.
fn failed(failure: &Failure, before: &str) -> anyhow::Error {
    match &failure.cause {
        Some(cause) => {
            let row = failure.to_string();
            let row = row.strip_suffix(&format!(": {}", failure.error)).unwrap_or(&row).to_owned();
            anyhow::Error::from(cause.clone()).context(format!("{before}{row}"))
        }
        None => Usage::new(format!("{before}{failure}")).into(),
    }
}
