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
            "run shapes.wat bytes @latin1.txt --output out/bytes.npy",
            "run shapes.wat text abc -o -",
        ],
        &expect![[r#"
            $ purefork run shapes.wat text @text.txt -o out/text.txt
            exit 0

            $ purefork run shapes.wat bytes @latin1.txt --output out/bytes.npy
            exit 0

            $ purefork run shapes.wat text abc -o -
            abcexit 0
        "#]],
    );
    assert_eq!(content("out/text.txt"), content("text.txt"));
    assert_eq!(content("out/bytes.npy"), content("latin1.txt"));
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
            exit 0

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
