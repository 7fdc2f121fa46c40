//! How many rows go to a thread at a time.

use std::time::Duration;

/// How long a thread should have to do with its rows. To hand them over and to take the results takes some microseconds, and where a
/// thread has to be woken some tens: one part in fifty at most. Of longer ones, the last would keep the others waiting.
const TIME: Duration = Duration::from_millis(1);

/// The most rows, however short their calls.
const MOST: usize = 4096;

/// Each size is at most so many times the one before: calls that were fast may be followed by others that are slow.
const GROWTH: usize = 4;

/// What the rows, and what their results, may take in bytes before no more are added.
pub(super) const MOST_BYTES: usize = 4 << 20;

/// How many rows go to a thread at a time, by how long those before took. Results do not depend on it.
pub(super) struct Size(usize);

impl Size {
    pub(super) fn new() -> Size {
        Size(1)
    }

    pub(super) fn rows(&self) -> usize {
        self.0
    }

    /// So many rows took so long.
    pub(super) fn learn(&mut self, rows: usize, took: Duration) {
        let fit = (rows as u128).saturating_mul(TIME.as_nanos()) / took.as_nanos().max(1);
        let fit = usize::try_from(fit).unwrap_or(MOST);
        self.0 = fit.clamp(1, MOST.min(self.0.saturating_mul(GROWTH)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_step_by_step_to_what_takes_a_millisecond_and_shrinks_at_once() {
        let mut size = Size::new();
        let mut sizes = Vec::new();
        for _ in 0..7 {
            sizes.push(size.rows());
            size.learn(size.rows(), Duration::from_micros(2 * size.rows() as u64));
        }
        assert_eq!(sizes, [1, 4, 16, 64, 256, 500, 500]);
        size.learn(500, Duration::from_micros(5));
        assert_eq!(size.rows(), 2000);
        size.learn(2000, Duration::from_secs(5));
        assert_eq!(size.rows(), 1);
        size.learn(1, Duration::ZERO);
        assert_eq!(size.rows(), 4);
    }
}
