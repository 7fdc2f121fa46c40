//! How many rows are a piece.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A piece is to take about so long: long enough that handing it over costs nothing, short enough that workers end together.
const WANTED: Duration = Duration::from_millis(4);

/// And what its rows give is to be about so many bytes at most.
const GIVEN: usize = 1 << 20;

/// What a row takes, as far as it is known: it decides how many of them are a piece, and nothing else.
#[derive(Default)]
pub(super) struct Pace {
    /// Nanoseconds for a row; 0 if none has been measured.
    row: AtomicU64,
    /// How many pieces were made before that.
    early: AtomicU64,
}

impl Pace {
    /// How many rows the next piece has.
    pub(super) fn rows(&self) -> usize {
        match self.row.load(Ordering::Relaxed) {
            // Nobody knows yet: a second each, or a microsecond.
            0 => 1 << self.early.fetch_add(1, Ordering::Relaxed).min(12),
            row => usize::try_from(WANTED.as_nanos() as u64 / row).unwrap_or(usize::MAX).max(1),
        }
    }

    /// So many rows took so long, and gave so many bytes.
    pub(super) fn measured(&self, rows: usize, took: Duration, bytes: usize) {
        if rows == 0 {
            return;
        }
        // Of rows that give much, few are a piece, as if they took long.
        let by_bytes = WANTED.as_nanos() * bytes as u128 / GIVEN as u128;
        let row = (took.as_nanos().max(by_bytes) / rows as u128).clamp(1, u128::from(u64::MAX / 8)) as u64;
        let before = self.row.load(Ordering::Relaxed);
        let now = if before == 0 { row } else { (before * 3 + row) / 4 };
        self.row.store(now.max(1), Ordering::Relaxed);
    }
}
