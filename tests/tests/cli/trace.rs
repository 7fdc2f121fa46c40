//! `trace`, `replay` and `verify`: what ran, run again.

use crate::support::{check, check_all, content, purefork};
use expect_test::expect;

#[test]
fn trace_prints_the_graph() {
    check("trace fib.wat fib 2", &expect![[r#""#]]);
}

#[test]
fn trace_inlines() {
    check("trace fib.wat fib 2 --inline", &expect![[r#""#]]);
}

#[test]
fn trace_summarises() {
    check("trace fib.wat fib 6 --summary", &expect![[r#""#]]);
}

#[test]
fn trace_of_a_call_that_fails_ends_with_its_error() {
    check_all(&["trace add.wat div 1 0", "trace add.wat div 1 0 --json", "trace add.wat div 1"], &expect![[r#""#]]);
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
            "trace out/fib.trace -o out/other.trace",
        ],
        &expect![[r#""#]],
    );
}

#[test]
fn a_call_that_failed_fails_again_with_the_same_error() {
    check_all(
        &["trace add.wat div 1 0 -o out/div.trace", "replay out/div.trace", "replay out/div.trace --node 0"],
        &expect![[r#""#]],
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
    check("replay out/changed.json --module fib.wat", &expect![[r#""#]]);
}

#[test]
fn what_is_no_trace_is_refused() {
    check_all(&["replay add.wat", "replay absent.trace", "replay one.wasm --node 0", "replay"], &expect![[r#""#]]);
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
            "verify fib.wat fib",
        ],
        &expect![[r#""#]],
    );
}
