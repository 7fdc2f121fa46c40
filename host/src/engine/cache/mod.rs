//! The compile cache: machine code on disk, so that a guest is compiled once per machine and not once per process.
//!
//! An entry is a directory, named by its [`Key`], with one file per blob and a manifest:
//!
//! ```text
//! DIR/v1/3f…9c/manifest       what the entry holds, and a sum over that
//!              recipe
//!              0.cwasm …      mapped into memory and run
//! DIR/v1/tmp-…/               an entry that is being written
//! DIR/v1/old-…/               one that is being deleted
//! ```
//!
//! What holds, whoever writes, reads, evicts or is killed at the same time:
//!
//! - An entry is complete or absent. It is written under another name, synced, and renamed into place; the first of
//!   several writers wins. It goes as it came: renamed away, then deleted.
//! - A file that was once visible is never written again. Who has it open or mapped keeps it, whatever becomes of its
//!   name.
//! - Nothing is locked, so that nothing stays locked.
//! - What was damaged all the same is found when it is looked up, and counts as absent.
//!
//! Machine code is run as it is found. So only directories are used in which nobody but the user, and root, can write;
//! `trust` says how that is known. The sums are there for accidents: they keep nobody out.
//!
//! A cache is a convenience. Whatever goes wrong is logged, and the caller compiles.

mod entry;
mod evict;
mod file;
mod key;
mod manifest;
mod sum;
#[cfg(all(test, unix))]
mod tests;
mod trust;
mod write;

pub(crate) use entry::Entry;
pub(crate) use key::Key;

use entry::Miss;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trust::User;

/// How often a lookup starts again because the entry was replaced under its hands.
const ATTEMPTS: usize = 4;

/// A cache in a directory.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: Arc<Path>,
    user: User,
    limit: u64,
}

impl Cache {
    /// Where the user's caches are: `$XDG_CACHE_HOME/purefork`, else `~/.cache/purefork`, or what the system has in
    /// place of these. None where the user has no home.
    pub(crate) fn default_dir() -> Option<PathBuf> {
        let base = if cfg!(windows) { "LOCALAPPDATA" } else { "XDG_CACHE_HOME" };
        default_dir(std::env::var_os(base), std::env::home_dir())
    }

    /// Opens the cache in a directory, which is made if it is not there, for entries of `limit` bytes together.
    ///
    /// # Errors
    ///
    /// One sentence on why the directory cannot be used: it cannot be made, or others than the user could write to it.
    pub(crate) fn open(dir: &Path, limit: u64) -> Result<Cache, String> {
        let user = User::current()?;
        let dir = trust::enter(dir, user)?;
        let dir = trust::enter(&dir.join(key::LAYOUT), user)?;
        Ok(Cache { dir: dir.into(), user, limit })
    }

    /// Looks an entry up, and counts that as a use of it.
    ///
    /// What is found is whole, as far as lengths and the sums of each blob's ends can tell. What is not is removed.
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
                // Such as too many open files: no fault of the entry's.
                Err(Miss::Failed(error)) => {
                    tracing::debug!(%key, "an entry of the compile cache cannot be read: {error}");
                    return None;
                }
            }
        }
        None
    }

    /// Stores an entry, unless it is there, and gives what is there then: perhaps another's, who was faster.
    ///
    /// None where it cannot be stored: the disk is full or must not be written to, or the entry is larger than the
    /// limit. Names of blobs are of `a-z`, `0-9`, `.`, `_` and `-`.
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
    // A relative path is to be ignored, says the XDG specification; here it would also differ with the working
    // directory.
    let absolute = |path: &PathBuf| path.is_absolute();
    let base = base.map(PathBuf::from).filter(absolute).or_else(|| {
        let below = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        home.filter(absolute).map(|home| home.join(below))
    })?;
    Some(base.join("purefork"))
}
