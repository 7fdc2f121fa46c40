//! Reads lines.

use super::line::LineReader;
use super::rows::NdjsonRows;
use crate::error::Result;
use crate::format::{Input, Rows};
use crate::mark::Mark;
use crate::source::Source;
use crate::table::{Column, Nulls, Wanted};
use crate::text::{Blocks, lines};
use purefork::value::Type;
use std::sync::Arc;

pub(super) struct NdjsonInput {
    blocks: Blocks,
    reader: Arc<LineReader>,
    /// Reads a line as the columns that a result is added to.
    cells: Arc<LineReader>,
}

impl NdjsonInput {
    pub(super) fn open(source: Source, wanted: &Wanted) -> Result<NdjsonInput> {
        let mut cells = Wanted { into: None, ..wanted.clone() };
        if cells.nulls == Nulls::Null {
            for column in &mut cells.params {
                if !matches!(column.ty, Type::Option(_)) {
                    column.ty = Type::option(column.ty.clone());
                }
            }
        }
        Ok(NdjsonInput {
            blocks: Blocks::open(source, wanted, lines)?,
            reader: Arc::new(LineReader::new(wanted)),
            cells: Arc::new(LineReader::new(&cells)),
        })
    }
}

impl Input for NdjsonInput {
    fn columns(&self) -> &[Column] {
        self.cells.params()
    }

    fn next(&mut self) -> Result<Option<Box<dyn Rows>>> {
        let block = self.blocks.next()?;
        Ok(block.map(|block| NdjsonRows::boxed(block, self.reader.clone(), self.cells.clone())))
    }

    fn resume(&mut self, mark: &Mark) -> Result<()> {
        self.blocks.resume(mark)
    }
}
