//! When calls ran, and where: their times without pauses, in rows in which nothing overlaps.

use super::{Task, Trace};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The last time that is drawn: what a JavaScript number holds exactly, some hundred days. A later one is taken for this one.
pub(super) const LAST: u64 = (1 << 53) - 1;

/// The most stacks of one lane. Worker threads do one thing at a time, and need one; threads of the host are all in one lane.
const STACKS: usize = 64;

/// A time in which a call ran without a pause, on one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The call.
    pub(super) task: usize,
    /// How many such times of the call there were before.
    pub(super) number: usize,
    /// When it began, in nanoseconds.
    pub(super) from: u64,
    /// When it ended: not before it began.
    pub(super) to: u64,
    /// The worker; none on any other thread.
    pub(super) worker: Option<u32>,
}

/// What ran on one worker, or on all other threads.
#[derive(Debug, PartialEq)]
pub(super) struct Lane {
    /// The worker; none for all other threads.
    pub(super) worker: Option<u32>,
    /// Spans that nest in each other like calls on a stack, in the order in which they begin, each with how many it is in. One stack if
    /// the threads of the lane are one.
    pub(super) stacks: Vec<Vec<(Span, usize)>>,
}

/// When a call ran. `end` is when the trace ended, for calls that had not.
pub(super) fn spans(task: usize, of: &Task, end: u64) -> impl Iterator<Item = Span> {
    let begins = of.started.into_iter().chain(of.pauses.iter().filter_map(|pause| pause.to));
    // A call that was not resumed ran no more: there is one beginning less.
    let ends = of.pauses.iter().map(|pause| pause.from.time);
    let last = of.done.or(of.cancelled).map_or(end, |moment| moment.time);
    begins.zip(ends.chain([last])).enumerate().map(move |(number, (begin, to))| {
        let from = begin.time.min(LAST);
        Span { task, number, from, to: to.min(LAST).max(from), worker: begin.worker }
    })
}

impl Trace {
    /// When the last thing happened.
    pub(super) fn end(&self) -> u64 {
        let steps = self.host.iter().chain(self.tasks.iter().flat_map(|task| &task.steps)).map(|step| step.at);
        let moments = self.tasks.iter().flat_map(|task| {
            let pauses = task.pauses.iter().flat_map(|pause| pause.to.into_iter().chain([pause.from]));
            [Some(task.forked), task.started, task.done, task.cancelled].into_iter().flatten().chain(pauses)
        });
        steps.chain(moments).map(|moment| moment.time).max().unwrap_or(0).min(LAST)
    }

    /// What ran, by worker; the other threads come last.
    pub(super) fn lanes(&self) -> Vec<Lane> {
        let end = self.end();
        let mut by_worker = BTreeMap::<(bool, Option<u32>), Vec<Span>>::new();
        for (at, task) in self.tasks.iter().enumerate() {
            for span in spans(at, task, end) {
                by_worker.entry((span.worker.is_none(), span.worker)).or_default().push(span);
            }
        }
        by_worker.into_iter().map(|((_, worker), spans)| Lane { worker, stacks: nested(spans) }).collect()
    }
}

/// Sorts spans by when they begin and puts each on the first stack on which it ends before what it is in. One that fits none, and for
/// which there are too many, is cut short.
fn nested(mut spans: Vec<Span>) -> Vec<Vec<(Span, usize)>> {
    spans.sort_unstable_by_key(|span| (span.from, Reverse(span.to), span.task));
    let mut stacks: Vec<Vec<(Span, usize)>> = Vec::new();
    // When what is under way on each stack ends.
    let mut ends: Vec<Vec<u64>> = Vec::new();
    for mut span in spans {
        for ends in &mut ends {
            while ends.last().is_some_and(|&end| end <= span.from) {
                ends.pop();
            }
        }
        let fits = ends.iter().position(|ends| ends.last().is_none_or(|&end| end >= span.to));
        let at = fits.unwrap_or_else(|| {
            if stacks.len() < STACKS {
                stacks.push(Vec::new());
                ends.push(Vec::new());
            }
            stacks.len() - 1
        });
        span.to = span.to.min(ends[at].last().copied().unwrap_or(span.to));
        stacks[at].push((span, ends[at].len()));
        ends[at].push(span.to);
    }
    stacks
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    fn span(task: usize, from: u64, to: u64) -> Span {
        Span { task, number: 0, from, to, worker: None }
    }

    fn shown(stacks: &[Vec<(Span, usize)>]) -> String {
        let mut text = String::new();
        for (at, stack) in stacks.iter().enumerate() {
            for (span, depth) in stack {
                text += &format!("{at}: {}{} from {} to {}\n", "  ".repeat(*depth), span.task, span.from, span.to);
            }
        }
        text
    }

    #[test]
    fn what_ran_within_another_is_above_it_and_what_overlaps_is_on_another_stack() {
        let spans =
            vec![span(3, 20, 30), span(0, 0, 10), span(1, 2, 5), span(2, 5, 10), span(4, 25, 40), span(5, 30, 30)];
        expect![[r#"
            0: 0 from 0 to 10
            0:   1 from 2 to 5
            0:   2 from 5 to 10
            0: 3 from 20 to 30
            0: 5 from 30 to 30
            1: 4 from 25 to 40
        "#]]
        .assert_eq(&shown(&nested(spans)));
    }

    proptest! {
        #[test]
        fn in_a_row_nothing_overlaps_and_each_is_within_what_it_is_above(times in prop::collection::vec((0..50_u64, 0..20_u64), 0..300)) {
            let spans: Vec<Span> = times.iter().enumerate().map(|(task, (from, length))| span(task, *from, from + length)).collect();
            for stack in nested(spans) {
                let mut open: Vec<Span> = Vec::new();
                for (span, depth) in stack {
                    prop_assert!(depth <= open.len());
                    if let Some(before) = open.get(depth) {
                        prop_assert!(before.to <= span.from);
                    }
                    open.truncate(depth);
                    if let Some(below) = open.last() {
                        prop_assert!(below.from <= span.from && span.to <= below.to);
                    }
                    open.push(span);
                }
            }
        }
    }
}
