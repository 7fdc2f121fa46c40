//! Where in a value something is wrong, and what.

use crate::error::RowError;
use std::cell::RefCell;

/// Where in a value reading has failed: the steps from the inside to the outside, as the readers of the parts return.
#[derive(Default)]
pub(crate) struct Trail(RefCell<Vec<String>>);

impl Trail {
    /// A failure came from the part behind this step.
    pub(crate) fn step(&self, step: impl Into<String>) {
        self.0.borrow_mut().push(step.into());
    }

    /// The error of reading a text that is one line. The first step is the column.
    pub(crate) fn error(&self, error: &serde_json::Error) -> RowError {
        let mut steps = self.0.take();
        let column = steps.pop();
        let mut message = told(&error.to_string());
        if !steps.is_empty() {
            steps.reverse();
            message = format!("at `{}`: {message}", steps.concat());
        }
        let error = RowError::row(message).at(error.column().saturating_sub(1) as u64);
        match column {
            Some(column) => error.in_column(column),
            None => error,
        }
    }
}

/// serde's words in ours: what was expected first, and what was given cut where it is long.
fn told(message: &str) -> String {
    const MOST: usize = 200;
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let cut = |text: &str| match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    let Some(rest) = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: ")) else {
        return match message.split_once(": ") {
            // Not a message of ours: what the text is not.
            None if is_syntax(message) => {
                format!("it is no JSON: {}", message.replace("expected ident", "expected `true`, `false` or `null`"))
            }
            _ => cut(message),
        };
    };
    let (given, expected) = rest.rsplit_once(", expected ").unwrap_or((rest, "another value"));
    let given = match given {
        "map" => "an object",
        "sequence" => "an array",
        given => given,
    };
    format!("expected {expected}, but was given {}", cut(given))
}

/// Whether it is one of the messages that serde_json has for texts that are no JSON.
fn is_syntax(message: &str) -> bool {
    const STARTS: [&str; 13] = [
        "EOF while",
        "expected ",
        "key must be",
        "trailing ",
        "invalid ",
        "control character",
        "lone leading surrogate",
        "unexpected end of hex escape",
        "recursion limit",
        "number out of range",
        "float key",
        "key must",
        "expected value",
    ];
    STARTS.iter().any(|start| message.starts_with(start)) && !message.contains("but was given")
}
