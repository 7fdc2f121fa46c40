//! The compile cache: machine code on disk, so that a guest is compiled once per machine and not once per process.
//!
//! An entry is a directory, named by its [`Key`], with one file per blob and a manifest:
//!
//! ```text
//! DIR/v1/3f…9c/manifest       what the entry holds, and a checksum over that
//!              recipe
//!              0.cwasm …      mapped into memory and run
//! DIR/v1/tmp-…/               an entry that is being written
//! DIR/v1/old-…/               one that is being deleted
//! ```
//!
//! These invariants hold while other processes write, read, evict or are killed:
//!
//! - An entry is complete or absent. It is written under another name, synced, and renamed into place; the first of
//!   several writers wins. To be removed, it is renamed away, then deleted.
//! - A file that was once visible is never written again. A process that has it open or mapped keeps it.
//! - There are no locks, so none can be left behind by a killed process.
//! - Damage is detected at lookup, and the entry counts as absent.
//!
//! Machine code is run as it is found. So only directories are used that nobody but the user and root can write to; `trust`
//! checks that. The checksums detect accidents, not attacks.
//!
//! The cache is optional. Whatever goes wrong is logged, and the caller compiles.

mod checksum;
mod entry;
mod evict;
mod file;
mod key;
mod manifest;
#[cfg(all(test, unix))]
mod tests;
mod trust;
mod write;

pub(crate) use entry::Entry;
pub(crate) use file::open as open_file;
pub(crate) use key::Key;
pub(crate) use trust::{User, enter, only_ours};
pub(crate) use write::{is_full, make_file, nonce};

use entry::Miss;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often a lookup is retried because the entry was replaced meanwhile.
const ATTEMPTS: usize = 4;

/// A cache in a directory.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: Arc<Path>,
    user: User,
    limit: u64,
}

impl Cache {
    /// The default directory: `$XDG_CACHE_HOME/purefork`, else `~/.cache/purefork`, or the system's equivalent. None if the user
    /// has no home.
    pub(crate) fn default_dir() -> Option<PathBuf> {
        let base = if cfg!(windows) { "LOCALAPPDATA" } else { "XDG_CACHE_HOME" };
        default_dir(std::env::var_os(base), std::env::home_dir())
    }

    /// Opens the cache in a directory, which is created if needed. `limit`: the most bytes of all entries together.
    ///
    /// # Errors
    ///
    /// One sentence on why the directory cannot be used: it cannot be created, or others than the user could write to it.
    pub(crate) fn open(dir: &Path, limit: u64) -> Result<Cache, String> {
        let user = User::current()?;
        let dir = trust::enter(dir, user)?;
        let dir = trust::enter(&dir.join(key::LAYOUT), user)?;
        Ok(Cache { dir: dir.into(), user, limit })
    }

    /// Looks up an entry, which counts as a use of it.
    ///
    /// The lengths of its blobs and the checksums of their ends are checked. A damaged entry is removed.
    pub(crate) fn get(&self, key: &Key) -> Option<Entry> {
        self.look_up(key, || ())
    }

    /// `meanwhile` is for tests: see [`Entry::load`].
    fn look_up(&self, key: &Key, mut meanwhile: impl FnMut()) -> Option<Entry> {
        for _ in 0..ATTEMPTS {
            match Entry::load(self, key, &mut meanwhile) {
                Ok(entry) => return Some(entry),
                Err(Miss::Absent) => return None,
                Err(Miss::Replaced) => {}
                Err(Miss::Damaged(why)) => {
                    self.remove_damaged(key, &why);
                    return None;
                }
                // Too many open files, for example: not the entry's fault.
                Err(Miss::Failed(error)) => {
                    tracing::debug!(%key, "an entry of the compile cache cannot be read: {error}");
                    return None;
                }
            }
        }
        None
    }

    /// Stores an entry unless it exists, and returns the stored one, which another writer may have made.
    ///
    /// None if it cannot be stored: the disk is full or read-only, or the entry is larger than the limit. Names of blobs consist of
    /// `a-z`, `0-9`, `.`, `_` and `-`.
    pub(crate) fn put(&self, key: &Key, blobs: &[(&str, &[u8])]) -> Option<Entry> {
        if let Some(entry) = self.get(key) {
            return Some(entry);
        }
        if let Err(error) = self.write(key, blobs) {
            tracing::warn!(%key, "an entry was not stored in the compile cache: {error}");
            return None;
        }
        self.get(key)
    }
}

fn default_dir(base: Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    // The XDG specification says to ignore a relative path, which would depend on the working directory.
    let absolute = |path: &PathBuf| path.is_absolute();
    let base = base.map(PathBuf::from).filter(absolute).or_else(|| {
        let below = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        home.filter(absolute).map(|home| home.join(below))
    })?;
    Some(base.join("purefork"))
}
