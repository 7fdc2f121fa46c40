//! Memory mappings, of which the kernel gives a process a limited number.
//!
//! A process that runs out of them is aborted sooner or later: it cannot even start a thread. So pools take at most half.

use std::sync::OnceLock;

/// Mappings per sandbox: its stack and the guard page below it, the accessible part of its memory, the image and the rest.
pub(super) const PER_SANDBOX: usize = 6;

/// Linux's default, also taken where the limit cannot be read.
const DEFAULT: usize = 65_530;

/// How many mappings the sandboxes of an executor may take.
pub(super) fn budget() -> usize {
    static BUDGET: OnceLock<usize> = OnceLock::new();
    *BUDGET.get_or_init(|| {
        let max = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok();
        // A kernel that gives more does not give more address space or start-up time.
        max.and_then(|text| text.trim().parse().ok()).unwrap_or(DEFAULT).min(2 * DEFAULT) / 2
    })
}
