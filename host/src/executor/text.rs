//! WebAssembly text to its binary form.

use crate::error::{Error, ErrorKind, Result};

pub(super) fn assembled(text: &str) -> Result<Vec<u8>> {
    wat::parse_str(text).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the WebAssembly text is wrong: {}", first_line(&error.to_string())))
    })
}

fn first_line(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    // The second line is the place, `--> <anon>:3:5`.
    let place = lines.next().and_then(|line| line.trim().strip_prefix("--> <anon>:")).map(str::to_owned);
    match place {
        Some(place) => format!("{first} (line and column {place})"),
        None => first,
    }
}
