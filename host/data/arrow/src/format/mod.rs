//! Parquet and Arrow IPC as formats of `purefork map`.

mod encode;
mod file;
mod guard;
mod input;
mod ipc;
mod natural;
mod output;
mod parquet;
mod rows;

use purefork_data::Format;

pub use guard::quiet_panics;
pub use ipc::{Arrow, ArrowStream};
pub use parquet::Parquet;

/// The formats of this crate, for `purefork_cli::main_with`.
pub const FORMATS: [&dyn Format; 3] = [&Parquet, &Arrow, &ArrowStream];
