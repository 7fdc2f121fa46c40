//! Files that are given twice.

use super::partial::beside_output;
use super::shown;
use crate::flags::Map;
use crate::report::Usage;
use crate::target::Target;
use purefork_data::map::From;
use std::fs;
use std::path::{Path, PathBuf};

/// Refuses to write a file that is read, or one file twice.
pub(super) fn refuse_same_files(map: &Map, module: &Path, inputs: &[From], output: &Target) -> Result<(), Usage> {
    if map.rejects.as_deref() == Some(Path::new("-")) {
        return Err(rejected_to_stdout());
    }
    let mut written: Vec<(&str, PathBuf)> = Vec::new();
    if let Target::File { path, .. } = output {
        written.push(("--output", path.clone()));
        written.extend(beside_output(path).map(|path| ("--output", path)));
    }
    if let Some(rejects) = &map.rejects {
        if let Some((_, path)) = written.iter().find(|(_, path)| is_same(path, rejects) || is_one_place(path, rejects))
        {
            let what = if Some(path) == written.first().map(|(_, path)| path) {
                "the output, too"
            } else {
                "a file of the output's"
            };
            return Err(
                Usage::new(format!("`--rejects`: `{}` is {what}", shown(rejects))).with_help("write to another file")
            );
        }
        written.push(("--rejects", rejects.clone()));
    }
    for (path, what) in read(map, module, inputs) {
        if let Some((option, written)) = written.iter().find(|(_, written)| is_same(&path, written)) {
            return Err(Usage::new(format!("`{option}`: `{}` is {what}, too", shown(written)))
                .with_help("write to another file"));
        }
    }
    Ok(())
}

pub(super) fn rejected_to_stdout() -> Usage {
    Usage::new("expected a file with `--rejects`: standard output carries results alone")
        .with_help("name a file, such as `rejects.ndjson`")
}

/// The files that are read, and what each is.
fn read(map: &Map, module: &Path, inputs: &[From]) -> Vec<(PathBuf, &'static str)> {
    let mut read: Vec<(PathBuf, &str)> = Vec::new();
    read.extend(inputs.iter().filter_map(|input| match input {
        From::Path(path) => Some((path.clone(), "an input")),
        From::Stdin => None,
    }));
    read.push((module.to_owned(), "the module"));
    read.extend(map.common.link.iter().map(|link| (link.module.clone(), "a linked module")));
    read.extend(map.common.provide.iter().map(|link| (link.module.clone(), "a provided module")));
    read.extend(map.common.wit.iter().map(|path| (path.clone(), "the WIT world")));
    let file = |text: &str| text.strip_prefix('@').map(PathBuf::from);
    read.extend(map.arg.iter().filter_map(|(_, text)| Some((file(text)?, "the file of an argument"))));
    read
}

/// Whether two paths are one name in one directory, whatever is there.
fn is_one_place(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some((fs::canonicalize(dir).ok()?, path.file_name()?.to_owned()))
    };
    place(one).is_some() && place(one) == place(other)
}

/// Whether two paths lead to one file.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if let (Ok(one), Ok(other)) = (fs::metadata(one), fs::metadata(other)) {
            return one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino());
        }
    }
    let real = |path: &Path| -> Option<PathBuf> { fs::canonicalize(path).ok() };
    real(one).is_some() && real(one) == real(other)
}
