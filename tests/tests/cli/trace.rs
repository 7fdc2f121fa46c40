//! `trace`, `replay` and `verify`: what ran, run again.

use crate::support::{check, check_all, check_fed, content, purefork};
use expect_test::expect;

#[test]
fn trace_prints_the_graph() {
    check(
        "trace fib.wat fib 2",
        &expect![[r#"
        graph @fib(%n: i32 = 2) -> i64:                  # fuel 20
          %1: future<i64> = fork @fib.2(1)
          %2: future<i64> = fork @fib.3(0)
          %3: i64 = wait(%1)                             # 1
          %4: i64 = wait(%2)                             # 0
          return 1

        subgraph @fib.2(%n: i32 = 1) -> i64:             # fuel 7, forks nothing
          return 1

        subgraph @fib.3(%n: i32 = 0) -> i64:             # fuel 7, forks nothing
          return 0
        exit 0
    "#]],
    );
}

#[test]
fn trace_inlines() {
    check(
        "trace fib.wat fib 2 --inline",
        &expect![[r#"
        graph @fib(%n: i32 = 2) -> i64:                  # fuel 20
          %1: i64 = call @fib.2(1):
            return 1
          %2: i64 = call @fib.3(0):
            return 0
          return 1
        exit 0
    "#]],
    );
}

#[test]
fn trace_summarises() {
    check(
        "trace fib.wat fib 6 --summary",
        &expect![[r#"
        calls        25: 1 forked by the host, 24 by calls
        waits        25
        depth        5 forks below the host's
        ended        25 ok, 0 failed
        work         331 fuel
        span         70 fuel
        parallelism  4.73

        critical path, in the order of time
        fuel    share  times  function
          70  100.0 %     11  fib

        speed-up
        cores  at least (greedy bound)  simulated (greedy, oldest first)
            2                     1.65                              1.90
            4                     2.45                              3.25
            8                     3.23                              4.47
           16                     3.83                              4.73
           32                     4.24                              4.73
           64                     4.47                              4.73
          128                     4.59                              4.73
          256                     4.66                              4.73
          512                     4.69                              4.73
         1024                     4.71                              4.73

        functions, by the fuel that their calls used themselves
        fuel    share  calls  function
         331  100.0 %     25  fib
        exit 0
    "#]],
    );
}

#[test]
fn trace_of_a_call_that_fails_ends_with_its_error() {
    check_all(
        &["trace add.wat div 1 0", "trace add.wat div 1 0 --json", "trace add.wat div 1"],
        &expect![[r#"
            $ purefork trace add.wat div 1 0
            graph @div(%a: i32 = 1, %b: i32 = 0) -> (i32, i32): # forks nothing
              fail Trap: `div` trapped: integer divide by zero at `div` (offset 0x3d)
            2> error: `div` trapped: integer divide by zero
            2>   at `div` (offset 0x3d)
            exit 1

            $ purefork trace add.wat div 1 0 --json
            graph @div(%a: i32 = 1, %b: i32 = 0) -> (i32, i32): # forks nothing
              fail Trap: `div` trapped: integer divide by zero at `div` (offset 0x3d)
            2> error: `div` trapped: integer divide by zero
            2>   at `div` (offset 0x3d)
            exit 1

            $ purefork trace add.wat div 1
            2> error: expected `div(a: i32, b: i32) -> (i32, i32)`, but was not given `b`
            exit 2
        "#]],
    );
}

#[test]
fn a_trace_is_kept_shown_and_run_again() {
    check_all(
        &[
            "trace fib.wat fib 10 -o out/fib.trace",
            "replay out/fib.trace",
            "replay out/fib.trace --json",
            "replay out/fib.trace --node 3",
            "replay out/fib.trace --node 177",
            "trace out/fib.trace -o out/fib.json",
            "replay out/fib.json",
            "replay out/fib.json --module fib.wat",
            "replay out/fib.json --module add.wat",
            "trace out/fib.trace fib",
            "trace out/fib.trace --format folded --samples 3",
            "trace out/fib.trace --samples 3",
            "trace out/fib.trace -o out/other.trace",
        ],
        &expect![[r#"
            $ purefork trace fib.wat fib 10 -o out/fib.trace
            exit 0

            $ purefork replay out/fib.trace
            177 calls run again: all gave the same
            exit 0

            $ purefork replay out/fib.trace --json
            {"difference":null,"run":177,"skipped":0}
            exit 0

            $ purefork replay out/fib.trace --node 3
            13
            exit 0

            $ purefork replay out/fib.trace --node 177
            2> error: expected a node from 0 to 176, but was given 177
            exit 2

            $ purefork trace out/fib.trace -o out/fib.json
            exit 0

            $ purefork replay out/fib.json
            2> error: the trace does not hold the module d77d99dfa11331a050fba9a8e0e03c0a7976744d71c164d66b6a47f80f5cdcf0, of `fib`, and none was given
            2>   give the file of that digest (`--module FILE`)
            exit 2

            $ purefork replay out/fib.json --module fib.wat
            177 calls run again: all gave the same
            exit 0

            $ purefork replay out/fib.json --module add.wat
            2> error: the trace does not hold the module d77d99dfa11331a050fba9a8e0e03c0a7976744d71c164d66b6a47f80f5cdcf0, of `fib`, and given was d3fefd9da3503eaae1074a1d53ce4e2ad26370fa0142b342692bdc4b11c57914
            2>   give the file of that digest (`--module FILE`)
            exit 2

            $ purefork trace out/fib.trace fib
            2> error: `out/fib.trace` is a trace, in which no function is called
            2>   leave `fib` away, or give a module
            exit 2

            $ purefork trace out/fib.trace --format folded --samples 3
            fib;fib;fib;fib;fib 795
            fib;fib;fib;fib;fib;fib;fib 795
            fib;fib;fib;fib;fib;fib;fib;fib 795
            exit 0

            $ purefork trace out/fib.trace --samples 3
            2> error: `--samples` is for the format `folded`
            2>   leave it away, or add `--format folded`
            exit 2

            $ purefork trace out/fib.trace -o out/other.trace
            2> error: a trace is written as such only while the call runs
            2>   write it as `--format json`, which can be read as well
            exit 2
        "#]],
    );
}

#[test]
fn a_call_that_failed_fails_again_with_the_same_error() {
    check_all(
        &["trace add.wat div 1 0 -o out/div.trace", "replay out/div.trace", "replay out/div.trace --node 0"],
        &expect![[r#"
            $ purefork trace add.wat div 1 0 -o out/div.trace
            2> error: `div` trapped: integer divide by zero
            2>   at `div` (offset 0x3d)
            exit 1

            $ purefork replay out/div.trace
            1 call run again: it gave the same
            exit 0

            $ purefork replay out/div.trace --node 0
            2> error: `div` trapped: integer divide by zero
            2>   at `div` (offset 0x3d)
            exit 1
        "#]],
    );
}

/// With the digest put right, too, as one who knows the format would.
#[test]
fn what_was_changed_in_a_trace_is_named() {
    assert!(purefork().args(["trace", "fib.wat", "fib", "5", "-o", "out/changed.json"]).status().unwrap().success());
    let json = String::from_utf8(content("out/changed.json")).unwrap();
    let changed = json.replacen(r#""result":{"Ok":{"i64":2}}"#, r#""result":{"Ok":{"i64":3}}"#, 1);
    assert_ne!(changed, json);
    std::fs::write(purefork().get_current_dir().unwrap().join("out/changed.json"), changed).unwrap();
    check(
        "replay out/changed.json --module fib.wat",
        &expect![[r#"
        node 1, `fib`: the result was 3, and now is 4
        exit 1
    "#]],
    );
}

#[test]
fn what_is_no_trace_is_refused() {
    check_all(
        &["replay add.wat", "replay absent.trace", "replay one.wasm --node 0", "replay"],
        &expect![[r#"
            $ purefork replay add.wat
            2> error: `add.wat`: expected a trace, which begins with `purefork trace`, but was given something else
            2>   make one with `purefork trace MODULE FUNCTION -o FILE.trace`, or with `trace::Recorder`
            exit 2

            $ purefork replay absent.trace
            2> error: cannot read `absent.trace`: No such file or directory (os error 2)
            2>   expected the path of a trace, from `purefork trace MODULE FUNCTION -o FILE.trace`
            exit 2

            $ purefork replay one.wasm --node 0
            2> error: `one.wasm`: expected a trace, which begins with `purefork trace`, but was given something else
            2>   make one with `purefork trace MODULE FUNCTION -o FILE.trace`, or with `trace::Recorder`
            exit 2

            $ purefork replay
            2> error: expected the path of a trace
            2>   `purefork replay --help` shows what there is
            exit 2
        "#]],
    );
}

#[test]
fn a_trace_is_read_from_standard_input() {
    assert!(purefork().args(["trace", "fib.wat", "fib", "1", "-o", "out/fed.trace"]).status().unwrap().success());
    check_fed(
        "trace -",
        &content("out/fed.trace"),
        &expect![[r#"
        graph @fib(%n: i32 = 1) -> i64:                  # fuel 7, forks nothing
          return 1
        exit 0
    "#]],
    );
    check_fed(
        "replay - --json",
        &content("out/fed.trace"),
        &expect![[r#"
        {"difference":null,"run":1,"skipped":0}
        exit 0
    "#]],
    );
}

/// Numbers that nothing ever counted.
#[test]
fn an_error_that_was_made_up_is_shown() {
    let made = r#"{"purefork-trace":1,"functions":[{"module":"0","name":"f","params":[],"results":[],"limits":{},"wasi":"None"}],
        "tasks":[{"function":0,"parent":null,"number":4294967295,"site":null,"args":[],"forked":{"time":18446744073709551615,"worker":4294967295},
        "started":{"time":0,"worker":0},"pauses":[{"from":{"time":9,"worker":1},"to":{"time":3,"worker":2}}],"done":{"time":1,"worker":7},
        "cancelled":null,"steps":[],"fuel":18446744073709551615,"result":{"Err":{"kind":"Trap","message":"m","help":null,"reasons":[],
        "site":null,"backtrace":[],"chain":[{"function":"a","site":{"Guest":{"number":1}}},{"function":"b","site":{"Guest":{"number":1}}}],
        "omitted":18446744073709551615,"ends_tree":false}},"output":null}],"host":[{"kind":"fork","task":0,"fuel":0,"at":{"time":0,"worker":null}}]}"#;
    std::fs::write(purefork().get_current_dir().unwrap().join("out/made.json"), made).unwrap();
    for format in ["ir", "html", "json", "dot", "perfetto", "folded"] {
        let out = purefork().args(["trace", "out/made.json", "--format", format, "--summary"]).output().unwrap();
        assert!(out.status.success(), "{format}: {out:?}");
        let out = purefork().args(["trace", "out/made.json", "--format", format]).output().unwrap();
        assert!(out.status.success(), "{format}: {out:?}");
    }
    check(
        "replay out/made.json",
        &expect![[r#"
        2> error: the trace does not hold the module 0, of `f`, and none was given
        2>   give the file of that digest (`--module FILE`)
        exit 2
    "#]],
    );
}

#[test]
fn every_format_is_chosen_by_name_or_by_the_files_ending() {
    for (ending, format, start) in [
        ("html", "html", &b"<!doctype html>"[..]),
        ("json", "json", b"{\"purefork-trace\":1,"),
        ("dot", "dot", b"digraph"),
        ("pftrace", "perfetto", b"\x0a"),
        ("folded", "folded", b"fib"),
        ("trace", "trace", b"purefork trace 1\n"),
        ("txt", "ir", b"graph @fib"),
    ] {
        let file = format!("out/every.{ending}");
        assert!(purefork().args(["trace", "fib.wat", "fib", "3", "-o", &file]).status().unwrap().success());
        let out = purefork().args(["trace", "fib.wat", "fib", "3", "--format", format]).output().unwrap();
        assert!(out.status.success());
        for bytes in [content(&file), out.stdout] {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
            assert!(bytes.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase()), "{format}: {shown}");
        }
    }
}

#[test]
fn verify_prints_a_receipt() {
    check_all(
        &[
            "verify fib.wat fib 10",
            "verify fib.wat fib 10 --runs 2 --json",
            "verify add.wat div 1 0",
            "verify fib.wat fib 10 --serial",
            "verify fib.wat fib 10 --memo out/memo",
            "verify fib.wat fib 12 --tree-forks 20",
            "verify fib.wat fib",
        ],
        &expect![[r#"
            $ purefork verify fib.wat fib 10
            6 runs of 177 calls, all the same
            value          55
            receipt        33dddfdcd9d582479b74d2ce9b39f45ec2d82f163ef7c44952bc8b55ba2419e5
            module         d77d99dfa11331a050fba9a8e0e03c0a7976744d71c164d66b6a47f80f5cdcf0
            function       fib
            arguments      22c2c5ea9fc97f2201b4f786b9e6e8751a41efcdd59c805f139e2c34f9e6286d
            configuration  9d775ccc03bd34e4793f24834496ff07625bb1cf1e308038b1b1b0b3c353885c
            result         a30472a7df1b339de38c4a11213c1c945e7718217419d7df3cbda46e248a5cad
            forks          20f282d1dc70e506c837878a90eb3d24deb3a19a7f059c061ad49b47989c700c
            fuel           20
            exit 0

            $ purefork verify fib.wat fib 10 --runs 2 --json
            {"calls":177,"difference":null,"receipt":{"arguments":"22c2c5ea9fc97f2201b4f786b9e6e8751a41efcdd59c805f139e2c34f9e6286d","configuration":"9d775ccc03bd34e4793f24834496ff07625bb1cf1e308038b1b1b0b3c353885c","forks":"20f282d1dc70e506c837878a90eb3d24deb3a19a7f059c061ad49b47989c700c","fuel":20,"function":"fib","module":"d77d99dfa11331a050fba9a8e0e03c0a7976744d71c164d66b6a47f80f5cdcf0","receipt":"33dddfdcd9d582479b74d2ce9b39f45ec2d82f163ef7c44952bc8b55ba2419e5","result":"a30472a7df1b339de38c4a11213c1c945e7718217419d7df3cbda46e248a5cad"},"runs":12,"way":null}
            exit 0

            $ purefork verify add.wat div 1 0
            6 runs of 1 call, all the same
            error          `div` trapped: integer divide by zero
            receipt        325d6a06a281cca3b0d14ac0114e540766a653710f0420598e58f2325d8cdd6b
            module         d3fefd9da3503eaae1074a1d53ce4e2ad26370fa0142b342692bdc4b11c57914
            function       div
            arguments      03aaad323697a097cadf5c1748392cb15eac566f2a517d3c443fa8eb86f4c250
            configuration  9d775ccc03bd34e4793f24834496ff07625bb1cf1e308038b1b1b0b3c353885c
            result         71f12c41c1b1fe51c55597f3c99a4df77599d4ccb023d1eb2ac69e7473d23620
            forks          e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
            fuel           not known of a call that failed
            exit 0

            $ purefork verify fib.wat fib 10 --serial
            2> error: `verify` chooses threads and sandboxes itself: it tries all ways
            2>   leave `--threads`, `--serial` and `--isolation` away
            exit 2

            $ purefork verify fib.wat fib 10 --memo out/memo
            2> error: `verify` runs the call each time: a result that was kept would prove nothing
            2>   leave `--memo` away
            exit 2

            $ purefork verify fib.wat fib 12 --tree-forks 20
            2> error: run 1, serially, in recycled sandboxes, cannot be compared: the tree of calls forked more than 20 times
            2>   what ended it is no result of the function and its arguments, so that another run may end otherwise
            exit 1

            $ purefork verify fib.wat fib
            2> error: expected `fib(n: i32) -> i64`, but was not given `n`
            exit 2
        "#]],
    );
}
