//! `purefork map --merge`: the outputs of shards put together.

use super::formats::Formats;
use super::partial::{Partial, beside_output};
use super::same::is_same;
use super::{shown, usage};
use crate::flags::Map;
use crate::report::Usage;
use crate::stdout;
use crate::target::Target;
use anyhow::{Context as _, Result};
use purefork_data::{Compression, Csv, Sink, Source};
use std::io::Write;
use std::path::Path;

/// Writes the parts one after another.
pub(super) fn merge(map: &Map, out: &Path, formats: &Formats) -> Result<()> {
    if map.words.is_empty() {
        return Err(Usage::new("expected the outputs of the shards after `--merge OUT`")
            .with_help("as `purefork map --merge all.ndjson part-1.ndjson part-2.ndjson`")
            .into());
    }
    let format = formats.of_parts(map, out, &map.words)?;
    let format = if map.no_header && matches!(format.name(), "csv" | "tsv") { &Csv::HEADLESS } else { format };
    let target = Target::open(out)?;
    for part in &map.words {
        if let Target::File { path, .. } = &target
            && beside_output(path).iter().chain([path]).any(|path| is_same(path, part))
        {
            return Err(Usage::new(format!("`{}` is the output, or a file of the output's, too", shown(part)))
                .with_help("write to another file")
                .into());
        }
    }
    let parts = map.words.iter().map(|part| Source::file(part)).collect::<Result<Vec<_>, _>>();
    let parts = parts.map_err(|error| usage(&error))?;
    let partial = match &target {
        Target::File { path, .. } => Some(Partial::open(path, "merge", None)?),
        _ => None,
    };
    let to: Box<dyn Write + Send> = match (&partial, target) {
        (Some(partial), _) => Box::new(partial.file()?),
        (None, Target::Open { file, .. }) => Box::new(stdout::Stream(file)),
        (None, _) => Box::new(stdout::Stream(stdout::file().context("cannot write to stdout")?)),
    };
    let merged = format.merge(parts, Sink::new(to, Compression::of_name(out).0));
    match (merged, partial) {
        (Ok(()), Some(partial)) => partial.finish(),
        (Ok(()), None) => Ok(()),
        (Err(error), partial) => {
            if let Some(partial) = partial {
                partial.discard();
            }
            Err(error.into())
        }
    }
}
