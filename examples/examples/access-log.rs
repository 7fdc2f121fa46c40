//! Writes lines of a web server's access log, made up from a seed: the same ones on every platform.
//!
//! `cargo run --example access-log -- 1000000 > log.ndjson`

use anyhow::{Context as _, bail};
use purefork_examples::access_log::AccessLog;
use std::io::{BufWriter, ErrorKind, Write};

const USAGE: &str = "usage: access-log [ROWS] [--seed N] [--format ndjson|csv|lines]

  ROWS      how many lines; 1000 by default
  --seed    which log; 0 by default
  --format  `ndjson` by default: an object {\"line\": \"...\"} per line; `csv`: a column `line`;
            `lines`: the log as a server writes it";

#[derive(Clone, Copy)]
enum Format {
    Ndjson,
    Csv,
    Lines,
}

struct Options {
    rows: u64,
    seed: u64,
    format: Format,
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options { rows: 1000, seed: 0, format: Format::Ndjson };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value\n{USAGE}"));
        match word.as_str() {
            "--seed" => options.seed = value()?.parse().context("--seed takes a whole number")?,
            "--format" => {
                options.format = match value()?.as_str() {
                    "ndjson" => Format::Ndjson,
                    "csv" => Format::Csv,
                    "lines" => Format::Lines,
                    other => bail!("--format takes ndjson, csv or lines, and not `{other}`"),
                }
            }
            rows => {
                options.rows =
                    rows.parse().with_context(|| format!("expected a number of rows, not `{rows}`\n{USAGE}"))?
            }
        }
    }
    Ok(options)
}

fn write(options: &Options, out: &mut impl Write) -> std::io::Result<()> {
    let mut log = AccessLog::new(options.seed);
    let (mut line, mut text) = (String::new(), String::new());
    if matches!(options.format, Format::Csv) {
        out.write_all(b"line\n")?;
    }
    for _ in 0..options.rows {
        line.clear();
        log.write_line(&mut line);
        text.clear();
        match options.format {
            Format::Ndjson => json(&line, &mut text),
            Format::Csv => csv(&line, &mut text),
            Format::Lines => text.push_str(&line),
        }
        text.push('\n');
        out.write_all(text.as_bytes())?;
    }
    out.flush()
}

/// Lines hold no control characters.
fn json(line: &str, text: &mut String) {
    text.push_str("{\"line\":\"");
    for character in line.chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push_str("\"}");
}

/// Every field is quoted: an unquoted one that is empty would be an empty line, which readers of CSV skip.
fn csv(line: &str, text: &mut String) {
    text.push('"');
    text.push_str(&line.replace('"', "\"\""));
    text.push('"');
}

fn main() -> anyhow::Result<()> {
    match write(&options()?, &mut BufWriter::with_capacity(1 << 16, std::io::stdout().lock())) {
        // Whoever reads has had enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}
