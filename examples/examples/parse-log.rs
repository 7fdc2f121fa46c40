//! Rows in, rows out: lines of an access log from stdin, as the example `access-log` writes them, each parsed by a call of a guest.
//! Broken lines are counted, and left out.
//!
//! `cargo run --release --example parse-log -- access-log.wasm < log.ndjson`, with a guest that has `parse(line)`; or
//! `… -- snippet-py.wasm 'main = parse'`, with one that runs code as text.

use anyhow::{Context as _, bail};
use purefork::{Builder, Executor, Value};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::io::{BufRead as _, BufWriter, Write as _};

#[derive(Deserialize)]
struct Row {
    line: String,
}

/// What a line says. The fields of JSON that a snippet gives are put in this order, without spaces.
#[derive(Deserialize, Serialize)]
struct Entry {
    host: String,
    user: Option<String>,
    time: i64,
    method: Option<String>,
    path: Option<String>,
    protocol: Option<String>,
    status: u16,
    bytes: Option<u64>,
    referer: Option<String>,
    agent: Option<String>,
}

/// Calls the guest with each row, on all cores, and gives results in the rows' order; what is in memory is bounded.
fn parse<'a>(
    guest: &str,
    code: Option<&str>,
    rows: impl Iterator<Item = Row> + 'a,
) -> anyhow::Result<Box<dyn Iterator<Item = purefork::Result<Value>> + 'a>> {
    let mut builder = Executor::builder();
    if let Some(dir) = Builder::default_cache_dir() {
        builder = builder.cache_dir(dir);
    }
    let exec = builder.build()?;
    let module = exec.load(guest)?;
    let Some(code) = code else {
        let parse = module.function::<String, Value>("parse")?;
        return Ok(Box::new(parse.map(rows.map(|row| row.line)).inspect(move |_| _ = &exec)));
    };
    let code = code.to_owned();
    let run = module.function::<(String, String), Value>("run")?;
    // What a snippet takes is JSON: here, a string.
    let rows = rows.map(move |row| (code.clone(), Value::from(row.line).to_json()));
    Ok(Box::new(run.map(rows).inspect(move |_| _ = &exec)))
}

/// A row of what was found; `None` if the line is broken.
fn row(result: &Value) -> anyhow::Result<Option<String>> {
    Ok(match result {
        Value::Result(Ok(Some(value))) => match &**value {
            Value::String(text) => Some(serde_json::to_string(&serde_json::from_str::<Entry>(text)?)?),
            record => Some(record.to_json()),
        },
        Value::Result(Err(_)) => None,
        other => bail!("expected a `result`, and the guest gives {other}"),
    })
}

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let guest = words.next().context("expected the path of a guest: `parse-log GUEST.wasm [CODE] < log.ndjson`")?;
    let code = words.next();
    // The first row that cannot be read ends the rows.
    let unread = RefCell::new(None);
    let rows = std::io::stdin().lock().lines().enumerate().map_while(|(at, line)| {
        let row = line.map_err(anyhow::Error::from).and_then(|line| Ok(serde_json::from_str(&line)?));
        row.map_err(|error| *unread.borrow_mut() = Some(error.context(format!("row {}", at + 1)))).ok()
    });
    let mut output = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut broken = 0;
    for result in parse(&guest, code.as_deref(), rows)? {
        match row(&result?)? {
            Some(row) => writeln!(output, "{row}")?,
            None => broken += 1,
        }
    }
    output.flush()?;
    eprintln!("{broken} lines are broken");
    unread.take().map_or(Ok(()), Err)
}
