//! Calls that fail: what happened, where, and what to do.

use crate::support::{check, check_all};
use expect_test::expect;

#[test]
fn a_trap_shows_the_guests_frames() {
    check(
        "run ops.wat trap",
        &expect![[r#"
            2> error: `trap` trapped: wasm `unreachable` instruction executed
            2>   at `inner` (offset 0xae), called by `middle`, `trap`; a panic, an abort or a failed assertion in the guest ends so
            exit 1
        "#]],
    );
}

#[test]
fn a_failure_below_forks_shows_who_forked_it() {
    check(
        "run tree.wat root 0",
        &expect![[r#"
            2> error: `leaf` trapped: integer divide by zero
            2>   at `leaf` (offset 0xae), in `leaf`, fork #2 of `middle`, fork #1 of `root`
            exit 1
        "#]],
    );
}

#[test]
fn a_long_chain_of_forks_leaves_out_its_middle() {
    check_all(
        &["run deep.wat down 7", "run deep.wat down 8", "run deep.wat down 200"],
        &expect![[r#"
            $ purefork run deep.wat down 7
            2> error: `down` trapped: wasm `unreachable` instruction executed
            2>   at `down` (offset 0x47), 7 forks below `down`; a panic, an abort or a failed assertion in the guest ends so
            exit 1

            $ purefork run deep.wat down 8
            2> error: `down` trapped: wasm `unreachable` instruction executed
            2>   at `down` (offset 0x47), 8 forks below `down`; a panic, an abort or a failed assertion in the guest ends so
            exit 1

            $ purefork run deep.wat down 200
            2> error: `down` trapped: wasm `unreachable` instruction executed
            2>   at `down` (offset 0x47), 200 forks below `down`; a panic, an abort or a failed assertion in the guest ends so
            exit 1
        "#]],
    );
}

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    check(
        "run ops.wat spin --fuel 100000",
        &expect![[r#"
            2> error: `spin` used up its fuel
            2>   at `spin` (offset 0xbc); raise `--fuel` if it is meant to run that long
            exit 1
        "#]],
    );
}

#[test]
fn an_endless_loop_is_stopped_by_the_timeout() {
    check_all(
        &[
            "run ops.wat spin --timeout 200ms",
            "run ops.wat spin --timeout 200ms --threads 1",
            "run ops.wat spin --timeout 200ms --serial",
        ],
        &expect![[r#"
            $ purefork run ops.wat spin --timeout 200ms
            2> error: `spin` was still running after 200ms
            2>   at `spin` (offset 0xbc); raise `--timeout` if it is meant to take that long
            exit 1

            $ purefork run ops.wat spin --timeout 200ms --threads 1
            2> error: `spin` was still running after 200ms
            2>   at `spin` (offset 0xbc); raise `--timeout` if it is meant to take that long
            exit 1

            $ purefork run ops.wat spin --timeout 200ms --serial
            2> error: `spin` was still running after 200ms
            2>   at `spin` (offset 0xbc); raise `--timeout` if it is meant to take that long
            exit 1
        "#]],
    );
}

#[test]
fn limits_are_named_by_their_options() {
    check_all(
        &[
            "run ops.wat grow 100 --memory 1MiB",
            "run ops.wat nothing --memory 1KiB",
            "run ops.wat recurse 1 --stack 64KiB",
            "run deep.wat down 10 --depth 3",
            "run fib.wat fib 10 --forks 1",
            "run deep.wat down 10 --tree-forks 2",
            "run state.wat next --table-elements 3",
        ],
        &expect![[r#"
            $ purefork run ops.wat grow 100 --memory 1MiB
            2> error: `grow` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed
            2>   at `grow` (offset 0xd7); raise `--memory` if it is meant to use that much
            exit 1

            $ purefork run ops.wat nothing --memory 1KiB
            2> error: `ops.wat`: the module starts with 65536 bytes of memory, more than its limit of 1024
            2>   raise `--memory`
            exit 1

            $ purefork run ops.wat recurse 1 --stack 64KiB
            2> error: `recurse` used up its stack
            2>   at `recurse`, called by `recurse`, `recurse`, `recurse` and 12 more; raise `--stack` if it is meant to recurse that deeply
            exit 1

            $ purefork run deep.wat down 10 --depth 3
            2> error: `down` was forked more than 3 levels deep
            2>   4 forks below `down`; raise `--depth` if it is meant to nest that deeply
            exit 1

            $ purefork run fib.wat fib 10 --forks 1
            2> error: `fib` forked more than 1 times
            2>   at `fib` (offset 0x5c); raise `--forks` if it is meant to fork that often
            exit 1

            $ purefork run deep.wat down 10 --tree-forks 2
            2> error: the tree of calls forked more than 2 times
            2>   3 forks below `down`; raise `--tree-forks` if it is meant to fork that often
            exit 1

            $ purefork run state.wat next --table-elements 3
            2> error: `state.wat`: a table starts with 4 elements, more than its limit of 3
            2>   raise `--table-elements`
            exit 3
        "#]],
    );
}

#[test]
fn an_error_is_one_json_object_on_stdout_on_demand() {
    check_all(
        &[
            "run ops.wat trap --json",
            "run tree.wat root 0 --json",
            "run add.wat ad 1 2 --json",
            "run add.wat add 1 x --json",
            "run add.wat add 1 2 --memory x --json",
        ],
        &expect![[r#"
            $ purefork run ops.wat trap --json
            {"error":{"backtrace":[{"function":"inner","offset":174},{"function":"middle","offset":178},{"function":"trap","offset":183}],"chain":[{"function":"trap","site":{"by":"host"}}],"fork_site":{"by":"host"},"help":"a panic, an abort or a failed assertion in the guest ends so","kind":"Trap","message":"`trap` trapped: wasm `unreachable` instruction executed","omitted":0,"reasons":[]}}
            2> error: `trap` trapped: wasm `unreachable` instruction executed
            2>   at `inner` (offset 0xae), called by `middle`, `trap`; a panic, an abort or a failed assertion in the guest ends so
            exit 1

            $ purefork run tree.wat root 0 --json
            {"error":{"backtrace":[{"function":"leaf","offset":174}],"chain":[{"function":"leaf","site":{"by":"guest","number":2}},{"function":"middle","site":{"by":"guest","number":1}},{"function":"root","site":{"by":"host"}}],"fork_site":{"by":"guest","number":2},"help":null,"kind":"Trap","message":"`leaf` trapped: integer divide by zero","omitted":0,"reasons":[]}}
            2> error: `leaf` trapped: integer divide by zero
            2>   at `leaf` (offset 0xae), in `leaf`, fork #2 of `middle`, fork #1 of `root`
            exit 1

            $ purefork run add.wat ad 1 2 --json
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"did you mean `add`?","kind":"NoSuchFunction","message":"the module exports no function `ad`","omitted":0,"reasons":[]}}
            2> error: the module exports no function `ad`
            2>   did you mean `add`?
            exit 2

            $ purefork run add.wat add 1 x --json
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":null,"kind":"ArgumentMismatch","message":"argument `b` of `add`: expected i32, a whole number from -2147483648 to 2147483647, but was given `x`","omitted":0,"reasons":[]}}
            2> error: argument `b` of `add`: expected i32, a whole number from -2147483648 to 2147483647, but was given `x`
            exit 2

            $ purefork run add.wat add 1 2 --memory x --json
            {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":null,"kind":"Usage","message":"`--memory`: expected a size, such as 65536, 512KiB, 64MiB or 64MB, but was given `x`","omitted":0,"reasons":[]}}
            2> error: `--memory`: expected a size, such as 65536, 512KiB, 64MiB or 64MB, but was given `x`
            exit 2
        "#]],
    );
}

#[test]
fn a_refused_guest_is_told_with_every_reason() {
    check_all(
        &["run wasi.wat hello", "run wasi.wat hello --json"],
        &expect![[r#"
        $ purefork run wasi.wat hello
        2> error: `wasi.wat`: the guest cannot be shown to be pure, for 2 reasons
        2>   it imports nothing else than WASI: `--wasi frozen` gives it one in which time stands still, with no files but those that are given
        2>   imports `wasi_snapshot_preview1.fd_write` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`) (export `hello` → function `print` → import `wasi_snapshot_preview1.fd_write`)
        2>   imports `wasi_snapshot_preview1.clock_time_get` (func (param i32 i64 i32) (result i32)): WASI's clock, and a guest has no clock; pass the time as an argument, or compile without it (`wasm32-unknown-unknown`)
        exit 3

        $ purefork run wasi.wat hello --json
        {"error":{"backtrace":[],"chain":[],"fork_site":null,"help":"it imports nothing else than WASI: `--wasi frozen` gives it one in which time stands still, with no files but those that are given","kind":"Impure","message":"`wasi.wat`: the guest cannot be shown to be pure, for 2 reasons","omitted":0,"reasons":[{"chain":["export `hello`","function `print`","import `wasi_snapshot_preview1.fd_write`"],"message":"imports `wasi_snapshot_preview1.fd_write` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`)","offset":32,"what":"Import"},{"chain":[],"message":"imports `wasi_snapshot_preview1.clock_time_get` (func (param i32 i64 i32) (result i32)): WASI's clock, and a guest has no clock; pass the time as an argument, or compile without it (`wasm32-unknown-unknown`)","offset":66,"what":"Import"}]}}
        2> error: `wasi.wat`: the guest cannot be shown to be pure, for 2 reasons
        2>   it imports nothing else than WASI: `--wasi frozen` gives it one in which time stands still, with no files but those that are given
        2>   imports `wasi_snapshot_preview1.fd_write` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`) (export `hello` → function `print` → import `wasi_snapshot_preview1.fd_write`)
        2>   imports `wasi_snapshot_preview1.clock_time_get` (func (param i32 i64 i32) (result i32)): WASI's clock, and a guest has no clock; pass the time as an argument, or compile without it (`wasm32-unknown-unknown`)
        exit 3
    "#]],
    );
}
