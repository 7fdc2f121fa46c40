//! Traces that are made up, for tests of what is drawn from them.

use super::{Moment, Pause, Step, StepKind, Task, Trace, TracedArg, TracedFunction};
use crate::error::{Error, ErrorKind, ForkSite, GuestFrame};
use crate::limits::Limits;
use crate::value::{Type, Value};
use crate::wasi::{Output, Wasi, World};

/// A function of one number.
pub(super) fn function(module: &str, name: &str) -> TracedFunction {
    TracedFunction {
        module: module.to_owned(),
        name: name.to_owned(),
        params: vec![("n".to_owned(), Type::S32)],
        results: vec![Type::S32],
        limits: Limits::default(),
        wasi: Wasi::None,
        unknown_imports: crate::UnknownImports::Refuse,
        world: World::new(),
    }
}

/// A time on a worker.
pub(super) fn at(time: u64, worker: u32) -> Moment {
    Moment { time, worker: Some(worker) }
}

/// A time on another thread.
pub(super) fn outside(time: u64) -> Moment {
    Moment { time, worker: None }
}

/// A call that was forked and has not started.
pub(super) fn task(function: usize, parent: Option<usize>, number: u32, forked: Moment) -> Task {
    Task {
        function,
        parent,
        number,
        site: parent.is_none().then(|| ForkSite::host(std::panic::Location::caller())),
        args: Vec::new(),
        forked,
        started: None,
        pauses: Vec::new(),
        done: None,
        cancelled: None,
        steps: Vec::new(),
        fuel: 0,
        result: None,
        output: None,
    }
}

fn given(value: i32) -> TracedArg {
    TracedArg { value: Some(Value::I32(value)), from: None }
}

fn step(kind: StepKind, task: usize, fuel: u64, at: Moment) -> Step {
    Step { kind, task, fuel, at }
}

fn trapped(function: &str) -> Error {
    let frames = ["deep", "deeper", function].map(|name| GuestFrame { function: name.to_owned(), offset: Some(0x2f) });
    Error::new(ErrorKind::Trap, format!("`{function}` trapped: integer divide by zero")).with_backtrace(frames.into())
}

/// `main` forks `double`, gives its future to `fail`, and waits for both, of which the second fails.
pub(super) fn three() -> Trace {
    let error = trapped("fail");
    let mut main = task(0, None, 0, outside(0));
    main.site = Some(ForkSite::Host { file: "example.rs".into(), line: 4, column: 1 });
    main.args = vec![given(2)];
    main.started = Some(at(100, 0));
    main.steps = vec![
        step(StepKind::Fork, 1, 10, at(200, 0)),
        step(StepKind::Fork, 2, 20, at(300, 0)),
        step(StepKind::Wait, 1, 25, at(400, 0)),
        step(StepKind::Wait, 2, 30, at(700, 0)),
    ];
    main.pauses =
        vec![Pause { from: at(400, 0), to: Some(at(600, 0)) }, Pause { from: at(700, 0), to: Some(at(1000, 1)) }];
    main.done = Some(at(1200, 1));
    main.fuel = 40;
    main.result = Some(Err(error.clone()));
    let mut double = task(1, Some(0), 1, at(200, 0));
    double.args = vec![given(2)];
    double.started = Some(at(250, 1));
    double.done = Some(at(500, 1));
    double.fuel = 7;
    double.result = Some(Ok(Value::I32(4)));
    let mut fail = task(2, Some(0), 2, at(300, 0));
    fail.args = vec![TracedArg { value: Some(Value::I32(4)), from: Some(1) }];
    fail.started = Some(at(550, 1));
    fail.done = Some(at(900, 1));
    fail.fuel = 3;
    fail.result = Some(Err(error));
    let module = "5f".repeat(32);
    Trace {
        modules: vec![],
        functions: ["main", "double", "fail"].map(|name| function(&module, name)).into(),
        tasks: vec![main, double, fail],
        host: vec![step(StepKind::Fork, 0, 0, outside(0)), step(StepKind::Wait, 0, 0, outside(50))],
    }
}

/// A text that is to do no harm anywhere.
pub(super) const HOSTILE: &str = "</script><script>document.title='harm'</script><img src=x onerror=\"document.title='harm'\">;`\"\\\n\0\u{202e}&lt;{rank=same}";

/// Names, values and errors that would close whatever they stand in; times that run backwards and do not end.
pub(super) fn hostile() -> Trace {
    let mut functions: Vec<TracedFunction> = (0..2).map(|_| function(HOSTILE, HOSTILE)).collect();
    functions[0].params = vec![(HOSTILE.to_owned(), Type::String), (String::new(), Type::String)];
    functions[1].results = vec![Type::record([(HOSTILE, Type::String)])];
    let mut first = task(0, None, 0, outside(u64::MAX));
    first.site = Some(ForkSite::Host { file: HOSTILE.into(), line: 1, column: 1 });
    let text = TracedArg { value: Some(Value::from(HOSTILE)), from: None };
    first.args = vec![text, TracedArg { value: None, from: Some(1) }];
    first.started = Some(at(u64::MAX, u32::MAX));
    first.pauses = vec![Pause { from: at(0, 0), to: Some(outside(5)) }, Pause { from: at(7, 0), to: None }];
    first.done = Some(at(3, 9));
    first.steps = vec![step(StepKind::Wait, 1, u64::MAX, at(u64::MAX, 7)), step(StepKind::Wait, 0, 5, at(2, 7))];
    first.fuel = u64::MAX;
    first.result = Some(Err(Error::failed(HOSTILE).with_help(HOSTILE)));
    let mut second = task(1, Some(0), u32::MAX, at(3, 0));
    second.cancelled = Some(at(1, 1));
    second.output = Some(Output {
        stdout: HOSTILE.into(),
        stderr: vec![0xff, 0x1b, b'['],
        refused: vec![HOSTILE.to_owned()],
        files: vec![(HOSTILE.to_owned(), HOSTILE.into())],
    });
    second.fuel = u64::MAX;
    second.result = Some(Ok(Value::record([(HOSTILE, Value::from(HOSTILE))])));
    Trace {
        modules: vec![],
        functions,
        tasks: vec![first, second],
        host: vec![step(StepKind::Wait, 1, 0, outside(u64::MAX))],
    }
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % most
    }
}

/// What the functions of [`many`] are called.
const NAMES: [&str; 12] = [
    "main",
    "render-frame",
    "render-tile",
    "intersect",
    "shade",
    "merge",
    "load-scene",
    "parse",
    "sort",
    "sum",
    "hash",
    "compress",
];

/// So many calls, forked in a tree whose shape is given by how many children a call has, and run as by so many workers. `failing` of a
/// thousand of the calls that fork nothing fail; half of those that wait for one that failed, too.
pub(super) fn many(calls: usize, workers: usize, failing: u64, children: impl Fn(usize) -> usize) -> Trace {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let parents = tree(calls, children);
    let mut trace = Trace { functions: NAMES.map(|name| function(&"a7".repeat(32), name)).into(), ..Trace::default() };
    let mut of = vec![Vec::new(); calls];
    for (number, &parent) in parents.iter().enumerate() {
        let depth = parent.map_or(0, |parent: usize| trace.tasks[parent].fuel as usize + 1);
        let function = if depth == 0 { 0 } else { 1 + (depth * 2 + random.below(3) as usize) % (NAMES.len() - 1) };
        let mut task = task(function, parent, parent.map_or(0, |parent| of[parent].len() as u32 + 1), outside(0));
        task.args = vec![given((random.below(5000) as i32) - 1000)];
        // The depth, until it has run.
        task.fuel = depth as u64;
        trace.tasks.push(task);
        if let Some(parent) = parent {
            of[parent].push(number);
        }
    }
    Schedule {
        trace,
        children: of,
        random,
        failing,
        clocks: vec![2_000; workers],
        next: vec![0; calls],
        waiter: vec![None; calls],
    }
    .run(&parents)
}

/// The parents of so many calls, in the order of a trace. Levels are filled one after another.
fn tree(calls: usize, children: impl Fn(usize) -> usize) -> Vec<Option<usize>> {
    let mut of: Vec<Vec<usize>> = vec![Vec::new(); calls];
    let mut next = 1;
    for (parent, of) in of.iter_mut().enumerate() {
        let last = (next + children(parent)).min(calls);
        // Whatever the shape: none is left over.
        let last = if next == parent + 1 { last.max(parent + 2).min(calls) } else { last };
        of.extend(next.min(last)..last);
        next = last;
    }
    let (mut parents, mut stack) = (Vec::new(), vec![(0, None)]);
    while let Some((call, parent)) = stack.pop() {
        let at = parents.len();
        parents.push(parent);
        stack.extend(of[call].iter().rev().map(|&child| (child, Some(at))));
    }
    parents
}

struct Schedule {
    trace: Trace,
    children: Vec<Vec<usize>>,
    random: Random,
    failing: u64,
    /// How far each worker is.
    clocks: Vec<u64>,
    /// What each call waits for next, by number among its children.
    next: Vec<usize>,
    /// Who waits for each call.
    waiter: Vec<Option<usize>>,
}

impl Schedule {
    fn run(mut self, parents: &[Option<usize>]) -> Trace {
        let mut ready: Vec<(u64, usize)> = Vec::new();
        for call in (0..parents.len()).filter(|&call| parents[call].is_none()) {
            self.trace.host.push(step(StepKind::Fork, call, 0, outside(1_000)));
            self.trace.host.push(step(StepKind::Wait, call, 0, outside(1_500)));
            self.trace.tasks[call].forked = outside(1_000);
            ready.push((1_000, call));
        }
        while let Some((time, call)) = ready.pop() {
            let worker = (0..self.clocks.len()).min_by_key(|&worker| self.clocks[worker].max(time)).unwrap_or_default();
            let time = self.clocks[worker].max(time) + 200 + self.random.below(300);
            self.clocks[worker] = self.go_on(call, time, worker as u32, &mut ready);
        }
        self.trace
    }

    /// Runs a call until it waits or ends, and tells when that was.
    fn go_on(&mut self, call: usize, mut time: u64, worker: u32, ready: &mut Vec<(u64, usize)>) -> u64 {
        let children = self.children[call].clone();
        if self.trace.tasks[call].started.is_none() {
            self.trace.tasks[call].started = Some(at(time, worker));
            self.trace.tasks[call].fuel = 0;
            for &child in &children {
                time = self.work(call, time, 900);
                let fuel = self.trace.tasks[call].fuel;
                self.trace.tasks[call].steps.push(step(StepKind::Fork, child, fuel, at(time, worker)));
                self.trace.tasks[child].forked = at(time, worker);
                ready.push((time, child));
            }
        } else if let Some(pause) = self.trace.tasks[call].pauses.last_mut() {
            pause.to = Some(at(time, worker));
        }
        let mut error = None;
        while let Some(&child) = children.get(self.next[call]) {
            match self.trace.tasks[child].done {
                Some(done) if done.time <= time => {
                    self.next[call] += 1;
                    let fuel = self.trace.tasks[call].fuel;
                    self.trace.tasks[call].steps.push(step(StepKind::Wait, child, fuel, at(time, worker)));
                    let failed = Trace::error(&self.trace.tasks[child]).cloned();
                    time = self.work(call, time, 400);
                    if failed.is_some() && self.random.below(2) == 0 {
                        error = failed;
                        break;
                    }
                }
                done => {
                    self.trace.tasks[call].pauses.push(Pause { from: at(time, worker), to: None });
                    match done {
                        Some(done) => ready.push((done.time, call)),
                        None => self.waiter[child] = Some(call),
                    }
                    return time;
                }
            }
        }
        let least = if children.is_empty() { 3_000 } else { 600 };
        time = self.work(call, time, least + self.random.0 % 4_000);
        if children.is_empty() && self.random.below(1000) < self.failing {
            error = Some(trapped(&self.trace.function(&self.trace.tasks[call]).name));
        }
        let result = self.random.below(100_000) as i32;
        let task = &mut self.trace.tasks[call];
        task.done = Some(at(time, worker));
        task.result = Some(error.map_or(Ok(Value::I32(result)), Err));
        ready.extend(self.waiter[call].map(|waiter| (time, waiter)));
        time
    }

    fn work(&mut self, call: usize, time: u64, about: u64) -> u64 {
        let took = about / 2 + self.random.below(about);
        self.trace.tasks[call].fuel += took * 3;
        time + took
    }
}
