//! `purefork map`: a call for each row of files.

mod formats;
mod interrupt;
mod merge;
mod partial;
mod progress;
mod same;
mod summary;
mod words;

use crate::flags::Map;
use crate::report::{Usage, shown_path};
use crate::run::{executor, function, given, link, load};
use crate::target::Target;
use crate::whole::Whole;
use crate::{CALL_FAILED, USAGE, stdout};
use anyhow::{Context as _, Result};
use formats::Formats;
use interrupt::Interrupt;
use partial::Partial;
use progress::Bar;
use purefork::inspect::{InspectedFunction, Inspection};
use purefork::{ErrorKind, Module};
use purefork_data::map::{
    Checkpoint, Control, End, Ended, From, Function, InputFile, Inputs, Job, OnError, Progress, Shape, run,
};
use purefork_data::{Chunk, Compression, Format, Ndjson, Sink, Stage, Table, Wanted};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use words::Words;

/// How many bytes of input are taken at a time.
const CHUNK: usize = 256 << 10;
/// The most bytes of a row, unless it is said.
const ROW: usize = 64 << 20;
/// The most bytes of a batch, unless it is said.
const BATCH: usize = 16 << 20;

/// Maps, or merges. Returns the exit code. `typed`: the words that `map` was read from.
pub(crate) fn map(map: &Map, typed: &[OsString], formats: &'static [&'static dyn Format]) -> Result<u8> {
    let formats = Formats::new(formats);
    if let Some(code) = formats.hand_over(map, typed)? {
        return Ok(code);
    }
    if let Some(out) = &map.merge {
        return merge::merge(map, out, &formats).map(|()| 0);
    }
    if map.max_errors.is_some() && matches!(map.on_error, None | Some(OnError::Stop)) {
        return Err(Usage::new(
            "expected `--on-error keep` or `--on-error skip` with `--max-errors`: else none may fail",
        )
        .into());
    }
    let words = Words::new(map)?;
    let inputs: Vec<InputFile> = words
        .inputs
        .iter()
        .map(|from| Ok(InputFile { from: from.clone(), format: formats.of_input(map, from)? }))
        .collect::<Result<_, Usage>>()?;
    let format = formats.of_output(map, &inputs)?;
    let target = Target::open(map.output.as_deref().unwrap_or(Path::new("-")))?;
    same::refuse_same_files(map, words.module, &words.inputs, &target)?;

    let exec = executor(&map.common)?;
    let world = given(&map.common)?;
    let module = link(&exec, &map.common, &world, Whole::new(words.module, &map.common).load(&exec)?)?;
    let inspection = module.inspect();
    let inspected = function(words.module, &inspection, words.function)?;
    let fixed = words::fixed(map, inspected)?;
    let shape = match map.batch {
        Some(rows) => Shape::Batch(rows),
        None if map.flatten => Shape::Flatten,
        None => Shape::Row,
    };
    let mapped = Function::new(&module, inspected, &fixed, shape)?;
    let reduce =
        map.reduce.as_ref().map(|name| reducing(words.module, &module, &inspection, name, &mapped)).transpose()?;

    let resumable = matches!(target, Target::File { .. }) && reduce.is_none() && format.is_text();
    if map.resume && !format.is_text() {
        let text = format!(
            "expected an output that can be gone on with, with `--resume`, but `{}` has its end last",
            format.name()
        );
        return Err(Usage::new(text).with_help("write NDJSON or CSV; or leave `--resume` away, to start anew").into());
    }
    if map.resume && !resumable {
        return Err(
            Usage::new("expected `--output FILE` with `--resume`: what is no file cannot be gone on with").into()
        );
    }
    let mut wanted = wanted(map, inspected, &mapped);
    wanted.columns_alone = map.into.is_some() && format.name() != Ndjson.name();
    words::name_columns(map, inspected, &mut wanted.params)?;
    wanted.marks = resumable;
    let rows = map.shard.map(|shard| share(shard, &inputs, &wanted)).transpose()?;
    let opened = Inputs::open(&inputs, &wanted)?;
    let columns = if map.into.is_some() { opened.columns().to_vec() } else { Vec::new() };

    let links = map.common.link.iter().map(|link| Ok(load(&exec, &link.module)?.digest().to_string()));
    let job = words::identity(map, (&module, &world), format.name(), &fixed, &links.collect::<Result<Vec<_>>>()?);
    let mut partial = match &target {
        Target::File { path, .. } => Some(Partial::open(path, &job, map.resume.then_some(resumable))?),
        _ => None,
    };
    let resume = partial.as_mut().and_then(Partial::take_checkpoint);
    let table = Table {
        function: inspected.name.clone(),
        result: mapped.result().cloned(),
        into: map.into.clone(),
        columns,
        nullable: map.on_error == Some(OnError::Keep) || wanted.nulls == purefork_data::Nulls::Null || reduce.is_some(),
        headless: map.no_header,
        resumed: resume.is_some(),
        pending: resume.as_ref().map_or_else(Vec::new, |resume| resume.pending.clone()),
    };
    let compression = map.output.as_deref().map_or(Compression::None, |path| Compression::of_name(path).0);
    let (to, written): (Box<dyn Write + Send>, u64) = match (&partial, target) {
        (Some(partial), _) => (Box::new(partial.file()?), resume.as_ref().map_or(0, |resume| resume.output)),
        (None, Target::Open { file, .. }) => (Box::new(stdout::Stream(file)), 0),
        (None, _) => (Box::new(stdout::Stream(stdout::file().context("cannot write to stdout")?)), 0),
    };
    let output = format.create(Sink::new(to, compression).after(written), &table)?;
    let rejects = map.rejects.as_ref().map(|path| rejects(path, resume.as_ref())).transpose()?;

    let start = Instant::now();
    let read = opened.progress();
    let threads = match (map.common.serial, map.common.threads) {
        (true, _) => 1,
        (_, Some(threads)) => threads.max(1),
        _ => std::thread::available_parallelism().map_or(1, Into::into),
    };
    let job = Job {
        function: mapped,
        inputs: opened,
        output,
        rejects,
        on_error: map.on_error.unwrap_or_default(),
        most_failures: map.max_errors,
        reduce,
        deadline: map.deadline.map(|time| start + time),
        threads,
        rows,
        resume,
        resumable,
    };
    let bar = bar(map, &words.inputs);
    let interrupt = Interrupt::new()?;
    let mut control = Going { interrupt: &interrupt, bar, read: Box::new(read), partial: partial.as_ref(), kept: None };
    let Ended { end, tally, first, checkpoint } = run(job, &mut control);
    control.bar.clear();
    exec.shutdown();
    if let (Some(partial), Some(checkpoint)) = (&partial, &checkpoint) {
        partial
            .keep(checkpoint)
            .with_context(|| format!("cannot write down where the run stands beside `{}`", partial.name()))?;
    }
    let resumes = checkpoint.is_some().then_some(partial.as_ref()).flatten();
    let code = match end {
        End::Whole => {
            if let Some(partial) = partial {
                partial.finish()?;
            }
            if !map.quiet {
                summary::print(&tally, start.elapsed(), first.as_ref());
            }
            if tally.failed > 0 { CALL_FAILED } else { 0 }
        }
        End::Unread => {
            abandoned(partial, checkpoint.is_some());
            0
        }
        end => {
            if !map.quiet {
                summary::print(&tally, start.elapsed(), None);
            }
            let code = summary::ended(map, &end, &tally, resumes, &interrupt);
            abandoned(partial, checkpoint.is_some());
            code
        }
    };
    Ok(code)
}

/// Leaves nothing behind that no run goes on with.
fn abandoned(partial: Option<Partial>, resumable: bool) {
    if let Some(partial) = partial.filter(|_| !resumable) {
        partial.discard();
    }
}

/// What the run asks and tells.
struct Going<'a> {
    interrupt: &'a Interrupt,
    bar: Bar,
    read: Box<dyn Fn() -> u64>,
    partial: Option<&'a Partial>,
    kept: Option<Instant>,
}

impl Control for Going<'_> {
    fn is_interrupted(&mut self) -> bool {
        self.interrupt.signal().is_some()
    }

    fn tell(&mut self, progress: Progress) {
        self.bar.tell((self.read)(), progress);
    }

    fn keep(&mut self, checkpoint: &dyn Fn() -> Option<Checkpoint>) -> io::Result<()> {
        const OFTEN: Duration = Duration::from_secs(1);
        let Some(partial) = self.partial else { return Ok(()) };
        if self.kept.is_some_and(|kept| kept.elapsed() < OFTEN) {
            return Ok(());
        }
        self.kept = Some(Instant::now());
        checkpoint().map_or(Ok(()), |checkpoint| partial.keep(&checkpoint))
    }
}

fn wanted(map: &Map, function: &InspectedFunction, mapped: &Function) -> Wanted {
    let batch = map.batch_bytes.unwrap_or(BATCH);
    Wanted {
        function: function.name.clone(),
        params: mapped.params().to_vec(),
        strict: map.strict,
        columns_alone: false,
        nulls: map.nulls.unwrap_or_default(),
        headless: map.no_header,
        into: map.into.clone(),
        chunk: Chunk {
            bytes: if map.batch.is_some() { CHUNK.min(batch) } else { CHUNK },
            rows: map.batch,
            most: batch,
        },
        longest: map.max_row.unwrap_or(ROW),
        marks: false,
    }
}

/// The function that folds, which has to take two results and give one.
fn reducing(
    path: &Path,
    module: &Module,
    inspection: &Inspection,
    name: &str,
    mapped: &Function,
) -> Result<purefork::Function<purefork::Args, purefork::Value>> {
    let reduce = function(path, inspection, name)?;
    let result = mapped.result();
    let fits = match (reduce.params.as_slice(), reduce.results.as_slice()) {
        ([left, right], [given]) => {
            let given = match given {
                purefork::value::Type::Result(types) => types.0.as_ref(),
                given => Some(given),
            };
            Some(&left.ty) == result && Some(&right.ty) == result && given == result
        }
        _ => false,
    };
    if !fits {
        let ty = result.map_or_else(|| "nothing".to_owned(), purefork::value::Type::brief);
        let usage = Usage::new(format!("`{reduce}` cannot fold the results, which are {ty}"))
            .with_help("it has to take two of them and give one")
            .with_kind(ErrorKind::ArgumentMismatch);
        return Err(usage.into());
    }
    Ok(module.function(&reduce.exact)?)
}

/// The rows of a share, from 0: as many for each as for the others, but for one.
fn share((number, of): (u64, u64), inputs: &[InputFile], wanted: &Wanted) -> Result<std::ops::Range<u64>> {
    if inputs.iter().any(|input| input.from == From::Stdin) {
        let usage =
            Usage::new("expected files with `--shard`: the rows are counted first, and standard input is read once");
        return Err(usage.into());
    }
    let rows = Inputs::open(inputs, wanted)?.count()?;
    let at = |number: u64| (u128::from(rows) * u128::from(number) / u128::from(of)) as u64;
    Ok(at(number - 1)..at(number))
}

/// The file for failed rows, cut to where an interrupted run stood.
fn rejects(path: &Path, resume: Option<&Checkpoint>) -> Result<Box<dyn Write + Send>> {
    let cannot = || format!("cannot write `{}`", shown_path(path));
    let path = &match Target::open(path)? {
        Target::File { path, .. } => path,
        Target::Open { file, .. } => return Ok(Box::new(stdout::Stream(file))),
        Target::Stdout => return Err(same::rejected_to_stdout().into()),
    };
    let file = match resume {
        Some(resume) => {
            let mut file = File::options().write(true).create(true).truncate(false).open(path).with_context(cannot)?;
            let length = file.metadata().with_context(cannot)?.len();
            if length < resume.rejects {
                let (name, written) = (shown_path(path), resume.rejects);
                return Err(Usage::new(format!("`{name}` has {length} bytes, but the run had written {written}"))
                    .with_help("start anew, without `--resume`")
                    .into());
            }
            file.set_len(resume.rejects).with_context(cannot)?;
            io::Seek::seek(&mut file, io::SeekFrom::End(0)).with_context(cannot)?;
            file
        }
        None => File::create(path).map_err(|error| Usage::new(format!("{}: {error}", cannot())))?,
    };
    Ok(Box::new(file))
}

/// The progress bar, if there is somebody to see it.
fn bar(map: &Map, inputs: &[From]) -> Bar {
    let printed = map.output.is_none() && io::stdout().is_terminal();
    if map.quiet || printed || !io::stderr().is_terminal() {
        return Bar::none();
    }
    let size = |from: &From| match from {
        From::Path(path) => std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| file.len()),
        From::Stdin => None,
    };
    Bar::new(inputs.iter().map(size).sum())
}

/// The exit code of an error of the data crate's.
fn code(stage: Stage) -> u8 {
    match stage {
        Stage::Usage | Stage::Input => USAGE,
        Stage::Output => CALL_FAILED,
    }
}

/// An error of the data crate's as one of what was typed.
fn usage(error: &purefork_data::Error) -> Usage {
    let usage = Usage::new(error.to_string());
    match error.help() {
        Some(help) => usage.with_help(help),
        None => usage,
    }
}

/// A path's name for messages.
fn shown(path: &Path) -> String {
    shown_path(path)
}

/// A path beside another one, its name with an ending more.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
