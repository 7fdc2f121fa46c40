//! Escaping for display: everything a guest names itself by is hostile text until it went through here.

use std::fmt::Write as _;

/// The most bytes that [`escaped`] gives for one name.
pub(crate) const MAX_SHOWN: usize = 80;

/// `name` in a form that is safe in a terminal and in a sentence: what does not print, and what could
/// close a quotation, is escaped; what is too long is cut.
pub(crate) fn escaped(name: &str) -> String {
    escaped_within(name, MAX_SHOWN)
}

/// As [`escaped`], for the name of a function: without what toolchains add to it, and as it was written in Rust.
pub(crate) fn escaped_function(name: &str) -> String {
    // How the component model marks exports of a core module.
    let name = name.strip_prefix("cm32p2||").unwrap_or(name);
    let mut plain = Bounded { text: String::new(), most: MAX_SHOWN };
    // What is too long ends in an error here, and is cut below.
    let _ = match rustc_demangle::try_demangle(name) {
        Ok(demangled) => write!(plain, "{demangled:#}"),
        Err(_) => return escaped(name),
    };
    escaped(&plain.text)
}

/// A text that does not grow far beyond what is shown of it: a mangled name may stand for a far longer one.
struct Bounded {
    text: String,
    most: usize,
}

impl std::fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.text.push_str(text);
        if self.text.len() > 4 * self.most { Err(std::fmt::Error) } else { Ok(()) }
    }
}

/// As [`escaped_within`], of what is written; no more of it is made than is shown.
pub(crate) fn escaped_display(shown: &impl std::fmt::Display, most: usize) -> String {
    let mut plain = Bounded { text: String::new(), most };
    // What is too long ends in an error here, and is cut below.
    let _ = write!(plain, "{shown}");
    escaped_within(&plain.text, most)
}

/// As [`escaped`], for texts that may be longer than a name.
pub(crate) fn escaped_within(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let before = out.len();
        match c {
            '\'' | '"' => out.push(c),
            '`' => out.push_str("\\`"),
            _ => out.extend(c.escape_debug()),
        }
        if out.len() > most {
            out.truncate(before);
            out.push('…');
            break;
        }
    }
    out
}

/// At most so many characters of the text. What does not print is escaped; quotes and backslashes are not, or they would
/// be twice where the text has escapes of its own.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (number, c) in text.chars().enumerate() {
        match c {
            _ if number == most => {
                shown.push('…');
                break;
            }
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}
