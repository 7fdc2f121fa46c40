//! A call for each row.

use crate::{OPTIONS, access_log, assert_table, context, executor, math, run};
use datafusion::prelude::SessionContext;
use purefork_datafusion::{Nulls, Scalar};

const AGENTS: &str = "(VALUES (1, 'curl/8.5.0'), (2, NULL), (3, 'Mozilla/5.0 (X11; Linux x86_64) Firefox/126.0'),
    (4, 'Mozilla/5.0 (compatible; bingbot/2.0)'), (5, '')) t(id, agent)";

fn with(names: &[&str]) -> SessionContext {
    let (ctx, math) = (context(), math());
    for name in names {
        ctx.register_udf(Scalar::new(&math, name).unwrap().into_udf());
    }
    ctx
}

fn with_logs() -> SessionContext {
    let ctx = context();
    ctx.register_udf(Scalar::new(access_log(), "parse-ua").unwrap().into_udf());
    ctx
}

#[tokio::test]
async fn rows_of_a_parquet_file_become_structures() {
    let ctx = with_logs();
    let file = format!("{}/agents.parquet", env!("CARGO_TARGET_TMPDIR"));
    let _ = std::fs::remove_file(&file);
    run(&ctx, &format!("COPY (SELECT * FROM {AGENTS}) TO '{file}'")).await.unwrap();
    assert_table!(
        &ctx,
        &format!("SELECT id, parse_ua(agent) AS ua FROM '{file}' ORDER BY id"),
        "+----+----------------------------------------------------------+
         | id | ua                                                       |
         +----+----------------------------------------------------------+
         | 1  | {name: curl, version: 8, system: , bot: false}           |
         | 2  |                                                          |
         | 3  | {name: Firefox, version: 126, system: Linux, bot: false} |
         | 4  | {name: , version: , system: , bot: true}                 |
         | 5  | {name: , version: , system: , bot: false}                |
         +----+----------------------------------------------------------+"
    );
}

#[tokio::test]
async fn fields_of_results_are_selected_grouped_and_filtered() {
    assert_table!(
        &with_logs(),
        &format!(
            "SELECT parse_ua(agent)['name'] AS name, count(*) AS n FROM {AGENTS}
             WHERE NOT parse_ua(agent)['bot'] GROUP BY 1 ORDER BY n DESC, 1"
        ),
        "+---------+---+
         | name    | n |
         +---------+---+
         | Firefox | 1 |
         | curl    | 1 |
         |         | 1 |
         +---------+---+"
    );
}

#[tokio::test]
async fn every_kind_of_text_column_is_taken() {
    let ctx = with_logs();
    for ty in ["Utf8", "LargeUtf8", "Utf8View", "Dictionary(Int32, Utf8)"] {
        assert_table!(
            &ctx,
            &format!("SELECT parse_ua(arrow_cast(agent, '{ty}'))['version'] AS version FROM {AGENTS} ORDER BY id"),
            "+---------+
             | version |
             +---------+
             | 8       |
             |         |
             | 126     |
             |         |
             |         |
             +---------+"
        );
    }
}

#[tokio::test]
async fn a_null_gives_null_unless_the_parameter_is_an_option() {
    let ctx = with(&["add"]);
    let options = executor().load_bytes(OPTIONS).unwrap();
    ctx.register_udf(Scalar::new(&options, "or-minus").unwrap().into_udf());
    assert_table!(
        &ctx,
        "SELECT add(a, 1), or_minus(a), add(NULL, 1), or_minus(NULL) FROM (VALUES (1), (NULL), (3)) t(a)",
        "+-------------------+---------------+--------------------+----------------+
         | add(t.a,Int64(1)) | or_minus(t.a) | add(NULL,Int64(1)) | or_minus(NULL) |
         +-------------------+---------------+--------------------+----------------+
         | 2                 | 1             |                    | -1             |
         |                   | -1            |                    | -1             |
         | 4                 | 3             |                    | -1             |
         +-------------------+---------------+--------------------+----------------+"
    );
    ctx.register_udf(Scalar::new(&math(), "add").unwrap().nulls(Nulls::Fail).into_udf());
    let error = crate::fails(&ctx, "SELECT add(a, 1) FROM (VALUES (1), (NULL)) t(a)").await;
    assert_eq!(
        error.to_string(),
        "`add`, row 1 of a batch: the column for `a` is null, but i64 has none\n  make the parameter an option, or have the results of such rows be null"
    );
}

#[tokio::test]
async fn constants_columns_no_rows_and_no_parameters_are_all_calls() {
    let ctx = with(&["add", "half", "answer"]);
    assert_table!(
        &ctx,
        "SELECT half(3) AS a, answer() AS b, add(answer(), -2) AS c",
        "
        +-----+----+----+
        | a   | b  | c  |
        +-----+----+----+
        | 1.5 | 42 | 40 |
        +-----+----+----+"
    );
    let none = "SELECT add(a, 1) AS b, answer() AS c FROM (SELECT column1 AS a FROM (VALUES (1), (2)) LIMIT 0)";
    assert_eq!(
        ctx.sql(none).await.unwrap().collect().await.unwrap().iter().map(|batch| batch.num_rows()).sum::<usize>(),
        0
    );
    assert_table!(
        &ctx,
        "SELECT add(column1, answer()) AS b FROM (VALUES (1), (2), (3), (4)) ORDER BY b LIMIT 2",
        "
        +----+
        | b  |
        +----+
        | 43 |
        | 44 |
        +----+"
    );
}

#[tokio::test]
async fn calls_of_constants_are_made_when_the_query_is_planned() {
    let plan = run(&with(&["add"]), "EXPLAIN SELECT a FROM (VALUES (1), (2)) t(a) WHERE add(a, 0) > add(20, 22)").await;
    let plan = plan.unwrap();
    assert!(plan.contains("> Int64(42)") && !plan.contains("Int64(20)"), "{plan}");
}

#[tokio::test]
async fn types_that_do_not_fit_and_wrong_counts_are_told_when_the_query_is_planned() {
    let ctx = with(&["add", "div"]);
    for (sql, expected) in [
        (
            "SELECT add(1)",
            "`add`: expected a column for the parameter `b` of `add(a: i64, b: i64) -> i64`, but was given 1.",
        ),
        (
            "SELECT add('1', 2)",
            "`add`: column 0 (Utf8) does not fit the parameter `a: i64` of `add(a: i64, b: i64) -> i64`: a text is no i64",
        ),
        ("SELECT add(1, 2, 3)", "`add`: expected 2 columns for `add(a: i64, b: i64) -> i64`, but was given 3."),
    ] {
        let error = run(&ctx, sql).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_number_that_is_not_one_of_the_type_fails_its_row() {
    let error = crate::fails(&with(&["div"]), "SELECT div(a, 1) FROM (VALUES (1), (2), (3000000000)) t(a)").await;
    assert_eq!(
        error.to_string(),
        "`div`, row 2 of a batch: the column for `a`: expected i32, a whole number from -2147483648 to 2147483647, but the number is 3000000000"
    );
    assert_eq!(error.row(), Some(2));
}
