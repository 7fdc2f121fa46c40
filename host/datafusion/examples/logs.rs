//! SQL over an access log: lines are parsed by a call each and kept as Parquet, and that is asked.
//!
//! `cargo run --manifest-path host/datafusion/Cargo.toml --example logs -- access-log.wasm`

use datafusion::arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::util::pretty::print_batches;
use datafusion::prelude::SessionContext;
use purefork::Executor;
use purefork_datafusion::{Errors, Query, QueryLimits, Scalar};
use purefork_examples::access_log::AccessLog;
use std::sync::Arc;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let guest = std::env::args().nth(1).ok_or("expected the path of access-log.wasm")?;
    let exec = Executor::new()?;
    let module = exec.load(guest)?;

    let ctx = SessionContext::new().enable_url_table();
    // Broken lines are null.
    ctx.register_udf(Scalar::new(&module, "parse")?.errors(Errors::Null).name("parse_line").into_udf());
    ctx.register_udf(Scalar::new(&module, "parse-ua")?.into_udf());

    let lines = StringArray::from_iter_values(AccessLog::new(0).take(20_000));
    ctx.register_batch("lines", RecordBatch::try_from_iter([("line", Arc::new(lines) as _)])?)?;
    let file = std::env::temp_dir().join(format!("purefork-logs-{}.parquet", std::process::id()));
    let to_parquet = format!(
        "COPY (SELECT entry['host'] AS host, entry['status'] AS status, entry['bytes'] AS bytes, entry['agent'] AS agent
               FROM (SELECT parse_line(line) AS entry FROM lines) WHERE entry IS NOT NULL)
         TO '{}'",
        file.display()
    );
    ctx.sql(&to_parquet).await?.collect().await?;

    let asked = format!(
        "SELECT ua['name'] AS browser, ua['system'] AS system, count(*) AS requests, sum(bytes) AS bytes
         FROM (SELECT parse_ua(agent) AS ua, bytes FROM '{}')
         GROUP BY 1, 2 ORDER BY requests DESC, 1, 2 LIMIT 8",
        file.display()
    );
    let limits = QueryLimits::new().timeout(Duration::from_secs(60));
    let found = Query::new(&ctx, limits).collect(&asked).await;
    std::fs::remove_file(&file)?;
    print_batches(&found?)?;
    Ok(())
}
