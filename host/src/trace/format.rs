//! The trace file, version 1.
//!
//! It begins with [`MAGIC`], which ends with the version and a line feed. Blocks follow: the length of what is in the block as four bytes,
//! little-endian, then that. A block is what one worker has written down until its buffer was full: the worker's number plus one, 0
//! for any other thread, and a time; then records. So records of one call may stand in several blocks, and those of a child before
//! its parent's. The last block has a single record, [`tag::END`]; a file without it was cut short.
//!
//! Numbers are unsigned LEB128 in their shortest form, texts are their length and UTF-8, values as in [`bytes`](crate::value::bytes). A
//! record is its tag and what is in this table. `dt` is the time since the record before in the same block, in nanoseconds; a
//! task's number is that of its call among all of the process, and 0 is the host.
//!
//! | tag | record | what follows |
//! | --- | --- | --- |
//! | 0 | module | SHA-256 of its bytes, 32 bytes; length; the bytes |
//! | 1 | function | number, JSON: [`Called`] |
//! | 2 | fork | dt, task, parent, function, number, the parent's fuel, [site if the parent is the host], arguments |
//! | 3 | ready | dt, task, arguments |
//! | 4 | start | dt, task |
//! | 5 | wait | dt, task, parent, the parent's fuel |
//! | 6 | suspend | dt, task |
//! | 7 | resume | dt, task |
//! | 8 | cancelled | dt, task |
//! | 9 | value | dt, task, fuel, value, output |
//! | 10 | error | dt, task, fuel, JSON of the error, output |
//! | 12 | world | SHA-256 of what tells it from others, 32 bytes; a value: [`World`](crate::World) |
//! | 11 | end | number of forks, number of ends, SHA-256 of all before this block |
//!
//! A site is the file's name, line and column. Arguments are their number, then each: 0 and a value, or 1 and the task whose future
//! it is, 0 for any other future. Output is 0 if there is none, else 1, stdout and stderr, each behind its length, and JSON of the list of
//! what was refused. It is 2 if files were made: then their number follows, and each one's name and content, behind their lengths.

use crate::imports::UnknownImports;
use crate::limits::Limits;
use crate::value::Type;
use crate::wasi::Wasi;
use serde::{Deserialize, Serialize};

/// How a trace file begins, but for the version.
pub(super) const NAME: &[u8] = b"purefork trace ";

/// How a trace file of this version begins.
pub(super) const MAGIC: &[u8] = b"purefork trace 1\n";

/// What a record is.
pub(super) mod tag {
    pub(in crate::trace) const MODULE: u8 = 0;
    pub(in crate::trace) const FUNCTION: u8 = 1;
    pub(in crate::trace) const FORK: u8 = 2;
    pub(in crate::trace) const READY: u8 = 3;
    pub(in crate::trace) const START: u8 = 4;
    pub(in crate::trace) const WAIT: u8 = 5;
    pub(in crate::trace) const SUSPEND: u8 = 6;
    pub(in crate::trace) const RESUME: u8 = 7;
    pub(in crate::trace) const CANCELLED: u8 = 8;
    pub(in crate::trace) const VALUE: u8 = 9;
    pub(in crate::trace) const ERROR: u8 = 10;
    pub(in crate::trace) const END: u8 = 11;
    pub(in crate::trace) const WORLD: u8 = 12;
}

/// A function, as it stands in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Called {
    pub(super) module: String,
    pub(super) name: String,
    pub(super) param_names: Vec<String>,
    #[serde(with = "crate::value::wire")]
    pub(super) params: Vec<Type>,
    #[serde(with = "crate::value::wire")]
    pub(super) results: Vec<Type>,
    pub(super) limits: Limits,
    pub(super) wasi: Wasi,
    #[serde(default, skip_serializing_if = "UnknownImports::is_refuse")]
    pub(super) unknown_imports: UnknownImports,
    /// The digest of the world that its module was given, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) world: Option<String>,
}
