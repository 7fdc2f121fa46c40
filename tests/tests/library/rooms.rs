//! The order of the rooms in `host/src`, read from the `use` lines.

use purefork_tests::sources::{root, sources};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The rooms and their ranks, as in ARCHITECTURE.md.
const RANKS: &[(u32, &[&str])] = &[
    (0, &["error", "escape", "ir", "isolation", "limits", "process", "value", "event", "wasi"]),
    (1, &["audit", "instrument", "nearest"]),
    (2, &["abi", "engine", "sched", "snapshot"]),
    (3, &["future", "backend"]),
    (4, &["sandbox"]),
    (5, &["fork"]),
    (6, &["args", "deferred", "inspect", "module", "module_service", "function"]),
    (7, &["executor"]),
];

/// Rooms of one rank, or of a higher one, that a room may know all the same.
const ALLOWED: &[(&str, &str)] = &[
    ("event", "error"),
    ("value", "error"),
    ("ir", "value"),
    ("nearest", "audit"),
    ("instrument", "audit"),
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

#[test]
fn a_room_knows_only_rooms_of_lower_ranks() {
    let ranks: BTreeMap<&str, u32> =
        RANKS.iter().flat_map(|(rank, rooms)| rooms.iter().map(|room| (*room, *rank))).collect();
    let mut wrong = Vec::new();
    for file in sources(&root().join("host/src")) {
        let Some(room) = room_of(&file) else { continue };
        let Some(&rank) = ranks.get(room.as_str()) else {
            wrong.push(format!("{}: `{room}` is no room of ARCHITECTURE.md", file.display()));
            continue;
        };
        for known in mentioned(&fs::read_to_string(&file).expect("a source file is readable")) {
            let lower = ranks.get(known.as_str()).is_some_and(|&other| other < rank);
            let allowed = known == room || ALLOWED.contains(&(room.as_str(), known.as_str()));
            if ranks.contains_key(known.as_str()) && !lower && !allowed {
                wrong.push(format!("{}: `{room}` must not know `{known}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How `unsafe` code begins; put together here, so that this file has none.
const UNSAFE: [&str; 3] = [concat!("unsafe", " {"), concat!("unsafe", " fn"), concat!("unsafe", " impl")];

#[test]
fn unsafe_code_stands_in_ten_files() {
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
            "host/src/engine/compile.rs",
            "host/src/fork/claim.rs",
            "host/src/future/once.rs",
            "host/src/instrument/mod.rs",
            "host/src/process.rs",
            "host/src/sandbox/enter.rs",
            "host/src/sandbox/warm.rs",
            "tests/src/forked.rs"
        ]
    );
}

/// The rooms that a file mentions as `crate::room`, and those in `crate::{a, b}`.
fn mentioned(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

fn room_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(root().join("host/src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    let room = first.strip_suffix(".rs").unwrap_or(first);
    (room != "lib").then(|| room.to_owned())
}
