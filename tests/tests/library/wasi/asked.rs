//! What the functions of WASI 0.1 answer, to guests that ask as they should and to those that do not.

use super::*;
use purefork::{Args, ErrorKind, args};
use purefork_tests::loaded;

/// Every function, with the types of its parameters.
const FUNCTIONS: &[(&str, &str)] = &[
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("proc_exit", "i"),
    ("proc_raise", "i"),
    ("random_get", "ii"),
    ("sched_yield", ""),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

/// A guest that calls every function with what it is given, with some text, vectors and subscriptions in its memory.
fn all() -> String {
    let types = |params: &str| params.chars().map(|ty| if ty == 'i' { " i32" } else { " i64" }).collect::<String>();
    let result = |name: &str| if name == "proc_exit" { "" } else { "(result i32)" };
    let imports: Vec<(&str, String)> =
        FUNCTIONS.iter().map(|(name, params)| (*name, format!("(param{}) {}", types(params), result(name)))).collect();
    let imports: Vec<(&str, &str)> = imports.iter().map(|(name, ty)| (*name, ty.as_str())).collect();
    let call = |(name, params): &(&str, &str)| {
        let gets: String = (0..params.len()).map(|at| format!("(local.get {at}) ")).collect();
        let rest = if *name == "proc_exit" { "(unreachable)" } else { "" };
        let read = "(i32.load (i32.const 1024)) (i32.load (i32.const 1028)) (i64.load (i32.const 1032))";
        format!(
            "(func (export \"{name}\") (param{}) (result i32 i32 i32 i64) (call ${name} {gets}) {rest} {read})",
            types(params)
        )
    };
    let calls: String = FUNCTIONS.iter().map(call).collect();
    // Two vectors at 64, of which the first is "hello" at 16; a path at 32; three subscriptions at 128.
    let data = r#"(data (i32.const 16) "hello, world")
        (data (i32.const 32) "a/b\ffc")
        (data (i32.const 64) "\10\00\00\00\05\00\00\00\17\00\00\00\05\00\00\00\ff\ff\ff\ff\02\00\00\00")
        (data (i32.const 128) "\07\00\00\00\00\00\00\00\00")
        (data (i32.const 176) "\08\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00")
        (data (i32.const 224) "\09\00\00\00\00\00\00\00\02\00\00\00\00\00\00\00\01\00\00\00")"#;
    guest(&imports, &format!("{data} {calls}"))
}

/// Calls a function; gives what it answers and the first 16 bytes at 1024, or the error.
fn ask(guest: &Module, function: &str, given: &[i64]) -> String {
    let (_, params) = FUNCTIONS.iter().find(|(name, _)| *name == function).expect("there is such a function");
    let mut args = Args::new();
    for (ty, value) in params.chars().zip(given) {
        args = if ty == 'i' { args.push(*value as i32) } else { args.push(*value) };
    }
    let future = guest.fork(function, args).unwrap();
    let result = match future.wait() {
        Ok(value) => value.to_string(),
        Err(error) => format!("{}: {}", error.kind().name(), error.message()),
    };
    match future.output() {
        Some(output) => format!(
            "{result} {:?} {:?} {}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            output.refused.join("; ")
        ),
        None => result,
    }
}

const AT: i64 = 1024;

#[test]
fn functions_answer_as_wasi_has_it() {
    each_frozen(|exec| {
        let guest = loaded(exec, &all());
        for (function, given, answer) in [
            // One argument, the program's name.
            ("args_sizes_get", &[AT, AT + 4][..], "(0, 1, 8, 0)"),
            ("args_get", &[AT, AT + 8], "(0, 1032, 0, 30787916450984560)"),
            ("environ_sizes_get", &[AT, AT + 4], "(0, 0, 0, 0)"),
            ("environ_get", &[AT, AT + 4], "(0, 0, 0, 0)"),
            ("clock_res_get", &[0, AT], "(0, 1, 0, 0)"),
            ("clock_res_get", &[4, AT], "(28, 0, 0, 0)"),
            (
                "clock_time_get",
                &[0, 1, AT],
                r#"(0, 1000000000, 0, 0) "" "" asked for the time: it is always 1970-01-01T00:00:01Z"#,
            ),
            (
                "clock_time_get",
                &[1, 1, AT],
                r#"(0, 1000000000, 0, 0) "" "" asked how much time has passed: none ever does"#,
            ),
            (
                "clock_time_get",
                &[2, 1, AT],
                r#"(0, 1000000000, 0, 0) "" "" asked how much time has passed: none ever does"#,
            ),
            (
                "clock_time_get",
                &[3, 1, AT],
                r#"(0, 1000000000, 0, 0) "" "" asked how much time has passed: none ever does"#,
            ),
            ("clock_time_get", &[4, 1, AT], "(28, 0, 0, 0)"),
            ("fd_write", &[1, 64, 2, AT], r#"(0, 10, 0, 0) "helloworld" "" "#),
            ("fd_write", &[2, 64, 1, AT], r#"(0, 5, 0, 0) "" "hello" "#),
            ("fd_write", &[0, 64, 1, AT], "(8, 0, 0, 0)"),
            ("fd_write", &[3, 64, 1, AT], "(8, 0, 0, 0)"),
            ("fd_write", &[4, 64, 1, AT], "(8, 0, 0, 0)"),
            ("fd_read", &[0, 64, 2, AT], "(0, 0, 0, 0)"),
            ("fd_read", &[1, 64, 2, AT], "(8, 0, 0, 0)"),
            ("fd_close", &[3], "(0, 0, 0, 0)"),
            ("fd_close", &[4], "(8, 0, 0, 0)"),
            ("fd_fdstat_get", &[0, AT], "(0, 0, 0, 134217730)"),
            ("fd_fdstat_get", &[3, AT], "(0, 3, 0, 129498624)"),
            ("fd_filestat_get", &[3, AT - 16], "(0, 3, 0, 1)"),
            ("fd_prestat_get", &[3, AT], "(0, 0, 1, 0)"),
            ("fd_prestat_get", &[2, AT], "(54, 0, 0, 0)"),
            ("fd_prestat_get", &[4, AT], "(8, 0, 0, 0)"),
            ("fd_prestat_dir_name", &[3, AT, 1], "(0, 47, 0, 0)"),
            ("fd_prestat_dir_name", &[3, AT, 0], "(37, 0, 0, 0)"),
            ("fd_readdir", &[3, 2048, 100, 0, AT], "(0, 51, 0, 0)"),
            ("fd_seek", &[1, 0, 0, AT], "(70, 0, 0, 0)"),
            ("fd_tell", &[0, AT], "(70, 0, 0, 0)"),
            ("fd_sync", &[1], "(0, 0, 0, 0)"),
            ("fd_renumber", &[1, 2], "(0, 0, 0, 0)"),
            ("sock_shutdown", &[0, 0], "(57, 0, 0, 0)"),
            ("sock_send", &[9, 0, 0, 0, 0], "(8, 0, 0, 0)"),
            ("sched_yield", &[], "(0, 0, 0, 0)"),
            ("proc_raise", &[9], r#"(58, 0, 0, 0) "" "" raised a signal: there are none"#),
            ("proc_exit", &[7], "Trap: `proc_exit` did not return: the guest exited with status 7"),
            ("proc_exit", &[-1], "Trap: `proc_exit` did not return: the guest exited with status 255"),
            (
                "random_get",
                &[AT, 8],
                r#"(0, 2065550767, -501176263, 0) "" "" asked for random numbers: they are the same in every call"#,
            ),
            (
                "path_open",
                &[3, 0, 32, 3, 0, 2, 0, 0, AT],
                r#"(44, 0, 0, 0) "" "" tried to open `a/b`: no such file was given (`--file a/b=@a/b`)"#,
            ),
            (
                "path_open",
                &[3, 0, 32, 3, 1, 2, 0, 0, AT],
                r#"(69, 0, 0, 0) "" "" tried to write `a/b`: no file can be written"#,
            ),
            // The directory itself.
            ("path_open", &[3, 0, 33, 1, 0, 2, 0, 0, AT], "(0, 4, 0, 0)"),
            ("path_open", &[3, 0, 33, 1, 0, 2, 0, 0, AT + 1], "(28, 0, 0, 0)"),
            ("path_open", &[3, 0, 32, 5, 0, 2, 0, 0, AT], "(25, 0, 0, 0)"),
            ("path_open", &[0, 0, 32, 3, 0, 2, 0, 0, AT], "(54, 0, 0, 0)"),
            ("path_open", &[4, 0, 32, 3, 0, 2, 0, 0, AT], "(8, 0, 0, 0)"),
            ("path_open", &[3, 0, 32, 4097, 0, 2, 0, 0, AT], "(37, 0, 0, 0)"),
            (
                "path_filestat_get",
                &[3, 0, 32, 3, AT],
                r#"(44, 0, 0, 0) "" "" looked for `a/b`: no such file was given (`--file a/b=@a/b`)"#,
            ),
            ("path_filestat_get", &[3, 0, 33, 1, AT - 16], "(0, 3, 0, 1)"),
            ("path_unlink_file", &[3, 32, 3], r#"(69, 0, 0, 0) "" "" tried to remove `a/b`: no file can be written"#),
            (
                "path_rename",
                &[3, 32, 3, 3, 32, 1],
                r#"(69, 0, 0, 0) "" "" tried to rename `a/b`: no file can be written"#,
            ),
            // Two streams are ready, the clock is not waited for.
            ("poll_oneoff", &[128, 2048, 3, AT], "(0, 2, 0, 0)"),
            (
                "poll_oneoff",
                &[128, 2048, 1, AT],
                r#"(0, 1, 0, 0) "" "" asked how much time has passed: none ever does"#,
            ),
            ("poll_oneoff", &[128, 2048, 0, AT], "(28, 0, 0, 0)"),
        ] {
            assert_eq!(ask(&guest, function, given), answer, "{function} {given:?}");
        }
    });
}

#[test]
fn what_is_no_place_in_memory_is_a_fault_and_what_is_not_aligned_is_invalid() {
    const END: i64 = 65_536;
    each_frozen(|exec| {
        let guest = loaded(exec, &all());
        for (function, given, code) in [
            ("args_get", &[END - 6, AT][..], 28),
            ("args_get", &[END, AT], 21),
            ("args_get", &[AT, END - 7], 21),
            ("args_sizes_get", &[AT, -1], 21),
            ("clock_time_get", &[0, 0, END - 7], 21),
            ("clock_time_get", &[0, 0, END - 12], 28),
            ("fd_write", &[1, END - 8, 2, AT], 21),
            // The third vector is at the end of the addresses.
            ("fd_write", &[1, 64, 3, AT], 21),
            ("fd_write", &[1, 65, 1, AT], 28),
            ("fd_write", &[1, 64, 0x2000_0000, AT], 28),
            ("fd_write", &[1, 64, 0x1fff_ffff, AT], 21),
            ("fd_write", &[1, 64, -1, AT], 28),
            ("fd_write", &[1, 64, 1, AT + 1], 28),
            ("fd_write", &[1, 64, 1, -4], 21),
            ("fd_read", &[0, 64, 3, AT], 21),
            ("fd_read", &[0, -8, 1, AT], 21),
            ("random_get", &[0, -1], 21),
            ("random_get", &[-1, 1], 21),
            ("random_get", &[END, 1], 21),
            ("fd_fdstat_get", &[0, AT + 4], 28),
            ("fd_filestat_get", &[0, END - 56], 21),
            ("fd_prestat_dir_name", &[3, END, 1], 21),
            ("fd_readdir", &[3, 0, -1, 0, AT], 21),
            ("path_open", &[3, 0, END - 1, 2, 0, 0, 0, 0, AT], 21),
            ("poll_oneoff", &[0, 0, -1, AT], 28),
            ("poll_oneoff", &[0, 0, 2000, AT], 21),
            ("poll_oneoff", &[4, 0, 1, AT], 28),
            ("poll_oneoff", &[0, END, 1, AT], 21),
        ] {
            let answer = ask(&guest, function, given);
            assert!(answer.starts_with(&format!("({code}, ")), "{function} {given:?}: {answer}");
        }
    });
}

/// No combination of odd arguments gives anything but a code or a trap, and the host does not work for nothing.
#[test]
fn no_arguments_break_a_function() {
    const ODD: [i64; 22] = [
        0,
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        16,
        32,
        64,
        65,
        128,
        1024,
        4096,
        65_528,
        65_535,
        65_536,
        0x1fff_ffff,
        0x7fff_ffff,
        -8,
        -1,
    ];
    each_frozen_with(limits().fuel(3_000_000).output(1000), |exec| {
        let guest = loaded(exec, &all());
        let mut state = 1u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ODD[(state >> 33) as usize % ODD.len()]
        };
        for (function, params) in FUNCTIONS {
            for _ in 0..150 {
                let given: Vec<i64> = params.chars().map(|_| draw()).collect();
                let answer = ask(&guest, function, &given);
                let fine = answer.starts_with('(')
                    || answer.starts_with("OutOfFuel: ")
                    || answer.starts_with("TooMuchOutput: ")
                    || answer.starts_with("Trap: `proc_exit` did not return: ");
                assert!(fine, "{function} {given:?}: {answer}");
            }
        }
    });
}

/// A loop of calls that ask for much is stopped by its fuel after as much work as the fuel is worth.
#[test]
fn what_the_host_does_takes_fuel() {
    each_frozen(|exec| {
        let guest = loaded(exec, &all());
        let fuel = |function: &str, given: Args| {
            let future = guest.fork(function, given).unwrap();
            future.wait().unwrap();
            future.usage().unwrap().fuel
        };
        let little = fuel("random_get", args![AT as i32, 8]);
        assert!(little > 100, "{little}");
        assert_eq!(fuel("random_get", args![AT as i32, 8008]) - little, 1000);
        let written = fuel("fd_write", args![1, 64, 1, AT as i32]);
        // Vectors without bytes are looked at, too.
        assert_eq!(fuel("fd_write", args![1, 4096, 1000, AT as i32]) - written, 1998);
        let polled = fuel("poll_oneoff", args![4096, 8192, 10, AT as i32]);
        assert_eq!(fuel("poll_oneoff", args![4096, 8192, 110, AT as i32]) - polled, 1000);
    });
    each_frozen_with(limits().fuel(10_000), |exec| {
        let guest = loaded(exec, &all());
        let error = guest.fork("random_get", args![0, 65_536]).unwrap().wait();
        // 65,536 bytes are 8,192 units: they are within the limit, and twice as many would not be.
        assert!(error.is_ok(), "{error:?}");
    });
    each_frozen_with(limits().fuel(8_000), |exec| {
        let guest = loaded(exec, &all());
        let error = guest.fork("random_get", args![0, 65_536]).unwrap().wait().unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::OutOfFuel, "`random_get` used up its fuel"));
    });
}

#[test]
fn who_waits_for_time_to_pass_until_his_fuel_ends_is_told_that_none_does() {
    let spinning = guest(
        &[("clock_time_get", "(param i32 i64 i32) (result i32)")],
        r#"(func (export "wait") (local $begun i64)
            (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 8)))
            (local.set $begun (i64.load (i32.const 8)))
            (loop $more
                (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 8)))
                (br_if $more (i64.eq (i64.load (i32.const 8)) (local.get $begun)))))"#,
    );
    each_frozen_with(limits().fuel(100_000), |exec| {
        let error = loaded(exec, &spinning).fork("wait", args![]).unwrap().wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfFuel);
        assert_eq!(
            error.help(),
            Some(
                "raise `Limits::fuel` (`--fuel`) if it is meant to run that long; it asked how much time has passed: none \
                 ever does"
            )
        );
    });
}
