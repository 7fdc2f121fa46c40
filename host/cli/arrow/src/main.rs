//! The binary `purefork-arrow`: the command line of `purefork`, with more formats for `map`. `purefork map` runs it where it meets
//! one of them.

use std::process::ExitCode;

fn main() -> ExitCode {
    purefork_arrow::quiet_panics();
    purefork_cli::main_with(&purefork_arrow::FORMATS)
}
