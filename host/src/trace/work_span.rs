//! The longest chain of work of which each piece had to wait for the one before.

use super::dag::Dag;
use super::model::StepKind;

/// The longest chain, and what it consists of.
pub(super) struct Span {
    pub(super) fuel: u128,
    /// The calls on it with what each has used there, in the order of time. A call that was left for one that it forked, and gone
    /// back to, is there as often.
    pub(super) path: Vec<(usize, u64)>,
}

/// When each call starts and ends if every call has a core of its own, in fuel.
struct Times {
    starts: Vec<u128>,
    lengths: Vec<u128>,
    /// Of a wait: whether it was the child that was later.
    late: Vec<bool>,
    /// Of a call of the host: whose result, its argument, was there last.
    cause: Vec<Option<usize>>,
}

impl Times {
    fn end(&self, call: usize) -> u128 {
        self.starts[call] + self.lengths[call]
    }
}

impl Span {
    /// Neither recursive nor slower than linear, but for looking up arguments: a chain of forks may be a million long.
    pub(super) fn new(dag: &Dag) -> Span {
        let times = times(dag);
        let last = (0..dag.calls()).reduce(|a, b| if times.end(b) > times.end(a) { b } else { a });
        match last {
            Some(last) => Span { fuel: times.end(last), path: path(dag, &times, last) },
            None => Span { fuel: 0, path: Vec::new() },
        }
    }
}

fn times(dag: &Dag) -> Times {
    let calls = dag.calls();
    let mut times = Times {
        starts: vec![0; calls],
        lengths: vec![0; calls],
        late: vec![false; dag.moves.len()],
        cause: vec![None; calls],
    };
    // A call comes before those that it forks: backwards, their lengths are known. They start so long after it.
    for call in (0..calls).rev() {
        let (now, used) = follow(dag, &mut times, call);
        times.lengths[call] = now + u128::from(dag.fuel(call) - used);
    }
    follow(dag, &mut times, dag.host());
    for call in 0..calls {
        if let Some((parent, _)) = dag.forked[call].filter(|(parent, _)| *parent != dag.host()) {
            times.starts[call] += times.starts[parent];
        }
    }
    times
}

/// Follows the moves of a call from its start; returns when the last one is over, and the fuel that was used by then.
fn follow(dag: &Dag, times: &mut Times, call: usize) -> (u128, u64) {
    let (mut now, mut used) = (0, 0);
    for at in dag.moves_of(call) {
        let step = dag.moves[at];
        now += u128::from(step.fuel - used);
        used = step.fuel;
        match step.kind {
            StepKind::Fork => {
                times.starts[step.task] = now;
                for (_, source) in dag.needs_of(step.task) {
                    if times.end(*source) > times.starts[step.task] {
                        times.starts[step.task] = times.end(*source);
                        times.cause[step.task] = Some(*source);
                    }
                }
            }
            StepKind::Wait if times.end(step.task) > now => {
                now = times.end(step.task);
                times.late[at] = true;
            }
            StepKind::Wait => {}
        }
    }
    (now, used)
}

/// The way back from the end of a call to the start of everything. No move is passed twice.
fn path(dag: &Dag, times: &Times, last: usize) -> Vec<(usize, u64)> {
    let mut path: Vec<(usize, u64)> = Vec::new();
    let mut add = |call, fuel| match path.last_mut() {
        Some((known, sum)) if *known == call => *sum += fuel,
        _ if fuel == 0 => {}
        _ => path.push((call, fuel)),
    };
    let end = |call| (call, dag.moves_of(call).end, dag.fuel(call));
    let mut next = Some(end(last));
    while let Some((call, to, until)) = next {
        let late = (dag.moves_of(call).start..to).rev().find(|at| times.late[*at]);
        if let Some(late) = late {
            add(call, until - dag.moves[late].fuel);
            next = Some(end(dag.moves[late].task));
            continue;
        }
        add(call, until);
        next = if call == dag.host() {
            None
        } else if let Some(source) = times.cause[call] {
            Some(end(source))
        } else {
            dag.forked[call].map(|(parent, at)| (parent, at, dag.moves[at].fuel))
        };
    }
    path.reverse();
    path
}
