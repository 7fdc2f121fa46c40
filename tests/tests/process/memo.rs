//! The memory of results: processes that are killed, that share a directory, that were forked; and how much memory it takes.

use purefork::{Executor, Limits, Memo, Value, args};
use purefork_tests::{built, in_forked_child, in_own_process, loaded, test_of};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Gives a list as long as its argument, each byte of which is the same.
const BYTES: &str = r#"(component
    (core module $m (memory (export "memory") 1)
        (func (export "bytes") (param $n i32) (param $byte i32) (result i32)
            (drop (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $n) (i32.const 16)))))
            (memory.fill (i32.const 16) (local.get $byte) (local.get $n))
            (i32.store (i32.const 0) (i32.const 16))
            (i32.store (i32.const 4) (local.get $n))
            (i32.const 0)))
    (core instance $i (instantiate $m))
    (func (export "bytes") (param "n" u32) (param "byte" u8) (result (list u8))
        (canon lift (core func $i "bytes") (memory $i "memory"))))"#;

/// The length of a list.
const LENGTH: &str = r#"(component
    (core module $m (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (drop (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get 3) (i32.const 16)))))
            (i32.const 1024))
        (func (export "length") (param i32 i32) (result i32) (local.get 1)))
    (core instance $i (instantiate $m))
    (func (export "length") (param "list" (list u8)) (result u32)
        (canon lift (core func $i "length") (memory $i "memory") (realloc (func $i "realloc")))))"#;

const DIR: &str = "PUREFORK_TESTS_MEMO";

fn dir(test: &str) -> PathBuf {
    let dir = env::temp_dir().join(format!("purefork-process-memo-{test}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    dir
}

/// The bytes of a list that `BYTES` gives, and whether they are what they have to be.
fn check(exec: &Executor, size: u32, byte: u8) -> u64 {
    let bytes = loaded(exec, BYTES);
    let future = bytes.fork("bytes", args![size, byte]).unwrap();
    assert_eq!(future.wait().unwrap(), Value::from(vec![byte; size as usize]));
    future.usage().unwrap().memo_hits
}

fn files(dir: &Path) -> usize {
    let list = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|found| found.path());
    list(&dir.join("memo-v1")).filter(|path| path.is_dir()).flat_map(|path| list(&path).collect::<Vec<_>>()).count()
}

/// Writes results until it is killed.
fn writer(dir: &Path) -> ! {
    let memo = Memo::dir(dir).unwrap();
    let exec = built(Executor::builder().serial().memo(memo.clone()));
    for round in 0u32.. {
        check(&exec, 1 + round * 7919 % 30_000, round as u8);
        memo.flush();
    }
    unreachable!("somebody kills it before")
}

#[test]
fn processes_that_are_killed_while_they_write_leave_nothing_half_way() {
    if let Some(dir) = env::var_os(DIR) {
        writer(Path::new(&dir));
    }
    let dir = dir("killed");
    fs::create_dir_all(&dir).unwrap();
    let name = test_of(&|| ());
    for round in 0..3u64 {
        let start = || {
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", &name, "--nocapture"]).env(DIR, &dir);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        // Two that share the directory.
        let mut writers = [start(), start()];
        let before = files(&dir);
        while files(&dir) < before + 6 {
            std::thread::yield_now();
        }
        // At some point of what they do.
        (0..1000 * round).for_each(|_| std::thread::yield_now());
        for writer in &mut writers {
            writer.kill().unwrap();
            writer.wait().unwrap();
        }
    }
    let memo = Memo::dir(&dir).unwrap();
    let exec = built(Executor::builder().serial().memo(memo.clone()));
    let hits: u64 = (0..40u32).map(|round| check(&exec, 1 + round * 7919 % 30_000, round as u8)).sum();
    assert!(hits >= 10, "{hits} were kept");
    // What it has computed itself is written by a thread of its own.
    memo.flush();
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn an_argument_of_a_hundred_megabytes_is_a_key_and_is_not_kept() {
    in_own_process(|| {
        let dir = dir("large");
        let memo = Memo::dir(&dir).unwrap();
        let limits = Limits::default().memory(256 << 20);
        let exec = built(Executor::builder().serial().limits(limits).memo(memo.clone()));
        let length = loaded(&exec, LENGTH);
        let size = 100 << 20;
        for round in 0..4u8 {
            let list = Value::from(vec![round % 2; size]);
            let future = length.fork("length", args![list]).unwrap();
            assert_eq!(future.wait().unwrap(), Value::U32(size as u32));
            assert_eq!(future.usage().unwrap().memo_hits, u64::from(round / 2));
        }
        memo.flush();
        assert_eq!(files(&dir), 2);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let held =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse::<u64>().ok());
        // In KiB: none of the lists is left.
        assert!(held.is_none_or(|kib| kib < 300 << 10), "{held:?} KiB");
        fs::remove_dir_all(dir).unwrap();
    });
}

#[test]
fn a_memory_of_results_goes_on_in_a_forked_child() {
    in_own_process(|| {
        let dir = dir("forked");
        let memo = Memo::dir(&dir).unwrap();
        let exec = built(Executor::builder().threads(2).memo(memo.clone()));
        assert_eq!(check(&exec, 1000, 1), 0);
        memo.flush();
        in_forked_child(|| {
            // An executor of the child's own.
            let exec = built(Executor::builder().serial().memo(memo.clone()));
            assert_eq!(check(&exec, 1000, 1), 1);
            assert_eq!(check(&exec, 2000, 1), 0);
            assert_eq!(check(&exec, 2000, 1), 1);
            memo.flush();
        });
        assert_eq!(check(&exec, 1000, 1), 1);
        drop((exec, memo));
        fs::remove_dir_all(dir).unwrap();
    });
}
