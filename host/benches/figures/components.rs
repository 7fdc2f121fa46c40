//! Components: a leaf call, nested forks, and lists, each beside wasmtime's own component runtime.

use crate::guests::built;
use crate::table::{Row, Table};
use crate::{ROUNDS, floors};
use purefork::{Executor, Function, Future, Isolation, Limits, Result, args, wait_all};
use std::path::Path;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};

const CALLS: u32 = 5_000;
/// The lengths of lists, in bytes.
const LISTS: [(usize, &str); 5] =
    [(64 << 10, "64 KiB"), (256 << 10, "256 KiB"), (1 << 20, "1 MiB"), (4 << 20, "4 MiB"), (LARGEST, "16 MiB")];
const LARGEST: usize = 16 << 20;
const FIB: u32 = 18;
/// Calls in the tree of forks that `fib(18)` is.
const FIB_CALLS: u32 = 8_361;

/// A new instance of a component for each call, by wasmtime's component runtime.
struct Bare {
    engine: Engine,
    pre: InstancePre<StoreLimits>,
}

impl Bare {
    fn new(guest: &Path) -> Bare {
        let engine = floors::engine();
        let module = std::fs::read(guest).expect("the guest was built");
        let mut component = wit_component::ComponentEncoder::default().module(&module).expect("the guest is one");
        let component = component.encode().expect("the guest is complete");
        let component = Component::new(&engine, component).expect("the guest compiles");
        let pre = Linker::new(&engine).instantiate_pre(&component).expect("it imports nothing");
        Bare { engine, pre }
    }

    fn store(&self) -> Store<StoreLimits> {
        let limits = StoreLimitsBuilder::new().memory_size(64 << 20).build();
        let mut store = Store::new(&self.engine, limits);
        store.limiter(|limits| limits);
        store.set_fuel(100_000_000_000).expect("fuel is on");
        store.set_epoch_deadline(1);
        store
    }

    fn strlen(&self, text: &str) -> u32 {
        let mut store = self.store();
        let instance = self.pre.instantiate(&mut store).expect("there is room");
        let strlen = instance.get_typed_func::<(&str,), (u32,)>(&mut store, "strlen").expect("the guest exports it");
        strlen.call(&mut store, (text,)).expect("strlen does not fail").0
    }

    fn echo(&self, bytes: &[u8]) -> Vec<u8> {
        let mut store = self.store();
        let instance = self.pre.instantiate(&mut store).expect("there is room");
        let echo = instance.get_typed_func::<(&[u8],), (Vec<u8>,)>(&mut store, "bytes").expect("the guest exports it");
        echo.call(&mut store, (bytes,)).expect("an echo does not fail").0
    }
}

/// Calls of a Rust component, each in a sandbox of its own.
pub(crate) fn leaf(table: &mut Table) -> Result<()> {
    if !table.wants("component leaf") {
        return Ok(());
    }
    let path = built("leaf");
    let bare = Bare::new(&path);
    let execs = [Isolation::Fresh, Isolation::Recycled];
    let execs = execs.map(|isolation| Executor::builder().serial().isolation(isolation).build());
    let execs = execs.into_iter().collect::<Result<Vec<_>>>()?;
    let strlens = execs.iter().map(|exec| exec.load(&path)?.function::<String, u32>("strlen"));
    let strlens = strlens.collect::<Result<Vec<_>>>()?;
    let pool = Executor::builder().threads(2).build()?;
    let pooled = pool.load(&path)?;
    let (pooled, shout) = (pooled.function::<String, u32>("strlen")?, pooled.function::<String, String>("shout")?);
    let mut rows = Row::group([
        "component leaf, bare wasmtime, fresh",
        "component leaf, purefork, fresh",
        "component leaf, purefork, recycled",
        "component leaf, purefork, recycled, batch on 2 threads",
        "component leaf, a string in and out, recycled, batch on 2 threads",
    ]);
    for _ in 0..ROUNDS {
        rows[0].time(CALLS, || (0..CALLS).for_each(|_| assert_eq!(bare.strlen("ten bytes!"), 10)));
        for (row, strlen) in rows[1..].iter_mut().zip(&strlens) {
            row.time(CALLS, || {
                for _ in 0..CALLS {
                    assert_eq!(strlen.fork("ten bytes!".to_owned()).wait().expect("strlen does not fail"), 10);
                }
            });
        }
        rows[3].time(CALLS, || {
            let all: Vec<Future<u32>> = (0..CALLS).map(|_| pooled.fork("ten bytes!".to_owned())).collect();
            assert!(wait_all(all).expect("strlen does not fail").iter().all(|&len| len == 10));
        });
        rows[4].time(CALLS, || {
            let all: Vec<Future<String>> = (0..CALLS).map(|_| shout.fork("ten bytes!".to_owned())).collect();
            assert!(wait_all(all).expect("shout does not fail").iter().all(|text| text == "TEN BYTES!"));
        });
    }
    let ratio = rows[1].median() / rows[0].median();
    table.add(rows, "a Rust component: a sandbox, and a call of `strlen` with a string of 10 bytes", Some(1.0));
    table.ratio("component leaf, purefork / bare, both fresh", ratio, "at most", 1.3);
    Ok(())
}

/// `fib(18)` as nested forks of a Rust component.
pub(crate) fn nested(table: &mut Table) -> Result<()> {
    if !table.wants("component fib") {
        return Ok(());
    }
    let path = built("fib");
    let mut rows = Row::group(["component fib, 1 thread", "component fib, 2 threads"]);
    let execs = [1, 2].map(|threads| Executor::builder().threads(threads).build());
    let execs = execs.into_iter().collect::<Result<Vec<_>>>()?;
    let fibs = execs.iter().map(|exec| exec.load(&path)?.function::<u32, u64>("fib")).collect::<Result<Vec<_>>>()?;
    for _ in 0..ROUNDS {
        for (row, fib) in rows.iter_mut().zip(&fibs) {
            row.time(FIB_CALLS, || assert_eq!(fib.fork(FIB).wait().expect("fib does not fail"), 2_584));
        }
    }
    table.add(rows, "fib(18): 8,361 nested isolated forks of a Rust component", Some(2.0));
    Ok(())
}

/// Lists into a component and out again: with a heap for them in the state that calls start from, and without.
pub(crate) fn lists(table: &mut Table) -> Result<()> {
    if !LISTS.iter().any(|(_, name)| table.wants(&format!("list of {name}"))) {
        return Ok(());
    }
    let path = built("leaf");
    let bare = Bare::new(&path);
    let plain = Executor::builder().serial().build()?;
    let heap = Executor::builder().serial().limits(Limits::default().heap(LARGEST + (1 << 20))).build()?;
    let plain = plain.load(&path)?.function::<Vec<u8>, Vec<u8>>("bytes")?;
    let module = heap.load(&path)?;
    let echo = module.function::<Vec<u8>, Vec<u8>>("bytes")?;
    let floats = module.function::<Vec<f32>, Vec<f32>>("floats")?;
    for (size, name) in LISTS {
        if !table.wants(&format!("list of {name}")) {
            continue;
        }
        // Of short lists, so many that a round takes as long.
        let calls = (4 * LISTS[2].0 / size).max(1) as u32;
        let bytes: Vec<u8> = (0..size).map(|i| i as u8).collect();
        let numbers: Vec<f32> = (0..size / 4).map(|i| i as f32).collect();
        let mut rows = Row::group(
            [
                "two copies, to memory that is there and to new",
                "bare wasmtime, fresh",
                "purefork without a heap, Vec<u8>",
                "purefork, Vec<u8>",
                "purefork, Vec<f32>",
                "purefork, dynamic",
            ]
            .map(|row| format!("list of {name}, {row}")),
        );
        // A guest's memory is there, and what the host is given is new to it.
        let mut inside = bytes.clone();
        // The first call of a sandbox finds no page in its place.
        let echoed = |function: &Function<Vec<u8>, Vec<u8>>, given: Vec<u8>| {
            assert_eq!(function.fork(given).join().expect("an echo does not fail").len(), size);
        };
        (0..3).for_each(|_| echoed(&echo, bytes.clone()));
        for _ in 0..ROUNDS {
            // What the host gives away has to be made for each call, in each row; that is not timed.
            rows[0].time_each(
                calls,
                || (),
                |()| {
                    inside.copy_from_slice(std::hint::black_box(&bytes));
                    drop(std::hint::black_box(std::hint::black_box(&inside).clone()));
                },
            );
            rows[1].time_each(calls, || bytes.clone(), |given| assert_eq!(bare.echo(&given).len(), size));
            rows[2].time_each(calls, || bytes.clone(), |given| echoed(&plain, given));
            rows[3].time_each(calls, || bytes.clone(), |given| echoed(&echo, given));
            rows[4].time_each(
                calls,
                || numbers.clone(),
                |given| {
                    assert_eq!(floats.fork(given).join().expect("an echo does not fail").len(), size / 4);
                },
            );
            rows[5].time_each(
                calls,
                || bytes.clone(),
                |given| {
                    let back = module.fork("bytes", args![given]).and_then(Future::join);
                    drop(back.expect("an echo does not fail"));
                },
            );
        }
        let floor = rows[0].median();
        let ratios: Vec<f64> = rows[3..].iter().map(|row| row.median() / floor).collect();
        table.add(rows, &format!("a list of {name} into a component and out again"), None);
        for (kind, ratio) in ["Vec<u8>", "Vec<f32>", "dynamic"].into_iter().zip(ratios) {
            table.ratio(&format!("list of {name}, {kind} / two copies"), ratio, "at most", 1.5);
        }
    }
    Ok(())
}
