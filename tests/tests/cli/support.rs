//! Finds the binary, lays out the files it is run on, and writes down what it does.

use expect_test::Expect;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
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

/// As [`check`], with something on standard input.
#[track_caller]
pub(crate) fn check_fed(line: &str, input: &[u8], expected: &Expect) {
    let mut command = purefork();
    command.args(words(line)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    // One that does not read it all closes the pipe.
    let _ = child.stdin.take().expect("it is piped").write_all(input);
    expected.assert_eq(&written_down(child.wait_with_output().expect("the binary runs")));
}

/// What is in a file of the directory of guests.
pub(crate) fn content(name: &str) -> Vec<u8> {
    std::fs::read(guests().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The binary, in the directory of guests, deaf to the terminal that the tests run in.
pub(crate) fn purefork() -> Command {
    let mut command = Command::new(binary());
    command.current_dir(guests()).env_remove("COLUMNS").stdin(Stdio::null());
    command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-cache"));
    command
}

fn transcript(words: &[String]) -> String {
    written_down(purefork().args(words).output().expect("the binary runs"))
}

pub(crate) fn written_down(output: Output) -> String {
    let mut text = String::from_utf8(output.stdout).expect("stdout is UTF-8");
    for line in String::from_utf8(output.stderr).expect("stderr is UTF-8").lines() {
        text.push_str(&format!("2> {line}\n"));
    }
    match output.status.code() {
        Some(code) => text + &format!("exit {code}\n"),
        None => text + &format!("{}\n", output.status),
    }
}

pub(crate) fn words(line: &str) -> Vec<String> {
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

/// The binary beside this test's own; built first, as no other package's tests have it built for them. With the features
/// that the whole workspace asks for: with others, wasmtime would be built again.
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
            .args(["build", "--quiet", "--workspace", "--bin", "purefork", "--profile", profile])
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
                if path.extension().is_some_and(|extension| extension == "wat" || extension == "wit") {
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
        put(&room, "text.txt", "grüß\n".as_bytes());
        put(&room, "latin1.txt", b"gr\xfc\xdf");
        put(&room, "point.json", b"{\"x\": 1, \"y\": 2}\n");
        put(&room, "point.wave", b"{\n  x: 1,\n  y: 2\n}\n");
        put(&room, "wrong.json", b"{\n  \"x\": 1,\n  \"y\": }\n");
        put(&room, "wrong.wave", b"{\n  x: 1,\n  y: z\n}\n");
        put(&room, "marked.json", b"\xef\xbb\xbf{\"x\": 1, \"y\": 2}");
        put(&room, "marked.wave", b"\xef\xbb\xbf{x: 1, y: 2}");
        put(&room, "marked.txt", b"\xef\xbb\xbfa");
        put(
            &room,
            "marked.wat",
            "\u{feff};; A mark.\n(module (func (export \"f\") (result i32) (i32.const 1)))".as_bytes(),
        );
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        put(&room, "utf16.json", &utf16("\u{feff}[1, 2]"));
        put(&room, "utf16.wat", &utf16("\u{feff}(module)"));
        put(&room, "f4.npy", &npy("<f4", "False", "(2,)", &[0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]));
        put(&room, "f4-big.npy", &npy(">f4", "False", "(2,)", &[0x3f, 0x80, 0, 0, 0x40, 0, 0, 0]));
        put(&room, "f8.npy", &npy("<f8", "False", "(1,)", &[0; 8]));
        put(&room, "u1.npy", &npy("|u1", "False", "(2, 3)", &[0, 1, 2, 3, 4, 5]));
        put(&room, "u1-line.npy", &npy("|u1", "False", "(3,)", &[7, 0, 255]));
        put(&room, "u1-columns.npy", &npy("|u1", "True", "(2, 3)", &[0, 3, 1, 4, 2, 5]));
        put(&room, "c8.npy", &npy("<c8", "False", "(1,)", &[0; 8]));
        put(&room, "short.npy", &npy("<f4", "False", "(3,)", &[0; 8]));
        std::fs::create_dir_all(room.join("out")).expect("the target directory is writable");
        room
    })
}

fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{header:<117}\n").bytes());
    file.extend(data);
    file
}

/// Written whole or not at all: other tests may be reading it.
fn put(room: &Path, name: &str, bytes: &[u8]) {
    let draft = room.join(format!("{name}.{}", std::process::id()));
    std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, room.join(name))).expect("a guest is written");
}
