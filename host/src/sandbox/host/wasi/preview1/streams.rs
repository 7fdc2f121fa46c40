//! Reading and writing, from and to the places in memory that vectors name.

use super::super::call::WasiCall;
use super::code::{BADF, Done, FAULT, Fail, INVAL, ISDIR, SPIPE, fail};
use super::rights;
use crate::sandbox::data::{Open, Sink};
use crate::wasi::NodeId;

/// Where bytes are read or written.
#[derive(Clone, Copy)]
enum Place {
    Stdin,
    Sink(Sink),
    File(NodeId, u64),
}

impl WasiCall<'_> {
    /// Reads what comes next. `result` is where the number of bytes will be written, too.
    pub(super) fn read(&mut self, fd: u32, vectors: u32, count: u32, result: u32) -> Done {
        let place = match self.open(fd)? {
            Open::Stdin => Place::Stdin,
            Open::Node(open) => Place::File(open.node, open.at),
            Open::Stdout | Open::Stderr => return fail(BADF),
        };
        self.may(fd, rights::READ)?;
        let read = self.read_at(place, vectors, count, result)?;
        if let Some(Open::Node(open)) = self.state.descriptors.get_mut(fd) {
            open.at += read as u64;
        }
        self.put(result, (read as u32).to_le_bytes())
    }

    /// Reads a file from a place on.
    pub(super) fn pread(&mut self, fd: u32, (vectors, count): (u32, u32), at: u64, result: u32) -> Done {
        let Open::Node(open) = self.open(fd)? else { return fail(SPIPE) };
        let place = Place::File(open.node, at);
        self.may(fd, rights::READ)?;
        let read = self.read_at(place, vectors, count, result)?;
        self.put(result, (read as u32).to_le_bytes())
    }

    /// Writes behind what was written before.
    pub(super) fn write(&mut self, fd: u32, vectors: u32, count: u32, result: u32) -> Done {
        let place = match self.open(fd)? {
            Open::Stdin => return fail(BADF),
            Open::Stdout => Place::Sink(Sink::Stdout),
            Open::Stderr => Place::Sink(Sink::Stderr),
            Open::Node(open) if open.append() => Place::File(open.node, self.size(open.node)),
            Open::Node(open) => Place::File(open.node, open.at),
        };
        self.may(fd, rights::WRITE)?;
        let written = self.write_at(place, vectors, count, result)?;
        if let (Some(Open::Node(open)), Place::File(_, at)) = (self.state.descriptors.get_mut(fd), place) {
            open.at = at + u64::from(written);
        }
        self.put(result, written.to_le_bytes())
    }

    /// Writes to a file from a place on.
    pub(super) fn pwrite(&mut self, fd: u32, (vectors, count): (u32, u32), at: u64, result: u32) -> Done {
        let Open::Node(open) = self.open(fd)? else { return fail(SPIPE) };
        // As Linux has it: what is opened to append to is appended to.
        let at = if open.append() { self.size(open.node) } else { at };
        let place = Place::File(open.node, at);
        self.may(fd, rights::WRITE)?;
        let written = self.write_at(place, vectors, count, result)?;
        self.put(result, written.to_le_bytes())
    }

    /// Fails where a descriptor was not opened for that, or is a directory's.
    fn may(&self, fd: u32, right: u64) -> Done {
        match self.open(fd)? {
            Open::Node(open) if self.state.tree().is_directory(open.node) => {
                // As on Linux: a directory can be opened to be read, and cannot be.
                fail(if right == rights::READ { ISDIR } else { BADF })
            }
            Open::Node(open) if open.rights.0 & right == 0 => fail(BADF),
            _ => Ok(()),
        }
    }

    /// What is left to be read.
    fn to_read(&self, place: Place) -> &[u8] {
        match place {
            Place::Stdin => self.state.unread(),
            Place::Sink(_) => &[],
            Place::File(node, at) => self.bytes_from(node, at),
        }
    }

    /// Reads into the places that `count` pairs of an address and a length at `vectors` name. `result` is where the number of bytes will
    /// be written. All are looked at first, so that nothing is read in vain.
    fn read_at(&mut self, mut place: Place, vectors: u32, count: u32, result: u32) -> Done<usize> {
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
            let len = to.len().min(self.to_read(place).len());
            self.meter.bytes(len)?;
            let unread = match place {
                Place::Stdin => self.state.unread(),
                Place::Sink(_) => &[],
                Place::File(node, at) => self.state.tree().bytes(node).get(at as usize..).unwrap_or_default(),
            };
            let room = self.memory.write(to.start..to.start + len).ok_or(Fail::Code(FAULT))?;
            self.look.value().and_then(|()| self.look.copy(room, &unread[..len])).map_err(wasmtime::Error::from)?;
            match &mut place {
                Place::Stdin => self.state.skip(len),
                Place::Sink(_) => {}
                Place::File(_, at) => *at += len as u64,
            }
            read += len;
            if self.to_read(place).is_empty() {
                break;
            }
        }
        Ok(read)
    }

    /// Writes what the vectors name. Nothing is written where one of them is wrong.
    fn write_at(&mut self, mut place: Place, vectors: u32, count: u32, result: u32) -> Done<u32> {
        self.bytes(result, 4, 4)?;
        self.vectors(vectors, count)?;
        let mut total = 0u32;
        for at in 0..count {
            let (from, len) = self.vector(vectors, at)?;
            self.range(from, len, 1)?;
            total = total.checked_add(len).ok_or(Fail::Code(INVAL))?;
        }
        self.meter.bytes(total as usize)?;
        match place {
            Place::Stdin => {}
            Place::Sink(_) => self.state.count(total as usize)?,
            Place::File(node, at) => self.grow(node, if total == 0 { 0 } else { at.saturating_add(total.into()) })?,
        }
        for at in 0..count {
            let (from, len) = self.vector(vectors, at)?;
            let from = self.range(from, len, 1)?;
            self.look.value().map_err(wasmtime::Error::from)?;
            match &mut place {
                Place::Stdin => {}
                Place::Sink(sink) => self.state.append_to(*sink, &self.memory[from], &mut self.look)?,
                Place::File(node, at) => {
                    self.state.write_file(*node, *at, &self.memory[from], &mut self.look)?;
                    *at += u64::from(len);
                }
            }
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
}
