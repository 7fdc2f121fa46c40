//! The output while it is written: a file beside the one that it becomes, and one that says how far it is.
//!
//! `OUT.purefork-part` takes the place of OUT when all rows are done; until then OUT stays as it was. `OUT.purefork-resume` says which run wrote it,
//! and where that stood: a run with `--resume` goes on there.

use super::{beside, shown};
use crate::report::Usage;
use crate::target;
use anyhow::{Context as _, Result};
use purefork_data::map::Checkpoint;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The form of what is written down.
const VERSION: u32 = 2;

/// An output that is being written.
pub(super) struct Partial {
    path: PathBuf,
    part: PathBuf,
    sidecar: PathBuf,
    draft: PathBuf,
    file: File,
    job: String,
    checkpoint: Option<Checkpoint>,
}

#[derive(Serialize, Deserialize)]
struct Sidecar {
    version: u32,
    job: String,
    checkpoint: Checkpoint,
}

/// What is beside an output while it is written: the part, how far it is, and the draft of that.
pub(super) fn beside_output(path: &Path) -> [PathBuf; 3] {
    [".purefork-part", ".purefork-resume", ".purefork-resume-new"].map(|ending| beside(path, ending))
}

impl Partial {
    /// Begins the output of the file at `path`, or goes on with it. `job`: what makes the output, beside the inputs.
    pub(super) fn open(path: &Path, job: &str, resume: Option<bool>) -> Result<Partial> {
        let [part, sidecar, draft] = beside_output(path);
        let cannot = |error: &io::Error| Usage::new(format!("cannot write `{}`: {error}", shown(&part)));
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&part).map_err(|error| cannot(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Usage::new(format!("another run is writing `{}`", shown(path)))
                    .with_help("wait for it, or write to another file")
                    .into());
            }
            // Not every file system has locks.
            Err(TryLockError::Error(_)) => {}
        }
        let mut partial =
            Partial { path: path.to_owned(), part, sidecar, draft, file, job: job.to_owned(), checkpoint: None };
        if resume.is_some() {
            partial.checkpoint = partial.read()?;
        }
        let written = partial.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.output);
        let part = &partial.part;
        let cannot = |error: &io::Error| Usage::new(format!("cannot write `{}`: {error}", shown(part)));
        partial.file.set_len(written).map_err(|error| cannot(&error))?;
        (&partial.file).seek(SeekFrom::Start(written)).map_err(|error| cannot(&error))?;
        if partial.checkpoint.is_none() {
            match fs::remove_file(&partial.sidecar) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let name = shown(&partial.sidecar);
                    return Err(
                        Usage::new(format!("cannot remove `{name}`, which an earlier run has left: {error}")).into()
                    );
                }
                _ => {}
            }
        }
        Ok(partial)
    }

    /// What an earlier run has written down; none if there is nothing to go on with.
    fn read(&self) -> Result<Option<Checkpoint>, Usage> {
        let name = shown(&self.sidecar);
        let text = match fs::read(&self.sidecar) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| Usage::new(format!("cannot read `{name}`: {error}")))?,
        };
        let anew = "start anew, without `--resume`";
        let Sidecar { version, job, checkpoint } = serde_json::from_slice(&text).map_err(|_| {
            Usage::new(format!("`{name}` says nothing of a run that can be gone on with")).with_help(anew)
        })?;
        if version != VERSION || job != self.job {
            return Err(Usage::new(format!(
                "`{}` was begun by a run with another module, function or options",
                shown(&self.path)
            ))
            .with_help("give the same, or start anew, without `--resume`"));
        }
        let length = self.file.metadata().map_or(0, |file| file.len());
        if length < checkpoint.output {
            let text =
                format!("`{}` has {length} bytes, but the run had written {}", shown(&self.part), checkpoint.output);
            return Err(Usage::new(text).with_help(anew));
        }
        Ok(Some(checkpoint))
    }

    pub(super) fn take_checkpoint(&mut self) -> Option<Checkpoint> {
        self.checkpoint.take()
    }

    /// Where to write.
    pub(super) fn file(&self) -> Result<File> {
        self.file.try_clone().with_context(|| format!("cannot write `{}`", shown(&self.part)))
    }

    /// What messages call the output.
    pub(super) fn name(&self) -> String {
        shown(&self.path)
    }

    /// What messages call the file that is written.
    pub(super) fn part_name(&self) -> String {
        shown(&self.part)
    }

    /// Writes down where the run stands.
    ///
    /// # Errors
    ///
    /// Those of the files.
    pub(super) fn keep(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        // What is said to be written is to be there after a loss of power, too.
        target::sync(&self.file)?;
        let sidecar = Sidecar { version: VERSION, job: self.job.clone(), checkpoint: checkpoint.clone() };
        let text = serde_json::to_vec(&sidecar)?;
        let mut file = File::create(&self.draft)?;
        file.write_all(&text)?;
        target::sync(&file)?;
        fs::rename(&self.draft, &self.sidecar)
    }

    /// Nothing of it is wanted.
    pub(super) fn discard(self) {
        // It may be gone already.
        let _ = fs::remove_file(&self.part);
    }

    /// All is written: it takes the place of the output.
    pub(super) fn finish(self) -> Result<()> {
        let cannot = || format!("cannot write `{}`", shown(&self.path));
        target::sync(&self.file).with_context(cannot)?;
        target::take_place(&self.file, &self.part, &self.path).with_context(cannot)?;
        match fs::remove_file(&self.sidecar) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).with_context(cannot),
            _ => Ok(()),
        }
    }
}
