//! `--memo`: results that are kept in a directory.

use crate::support::purefork;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A directory for one test.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Place {
        let place = std::env::temp_dir().join(format!("purefork-cli-memo-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        Place(place)
    }

    fn command(&self, words: &str) -> Command {
        let mut command = purefork();
        command.args(words.split(' ')).arg("--memo").arg(&self.0);
        command
    }

    /// stdout and stderr of a run.
    fn run(&self, words: &str) -> (String, String) {
        let output = self.command(words).output().expect("the binary runs");
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn entries(&self) -> Vec<PathBuf> {
        let list = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|found| found.path());
        list(&self.0.join("memo-v1"))
            .filter(|path| path.is_dir())
            .flat_map(|path| list(&path).collect::<Vec<_>>())
            .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn fine(stdout: &str) -> (String, String) {
    (format!("{stdout}\n"), String::new())
}

const MISS: &str = r#"{"value":5,"usage":{"forks":0,"fuel":4,"memo_hits":0,"memo_misses":1}}"#;
const HIT: &str = r#"{"value":5,"usage":{"forks":0,"fuel":0,"memo_hits":1,"memo_misses":0}}"#;

#[test]
fn the_second_run_of_a_call_runs_nothing_and_says_so() {
    let place = Place::new("second");
    assert_eq!(place.run("run add.wat add 2 3 --json"), fine(MISS));
    assert_eq!(place.run("run add.wat add 2 3 --json"), fine(HIT));
    assert_eq!(place.run("run add.wat add 2 3 --json --serial"), fine(HIT));
    assert_eq!(place.run("run add.wat add 2 3"), fine("5"));
    assert_eq!(place.run("run add.wat add 2 3 --json --fuel 1000"), fine(MISS));
    assert_eq!(place.run("run add.wat add 2 3 --json --heap 1MiB"), fine(MISS));
    assert_eq!(place.run("run add.wat add 3 2 --json"), fine(MISS));
    // Serial: on threads, a call runs again now and then rather than wait for one that may wait for it.
    let (first, _) = place.run("run fib.wat fib 90 --json --serial");
    assert!(first.starts_with(r#"{"value":2880067194370816120,"usage":{"forks":178,"#), "{first}");
    let known = r#"{"value":2880067194370816120,"usage":{"forks":0,"fuel":0,"memo_hits":1,"memo_misses":0}}"#;
    assert_eq!(place.run("run fib.wat fib 90 --json"), fine(known));
}

#[test]
fn a_failure_that_was_kept_is_told_as_it_was() {
    let place = Place::new("failure");
    let runs = [(); 2].map(|()| place.run("run add.wat div 7 0 --json"));
    let usage = r#","usage":{"forks":0,"fuel":0,"memo_hits":1,"memo_misses":0}}"#;
    let (out, err) = &runs[0];
    assert!(out.contains("integer divide by zero"), "{out}");
    assert_eq!(runs[1], (out.trim_end().strip_suffix('}').unwrap().to_owned() + usage + "\n", err.clone()));
}

#[test]
fn an_entry_that_was_tampered_with_is_not_believed() {
    let place = Place::new("tampered");
    assert_eq!(place.run("run add.wat add 2 3 --json"), fine(MISS));
    let [entry] = &place.entries()[..] else { panic!("{:?}", place.entries()) };
    let right = fs::read(entry).unwrap();
    // In the middle of the file, where the value is: 6 for 5.
    let mut changed = right.clone();
    let value = changed.iter().rposition(|byte| *byte == 5).unwrap();
    changed[value] = 6;
    fs::write(entry, changed).unwrap();
    assert_eq!(place.run("run add.wat add 2 3 --json"), fine(MISS));
    assert_eq!(fs::read(entry).unwrap(), right);
    assert_eq!(place.run("run add.wat add 2 3 --json"), fine(HIT));
}

#[test]
fn a_directory_that_cannot_be_used_is_told() {
    let place = Place::new("unusable");
    fs::write(&place.0, "").unwrap();
    let shown = place.0.display();
    let message = format!(
        "error: the memo `{shown}` cannot be used: `{shown}` is no directory\n  choose a directory that is yours alone, or do without a memo\n"
    );
    assert_eq!(place.run("run add.wat add 2 3"), (String::new(), message));
    fs::remove_file(&place.0).unwrap();
}

#[test]
fn a_disk_without_room_is_done_without() {
    let place = Place::new("full");
    // No file may have a byte: what the cache of machine code and the memory of results meet is what a full disk is to them.
    let script = "ulimit -f 0; exec \"$0\" \"$@\"";
    for _ in 0..2 {
        let purefork = place.command("run add.wat add 2 3 --json --no-cache");
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(purefork.get_program()).args(purefork.get_args());
        let dir = purefork.get_current_dir().unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let status = shell.current_dir(dir).stdin(Stdio::null()).stdout(writer).status();
        drop(shell);
        let mut out = String::new();
        std::io::Read::read_to_string(&mut reader, &mut out).unwrap();
        assert!(status.unwrap().success());
        assert_eq!(out, format!("{MISS}\n"));
        assert_eq!(place.entries(), Vec::<PathBuf>::new());
    }
}

#[test]
fn many_processes_use_one_directory() {
    let place = Place::new("many");
    let runs: Vec<_> = (0..12)
        .map(|number| {
            let mut command = place.command(&format!("run fib.wat fib {}", 20 + number % 3));
            command.stdout(Stdio::piped()).spawn().expect("the binary runs")
        })
        .collect();
    let given: Vec<_> = runs
        .into_iter()
        .map(|run| String::from_utf8(run.wait_with_output().expect("it ends").stdout).unwrap().trim().to_owned())
        .collect();
    assert_eq!(given, ["6765", "10946", "17711"].repeat(4));
    let known = r#"{"value":17711,"usage":{"forks":0,"fuel":0,"memo_hits":1,"memo_misses":0}}"#;
    assert_eq!(place.run("run fib.wat fib 22 --json"), fine(known));
}
