//! Who is told, and of which calls.

use super::call::{CallEvent, CallEventKind, CalledFunction, TaskId};
use super::caught::caught;
use super::observer::{Event, Observer};
use super::spans::Spans;
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    /// The observer of what this thread forks.
    static HERE: RefCell<Option<Arc<dyn Observer>>> = const { RefCell::new(None) };
}

/// Runs `f`, and tells `observer` of the calls that this thread forks meanwhile, and of those that they fork, until they have ended. It is
/// told beside the executor's own observer.
///
/// Of two that are nested, both are told.
pub fn observe<R>(observer: impl Observer, f: impl FnOnce() -> R) -> R {
    let before = HERE.with_borrow(Clone::clone);
    told(both(before, Some(Arc::new(observer))), f)
}

/// Runs `f`, and tells `observer`, and nobody else, of what this thread forks meanwhile.
fn told<R>(observer: Option<Arc<dyn Observer>>, f: impl FnOnce() -> R) -> R {
    /// Puts back what was there, also if `f` panics.
    struct Restored(Option<Arc<dyn Observer>>);

    impl Drop for Restored {
        fn drop(&mut self) {
            // Where the thread ends in the midst of it, there is nothing to be put back.
            let _ = HERE.try_with(|here| std::mem::swap(&mut *here.borrow_mut(), &mut self.0));
        }
    }

    let _restored = Restored(HERE.replace(observer));
    f()
}

/// Who is told of what a thread forks: for work that is done for it on another one.
#[derive(Clone)]
pub(crate) struct Observing {
    observer: Option<Arc<dyn Observer>>,
    dispatch: tracing::Dispatch,
    span: tracing::Span,
}

impl Observing {
    /// What holds on this thread now.
    pub(crate) fn here() -> Observing {
        let observer = HERE.try_with(|here| here.borrow().clone()).ok().flatten();
        let nobody = || (tracing::Dispatch::none(), tracing::Span::none());
        let look = || (tracing::dispatcher::get_default(Clone::clone), tracing::Span::current());
        let (dispatch, span) = if Spans::may_be_wanted() { caught(look).unwrap_or_else(nobody) } else { nobody() };
        Observing { observer, dispatch, span }
    }

    /// Runs `f` as if it were there.
    pub(crate) fn with<R>(self, f: impl FnOnce() -> R) -> R {
        let Observing { observer, dispatch, span } = self;
        let f = || told(observer, f);
        if span.is_none() && dispatch.is::<tracing::subscriber::NoSubscriber>() {
            return f();
        }
        tracing::dispatcher::with_default(&dispatch, || span.in_scope(f))
    }
}

/// Tells two observers.
struct Both(Arc<dyn Observer>, Arc<dyn Observer>);

impl Observer for Both {
    fn event(&self, event: &Event<'_>) {
        tell(&*self.0, event);
        tell(&*self.1, event);
    }
}

fn both(one: Option<Arc<dyn Observer>>, other: Option<Arc<dyn Observer>>) -> Option<Arc<dyn Observer>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Arc::new(Both(one, other))),
        (one, other) => one.or(other),
    }
}

/// Logs what no future tells anyone: the observer of an executor that was given no other.
pub(crate) struct Log;

/// The observer of an executor that was given no other.
pub(crate) fn log() -> Arc<dyn Observer> {
    Arc::new(Log)
}

impl Observer for Log {
    fn event(&self, event: &Event<'_>) {
        if let Event::Unobserved(error) = event {
            tracing::warn!(kind = %error.kind().name(), "unobserved: {error}");
        }
    }

    fn observes_calls(&self) -> bool {
        false
    }
}

/// Tells an observer; a panic in it is caught.
fn tell(observer: &dyn Observer, event: &Event<'_>) {
    if caught(|| observer.event(event)).is_none() {
        // So may the subscriber.
        caught(|| tracing::warn!("the observer panicked"));
    }
}

/// An executor's observer.
pub(crate) struct Listener {
    observer: Arc<dyn Observer>,
    /// Whether it wants to know of calls.
    calls: bool,
    spans: Arc<Spans>,
}

impl Listener {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Listener {
        let calls = caught(|| observer.observes_calls()).unwrap_or(false);
        Listener { observer, calls, spans: Arc::default() }
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        tell(&*self.observer, event);
    }

    /// Whether anybody might want to know of a call that this thread forks.
    pub(crate) fn observes(&self) -> bool {
        self.calls || Spans::may_be_wanted() || HERE.try_with(|here| here.borrow().is_some()).unwrap_or(false)
    }

    /// A call that this thread forks now, if anybody wants to know of it.
    #[inline]
    pub(crate) fn observed(&self, function: CalledFunction<'_>) -> Option<Observed> {
        // Not borrowed by more than this moment: who is told may fork in turn.
        let here = HERE.try_with(|here| here.borrow().clone()).ok().flatten();
        let task = self.spans.host_forks(function);
        if here.is_none() && !self.calls && task.is_none() {
            return None;
        }
        let observer = both(self.calls.then(|| self.observer.clone()), here);
        let spans = task.map(|_| self.spans.clone() as Arc<dyn Observer>);
        Some(Observed { task: task.unwrap_or_else(TaskId::new), observer: both(spans, observer)? })
    }
}

/// A call that somebody wants to know of.
#[derive(Clone)]
pub(crate) struct Observed {
    pub(crate) task: TaskId,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Observed {
    /// Tells of a call that the host has forked.
    pub(crate) fn tell(&self, worker: Option<usize>, kind: CallEventKind<'_>) {
        tell_call(&*self.observer, CallEvent { task: self.task, parent: None, worker, fuel: 0, kind });
    }
}

/// Tells of a call.
pub(crate) fn tell_call(observer: &dyn Observer, event: CallEvent<'_>) {
    tell(observer, &Event::Call(event));
}
