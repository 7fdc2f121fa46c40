//! One call for many rows.

use crate::{access_log, assert_table, context, fails};
use purefork::{Executor, Limits};
use purefork_datafusion::{Errors, Scalar};

#[tokio::test]
async fn a_function_of_lists_gives_what_a_call_for_each_row_gives() {
    let ctx = context();
    ctx.register_udf(Scalar::new(access_log(), "parse").unwrap().errors(Errors::Null).into_udf());
    ctx.register_udf(Scalar::batch(access_log(), "parse-batch").unwrap().errors(Errors::Null).into_udf());
    let lines = purefork_examples::access_log::AccessLog::new(3).take(2000);
    let rows: Vec<String> = lines.map(|line| format!("('{}')", line.replace('\'', "''"))).collect();
    let rows = format!("(VALUES (NULL), {}) t(line)", rows.join(", "));
    assert_table!(
        &ctx,
        &format!(
            "SELECT count(*) AS rows, count(parse(line)) AS parsed, count(parse_batch(line)) AS batched,
                    sum(CASE WHEN parse(line) IS DISTINCT FROM parse_batch(line) THEN 1 ELSE 0 END) AS differ
             FROM {rows}"
        ),
        "+------+--------+---------+--------+
         | rows | parsed | batched | differ |
         +------+--------+---------+--------+
         | 2001 | 1997   | 1997    | 0      |
         +------+--------+---------+--------+"
    );
}

#[tokio::test]
async fn a_call_that_fails_is_an_error_of_no_row() {
    let exec = Executor::builder().threads(1).limits(Limits::default().fuel(500)).build().unwrap();
    let module = exec.load_bytes(access_log().bytes().unwrap()).unwrap();
    let ctx = context();
    ctx.register_udf(Scalar::batch(&module, "parse-batch").unwrap().into_udf());
    let sql = "SELECT parse_batch(column1) FROM (VALUES ('a'), ('b'), (NULL), ('c'), ('d'), ('e'), ('f'), ('g'))";
    let error = fails(&ctx, sql).await;
    assert_eq!(error.call().map(purefork::Error::kind), Some(purefork::ErrorKind::OutOfFuel));
    assert_eq!(error.row(), None);
    ctx.register_udf(Scalar::batch(&module, "parse-batch").unwrap().errors(Errors::Null).into_udf());
    let nulls = format!("SELECT count(*) AS n FROM ({sql}) t(a) WHERE a IS NULL");
    assert_table!(
        &ctx,
        &nulls,
        "
        +---+
        | n |
        +---+
        | 8 |
        +---+"
    );
}
