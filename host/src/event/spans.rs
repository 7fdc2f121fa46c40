//! Calls as spans of `tracing`.

use super::call::{CallEvent, CallEventKind, CalledFunction, TaskId};
use super::caught::caught;
use super::live::Live;
use super::observer::{Event, Observer};
use crate::escape::escaped;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::field::{Empty, Value, display};
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::{Level, Span, dispatcher};

const LEVEL: Level = Level::DEBUG;

/// The spans of an executor's calls that have not ended.
///
/// One for each call: its parent is the span in which the call was forked. A thread is in it while it runs the call; so it is left
/// when the call is suspended, and entered, maybe by another thread, when that goes on. It is closed when the call has ended.
#[derive(Default)]
pub(crate) struct Spans {
    live: Live<CallSpan>,
}

struct CallSpan {
    /// The call's; or that of the one above it, if nobody wants a span of this call.
    span: Span,
    is_own: bool,
    /// Whether the thread that runs the call is in it.
    entered: AtomicBool,
}

/// The span of a call.
macro_rules! span {
    ($task:expr, $function:expr $(, parent: $parent:expr)?) => {
        tracing::span!(
            target: "purefork",
            $(parent: $parent,)?
            LEVEL,
            "call",
            function = %escaped($function.name()),
            task = $task.get(),
            worker = Empty,
            fuel = Empty,
            error = Empty,
        )
    };
}

impl Spans {
    /// Whether a span of a call might be wanted.
    #[inline]
    pub(super) fn may_be_wanted() -> bool {
        LEVEL <= STATIC_MAX_LEVEL && LEVEL <= LevelFilter::current()
    }

    /// The host forks a call here and now: gives it a number, if anybody wants a span of it.
    ///
    /// While nobody wants any, this is a load and a comparison.
    #[inline]
    pub(super) fn host_forks(&self, function: CalledFunction<'_>) -> Option<TaskId> {
        if Spans::may_be_wanted() { self.begin(function) } else { None }
    }

    #[cold]
    fn begin(&self, function: CalledFunction<'_>) -> Option<TaskId> {
        let begin = || {
            let task = TaskId::new();
            let span = span!(task, function);
            if span.is_disabled() {
                return None;
            }
            self.live.put(task, CallSpan { span, is_own: true, entered: AtomicBool::new(false) });
            Some(task)
        };
        caught(begin).flatten()
    }

    /// A call forks another one.
    fn guest_forks(&self, task: TaskId, parent: TaskId, function: CalledFunction<'_>) {
        let Some(above) = self.live.find(parent) else { return };
        // The thread may have another subscriber than the one whose span that is.
        let span = caught(|| {
            above.span.with_subscriber(|(id, subscriber)| {
                dispatcher::with_default(subscriber, || span!(task, function, parent: id.clone()))
            })
        });
        let (span, is_own) = match span {
            Some(Some(span)) if !span.is_disabled() => (span, true),
            _ => (caught(|| above.span.clone()).unwrap_or_else(Span::none), false),
        };
        self.live.put(task, CallSpan { span, is_own, entered: AtomicBool::new(false) });
    }

    fn tell(&self, event: &CallEvent<'_>) {
        let task = event.task;
        match event.kind {
            CallEventKind::Fork { function, .. } => {
                // Of the host's, the span was made already.
                if let Some(parent) = event.parent {
                    self.guest_forks(task, parent, function);
                }
            }
            CallEventKind::Start => {
                if let Some(call) = self.live.find(task) {
                    if let Some(worker) = event.worker {
                        call.record("worker", worker as u64);
                    }
                    call.enter();
                }
            }
            CallEventKind::Suspend => drop(self.live.find(task).map(|call| call.exit())),
            CallEventKind::Resume => drop(self.live.find(task).map(|call| call.enter())),
            CallEventKind::Done { result, .. } => {
                if let Some(call) = self.live.take(task) {
                    call.exit();
                    call.record("fuel", event.fuel);
                    if let Err(error) = result {
                        call.record("error", display(error.kind().name()));
                    }
                }
            }
            CallEventKind::Ready(_) | CallEventKind::Wait | CallEventKind::Cancelled => {}
        }
    }
}

impl CallSpan {
    fn record(&self, field: &str, value: impl Value) {
        if self.is_own {
            caught(|| self.span.record(field, value));
        }
    }

    fn enter(&self) {
        if self.is_own {
            // First: should the subscriber panic, it is told of the exit all the same.
            self.entered.store(true, Ordering::Relaxed);
            caught(|| self.span.with_subscriber(|(id, subscriber)| subscriber.enter(id)));
        }
    }

    fn exit(&self) {
        if self.entered.swap(false, Ordering::Relaxed) {
            caught(|| self.span.with_subscriber(|(id, subscriber)| subscriber.exit(id)));
        }
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        let span = std::mem::replace(&mut self.span, Span::none());
        caught(|| drop(span));
    }
}

impl Observer for Spans {
    fn event(&self, event: &Event<'_>) {
        if let Event::Call(event) = event {
            self.tell(event);
        }
    }
}
