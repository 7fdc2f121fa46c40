//! A directory on disk that gets the files which a call has made.

use crate::report::{Usage, shown_path};
use anyhow::Result;
use purefork::ErrorKind;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Where files go.
pub(crate) struct Directory<'a>(&'a Path);

impl<'a> Directory<'a> {
    /// Fails here, before the call, as far as failure can be foreseen.
    pub(crate) fn new(path: &'a Path) -> Result<Directory<'a>, Usage> {
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => Ok(Directory(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Directory(path)),
            Ok(_) => Err(Usage::new(format!("`--out`: expected a directory, but `{}` is none", shown_path(path)))),
            Err(error) => Err(unwritable(path, &error)),
        }
    }

    /// Writes the files, each by its name below the directory, which is made if it is not there. A file that is there is replaced as a
    /// whole, or left as it was. Nothing is written by way of a link, which would lead elsewhere: one in the place of a file is
    /// replaced, and one in the place of a directory an error.
    pub(crate) fn write(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        fs::create_dir_all(self.0).map_err(|error| unwritable(self.0, &error))?;
        for (name, bytes) in files {
            let mut place = self.0.to_owned();
            let mut parts = name.split('/').peekable();
            while let Some(part) = parts.next() {
                let path = place.join(self.part(name, part)?);
                if parts.peek().is_none() {
                    replace(&place, &path, bytes).map_err(|error| unwritable(&path, &error))?;
                } else {
                    below(&path).map_err(|error| unwritable(&path, &error))?;
                }
                place = path;
            }
        }
        Ok(())
    }

    /// A part of a name, which is looked at again: it may come from a memo. On this system it may mean more than in a guest.
    fn part<'p>(&self, name: &str, part: &'p str) -> Result<&'p str, Usage> {
        let mut components = Path::new(part).components();
        match (components.next(), components.next()) {
            (Some(std::path::Component::Normal(only)), None) if only == part => Ok(part),
            _ => Err(Usage::new(format!(
                "the guest made a file that `{}` cannot hold: `{}`",
                shown_path(self.0),
                name.escape_debug()
            ))),
        }
    }
}

/// Makes a directory, if it is not there.
fn below(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::new(io::ErrorKind::NotADirectory, "it is there, and no directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(path),
        Err(error) => Err(error),
    }
}

/// Writes a file under another name, and gives it its own once it is whole.
fn replace(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_dir()) {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is there, and a directory"));
    }
    let (mut file, other) = new_file(directory)?;
    let written = file.write_all(bytes).and_then(|()| {
        drop(file);
        fs::rename(&other, path)
    });
    if written.is_err() {
        // It is of no use to anybody.
        let _ = fs::remove_file(&other);
    }
    written
}

/// A new file, under a name that nothing has.
fn new_file(directory: &Path) -> io::Result<(fs::File, PathBuf)> {
    let mut number = 0u32;
    loop {
        let path = directory.join(format!(".purefork-{}-{number}", std::process::id()));
        match fs::File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
            made => return made.map(|file| (file, path)),
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Usage {
    let message = format!("cannot write `{}`: {error}", shown_path(path));
    Usage::new(message).with_kind(ErrorKind::Unreadable)
}
