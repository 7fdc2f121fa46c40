//! How entries go: the least recently used first, where room is needed.

use super::entry::{self, Miss};
use super::write::{SCRATCH, nonce};
use super::{Cache, Key};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What the name of a directory starts with that is being deleted.
const REMOVED: &str = "old-";

/// After how long what nobody finished is taken to be a killed process's.
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

    /// Evicts entries of `size` bytes together, whatever the limit: the disk is full. Says whether anything went.
    pub(super) fn free(&self, size: u64) -> bool {
        self.evict(self.survey(), size) > 0
    }

    /// Removes an entry, whole or not. Who has opened its files keeps them.
    ///
    /// It is renamed first. So nobody finds half of it; and a writer who was stopped for an hour, and then goes on,
    /// cannot publish a directory that is being emptied.
    ///
    /// Says whether this caller has removed it.
    pub(super) fn remove(&self, name: &str) -> bool {
        let gone = self.dir.join(format!("{REMOVED}{}", nonce()));
        match fs::rename(self.dir.join(name), &gone) {
            Ok(()) => {
                delete(&gone);
                return true;
            }
            // Another was faster.
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

    /// Lists the entries. Removes what is damaged, and what killed processes left behind; leaves alone what it does
    /// not know.
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
    // A time far in the future is one of a clock that was wrong: waiting for it could take years.
    changed.is_ok_and(|changed| changed.elapsed().unwrap_or_else(|ahead| ahead.duration()) > ABANDONED)
}

fn delete(path: &Path) {
    // What another deletes at the same time is no failure.
    if let Err(error) = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path))
        && error.kind() != ErrorKind::NotFound
    {
        tracing::debug!("what was removed from the compile cache cannot be deleted: {error}");
    }
}
