//! Finds the binary, lays out the files it is run on, and writes down what it does.

use expect_test::Expect;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Runs `purefork` with the words of `line` and compares: stdout as it is, stderr with `2> ` before each line, then the
/// exit code. Words are parted by spaces; single quotes keep spaces.
#[track_caller]
pub(crate) fn check(line: &str, expected: &Expect) {
    expected.assert_eq(&transcript(&words(line)));
}

/// As [`check`], for several lines: each is written above what it does.
#[track_caller]
pub(crate) fn check_all(lines: &[&str], expected: &Expect) {
    let transcripts =
        lines.iter().map(|line| format!("$ purefork {}\n{}", line.replace('\u{1b}', "␛"), transcript(&words(line))));
    expected.assert_eq(&transcripts.collect::<Vec<_>>().join("\n"));
}

/// The binary, in the directory of guests, deaf to the terminal that the tests run in.
pub(crate) fn purefork() -> Command {
    let mut command = Command::new(binary());
    command.current_dir(guests()).env_remove("COLUMNS").stdin(Stdio::null());
    command
}

fn transcript(words: &[String]) -> String {
    let output = purefork().args(words).output().expect("the binary runs");
    let mut text = String::from_utf8(output.stdout).expect("stdout is UTF-8");
    for line in String::from_utf8(output.stderr).expect("stderr is UTF-8").lines() {
        text.push_str(&format!("2> {line}\n"));
    }
    match output.status.code() {
        Some(code) => text + &format!("exit {code}\n"),
        None => text + &format!("{}\n", output.status),
    }
}

fn words(line: &str) -> Vec<String> {
    let mut words = vec![];
    for (i, part) in line.split('\'').enumerate() {
        if i % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split(' ').filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    words
}

/// The binary beside this test's own; built first, as no other package's tests have it built for them.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        let room = test.ancestors().nth(2).expect("a test lies in <target>/<profile>/deps");
        let profile = match room.file_name().and_then(|name| name.to_str()).expect("a profile has a name") {
            "debug" => "dev",
            other => other,
        };
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--package", "purefork-cli", "--profile", profile])
            .arg("--target-dir")
            .arg(room.parent().expect("a profile lies in a target directory"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "purefork-cli does not build");
        room.join(format!("purefork{}", std::env::consts::EXE_SUFFIX))
    })
}

/// A directory with the examples, the guests beside this file, and files that are none.
fn guests() -> &'static Path {
    static GUESTS: OnceLock<PathBuf> = OnceLock::new();
    GUESTS.get_or_init(|| {
        let room = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
        std::fs::create_dir_all(room.join("directory.wasm")).expect("the target directory is writable");
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in [tests.join("../examples"), tests.join("tests/cli/guests")] {
            for entry in std::fs::read_dir(folder).expect("the guests are there") {
                let path = entry.expect("the guests are there").path();
                if path.extension().is_some_and(|extension| extension == "wat") {
                    let name = path.file_name().and_then(|name| name.to_str()).expect("guests have plain names");
                    put(&room, name, &std::fs::read(&path).expect("a guest is readable"));
                }
            }
        }
        let add = wat::parse_str(r#"(module (func (export "one") (result i32) (i32.const 1)))"#).expect("it is right");
        put(&room, "one.wasm", &add);
        put(&room, "cut.wasm", &add[..add.len() - 3]);
        put(&room, "head.wasm", &add[..7]);
        put(&room, "empty.wasm", b"");
        put(&room, "elf.wasm", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
        put(&room, "text.wasm", b"add: a, b -> a + b\n");
        put(&room, "wrong.wat", b"(module\n  (func (export \"f\") (i32.add))\n");
        put(&room, "none.wat", b"(module)");
        room
    })
}

/// Written whole or not at all: other tests may be reading it.
fn put(room: &Path, name: &str, bytes: &[u8]) {
    let draft = room.join(format!("{name}.{}", std::process::id()));
    std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, room.join(name))).expect("a guest is written");
}
