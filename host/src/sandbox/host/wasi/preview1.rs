//! WASI 0.1: numbers in, a number out that says what went wrong, and the rest in memory.

use super::call::{NANOSECONDS, Params, WasiCall};
use crate::abi::PART;
use crate::ir::wasi::Preview1;
use crate::sandbox::data::{NOW, Sink, is_root};
use crate::sandbox::error::Exit;
use crate::sandbox::error::trap;

/// What a function gives: 0, or what went wrong.
type Code = u16;

const BADF: Code = 8;
const FAULT: Code = 21;
const ILSEQ: Code = 25;
const INVAL: Code = 28;
const MFILE: Code = 33;
const NAMETOOLONG: Code = 37;
const NOENT: Code = 44;
const NOTDIR: Code = 54;
const NOTSUP: Code = 58;
const ROFS: Code = 69;
const SPIPE: Code = 70;

/// Kinds of files.
const UNKNOWN: u8 = 0;
const DIRECTORY: u8 = 3;

/// Descriptors.
const STDIN: u32 = 0;
const STDOUT: u32 = 1;
const STDERR: u32 = 2;
/// The empty directory; and so is every later one, as nothing else can be opened.
const ROOT: u32 = 3;
const ROOT_NAME: &[u8] = b"/";

/// What may be done with each: read; write; for the directory, whatever is asked, as the answers are what refuses.
const MAY_READ: u64 = 1 << 1;
const MAY_WRITE: u64 = 1 << 6;
const MAY_POLL: u64 = 1 << 27;
const MAY_ALL: u64 = (1 << 30) - 1;

/// Bytes of a subscription, an event, and what is known of a file.
const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;
const FILESTAT: usize = 64;

/// The longest path.
const MAX_PATH: u32 = 4096;

/// Why a function does not go on.
enum Fail {
    /// The guest is told.
    Code(Code),
    /// The call ends.
    End(wasmtime::Error),
}

impl From<wasmtime::Error> for Fail {
    fn from(error: wasmtime::Error) -> Fail {
        Fail::End(error)
    }
}

type Done<T = ()> = Result<T, Fail>;

fn fail<T>(code: Code) -> Done<T> {
    Err(Fail::Code(code))
}

/// Answers a function.
///
/// # Errors
///
/// Where the call ends: it has come to a limit, or the program exits.
pub(super) fn answer(asked: &mut WasiCall<'_>, function: Preview1, params: Params<'_>) -> wasmtime::Result<u16> {
    match asked.answer(function, params) {
        Ok(()) => Ok(0),
        Err(Fail::Code(code)) => Ok(code),
        Err(Fail::End(error)) => Err(error),
    }
}

impl WasiCall<'_> {
    fn answer(&mut self, function: Preview1, params: Params<'_>) -> Done {
        use Preview1::*;
        let p = |at| params.u32(at);
        match function {
            ArgsSizesGet => {
                let (count, bytes) = (self.state.args.len(), self.args_bytes());
                self.put(p(0), (count as u32).to_le_bytes())?;
                self.put(p(1), (bytes as u32).to_le_bytes())
            }
            ArgsGet => self.args(p(0), p(1)),
            EnvironSizesGet => {
                self.put(p(0), 0u32.to_le_bytes())?;
                self.put(p(1), 0u32.to_le_bytes())
            }
            EnvironGet | SchedYield => Ok(()),
            ClockResGet if p(0) > 3 => fail(INVAL),
            ClockResGet => self.put(p(1), 1u64.to_le_bytes()),
            ClockTimeGet => {
                match p(0) {
                    0 => self.state.no_time(),
                    1..=3 => self.state.no_duration(),
                    _ => return fail(INVAL),
                }
                self.put(p(2), (NOW * NANOSECONDS).to_le_bytes())
            }
            RandomGet => {
                self.bytes(p(0), p(1), 1)?;
                self.meter.bytes(p(1) as usize)?;
                self.state.no_randomness();
                let (at, len) = (p(0) as usize, p(1) as usize);
                // It was checked just now.
                if let Some(bytes) = self.memory.write(at..at + len) {
                    for part in bytes.chunks_mut(PART) {
                        self.look.bytes(part.len()).map_err(wasmtime::Error::from)?;
                        self.state.random.fill(part);
                    }
                }
                Ok(())
            }
            ProcExit => Err(Fail::End(Exit(u8::try_from(p(0)).unwrap_or(u8::MAX)).into())),
            ProcRaise => {
                self.state.refuse("raised a signal: there are none");
                fail(NOTSUP)
            }
            PollOneoff => self.poll(p(0), p(1), p(2), p(3)),
            FdClose => {
                let fd = self.fd(p(0))?;
                self.state.open[fd] = false;
                Ok(())
            }
            FdFdstatGet => self.fdstat(p(0), p(1)),
            FdFilestatGet => {
                let kind = self.kind(p(0))?;
                self.filestat(kind, p(1))
            }
            FdRead => {
                let read = self.read(p(0), p(1), p(2), p(3))?;
                self.put(p(3), (read as u32).to_le_bytes())
            }
            FdWrite => {
                let sink = match self.fd(p(0))? as u32 {
                    STDOUT => Sink::Stdout,
                    STDERR => Sink::Stderr,
                    _ => return fail(BADF),
                };
                let written = self.write(sink, p(1), p(2), p(3))?;
                self.put(p(3), written.to_le_bytes())
            }
            FdPrestatGet => {
                self.given(p(0))?;
                let mut prestat = [0; 8];
                prestat[4] = ROOT_NAME.len() as u8;
                self.bytes(p(1), 8, 4).map(|room| room.copy_from_slice(&prestat))
            }
            FdPrestatDirName => {
                self.given(p(0))?;
                if (p(2) as usize) < ROOT_NAME.len() {
                    return fail(NAMETOOLONG);
                }
                self.bytes(p(1), ROOT_NAME.len() as u32, 1).map(|name| name.copy_from_slice(ROOT_NAME))
            }
            FdReaddir => {
                self.directory(p(0))?;
                self.bytes(p(1), p(2), 1)?;
                self.put(p(4), 0u32.to_le_bytes())
            }
            FdSeek | FdTell | FdPread | FdPwrite | FdAdvise | FdAllocate => {
                self.fd(p(0))?;
                fail(SPIPE)
            }
            FdSync | FdDatasync | FdFdstatSetFlags | FdFdstatSetRights => self.fd(p(0)).map(drop),
            FdFilestatSetSize | FdFilestatSetTimes | SockAccept | SockRecv | SockSend | SockShutdown => {
                self.fd(p(0))?;
                fail(NOTSUP)
            }
            FdRenumber => {
                self.fd(p(0))?;
                self.fd(p(1))?;
                fail(NOTSUP)
            }
            PathOpen => {
                let path = self.path(p(0), p(2), p(3))?;
                let (create, truncate) = (p(4) & 1 != 0, p(4) & 8 != 0);
                if create || truncate || params.u64(5) & MAY_WRITE != 0 {
                    self.state.no_write("write", &path);
                    return fail(if create { ROFS } else { NOENT });
                }
                if !is_root(&path) {
                    self.state.no_file("tried to open", &path);
                    return fail(NOENT);
                }
                // Looked at first, so that nothing is opened in vain.
                self.bytes(p(8), 4, 4)?;
                let mut later = self.state.open.iter().enumerate().skip(ROOT as usize + 1);
                let (fd, _) = later.find(|(_, open)| !**open).ok_or(Fail::Code(MFILE))?;
                self.state.open[fd] = true;
                self.put(p(8), (fd as u32).to_le_bytes())
            }
            PathFilestatGet => {
                let path = self.path(p(0), p(2), p(3))?;
                if is_root(&path) {
                    return self.filestat(DIRECTORY, p(4));
                }
                self.state.no_file("looked for", &path);
                fail(NOENT)
            }
            PathReadlink => {
                let path = self.path(p(0), p(1), p(2))?;
                self.state.no_file("looked for", &path);
                fail(if is_root(&path) { INVAL } else { NOENT })
            }
            PathCreateDirectory | PathRemoveDirectory | PathUnlinkFile => {
                let path = self.path(p(0), p(1), p(2))?;
                self.changes(function, &path)
            }
            PathFilestatSetTimes => {
                let path = self.path(p(0), p(2), p(3))?;
                self.changes(function, &path)
            }
            PathLink => {
                self.path(p(0), p(2), p(3))?;
                let path = self.path(p(4), p(5), p(6))?;
                self.changes(function, &path)
            }
            PathRename => {
                let path = self.path(p(0), p(1), p(2))?;
                self.path(p(3), p(4), p(5))?;
                self.changes(function, &path)
            }
            PathSymlink => {
                let path = self.path(p(2), p(3), p(4))?;
                self.changes(function, &path)
            }
        }
    }

    fn changes(&mut self, function: Preview1, path: &str) -> Done {
        let verb = match function {
            Preview1::PathCreateDirectory => "make the directory",
            Preview1::PathRemoveDirectory | Preview1::PathUnlinkFile => "remove",
            Preview1::PathRename => "rename",
            Preview1::PathFilestatSetTimes => "change the times of",
            _ => "make the link",
        };
        self.state.no_write(verb, path);
        fail(ROFS)
    }

    fn args_bytes(&self) -> usize {
        self.state.args.iter().map(|arg| arg.len() + 1).sum()
    }

    fn args(&mut self, list: u32, text: u32) -> Done {
        self.meter.bytes(self.args_bytes() + 4 * self.state.args.len())?;
        let (mut list, mut text) = (list, text);
        for arg in self.state.args.clone() {
            self.put(list, text.to_le_bytes())?;
            let len = u32::try_from(arg.len() + 1).or(fail(FAULT))?;
            let room = self.bytes(text, len, 1)?;
            room[..arg.len()].copy_from_slice(arg.as_bytes());
            room[arg.len()] = 0;
            list = list.checked_add(4).ok_or(Fail::Code(FAULT))?;
            text = text.checked_add(len).ok_or(Fail::Code(FAULT))?;
        }
        Ok(())
    }

    /// Reads stdin into the places that `count` pairs of an address and a length at `vectors` name. `result` is where the
    /// number of bytes will be written. All are looked at first, so that nothing is read in vain.
    fn read(&mut self, fd: u32, vectors: u32, count: u32, result: u32) -> Done<usize> {
        if self.fd(fd)? as u32 != STDIN {
            return fail(BADF);
        }
        self.bytes(result, 4, 4)?;
        self.vectors(vectors, count)?;
        for at in 0..count {
            let (to, len) = self.vector(vectors, at)?;
            self.range(to, len, 1)?;
        }
        let mut read = 0;
        for at in 0..count {
            // Another than before, if a place is among the vectors.
            let (to, len) = self.vector(vectors, at)?;
            let to = self.range(to, len, 1)?;
            let unread = self.state.unread();
            let len = to.len().min(unread.len());
            self.meter.bytes(len)?;
            let room = self.memory.write(to.start..to.start + len).ok_or(Fail::Code(FAULT))?;
            self.look.value().and_then(|()| self.look.copy(room, &unread[..len])).map_err(wasmtime::Error::from)?;
            self.state.skip(len);
            read += len;
            if self.state.unread().is_empty() {
                break;
            }
        }
        Ok(read)
    }

    /// Writes what the vectors name. Nothing is written where one of them is wrong.
    fn write(&mut self, sink: Sink, vectors: u32, count: u32, result: u32) -> Done<u32> {
        self.bytes(result, 4, 4)?;
        self.vectors(vectors, count)?;
        let mut total = 0u32;
        for at in 0..count {
            let (from, len) = self.vector(vectors, at)?;
            self.range(from, len, 1)?;
            total = total.checked_add(len).ok_or(Fail::Code(INVAL))?;
        }
        self.meter.bytes(total as usize)?;
        self.state.count(total as usize)?;
        for at in 0..count {
            let (from, len) = self.vector(vectors, at)?;
            let from = self.range(from, len, 1)?;
            self.look.value().map_err(wasmtime::Error::from)?;
            self.state.append_to(sink, &self.memory[from], &mut self.look)?;
        }
        Ok(total)
    }

    /// Charges for the vectors, if they are within memory.
    fn vectors(&mut self, vectors: u32, count: u32) -> Done {
        let bytes = count.checked_mul(8).ok_or(Fail::Code(INVAL))?;
        self.range(vectors, bytes, 4)?;
        // Each is looked at more than once.
        Ok(self.meter.bytes(2 * bytes as usize)?)
    }

    fn vector(&self, vectors: u32, at: u32) -> Done<(u32, u32)> {
        let place = self.range(vectors, (at + 1) * 8, 4)?.start + 8 * at as usize;
        Ok((self.u32(place)?, self.u32(place + 4)?))
    }

    fn fdstat(&mut self, fd: u32, to: u32) -> Done {
        let kind = self.kind(fd)?;
        let (base, inherited) = match fd {
            STDIN => (MAY_READ | MAY_POLL, 0),
            STDOUT | STDERR => (MAY_WRITE | MAY_POLL, 0),
            _ => (MAY_ALL, MAY_ALL),
        };
        let mut stat = [0; 24];
        stat[0] = kind;
        stat[8..16].copy_from_slice(&u64::to_le_bytes(base));
        stat[16..].copy_from_slice(&u64::to_le_bytes(inherited));
        self.place(to, &stat)
    }

    fn filestat(&mut self, kind: u8, to: u32) -> Done {
        let mut stat = [0; FILESTAT];
        stat[16] = kind;
        // One link to it.
        stat[24] = 1;
        self.place(to, &stat)
    }

    /// Everything is ready at once; so where there is something else to wait for than time, that is what comes.
    fn poll(&mut self, subscriptions: u32, events: u32, count: u32, result: u32) -> Done {
        if count == 0 {
            return fail(INVAL);
        }
        let bytes = |each: usize| u32::try_from(count as usize * each).or(fail(INVAL));
        let from = self.range(subscriptions, bytes(SUBSCRIPTION)?, 8)?;
        self.range(events, bytes(EVENT)?, 8)?;
        self.bytes(result, 4, 4)?;
        self.meter.bytes(count as usize * (SUBSCRIPTION + EVENT))?;
        let tag = |asked: &Self, at: usize| asked.memory[from.start + at * SUBSCRIPTION + 8];
        let only_time = (0..count as usize).all(|at| tag(self, at) == 0);
        let mut written = 0;
        for at in 0..count as usize {
            self.look.value().map_err(wasmtime::Error::from)?;
            let subscription = from.start + at * SUBSCRIPTION;
            let userdata: [u8; 8] = self.array(subscription)?;
            let tag = tag(self, at);
            let fd = self.u32(subscription + 16)?;
            if tag == 0 && !only_time {
                continue;
            }
            let mut event = [0; EVENT];
            event[..8].copy_from_slice(&userdata);
            event[10] = tag;
            let code = match tag {
                0 => {
                    self.state.no_duration();
                    0
                }
                1 if self.fd(fd).is_ok() && fd == STDIN => {
                    let unread = self.state.unread().len() as u64;
                    event[16..24].copy_from_slice(&unread.to_le_bytes());
                    // The end has come.
                    event[24] = u8::from(unread == 0);
                    0
                }
                2 if self.fd(fd).is_ok() && matches!(fd, STDOUT | STDERR) => {
                    event[16..24].copy_from_slice(&u64::from(u16::MAX).to_le_bytes());
                    0
                }
                1 | 2 => BADF,
                _ => return fail(INVAL),
            };
            event[8..10].copy_from_slice(&code.to_le_bytes());
            let to = self.range(events, bytes(EVENT)?, 8)?.start + written * EVENT;
            self.memory.write(to..to + EVENT).ok_or(Fail::Code(FAULT))?.copy_from_slice(&event);
            written += 1;
        }
        self.put(result, (written as u32).to_le_bytes())
    }

    /// An open descriptor.
    fn fd(&self, fd: u32) -> Done<usize> {
        match self.state.open.get(fd as usize) {
            Some(true) => Ok(fd as usize),
            _ => fail(BADF),
        }
    }

    fn kind(&self, fd: u32) -> Done<u8> {
        Ok(if self.fd(fd)? as u32 >= ROOT { DIRECTORY } else { UNKNOWN })
    }

    fn directory(&self, fd: u32) -> Done {
        if self.kind(fd)? == DIRECTORY { Ok(()) } else { fail(NOTDIR) }
    }

    /// The directory that is there from the start.
    fn given(&self, fd: u32) -> Done {
        self.directory(fd)?;
        if fd == ROOT { Ok(()) } else { fail(BADF) }
    }

    /// A path below a directory.
    fn path(&mut self, fd: u32, at: u32, len: u32) -> Done<String> {
        self.directory(fd)?;
        if len > MAX_PATH {
            return fail(NAMETOOLONG);
        }
        self.meter.bytes(len as usize)?;
        let range = self.range(at, len, 1)?;
        match std::str::from_utf8(&self.memory[range]) {
            Ok(path) => Ok(path.to_owned()),
            Err(_) => fail(ILSEQ),
        }
    }

    /// Places in memory, which are all there.
    fn range(&self, at: u32, len: u32, align: u32) -> Done<std::ops::Range<usize>> {
        if !self.has_memory {
            return Err(Fail::End(trap(
                "the guest called a function of WASI that reads or writes the export `memory`, and it exports no 32-bit memory under that name",
            )));
        }
        let (start, end) = (at as usize, at as usize + len as usize);
        if end > self.memory.len() {
            return fail(FAULT);
        }
        if !at.is_multiple_of(align) {
            return fail(INVAL);
        }
        Ok(start..end)
    }

    fn bytes(&mut self, at: u32, len: u32, align: u32) -> Done<&mut [u8]> {
        let range = self.range(at, len, align)?;
        self.memory.write(range).ok_or(Fail::Code(FAULT))
    }

    /// Writes a number.
    fn put<const N: usize>(&mut self, at: u32, bytes: [u8; N]) -> Done {
        self.bytes(at, N as u32, N as u32).map(|room| room.copy_from_slice(&bytes))
    }

    /// Writes a record of which the largest part has eight bytes.
    fn place(&mut self, at: u32, bytes: &[u8]) -> Done {
        self.bytes(at, bytes.len() as u32, 8).map(|room| room.copy_from_slice(bytes))
    }

    fn array<const N: usize>(&self, at: usize) -> Done<[u8; N]> {
        let bytes = at.checked_add(N).and_then(|end| self.memory.get(at..end));
        bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(Fail::Code(FAULT))
    }

    fn u32(&self, at: usize) -> Done<u32> {
        self.array(at).map(u32::from_le_bytes)
    }
}
