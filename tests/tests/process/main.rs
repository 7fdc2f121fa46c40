//! What a process as a whole holds, has left, costs the kernel, or is after fork(2). Each scenario has a process to itself: this
//! same binary, started for one test, with the limits that the test is about.

#[cfg(target_os = "linux")]
mod budget;
#[cfg(unix)]
mod forked;
#[cfg(unix)]
mod memo;
mod remains;
#[cfg(target_os = "linux")]
mod scarce;
mod steady;
