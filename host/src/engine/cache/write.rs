//! Writing an entry.

use super::manifest::{self, Manifest};
use super::{Cache, Key};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The prefix of the name of a directory whose entry is being written.
pub(super) const SCRATCH: &str = "tmp-";

impl Cache {
    /// Writes an entry, unless another writer has.
    pub(super) fn write(&self, key: &Key, blobs: &[(&str, &[u8])]) -> io::Result<()> {
        let manifest = Manifest::new(blobs)?;
        let size = manifest.size();
        if size > self.limit {
            let text = format!("{size} bytes are more than the {} that the whole cache may have", self.limit);
            return Err(io::Error::new(ErrorKind::FileTooLarge, text));
        }
        self.make_room(size);
        let scratch = match Scratch::fill(self, key, &manifest, blobs) {
            Err(error) if is_full(&error) && self.free(size) => Scratch::fill(self, key, &manifest, blobs)?,
            other => other?,
        };
        scratch.publish(key)
    }
}

/// An entry that is not published yet. Dropping this deletes it; eviction deletes one of a killed process.
pub(super) struct Scratch<'a> {
    cache: &'a Cache,
    path: PathBuf,
}

impl<'a> Scratch<'a> {
    pub(super) fn fill(
        cache: &'a Cache,
        key: &Key,
        manifest: &Manifest,
        blobs: &[(&str, &[u8])],
    ) -> io::Result<Scratch<'a>> {
        let nonce = nonce();
        let text = manifest.to_text(key, &nonce)?;
        let scratch = Scratch { cache, path: cache.dir.join(format!("{SCRATCH}{nonce}")) };
        make_dir(&scratch.path)?;
        let mut files = Vec::with_capacity(blobs.len());
        for (name, bytes) in blobs {
            files.push(make_file(&scratch.path.join(name), bytes)?);
        }
        // Synced, as a rename may reach the disk before the renamed bytes. All files are written first, so that the file system has
        // only one transaction to sync.
        for file in &files {
            file.sync_all()?;
        }
        make_file(&scratch.path.join(manifest::NAME), text.as_bytes())?.sync_all()?;
        #[cfg(unix)]
        File::open(&scratch.path)?.sync_all()?;
        Ok(scratch)
    }

    /// Publishes the entry by renaming it, atomically. The new name is not synced: if a power failure removes the whole entry, it
    /// is compiled again.
    pub(super) fn publish(self, key: &Key) -> io::Result<()> {
        let place = self.cache.dir.join(key.as_str());
        if let Err(error) = fs::rename(&self.path, &place) {
            // A directory cannot replace one that is not empty. If that one is complete, another writer was faster; if it is
            // damaged, this lookup has removed it.
            if self.cache.get(key).is_some() {
                return Ok(());
            }
            tracing::debug!(%key, "an entry could not take its place: {error}");
            fs::rename(&self.path, &place)?;
        }
        // Several writers may have made space at the same time, without counting each other.
        self.cache.make_room(0);
        Ok(())
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        // There is nothing to delete if it was published.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn make_dir(path: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a file that only the user can read.
pub(crate) fn make_file(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Whether there is no room left.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// A name that is unique among all processes, machines and containers that share the directory.
pub(crate) fn nonce() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:x}-{:016x}{:016x}", std::process::id(), random(), random())
}
