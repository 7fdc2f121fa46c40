//! While a module is audited or compiled: that is said on a terminal once it takes long, and the program ends where it takes too long.
//!
//! A compiler cannot be interrupted. What it has made is kept when it is whole: so nothing is lost if the process ends.

use crate::CALL_FAILED;
use crate::flags::wants_json;
use crate::report::{Usage, report, shown_path};
use purefork::ErrorKind;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What takes longer is said.
const LONG: Duration = Duration::from_secs(2);

/// What is done to a module.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    Audit,
    Compile,
}

impl Work {
    /// As in "auditing …", and in "was not audited".
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Work::Audit => ("auditing", "audited"),
            Work::Compile => ("compiling", "compiled"),
        }
    }
}

/// That something is done to a module, until this is dropped.
pub(crate) struct Progress {
    /// Dropped first: then the thread ends.
    done: Option<Sender<()>>,
    watch: Option<JoinHandle<()>>,
}

impl Progress {
    /// It is about to be done, and may take `timeout`.
    pub(crate) fn of(work: Work, module: &Path, timeout: Option<Duration>) -> Progress {
        let shows = std::io::stderr().is_terminal();
        if !shows && timeout.is_none() {
            return Progress { done: None, watch: None };
        }
        let (done, ended) = channel::<()>();
        let (name, (doing, done_so)) = (shown_path(module), work.words());
        let begun = Instant::now();
        let watch = std::thread::spawn(move || {
            let left = |of: Duration| of.saturating_sub(begun.elapsed());
            let over = |time| matches!(ended.recv_timeout(time), Err(RecvTimeoutError::Timeout));
            let mut said = false;
            if shows && timeout.is_none_or(|timeout| timeout > LONG) {
                if !over(left(LONG)) {
                    return;
                }
                said = say(&format!("{doing} `{name}` …"));
            }
            match timeout {
                Some(timeout) if over(left(timeout)) => {
                    clear(said);
                    let error = Usage::new(format!("`{name}` was not {done_so} within {timeout:?}"))
                        .with_kind(ErrorKind::Timeout)
                        .with_help(match work {
                            Work::Audit => "raise `--compile-timeout`",
                            Work::Compile => "raise `--compile-timeout`, or have it compiled once, to be kept for later: see `--cache-dir`",
                        });
                    let typed: Vec<_> = std::env::args_os().skip(1).collect();
                    report(&error.into(), wants_json(&typed));
                    std::process::exit(CALL_FAILED.into());
                }
                Some(_) => {}
                None => _ = ended.recv(),
            }
            clear(said);
        });
        Progress { done: Some(done), watch: Some(watch) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done = None;
        if let Some(watch) = self.watch.take() {
            // It panics nowhere.
            let _ = watch.join();
        }
    }
}

/// Writes a line that is to be cleared; if nobody can read it, that does not matter.
fn say(text: &str) -> bool {
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "{text}").and_then(|()| stderr.flush()).is_ok()
}

fn clear(said: bool) {
    if said {
        let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
    }
}
