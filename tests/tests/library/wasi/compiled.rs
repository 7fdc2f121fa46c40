//! Programs in C, compiled with Debian's `clang` and `wasi-libc`. Where these are not installed, the tests say so and
//! do nothing; CI installs them.

use super::*;
use purefork::args;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles C, given as the file of an example or as text; none where that cannot be done.
fn compile(source: Source<'_>, flags: &[&str]) -> Option<Vec<u8>> {
    if !Path::new("/usr/include/wasm32-wasi/stdio.h").exists() {
        eprintln!("skipped: there is no wasi-libc; `apt-get install clang lld wasi-libc libclang-rt-dev-wasm32`");
        return None;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let dir = root.join("target/guests");
    std::fs::create_dir_all(&dir).expect("`target` can be written to");
    let name = format!("wasi-{}-{:?}", std::process::id(), std::thread::current().id()).replace(['(', ')'], "");
    let (text, out) = (dir.join(format!("{name}.c")), dir.join(format!("{name}.wasm")));
    let path: PathBuf = match source {
        Source::Example(name) => root.join("examples/wasi").join(name),
        Source::Text(source) => {
            std::fs::write(&text, source).expect("`target` can be written to");
            text.clone()
        }
    };
    let mut clang = Command::new("clang");
    clang.args(["--target=wasm32-wasi", "-O1"]).args(flags).arg(path).arg("-o").arg(&out);
    let done = clang.output().expect("clang is installed with wasi-libc");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let bytes = std::fs::read(&out).expect("clang wrote it");
    std::fs::remove_file(&out).expect("it can be removed");
    // There is none for an example.
    let _ = std::fs::remove_file(&text);
    Some(bytes)
}

enum Source<'a> {
    Example(&'a str),
    Text(&'a str),
}

/// Runs a program: its status, and as text what it wrote to stdout, to stderr, and what it was refused.
fn outcome(exec: &Executor, wasm: &[u8], words: &[&str], stdin: &[u8]) -> (u8, String, String, Vec<String>) {
    let program = exec.load_bytes(wasm).unwrap_or_else(|error| panic!("{error}"));
    let words: Vec<Value> = words.iter().map(|arg| Value::from(*arg)).collect();
    let future = program.fork("_start", args![Value::from(words), Value::from(stdin.to_vec())]).unwrap();
    let result = future.wait().unwrap();
    let text = |field| match result.field(field) {
        Some(Value::List(bytes)) => String::from_utf8(bytes.as_slice::<u8>().unwrap().to_vec()).unwrap(),
        other => panic!("{field}: {other:?}"),
    };
    let Some(Value::U8(status)) = result.field("status") else { panic!("{result:?}") };
    (*status, text("stdout"), text("stderr"), future.output().unwrap_or_default().refused)
}

#[test]
fn a_heap_sort_sorts() {
    let Some(wasm) = compile(Source::Example("sort.c"), &[]) else { return };
    each_frozen(|exec| {
        let sorted = outcome(exec, &wasm, &["3", "-1", "2.5"], b"");
        assert_eq!(sorted, (0, "-1\n2.5\n3\n".to_owned(), String::new(), vec![]));
        let numbers: Vec<i64> = (0..5000).map(|n: i64| n * 7919 % 5003).collect();
        let input: String = numbers.iter().map(|n| format!("{n}\n")).collect();
        let mut expected = numbers;
        expected.sort_unstable();
        let expected: String = expected.iter().map(|n| format!("{n}\n")).collect();
        assert_eq!(outcome(exec, &wasm, &[], input.as_bytes()), (0, expected, String::new(), vec![]));
        let wrong = outcome(exec, &wasm, &["1", "x"], b"");
        assert_eq!(wrong, (2, String::new(), "no number: x\n".to_owned(), vec![]));
    });
}

#[test]
fn a_picture_is_written_byte_for_byte() {
    let Some(wasm) = compile(Source::Example("mandelbrot.c"), &[]) else { return };
    each_frozen(|exec| {
        let program = exec.load_bytes(&wasm).unwrap();
        let (status, picture, _) = run(&program, &["60", "40"], b"").unwrap();
        assert_eq!((status, picture.len()), (0, 13 + 3 * 60 * 40));
        assert!(picture.starts_with(b"P6\n60 40\n255\n"));
        let pixel = |x: usize, y: usize| &picture[13 + 3 * (60 * y + x)..][..3];
        // Within the set, and far outside.
        assert_eq!((pixel(45, 20), pixel(0, 0)), (&[0, 0, 0][..], &[8, 5, 84][..]));
        // It is the same above and below the real axis.
        for y in 1..20 {
            assert_eq!(
                (0..60).map(|x| pixel(x, y)).collect::<Vec<_>>(),
                (0..60).map(|x| pixel(x, 40 - y)).collect::<Vec<_>>()
            );
        }
    });
}

#[test]
fn json_is_laid_out() {
    let Some(wasm) = compile(Source::Example("pretty.c"), &[]) else { return };
    each_frozen(|exec| {
        let laid = outcome(exec, &wasm, &[], br#"{"a":[1,-2.5e3,{"b":"x\"y"}],"c":{},"d":null}"#);
        let expected = "{\n  \"a\": [\n    1,\n    -2.5e3,\n    {\n      \"b\": \"x\\\"y\"\n    }\n  ],\n  \"c\": {},\n  \"d\": null\n}\n";
        assert_eq!(laid, (0, expected.to_owned(), String::new(), vec![]));
        let wrong = outcome(exec, &wasm, &[], b"[1 2]");
        assert_eq!((wrong.0, wrong.2), (1, "expected a comma or ]\n".to_owned()));
    });
}

#[test]
fn a_program_that_wants_a_file_or_the_time_is_told_what_it_was_given() {
    let Some(show) = compile(Source::Example("show.c"), &[]) else { return };
    let Some(now) = compile(Source::Example("now.c"), &[]) else { return };
    each_frozen(|exec| {
        assert_eq!(
            outcome(exec, &show, &["data/a.txt"], b""),
            (
                1,
                String::new(),
                "data/a.txt: No such file or directory\n".to_owned(),
                vec!["tried to open `data/a.txt`: no such file was given (`--file data/a.txt=@data/a.txt`)".to_owned()]
            )
        );
        assert_eq!(
            outcome(exec, &now, &[], b""),
            (
                0,
                "1970-01-01 00:00:01\n".to_owned(),
                String::new(),
                vec!["asked for the time: it is always 1970-01-01T00:00:01Z".to_owned()]
            )
        );
    });
}

/// What C's library makes of the rest: files, directories, sleep, the environment, random numbers, buffers.
#[test]
fn the_library_of_c_copes() {
    let source = r#"
        #include <dirent.h>
        #include <errno.h>
        #include <poll.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/stat.h>
        #include <time.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            struct stat st;
            char text[64] = "";
            printf("%d %s\n", argc, argv[0]);
            printf("stat / %d dir %d\n", stat("/", &st), S_ISDIR(st.st_mode));
            printf("stat x %d %s\n", stat("/x", &st), strerror(errno));
            printf("write %d %s\n", fopen("/x", "w") != NULL, strerror(errno));
            printf("mkdir %d %s\n", mkdir("x", 0777), strerror(errno));
            DIR *dir = opendir("/");
            printf("opendir %d %d\n", dir != NULL, readdir(dir) != NULL);
            printf("closedir %d\n", closedir(dir));
            printf("tty %d %d\n", isatty(0), isatty(1));
            printf("seek %ld %s\n", (long)lseek(1, 0, SEEK_SET), strerror(errno));
            struct timespec second = {1000, 0};
            printf("sleep %d\n", nanosleep(&second, NULL));
            struct pollfd fds[2] = {{0, POLLIN, 0}, {1, POLLOUT, 0}};
            printf("poll %d\n", poll(fds, 2, 1000));
            printf("env %d\n", getenv("HOME") != NULL);
            unsigned char random[4];
            printf("random %d %02x%02x%02x%02x\n", getentropy(random, 4), random[0], random[1], random[2], random[3]);
            printf("gets %s", fgets(text, 64, stdin));
            printf("eof %d\n", fgets(text, 64, stdin) == NULL);
            printf("close %d", close(2));
            fflush(stdout);
            close(1);
            printf("never seen");
            return fflush(stdout) == 0 ? 0 : 9;
        }"#;
    let Some(wasm) = compile(Source::Text(source), &["-Wno-unused"]) else { return };
    each_frozen(|exec| {
        let (status, stdout, stderr, refused) = outcome(exec, &wasm, &[], b"a line\n");
        let expected = "1 program\nstat / 0 dir 1\nstat x -1 No such file or directory\nwrite 0 Read-only file system\nmkdir -1 Read-only file system\nopendir 1 1\nclosedir 0\ntty 0 0\nseek -1 Invalid seek\nsleep 0\npoll 2\nenv 0\nrandom 0 afcd1d7b\ngets a line\neof 1\nclose 0";
        assert_eq!((status, stdout.as_str(), stderr.as_str()), (9, expected, ""));
        let expected = [
            "tried to write `x`: no file can be written",
            "tried to make the directory `x`: no file can be written",
            "asked how much time has passed: none ever does",
            "asked for random numbers: they are the same in every call",
            "looked for `x`: no such file was given (`--file x=@x`)",
        ];
        assert_eq!(refused, expected);
    });
}

#[test]
fn a_library_is_initialized_and_its_functions_print() {
    let source = r#"
        #include <stdio.h>
        static int ready;
        __attribute__((constructor)) static void begin(void) { ready = 41; puts("not seen"); fflush(stdout); }
        __attribute__((export_name("answer"))) int answer(void) {
            printf("asked\n");
            fflush(stdout);
            return ready + 1;
        }"#;
    let Some(wasm) = compile(Source::Text(source), &["-mexec-model=reactor"]) else { return };
    each_frozen(|exec| {
        let module = exec.load_bytes(&wasm).unwrap();
        for _ in 0..2 {
            let future = module.fork("answer", args![]).unwrap();
            assert_eq!(future.wait().unwrap(), Value::I32(42));
            assert_eq!(future.output().unwrap().stdout, b"asked\n");
        }
    });
}

#[test]
fn a_library_without_wasi_is_initialized_just_as_well() {
    let source = r#"
        static int table[4];
        __attribute__((constructor)) static void begin(void) {
            volatile int k = 7;
            for (int i = 0; i < 4; i++) table[i] = k * i;
        }
        __attribute__((export_name("at"))) int at(int i) { return table[i & 3]; }"#;
    // With a runtime's `_initialize`, and where the linker leaves it to the host to run constructors.
    let ways: [&[&str]; 2] =
        [&["-mexec-model=reactor"], &["-nostartfiles", "-Wl,--no-entry", "-Wl,--export=__wasm_call_ctors"]];
    for flags in ways {
        let Some(wasm) = compile(Source::Text(source), flags) else { return };
        purefork_tests::each_executor(|exec| {
            let module = exec.load_bytes(&wasm).unwrap();
            for _ in 0..2 {
                assert_eq!(module.fork("at", args![3]).unwrap().wait().unwrap(), Value::I32(21), "{flags:?}");
            }
            let names: Vec<_> = module.inspect().functions.into_iter().map(|function| function.name).collect();
            assert_eq!(names, ["at"], "{flags:?}");
        });
    }
}
