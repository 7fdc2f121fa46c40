//! What an executor tells its observers: what becomes of calls, and what no future tells anyone.

mod call;
mod observe;
mod observer;
mod spans;

pub(crate) use call::{ArgSource, ArgsSource, Source};
pub use call::{CallArgs, CallEvent, CallEventKind, CalledFunction, TaskId};
pub use observe::observe;
pub(crate) use observe::{Listener, Observed, log, logged, tell_call};
pub use observer::{Event, Observer};
