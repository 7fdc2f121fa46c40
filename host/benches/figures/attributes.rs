//! A module with much state from the start: what forks of it cost in time and memory.

use crate::table::{Row, Table};
use crate::{ROUNDS, TRIPS};
use purefork::{Executor, Function, Isolation, Limits, Result, args};

const MIB: i32 = 256;
/// Sandboxes that read all of it, one inside the other.
const DEEP: i32 = 31;

/// `load` fills so many MiB; `read` reads a number, and writes one elsewhere; `deep` reads all, and forks itself.
fn guest(mib: i32) -> String {
    format!(
        r#"(module
        (import "fork" "deep" (func $fork (param i32) (result i32)))
        (import "wait" "deep" (func $wait (param i32) (result i64)))
        (memory {pages})
        (func (export "load") (param $mib i32) (local $at i32)
            (local.set $at (i32.shl (local.get $mib) (i32.const 20)))
            (loop $next
                (br_if 1 (i32.eqz (local.get $at)))
                (local.set $at (i32.sub (local.get $at) (i32.const 8)))
                (i64.store (local.get $at) (i64.mul (i64.extend_i32_u (local.get $at)) (i64.const 6364136223846793005)))
                (br $next)))
        (func (export "read") (param $at i32) (result i32)
            (i32.store (i32.const {scratch}) (local.get $at))
            (i32.load (local.get $at)))
        (func (export "deep") (param $n i32) (result i64) (local $at i32) (local $sum i64)
            (local.set $at (i32.shl (i32.const {mib}) (i32.const 20)))
            (loop $next
                (local.set $at (i32.sub (local.get $at) (i32.const 4096)))
                (local.set $sum (i64.xor (local.get $sum) (i64.load (local.get $at))))
                (br_if $next (local.get $at)))
            (i32.store (i32.const {scratch}) (local.get $n))
            (if (local.get $n)
                (then (local.set $sum
                    (i64.add (local.get $sum) (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1))))))))
            (local.get $sum)))"#,
        pages = mib * 16 + 1,
        scratch = (mib << 20) + 1024,
    )
}

pub(crate) fn attributes(table: &mut Table) -> Result<()> {
    if !table.wants("attributes") {
        return Ok(());
    }
    for (isolation, way) in [(Isolation::Recycled, "recycled"), (Isolation::Fresh, "fresh")] {
        let limits = Limits::default().memory(300 << 20).depth(64);
        let exec = Executor::builder().serial().limits(limits).isolation(isolation).build()?;
        let modules = [1, MIB].map(|mib| exec.load_bytes(guest(mib))?.preinit("load", args![mib]));
        let modules = modules.into_iter().collect::<Result<Vec<_>>>()?;
        let reads: Vec<Function<i32, i32>> =
            modules.iter().map(|module| module.function("read")).collect::<Result<_>>()?;
        let names = [format!("attributes, 1 MiB, {way}"), format!("attributes, {MIB} MiB, {way}")];
        let mut rows = Row::group(names);
        for _ in 0..ROUNDS {
            for (row, read) in rows.iter_mut().zip(&reads) {
                row.time(TRIPS, || {
                    for i in 0..TRIPS.cast_signed() {
                        read.fork(i % 1000 * 8).wait().expect("a read does not fail");
                    }
                });
            }
        }
        let more = rows[1].median() - rows[0].median();
        table.add(rows, "one fork and its wait, with attributes that are there from the start", None);
        table.ratio(&format!("attributes, {MIB} MiB - 1 MiB, {way}, in µs"), more, "at most", 0.1);

        let deep = modules[1].function::<i32, i64>("deep")?;
        deep.fork(0).wait()?;
        let before = proportional();
        deep.fork(DEEP).wait()?;
        let grown = (proportional() as f64 - before as f64) / f64::from(1 << 20) / f64::from(DEEP);
        table.ratio(
            &format!("attributes, {MIB} MiB, {way}: MiB for each sandbox that reads all"),
            grown,
            "at most",
            2.5,
        );
    }
    Ok(())
}

/// The process's share of resident memory in bytes: a page that is mapped n times counts once.
fn proportional() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let pss =
        rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse::<usize>().ok());
    pss.unwrap_or_default() << 10
}
