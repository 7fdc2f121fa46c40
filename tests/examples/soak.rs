//! Calls of all kinds for a long time, a third of which fail; and a table of what the process holds meanwhile.
//!
//! `cargo run --example soak -- 3600`: for so many seconds. It fails if anything has grown since a sixth of
//! them had passed.

use purefork::{Executor, Future, Limits, Module, Value, Wasi, args, collect_any};
use purefork_tests::guests::{CHAIN, FIB};
use purefork_tests::histories::guests;
use purefork_tests::{Remains, loaded, remains};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

/// The rows of the table.
const ROWS: u32 = 60;

/// What the allocator may keep or give back between two looks: memory in KiB, mappings.
const RESIDENT: usize = 16 << 10;
const MAPPINGS: usize = 64;

/// Who waits for a future, and gives up.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

#[derive(Default)]
struct Counts {
    calls: u64,
    failed: u64,
}

fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(60);
    let limits = Limits::default().depth(64).fuel(20_000).memory(3 << 16).timeout(Duration::from_secs(5));
    let exec = match Executor::builder().threads(2).limits(limits).wasi(Wasi::Frozen).build() {
        Ok(exec) => exec,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let guests = guests().into_iter().filter(|guest| guest.name != "parent").map(|guest| guest.text);
    let texts = guests.chain([FIB.to_owned(), CHAIN.to_owned()]);
    let modules: Vec<Module> = texts.map(|text| loaded(&exec, &text)).collect();
    let calls = Calls::of(&modules);
    let (start, whole) = (Instant::now(), Duration::from_secs(seconds));
    let (mut counts, mut rows, mut round) = (Counts::default(), Vec::new(), 0u32);
    println!("| seconds | calls | failed | resident KiB | mappings | descriptors | threads |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    while rows.len() < ROWS as usize {
        batch(&exec, &calls, round, &mut counts);
        round = round.wrapping_add(1);
        if start.elapsed() < whole * (rows.len() as u32 + 1) / ROWS {
            continue;
        }
        let Some(now) = remains() else {
            eprintln!("this system does not tell what a process holds");
            return ExitCode::from(2);
        };
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            start.elapsed().as_secs(),
            counts.calls,
            counts.failed,
            now.resident,
            now.mappings,
            now.files,
            now.threads
        );
        rows.push(now);
    }
    judge(&rows[ROWS as usize / 6..])
}

/// Compares the second half of the rows with the first one.
fn judge(rows: &[Remains]) -> ExitCode {
    let (before, after) = rows.split_at(rows.len() / 2);
    let most = |rows: &[Remains], what: fn(&Remains) -> usize| rows.iter().map(what).max().unwrap_or_default();
    let mut grown = false;
    let mut compare = |name: &str, what: fn(&Remains) -> usize, slack: usize| {
        let (before, after) = (most(before, what), most(after, what));
        if after > before + slack {
            println!("{name} has grown: {before} → {after}");
            grown = true;
        }
    };
    compare("resident memory", |row| row.resident, RESIDENT);
    compare("the number of mappings", |row| row.mappings, MAPPINGS);
    compare("the number of descriptors", |row| row.files, 2);
    compare("the number of threads", |row| row.threads, 0);
    if grown { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What is called, with a number.
struct Calls<'a> {
    well: Vec<(&'a Module, String)>,
    badly: Vec<(&'a Module, String)>,
}

impl<'a> Calls<'a> {
    /// The functions that end well most often, and those that never do.
    fn of(modules: &'a [Module]) -> Calls<'a> {
        let one = |module: &'a Module| {
            let functions = module.inspect().functions.into_iter();
            functions.filter(|function| function.params.len() == 1).map(move |function| (module, function.name))
        };
        let fails = |(_, name): &(&Module, String)| {
            matches!(name.as_str(), "boom" | "starved" | "grown" | "endless" | "doomed")
        };
        let (badly, well) = modules.iter().flat_map(one).partition(fails);
        Calls { well, badly }
    }
}

/// A thousand calls and more: most are waited for, some in many ways, some are given up.
fn batch(exec: &Executor, calls: &Calls<'_>, round: u32, counts: &mut Counts) {
    let mut futures: Vec<Future<Value>> = Vec::with_capacity(1024);
    for n in 0..1000u32 {
        let which = if n % 3 == 0 { &calls.badly } else { &calls.well };
        let (module, name) = &which[n.wrapping_add(round) as usize % which.len()];
        // They take a number, all of them.
        futures.extend(module.fork(name.as_str(), args![(n % 8) as i32]));
    }
    // Those who wait and give up: what they leave with a future has to go.
    let waker = Waker::from(Arc::new(Nobody));
    let (promise, never) = purefork::promise::<Value>();
    for future in futures.iter().take(50) {
        let _ = Pin::new(&mut future.clone()).poll_once(&waker);
        drop(future.map(|value| value));
        drop(collect_any([future.clone(), never.clone()]));
    }
    drop(promise);
    for future in futures.iter().skip(990) {
        future.cancel();
    }
    futures.truncate(995);
    for future in futures {
        counts.calls += 1;
        counts.failed += u64::from(future.wait().is_err());
    }
    // New modules come, and go.
    if round.is_multiple_of(16) {
        let text = format!(
            "(module (memory 1) (func (export \"f\") (param i32) (i32.store (local.get 0) (i32.const {round}))))"
        );
        let module = loaded(exec, &text);
        for n in 0..20 {
            counts.calls += 1;
            counts.failed += u64::from(module.fork("f", args![n * 4000]).and_then(|future| future.wait()).is_err());
        }
    }
}

/// Polls once.
trait Poll {
    fn poll_once(self, waker: &Waker) -> bool;
}

impl Poll for Pin<&mut Future<Value>> {
    fn poll_once(self, waker: &Waker) -> bool {
        std::future::Future::poll(self, &mut Context::from_waker(waker)).is_ready()
    }
}
