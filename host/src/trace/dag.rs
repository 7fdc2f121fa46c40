//! What had to come before what: the graph of a trace's pieces of work.

use super::model::{StepKind, Task, Trace};

/// The pieces of work of a trace, and what had to come before what.
///
/// The host counts as one more call, the last one, that does no work. A trace may have been read from anywhere: what contradicts
/// itself is left out (a fork of a call that another one has forked, a wait for what was not forked before), so that the graph
/// has no circle.
pub(super) struct Dag {
    /// The forks and waits of all calls, one call's after the other's.
    pub(super) moves: Vec<Move>,
    /// Where each call's moves begin, and where the last one's end.
    begins: Vec<usize>,
    /// The fuel that each call used itself.
    fuel: Vec<u64>,
    /// Who has forked each call, and by which move. None if nobody did: it has started by itself.
    pub(super) forked: Vec<Option<(usize, usize)>>,
    /// Calls of the host, each with one whose result was its argument; in order.
    pub(super) needs: Vec<(usize, usize)>,
}

/// A fork, or a wait.
#[derive(Clone, Copy)]
pub(super) struct Move {
    pub(super) kind: StepKind,
    pub(super) task: usize,
    /// The fuel that had been used before by whoever does it.
    pub(super) fuel: u64,
}

impl Dag {
    pub(super) fn new(trace: &Trace) -> Dag {
        let calls = trace.tasks.len();
        let mut dag = Dag {
            moves: Vec::new(),
            begins: vec![0],
            fuel: Vec::with_capacity(calls + 1),
            forked: vec![None; calls],
            needs: Vec::new(),
        };
        for (number, task) in trace.tasks.iter().enumerate() {
            let last = dag.add(trace, number, task);
            dag.fuel.push(task.fuel.max(last));
        }
        dag.add_host(trace);
        for (number, task) in trace.tasks.iter().enumerate() {
            let sources = task.args.iter().filter_map(|arg| arg.from);
            let sources = sources.filter(|source| dag.may_need(number, *source)).map(|source| (number, source));
            dag.needs.extend(sources.collect::<Vec<_>>());
        }
        dag
    }

    /// Adds what a call has done; returns the fuel that it had used at the last of it.
    fn add(&mut self, trace: &Trace, call: usize, task: &Task) -> u64 {
        let mut last = 0;
        for step in &task.steps {
            last = step.fuel.max(last);
            // A call comes after the one that forked it.
            if step.task > call {
                self.step(trace, call, Move { kind: step.kind, task: step.task, fuel: last });
            }
        }
        self.begins.push(self.moves.len());
        last
    }

    fn add_host(&mut self, trace: &Trace) {
        let host = self.host();
        for step in &trace.host {
            self.step(trace, host, Move { kind: step.kind, task: step.task, fuel: 0 });
        }
        self.begins.push(self.moves.len());
        self.fuel.push(0);
    }

    fn step(&mut self, trace: &Trace, by: usize, step: Move) {
        let Some(task) = trace.tasks.get(step.task) else { return };
        if task.parent.unwrap_or(self.host()) != by {
            return;
        }
        let forked = &mut self.forked[step.task];
        match step.kind {
            StepKind::Fork if forked.is_none() => *forked = Some((by, self.moves.len())),
            StepKind::Wait if forked.is_some() => {}
            _ => return,
        }
        self.moves.push(step);
    }

    /// Whether a call can have had the result of another one as its argument: both are the host's, which forked the other before.
    fn may_need(&self, call: usize, source: usize) -> bool {
        match (self.forked[call], self.forked.get(source).copied().flatten()) {
            (Some((by, at)), Some((source_by, before))) => by == self.host() && source_by == by && before < at,
            _ => false,
        }
    }

    /// How many calls there are, without the host.
    pub(super) fn calls(&self) -> usize {
        self.forked.len()
    }

    /// The host's number.
    pub(super) fn host(&self) -> usize {
        self.forked.len()
    }

    /// The fuel that a call used itself.
    pub(super) fn fuel(&self, call: usize) -> u64 {
        self.fuel[call]
    }

    /// Which moves are a call's.
    pub(super) fn moves_of(&self, call: usize) -> std::ops::Range<usize> {
        self.begins[call]..self.begins[call + 1]
    }

    /// The calls whose results were arguments of a call.
    pub(super) fn needs_of(&self, call: usize) -> &[(usize, usize)] {
        let from = self.needs.partition_point(|need| need.0 < call);
        let len = self.needs[from..].partition_point(|need| need.0 == call);
        &self.needs[from..from + len]
    }

    /// All fuel that was used.
    pub(super) fn work(&self) -> u128 {
        self.fuel.iter().map(|fuel| u128::from(*fuel)).sum()
    }
}
