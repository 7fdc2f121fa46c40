//! arrow-udf's own bench, `gcd` of 1,024 rows, beside purefork by the row and by the batch, all on one thread.
//!
//! `host/benches/peers/arrow-udf/run` builds the guests, and runs it.

use anyhow::{Context as _, ensure};
use arrow_array::{Array as _, Int32Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use purefork::{Executor, Function};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROWS: i32 = 1024;
const ROUNDS: usize = 31;

/// A round takes about this long.
const ROUND: Duration = Duration::from_millis(50);

/// What is measured: a batch in, a column out.
struct Case<'a> {
    name: &'a str,
    run: Box<dyn FnMut() -> anyhow::Result<Int32Array> + 'a>,
    times: Vec<f64>,
}

impl<'a> Case<'a> {
    fn new(name: &'a str, run: impl FnMut() -> anyhow::Result<Int32Array> + 'a) -> Case<'a> {
        Case { name, run: Box::new(run), times: Vec::new() }
    }

    /// Microseconds of one run, measured over as many as fill a round.
    fn round(&mut self) -> anyhow::Result<()> {
        let (begun, mut runs) = (Instant::now(), 0u32);
        while begun.elapsed() < ROUND {
            black_box((self.run)()?);
            runs += 1;
        }
        self.times.push(begun.elapsed().as_secs_f64() * 1e6 / f64::from(runs));
        Ok(())
    }

    fn median(&mut self) -> f64 {
        self.times.sort_by(f64::total_cmp);
        self.times[self.times.len() / 2]
    }
}

fn gcd(mut a: i32, mut b: i32) -> i32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A call for each row.
fn by_row(gcd: &Function<(i32, i32), i32>, a: &Int32Array, b: &Int32Array) -> anyhow::Result<Int32Array> {
    let rows = a.values().iter().copied().zip(b.values().iter().copied());
    let column: Vec<i32> = gcd.map(rows).collect::<Result<_, _>>()?;
    Ok(column.into())
}

/// A call for each row, made in one job.
fn in_place(gcd: &Function<(i32, i32), i32>, a: &Int32Array, b: &Int32Array) -> anyhow::Result<Int32Array> {
    let (a, b) = (a.clone(), b.clone());
    let job = gcd.fork_with(move |calls| {
        let rows = a.values().iter().zip(b.values().iter());
        rows.map(|(a, b)| calls.call((*a, *b))).collect::<Result<Vec<i32>, _>>()
    });
    Ok(job.wait()??.into())
}

/// A call for all rows.
fn by_batch(
    gcd: &Function<(Vec<i32>, Vec<i32>), Vec<i32>>,
    a: &Int32Array,
    b: &Int32Array,
) -> anyhow::Result<Int32Array> {
    Ok(gcd.fork((a.values().to_vec(), b.values().to_vec())).wait()?.into())
}

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let (peer, own) = words.next().zip(words.next()).context("expected the guests: PEER.wasm OWN.wasm")?;

    let (a, b) = (Int32Array::from_iter_values(0..ROWS), Int32Array::from_iter_values((0..2 * ROWS).step_by(2)));
    let fields = ["a", "b"].map(|name| Field::new(name, DataType::Int32, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let input = RecordBatch::try_new(schema, vec![Arc::new(a.clone()), Arc::new(b.clone())])?;

    let runtime = arrow_udf_runtime::wasm::Runtime::new(&std::fs::read(&peer)?)?;
    let handle = runtime.find_function("gcd", vec![DataType::Int32, DataType::Int32], DataType::Int32)?;
    let exec = Executor::builder().serial().build()?;
    let module = exec.load(&own)?;
    let row = module.function::<(i32, i32), i32>("gcd")?;
    let batch = module.function::<(Vec<i32>, Vec<i32>), Vec<i32>>("gcd-batch")?;

    let mut cases = [
        Case::new("native", || {
            let rows = a.values().iter().zip(b.values().iter());
            Ok(rows.map(|(a, b)| gcd(black_box(*a), *b)).collect::<Vec<i32>>().into())
        }),
        Case::new("arrow-udf, a batch in a kept instance", || {
            let output = runtime.call(&handle, &input)?;
            let column = output.column(0).as_any().downcast_ref::<Int32Array>();
            Ok(column.context("arrow-udf gives another type")?.clone())
        }),
        Case::new("purefork, `map`: a state for each row", || by_row(&row, &a, &b)),
        Case::new("purefork, `fork_with`: the same in one job", || in_place(&row, &a, &b)),
        Case::new("purefork, a call of lists: a state for the batch", || by_batch(&batch, &a, &b)),
    ];
    for case in &mut cases {
        let column = (case.run)()?;
        let right = column.len() == ROWS as usize && column.values().iter().zip(0..).all(|(gcd, row)| *gcd == row);
        ensure!(right, "{} gives other numbers", case.name);
    }
    // They take turns, so that a change of the machine's speed meets all.
    for _ in 0..ROUNDS {
        cases.iter_mut().try_for_each(Case::round)?;
    }
    let times = cases.each_mut().map(Case::median);
    let [_, peer, row, in_place, batch] = times;
    println!("{:50} {:>12} {:>10} {:>16}", "gcd of 1,024 rows, 1 thread", "µs a batch", "ns a row", "× arrow-udf");
    for (case, time) in cases.iter().zip(times) {
        println!("{:50} {time:12.2} {:10.1} {:16.2}", case.name, time * 1e3 / f64::from(ROWS), time / peer);
    }
    println!();
    let ratios =
        [("by the row, `map`", row, 4.0), ("by the row, `fork_with`", in_place, 4.0), ("by the batch", batch, 1.0)];
    for (name, time, most) in ratios {
        let ratio = time / peer;
        let verdict = if ratio <= most { "holds" } else { "MISSED" };
        println!("{name}: {ratio:.2} × arrow-udf, at most {most}: {verdict}");
    }
    Ok(())
}
