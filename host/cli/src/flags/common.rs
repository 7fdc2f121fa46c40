//! What is typed of how calls run, and what they may use.

use crate::units::{count, duration, size};
use purefork::{Builder, Executor, Isolation, UnknownImports, Wasi};
use std::path::PathBuf;
use std::time::Duration;

/// How calls run, and what they may use.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Worker threads; by default, one per core
    #[arg(long, value_name = "N", value_parser = count::<usize>)]
    pub(crate) threads: Option<usize>,
    /// Run everything on one thread, in order
    #[arg(long, conflicts_with = "threads")]
    pub(crate) serial: bool,
    /// Fuel per call, about one unit an instruction; by default 100000000000
    #[arg(long, value_name = "N", value_parser = count::<u64>)]
    pub(crate) fuel: Option<u64>,
    /// Time for the call and all it forks, such as 500ms, 2s or 1m; by default without end
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Memory per call, such as 64MiB or 64MB; by default 64MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<usize>,
    /// Heap that calls start with, for lists of megabytes; by default none but the module's own
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) heap: Option<usize>,
    /// Stack per call; by default 512KiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) stack: Option<usize>,
    /// Elements per table; by default 100000
    #[arg(long, value_name = "N", value_parser = count::<usize>)]
    pub(crate) table_elements: Option<usize>,
    /// How deeply forks may be nested; by default 5120
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
    pub(crate) depth: Option<u32>,
    /// Forks that one call may make; by default 100000
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
    pub(crate) forks: Option<u32>,
    /// Forks in the whole tree of calls; by default 1000000
    #[arg(long, value_name = "N", value_parser = count::<u64>)]
    pub(crate) tree_forks: Option<u64>,
    /// Arguments and results that the whole tree of calls may hold at a time; by default 1GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) tree_values: Option<usize>,
    /// What compiling may cost, about in seconds; by default 8
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
    pub(crate) compile: Option<u32>,
    /// Time for compiling the module, such as 30s; by default without end
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) compile_timeout: Option<Duration>,
    /// Where to keep compiled modules; by default purefork in the user's cache directory
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Do not keep compiled modules, nor use those that are kept
    #[arg(long, conflicts_with = "cache_dir")]
    pub(crate) no_cache: bool,
    /// Keep results in a directory, and do not make a call again whose result is there
    #[arg(long, value_name = "DIR")]
    pub(crate) memo: Option<PathBuf>,
    /// A module whose functions MODULE may fork. Each may fork those of all others; MODULE is called `main`
    #[arg(long, value_name = "NAME=MODULE", value_parser = link)]
    pub(crate) link: Vec<Link>,
    /// A core module whose exports satisfy what MODULE imports from NAME, in the same sandbox
    #[arg(long, value_name = "NAME=MODULE", value_parser = provided)]
    pub(crate) provide: Vec<Link>,
    /// A WIT world that says what MODULE's functions, which take pointers, take and give
    #[arg(long, value_name = "FILE")]
    pub(crate) wit: Option<PathBuf>,
    /// How calls get their sandboxes: `recycled`, or `fresh` for each call; by default recycled
    #[arg(long, value_name = "HOW", value_parser = isolation)]
    pub(crate) isolation: Option<Isolation>,
    /// Let modules import WASI, in a world that stands still: `frozen`
    #[arg(long, value_name = "HOW", value_parser = wasi)]
    pub(crate) wasi: Option<Wasi>,
    /// What becomes of imported functions that nothing provides: `refuse`, or `trap` when they are called; by default refuse
    #[arg(long, value_name = "HOW", value_parser = unknown_imports)]
    pub(crate) unknown_imports: Option<UnknownImports>,
    /// With `--wasi`: a file that the modules may read, as text, `@PATH` or `@-`. NAME is like a/b.txt
    #[arg(long, value_name = "NAME=TEXT", value_parser = file)]
    pub(crate) file: Vec<(String, String)>,
    /// With `--wasi`: a variable of the modules' environment
    #[arg(long, value_name = "NAME=TEXT", value_parser = variable)]
    pub(crate) env: Vec<(String, String)>,
    /// Bytes that a call may write to stdout, stderr and files by way of WASI; by default 16MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) output_limit: Option<usize>,
}

/// What modules may import.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowed {
    pub(crate) wasi: Option<Wasi>,
    pub(crate) unknown_imports: Option<UnknownImports>,
}

impl Common {
    pub(crate) fn allowed(&self) -> Allowed {
        Allowed { wasi: self.wasi, unknown_imports: self.unknown_imports }
    }
}

impl Allowed {
    /// A builder of executors whose modules may import that.
    pub(crate) fn builder(self) -> Builder {
        Executor::builder()
            .wasi(self.wasi.unwrap_or_default())
            .unknown_imports(self.unknown_imports.unwrap_or_default())
    }
}

/// The name under which linked modules know the one whose function is called.
pub(crate) const MAIN: &str = "main";

/// Another module, and the name that it is known by.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) module: PathBuf,
}

fn link(text: &str) -> Result<Link, String> {
    match text.split_once('=') {
        Some((MAIN, _)) => Err(format!("expected another name than `{MAIN}`, which is MODULE's")),
        Some((name, module)) if !name.is_empty() && !module.is_empty() => {
            Ok(Link { name: name.to_owned(), module: module.into() })
        }
        _ => Err("expected NAME=MODULE, such as math=math.wasm".to_owned()),
    }
}

fn file(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, content)) if !name.is_empty() => Ok((name.to_owned(), content.to_owned())),
        _ => Err("expected NAME=TEXT or NAME=@PATH, such as a.txt=@a.txt".to_owned()),
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=TEXT, such as LANG=C".to_owned()),
    }
}

pub(super) fn provided(text: &str) -> Result<Link, String> {
    match text.split_once('=') {
        Some((name, module)) if !name.is_empty() && !module.is_empty() => {
            Ok(Link { name: name.to_owned(), module: module.into() })
        }
        _ => Err("expected NAME=MODULE, such as bench=bench.wasm".to_owned()),
    }
}

fn isolation(text: &str) -> Result<Isolation, String> {
    match text {
        "recycled" => Ok(Isolation::Recycled),
        "fresh" => Ok(Isolation::Fresh),
        _ => Err("expected `recycled` or `fresh`".to_owned()),
    }
}

pub(super) fn wasi(text: &str) -> Result<Wasi, String> {
    match text {
        "frozen" => Ok(Wasi::Frozen),
        _ => Err("expected `frozen`".to_owned()),
    }
}

pub(super) fn unknown_imports(text: &str) -> Result<UnknownImports, String> {
    match text {
        "refuse" => Ok(UnknownImports::Refuse),
        "trap" => Ok(UnknownImports::Trap),
        _ => Err("expected `refuse` or `trap`".to_owned()),
    }
}
