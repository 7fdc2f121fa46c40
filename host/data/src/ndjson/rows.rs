//! Lines as rows.

use super::line::LineReader;
use crate::error::RowError;
use crate::format::{Given, Place, Rows};
use crate::mark::Mark;
use crate::text::{Block, Part, utf8};
use purefork::Value;
use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

pub(super) struct NdjsonRows {
    part: Part,
    reader: Arc<LineReader>,
    cells: Arc<LineReader>,
}

impl NdjsonRows {
    pub(super) fn boxed(block: Block, reader: Arc<LineReader>, cells: Arc<LineReader>) -> Box<dyn Rows> {
        Box::new(NdjsonRows { part: Part::whole(block), reader, cells })
    }

    fn text(&self, row: usize) -> Result<&str, RowError> {
        utf8(self.part.row(row))
    }
}

impl Rows for NdjsonRows {
    fn len(&self) -> usize {
        self.part.len()
    }

    fn first(&self) -> u64 {
        self.part.first()
    }

    fn bytes(&self) -> usize {
        self.part.bytes()
    }

    fn end(&self) -> Option<Mark> {
        self.part.end()
    }

    fn digest(&self) -> Option<String> {
        Some(self.part.digest())
    }

    fn split(&mut self, at: usize) -> Option<Box<dyn Rows>> {
        let part = self.part.split(at);
        Some(Box::new(NdjsonRows { part, reader: self.reader.clone(), cells: self.cells.clone() }))
    }

    fn args(&mut self, row: usize, args: &mut Vec<Value>) -> Result<Given, RowError> {
        self.reader.read(self.text(row)?, args)
    }

    fn cells(&mut self, row: usize, cells: &mut Vec<Value>) -> Result<(), RowError> {
        self.cells.read(self.text(row)?, cells).map(drop)
    }

    fn remains(&mut self, row: usize, cells: &mut Vec<Value>) {
        self.cells.remains(self.text(row).unwrap_or_default(), cells);
    }

    fn raw(&self, row: usize) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.part.row(row))
    }

    fn object(&self, row: usize) -> Option<&[u8]> {
        let text = self.part.row(row).trim_ascii();
        (text.starts_with(b"{") && text.ends_with(b"}")).then_some(text)
    }

    fn place(&self, row: usize) -> Place {
        self.part.place(row)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
