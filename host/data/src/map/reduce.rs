//! Many results to one, as a tree whose shape depends on the rows' numbers alone.
//!
//! Row `n` is a leaf. Two nodes beside each other become one where the pair begins at a multiple of its size: rows 0 and 1, 2 and 3; then 0–1
//! and 2–3. What is left at the end is put together from the right. A row without a result leaves its place empty: its neighbour goes up
//! alone. So an associative function gives the same on any number of threads, and one that is not (of floats, say) does, too.

use purefork::{Error, Value};

/// The result of rows beside each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// The first row.
    start: u64,
    /// It is of 2^level rows.
    level: u32,
    /// None if no row had a result.
    value: Option<Value>,
}

/// Puts two results together.
pub(super) type Pair<'a> = &'a mut dyn FnMut(Value, Value) -> Result<Value, Error>;

impl Node {
    pub(super) fn leaf(row: u64, value: Option<Value>) -> Node {
        Node { start: row, level: 0, value }
    }
}

/// Adds a node behind those that are there, and puts together what belongs together.
pub(super) fn add(nodes: &mut Vec<Node>, node: Node, pair: Pair<'_>) -> Result<(), Error> {
    let mut node = node;
    while let Some(left) = nodes.last()
        && left.level == node.level
        && left.start + (1 << left.level) == node.start
        && left.start % (1 << (left.level + 1)) == 0
    {
        let Some(left) = nodes.pop() else { break };
        node = Node { start: left.start, level: left.level + 1, value: both(left.value, node.value, pair)? };
    }
    nodes.push(node);
    Ok(())
}

/// The result of all rows; none if no row had one.
pub(super) fn root(mut nodes: Vec<Node>, pair: Pair<'_>) -> Result<Option<Value>, Error> {
    let mut root = None;
    while let Some(node) = nodes.pop() {
        root = both(node.value, root, pair)?;
    }
    Ok(root)
}

fn both(left: Option<Value>, right: Option<Value>, pair: Pair<'_>) -> Result<Option<Value>, Error> {
    match (left, right) {
        (Some(left), Some(right)) => pair(left, right).map(Some),
        (left, right) => Ok(left.or(right)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paired(left: Value, right: Value) -> Result<Value, Error> {
        Ok(Value::from(format!("({left} {right})").replace('"', "")))
    }

    fn tree(rows: &[Option<u32>], pieces: &[usize]) -> String {
        let mut whole = Vec::new();
        let mut start = 0;
        let mut ends: Vec<usize> = pieces.iter().map(|end| end % (rows.len() + 1)).collect();
        ends.push(rows.len());
        ends.sort_unstable();
        for end in ends {
            let mut nodes = Vec::new();
            for (row, value) in rows.iter().enumerate().take(end).skip(start) {
                let value = value.map(|n| Value::from(n.to_string()));
                add(&mut nodes, Node::leaf(row as u64, value), &mut paired).expect("it does not fail");
            }
            for node in nodes {
                add(&mut whole, node, &mut paired).expect("it does not fail");
            }
            start = end;
        }
        root(whole, &mut paired)
            .expect("it does not fail")
            .map_or("none".to_owned(), |v| v.to_string().replace('"', ""))
    }

    #[test]
    fn the_tree_is_made_of_pairs() {
        let rows: Vec<Option<u32>> = (0..7).map(Some).collect();
        assert_eq!(tree(&rows, &[]), "(((0 1) (2 3)) ((4 5) 6))");
        assert_eq!(tree(&[Some(0), None, Some(2), None, None], &[]), "(0 2)");
        assert_eq!(tree(&[], &[]), "none");
    }

    proptest! {
        #[test]
        fn the_tree_does_not_depend_on_the_pieces(
            rows in proptest::collection::vec(any::<Option<u32>>(), 0..40),
            pieces in proptest::collection::vec(any::<usize>(), 0..9),
        ) {
            prop_assert_eq!(tree(&rows, &pieces), tree(&rows, &[]));
        }
    }
}
