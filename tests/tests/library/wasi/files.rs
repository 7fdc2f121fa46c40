//! Files and environment: what a world gives to a module, and what its calls make of it.

use super::*;
use expect_test::expect;
use purefork::trace::{Recorder, Trace};
use purefork::{ErrorKind, Memo, World, args};
use purefork_tests::{error, loaded};

/// `copy` copies `in` to `d/out`; `parent` forks it, and then opens what it has made, `d/out`, to be read.
const COPY: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "fork" "copy" (func $fork (result i32)))
    (import "wait" "copy" (func $wait (param i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "in")
    (data (i32.const 16) "d")
    (data (i32.const 32) "d/out")
    (data (i32.const 64) "\00\01\00\00\40\00\00\00")
    (func $open (param $at i32) (param $len i32) (param $how i32) (param $rights i64) (param $to i32) (result i32)
        (call $path_open (i32.const 3) (i32.const 0) (local.get $at) (local.get $len) (local.get $how)
            (local.get $rights) (i64.const 0) (i32.const 0) (local.get $to)))
    (func (export "copy") (result i32) (local $code i32)
        (local.set $code (call $open (i32.const 0) (i32.const 2) (i32.const 0) (i64.const 2) (i32.const 128)))
        (if (local.get $code) (then (return (local.get $code))))
        (drop (call $fd_read (i32.load (i32.const 128)) (i32.const 64) (i32.const 1) (i32.const 132)))
        (drop (call $mkdir (i32.const 3) (i32.const 16) (i32.const 1)))
        (local.set $code (call $open (i32.const 32) (i32.const 5) (i32.const 9) (i64.const 64) (i32.const 136)))
        (if (local.get $code) (then (return (local.get $code))))
        (i32.store (i32.const 68) (i32.load (i32.const 132)))
        (call $fd_write (i32.load (i32.const 136)) (i32.const 64) (i32.const 1) (i32.const 140)))
    ;; What it is before the child is waited for, and after.
    (func (export "parent") (result i32) (local $child i32) (local $before i32)
        (local.set $child (call $fork))
        (local.set $before (call $open (i32.const 32) (i32.const 5) (i32.const 0) (i64.const 2) (i32.const 128)))
        (drop (call $wait (local.get $child)))
        (i32.add (i32.mul (local.get $before) (i32.const 100))
            (call $open (i32.const 32) (i32.const 5) (i32.const 0) (i64.const 2) (i32.const 128)))))"#;

fn given(text: &str) -> World {
    World::new().file("in", text.as_bytes()).unwrap().writable()
}

/// The result of a call, and the files that it has made.
#[track_caller]
fn copied(module: &Module, function: &str) -> (String, Vec<(String, String)>) {
    let future = module.fork(function, args![]).unwrap();
    let result = future.wait().unwrap().to_string();
    let files = future.output().unwrap_or_default().files.into_iter();
    (result, files.map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect())
}

fn made(text: &str) -> Vec<(String, String)> {
    vec![("d/out".to_owned(), text.to_owned())]
}

#[test]
fn a_call_reads_what_it_is_given_and_what_it_makes_is_its_output() {
    each_frozen(|exec| {
        let plain = loaded(exec, COPY);
        let hello = plain.with_world(&given("hello")).unwrap();
        // Each call starts with what was given, and another module's calls with theirs.
        for _ in 0..2 {
            assert_eq!(copied(&hello, "copy"), ("0".to_owned(), made("hello")));
        }
        assert_eq!(copied(&hello.with_world(&given("bye")).unwrap(), "copy"), ("0".to_owned(), made("bye")));
        let read_only = World::new().file("in", *b"hello").unwrap();
        assert_eq!(copied(&plain.with_world(&read_only).unwrap(), "copy"), ("69".to_owned(), vec![]));
        assert_eq!(copied(&plain, "copy"), ("44".to_owned(), vec![]));
        assert_eq!(copied(&hello.with_world(&World::new()).unwrap(), "copy"), ("44".to_owned(), vec![]));
        assert_eq!(hello.digest(), plain.digest());
    });
}

#[test]
fn what_a_child_makes_is_there_once_it_is_waited_for() {
    each_frozen(|exec| {
        let module = loaded(exec, COPY).with_world(&given("hello")).unwrap();
        assert_eq!(copied(&module, "parent"), ("4400".to_owned(), made("hello")));
    });
}

#[test]
fn calls_in_place_are_given_it_too() {
    each_frozen(|exec| {
        let module = loaded(exec, COPY).with_world(&given("hello")).unwrap();
        let copy = module.function::<(), i32>("copy").unwrap();
        let results: Vec<i32> = copy.map((0..5).map(|_| ())).collect::<purefork::Result<_>>().unwrap();
        assert_eq!(results, vec![0; 5]);
    });
}

#[test]
fn what_is_made_is_bounded_with_what_is_printed() {
    // The directory and the file take 128 bytes each, and their paths.
    for (limit, fits) in [(2 + 6 + 256 + 5, true), (2 + 6 + 256 + 4, false), (100, false)] {
        each_frozen_with(limits().output(limit), |exec| {
            let module = loaded(exec, COPY).with_world(&given("hello")).unwrap();
            let result = module.fork("copy", args![]).unwrap().wait();
            if fits {
                return assert_eq!(result.unwrap(), Value::I32(0));
            }
            let error = error(result);
            assert_eq!(
                (error.kind(), error.message()),
                (
                    ErrorKind::TooMuchOutput,
                    format!("the guest wrote more than {limit} bytes to stdout, stderr and files").as_str()
                )
            );
        });
    }
}

#[test]
fn results_are_remembered_with_what_was_given() {
    for mode in modes() {
        let exec = built(mode.builder().wasi(Wasi::Frozen).memo(Memo::in_memory()));
        let plain = loaded(&exec, COPY);
        let call = |text: &str| {
            let future = plain.with_world(&given(text)).unwrap().fork("copy", args![]).unwrap();
            future.wait().unwrap();
            (future.output().unwrap().files[0].1.clone(), future.usage().unwrap().memo_hits)
        };
        assert_eq!(call("hello"), (b"hello".to_vec(), 0));
        assert_eq!(call("bye"), (b"bye".to_vec(), 0));
        assert_eq!(call("hello"), (b"hello".to_vec(), 1));
    }
}

#[test]
fn a_trace_holds_what_was_given_and_runs_again_without_it() {
    each_frozen(|exec| {
        let recorder = Recorder::to_memory();
        let plain = loaded(exec, COPY);
        for text in ["hello", "bye", "hello"] {
            let module = plain.with_world(&given(text)).unwrap();
            module.record("parent", args![], &recorder).unwrap().wait().unwrap();
        }
        let trace = Trace::read(&recorder.finish().unwrap()).unwrap();
        let worlds: Vec<_> = trace.tasks.iter().map(|task| trace.function(task).world.clone()).collect();
        let [hello, bye] = ["hello", "bye"].map(given);
        assert_eq!(worlds, [&hello, &hello, &bye, &bye, &hello, &hello].map(World::clone));
        let replayed = trace.replay().all().unwrap();
        assert_eq!((replayed.run, replayed.difference), (6, None));
        let [first, second, third] = [0, 2, 4].map(|task| trace.receipt(task).unwrap());
        assert_eq!(first, third);
        assert_ne!(first.configuration, second.configuration);
        let mut json = Vec::new();
        trace.write_json(&mut json).unwrap();
        let read = Trace::read_json(&json).unwrap();
        assert_eq!((read.functions, read.tasks), (trace.functions, trace.tasks));
    });
}

#[test]
fn a_world_is_for_guests_that_may_import_wasi() {
    let exec = built(Mode::Serial.builder());
    let module = loaded(&exec, r#"(module (func (export "one") (result i32) (i32.const 1)))"#);
    assert!(module.with_world(&World::new()).is_ok());
    let error = error(module.with_world(&given("")));
    expect![[r#"
        Invalid: a world is for guests that may import WASI, and the executor's may not
          build it with `Builder::wasi` (`--wasi frozen`)
    "#]]
    .assert_eq(&format!("{}: {error}\n", error.kind().name()));
}

/// A guest that does what it can with every function, on files that are there, cannot do anything to the host.
#[test]
fn directories_are_nested_as_deeply_as_is_paid_for() {
    // Makes directories in each other, and a file in each, until it is stopped.
    let wat = guest(
        &[
            ("path_create_directory", "(param i32 i32 i32) (result i32)"),
            ("path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)"),
            ("fd_close", "(param i32) (result i32)"),
        ],
        r#"(data (i32.const 0) "d")
        (func (export "nest") (local $fd i32)
            (local.set $fd (i32.const 3))
            (loop $next
                (if (call $path_create_directory (local.get $fd) (i32.const 0) (i32.const 1)) (then (unreachable)))
                (if (call $path_open (local.get $fd) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 2) (i64.const 0)
                    (i64.const 0) (i32.const 0) (i32.const 8)) (then (unreachable)))
                (if (i32.gt_u (local.get $fd) (i32.const 3)) (then (drop (call $fd_close (local.get $fd)))))
                (local.set $fd (i32.load (i32.const 8)))
                (br $next)))"#,
    );
    each_frozen_with(limits().output(1 << 20), |exec| {
        let module = loaded(exec, &wat).with_world(&World::new().writable()).unwrap();
        let error = error(module.fork("nest", args![]).unwrap().wait());
        assert_eq!(error.kind(), ErrorKind::TooMuchOutput, "{error}");
    });
}

/// The places of a file's size and links, the numbers of `whence`, and the size of a subscription are older.
#[test]
fn wasi_unstable_is_answered_as_it_was() {
    let wat = |module: &str| {
        format!(
            r#"(module
            (import "{module}" "path_open"
                (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "{module}" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
            (import "{module}" "fd_filestat_get" (func $stat (param i32 i32) (result i32)))
            (import "{module}" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "in")
            (func $open
                (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 0) (i64.const 2)
                    (i64.const 0) (i32.const 0) (i32.const 8)) (then (unreachable))))
            ;; From each whence, by 1, one after the other.
            (func (export "seek") (result i64 i64 i64)
                (call $open)
                (if (call $fd_seek (i32.const 4) (i64.const 1) (i32.const 0) (i32.const 16)) (then (unreachable)))
                (if (call $fd_seek (i32.const 4) (i64.const 1) (i32.const 1) (i32.const 24)) (then (unreachable)))
                (if (call $fd_seek (i32.const 4) (i64.const 1) (i32.const 2) (i32.const 32)) (then (unreachable)))
                (i64.load (i32.const 16)) (i64.load (i32.const 24)) (i64.load (i32.const 32)))
            (func (export "stat") (result i32 i64 i64 i64)
                (call $open)
                (i64.store (i32.const 152) (i64.const -1))
                (i64.store (i32.const 160) (i64.const -1))
                (if (call $stat (i32.const 4) (i32.const 96)) (then (unreachable)))
                (i32.load (i32.const 116)) (i64.load (i32.const 120)) (i64.load (i32.const 128)) (i64.load (i32.const 152)))
            ;; A clock, and stdin in the place of the second subscription.
            (func (export "poll") (param $size i32) (result i32 i64)
                (i64.store (i32.const 256) (i64.const 7))
                (i64.store (i32.add (i32.const 256) (local.get $size)) (i64.const 8))
                (i32.store8 (i32.add (i32.const 264) (local.get $size)) (i32.const 1))
                (if (call $poll (i32.const 256) (i32.const 512) (i32.const 2) (i32.const 768)) (then (unreachable)))
                (i32.load (i32.const 768)) (i64.load (i32.const 512))))"#
        )
    };
    each_frozen(|exec| {
        for (module, seek, stat, poll, size) in [
            ("wasi_snapshot_preview1", "(1, 2, 6)", "(0, 1, 5, 1000000000)", "(1, 8)", 48),
            ("wasi_unstable", "(1, 6, 1)", "(1, 5, 1000000000, -1)", "(1, 8)", 56),
        ] {
            let module = loaded(exec, &wat(module)).with_world(&given("hello")).unwrap();
            let call = |function: &str, args| module.fork(function, args).unwrap().wait().unwrap().to_string();
            assert_eq!(call("seek", args![]), seek);
            assert_eq!(call("stat", args![]), stat);
            assert_eq!(call("poll", args![size]), poll);
        }
    });
}

/// Emscripten's modules for JavaScript without `BigInt`: the same function with each 64-bit integer in two.
#[test]
fn integers_of_64_bits_are_taken_in_two_halves_as_well() {
    let wat = |whence: &str| {
        format!(
            r#"(module
            (import "wasi_snapshot_preview1" "path_open"
                (func $path_open (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "in")
            (func (export "sought") (param $low i32) (param $high i32) (result i64)
                (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 0)
                        (i32.const 6) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128))
                    (then (return (i64.const -1))))
                (if (call $fd_seek (i32.load (i32.const 128)) (local.get $low) (local.get $high) (i32.const {whence}) (i32.const 136))
                    (then (return (i64.const -2))))
                (i64.load (i32.const 136))))"#
        )
    };
    each_frozen(|exec| {
        let sought = |whence: &str, low: i32, high: i32| {
            let module = loaded(exec, &wat(whence)).with_world(&given("hello")).unwrap();
            module.fork("sought", args![low, high]).unwrap().wait().unwrap().to_string()
        };
        assert_eq!(sought("0", 3, 0), "3");
        assert_eq!(sought("0", -1, 1), "8589934591");
        assert_eq!(sought("2", -2, -1), "3");
        assert_eq!(sought("0", -2, -1), "-2");
    });
}
