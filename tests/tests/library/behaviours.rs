//! `tests/BEHAVIOURS.md` and the tests name each other: whoever reads a row finds the tests that hold it, and the other way round.

use purefork_tests::sources::{root, sources};
use std::collections::BTreeSet;
use std::fs;

/// Rows that hold otherwise than by a test here.
const WITHOUT_TESTS: &[&str] = &["the documentation of `Future`"];

/// A row's number, and a test as `file::name`.
type Held = (u32, String);

/// What the table says: all rows, and which test holds which.
fn table(text: &str) -> (BTreeSet<u32>, BTreeSet<Held>) {
    let (mut rows, mut held) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = line.trim_matches(['|', ' ']).split(" | ").collect();
        let [row, _, _, _, by] = cells[..] else { panic!("a row has five cells: {line}") };
        let row = row.parse().unwrap_or_else(|_| panic!("a row begins with its number: {line}"));
        assert!(rows.insert(row), "row {row} is there twice");
        if !WITHOUT_TESTS.contains(&by) {
            held.extend(by.split(", ").map(|test| (row, test.trim_matches('`').to_owned())));
        }
    }
    (rows, held)
}

/// The rows that a doc comment begins with: `Row 3: …`, `Rows 3 and 11 …`, `Rows 37 to 40 …`.
fn named(comment: &str, rows: &BTreeSet<u32>) -> Vec<u32> {
    let Some(rest) = comment.strip_prefix("Rows ").or_else(|| comment.strip_prefix("Row ")) else { return Vec::new() };
    let mut found: Vec<u32> = Vec::new();
    let mut range = false;
    for word in rest.split_inclusive([' ', ':', '.', ',']) {
        match word.trim_end_matches([' ', ':', '.', ',']) {
            "and" => {}
            "to" => range = true,
            number => {
                let Ok(number) = number.parse() else { break };
                let first = found.last().copied().filter(|_| range);
                found.extend(first.into_iter().flat_map(|first| rows.range(first + 1..number)));
                found.push(number);
                range = false;
            }
        }
        if word.ends_with([':', '.']) {
            break;
        }
    }
    found
}

/// The tests of a file, each with the rows of its doc comment; and the rows of all other doc comments.
fn tests(file: &str, text: &str, rows: &BTreeSet<u32>) -> (BTreeSet<Held>, Vec<u32>) {
    let (mut held, mut others) = (BTreeSet::new(), Vec::new());
    let (mut comment, mut is_test) = (Vec::new(), false);
    for line in text.lines().map(str::trim_start) {
        if let Some(words) = line.strip_prefix("/// ") {
            comment.extend(named(words, rows));
        } else if line == "#[test]" {
            is_test = true;
        } else if let Some(name) = line.strip_prefix("fn ").filter(|_| is_test) {
            let name = name.split('(').next().unwrap_or_default();
            held.extend(comment.drain(..).map(|row| (row, format!("{file}::{name}"))));
            is_test = false;
        } else {
            others.append(&mut comment);
        }
    }
    (held, others)
}

#[test]
fn the_table_of_behaviours_and_the_tests_name_each_other() {
    let text = fs::read_to_string(root().join("tests/BEHAVIOURS.md")).expect("the table is there");
    let (rows, in_table) = table(&text);
    let mut in_tests = BTreeSet::new();
    for path in sources(&root().join("tests/tests")).iter().filter(|path| !path.ends_with(file!())) {
        let file = path.file_stem().expect("a source file has a name").to_string_lossy();
        let text = fs::read_to_string(path).expect("a source file is readable");
        let (held, others) = tests(&file, &text, &rows);
        for row in held.iter().map(|(row, _)| row).chain(&others) {
            assert!(rows.contains(row), "{}: there is no row {row} in tests/BEHAVIOURS.md", path.display());
        }
        assert!(others.is_empty(), "{}: rows {others:?} are named by what is no test", path.display());
        in_tests.extend(held);
    }
    let only = |one: &BTreeSet<Held>, other: &BTreeSet<Held>| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!(only(&in_table, &in_tests), [], "in tests/BEHAVIOURS.md, without a test that names the row");
    assert_eq!(only(&in_tests, &in_table), [], "named by a test, but not in that row of tests/BEHAVIOURS.md");
}
