//! The binary `purefork`.

use std::process::ExitCode;

fn main() -> ExitCode {
    purefork_cli::main_with(&[])
}
