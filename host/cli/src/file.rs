//! Reading files, with a limit: a path may name a device that never ends.

use crate::report::Usage;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The most bytes that are read: more than fits in a guest's memory.
const MOST: u64 = 4 << 30;

/// The content of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    read_all(File::open(path)?)
}

/// The content of a reader.
pub(crate) fn read_all(from: impl Read) -> Result<Vec<u8>> {
    within(from, MOST)
}

/// The content of standard input, which can be read only once. `reader`: what reads it, for messages.
pub(crate) fn stdin(reader: &str) -> std::result::Result<Vec<u8>, Usage> {
    static READER: Mutex<Option<String>> = Mutex::new(None);
    let mut known = READER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(other) = &*known {
        return Err(Usage::new(format!("standard input is read for {other} already")));
    }
    *known = Some(reader.to_owned());
    read_all(std::io::stdin().lock()).map_err(|error| {
        Usage::new(format!("cannot read standard input: {error}")).with_kind(purefork::ErrorKind::Unreadable)
    })
}

fn within(from: impl Read, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn what_never_ends_is_not_read_for_ever() {
        assert_eq!(within(std::io::repeat(0), 10).unwrap_err().to_string(), "it has more than 10 bytes");
        assert_eq!(within(&[0u8; 10][..], 10).unwrap(), [0; 10]);
    }
}
