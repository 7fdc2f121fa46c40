//! Results: in WAVE, as JSON, and where stdout is closed.

use crate::support::{check_all, purefork};
use expect_test::expect;

#[test]
fn results_are_printed_in_wave() {
    check_all(
        &[
            "run add.wat add 2 3",
            "run add.wat div 7 2",
            "run ops.wat nothing",
            "run ops.wat half nan",
            "run ops.wat half 1",
            "run ops.wat single 0.1",
            "run ops.wat vector '(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255)'",
        ],
        &expect![[r#"
            $ purefork run add.wat add 2 3
            5
            exit 0

            $ purefork run add.wat div 7 2
            (3, 1)
            exit 0

            $ purefork run ops.wat nothing
            ()
            exit 0

            $ purefork run ops.wat half nan
            nan
            exit 0

            $ purefork run ops.wat half 1
            0.5
            exit 0

            $ purefork run ops.wat single 0.1
            0.1
            exit 0

            $ purefork run ops.wat vector '(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255)'
            (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255)
            exit 0
        "#]],
    );
}

#[test]
fn results_are_printed_as_json_on_demand() {
    check_all(
        &[
            "run add.wat add 2 3 --json",
            "run add.wat div 7 2 --json",
            "run ops.wat nothing --json",
            "run ops.wat half nan --json",
            "run ops.wat half inf --json",
            "run ops.wat half -inf --json",
            "run ops.wat half 1 --json",
            "run ops.wat single 0.1 --json",
            "run ops.wat wide -9223372036854775808 --json",
            "--json run add.wat add 2 3",
            "run --json ops.wat vector '(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255)'",
        ],
        &expect![[r#"
            $ purefork run add.wat add 2 3 --json
            5
            exit 0

            $ purefork run add.wat div 7 2 --json
            [3,1]
            exit 0

            $ purefork run ops.wat nothing --json
            null
            exit 0

            $ purefork run ops.wat half nan --json
            "nan"
            exit 0

            $ purefork run ops.wat half inf --json
            "inf"
            exit 0

            $ purefork run ops.wat half -inf --json
            "-inf"
            exit 0

            $ purefork run ops.wat half 1 --json
            0.5
            exit 0

            $ purefork run ops.wat single 0.1 --json
            0.1
            exit 0

            $ purefork run ops.wat wide -9223372036854775808 --json
            -9223372036854775808
            exit 0

            $ purefork --json run add.wat add 2 3
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"`purefork run --help` shows what there is","kind":"Usage","message":"unexpected argument `--json` found","omitted":0,"reasons":[]}}
            2> error: unexpected argument `--json` found
            2>   `purefork run --help` shows what there is
            exit 2

            $ purefork run --json ops.wat vector '(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255)'
            [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,255]
            exit 0
        "#]],
    );
}

#[test]
fn every_call_finds_the_state_that_is_in_the_file() {
    check_all(
        &["run sum.wat visits", "run sum.wat visits", "run sum.wat sum 1000"],
        &expect![[r#"
            $ purefork run sum.wat visits
            1
            exit 0

            $ purefork run sum.wat visits
            1
            exit 0

            $ purefork run sum.wat sum 1000
            332833500
            exit 0
        "#]],
    );
}

#[test]
fn a_start_function_runs_before_the_call() {
    check_all(
        &["run state.wat next", "run state.wat next --serial", "run state.wat next --threads 1"],
        &expect![[r#"
            $ purefork run state.wat next
            2
            exit 0

            $ purefork run state.wat next --serial
            2
            exit 0

            $ purefork run state.wat next --threads 1
            2
            exit 0
        "#]],
    );
}

#[test]
fn forks_give_the_same_result_on_any_number_of_threads() {
    check_all(
        &[
            "run fib.wat fib 20",
            "run fib.wat fib 20 --threads 1",
            "run fib.wat fib 20 --serial",
            "run primes.wat primes 0 100000 --threads 3",
            "run tree.wat root 5",
            "run tree.wat abandon",
        ],
        &expect![[r#"
            $ purefork run fib.wat fib 20
            6765
            exit 0

            $ purefork run fib.wat fib 20 --threads 1
            6765
            exit 0

            $ purefork run fib.wat fib 20 --serial
            6765
            exit 0

            $ purefork run primes.wat primes 0 100000 --threads 3
            9592
            exit 0

            $ purefork run tree.wat root 5
            20
            exit 0

            $ purefork run tree.wat abandon
            1
            exit 0
        "#]],
    );
}

#[test]
fn a_closed_pipe_ends_the_output_quietly() {
    for line in
        [vec!["run", "add.wat", "add", "2", "3"], vec!["run", "--help"], vec!["inspect", "ops.wat"], vec!["--version"]]
    {
        let (reader, writer) = std::io::pipe().expect("there are pipes");
        drop(reader);
        let output = purefork().args(&line).stdout(writer).output().expect("the binary runs");
        assert_eq!(
            (String::from_utf8_lossy(&output.stderr).as_ref(), output.status.code()),
            ("", Some(0)),
            "purefork {line:?}"
        );
    }
}

#[test]
fn a_closed_pipe_does_not_change_the_exit_code_of_a_failure() {
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    let output = purefork().args(["run", "add.wat", "div", "1", "0", "--json"]).stdout(writer).output();
    assert_eq!(output.expect("the binary runs").status.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has /dev/full");
    let output = purefork().args(["run", "add.wat", "add", "2", "3"]).stdout(full).output().expect("the binary runs");
    expect![[r#"
        error: cannot write to stdout: No space left on device (os error 28)
    "#]]
    .assert_eq(&String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
}
