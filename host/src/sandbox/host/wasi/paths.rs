//! What a guest does with a path below a directory, in whichever WASI it asks.

use super::call::WasiCall;
use crate::wasi::{Fault, NOW, NodeId};

/// How a path is opened; WASI 0.1 and 0.2 have the same bits.
pub(super) const CREATE: u32 = 1;
pub(super) const DIRECTORY: u32 = 2;
const EXCLUSIVE: u32 = 4;
const TRUNCATE: u32 = 8;

/// What was done, or what the guest is told; the error is for what ends the call.
pub(super) type Tried<T = ()> = wasmtime::Result<Result<T, Fault>>;

/// What is changed at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    MakeDirectory,
    RemoveDirectory,
    RemoveFile,
    Rename,
    SetTimes,
    Link,
}

impl Change {
    fn verb(self) -> &'static str {
        match self {
            Change::MakeDirectory => "make the directory",
            Change::RemoveDirectory | Change::RemoveFile => "remove",
            Change::Rename => "rename",
            Change::SetTimes => "change the times of",
            Change::Link => "make the link",
        }
    }
}

impl WasiCall<'_> {
    /// Opens a file or a directory. `writes`: it is to be written to.
    pub(super) fn open_path(&mut self, directory: NodeId, path: &str, how: u32, writes: bool) -> Tried<NodeId> {
        let create = how & CREATE != 0;
        let writes = writes || how & (CREATE | TRUNCATE) != 0;
        let found = self.state.tree().place(directory, path).map(|place| place.node);
        if writes && !self.state.may_write() {
            self.state.no_write("write", path);
            let there = matches!(found, Ok(Some(_)));
            return Ok(Err(if create || there { Fault::ReadOnly } else { Fault::NotFound }));
        }
        if create && how & DIRECTORY != 0 {
            return Ok(Err(Fault::Invalid));
        }
        let node = match found {
            Err(Fault::NotFound) | Ok(None) if !create => {
                self.state.no_file("tried to open", path);
                return Ok(Err(Fault::NotFound));
            }
            Err(fault) => return Ok(Err(fault)),
            Ok(Some(_)) if create && how & EXCLUSIVE != 0 => return Ok(Err(Fault::Exists)),
            Ok(Some(node)) => node,
            Ok(None) => {
                return self.state.change(|tree, room| {
                    let place = tree.place(directory, path)?;
                    tree.create(&place, false, NOW, room)
                });
            }
        };
        match self.state.tree().is_directory(node) {
            true if writes => return Ok(Err(Fault::IsDirectory)),
            false if how & DIRECTORY != 0 => return Ok(Err(Fault::NotDirectory)),
            false if writes && self.state.tree().is_given(node) => {
                self.state.no_write("write", path);
                return Ok(Err(Fault::ReadOnly));
            }
            _ => {}
        }
        if how & TRUNCATE != 0 {
            self.resize(node, 0)?;
        }
        Ok(Ok(node))
    }

    /// What is there, of which is noted that it is not.
    pub(super) fn find(&mut self, directory: NodeId, path: &str) -> Result<NodeId, Fault> {
        match self.state.tree().place(directory, path).map(|place| place.node) {
            Ok(Some(node)) => Ok(node),
            Ok(None) | Err(Fault::NotFound) => {
                // Where files can be made, to look is to ask whether it is there already.
                if !self.state.may_write() {
                    self.state.no_file("looked for", path);
                }
                Err(Fault::NotFound)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Refuses a change where nothing can be changed.
    pub(super) fn may_change(&mut self, change: Change, path: &str) -> Result<(), Fault> {
        if self.state.may_write() {
            return Ok(());
        }
        self.state.no_write(change.verb(), path);
        Err(Fault::ReadOnly)
    }

    /// Makes a directory, or removes something.
    pub(super) fn change(&mut self, change: Change, directory: NodeId, path: &str) -> Tried {
        if let Err(fault) = self.may_change(change, path) {
            return Ok(Err(fault));
        }
        self.state.change(|tree, room| {
            let place = tree.place(directory, path)?;
            match change {
                Change::MakeDirectory => tree.create(&place, true, NOW, room).map(drop),
                _ => tree.remove(&place, change == Change::RemoveDirectory),
            }
        })
    }

    pub(super) fn rename(&mut self, (from, path): (NodeId, &str), (into, to): (NodeId, &str)) -> Tried {
        if let Err(fault) = self.may_change(Change::Rename, path) {
            return Ok(Err(fault));
        }
        let mut visited = 0;
        let renamed = self.state.change(|tree, room| {
            let (from, to) = (tree.place(from, path)?, tree.place(into, to)?);
            tree.rename(&from, &to, room, &mut visited)
        });
        self.meter.fuel(visited)?;
        renamed
    }

    /// There are no links, neither other names of a file nor such that lead to a path.
    pub(super) fn no_link(&mut self) {
        self.state.refuse("tried to make a link: there are none");
    }

    /// Sets the times of what was made, those that are given.
    pub(super) fn set_node_times(&mut self, node: NodeId, times: [Option<u64>; 2]) -> Tried {
        if !self.state.may_write() || self.state.tree().is_given(node) {
            return Ok(Err(Fault::ReadOnly));
        }
        let [accessed, modified] = self.state.tree().times(node);
        let times = [times[0].unwrap_or(accessed), times[1].unwrap_or(modified)];
        self.state.change(|tree, _| {
            tree.set_times(node, times);
            Ok(())
        })
    }

    pub(super) fn size(&self, node: NodeId) -> u64 {
        self.state.tree().bytes(node).len() as u64
    }

    /// What there is in a file from a place on.
    pub(super) fn bytes_from(&self, node: NodeId, at: u64) -> &[u8] {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        self.state.tree().bytes(node).get(at..).unwrap_or_default()
    }

    /// Makes a file at least so large.
    pub(super) fn grow(&mut self, node: NodeId, size: u64) -> wasmtime::Result<()> {
        if size > self.size(node) { self.resize(node, size) } else { Ok(()) }
    }

    /// Makes a file so large.
    pub(super) fn resize(&mut self, node: NodeId, size: u64) -> wasmtime::Result<()> {
        let more = size.saturating_sub(self.size(node));
        // What is more than may be written ends the call by that limit, and not by its fuel.
        self.meter.bytes(usize::try_from(more).unwrap_or(usize::MAX).min(self.state.left()))?;
        self.state.resize(node, size, &mut self.look)
    }
}
