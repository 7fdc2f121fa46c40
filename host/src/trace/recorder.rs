//! Writes down what becomes of calls.

use super::format::{Called, MAGIC, tag};
use crate::event::{CallArgs, CallEvent, CallEventKind, CalledFunction, Event, Observer, TaskId};
use crate::ir::Facts;
use crate::value::bytes;
use crate::wasi::{GivenWorld, Output};
use crossbeam_utils::CachePadded;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
use std::panic::Location;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// How many buffers there are. Where there are more workers, some share one.
const BUFFERS: usize = 256;

/// A buffer that holds so much is written, in bytes.
const FULL: usize = 64 << 10;

/// Writes down what becomes of calls: into memory, or into a file as it happens.
///
/// What it holds is bounded: 128 KiB for each worker, up to 32 MiB, and the arguments and results that are just being written. If the file takes less than
/// calls make, these wait for it.
///
/// ```
/// use purefork::trace::{Recorder, Trace};
/// use purefork::{Executor, args, event};
///
/// let exec = Executor::new()?;
/// let one = exec.load_bytes(r#"(module (func (export "one") (result i32) (i32.const 1)))"#)?;
/// let mut file = Vec::new();
/// let recorder = Recorder::to_memory();
/// event::observe(recorder.clone(), || one.fork("one", args![])?.wait())?;
/// let bytes = recorder.finish()?;
/// # file.extend(bytes.clone());
/// assert_eq!(Trace::read(&bytes)?.tasks.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    began: Instant,
    /// Each in a cache line of its own: workers do not meet.
    buffers: Vec<CachePadded<Mutex<Buffer>>>,
    file: Mutex<TraceFile>,
    /// The functions that were called.
    functions: Mutex<Functions>,
    /// The modules and the worlds that were written, by their digests.
    modules: Mutex<HashSet<String>>,
    /// Told when a call has ended, once the recorder is about to be finished.
    ended: Condvar,
    finishing: AtomicBool,
    waiting: Mutex<()>,
}

/// Functions by the addresses of their facts and of what their modules are given, which these keep from being others', and their numbers
/// there; and the numbers in the file.
type Functions = HashMap<(usize, usize, u32), (Told, u32)>;

/// What tells a function from all others.
#[derive(Clone)]
struct Told {
    facts: Arc<Facts>,
    world: Option<Arc<GivenWorld>>,
    number: u32,
}

impl Told {
    fn of(function: &CalledFunction<'_>) -> Told {
        Told { facts: function.facts.clone(), world: function.given.cloned(), number: function.number }
    }

    fn key(&self) -> (usize, usize, u32) {
        let world = self.world.as_ref().map_or(0, |world| Arc::as_ptr(world).addr());
        (Arc::as_ptr(&self.facts).addr(), world, self.number)
    }

    fn is(&self, function: &CalledFunction<'_>) -> bool {
        let world = function.given.map(Arc::as_ptr);
        self.number == function.number
            && Arc::ptr_eq(&self.facts, function.facts)
            && self.world.as_ref().map(Arc::as_ptr) == world
    }
}

/// What one worker has written down, and is not in the file yet.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// Whose records these are: the worker's number plus one, 0 for any other thread.
    slot: usize,
    last: u64,
    forks: u64,
    ends: u64,
    /// The functions that were called last, and their numbers.
    functions: Vec<(Told, u32)>,
}

struct TraceFile {
    to: Sink,
    digest: Sha256,
    /// What went wrong first. Nothing is written afterwards.
    failed: Option<io::Error>,
    finished: bool,
}

enum Sink {
    Memory(Vec<u8>),
    File(Box<dyn Write + Send>),
}

impl Recorder {
    /// A recorder that keeps the trace in memory, where it grows with each call.
    pub fn to_memory() -> Recorder {
        Recorder::new(Sink::Memory(Vec::new()))
    }

    /// A recorder that writes to a file as calls are made.
    ///
    /// # Errors
    ///
    /// Where the file cannot be made.
    pub fn to_file(path: impl AsRef<Path>) -> io::Result<Recorder> {
        Ok(Recorder::to_writer(File::create(path)?))
    }

    /// A recorder that writes to `writer`, some 64 kilobytes at a time.
    pub fn to_writer(writer: impl Write + Send + 'static) -> Recorder {
        Recorder::new(Sink::File(Box::new(writer)))
    }

    fn new(to: Sink) -> Recorder {
        let mut file = TraceFile { to, digest: Sha256::new(), failed: None, finished: false };
        file.put(MAGIC);
        Recorder(Arc::new(Shared {
            began: Instant::now(),
            buffers: (0..BUFFERS).map(|_| CachePadded::default()).collect(),
            file: Mutex::new(file),
            functions: Mutex::default(),
            modules: Mutex::default(),
            ended: Condvar::new(),
            finishing: AtomicBool::new(false),
            waiting: Mutex::default(),
        }))
    }

    /// Waits until every call that it was told of has ended, and writes the end. What happens later is not written.
    ///
    /// Gives the trace, if it was kept in memory, and nothing if not, or if it was finished before.
    ///
    /// # Errors
    ///
    /// What went wrong first in writing.
    pub fn finish(&self) -> io::Result<Vec<u8>> {
        let shared = &*self.0;
        shared.finishing.store(true, Ordering::SeqCst);
        let mut waiting = lock(&shared.waiting);
        loop {
            let (forks, ends) = shared
                .buffers
                .iter()
                .map(|buffer| lock(buffer))
                .fold((0, 0), |(forks, ends), buffer| (forks + buffer.forks, ends + buffer.ends));
            if forks == ends {
                break;
            }
            // A call may have ended before it could see that somebody waits.
            let (waited, _) = shared
                .ended
                .wait_timeout(waiting, std::time::Duration::from_millis(10))
                .unwrap_or_else(PoisonError::into_inner);
            waiting = waited;
        }
        let (mut forks, mut ends) = (0, 0);
        for buffer in &shared.buffers {
            let mut buffer = lock(buffer);
            shared.write(&mut buffer);
            (forks, ends) = (forks + buffer.forks, ends + buffer.ends);
        }
        let mut file = lock(&shared.file);
        if file.finished {
            return Ok(Vec::new());
        }
        let digest = file.digest.clone().finalize();
        let mut end = vec![0, 0, tag::END];
        number(forks, &mut end);
        number(ends, &mut end);
        end.extend(digest);
        file.block(&end);
        file.finished = true;
        let flushed = match &mut file.to {
            Sink::File(to) => to.flush(),
            Sink::Memory(_) => Ok(()),
        };
        match (file.failed.take(), &mut file.to) {
            (Some(error), _) => Err(error),
            (None, Sink::Memory(bytes)) => Ok(std::mem::take(bytes)),
            (None, Sink::File(_)) => flushed.map(|()| Vec::new()),
        }
    }
}

impl Observer for Recorder {
    fn event(&self, event: &Event<'_>) {
        if let Event::Call(event) = event {
            self.0.record(event);
        }
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Shared {
    fn record(&self, event: &CallEvent<'_>) {
        let slot = event.worker.map_or(0, |worker| worker + 1);
        let mut buffer = lock(&self.buffers[slot % BUFFERS]);
        if buffer.slot != slot {
            self.write(&mut buffer);
            buffer.slot = slot;
        }
        // Within the lock: the times in a buffer go up. Where a wait suspends, nothing is done between the two.
        let now = match event.kind {
            CallEventKind::Suspend if !buffer.bytes.is_empty() => buffer.last,
            _ => self.began.elapsed().as_nanos() as u64,
        };
        if buffer.bytes.is_empty() {
            number(slot as u64, &mut buffer.bytes);
            number(now, &mut buffer.bytes);
            buffer.last = now;
        }
        let function = match event.kind {
            CallEventKind::Fork { function, .. } => self.function(function, &mut buffer),
            _ => 0,
        };
        let Buffer { bytes, last, forks, ends, .. } = &mut *buffer;
        let mut head = Head::new(match event.kind {
            CallEventKind::Fork { .. } => tag::FORK,
            CallEventKind::Ready(_) => tag::READY,
            CallEventKind::Start => tag::START,
            CallEventKind::Wait => tag::WAIT,
            CallEventKind::Suspend => tag::SUSPEND,
            CallEventKind::Resume => tag::RESUME,
            CallEventKind::Cancelled => tag::CANCELLED,
            CallEventKind::Done { result: Ok(_), .. } => tag::VALUE,
            CallEventKind::Done { result: Err(_), .. } => tag::ERROR,
        });
        head.number(now - *last);
        *last = now;
        head.number(event.task.get());
        match event.kind {
            CallEventKind::Fork { number, .. } => {
                *forks += 1;
                head.number(event.parent.map_or(0, TaskId::get));
                head.number(function.into());
                head.number(number.into());
                head.number(event.fuel);
            }
            CallEventKind::Wait => {
                head.number(event.parent.map_or(0, TaskId::get));
                head.number(event.fuel);
            }
            CallEventKind::Done { .. } => {
                *ends += 1;
                head.number(event.fuel);
            }
            CallEventKind::Ready(_) | CallEventKind::Start | CallEventKind::Suspend => {}
            CallEventKind::Resume | CallEventKind::Cancelled => {}
        }
        bytes.extend_from_slice(head.bytes());
        match event.kind {
            CallEventKind::Fork { args, site, .. } => {
                if event.parent.is_none() {
                    write_site(site, bytes);
                }
                write_args(args, bytes);
            }
            CallEventKind::Ready(args) => write_args(args, bytes),
            CallEventKind::Done { result, output } => {
                match result {
                    Ok(value) => bytes::encode(value, bytes),
                    Err(error) => text(&json(error), bytes),
                }
                write_output(output, bytes);
            }
            CallEventKind::Start | CallEventKind::Wait | CallEventKind::Suspend => {}
            CallEventKind::Resume | CallEventKind::Cancelled => {}
        }
        if buffer.bytes.len() >= FULL {
            self.write(&mut buffer);
        }
        drop(buffer);
        if let CallEventKind::Done { .. } = event.kind
            && self.finishing.load(Ordering::Relaxed)
        {
            self.ended.notify_all();
        }
    }

    /// Moves a buffer's block to the file.
    fn write(&self, buffer: &mut Buffer) {
        if !buffer.bytes.is_empty() {
            lock(&self.file).block(&buffer.bytes);
        }
        buffer.bytes.clear();
        // One that held a large value gives back what that took.
        buffer.bytes.shrink_to(2 * FULL);
    }

    /// The number of a function; if it is new, what it is is written.
    fn function(&self, function: CalledFunction<'_>, buffer: &mut Buffer) -> u32 {
        let found = buffer.functions.iter().find(|(known, _)| known.is(&function));
        if let Some((_, known)) = found {
            return *known;
        }
        let number = self.number(function, buffer);
        if buffer.functions.len() == 16 {
            buffer.functions.remove(0);
        }
        buffer.functions.push((Told::of(&function), number));
        number
    }

    #[cold]
    fn number(&self, function: CalledFunction<'_>, buffer: &mut Buffer) -> u32 {
        if lock(&self.modules).insert(function.module().to_owned()) {
            // One whose file is gone is told by its digest alone.
            if let (Ok(module), Some(digest)) = (function.module_bytes(), digest(function.module())) {
                buffer.bytes.push(tag::MODULE);
                buffer.bytes.extend(digest);
                bytes::write_length(module.len(), &mut buffer.bytes);
                buffer.bytes.extend_from_slice(&module);
            }
        }
        if let Some(given) = function.given
            && lock(&self.modules).insert(format!("world {}", given.name()))
        {
            buffer.bytes.push(tag::WORLD);
            buffer.bytes.extend(given.digest);
            bytes::encode(&given.world.to_value(), &mut buffer.bytes);
        }
        let mut functions = lock(&self.functions);
        let next = functions.len() as u32;
        let told = Told::of(&function);
        let known = functions.entry(told.key()).or_insert_with(|| {
            let (param_names, params) = function.params().map(|(name, ty)| (name.to_owned(), ty.clone())).unzip();
            let called = Called {
                module: function.module().to_owned(),
                name: function.name().to_owned(),
                param_names,
                params,
                results: function.results().to_vec(),
                limits: function.limits().clone(),
                wasi: function.wasi(),
                unknown_imports: function.unknown_imports(),
                world: function.given.map(|given| given.name()),
            };
            buffer.bytes.push(tag::FUNCTION);
            number(next.into(), &mut buffer.bytes);
            text(&json(&called), &mut buffer.bytes);
            (told, next)
        });
        known.1
    }
}

impl TraceFile {
    fn put(&mut self, bytes: &[u8]) {
        if self.failed.is_some() || self.finished {
            return;
        }
        self.digest.update(bytes);
        let written = match &mut self.to {
            Sink::Memory(all) => {
                all.extend_from_slice(bytes);
                Ok(())
            }
            Sink::File(to) => to.write_all(bytes),
        };
        self.failed = written.err();
    }

    fn block(&mut self, bytes: &[u8]) {
        match u32::try_from(bytes.len()) {
            Ok(length) => {
                self.put(&length.to_le_bytes());
                self.put(bytes);
            }
            Err(_) => {
                let error = io::Error::other("arguments or results of more than 4 GiB do not fit into a trace");
                self.failed.get_or_insert(error);
            }
        }
    }
}

fn write_args(args: CallArgs<'_>, to: &mut Vec<u8>) {
    if let Some(values) = args.values() {
        // How many there are is known when they are written: fewer than 128 in one byte, as almost always.
        let at = to.len();
        to.push(0);
        let mut count = 0usize;
        for value in values {
            count += 1;
            to.push(0);
            bytes::encode(&value, to);
        }
        match u8::try_from(count) {
            Ok(count @ ..0x80) => to[at] = count,
            _ => {
                let mut length = Vec::new();
                bytes::write_length(count, &mut length);
                to.splice(at..=at, length);
            }
        }
        return;
    }
    let known = args.known().map(|(at, value)| (at, Ok(value)));
    let mut all: Vec<_> = args.futures().map(|(at, task)| (at, Err(task))).chain(known).collect();
    all.sort_unstable_by_key(|(at, _)| *at);
    bytes::write_length(all.len(), to);
    for (_, arg) in all {
        match arg {
            Ok(value) => {
                to.push(0);
                bytes::encode(&value, to);
            }
            Err(task) => {
                to.push(1);
                number(task.map_or(0, TaskId::get), to);
            }
        }
    }
}

fn write_output(output: Option<&Output>, to: &mut Vec<u8>) {
    let Some(Output { stdout, stderr, refused, files }) = output else { return to.push(0) };
    to.push(if files.is_empty() { 1 } else { 2 });
    for written in [stdout, stderr] {
        bytes::write_length(written.len(), to);
        to.extend_from_slice(written);
    }
    text(&json(refused), to);
    if files.is_empty() {
        return;
    }
    bytes::write_length(files.len(), to);
    for (name, written) in files {
        text(name, to);
        bytes::write_length(written.len(), to);
        to.extend_from_slice(written);
    }
}

fn write_site(site: Option<&Location<'_>>, to: &mut Vec<u8>) {
    let (file, line, column) = site.map_or(("", 0, 0), |site| (site.file(), site.line(), site.column()));
    text(file, to);
    number(line.into(), to);
    number(column.into(), to);
}

/// The numbers at the front of a record. Written one by one into a vector, each would be a call of memmove.
struct Head {
    bytes: [u8; 64],
    length: usize,
}

impl Head {
    fn new(tag: u8) -> Head {
        let mut bytes = [0; 64];
        bytes[0] = tag;
        Head { bytes, length: 1 }
    }

    /// Appends a number as unsigned LEB128, of ten bytes at most. A record has six at most.
    #[inline]
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.put(number as u8 | 0x80);
            number >>= 7;
        }
        self.put(number as u8);
    }

    #[inline]
    fn put(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Appends a number as unsigned LEB128.
#[inline]
fn number(mut number: u64, to: &mut Vec<u8>) {
    let mut bytes = [0; 10];
    let mut length = 0;
    while number >= 0x80 {
        bytes[length] = number as u8 | 0x80;
        number >>= 7;
        length += 1;
    }
    bytes[length] = number as u8;
    to.extend_from_slice(&bytes[..=length]);
}

fn text(text: &str, to: &mut Vec<u8>) {
    bytes::write_length(text.len(), to);
    to.extend_from_slice(text.as_bytes());
}

/// What is written as JSON has text for keys, and numbers that are some.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A digest's bytes.
pub(super) fn digest(hexadecimal: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = hexadecimal.as_bytes();
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
