//! Files that lie, or are cut off, or of which bits have changed: an error, or other values; never a panic, and no more memory than the file
//! is worth.

use super::files::{ipc, parquet, read, source, wanted};
use crate::{Arrow, FORMATS, Parquet};
use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow_ipc::writer::IpcWriteOptions;
use arrow_schema::{DataType, Field};
use expect_test::{Expect, expect};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use purefork::value::Type;
use purefork_data::{Error, Format, Wanted};
use std::sync::Arc;

/// Columns of each kind, few rows.
fn batch() -> RecordBatch {
    let n: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)]));
    let x: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1.5, 2.5, 3.5]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["one", "two, of more than twelve bytes", "", "straße"]));
    let enumeration: ArrayRef = Arc::new(["a", "b", "a", "b"].into_iter().collect::<DictionaryArray<Int8Type>>());
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<arrow_array::types::Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
        Some(vec![Some(4)]),
    ]));
    let structure: ArrayRef =
        Arc::new(StructArray::from(vec![(Arc::new(Field::new("n", DataType::Int64, true)), n.clone())]));
    RecordBatch::try_from_iter([
        ("n", n),
        ("x", x),
        ("text", text),
        ("enumeration", enumeration),
        ("lists", lists),
        ("structure", structure),
    ])
    .unwrap()
}

fn everything() -> Wanted {
    let some = |ty| Type::option(ty);
    wanted(
        &[
            ("n", some(Type::S64)),
            ("x", some(Type::F64)),
            ("text", some(Type::String)),
            ("enumeration", some(Type::enumeration(["a", "b"]))),
            ("lists", some(Type::list(some(Type::S32)))),
            ("structure", some(Type::record([("n", some(Type::S64))]))),
        ],
        None,
        64,
    )
}

fn files() -> [(&'static dyn Format, Vec<u8>); 4] {
    let compressed = |codec| IpcWriteOptions::default().try_with_compression(Some(codec)).unwrap();
    [
        (&Parquet, parquet(&batch(), 2)),
        (&Arrow, ipc(&batch(), 2, IpcWriteOptions::default())),
        (&Arrow, ipc(&batch(), 4, compressed(arrow_ipc::CompressionType::LZ4_FRAME))),
        (&Arrow, ipc(&batch(), 4, compressed(arrow_ipc::CompressionType::ZSTD))),
    ]
}

/// Reads all that a file has, by arguments and as text.
fn tried(format: &dyn Format, bytes: &[u8]) {
    if let Ok(mut input) = format.open(source(bytes), &Wanted { into: Some("more".to_owned()), ..everything() }) {
        let mut rows = 0;
        while let Ok(Some(mut chunk)) = input.next() {
            for row in 0..chunk.len().min(10) {
                let mut args = Vec::new();
                let _ = chunk.args(row, &mut args);
                let _ = chunk.cells(row, &mut args);
                let _ = (chunk.raw(row), chunk.bytes());
            }
            rows += chunk.len();
            if rows > 1000 {
                break;
            }
        }
    }
}

#[test]
fn whole_files_are_read() {
    for (format, bytes) in files() {
        assert_eq!(read(format, &bytes, &everything()).unwrap().len(), 4);
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_an_error() {
    crate::quiet_panics();
    for (format, bytes) in files() {
        for len in 0..bytes.len() {
            assert!(read(format, &bytes[..len], &everything()).is_err(), "{} cut to {len}", format.name());
        }
    }
}

#[test]
fn a_changed_bit_is_never_a_panic() {
    crate::quiet_panics();
    for (which, (format, bytes)) in files().into_iter().enumerate() {
        for at in 0..bytes.len() {
            // Of compressed bytes one bit is as good as another.
            let bits = if which < 2 { 0..8 } else { at % 8..at % 8 + 1 };
            for bit in bits {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                tried(format, &changed);
            }
        }
    }
}

#[test]
fn bytes_that_are_all_ones_or_zeros_are_never_a_panic() {
    crate::quiet_panics();
    for (format, bytes) in files() {
        for at in 0..bytes.len() {
            for fill in [0, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                let end = (at + 4).min(changed.len());
                changed[at..end].fill(fill);
                tried(format, &changed);
            }
        }
    }
}

/// The text of an error, without the file's name, which is random.
fn text(error: &Error) -> String {
    let text = error.to_string();
    let name = text.split('`').nth(1).unwrap_or_default().to_owned();
    format!("{}\n  {}\n", text.replace(&name, "FILE"), error.help().unwrap_or_default())
}

#[track_caller]
fn refused(format: &dyn Format, bytes: &[u8], wanted: &Wanted, expected: Expect) {
    expected.assert_eq(&text(&read(format, bytes, wanted).unwrap_err()));
}

/// The file with another footer.
fn with_footer(change: impl Fn(ParquetMetaData) -> ParquetMetaData) -> Vec<u8> {
    let bytes = parquet(&batch(), 2);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes::Bytes::from(bytes.clone())).unwrap();
    let size = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
    let mut changed = bytes[..bytes.len() - 8 - size].to_vec();
    let metadata = change(metadata);
    ParquetMetaDataWriter::new(&mut changed, &metadata).finish().unwrap();
    changed
}

/// The footer with a change to the first row group's first column.
fn with_column(
    change: impl Fn(
        parquet::file::metadata::ColumnChunkMetaDataBuilder,
    ) -> parquet::file::metadata::ColumnChunkMetaDataBuilder,
) -> Vec<u8> {
    with_footer(|metadata| {
        let mut builder = metadata.into_builder();
        let mut groups = builder.take_row_groups();
        let mut columns = groups[0].columns().to_vec();
        columns[0] = change(columns[0].clone().into_builder()).build().unwrap();
        groups[0] = groups[0].clone().into_builder().set_column_metadata(columns).build().unwrap();
        builder.set_row_groups(groups).build()
    })
}

#[test]
fn a_footer_that_lies_is_told_of() {
    crate::quiet_panics();
    let n = wanted(&[("n", Type::option(Type::S64))], None, 1 << 20);
    let rows = |first: i64| {
        with_footer(|metadata| {
            let mut builder = metadata.into_builder();
            let mut groups = builder.take_row_groups();
            groups[0] = groups[0].clone().into_builder().set_num_rows(first).build().unwrap();
            builder.set_row_groups(groups).build()
        })
    };
    refused(
        &Parquet,
        &rows(1_000_000),
        &n,
        expect![[r#"
        `FILE` is broken, or uses what is not supported: its footer says that there are 999998 rows more, but there are 0
          write, copy or download it again; `parquet-tools` or pyarrow may tell more
    "#]],
    );
    refused(
        &Parquet,
        &rows(-5),
        &n,
        expect![[r#"
        `FILE` is broken, or uses what is not supported: row group 0 has -5 rows
          write, copy or download it again; `parquet-tools` or pyarrow may tell more
    "#]],
    );
    refused(
        &Parquet,
        &with_column(|column| column.set_data_page_offset(1 << 40).set_dictionary_page_offset(None)),
        &n,
        expect![[r#"
            `FILE` is broken, or uses what is not supported: row group 0 says that `n` is 47 bytes from byte 1099511627776 on, in a file of 2998
              write, copy or download it again; `parquet-tools` or pyarrow may tell more
        "#]],
    );
    refused(
        &Parquet,
        &with_column(|column| column.set_total_compressed_size(1 << 50)),
        &n,
        expect![[r#"
        `FILE` is broken, or uses what is not supported: row group 0 says that `n` is 1125899906842624 bytes from byte 4 on, in a file of 3008
          write, copy or download it again; `parquet-tools` or pyarrow may tell more
    "#]],
    );
    refused(
        &Parquet,
        &with_column(|column| column.set_total_compressed_size(-1)),
        &n,
        expect![[r#"
        `FILE` is broken, or uses what is not supported: row group 0 says that `n` is -1 bytes from byte 4 on, in a file of 2995
          write, copy or download it again; `parquet-tools` or pyarrow may tell more
    "#]],
    );
    let mut bytes = parquet(&batch(), 2);
    let at = bytes.len() - 8;
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    refused(
        &Parquet,
        &bytes,
        &n,
        expect![[r#"
        `FILE` is no whole Parquet file: it says that its footer has 4294967295 bytes, but it has only 3331 itself
          copy or download it again; if it is of another format, say which with --from
    "#]],
    );
    refused(
        &Parquet,
        &bytes[..at],
        &n,
        expect![[r#"
        `FILE` is no whole Parquet file: it does not end with `PAR1`, as if it were cut off
          copy or download it again; if it is of another format, say which with --from
    "#]],
    );
    refused(
        &Parquet,
        b"",
        &n,
        expect![[r#"
        `FILE` is no whole Parquet file: it is empty
          copy or download it again; if it is of another format, say which with --from
    "#]],
    );
    refused(
        &Parquet,
        b"{\"n\":1}\n{\"n\":2}\n",
        &n,
        expect![[r#"
        `FILE` is no whole Parquet file: it does not begin with `PAR1`
          copy or download it again; if it is of another format, say which with --from
    "#]],
    );
    refused(
        &Arrow,
        b"{\"n\":1}\n{\"n\":2}\n",
        &n,
        expect![[r#"
        `FILE` is broken, or uses what is not supported: a message at byte 0 says that its header has 577643131 bytes
          write, copy or download it again; `parquet-tools` or pyarrow may tell more
    "#]],
    );
    let whole = ipc(&batch(), 2, IpcWriteOptions::default());
    refused(
        &Arrow,
        &whole[..whole.len() - 3],
        &n,
        expect![[r#"
        `FILE` is broken, or uses what is not supported: its footer is missing or cut off, behind byte 3272
          write, copy or download it again; `parquet-tools` or pyarrow may tell more
    "#]],
    );
    refused(
        &Arrow,
        &whole[..700],
        &n,
        expect![[r#"
        `FILE` is broken, or uses what is not supported: it ends in the middle, behind byte 700
          write, copy or download it again; `parquet-tools` or pyarrow may tell more
    "#]],
    );
    refused(
        &Arrow,
        b"",
        &n,
        expect![[r#"
        `FILE` is broken, or uses what is not supported: it ends in the middle, behind byte 0
          write, copy or download it again; `parquet-tools` or pyarrow may tell more
    "#]],
    );
}

#[test]
fn a_length_beyond_the_file_is_not_asked_for() {
    // A message that says that its header has two gigabytes, and one whose body has.
    let n = wanted(&[("n", Type::option(Type::S64))], None, 1 << 20);
    refused(
        &Arrow,
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        &n,
        expect![[r#"
        `FILE` is broken, or uses what is not supported: a message at byte 0 says that its header has 2147483647 bytes
          write, copy or download it again; `parquet-tools` or pyarrow may tell more
    "#]],
    );
    refused(
        &Arrow,
        b"\xff\xff\xff\xff\x00\x00\x00\x08abc",
        &n,
        expect![[r#"
        `FILE` is broken, or uses what is not supported: it ends in the middle, behind byte 11
          write, copy or download it again; `parquet-tools` or pyarrow may tell more
    "#]],
    );
}

#[test]
fn text_that_is_no_utf_8_is_an_error_and_keys_beyond_a_dictionary_are() {
    crate::quiet_panics();
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["short", "a text of more than twelve bytes"]));
    let keys: ArrayRef = Arc::new(["a", "b", "c"].into_iter().cycle().take(100).collect::<DictionaryArray<Int8Type>>());
    let texts = RecordBatch::try_from_iter([("text", texts)]).unwrap();
    let keys = RecordBatch::try_from_iter([("text", keys)]).unwrap();
    let wanted = wanted(&[("text", Type::String)], None, 1 << 20);
    let changed = |bytes: Vec<u8>, from: &[u8], to: u8| {
        let mut bytes = bytes;
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        bytes[at] = to;
        bytes
    };
    for format in FORMATS {
        let whole = if format.name() == "parquet" { parquet(&texts, 10) } else { ipc(&texts, 10, Default::default()) };
        for part in [&b"short"[..], b"more than"] {
            let error = read(format, &changed(whole.clone(), part, 0xff), &wanted).unwrap_err();
            let text = error.to_string().to_lowercase();
            assert!(text.contains("utf8") || text.contains("utf-8"), "{error}");
        }
    }
    let error =
        read(&Arrow, &changed(ipc(&keys, 100, Default::default()), &[0, 1, 2, 0, 1], 100), &wanted).unwrap_err();
    assert!(error.to_string().contains("is broken"), "{error}");
}

#[test]
fn strange_but_whole_files_are_read_or_refused() {
    let n: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let field = || Field::new("n", DataType::Int64, false);
    let twice = Arc::new(arrow_schema::Schema::new(vec![field(), field()]));
    let twice = RecordBatch::try_new(twice, vec![n.clone(), n.clone()]).unwrap();
    let wanted_n = wanted(&[("n", Type::S64)], None, 100);
    refused(
        &Arrow,
        &ipc(&twice, 2, Default::default()),
        &wanted_n,
        expect![[r#"
            `FILE`: the column `n` of `f` is there twice
              rename one of them
        "#]],
    );
    let none = wanted(&[], None, 100);
    let rows = RecordBatch::try_from_iter([("n", n)]).unwrap();
    for (format, bytes) in [(0, parquet(&rows, 10)), (1, ipc(&rows, 10, Default::default()))] {
        assert_eq!(read(FORMATS[format], &bytes, &none).unwrap(), [Some(vec![]), Some(vec![])]);
        let empty = rows.slice(0, 0);
        let bytes = if format == 0 { parquet(&empty, 10) } else { ipc(&empty, 10, Default::default()) };
        assert_eq!(read(FORMATS[format], &bytes, &wanted_n).unwrap(), []);
    }
}
