//! WASI 0.2: components that ask as they should, and those that invent handles, lists and types.

use super::*;
use expect_test::expect;
use purefork::{Args, ErrorKind, Executor, args};
use purefork_tests::{error, loaded};

/// A component that hands what it is given to functions of WASI. `fork` is what it imports beside.
fn component(fork: &str) -> String {
    format!(
        r#"(component {fork}
    (import "wasi:io/error@0.2.3" (instance $error (export "error" (type (sub resource)))))
    (alias export $error "error" (type $err))
    (import "wasi:io/poll@0.2.3" (instance $poll
        (export "pollable" (type $p (sub resource)))
        (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:io/streams@0.2.3" (instance $streams
        (alias outer 1 $err (type $e0)) (export "error" (type $e (eq $e0)))
        (export "output-stream" (type $o (sub resource)))
        (export "input-stream" (type $i (sub resource)))
        (type $se0 (variant (case "last-operation-failed" (own $e)) (case "closed")))
        (export "stream-error" (type $se (eq $se0)))
        (export "[method]output-stream.write" (func (param "self" (borrow $o)) (param "contents" (list u8)) (result (result (error $se)))))
        (export "[method]output-stream.write-zeroes" (func (param "self" (borrow $o)) (param "len" u64) (result (result (error $se)))))
        (export "[method]input-stream.read" (func (param "self" (borrow $i)) (param "len" u64) (result (result (list u8) (error $se)))))))
    (alias export $streams "output-stream" (type $out))
    (import "wasi:cli/stdout@0.2.3" (instance $stdout
        (alias outer 1 $out (type $o0)) (export "output-stream" (type $o (eq $o0)))
        (export "get-stdout" (func (result (own $o))))))
    (import "wasi:cli/environment@0.2.3" (instance $env
        (export "get-arguments" (func (result (list string))))))
    (import "wasi:random/random@0.2.3" (instance $random
        (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
    (import "wasi:sockets/tcp@0.2.3" (instance $tcp
        (export "start-anything" (func (param "n" u32)))))
    (core module $mem
        (memory (export "memory") 1)
        (global $at (mut i32) (i32.const 1024))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $to i32)
            (local.set $to (i32.and (i32.add (global.get $at) (i32.const 7)) (i32.const -8)))
            (global.set $at (i32.add (local.get $to) (local.get 3)))
            (local.get $to)))
    (core instance $mem (instantiate $mem))
    (alias core export $mem "memory" (core memory $memory))
    (alias core export $mem "realloc" (core func $realloc))
    (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $memory)))
    (core func $zeroes (canon lower (func $streams "[method]output-stream.write-zeroes") (memory $memory)))
    (core func $read (canon lower (func $streams "[method]input-stream.read") (memory $memory) (realloc $realloc)))
    (core func $stdout (canon lower (func $stdout "get-stdout")))
    (core func $args (canon lower (func $env "get-arguments") (memory $memory) (realloc $realloc)))
    (core func $bytes (canon lower (func $random "get-random-bytes") (memory $memory) (realloc $realloc)))
    (core func $poll (canon lower (func $poll "poll") (memory $memory) (realloc $realloc)))
    (core func $tcp (canon lower (func $tcp "start-anything")))
    (core func $drop (canon resource.drop $out))
    (core func $unpoll (canon resource.drop $pollable))
    (core module $main
        (import "w" "memory" (memory 1))
        (import "w" "write" (func $write (param i32 i32 i32 i32)))
        (import "w" "zeroes" (func $zeroes (param i32 i64 i32)))
        (import "w" "read" (func $read (param i32 i64 i32)))
        (import "w" "stdout" (func $stdout (result i32)))
        (import "w" "args" (func $args (param i32)))
        (import "w" "bytes" (func $bytes (param i64 i32)))
        (import "w" "poll" (func $poll (param i32 i32 i32)))
        (import "w" "tcp" (func $tcp (param i32)))
        (import "w" "drop" (func $drop (param i32)))
        (import "w" "unpoll" (func $unpoll (param i32)))
        (data (i32.const 0) "\04\00\00\00\04\00\00\00\04\00\00\00hello")
        (func (export "stdout") (result i32) (call $stdout))
        (func (export "write") (param i32 i32 i32 i32) (result i32)
            (call $write (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (i32.load8_u (local.get 3)))
        (func (export "zeroes") (param i32 i64) (result i32)
            (call $zeroes (local.get 0) (local.get 1) (i32.const 512)) (i32.load8_u (i32.const 512)))
        ;; The case, and the case of the error.
        (func (export "read") (param i32 i64) (result i32)
            (call $read (local.get 0) (local.get 1) (i32.const 512))
            (i32.or (i32.shl (i32.load8_u (i32.const 512)) (i32.const 16)) (i32.load8_u (i32.const 516))))
        (func (export "bytes") (param i64) (result i64)
            (call $bytes (local.get 0) (i32.const 512)) (i64.load (i32.load (i32.const 512))))
        (func (export "poll") (param i32 i32) (result i32)
            (call $poll (local.get 0) (local.get 1) (i32.const 512)) (i32.load (i32.const 516)))
        (func (export "tcp") (call $tcp (i32.const 1)))
        (func (export "drop") (param i32) (call $drop (local.get 0)) (call $drop (local.get 0)))
        (func (export "unpoll") (param i32) (call $unpoll (local.get 0)))
        ;; Writes the last argument, and succeeds if there is one beside the program's name.
        (func (export "run") (result i32)
            (call $args (i32.const 512))
            (call $write (i32.const 2)
                (i32.load (i32.sub (i32.add (i32.load (i32.const 512)) (i32.mul (i32.load (i32.const 516)) (i32.const 8))) (i32.const 8)))
                (i32.load (i32.sub (i32.add (i32.load (i32.const 512)) (i32.mul (i32.load (i32.const 516)) (i32.const 8))) (i32.const 4)))
                (i32.const 768))
            (i32.lt_u (i32.load (i32.const 516)) (i32.const 2))))
    (core instance $main (instantiate $main (with "w" (instance
        (export "memory" (memory $memory)) (export "write" (func $write)) (export "zeroes" (func $zeroes))
        (export "read" (func $read)) (export "stdout" (func $stdout)) (export "args" (func $args))
        (export "bytes" (func $bytes)) (export "poll" (func $poll)) (export "tcp" (func $tcp))
        (export "drop" (func $drop)) (export "unpoll" (func $unpoll))))))
    (func (export "stdout") (result u32) (canon lift (core func $main "stdout")))
    (func (export "write") (param "stream" u32) (param "at" u32) (param "len" u32) (param "to" u32) (result u32) (canon lift (core func $main "write")))
    (func (export "zeroes") (param "stream" u32) (param "len" u64) (result u32) (canon lift (core func $main "zeroes")))
    (func (export "read") (param "stream" u32) (param "len" u64) (result u32) (canon lift (core func $main "read")))
    (func (export "bytes") (param "len" u64) (result u64) (canon lift (core func $main "bytes")))
    (func (export "poll") (param "at" u32) (param "len" u32) (result u32) (canon lift (core func $main "poll")))
    (func (export "tcp") (canon lift (core func $main "tcp")))
    (func (export "drop") (param "stream" u32) (canon lift (core func $main "drop")))
    (func (export "unpoll") (param "pollable" u32) (canon lift (core func $main "unpoll")))
    (func $run (result (result)) (canon lift (core func $main "run")))
    (component $cli (import "r" (func $r (result (result)))) (export "run" (func $r)))
    (instance $cli (instantiate $cli (with "r" (func $run))))
    (export "wasi:cli/run@0.2.3" (instance $cli)))"#
    )
}

/// Makes any component one whose calls may be set aside.
const FORKS: &str = r#"(import "fork" (instance
    (export "stdout" (type $f (sub resource)))
    (export "[constructor]stdout" (func (result (own $f))))
    (export "[method]stdout.wait" (func (param "self" (borrow $f)) (result u32)))))"#;

/// Runs a test with a component that cannot fork, and with one that can.
fn each_component(limits: Limits, test: impl Fn(&Module)) {
    for fork in ["", FORKS] {
        each_frozen_with(limits.clone(), |exec| test(&loaded(exec, &component(fork))));
    }
}

/// What a function gives, and what it wrote to stdout; or the error.
fn ask(module: &Module, function: &str, args: Args) -> String {
    let future = module.fork(function, args).unwrap();
    match future.wait() {
        Ok(value) => {
            let stdout = future.output().unwrap_or_default().stdout;
            format!("{value} {:?}", String::from_utf8_lossy(&stdout))
        }
        Err(error) => format!("{}: {}", error.kind().name(), error.message()),
    }
}

#[test]
fn functions_answer_as_wasi_has_it() {
    each_component(limits(), |module| {
        for _ in 0..2 {
            assert_eq!(ask(module, "stdout", args![]), r#"2 """#);
            assert_eq!(ask(module, "write", args![2u32, 12u32, 5u32, 512u32]), r#"0 "hello""#);
            assert_eq!(ask(module, "zeroes", args![2u32, 3u64]), r#"0 "\0\0\0""#);
            // An end of the stream: the case `closed`.
            assert_eq!(ask(module, "read", args![1u32, 3u64]), r#"65537 """#);
            assert_eq!(ask(module, "poll", args![0u32, 3u32]), r#"3 """#);
            assert_eq!(ask(module, "bytes", args![8u64]), format!("{} \"\"", 0xe220_a839_7b1d_cdaf_u64));
            assert_eq!(ask(module, "drop", args![2u32]), r#"() """#);
            assert_eq!(ask(module, "unpoll", args![4u32]), r#"() """#);
        }
    });
}

#[test]
fn what_is_invented_traps() {
    each_component(limits(), |module| {
        for (function, given, trap) in [
            ("write", args![1u32, 0u32, 1u32, 512u32], "1 is no handle of WASI's `output-stream`"),
            ("write", args![0u32, 0u32, 1u32, 512u32], "0 is no handle of WASI's `output-stream`"),
            ("read", args![2u32, 1u64], "2 is no handle of WASI's `input-stream`"),
            ("drop", args![1u32], "1 is no handle of WASI's `output-stream`"),
            ("unpoll", args![5u32], "5 is no handle of WASI's `pollable`"),
            ("poll", args![0u32, 4u32], "1819043176 is no handle of WASI's `pollable`"),
            ("poll", args![0u32, 0u32], "the guest polls nothing, and would wait for ever"),
            ("poll", args![0u32, u32::MAX], "the guest gave WASI a list that lies beyond the end of its memory"),
            ("poll", args![2u32, 1u32], "the guest gave WASI a list at address 2, which is not a multiple of 4"),
            (
                "write",
                args![2u32, 65_536u32, 1u32, 512u32],
                "the guest gave WASI a list that lies beyond the end of its memory",
            ),
            (
                "write",
                args![2u32, u32::MAX, u32::MAX, 512u32],
                "the guest gave WASI a list that lies beyond the end of its memory",
            ),
            (
                "write",
                args![2u32, 0u32, 1u32, 65_536u32],
                "the guest wants a result at address 65536, beyond the end of its memory",
            ),
            (
                "tcp",
                args![],
                "the guest called `wasi:sockets/tcp@0.2.3#start-anything`, which has no answer where WASI is frozen",
            ),
        ] {
            let text = format!("{given:?}");
            assert_eq!(ask(module, function, given), format!("Trap: {trap}"), "{function} {text}");
        }
    });
}

#[test]
fn what_is_asked_for_is_bounded() {
    each_component(limits().output(1000), |module| {
        let written = "TooMuchOutput: the guest wrote more than 1000 bytes to stdout and stderr";
        assert_eq!(ask(module, "zeroes", args![2u32, u64::MAX]), written);
        assert_eq!(ask(module, "zeroes", args![2u32, 1001u64]), written);
        assert_eq!(
            ask(module, "bytes", args![u64::MAX]),
            "OutOfMemory: the guest asked for more random bytes than its limit on memory allows"
        );
        let beyond = ask(module, "bytes", args![1u64 << 20]);
        assert!(beyond.starts_with("Trap: "), "{beyond}");
    });
    each_component(limits().fuel(10_000), |module| {
        assert_eq!(ask(module, "bytes", args![1u64 << 20]), "OutOfFuel: `bytes` used up its fuel");
        assert_eq!(ask(module, "zeroes", args![2u32, 1u64 << 20]), "OutOfFuel: `zeroes` used up its fuel");
    });
}

#[test]
fn a_component_that_exports_run_is_a_program() {
    each_component(limits(), |module| {
        assert_eq!(run(module, &["a", "b"], b"").unwrap(), (0, b"b".to_vec(), vec![]));
        assert_eq!(run(module, &[], b"").unwrap(), (1, b"program".to_vec(), vec![]));
        let function = module.inspect();
        let function = function.function("run").unwrap();
        assert_eq!(
            function.to_string(),
            "wasi:cli/run@0.2.3#run(args: list<string>, stdin: list<u8>) -> record { status: u8, stdout: list<u8>, stderr: list<u8> }"
        );
    });
}

#[test]
fn an_import_of_another_type_is_refused() {
    for (wat, expected) in [
        (
            r#"(import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u32)))))"#,
            expect![[r#"
                Impure: the guest cannot be shown to be pure, for 1 reason
                  imports the function `wasi:random/random@0.2.0#get-random-u64` as `() -> u32`, and WASI has it as `() -> u64`; build the guest with WASI's own interfaces
            "#]],
        ),
        (
            r#"(import "wasi:io/poll@0.2.0" (instance (export "pollable" (type $p (sub resource)))
                (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result u32)))))"#,
            expect![[r#"
                Impure: the guest cannot be shown to be pure, for 1 reason
                  imports the function `wasi:io/poll@0.2.0#[method]pollable.ready` as `(borrow<pollable>) -> u32`, and WASI has it as `(borrow<pollable>) -> bool`; build the guest with WASI's own interfaces
            "#]],
        ),
        // Called like WASI's, and another.
        (
            r#"(import "wasi:cli/stdin@0.2.0" (instance (export "input-stream" (type $p (sub resource)))
                (export "get-stdin" (func (result (own $p))))))"#,
            expect![[r#"
                Impure: the guest cannot be shown to be pure, for 1 reason
                  imports the function `wasi:cli/stdin@0.2.0#get-stdin` as `() -> own<wasi:cli/stdin@0.2.0#input-stream>`, and WASI has it as `() -> own<input-stream>`; build the guest with WASI's own interfaces
            "#]],
        ),
        (
            r#"(import "wasi:random/random@0.3.0" (instance (export "get-random-u64" (func (result u64)))))"#,
            expect![[r#"
                Impure: the guest cannot be shown to be pure, for 1 reason
                  if it does not call them, `Builder::unknown_imports` (`--unknown-imports trap`) takes it: to call one is a trap then
                  imports the function `wasi:random/random@0.3.0#get-random-u64`: WASI's source of randomness, and a guest has none; pass a seed as an argument
            "#]],
        ),
        (
            r#"(import "wasi:random/random@0.2.0" (func (result u64)))"#,
            expect![[r#"
                Impure: the guest cannot be shown to be pure, for 1 reason
                  if it does not call them, `Builder::unknown_imports` (`--unknown-imports trap`) takes it: to call one is a trap then
                  imports the function `wasi:random/random@0.2.0`: WASI's source of randomness, and a guest has none; pass a seed as an argument
            "#]],
        ),
        (
            r#"(import "wasi:random/random@0.2.0" (instance (export "more" (instance (export "get-random-u64" (func (result u64)))))))"#,
            expect![[r#"
                Impure: the guest cannot be shown to be pure, for 1 reason
                  imports the interface `wasi:random/random@0.2.0#more`: WASI's source of randomness, and a guest has none; pass a seed as an argument
            "#]],
        ),
    ] {
        let error = error(Executor::builder().wasi(Wasi::Frozen).inspect(format!("(component {wat})")));
        expected.assert_eq(&format!("{}: {error}\n", error.kind().name()));
        assert_eq!(error.kind(), ErrorKind::Impure);
    }
}

#[test]
fn components_hand_streams_to_each_other() {
    // One lends its stdout to the other, which writes to it.
    let wat = r#"(component
        (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
        (alias export $error "error" (type $err))
        (import "wasi:io/streams@0.2.0" (instance $streams
            (alias outer 1 $err (type $e0)) (export "error" (type $e (eq $e0)))
            (export "output-stream" (type $o (sub resource)))
            (type $se0 (variant (case "last-operation-failed" (own $e)) (case "closed")))
            (export "stream-error" (type $se (eq $se0)))
            (export "[method]output-stream.write" (func (param "self" (borrow $o)) (param "contents" (list u8)) (result (result (error $se)))))))
        (alias export $streams "output-stream" (type $out))
        (component $inner
            (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
            (alias export $error "error" (type $err))
            (import "wasi:io/streams@0.2.0" (instance $streams
                (alias outer 1 $err (type $e0)) (export "error" (type $e (eq $e0)))
                (export "output-stream" (type $o (sub resource)))
                (type $se0 (variant (case "last-operation-failed" (own $e)) (case "closed")))
                (export "stream-error" (type $se (eq $se0)))
                (export "[method]output-stream.write" (func (param "self" (borrow $o)) (param "contents" (list u8)) (result (result (error $se)))))))
            (alias export $streams "output-stream" (type $out))
            (core module $mem (memory (export "memory") 1) (data (i32.const 0) "hello"))
            (core instance $mem (instantiate $mem))
            (alias core export $mem "memory" (core memory $memory))
            (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $memory)))
            (core func $drop (canon resource.drop $out))
            (core module $m
                (import "w" "write" (func $write (param i32 i32 i32 i32)))
                (import "w" "drop" (func $drop (param i32)))
                (func (export "hello") (param i32)
                    (call $write (local.get 0) (i32.const 0) (i32.const 5) (i32.const 64))
                    (call $drop (local.get 0))))
            (core instance $m (instantiate $m (with "w" (instance (export "write" (func $write)) (export "drop" (func $drop))))))
            (func (export "hello") (param "to" (borrow $out)) (canon lift (core func $m "hello"))))
        (instance $inner (instantiate $inner
            (with "wasi:io/error@0.2.0" (instance $error)) (with "wasi:io/streams@0.2.0" (instance $streams))))
        (component $outer
            (import "output-stream" (type $out (sub resource)))
            (import "hello" (func $hello (param "to" (borrow $out))))
            (core func $hello (canon lower (func $hello)))
            (core module $m (import "w" "hello" (func $hello (param i32)))
                (func (export "hello") (param i32) (call $hello (local.get 0))))
            (core instance $m (instantiate $m (with "w" (instance (export "hello" (func $hello))))))
            (func (export "hello") (param "stream" u32) (canon lift (core func $m "hello"))))
        (instance $outer (instantiate $outer
            (with "output-stream" (type $out)) (with "hello" (func $inner "hello"))))
        (export "hello" (func $outer "hello")))"#;
    each_frozen(|exec| {
        let module = loaded(exec, wat);
        assert_eq!(ask(&module, "hello", args![2u32]), r#"() "hello""#);
        assert_eq!(ask(&module, "hello", args![4u32]), "Trap: 4 is no handle of WASI's `output-stream`");
    });
}

#[test]
fn a_component_forks_a_program() {
    let parent = r#"(component
        (type $result (record (field "status" u8) (field "stdout" (list u8)) (field "stderr" (list u8))))
        (import "fork" (instance $fork
            (export "run" (type $f (sub resource)))
            (alias outer 1 $result (type $r0)) (export "result" (type $r (eq $r0)))
            (export "[constructor]run" (func (param "args" (list string)) (param "stdin" (list u8)) (result (own $f))))
            (export "[method]run.wait" (func (param "self" (borrow $f)) (result $r)))))
        (core module $mem
            (memory (export "memory") 1)
            (data (i32.const 64) "\50\00\00\00\04\00\00\00") (data (i32.const 80) "word")
            (global $at (mut i32) (i32.const 1024))
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $to i32)
                (local.set $to (i32.and (i32.add (global.get $at) (i32.const 7)) (i32.const -8)))
                (global.set $at (i32.add (local.get $to) (local.get 3)))
                (local.get $to)))
        (core instance $mem (instantiate $mem))
        (alias core export $mem "memory" (core memory $memory))
        (alias core export $mem "realloc" (core func $realloc))
        (core func $new (canon lower (func $fork "[constructor]run") (memory $memory) (realloc $realloc)))
        (core func $wait (canon lower (func $fork "[method]run.wait") (memory $memory) (realloc $realloc)))
        (core module $m
            (import "w" "memory" (memory 1))
            (import "w" "new" (func $new (param i32 i32 i32 i32) (result i32)))
            (import "w" "wait" (func $wait (param i32 i32)))
            ;; The status, and the first letter of what was written.
            (func (export "parent") (result i32)
                (call $wait (call $new (i32.const 64) (i32.const 1) (i32.const 0) (i32.const 0)) (i32.const 512))
                (i32.or (i32.shl (i32.load8_u (i32.const 512)) (i32.const 8)) (i32.load8_u (i32.load (i32.const 516))))))
        (core instance $m (instantiate $m (with "w" (instance
            (export "memory" (memory $memory)) (export "new" (func $new)) (export "wait" (func $wait))))))
        (func (export "parent") (result u32) (canon lift (core func $m "parent"))))"#;
    each_frozen(|exec| {
        let program = loaded(exec, &component(""));
        let parent = loaded(exec, parent).link("program", &program).unwrap();
        assert_eq!(ask(&parent, "parent", args![]), r#"119 """#);
    });
}

#[test]
fn wasi_is_not_called_while_room_is_made() {
    let wat = |fork: &str| {
        format!(
            r#"(component {fork}
        (import "wasi:random/random@0.2.0" (instance $random
            (export "get-random-u64" (func (result u64)))
            (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
        (core func $u64 (canon lower (func $random "get-random-u64")))
        (core module $mem
            (import "w" "u64" (func $u64 (result i64)))
            (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (drop (call $u64)) (i32.const 1024)))
        (core instance $mem (instantiate $mem (with "w" (instance (export "u64" (func $u64))))))
        (alias core export $mem "memory" (core memory $memory))
        (alias core export $mem "realloc" (core func $realloc))
        (core func $bytes (canon lower (func $random "get-random-bytes") (memory $memory) (realloc $realloc)))
        (core module $m
            (import "w" "bytes" (func $bytes (param i64 i32)))
            (func (export "bytes") (call $bytes (i64.const 8) (i32.const 512)))
            (func (export "take") (param i32 i32)))
        (core instance $m (instantiate $m (with "w" (instance (export "bytes" (func $bytes))))))
        (func (export "bytes") (canon lift (core func $m "bytes")))
        (func (export "take") (param "list" (list u8)) (canon lift (core func $m "take") (memory $memory) (realloc $realloc))))"#
        )
    };
    for fork in ["", FORKS] {
        each_frozen(|exec| {
            // Its own functions do not matter here.
            let fork = fork.replace("stdout", "bytes").replace("(result u32)", "");
            let module = loaded(exec, &wat(&fork));
            let trap =
                "Trap: the guest called WASI while it made room for values or freed them, which a component must not";
            assert_eq!(ask(&module, "bytes", args![]), trap);
            assert_eq!(ask(&module, "take", args![Value::from(vec![1u8])]), trap);
        });
    }
}
