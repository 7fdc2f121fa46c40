//! Calls as spans of `tracing`. Each test has a process of its own: whether anybody wants spans is one thing for all threads.

use expect_test::expect;
use purefork::event::{CallEvent, CallEventKind, Event};
use purefork::{Error, ErrorKind, Value, args, promise};
use purefork_tests::guests::{CHAIN, FIB, MATH};
use purefork_tests::{MODES, Mode, assert_kind, built, each_executor, in_own_process, loaded};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Span, Subscriber, subscriber};
use tracing_core::span::Current;

static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The spans that the thread is in.
    static STACK: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Writes down spans of up to a level.
#[derive(Clone)]
struct Spans {
    level: Level,
    known: Arc<Mutex<BTreeMap<u64, Known>>>,
}

struct Known {
    metadata: &'static Metadata<'static>,
    parent: Option<u64>,
    fields: BTreeMap<&'static str, String>,
    handles: usize,
    /// What happened, and where.
    log: Vec<(&'static str, ThreadId)>,
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let before = self.0.insert(field.name(), format!("{value:?}"));
        assert_eq!(before, None, "{} is recorded once", field.name());
    }
}

impl Spans {
    fn new(level: Level) -> Spans {
        Spans { level, known: Arc::default() }
    }

    fn with<R>(&self, id: &Id, f: impl FnOnce(&mut Known) -> R) -> R {
        f(self.known.lock().unwrap().get_mut(&id.into_u64()).expect("the span is known"))
    }

    fn log(&self, id: &Id, what: &'static str) {
        self.with(id, |known| known.log.push((what, thread::current().id())));
    }

    /// All spans as text, those within others indented; numbers of tasks are left out.
    fn text(&self) -> String {
        fn write(known: &BTreeMap<u64, Known>, parent: Option<u64>, depth: usize, text: &mut String) {
            for (id, span) in known.iter().filter(|(_, span)| span.parent == parent) {
                // Of a call that fails it is not always known what it used.
                let failed = span.fields.contains_key("error");
                let shown = |name: &str| name != "task" && name != "worker" && !(failed && name == "fuel");
                let fields = span.fields.iter().filter(|(name, _)| shown(name));
                let fields: Vec<_> = fields.map(|(name, value)| format!("{name}={value}")).collect();
                let name = [span.metadata.name().to_owned()].into_iter().chain(fields).collect::<Vec<_>>().join(" ");
                let log: Vec<_> = span.log.iter().map(|(what, _)| *what).collect();
                text.push_str(&format!("{}{name}: {}\n", "  ".repeat(depth), log.join(" ")));
                write(known, Some(*id), depth + 1, text);
            }
        }
        let mut text = String::new();
        write(&self.known.lock().unwrap(), None, 0, &mut text);
        text
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let here = STACK.with_borrow(|stack| stack.last().copied());
        let parent = if span.is_contextual() { here } else { span.parent().map(Id::into_u64) };
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        let known = Known { metadata: span.metadata(), parent, fields, handles: 1, log: Vec::new() };
        self.known.lock().unwrap().insert(id, known);
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.with(id, |known| values.record(&mut Fields(&mut known.fields)));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &tracing::Event<'_>) {}

    fn enter(&self, id: &Id) {
        self.log(id, "enter");
        STACK.with_borrow_mut(|stack| stack.push(id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        self.log(id, "exit");
        let left = STACK.with_borrow_mut(Vec::pop);
        assert_eq!(left, Some(id.into_u64()), "the thread leaves the span that it entered last");
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.with(id, |known| known.handles += 1);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let left = self.with(&id, |known| {
            known.handles -= 1;
            known.handles
        });
        if left == 0 {
            self.log(&id, "close");
        }
        left == 0
    }

    fn current_span(&self) -> Current {
        let here = STACK.with_borrow(|stack| stack.last().copied());
        here.map_or_else(Current::none, |id| {
            Current::new(Id::from_u64(id), self.with(&Id::from_u64(id), |known| known.metadata))
        })
    }
}

/// Row 16: the span in which a call is forked is the parent of the call's own: the host's, or that of the call that forks.
#[test]
fn the_span_at_a_fork_is_the_parent_of_the_calls() {
    in_own_process(|| {
        for mode in MODES {
            println!("mode: {mode:?}");
            let spans = Spans::new(Level::DEBUG);
            subscriber::with_default(spans.clone(), || {
                let exec = mode.executor();
                let (math, chain) = (loaded(&exec, MATH), loaded(&exec, CHAIN));
                tracing::info_span!("request").in_scope(|| {
                    assert_eq!(chain.fork("down", args![2]).unwrap().wait().unwrap(), Value::I32(2));
                    assert_kind(math.fork("div", args![1, 0]).unwrap().wait(), ErrorKind::Trap);
                    let (start, pending) = promise::<i32>();
                    let later = math.fork("square", args![&pending]).unwrap();
                    tracing::info_span!("another").in_scope(|| start.set(3)).unwrap();
                    assert_eq!(later.wait().unwrap(), Value::I32(9));
                });
                assert_eq!(math.fork("square", args![3]).unwrap().wait().unwrap(), Value::I32(9));
            });
            // How often a call is suspended depends on who is faster.
            let text = spans.text().replace("exit enter ", "");
            expect![[r#"
            request: enter exit close
              call fuel=11 function=down: enter exit close
                call fuel=11 function=down: enter exit close
                  call fuel=5 function=down: enter exit close
              call error=Trap function=div: enter exit close
              call fuel=4 function=square: enter exit close
              another: enter exit close
            call fuel=4 function=square: enter exit close
        "#]]
            .assert_eq(&text);
        }
    });
}

/// Row 17: and it is there again after a wait that was suspended, on whatever thread the call goes on.
#[test]
fn a_span_is_left_while_its_call_is_suspended_and_entered_again_when_it_goes_on() {
    in_own_process(|| {
        let spans = Spans::new(Level::DEBUG);
        subscriber::set_global_default(spans.clone()).unwrap();
        for mode in MODES {
            println!("mode: {mode:?}");
            // In which span a call forks.
            let forks = Arc::new(Mutex::new(Vec::new()));
            let told = forks.clone();
            let exec = built(mode.builder().observer(move |event: &Event<'_>| {
                if let Event::Call(CallEvent { kind: CallEventKind::Fork { .. }, parent: Some(parent), .. }) = event {
                    told.lock().unwrap().push((parent.get(), Span::current().id().map(|id| id.into_u64())));
                }
            }));
            // It forks, waits, and forks again.
            let guest = loaded(
                &exec,
                r#"(module
                    (import "fork" "leaf" (func $fork (result i32)))
                    (import "wait" "leaf" (func $wait (param i32) (result i32)))
                    (func (export "leaf") (result i32) (i32.const 1))
                    (func (export "again") (result i32)
                        (i32.add (call $wait (call $fork)) (call $wait (call $fork)))))"#,
            );
            assert_eq!(guest.fork("again", args![]).unwrap().wait().unwrap(), Value::I32(2));
            assert_eq!(loaded(&exec, FIB).fork("fib", args![9]).unwrap().wait().unwrap(), Value::I64(34));
            drop((guest, exec));
            let known = spans.known.lock().unwrap();
            let tasks: BTreeMap<_, _> = known.iter().map(|(id, span)| (span.fields["task"].clone(), *id)).collect();
            let forks = forks.lock().unwrap();
            assert_eq!(forks.len(), 2 + 108);
            for (parent, span) in &*forks {
                assert_eq!(*span, tasks.get(&parent.to_string()).copied(), "the span of the call that forks");
            }
            for span in known.values() {
                let log: Vec<_> = span.log.iter().map(|(what, _)| *what).collect();
                let (last, runs) = log.split_last().unwrap();
                assert_eq!(*last, "close");
                assert!(runs.chunks(2).all(|run| run == ["enter", "exit"]), "{log:?}");
                // A thread leaves the span that it has entered.
                assert!(span.log[..runs.len()].chunks(2).all(|run| run[0].1 == run[1].1), "{log:?}");
            }
            if mode != Mode::Threads(2) {
                // With one thread, whoever waits for a call that has not ended is suspended.
                assert!(known.values().any(|span| span.log.len() > 3));
            }
        }
    });
}

/// A callback that waits runs other calls meanwhile, within itself.
#[test]
fn what_runs_while_a_callback_waits_is_in_its_own_spans() {
    in_own_process(|| {
        let spans = Spans::new(Level::DEBUG);
        subscriber::set_global_default(spans.clone()).unwrap();
        for mode in MODES {
            println!("mode: {mode:?}");
            let exec = mode.executor();
            let (math, fib) = (loaded(&exec, MATH), loaded(&exec, FIB));
            let sums: Vec<_> = (0..10)
                .map(|n| {
                    let (math, fib) = (math.clone(), fib.clone());
                    math.fork("square", args![n]).unwrap().map(move |_| {
                        let inner = tracing::info_span!("callback").in_scope(|| fib.fork("fib", args![6]).unwrap());
                        let outer = math.fork("add", args![1, 2]).unwrap();
                        (inner.wait().unwrap(), outer.wait().unwrap())
                    })
                })
                .collect();
            sums.iter().for_each(|sum| assert_eq!(sum.wait().unwrap(), (Value::I64(8), Value::I32(3))));
        }
        let known = spans.known.lock().unwrap();
        let mut parents: BTreeMap<(String, &str), usize> = BTreeMap::new();
        for span in known.values() {
            let log: Vec<_> = span.log.iter().map(|(what, _)| *what).collect();
            assert_eq!(log.last(), Some(&"close"));
            assert!(log[..log.len() - 1].chunks(2).all(|run| run == ["enter", "exit"]), "{log:?}");
            let parent = span.parent.map_or("none", |parent| known[&parent].metadata.name());
            let name = span.fields.get("function").map_or_else(|| "callback".to_owned(), Clone::clone);
            *parents.entry((name, parent)).or_default() += 1;
        }
        let parents: Vec<_> = parents.iter().map(|((name, parent), count)| (&**name, *parent, *count)).collect();
        assert_eq!(
            parents,
            [
                ("add", "none", 30),
                ("callback", "none", 30),
                ("fib", "call", 720),
                ("fib", "callback", 30),
                ("square", "none", 30)
            ]
        );
    });
}

#[test]
fn a_span_tells_the_worker_that_has_started_the_call() {
    in_own_process(|| {
        for (mode, worker) in [(Mode::Serial, None), (Mode::Threads(1), Some("0"))] {
            let spans = Spans::new(Level::DEBUG);
            subscriber::with_default(spans.clone(), || {
                let exec = mode.executor();
                // One that forks is never run by the thread that waits.
                loaded(&exec, CHAIN).fork("down", args![1]).unwrap().wait().unwrap();
            });
            let known = spans.known.lock().unwrap();
            let workers: Vec<_> = known.values().map(|span| span.fields.get("worker").map(String::as_str)).collect();
            assert_eq!(workers, [worker, worker]);
        }
    });
}

#[test]
fn where_nobody_wants_spans_there_are_none() {
    in_own_process(|| {
        for mode in MODES {
            let spans = Spans::new(Level::INFO);
            subscriber::with_default(spans.clone(), || {
                let exec = mode.executor();
                assert_eq!(loaded(&exec, FIB).fork("fib", args![5]).unwrap().wait().unwrap(), Value::I64(5));
            });
            assert_eq!(spans.text(), "");
        }
    });
}

#[test]
fn calls_that_never_start_have_a_span_that_is_closed() {
    in_own_process(|| {
        for mode in MODES {
            let spans = Spans::new(Level::DEBUG);
            subscriber::with_default(spans.clone(), || {
                let exec = mode.with(purefork_tests::limits().depth(1));
                let (math, chain) = (loaded(&exec, MATH), loaded(&exec, CHAIN));
                assert_kind(chain.fork("down", args![5]).unwrap().wait(), ErrorKind::TooDeep);
                let (start, pending) = promise::<i32>();
                let failing = math.fork("square", args![&pending]).unwrap();
                start.fail(Error::failed("there is no number")).unwrap();
                assert_kind(failing.wait(), ErrorKind::Failed);
            });
            let text = spans.text().replace("exit enter ", "");
            expect![[r#"
            call error=TooDeep function=down: enter exit close
              call error=TooDeep function=down: enter exit close
                call error=TooDeep function=down: close
            call error=Failed function=square: close
        "#]]
            .assert_eq(&text);
        }
    });
}

/// A span is the subscriber's that was there when the host forked.
#[test]
fn spans_of_two_subscribers_do_not_mix() {
    in_own_process(|| {
        each_executor(|exec| {
            let fib = loaded(exec, FIB);
            thread::scope(|scope| {
                for n in [6, 7] {
                    let fib = &fib;
                    scope.spawn(move || {
                        let spans = Spans::new(Level::DEBUG);
                        subscriber::with_default(spans.clone(), || {
                            fib.fork("fib", args![n]).unwrap().wait().unwrap();
                        });
                        let known = spans.known.lock().unwrap();
                        assert_eq!(known.len(), if n == 6 { 25 } else { 41 });
                        assert_eq!(known.values().filter(|span| span.parent.is_none()).count(), 1);
                    });
                }
            });
        });
    });
}

#[test]
fn a_subscriber_that_panics_harms_nobody() {
    struct Panics;
    impl Subscriber for Panics {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            // Every second one, so that the rest is called, too.
            let id = NEXT.fetch_add(1, Ordering::Relaxed);
            assert!(id.is_multiple_of(2), "new_span");
            Id::from_u64(id)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {
            panic!("record");
        }
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &tracing::Event<'_>) {
            panic!("event");
        }
        fn enter(&self, _: &Id) {
            panic!("enter");
        }
        fn exit(&self, _: &Id) {
            panic!("exit");
        }
        fn try_close(&self, _: Id) -> bool {
            panic!("try_close");
        }
    }
    in_own_process(|| {
        subscriber::set_global_default(Panics).unwrap();
        each_executor(|exec| {
            let (math, fib) = (loaded(exec, MATH), loaded(exec, FIB));
            for _ in 0..10 {
                assert_eq!(fib.fork("fib", args![7]).unwrap().wait().unwrap(), Value::I64(13));
                assert_kind(math.fork("fail", args![]).unwrap().wait(), ErrorKind::Trap);
                // Told to the log, whose subscriber panics.
                drop(math.fork("fail", args![]).unwrap());
                math.fork("square", args![1]).unwrap().on_done::<()>(|_| panic!("on_done"));
            }
        });
    });
}
