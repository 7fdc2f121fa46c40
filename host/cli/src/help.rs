//! What `--help` says beside the list of options.

pub(crate) const EXAMPLES: &str = "\
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

`map` gives 1 if any row failed, and 130 if it was interrupted (129 by SIGHUP, 143 by SIGTERM).";

pub(crate) const COMMANDS: &str = "\
purefork run MODULE FUNCTION [ARG]...    calls a function of a module
purefork map MODULE FUNCTION [INPUT]...  calls it with each row of files
purefork preinit MODULE FUNCTION [ARG]... -o OUT.wasm
                                         keeps the state that it leaves, as a module
purefork inspect MODULE                  shows what is in a module
purefork trace MODULE FUNCTION [ARG]...  shows what a call forks and waits for, as a graph
purefork replay TRACE                    runs the calls of a trace again, and compares
purefork verify MODULE FUNCTION [ARG]... runs a call in every way, and compares
purefork --help                          shows the rest";

pub(crate) const RUN_USAGE: &str = "purefork run [OPTIONS] MODULE FUNCTION [ARG]... [--NAME VALUE]... [-- ...]";

pub(crate) const RUN_HELP: &str = "\
Arguments of the function:
  ARG             a value, by position: 7, -5, 0.5, inf, true, '[1, 2]', '{x: 1, y: 2}'
  --NAME VALUE    the same by the parameter's name; also --NAME=VALUE
  --              everything after it is the function's: so a parameter can be given
                  that is called like an option of purefork's, or, where it stands before
                  FUNCTION, a function be called whose name is like one

Values are written in WAVE or in JSON. In JSON, a case of a variant is \"case\" or {\"case\": value};
a result {\"ok\": value} or {\"err\": value}; flags an array of strings; an option its value or null.
A parameter that is a string takes the text as it stands: quotes and backslashes are part of it, so
JSON text is given as it is, --input '\"5\"'. Within other values text is in double quotes.

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
  purefork run image.wasm resize @photo.png --size '{\"width\": 64, \"height\": 48}' -o small.png
  purefork run app.wasm main 7 --link math=math.wasm
  purefork run clock.wasm tick -- --timeout 3
  purefork run odd.wasm -- --json 3
  purefork run fib.wasm fib 90 --memo results --json

With `--memo DIR`, a call that was made before with the same module and arguments runs nothing, nor
does one that a guest forks. Then `--json` prints {\"value\": …, \"usage\": …}: fuel, forks, and how
many calls were known (memo_hits) and how many ran (memo_misses).

With `--wasi frozen`, modules may import WASI 0.1 and 0.2. It is always 1970, random numbers are
the same in every call, and there is no network. `--file` gives files in the directory `/`, `--env`
variables; with `--out` the call may make files, which go to a directory. A module that exports
`_start`, or a component that exports `wasi:cli/run`, is a program: what follows MODULE are its
arguments, what it writes goes to stdout and stderr, and if its status is not 0 the exit code is 1.

  purefork run --wasi frozen sort.wasm -- 3 -1 2.5
  purefork run --wasi frozen sort.wasm --stdin @numbers.txt
  purefork run --wasi frozen convert.wasm --file in.txt=@in.txt --out made -- in.txt out.txt";

pub(crate) const MAP_USAGE: &str = "purefork map [OPTIONS] MODULE FUNCTION [INPUT]... [-o OUT]
       purefork map --merge OUT PART...";

pub(crate) const MAP_HELP: &str = "\
Each row of the inputs is a call, in a state of its own, and its result a row of the output, in the
same order whatever the number of threads. An `ok` is unwrapped; an `err` is a failure of its row.

Formats, by what names end in, `.gz` and `.zst` included, or by `--from` and `--to`:
  ndjson    .ndjson, .jsonl, .json: a JSON value a line. An object gives parameters by name (dashes
            and underscores are the same), an array by position. The only parameter of a function
            may be the line itself. Values have the form of `purefork run --json`
  csv, tsv  .csv, .tsv, .tab: a header row names the columns. A cell is text as it stands, a number,
            true or false, a case's name, or JSON. A result that is a record is a column a field
  parquet, arrow
            of the binary `purefork-arrow`, which is run where it lies beside this one

Fields and columns that the function does not take are passed over, unless `--strict`. An option that
is missing, or an empty cell, is none. A whole number has to fit its parameter, and be exact as the
float that it is passed as. With `--into` the row stays as it was, with one field or column more;
results that are records are columns COLUMN.FIELD of CSV. Where a field of NDJSON has no column in
the output, as no parameter is called so, its row fails.

A row that fails stops the run before anything behind it is written. With `--on-error keep` it stays
in its place: as {\"error\": {\"kind\": …, \"message\": …}} in NDJSON, as a null or empty cells elsewhere.
`--rejects` writes a line about each: file, row, line, byte, column, kind, message, and the row raw.

OUT stays as it was until all rows are done: before that they are in OUT.purefork-part, and
OUT.purefork-resume says how far they are. Ctrl-C ends the run with that, and the same words with
`--resume` go on behind it, if the input's first part is what it was.

`--shard I/N` does rows I-1 of N equal shares, one behind the other. `purefork map --merge OUT PART...`
puts the outputs of all together, in the order that they are named in.

`--reduce` folds as a tree: rows 0 and 1, 2 and 3, then 0-1 and 2-3, on any number of threads.

Examples:
  purefork map parser.wasm parse access.ndjson -o parsed.ndjson
  cat access.ndjson | purefork map parser.wasm parse --into parsed | head
  purefork map price.wasm price orders.csv.gz -o prices.csv --arg rate=0.19 --into price
  purefork map parser.wasm parse day-*.ndjson -o all.csv.zst --on-error skip --rejects bad.ndjson
  purefork map vector.wasm norms rows.ndjson --batch 1024 --column xs=x --column ys=y
  purefork map math.wasm square numbers.ndjson --reduce add";

pub(crate) const PREINIT_USAGE: &str =
    "purefork preinit [OPTIONS] MODULE FUNCTION [ARG]... [--NAME VALUE]... -o OUT.wasm [-- ...]";

pub(crate) const PREINIT_HELP: &str = "\
The function is run once, and the state that it leaves in memory is what every call of the new
module starts with. The new module has the same functions; it is a WebAssembly file like any
other, and the same arguments give the same file. What the function gives is dropped; if it is an
`err`, that is an error.

Arguments and limits are those of `purefork run`: see `purefork run --help`.

Examples:
  purefork preinit model.wasm load @weights.npy -o ready.wasm
  purefork run ready.wasm predict @image.npy";

pub(crate) const TRACE_USAGE: &str = "purefork trace [OPTIONS] MODULE FUNCTION [ARG]... [--NAME VALUE]... [-- ...]";

pub(crate) const TRACE_HELP: &str = "\
Formats, of which FILE's ending chooses one where `--format` does not:
  ir        a graph as text, with one body for all calls that are the same: what is printed
            where there is no FILE
  html      one page: the timeline, the tree of forks and the graph
  trace     .trace: written while the call runs, for `purefork replay` and `purefork trace`
  json      everything as JSON
  dot       .dot, .gv: for Graphviz
  perfetto  .pftrace, .perfetto-trace: for ui.perfetto.dev
  folded    .folded: stacks of calls with their fuel, for speedscope and flame graphs

MODULE may be a trace, too: then nothing is run, and what it says is written in another format.
A program of WASI is traced as its function `_start` or `run`, with its arguments and its standard
input as values: '[\"-n\", \"3\"]' and @FILE.

If the call fails, its trace is written all the same, and the exit code is 1. Arguments and limits
are those of `purefork run`: see `purefork run --help`.

Examples:
  purefork trace fib.wasm fib 4
  purefork trace fib.wasm fib 20 -o fib.html
  purefork trace fib.wasm fib 20 --summary
  purefork trace fib.wasm fib 20 -o fib.trace
  purefork trace fib.trace -o fib.html";

pub(crate) const REPLAY_HELP: &str = "\
TRACE is what `purefork trace -o FILE.trace` has written. Nothing else is needed: the modules are in
it. Each call is run by itself; where it forks, the children are not run, but give what they gave.
What differs first is named, and the exit code is 1.

The trace says how much its calls may use: for one that you have not made yourself, give `--timeout`.

Examples:
  purefork replay fib.trace
  purefork replay fib.trace --node 17       runs that call alone, and prints what it gives
  purefork replay fib.json --module fib.wasm";

pub(crate) const VERIFY_USAGE: &str = "purefork verify [OPTIONS] MODULE FUNCTION [ARG]... [--NAME VALUE]... [-- ...]";

pub(crate) const VERIFY_HELP: &str = "\
The call is run serially, on one worker and on four, in recycled sandboxes and in fresh ones, and all
that it forks has to do and to give the same each time, bit for bit, with the same fuel. A receipt
is printed: digests of the module, the arguments, the limits and the result. Where the call fails,
it has to fail in the same way; the exit code is 1 only where runs differ.

Arguments and limits are those of `purefork run`: see `purefork run --help`.

Examples:
  purefork verify fib.wasm fib 20
  purefork verify fib.wasm fib 20 --runs 10 --json";

pub(crate) const INSPECT_HELP: &str = "\
A guest that cannot be shown to be pure is printed with every reason; the exit code is then 3.

Examples:
  purefork inspect math.wasm
  purefork inspect math.wasm --json";
