//! Files that are given twice.

use super::shown;
use crate::flags::Map;
use crate::report::Usage;
use crate::target::Target;
use purefork_data::map::From;
use std::fs;
use std::path::{Path, PathBuf};

/// Refuses to write a file that is read, or one file twice.
pub(super) fn refuse_same_files(map: &Map, inputs: &[From], output: &Target) -> Result<(), Usage> {
    let output = match output {
        Target::File { path, .. } => Some(path.as_path()),
        _ => None,
    };
    for (option, written) in [("--output", output), ("--rejects", map.rejects.as_deref())] {
        let Some(written) = written else { continue };
        for input in inputs {
            if let From::Path(path) = input
                && is_same(path, written)
            {
                return Err(Usage::new(format!("`{option}`: `{}` is an input, too", shown(written)))
                    .with_help("write to another file"));
            }
        }
    }
    match (output, map.rejects.as_deref()) {
        (Some(output), Some(rejects)) if is_same(output, rejects) || output == rejects => {
            Err(Usage::new(format!("`--rejects`: `{}` is the output, too", shown(rejects)))
                .with_help("write to another file"))
        }
        _ => Ok(()),
    }
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
