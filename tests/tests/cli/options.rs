//! Options of purefork's: where they may stand, and what they may be.

use crate::support::{check_all, purefork};
use expect_test::expect;

#[test]
fn options_may_stand_anywhere_before_the_dashes() {
    check_all(
        &[
            "run --threads 2 --fuel=1000 add.wat --timeout 10s add --memory 1MiB 2 --stack 128KiB 3 --depth 4 --json",
            "run add.wat add 2 -- 3 --fuel 3",
        ],
        &expect![[r#"
            $ purefork run --threads 2 --fuel=1000 add.wat --timeout 10s add --memory 1MiB 2 --stack 128KiB 3 --depth 4 --json
            5
            exit 0

            $ purefork run add.wat add 2 -- 3 --fuel 3
            2> error: expected `add(a: i32, b: i32) -> i32`, but was given `fuel`
            2>   `--fuel` is an option of purefork: put it before `--`
            exit 2
        "#]],
    );
}

#[test]
fn sizes_durations_and_counts_say_what_was_expected() {
    check_all(
        &[
            "run add.wat add 2 3 --memory 64M",
            "run add.wat add 2 3 --memory 1.5GiB",
            "run add.wat add 2 3 --memory 99999999999GiB",
            "run add.wat add 2 3 --timeout 500",
            "run add.wat add 2 3 --timeout 2sec",
            "run add.wat add 2 3 --fuel 1e9",
            "run add.wat add 2 3 --fuel -1",
            "run add.wat add 2 3 --depth 4294967296",
            "run add.wat add 2 3 --threads",
            "run add.wat add 2 3 --memory --json",
        ],
        &expect![[r#"
            $ purefork run add.wat add 2 3 --memory 64M
            2> error: `--memory`: expected a size, such as 65536, 512KiB, 64MiB or 64MB, but was given `64M`
            exit 2

            $ purefork run add.wat add 2 3 --memory 1.5GiB
            2> error: `--memory`: expected a size, such as 65536, 512KiB, 64MiB or 64MB, but was given `1.5GiB`
            exit 2

            $ purefork run add.wat add 2 3 --memory 99999999999GiB
            2> error: `--memory`: expected a size of at most 64 bits, but was given `99999999999GiB`
            exit 2

            $ purefork run add.wat add 2 3 --timeout 500
            2> error: `--timeout`: expected a duration, such as 500ms, 2s or 1m, but was given `500`
            exit 2

            $ purefork run add.wat add 2 3 --timeout 2sec
            2> error: `--timeout`: expected a duration, such as 500ms, 2s or 1m, but was given `2sec`
            exit 2

            $ purefork run add.wat add 2 3 --fuel 1e9
            2> error: `--fuel`: expected a whole number, such as 1000, but was given `1e9`
            exit 2

            $ purefork run add.wat add 2 3 --fuel -1
            2> error: `--fuel`: expected a whole number, such as 1000, but was given `-1`
            exit 2

            $ purefork run add.wat add 2 3 --depth 4294967296
            2> error: `--depth`: expected a whole number of at most 32 bits, but was given `4294967296`
            exit 2

            $ purefork run add.wat add 2 3 --threads
            2> error: a value is required for `--threads <N>` but none was supplied
            2>   `purefork run --help` shows what there is
            exit 2

            $ purefork run add.wat add 2 3 --memory --json
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"`purefork run --help` shows what there is","kind":"Usage","message":"a value is required for `--memory <SIZE>` but none was supplied","omitted":0,"reasons":[]}}
            2> error: a value is required for `--memory <SIZE>` but none was supplied
            2>   `purefork run --help` shows what there is
            exit 2
        "#]],
    );
}

#[test]
fn a_stack_may_be_as_small_and_as_large_as_the_library_says() {
    check_all(
        &["run add.wat add 2 3 --stack 16KiB", "run add.wat add 2 3 --stack 64MiB", "run fib.wat fib 5 --stack 64MiB"],
        &expect![[r#"
            $ purefork run add.wat add 2 3 --stack 16KiB
            5
            exit 0

            $ purefork run add.wat add 2 3 --stack 64MiB
            5
            exit 0

            $ purefork run fib.wat fib 5 --stack 64MiB
            5
            exit 0
        "#]],
    );
}

#[test]
fn limits_that_cannot_be_had_are_told() {
    check_all(
        &[
            "run add.wat add 2 3 --threads 0",
            "run add.wat add 2 3 --threads 5000",
            "run add.wat add 2 3 --fuel 0",
            "run add.wat add 2 3 --stack 1",
            "run add.wat add 2 3 --memory 9GiB",
        ],
        &expect![[r#"
            $ purefork run add.wat add 2 3 --threads 0
            2> error: expected from 1 to 1024 threads, but was given 0
            exit 2

            $ purefork run add.wat add 2 3 --threads 5000
            2> error: expected from 1 to 1024 threads, but was given 5000
            exit 2

            $ purefork run add.wat add 2 3 --fuel 0
            2> error: expected fuel from 1 to 9223372036854775807, but was given 0
            exit 2

            $ purefork run add.wat add 2 3 --stack 1
            2> error: expected a stack from 16384 to 67108864 bytes, but was given 1 bytes
            exit 2

            $ purefork run add.wat add 2 3 --memory 9GiB
            2> error: expected memory of at most 4294967296 bytes, but was given 9663676416 bytes
            exit 2
        "#]],
    );
}

#[test]
fn options_that_exclude_each_other_are_told() {
    check_all(
        &[
            "run add.wat add 2 3 --serial --threads 2",
            "run add.wat add 2 3 --fuel 100 --fuel 200",
            "run add.wat add 2 3 --json=yes",
        ],
        &expect![[r#"
            $ purefork run add.wat add 2 3 --serial --threads 2
            2> error: the argument `--serial` cannot be used with `--threads <N>`
            2>   `purefork run --help` shows what there is
            exit 2

            $ purefork run add.wat add 2 3 --fuel 100 --fuel 200
            2> error: the argument `--fuel <N>` cannot be used multiple times
            2>   `purefork run --help` shows what there is
            exit 2

            $ purefork run add.wat add 2 3 --json=yes
            2> error: unexpected value `yes` for `--json` found; no more were expected
            2>   `purefork run --help` shows what there is
            exit 2
        "#]],
    );
}

#[cfg(unix)]
#[test]
fn compiled_modules_are_kept_where_it_is_said() {
    let cache = std::env::temp_dir().join(format!("purefork-cli-cache-{}", std::process::id()));
    let run = |options: &[&str]| {
        let output =
            purefork().args(["run", "add.wat", "add", "2", "3"]).args(options).env("XDG_CACHE_HOME", &cache).output();
        let output = output.expect("the binary runs");
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let fine = ("5\n".to_owned(), String::new());
    assert_eq!(run(&["--no-cache"]), fine);
    assert!(!cache.exists());
    assert_eq!(run(&[]), fine);
    assert!(cache.join("purefork").exists());
    let given = cache.join("given");
    for _ in 0..2 {
        assert_eq!(run(&["--cache-dir", given.to_str().expect("it is UTF-8")]), fine);
    }
    assert!(given.exists());
    std::fs::write(cache.join("file"), "").expect("it is ours");
    let file = cache.join("file").display().to_string();
    let message = format!(
        "error: the cache `{file}` cannot be used: `{file}` is no directory\n  choose a directory that is yours alone, or do without a cache (`--no-cache`)\n"
    );
    assert_eq!(run(&["--cache-dir", &file]), (String::new(), message));
    std::fs::remove_dir_all(&cache).expect("it is ours");
    // A cache that nobody asked for is done without where it cannot be had.
    std::fs::write(&cache, "").expect("it is ours");
    assert_eq!(run(&[]), fine);
    std::fs::remove_file(&cache).expect("it is ours");
}

#[test]
fn a_cache_is_not_named_and_declined_at_once() {
    check_all(
        &["run add.wat add 2 3 --no-cache --cache-dir cache"],
        &expect![[r#"
        $ purefork run add.wat add 2 3 --no-cache --cache-dir cache
        2> error: the argument `--no-cache` cannot be used with `--cache-dir <DIR>`
        2>   `purefork run --help` shows what there is
        exit 2
    "#]],
    );
}

#[test]
fn a_module_that_takes_too_long_to_compile_is_given_up() {
    check_all(
        &[
            "run add.wat add 2 3 --no-cache --compile-timeout 0ms",
            "run add.wat add 2 3 --no-cache --compile-timeout 0ms --json",
            "run add.wat add 2 3 --no-cache --compile-timeout 1m",
        ],
        &expect![[r#"
            $ purefork run add.wat add 2 3 --no-cache --compile-timeout 0ms
            2> error: `add.wat` was not compiled within 0ns
            2>   raise `--compile-timeout`, or have it compiled once, to be kept for later: see `--cache-dir`
            exit 1

            $ purefork run add.wat add 2 3 --no-cache --compile-timeout 0ms --json
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"raise `--compile-timeout`, or have it compiled once, to be kept for later: see `--cache-dir`","kind":"Timeout","message":"`add.wat` was not compiled within 0ns","omitted":0,"reasons":[]}}
            2> error: `add.wat` was not compiled within 0ns
            2>   raise `--compile-timeout`, or have it compiled once, to be kept for later: see `--cache-dir`
            exit 1

            $ purefork run add.wat add 2 3 --no-cache --compile-timeout 1m
            5
            exit 0
        "#]],
    );
}
