//! Waiting for something, of which all is there.

use super::super::call::WasiCall;
use super::code::{BADF, Done, FAULT, Fail, INVAL, fail};
use crate::ir::wasi::Edition;
use crate::sandbox::data::Open;

/// Bytes of an event.
const EVENT: usize = 32;

/// Bytes of a subscription. A clock's had a name of its own in the older edition; what is read of it here lies where it did.
fn subscription(edition: Edition) -> usize {
    match edition {
        Edition::Preview1 => 48,
        Edition::Unstable => 56,
    }
}

impl WasiCall<'_> {
    /// Everything is ready at once; so where there is something else to wait for than time, that is what comes.
    pub(super) fn poll(
        &mut self,
        (subscriptions, events): (u32, u32),
        count: u32,
        result: u32,
        edition: Edition,
    ) -> Done {
        let size = subscription(edition);
        if count == 0 {
            return fail(INVAL);
        }
        let bytes = |each: usize| u32::try_from(count as usize * each).or(fail(INVAL));
        let from = self.range(subscriptions, bytes(size)?, 8)?;
        self.range(events, bytes(EVENT)?, 8)?;
        self.bytes(result, 4, 4)?;
        self.meter.bytes(count as usize * (size + EVENT))?;
        let tag = |asked: &Self, at: usize| asked.memory[from.start + at * size + 8];
        let only_time = (0..count as usize).all(|at| tag(self, at) == 0);
        let mut written = 0;
        for at in 0..count as usize {
            self.look.value().map_err(wasmtime::Error::from)?;
            let subscription = from.start + at * size;
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
                1 if let Some(unread) = self.unread_of(fd) => {
                    event[16..24].copy_from_slice(&unread.to_le_bytes());
                    // The end has come.
                    event[24] = u8::from(unread == 0);
                    0
                }
                2 if self.is_writable(fd) => {
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

    /// How many bytes can be read, if it is something that can be read.
    fn unread_of(&self, fd: u32) -> Option<u64> {
        match self.state.descriptors.get(fd)? {
            Open::Stdin => Some(self.state.unread().len() as u64),
            Open::Node(open) if !self.state.tree().is_directory(open.node) => {
                Some((self.state.tree().bytes(open.node).len() as u64).saturating_sub(open.at))
            }
            Open::Node(_) | Open::Stdout | Open::Stderr => None,
        }
    }

    fn is_writable(&self, fd: u32) -> bool {
        match self.state.descriptors.get(fd) {
            Some(Open::Stdout | Open::Stderr) => true,
            Some(Open::Node(open)) => !self.state.tree().is_given(open.node),
            Some(Open::Stdin) | None => false,
        }
    }
}
