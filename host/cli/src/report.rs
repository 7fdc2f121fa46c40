//! Errors, for people on stderr and for programs as JSON on stdout.

use crate::{json, stdout};
use purefork::error::{ForkFrame, ForkSite, GuestFrame};
use serde_json::{Value, json};
use std::fmt;
use std::io::Write as _;
use std::path::Path;

/// The kind, in JSON, of an error in what was typed.
const KIND: &str = "Usage";

/// The most callers named in a guest's backtrace, and the most forks in a chain. The JSON has all of them.
const MAX_CALLERS: usize = 3;
const MAX_FORKS: usize = 2;

/// Something wrong with what was typed.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    message: String,
    help: Option<String>,
    kind: String,
}

impl Usage {
    pub(crate) fn new(message: impl Into<String>) -> Usage {
        Usage { message: message.into(), help: None, kind: KIND.to_owned() }
    }

    /// What to do next; each line is printed indented.
    pub(crate) fn with_help(self, help: impl Into<String>) -> Usage {
        Usage { help: Some(help.into()), ..self }
    }

    /// The same kind as an error of the library's.
    pub(crate) fn with_kind(self, kind: purefork::ErrorKind) -> Usage {
        Usage { kind: kind.name(), ..self }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Usage {}

/// What a call had used that failed: said beside its error, and no part of it.
#[derive(Debug)]
struct Used(purefork::Usage);

impl fmt::Display for Used {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// The error of a call, with what the call had used, if that is given.
pub(crate) fn used(error: purefork::Error, usage: Option<purefork::Usage>) -> anyhow::Error {
    match usage {
        Some(usage) => anyhow::Error::from(error).context(Used(usage)),
        None => error.into(),
    }
}

/// A path, escaped for a terminal: it may have come from a stranger.
pub(crate) fn shown_path(path: &Path) -> String {
    let path = path.display().to_string();
    let shown = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    path.chars().map(shown).collect()
}

/// Reports an error: on stderr, and as a JSON object on stdout if that was asked for.
pub(crate) fn report(error: &anyhow::Error, as_json: bool) {
    let message = message(error);
    let mut text = format!("error: {message}");
    for line in lines(error) {
        text.push_str("\n  ");
        text.push_str(&line);
    }
    // If stderr is closed, nobody can be told.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
    if as_json {
        let _ = stdout::print(&object(error, &message).to_string());
    }
}

/// What happened, in one line: the contexts, outermost first, then the error without its place.
fn message(error: &anyhow::Error) -> String {
    let part = |part: &(dyn std::error::Error + 'static)| match part.downcast_ref::<purefork::Error>() {
        Some(error) => error.message().to_owned(),
        None => part.to_string(),
    };
    error.chain().map(part).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

/// Where it happened and what to do, in one line; in more for a refused guest, or if the help is a list. The line of this program
/// that made the fork is left out.
fn lines(error: &anyhow::Error) -> Vec<String> {
    let mut parts = Vec::new();
    let mut lines = Vec::new();
    if let Some(error) = error.downcast_ref::<purefork::Error>() {
        parts.extend(frames(error.backtrace()));
        parts.extend(forks(error.chain(), error.omitted()));
        lines.extend(error.reasons().iter().map(ToString::to_string));
    }
    let place = parts.join(", ");
    let help = help(error).unwrap_or_default();
    let mut help = help.lines();
    let first = [place.as_str(), help.next().unwrap_or_default()];
    let first = first.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("; ");
    if !first.is_empty() {
        lines.insert(0, first);
    }
    lines.extend(help.map(str::to_owned));
    lines
}

/// at `divide` (offset 0x3d), called by `average`, `main` and 2 more
fn frames(frames: &[GuestFrame]) -> Option<String> {
    let (first, callers) = frames.split_first()?;
    let mut text = format!("at {first}");
    if !callers.is_empty() {
        let names: Vec<_> = callers.iter().take(MAX_CALLERS).map(|frame| format!("`{}`", frame.function)).collect();
        text.push_str(&format!(", called by {}", names.join(", ")));
        if callers.len() > MAX_CALLERS {
            text.push_str(&format!(" and {} more", callers.len() - MAX_CALLERS));
        }
    }
    Some(text)
}

/// in `leaf`, fork #2 of `middle`, fork #1 of `root`; or, of a long chain, 50 forks below `root`
fn forks(chain: &[ForkFrame], omitted: usize) -> Option<String> {
    let [_, .., root] = chain else { return None };
    let forks = (chain.len() - 1).saturating_add(omitted);
    if forks > MAX_FORKS {
        return Some(format!("{forks} forks below `{}`", root.function));
    }
    let calls = chain.iter().map(|frame| match frame.site {
        ForkSite::Guest { number, .. } => format!("`{}`, fork #{number} of ", frame.function),
        _ => format!("`{}`", frame.function),
    });
    Some(format!("in {}", calls.collect::<String>()))
}

fn help(error: &anyhow::Error) -> Option<String> {
    if let Some(usage) = error.downcast_ref::<Usage>() {
        return usage.help.clone();
    }
    if let Some(error) = error.downcast_ref::<purefork_data::Error>() {
        return error.help().map(str::to_owned);
    }
    error.downcast_ref::<purefork::Error>()?.help().map(as_options)
}

/// Replaces names of the library's API in its help by options of this program: `Limits::tree_forks` is `--tree-forks`.
pub(crate) fn as_options(help: &str) -> String {
    const NAME: &str = "`Limits::";
    let help = help.replace("(`Module::link`, `--link`)", "with `--link NAME=MODULE`");
    let help = help.replace("`Builder::wasi` (`--wasi frozen`)", "`--wasi frozen`");
    let help = help.replace("`Builder::unknown_imports` (`--unknown-imports trap`)", "`--unknown-imports trap`");
    let help = help.replace("`Limits::output` (`--output-limit`)", "`--output-limit`");
    let mut text = String::new();
    let mut rest = help.as_str();
    while let Some(start) = rest.find(NAME) {
        text.push_str(&rest[..start]);
        rest = &rest[start + NAME.len()..];
        let (limit, after) = rest.split_once('`').unwrap_or((rest, ""));
        let option = format!("`--{}`", limit.replace('_', "-"));
        rest = after.strip_prefix(&format!(" ({option})")).unwrap_or(after);
        text.push_str(&option);
    }
    text + rest
}

fn object(error: &anyhow::Error, message: &str) -> Value {
    let library = error.downcast_ref::<purefork::Error>();
    let kind = match (library, error.downcast_ref::<Usage>()) {
        (Some(error), _) => error.kind().name(),
        (None, Some(usage)) => usage.kind.clone(),
        (None, None) => "Failed".to_owned(),
    };
    let mut object = match library {
        Some(error) => json::error(error),
        None => json!({ "fork_site": null, "backtrace": [], "chain": [], "omitted": 0, "reasons": [] }),
    };
    object["kind"] = json!(kind);
    object["message"] = json!(message);
    object["help"] = json!(help(error));
    match error.downcast_ref::<Used>() {
        Some(Used(usage)) => json!({ "error": object, "usage": json::usage(*usage) }),
        None => json!({ "error": object }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_options_rather_than_what_is_behind_them() {
        for (library, here) in [
            ("raise `Limits::fuel` (`--fuel`) if it is meant to", "raise `--fuel` if it is meant to"),
            ("lower `Limits::depth` or `Limits::tree_forks`, or", "lower `--depth` or `--tree-forks`, or"),
            ("did you mean `add`?", "did you mean `add`?"),
            ("`Limits::", "`--`"),
        ] {
            assert_eq!(as_options(library), here);
        }
    }
}
