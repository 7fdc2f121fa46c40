//! What an executor tells its observers: what becomes of calls, and what no future tells anyone.
//!
//! # Spans
//!
//! With [`tracing`](https://docs.rs/tracing), every call is a span named `call`, of target `purefork` and level `DEBUG`, without an
//! observer: a subscriber that wants it, by a filter like `purefork=debug`, is given it, and as long as none does it costs nothing. Its
//! parent is the span in which the call was forked: of a call of the host's, the thread's current one, of others that of the call that
//! forked it. The thread that runs a call is in its span; while the call is suspended nobody is. The subscriber is the one that the
//! thread had that forked the host's call. Fields:
//!
//! | field | is | recorded |
//! | --- | --- | --- |
//! | `function` | the function's name | at once |
//! | `task` | the call's [`TaskId`] | at once |
//! | `worker` | the number of the worker that started it, if one did | at the start |
//! | `fuel` | what it used itself | at the end |
//! | `error` | the kind of its error, if it failed | at the end |

mod call;
mod caught;
mod live;
mod observe;
mod observer;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
mod spans;

pub(crate) use call::{ArgSource, ArgsSource, Source};
pub use call::{CallArgs, CallEvent, CallEventKind, CalledFunction, TaskId};
pub(crate) use caught::caught;
pub use observe::observe;
pub(crate) use observe::{Listener, Observed, Observing, log, tell_call};
pub use observer::{Event, Observer};
#[cfg(feature = "opentelemetry")]
pub use opentelemetry::OpenTelemetry;
