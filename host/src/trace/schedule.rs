//! What a trace would take on so many cores.

use super::dag::Dag;
use super::model::StepKind;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// How a schedule has gone.
pub(super) struct Schedule {
    /// When the last call has ended, in fuel.
    pub(super) end: u128,
    /// Whether a call ever had to wait for a core. If none had, more cores change nothing.
    pub(super) short: bool,
}

/// A greedy list schedule (after Graham): no core is idle while a call could run.
///
/// A core runs a call until that waits for one that has not ended, or ends itself; a fork takes no time. Of the calls that could run,
/// the one goes first that could for longest. The result is the same each time.
pub(super) fn schedule(dag: &Dag, cores: usize) -> Schedule {
    let mut run = Run::new(dag, cores);
    run.start();
    while let Some(Reverse((now, _, call))) = run.events.pop() {
        run.end = now;
        run.goes_on(call, now);
        run.fill(now);
    }
    Schedule { end: run.end, short: run.short }
}

struct Run<'a> {
    dag: &'a Dag,
    calls: Vec<State>,
    /// The host's next move.
    host: usize,
    /// Calls whose results are arguments of others, in order, with those.
    needed: Vec<(usize, usize)>,
    free: usize,
    ready: VecDeque<usize>,
    /// When each call that runs makes its next move. Of those at one time, the first that was put there.
    events: BinaryHeap<Reverse<(u128, u64, usize)>>,
    number: u64,
    end: u128,
    short: bool,
}

#[derive(Clone, Default)]
struct State {
    next: usize,
    used: u64,
    ended: bool,
    /// Who forked it waits for it.
    waited_for: bool,
    forked: bool,
    /// Arguments that are not there.
    missing: usize,
}

impl<'a> Run<'a> {
    fn new(dag: &'a Dag, cores: usize) -> Run<'a> {
        let state = |call| State { next: dag.moves_of(call).start, ..State::default() };
        let mut calls: Vec<_> = (0..dag.calls()).map(state).collect();
        let mut needed = Vec::with_capacity(dag.needs.len());
        for (call, source) in &dag.needs {
            calls[*call].missing += 1;
            needed.push((*source, *call));
        }
        needed.sort_unstable();
        Run {
            dag,
            calls,
            host: dag.moves_of(dag.host()).start,
            needed,
            free: cores,
            ready: VecDeque::new(),
            events: BinaryHeap::new(),
            number: 0,
            end: 0,
            short: false,
        }
    }

    fn start(&mut self) {
        self.ready.extend((0..self.dag.calls()).filter(|call| self.dag.forked[*call].is_none()));
        self.host_goes_on();
        self.fill(0);
    }

    /// Gives free cores to calls that can run.
    fn fill(&mut self, now: u128) {
        while self.free > 0
            && let Some(call) = self.ready.pop_front()
        {
            self.free -= 1;
            self.works(call, now);
        }
        self.short |= !self.ready.is_empty();
    }

    /// A call that has a core uses fuel up to its next move.
    fn works(&mut self, call: usize, now: u128) {
        let state = &mut self.calls[call];
        let to = match state.next < self.dag.moves_of(call).end {
            true => self.dag.moves[state.next].fuel,
            false => self.dag.fuel(call),
        };
        let takes = to - state.used;
        state.used = to;
        self.number += 1;
        self.events.push(Reverse((now + u128::from(takes), self.number, call)));
    }

    /// A call makes its next move.
    fn goes_on(&mut self, call: usize, now: u128) {
        let at = self.calls[call].next;
        if at == self.dag.moves_of(call).end {
            self.free += 1;
            return self.ends(call);
        }
        let step = self.dag.moves[at];
        match step.kind {
            StepKind::Fork => self.forks(step.task),
            // It makes the same move again when the other one has ended.
            StepKind::Wait if !self.calls[step.task].ended => {
                self.calls[step.task].waited_for = true;
                self.free += 1;
                return;
            }
            StepKind::Wait => {}
        }
        self.calls[call].next += 1;
        self.works(call, now);
    }

    fn host_goes_on(&mut self) {
        while self.host < self.dag.moves_of(self.dag.host()).end {
            let step = self.dag.moves[self.host];
            match step.kind {
                StepKind::Fork => self.forks(step.task),
                StepKind::Wait if !self.calls[step.task].ended => {
                    self.calls[step.task].waited_for = true;
                    return;
                }
                StepKind::Wait => {}
            }
            self.host += 1;
        }
    }

    fn forks(&mut self, call: usize) {
        self.calls[call].forked = true;
        if self.calls[call].missing == 0 {
            self.ready.push_back(call);
        }
    }

    fn ends(&mut self, call: usize) {
        self.calls[call].ended = true;
        let from = self.needed.partition_point(|need| need.0 < call);
        let mut at = from;
        while let Some((_, needing)) = self.needed.get(at).copied().filter(|need| need.0 == call) {
            let state = &mut self.calls[needing];
            state.missing -= 1;
            if state.missing == 0 && state.forked {
                self.ready.push_back(needing);
            }
            at += 1;
        }
        if self.calls[call].waited_for
            && let Some((parent, _)) = self.dag.forked[call]
        {
            if parent == self.dag.host() { self.host_goes_on() } else { self.ready.push_back(parent) }
        }
    }
}
