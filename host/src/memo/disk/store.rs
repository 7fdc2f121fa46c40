//! The files of a directory of results.

use super::room::{self, Blocks};
use crate::backend::Outcome;
use crate::engine::{User, enter, is_full, make_file, nonce, only_ours, open_file};
use crate::memo::form;
use crate::memo::key::Name;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// The version of the layout. Each has a directory of its own.
const LAYOUT: &str = "memo-v1";

/// The prefix of the name of a file that is being written.
pub(super) const SCRATCH: &str = "tmp-";

/// The precision of the time of an entry's last use.
const MINUTE: Duration = Duration::from_secs(60);

/// So many results are not written after one that could not be: the next would most likely fail as well, and take as long.
const PAUSE: u32 = 1000;

/// The files of a directory of results.
pub(super) struct Store {
    pub(super) dir: PathBuf,
    user: User,
    pub(super) limit: AtomicU64,
    /// Whether somebody was told that results cannot be written.
    has_warned: AtomicBool,
    /// How many results are not tried to be written, after one could not be.
    pause: AtomicU32,
}

impl Store {
    pub(super) fn open(dir: &Path, limit: u64) -> Result<Store, String> {
        let user = User::current()?;
        let dir = enter(&enter(dir, user)?.join(LAYOUT), user)?;
        Ok(Store {
            dir,
            user,
            limit: AtomicU64::new(limit),
            has_warned: AtomicBool::new(false),
            pause: AtomicU32::new(0),
        })
    }

    pub(super) fn bound(&self, limit: u64) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Where an entry is.
    pub(super) fn path(&self, name: &Name) -> PathBuf {
        let name = name.to_string();
        self.dir.join(&name[..2]).join(name)
    }

    /// The result of that name. What is not as it was written is removed.
    pub(super) fn read(&self, name: &Name) -> Option<Outcome> {
        let path = self.path(name);
        let file = match open_file(&path) {
            Ok(Some(file)) => file,
            // Nothing; or something that is no file.
            Ok(None) => {
                if fs::symlink_metadata(&path).is_ok() {
                    self.refuse(&path, "it is no file");
                }
                return None;
            }
            Err(error) => {
                tracing::debug!(%name, "a result that was kept cannot be opened: {error}");
                return None;
            }
        };
        match self.read_file(name, &file) {
            Ok(outcome) => outcome,
            Err(why) => {
                self.refuse(&path, &why);
                None
            }
        }
    }

    /// None if it is not the file's fault.
    fn read_file(&self, name: &Name, file: &File) -> Result<Option<Outcome>, String> {
        let failed = |error: io::Error| tracing::debug!(%name, "a result that was kept cannot be read: {error}");
        let Ok(metadata) = file.metadata().map_err(failed) else { return Ok(None) };
        if !only_ours(&metadata, self.user) {
            return Err("others than its owner could write to it".to_owned());
        }
        // The file may change while it is read.
        let length = metadata.len();
        let mut bytes = Vec::new();
        let Some(most) = usize::try_from(length).ok().filter(|most| bytes.try_reserve_exact(*most).is_ok()) else {
            tracing::debug!(%name, "a result that was kept is larger than the memory that is left");
            return Ok(None);
        };
        if file.take(most as u64).read_to_end(&mut bytes).map_err(failed).is_err() {
            return Ok(None);
        }
        let outcome = form::read(name, &bytes)?;
        mark_used(file, &metadata);
        Ok(Some(outcome))
    }

    /// Removes what is no result. Another process may have put one there just now: it will be written again.
    fn refuse(&self, path: &Path, why: &str) {
        tracing::warn!(path = %path.display(), "a result that was kept is not used, and removed: {why}");
        if let Err(error) = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path)) {
            tracing::debug!(path = %path.display(), "it cannot be removed: {error}");
        }
    }

    /// Writes a result, unless there is one.
    pub(super) fn write(&self, name: &Name, outcome: &Outcome) {
        let pause = self.pause.load(Ordering::Relaxed);
        if pause > 0 {
            return self.pause.store(pause - 1, Ordering::Relaxed);
        }
        let path = self.path(name);
        if fs::symlink_metadata(&path).is_ok() {
            return;
        }
        let Some(bytes) = form::write(name, outcome) else { return };
        let limit = self.limit.load(Ordering::Relaxed);
        let blocks = Blocks::of(bytes.len() as u64);
        if blocks > Blocks::within(limit) {
            tracing::debug!(%name, "a result is larger than all that are kept may be, and is not written");
            return;
        }
        if !room::make(self, blocks) {
            tracing::debug!(%name, "a result is not written: another process makes room");
            return;
        }
        let written = match self.put(&path, &bytes) {
            // However few bytes there are: the disk is full.
            Err(error) if is_full(&error) && room::free(self, blocks) => self.put(&path, &bytes),
            written => written,
        };
        if let Err(error) = written {
            self.pause.store(PAUSE, Ordering::Relaxed);
            if self.has_warned.swap(true, Ordering::Relaxed) {
                tracing::debug!(%name, "a result was not written: {error}");
            } else {
                tracing::warn!(dir = %self.dir.display(), "a result was not written, and others may not be: {error}");
            }
        }
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let scratch = self.dir.join(format!("{SCRATCH}{}", nonce()));
        let put = make_file(&scratch, bytes).map(drop).and_then(|()| match fs::rename(&scratch, path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_dir(path.parent().unwrap_or(&self.dir))?;
                fs::rename(&scratch, path)
            }
            renamed => renamed,
        });
        put.inspect_err(|_| {
            // There may be none.
            let _ = fs::remove_file(&scratch);
        })
    }
}

fn make_dir(path: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), expect(unused_mut))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Makes an entry the last to go. Where that is not allowed, entries go in the order in which they were written.
fn mark_used(file: &File, metadata: &fs::Metadata) {
    let now = SystemTime::now();
    // A time in the future means that the clock was set back: it is replaced, too.
    let is_recent = |used: SystemTime| now.duration_since(used).is_ok_and(|age| age < MINUTE);
    if !metadata.modified().is_ok_and(is_recent)
        && let Err(error) = file.set_modified(now)
    {
        tracing::debug!("when a result was used cannot be noted: {error}");
    }
}
