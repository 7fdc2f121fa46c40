//! A result as the bytes of a file: what it is found by, what it is, and a digest over both.
//!
//! ```text
//! "purefork result\n"   16 bytes
//! the entry's name      32 bytes
//! 0, a value            its binary form; or 1 and a failure: its kind, texts, frames, and the forks below the call
//! 0; or 1 and what was written by way of WASI
//! a digest              32 bytes, SHA-256 over all before it
//! ```
//!
//! The digest detects accidents. Who can write the file can write another digest: see [`super::disk`].

use super::key::Name;
use crate::backend::Outcome;
use crate::error::{Error, ErrorKind, ForkFrame, ForkSite, GuestFrame};
use crate::limits::Usage;
use crate::value::bytes::{Broken, Reader, Sink, encode, write_length};
use crate::wasi::{Output, is_name};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

const MAGIC: [u8; 16] = *b"purefork result\n";
const DIGEST: usize = 32;

/// The kinds of failure that are kept, each with its number.
const KINDS: [ErrorKind; 5] =
    [ErrorKind::Trap, ErrorKind::OutOfFuel, ErrorKind::OutOfMemory, ErrorKind::TooManyForks, ErrorKind::TooMuchOutput];

/// The bytes of an outcome that is kept; none of one that cannot be.
pub(super) fn write(name: &Name, outcome: &Outcome) -> Option<Vec<u8>> {
    let mut to = Vec::new();
    to.put(&MAGIC);
    to.put(&name.0);
    match &outcome.result {
        Ok(value) => {
            to.put(&[0]);
            encode(value, &mut to);
        }
        Err(error) => {
            let kind = KINDS.iter().position(|kind| *kind == error.kind())?;
            to.put(&[1, kind as u8]);
            write_error(error, &mut to)?;
        }
    }
    match outcome.output.as_deref() {
        None => to.put(&[0]),
        Some(Output { stdout, stderr, refused, files }) => {
            to.put(&[1]);
            write_bytes(stdout, &mut to);
            write_bytes(stderr, &mut to);
            write_length(refused.len(), &mut to);
            refused.iter().for_each(|text| write_bytes(text.as_bytes(), &mut to));
            write_length(files.len(), &mut to);
            for (name, bytes) in files {
                write_bytes(name.as_bytes(), &mut to);
                write_bytes(bytes, &mut to);
            }
        }
    }
    let digest = Sha256::digest(&to);
    to.put(&digest);
    Some(to)
}

/// The outcome that was written under this name.
///
/// # Errors
///
/// What is wrong with the bytes.
pub(super) fn read(name: &Name, bytes: &[u8]) -> Result<Outcome, String> {
    let (content, digest) = bytes.split_last_chunk::<DIGEST>().ok_or("it is cut off")?;
    if Sha256::digest(content).as_slice() != digest {
        return Err("it is not what was written: the digest is another".to_owned());
    }
    let mut from = Reader::new(content);
    // What has the right digest was written so. It may still be of another name, or another version.
    let read = |from: &mut Reader<'_>| -> Result<Option<Outcome>, Broken> {
        if from.array()? != MAGIC || from.array()? != name.0 {
            return Ok(None);
        }
        read_outcome(from).map(Some)
    };
    match read(&mut from) {
        Ok(Some(outcome)) if from.rest().is_empty() => Ok(outcome),
        Ok(Some(_)) => Err("there is more in it than a result".to_owned()),
        Ok(None) => Err("it is the result of another call".to_owned()),
        Err(broken) => Err(broken.to_string()),
    }
}

fn read_outcome(from: &mut Reader<'_>) -> Result<Outcome, Broken> {
    let result = match from.array()? {
        [0] => Ok(from.value()?),
        [1] => Err(read_error(from)?),
        _ => return Err(from.broken("it is neither a value nor a failure")),
    };
    let output = match from.array()? {
        [0] => None,
        [1] => {
            let mut bytes = || {
                let length = from.length()?;
                from.take(length).map(<[u8]>::to_vec)
            };
            let (stdout, stderr) = (bytes()?, bytes()?);
            let refused = many(from, |from| from.text().map(str::to_owned))?;
            let files = many(from, |from| {
                let name = from.text()?.to_owned();
                let length = from.length()?;
                Ok((name, from.take(length)?.to_vec()))
            })?;
            if !files.iter().all(|(name, _)| is_name(name)) {
                return Err(from.broken("a file that was written has no name that one can have"));
            }
            Some(Arc::new(Output { stdout, stderr, refused, files }))
        }
        _ => return Err(from.broken("there is neither an output nor none")),
    };
    Ok(Outcome { result, usage: Usage::default(), output })
}

fn write_error(error: &Error, to: &mut Vec<u8>) -> Option<()> {
    write_bytes(error.message().as_bytes(), to);
    // None, or one more than it has bytes.
    match error.help() {
        None => write_length(0, to),
        Some(help) => {
            write_length(1, to);
            write_bytes(help.as_bytes(), to);
        }
    }
    write_length(error.backtrace().len(), to);
    for GuestFrame { function, offset } in error.backtrace() {
        write_bytes(function.as_bytes(), to);
        write_length(offset.map_or(0, |offset| offset.saturating_add(1)), to);
    }
    write_length(error.chain().len(), to);
    for ForkFrame { function, site } in error.chain() {
        // What the host has forked is not below any call.
        let ForkSite::Guest { number } = site else { return None };
        write_bytes(function.as_bytes(), to);
        write_length(*number as usize, to);
    }
    Some(())
}

fn read_error(from: &mut Reader<'_>) -> Result<Error, Broken> {
    let [kind] = from.array()?;
    let kind = *KINDS.get(usize::from(kind)).ok_or(from.broken("there is no such kind of failure"))?;
    let message = from.text()?.to_owned();
    let help = match from.length()? {
        0 => None,
        _ => Some(from.text()?.to_owned()),
    };
    let backtrace =
        many(from, |from| Ok(GuestFrame { function: from.text()?.to_owned(), offset: from.length()?.checked_sub(1) }))?;
    let chain = many(from, |from| {
        let function = from.text()?.to_owned();
        let number = u32::try_from(from.length()?).map_err(|_| from.broken("a fork has too large a number"))?;
        Ok(ForkFrame { function, site: ForkSite::Guest { number } })
    })?;
    let error = Error::new(kind, message).with_backtrace(backtrace).with_chain(chain.into_iter(), |frame| frame);
    Ok(match help {
        Some(help) => error.with_help(help),
        None => error,
    })
}

fn many<T>(from: &mut Reader<'_>, mut one: impl FnMut(&mut Reader<'_>) -> Result<T, Broken>) -> Result<Vec<T>, Broken> {
    let length = from.length()?;
    // Each takes a byte at least, and no vector is made for more than there are.
    if length > from.rest().len() {
        return Err(from.broken("more is announced than there is"));
    }
    (0..length).map(|_| one(from)).collect()
}

fn write_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    write_length(bytes.len(), to);
    to.put(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    const NAME: Name = Name([3; 32]);

    fn outcomes() -> Vec<Outcome> {
        let frame =
            |function: &str, number| ForkFrame { function: function.to_owned(), site: ForkSite::Guest { number } };
        let frames = vec![
            GuestFrame { function: "inner".to_owned(), offset: Some(0) },
            GuestFrame { function: "outer".to_owned(), offset: None },
        ];
        let error = Error::new(ErrorKind::Trap, "it trapped")
            .with_help("do not")
            .with_backtrace(frames)
            .with_chain([frame("leaf", 3), frame("branch", 1)].into_iter(), |frame| frame);
        let output = Output {
            stdout: b"out".to_vec(),
            stderr: b"err".to_vec(),
            refused: vec!["a file".to_owned()],
            files: vec![("a/b".to_owned(), b"text".to_vec())],
        };
        let outcome = |result| Outcome { result, usage: Usage::default(), output: None };
        vec![
            outcome(Ok(Value::record([("x", Value::from(f64::NAN)), ("y", Value::from(vec![1u8; 300]))]))),
            outcome(Err(error.clone())),
            outcome(Err(Error::new(ErrorKind::OutOfFuel, "no fuel"))),
            Outcome { output: Some(Arc::new(output)), ..outcome(Err(error)) },
        ]
    }

    fn told(outcome: &Outcome) -> String {
        let error = outcome.result.as_ref().err().map(|error| (error.chain(), error.backtrace(), error.help()));
        format!("{outcome:?} {error:?}")
    }

    #[test]
    fn outcomes_come_back_as_they_were() {
        for outcome in outcomes() {
            let bytes = write(&NAME, &outcome).unwrap();
            assert_eq!(told(&read(&NAME, &bytes).unwrap()), told(&outcome));
        }
    }

    #[test]
    fn a_file_with_any_byte_changed_or_missing_is_refused() {
        for outcome in outcomes() {
            let bytes = write(&NAME, &outcome).unwrap();
            for at in 0..bytes.len() {
                for change in [1, 0x80, 0xff] {
                    let mut bytes = bytes.clone();
                    bytes[at] ^= change;
                    assert!(read(&NAME, &bytes).is_err(), "byte {at}");
                }
                assert!(read(&NAME, &bytes[..at]).is_err(), "the first {at} bytes");
            }
        }
    }

    #[test]
    fn bytes_with_a_digest_of_their_own_are_read_or_refused_and_nothing_panics() {
        for outcome in outcomes() {
            let bytes = write(&NAME, &outcome).unwrap();
            let content = &bytes[..bytes.len() - DIGEST];
            for at in 0..content.len() {
                for byte in 0..=255 {
                    let mut forged = content.to_vec();
                    forged[at] = byte;
                    forged.extend_from_slice(&Sha256::digest(&forged));
                    let _ = read(&NAME, &forged);
                    let mut short = content[..at].to_vec();
                    short.push(byte);
                    short.extend_from_slice(&Sha256::digest(&short));
                    let _ = read(&NAME, &short);
                }
            }
        }
    }

    #[test]
    fn a_result_is_of_one_call_alone() {
        let bytes = write(&NAME, &outcomes()[0]).unwrap();
        assert_eq!(read(&Name([4; 32]), &bytes).unwrap_err(), "it is the result of another call");
        assert_eq!(read(&NAME, &[]).unwrap_err(), "it is cut off");
    }

    #[test]
    fn what_is_not_kept_is_not_written() {
        let outcome = |result| Outcome { result, usage: Usage::default(), output: None };
        assert!(write(&NAME, &outcome(Err(Error::new(ErrorKind::Timeout, "too long")))).is_none());
    }
}
