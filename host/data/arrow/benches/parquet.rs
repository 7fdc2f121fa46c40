//! Ten million numbers from a Parquet file through a function into another, beside the same without the function.
//!
//! `cargo bench -p purefork-arrow --bench parquet`

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchReader};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use purefork::{Args, Executor, Value};
use purefork_arrow::{Bind, Binding, Calling, map_batches};
use std::fs::File;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const ROWS: usize = 10_000_000;

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build()
}

fn reader(path: &Path) -> ParquetRecordBatchReader {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("it was written"));
    builder.expect("it is Parquet").with_batch_size(65_536).build().expect("it is Parquet")
}

fn write(path: &Path, batches: impl Iterator<Item = RecordBatch>) {
    let mut writer: Option<ArrowWriter<File>> = None;
    for batch in batches {
        let writer = writer.get_or_insert_with(|| {
            let file = File::create(path).expect("it can be written");
            ArrowWriter::try_new(file, batch.schema(), Some(properties())).expect("it has a form in Parquet")
        });
        writer.write(&batch).expect("it can be written");
    }
    writer.expect("there are rows").close().expect("it can be written");
}

/// The best of some runs, in millions of rows a second.
fn measured(what: &str, mut run: impl FnMut()) {
    let best = (0..5)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    println!("{what:<60} {:>8.1} million rows/s", ROWS as f64 / best / 1e6);
}

fn main() {
    let dir = tempfile::tempdir().expect("there is room for it");
    let (input, output) = (dir.path().join("in.parquet"), dir.path().join("out.parquet"));
    // Numbers that do not compress, and none below zero.
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 2).cast_signed()
    };
    let batches = (0..ROWS).step_by(65_536).map(|start| {
        let count = 65_536.min(ROWS - start);
        let n: ArrayRef = Arc::new(Int64Array::from_iter_values((0..count).map(|_| next())));
        let x: ArrayRef = Arc::new(Float64Array::from_iter_values((0..count).map(|at| at as f64)));
        RecordBatch::try_from_iter([("n", n), ("x", x)]).expect("they are of one length")
    });
    write(&input, batches.map(|batch| batch.project(&[0]).expect("there is a first")));
    measured("read and decode", || reader(&input).for_each(|batch| drop(batch.expect("it is Parquet"))));
    measured("read and write, no guest, one thread", || {
        write(&output, reader(&input).map(|batch| batch.expect("it is Parquet")));
    });
    for threads in [1, 2] {
        let exec = Executor::builder().threads(threads).build().expect("there are threads");
        let module = exec.load_bytes(include_str!("../src/tests/guest.wat")).expect("it is pure");
        for (name, rows) in [("one", 8_192), ("many", 8_192), ("many", 65_536)] {
            let function = module.function::<Args, Value>(name).expect("it is there");
            let reader = || reader(&input);
            let schema = reader().schema();
            let inspection = module.inspect();
            let bind = Bind::new().batch(name == "many");
            let binding = Binding::by_name(&schema, inspection.function(name).expect("it is there"), &bind);
            let binding = Arc::new(binding.expect("it fits"));
            let calling = Calling::new().rows(NonZero::new(rows).expect("it is some"));
            let how = if name == "many" { format!("batches of {rows}") } else { "row by row".to_owned() };
            measured(&format!("Parquet to Parquet, {how}, {threads} worker threads and the main one"), || {
                let batches = reader().map(|batch| batch.expect("it is Parquet"));
                let mapped = map_batches(&function, &binding, schema.clone(), batches, &calling).expect("it fits");
                write(&output, mapped.map(|batch| batch.expect("no row fails")));
            });
        }
    }
}
