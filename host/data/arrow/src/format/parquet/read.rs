//! Reading Parquet.

use super::{footer, pages};
use crate::format::file::SharedFile;
use crate::format::guard::{broken, guarded};
use crate::format::input::{ArrowInput, Batches, Plan, Whole, rows_of};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::Length;
use purefork_data::{Error, Input, Result, Source, Stage, Wanted};
use std::fmt::Write as _;
use std::sync::Arc;

/// A file whose footer was read and checked.
struct Opened {
    name: String,
    file: SharedFile,
    metadata: ArrowReaderMetadata,
    /// What the file is known by again.
    digest: String,
}

/// Reads the end of a file.
fn footer_of(name: &str, source: Source) -> Result<(SharedFile, Vec<u8>)> {
    let read = source.progress();
    let file = source.into_file()?;
    let io = |error: std::io::Error| Error::new(Stage::Input, format!("cannot read `{name}`: {error}"));
    let file = SharedFile::new(file, read).map_err(io)?;
    let none = |why: &str| {
        Error::new(Stage::Input, format!("`{name}` is no whole Parquet file: {why}"))
            .with_help("copy or download it again; if it is of another format, say which with --from")
    };
    let len = file.len();
    if len == 0 {
        return Err(none("it is empty"));
    }
    let magic = file.bytes(0, len.min(4) as usize).map_err(io)?;
    if magic == *b"PARE" {
        return Err(Error::new(Stage::Input, format!("`{name}` is encrypted, which is not supported"))
            .with_help("decrypt it first"));
    }
    if magic != *b"PAR1" {
        return Err(none("it does not begin with `PAR1`"));
    }
    if len < 12 {
        return Err(none(&format!("it ends after {len} bytes")));
    }
    let end = file.bytes(len - 8, 8).map_err(io)?;
    let (size, magic) = end.split_at(4);
    if magic != b"PAR1" {
        return Err(none("it does not end with `PAR1`, as if it were cut off"));
    }
    let size = size.try_into().map_or(0, u32::from_le_bytes);
    if u64::from(size) > len - 12 {
        return Err(none(&format!("it says that its footer has {size} bytes, but it has only {len} itself")));
    }
    let footer = file.bytes(len - 8 - u64::from(size), size as usize).map_err(io)?;
    Ok((file, footer))
}

fn opened(source: Source) -> Result<Opened> {
    let name = source.name().to_owned();
    let (file, footer) = footer_of(&name, source)?;
    footer::check(&footer).map_err(|lie| broken(&name, &format!("its footer: {lie}")))?;
    let metadata = guarded(&name, || -> parquet::errors::Result<_> {
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
        if let Err(lie) = check(metadata.metadata(), file.len()) {
            return Ok(Err(lie));
        }
        // Text is read as views of what is in the file: a dictionary's long text is not copied for each row that has it.
        let schema = Schema::new_with_metadata(
            metadata.schema().fields().iter().map(viewed).collect::<Vec<_>>(),
            metadata.schema().metadata().clone(),
        );
        let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
        ArrowReaderMetadata::try_new(metadata.metadata().clone(), options).map(Ok)
    })?;
    let metadata = metadata.map_err(|lie| broken(&name, &lie))?;
    let digest = hex(&sha2_of(&footer, file.len()));
    Ok(Opened { name, file, metadata, digest })
}

fn viewed(field: &Arc<Field>) -> Field {
    let field = Field::clone(field);
    match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => field.with_data_type(DataType::Utf8View),
        DataType::Binary | DataType::LargeBinary => field.with_data_type(DataType::BinaryView),
        _ => field,
    }
}

fn sha2_of(footer: &[u8], len: u64) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::new().chain_update(footer).chain_update(len.to_le_bytes()).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// That what the footer says of the file can be.
fn check(metadata: &ParquetMetaData, len: u64) -> std::result::Result<(), String> {
    let mut rows = 0u64;
    for (at, group) in metadata.row_groups().iter().enumerate() {
        let Ok(count) = u64::try_from(group.num_rows()) else {
            return Err(format!("row group {at} has {} rows", group.num_rows()));
        };
        rows = rows.saturating_add(count);
        for column in group.columns() {
            let name = column.column_path().string();
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let end = start.checked_add(column.compressed_size());
            let within = start >= 0
                && u64::try_from(column.data_page_offset()).is_ok_and(|start| start <= len)
                && column.compressed_size() >= 0
                && end.is_some_and(|end| u64::try_from(end).is_ok_and(|end| end <= len));
            if !within {
                let size = column.compressed_size();
                return Err(format!(
                    "row group {at} says that `{name}` is {size} bytes from byte {start} on, in a file of {len}"
                ));
            }
            if column.num_values() < 0 {
                return Err(format!("row group {at} says that `{name}` has {} values", column.num_values()));
            }
        }
    }
    let said = metadata.file_metadata().num_rows();
    if u64::try_from(said) != Ok(rows) {
        return Err(format!("the footer says that there are {said} rows, but its row groups have {rows}"));
    }
    Ok(())
}

/// Starts to read some columns, in batches of so many rows.
fn reader(opened: &Opened, columns: &[usize], rows: usize, skipped: u64) -> Result<ParquetRecordBatchReader> {
    guarded(&opened.name, || {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(opened.file.clone(), opened.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        builder.with_projection(mask).with_batch_size(rows).with_offset(skipped).build()
    })
}

pub(super) fn open(source: Source, wanted: &Wanted) -> Result<Box<dyn Input>> {
    let opened = opened(source)?;
    let schema = opened.metadata.schema().clone();
    let plan = Plan::new(&opened.name, &schema, wanted)?;
    let projected = Arc::new(schema.project(&plan.columns).map_err(|error| broken(&opened.name, &error))?);
    let rows = rows_of(&wanted.chunk, bytes_of(&opened, &plan.columns), rows_in(&opened));
    let name = opened.name.clone();
    let file = File {
        columns: plan.columns.clone(),
        rows,
        skipped: 0,
        left: rows_in(&opened),
        checked: (0, 0),
        reader: None,
        opened,
    };
    Ok(Box::new(ArrowInput::new(name, plan, projected, file, wanted, Some(rows))?))
}

fn rows_in(opened: &Opened) -> u64 {
    u64::try_from(opened.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
}

/// How many bytes the columns have, decompressed.
fn bytes_of(opened: &Opened, columns: &[usize]) -> u64 {
    let metadata = opened.metadata.metadata();
    let schema = metadata.file_metadata().schema_descr();
    let mut bytes = 0u64;
    for group in metadata.row_groups() {
        for (leaf, column) in group.columns().iter().enumerate() {
            if leaf < schema.num_columns() && columns.contains(&schema.get_column_root_idx(leaf)) {
                bytes = bytes.saturating_add(u64::try_from(column.uncompressed_size()).unwrap_or(0));
            }
        }
    }
    bytes
}

/// A file that is being read.
struct File {
    opened: Opened,
    columns: Vec<usize>,
    rows: usize,
    skipped: u64,
    /// How many rows are to come.
    left: u64,
    /// How many row groups were checked, and how many rows they have.
    checked: (usize, u64),
    reader: Option<ParquetRecordBatchReader>,
}

impl File {
    /// Checks the pages of the row groups that the next rows are in.
    fn check_pages(&mut self) -> Result<()> {
        let Opened { name, file, metadata, .. } = &self.opened;
        let metadata = metadata.metadata();
        let schema = metadata.file_metadata().schema_descr();
        let read = rows_in(&self.opened) - self.left;
        let next = read.saturating_add(self.rows as u64);
        while self.checked.1 < next
            && let Some(group) = metadata.row_groups().get(self.checked.0)
        {
            let rows = self.checked.1.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0));
            // What is skipped is not read.
            for (leaf, column) in group.columns().iter().enumerate().filter(|_| rows > read) {
                if leaf < schema.num_columns() && self.columns.contains(&schema.get_column_root_idx(leaf)) {
                    let (start, length) = column.byte_range();
                    let values = u64::try_from(column.num_values()).unwrap_or(0);
                    let checked = pages::check(file, start..start.saturating_add(length), values);
                    checked
                        .map_err(|error| Error::new(Stage::Input, format!("cannot read `{name}`: {error}")))?
                        .map_err(|lie| broken(name, &lie))?;
                }
            }
            self.checked = (self.checked.0 + 1, rows);
        }
        Ok(())
    }
}

impl Batches for File {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.check_pages()?;
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => reader(&self.opened, &self.columns, self.rows, self.skipped)?,
        };
        let batch = guarded(&self.opened.name, || reader.next().transpose())?;
        let count = batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        if count > self.left || batch.is_none() && self.left > 0 {
            return Err(broken(
                &self.opened.name,
                &format!("its footer says that there are {} rows more, but there are {count}", self.left),
            ));
        }
        self.left -= count;
        // Behind an error, which a panic may have been, it is not gone on with.
        self.reader = Some(reader);
        Ok(batch)
    }

    fn digest(&self) -> String {
        self.opened.digest.clone()
    }

    fn skip(&mut self, rows: u64) -> Result<bool> {
        self.skipped = rows;
        self.left = self.left.saturating_sub(rows);
        Ok(true)
    }
}

/// All of a file, for it to be written again.
pub(super) fn whole(source: Source) -> Result<Whole> {
    let opened = opened(source)?;
    let (name, schema) = (opened.name.clone(), opened.metadata.schema().clone());
    let columns: Vec<usize> = (0..schema.fields().len()).collect();
    let mut file =
        File { columns, rows: 8192, skipped: 0, left: rows_in(&opened), checked: (0, 0), reader: None, opened };
    let batches = std::iter::from_fn(move || file.next().transpose());
    Ok((name, schema, Box::new(batches)))
}
