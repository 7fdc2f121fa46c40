//! The file that output goes to: replaced atomically where nothing is lost by that, else overwritten as `>` does.

use crate::report::{Usage, shown_path};
use crate::stdout;
use anyhow::{Context as _, Result};
#[cfg(unix)]
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// As many symbolic links as Linux follows in one path.
const LINKS: usize = 40;

/// Where bytes go.
pub(crate) enum Target {
    Stdout,
    /// An inherited descriptor, a pipe or a device.
    Open {
        name: PathBuf,
        file: File,
    },
    /// A file, which need not exist yet, and its path without symbolic links.
    File {
        name: PathBuf,
        path: PathBuf,
        replaceable: bool,
    },
}

/// Where a path leads.
enum Place {
    /// To an open descriptor of this process.
    Descriptor(u32),
    /// To this path, which is not a symbolic link.
    Path(PathBuf),
    /// To a file that another process has open.
    Foreign(PathBuf),
}

impl Target {
    /// What the path names; `-` is stdout.
    ///
    /// Fails here as far as failure can be foreseen. Changes nothing: if the call fails later, a file stays as it was.
    pub(crate) fn open(name: &Path) -> Result<Target, Usage> {
        if name == Path::new("-") {
            return Ok(Target::Stdout);
        }
        let cannot = |why: &str| Usage::new(format!("cannot write `{}`: {why}", shown_path(name)));
        let failed = |error: io::Error| cannot(&error.to_string());
        let place = place(name).map_err(failed)?;
        let (path, replaceable) = match place {
            Place::Descriptor(1) => return Ok(Target::Stdout),
            #[cfg(unix)]
            Place::Descriptor(number) => {
                let file = crate::inherited::descriptor(number).map_err(|why| cannot(&why))?;
                return Ok(Target::Open { name: name.to_owned(), file });
            }
            #[cfg(not(unix))]
            Place::Descriptor(_) => return Err(cannot("there are no descriptors here")),
            Place::Path(path) => (path, true),
            Place::Foreign(path) => (path, false),
        };
        match fs::metadata(&path) {
            Ok(old) if old.is_dir() => return Err(cannot("it is a directory")),
            Ok(_) => {
                let file = open(&path).map_err(failed)?;
                if !file.metadata().map_err(failed)?.is_file() {
                    return Ok(Target::Open { name: name.to_owned(), file });
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let directory = directory(&path);
                match fs::metadata(directory) {
                    Ok(there) if there.is_dir() => {}
                    Ok(_) => return Err(cannot(&format!("`{}` is no directory", shown_path(directory)))),
                    Err(error) => return Err(cannot(&format!("`{}`: {error}", shown_path(directory)))),
                }
                if ends_in_separator(&path) {
                    return Err(cannot("it is a directory's name, and there is none of that name"));
                }
                // Only a test whether it can be made: removed at once, so that an interrupted call leaves nothing behind.
                draft(directory)
                    .map_err(|error| cannot(&format!("no file can be made in `{}`: {error}", shown_path(directory))))?;
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                return Err(cannot(&format!("`{}` is no directory", shown_path(directory(&path)))));
            }
            Err(error) => return Err(failed(error)),
        }
        Ok(Target::File { name: name.to_owned(), path, replaceable })
    }

    /// Opens it to be written bit by bit. A file that is replaced is so at the end; if the process dies before, it is as it was.
    pub(crate) fn stream(self) -> Result<Stream> {
        let (name, file, draft) = match self {
            Target::Stdout => (PathBuf::from("-"), stdout::file().context("cannot write to stdout")?, None),
            Target::Open { name, file } => (name, file, None),
            Target::File { name, path, replaceable } => {
                let cannot = || format!("cannot write `{}`", shown_path(&name));
                let (file, draft) = streamed(path, replaceable).with_context(cannot)?;
                (name, file, draft)
            }
        };
        Ok(Stream { file, draft, name })
    }

    /// Writes all bytes.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let (name, done) = match self {
            Target::Stdout => return stdout::write(bytes),
            Target::Open { name, file } => (name, stdout::pour(file, bytes)),
            Target::File { name, path, replaceable } => (name, save(path, *replaceable, bytes)),
        };
        done.with_context(|| format!("cannot write `{}`", shown_path(name)))
    }
}

/// A file that is written bit by bit, from [`Target::stream`].
pub(crate) struct Stream {
    file: File,
    /// What takes the place of the file of this path when all is written.
    draft: Option<(NamedTempFile, PathBuf)>,
    name: PathBuf,
}

impl Stream {
    /// Where to write.
    pub(crate) fn file(&self) -> Result<File> {
        self.file.try_clone().with_context(|| format!("cannot write `{}`", shown_path(&self.name)))
    }

    /// All was written.
    pub(crate) fn keep(self) -> Result<()> {
        let done = match self.draft {
            None => Ok(()),
            Some((draft, path)) => {
                sync(draft.as_file()).and_then(|()| draft.persist(path).map(drop).map_err(|failed| failed.error))
            }
        };
        done.with_context(|| format!("cannot write `{}`", shown_path(&self.name)))
    }
}

/// Follows symbolic links, also those to a file that does not exist.
fn place(name: &Path) -> io::Result<Place> {
    let mut here = name.to_owned();
    for _ in 0..LINKS {
        if let Some(number) = descriptor(&here) {
            return Ok(Place::Descriptor(number));
        }
        match fs::symlink_metadata(&here) {
            // Such a link may read `pipe:[7]`, which is not a path.
            Ok(found) if found.is_symlink() && is_foreign(&here) => return Ok(Place::Foreign(here)),
            Ok(found) if found.is_symlink() => {
                here = here.parent().unwrap_or(Path::new("")).join(fs::read_link(&here)?)
            }
            // Opening it will tell what is wrong with the path.
            _ => return Ok(Place::Path(here)),
        }
    }
    // Too many links: the system will say so.
    fs::metadata(name).map(|_| Place::Path(here))
}

/// The number of the descriptor of this process that the path names.
fn descriptor(path: &Path) -> Option<u32> {
    const STANDARD: [&str; 3] = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];
    const DIRECTORIES: [&str; 3] = ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"];
    if cfg!(not(unix)) {
        return None;
    }
    if let Some(number) = STANDARD.iter().position(|name| path == Path::new(name)) {
        return Some(number as u32);
    }
    let name = path.file_name()?.to_str()?;
    let number = name.parse().ok().filter(|_| name.bytes().all(|byte| byte.is_ascii_digit()))?;
    let given = directory(path);
    let real = fs::canonicalize(given).ok();
    let is_ours = |ours: &&str| given == Path::new(ours) || real.is_some() && fs::canonicalize(ours).ok() == real;
    DIRECTORIES.iter().any(is_ours).then_some(number)
}

/// Whether a symbolic link is one of Linux's `/proc` to an open file.
fn is_foreign(link: &Path) -> bool {
    cfg!(target_os = "linux") && fs::canonicalize(directory(link)).is_ok_and(|real| real.starts_with("/proc"))
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn ends_in_separator(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    path.file_name().is_none() || bytes.ends_with(b"/") || bytes.ends_with(b"/.")
}

/// Opens an existing file, without truncating it.
fn open(path: &Path) -> io::Result<File> {
    File::options().write(true).open(path)
}

/// Writes a whole file. An existing one is replaced atomically, if it may be and nothing is lost by that.
fn save(path: &Path, replaceable: bool, bytes: &[u8]) -> io::Result<()> {
    let old = match open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let new = draft(directory(path))?;
            new.as_file().write_all(bytes)?;
            sync(new.as_file())?;
            new.persist(path).map_err(|failed| failed.error)?;
            return Ok(());
        }
        old => old?,
    };
    let metadata = old.metadata()?;
    if !metadata.is_file() {
        return stdout::pour(&old, bytes);
    }
    if replaceable && let Some(new) = twin(&old, &metadata, directory(path)) {
        new.as_file().write_all(bytes)?;
        sync(new.as_file())?;
        // This fails for a mount point, for example.
        if new.persist(path).is_ok() {
            return Ok(());
        }
    }
    old.set_len(0)?;
    (&old).write_all(bytes)?;
    sync(&old)
}

/// A file to be written bit by bit: a draft, or the file itself where that cannot be replaced.
fn streamed(path: PathBuf, replaceable: bool) -> io::Result<(File, Option<(NamedTempFile, PathBuf)>)> {
    let draft = match open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Some(draft(directory(&path))?),
        Err(error) => return Err(error),
        Ok(old) => {
            let twin = twin(&old, &old.metadata()?, directory(&path)).filter(|_| replaceable);
            if twin.is_none() {
                old.set_len(0)?;
                return Ok((old, None));
            }
            twin
        }
    };
    match draft {
        Some(draft) => Ok((draft.as_file().try_clone()?, Some((draft, path)))),
        None => Ok((open(&path)?, None)),
    }
}

/// A file that was written beside another one, or beside where none is, takes its place: by its name, or, where something would be lost
/// by that, by its content.
pub(crate) fn take_place(new: &File, part: &Path, path: &Path) -> io::Result<()> {
    let old = match open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return fs::rename(part, path),
        old => old?,
    };
    let metadata = old.metadata()?;
    // This fails for a file of somebody else's; then it is not alike.
    let _ = new.set_permissions(metadata.permissions());
    if alike(&old, &metadata, new) && fs::rename(part, path).is_ok() {
        return Ok(());
    }
    old.set_len(0)?;
    io::copy(&mut File::open(part)?, &mut &old)?;
    sync(&old)?;
    fs::remove_file(part)
}

/// Syncs a file to disk: some file systems report only then that they are full.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    match file.sync_data() {
        // Not every file system supports it.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput) => Ok(()),
        done => done,
    }
}

/// A temporary file in the directory, removed unless it is renamed. It has the permissions of a new file.
fn draft(directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".purefork-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // Cut the temporary name off the error: it would only confuse.
    builder.tempfile_in(directory).map_err(|error| match error.to_string().split_once(" at path ") {
        Some((why, _)) => io::Error::new(error.kind(), why.to_owned()),
        None => error,
    })
}

/// A draft that can replace the old file: it is the same but for its content. None if the old one has several hard links, another
/// owner, or attributes that a new file does not get, or if no file may be created beside it.
fn twin(old: &File, metadata: &Metadata, directory: &Path) -> Option<NamedTempFile> {
    let new = draft(directory).ok()?;
    new.as_file().set_permissions(metadata.permissions()).ok()?;
    alike(old, metadata, new.as_file()).then_some(new)
}

#[cfg(unix)]
fn alike(old: &File, metadata: &Metadata, new: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    /// The set-user-ID and set-group-ID bits, which writing to a file clears.
    const SET_ID: u32 = 0o6000;
    let same = |new: Metadata| {
        (new.uid(), new.gid(), new.mode()) == (metadata.uid(), metadata.gid(), metadata.mode())
            && metadata.mode() & SET_ID == 0
            && metadata.nlink() == 1
    };
    new.metadata().is_ok_and(same) && attributes(old).is_some_and(|old| attributes(new) == Some(old))
}

#[cfg(not(unix))]
fn alike(_: &File, _: &Metadata, _: &File) -> bool {
    true
}

/// Extended attributes, access control lists among them. None if they cannot be read.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn attributes(file: &File) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
    use rustix::fs::{fgetxattr, flistxattr};
    /// Linux's limit on the size of the list and of each value.
    const MOST: usize = 64 << 10;
    let mut list = vec![0; MOST];
    match flistxattr(file, &mut list[..]) {
        Ok(length) => list.truncate(length),
        Err(rustix::io::Errno::NOTSUP) => return Some(BTreeMap::new()),
        Err(_) => return None,
    }
    let mut value = vec![0; MOST];
    let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let read = names.map(|name| {
        let length = fgetxattr(file, name, &mut value[..]).ok()?;
        Some((name.to_vec(), value[..length].to_vec()))
    });
    read.collect()
}

/// Not compared on other systems.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android", target_vendor = "apple"))))]
fn attributes(_: &File) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
    Some(BTreeMap::new())
}
