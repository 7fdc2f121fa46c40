//! The progress bar.

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use purefork_data::map::Progress;

/// A progress bar on stderr, or none.
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(super) fn none() -> Bar {
        Bar(None)
    }

    /// `bytes`: how many there are to be read, if that is known.
    pub(super) fn new(bytes: Option<u64>) -> Bar {
        let template = match bytes {
            Some(_) => "{wide_bar} {percent}% of {total_bytes}, {msg}, {eta} left",
            None => "{spinner} {bytes} read, {msg}, {elapsed}",
        };
        let bar = bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Bar(Some(bar))
    }

    /// So many bytes were read.
    pub(super) fn tell(&self, read: u64, Progress { rows, failed, .. }: Progress) {
        let Some(bar) = &self.0 else { return };
        bar.set_position(read);
        let failed = if failed == 0 { String::new() } else { format!(", {} failed", HumanCount(failed)) };
        bar.set_message(format!("{} rows{failed}", HumanCount(rows)));
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
