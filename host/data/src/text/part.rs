//! Some rows of a block of text.

use super::blocks::Block;
use super::span::Span;
use crate::format::Place;
use crate::mark::Mark;
use std::ops::Range;
use std::sync::Arc;

/// Some rows of a block of text, which other parts of it share.
pub(crate) struct Part {
    block: Arc<Block>,
    spans: Range<usize>,
    /// Whether the block ends with them.
    last: bool,
}

impl Part {
    /// All rows of a block.
    pub(crate) fn whole(block: Block) -> Part {
        Part { spans: 0..block.spans.len(), block: Arc::new(block), last: true }
    }

    fn span(&self, row: usize) -> Span {
        self.block.spans[self.spans.start + row]
    }

    /// The bytes of a row, without its end.
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        let Span { start, end, .. } = self.span(row);
        &self.block.text[start as usize..end as usize]
    }

    /// Takes off the rows from `at` on.
    pub(crate) fn split(&mut self, at: usize) -> Part {
        let middle = self.spans.start + at;
        let rest = Part { block: self.block.clone(), spans: middle..self.spans.end, last: self.last };
        self.spans.end = middle;
        self.last = false;
        rest
    }

    // What `Rows` asks of rows that are text.

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn first(&self) -> u64 {
        self.block.rows + self.spans.start as u64
    }

    pub(crate) fn bytes(&self) -> usize {
        self.block.bytes_of(&self.spans)
    }

    pub(crate) fn end(&self) -> Option<Mark> {
        self.block.end.clone().filter(|_| self.last)
    }

    pub(crate) fn digest(&self) -> String {
        self.block.digest(self.spans.end)
    }

    pub(crate) fn place(&self, row: usize) -> Place {
        let Span { start, line, .. } = self.span(row);
        Place { line: Some(self.block.lines + u64::from(line) + 1), byte: Some(self.block.bytes + u64::from(start)) }
    }
}
