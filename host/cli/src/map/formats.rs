//! Which format a file has.

use crate::flags::Map;
use crate::report::{Usage, shown_path};
use anyhow::Result;
use purefork_data::map::{From, InputFile};
use purefork_data::{Compression, Csv, Format, Ndjson};
use std::ffi::OsString;
use std::path::Path;

/// Formats that the binary `purefork-arrow` has, and their endings.
const MORE: [(&str, &[&str]); 3] =
    [("parquet", &["parquet", "pq"]), ("arrow", &["arrow", "feather", "ipc"]), ("arrows", &["arrows"])];

/// The binary that has them.
const OTHER: &str = "purefork-arrow";

/// The formats that there are.
pub(super) struct Formats(Vec<&'static dyn Format>);

impl Formats {
    /// Those of the data crate, and more.
    pub(super) fn new(more: &[&'static dyn Format]) -> Formats {
        let own: [&'static dyn Format; 3] = [&Ndjson, &Csv::COMMAS, &Csv::TABS];
        Formats(own.into_iter().chain(more.iter().copied()).collect())
    }

    /// The format of an input.
    pub(super) fn of_input(&self, map: &Map, from: &From) -> Result<&'static dyn Format, Usage> {
        match (&map.from, from) {
            (Some(name), _) => self.named("--from", name),
            (None, From::Stdin) => Ok(&Ndjson),
            (None, From::Path(path)) => self.of_path(path).ok_or_else(|| {
                Usage::new(format!("cannot tell the format of `{}` from its name", shown_path(path)))
                    .with_help(format!("say it, as `--from ndjson`; there is {}", self.names()))
            }),
        }
    }

    /// The format of the output.
    pub(super) fn of_output(&self, map: &Map, inputs: &[InputFile]) -> Result<&'static dyn Format, Usage> {
        match (&map.to, &map.output) {
            (Some(name), _) => self.named("--to", name),
            (None, Some(path)) if self.of_path(path).is_some() => Ok(self.of_path(path).unwrap_or(&Ndjson)),
            // What is printed is to be read.
            _ => Ok(inputs.first().map(|input| input.format).filter(|format| format.is_text()).unwrap_or(&Ndjson)),
        }
    }

    /// The format of the files that are merged.
    pub(super) fn of_parts(
        &self,
        map: &Map,
        out: &Path,
        parts: &[std::path::PathBuf],
    ) -> Result<&'static dyn Format, Usage> {
        if let Some(name) = &map.to {
            return self.named("--to", name);
        }
        let found = [out].into_iter().chain(parts.iter().map(|part| &**part)).find_map(|path| self.of_path(path));
        let format = found.ok_or_else(|| {
            Usage::new("cannot tell the format of the parts from their names")
                .with_help(format!("say it, as `--to ndjson`; there is {}", self.names()))
        })?;
        for part in parts {
            if let Some(other) = self.of_path(part)
                && other.name() != format.name()
            {
                let message = format!(
                    "expected parts of the output's format, `{}`, but `{}` is `{}` by its name",
                    format.name(),
                    shown_path(part),
                    other.name()
                );
                return Err(Usage::new(message)
                    .with_help("parts are put together as they are; say what they are, as `--to ndjson`"));
            }
        }
        Ok(format)
    }

    fn of_path(&self, path: &Path) -> Option<&'static dyn Format> {
        let ending = ending(path);
        self.0.iter().find(|format| format.endings().contains(&&*ending)).copied()
    }

    fn named(&self, option: &str, name: &str) -> Result<&'static dyn Format, Usage> {
        let found = self.0.iter().find(|format| format.name() == name || format.endings().contains(&name));
        found.copied().ok_or_else(|| {
            Usage::new(format!("`{option}`: expected a format, but was given `{}`", name.escape_debug()))
                .with_help(format!("there is {}", self.names()))
        })
    }

    fn names(&self) -> String {
        let more = MORE.iter().map(|(name, _)| *name).filter(|name| self.0.iter().all(|format| format.name() != *name));
        let names: Vec<_> =
            self.0.iter().map(|format| format.name()).chain(more).map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }

    /// Has the binary that has more formats do it, if one of those is asked for. Returns its exit code, where it could not take the
    /// place of this process.
    pub(super) fn hand_over(&self, map: &Map, typed: &[OsString]) -> Result<Option<u8>> {
        let known = |name: &str| self.0.iter().any(|format| format.name() == name || format.endings().contains(&name));
        let more = |name: &str| MORE.iter().any(|(format, endings)| *format == name || endings.contains(&name));
        let given = map.words.iter().skip(if map.merge.is_some() { 0 } else { 2 });
        let paths = given.chain(&map.output).chain(&map.merge);
        let names = map.from.iter().chain(&map.to).cloned().chain(paths.map(|path| ending(path)));
        let Some(name) = names.into_iter().find(|name| more(name) && !known(name)) else { return Ok(None) };
        let this = std::env::current_exe().ok();
        let other = this.as_ref().map(|this| this.with_file_name(format!("{OTHER}{}", std::env::consts::EXE_SUFFIX)));
        match other.filter(|other| Some(other) != this.as_ref() && other.is_file()) {
            Some(other) => execute(&other, typed),
            None => {
                Err(Usage::new(format!("`{name}` is a format of the binary `{OTHER}`, which is not beside this one"))
                    .with_help(
                        "build it: `cargo build --workspace`; or install it: `cargo install --path host/cli/arrow`",
                    )
                    .into())
            }
        }
    }
}

/// What the path's name ends in, in lower case and without a compression's.
fn ending(path: &Path) -> String {
    let (_, path) = Compression::of_name(path);
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase()
}

/// Runs another binary with the same words: in the place of this process.
#[cfg(unix)]
fn execute(other: &Path, typed: &[OsString]) -> Result<Option<u8>> {
    use std::os::unix::process::CommandExt as _;
    let error = std::process::Command::new(other).args(typed).exec();
    Err(Usage::new(format!("cannot run `{}`: {error}", shown_path(other))).into())
}

/// Runs another binary with the same words, and returns its exit code.
#[cfg(not(unix))]
fn execute(other: &Path, typed: &[OsString]) -> Result<Option<u8>> {
    let status = std::process::Command::new(other).args(typed).status();
    let status = status.map_err(|error| Usage::new(format!("cannot run `{}`: {error}", shown_path(other))))?;
    Ok(Some(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(crate::CALL_FAILED)))
}
