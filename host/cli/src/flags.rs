//! What was typed.

use crate::help::*;
use crate::report::{Usage, shown_path};
use crate::split::{Split, TypedArg, split};
use crate::units::{count, duration, size};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _};
use purefork::{Isolation, Wasi};
use purefork_data::Nulls;
use purefork_data::map::OnError;
use std::ffi::OsString;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The commands.
const VERBS: [&str; 7] = ["run", "map", "preinit", "trace", "replay", "verify", "inspect"];

/// Those that call a function, whose parameters are options, too.
const CALLING: [&str; 4] = ["run", "preinit", "trace", "verify"];

/// Forks pure WebAssembly functions, each call in a sandbox of its own.
#[derive(Debug, clap::Parser)]
#[command(name = "purefork", version, after_help = EXAMPLES, max_term_width = 100)]
struct Typed {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Calls a function of a module and prints its result.
    #[command(override_usage = RUN_USAGE, after_help = RUN_HELP, allow_negative_numbers = true)]
    Run(Box<Run>),
    /// Calls a function of a module with each row of files, and writes the results in order.
    #[command(override_usage = MAP_USAGE, after_help = MAP_HELP)]
    Map(Box<Map>),
    /// Runs a function of a module, and writes a module that starts with the state it leaves.
    #[command(override_usage = PREINIT_USAGE, after_help = PREINIT_HELP, allow_negative_numbers = true)]
    Preinit(Box<Preinit>),
    /// Runs a function of a module, and shows what it forks and waits for.
    #[command(override_usage = TRACE_USAGE, after_help = TRACE_HELP, allow_negative_numbers = true)]
    Trace(Box<Trace>),
    /// Runs the calls of a trace again, and compares what they give.
    #[command(after_help = REPLAY_HELP)]
    Replay(Replay),
    /// Runs a function of a module in every way there is, and compares what it gives.
    #[command(override_usage = VERIFY_USAGE, after_help = VERIFY_HELP, allow_negative_numbers = true)]
    Verify(Box<Verify>),
    /// Shows what is in a module, and whether it is pure.
    #[command(after_help = INSPECT_HELP)]
    Inspect(Inspect),
}

/// What there is to do.
#[derive(Debug)]
pub(crate) enum Command {
    Run(Box<Run>),
    Map(Box<Map>),
    Preinit(Box<Preinit>),
    Trace(Box<Trace>),
    Replay(Replay),
    Verify(Box<Verify>),
    Inspect(Inspect),
    /// Help or the version was asked for.
    Help(String),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// A WebAssembly module: .wasm, or its text, .wat; `-` for standard input
    #[arg(value_name = "MODULE")]
    pub(crate) module: PathBuf,
    /// The exported function to call
    #[arg(value_name = "FUNCTION")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) common: Common,
    /// Print the result, or the error, as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the result to a file, `-` for stdout as it is, instead of printing it
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// With `--wasi`: a program's standard input, as text, `@FILE` or `@-`; by default empty
    #[arg(long, value_name = "TEXT")]
    pub(crate) stdin: Option<String>,
    /// The function, if it stands after `--`; or the first argument of a program.
    #[arg(skip)]
    pub(crate) after: Option<String>,
    /// The function's arguments.
    #[arg(skip)]
    pub(crate) given: Vec<TypedArg>,
    /// The words that they are made of, as a program takes them.
    #[arg(skip)]
    pub(crate) words: Vec<OsString>,
    /// What is wrong with the first of the words that is no argument of a function.
    #[arg(skip)]
    pub(crate) wrong: Option<Usage>,
    /// Whether to show what could be called instead of calling it.
    #[arg(skip)]
    pub(crate) help: bool,
}

/// Options of the same names as those of [`Run`]: words are told apart by these.
#[derive(Debug, clap::Args)]
pub(crate) struct Preinit {
    #[command(flatten)]
    pub(crate) call: Call,
    /// Print an error as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Where to write the new module, `-` for stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Map {
    /// A WebAssembly module, a function that it exports, and files of rows; `-` or no file for standard input
    #[arg(value_name = "MODULE FUNCTION [INPUT]")]
    pub(crate) words: Vec<PathBuf>,
    /// Write to a file, `-` for stdout; it takes its place when all rows are done
    #[arg(short, long, value_name = "OUT", help_heading = "Rows")]
    pub(crate) output: Option<PathBuf>,
    /// The inputs' format; by default what their names end in, and ndjson for standard input
    #[arg(long, value_name = "FORMAT", help_heading = "Rows")]
    pub(crate) from: Option<String>,
    /// The output's format; by default what its name ends in, else the inputs'
    #[arg(long, value_name = "FORMAT", help_heading = "Rows")]
    pub(crate) to: Option<String>,
    /// A parameter's value for all rows, in WAVE or JSON, or @FILE
    #[arg(long, value_name = "NAME=VALUE", value_parser = named, help_heading = "Rows")]
    pub(crate) arg: Vec<(String, String)>,
    /// The column or field that gives a parameter, where it is not called like it
    #[arg(long, value_name = "PARAMETER=COLUMN", value_parser = named, help_heading = "Rows")]
    pub(crate) column: Vec<(String, String)>,
    /// Add the result to the row under this name, instead of writing it in the row's place
    #[arg(long, value_name = "COLUMN", help_heading = "Rows")]
    pub(crate) into: Option<String>,
    /// Take fields and columns that the function does not take for errors
    #[arg(long, help_heading = "Rows")]
    pub(crate) strict: bool,
    /// What a null is for a parameter that is no option: `fail`, the default, or `null`, the result
    #[arg(long, value_name = "WHAT", value_parser = nulls, help_heading = "Rows")]
    pub(crate) nulls: Option<Nulls>,
    /// CSV and TSV have no header row: columns are parameters by position
    #[arg(long, help_heading = "Rows")]
    pub(crate) no_header: bool,
    /// The largest row, in bytes of text; by default 64MiB
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Rows")]
    pub(crate) max_row: Option<usize>,
    /// What a row that fails does: `stop` the run, the default; or `keep` its place, or `skip` it
    #[arg(long, value_name = "WHAT", value_parser = on_error, help_heading = "Failures")]
    pub(crate) on_error: Option<OnError>,
    /// How many rows may fail before the run stops, with `keep` and `skip`; by default any number
    #[arg(long, value_name = "N", value_parser = count::<u64>, help_heading = "Failures")]
    pub(crate) max_errors: Option<u64>,
    /// Write a line of JSON about each row that fails
    #[arg(long, value_name = "FILE", help_heading = "Failures")]
    pub(crate) rejects: Option<PathBuf>,
    /// Time for all rows together, such as 10m; by default without end
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Failures")]
    pub(crate) deadline: Option<Duration>,
    /// The function gives a list: write a row for each of its elements
    #[arg(long, conflicts_with_all = ["batch", "reduce"], help_heading = "Shape")]
    pub(crate) flatten: bool,
    /// The function takes and gives lists: call it for so many rows at a time
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Shape")]
    pub(crate) batch: Option<NonZero<usize>>,
    /// The most bytes of input in a call with `--batch`; by default 16MiB
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Shape")]
    pub(crate) batch_bytes: Option<usize>,
    /// Fold the results to one with an associative function of the module, and write that
    #[arg(long, value_name = "FUNCTION", conflicts_with_all = ["into", "resume", "shard"], help_heading = "Shape")]
    pub(crate) reduce: Option<String>,
    /// Go on where a run with the same words was interrupted
    #[arg(long, help_heading = "Parts")]
    pub(crate) resume: bool,
    /// Do the I-th of N shares of the rows alone, such as 1/10
    #[arg(long, value_name = "I/N", value_parser = shard, help_heading = "Parts")]
    pub(crate) shard: Option<(u64, u64)>,
    /// Put the outputs of all shards together, in order, into OUT
    #[arg(long, value_name = "OUT", help_heading = "Parts")]
    pub(crate) merge: Option<PathBuf>,
    /// No summary, and no progress bar
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// A call of a function.
#[derive(Debug, clap::Args)]
pub(crate) struct Call {
    /// A WebAssembly module: .wasm, or its text, .wat; `-` for standard input
    #[arg(value_name = "MODULE")]
    pub(crate) module: PathBuf,
    /// The exported function to run
    #[arg(value_name = "FUNCTION")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) common: Common,
    /// The function, if it stands after `--`.
    #[arg(skip)]
    pub(crate) after: Option<String>,
    /// The function's arguments.
    #[arg(skip)]
    pub(crate) given: Vec<TypedArg>,
    /// Whether to show what could be run instead of running it.
    #[arg(skip)]
    pub(crate) help: bool,
}

impl Call {
    /// The function's name, if it was given.
    pub(crate) fn name(&self) -> Option<&str> {
        self.function.as_deref().or(self.after.as_deref())
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Trace {
    #[command(flatten)]
    pub(crate) call: Call,
    /// What to write: `ir`, `html`, `trace`, `json`, `dot`, `perfetto` or `folded`
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub(crate) format: Option<Format>,
    /// Write to a file, `-` for stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Put the body of each call in the place of its fork; for `ir` and `html`
    #[arg(long)]
    pub(crate) inline: bool,
    /// For `folded`: the functions within guests, too, from so many samples by fuel; each runs a call again
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
    pub(crate) samples: Option<u32>,
    /// Print work, span and the speed-up to expect, in fuel; alone, instead of the graph
    #[arg(long)]
    pub(crate) summary: bool,
    /// Print an error as JSON, if the trace is written to a file
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a trace is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Ir,
    Html,
    Trace,
    Json,
    Dot,
    Perfetto,
    Folded,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// A trace
    #[arg(value_name = "TRACE")]
    pub(crate) trace: PathBuf,
    /// Run this call alone, and print what it gives: its place in the trace, from 0
    #[arg(long, value_name = "N", value_parser = count::<usize>)]
    pub(crate) node: Option<usize>,
    /// A module that the trace does not hold, or one of its linked modules
    #[arg(long, value_name = "MODULE")]
    pub(crate) module: Vec<PathBuf>,
    /// Worker threads; by default, one per core
    #[arg(long, value_name = "N", value_parser = count::<usize>)]
    pub(crate) threads: Option<usize>,
    /// Time for each call, such as 500ms, 2s or 1m; by default without end
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Print what comes of it, or an error, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) call: Call,
    /// How often to run the call in each way; by default once
    #[arg(long, value_name = "N", value_parser = count::<usize>)]
    pub(crate) runs: Option<usize>,
    /// Print the receipt, or an error, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How calls run, and what they may use.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Worker threads; by default, one per core
    #[arg(long, value_name = "N", value_parser = count::<usize>)]
    pub(crate) threads: Option<usize>,
    /// Run everything on one thread, in order
    #[arg(long, conflicts_with = "threads")]
    pub(crate) serial: bool,
    /// Fuel per call, about one unit an instruction; by default 100000000000
    #[arg(long, value_name = "N", value_parser = count::<u64>)]
    pub(crate) fuel: Option<u64>,
    /// Time for the call and all it forks, such as 500ms, 2s or 1m; by default without end
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Memory per call, such as 64MiB or 64MB; by default 64MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<usize>,
    /// Heap that calls start with, for lists of megabytes; by default none but the module's own
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) heap: Option<usize>,
    /// Stack per call; by default 512KiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) stack: Option<usize>,
    /// Elements per table; by default 100000
    #[arg(long, value_name = "N", value_parser = count::<usize>)]
    pub(crate) table_elements: Option<usize>,
    /// How deeply forks may be nested; by default 5120
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
    pub(crate) depth: Option<u32>,
    /// Forks that one call may make; by default 100000
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
    pub(crate) forks: Option<u32>,
    /// Forks in the whole tree of calls; by default 1000000
    #[arg(long, value_name = "N", value_parser = count::<u64>)]
    pub(crate) tree_forks: Option<u64>,
    /// Arguments and results that the whole tree of calls may hold at a time; by default 1GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) tree_values: Option<usize>,
    /// What compiling may cost, about in seconds; by default 8
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
    pub(crate) compile: Option<u32>,
    /// Where to keep compiled modules; by default purefork in the user's cache directory
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Do not keep compiled modules, nor use those that are kept
    #[arg(long, conflicts_with = "cache_dir")]
    pub(crate) no_cache: bool,
    /// Keep results in a directory, and do not make a call again whose result is there
    #[arg(long, value_name = "DIR")]
    pub(crate) memo: Option<PathBuf>,
    /// A module whose functions MODULE may fork. Each may fork those of all others; MODULE is called `main`
    #[arg(long, value_name = "NAME=MODULE", value_parser = link)]
    pub(crate) link: Vec<Link>,
    /// How calls get their sandboxes: `recycled`, or `fresh` for each call; by default recycled
    #[arg(long, value_name = "HOW", value_parser = isolation)]
    pub(crate) isolation: Option<Isolation>,
    /// Let modules import WASI, in a world that stands still: `frozen`
    #[arg(long, value_name = "HOW", value_parser = wasi)]
    pub(crate) wasi: Option<Wasi>,
    /// Bytes that a call may write to stdout and stderr by way of WASI; by default 16MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) output_limit: Option<usize>,
}

/// The name under which linked modules know the one whose function is called.
pub(crate) const MAIN: &str = "main";

/// A module to link, and the name to link it under.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) module: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// A WebAssembly module: .wasm, or its text, .wat; `-` for standard input
    #[arg(value_name = "MODULE")]
    pub(crate) module: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Let the module import WASI, in a world that stands still: `frozen`
    #[arg(long, value_name = "HOW", value_parser = wasi)]
    pub(crate) wasi: Option<Wasi>,
}

/// Parses the words after the program's name.
///
/// # Errors
///
/// A [`Usage`], if they are wrong.
pub(crate) fn parse(typed: &[OsString]) -> anyhow::Result<Command> {
    let (ours, split) = match typed.split_first() {
        Some((verb, rest)) if CALLING.iter().any(|calling| verb == calling) => {
            let verb_name = verb.to_string_lossy();
            let mut split = split(rest, |option| takes_value(&verb_name, option));
            ([vec![verb.clone()], std::mem::take(&mut split.ours)].concat(), split)
        }
        _ => (typed.to_vec(), Split::default()),
    };
    match from_clap(&ours) {
        Ok(Typed { verb: Verb::Run(run) }) => {
            let Split { after, given, words, wrong, help, .. } = split;
            match wrong {
                _ if run.stdin.is_some() && run.common.wasi.is_none() => {
                    Err(Usage::new("`--stdin` is for programs of WASI").with_help("give `--wasi frozen`, too").into())
                }
                // With WASI the function may be a program, which takes any words: the module will tell.
                Some(wrong) if run.common.wasi.is_none() => Err(wrong.into()),
                wrong => Ok(Command::Run(Box::new(Run { after, given, words, wrong, help, ..*run }))),
            }
        }
        Ok(Typed { verb: Verb::Map(map) }) => Ok(Command::Map(map)),
        Ok(Typed { verb: Verb::Preinit(preinit) }) => {
            let call = called(preinit.call, split)?;
            Ok(Command::Preinit(Box::new(Preinit { call, ..*preinit })))
        }
        Ok(Typed { verb: Verb::Trace(trace) }) => {
            let call = called(trace.call, split)?;
            Ok(Command::Trace(Box::new(Trace { call, ..*trace })))
        }
        Ok(Typed { verb: Verb::Verify(verify) }) => {
            let call = called(verify.call, split)?;
            Ok(Command::Verify(Box::new(Verify { call, ..*verify })))
        }
        Ok(Typed { verb: Verb::Replay(replay) }) => Ok(Command::Replay(replay)),
        Ok(Typed { verb: Verb::Inspect(inspect) }) => Ok(Command::Inspect(inspect)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Command::Help(error.render().to_string())),
            _ => Err(split.wrong.unwrap_or_else(|| wrong(&error, &ours)).into()),
        },
    }
}

/// The call, with the words that are the function's.
fn called(call: Call, split: Split) -> anyhow::Result<Call> {
    let Split { after, given, wrong, help, .. } = split;
    match wrong {
        Some(wrong) => Err(wrong.into()),
        None => Ok(Call { after, given, help, ..call }),
    }
}

/// Whether errors are wanted as JSON, those about the other words included.
pub(crate) fn wants_json(typed: &[OsString]) -> bool {
    typed.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

/// The option of a command that is most similar to a name, if any is.
pub(crate) fn similar(verb: &str, name: &str) -> Option<String> {
    let words = [verb.into(), format!("--{name}").into()];
    match from_clap(&words).err()?.get(ContextKind::SuggestedArg)? {
        ContextValue::String(option) => Some(option.clone()),
        _ => None,
    }
}

/// Whether `name` is an option of a command.
pub(crate) fn is_option(verb: &str, name: &str) -> bool {
    name == "help" || takes_value(verb, &format!("--{name}")).is_some()
}

fn from_clap(words: &[OsString]) -> Result<Typed, clap::Error> {
    let program = [OsString::from("purefork")];
    let mut matches = Typed::command().try_get_matches_from(program.iter().chain(words))?;
    Typed::from_arg_matches_mut(&mut matches)
}

fn takes_value(verb: &str, name: &str) -> Option<bool> {
    let command = Typed::command();
    let mut options = command.find_subcommand(verb)?.get_arguments();
    let found = match name.strip_prefix("--") {
        Some(long) => options.find(|option| option.get_long() == Some(long)),
        // A short option without a value could be an argument, such as a negative number.
        None => options.find(|option| {
            option.get_short().is_some_and(|short| *name == format!("-{short}")) && option.get_action().takes_values()
        }),
    };
    found.map(|option| option.get_action().takes_values())
}

fn link(text: &str) -> Result<Link, String> {
    match text.split_once('=') {
        Some((MAIN, _)) => Err(format!("expected another name than `{MAIN}`, which is MODULE's")),
        Some((name, module)) if !name.is_empty() && !module.is_empty() => {
            Ok(Link { name: name.to_owned(), module: module.into() })
        }
        _ => Err("expected NAME=MODULE, such as math=math.wasm".to_owned()),
    }
}

fn positive(text: &str) -> Result<NonZero<usize>, String> {
    NonZero::new(count(text)?).ok_or_else(|| "expected a number of at least 1".to_owned())
}

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as limit=10".to_owned()),
    }
}

fn nulls(text: &str) -> Result<Nulls, String> {
    match text {
        "fail" => Ok(Nulls::Fail),
        "null" => Ok(Nulls::Null),
        _ => Err("expected `fail` or `null`".to_owned()),
    }
}

fn on_error(text: &str) -> Result<OnError, String> {
    match text {
        "stop" => Ok(OnError::Stop),
        "keep" => Ok(OnError::Keep),
        "skip" => Ok(OnError::Skip),
        _ => Err("expected `stop`, `keep` or `skip`".to_owned()),
    }
}

fn shard(text: &str) -> Result<(u64, u64), String> {
    let wrong = || "expected I/N, such as 1/10 for the first of ten".to_owned();
    let (number, of) = text.split_once('/').ok_or_else(wrong)?;
    match (count(number)?, count(of)?) {
        (number, of) if (1..=of).contains(&number) => Ok((number, of)),
        _ => Err(wrong()),
    }
}

fn format(text: &str) -> Result<Format, String> {
    Ok(match text {
        "ir" => Format::Ir,
        "html" => Format::Html,
        "trace" => Format::Trace,
        "json" => Format::Json,
        "dot" => Format::Dot,
        "perfetto" => Format::Perfetto,
        "folded" => Format::Folded,
        _ => return Err("expected `ir`, `html`, `trace`, `json`, `dot`, `perfetto` or `folded`".to_owned()),
    })
}

fn isolation(text: &str) -> Result<Isolation, String> {
    match text {
        "recycled" => Ok(Isolation::Recycled),
        "fresh" => Ok(Isolation::Fresh),
        _ => Err("expected `recycled` or `fresh`".to_owned()),
    }
}

fn wasi(text: &str) -> Result<Wasi, String> {
    match text {
        "frozen" => Ok(Wasi::Frozen),
        _ => Err("expected `frozen`".to_owned()),
    }
}

/// clap's error in our form: what is wrong in one line, what to do in the next.
fn wrong(error: &clap::Error, words: &[OsString]) -> Usage {
    let verb = words.iter().find(|word| VERBS.iter().any(|verb| *word == verb));
    let help = match verb.and_then(|verb| verb.to_str()) {
        Some(verb) => format!("`purefork {verb} --help` shows what there is"),
        None => "`purefork --help` shows what there is".to_owned(),
    };
    let context = |kind| error.get(kind).map(ToString::to_string);
    match (error.kind(), context(ContextKind::InvalidArg), context(ContextKind::InvalidValue)) {
        (ErrorKind::ValueValidation, Some(option), Some(value)) => {
            let option = option.split(' ').next().unwrap_or_default();
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            Usage::new(format!("`{option}`: {why}, but was given `{}`", value.escape_debug()))
        }
        (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand, ..) => {
            Usage::new("expected a command").with_help(COMMANDS)
        }
        (ErrorKind::MissingRequiredArgument, ..) => {
            let what = if verb.is_some_and(|verb| verb == "replay") { "a trace" } else { "a module" };
            Usage::new(format!("expected the path of {what}")).with_help(help)
        }
        (ErrorKind::InvalidValue, Some(option), Some(value)) if option == "<MODULE>" && value.is_empty() => {
            Usage::new("expected the path of a module, but was given an empty word").with_help(help)
        }
        (ErrorKind::InvalidSubcommand, ..) => {
            let word = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            let path = Path::new(&word);
            let module = path.extension().is_some_and(|e| e == "wasm" || e == "wat")
                && words.first() == Some(&word.clone().into());
            let word = shown_path(path);
            let help = match context(ContextKind::SuggestedSubcommand) {
                _ if module => format!("did you mean `purefork run {word}`?"),
                Some(known) => format!("did you mean `{known}`?"),
                None => help,
            };
            Usage::new(format!("expected a command, such as `run` or `inspect`, but was given `{word}`"))
                .with_help(help)
        }
        (ErrorKind::UnknownArgument, Some(option), _) => {
            let option = option.split(' ').next().unwrap_or_default();
            let suggested = context(ContextKind::SuggestedArg);
            let help = match (suggested, verb.and_then(|verb| verb.to_str())) {
                // A single letter is similar to any option.
                (Some(known), _) if option.len() > 4 => format!("did you mean `{known}`?"),
                (_, Some("inspect")) if !option.starts_with('-') => {
                    format!("it takes one module and no function; {help}")
                }
                (_, Some(verb)) if CALLING.contains(&verb) && words.first().is_some_and(|first| first == verb) => {
                    format!("a parameter of the function comes after its name; {help}")
                }
                _ => help,
            };
            Usage::new(format!("unexpected argument `{}` found", option.escape_debug())).with_help(help)
        }
        _ => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            let help = context(ContextKind::SuggestedArg).map_or(help, |option| format!("did you mean `{option}`?"));
            Usage::new(first.strip_prefix("error: ").unwrap_or(first).replace('\'', "`")).with_help(help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preinit_has_the_options_of_run() {
        let command = Typed::command();
        let options = |verb: &str| {
            let options = command.find_subcommand(verb).expect("it is there").get_arguments();
            // A program is run, not preinitialised.
            let options = options.filter(|option| option.get_long() != Some("stdin"));
            let name = |option: &clap::Arg| (option.get_long().map(str::to_owned), option.get_short());
            options.map(|option| (name(option), option.get_action().takes_values())).collect::<Vec<_>>()
        };
        assert_eq!(options("preinit"), options("run"));
    }
}
