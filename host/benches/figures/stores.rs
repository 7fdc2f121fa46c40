//! A core module of Rust whose functions write to memory: `tests/guests/stores`. Its heap is there in the initial state.

use crate::floors::BareCall;
use crate::guests::built;
use crate::table::{Row, Table};
use crate::{BATCH, ROUNDS, TRIPS};
use purefork::{Executor, Function, Future, Isolation, Result, promise, wait_all};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Calls of a loop in each round; one takes from half a millisecond to a few.
const LOOPS: u32 = 20;

/// A batch of calls that are long beside a fork: so many, of so many bytes.
const LONG_BATCH: u32 = 10_000;
const LONG: i32 = 10_000;

/// How long the kernel is given to part threads that run on the same processor.
const PARTED: Duration = Duration::from_millis(20);

/// Each loop, what it is called for, and what it gives.
const EACH_LOOP: [(&str, (i32, i32), i32); 6] = [
    ("fill", (16_384, 100), 16_383 ^ 99),
    ("fill_bytes", (65_536, 25), 255 ^ 24),
    ("pushes", (10_000, 50), 500_000),
    ("sieve", (100_000, 5), 5 * 9_592),
    ("heap_sort", (10_000, 1), 2_137_189_812),
    ("product", (64, 5), 375),
];

/// A call that allocates a short text, beside the bare call of the same function in one instance without isolation: what
/// isolation costs is the difference.
pub(crate) fn short(table: &mut Table) -> Result<()> {
    if !table.wants("strlen") {
        return Ok(());
    }
    let path = built("stores");
    let mut bare = BareCall::<i32, i32>::new(&std::fs::read(&path).expect("the guest was built"), "length");
    let exec = Executor::builder().serial().isolation(Isolation::Recycled).build()?;
    let length = exec.load(&path)?.function::<i32, i32>("length")?;
    for (n, bar) in [(10, 0.20), (100, 0.25)] {
        let mut rows = Row::group([format!("strlen({n}), bare call"), format!("strlen({n}), purefork, recycled")]);
        for _ in 0..ROUNDS {
            rows[0].time(TRIPS, || (0..TRIPS).for_each(|_| assert_eq!(bare.call(n), n)));
            rows[1].time(TRIPS, || {
                for _ in 0..TRIPS {
                    assert_eq!(length.fork(n).wait().expect("it does not fail"), n);
                }
            });
        }
        let more = rows[1].median() - rows[0].median();
        table.add(rows, "a Rust guest that pushes bytes to a list: one fork and its wait, one thread", None);
        table.ratio(&format!("strlen({n}), purefork - bare call, in µs"), more, "at most", bar);
    }
    Ok(())
}

/// Calls so long that only their loops count: as they are rewritten, beside as they are.
pub(crate) fn loops(table: &mut Table) -> Result<()> {
    let names = EACH_LOOP.map(|(name, ..)| [format!("stores: {name}, as it is"), format!("stores: {name}, rewritten")]);
    if !names.as_flattened().iter().any(|name| table.wants(name)) {
        return Ok(());
    }
    let path = built("stores");
    let execs = [Isolation::Fresh, Isolation::Recycled];
    let execs = execs.map(|isolation| Executor::builder().serial().isolation(isolation).build());
    let execs = execs.into_iter().collect::<Result<Vec<_>>>()?;
    let modules = execs.iter().map(|exec| exec.load(&path)).collect::<Result<Vec<_>>>()?;
    for ((name, params, result), names) in EACH_LOOP.into_iter().zip(names) {
        if !names.iter().any(|name| table.wants(name)) {
            continue;
        }
        let functions = modules.iter().map(|module| module.function::<(i32, i32), i32>(name));
        let functions = functions.collect::<Result<Vec<_>>>()?;
        let mut rows = Row::group(names);
        for _ in 0..ROUNDS {
            for (row, function) in rows.iter_mut().zip(&functions) {
                row.time(LOOPS, || {
                    for _ in 0..LOOPS {
                        assert_eq!(function.fork(params).wait().expect("it does not fail"), result);
                    }
                });
            }
        }
        let ratio = rows[1].median() / rows[0].median();
        table.add(rows, "a loop of stores: one fork and its wait, one thread", None);
        table.ratio(&format!("stores: {name}, rewritten / as it is"), ratio, "at most", 1.25);
    }
    Ok(())
}

/// A hundred thousand short calls. The host's own thread forks, and runs calls while it waits, so an executor of one thread
/// would have two. Three comparisons are like with like: a batch on the one thread that there is (`serial`) beside one on two
/// workers, with the forks, of calls that take less than handing them over does; the same of fewer calls that take more; and
/// how long workers alone take for calls that are all forked before the clock starts, while the host's thread sleeps.
pub(crate) fn batch(table: &mut Table) -> Result<()> {
    if !table.wants("recycled batch") {
        return Ok(());
    }
    let path = built("stores");
    let builders = [Executor::builder().serial(), Executor::builder().threads(1), Executor::builder().threads(2)];
    let execs = builders.into_iter().map(|builder| builder.build()).collect::<Result<Vec<_>>>()?;
    let lengths = execs.iter().map(|exec| exec.load(&path)?.function::<i32, i32>("length"));
    let lengths = lengths.collect::<Result<Vec<_>>>()?;
    let [serial, one, two] = lengths.as_slice() else { unreachable!("there are three executors") };

    let mut rows = Row::group(["recycled batch, 1 thread", "recycled batch, 2 threads"]);
    let mut long = Row::group(["recycled batch, long calls, 1 thread", "recycled batch, long calls, 2 threads"]);
    let mut alone = Row::group(["recycled batch, 1 worker alone", "recycled batch, 2 workers alone"]);
    for _ in 0..ROUNDS {
        for (rows, calls, n) in [(&mut rows, BATCH, 10), (&mut long, LONG_BATCH, LONG)] {
            for (row, length) in rows.iter_mut().zip([serial, two]) {
                row.time(calls, || {
                    let all: Vec<Future<i32>> = (0..calls).map(|_| length.fork(n)).collect();
                    assert!(wait_all(all).expect("it does not fail").iter().all(|&given| given == n));
                });
            }
        }
        for ((row, length), workers) in alone.iter_mut().zip([one, two]).zip([1, 2]) {
            drain(row, length, workers);
        }
    }
    let ratio = rows[0].median() / rows[1].median();
    table.add(rows, "100,000 forks of a Rust guest that allocates, then a wait for each", Some(0.60));
    table.ratio("recycled batch, 1 thread / 2 threads", ratio, "at least", 1.9);
    let ratio = long[0].median() / long[1].median();
    table.add(long, "10,000 forks of calls that take longer than handing them over, then a wait for each", None);
    table.ratio("recycled batch, long calls, 1 thread / 2 threads", ratio, "at least", 1.9);
    let ratio = alone[0].median() / alone[1].median();
    table.add(alone, "100,000 forks of the first, forked before; the host neither forks nor helps", None);
    table.ratio("recycled batch, 1 worker / 2 workers, alone", ratio, "at least", 1.9);
    Ok(())
}

/// Forks a batch while all workers are held, lets them go, and takes the time until the batch has run.
///
/// Workers are held awake, each on a processor of its own: the kernel may put two threads that it wakes at once on the same
/// one, and parts them some milliseconds later, which is half of a batch.
fn drain(row: &mut Row, length: &Function<i32, i32>, workers: usize) {
    let (held, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let holding: Vec<Future<i32>> = (0..workers)
        .map(|_| {
            // The callback is there before the call can run, so that a worker runs it.
            let (promise, n) = promise::<i32>();
            let call = length.fork(&n);
            let (held, open) = (held.clone(), open.clone());
            call.on_done(move |_| {
                held.fetch_add(1, Ordering::Relaxed);
                spin_until(|| open.load(Ordering::Acquire));
            });
            promise.set(10).expect("nobody else completes it");
            call
        })
        .collect();
    spin_until(|| held.load(Ordering::Relaxed) == workers);
    let all: Vec<Future<i32>> = (0..BATCH).map(|_| length.fork(10)).collect();
    let (done, wait) = channel();
    // Calls from outside start in the order in which they were forked: when this one is done, next to nothing is left.
    all[all.len() - 1].on_done(move |_| done.send(()).expect("it is waited for"));
    // While this thread sleeps, there are as many awake as there are workers.
    sleep(PARTED);
    let start = Instant::now();
    open.store(true, Ordering::Release);
    wait.recv().expect("the last call completes");
    row.add(start, BATCH);
    assert!(wait_all(all).expect("it does not fail").iter().all(|&n| n == 10));
    wait_all(holding).expect("it does not fail");
}

fn spin_until(done: impl Fn() -> bool) {
    while !done() {
        std::hint::spin_loop();
    }
}
