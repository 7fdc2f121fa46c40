//! Eviction: removes the least recently used entries when space is needed.

use super::entry::{self, Miss};
use super::write::{SCRATCH, nonce};
use super::{Cache, Key};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The prefix of the name of a directory that is being deleted.
const REMOVED: &str = "old-";

/// The age at which an unfinished directory counts as left behind by a killed process.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// An entry that may be evicted.
struct Candidate {
    used: SystemTime,
    key: Key,
    size: u64,
}

impl Cache {
    /// Evicts entries until `size` more bytes are within the limit.
    pub(super) fn make_room(&self, size: u64) {
        let entries = self.survey();
        let used = entries.iter().fold(size, |all, entry| all.saturating_add(entry.size));
        self.evict(entries, used.saturating_sub(self.limit));
    }

    /// Evicts entries of `size` bytes together, whatever the limit, as the disk is full. Returns whether any was evicted.
    pub(super) fn free(&self, size: u64) -> bool {
        self.evict(self.survey(), size) > 0
    }

    /// Removes an entry, complete or not. Files that are open stay usable.
    ///
    /// It is renamed first. So no lookup finds half of it, and a writer that was suspended for an hour cannot publish a directory
    /// that is being emptied.
    ///
    /// Returns whether this caller has removed it.
    pub(super) fn remove(&self, name: &str) -> bool {
        let gone = self.dir.join(format!("{REMOVED}{}", nonce()));
        match fs::rename(self.dir.join(name), &gone) {
            Ok(()) => {
                delete(&gone);
                return true;
            }
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => tracing::debug!(name, "the compile cache cannot be cleared of this: {error}"),
        }
        false
    }

    pub(super) fn remove_damaged(&self, key: &Key, why: &str) {
        if self.remove(key.as_str()) {
            tracing::warn!(%key, "an entry of the compile cache was damaged, and is removed: {why}");
        }
    }

    fn evict(&self, mut entries: Vec<Candidate>, size: u64) -> u64 {
        entries.sort_by(|a, b| (a.used, a.key.as_str()).cmp(&(b.used, b.key.as_str())));
        let mut evicted = 0;
        for entry in entries {
            if evicted >= size {
                break;
            }
            tracing::debug!(key = %entry.key, "evicted from the compile cache");
            self.remove(entry.key.as_str());
            evicted += entry.size;
        }
        evicted
    }

    /// Lists the entries. Removes damaged ones and what killed processes left behind, and ignores unknown files.
    fn survey(&self) -> Vec<Candidate> {
        let mut entries = Vec::new();
        let names = match fs::read_dir(&self.dir) {
            Ok(names) => names,
            Err(error) => {
                tracing::debug!("the compile cache cannot be listed: {error}");
                return entries;
            }
        };
        for name in names.flatten().filter_map(|found| found.file_name().into_string().ok()) {
            let path = self.dir.join(&name);
            if let Some(key) = Key::from_name(&name) {
                match entry::list(&path, &key) {
                    Ok((text, manifest)) => {
                        let used = text.used().unwrap_or(SystemTime::UNIX_EPOCH);
                        entries.push(Candidate { used, key, size: manifest.size() });
                    }
                    Err(Miss::Damaged(why)) => self.remove_damaged(&key, &why),
                    Err(Miss::Absent | Miss::Replaced | Miss::Failed(_)) => {}
                }
            } else if (name.starts_with(SCRATCH) || name.starts_with(REMOVED)) && is_abandoned(&path) {
                self.remove(&name);
            }
        }
        entries
    }
}

fn is_abandoned(path: &Path) -> bool {
    let changed = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    // A time far in the future comes from a wrong clock: waiting for it could take years.
    changed.is_ok_and(|changed| changed.elapsed().unwrap_or_else(|ahead| ahead.duration()) > ABANDONED)
}

fn delete(path: &Path) {
    // If another process deletes it at the same time, that is no failure.
    if let Err(error) = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path))
        && error.kind() != ErrorKind::NotFound
    {
        tracing::debug!("what was removed from the compile cache cannot be deleted: {error}");
    }
}
