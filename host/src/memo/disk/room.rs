//! Room for results: how much all take, and which go when it is too much.
//!
//! To look at all entries takes long, and a process may write only one. So the file `blocks` is as long as there are blocks, and whoever
//! writes an entry appends a byte for each of its own. It says too much where one entry was written twice or was removed, and that is
//! put right whenever all are looked at: when the file says that there are too many.
//!
//! One at a time looks, and makes room. Who finds that there is none while another makes it does not write: a result can be done without.
//! So the file says too little only by entries that were counted when the other began and put in place while it looked: one for each
//! writer, and what fitted beside the entry that did not.

use super::store::{SCRATCH, Store};
use crate::engine::{make_file, nonce};
use std::fs::{self, DirEntry, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

/// What file systems give a file at least.
const BLOCK: u64 = 4096;

const COUNT: &str = "blocks";

/// Locked by whoever makes room. The lock is the system's: it goes with the process, and nobody waits for it.
const MAKING: &str = "making-room";

/// The age at which an unfinished file counts as left behind by a killed process.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// A number of blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Blocks(u64);

impl Blocks {
    /// What a file of so many bytes takes.
    pub(super) fn of(bytes: u64) -> Blocks {
        Blocks(bytes.div_ceil(BLOCK).max(1))
    }

    /// What fits into so many bytes.
    pub(super) fn within(bytes: u64) -> Blocks {
        Blocks(bytes / BLOCK)
    }
}

/// An entry that may go.
struct Candidate {
    used: SystemTime,
    path: PathBuf,
    blocks: u64,
}

/// Makes room for an entry of so many blocks, and counts it; false if there is no room, as another makes it just now.
pub(super) fn make(store: &Store, Blocks(blocks): Blocks) -> bool {
    let Blocks(limit) = Blocks::within(store.limit.load(Ordering::Relaxed));
    let known = fs::symlink_metadata(store.dir.join(COUNT)).ok().filter(fs::Metadata::is_file).map(|count| count.len());
    if known.is_none_or(|known| known.saturating_add(blocks) > limit) {
        let Ok(_making) = Making::begin(store) else { return false };
        // Some more than have to, or the next entry would have all looked at again.
        let most = (limit - limit / 8).min(limit.saturating_sub(blocks));
        let (all, entries) = survey(store);
        let left = if all > most { all - evict(entries, all - most) } else { all };
        set_count(store, left)
            .unwrap_or_else(|error| tracing::debug!("how much results take cannot be noted: {error}"));
    }
    count(store, blocks).unwrap_or_else(|error| tracing::debug!("how much a result takes cannot be noted: {error}"));
    true
}

/// Nobody else makes room.
struct Making(Option<File>);

/// Another makes room.
struct Busy;

impl Making {
    fn begin(store: &Store) -> Result<Making, Busy> {
        let file = OpenOptions::new().create(true).append(true).open(store.dir.join(MAKING));
        match file.map(|file| (file.try_lock(), file)) {
            Ok((Ok(()), file)) => Ok(Making(Some(file))),
            Ok((Err(TryLockError::WouldBlock), _)) => Err(Busy),
            // A file system without locks: the bound is not kept as strictly.
            Ok((Err(TryLockError::Error(error)), _)) | Err(error) => {
                tracing::debug!("room for results is made without a lock: {error}");
                Ok(Making(None))
            }
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // Closing would not do: a child process may have the file, too.
        if let Some(Err(error)) = self.0.as_ref().map(File::unlock) {
            tracing::debug!("the lock of who makes room for results cannot be given back: {error}");
        }
    }
}

/// Removes entries of so many blocks, as the disk is full; false if there were none.
pub(super) fn free(store: &Store, Blocks(blocks): Blocks) -> bool {
    evict(survey(store).1, blocks) > 0
}

fn set_count(store: &Store, blocks: u64) -> io::Result<()> {
    let scratch = store.dir.join(format!("{SCRATCH}{}", nonce()));
    make_file(&scratch, &[])
        // A file with a hole: it takes no room.
        .and_then(|file| file.set_len(blocks))
        .and_then(|()| fs::rename(&scratch, store.dir.join(COUNT)))
        .inspect_err(|_| {
            let _ = fs::remove_file(&scratch);
        })
}

fn count(store: &Store, blocks: u64) -> io::Result<()> {
    let mut count: File = OpenOptions::new().append(true).open(store.dir.join(COUNT))?;
    // In one call, so that no two writers write to one place.
    count.write_all(&vec![0; usize::try_from(blocks).unwrap_or(usize::MAX).min(1 << 20)])
}

/// All entries, and how many blocks they take. What killed processes have left is removed; what is unknown is left alone.
fn survey(store: &Store) -> (u64, Vec<Candidate>) {
    let mut entries: Vec<Candidate> = Vec::new();
    for found in list(&store.dir) {
        let name = found.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(SCRATCH) && is_abandoned(&found) {
            let _ = fs::remove_file(found.path());
        }
        if name.len() == 2 && is_hexadecimal(name) {
            entries.extend(list(&found.path()).filter_map(|found| candidate(&found)));
        }
    }
    (entries.iter().map(|entry| entry.blocks).sum(), entries)
}

fn candidate(found: &DirEntry) -> Option<Candidate> {
    let metadata = found.metadata().ok()?;
    let name = found.file_name();
    let is_entry = metadata.is_file() && name.len() == 64 && name.to_str().is_some_and(is_hexadecimal);
    let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    is_entry.then(|| Candidate { used, path: found.path(), blocks: Blocks::of(metadata.len()).0 })
}

/// Removes the entries whose last use is the longest ago, of so many blocks together; gives how many blocks were removed.
fn evict(mut entries: Vec<Candidate>, blocks: u64) -> u64 {
    entries.sort_unstable_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
    let mut removed = 0;
    for entry in entries {
        if removed >= blocks {
            break;
        }
        match fs::remove_file(&entry.path) {
            // One that another process has removed is gone as well.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::debug!(path = %entry.path.display(), "a result cannot be removed: {error}");
            }
            _ => removed += entry.blocks,
        }
    }
    removed
}

fn list(dir: &Path) -> impl Iterator<Item = DirEntry> {
    fs::read_dir(dir).into_iter().flatten().flatten()
}

fn is_hexadecimal(name: &str) -> bool {
    name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_abandoned(found: &DirEntry) -> bool {
    let changed = found.metadata().and_then(|metadata| metadata.modified());
    // A time far in the future comes from a wrong clock.
    changed.is_ok_and(|changed| changed.elapsed().unwrap_or_else(|ahead| ahead.duration()) > ABANDONED)
}
