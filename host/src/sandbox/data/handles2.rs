//! What a call has open in WASI 0.2 beside what it starts with, by handle.

use crate::ir::wasi::Resource;
use crate::wasi::NodeId;
use std::sync::Arc;

/// The most handles of that kind at a time, and the first: lower numbers are those of what every call starts with.
const MOST: usize = 4096;
const FIRST: u32 = 16;

/// What is behind a handle.
#[derive(Clone, Debug)]
pub(crate) enum Handle2 {
    /// A file or a directory, and what it is open for.
    Descriptor { node: NodeId, read: bool, write: bool },
    /// A stream that reads a file, and where.
    Input(NodeId, u64),
    /// A stream that writes a file, and where; without a place, at its end.
    Output(NodeId, Option<u64>),
    /// What a directory holds, and what was told last.
    Entries(NodeId, Option<Arc<str>>),
}

/// Handles of a call; the lowest that is free is given next.
#[derive(Default)]
pub(crate) struct Handles2(Vec<Option<Handle2>>);

impl Handles2 {
    pub(crate) fn get(&self, handle: u32) -> Option<&Handle2> {
        self.0.get(handle.checked_sub(FIRST)? as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, handle: u32) -> Option<&mut Handle2> {
        self.0.get_mut(handle.checked_sub(FIRST)? as usize)?.as_mut()
    }

    /// The resource that a handle is of.
    pub(crate) fn resource(&self, handle: u32) -> Option<Resource> {
        Some(match self.get(handle)? {
            Handle2::Descriptor { .. } => Resource::Descriptor,
            Handle2::Input(..) => Resource::InputStream,
            Handle2::Output(..) => Resource::OutputStream,
            Handle2::Entries(..) => Resource::DirectoryEntries,
        })
    }

    /// A handle to something; none if there is no room for one more.
    pub(crate) fn open(&mut self, what: Handle2) -> Option<u32> {
        let free = self.0.iter().position(Option::is_none).unwrap_or(self.0.len());
        if free >= MOST {
            return None;
        }
        if free == self.0.len() {
            self.0.push(None);
        }
        self.0[free] = Some(what);
        Some(FIRST + free as u32)
    }

    pub(crate) fn close(&mut self, handle: u32) {
        if let Some(what) = handle.checked_sub(FIRST).and_then(|at| self.0.get_mut(at as usize)) {
            *what = None;
        }
    }
}
