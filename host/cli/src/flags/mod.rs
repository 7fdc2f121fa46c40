//! What was typed.

mod common;
mod map;

pub(crate) use common::{Allowed, Common, Link, MAIN};
pub(crate) use map::Map;

use crate::help::*;
use crate::report::{Usage, shown_path};
use crate::split::{Split, TypedArg, split};
use crate::units::{count, duration};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _};
use common::{provided, unknown_imports, wasi};
use purefork::{UnknownImports, Wasi};
use std::ffi::OsString;
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

impl Verb {
    /// Fails if something is given that only guests of WASI can be given, and there are none.
    fn check_wasi(&self) -> Result<(), Usage> {
        let (common, stdin, out) = match self {
            Verb::Run(run) => (&run.common, run.stdin.is_some(), run.out.is_some()),
            Verb::Map(map) => (&map.common, false, false),
            Verb::Preinit(preinit) => (&preinit.call.common, false, false),
            Verb::Trace(trace) => (&trace.call.common, false, false),
            Verb::Verify(verify) => (&verify.call.common, false, false),
            Verb::Replay(_) | Verb::Inspect(_) => return Ok(()),
        };
        let (file, env) = (!common.file.is_empty(), !common.env.is_empty());
        let given =
            [(stdin, "stdin", "programs"), (file, "file", "guests"), (env, "env", "guests"), (out, "out", "guests")];
        match given.into_iter().find(|(given, ..)| *given && common.wasi.is_none()) {
            Some((_, option, whose)) => {
                Err(Usage::new(format!("`--{option}` is for {whose} of WASI")).with_help("give `--wasi frozen`, too"))
            }
            None => Ok(()),
        }
    }
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
    /// Make calls of MODULE's functions in one sandbox, such as 'h = init(); update(h, &@FILE, len); string(h)'
    #[arg(long, value_name = "SCRIPT")]
    pub(crate) script: Option<String>,
    /// Read the result from memory after the call: each a number, `result`, or `&N`, the N-th argument with a `&`
    #[arg(long, value_name = "PTR[:LEN]")]
    pub(crate) read: Option<String>,
    /// With `--wasi`: a program's standard input, as text, `@FILE` or `@-`; by default empty
    #[arg(long, value_name = "TEXT")]
    pub(crate) stdin: Option<String>,
    /// With `--wasi`: let the call make files, and put them into a directory once it has succeeded
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
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

impl Inspect {
    pub(crate) fn allowed(&self) -> Allowed {
        Allowed { wasi: self.wasi, unknown_imports: self.unknown_imports }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// A WebAssembly module: .wasm, or its text, .wat; `-` for standard input
    #[arg(value_name = "MODULE")]
    pub(crate) module: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// A core module whose exports satisfy what MODULE imports from NAME, in the same sandbox
    #[arg(long, value_name = "NAME=MODULE", value_parser = provided)]
    pub(crate) provide: Vec<Link>,
    /// A WIT world that says what MODULE's functions, which take pointers, take and give
    #[arg(long, value_name = "FILE")]
    pub(crate) wit: Option<PathBuf>,
    /// Let modules import WASI, in a world that stands still: `frozen`
    #[arg(long, value_name = "HOW", value_parser = wasi)]
    pub(crate) wasi: Option<Wasi>,
    /// What becomes of imported functions that nothing provides: `refuse`, or `trap` when they are called; by default refuse
    #[arg(long, value_name = "HOW", value_parser = unknown_imports)]
    pub(crate) unknown_imports: Option<UnknownImports>,
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
    let typed = from_clap(&ours);
    if let Ok(Typed { verb }) = &typed {
        verb.check_wasi()?;
    }
    match typed {
        Ok(Typed { verb: Verb::Run(run) }) => {
            let Split { after, given, words, wrong, help, .. } = split;
            match wrong {
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
        (ErrorKind::ArgumentConflict, Some(option), _) => {
            let others = match error.get(ContextKind::PriorArg) {
                // A whole group of options, of which some were typed.
                Some(ContextValue::Strings(others)) => {
                    let typed = |option: &&String| {
                        let option = option.split(' ').next().unwrap_or_default();
                        words.iter().filter_map(|word| word.to_str()).any(|word| word.split('=').next() == Some(option))
                    };
                    others.iter().filter(typed).cloned().collect::<Vec<_>>().join("`, `")
                }
                other => other.map(ToString::to_string).unwrap_or_default(),
            };
            let wrong = match others == option {
                true => format!("the argument `{option}` cannot be used multiple times"),
                false => format!("the argument `{option}` cannot be used with `{others}`"),
            };
            Usage::new(wrong).with_help(help)
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
            // A program, or a script, is run, not preinitialised; and what is left of a call is its state.
            let options =
                options.filter(|option| !matches!(option.get_long(), Some("stdin" | "out" | "script" | "read")));
            let name = |option: &clap::Arg| (option.get_long().map(str::to_owned), option.get_short());
            options.map(|option| (name(option), option.get_action().takes_values())).collect::<Vec<_>>()
        };
        assert_eq!(options("preinit"), options("run"));
    }
}
