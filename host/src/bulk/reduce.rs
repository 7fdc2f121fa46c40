//! Many values folded to one, as a tree.

use super::chunk::Caller;
use crate::args::IntoArgs;
use crate::error::Result;
use crate::function::Function;
use crate::future::Future;
use crate::value::{Params, Results};
use std::collections::VecDeque;
use std::panic::Location;

/// So many values are one job. A power of two: they are a whole tree below the one that all form.
const BLOCK: usize = 1024;

impl<P: Params + 'static, R: Results> Function<P, R> {
    /// Folds values to one with this function, which takes two and should be associative, on all threads; `None` of no values.
    ///
    /// The values are the leaves of a binary tree: neighbours are folded in pairs, what is left over at the end goes up as it is, and so on. So
    /// the calls, and their result, are the same on any number of threads; of floating-point numbers, too, whose sum depends on the
    /// order. Values are taken from the iterator as calls end: any number of them go through a bounded memory.
    ///
    /// ```
    /// use purefork::Executor;
    ///
    /// let exec = Executor::new()?;
    /// let math = exec.load_bytes(r#"(module (func (export "max") (param f64 f64) (result f64)
    ///     (f64.max (local.get 0) (local.get 1))))"#)?;
    /// let max = math.function::<(f64, f64), f64>("max")?;
    /// assert_eq!(max.reduce((0..5000).map(|n| f64::from(n % 4321)))?, Some(4320.0));
    /// assert_eq!(max.reduce([])?, None);
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// That of the first call that fails, in the order of the values; what is under way is cancelled.
    #[track_caller]
    pub fn reduce<I>(&self, values: I) -> Result<Option<R>>
    where
        I: IntoIterator<Item = R>,
        (R, R): IntoArgs<P>,
    {
        let caller = Caller { function: self.clone(), site: Location::caller(), deadline: None };
        let most = 2 * self.program().workers() + 1;
        let mut values = values.into_iter().fuse();
        let mut blocks = Blocks(VecDeque::new());
        let mut tree = Tree::default();
        loop {
            while blocks.0.len() < most {
                let block: Vec<R> = values.by_ref().take(BLOCK).collect();
                if block.is_empty() {
                    break;
                }
                blocks.0.push_back(caller.spawn_fold(block));
            }
            let Some(block) = blocks.0.pop_front() else { break };
            let Some(value) = block.wait()?? else { continue };
            tree.push(value, &mut |left, right| self.fork((left, right)).wait())?;
        }
        tree.end(&mut |left, right| self.fork((left, right)).wait())
    }
}

/// Blocks whose values are being folded. When it is dropped, nobody waits for them.
struct Blocks<R>(VecDeque<Future<Result<Option<R>>>>);

impl<R> Drop for Blocks<R> {
    fn drop(&mut self) {
        self.0.iter().rev().for_each(|block| {
            block.cancel();
        });
    }
}

impl<P: Params + 'static, R: Results> Caller<P, R> {
    fn spawn_fold(&self, values: Vec<R>) -> Future<Result<Option<R>>>
    where
        (R, R): IntoArgs<P>,
    {
        self.spawn_calls(move |calls| {
            let mut fold = |left, right| calls.call((left, right));
            let mut tree = Tree::default();
            for value in values {
                tree.push(value, &mut fold)?;
            }
            tree.end(&mut fold)
        })
    }
}

/// The part of a binary tree over some leaves, from the left: whole trees, each smaller than the one before, as the digits of the number of
/// leaves in base two. See "binary counter" in Okasaki, *Purely Functional Data Structures*, 9.1.
struct Tree<T>(Vec<(u32, T)>);

impl<T> Default for Tree<T> {
    fn default() -> Tree<T> {
        Tree(Vec::new())
    }
}

impl<T> Tree<T> {
    /// Adds a leaf.
    fn push(&mut self, leaf: T, fold: &mut impl FnMut(T, T) -> Result<T>) -> Result<()> {
        let (mut height, mut value) = (0, leaf);
        while let Some((_, left)) = self.0.pop_if(|(left, _)| *left == height) {
            value = fold(left, value)?;
            height += 1;
        }
        self.0.push((height, value));
        Ok(())
    }

    /// The whole tree's value.
    fn end(mut self, fold: &mut impl FnMut(T, T) -> Result<T>) -> Result<Option<T>> {
        let Some((_, mut value)) = self.0.pop() else { return Ok(None) };
        while let Some((_, left)) = self.0.pop() {
            value = fold(left, value)?;
        }
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(leaves: std::ops::Range<usize>) -> String {
        let mut fold = |left: String, right: String| Ok(format!("({left}{right})"));
        let mut tree = Tree::default();
        for leaf in leaves {
            tree.push(leaf.to_string(), &mut fold).unwrap();
        }
        tree.end(&mut fold).unwrap().unwrap_or_default()
    }

    /// Neighbours in pairs, row by row.
    fn rounds(mut row: Vec<String>) -> String {
        while row.len() > 1 {
            row = row
                .chunks(2)
                .map(|pair| if let [a, b] = pair { format!("({a}{b})") } else { pair[0].clone() })
                .collect();
        }
        row.pop().unwrap_or_default()
    }

    #[test]
    fn neighbours_are_folded_in_pairs() {
        assert_eq!([0, 1, 2, 5, 7].map(|n| show(0..n)), ["", "0", "(01)", "(((01)(23))4)", "(((01)(23))((45)6))"]);
        for n in 0..100 {
            assert_eq!(show(0..n), rounds((0..n).map(|leaf| leaf.to_string()).collect()), "{n}");
        }
    }

    #[test]
    fn a_tree_of_blocks_is_the_tree_of_their_leaves() {
        for n in 1..100usize {
            let mut fold = |left: String, right: String| Ok(format!("({left}{right})"));
            let mut tree = Tree::default();
            for block in (0..n).step_by(8) {
                tree.push(show(block..n.min(block + 8)), &mut fold).unwrap();
            }
            assert_eq!(tree.end(&mut fold).unwrap().unwrap(), show(0..n), "{n}");
        }
    }
}
