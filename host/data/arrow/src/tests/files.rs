//! Files that are read, mapped by nothing, and written.

use super::generate::columns;
use crate::{FORMATS, Parquet};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_schema::DataType;
use proptest::prelude::*;
use purefork::Value;
use purefork::value::Type;
use purefork_data::{
    Chunk, Column, Compression, Encoded, Error, Format, Given, Input, Mark, Nulls, Outcome, Place, Result, RowError,
    Rows, Sink, Source, Table, Wanted,
};
use std::any::Any;
use std::borrow::Cow;
use std::io::{self, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};

/// A file in memory that can be looked at when it is written.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn sink(&self) -> Sink {
        Sink::new(self.clone(), Compression::None)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

/// A file of these bytes, which has no name any more.
pub(super) fn source(bytes: &[u8]) -> Source {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let source = Source::file(file.path()).unwrap();
    drop(file);
    source
}

pub(super) fn wanted(params: &[(&str, Type)], into: Option<&str>, chunk: usize) -> Wanted {
    Wanted {
        function: "f".to_owned(),
        params: params.iter().map(|(name, ty)| Column { name: (*name).to_owned(), ty: ty.clone() }).collect(),
        strict: false,
        columns_alone: false,
        nulls: Nulls::Null,
        headless: false,
        into: into.map(str::to_owned),
        chunk: Chunk { bytes: chunk, rows: None, most: 1 << 20 },
        longest: 1 << 20,
        marks: true,
    }
}

fn table(result: Option<Type>, into: Option<&str>, columns: &[Column]) -> Table {
    Table {
        function: "f".to_owned(),
        result,
        into: into.map(str::to_owned),
        columns: columns.to_vec(),
        nullable: true,
        headless: false,
        resumed: false,
        pending: Vec::new(),
    }
}

/// Rows that are no record batch's: a number, and its square as text.
struct Squares(Vec<i64>);

impl Rows for Squares {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn first(&self) -> u64 {
        0
    }

    fn bytes(&self) -> usize {
        0
    }

    fn end(&self) -> Option<Mark> {
        None
    }

    fn args(&mut self, row: usize, args: &mut Vec<Value>) -> Result<Given, RowError> {
        args.push(Value::I64(self.0[row]));
        Ok(Given::Args)
    }

    fn cells(&mut self, row: usize, cells: &mut Vec<Value>) -> Result<(), RowError> {
        cells.push(Value::from((self.0[row] * self.0[row]).to_string()));
        Ok(())
    }

    fn raw(&self, _row: usize) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"")
    }

    fn place(&self, _row: usize) -> Place {
        Place::default()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A file with one column `n`.
fn file_of(format: &dyn Format, ty: &Type, given: &[Option<Value>]) -> Vec<u8> {
    /// The values, one a row.
    struct Values(Vec<Option<Value>>);

    impl Rows for Values {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn first(&self) -> u64 {
            0
        }

        fn bytes(&self) -> usize {
            0
        }

        fn end(&self) -> Option<Mark> {
            None
        }

        fn args(&mut self, row: usize, args: &mut Vec<Value>) -> Result<Given, RowError> {
            args.extend(self.0[row].clone());
            Ok(if self.0[row].is_some() { Given::Args } else { Given::Null })
        }

        fn cells(&mut self, _row: usize, _cells: &mut Vec<Value>) -> Result<(), RowError> {
            Ok(())
        }

        fn raw(&self, _row: usize) -> Cow<'_, [u8]> {
            Cow::Borrowed(b"")
        }

        fn place(&self, _row: usize) -> Place {
            Place::default()
        }

        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    let to = Memory::default();
    // In a record of one field, so that the column has a name of its own.
    let record = Type::record([("n", ty.clone())]);
    let mut output = format.create(to.sink(), &table(Some(record), None, &[])).unwrap();
    let encoders = output.encoders();
    for part in given.chunks(5) {
        let mut encoder = encoders();
        let mut rows = Values(part.to_vec());
        for (row, value) in part.iter().enumerate() {
            let outcome = match value {
                Some(value) => Outcome::Value(Value::record([("n", value.clone())])),
                None => Outcome::Null,
            };
            encoder.push(&mut rows, row, outcome).unwrap();
        }
        output.write(encoder.finish().unwrap()).unwrap();
    }
    output.finish().unwrap();
    to.bytes()
}

/// Reads a file, and writes each row's first argument as its result.
fn copied(from: &dyn Format, bytes: &[u8], wanted: &Wanted, to: &dyn Format) -> Result<Vec<u8>> {
    let mut input = from.open(source(bytes), wanted)?;
    let memory = Memory::default();
    let into = wanted.into.as_deref();
    let result = wanted.params.first().map(|param| param.ty.clone());
    let mut output = to.create(memory.sink(), &table(result, into, input.columns()))?;
    let encoders = output.encoders();
    while let Some(mut rows) = input.next()? {
        let mut encoder = encoders();
        for row in 0..rows.len() {
            let mut args = Vec::new();
            let outcome = match rows.args(row, &mut args) {
                Ok(Given::Args) => Outcome::Value(args.swap_remove(0)),
                _ => Outcome::Null,
            };
            encoder
                .push(&mut *rows, row, outcome)
                .map_err(|error| Error::new(purefork_data::Stage::Output, error.to_string()))?;
        }
        output.write(encoder.finish()?).map_err(|error| Error::new(purefork_data::Stage::Output, error.to_string()))?;
    }
    output.finish().map_err(|error| Error::new(purefork_data::Stage::Output, error.to_string()))?;
    Ok(memory.bytes())
}

/// All that a file gives as arguments.
pub(super) fn read(format: &dyn Format, bytes: &[u8], wanted: &Wanted) -> Result<Vec<Option<Vec<Value>>>> {
    let mut input = format.open(source(bytes), wanted)?;
    all(&mut *input)
}

fn all(input: &mut dyn Input) -> Result<Vec<Option<Vec<Value>>>> {
    let mut given = Vec::new();
    while let Some(mut rows) = input.next()? {
        assert_eq!(rows.first(), given.len() as u64);
        assert!(!rows.is_empty());
        for row in 0..rows.len() {
            let mut args = Vec::new();
            given.push(match rows.args(row, &mut args) {
                Ok(Given::Args) => Some(args),
                Ok(Given::Null) => None,
                Err(error) => return Err(Error::new(purefork_data::Stage::Input, error.to_string())),
            });
        }
    }
    Ok(given)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_read_again_in_chunks_of_any_size(
        (ty, given) in columns(),
        from in 0..3usize,
        to in 0..3usize,
        chunk in 1..400usize,
    ) {
        let expected: Vec<Option<Vec<Value>>> = given.iter().map(|value| {
            // A row without a result, and a result that is none, are the same in a column.
            let none = matches!(ty, Type::Option(_)).then_some(Value::Option(None));
            value.clone().or(none).map(|value| vec![value])
        }).collect();
        let file = file_of(FORMATS[from], &ty, &given);
        let wanted = wanted(&[("n", ty.clone())], None, chunk);
        prop_assert_eq!(&read(FORMATS[from], &file, &wanted).unwrap(), &expected);
        let file = copied(FORMATS[from], &file, &wanted, FORMATS[to]).unwrap();
        // A record's fields are columns of their names, of another result the column is the function's.
        let column = if let Type::Record(_) = &ty { None } else { Some("f") };
        if let Some(column) = column {
            let wanted = super::files::wanted(&[(column, ty)], None, chunk);
            prop_assert_eq!(&read(FORMATS[to], &file, &wanted).unwrap(), &expected);
        }
    }
}

fn logs() -> RecordBatch {
    let n: ArrayRef = Arc::new(Int64Array::from_iter((0..1000).map(|n| (n % 7 != 0).then_some(n))));
    let name: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..1000).map(|n| format!("row {n}, of more than twelve bytes"))));
    let at = TimestampMillisecondArray::from_iter_values((0..1000).map(|n| n * 1000)).with_timezone("UTC");
    RecordBatch::try_from_iter([("name", name), ("n", n), ("at", Arc::new(at))]).unwrap()
}

/// The same rows in each format.
pub(super) fn parquet(batch: &RecordBatch, group: usize) -> Vec<u8> {
    let properties = parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(group));
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub(super) fn ipc(batch: &RecordBatch, rows: usize, options: arrow_ipc::writer::IpcWriteOptions) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = arrow_ipc::writer::FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
    for start in (0..batch.num_rows()).step_by(rows) {
        writer.write(&batch.slice(start, rows.min(batch.num_rows() - start))).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn batches(bytes: &[u8], is_parquet: bool) -> Vec<RecordBatch> {
    if is_parquet {
        let bytes = bytes::Bytes::from(bytes.to_vec());
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(bytes, 1 << 20).unwrap();
        return reader.map(Result::unwrap).collect();
    }
    let reader = arrow_ipc::reader::FileReader::try_new(io::Cursor::new(bytes.to_vec()), None).unwrap();
    reader.map(Result::unwrap).collect()
}

#[test]
fn results_are_added_to_columns_which_keep_their_types() {
    let compressed = |codec| arrow_ipc::writer::IpcWriteOptions::default().try_with_compression(Some(codec)).unwrap();
    let inputs = [
        (0, parquet(&logs(), 300)),
        (1, ipc(&logs(), 300, Default::default())),
        (1, ipc(&logs(), 1, compressed(arrow_ipc::CompressionType::LZ4_FRAME))),
        (2, ipc(&logs(), 1000, compressed(arrow_ipc::CompressionType::ZSTD))),
    ];
    let wanted = wanted(&[("n", Type::S64)], Some("same"), 999);
    for (from, bytes) in inputs {
        for to in [0, 1] {
            let mapped = batches(&copied(FORMATS[from], &bytes, &wanted, FORMATS[to]).unwrap(), to == 0);
            let schema = mapped[0].schema();
            let mapped = arrow_select::concat::concat_batches(&schema, &mapped).unwrap();
            let types: Vec<_> =
                schema.fields().iter().map(|field| (field.name().as_str(), field.data_type())).collect();
            let utc = DataType::Timestamp(arrow_schema::TimeUnit::Millisecond, Some("UTC".into()));
            let expected =
                [("name", &DataType::Utf8), ("n", &DataType::Int64), ("at", &utc), ("same", &DataType::Int64)];
            assert_eq!(types, expected);
            let columns = logs();
            assert_eq!(&mapped.columns()[..3], columns.columns());
            assert_eq!(mapped["same"].to_data(), columns["n"].to_data());
        }
    }
}

/// In a stream each batch may bring a dictionary of its own; a file has one for all.
#[test]
fn columns_with_dictionaries_are_written_whatever_the_batches_have() {
    use arrow_array::types::Int8Type;
    let batch = |texts: [&str; 3], n: i64| {
        let text: ArrayRef = Arc::new(arrow_array::DictionaryArray::<Int8Type>::from_iter(texts));
        let n: ArrayRef = Arc::new(Int64Array::from_iter_values([n, n + 1, n + 2]));
        RecordBatch::try_from_iter([("text", text), ("n", n)]).unwrap()
    };
    let given = [batch(["a", "b", "a"], 0), batch(["c", "c", "d"], 3)];
    let mut bytes = Vec::new();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(&mut bytes, &given[0].schema()).unwrap();
    given.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    drop(writer);
    let wanted = wanted(&[("n", Type::S64)], Some("same"), 3);
    for to in [0, 1] {
        let mapped = batches(&copied(FORMATS[2], &bytes, &wanted, FORMATS[to]).unwrap(), to == 0);
        let mapped = arrow_select::concat::concat_batches(&mapped[0].schema(), &mapped).unwrap();
        let texts: Vec<_> = match mapped["text"].as_any_dictionary_opt() {
            Some(dictionary) => {
                let texts = arrow_select::take::take(dictionary.values(), dictionary.keys(), None).unwrap();
                texts.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
            }
            None => mapped["text"].as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect(),
        };
        assert_eq!(texts, ["a", "b", "a", "c", "c", "d"], "{}", FORMATS[to].name());
    }
}

#[test]
fn a_column_that_parquet_does_not_have_is_an_error() {
    let fields = arrow_schema::UnionFields::try_new(
        [0, 1],
        [arrow_schema::Field::new("a", DataType::Int64, true), arrow_schema::Field::new("b", DataType::Int64, true)],
    );
    let part: ArrayRef = Arc::new(Int64Array::from_iter_values([1, 2]));
    let ids = [0i8, 1].into_iter().collect();
    let union = arrow_array::UnionArray::try_new(fields.unwrap(), ids, None, vec![part.clone(), part.clone()]).unwrap();
    let union: ArrayRef = Arc::new(union);
    let bytes = ipc(&RecordBatch::try_from_iter([("u", union), ("n", part)]).unwrap(), 2, Default::default());
    let wanted = wanted(&[("n", Type::S64)], Some("same"), 3);
    let error = copied(FORMATS[1], &bytes, &wanted, &Parquet).unwrap_err();
    assert_eq!(error.to_string(), "the column `u` is a union, or has one in it, which Parquet does not have");
    assert!(copied(FORMATS[1], &bytes, &wanted, FORMATS[1]).is_ok());
}

#[test]
fn results_are_added_to_rows_of_other_formats() {
    for to in [0, 1] {
        let memory = Memory::default();
        let columns = [Column { name: "square".to_owned(), ty: Type::String }];
        let mut output = FORMATS[to].create(memory.sink(), &table(Some(Type::S64), Some("n"), &columns)).unwrap();
        let mut rows = Squares(vec![2, 3]);
        let mut encoder = output.encoders()();
        encoder.push(&mut rows, 0, Outcome::Value(Value::I64(2))).unwrap();
        // A result that does not fit, and is then left out.
        encoder.push(&mut rows, 1, Outcome::Value(Value::from("three"))).unwrap_err();
        encoder.push(&mut rows, 1, Outcome::Null).unwrap();
        output.write(encoder.finish().unwrap()).unwrap();
        output.finish().unwrap();
        let batch = &batches(&memory.bytes(), to == 0)[0];
        assert_eq!(batch["square"].as_string::<i32>().iter().collect::<Vec<_>>(), [Some("4"), Some("9")]);
        assert_eq!(batch["n"].as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(2), None]);
    }
}

#[test]
fn rows_without_a_result_are_left_out_with_their_columns() {
    let wanted = wanted(&[("n", Type::S64)], Some("same"), 1 << 20);
    let mut input = FORMATS[1].open(source(&ipc(&logs(), 1000, Default::default())), &wanted).unwrap();
    let memory = Memory::default();
    let mut output = FORMATS[1].create(memory.sink(), &table(Some(Type::S64), Some("same"), input.columns())).unwrap();
    let mut rows = input.next().unwrap().unwrap();
    let mut encoder = output.encoders()();
    for row in [3, 4, 9] {
        encoder.push(&mut *rows, row, Outcome::Value(Value::I64(row as i64))).unwrap();
    }
    let Encoded::Batch(batch) = encoder.finish().unwrap() else { panic!("no batch") };
    output.write(Encoded::Batch(batch)).unwrap();
    output.finish().unwrap();
    let batch = &batches(&memory.bytes(), false)[0];
    let names: Vec<_> = batch["name"].as_string::<i32>().iter().flatten().collect();
    assert_eq!(
        names,
        ["row 3, of more than twelve bytes", "row 4, of more than twelve bytes", "row 9, of more than twelve bytes"]
    );
}

#[test]
fn what_other_formats_show_of_columns_is_text_where_json_has_no_such_type() {
    let wanted = wanted(&[("n", Type::S64)], Some("same"), 1 << 20);
    let mut input = Parquet.open(source(&parquet(&logs(), 300)), &wanted).unwrap();
    let columns: Vec<String> = input.columns().iter().map(|column| format!("{}: {}", column.name, column.ty)).collect();
    assert_eq!(columns, ["name: string", "n: option<s64>", "at: string"]);
    let mut rows = input.next().unwrap().unwrap();
    let mut cells = Vec::new();
    rows.cells(1, &mut cells).unwrap();
    let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
    assert_eq!(cells, ["\"row 1, of more than twelve bytes\"", "some(1)", "\"1970-01-01T00:00:01.000Z\""]);
    assert_eq!(
        String::from_utf8(rows.raw(1).into_owned()).unwrap(),
        r#"{"name":"row 1, of more than twelve bytes","n":1,"at":"1970-01-01T00:00:01.000Z"}"#
    );
}

#[test]
fn only_the_columns_that_are_needed_are_read() {
    // A column that could not be read at all.
    let mut bytes = parquet(&logs(), 1000);
    let at = bytes.windows(6).position(|bytes| bytes == b"row 50").unwrap();
    bytes[at - 40..at + 40].fill(0xff);
    let given = read(&Parquet, &bytes, &wanted(&[("n", Type::S64)], None, 1 << 20)).unwrap();
    assert_eq!(given.len(), 1000);
    let error = read(&Parquet, &bytes, &wanted(&[("name", Type::String)], None, 1 << 20)).unwrap_err();
    assert!(error.to_string().contains("is broken, or uses what is not supported"), "{error}");
}

#[test]
fn batches_of_so_many_rows_are_put_together() {
    for (format, bytes) in [(0, parquet(&logs(), 77)), (1, ipc(&logs(), 77, Default::default()))] {
        let mut wanted = wanted(&[("n", Type::S64)], None, 1);
        wanted.chunk = Chunk { bytes: 1, rows: NonZero::new(100), most: 1 << 20 };
        let mut input = FORMATS[format].open(source(&bytes), &wanted).unwrap();
        let mut sizes = Vec::new();
        while let Some(rows) = input.next().unwrap() {
            sizes.push(rows.len());
        }
        assert_eq!(sizes, [100; 10]);
    }
}

#[test]
fn a_chunk_is_parted_and_its_end_goes_with_the_later_part() {
    let wanted = wanted(&[("n", Type::option(Type::S64))], Some("more"), 1 << 20);
    let mut input = FORMATS[1].open(source(&ipc(&logs(), 1000, Default::default())), &wanted).unwrap();
    let mut whole = input.next().unwrap().unwrap();
    let (mut args, mut cells) = (Vec::new(), Vec::new());
    whole.args(40, &mut args).unwrap();
    whole.cells(40, &mut cells).unwrap();
    let end = whole.end();
    let mut later = whole.split(33).unwrap();
    assert_eq!((whole.first(), whole.len(), whole.end()), (0, 33, None));
    assert_eq!((later.first(), later.len(), later.end()), (33, 967, end));
    let (mut same_args, mut same_cells) = (Vec::new(), Vec::new());
    later.args(7, &mut same_args).unwrap();
    later.cells(7, &mut same_cells).unwrap();
    assert_eq!((same_args, same_cells), (args, cells));
    assert!(whole.split(34).is_none());
}

#[test]
fn a_run_goes_on_behind_the_chunk_where_another_ended() {
    for (format, bytes) in [(0, parquet(&logs(), 77)), (1, ipc(&logs(), 77, Default::default()))] {
        let wanted = wanted(&[("n", Type::option(Type::S64))], None, 500);
        let mut first = FORMATS[format].open(source(&bytes), &wanted).unwrap();
        let mut marks = Vec::new();
        while let Some(rows) = first.next().unwrap() {
            marks.push((rows.end().unwrap(), rows.first() + rows.len() as u64));
        }
        let whole = read(FORMATS[format], &bytes, &wanted).unwrap();
        for (mark, count) in marks {
            assert_eq!(mark.rows, count);
            let mut again = FORMATS[format].open(source(&bytes), &wanted).unwrap();
            again.resume(&mark).unwrap();
            let mut rest = Vec::new();
            while let Some(mut rows) = again.next().unwrap() {
                assert_eq!(rows.first(), count + rest.len() as u64);
                for row in 0..rows.len() {
                    let mut args = Vec::new();
                    rows.args(row, &mut args).unwrap();
                    rest.push(Some(args));
                }
            }
            assert_eq!(rest, whole[count as usize..]);
        }
        let other = Mark { rows: 100, lines: 0, bytes: 0, digest: "another".to_owned() };
        let mut again = FORMATS[format].open(source(&bytes), &wanted).unwrap();
        let error = again.resume(&other).unwrap_err();
        assert!(error.to_string().ends_with("is not what it was when its first 100 rows were read"), "{error}");
    }
}

#[test]
fn parts_are_put_together_in_order() {
    for format in [0, 1, 2] {
        let part = |start: usize| {
            let batch = logs().slice(start, 500);
            if format == 0 { parquet(&batch, 100) } else { ipc(&batch, 100, Default::default()) }
        };
        let memory = Memory::default();
        FORMATS[format].merge(vec![source(&part(0)), source(&part(500))], memory.sink()).unwrap();
        let wanted = wanted(&[("name", Type::String), ("n", Type::option(Type::S64))], None, 1 << 20);
        let whole = read(&Parquet, &parquet(&logs(), 1000), &wanted).unwrap();
        assert_eq!(read(FORMATS[format], &memory.bytes(), &wanted).unwrap(), whole);
        let other = parquet(&logs().project(&[0]).unwrap(), 100);
        if format == 0 {
            let error = FORMATS[0].merge(vec![source(&part(0)), source(&other)], Memory::default().sink()).unwrap_err();
            assert!(error.to_string().ends_with("the inputs have different columns: one has no `n`"), "{error}");
        }
    }
}

#[test]
fn what_an_output_cannot_be_is_refused_before_it_is_begun() {
    let refused = |table: Table, compression| {
        let sink = Sink::new(Memory::default(), compression);
        Parquet.create(sink, &table).err().map(|error| error.to_string()).unwrap()
    };
    let record = Type::record([("a", Type::S64)]);
    let columns = [Column { name: "a".to_owned(), ty: Type::S64 }];
    let twice = table(Some(record), Some("a"), &columns);
    assert_eq!(refused(twice, Compression::None), "two columns would be named `a`");
    assert_eq!(
        refused(table(Some(Type::S64), None, &[]), Compression::Zstd),
        "parquet is not compressed as a whole: what reads it would not know it"
    );
    let resumed = Table { resumed: true, ..table(Some(Type::S64), None, &[]) };
    assert_eq!(
        refused(resumed, Compression::None),
        "an interrupted run that writes parquet cannot be gone on with: such a file has its end last"
    );
}

#[test]
fn an_output_without_rows_is_a_whole_file_of_its_columns() {
    for format in [0, 1, 2] {
        let memory = Memory::default();
        let record = Type::record([("a", Type::S64), ("b", Type::result(None, Some(Type::String)))]);
        FORMATS[format].create(memory.sink(), &table(Some(record), None, &[])).unwrap().finish().unwrap();
        let wanted = wanted(&[("a", Type::S64)], None, 100);
        assert_eq!(read(FORMATS[format], &memory.bytes(), &wanted).unwrap(), []);
    }
}

#[test]
fn columns_that_do_not_fit_are_refused_when_the_file_is_opened() {
    let bytes = parquet(&logs(), 1000);
    let refused = |wanted: &Wanted| {
        let error = Parquet.open(source(&bytes), wanted).err().unwrap();
        let text = error.to_string();
        (text[text.find(": ").unwrap() + 2..].to_owned(), error.help().unwrap_or_default().to_owned())
    };
    let strict = Wanted { strict: true, ..wanted(&[("n", Type::S64)], None, 100) };
    let errors = [
        refused(&wanted(&[("m", Type::S64)], None, 100)),
        refused(&wanted(&[("name", Type::S64)], None, 100)),
        refused(&wanted(&[("n", Type::S64)], Some("at"), 100)),
        refused(&strict),
    ];
    expect_test::expect![[r#"
        [
            (
                "`f` takes `m`, but there is only `name`, `n`, `at`",
                "name the column that gives a parameter with `--column PARAMETER=COLUMN`, or give it a value with `--arg`",
            ),
            (
                "the column `name` (Utf8View) does not fit the parameter `name: s64` of `f`: a text is no s64; it can be a string, a char, an enum or list<u8>",
                "cast the column, or change the parameter's type",
            ),
            (
                "there is a column `at` already",
                "name another with --into",
            ),
            (
                "`f` takes no `name`",
                "leave the column out",
            ),
        ]
    "#]].assert_debug_eq(&errors);
}
