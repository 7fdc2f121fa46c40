//! Who can call whom: a graph over functions, and what follows from it in linear time.
//!
//! Nodes are the functions, by index; then one node for each distinct function type; then one for each
//! import that is not a function; then one for instantiation itself. An indirect call leads to the node of its
//! type, and that node to every function of the type whose reference is taken anywhere in the module. So
//! a million indirect calls to a million functions are two million edges.

use std::collections::HashMap;

/// The node that stands for none.
const NONE: u32 = u32::MAX;

/// A graph in rows: the successors of node `n` are `targets[starts[n]..starts[n + 1]]`.
#[derive(Debug)]
pub(super) struct Calls {
    starts: Vec<usize>,
    targets: Vec<u32>,
}

impl Calls {
    /// An empty graph, to which nodes are added in order.
    pub(super) fn new() -> Self {
        Self { starts: vec![0], targets: Vec::new() }
    }

    /// Adds an edge from the node that is next to be closed.
    pub(super) fn edge(&mut self, to: u32) {
        self.targets.push(to);
    }

    /// Closes a node: the next edges are those of the node after it.
    pub(super) fn close(&mut self) {
        self.starts.push(self.targets.len());
    }

    /// The number of nodes.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn successors(&self, node: u32) -> &[u32] {
        let node = node as usize;
        match (self.starts.get(node), self.starts.get(node + 1)) {
            (Some(from), Some(to)) => self.targets.get(*from..*to).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The same graph with every edge turned round.
    pub(super) fn reversed(&self) -> Self {
        let nodes = self.len();
        let mut starts = vec![0usize; nodes + 1];
        for to in &self.targets {
            if let Some(count) = starts.get_mut(*to as usize + 1) {
                *count += 1;
            }
        }
        for i in 0..nodes {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut targets = vec![0u32; starts[nodes]];
        for node in 0..nodes as u32 {
            for to in self.successors(node) {
                if let Some(slot) = next.get_mut(*to as usize) {
                    targets[*slot] = node;
                    *slot += 1;
                }
            }
        }
        Self { starts, targets }
    }

    /// The nodes that can be reached from `roots`, each by a shortest way; of two as short, the one from the
    /// earlier root and over the earlier call.
    pub(super) fn reach(&self, roots: impl IntoIterator<Item = u32>) -> Reach {
        let nodes = self.len();
        let mut reach = Reach { previous: vec![NONE; nodes], root: vec![NONE; nodes] };
        let mut queue = Vec::new();
        for root in roots {
            if let Some(previous @ &mut NONE) = reach.previous.get_mut(root as usize) {
                *previous = root;
                reach.root[root as usize] = root;
                queue.push(root);
            }
        }
        let mut done = 0;
        while let Some(node) = queue.get(done).copied() {
            done += 1;
            for to in self.successors(node) {
                if let Some(previous @ &mut NONE) = reach.previous.get_mut(*to as usize) {
                    *previous = node;
                    reach.root[*to as usize] = reach.root[node as usize];
                    queue.push(*to);
                }
            }
        }
        reach
    }

    /// For each node, which of the sets of `own` it can reach: `own` gives bits to nodes, and a node has the bits
    /// of all that it leads to. Tarjan's algorithm without recursion: nodes that lead to each other share a set.
    pub(super) fn collect(&self, own: &[(u32, u32)]) -> Bits {
        let nodes = self.len();
        let mut bits = Bits { group: vec![NONE; nodes], sets: Vec::new() };
        let mut mine: HashMap<u32, Set> = HashMap::new();
        for (node, bit) in own {
            mine.entry(*node).or_default().insert(*bit);
        }
        let mut order = vec![NONE; nodes];
        let mut low = vec![0u32; nodes];
        let mut next = 0u32;
        let mut open: Vec<u32> = Vec::new();
        let mut path: Vec<(u32, usize)> = Vec::new();
        for root in 0..nodes as u32 {
            if order[root as usize] != NONE {
                continue;
            }
            path.push((root, 0));
            while let Some((node, at)) = path.last_mut() {
                let n = *node as usize;
                if *at == 0 && order[n] == NONE {
                    (order[n], low[n]) = (next, next);
                    next += 1;
                    open.push(*node);
                }
                if let Some(to) = self.successors(*node).get(*at) {
                    *at += 1;
                    let t = *to as usize;
                    if order[t] == NONE {
                        path.push((*to, 0));
                    } else if bits.group[t] == NONE {
                        low[n] = low[n].min(order[t]);
                    }
                    continue;
                }
                let node = *node;
                path.pop();
                if let Some((parent, _)) = path.last() {
                    low[*parent as usize] = low[*parent as usize].min(low[n]);
                }
                if low[n] == order[n] {
                    let first = open.iter().rposition(|o| *o == node).unwrap_or(open.len());
                    let members = open.split_off(first);
                    let set = self.union(&members, &mine, &bits);
                    for member in members {
                        bits.group[member as usize] = bits.sets.len() as u32;
                    }
                    bits.sets.push(set);
                }
            }
        }
        bits
    }

    fn union(&self, members: &[u32], mine: &HashMap<u32, Set>, bits: &Bits) -> Set {
        let mut set = Set::default();
        for member in members {
            if let Some(own) = mine.get(member) {
                set.merge(own);
            }
            for to in self.successors(*member) {
                if let Some(other) = bits.sets.get(bits.group[*to as usize] as usize) {
                    set.merge(other);
                }
            }
        }
        set
    }
}

/// What can be reached from some roots, and how.
#[derive(Debug)]
pub(super) struct Reach {
    /// The node before, on the way from the root; a root is before itself.
    previous: Vec<u32>,
    root: Vec<u32>,
}

impl Reach {
    /// Whether any root leads to `node`.
    pub(super) fn contains(&self, node: u32) -> bool {
        self.root(node).is_some()
    }

    /// The root that leads to `node`.
    pub(super) fn root(&self, node: u32) -> Option<u32> {
        self.root.get(node as usize).copied().filter(|root| *root != NONE)
    }

    /// From `node` back to its root, both included; nothing if none leads to it.
    pub(super) fn back(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.contains(node).then_some(node);
        std::iter::successors(first, |node| {
            self.previous.get(*node as usize).copied().filter(|previous| previous != node)
        })
    }
}

/// A set of up to [`Set::MOST`] bits for every node.
#[derive(Debug)]
pub(super) struct Bits {
    group: Vec<u32>,
    sets: Vec<Set>,
}

impl Bits {
    /// The bits of `node`, in ascending order.
    pub(super) fn of(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let group = self.group.get(node as usize).copied().unwrap_or(NONE);
        let set = self.sets.get(group as usize).copied().unwrap_or_default();
        (0..Set::MOST).filter(move |bit| set.contains(*bit))
    }
}

/// Bits `0..MOST`; others are left out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Set([u64; 4]);

impl Set {
    /// How many bits there are.
    pub(super) const MOST: u32 = 256;

    fn insert(&mut self, bit: u32) {
        if let Some(word) = self.0.get_mut((bit / 64) as usize) {
            *word |= 1 << (bit % 64);
        }
    }

    fn contains(self, bit: u32) -> bool {
        self.0.get((bit / 64) as usize).is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }

    fn merge(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
    }
}
