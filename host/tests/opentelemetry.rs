//! Calls as spans of OpenTelemetry, with a tracer that keeps them.

use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry::{Context, KeyValue};
use purefork::event::{OpenTelemetry, observe};
use purefork::{ErrorKind, Executor, args};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Kept>>>);

#[derive(Clone, Debug)]
struct Kept {
    name: String,
    trace: TraceId,
    parent: SpanId,
    id: SpanId,
    attributes: BTreeMap<String, String>,
    events: Vec<String>,
    status: Status,
    ended: bool,
}

struct MemorySpan {
    memory: Memory,
    context: SpanContext,
    number: usize,
}

impl MemorySpan {
    fn with(&self, f: impl FnOnce(&mut Kept)) {
        f(&mut self.memory.0.lock().unwrap()[self.number]);
    }
}

impl Tracer for Memory {
    type Span = MemorySpan;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> MemorySpan {
        assert_eq!(builder.span_kind, Some(SpanKind::Internal));
        let parent = parent.span().span_context().clone();
        let mut kept = self.0.lock().unwrap();
        let number = kept.len();
        let trace = if parent.is_valid() { parent.trace_id() } else { TraceId::from(1000 + number as u128) };
        let id = SpanId::from(1 + number as u64);
        let attributes = builder.attributes.unwrap_or_default();
        kept.push(Kept {
            name: builder.name.into_owned(),
            trace,
            parent: parent.span_id(),
            id,
            attributes: attributes.into_iter().map(|kv| (kv.key.to_string(), kv.value.to_string())).collect(),
            events: Vec::new(),
            status: Status::Unset,
            ended: false,
        });
        let context = SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::default());
        MemorySpan { memory: self.clone(), context, number }
    }
}

impl Span for MemorySpan {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(&mut self, name: T, _: SystemTime, _: Vec<KeyValue>) {
        self.with(|kept| kept.events.push(name.into().into_owned()));
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        true
    }

    fn set_attribute(&mut self, kv: KeyValue) {
        self.with(|kept| drop(kept.attributes.insert(kv.key.to_string(), kv.value.to_string())));
    }

    fn set_status(&mut self, status: Status) {
        self.with(|kept| kept.status = status);
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, _: T) {}

    fn add_link(&mut self, _: SpanContext, _: Vec<KeyValue>) {}

    fn end_with_timestamp(&mut self, _: SystemTime) {
        self.with(|kept| {
            assert!(!kept.ended, "ended twice: {kept:?}");
            kept.ended = true;
        });
    }
}

const GUEST: &str = r#"(module
    (import "fork" "leaf" (func $fork (param i32) (result i32)))
    (import "wait" "leaf" (func $wait (param i32) (result i32)))
    (func (export "leaf") (param i32) (result i32) (i32.div_s (i32.const 12) (local.get 0)))
    (func (export "go") (param i32) (result i32) (call $wait (call $fork (local.get 0)))))"#;

/// What `traceparent` of a request would be made into.
fn request() -> Context {
    let context =
        SpanContext::new(TraceId::from(7), SpanId::from(99), TraceFlags::SAMPLED, true, TraceState::default());
    Context::new().with_remote_span_context(context)
}

#[test]
fn a_call_is_a_span_within_the_current_one_of_the_host() {
    for builder in [Executor::builder().serial(), Executor::builder().threads(1), Executor::builder().threads(2)] {
        let memory = Memory::default();
        let exec = builder.observer(OpenTelemetry::new(memory.clone())).build().unwrap();
        let guest = exec.load_bytes(GUEST).unwrap();
        let attached = request().attach();
        let (future, line) = (guest.fork("go", args![3]).unwrap(), line!());
        assert_eq!(future.wait().unwrap().to_string(), "4");
        drop(attached);
        let error = guest.fork("go", args![0]).unwrap().wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trap);
        drop((guest, exec));

        let kept = memory.0.lock().unwrap().clone();
        let [go, leaf, failed, failed_leaf] = &kept[..] else { panic!("four spans are expected: {kept:#?}") };
        assert!(kept.iter().all(|span| span.ended), "{kept:#?}");
        let names: Vec<_> = kept.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["go", "leaf", "go", "leaf"]);

        assert_eq!((go.trace, go.parent), (TraceId::from(7), SpanId::from(99)));
        assert_eq!((leaf.trace, leaf.parent), (TraceId::from(7), go.id));
        assert_eq!((failed_leaf.trace, failed_leaf.parent), (failed.trace, failed.id));
        assert_eq!(failed.parent, SpanId::INVALID);

        assert_eq!(go.attributes["code.function.name"], "go");
        assert_eq!(go.attributes["code.file.path"], file!());
        assert_eq!(go.attributes["code.line.number"], line.to_string());
        assert_eq!(go.attributes["purefork.module"].len(), 64);
        assert!(!leaf.attributes.contains_key("code.line.number"));
        assert!(leaf.attributes["purefork.fuel"].parse::<u64>().unwrap() > 0);
        assert_eq!((&go.status, &leaf.status), (&Status::Unset, &Status::Unset));
        let message = "Trap: `leaf` trapped: integer divide by zero";
        for span in [failed, failed_leaf] {
            assert_eq!(span.status, Status::error(message));
            assert_eq!(span.attributes["error.type"], "Trap");
        }
        assert_eq!((&*go.events[0], &*leaf.events), ("start", &["start".to_owned()][..]));
    }
}

#[test]
fn calls_that_never_start_are_spans_that_end() {
    let memory = Memory::default();
    let exec = Executor::builder().threads(1).build().unwrap();
    let guest = exec.load_bytes(GUEST).unwrap();
    let (start, pending) = purefork::promise::<i32>();
    let future = observe(OpenTelemetry::new(memory.clone()), || guest.fork("leaf", args![&pending]).unwrap());
    assert!(future.cancel());
    drop((start, guest, exec));
    let kept = memory.0.lock().unwrap().clone();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].ended, &kept[0].events[..]), (true, &["cancelled".to_owned()][..]));
    assert_eq!(kept[0].attributes["error.type"], "Cancelled");
}
