//! Files and directories of WASI 0.2.

use super::super::call::{Params, WasiCall};
use super::super::paths::Change;
use super::{NANOSECONDS, check, done, error, ok, time};
use crate::ir::Encoding;
use crate::ir::wasi::{Preview2, Resource};
use crate::sandbox::data::Handle2;
use crate::value::Value;
use crate::wasi::{Fault, NOW, NodeId};
use std::ops::Bound;
use std::sync::Arc;

/// What a descriptor is opened for.
const READ: u32 = 1;
const WRITE: u32 = 2;
const MUTATE: u32 = 32;

/// A file or a directory that is open, and what for.
#[derive(Clone, Copy)]
struct Opened {
    node: NodeId,
    read: bool,
    write: bool,
}

impl WasiCall<'_> {
    /// A function of files. `budget`: how many bytes the host may make for the guest.
    pub(super) fn file(
        &mut self,
        function: Preview2,
        params: Params<'_>,
        budget: usize,
        encoding: Encoding,
    ) -> wasmtime::Result<Value> {
        use Preview2::*;
        if function == ReadDirectoryEntry {
            return self.next_entry(params.u32(0));
        }
        let Opened { node, read, write } = self.opened(params.u32(0))?;
        let is_directory = self.state.tree().is_directory(node);
        Ok(match function {
            GetFlags => {
                let mutate = is_directory && self.state.may_write();
                let flags = [(read, "read"), (write, "write"), (mutate, "mutate-directory")];
                let flags: Vec<Arc<str>> = flags.iter().filter(|(is, _)| *is).map(|(_, name)| (*name).into()).collect();
                ok(Value::Flags(flags.into()))
            }
            GetType => ok(self.kind2(node)),
            Stat => self.stat(node),
            MetadataHash => hash(node),
            StatAt | MetadataHashAt => {
                let path = self.text(params, 2, encoding)?;
                match self.below(node, &path) {
                    Ok(found) if function == StatAt => self.stat(found),
                    Ok(found) => hash(found),
                    Err(fault) => failed(fault),
                }
            }
            IsSameObject => Value::Bool(node == self.opened(params.u32(1))?.node),
            OpenAt => {
                let path = self.text(params, 2, encoding)?;
                let (how, mode) = (params.u32(4), params.u32(5));
                if !is_directory {
                    return Ok(failed(Fault::NotDirectory));
                }
                // To change what is in a directory is no more than to write.
                let writes = mode & WRITE != 0 || mode & MUTATE != 0 && !self.state.may_write();
                match self.open_path(node, &path, how, writes)? {
                    Ok(NodeId::ROOT) => ok(Value::U32(Resource::ROOT)),
                    Ok(node) => {
                        let directory = self.state.tree().is_directory(node);
                        let (read, write) = (mode & READ != 0 || directory, mode & WRITE != 0);
                        self.handle(Handle2::Descriptor { node, read, write })
                    }
                    Err(fault) => failed(fault),
                }
            }
            ReadDirectory if is_directory => self.handle(Handle2::Entries(node, None)),
            ReadDirectory => failed(Fault::NotDirectory),
            ReadlinkAt => {
                let path = self.text(params, 1, encoding)?;
                // There are no links that could be read.
                failed(self.below(node, &path).err().unwrap_or(Fault::Invalid))
            }
            Sync | SyncData => done(),
            SetTimes => {
                let times = [new_time(params, 1), new_time(params, 4)];
                self.told(|this| this.set_node_times(node, times))?
            }
            SetTimesAt => {
                let path = self.text(params, 2, encoding)?;
                if let Err(fault) = self.may_change(Change::SetTimes, &path) {
                    return Ok(failed(fault));
                }
                let times = [new_time(params, 4), new_time(params, 7)];
                match self.below(node, &path) {
                    Ok(node) => self.told(|this| this.set_node_times(node, times))?,
                    Err(fault) => failed(fault),
                }
            }
            CreateDirectoryAt | RemoveDirectoryAt | UnlinkFileAt => {
                let path = self.text(params, 1, encoding)?;
                let change = match function {
                    CreateDirectoryAt => Change::MakeDirectory,
                    RemoveDirectoryAt => Change::RemoveDirectory,
                    _ => Change::RemoveFile,
                };
                match is_directory {
                    true => self.told(|this| this.change(change, node, &path))?,
                    false => failed(Fault::NotDirectory),
                }
            }
            RenameAt => {
                let path = self.text(params, 1, encoding)?;
                let into = self.opened(params.u32(3))?.node;
                let to = self.text(params, 4, encoding)?;
                match is_directory && self.state.tree().is_directory(into) {
                    true => self.told(|this| this.rename((node, &path), (into, &to)))?,
                    false => failed(Fault::NotDirectory),
                }
            }
            SymlinkAt | LinkAt => {
                // Behind a descriptor, flags and a path: another descriptor.
                let path = self.text(params, if function == SymlinkAt { 3 } else { 5 }, encoding)?;
                if let Err(fault) = self.may_change(Change::Link, &path) {
                    return Ok(failed(fault));
                }
                self.no_link();
                error("unsupported")
            }
            // The rest is for files alone.
            _ if is_directory => error("is-directory"),
            Advise => done(),
            ReadFile | ReadViaStream if !read => error("bad-descriptor"),
            SetSize | WriteFile | WriteViaStream | AppendViaStream if !write => error("bad-descriptor"),
            SetSize => {
                self.resize(node, params.u64(1))?;
                done()
            }
            ReadFile => {
                let unread = self.bytes_from(node, params.u64(2)).len();
                let len = usize::try_from(params.u64(1)).unwrap_or(usize::MAX).min(unread).min(budget);
                self.meter.bytes(len)?;
                let bytes = self.bytes_from(node, params.u64(2))[..len].to_vec();
                ok(Value::tuple([Value::from(bytes), Value::Bool(len == unread)]))
            }
            WriteFile => {
                let range = self.list(params.u32(1), params.u32(2), 1)?;
                self.meter.bytes(range.len())?;
                self.room_for(node, params.u64(3), range.len())?;
                self.state.write_file(node, params.u64(3), &self.memory[range.clone()], &mut self.look)?;
                ok(Value::U64(range.len() as u64))
            }
            ReadViaStream => self.handle(Handle2::Input(node, params.u64(1))),
            WriteViaStream => self.handle(Handle2::Output(node, Some(params.u64(1)))),
            _ => self.handle(Handle2::Output(node, None)),
        })
    }

    fn opened(&self, handle: u32) -> wasmtime::Result<Opened> {
        check(Some(self.state), Resource::Descriptor, handle)?;
        Ok(match self.state.handles.get(handle) {
            Some(Handle2::Descriptor { node, read, write }) => Opened { node: *node, read: *read, write: *write },
            _ => Opened { node: NodeId::ROOT, read: true, write: false },
        })
    }

    /// What is there below a directory.
    fn below(&mut self, node: NodeId, path: &str) -> Result<NodeId, Fault> {
        if self.state.tree().is_directory(node) { self.find(node, path) } else { Err(Fault::NotDirectory) }
    }

    /// A handle, if there is room for one more.
    fn handle(&mut self, handle: Handle2) -> Value {
        match self.state.handles.open(handle) {
            Some(number) => ok(Value::U32(number)),
            None => error("insufficient-memory"),
        }
    }

    /// Does something, and tells what came of it.
    fn told(&mut self, run: impl FnOnce(&mut Self) -> wasmtime::Result<Result<(), Fault>>) -> wasmtime::Result<Value> {
        Ok(run(self)?.map_or_else(failed, |()| done()))
    }

    /// What a directory holds next, in the order of the names.
    fn next_entry(&mut self, handle: u32) -> wasmtime::Result<Value> {
        check(Some(self.state), Resource::DirectoryEntries, handle)?;
        let Some(Handle2::Entries(node, last)) = self.state.handles.get(handle).cloned() else {
            return Ok(ok(Value::Option(None)));
        };
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let entries = self.state.tree().entries(node);
        let next = entries
            .and_then(|entries| entries.range::<str, _>((from.as_ref().map(|last| &**last), Bound::Unbounded)).next());
        let Some((name, below)) = next.map(|(name, below)| (name.clone(), *below)) else {
            return Ok(ok(Value::Option(None)));
        };
        self.meter.bytes(name.len())?;
        let entry = Value::record([("type", self.kind2(below)), ("name", Value::String(name.clone()))]);
        if let Some(Handle2::Entries(_, last)) = self.state.handles.get_mut(handle) {
            *last = Some(name);
        }
        Ok(ok(Value::Option(Some(Arc::new(entry)))))
    }

    fn kind2(&self, node: NodeId) -> Value {
        Value::Enum(if self.state.tree().is_directory(node) { "directory" } else { "regular-file" }.into())
    }

    fn stat(&self, node: NodeId) -> Value {
        let at = |nanoseconds: u64| {
            let time = time(nanoseconds / NANOSECONDS, (nanoseconds % NANOSECONDS) as u32);
            Value::Option(Some(Arc::new(time)))
        };
        let [accessed, modified] = self.state.tree().times(node);
        ok(Value::record([
            ("type", self.kind2(node)),
            ("link-count", Value::U64(1)),
            ("size", Value::U64(self.size(node))),
            ("data-access-timestamp", at(accessed)),
            ("data-modification-timestamp", at(modified)),
            ("status-change-timestamp", at(NOW)),
        ]))
    }
}

/// The time that a variant says; none if it says that nothing changes.
fn new_time(params: Params<'_>, at: usize) -> Option<u64> {
    match params.u32(at) {
        0 => None,
        1 => Some(NOW),
        _ => Some(params.u64(at + 1).saturating_mul(NANOSECONDS).saturating_add(params.u32(at + 2).into())),
    }
}

fn hash(node: NodeId) -> Value {
    ok(Value::record([("lower", Value::U64(node.inode())), ("upper", Value::U64(0))]))
}

fn failed(fault: Fault) -> Value {
    error(match fault {
        Fault::NotFound => "no-entry",
        Fault::Exists => "exist",
        Fault::NotDirectory => "not-directory",
        Fault::IsDirectory => "is-directory",
        Fault::NotEmpty => "not-empty",
        Fault::ReadOnly => "read-only",
        Fault::Outside => "not-permitted",
        Fault::NameTooLong => "name-too-long",
        Fault::Invalid => "invalid",
        // The call ends before anybody is told.
        Fault::Full => "insufficient-space",
    })
}
