//! What ran, as a graph that can be printed, drawn, measured, kept and run again.
//!
//! A [`Recorder`] is an [`Observer`](crate::event::Observer) that writes down what it is told; a [`Trace`] is what is read from that.

mod assemble;
mod compare;
mod format;
mod graph;
mod json;
mod model;
mod print;
mod read;
mod receipt;
mod recorder;
mod replay;
mod run;
mod verify;

pub use compare::Difference;
pub use graph::{Body, Graph, Node};
pub use model::{Moment, Pause, Step, StepKind, Task, Trace, TracedArg, TracedFunction, TracedModule};
pub use receipt::Receipt;
pub use recorder::Recorder;
pub use replay::{Replay, Replayed};
pub use run::trace;
pub use verify::{Verified, Way, verify};
