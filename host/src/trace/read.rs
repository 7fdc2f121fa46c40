//! Reads a trace file.

use super::assemble::{Fork, Record, Recorded, assemble};
use super::format::{Called, MAGIC, NAME, tag};
use super::model::{Moment, Trace, TracedFunction, TracedModule};
use crate::error::{Error, ErrorKind, ForkSite, Result};
use crate::value::bytes::{Broken, Reader};
use crate::wasi::{GivenWorld, Output, World, is_name};
use sha2::{Digest as _, Sha256};
use std::path::Path;

impl Trace {
    /// Reads what a [`Recorder`](super::Recorder) has written.
    ///
    /// Nothing in it is believed: what is read is a trace that could have been written, though not of anything that ever ran; for that, see
    /// [`Trace::replay`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] if it is no trace, was cut short or changed, or was written by a newer version.
    pub fn read(bytes: &[u8]) -> Result<Trace> {
        let rest = version(bytes)?;
        let mut recorded = Recorded::default();
        let mut reader = Reader::new(rest);
        let mut ended = false;
        while !reader.rest().is_empty() {
            let at = bytes.len() - reader.rest().len();
            if ended {
                return Err(broken(at, "there is more behind the end"));
            }
            let block = reader.array().map(u32::from_le_bytes).and_then(|length| reader.take(length as usize));
            let block = block.map_err(|_| cut(recorded.forks()))?;
            ended = read_block(block, &bytes[..at], &mut recorded)
                .map_err(|Broken { at: within, why }| broken(at + 4 + within, why))?;
        }
        if !ended {
            return Err(cut(recorded.forks()));
        }
        for (function, digest) in std::mem::take(&mut recorded.given) {
            let world = recorded
                .worlds
                .get(&digest)
                .ok_or_else(|| broken(bytes.len(), "what a module was given is missing"))?;
            if let Some(function) = recorded.functions.get_mut(&function) {
                function.world = world.clone();
            }
        }
        assemble(recorded)
    }

    /// The same from a file.
    ///
    /// # Errors
    ///
    /// As [`Trace::read`], and [`ErrorKind::Unreadable`] if the file cannot be read.
    pub fn read_file(path: impl AsRef<Path>) -> Result<Trace> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| {
            Error::new(ErrorKind::Unreadable, format!("`{}` cannot be read: {error}", path.display()))
        })?;
        Trace::read(&bytes)
    }
}

/// What follows the head.
fn version(bytes: &[u8]) -> Result<&[u8]> {
    if let Some(rest) = bytes.strip_prefix(MAGIC) {
        return Ok(rest);
    }
    let Some(rest) = bytes.strip_prefix(NAME) else {
        let message = "expected a trace, which begins with `purefork trace`, but was given something else";
        return Err(Error::new(ErrorKind::Malformed, message)
            .with_help("make one with `purefork trace MODULE FUNCTION -o FILE.trace`, or with `trace::Recorder`"));
    };
    let digits: String = rest.iter().take(9).map(|byte| char::from(*byte)).take_while(char::is_ascii_digit).collect();
    let message = match digits.parse::<u32>() {
        Ok(version) => format!("expected a trace of version 1, but was given one of version {version}"),
        Err(_) if rest.is_empty() => return Err(cut(0)),
        Err(_) => "expected a trace of version 1, but its version is no number".to_owned(),
    };
    Err(Error::new(ErrorKind::Malformed, message)
        .with_help("read it with the purefork that has written it, or a newer one"))
}

fn cut(calls: usize) -> Error {
    let message = format!("the trace was cut short: its end is missing, behind {calls} calls");
    Error::new(ErrorKind::Malformed, message)
        .with_help("whatever wrote it did not finish it, or the file was copied in part: trace the call again")
}

fn broken(at: usize, why: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("the trace is broken at byte {at}: {why}"))
        .with_help("the file was changed since it was written: trace the call again")
}

/// What a block says; whether it was the last. `before`: what stands in front of it in the file.
fn read_block(block: &[u8], before: &[u8], recorded: &mut Recorded) -> Result<bool, Broken> {
    let mut reader = Reader::new(block);
    let worker = small(&mut reader)?.checked_sub(1);
    let mut time = reader.length()? as u64;
    while !reader.rest().is_empty() {
        let [kind] = reader.array()?;
        match kind {
            tag::MODULE => {
                let digest: [u8; 32] = reader.array()?;
                let length = reader.length()?;
                let bytes = reader.take(length)?;
                if *Sha256::digest(bytes) != digest {
                    return Err(reader.broken("a module has another digest than it says"));
                }
                let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                recorded.modules.push(TracedModule { digest, bytes: bytes.into() });
                continue;
            }
            tag::FUNCTION => {
                let number = small(&mut reader)?;
                let called: Called = json(&mut reader)?;
                if called.params.len() != called.param_names.len() {
                    return Err(reader.broken("a function has not as many parameters as names for them"));
                }
                let params = called.param_names.into_iter().zip(called.params).collect();
                let Called { module, name, results, limits, wasi, unknown_imports, world, .. } = called;
                // What it was given may stand in a later block.
                let world_of = world;
                let world = World::new();
                let function = TracedFunction { module, name, params, results, limits, wasi, unknown_imports, world };
                recorded.given.extend(world_of.map(|digest| (number, digest)));
                if recorded.functions.insert(number, function).is_some() {
                    return Err(reader.broken("two functions have one number"));
                }
                continue;
            }
            tag::WORLD => {
                let digest: [u8; 32] = reader.array()?;
                let world = World::from_value(&reader.value()?);
                let given = world.map(|world| GivenWorld::new(&world)).filter(|given| given.digest == digest);
                let given = given.ok_or(reader.broken("what a module was given has another digest than it says"))?;
                recorded.worlds.insert(given.name(), given.world);
                continue;
            }
            tag::END => {
                if !block.starts_with(&[0, 0, tag::END]) {
                    return Err(reader.broken("the end has a block of its own"));
                }
                let told = (reader.length()?, reader.length()?);
                let digest: [u8; 32] = reader.array()?;
                if !reader.rest().is_empty() {
                    return Err(reader.broken("there is more behind the end"));
                }
                if *Sha256::digest(before) != digest {
                    return Err(reader.broken("the digest of what is before is another"));
                }
                if told != (recorded.forks(), recorded.ends()) {
                    return Err(reader.broken("there are not as many calls as it says"));
                }
                return Ok(true);
            }
            _ => {}
        }
        time = time.saturating_add(reader.length()? as u64);
        let at = Moment { time, worker };
        let task = reader.length()? as u64;
        if task == 0 {
            return Err(reader.broken("the number of a call is 0"));
        }
        let record = match kind {
            tag::FORK => {
                let parent = reader.length()? as u64;
                let (function, number, fuel) = (small(&mut reader)?, small(&mut reader)?, reader.length()? as u64);
                let site = if parent == 0 { Some(site(&mut reader)?) } else { None };
                let args = args(&mut reader)?;
                Record::Fork(Box::new(Fork { parent, function, number, fuel, site, args, at }))
            }
            tag::READY => Record::Ready(args(&mut reader)?),
            tag::START => Record::Start(at),
            tag::WAIT => Record::Wait { parent: reader.length()? as u64, fuel: reader.length()? as u64, at },
            tag::SUSPEND => Record::Suspend(at),
            tag::RESUME => Record::Resume(at),
            tag::CANCELLED => Record::Cancelled(at),
            tag::VALUE => Record::Done {
                fuel: reader.length()? as u64,
                result: Ok(reader.value()?),
                output: output(&mut reader)?,
                at,
            },
            tag::ERROR => {
                let fuel = reader.length()? as u64;
                let error: Error = json(&mut reader)?;
                Record::Done { fuel, result: Err(error.printable()), output: output(&mut reader)?, at }
            }
            _ => return Err(reader.broken("there is no such record")),
        };
        recorded.add(task, record).map_err(|why| reader.broken(why))?;
    }
    Ok(false)
}

/// An argument: its value, or the call whose future it is, 0 for another future.
pub(super) type Arg = Result<crate::value::Value, u64>;

fn args(reader: &mut Reader<'_>) -> Result<Vec<Arg>, Broken> {
    let count = reader.length()?;
    // Each takes two bytes at least.
    let mut args = Vec::with_capacity(count.min(reader.rest().len() / 2).min(64));
    for _ in 0..count {
        args.push(match reader.array()? {
            [0] => Ok(reader.value()?),
            [1] => Err(reader.length()? as u64),
            _ => return Err(reader.broken("an argument is neither a value nor a future")),
        });
    }
    Ok(args)
}

fn site(reader: &mut Reader<'_>) -> Result<ForkSite, Broken> {
    let file = reader.text()?;
    if file.contains(char::is_control) {
        return Err(reader.broken("a file's name has control characters"));
    }
    Ok(ForkSite::Host { file: file.to_owned().into(), line: small(reader)?, column: small(reader)? })
}

fn output(reader: &mut Reader<'_>) -> Result<Option<Output>, Broken> {
    let made = match reader.array()? {
        [0] => return Ok(None),
        [1] => false,
        [2] => true,
        _ => return Err(reader.broken("an output is neither there nor not")),
    };
    let written = |reader: &mut Reader<'_>| {
        let length = reader.length()?;
        reader.take(length).map(<[u8]>::to_vec)
    };
    let (stdout, stderr) = (written(reader)?, written(reader)?);
    let refused: Vec<String> = json(reader)?;
    if refused.iter().any(|text| text.contains(char::is_control)) {
        return Err(reader.broken("what was refused has control characters"));
    }
    let mut files = Vec::new();
    for _ in 0..if made { reader.length()? } else { 0 } {
        let name = reader.text()?.to_owned();
        if !is_name(&name) {
            return Err(reader.broken("a file that was made has no name that one can have"));
        }
        files.push((name, written(reader)?));
    }
    Ok(Some(Output { stdout, stderr, refused, files }))
}

fn small(reader: &mut Reader<'_>) -> Result<u32, Broken> {
    let number = reader.length()?;
    u32::try_from(number).map_err(|_| reader.broken("a number is too large"))
}

fn json<T: serde::de::DeserializeOwned>(reader: &mut Reader<'_>) -> Result<T, Broken> {
    let text = reader.text()?;
    serde_json::from_str(text).map_err(|_| reader.broken("what should be JSON of a certain form is not"))
}
