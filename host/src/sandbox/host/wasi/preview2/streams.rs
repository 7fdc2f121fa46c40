//! Streams of WASI 0.2: stdin, stdout and stderr, and those that read and write files.

use super::super::call::{Params, WasiCall};
use super::{check, closed, done, ok};
use crate::ir::wasi::{Preview2, Resource};
use crate::sandbox::data::{Handle2, Sink};
use crate::value::Value;
use crate::wasi::NodeId;

/// How many bytes a stream takes at a time: any number.
const ROOM: u64 = 1 << 20;

/// Where a stream comes from.
#[derive(Clone, Copy)]
enum Source {
    Stdin,
    File(NodeId, u64),
}

/// Where a stream goes to; without a place, to the end of a file.
#[derive(Clone, Copy)]
enum Target {
    Sink(Sink),
    File(NodeId, Option<u64>),
}

impl WasiCall<'_> {
    /// A function of a stream that is read. `budget`: how many bytes the host may make for the guest.
    pub(super) fn input(&mut self, function: Preview2, params: Params<'_>, budget: usize) -> wasmtime::Result<Value> {
        use Preview2::*;
        let source = self.source(params.u32(0))?;
        if function == SubscribeInput {
            return Ok(Value::U32(Resource::READY));
        }
        let unread = self.unread(source).len();
        if unread == 0 {
            return Ok(closed());
        }
        let wanted = usize::try_from(params.u64(1)).unwrap_or(usize::MAX);
        if matches!(function, Skip | BlockingSkip) {
            let len = wanted.min(unread);
            self.advance(params.u32(0), len);
            return Ok(ok(Value::U64(len as u64)));
        }
        // A stream may give less than is asked for.
        let len = wanted.min(unread).min(budget);
        self.meter.bytes(len)?;
        let bytes = self.unread(source)[..len].to_vec();
        self.advance(params.u32(0), len);
        Ok(ok(Value::from(bytes)))
    }

    /// A function of a stream that is written.
    pub(super) fn output(&mut self, function: Preview2, params: Params<'_>) -> wasmtime::Result<Value> {
        use Preview2::*;
        let handle = params.u32(0);
        self.target(handle)?;
        Ok(match function {
            SubscribeOutput => Value::U32(Resource::READY),
            CheckWrite => ok(Value::U64(ROOM)),
            Write | BlockingWrite => {
                let range = self.list(params.u32(1), params.u32(2), 1)?;
                self.meter.bytes(range.len())?;
                match self.target(handle)? {
                    Target::Sink(sink) => self.state.write(sink, &self.memory[range], &mut self.look)?,
                    Target::File(node, at) => {
                        let at = at.unwrap_or(self.size(node));
                        self.room_for(node, at, range.len())?;
                        self.state.write_file(node, at, &self.memory[range.clone()], &mut self.look)?;
                        self.advance(handle, range.len());
                    }
                }
                done()
            }
            WriteZeroes | BlockingWriteZeroes => {
                let len = usize::try_from(params.u64(1)).unwrap_or(usize::MAX);
                self.zeroes(handle, len)?;
                done()
            }
            Splice | BlockingSplice => {
                let source = self.source(params.u32(1))?;
                let unread = self.unread(source).len();
                if unread == 0 {
                    return Ok(closed());
                }
                let len = usize::try_from(params.u64(2)).unwrap_or(usize::MAX).min(unread);
                self.meter.bytes(len)?;
                let bytes = self.unread(source)[..len].to_vec();
                self.advance(params.u32(1), len);
                self.put_bytes(handle, &bytes)?;
                ok(Value::U64(len as u64))
            }
            // Nothing is held back.
            _ => done(),
        })
    }

    /// Writes as many zeroes.
    fn zeroes(&mut self, handle: u32, len: usize) -> wasmtime::Result<()> {
        match self.target(handle)? {
            Target::Sink(sink) => {
                // Before the zeroes are there: there may be any number.
                self.state.count(len)?;
                self.meter.bytes(len)?;
                let zeroes = [0; 4096];
                for at in (0..len).step_by(zeroes.len()) {
                    let part = &zeroes[..zeroes.len().min(len - at)];
                    self.state.append_to(sink, part, &mut self.look)?;
                }
            }
            Target::File(node, at) => {
                let at = at.unwrap_or(self.size(node));
                self.meter.bytes(len.min(self.state.left().saturating_add(self.size(node) as usize)))?;
                self.room_for(node, at, len)?;
                let zeroes = [0; 4096];
                for from in (0..len).step_by(zeroes.len()) {
                    let part = &zeroes[..zeroes.len().min(len - from)];
                    self.state.write_file(node, at + from as u64, part, &mut self.look)?;
                }
                self.advance(handle, len);
            }
        }
        Ok(())
    }

    /// Writes bytes of the host's, which were paid for.
    fn put_bytes(&mut self, handle: u32, bytes: &[u8]) -> wasmtime::Result<()> {
        match self.target(handle)? {
            Target::Sink(sink) => self.state.write(sink, bytes, &mut self.look),
            Target::File(node, at) => {
                let at = at.unwrap_or(self.size(node));
                self.room_for(node, at, bytes.len())?;
                self.state.write_file(node, at, bytes, &mut self.look)?;
                self.advance(handle, bytes.len());
                Ok(())
            }
        }
    }

    /// Makes a file so large that so many bytes can be written from a place on.
    pub(super) fn room_for(&mut self, node: NodeId, at: u64, len: usize) -> wasmtime::Result<()> {
        if len == 0 { Ok(()) } else { self.grow(node, at.saturating_add(len as u64)) }
    }

    fn source(&self, handle: u32) -> wasmtime::Result<Source> {
        check(Some(self.state), Resource::InputStream, handle)?;
        Ok(match self.state.handles.get(handle) {
            Some(Handle2::Input(node, at)) => Source::File(*node, *at),
            _ => Source::Stdin,
        })
    }

    fn target(&self, handle: u32) -> wasmtime::Result<Target> {
        check(Some(self.state), Resource::OutputStream, handle)?;
        Ok(match self.state.handles.get(handle) {
            Some(Handle2::Output(node, at)) => Target::File(*node, *at),
            _ if handle == Resource::STDOUT => Target::Sink(Sink::Stdout),
            _ => Target::Sink(Sink::Stderr),
        })
    }

    fn unread(&self, source: Source) -> &[u8] {
        match source {
            Source::Stdin => self.state.unread(),
            Source::File(node, at) => self.bytes_from(node, at),
        }
    }

    /// So many bytes were read or written.
    fn advance(&mut self, handle: u32, bytes: usize) {
        match self.state.handles.get_mut(handle) {
            Some(Handle2::Input(_, at) | Handle2::Output(_, Some(at))) => *at = at.saturating_add(bytes as u64),
            Some(_) => {}
            None => self.state.skip(bytes),
        }
    }
}
