//! Calls as spans of OpenTelemetry.

use super::call::{CallEvent, CallEventKind, CalledFunction};
use super::caught::caught;
use super::live::Live;
use super::observe::Log;
use super::observer::{Event, Observer};
use crate::error::Error;
use crate::escape::escaped;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use std::fmt;

/// An [`Observer`] that makes a span of OpenTelemetry for each call. Only with the feature `opentelemetry`.
///
/// It is given a tracer, of whatever SDK the program has set up: `global::tracer("…")` of the crate `opentelemetry`, say, once
/// `global::set_tracer_provider` was given an SDK's provider that exports to a collector. Then it observes an executor,
/// `Executor::builder().observer(OpenTelemetry::new(tracer))`, or what one thread forks, [`observe`](super::observe).
///
/// The span's parent is that of the call that forked it; of a call of the host's, the one in `Context::current()` where it
/// forks. So a service that has made that from a request's `traceparent` finds its calls in the trace of the request. The current
/// context is not changed while a call runs.
///
/// | what | is |
/// | --- | --- |
/// | the name | the function's |
/// | from, to | the fork, the end |
/// | `code.function.name` | the function's name |
/// | `purefork.module` | the SHA-256 of its module |
/// | `purefork.task` | the call's [`TaskId`](super::TaskId) |
/// | `code.file.path`, `code.line.number` | where the host has forked it |
/// | events `start`, `suspend`, `resume`, `cancelled` | with `purefork.worker` where a worker is concerned |
/// | `purefork.fuel` | what the call used itself |
/// | `error.type`, and the status | the kind of its error, and its message |
///
/// An error that no future tells anyone is logged with `tracing`, as by an executor without an observer.
pub struct OpenTelemetry<T> {
    tracer: T,
    spans: Live<Context>,
}

impl<T> OpenTelemetry<T> {
    /// An observer that makes its spans with `tracer`.
    pub fn new(tracer: T) -> OpenTelemetry<T> {
        OpenTelemetry { tracer, spans: Live::default() }
    }
}

impl<T: fmt::Debug> fmt::Debug for OpenTelemetry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTelemetry").field("tracer", &self.tracer).finish_non_exhaustive()
    }
}

impl<T> Observer for OpenTelemetry<T>
where
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync + 'static,
{
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Call(event) => self.tell(event),
            event => Log.event(event),
        }
    }
}

impl<T> OpenTelemetry<T>
where
    T: Tracer,
    T::Span: Send + Sync + 'static,
{
    fn tell(&self, event: &CallEvent<'_>) {
        let happens = |name: &'static str| {
            if let Some(context) = self.spans.find(event.task) {
                let worker = event.worker.map(|worker| KeyValue::new("purefork.worker", number(worker as u64)));
                context.span().add_event(name, worker.into_iter().collect());
            }
        };
        match event.kind {
            CallEventKind::Fork { function, site, .. } => self.forked(event, function, site),
            CallEventKind::Start => happens("start"),
            CallEventKind::Suspend => happens("suspend"),
            CallEventKind::Resume => happens("resume"),
            CallEventKind::Cancelled => happens("cancelled"),
            CallEventKind::Done { result, .. } => {
                let Some(context) = self.spans.take(event.task) else { return };
                caught(|| {
                    let span = context.span();
                    span.set_attribute(KeyValue::new("purefork.fuel", number(event.fuel)));
                    if let Err(error) = result {
                        span.set_attribute(KeyValue::new("error.type", error.kind().name()));
                        span.set_status(Status::error(description(error)));
                    }
                });
                caught(|| context.span().end());
                caught(|| drop(context));
            }
            CallEventKind::Ready(_) | CallEventKind::Wait => {}
        }
    }

    fn forked(
        &self,
        event: &CallEvent<'_>,
        function: CalledFunction<'_>,
        site: Option<&'static std::panic::Location<'static>>,
    ) {
        let parent = match event.parent {
            None => Context::current(),
            Some(parent) => match self.spans.find(parent) {
                Some(parent) => (*parent).clone(),
                None => return,
            },
        };
        let name = escaped(function.name());
        let mut attributes = vec![
            KeyValue::new("code.function.name", name.clone()),
            KeyValue::new("purefork.module", function.module().to_owned()),
            KeyValue::new("purefork.task", number(event.task.get())),
        ];
        if let Some(site) = site {
            attributes.push(KeyValue::new("code.file.path", site.file()));
            attributes.push(KeyValue::new("code.line.number", i64::from(site.line())));
        }
        let span = SpanBuilder::from_name(name).with_kind(SpanKind::Internal).with_attributes(attributes);
        let span = self.tracer.build_with_context(span, &parent);
        self.spans.put(event.task, parent.with_span(span));
    }
}

/// OpenTelemetry's integers have a sign.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn description(error: &Error) -> String {
    format!("{}: {}", error.kind().name(), error.message())
}
