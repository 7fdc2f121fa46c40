//! Directories and files in memory, as a guest of WASI sees them.
//!
//! Nodes lie in one list and are never given back, and names refer to them by number: so nothing here calls itself, however deep a
//! guest nests directories, and an inode's number is the same in every run. What is added is paid for with `room`, the bytes that a call
//! may still write: contents by their size, names by the length of their whole path. So what is collected in the end is bounded, too.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A node, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(u32);

impl NodeId {
    pub(crate) const ROOT: NodeId = NodeId(0);

    /// The number of its inode: never 0, which stands for what is no file.
    pub(crate) fn inode(self) -> u64 {
        u64::from(self.0) + 1
    }
}

/// The longest path, and the longest part of one, in bytes.
pub(crate) const MAX_PATH: usize = 4096;
pub(crate) const MAX_NAME: usize = 255;

/// What a node takes beside its path and what is in it.
const ENTRY: usize = 128;

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NotFound,
    Exists,
    NotDirectory,
    IsDirectory,
    NotEmpty,
    /// What is given to a call stays as it is.
    ReadOnly,
    /// The path leads out of the directory that it starts from.
    Outside,
    NameTooLong,
    Invalid,
    /// More than the call may write.
    Full,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place<'p> {
    /// The directory that holds it.
    parent: NodeId,
    /// Its name there; empty where the path is that of a directory itself, such as `.`.
    name: &'p str,
    /// What is there.
    pub(crate) node: Option<NodeId>,
    /// Whether the path says that it is a directory, by its last character.
    says_directory: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    content: Content,
    /// Whether it was there before the call: then it cannot be changed.
    given: bool,
    /// Whether no directory holds it any more.
    removed: bool,
    /// When it was accessed and modified, in nanoseconds.
    times: [u64; 2],
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Directory {
        entries: BTreeMap<Arc<str>, NodeId>,
        parent: NodeId,
        /// How long the paths of what it holds are at least, in bytes.
        prefix: usize,
    },
    Given(Arc<[u8]>),
    Written(Vec<u8>),
}

impl Tree {
    /// An empty directory. `now`: when it was made.
    pub(crate) fn new(now: u64) -> Tree {
        let content = Content::Directory { entries: BTreeMap::new(), parent: NodeId::ROOT, prefix: 0 };
        Tree { nodes: vec![Node { content, given: true, removed: false, times: [now; 2] }] }
    }

    /// Adds a file that is there from the start. Its name has been checked; false if it is there, or a part of it is a file.
    pub(crate) fn give(&mut self, name: &str, bytes: Arc<[u8]>, now: u64) -> bool {
        let mut parent = NodeId::ROOT;
        let (directories, last) = name.rsplit_once('/').map_or((None, name), |(front, last)| (Some(front), last));
        for part in directories.into_iter().flat_map(|front| front.split('/')) {
            parent = match self.entries(parent).and_then(|entries| entries.get(part)) {
                Some(known) => *known,
                None => {
                    let prefix = self.prefix(parent) + part.len() + 1;
                    let content = Content::Directory { entries: BTreeMap::new(), parent, prefix };
                    self.insert(parent, part, Node { content, given: true, removed: false, times: [now; 2] })
                }
            };
        }
        match self.entries(parent) {
            Some(entries) if !entries.contains_key(last) => {
                let node = Node { content: Content::Given(bytes), given: true, removed: false, times: [now; 2] };
                self.insert(parent, last, node);
                true
            }
            _ => false,
        }
    }

    /// Where a path leads from a directory. There are no links that it could lead by.
    pub(crate) fn place<'p>(&self, from: NodeId, path: &'p str) -> Result<Place<'p>, Fault> {
        if path.is_empty() {
            return Err(Fault::NotFound);
        }
        if path.len() > MAX_PATH {
            return Err(Fault::NameTooLong);
        }
        // The root itself is the only directory that is given.
        if path.starts_with('/') && !path.bytes().all(|byte| byte == b'/') {
            return Err(Fault::Outside);
        }
        if path.contains('\0') {
            return Err(Fault::Invalid);
        }
        let says_directory = path.ends_with('/') || path == "." || path.ends_with("/.") || path.ends_with("..");
        let mut place = Place { parent: from, name: "", node: Some(from), says_directory };
        // How far below the directory it has come: no path leads out of it, though it may come back.
        let mut depth = 0usize;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let at = place.node.ok_or(Fault::NotFound)?;
            let Content::Directory { entries, parent, .. } = &self.node(at).content else {
                return Err(Fault::NotDirectory);
            };
            match part {
                "." => {}
                ".." => {
                    depth = depth.checked_sub(1).ok_or(Fault::Outside)?;
                    place = Place { parent: *parent, name: "", node: Some(*parent), ..place };
                }
                _ if part.len() > MAX_NAME => return Err(Fault::NameTooLong),
                name => {
                    depth += 1;
                    place = Place { parent: at, name, node: entries.get(name).copied(), ..place };
                }
            }
        }
        match place.node {
            Some(node) if says_directory && !self.is_directory(node) => Err(Fault::NotDirectory),
            _ => Ok(place),
        }
    }

    pub(crate) fn is_directory(&self, node: NodeId) -> bool {
        self.entries(node).is_some()
    }

    /// Whether it was there before the call, and stays as it is.
    pub(crate) fn is_given(&self, node: NodeId) -> bool {
        self.node(node).given
    }

    /// What is in a file; nothing of a directory.
    pub(crate) fn bytes(&self, node: NodeId) -> &[u8] {
        match &self.node(node).content {
            Content::Directory { .. } => &[],
            Content::Given(bytes) => bytes,
            Content::Written(bytes) => bytes,
        }
    }

    /// What a call has written to a file, to write over; none of what was given.
    pub(crate) fn written_mut(&mut self, node: NodeId) -> Option<&mut Vec<u8>> {
        match &mut self.node_mut(node).content {
            Content::Written(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// When it was accessed and modified, in nanoseconds.
    pub(crate) fn times(&self, node: NodeId) -> [u64; 2] {
        self.node(node).times
    }

    pub(crate) fn set_times(&mut self, node: NodeId, times: [u64; 2]) {
        self.node_mut(node).times = times;
    }

    /// What a directory holds, by name; none if it is a file.
    pub(crate) fn entries(&self, node: NodeId) -> Option<&BTreeMap<Arc<str>, NodeId>> {
        match &self.node(node).content {
            Content::Directory { entries, .. } => Some(entries),
            _ => None,
        }
    }

    /// The directory that holds a directory; the root's is itself.
    pub(crate) fn parent(&self, node: NodeId) -> NodeId {
        match &self.node(node).content {
            Content::Directory { parent, .. } => *parent,
            _ => NodeId::ROOT,
        }
    }

    /// Makes a file, or a directory, where there is nothing.
    pub(crate) fn create(
        &mut self,
        place: &Place<'_>,
        directory: bool,
        now: u64,
        room: &mut usize,
    ) -> Result<NodeId, Fault> {
        if place.node.is_some() {
            return Err(Fault::Exists);
        }
        if place.says_directory && !directory {
            return Err(Fault::IsDirectory);
        }
        if self.node(place.parent).removed {
            return Err(Fault::NotFound);
        }
        let length = self.prefix(place.parent) + place.name.len() + 1;
        take(room, ENTRY + length)?;
        let content = if directory {
            Content::Directory { entries: BTreeMap::new(), parent: place.parent, prefix: length }
        } else {
            Content::Written(Vec::new())
        };
        let node = Node { content, given: false, removed: false, times: [now; 2] };
        Ok(self.insert(place.parent, place.name, node))
    }

    /// Removes a file, or an empty directory.
    pub(crate) fn remove(&mut self, place: &Place<'_>, directory: bool) -> Result<(), Fault> {
        let node = place.node.ok_or(Fault::NotFound)?;
        match self.entries(node) {
            Some(_) if !directory => return Err(Fault::IsDirectory),
            None if directory => return Err(Fault::NotDirectory),
            Some(entries) if !entries.is_empty() => return Err(Fault::NotEmpty),
            _ if self.is_given(node) => return Err(Fault::ReadOnly),
            // Such as `a/..`: nobody removes what a path goes through.
            _ if place.name.is_empty() => return Err(Fault::Invalid),
            _ => {}
        }
        self.detach(place);
        self.node_mut(node).removed = true;
        Ok(())
    }

    /// Gives a file or a directory another name, in the place of a file or an empty directory that is there. How many nodes were
    /// looked at is added to `visited`.
    pub(crate) fn rename(
        &mut self,
        from: &Place<'_>,
        to: &Place<'_>,
        room: &mut usize,
        visited: &mut u64,
    ) -> Result<(), Fault> {
        let node = from.node.ok_or(Fault::NotFound)?;
        if from.name.is_empty() || to.name.is_empty() {
            return Err(Fault::Invalid);
        }
        if self.is_given(node) {
            return Err(Fault::ReadOnly);
        }
        if to.node == Some(node) {
            return Ok(());
        }
        let directory = self.is_directory(node);
        if to.says_directory && !directory {
            return Err(Fault::NotDirectory);
        }
        if self.node(to.parent).removed {
            return Err(Fault::NotFound);
        }
        // A directory cannot be put into itself.
        let mut above = to.parent;
        while directory && above != NodeId::ROOT {
            *visited += 1;
            if above == node {
                return Err(Fault::Invalid);
            }
            above = self.parent(above);
        }
        if let Some(there) = to.node {
            match (directory, self.entries(there)) {
                (true, None) => return Err(Fault::NotDirectory),
                (false, Some(_)) => return Err(Fault::IsDirectory),
                (_, Some(entries)) if !entries.is_empty() => return Err(Fault::NotEmpty),
                _ if self.is_given(there) => return Err(Fault::ReadOnly),
                _ => {}
            }
        }
        take(room, self.prefix(to.parent) + to.name.len() + 1)?;
        let moved = self.with_prefixes(node, to, visited);
        // All paths below get so much longer.
        let longer = moved.iter().map(|(below, prefix)| {
            let entries = self.entries(*below).map_or(0, BTreeMap::len);
            prefix.saturating_sub(self.prefix(*below)).saturating_mul(entries)
        });
        take(room, longer.fold(0usize, usize::saturating_add))?;
        if let Some(there) = to.node {
            self.detach(to);
            self.node_mut(there).removed = true;
        }
        self.detach(from);
        for (below, new) in moved {
            if let Content::Directory { prefix, .. } = &mut self.node_mut(below).content {
                *prefix = new;
            }
        }
        if let Content::Directory { parent, .. } = &mut self.node_mut(node).content {
            *parent = to.parent;
        }
        self.attach(to.parent, to.name, node);
        Ok(())
    }

    /// The directories at a node and below, each with the prefix that it has once the node is at that place.
    fn with_prefixes(&self, node: NodeId, to: &Place<'_>, visited: &mut u64) -> Vec<(NodeId, usize)> {
        let mut found = Vec::new();
        if self.is_directory(node) {
            found.push((node, self.prefix(to.parent) + to.name.len() + 1));
        }
        let mut at = 0;
        while let Some(&(directory, prefix)) = found.get(at) {
            at += 1;
            for (name, below) in self.entries(directory).into_iter().flatten() {
                *visited += 1;
                if self.is_directory(*below) {
                    found.push((*below, prefix + name.len() + 1));
                }
            }
        }
        found
    }

    /// What was written, by path, in the order of the paths. Directories without a file are not kept.
    pub(crate) fn into_written(mut self) -> Vec<(String, Vec<u8>)> {
        let mut written = Vec::new();
        let mut pending = vec![(NodeId::ROOT, String::new())];
        while let Some((directory, path)) = pending.pop() {
            for (name, node) in self.entries(directory).cloned().unwrap_or_default() {
                let path = if path.is_empty() { name.to_string() } else { format!("{path}/{name}") };
                match &mut self.node_mut(node).content {
                    Content::Directory { .. } => pending.push((node, path)),
                    Content::Written(bytes) => written.push((path, std::mem::take(bytes))),
                    Content::Given(_) => {}
                }
            }
        }
        written.sort_unstable();
        written
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0 as usize]
    }

    fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node.0 as usize]
    }

    fn prefix(&self, node: NodeId) -> usize {
        match &self.node(node).content {
            Content::Directory { prefix, .. } => *prefix,
            _ => 0,
        }
    }

    fn insert(&mut self, parent: NodeId, name: &str, node: Node) -> NodeId {
        let number = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        self.attach(parent, name, number);
        number
    }

    fn attach(&mut self, parent: NodeId, name: &str, node: NodeId) {
        if let Content::Directory { entries, .. } = &mut self.node_mut(parent).content {
            entries.insert(name.into(), node);
        }
    }

    fn detach(&mut self, place: &Place<'_>) {
        if let Content::Directory { entries, .. } = &mut self.node_mut(place.parent).content {
            entries.remove(place.name);
        }
    }
}

/// Takes so many bytes of what may still be written.
fn take(room: &mut usize, bytes: usize) -> Result<(), Fault> {
    *room = room.checked_sub(bytes).ok_or(Fault::Full)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::new(1);
        assert!(tree.give("a/b.txt", (*b"given").into(), 1));
        assert!(!tree.give("a/b.txt", (*b"again").into(), 1));
        assert!(!tree.give("a", (*b"again").into(), 1));
        assert!(!tree.give("a/b.txt/c", (*b"again").into(), 1));
        tree
    }

    /// Makes what is missing of a path; the last part is a file, if it does not end with a slash.
    fn make(tree: &mut Tree, path: &str, room: &mut usize) -> Result<NodeId, Fault> {
        let place = tree.place(NodeId::ROOT, path)?;
        tree.create(&place, path.ends_with('/'), 1, room)
    }

    fn rename(tree: &mut Tree, from: &str, to: &str, room: &mut usize) -> Result<(), Fault> {
        let (from, to) = (tree.place(NodeId::ROOT, from)?, tree.place(NodeId::ROOT, to)?);
        tree.rename(&from, &to, room, &mut 0)
    }

    #[test]
    fn a_path_does_not_lead_out_of_the_directory_that_it_starts_from() {
        let tree = tree();
        let at = |from, path| tree.place(from, path).map(|place| place.node.map(NodeId::inode));
        let a = tree.place(NodeId::ROOT, "a").unwrap().node.unwrap();
        for (path, led) in [
            (".", Ok(Some(1))),
            ("/", Ok(Some(1))),
            ("a/..", Ok(Some(1))),
            ("./a//b.txt", Ok(Some(3))),
            ("a/../a/", Ok(Some(2))),
            ("a/c", Ok(None)),
            ("", Err(Fault::NotFound)),
            ("c/d", Err(Fault::NotFound)),
            ("a/b.txt/", Err(Fault::NotDirectory)),
            ("a/b.txt/c", Err(Fault::NotDirectory)),
            ("..", Err(Fault::Outside)),
            ("a/../..", Err(Fault::Outside)),
            ("/a", Err(Fault::Outside)),
            ("a\0", Err(Fault::Invalid)),
        ] {
            assert_eq!(at(NodeId::ROOT, path), led, "{path:?}");
        }
        // Its parent is there, and it is none of its business.
        assert_eq!(at(a, "../a"), Err(Fault::Outside));
        assert_eq!(at(NodeId::ROOT, &"n".repeat(256)), Err(Fault::NameTooLong));
    }

    #[test]
    fn what_is_given_stays_as_it_is() {
        let mut tree = tree();
        let room = &mut 10_000;
        let given = |tree: &Tree, path| tree.place(NodeId::ROOT, path).unwrap().name.to_owned();
        assert_eq!(given(&tree, "a/b.txt"), "b.txt");
        let place = tree.place(NodeId::ROOT, "a/b.txt").unwrap();
        assert_eq!(tree.remove(&place, false), Err(Fault::ReadOnly));
        make(&mut tree, "c", room).unwrap();
        assert_eq!(rename(&mut tree, "a/b.txt", "d", room), Err(Fault::ReadOnly));
        assert_eq!(rename(&mut tree, "c", "a/b.txt", room), Err(Fault::ReadOnly));
        assert_eq!(rename(&mut tree, "a", "d", room), Err(Fault::ReadOnly));
        assert_eq!(tree.into_written(), [("c".to_owned(), vec![])]);
    }

    #[test]
    fn a_directory_is_renamed_with_all_below_but_not_into_itself() {
        let mut tree = tree();
        let room = &mut 10_000;
        for path in ["d/", "d/e/", "d/e/f", "g/"] {
            make(&mut tree, path, room).unwrap();
        }
        assert_eq!(rename(&mut tree, "d", "d/e/x", room), Err(Fault::Invalid));
        assert_eq!(rename(&mut tree, "d/e/f", "g", room), Err(Fault::IsDirectory));
        assert_eq!(rename(&mut tree, "g", "d/e/f", room), Err(Fault::NotDirectory));
        assert_eq!(rename(&mut tree, "g", "d", room), Err(Fault::NotEmpty));
        rename(&mut tree, "d", "g", room).unwrap();
        assert_eq!(tree.prefix(tree.place(NodeId::ROOT, "g/e").unwrap().node.unwrap()), 4);
        assert_eq!(tree.place(NodeId::ROOT, "d").unwrap().node, None);
        assert_eq!(tree.into_written(), [("g/e/f".to_owned(), vec![])]);
    }

    /// However they are nested and moved, all paths together are no longer than what was paid for.
    #[test]
    fn paths_are_paid_for_with_their_whole_length() {
        let mut tree = tree();
        let room = &mut 100_000;
        make(&mut tree, "d/", room).unwrap();
        for n in 0..100 {
            make(&mut tree, &format!("d/{n}"), room).unwrap();
        }
        let mut long = String::new();
        for _ in 0..10 {
            long.push_str(&"x".repeat(100));
            long.push('/');
            make(&mut tree, &long, room).unwrap();
        }
        let before = *room;
        assert_eq!(rename(&mut tree, "d", &format!("{long}d"), &mut 1000), Err(Fault::Full));
        assert_eq!(rename(&mut tree, "d", &format!("{long}d"), room), Err(Fault::Full));
        assert!(before < 101_000, "{before}");
        let room = &mut 200_000;
        rename(&mut tree, "d", &format!("{long}d"), room).unwrap();
        let paths: usize = tree.into_written().iter().map(|(path, _)| path.len()).sum();
        assert!(200_000 - *room >= paths - 400, "{room} {paths}");
    }

    #[test]
    fn nothing_is_made_in_a_directory_that_was_removed() {
        let mut tree = tree();
        let room = &mut 10_000;
        let directory = make(&mut tree, "d/", room).unwrap();
        let place = tree.place(NodeId::ROOT, "d").unwrap();
        assert_eq!(tree.remove(&place, false), Err(Fault::IsDirectory));
        tree.remove(&place, true).unwrap();
        let place = tree.place(directory, "e").unwrap();
        assert_eq!(tree.create(&place, false, 1, room), Err(Fault::NotFound));
    }
}
