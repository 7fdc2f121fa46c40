//! Opening an entry, and reading its blobs.

use super::manifest::{Blob, Manifest, Text};
use super::{Cache, Key, checksum, file, trust};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The precision of the time of an entry's last use: lookups write it to the disk no more often than this.
const MINUTE: Duration = Duration::from_secs(60);

/// An entry with all its files open, so that removing it has no effect on who uses it.
///
/// It holds a file descriptor for each blob: drop it once the blobs are loaded.
#[derive(Debug)]
pub(crate) struct Entry {
    cache: Cache,
    key: Key,
    manifest: Manifest,
    /// In the order of the manifest's blobs.
    files: Vec<File>,
}

/// Why an entry was not found.
#[derive(Debug)]
pub(super) enum Miss {
    /// It does not exist.
    Absent,
    /// It was removed or replaced while it was opened.
    Replaced,
    /// It differs from what was written.
    Damaged(String),
    /// The system refused to let it be read.
    Failed(io::Error),
}

impl Entry {
    /// The names of the blobs, in the order in which they were given.
    #[cfg(test)]
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.manifest.blobs.iter().map(|blob| blob.name.as_str())
    }

    /// A blob's file, open for reading and mapping. None if the entry has no such blob, or the process no file
    /// descriptor left.
    ///
    /// A path would not do: by the time it was opened, it could lead to another entry, or nowhere.
    pub(crate) fn file(&self, blob: &str) -> Option<File> {
        let (_, file) = self.find(blob)?;
        file.try_clone()
            .inspect_err(|error| tracing::debug!(key = %self.key, "a file cannot be opened again: {error}"))
            .ok()
    }

    /// A blob's bytes, with a correct checksum. None if the entry has no such blob, or it cannot be read. A damaged entry is
    /// removed.
    pub(crate) fn read(&self, blob: &str) -> Option<Vec<u8>> {
        let (listed, file) = self.find(blob)?;
        let mut bytes = Vec::new();
        let len = usize::try_from(listed.len).ok()?;
        // The length is right, as it was checked when the file was opened; but memory may be short.
        bytes.try_reserve_exact(len).ok()?;
        bytes.resize(len, 0);
        if let Err(error) = read_at(file, &mut bytes, 0) {
            tracing::debug!(key = %self.key, "a blob of the compile cache cannot be read: {error}");
            return None;
        }
        if checksum::of(&bytes) != listed.whole {
            self.cache.remove_damaged(&self.key, &format!("`{blob}` has not the bytes it had"));
            return None;
        }
        Some(bytes)
    }

    /// Removes the entry from the cache, when the caller finds it useless. Its open files stay valid.
    pub(crate) fn discard(&self) {
        self.cache.remove_damaged(&self.key, "it was of no use");
    }

    fn find(&self, blob: &str) -> Option<(&Blob, &File)> {
        self.manifest.blobs.iter().zip(&self.files).find(|(listed, _)| listed.name == blob)
    }

    /// Opens an entry. `meanwhile` is called half way, where tests replace the entry.
    pub(super) fn load(cache: &Cache, key: &Key, meanwhile: impl FnOnce()) -> Result<Entry, Miss> {
        let dir = cache.dir.join(key.as_str());
        let (text, manifest) = list(&dir, key)?;
        meanwhile();
        let files = manifest.blobs.iter().map(|blob| open(cache, &dir, blob)).collect::<Result<_, _>>();
        // No two manifests are equal, and an entry that was renamed away never comes back. So if the same manifest is still there,
        // all files opened since it was read belong to it.
        if Text::read(&dir).map_err(Miss::Failed)?.map(|now| now.bytes).as_ref() != Some(&text.bytes) {
            return Err(Miss::Replaced);
        }
        let files = files?;
        mark_used(&text);
        Ok(Entry { cache: cache.clone(), key: key.clone(), manifest, files })
    }
}

/// Reads what an entry holds.
pub(super) fn list(dir: &Path, key: &Key) -> Result<(Text, Manifest), Miss> {
    let damaged = |what: &str| Err(Miss::Damaged(what.to_owned()));
    match Text::read(dir).map_err(Miss::Failed)? {
        Some(text) => match Manifest::parse(key, &text.bytes) {
            Some(manifest) => Ok((text, manifest)),
            None => damaged("its manifest is not what was written"),
        },
        None => match fs::symlink_metadata(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Miss::Absent),
            Err(error) => Err(Miss::Failed(error)),
            // The entry may have been published after its manifest was looked for.
            Ok(_) => match Text::read(dir).map_err(Miss::Failed)? {
                Some(_) => Err(Miss::Replaced),
                None => damaged("it has no manifest"),
            },
        },
    }
}

/// Opens a blob, and checks it against the manifest.
fn open(cache: &Cache, dir: &Path, blob: &Blob) -> Result<File, Miss> {
    let damaged = |what: &str| Miss::Damaged(format!("`{}` {what}", blob.name));
    let file = file::open(&dir.join(&blob.name)).map_err(Miss::Failed)?;
    let file = file.ok_or_else(|| damaged("is missing, or no file"))?;
    let metadata = file.metadata().map_err(Miss::Failed)?;
    if !trust::only_ours(&metadata, cache.user) {
        return Err(damaged("can be written by others than its owner"));
    }
    if metadata.len() != blob.len {
        return Err(damaged("has another length than it had"));
    }
    let mut ends = [0; 2 * checksum::END];
    let right = if blob.len <= ends.len() as u64 {
        let whole = &mut ends[..blob.len as usize];
        read_at(&file, whole, 0).map(|()| checksum::of(whole))
    } else {
        let (first, last) = ends.split_at_mut(checksum::END);
        let start = blob.len - checksum::END as u64;
        read_at(&file, first, 0).and_then(|()| read_at(&file, last, start)).map(|()| checksum::of(&ends))
    };
    match right {
        Ok(sum) if sum == blob.ends => Ok(file),
        Ok(_) => Err(damaged("has not the bytes it had")),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(damaged("was cut off")),
        Err(error) => Err(Miss::Failed(error)),
    }
}

/// Makes an entry the last to be evicted. Where that is not allowed, entries are evicted in the order of their creation.
fn mark_used(text: &Text) {
    let now = SystemTime::now();
    // A time in the future means that the clock was set back: replace it, too.
    if text.used().is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age < MINUTE)) {
        return;
    }
    if let Err(error) = text.mark_used(now) {
        tracing::debug!("when an entry of the compile cache was used cannot be noted: {error}");
    }
}

/// Reads without moving the file's position, which its clones share.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match std::os::windows::fs::FileExt::seek_read(file, &mut bytes[done..], start + done as u64) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => done += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
