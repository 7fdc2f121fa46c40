//! A guest's memory as WASI 0.1 reads and writes it: addresses and lengths of 32 bits, each checked.

use super::super::call::WasiCall;
use super::code::{Done, FAULT, Fail, ILSEQ, INVAL, NAMETOOLONG, fail};
use crate::sandbox::error::trap;
use crate::wasi::MAX_PATH;

impl WasiCall<'_> {
    /// A path.
    pub(super) fn path(&mut self, at: u32, len: u32) -> Done<String> {
        if len as usize > MAX_PATH {
            return fail(NAMETOOLONG);
        }
        // Each part of it may be looked for.
        self.meter.fuel(len.into())?;
        let range = self.range(at, len, 1)?;
        match std::str::from_utf8(&self.memory[range]) {
            Ok(path) => Ok(path.to_owned()),
            Err(_) => fail(ILSEQ),
        }
    }

    /// Places in memory, which are all there.
    pub(super) fn range(&self, at: u32, len: u32, align: u32) -> Done<std::ops::Range<usize>> {
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

    pub(super) fn bytes(&mut self, at: u32, len: u32, align: u32) -> Done<&mut [u8]> {
        let range = self.range(at, len, align)?;
        self.memory.write(range).ok_or(Fail::Code(FAULT))
    }

    /// Writes a number.
    pub(super) fn put<const N: usize>(&mut self, at: u32, bytes: [u8; N]) -> Done {
        self.bytes(at, N as u32, N as u32).map(|room| room.copy_from_slice(&bytes))
    }

    /// Writes a record of which the largest part has eight bytes.
    pub(super) fn place(&mut self, at: u32, bytes: &[u8]) -> Done {
        self.bytes(at, bytes.len() as u32, 8).map(|room| room.copy_from_slice(bytes))
    }

    pub(super) fn array<const N: usize>(&self, at: usize) -> Done<[u8; N]> {
        let bytes = at.checked_add(N).and_then(|end| self.memory.get(at..end));
        bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(Fail::Code(FAULT))
    }

    pub(super) fn u32(&self, at: usize) -> Done<u32> {
        self.array(at).map(u32::from_le_bytes)
    }
}
