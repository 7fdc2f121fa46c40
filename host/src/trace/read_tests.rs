//! Traces that nobody has recorded.

use super::format::{Called, MAGIC, tag};
use super::{Recorder, Trace};
use crate::error::ErrorKind;
use crate::limits::Limits;
use crate::value::Type;
use crate::value::bytes::{self, write_length};
use crate::wasi::Wasi;
use crate::{Executor, Value, args};
use sha2::{Digest as _, Sha256};

/// A fork of one i32, and its end.
fn call(task: usize, parent: usize, number: usize, to: &mut Vec<u8>) {
    to.extend([tag::FORK, 0]);
    for part in [task, parent, 0, number, 0] {
        write_length(part, to);
    }
    if parent == 0 {
        // In no file.
        to.extend([0, 0, 0]);
    }
    to.extend([1, 0]);
    bytes::encode(&Value::I32(task as i32), to);
    to.extend([tag::VALUE, 0]);
    write_length(task, to);
    to.push(0);
    bytes::encode(&Value::I32(7), to);
    to.push(0);
}

/// A file of these records, of `calls` calls.
fn file(calls: usize, records: &[u8]) -> Vec<u8> {
    let function = Called {
        module: "0".repeat(64),
        name: "f".to_owned(),
        param_names: vec!["n".to_owned()],
        params: vec![Type::I32],
        results: vec![Type::I32],
        limits: Limits::default(),
        wasi: Wasi::None,
        unknown_imports: crate::UnknownImports::Refuse,
        world: None,
    };
    let json = serde_json::to_string(&function).unwrap();
    let mut block = vec![0, 0, tag::FUNCTION, 0];
    write_length(json.len(), &mut block);
    block.extend(json.bytes());
    block.extend(records);
    let mut file = MAGIC.to_vec();
    file.extend((block.len() as u32).to_le_bytes());
    file.extend(block);
    let mut end = vec![0, 0, tag::END];
    write_length(calls, &mut end);
    write_length(calls, &mut end);
    end.extend(Sha256::digest(&file));
    file.extend((end.len() as u32).to_le_bytes());
    file.extend(end);
    file
}

fn of(calls: &[(usize, usize, usize)]) -> Vec<u8> {
    let mut records = Vec::new();
    for (task, parent, number) in calls {
        call(*task, *parent, *number, &mut records);
    }
    file(calls.len(), &records)
}

fn refused(bytes: &[u8]) -> String {
    let error = Trace::read(bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.help().is_some());
    error.message().to_owned()
}

fn recorded() -> Vec<u8> {
    let exec = Executor::builder().serial().build().unwrap();
    let module = exec.load_bytes(r#"(module (func (export "f") (param $n i32) (result i32) (local.get $n)))"#).unwrap();
    let recorder = Recorder::to_memory();
    drop(module.record("f", args![7], &recorder).unwrap());
    recorder.finish().unwrap()
}

#[test]
fn calls_in_a_circle_are_refused() {
    assert_eq!(
        refused(&of(&[(1, 0, 0), (2, 3, 1), (3, 2, 1)])),
        "the trace contradicts itself: calls forked each other in a circle"
    );
    assert_eq!(
        refused(&of(&[(1, 0, 0), (2, 2, 1)])),
        "the trace contradicts itself: calls forked each other in a circle"
    );
}

#[test]
fn a_call_of_nobody_is_refused() {
    let message = "the trace contradicts itself: a call was forked by one that is not there";
    assert_eq!(refused(&of(&[(1, 0, 0), (2, 9, 1)])), message);
}

#[test]
fn two_forks_of_one_number_are_refused() {
    let message = "the trace contradicts itself: two forks of one call have one number";
    assert_eq!(refused(&of(&[(1, 0, 0), (2, 1, 1), (3, 1, 1)])), message);
}

#[test]
fn a_fork_that_is_told_twice_is_refused() {
    let message = refused(&of(&[(1, 0, 0), (1, 0, 0)]));
    assert!(message.ends_with("what happens to a call once has happened twice"), "{message}");
}

/// All that is done with a trace goes through it, and not down in it.
#[test]
fn a_chain_of_a_million_calls_is_read_printed_measured_and_drawn() {
    const CALLS: usize = 1_000_000;
    let mut records = Vec::new();
    for task in 1..=CALLS {
        call(task, task - 1, usize::from(task > 1), &mut records);
    }
    let trace = Trace::read(&file(CALLS, &records)).unwrap();
    assert_eq!(trace.tasks.len(), CALLS);
    assert_eq!(trace.tasks[CALLS - 1].parent, Some(CALLS - 2));
    let graph = trace.graph();
    assert_eq!(graph.bodies.len(), CALLS);
    assert!(graph.to_string().lines().count() > 3 * CALLS);
    assert!(graph.inline().to_string().lines().count() >= 2 * CALLS);
    assert!(trace.summary().to_string().contains("999,999"));
    assert!(trace.receipt(0).is_some());
    assert!(trace.receipt(CALLS - 1).is_some());
    assert_eq!(trace.difference(&trace), None);
}

/// Wherever it ends.
#[test]
fn a_trace_that_was_cut_short_is_refused() {
    let whole = recorded();
    assert!(Trace::read(&whole).is_ok());
    for length in 0..whole.len() {
        let message = refused(&whole[..length]);
        assert!(
            message.starts_with("the trace was cut short") || message.starts_with("expected a trace"),
            "{length}: {message}"
        );
    }
    let longer = [&whole[..], b"\x01\0\0\0\0"].concat();
    assert!(refused(&longer).ends_with("there is more behind the end"));
}

/// Whichever byte it is, and whatever it becomes.
#[test]
fn a_trace_that_was_changed_is_refused() {
    let whole = recorded();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            refused(&changed);
        }
    }
}

#[test]
fn a_trace_of_a_newer_version_is_refused() {
    assert_eq!(refused(b"purefork trace 2\n..."), "expected a trace of version 1, but was given one of version 2");
    assert_eq!(refused(b"purefork trace x\n"), "expected a trace of version 1, but its version is no number");
    assert_eq!(
        refused(b"\0asm\x01\0\0\0"),
        "expected a trace, which begins with `purefork trace`, but was given something else"
    );
}
