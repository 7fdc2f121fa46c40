//! Functions that are given a path below a directory.

use super::super::call::WasiCall;
use super::super::paths::Change;
use super::code::{Done, Fail, INVAL, MFILE, NOTSUP, fail};
use super::rights;
use crate::ir::wasi::Edition;
use crate::sandbox::data::{Open, OpenNode};

/// What is to be opened.
pub(super) struct Opening {
    pub(super) how: u32,
    pub(super) rights: (u64, u64),
    pub(super) flags: u16,
    /// Where its number is written.
    pub(super) result: u32,
}

impl WasiCall<'_> {
    pub(super) fn path_open(&mut self, fd: u32, at: u32, len: u32, opening: Opening) -> Done {
        let directory = self.directory(fd)?;
        let path = self.path(at, len)?;
        let Opening { how, rights: (base, inheriting), flags, result } = opening;
        // Looked at first, so that nothing is opened in vain.
        self.bytes(result, 4, 4)?;
        let node = self.open_path(directory, &path, how, base & rights::WRITE != 0)??;
        let base = match self.state.tree().is_directory(node) {
            true => base & rights::DIRECTORY,
            false => rights::of_file(base, self.state.tree().is_given(node)),
        };
        let rights = (base, inheriting & rights::ALL);
        let open = OpenNode { flags, ..OpenNode::new(node, rights) };
        let fd = self.state.descriptors.open(Open::Node(open)).ok_or(Fail::Code(MFILE))?;
        self.put(result, fd.to_le_bytes())
    }

    pub(super) fn path_filestat(&mut self, fd: u32, (at, len): (u32, u32), to: u32, edition: Edition) -> Done {
        let directory = self.directory(fd)?;
        let path = self.path(at, len)?;
        let node = self.find(directory, &path)?;
        self.filestat_of(Some(node), to, edition)
    }

    /// There are no links that could be read.
    pub(super) fn path_readlink(&mut self, fd: u32, at: u32, len: u32) -> Done {
        let directory = self.directory(fd)?;
        let path = self.path(at, len)?;
        self.find(directory, &path)?;
        fail(INVAL)
    }

    pub(super) fn path_set_times(&mut self, fd: u32, at: u32, len: u32, times: (u64, u64), flags: u32) -> Done {
        let directory = self.directory(fd)?;
        let path = self.path(at, len)?;
        self.may_change(Change::SetTimes, &path)?;
        let node = self.find(directory, &path)?;
        self.set_times_of(node, times, flags)
    }

    /// Makes a directory, or removes something.
    pub(super) fn path_change(&mut self, change: Change, fd: u32, at: u32, len: u32) -> Done {
        let directory = self.directory(fd)?;
        let path = self.path(at, len)?;
        Ok(self.change(change, directory, &path)??)
    }

    pub(super) fn path_rename(&mut self, (fd, at, len): (u32, u32, u32), (to_fd, to, to_len): (u32, u32, u32)) -> Done {
        let from = self.directory(fd)?;
        let path = self.path(at, len)?;
        let into = self.directory(to_fd)?;
        let to = self.path(to, to_len)?;
        Ok(self.rename((from, &path), (into, &to))??)
    }

    pub(super) fn path_link(&mut self, fd: u32, at: u32, len: u32) -> Done {
        self.directory(fd)?;
        let path = self.path(at, len)?;
        self.may_change(Change::Link, &path)?;
        self.no_link();
        fail(NOTSUP)
    }
}
