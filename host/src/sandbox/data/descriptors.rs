//! What a call has open in WASI 0.1, by number.

use crate::wasi::NodeId;

/// What the directory that is there from the start may be used for: all that is done with paths, but to set a size, and what is known of
/// it; and what is opened below it: anything, as the answers are what refuses.
pub(crate) const DIRECTORY_RIGHTS: (u64, u64) = (0x3ff << 9 | 1 << 20 | 1 << 21 | 0xf << 23, (1 << 30) - 1);

/// The most descriptors that are open at a time.
const MOST: usize = 1024;

/// What is open in a call, by number.
pub(crate) struct Descriptors(Vec<Option<Open>>);

/// Something that is open.
#[derive(Clone, Debug)]
pub(crate) enum Open {
    Stdin,
    Stdout,
    Stderr,
    Node(OpenNode),
}

/// A file or a directory that is open.
#[derive(Clone, Debug)]
pub(crate) struct OpenNode {
    pub(crate) node: NodeId,
    /// Where the next byte is read or written.
    pub(crate) at: u64,
    /// How it was opened, as WASI numbers it: to append, and whatever else, of which nothing follows.
    pub(crate) flags: u16,
    /// What it may be used for, and what is opened below it.
    pub(crate) rights: (u64, u64),
    /// Whether it is the directory that is there from the start.
    pub(crate) preopened: bool,
}

/// What is written is added at the end.
const APPEND: u16 = 1;

impl OpenNode {
    /// Whether what is written goes to the end.
    pub(crate) fn append(&self) -> bool {
        self.flags & APPEND != 0
    }

    pub(crate) fn new(node: NodeId, rights: (u64, u64)) -> OpenNode {
        OpenNode { node, at: 0, flags: 0, rights, preopened: false }
    }
}

/// What there is at the start of every call.
impl Default for Descriptors {
    fn default() -> Descriptors {
        let root = OpenNode { preopened: true, ..OpenNode::new(NodeId::ROOT, DIRECTORY_RIGHTS) };
        Descriptors(vec![Some(Open::Stdin), Some(Open::Stdout), Some(Open::Stderr), Some(Open::Node(root))])
    }
}

impl Descriptors {
    pub(crate) fn get(&self, number: u32) -> Option<&Open> {
        self.0.get(number as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Open> {
        self.0.get_mut(number as usize)?.as_mut()
    }

    /// Opens something under the lowest number that is free; none if there is no room.
    pub(crate) fn open(&mut self, open: Open) -> Option<u32> {
        // Programs expect that what they open is none of the first three, even if they closed these: a stream is not given again.
        let free = self.0.iter().skip(3).position(Option::is_none).map(|at| at + 3);
        let number = free.unwrap_or(self.0.len());
        if number >= MOST {
            return None;
        }
        if number == self.0.len() {
            self.0.push(None);
        }
        self.0[number] = Some(open);
        Some(number as u32)
    }

    pub(crate) fn close(&mut self, number: u32) -> Option<Open> {
        self.0.get_mut(number as usize)?.take()
    }

    /// Gives what is open another number, in the place of what was open there; false if one of the two is not open.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> bool {
        if self.get(from).is_none() || self.get(to).is_none() {
            return false;
        }
        if from != to {
            self.0[to as usize] = self.close(from);
        }
        true
    }
}
