//! Tests that may crash or hang.

use std::env;
use std::process::{Command, abort};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Longer than any test takes, on a loaded machine too.
const LONGEST: Duration = Duration::from_secs(120);

/// The same for a scenario in a process of its own.
const LONGEST_SCENARIO: Duration = Duration::from_secs(60);

/// Aborts the process, saying so, unless it is dropped in time: a hang becomes a failure.
pub struct Watchdog(#[allow(dead_code, reason = "dropping it tells the thread")] Sender<()>);

impl Watchdog {
    /// A watchdog for the current test.
    #[allow(clippy::new_without_default, reason = "it starts a thread")]
    pub fn new() -> Watchdog {
        Watchdog::after(LONGEST)
    }

    fn after(time: Duration) -> Watchdog {
        let (alive, dropped) = channel::<()>();
        let test = thread::current().name().unwrap_or("a test").to_owned();
        thread::spawn(move || {
            if dropped.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                eprintln!("watchdog: `{test}` has not ended after {time:?}");
                abort();
            }
        });
        Watchdog(alive)
    }
}

/// Runs a scenario in a process of its own: a crash or a hang of it fails one test alone, and what it leaves behind can be
/// measured. `scenario` is a closure that stands in the test itself, as its type names the test to start.
///
/// # Panics
///
/// If the scenario fails, crashes or hangs.
#[track_caller]
pub fn in_own_process(scenario: impl FnOnce()) {
    in_process_of(&test_of(&scenario), scenario);
}

/// As [`in_own_process`], in a process with limits of its own: what a shell's `ulimit` is given.
#[track_caller]
pub fn in_limited_process(limits: &str, scenario: impl FnOnce()) {
    run(&test_of(&scenario), Some(limits), scenario);
}

/// As [`in_own_process`], for what many tests share; `name` is the test's own full name in its binary, as of [`test_of`].
#[track_caller]
pub fn in_process_of(name: &str, scenario: impl FnOnce()) {
    run(name, None, scenario);
}

/// The full name of the test in which a closure stands. That a type's name is of this form is not guaranteed: if it were not, no
/// test of this name would be found, which [`in_own_process`] says.
pub fn test_of<F>(_closure: &F) -> String {
    let path = std::any::type_name::<F>().replace("::{{closure}}", "");
    path.split_once("::").map_or(path.as_str(), |(_binary, test)| test).to_owned()
}

#[track_caller]
fn run(name: &str, limits: Option<&str>, scenario: impl FnOnce()) {
    const KEY: &str = "PUREFORK_TESTS_SCENARIO";
    const DONE: &str = "the scenario has come to its end";
    if env::var_os(KEY).is_some_and(|running| running == name) {
        let watchdog = Watchdog::after(LONGEST_SCENARIO);
        scenario();
        drop(watchdog);
        println!("{DONE}");
        return;
    }
    let output = env::current_exe().and_then(|exe| {
        let mut command = match limits {
            None => Command::new(exe),
            Some(limits) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit {limits} && exec \"$0\" \"$@\"")]).arg(exe);
                shell
            }
        };
        command.args(["--exact", name, "--nocapture"]).env(KEY, name);
        // Else glibc keeps every large block that was freed, up to some that are larger than any before, and what is left
        // of a scenario could be anything.
        command.env("MALLOC_MMAP_THRESHOLD_", "131072").output()
    });
    match output {
        Err(error) => panic!("cannot run `{name}` in a process of its own: {error}"),
        Ok(output) => {
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            // Success alone would also be that there is no test of this name.
            assert!(
                output.status.success() && out.contains(DONE),
                "`{name}` failed in a process of its own ({}): {}\n{out}\n{err}",
                limits.unwrap_or("no limits"),
                output.status
            );
        }
    }
}
