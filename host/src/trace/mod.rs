//! What ran, as a graph that can be printed, drawn, measured, kept and run again.
//!
//! A [`Recorder`] is an [`Observer`](crate::event::Observer) that writes down what it is told; a [`Trace`] is what is read from that.

mod assemble;
mod compare;
mod dag;
mod dot;
mod folded;
mod format;
mod graph;
mod json;
#[cfg(test)]
mod made;
mod model;
mod page;
mod perfetto;
mod print;
mod profile;
mod protobuf;
mod read;
#[cfg(test)]
mod read_tests;
mod receipt;
mod recorder;
mod replay;
mod run;
mod schedule;
mod shown;
mod spans;
mod summary;
#[cfg(test)]
mod summary_tests;
mod summary_text;
mod verify;
mod work_span;

pub use compare::Difference;
pub use graph::{Body, Graph, Node};
pub use model::{Moment, Pause, Step, StepKind, Task, Trace, TracedArg, TracedFunction, TracedModule};
pub use profile::Profile;
pub use receipt::Receipt;
pub use recorder::Recorder;
pub use replay::{Replay, Replayed};
pub use run::trace;
pub use summary::{FunctionUse, Speedup, Stretch, Summary};
pub use verify::{Verified, Way, verify};

/// What is written as bytes: into memory, where nothing fails.
fn bytes(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = write(&mut bytes);
    debug_assert!(written.is_ok(), "a vector takes all: {written:?}");
    bytes
}

/// What is written, as a text.
fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    String::from_utf8_lossy(&bytes(write)).into_owned()
}
