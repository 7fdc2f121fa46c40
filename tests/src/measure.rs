//! What a process holds, and what it has cost the kernel.

use std::fs;

/// What a process holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remains {
    /// Threads.
    pub threads: usize,
    /// Open file descriptors.
    pub files: usize,
    /// Memory mappings.
    pub mappings: usize,
    /// Resident memory, in KiB.
    pub resident: usize,
}

/// What this process holds now; none where the system does not tell in `/proc`.
pub fn remains() -> Option<Remains> {
    let count = |path: &str| Some(fs::read_dir(path).ok()?.count());
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(Remains {
        threads: count("/proc/self/task")?,
        files: count("/proc/self/fd")?,
        mappings: fs::read_to_string("/proc/self/maps").ok()?.lines().count(),
        resident: resident.trim().strip_suffix(" kB")?.parse().ok()?,
    })
}

/// The page faults that this process has met so far; none where the system does not tell in `/proc`.
pub fn faults() -> Option<usize> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which is in parentheses: state, five numbers, flags, minor faults, those of children, major faults.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(7);
    let minor: usize = fields.next()?.parse().ok()?;
    let major: usize = fields.nth(1)?.parse().ok()?;
    Some(minor + major)
}
