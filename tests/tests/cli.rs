//! The binary `purefork`, as somebody at a terminal meets it: what was typed, and all that it printed.

#[path = "cli/arguments.rs"]
mod arguments;
#[path = "cli/errors.rs"]
mod errors;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/inspect.rs"]
mod inspect;
#[path = "cli/link.rs"]
mod link;
#[path = "cli/options.rs"]
mod options;
#[path = "cli/output.rs"]
mod output;
#[path = "cli/preinit.rs"]
mod preinit;
#[path = "cli/support.rs"]
mod support;
#[path = "cli/values.rs"]
mod values;
#[path = "cli/wasi.rs"]
mod wasi;
#[path = "cli/words.rs"]
mod words;
#[path = "cli/written.rs"]
mod written;
