//! Names, calls, values and errors as texts of bounded length in which all that a guest made up is harmless.

use super::{Task, Trace, TracedFunction};
use crate::error::Error;
use crate::escape::{escaped, escaped_function, printable};
use std::collections::HashMap;

/// The most lines of an error's text.
const LINES: usize = 80;

/// The names of all functions as they are shown. Functions of one name are told apart by the beginning of their module's digest, or, in
/// one module, by their place.
pub(super) fn names(functions: &[TracedFunction]) -> Vec<String> {
    let mut names: Vec<String> = functions.iter().map(|function| escaped_function(&function.name)).collect();
    let modules = functions.iter().map(|function| escaped(&function.module.chars().take(8).collect::<String>()));
    let with_modules: Vec<String> =
        names.iter().zip(modules).map(|(name, module)| format!("{name}@{module}")).collect();
    let count = |names: &[String]| {
        let mut counts = HashMap::<String, usize>::new();
        names.iter().for_each(|name| *counts.entry(name.clone()).or_default() += 1);
        counts
    };
    let (of_name, of_both) = (count(&names), count(&with_modules));
    for (at, name) in names.iter_mut().enumerate() {
        if of_name[name.as_str()] > 1 {
            *name = with_modules[at].clone();
            if of_both[name.as_str()] > 1 {
                name.push_str(&format!("#{at}"));
            }
        }
    }
    names
}

/// The name of a parameter; its number, from 1, where it has none.
pub(super) fn parameter(function: &TracedFunction, at: usize) -> String {
    match function.params.get(at) {
        Some((name, _)) if !name.is_empty() => escaped(name),
        _ => (at + 1).to_string(),
    }
}

/// The argument of a call, at most so many characters of it. `_` where it was to come from a future and did not.
pub(super) fn argument(task: &Task, at: usize, most: usize) -> String {
    match &task.args[at].value {
        Some(value) => value.wave_within(most),
        None => "_".to_owned(),
    }
}

/// The arguments of a call as a list, at most so many characters of it.
pub(super) fn arguments(task: &Task, most: usize) -> String {
    let mut text = String::new();
    let mut left = most;
    for at in 0..task.args.len() {
        let argument = argument(task, at, left);
        let separator = if at == 0 { "" } else { ", " };
        left = left.saturating_sub(argument.chars().count() + separator.len());
        text.push_str(separator);
        text.push_str(&argument);
        if left == 0 && at + 1 < task.args.len() {
            text.push_str(", …");
            break;
        }
    }
    text
}

/// An error with all that it tells, line by line, at most so many characters of each.
pub(super) fn error(error: &Error, most: usize) -> String {
    let text = error.to_string();
    let frames = error.backtrace().iter().map(|frame| format!("  at {frame}"));
    // The first frame is part of the text.
    let lines = text.lines().map(str::to_owned).chain(frames.skip(1));
    few(lines, most)
}

/// What a call wrote, line by line, at most so many characters of each. It need be no text.
pub(super) fn written(bytes: &[u8], most: usize) -> String {
    // As many bytes as can be shown, so that it takes no longer for more.
    let shown = &bytes[..bytes.len().min(LINES * most)];
    let text = few(String::from_utf8_lossy(shown).lines().map(str::to_owned), most);
    let more = bytes.len() - shown.len();
    if more > 0 { format!("{text}\n… and {more} more bytes") } else { text }
}

/// The first lines, at most so many characters of each.
pub(super) fn few(lines: impl Iterator<Item = String>, most: usize) -> String {
    let mut lines = lines.map(|line| printable(&line, most));
    let mut shown: Vec<String> = lines.by_ref().take(LINES).collect();
    let more = lines.count();
    if more > 0 {
        shown.push(format!("… and {more} more lines"));
    }
    shown.join("\n")
}

/// The first line of what happened, at most so many characters of it.
pub(super) fn message(error: &Error, most: usize) -> String {
    printable(error.message().lines().next().unwrap_or_default(), most)
}

impl Trace {
    /// How many calls failed.
    pub(super) fn failed(&self) -> usize {
        self.tasks.iter().filter(|task| Trace::error(task).is_some()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::TracedArg;
    use super::super::made::{HOSTILE, function, outside, task};
    use super::*;
    use crate::value::Value;
    use expect_test::expect;

    #[test]
    fn functions_of_one_name_are_told_apart() {
        let of = |module: &str, name: &str| function(&module.repeat(64), name);
        let functions = [of("a", "f"), of("b", "f"), of("b", "g"), of("c", "h"), of("c", "h")];
        assert_eq!(names(&functions), ["f@aaaaaaaa", "f@bbbbbbbb", "g", "h@cccccccc#3", "h@cccccccc#4"]);
    }

    #[test]
    fn many_and_long_arguments_are_cut() {
        let mut call = task(0, None, 0, outside(0));
        let value = |value: Value| TracedArg { value: Some(value), from: None };
        call.args = vec![value(7.into()), TracedArg { value: None, from: Some(0) }, value("long".repeat(1000).into())];
        assert_eq!(arguments(&call, 20), "7, _, \"longlonglonglon…");
        call.args = (0..100).map(|n: i32| value(n.into())).collect();
        assert_eq!(arguments(&call, 20), "0, 1, 2, 3, 4, 5, 6, 7, …");
    }

    #[test]
    fn of_a_large_value_no_more_is_written_than_is_shown() {
        assert_eq!(Value::from(vec![7_u8; 100 << 20]).wave_within(10), "[7, 7, 7, …");
        assert_eq!(Value::from("é".repeat(20)).wave_within(20), format!("\"{}…", "é".repeat(19)));
        assert_eq!(Value::from("é".repeat(18)).wave_within(20), format!("\"{}\"", "é".repeat(18)));
    }

    #[test]
    fn what_was_written_need_be_no_text() {
        expect![[r#"
            one
            two </script><script>document.title='har…
            \0\u{202e}&lt;{rank=same}
            \u{1b}[31mred"#]]
        .assert_eq(&written(format!("one\r\ntwo {HOSTILE}\n\x1b[31mred").as_bytes(), 40));
        assert_eq!(written(&[0xff, b'a', 0], 40), "\u{fffd}a\\0");
        let long = written(&b"a\n".repeat(100_000), 40);
        assert_eq!(
            long.lines().rev().take(2).collect::<Vec<_>>(),
            ["… and 196800 more bytes", "… and 1520 more lines"]
        );
    }
}
