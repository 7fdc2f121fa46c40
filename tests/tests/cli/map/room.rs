//! A directory for one test's files.

use crate::support::{content, purefork, words, written_down};
use expect_test::Expect;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A directory with the guests that rows are mapped by, and a test's own files.
pub(super) struct Room(PathBuf);

impl Room {
    pub(super) fn new(name: &str, files: &[(&str, &[u8])]) -> Room {
        let room = Path::new(env!("CARGO_TARGET_TMPDIR")).join("map").join(name);
        let _ = fs::remove_dir_all(&room);
        fs::create_dir_all(&room).expect("the target directory is writable");
        let guests = ["rows.wat", "shapes.wat"].map(|guest| (guest, content(guest)));
        let guests = guests.iter().map(|(name, bytes)| (*name, &bytes[..]));
        for (name, bytes) in guests.chain(files.iter().copied()) {
            fs::write(room.join(name), bytes).expect("the target directory is writable");
        }
        Room(room)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
            .into_owned()
    }

    /// The binary, in the directory.
    pub(super) fn command(&self, line: &str) -> Command {
        let mut command = purefork();
        command.current_dir(&self.0).arg("map").args(words(line));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `purefork map` with the words of each line, without a summary, and compares what it does.
    #[track_caller]
    pub(super) fn check(&self, lines: &[&str], expected: &Expect) {
        let transcripts = lines.iter().map(|line| {
            let output = self.command(line).arg("--quiet").output().expect("the binary runs");
            format!("$ purefork map {line}\n{}", written_down(output))
        });
        expected.assert_eq(&transcripts.collect::<Vec<_>>().join("\n"));
    }

    /// As [`check`](Room::check), with a file fed to standard input, and a summary.
    #[track_caller]
    pub(super) fn check_fed(&self, line: &str, file: &str, expected: &Expect) {
        let input = fs::File::open(self.path(file)).expect("the file is there");
        expected.assert_eq(&written_down(self.command(line).stdin(input).output().expect("the binary runs")));
    }

    /// What is in the directory, but for the guests.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("the directory is there");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("it is there").file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.ends_with(".wat"));
        names.sort();
        names
    }
}

/// Runs one after another, each with the outcome that it has to have; gives its stdout.
#[track_caller]
pub(super) fn out(mut command: Command) -> Vec<u8> {
    let output = command.output().expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
