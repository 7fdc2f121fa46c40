//! Call chains as text.

use std::collections::HashMap;

use super::calls::Reach;
use super::scan::Scan;
use crate::escape::{escaped, escaped_function};

/// The most entries of a chain, the one that stands for those left out included.
const MAX_CHAIN: usize = 32;
/// Stands for the entries that are left out.
const GAP: &str = "…";

/// Writes nodes of the graph of calls as text.
pub(super) struct Labels<'s, 'a> {
    scan: &'s Scan<'a>,
    /// The first export of each exported function, by the function's index.
    exported: HashMap<u32, &'a str>,
    /// Where the imports that are not functions are in the list of imports, in the order of their nodes.
    items: Vec<usize>,
}

impl<'s, 'a> Labels<'s, 'a> {
    pub(super) fn new(scan: &'s Scan<'a>) -> Self {
        let mut exported = HashMap::new();
        for (export, _) in &scan.exports {
            if export.kind == wasmparser::ExternalKind::Func {
                exported.entry(export.index).or_insert(export.name);
            }
        }
        let first_item = scan.functions + scan.distinct_types;
        let items = (0..scan.imports.len()).filter(|i| scan.imports[*i].node >= first_item).collect();
        Self { scan, exported, items }
    }

    /// The name of a function, fit to be shown: its own, else that of an export, else its index.
    pub(super) fn name(&self, function: u32) -> String {
        if let Some(import) = self.import(function) {
            return import;
        }
        let own = self.scan.names.function(function);
        match own.or_else(|| self.exported.get(&function).copied()) {
            Some(name) => escaped_function(name),
            None => format!("func[{function}]"),
        }
    }

    /// From the root that leads to `target` to `target`; empty if none does. `reach` goes forwards,
    /// from what runs.
    pub(super) fn to(&self, reach: &Reach, target: u32) -> Vec<String> {
        let Some(root) = reach.root(target) else { return Vec::new() };
        let near: Vec<u32> = reach.back(target).take(2 * MAX_CHAIN).collect();
        // Backwards, the type that a call went through stands after the function that it called.
        let indirect = |i: usize| near.get(i + 1).is_some_and(|next| self.is_type(*next));
        let mut chain = self.entries(&near, root, indirect);
        chain.reverse();
        self.name_first(chain, root, root == target, self.root(root))
    }

    /// From `start`, which is called `first`, to what it leads to; empty if nothing. `reach` goes backwards,
    /// from what is looked for.
    pub(super) fn from(&self, reach: &Reach, start: u32, first: String) -> Vec<String> {
        let Some(root) = reach.root(start) else { return Vec::new() };
        let near: Vec<u32> = reach.back(start).take(2 * MAX_CHAIN).collect();
        let indirect = |i: usize| i > 0 && self.is_type(near[i - 1]);
        let chain = self.entries(&near, root, indirect);
        self.name_first(chain, start, root == start, first)
    }

    /// The nodes as text, but for the types among them; at most [`MAX_CHAIN`], and always the root.
    fn entries(&self, near: &[u32], root: u32, indirect: impl Fn(usize) -> bool) -> Vec<String> {
        let mut entries: Vec<String> = Vec::new();
        for (i, node) in near.iter().enumerate().filter(|(_, node)| !self.is_type(**node)) {
            let suffix = if indirect(i) { " (called indirectly)" } else { "" };
            entries.push(self.node(*node) + suffix);
        }
        if entries.len() > MAX_CHAIN || near.last() != Some(&root) {
            entries.truncate(MAX_CHAIN - 2);
            entries.push(GAP.into());
            entries.push(self.node(root));
        }
        entries
    }

    /// Says of the first entry, `node`, how it is reached from outside. If it is also the last one, and an
    /// import, it needs two entries.
    fn name_first(&self, mut chain: Vec<String>, node: u32, alone: bool, name: String) -> Vec<String> {
        if alone && self.import(node).is_some() {
            chain.insert(0, name);
        } else if let Some(first) = chain.first_mut() {
            *first = name;
        }
        chain
    }

    /// What makes a root of the forward search run.
    fn root(&self, root: u32) -> String {
        if let Some(name) = self.exported.get(&root) {
            format!("export `{}`", escaped_function(name))
        } else if self.scan.start == Some(root) {
            format!("start function `{}`", self.name(root))
        } else {
            "instantiation".into()
        }
    }

    fn node(&self, node: u32) -> String {
        match self.import(node) {
            Some(import) => format!("import `{import}`"),
            None => format!("function `{}`", self.name(node)),
        }
    }

    /// `module.name`, if the node is an import.
    fn import(&self, node: u32) -> Option<String> {
        let item = node.checked_sub(self.scan.functions + self.scan.distinct_types);
        let place = match item {
            Some(item) => self.items.get(item as usize),
            None => self.scan.imported_functions.get(node as usize),
        };
        let import = self.scan.imports.get(*place?)?;
        Some(format!("{}.{}", escaped(import.module), escaped(import.name)))
    }

    fn is_type(&self, node: u32) -> bool {
        node.checked_sub(self.scan.functions).is_some_and(|ty| ty < self.scan.distinct_types)
    }
}
