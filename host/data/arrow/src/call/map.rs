//! Batches → batches.

use super::piece::Piece;
use super::{Calling, most_pieces};
use crate::binding::Binding;
use crate::error::{Error, ErrorKind, Result};
use crate::rows::Rows;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StructArray};
use arrow_schema::{DataType, Schema, SchemaRef};
use purefork::value::Type;
use purefork::{Args, Function, Value};
use std::collections::VecDeque;
use std::iter::Fuse;
use std::ops::Range;
use std::sync::Arc;

/// Calls the function with each row of some batches, or with batches of rows if they are bound so, on all threads; the results come as
/// batches, in the order of the rows.
///
/// `schema` is that of the batches, which was bound. A batch is taken from the iterator when a thread has room for more, so that no more than
/// a few are in memory. One that is larger than a piece (see [`Calling`]) gives several. After an error there is nothing more.
///
/// ```
/// use arrow_array::{ArrayRef, Int64Array, RecordBatch};
/// use purefork::{Args, Executor, Value};
/// use purefork_arrow::{Bind, Binding, Calling, map_batches};
/// use std::sync::Arc;
///
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "double") (param $n i64) (result i64)
///     (i64.shl (local.get $n) (i64.const 1))))"#)?;
/// let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
/// let batch = RecordBatch::try_from_iter([("n", numbers)])?;
/// let binding = Arc::new(Binding::by_name(&batch.schema(), math.inspect().function("double")?, &Bind::new())?);
/// let function = math.function::<Args, Value>("double")?;
/// let doubled = map_batches(&function, &binding, batch.schema(), [batch], &Calling::new().into("doubled"))?;
/// for batch in doubled {
///     assert_eq!(batch?.schema().fields().len(), 2);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Binding`], if results are to be added under a name that is there.
pub fn map_batches<I: IntoIterator<Item = RecordBatch>>(
    function: &Function<Args, Value>,
    binding: &Arc<Binding>,
    schema: SchemaRef,
    batches: I,
    calling: &Calling,
) -> Result<MapBatches<I::IntoIter>> {
    let output = match &calling.into {
        Some(name) => binding.added_schema(&schema, name)?,
        None => binding.output_schema(&calling.name),
    };
    Ok(MapBatches {
        function: function.clone(),
        binding: binding.clone(),
        calling: calling.clone(),
        input: schema,
        output,
        batches: batches.into_iter().fuse(),
        current: None,
        taken: 0,
        pieces: VecDeque::new(),
        errors: Vec::new(),
        failed: false,
    })
}

/// The results of [`map_batches`].
///
/// Dropping it cancels what was not yielded.
pub struct MapBatches<I> {
    function: Function<Args, Value>,
    binding: Arc<Binding>,
    calling: Calling,
    input: SchemaRef,
    output: SchemaRef,
    batches: Fuse<I>,
    /// The batch that pieces are taken from, and the next row of it.
    current: Option<(RecordBatch, Arc<Rows>, usize)>,
    /// How many rows were in the batches before it.
    taken: u64,
    pieces: VecDeque<Under>,
    errors: Vec<Error>,
    failed: bool,
}

/// A piece that is under way.
struct Under {
    piece: Piece,
    batch: RecordBatch,
    range: Range<usize>,
    /// The number of its batch's first row.
    first: u64,
}

impl<I: Iterator<Item = RecordBatch>> MapBatches<I> {
    /// The schema of all batches that come.
    pub fn schema(&self) -> SchemaRef {
        self.output.clone()
    }

    /// The errors of rows of the last batch, which are null there, by [`Errors::Null`](crate::Errors::Null). Rows are counted over all
    /// batches.
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }

    /// Gives the threads as much to do as they may have.
    fn fill(&mut self) -> Result<()> {
        while self.pieces.len() < most_pieces() {
            let Some((batch, rows, start)) = &mut self.current else {
                let Some(batch) = self.batches.next() else { return Ok(()) };
                self.check(&batch)?;
                let rows = Arc::new(self.binding.rows(&batch)?);
                self.current = Some((batch, rows, 0));
                continue;
            };
            if *start == rows.len() {
                self.taken += rows.len() as u64;
                self.current = None;
                continue;
            }
            let range = rows.piece(*start, self.calling.rows, self.calling.bytes);
            *start = range.end;
            let piece = Piece::spawn(&self.function, &self.binding, rows, range.clone(), self.calling.errors);
            self.pieces.push_back(Under { piece, batch: batch.clone(), range, first: self.taken });
        }
        Ok(())
    }

    /// That a batch has the columns that were bound.
    fn check(&self, batch: &RecordBatch) -> Result<()> {
        let types = |schema: &Schema| schema.fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>();
        if Arc::ptr_eq(&batch.schema(), &self.input) || types(&batch.schema()) == types(&self.input) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Binding, format!("row {}: the batch has other columns than the schema", self.taken))
            .with_help("bind its schema in a run of its own"))
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        self.fill()?;
        let Some(Under { piece, batch, range, first }) = self.pieces.pop_front() else { return Ok(None) };
        let renumbered = |error: Error| {
            let row = error.row().unwrap_or(0);
            error.at_row(first + row)
        };
        let done = piece.join().map_err(|error| if error.row().is_some() { renumbered(error) } else { error })?;
        self.errors = done.errors.into_iter().map(renumbered).collect();
        let batch = batch.slice(range.start, range.len());
        let output = match &self.calling.into {
            Some(_) => batch.columns().iter().cloned().chain([done.results]).collect(),
            None => replacing(self.binding.result(), done.results),
        };
        let options = RecordBatchOptions::new().with_row_count(Some(range.len()));
        let output = RecordBatch::try_new_with_options(self.output.clone(), output, &options);
        output.map(Some).map_err(|error| Error::new(ErrorKind::Row, format!("the results make no batch: {error}")))
    }
}

/// The columns of results that take the place of others: a record's fields, which are null where the record is.
pub(crate) fn replacing(ty: &Type, results: ArrayRef) -> Vec<ArrayRef> {
    match (ty, results.data_type()) {
        (Type::Record(_), DataType::Struct(_)) => flattened(results.as_struct()),
        _ => vec![results],
    }
}

fn flattened(structure: &StructArray) -> Vec<ArrayRef> {
    let Some(nulls) = structure.nulls() else { return structure.columns().to_vec() };
    let masked = structure.columns().iter().map(|column| {
        let both = arrow_buffer::NullBuffer::union(column.nulls(), Some(nulls));
        match column.to_data().into_builder().nulls(both).build() {
            Ok(data) => arrow_array::make_array(data),
            // Of a union, whose own column says which are null.
            Err(_) => column.clone(),
        }
    });
    masked.collect()
}

impl<I: Iterator<Item = RecordBatch>> Iterator for MapBatches<I> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        if self.failed {
            return None;
        }
        let next = self.next_batch();
        if next.is_err() {
            self.failed = true;
            // Nobody waits for the rest.
            self.pieces.clear();
        }
        next.transpose()
    }
}
