//! The binary `purefork`, as somebody at a terminal meets it: what was typed, and all that it printed.

mod arguments;
mod columns;
mod errors;
mod files;
mod help;
mod inspect;
mod link;
mod map;
#[cfg(unix)]
mod memo;
mod options;
mod output;
mod pointers;
mod preinit;
mod provide;
mod support;
mod trace;
mod values;
mod wasi;
mod words;
mod written;
