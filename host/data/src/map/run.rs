//! A run, from its first row to its last.

use super::budget::Budget;
use super::done::{Done, Message, Piece};
use super::function::{Function, Shape};
use super::inputs::Inputs;
use super::pace::Pace;
use super::reader::{Reading, read};
use super::reduce::{Node, add, root};
use super::tally::Tally;
use super::work::{OnError, Task, work};
use super::writer::{Again, Checkpoint, End, Ended, Progress, Writer, rejects_unwritten};
use crate::error::{Error, Result, RowError, Stage};
use crate::format::{Given, Outcome, Output, Place, Rows};
use crate::mark::Mark;
use purefork::{Args, Future, Value};
use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a run looks whether it is interrupted, and tells where it stands.
const BEAT: Duration = Duration::from_millis(50);

/// How many characters are shown of a value.
const MOST_SHOWN: usize = 1000;

/// What was read and is not written yet: the most bytes.
const UNDER_WAY: usize = 32 << 20;

/// How many bytes, results included, are too much for more to be begun than what is written next.
const TOO_MUCH: usize = 4 * UNDER_WAY;

/// What there is to do.
pub struct Job {
    /// The function.
    pub function: Function,
    /// Where rows come from.
    pub inputs: Inputs,
    /// Where results go.
    pub output: Box<dyn Output>,
    /// Where a line goes about each row that failed.
    pub rejects: Option<Box<dyn Write + Send>>,
    /// What becomes of rows that fail.
    pub on_error: OnError,
    /// How many rows may fail, where they do not stop the run.
    pub most_failures: Option<u64>,
    /// Folds all results to one, which is the output.
    pub reduce: Option<purefork::Function<Args, Value>>,
    /// When the run has to end.
    pub deadline: Option<Instant>,
    /// How many threads make calls.
    pub threads: usize,
    /// Which rows are wanted, from 0, of all inputs together.
    pub rows: Option<Range<u64>>,
    /// Where an earlier run has ended.
    pub resume: Option<Checkpoint>,
    /// Whether it is to be known where the run can be gone on with: then the inputs were opened with marks.
    pub resumable: bool,
}

/// What a run asks and tells while it goes on.
pub trait Control {
    /// Whether it is to end.
    fn is_interrupted(&mut self) -> bool {
        false
    }

    /// Where it stands; a few times a second.
    fn tell(&mut self, progress: Progress) {
        let _ = progress;
    }

    /// Where it can be gone on with, if that is asked; a few times a second.
    ///
    /// # Errors
    ///
    /// Those of writing it down: the run ends.
    fn keep(&mut self, checkpoint: &dyn Fn() -> Option<Checkpoint>) -> io::Result<()> {
        let _ = checkpoint;
        Ok(())
    }
}

impl Control for () {}

/// Calls a function with each row of the inputs, and writes the results in the order of the rows.
pub fn run(job: Job, control: &mut dyn Control) -> Ended {
    let multiple = match job.function.shape {
        Shape::Batch(rows) => rows.get(),
        _ => 1,
    };
    let budget = Arc::new(Budget::new(job.threads * 8 + 8, UNDER_WAY));
    let pace = Arc::new(Pace::default());
    let turn = Arc::new(AtomicU64::new(0));
    let (tell, told) = mpsc::channel();
    let stops = job.on_error == OnError::Stop;
    let most_failures = if stops { Some(0) } else { job.most_failures };
    let mut function = job.function;
    let result = function.result.clone();
    let calls = function.calls.clone();
    let task = Arc::new(Task {
        encoders: job.reduce.is_none().then(|| job.output.encoders()),
        on_error: job.on_error,
        most_failures,
        rejects: job.rejects.is_some(),
        deadline: job.deadline,
        function: {
            function.result = result;
            function
        },
    });
    let pending = Arc::new(Pending::default());
    let caller = Caller {
        calls,
        task,
        pending: pending.clone(),
        tell: tell.clone(),
        budget: budget.clone(),
        pace: pace.clone(),
        turn: turn.clone(),
        reduce: job.reduce.clone(),
    };
    let state = Checkpoint { pending: Vec::new(), ..job.resume.clone().unwrap_or_default() };
    let mut writer = Writer {
        output: Some(job.output),
        rejects: job.rejects,
        budget: &budget,
        most_failures,
        stops,
        tally: Tally {
            rows: state.rows,
            failed: state.kinds.values().sum(),
            kinds: state.kinds.clone(),
            ..Tally::default()
        },
        first: None,
        state,
        place: job.resume.clone().map(|resume| {
            let pending = resume.pending.len();
            (Checkpoint { pending: Vec::new(), ..resume }, pending)
        }),
        resumable: job.resumable,
        last: None,
        nodes: Vec::new(),
        early: BTreeMap::new(),
        next: 0,
        turn: turn.clone(),
        goes_on: false,
        rests: Vec::new(),
        total: None,
    };
    let reading = Reading { inputs: job.inputs, rows: job.rows, resume: job.resume, multiple };
    let reader = {
        let (budget, caller) = (budget.clone(), caller.clone());
        std::thread::Builder::new().name("purefork-reader".to_owned()).spawn(move || {
            let (pieces, done) = read(reading, &budget, &pace, |piece| caller.hand_over(piece));
            // Nobody is there to be told if the run has ended.
            let _ = tell.send(match done {
                Ok(()) => Message::End(pieces),
                Err(error) => Message::Failed(pieces, error),
            });
        })
    };
    let end = match reader {
        Ok(_) => write(&mut writer, &told, &mut caller.clone(), control, job.deadline),
        Err(error) => End::Error(Error::new(Stage::Input, format!("cannot start a thread: {error}"))),
    };
    budget.end();
    pending.cancel();
    let end = match end {
        End::Whole => finish(&mut writer, job.reduce.as_ref()),
        end => end,
    };
    let checkpoint = match end {
        End::Whole => None,
        _ => writer.checkpoint(),
    };
    flush(&mut writer);
    Ended { end, tally: writer.tally, first: writer.first, checkpoint }
}

/// Writes until the run ends.
fn write(
    writer: &mut Writer<'_>,
    told: &mpsc::Receiver<Message>,
    caller: &mut Caller,
    control: &mut dyn Control,
    deadline: Option<Instant>,
) -> End {
    let mut beat = Instant::now();
    loop {
        let message = told.recv_timeout(BEAT);
        if control.is_interrupted() {
            return End::Interrupted;
        }
        if deadline.is_some_and(|end| Instant::now() >= end)
            && !matches!(message, Ok(Message::Done(_) | Message::End(_)))
        {
            return End::Deadline;
        }
        match message {
            Ok(message) => {
                if let Some(end) = writer.take(message, caller) {
                    return end;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return End::Error(Error::new(Stage::Input, "the reading thread has ended"));
            }
        }
        if beat.elapsed() >= BEAT {
            beat = Instant::now();
            control.tell(Progress { rows: writer.tally.rows, failed: writer.tally.failed });
            if writer.place.is_some()
                && let Err(error) = control.keep(&|| writer.checkpoint())
            {
                return End::Error(Error::new(
                    Stage::Output,
                    format!("cannot write down where the run stands: {error}"),
                ));
            }
        }
    }
}

/// Ends the output.
fn finish(writer: &mut Writer<'_>, reduce: Option<&purefork::Function<Args, Value>>) -> End {
    let Some(mut output) = writer.output.take() else { return End::Whole };
    if let Some(reduce) = reduce {
        let nodes = std::mem::take(&mut writer.nodes);
        let value = match fold(reduce, |pair| root(nodes, pair)) {
            Ok(value) => value,
            Err(error) => return End::Error(error),
        };
        let mut encoder = output.encoders()();
        let outcome = value.map_or(Outcome::Null, Outcome::Value);
        if let Err(error) = encoder.push(&mut NoRows, 0, outcome) {
            return End::Error(Error::new(Stage::Output, error.to_string()));
        }
        match encoder.finish() {
            Ok(encoded) => {
                if let Err(error) = output.write(encoded) {
                    return failed(&error);
                }
            }
            Err(error) => return End::Error(error),
        }
    }
    if let Some(Err(error)) = writer.rejects.as_mut().map(|rejects| rejects.flush()) {
        return End::Error(rejects_unwritten(&error));
    }
    match output.finish() {
        Ok(()) => End::Whole,
        Err(error) => failed(&error),
    }
}

/// Hands on what was written of an output that is not whole.
fn flush(writer: &mut Writer<'_>) {
    // If it fails, there is a reason already why the run has ended.
    if let Some(output) = &mut writer.output {
        let _ = output.checkpoint();
    }
    if let Some(rejects) = &mut writer.rejects {
        let _ = rejects.flush();
    }
}

fn failed(error: &io::Error) -> End {
    match error.kind() {
        io::ErrorKind::BrokenPipe => End::Unread,
        _ => End::Error(Error::new(Stage::Output, format!("cannot write the output: {error}"))),
    }
}

/// Folds with a function.
fn fold<T>(
    reduce: &purefork::Function<Args, Value>,
    code: impl FnOnce(&mut dyn FnMut(Value, Value) -> purefork::Result<Value>) -> purefork::Result<T>,
) -> Result<T> {
    let mut pair = |left: Value, right: Value| {
        let value = reduce.fork((left, right)).wait()?;
        match value {
            Value::Result(Ok(value)) => Ok(value.map_or_else(Value::unit, Arc::unwrap_or_clone)),
            Value::Result(Err(value)) => {
                let what = value.map_or_else(|| "an error".to_owned(), |value| value.wave_within(MOST_SHOWN));
                Err(purefork::Error::failed(format!("it returned {what}")))
            }
            value => Ok(value),
        }
    };
    code(&mut pair)
        .map_err(|error| Error::new(Stage::Output, format!("the results cannot be folded: {}", error.message())))
}

/// The jobs that are under way.
#[derive(Default)]
struct Pending(Mutex<State>);

#[derive(Default)]
struct State {
    futures: BTreeMap<u64, Future<()>>,
    ended: bool,
}

impl Pending {
    fn add(&self, number: u64, future: Future<()>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ended {
            drop(state);
            future.cancel();
        } else if !future.done() {
            state.futures.retain(|_, future| !future.done());
            state.futures.insert(number, future);
        }
    }

    fn cancel(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended = true;
        let futures = std::mem::take(&mut state.futures);
        drop(state);
        futures.into_values().rev().for_each(|future| _ = future.cancel());
    }
}

/// Has pieces done by workers.
#[derive(Clone)]
struct Caller {
    calls: purefork::Function<Args, Value>,
    task: Arc<Task>,
    pending: Arc<Pending>,
    tell: Sender<Message>,
    budget: Arc<Budget>,
    pace: Arc<Pace>,
    /// The piece that is to be written next.
    turn: Arc<AtomicU64>,
    reduce: Option<purefork::Function<Args, Value>>,
}

impl Caller {
    fn hand_over(&self, piece: Piece) {
        let number = piece.number;
        let (task, tell, budget, pace) = (self.task.clone(), self.tell.clone(), self.budget.clone(), self.pace.clone());
        let reduce = self.reduce.clone();
        let turn = self.turn.clone();
        let future = self.calls.fork_with(move |calls| {
            let mut piece = piece;
            // Where results take too much already, what is not wanted next waits for its turn.
            if budget.bytes() > TOO_MUCH
                && turn.load(Ordering::Relaxed) != number
                && let Some(rest) = piece.split(0)
            {
                let _ = tell.send(Message::Done(Box::new(Done::later(piece, rest))));
                return;
            }
            let mut done = work(&task, piece, calls, task.most_failures);
            fold_done(reduce.as_ref(), &mut done);
            pace.measured(done.tally.rows as usize, done.took, done.gave);
            budget.grow(done.gave);
            done.piece.bytes += done.gave;
            // Nobody is there to be told if the run has ended.
            let _ = tell.send(Message::Done(Box::new(done)));
        });
        let tell = self.tell.clone();
        future.on_done(move |future| {
            if let Err(error) = future.value() {
                let _ = tell.send(Message::Lost(number, error));
            }
        });
        self.pending.add(number, future);
    }
}

/// Folds a piece's results, if results are folded.
fn fold_done(reduce: Option<&purefork::Function<Args, Value>>, done: &mut Done) {
    if let Some(reduce) = reduce
        && let Err(error) = fold_piece(reduce, done)
    {
        done.stopped = Some(super::done::Stopped::Error(error));
    }
}

/// Puts together what belongs together of a piece's results.
fn fold_piece(reduce: &purefork::Function<Args, Value>, done: &mut Done) -> Result<()> {
    let values = std::mem::take(&mut done.values);
    let mut nodes = Vec::new();
    fold(reduce, |pair| values.into_iter().try_for_each(|(row, value)| add(&mut nodes, Node::leaf(row, value), pair)))?;
    done.nodes = nodes;
    Ok(())
}

impl Again for Caller {
    fn again(&mut self, piece: Piece, most_failures: u64) -> purefork::Result<Done> {
        let (task, reduce) = (self.task.clone(), self.reduce.clone());
        let (tell, told) = mpsc::channel();
        let future = self.calls.fork_with(move |calls| {
            let mut done = work(&task, piece, calls, Some(most_failures));
            fold_done(reduce.as_ref(), &mut done);
            let _ = tell.send(done);
        });
        future.wait()?;
        told.recv().map_err(|_| purefork::Error::failed("the piece is lost"))
    }

    fn go_on(&mut self, rest: Piece) {
        self.budget.add();
        self.hand_over(rest);
    }

    fn fold(&mut self, nodes: &mut Vec<Node>, more: Vec<Node>) -> Result<()> {
        match &self.reduce {
            Some(reduce) => fold(reduce, |pair| more.into_iter().try_for_each(|node| add(nodes, node, pair))),
            None => Ok(()),
        }
    }
}

/// The rows of a result that is of no row.
struct NoRows;

impl Rows for NoRows {
    fn len(&self) -> usize {
        0
    }

    fn first(&self) -> u64 {
        0
    }

    fn bytes(&self) -> usize {
        0
    }

    fn end(&self) -> Option<Mark> {
        None
    }

    fn args(&mut self, _: usize, _: &mut Vec<Value>) -> Result<Given, RowError> {
        Err(RowError::row("there is no row"))
    }

    fn cells(&mut self, _: usize, _: &mut Vec<Value>) -> Result<(), RowError> {
        Err(RowError::row("there is no row"))
    }

    fn raw(&self, _: usize) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[])
    }

    fn place(&self, _: usize) -> Place {
        Place::default()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
