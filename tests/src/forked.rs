//! Child processes made by fork(2).

use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many seconds a child may take.
const LONGEST: u32 = 40;

/// Runs `body` in a child of this process that fork(2) makes: of the threads there, it has this one alone.
///
/// # Panics
///
/// If `body` panics, crashes or hangs.
#[track_caller]
pub fn in_forked_child(body: impl FnOnce()) {
    let mut status = 0;
    // SAFETY: the child has its own copy of all memory; it runs `body` on this thread's stack, never returns from here, and calls
    // nothing else but functions that may be called with any locks held. What `body` may call is what is tested. `status` is
    // there to be written to.
    let waited = unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::alarm(LONGEST);
            let ok = catch_unwind(AssertUnwindSafe(body)).is_ok();
            libc::_exit(if ok { 0 } else { 1 });
        }
        child > 0 && libc::waitpid(child, &raw mut status, 0) == child
    };
    assert!(waited, "the process could not be forked: {}", std::io::Error::last_os_error());
    let hung = if status == libc::SIGALRM { ": it hung" } else { "" };
    assert!(status == 0, "the child process failed{hung} (status {status})");
}
