//! What ran, as a graph that can be printed, drawn, measured, kept and run again.
//!
//! A [`Recorder`] is an [`Observer`](crate::event::Observer) that writes down what it is told; a [`Trace`] is what is read from that.

mod assemble;
mod format;
mod graph;
mod json;
mod model;
mod print;
mod read;
mod recorder;
mod run;

pub use graph::{Body, Graph, Node};
pub use model::{Moment, Pause, Step, StepKind, Task, Trace, TracedArg, TracedFunction, TracedModule};
pub use recorder::Recorder;
pub use run::trace;
