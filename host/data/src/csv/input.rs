//! Reads records.

use super::record::{Fields, splitter};
use super::rows::{Binding, CsvRows};
use crate::error::{Error, Result, Stage};
use crate::format::{Input, Rows};
use crate::mark::Mark;
use crate::names::same;
use crate::source::Source;
use crate::table::{Column, Nulls, Wanted};
use crate::text::Blocks;
use purefork::value::Type;
use std::sync::Arc;

pub(super) struct CsvInput {
    blocks: Blocks,
    binding: Arc<Binding>,
}

impl CsvInput {
    pub(super) fn open(source: Source, wanted: &Wanted, delimiter: u8) -> Result<CsvInput> {
        let mut blocks = Blocks::open(source, wanted, splitter(delimiter))?;
        let params = &wanted.params;
        let (columns, at) = if wanted.headless {
            (params.clone(), (0..params.len()).map(Some).collect())
        } else {
            let header = blocks.header()?;
            bound(blocks.name(), header.as_deref(), wanted, delimiter)?
        };
        let mut columns: Vec<Column> = columns;
        if wanted.nulls == Nulls::Null {
            // An empty cell is null in the output, too; but a text may be empty.
            for column in columns.iter_mut().filter(|column| !matches!(column.ty, Type::Option(_) | Type::String)) {
                column.ty = Type::option(column.ty.clone());
            }
        }
        let binding = Binding {
            params: params.clone(),
            at,
            columns,
            headless: wanted.headless,
            strict: wanted.strict,
            passed_on: wanted.into.is_some(),
            nulls: wanted.nulls,
            delimiter,
        };
        Ok(CsvInput { blocks, binding: Arc::new(binding) })
    }
}

/// The columns of a header, and which of them each parameter is.
fn bound(
    name: &str,
    header: Option<&[u8]>,
    wanted: &Wanted,
    delimiter: u8,
) -> Result<(Vec<Column>, Vec<Option<usize>>)> {
    let wrong = |text: String| Error::new(Stage::Input, text);
    let params = &wanted.params;
    let Some(header) = header else {
        // An empty file has no rows either.
        return Ok((Vec::new(), vec![None; params.len()]));
    };
    let mut fields = Fields::default();
    if !fields.read(header, delimiter) {
        return Err(wrong(format!("a quote in the header of `{name}` is not closed")));
    }
    let mut names = Vec::new();
    for field in fields.iter() {
        let field = std::str::from_utf8(field).map_err(|_| wrong(format!("the header of `{name}` is not in UTF-8")))?;
        names.push(field.trim().to_owned());
    }
    let mut at = Vec::new();
    for param in params {
        let mut found = names.iter().enumerate().filter(|(_, name)| same(&param.name, name)).map(|(at, _)| at);
        match (found.next(), found.next()) {
            (None, _) if matches!(param.ty, Type::Option(_)) => at.push(None),
            (None, _) => {
                let there = names.iter().take(8).map(|name| format!("`{}`", name.escape_debug())).collect::<Vec<_>>();
                let more = if names.len() > 8 { ", …" } else { "" };
                return Err(wrong(format!(
                    "`{name}` has no column `{}`, which `{}` takes",
                    param.name, wanted.function
                ))
                .with_help(format!("it has {}{more}", there.join(", "))));
            }
            (Some(one), None) => at.push(Some(one)),
            (Some(_), Some(_)) => return Err(wrong(format!("`{name}` has two columns `{}`", param.name))),
        }
    }
    if wanted.strict
        && let Some((_, other)) = names.iter().enumerate().find(|(column, _)| !at.contains(&Some(*column)))
    {
        let text =
            format!("`{name}` has a column `{}`, which `{}` does not take", other.escape_debug(), wanted.function);
        return Err(wrong(text).with_help("leave `--strict` away to pass over it"));
    }
    let columns = names.into_iter().enumerate().map(|(column, name)| {
        let param = at.iter().position(|at| *at == Some(column)).map(|param| params[param].ty.clone());
        Column { name, ty: param.unwrap_or(Type::String) }
    });
    Ok((columns.collect(), at))
}

impl Input for CsvInput {
    fn columns(&self) -> &[Column] {
        &self.binding.columns
    }

    fn next(&mut self) -> Result<Option<Box<dyn Rows>>> {
        let block = self.blocks.next()?;
        Ok(block.map(|block| CsvRows::boxed(block, self.binding.clone())))
    }

    fn resume(&mut self, mark: &Mark) -> Result<()> {
        self.blocks.resume(mark)
    }
}
