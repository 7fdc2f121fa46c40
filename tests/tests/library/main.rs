//! The library, used from Rust as its users do. A test that may crash or hang, or that measures what a process holds, runs its
//! scenario in a process of its own (`in_own_process`); where each test of a file does, the file is in `tests/process`.

mod accounting;
mod behaviours;
mod bulk;
mod compile;
mod components;
mod fuel;
mod handles;
mod hostile;
mod isolation;
mod laws;
mod limits;
mod many_calls;
mod memo;

mod misuse;
mod pointers;
mod preinit;
mod provide;
mod rooms;
mod sdk;
mod semantics;
mod stress;
mod wasi;
