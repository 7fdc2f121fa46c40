//! The same parser without WebAssembly: rows `{"line": "..."}` from stdin, a row for each line that is not broken to stdout.
//!
//! `cargo run --release -p access-log --example native < log.ndjson > native.ndjson`

#[path = "../src/parse.rs"]
mod parse;

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{BufRead as _, BufWriter, Write as _};

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    line: Cow<'a, str>,
}

#[derive(Serialize)]
struct Entry<'a> {
    host: &'a str,
    user: Option<&'a str>,
    time: i64,
    method: Option<&'a str>,
    path: Option<&'a str>,
    protocol: Option<&'a str>,
    status: u16,
    bytes: Option<u64>,
    referer: Option<&'a str>,
    agent: Option<&'a str>,
}

fn main() -> std::io::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut output = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let (mut text, mut broken) = (String::new(), 0);
    loop {
        text.clear();
        if input.read_line(&mut text)? == 0 {
            break;
        }
        let row: Row<'_> = serde_json::from_str(&text)?;
        let Ok(entry) = parse::parse(&row.line) else {
            broken += 1;
            continue;
        };
        let entry = Entry {
            host: entry.host,
            user: entry.user,
            time: entry.time,
            method: entry.method.as_deref(),
            path: entry.path.as_deref(),
            protocol: entry.protocol.as_deref(),
            status: entry.status,
            bytes: entry.bytes,
            referer: entry.referer.as_deref(),
            agent: entry.agent.as_deref(),
        };
        serde_json::to_writer(&mut output, &entry)?;
        output.write_all(b"\n")?;
    }
    output.flush()?;
    eprintln!("{broken} lines are broken");
    Ok(())
}
