//! WASI 0.1: numbers in, a number out that says what went wrong, and the rest in memory.

mod code;
mod files;
mod memory;
mod paths;
mod poll;
mod rights;
mod streams;

use super::call::{Params, WasiCall};
use super::paths::Change;
use crate::abi::PART;
use crate::ir::wasi::{Edition, Preview1};
use crate::sandbox::error::Exit;
use crate::wasi::NOW;
use code::{Done, FAULT, Fail, INVAL, NOTSOCK, NOTSUP, fail};
use files::Whence;
use paths::Opening;

/// Answers a function.
///
/// # Errors
///
/// Where the call ends: it has come to a limit, or the program exits.
pub(super) fn answer(
    asked: &mut WasiCall<'_>,
    function: (Preview1, Edition),
    params: Params<'_>,
) -> wasmtime::Result<u16> {
    match asked.answer(function, params) {
        Ok(()) => Ok(0),
        Err(Fail::Code(code)) => Ok(code),
        Err(Fail::End(error)) => Err(error),
    }
}

impl WasiCall<'_> {
    fn answer(&mut self, (function, edition): (Preview1, Edition), params: Params<'_>) -> Done {
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
                let sizes = self.state.envs().map(|(name, value)| name.len() + value.len() + 2);
                let (count, bytes) = sizes.fold((0u32, 0), |(count, bytes), size| (count + 1, bytes + size));
                self.put(p(0), count.to_le_bytes())?;
                self.put(p(1), (bytes as u32).to_le_bytes())
            }
            EnvironGet => {
                let texts: Vec<String> = self.state.envs().map(|(name, value)| format!("{name}={value}")).collect();
                self.texts(texts.iter().map(String::as_str), p(0), p(1))
            }
            SchedYield => Ok(()),
            ClockResGet if p(0) > 3 => fail(INVAL),
            ClockResGet => self.put(p(1), 1u64.to_le_bytes()),
            ClockTimeGet => {
                match p(0) {
                    0 => self.state.no_time(),
                    1..=3 => self.state.no_duration(),
                    _ => return fail(INVAL),
                }
                self.put(p(2), NOW.to_le_bytes())
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
            PollOneoff => self.poll((p(0), p(1)), p(2), p(3), edition),
            FdClose => self.close(p(0)),
            FdFdstatGet => self.fdstat(p(0), p(1)),
            FdFdstatSetFlags => self.set_flags(p(0), p(1)),
            FdFdstatSetRights => self.set_rights(p(0), params.u64(1), params.u64(2)),
            FdFilestatGet => self.filestat(p(0), p(1), edition),
            FdFilestatSetSize => self.set_size(p(0), params.u64(1)),
            FdFilestatSetTimes => self.set_times(p(0), (params.u64(1), params.u64(2)), p(3)),
            FdRead => self.read(p(0), p(1), p(2), p(3)),
            FdPread => self.pread(p(0), (p(1), p(2)), params.u64(3), p(4)),
            FdWrite => self.write(p(0), p(1), p(2), p(3)),
            FdPwrite => self.pwrite(p(0), (p(1), p(2)), params.u64(3), p(4)),
            FdSeek => self.seek(p(0), params.u64(1).cast_signed(), Whence::of(p(2), edition), p(3)),
            FdTell => self.tell(p(0), p(1)),
            FdAdvise => self.advise(p(0), p(3)),
            FdAllocate => self.allocate(p(0), params.u64(1), params.u64(2)),
            FdSync | FdDatasync => self.open(p(0)).map(drop),
            FdRenumber => self.renumber(p(0), p(1)),
            FdReaddir => self.readdir(p(0), (p(1), p(2)), params.u64(3), p(4)),
            FdPrestatGet => self.prestat(p(0), p(1)),
            FdPrestatDirName => self.prestat_name(p(0), p(1), p(2)),
            SockAccept | SockRecv | SockSend | SockShutdown => {
                self.open(p(0))?;
                fail(NOTSOCK)
            }
            PathOpen => {
                let (rights, flags, result) = ((params.u64(5), params.u64(6)), p(7) as u16, p(8));
                self.path_open(p(0), p(2), p(3), Opening { how: p(4), rights, flags, result })
            }
            PathFilestatGet => self.path_filestat(p(0), (p(2), p(3)), p(4), edition),
            PathFilestatSetTimes => self.path_set_times(p(0), p(2), p(3), (params.u64(4), params.u64(5)), p(6)),
            PathReadlink => self.path_readlink(p(0), p(1), p(2)),
            PathCreateDirectory => self.path_change(Change::MakeDirectory, p(0), p(1), p(2)),
            PathRemoveDirectory => self.path_change(Change::RemoveDirectory, p(0), p(1), p(2)),
            PathUnlinkFile => self.path_change(Change::RemoveFile, p(0), p(1), p(2)),
            PathRename => self.path_rename((p(0), p(1), p(2)), (p(3), p(4), p(5))),
            PathLink => {
                self.directory(p(0))?;
                self.path(p(2), p(3))?;
                self.path_link(p(4), p(5), p(6))
            }
            PathSymlink => self.path_link(p(2), p(3), p(4)),
        }
    }

    fn args_bytes(&self) -> usize {
        self.state.args.iter().map(|arg| arg.len() + 1).sum()
    }

    fn args(&mut self, list: u32, text: u32) -> Done {
        let args = self.state.args.clone();
        self.texts(args.iter().map(|arg| &**arg), list, text)
    }

    /// Writes texts with a NUL behind each from `text` on, and where each begins from `list` on.
    fn texts<'t>(&mut self, texts: impl Iterator<Item = &'t str> + Clone, mut list: u32, mut text: u32) -> Done {
        self.meter.bytes(texts.clone().map(|text| text.len() + 5).sum())?;
        for bytes in texts {
            self.put(list, text.to_le_bytes())?;
            let len = u32::try_from(bytes.len() + 1).or(fail(FAULT))?;
            let room = self.bytes(text, len, 1)?;
            room[..bytes.len()].copy_from_slice(bytes.as_bytes());
            room[bytes.len()] = 0;
            list = list.checked_add(4).ok_or(Fail::Code(FAULT))?;
            text = text.checked_add(len).ok_or(Fail::Code(FAULT))?;
        }
        Ok(())
    }
}
