//! Help: of the program, of a module, of a function.

use crate::support::{check, check_all};
use expect_test::expect;

#[test]
fn the_program_has_help_and_a_version() {
    check_all(
        &["--help", "--version"],
        &expect![[r#"
            $ purefork --help
            Forks pure WebAssembly functions, each call in a sandbox of its own

            Usage: purefork <COMMAND>

            Commands:
              run      Calls a function of a module and prints its result
              map      Calls a function of a module with each row of files, and writes the results in order
              preinit  Runs a function of a module, and writes a module that starts with the state it leaves
              trace    Runs a function of a module, and shows what it forks and waits for
              replay   Runs the calls of a trace again, and compares what they give
              verify   Runs a function of a module in every way there is, and compares what it gives
              inspect  Shows what is in a module, and whether it is pure
              help     Print this message or the help of the given subcommand(s)

            Options:
              -h, --help     Print help
              -V, --version  Print version

            Examples:
              purefork inspect math.wasm            what is in it, and whether it is pure
              purefork run math.wasm add 2 3        prints 5
              purefork run math.wasm add --help     the parameters of `add`
              purefork map math.wasm add in.ndjson  calls it with each row

            Exit codes:
              0  fine
              1  the call failed: it trapped, came to a limit, returned an `err`, or the host ran short
              2  the command line, a file or the arguments are wrong
              3  the guest was refused

            `map` gives 1 if any row failed, and 130 if it was interrupted (129 by SIGHUP, 143 by SIGTERM).
            exit 0

            $ purefork --version
            purefork 0.1.0
            exit 0
        "#]],
    );
}

#[test]
fn run_has_help() {
    check(
        "run --help",
        &expect![[r#"
            Calls a function of a module and prints its result

            Usage: purefork run [OPTIONS] MODULE FUNCTION [ARG]... [--NAME VALUE]... [-- ...]

            Arguments:
              <MODULE>    A WebAssembly module: .wasm, or its text, .wat; `-` for standard input
              [FUNCTION]  The exported function to call

            Options:
                  --threads <N>             Worker threads; by default, one per core
                  --serial                  Run everything on one thread, in order
                  --fuel <N>                Fuel per call, about one unit an instruction; by default
                                            100000000000
                  --timeout <TIME>          Time for the call and all it forks, such as 500ms, 2s or 1m; by
                                            default without end
                  --memory <SIZE>           Memory per call, such as 64MiB or 64MB; by default 64MiB
                  --heap <SIZE>             Heap that calls start with, for lists of megabytes; by default none
                                            but the module's own
                  --stack <SIZE>            Stack per call; by default 512KiB
                  --table-elements <N>      Elements per table; by default 100000
                  --depth <N>               How deeply forks may be nested; by default 5120
                  --forks <N>               Forks that one call may make; by default 100000
                  --tree-forks <N>          Forks in the whole tree of calls; by default 1000000
                  --tree-values <SIZE>      Arguments and results that the whole tree of calls may hold at a
                                            time; by default 1GiB
                  --compile <N>             What compiling may cost, about in seconds; by default 8
                  --compile-timeout <TIME>  Time for compiling the module, such as 30s; by default without end
                  --cache-dir <DIR>         Where to keep compiled modules; by default purefork in the user's
                                            cache directory
                  --no-cache                Do not keep compiled modules, nor use those that are kept
                  --memo <DIR>              Keep results in a directory, and do not make a call again whose
                                            result is there
                  --link <NAME=MODULE>      A module whose functions MODULE may fork. Each may fork those of all
                                            others; MODULE is called `main`
                  --provide <NAME=MODULE>   A core module whose exports satisfy what MODULE imports from NAME,
                                            in the same sandbox
                  --wit <FILE>              A WIT world that says what MODULE's functions, which take pointers,
                                            take and give
                  --isolation <HOW>         How calls get their sandboxes: `recycled`, or `fresh` for each call;
                                            by default recycled
                  --wasi <HOW>              Let modules import WASI, in a world that stands still: `frozen`
                  --unknown-imports <HOW>   What becomes of imported functions that nothing provides: `refuse`,
                                            or `trap` when they are called; by default refuse
                  --file <NAME=TEXT>        With `--wasi`: a file that the modules may read, as text, `@PATH` or
                                            `@-`. NAME is like a/b.txt
                  --env <NAME=TEXT>         With `--wasi`: a variable of the modules' environment
                  --output-limit <SIZE>     Bytes that a call may write to stdout, stderr and files by way of
                                            WASI; by default 16MiB
                  --json                    Print the result, or the error, as JSON
              -o, --output <FILE>           Write the result to a file, `-` for stdout as it is, instead of
                                            printing it
                  --script <SCRIPT>         Make calls of MODULE's functions in one sandbox, such as 'h =
                                            init(); update(h, &@FILE, len); string(h)'
                  --read <PTR[:LEN]>        Read the result from memory after the call: each a number, `result`,
                                            or `&N`, the N-th argument with a `&`
                  --stdin <TEXT>            With `--wasi`: a program's standard input, as text, `@FILE` or `@-`;
                                            by default empty
                  --out <DIR>               With `--wasi`: let the call make files, and put them into a
                                            directory once it has succeeded
              -h, --help                    Print help

            Arguments of the function:
              ARG             a value, by position: 7, -5, 0.5, inf, true, '[1, 2]', '{x: 1, y: 2}'
              --NAME VALUE    the same by the parameter's name; also --NAME=VALUE
              --              everything after it is the function's: so a parameter can be given
                              that is called like an option of purefork's, or, where it stands before
                              FUNCTION, a function be called whose name is like one

            Values are written in WAVE or in JSON. In JSON, a case of a variant is "case" or {"case": value};
            a result {"ok": value} or {"err": value}; flags an array of strings; an option its value or null.
            A parameter that is a string takes the text as it stands: quotes and backslashes are part of it, so
            JSON text is given as it is, --input '"5"'. Within other values text is in double quotes.

              @FILE           reads the value from a file, @- from standard input: the text of a string,
                              a .npy array for a tensor or a list of numbers, the bytes of a list<u8>,
                              for all else WAVE or JSON
              @@TEXT          a string that begins with @

            Results are printed in WAVE. `--output` unwraps `ok`, and writes an array into a file called .npy,
            JSON into one called .json, else the text of a string, the bytes of a list<u8>, and for all else
            WAVE. If the function returns an `err`, it is printed, the exit code is 1, and no file is written.
            A file is replaced as a whole; a device, a pipe, /dev/fd/3 or a file of several names is written to.

            MODULE is read from standard input if it is `-`.

            Options may stand anywhere before `--`. `purefork run MODULE --help` shows the functions, and
            `purefork run MODULE FUNCTION --help` what one takes. A function of an interface is called by its
            name alone, or as 'ns:pkg/interface#name'.

            Examples:
              purefork run math.wasm add 2 3
              purefork run math.wasm add 2 --b 3
              purefork run math.wasm add 2 3 --fuel 100000 --timeout 500ms --json
              purefork run image.wasm resize @photo.png --size '{"width": 64, "height": 48}' -o small.png
              purefork run app.wasm main 7 --link math=math.wasm
              purefork run clock.wasm tick -- --timeout 3
              purefork run odd.wasm -- --json 3
              purefork run fib.wasm fib 90 --memo results --json

            With `--memo DIR`, a call that was made before with the same module and arguments runs nothing, nor
            does one that a guest forks. Then `--json` prints {"value": …, "usage": …}: fuel, forks, and how
            many calls were known (memo_hits) and how many ran (memo_misses).

            With `--wasi frozen`, modules may import WASI 0.1 and 0.2. It is always 1970, random numbers are
            the same in every call, and there is no network. `--file` gives files in the directory `/`, `--env`
            variables; with `--out` the call may make files, which go to a directory. A module that exports
            `_start`, or a component that exports `wasi:cli/run`, is a program: what follows MODULE are its
            arguments, what it writes goes to stdout and stderr, and if its status is not 0 the exit code is 1.

              purefork run --wasi frozen sort.wasm -- 3 -1 2.5
              purefork run --wasi frozen sort.wasm --stdin @numbers.txt
              purefork run --wasi frozen convert.wasm --file in.txt=@in.txt --out made -- in.txt out.txt
            exit 0
        "#]],
    );
}

#[test]
fn inspect_has_help() {
    check(
        "inspect --help",
        &expect![[r#"
            Shows what is in a module, and whether it is pure

            Usage: purefork inspect [OPTIONS] <MODULE>

            Arguments:
              <MODULE>  A WebAssembly module: .wasm, or its text, .wat; `-` for standard input

            Options:
                  --json                   Print JSON
                  --provide <NAME=MODULE>  A core module whose exports satisfy what MODULE imports from NAME, in
                                           the same sandbox
                  --wit <FILE>             A WIT world that says what MODULE's functions, which take pointers,
                                           take and give
                  --wasi <HOW>             Let modules import WASI, in a world that stands still: `frozen`
                  --unknown-imports <HOW>  What becomes of imported functions that nothing provides: `refuse`,
                                           or `trap` when they are called; by default refuse
              -h, --help                   Print help

            A guest that cannot be shown to be pure is printed with every reason; the exit code is then 3.

            Examples:
              purefork inspect math.wasm
              purefork inspect math.wasm --json
            exit 0
        "#]],
    );
}

#[test]
fn a_module_has_help() {
    check_all(
        &["run add.wat --help", "run add.wat -h", "run none.wat --help"],
        &expect![[r#"
            $ purefork run add.wat --help
            add(a: i32, b: i32) -> i32
            div(a: i32, b: i32) -> (i32, i32)

            `purefork run add.wat FUNCTION --help` shows what a function takes.
            exit 0

            $ purefork run add.wat -h
            add(a: i32, b: i32) -> i32
            div(a: i32, b: i32) -> (i32, i32)

            `purefork run add.wat FUNCTION --help` shows what a function takes.
            exit 0

            $ purefork run none.wat --help
            it exports no function
            exit 0
        "#]],
    );
}

#[test]
fn a_function_has_help() {
    check_all(
        &[
            "run add.wat add --help",
            "run fib.wat fib 3 -h --fuel 10",
            "run sum.wat visits --help",
            "run ops.wat nothing --help",
            "run ops.wat vector --help",
            "run ops.wat collide --help",
            "run tree.wat root --help",
        ],
        &expect![[r#"
            $ purefork run add.wat add --help
            add(a: i32, b: i32) -> i32
              stateless

            Parameters:
              --a  i32  a whole number from -2147483648 to 2147483647
              --b  i32  a whole number from -2147483648 to 2147483647

            Result:
              i32

            Examples:
              purefork run add.wat add 7 7
              purefork run add.wat add --a 7 --b 7
            exit 0

            $ purefork run fib.wat fib 3 -h --fuel 10
            fib(n: i32) -> i64
              stateless
              may fork `fib`

            Parameters:
              --n  i32  a whole number from -2147483648 to 2147483647

            Result:
              i64

            Examples:
              purefork run fib.wat fib 7
              purefork run fib.wat fib --n 7
            exit 0

            $ purefork run sum.wat visits --help
            visits() -> i32
              not stateless: writes memory: i32.store in `visits`

            Result:
              i32

            Examples:
              purefork run sum.wat visits
            exit 0

            $ purefork run ops.wat nothing --help
            nothing()
              stateless

            Result:
              none, printed as ()

            Examples:
              purefork run ops.wat nothing
            exit 0

            $ purefork run ops.wat vector --help
            vector(v: v128) -> v128
              stateless

            Parameters:
              --v  v128  16 bytes, each from 0 to 255: (b0, b1, ..., b15)

            Result:
              v128

            Examples:
              purefork run ops.wat vector '(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)'
              purefork run ops.wat vector --v '(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)'
            exit 0

            $ purefork run ops.wat collide --help
            collide(timeout: i32, max_depth: i32) -> (i32, i32)
              stateless

            Parameters:
              --timeout    i32  a whole number from -2147483648 to 2147483647
              --max_depth  i32  a whole number from -2147483648 to 2147483647

            `--timeout` is also an option of purefork: give the parameter after `--`.

            Result:
              (i32, i32), in this order

            Examples:
              purefork run ops.wat collide 7 7
              purefork run ops.wat collide -- --timeout 7 --max_depth 7
            exit 0

            $ purefork run tree.wat root --help
            root(n: i32) -> i32
              stateless
              may fork `middle`

            Parameters:
              --n  i32  a whole number from -2147483648 to 2147483647

            Result:
              i32

            Examples:
              purefork run tree.wat root 7
              purefork run tree.wat root --n 7
            exit 0
        "#]],
    );
}

#[test]
fn help_on_what_is_not_there_is_an_error() {
    check_all(
        &["run add.wat ad --help", "run wasi.wat hello --help"],
        &expect![[r#"
        $ purefork run add.wat ad --help
        2> error: the module exports no function `ad`
        2>   did you mean `add`?
        exit 2

        $ purefork run wasi.wat hello --help
        2> error: `wasi.wat`: the guest cannot be shown to be pure, for 2 reasons
        2>   it imports nothing else than WASI: `--wasi frozen` gives it one in which time stands still, with no files but those that are given
        2>   imports `wasi_snapshot_preview1.fd_write` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`) (export `hello` → function `print` → import `wasi_snapshot_preview1.fd_write`)
        2>   imports `wasi_snapshot_preview1.clock_time_get` (func (param i32 i64 i32) (result i32)): WASI's clock, and a guest has no clock; pass the time as an argument, or compile without it (`wasm32-unknown-unknown`)
        exit 3
    "#]],
    );
}

#[test]
fn a_command_that_is_none_is_told() {
    check_all(
        &["", "runn add.wat", "add.wat add 1 2", "map", "run", "inspect", "inspect a.wat b.wat"],
        &expect![[r#"
            $ purefork 
            2> error: expected a command
            2>   purefork run MODULE FUNCTION [ARG]...    calls a function of a module
            2>   purefork map MODULE FUNCTION [INPUT]...  calls it with each row of files
            2>   purefork preinit MODULE FUNCTION [ARG]... -o OUT.wasm
            2>                                            keeps the state that it leaves, as a module
            2>   purefork inspect MODULE                  shows what is in a module
            2>   purefork trace MODULE FUNCTION [ARG]...  shows what a call forks and waits for, as a graph
            2>   purefork replay TRACE                    runs the calls of a trace again, and compares
            2>   purefork verify MODULE FUNCTION [ARG]... runs a call in every way, and compares
            2>   purefork --help                          shows the rest
            exit 2

            $ purefork runn add.wat
            2> error: expected a command, such as `run` or `inspect`, but was given `runn`
            2>   did you mean `run`?
            exit 2

            $ purefork add.wat add 1 2
            2> error: expected a command, such as `run` or `inspect`, but was given `add.wat`
            2>   did you mean `purefork run add.wat`?
            exit 2

            $ purefork map
            2> error: expected the path of a module
            2>   `purefork map --help` shows what there is
            exit 2

            $ purefork run
            2> error: expected the path of a module
            2>   `purefork run --help` shows what there is
            exit 2

            $ purefork inspect
            2> error: expected the path of a module
            2>   `purefork inspect --help` shows what there is
            exit 2

            $ purefork inspect a.wat b.wat
            2> error: unexpected argument `b.wat` found
            2>   it takes one module and no function; `purefork inspect --help` shows what there is
            exit 2
        "#]],
    );
}

#[test]
fn long_types_are_broken_into_lines() {
    check_all(
        &[
            "run shapes.wat --help",
            "run shapes.wat shapes --help",
            "run shapes.wat set --help",
            "run shapes.wat tint --help",
            "run shapes.wat numbers --help",
            "run shapes.wat measure --help",
            "run shapes.wat add --help",
            "run shapes.wat paint --help",
            "run shapes.wat draw --help",
        ],
        &expect![[r#"
            $ purefork run shapes.wat --help
            text(text: string) -> string
            bytes(data: list<u8>) -> list<u8>
            numbers(values: list<f32>) -> list<f32>
            wholes(values: list<s16>) -> list<s16>
            move(point: record { x: f64, y: f64 }) -> record { x: f64, y: f64 }
            shapes(shapes: list<variant {…}>) -> list<variant {…}>
            set(settings: record {…}) -> record {…}
            tint(image: tensor) -> tensor
            maybe(value: option<option<u8>>) -> option<option<u8>>
            measure(text: string) -> result<u32, string>
            letter(letter: char) -> char
            paint(color: enum { red, green, dark-blue }) -> enum { red, green, dark-blue }
            draw(style: flags { bold, italic, under-line }) -> flags { bold, italic, under-line }
            demo:shapes/sums@1.0.0#add(max-len: u32, more: u32) -> u32
            demo:shapes/totals@1.0.0#total(max-len: u32, more: u32) -> u32
            demo:shapes/others@1.0.0#total(max-len: u32, more: u32) -> u32

            `purefork run shapes.wat FUNCTION --help` shows what a function takes.
            exit 0

            $ purefork run shapes.wat shapes --help
            shapes(shapes: list<variant {…}>) -> list<variant {…}>
              not stateless: writes memory: i32.store in `list`

            Parameters:
              --shapes
                  list<variant {
                    nothing,
                    circle(tuple<record { x: f64, y: f64 }, f64>),
                    polygon(record {
                      name: string,
                      points: list<record { x: f64, y: f64 }>,
                      fill: option<enum { red, green, dark-blue }>,
                    }),
                  }>
                  such as [circle(({x: 0.5, y: 0.5}, 0.5))]; or @FILE with it in WAVE or JSON

            Result:
              list<variant {
                nothing,
                circle(tuple<record { x: f64, y: f64 }, f64>),
                polygon(record {
                  name: string,
                  points: list<record { x: f64, y: f64 }>,
                  fill: option<enum { red, green, dark-blue }>,
                }),
              }>

            Examples:
              purefork run shapes.wat shapes '[circle(({x: 0.5, y: 0.5}, 0.5))]'
              purefork run shapes.wat shapes --shapes '[circle(({x: 0.5, y: 0.5}, 0.5))]'
            exit 0

            $ purefork run shapes.wat set --help
            set(settings: record {…}) -> record {…}
              not stateless: its arguments are written to memory

            Parameters:
              --settings
                  record {
                    width: u32,
                    height: u32,
                    depth: u32,
                    border: f32,
                    margin: f32,
                    padding: f32,
                    rounded: bool,
                    visible: bool,
                    closed: bool,
                    title: string,
                    author: string,
                    color: enum { red, green, dark-blue },
                    style: flags { bold, italic, under-line },
                    seed: option<u64>,
                  }
                  such as {width: 7, height: 7, depth: 7, border: 0.5, margin: 0.5, padding: 0.5, rounded: true…
                  or @FILE with it in WAVE or JSON

            Result:
              record {
                width: u32,
                height: u32,
                depth: u32,
                border: f32,
                margin: f32,
                padding: f32,
                rounded: bool,
                visible: bool,
                closed: bool,
                title: string,
                author: string,
                color: enum { red, green, dark-blue },
                style: flags { bold, italic, under-line },
                seed: option<u64>,
              }

            Examples:
              purefork run shapes.wat set @settings.json
              purefork run shapes.wat set --settings @settings.json
            exit 0

            $ purefork run shapes.wat tint --help
            tint(image: tensor) -> tensor
              not stateless: writes memory: i32.store in `tensor`

            Parameters:
              --image  tensor  @FILE with a .npy array

            Result:
              tensor

            Examples:
              purefork run shapes.wat tint @image.npy
              purefork run shapes.wat tint --image @image.npy
            exit 0

            $ purefork run shapes.wat numbers --help
            numbers(values: list<f32>) -> list<f32>
              not stateless: writes memory: i32.store in `list`

            Parameters:
              --values  list<f32>  such as [0.5]; or @FILE with a .npy array of `f4`, or with WAVE or JSON

            Result:
              list<f32>

            Examples:
              purefork run shapes.wat numbers '[0.5]'
              purefork run shapes.wat numbers --values '[0.5]'
            exit 0

            $ purefork run shapes.wat measure --help
            measure(text: string) -> result<u32, string>
              not stateless: writes memory: i32.store in `measure`

            Parameters:
              --text  string  any text, as it stands; or @FILE with it

            Result:
              result<u32, string>
              an `err` is printed too; the exit code is then 1

            Examples:
              purefork run shapes.wat measure text
              purefork run shapes.wat measure --text text
            exit 0

            $ purefork run shapes.wat add --help
            demo:shapes/sums@1.0.0#add(max-len: u32, more: u32) -> u32
              stateless

            Parameters:
              --max-len  u32  a whole number from 0 to 4294967295
              --more     u32  a whole number from 0 to 4294967295

            Result:
              u32

            Examples:
              purefork run shapes.wat add 7 7
              purefork run shapes.wat add --max-len 7 --more 7
            exit 0

            $ purefork run shapes.wat paint --help
            paint(color: enum { red, green, dark-blue }) -> enum { red, green, dark-blue }
              stateless

            Parameters:
              --color
                  enum { red, green, dark-blue }
                  such as red

            Result:
              enum { red, green, dark-blue }

            Examples:
              purefork run shapes.wat paint red
              purefork run shapes.wat paint --color red
            exit 0

            $ purefork run shapes.wat draw --help
            draw(style: flags { bold, italic, under-line }) -> flags { bold, italic, under-line }
              stateless

            Parameters:
              --style
                  flags { bold, italic, under-line }
                  such as {bold, italic}

            Result:
              flags { bold, italic, under-line }

            Examples:
              purefork run shapes.wat draw '{bold, italic}'
              purefork run shapes.wat draw --style '{bold, italic}'
            exit 0
        "#]],
    );
}
