//! A trace in Perfetto's own format: protocol buffers with track events, as <https://ui.perfetto.dev> reads them.
//!
//! The numbers of fields are those of `protos/perfetto/trace` in Perfetto's repository.

use super::protobuf::Message;
use super::spans::{LAST, Lane, Span, spans};
use super::{Step, StepKind, Task, Trace, shown};
use std::collections::HashMap;
use std::io;

/// The most characters of an argument or a result.
const SHOWN: usize = 200;
/// The most characters of a line of an error.
const LINE: usize = 500;

/// `Trace`.
const PACKET: u32 = 1;

/// `TracePacket`.
mod packet {
    pub(super) const TIMESTAMP: u32 = 8;
    pub(super) const SEQUENCE: u32 = 10;
    pub(super) const EVENT: u32 = 11;
    pub(super) const INTERNED: u32 = 12;
    pub(super) const FLAGS: u32 = 13;
    pub(super) const TRACK: u32 = 60;
    /// What was interned before is forgotten.
    pub(super) const CLEARED: u64 = 1;
    /// What was interned is needed.
    pub(super) const NEEDED: u64 = 2;
}

/// `InternedData`, of which each entry has a number and a name.
mod interned {
    pub(super) const CATEGORIES: u32 = 1;
    pub(super) const EVENTS: u32 = 2;
    pub(super) const ANNOTATIONS: u32 = 3;
    pub(super) const NUMBER: u32 = 1;
    pub(super) const NAME: u32 = 2;
}

/// `TrackDescriptor` and `ProcessDescriptor`.
mod track {
    pub(super) const UUID: u32 = 1;
    pub(super) const NAME: u32 = 2;
    pub(super) const PROCESS: u32 = 3;
    pub(super) const PARENT: u32 = 5;
    pub(super) const ORDER_OF_CHILDREN: u32 = 11;
    pub(super) const RANK: u32 = 12;
    /// Children have the order of their ranks.
    pub(super) const BY_RANK: u64 = 3;
    pub(super) const PROCESS_ID: u32 = 1;
    pub(super) const PROCESS_NAME: u32 = 6;
}

/// `TrackEvent` and `DebugAnnotation`.
mod event {
    pub(super) const CATEGORY: u32 = 3;
    pub(super) const ANNOTATION: u32 = 4;
    pub(super) const KIND: u32 = 9;
    pub(super) const NAME: u32 = 10;
    pub(super) const TRACK: u32 = 11;
    pub(super) const FLOW: u32 = 47;
    pub(super) const BEGIN: u64 = 1;
    pub(super) const END: u64 = 2;
    pub(super) const INSTANT: u64 = 3;
    pub(super) const NAME_OF_ANNOTATION: u32 = 1;
    pub(super) const NAME_OF_ENTRY: u32 = 10;
    pub(super) const WHOLE: u32 = 3;
    pub(super) const TEXT: u32 = 6;
    pub(super) const ENTRY: u32 = 11;
}

/// What is interned besides the names of functions, by numbers from 1.
const CATEGORIES: [&str; 4] = ["call", "error", "fork", "wait"];
const CALL: u64 = 1;
const ERROR: u64 = 2;
const FORK: u64 = 3;
const WAIT: u64 = 4;
const ANNOTATIONS: [&str; 6] = ["call", "forked by", "arguments", "result", "error", "fuel"];
const NUMBER: u64 = 1;
const PARENT: u64 = 2;
const ARGUMENTS: u64 = 3;
const RESULT: u64 = 4;
const FAILURE: u64 = 5;
const FUEL: u64 = 6;

/// The track of all that is of this trace, and that of the host. Others follow.
const PROCESS: u64 = 1;
const HOST: u64 = 2;

impl Trace {
    /// Writes the trace in the format of Perfetto, for <https://ui.perfetto.dev> and its `trace_processor`.
    ///
    /// There is a track for each worker, one for other threads on which calls ran, more where these ran calls at a time, and one for what the
    /// host did. A slice is a time in which a call ran: between its start, its suspensions, and its end. Arrows lead from a fork to
    /// the start of the call, and from its end to the waits that took its result. The first slice of a call has as annotations its number in
    /// the trace, the number of the call that forked it, its arguments, its result or its error, and the fuel that it used itself; one that failed is of the
    /// category `error`, too. Names, values and errors are shortened. Times are of nanoseconds, from 0.
    ///
    /// ```
    /// # use purefork::{Executor, args};
    /// # let exec = Executor::new()?;
    /// # let math = exec.load_bytes(r#"(module (func (export "add") (param $a i32) (param $b i32) (result i32)
    /// #     (i32.add (local.get $a) (local.get $b))))"#)?;
    /// let trace = math.trace("add", args![2, 3])?;
    /// let mut file = Vec::new();
    /// trace.write_perfetto(&mut file).expect("a vector takes all");
    /// assert_eq!(file, trace.to_perfetto());
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What writing to `to` gives.
    pub fn write_perfetto(&self, to: &mut impl io::Write) -> io::Result<()> {
        let lanes = self.lanes();
        let places = Places::new(self, &lanes);
        let mut writer = Writer { to, trace: self, places: &places };
        writer.interned()?;
        writer.process()?;
        writer.track(HOST, "host")?;
        for lane in &lanes {
            let first = places.tracks[&lane.worker];
            for (stack, track) in lane.stacks.iter().zip(first..) {
                writer.track(track, &name(lane, track - first))?;
                writer.stack(track, stack)?;
            }
        }
        for step in &self.host {
            writer.step(HOST, None, step)?;
        }
        for (at, task) in self.tasks.iter().enumerate() {
            if task.started.is_none() {
                let track = places.tracks.get(&task.forked.worker).copied().unwrap_or(HOST);
                writer.never_started(track, at, task)?;
            }
            for step in &task.steps {
                writer.step(places.of(at, task, writer.when(Some(task), step)), Some(task), step)?;
            }
        }
        Ok(())
    }

    /// What [`write_perfetto`](Trace::write_perfetto) writes.
    pub fn to_perfetto(&self) -> Vec<u8> {
        super::bytes(|to| self.write_perfetto(to))
    }
}

/// What a track is called: the `number`-th of a lane.
fn name(lane: &Lane, number: u64) -> String {
    let name = lane.worker.map_or("other threads".to_owned(), |worker| format!("worker {worker}"));
    if number == 0 { name } else { format!("{name}, {}", number + 1) }
}

/// Which track is of what.
struct Places {
    /// The first track of each lane.
    tracks: HashMap<Option<u32>, u64>,
    /// The track of each span, by call and number.
    spans: Vec<u64>,
    /// Where the spans of each call begin in it.
    begins: Vec<usize>,
}

impl Places {
    fn new(trace: &Trace, lanes: &[Lane]) -> Places {
        let mut begins = vec![0];
        for task in &trace.tasks {
            begins.push(begins[begins.len() - 1] + spans(0, task, 0).count());
        }
        let mut places = Places { tracks: HashMap::new(), spans: vec![HOST; begins[begins.len() - 1]], begins };
        let mut track = HOST + 1;
        for lane in lanes {
            places.tracks.insert(lane.worker, track);
            for stack in &lane.stacks {
                for (span, _) in stack {
                    places.spans[places.begins[span.task] + span.number] = track;
                }
                track += 1;
            }
        }
        places
    }

    /// How many spans a call has.
    fn count(&self, at: usize) -> usize {
        self.begins[at + 1] - self.begins[at]
    }

    /// The track on which a call ran at that time.
    fn of(&self, at: usize, task: &Task, time: u64) -> u64 {
        let spans = &self.spans[self.begins[at]..self.begins[at + 1]];
        let number = task.pauses.partition_point(|pause| pause.to.is_some_and(|to| to.time <= time));
        spans.get(number).or(spans.last()).copied().unwrap_or(HOST)
    }
}

/// What leads from a fork to the start, and from the end to the waits. 0 is no flow.
fn flow_of_fork(task: usize) -> u64 {
    2 * task as u64 + 1
}

fn flow_of_result(task: usize) -> u64 {
    2 * task as u64 + 2
}

struct Writer<'a, W> {
    to: &'a mut W,
    trace: &'a Trace,
    places: &'a Places,
}

impl<W: io::Write> Writer<'_, W> {
    fn packet(&mut self, packet: Message) -> io::Result<()> {
        self.to.write_all(Message::new().message(PACKET, &packet.number(packet::SEQUENCE, 1)).written())
    }

    /// The names that events refer to by numbers.
    fn interned(&mut self) -> io::Result<()> {
        let names = shown::names(&self.trace.functions);
        let lists: [(u32, Vec<&str>); 3] = [
            (interned::CATEGORIES, CATEGORIES.to_vec()),
            (interned::EVENTS, names.iter().map(String::as_str).collect()),
            (interned::ANNOTATIONS, ANNOTATIONS.to_vec()),
        ];
        let mut data = Message::new();
        for (field, list) in lists {
            for (number, name) in (1..).zip(list) {
                data = data.message(field, &Message::new().number(interned::NUMBER, number).text(interned::NAME, name));
            }
        }
        self.packet(Message::new().number(packet::FLAGS, packet::CLEARED).message(packet::INTERNED, &data))
    }

    fn process(&mut self) -> io::Result<()> {
        let process = Message::new().number(track::PROCESS_ID, 1).text(track::PROCESS_NAME, "purefork");
        let process = Message::new().number(track::UUID, PROCESS).message(track::PROCESS, &process);
        self.packet(Message::new().message(packet::TRACK, &process.number(track::ORDER_OF_CHILDREN, track::BY_RANK)))
    }

    fn track(&mut self, track: u64, name: &str) -> io::Result<()> {
        let descriptor = Message::new().number(track::UUID, track).text(track::NAME, name);
        let descriptor = descriptor.number(track::PARENT, PROCESS).number(track::RANK, track);
        self.packet(Message::new().message(packet::TRACK, &descriptor))
    }

    fn event(&mut self, time: u64, kind: u64, track: u64, event: Message) -> io::Result<()> {
        let event = event.number(event::KIND, kind).number(event::TRACK, track);
        let packet = Message::new().number(packet::TIMESTAMP, time).number(packet::FLAGS, packet::NEEDED);
        self.packet(packet.message(packet::EVENT, &event))
    }

    /// The slices of a track: of two that begin or end at a time, the outer one begins first and ends last.
    fn stack(&mut self, track: u64, stack: &[(Span, usize)]) -> io::Result<()> {
        let mut open: Vec<Span> = Vec::new();
        for &(span, depth) in stack {
            for ended in open.drain(depth..).rev() {
                self.end_of(track, ended)?;
            }
            self.event(span.from, event::BEGIN, track, self.beginning(span))?;
            open.push(span);
        }
        for ended in open.drain(..).rev() {
            self.end_of(track, ended)?;
        }
        Ok(())
    }

    fn beginning(&self, span: Span) -> Message {
        let task = &self.trace.tasks[span.task];
        if span.number > 0 {
            return self.named(task).message(event::ANNOTATION, &whole(NUMBER, span.task as u64));
        }
        self.described(span.task, task).fixed(event::FLOW, flow_of_fork(span.task))
    }

    fn end_of(&mut self, track: u64, span: Span) -> io::Result<()> {
        let task = &self.trace.tasks[span.task];
        let is_last = task.done.is_some() && span.number + 1 == self.places.count(span.task);
        let event = if is_last { Message::new().fixed(event::FLOW, flow_of_result(span.task)) } else { Message::new() };
        self.event(span.to, event::END, track, event)
    }

    /// A call that failed, or was cancelled, before it ran.
    fn never_started(&mut self, track: u64, at: usize, task: &Task) -> io::Result<()> {
        let time = task.done.or(task.cancelled).unwrap_or(task.forked).time.min(LAST);
        let event =
            self.described(at, task).fixed(event::FLOW, flow_of_fork(at)).fixed(event::FLOW, flow_of_result(at));
        self.event(time, event::INSTANT, track, event)
    }

    /// A fork or a wait by a call, or by the host.
    fn step(&mut self, track: u64, by: Option<&Task>, step: &Step) -> io::Result<()> {
        let (category, flow) = match step.kind {
            StepKind::Fork => (FORK, flow_of_fork(step.task)),
            StepKind::Wait => (WAIT, flow_of_result(step.task)),
        };
        let function = self.trace.tasks[step.task].function as u64;
        let event = Message::new().number(event::CATEGORY, category).number(event::NAME, function + 1);
        let event = event.message(event::ANNOTATION, &whole(NUMBER, step.task as u64)).fixed(event::FLOW, flow);
        self.event(self.when(by, step), event::INSTANT, track, event)
    }

    /// When a fork was made, or a result was taken: once it was there, and who waited for it went on.
    fn when(&self, by: Option<&Task>, step: &Step) -> u64 {
        let done = match step.kind {
            StepKind::Fork => None,
            StepKind::Wait => self.trace.tasks[step.task].done,
        };
        let time = done.map_or(step.at.time, |done| done.time.max(step.at.time));
        let pauses = by.map_or(&[][..], |task| &task.pauses);
        let before = pauses.partition_point(|pause| pause.from.time <= time);
        let resumed = before.checked_sub(1).and_then(|last| pauses[last].to).map_or(time, |to| to.time.max(time));
        resumed.min(LAST)
    }

    /// The name and the categories of a call.
    fn named(&self, task: &Task) -> Message {
        let event = Message::new().number(event::NAME, task.function as u64 + 1).number(event::CATEGORY, CALL);
        if Trace::error(task).is_some() { event.number(event::CATEGORY, ERROR) } else { event }
    }

    /// All that is told of a call.
    fn described(&self, at: usize, task: &Task) -> Message {
        let mut event = self.named(task).message(event::ANNOTATION, &whole(NUMBER, at as u64));
        if let Some(parent) = task.parent {
            event = event.message(event::ANNOTATION, &whole(PARENT, parent as u64));
        }
        if !task.args.is_empty() {
            let mut arguments = Message::new().number(event::NAME_OF_ANNOTATION, ARGUMENTS);
            for at in 0..task.args.len() {
                let name = shown::parameter(self.trace.function(task), at);
                let entry = Message::new().text(event::NAME_OF_ENTRY, &name);
                arguments =
                    arguments.message(event::ENTRY, &entry.text(event::TEXT, &shown::argument(task, at, SHOWN)));
            }
            event = event.message(event::ANNOTATION, &arguments);
        }
        let result = match &task.result {
            Some(Ok(value)) => Some((RESULT, value.wave_within(SHOWN))),
            Some(Err(error)) => Some((FAILURE, shown::error(error, LINE))),
            None => None,
        };
        if let Some((name, text)) = result {
            let annotation = Message::new().number(event::NAME_OF_ANNOTATION, name).text(event::TEXT, &text);
            event = event.message(event::ANNOTATION, &annotation);
        }
        event.message(event::ANNOTATION, &whole(FUEL, task.fuel))
    }
}

/// An annotation that is a whole number.
fn whole(name: u64, value: u64) -> Message {
    Message::new().number(event::NAME_OF_ANNOTATION, name).number(event::WHOLE, value)
}

#[cfg(test)]
mod tests;
