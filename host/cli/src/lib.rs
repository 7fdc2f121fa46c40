//! The command line of `purefork`: runs, maps, preinitialises, traces and inspects pure WebAssembly functions from the command line.
//!
//! Binaries differ in the formats that they give it: see [`main_with`].
//!
//! stdout carries results only; messages go to stderr. This file holds the exit codes, and nothing else:
//!
//! | code | means |
//! | --- | --- |
//! | 0 | fine |
//! | 1 | the call failed: it trapped, came to a limit, returned an `err`, or the host ran short; or two runs differed |
//! | 2 | the command line, a file or the arguments are wrong |
//! | 3 | the guest was refused |
//! | 130, 143 | `map` was interrupted |

mod argument;
mod array;
mod describe;
mod directory;
mod example;
mod file;
mod flags;
#[cfg(test)]
mod generate;
mod help;
mod inherited;
mod inspect;
mod json;
#[cfg(test)]
mod laws;
mod layout;
mod map;
mod npy;
mod output;
mod preinit;
mod program;
mod progress;
mod replay;
mod report;
mod run;
mod script;
mod split;
mod stdout;
mod target;
mod trace;
mod units;
mod verify;
mod whole;

use flags::Command;
use purefork::ErrorKind;
use purefork_data::{Format, Stage};
use report::Usage;
use std::ffi::OsString;
use std::process::ExitCode;

const CALL_FAILED: u8 = 1;
const USAGE: u8 = 2;
const REFUSED: u8 = 3;

/// Does what the command line of this process says. `formats`: those that `map` reads and writes beside its own.
pub fn main_with(formats: &'static [&'static dyn Format]) -> ExitCode {
    inherited::ignore_file_size_signal();
    run_with(std::env::args_os().skip(1).collect(), formats).into()
}

/// The same with a command line that is given, without the program's name, in a process that is somebody else's. Gives the exit code.
pub fn run_with(typed: Vec<OsString>, formats: &'static [&'static dyn Format]) -> u8 {
    let json = flags::wants_json(&typed);
    let done = flags::parse(&typed).and_then(|command| match command {
        Command::Help(text) => stdout::print(text.trim_end()).map(|()| 0),
        Command::Run(run) => run::run(&run).map(|fine| if fine { 0 } else { CALL_FAILED }),
        Command::Map(map) => map::map(&map, &typed, formats),
        Command::Preinit(preinit) => preinit::preinit(&preinit).map(|()| 0),
        Command::Trace(trace) => trace::trace(&trace).map(|fine| if fine { 0 } else { CALL_FAILED }),
        Command::Replay(replay) => replay::replay(&replay).map(|same| if same { 0 } else { CALL_FAILED }),
        Command::Verify(verify) => verify::verify(&verify).map(|same| if same { 0 } else { CALL_FAILED }),
        Command::Inspect(inspect) => inspect::inspect(&inspect).map(|pure| if pure { 0 } else { REFUSED }),
    });
    done.unwrap_or_else(|error| {
        report::report(&error, json);
        code(&error)
    })
}

fn code(error: &anyhow::Error) -> u8 {
    use ErrorKind::*;
    if error.is::<Usage>() {
        return USAGE;
    }
    if let Some(error) = error.downcast_ref::<purefork_data::Error>() {
        return if error.stage() == Stage::Output { CALL_FAILED } else { USAGE };
    }
    match error.downcast_ref::<purefork::Error>().map(purefork::Error::kind) {
        Some(
            Unreadable | Malformed | Link | NotCallable | NoSuchFunction | ArgumentMismatch | SignatureMismatch
            | Invalid,
        ) => USAGE,
        Some(Impure | Unsupported) => REFUSED,
        _ => CALL_FAILED,
    }
}
