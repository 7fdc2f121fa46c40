//! Record batches of a file as chunks of rows.

use super::guard::usage;
use super::natural;
use super::rows::{ArrowRows, Shown};
use crate::binding::{Bound, Nulls};
use crate::error::shown;
use crate::names::same;
use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use purefork_data::{Chunk, Column, Error, Input, Mark, Result, Rows, Stage, Wanted};
use std::sync::Arc;

/// All of a file, for it to be written again: what messages call it, its columns, and their rows.
pub(super) type Whole = (String, SchemaRef, Box<dyn Iterator<Item = Result<RecordBatch>>>);

/// A file's batches, of the columns that are needed.
pub(super) trait Batches: Send {
    /// The next rows, as many as come together.
    fn next(&mut self) -> Result<Option<RecordBatch>>;

    /// What the file is known by again, behind the batches that were read.
    fn digest(&self) -> String;

    /// Leaves out so many rows, before any was read. `false`: it cannot, and reads on from the beginning.
    fn skip(&mut self, rows: u64) -> Result<bool>;
}

/// What of a file's columns is needed, found out before any rows are read.
pub(super) struct Plan {
    /// The positions of the columns that are to be read, in order.
    pub(super) columns: Vec<usize>,
    bound: Bound,
    shown: Vec<Column>,
}

impl Plan {
    /// Of a file whose columns are `schema`.
    pub(super) fn new(name: &str, schema: &Schema, wanted: &Wanted) -> Result<Plan> {
        let nulls = match wanted.nulls {
            purefork_data::Nulls::Fail => Nulls::Fail,
            purefork_data::Nulls::Null => Nulls::Null,
        };
        let in_file = |error: Error| {
            let help = error.help().map(str::to_owned);
            let error = Error::new(error.stage(), format!("`{name}`: {error}"));
            help.into_iter().fold(error, Error::with_help)
        };
        let params = wanted.params.iter().map(|param| (param.name.as_str(), &param.ty));
        if let Some(param) =
            wanted.params.iter().find(|param| !schema.fields().iter().any(|field| same(&param.name, field.name())))
        {
            let known: Vec<_> =
                schema.fields().iter().take(20).map(|field| format!("`{}`", shown(field.name()))).collect();
            let more = if schema.fields().len() > 20 { ", …" } else { "" };
            let message =
                format!("`{}` takes `{}`, but there is only {}{more}", wanted.function, param.name, known.join(", "));
            return Err(in_file(Error::new(Stage::Usage, message).with_help(
                "name the column that gives a parameter with `--column PARAMETER=COLUMN`, or give it a value with `--arg`",
            )));
        }
        let bound = Bound::by_name(schema, &wanted.function, params, nulls).map_err(|error| in_file(usage(&error)))?;
        if wanted.strict
            && let Some(field) =
                schema.fields().iter().find(|field| !wanted.params.iter().any(|param| same(&param.name, field.name())))
        {
            let message = format!("`{}` takes no `{}`", wanted.function, shown(field.name()));
            return Err(in_file(Error::new(Stage::Usage, message).with_help("leave the column out")));
        }
        if let Some(into) = &wanted.into {
            let mut names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            if names.contains(&into.as_str()) {
                let message = format!("there is a column `{}` already", shown(into));
                return Err(in_file(Error::new(Stage::Usage, message).with_help("name another with --into")));
            }
            names.sort_unstable();
            if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                let message = format!("the column `{}` is there twice", shown(twice[0]));
                return Err(in_file(Error::new(Stage::Usage, message).with_help("rename one of them")));
            }
        }
        let mut columns = match wanted.into {
            Some(_) => (0..schema.fields().len()).collect(),
            None => bound.columns(),
        };
        columns.sort_unstable();
        columns.dedup();
        let shown_by = |&at: &usize| {
            let field = schema.field(at);
            match natural::of_field(field) {
                Ok(ty) => Ok(Column { name: field.name().clone(), ty }),
                Err(misfit) => {
                    let message = format!("the column `{}` cannot be passed on: {misfit}", shown(field.name()));
                    Err(in_file(Error::new(Stage::Usage, message).with_help("leave the column out")))
                }
            }
        };
        let shown = columns.iter().map(shown_by).collect::<Result<_>>()?;
        Ok(Plan { columns, bound, shown })
    }
}

/// An input that is being read.
pub(super) struct ArrowInput<B> {
    name: String,
    batches: B,
    bound: Arc<Bound>,
    shown: Arc<Shown>,
    columns: Vec<Column>,
    /// The columns that are read.
    schema: SchemaRef,
    /// How many rows a chunk has, once it is known.
    rows: Option<usize>,
    chunk: Chunk,
    /// Whether a chunk has just so many rows.
    exact: bool,
    /// Whether it is asked where the input can be gone on with.
    marks: bool,
    rest: Option<RecordBatch>,
    ended: bool,
    first: u64,
}

impl<B: Batches> ArrowInput<B> {
    /// `schema`: of the batches; `rows`: how many a chunk has, if that is known already.
    pub(super) fn new(
        name: String,
        plan: Plan,
        schema: SchemaRef,
        batches: B,
        wanted: &Wanted,
        rows: Option<usize>,
    ) -> Result<ArrowInput<B>> {
        let params = wanted.params.iter().map(|param| (param.name.as_str(), &param.ty));
        // The positions are others, as there are fewer columns.
        let bound =
            Bound::by_name(&schema, &wanted.function, params, plan.bound.nulls).map_err(|error| usage(&error))?;
        let columns = if wanted.into.is_some() { plan.shown.clone() } else { Vec::new() };
        Ok(ArrowInput {
            name,
            batches,
            bound: Arc::new(bound),
            marks: wanted.marks,
            shown: Arc::new(Shown { columns: plan.shown.into_iter().enumerate().collect() }),
            columns,
            schema,
            rows,
            chunk: wanted.chunk,
            exact: wanted.chunk.rows.is_some(),
            rest: None,
            ended: false,
            first: 0,
        })
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(rest) = self.rest.take() {
                return Ok(Some(rest));
            }
            if self.ended {
                return Ok(None);
            }
            match self.batches.next()? {
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => return Ok(Some(batch)),
                None => self.ended = true,
            }
        }
    }

    /// The rows of the next chunk. Batches are put together only where they are much smaller than a chunk, or it has to have so many rows.
    fn rows(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.batch()? else { return Ok(None) };
        let most = match self.rows {
            Some(rows) => rows,
            None => {
                let bytes: usize = batch.columns().iter().map(|column| column.get_array_memory_size()).sum();
                let rows = rows_of(&self.chunk, bytes as u64, batch.num_rows() as u64);
                self.rows = Some(rows);
                rows
            }
        };
        let enough = if self.exact { most } else { most / 4 };
        let (mut pieces, mut count) = (vec![batch], 0);
        while let Some(last) = pieces.last_mut() {
            let room = most - count;
            if last.num_rows() > room {
                self.rest = Some(last.slice(room, last.num_rows() - room));
                *last = last.slice(0, room);
            }
            count += last.num_rows();
            if count >= enough.max(1) {
                break;
            }
            match self.batch()? {
                Some(batch) => pieces.push(batch),
                None => break,
            }
        }
        match pieces.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            several => super::guard::guarded(&self.name, || concat_batches(&self.schema, several)).map(Some),
        }
    }
}

/// How many rows a chunk has, where so many rows take so many bytes.
pub(super) fn rows_of(chunk: &Chunk, bytes: u64, rows: u64) -> usize {
    /// Rows of hardly any bytes are many of them, too.
    const MOST: usize = 1 << 16;
    let fit = |room: usize| {
        let fit = u128::from(rows.max(1)) * room as u128 / u128::from(bytes.max(1));
        usize::try_from(fit).unwrap_or(usize::MAX)
    };
    match chunk.rows {
        None => fit(chunk.bytes).clamp(1, MOST),
        Some(multiple) => {
            let multiple = multiple.get();
            let several = fit(chunk.bytes).min(MOST) / multiple * multiple;
            several.max(multiple).min(fit(chunk.most)).max(1)
        }
    }
}

impl<B: Batches> Input for ArrowInput<B> {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn next(&mut self) -> Result<Option<Box<dyn Rows>>> {
        let Some(batch) = self.rows()? else { return Ok(None) };
        let first = self.first;
        self.first += batch.num_rows() as u64;
        let end = self.marks.then(|| Mark { rows: self.first, lines: 0, bytes: 0, digest: self.batches.digest() });
        let (bound, shown) = (self.bound.clone(), self.shown.clone());
        Ok(Some(Box::new(ArrowRows { batch, bound, args: None, first, end, shown, cells: None })))
    }

    fn resume(&mut self, mark: &Mark) -> Result<()> {
        let other = |name: &str| {
            Error::new(Stage::Input, format!("`{name}` is not what it was when its first {} rows were read", mark.rows))
                .with_help("run without --resume")
        };
        if self.batches.skip(mark.rows)? {
            self.first = mark.rows;
        } else {
            while self.first < mark.rows {
                match self.rows()? {
                    Some(batch) => self.first += batch.num_rows() as u64,
                    None => return Err(other(&self.name)),
                }
            }
        }
        if self.first != mark.rows || self.batches.digest() != mark.digest {
            return Err(other(&self.name));
        }
        Ok(())
    }
}
