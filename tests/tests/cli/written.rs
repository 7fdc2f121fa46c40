//! Results that are written to files, and those that are an `err`.

use crate::support::{check, check_all, content, purefork};
use expect_test::expect;
use std::path::Path;

#[test]
fn an_err_is_a_call_that_failed() {
    check_all(
        &[
            "run shapes.wat measure abc",
            "run shapes.wat measure abc --json",
            "run shapes.wat measure ''",
            "run shapes.wat measure '' --json",
            "run shapes.wat measure '' -o out/never.txt",
        ],
        &expect![[r#"
            $ purefork run shapes.wat measure abc
            ok(3)
            exit 0

            $ purefork run shapes.wat measure abc --json
            {"ok":3}
            exit 0

            $ purefork run shapes.wat measure ''
            err("it is empty")
            2> error: `measure` returned an error
            exit 1

            $ purefork run shapes.wat measure '' --json
            {"err":"it is empty"}
            2> error: `measure` returned an error
            exit 1

            $ purefork run shapes.wat measure '' -o out/never.txt
            err("it is empty")
            2> error: `measure` returned an error
            2>   `out/never.txt` was not written
            exit 1
        "#]],
    );
    assert!(!Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli/out/never.txt").exists());
}

#[test]
fn text_and_bytes_are_written_as_they_are() {
    check_all(
        &[
            "run shapes.wat text @text.txt -o out/text.txt",
            "run shapes.wat bytes @latin1.txt --output out/bytes.bin",
            "run shapes.wat text abc -o -",
        ],
        &expect![[r#"
            $ purefork run shapes.wat text @text.txt -o out/text.txt
            exit 0

            $ purefork run shapes.wat bytes @latin1.txt --output out/bytes.bin
            exit 0

            $ purefork run shapes.wat text abc -o -
            abcexit 0
        "#]],
    );
    assert_eq!(content("out/text.txt"), content("text.txt"));
    assert_eq!(content("out/bytes.bin"), content("latin1.txt"));
}

#[test]
fn arrays_are_written_for_numpy() {
    check_all(
        &[
            "run shapes.wat numbers @f4-big.npy -o out/f4.npy",
            "run -o out/u1.npy shapes.wat tint @u1-columns.npy",
            "run shapes.wat tint '{\"dimensions\": [1], \"ty\": \"bf16\", \"data\": [0, 0]}' -o out/bf16.npy",
            "run shapes.wat tint '{\"dimensions\": [3], \"ty\": \"fp16\", \"data\": [0, 0]}' -o out/odd.npy",
            "run shapes.wat text abc -o out/text.npy",
            "run shapes.wat move '{x: 1, y: 2}' -o out/move.npy",
        ],
        &expect![[r#"
            $ purefork run shapes.wat numbers @f4-big.npy -o out/f4.npy
            exit 0

            $ purefork run -o out/u1.npy shapes.wat tint @u1-columns.npy
            exit 0

            $ purefork run shapes.wat tint '{"dimensions": [1], "ty": "bf16", "data": [0, 0]}' -o out/bf16.npy
            2> error: `tint` gave a tensor of bf16, which numpy does not have
            2>   write to another file: .json, or any other for WAVE
            exit 2

            $ purefork run shapes.wat tint '{"dimensions": [3], "ty": "fp16", "data": [0, 0]}' -o out/odd.npy
            2> error: `tint` gave a tensor that has not as many bytes as its dimensions say
            exit 1

            $ purefork run shapes.wat text abc -o out/text.npy
            2> error: a .npy file holds a tensor or a list of numbers, but `text` gives string
            2>   write to another file: .json, or any other for WAVE
            exit 2

            $ purefork run shapes.wat move '{x: 1, y: 2}' -o out/move.npy
            2> error: a .npy file holds a tensor or a list of numbers, but `move` gives record { x: f64, y: f64 }
            2>   write to another file: .json, or any other for WAVE
            exit 2
        "#]],
    );
    assert_eq!(content("out/f4.npy"), content("f4.npy"));
    assert_eq!(content("out/u1.npy"), content("u1.npy"));
}

#[test]
fn a_list_of_bytes_is_an_array_by_name_and_by_its_first_bytes() {
    let room = room("bytes");
    std::fs::write(room.join("raw.npy"), b"\x01\x02").expect("it is ours");
    std::fs::copy(room.join("../u1-line.npy"), room.join("other")).expect("it is ours");
    check_all(
        &[
            "run shapes.wat bytes @u1-line.npy",
            "run shapes.wat bytes @bytes/other",
            "run shapes.wat bytes '[7, 0, 255]' -o bytes/out.NPY",
            "run shapes.wat bytes @bytes/out.NPY -o bytes/again",
            "run shapes.wat bytes @u1.npy",
            "run shapes.wat bytes @f4.npy",
            "run shapes.wat bytes @bytes/raw.npy",
        ],
        &expect![[r#"
            $ purefork run shapes.wat bytes @u1-line.npy
            [7, 0, 255]
            exit 0

            $ purefork run shapes.wat bytes @bytes/other
            [7, 0, 255]
            exit 0

            $ purefork run shapes.wat bytes '[7, 0, 255]' -o bytes/out.NPY
            exit 0

            $ purefork run shapes.wat bytes @bytes/out.NPY -o bytes/again
            exit 0

            $ purefork run shapes.wat bytes @u1.npy
            2> error: argument `data` of `bytes`: `u1.npy`: expected list<u8>, a one-dimensional array of dtype `u1`, but was given one of `u1` with shape [2, 3]
            exit 2

            $ purefork run shapes.wat bytes @f4.npy
            2> error: argument `data` of `bytes`: `f4.npy`: expected list<u8>, a one-dimensional array of dtype `u1`, but was given one of `f4` with shape [2]
            exit 2

            $ purefork run shapes.wat bytes @bytes/raw.npy
            2> error: argument `data` of `bytes`: `bytes/raw.npy`: the file is no .npy file
            exit 2
        "#]],
    );
    assert_eq!(content("bytes/out.NPY"), content("u1-line.npy"));
    assert_eq!(content("bytes/again"), [7, 0, 255]);
}

#[test]
fn a_file_called_json_holds_json() {
    check_all(
        &[
            "run shapes.wat text '{\"a\": 1}' -o out/text.json",
            "run shapes.wat bytes '[7, 0, 255]' -o out/bytes.json",
            "run shapes.wat numbers '[1]' -o out/numbers.json",
            "run shapes.wat numbers '[1]' --json -o out/numbers.npy",
            "run ops.wat trap --json -o out/never.npy",
        ],
        &expect![[r#"
            $ purefork run shapes.wat text '{"a": 1}' -o out/text.json
            exit 0

            $ purefork run shapes.wat bytes '[7, 0, 255]' -o out/bytes.json
            exit 0

            $ purefork run shapes.wat numbers '[1]' -o out/numbers.json
            exit 0

            $ purefork run shapes.wat numbers '[1]' --json -o out/numbers.npy
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"leave `--json` away, or write to a file that is called .json","kind":"Usage","message":"`--json` asks for JSON, and `out/numbers.npy` for an array of numpy's","omitted":0,"reasons":[]}}
            2> error: `--json` asks for JSON, and `out/numbers.npy` for an array of numpy's
            2>   leave `--json` away, or write to a file that is called .json
            exit 2

            $ purefork run ops.wat trap --json -o out/never.npy
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"leave `--json` away, or write to a file that is called .json","kind":"Usage","message":"`--json` asks for JSON, and `out/never.npy` for an array of numpy's","omitted":0,"reasons":[]}}
            2> error: `--json` asks for JSON, and `out/never.npy` for an array of numpy's
            2>   leave `--json` away, or write to a file that is called .json
            exit 2
        "#]],
    );
    for (name, text) in [("text", "\"{\\\"a\\\": 1}\"\n"), ("bytes", "[7,0,255]\n"), ("numbers", "[1.0]\n")] {
        assert_eq!(String::from_utf8_lossy(&content(&format!("out/{name}.json"))), text, "{name}");
    }
}

#[test]
fn all_else_is_written_in_wave_or_as_json() {
    check_all(
        &[
            "run shapes.wat move '{x: 1, y: 2}' -o out/point.txt",
            "run shapes.wat move '{x: 1, y: 2}' -o out/point.json",
            "run shapes.wat measure abc -o out/ok.txt",
            "run shapes.wat text abc --json -o out/quoted.txt",
            "run ops.wat nothing -o out/nothing.json",
        ],
        &expect![[r#"
            $ purefork run shapes.wat move '{x: 1, y: 2}' -o out/point.txt
            exit 0

            $ purefork run shapes.wat move '{x: 1, y: 2}' -o out/point.json
            exit 0

            $ purefork run shapes.wat measure abc -o out/ok.txt
            exit 0

            $ purefork run shapes.wat text abc --json -o out/quoted.txt
            exit 0

            $ purefork run ops.wat nothing -o out/nothing.json
            exit 0
        "#]],
    );
    for (name, text) in [
        ("point.txt", "{x: 1, y: 2}\n"),
        ("point.json", "{\"x\":1.0,\"y\":2.0}\n"),
        ("ok.txt", "3\n"),
        ("quoted.txt", "\"abc\"\n"),
        ("nothing.json", "null\n"),
    ] {
        assert_eq!(String::from_utf8_lossy(&content(&format!("out/{name}"))), text, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_is_told_before_the_call() {
    check_all(
        &[
            "run ops.wat trap -o absent/file.txt",
            "run ops.wat trap -o directory.wasm",
            "run ops.wat trap -o text.txt/file.txt",
            "run ops.wat trap -o",
        ],
        &expect![[r#"
            $ purefork run ops.wat trap -o absent/file.txt
            2> error: cannot write `absent/file.txt`: `absent`: No such file or directory (os error 2)
            exit 2

            $ purefork run ops.wat trap -o directory.wasm
            2> error: cannot write `directory.wasm`: it is a directory
            exit 2

            $ purefork run ops.wat trap -o text.txt/file.txt
            2> error: cannot write `text.txt/file.txt`: `text.txt` is no directory
            exit 2

            $ purefork run ops.wat trap -o
            2> error: a value is required for `--output <FILE>` but none was supplied
            2>   `purefork run --help` shows what there is
            exit 2
        "#]],
    );
}

#[test]
fn a_call_that_fails_leaves_the_file_as_it_was() {
    check(
        "run shapes.wat text before -o out/kept.txt",
        &expect![[r#"
        exit 0
    "#]],
    );
    check(
        "run ops.wat trap -o out/kept.txt",
        &expect![[r#"
            2> error: `trap` trapped: wasm `unreachable` instruction executed
            2>   at `inner` (offset 0xae), called by `middle`, `trap`; a panic, an abort or a failed assertion in the guest ends so
            exit 1
        "#]],
    );
    assert_eq!(content("out/kept.txt"), b"before");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_a_device_a_device() {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt, symlink};
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli/out");
    check(
        "run shapes.wat text before -o out/target.txt",
        &expect![[r#"
        exit 0
    "#]],
    );
    std::fs::set_permissions(out.join("target.txt"), PermissionsExt::from_mode(0o640)).expect("it is ours");
    let _ = std::fs::remove_file(out.join("link.txt"));
    symlink("target.txt", out.join("link.txt")).expect("links can be made");
    check_all(
        &["run shapes.wat text after -o out/link.txt", "run shapes.wat text after -o /dev/null"],
        &expect![[r#"
        $ purefork run shapes.wat text after -o out/link.txt
        exit 0

        $ purefork run shapes.wat text after -o /dev/null
        exit 0
    "#]],
    );
    assert_eq!(content("out/target.txt"), b"after");
    let about = |path: &Path| std::fs::symlink_metadata(path).expect("it is there");
    assert!(about(&out.join("link.txt")).is_symlink());
    assert_eq!(about(&out.join("target.txt")).permissions().mode() & 0o777, 0o640);
    assert!(about(Path::new("/dev/null")).file_type().is_char_device());
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_makes_what_it_leads_to() {
    use std::os::unix::fs::symlink;
    let room = room("dangling");
    std::fs::create_dir(room.join("below")).expect("it is ours");
    for (link, target) in [("one", "below/../two"), ("two", "below/three"), ("nowhere", "absent/x"), ("round", "round")]
    {
        symlink(target, room.join(link)).expect("links can be made");
    }
    check_all(
        &[
            "run add.wat add 2 3 -o dangling/one",
            "run ops.wat trap -o dangling/nowhere",
            "run ops.wat trap -o dangling/round",
        ],
        &expect![[r#"
            $ purefork run add.wat add 2 3 -o dangling/one
            exit 0

            $ purefork run ops.wat trap -o dangling/nowhere
            2> error: cannot write `dangling/nowhere`: `dangling/absent`: No such file or directory (os error 2)
            exit 2

            $ purefork run ops.wat trap -o dangling/round
            2> error: cannot write `dangling/round`: Too many levels of symbolic links (os error 40)
            exit 2
        "#]],
    );
    assert_eq!(content("dangling/below/three"), b"5\n");
    assert!(room.join("one").is_symlink() && room.join("two").is_symlink());
}

/// The shell that has the binary as `$P` and runs in the directory of guests: its words on stdout.
#[cfg(target_os = "linux")]
fn shell(script: &str) -> String {
    let mut command = std::process::Command::new("sh");
    let binary = purefork();
    command.arg("-c").arg(script).env("P", binary.get_program()).env("XDG_CACHE_HOME", cache());
    command.current_dir(binary.get_current_dir().expect("it has one")).stdin(std::process::Stdio::null());
    let output = command.stderr(std::process::Stdio::piped()).output().expect("there is a shell");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[cfg(target_os = "linux")]
fn cache() -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-cache")
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_open_is_written_to_where_it_stands() {
    room("open");
    for (how, script) in [
        (
            "a descriptor",
            "exec 3>open/a; echo first >&3; $P run add.wat add 2 3 -o /dev/fd/3; echo last >&3; cat open/a",
        ),
        (
            "by its process",
            "exec 3>open/a; echo first >&3; $P run add.wat add 2 3 -o /proc/self/fd/3; echo last >&3; cat open/a",
        ),
        ("stderr", "(echo first >&2; $P run add.wat add 2 3 -o /dev/stderr; echo last >&2) 2>open/a; cat open/a"),
        ("stdout", "(echo first; $P run add.wat add 2 3 -o /dev/stdout; echo last) >open/a; cat open/a"),
        (
            "a link",
            "ln -sf /dev/stdout open/l; ln -sf l open/m; (echo first; $P run add.wat add 2 3 -o open/m; echo last) >open/a; cat open/a",
        ),
        (
            "a link to the directory",
            "ln -sfn /dev/fd open/d; (echo first; $P run add.wat add 2 3 -o open/d/1; echo last) >open/a; cat open/a",
        ),
        (
            "appended to",
            "echo first >open/a; $P run add.wat add 2 3 -o /dev/fd/3 3>>open/a; echo last >>open/a; cat open/a",
        ),
        ("a pipe", "echo first; $P run add.wat add 2 3 -o /dev/fd/3 3>&1 | cat; echo last"),
        ("by hand", "echo first; $P run add.wat add 2 3; echo last"),
    ] {
        assert_eq!(shell(script), "first\n5\nlast\n", "{how}");
    }
    // The preinitialised module goes the same way.
    let script = "exec 3>open/w; printf x >&3; $P preinit sum.wat visits -o /dev/fd/3; printf y >&3; head -c5 open/w; tail -c1 open/w";
    assert_eq!(shell(script), "x\0asmy");
}

#[cfg(target_os = "linux")]
#[test]
fn a_descriptor_that_cannot_be_written_to_is_told_before_the_call() {
    let script = "$P run ops.wat trap -o /dev/fd/9; echo $?; $P run ops.wat trap -o /dev/fd/5 5<add.wat; echo $?; \
        $P run ops.wat trap -o /dev/fd/4294967295; echo $?; $P run ops.wat trap -o /dev/fd/+1; echo $?";
    let told = shell(&format!("({script}) 2>&1"));
    expect![[r#"
        error: cannot write `/dev/fd/9`: descriptor 9 is not open
        2
        error: cannot write `/dev/fd/5`: descriptor 5 is open for reading only
        2
        error: cannot write `/dev/fd/4294967295`: descriptor 4294967295 is not open
        2
        error: cannot write `/dev/fd/+1`: no file can be made in `/dev/fd`: No such file or directory (os error 2)
        2
    "#]]
    .assert_eq(&told);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to() {
    let room = room("pipe");
    let pipe = room.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("there is mkfifo").success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).expect("it is ours")
    });
    let done = purefork().args(["run", "add.wat", "add", "2", "3", "-o"]).arg(&pipe).status();
    assert!(done.expect("the binary runs").success());
    assert_eq!(reader.join().expect("it reads"), b"5\n");
}

/// What could be lost: other names, who owns it, what may be done to it.
#[cfg(target_os = "linux")]
#[test]
fn a_file_is_replaced_only_where_nothing_is_lost_by_that() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
    let room = room("replaced");
    let fresh = |name: &str| {
        let path = room.join(name);
        std::fs::write(&path, "a text that is longer").expect("it is ours");
        path
    };
    let write = |path: &Path| {
        let before = std::fs::metadata(path).expect("it is there");
        let done = purefork().args(["run", "add.wat", "add", "2", "3", "-o"]).arg(path).status();
        assert!(done.expect("the binary runs").success());
        assert_eq!(std::fs::read(path).expect("it is there"), b"5\n");
        let after = std::fs::metadata(path).expect("it is there");
        assert_eq!((after.uid(), after.gid(), after.nlink()), (before.uid(), before.gid(), before.nlink()));
        (before.ino() != after.ino(), after.mode() & 0o7777)
    };
    let plain = fresh("plain");
    std::fs::set_permissions(&plain, PermissionsExt::from_mode(0o604)).expect("it is ours");
    assert_eq!(write(&plain), (true, 0o604));

    let names = fresh("names");
    std::fs::hard_link(&names, room.join("other")).expect("it may have two names");
    assert!(!write(&names).0);
    assert_eq!(std::fs::read(room.join("other")).expect("it is there"), b"5\n");

    let program = fresh("program");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o4755)).expect("it is ours");
    assert!(!write(&program).0);

    // Only root can give a file away, and may always write.
    let root = std::fs::metadata(&room).expect("it is there").uid() == 0;
    if root {
        let given = fresh("given");
        chown(&given, Some(4711), Some(4711)).expect("root may");
        assert!(!write(&given).0);
    } else {
        let closed = room.join("closed");
        std::fs::create_dir(&closed).expect("it is ours");
        let inside = fresh("closed/inside");
        std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o555)).expect("it is ours");
        assert!(!write(&inside).0);
        std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o755)).expect("it is ours");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_on_the_size_of_files_is_told_and_leaves_the_file_as_it_was() {
    room("limited");
    // The cache cannot be written either, and that is no error. What the shell says goes to a pipe, as it is limited too.
    let script = "printf before >limited/kept; printf before >limited/named; ln limited/named limited/twice; ulimit -f 0; \
        XDG_CACHE_HOME=$PWD/limited/cache; export XDG_CACHE_HOME; \
        $P run add.wat add 2 3; echo $?; $P run add.wat add 2 3 -o limited/new; echo $?; \
        $P run add.wat add 2 3 -o limited/kept; echo $?; $P run add.wat add 2 3 -o limited/named; echo $?; \
        $P preinit add.wat add 2 3 -o limited/new.wasm; echo $?; $P run add.wat add 2 3 >limited/new; echo $?";
    let told = shell(&format!("({script}) 2>&1; ls limited; cat limited/kept; echo"));
    expect![[r#"
        5
        0
        error: cannot write `limited/new`: File too large (os error 27)
        1
        error: cannot write `limited/kept`: File too large (os error 27)
        1
        error: cannot write `limited/named`: File too large (os error 27)
        1
        error: cannot write `limited/new.wasm`: File too large (os error 27)
        1
        error: cannot write to stdout: File too large (os error 27)
        1
        cache
        kept
        named
        new
        twice
        before
    "#]]
    .assert_eq(&told);
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_full_is_told() {
    check(
        "run shapes.wat text abc -o /dev/full",
        &expect![[r#"
        2> error: cannot write `/dev/full`: No space left on device (os error 28)
        exit 1
    "#]],
    );
}

#[test]
fn nothing_but_the_file_is_left() {
    let room = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli/alone");
    std::fs::create_dir_all(&room).expect("the target directory is writable");
    let done = purefork().args(["run", "shapes.wat", "text", "abc", "-o"]).arg(room.join("file")).status();
    assert!(done.expect("the binary runs").success());
    let names: Vec<_> =
        std::fs::read_dir(&room).expect("it is there").map(|entry| entry.map(|e| e.file_name())).collect();
    assert!(matches!(&names[..], [Ok(name)] if name == "file"), "{names:?}");
}

/// A new directory beside the guests, for one test.
fn room(name: &str) -> std::path::PathBuf {
    // The first to be run lays out the directory of guests.
    let room = purefork().get_current_dir().expect("it has one").join(name);
    let _ = std::fs::remove_dir_all(&room);
    std::fs::create_dir_all(&room).expect("the target directory is writable");
    room
}
