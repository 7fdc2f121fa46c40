//! Lines as rows.

use super::line::LineReader;
use crate::error::RowError;
use crate::format::{Given, Place, Rows};
use crate::mark::Mark;
use crate::text::{Block, Span, utf8};
use purefork::Value;
use std::any::Any;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

pub(super) struct NdjsonRows {
    block: Arc<Block>,
    spans: Range<usize>,
    last: bool,
    reader: Arc<LineReader>,
    cells: Arc<LineReader>,
}

impl NdjsonRows {
    pub(super) fn boxed(block: Block, reader: Arc<LineReader>, cells: Arc<LineReader>) -> Box<dyn Rows> {
        Box::new(NdjsonRows { spans: 0..block.spans.len(), block: Arc::new(block), last: true, reader, cells })
    }

    fn span(&self, row: usize) -> Span {
        self.block.spans[self.spans.start + row]
    }

    fn bytes_of(&self, row: usize) -> &[u8] {
        let Span { start, end, .. } = self.span(row);
        &self.block.text[start as usize..end as usize]
    }

    fn text(&self, row: usize) -> Result<&str, RowError> {
        utf8(self.bytes_of(row))
    }
}

impl Rows for NdjsonRows {
    fn len(&self) -> usize {
        self.spans.len()
    }

    fn first(&self) -> u64 {
        self.block.rows + self.spans.start as u64
    }

    fn bytes(&self) -> usize {
        self.block.bytes_of(&self.spans)
    }

    fn end(&self) -> Option<Mark> {
        self.block.end.clone().filter(|_| self.last)
    }

    fn digest(&self) -> Option<String> {
        Some(self.block.digest(self.spans.end))
    }

    fn split(&mut self, at: usize) -> Option<Box<dyn Rows>> {
        let middle = self.spans.start + at;
        let rest = NdjsonRows {
            block: self.block.clone(),
            spans: middle..self.spans.end,
            last: self.last,
            reader: self.reader.clone(),
            cells: self.cells.clone(),
        };
        self.spans.end = middle;
        self.last = false;
        Some(Box::new(rest))
    }

    fn args(&mut self, row: usize, args: &mut Vec<Value>) -> Result<Given, RowError> {
        self.reader.read(self.text(row)?, args)
    }

    fn cells(&mut self, row: usize, cells: &mut Vec<Value>) -> Result<(), RowError> {
        self.cells.read(self.text(row)?, cells).map(drop)
    }

    fn raw(&self, row: usize) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.bytes_of(row))
    }

    fn object(&self, row: usize) -> Option<&[u8]> {
        let text = self.bytes_of(row).trim_ascii();
        (text.starts_with(b"{") && text.ends_with(b"}")).then_some(text)
    }

    fn place(&self, row: usize) -> Place {
        let Span { start, line, .. } = self.span(row);
        Place { line: Some(self.block.lines + u64::from(line) + 1), byte: Some(self.block.bytes + u64::from(start)) }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
