//! The order of the rooms in `host/src` and within each of them, read from what files import.

use purefork_tests::imports::{circles, known};
use purefork_tests::sources::{root, sources};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The rooms and their ranks, as in ARCHITECTURE.md.
const RANKS: &[(u32, &[&str])] = &[
    (0, &["error", "escape", "imports", "ir", "isolation", "limits", "process", "value", "wasi"]),
    (1, &["audit", "event", "instrument", "merge", "nearest", "script"]),
    (2, &["abi", "engine", "sched", "snapshot"]),
    (3, &["future", "backend"]),
    (4, &["memo", "sandbox"]),
    (5, &["fork"]),
    (6, &["args", "deferred", "inspect", "module", "module_service", "function"]),
    (7, &["bulk", "executor"]),
    (8, &["trace"]),
];

/// Rooms of one rank, or of a higher one, that a room may know all the same.
const ALLOWED: &[(&str, &str)] = &[
    ("value", "error"),
    ("imports", "wasi"),
    ("wasi", "error"),
    ("wasi", "escape"),
    ("wasi", "value"),
    ("ir", "value"),
    ("value", "escape"),
    ("backend", "future"),
    // What the user holds forks with arguments, and tells what it is.
    ("deferred", "args"),
    ("inspect", "args"),
    ("module", "args"),
    ("module", "deferred"),
    ("module", "function"),
    ("module", "module_service"),
    ("module", "inspect"),
    ("function", "args"),
    ("function", "deferred"),
];

/// Circles of more than two files that there are still: none.
const CIRCLES: &[&[&str]] = &[];

#[test]
fn a_room_knows_only_rooms_of_lower_ranks() {
    let ranks: BTreeMap<&str, u32> =
        RANKS.iter().flat_map(|(rank, rooms)| rooms.iter().map(|room| (*room, *rank))).collect();
    let mut unused: BTreeSet<(&str, &str)> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    let known = known(&root().join("host/src"));
    for (file, others) in &known {
        let Some(room) = room_of(file) else { continue };
        let Some(rank) = ranks.get(room) else {
            wrong.push(format!("{file}: `{room}` is no room of ARCHITECTURE.md"));
            continue;
        };
        for other in others {
            let other_room = room_of(other).filter(|other| *other != room);
            let Some((other_room, other_rank)) = other_room.and_then(|room| ranks.get_key_value(room)) else {
                continue;
            };
            unused.remove(&(room, *other_room));
            if other_rank >= rank && !ALLOWED.contains(&(room, *other_room)) {
                wrong.push(format!("{file}: `{room}` must not know `{other_room}`, as of {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(unused, BTreeSet::new(), "allowed, and not needed");
}

#[test]
fn no_more_than_two_files_know_each_other_in_a_circle() {
    let found = circles(&known(&root().join("host/src")));
    let found: BTreeSet<Vec<&str>> = found.iter().map(|circle| circle.iter().map(String::as_str).collect()).collect();
    let listed: BTreeSet<Vec<&str>> = CIRCLES.iter().map(|circle| circle.to_vec()).collect();
    let more: Vec<_> = found.difference(&listed).filter(|circle| circle.len() > 2).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(
        more.is_empty() && gone.is_empty(),
        "circles that are not in `CIRCLES`: {more:#?}\nin it, and gone: {gone:#?}"
    );
}

/// How `unsafe` code begins; put together here, so that this file has none.
const UNSAFE: [&str; 3] = [concat!("unsafe", " {"), concat!("unsafe", " fn"), concat!("unsafe", " impl")];

#[test]
fn unsafe_code_stands_in_fifteen_files() {
    let with_unsafe: Vec<_> = ["guest", "host", "tests", "examples"]
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
        // What is meant not to compile.
        .filter(|file| !file.ends_with("guest/tests/ui/functions.rs"))
        .filter(|file| {
            let text = fs::read_to_string(file).expect("a source file is readable");
            text.lines()
                .map(str::trim_start)
                .any(|line| !line.starts_with("//") && UNSAFE.iter().any(|code| line.contains(code)))
        })
        .map(|file| file.strip_prefix(root()).expect("it is below the root").display().to_string())
        .collect();
    assert_eq!(
        with_unsafe,
        [
            "guest/src/allocator.rs",
            "host/cli/src/inherited.rs",
            "host/python/src/capsules.rs",
            "host/python/src/interpreter.rs",
            "host/python/src/numbers.rs",
            "host/python/src/site.rs",
            "host/python/src/untracked.rs",
            "host/src/engine/compile.rs",
            "host/src/fork/claim.rs",
            "host/src/future/once.rs",
            "host/src/instrument/card_table.rs",
            "host/src/process.rs",
            "host/src/sandbox/call/enter.rs",
            "host/src/sandbox/reuse/prefault.rs",
            "tests/src/forked.rs"
        ]
    );
}

/// The room of a file; none of the crate's root.
fn room_of(file: &str) -> Option<&str> {
    let room = file.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    (room != "lib").then_some(room)
}
