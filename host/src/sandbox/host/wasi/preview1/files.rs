//! Descriptors of files and directories.

use super::super::call::WasiCall;
use super::code::{BADF, Done, FAULT, Fail, INVAL, NAMETOOLONG, NOTCAPABLE, NOTDIR, NOTSUP, SPIPE, fail};
use super::rights;
use crate::ir::wasi::Edition;
use crate::sandbox::data::{Open, OpenNode};
use crate::wasi::{NOW, NodeId};

/// Kinds of files.
const UNKNOWN: u8 = 0;
const DIRECTORY: u8 = 3;
const REGULAR: u8 = 4;

/// Bytes of what is known of a file, and of an entry of a directory without its name.
const FILESTAT: usize = 64;
const DIRENT: usize = 24;

/// The name of the directory that is there from the start.
const ROOT_NAME: &[u8] = b"/";

impl WasiCall<'_> {
    /// What is open.
    pub(super) fn open(&self, fd: u32) -> Done<&Open> {
        self.state.descriptors.get(fd).ok_or(Fail::Code(BADF))
    }

    /// A file or a directory that is open; `otherwise` where it is a stream.
    pub(super) fn open_node(&self, fd: u32, otherwise: u16) -> Done<&OpenNode> {
        match self.open(fd)? {
            Open::Node(open) => Ok(open),
            _ => fail(otherwise),
        }
    }

    /// A directory that is open.
    pub(super) fn directory(&self, fd: u32) -> Done<NodeId> {
        let open = self.open_node(fd, NOTDIR)?;
        if self.state.tree().is_directory(open.node) { Ok(open.node) } else { fail(NOTDIR) }
    }

    /// A file that is open; a stream is none that has places, a directory nothing that has bytes.
    fn regular(&self, fd: u32) -> Done<&OpenNode> {
        let open = self.open_node(fd, SPIPE)?;
        if self.state.tree().is_directory(open.node) { fail(BADF) } else { Ok(open) }
    }

    /// A file that is open to be changed.
    fn file_to_write(&self, fd: u32, otherwise: u16) -> Done<NodeId> {
        let open = self.open_node(fd, otherwise)?;
        match open.rights.0 & rights::WRITE {
            _ if self.state.tree().is_directory(open.node) => fail(BADF),
            0 => fail(INVAL),
            _ => Ok(open.node),
        }
    }

    /// The directory that is there from the start.
    fn given(&self, fd: u32) -> Done {
        self.directory(fd)?;
        match self.open(fd)? {
            Open::Node(open) if open.preopened => Ok(()),
            _ => fail(BADF),
        }
    }

    pub(super) fn prestat(&mut self, fd: u32, to: u32) -> Done {
        self.given(fd)?;
        let mut prestat = [0; 8];
        prestat[4] = ROOT_NAME.len() as u8;
        self.bytes(to, 8, 4).map(|room| room.copy_from_slice(&prestat))
    }

    pub(super) fn prestat_name(&mut self, fd: u32, to: u32, len: u32) -> Done {
        self.given(fd)?;
        if (len as usize) < ROOT_NAME.len() {
            return fail(NAMETOOLONG);
        }
        self.bytes(to, ROOT_NAME.len() as u32, 1).map(|name| name.copy_from_slice(ROOT_NAME))
    }

    pub(super) fn close(&mut self, fd: u32) -> Done {
        self.state.descriptors.close(fd).map(drop).ok_or(Fail::Code(BADF))
    }

    pub(super) fn renumber(&mut self, from: u32, to: u32) -> Done {
        if self.state.descriptors.renumber(from, to) { Ok(()) } else { fail(BADF) }
    }

    pub(super) fn seek(&mut self, fd: u32, by: i64, whence: Option<Whence>, result: u32) -> Done {
        let open = self.regular(fd)?;
        let from = match whence.ok_or(Fail::Code(INVAL))? {
            Whence::Set => 0,
            Whence::Current => open.at,
            Whence::End => self.size(open.node),
        };
        // Programs know places as signed numbers.
        let at = from.checked_add_signed(by).filter(|at| i64::try_from(*at).is_ok()).ok_or(Fail::Code(INVAL))?;
        self.put(result, at.to_le_bytes())?;
        if let Some(Open::Node(open)) = self.state.descriptors.get_mut(fd) {
            open.at = at;
        }
        Ok(())
    }

    pub(super) fn tell(&mut self, fd: u32, result: u32) -> Done {
        let at = self.regular(fd)?.at;
        self.put(result, at.to_le_bytes())
    }

    /// Nothing follows from advice.
    pub(super) fn advise(&self, fd: u32, advice: u32) -> Done {
        self.regular(fd)?;
        if advice > 5 { fail(INVAL) } else { Ok(()) }
    }

    pub(super) fn allocate(&mut self, fd: u32, at: u64, len: u64) -> Done {
        let node = self.file_to_write(fd, SPIPE)?;
        if len == 0 {
            return fail(INVAL);
        }
        Ok(self.grow(node, at.saturating_add(len))?)
    }

    pub(super) fn set_size(&mut self, fd: u32, size: u64) -> Done {
        let node = self.file_to_write(fd, NOTSUP)?;
        Ok(self.resize(node, size)?)
    }

    pub(super) fn set_flags(&mut self, fd: u32, flags: u32) -> Done {
        match self.state.descriptors.get_mut(fd) {
            None => fail(BADF),
            Some(Open::Node(open)) => {
                open.flags = flags as u16;
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }

    /// Rights can be given up, and not taken.
    pub(super) fn set_rights(&mut self, fd: u32, base: u64, inheriting: u64) -> Done {
        match self.state.descriptors.get_mut(fd) {
            None => fail(BADF),
            Some(Open::Node(open)) if base & !open.rights.0 != 0 || inheriting & !open.rights.1 != 0 => {
                fail(NOTCAPABLE)
            }
            Some(Open::Node(open)) => {
                open.rights = (base, inheriting);
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }

    pub(super) fn fdstat(&mut self, fd: u32, to: u32) -> Done {
        let (flags, (base, inheriting)) = match self.open(fd)? {
            Open::Stdin => (0, (rights::READ | rights::POLL, 0)),
            Open::Stdout | Open::Stderr => (0, (rights::WRITE | rights::POLL, 0)),
            Open::Node(open) => (open.flags, open.rights),
        };
        let mut stat = [0; 24];
        stat[0] = self.kind(fd)?;
        stat[2..4].copy_from_slice(&u16::to_le_bytes(flags));
        stat[8..16].copy_from_slice(&u64::to_le_bytes(base & rights::ALL));
        stat[16..].copy_from_slice(&u64::to_le_bytes(inheriting & rights::ALL));
        self.place(to, &stat)
    }

    pub(super) fn filestat(&mut self, fd: u32, to: u32, edition: Edition) -> Done {
        match self.open(fd)? {
            Open::Node(open) => self.filestat_of(Some(open.node), to, edition),
            _ => self.filestat_of(None, to, edition),
        }
    }

    /// What is known of a node, or of a stream.
    pub(super) fn filestat_of(&mut self, node: Option<NodeId>, to: u32, edition: Edition) -> Done {
        let mut stat = [0; FILESTAT];
        // The number of links, and all that follows: in the older edition that is a number of four bytes behind the kind.
        let links = match edition {
            Edition::Preview1 => 24,
            Edition::Unstable => 20,
        };
        // One link to it.
        stat[links] = 1;
        let rest = links.next_multiple_of(8) + if edition == Edition::Preview1 { 8 } else { 0 };
        if let Some(node) = node {
            let [accessed, modified] = self.state.tree().times(node);
            stat[8..16].copy_from_slice(&node.inode().to_le_bytes());
            stat[16] = self.kind_of(node);
            for (at, number) in [self.size(node), accessed, modified, NOW].into_iter().enumerate() {
                stat[rest + 8 * at..][..8].copy_from_slice(&number.to_le_bytes());
            }
        }
        self.place(to, &stat[..rest + 32])
    }

    fn kind(&self, fd: u32) -> Done<u8> {
        Ok(match self.open(fd)? {
            Open::Node(open) => self.kind_of(open.node),
            _ => UNKNOWN,
        })
    }

    fn kind_of(&self, node: NodeId) -> u8 {
        if self.state.tree().is_directory(node) { DIRECTORY } else { REGULAR }
    }

    pub(super) fn set_times(&mut self, fd: u32, times: (u64, u64), flags: u32) -> Done {
        let node = self.open_node(fd, NOTSUP)?.node;
        self.set_times_of(node, times, flags)
    }

    pub(super) fn set_times_of(&mut self, node: NodeId, (accessed, modified): (u64, u64), flags: u32) -> Done {
        if flags & 0b11 == 0b11 || flags & 0b1100 == 0b1100 || flags > 0b1111 {
            return fail(INVAL);
        }
        let time = |given: u64, how: u32| match how & 0b11 {
            0b01 => Some(given),
            0b10 => Some(NOW),
            _ => None,
        };
        Ok(self.set_node_times(node, [time(accessed, flags), time(modified, flags >> 2)])??)
    }

    /// Lists a directory from an entry on: itself and its parent first, then what it holds in the order of the names.
    pub(super) fn readdir(&mut self, fd: u32, (to, len): (u32, u32), from: u64, result: u32) -> Done {
        let node = self.directory(fd)?;
        let room = self.range(to, len, 1)?;
        self.bytes(result, 4, 4)?;
        let tree = self.state.tree();
        let parent = if node == NodeId::ROOT { node } else { tree.parent(node) };
        let entries = tree.entries(node).into_iter().flatten().map(|(name, node)| (&**name, *node));
        let all = [(".", node), ("..", parent)].into_iter().chain(entries);
        let mut listed = Vec::new();
        let skipped = usize::try_from(from).unwrap_or(usize::MAX);
        let count = tree.entries(node).map_or(0, |entries| entries.len()) + 2;
        // What is passed over is gone through as well.
        self.meter.fuel(skipped.min(count) as u64)?;
        for (at, (name, below)) in all.enumerate().skip(skipped) {
            if listed.len() >= room.len() {
                break;
            }
            self.meter.bytes(DIRENT + name.len())?;
            self.look.value().map_err(wasmtime::Error::from)?;
            listed.extend((at as u64 + 1).to_le_bytes());
            listed.extend(below.inode().to_le_bytes());
            listed.extend((name.len() as u32).to_le_bytes());
            listed.extend(u32::from(self.kind_of(below)).to_le_bytes());
            listed.extend(name.as_bytes());
        }
        // The last entry is cut off where there is no more room, by which it is seen that there are more.
        listed.truncate(room.len());
        let used = listed.len();
        let place = self.memory.write(room.start..room.start + used).ok_or(Fail::Code(FAULT))?;
        place.copy_from_slice(&listed);
        self.put(result, (used as u32).to_le_bytes())
    }
}

/// From where a place in a file is counted.
#[derive(Clone, Copy)]
pub(super) enum Whence {
    Set,
    Current,
    End,
}

impl Whence {
    pub(super) fn of(number: u32, edition: Edition) -> Option<Whence> {
        let all = match edition {
            Edition::Preview1 => [Whence::Set, Whence::Current, Whence::End],
            Edition::Unstable => [Whence::Current, Whence::End, Whence::Set],
        };
        all.get(number as usize).copied()
    }
}
