//! Components: a leaf call, nested forks, and lists, each beside wasmtime's own component runtime.

use crate::guests::built;
use crate::table::{Row, Table};
use crate::{ROUNDS, floors};
use purefork::{Executor, Future, Isolation, Result, args, wait_all};
use std::path::Path;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};

const CALLS: u32 = 5_000;
const BYTES: usize = 4 << 20;
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

/// Four megabytes into a component and out again.
pub(crate) fn lists(table: &mut Table) -> Result<()> {
    if !table.wants("list") {
        return Ok(());
    }
    let path = built("leaf");
    let bare = Bare::new(&path);
    let exec = Executor::builder().serial().build()?;
    let module = exec.load(&path)?;
    let echo = module.function::<Vec<u8>, Vec<u8>>("bytes")?;
    let floats = module.function::<Vec<f32>, Vec<f32>>("floats")?;
    let bytes: Vec<u8> = (0..BYTES).map(|i| i as u8).collect();
    let numbers: Vec<f32> = (0..BYTES / 4).map(|i| i as f32).collect();
    let mut rows = Row::group([
        "list, two copies to new memory",
        "list, bare wasmtime",
        "list, purefork, Vec<u8>",
        "list, purefork, Vec<f32>",
        "list, purefork, dynamic",
    ]);
    for _ in 0..ROUNDS {
        // What the host gives away has to be made for each call, in each row.
        let given = bytes.clone();
        rows[0].time(1, || {
            let inside = given.clone();
            assert_eq!(std::hint::black_box(inside.clone()).len(), BYTES);
            std::hint::black_box(inside);
        });
        rows[1].time(1, || assert_eq!(bare.echo(&given).len(), BYTES));
        rows[2].time(1, || assert_eq!(echo.fork(given).join().expect("an echo does not fail").len(), BYTES));
        let given = numbers.clone();
        rows[3].time(1, || assert_eq!(floats.fork(given).join().expect("an echo does not fail").len(), BYTES / 4));
        let given = bytes.clone();
        rows[4].time(1, || {
            let back = module.fork("bytes", args![given]).and_then(Future::join);
            drop(back.expect("an echo does not fail"));
        });
    }
    let floor = rows[0].median();
    let ratios: Vec<f64> = rows[2..].iter().map(|row| row.median() / floor).collect();
    table.add(rows, "a list of 4 MiB into a component and out again", None);
    for (name, ratio) in ["Vec<u8>", "Vec<f32>", "dynamic"].into_iter().zip(ratios) {
        table.ratio(&format!("list, {name} / two copies"), ratio, "at most", 1.5);
    }
    Ok(())
}
