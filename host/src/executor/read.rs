//! A file or a text to a guest's bytes.

use super::text::assembled;
use crate::error::{Error, ErrorKind, Result};
use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The most bytes of a guest's file. A path may lead to a device that never ends.
const MAX_FILE: u64 = 4 << 30;

/// A file's bytes, and whether they can be read again: not from a pipe.
pub(super) fn read(path: &Path) -> Result<(Vec<u8>, bool)> {
    let limited = |path: &Path| {
        let mut bytes = Vec::new();
        let file = File::open(path)?;
        let again = file.metadata()?.is_file();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            let message = format!("it has more than {MAX_FILE} bytes");
            return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message));
        }
        Ok((bytes, again))
    };
    limited(path).map_err(|error| {
        Error::new(ErrorKind::Unreadable, format!("cannot read `{}`: {error}", path.display()))
            .with_help("expected the path of a .wasm or .wat file")
    })
}

/// The module's binary form: text is assembled.
pub(super) fn binary(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes {
        let message = "expected WebAssembly, or its text in UTF-8, but was given text in UTF-16";
        return Err(Error::new(ErrorKind::Malformed, message).with_help("save it in UTF-8"));
    }
    let text = std::str::from_utf8(bytes).ok().map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
    let text = text.filter(|text| {
        let text = text.trim_start();
        text.starts_with('(') || text.starts_with(";;")
    });
    match text {
        None => Ok(Cow::Borrowed(bytes)),
        Some(text) => assembled(text).map(Cow::Owned),
    }
}
