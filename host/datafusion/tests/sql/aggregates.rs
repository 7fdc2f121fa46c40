//! Columns folded to one value.

use crate::{assert_table, math, run, table};
use datafusion::prelude::{SessionConfig, SessionContext};
use purefork_datafusion::Aggregate;

fn with(partitions: usize) -> SessionContext {
    let ctx =
        SessionContext::new_with_config(SessionConfig::new().with_target_partitions(partitions).with_batch_size(100));
    ctx.register_udaf(Aggregate::new(&math(), "add").unwrap().name("total").into_udaf());
    ctx
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aggregate_is_the_same_on_any_number_of_partitions() {
    let sql = "SELECT value % 7 AS g, total(value) AS own, sum(value) AS theirs FROM range(5000) GROUP BY 1 ORDER BY 1";
    let one = table(&with(1), sql).await;
    assert_eq!(table(&with(4), sql).await, one);
    assert_table!(
        &with(4),
        "SELECT total(value) AS own, sum(value) AS theirs FROM range(5000)",
        "+----------+----------+
         | own      | theirs   |
         +----------+----------+
         | 12497500 | 12497500 |
         +----------+----------+"
    );
}

#[tokio::test]
async fn nulls_are_left_out_and_no_values_give_null() {
    assert_table!(
        &with(2),
        "SELECT g, total(a) AS b FROM (VALUES ('x', 1), ('x', NULL), ('x', 41), ('y', NULL)) t(g, a) GROUP BY g ORDER BY g",
        "+---+----+
         | g | b  |
         +---+----+
         | x | 42 |
         | y |    |
         +---+----+"
    );
    assert_table!(
        &with(2),
        "SELECT total(a) AS b FROM (VALUES (1)) t(a) WHERE a > 1",
        "
        +---+
        | b |
        +---+
        |   |
        +---+"
    );
    assert_table!(
        &with(2),
        "SELECT total(a) FILTER (WHERE a > 1) AS b FROM (VALUES (1), (2), (40)) t(a)",
        "
        +----+
        | b  |
        +----+
        | 42 |
        +----+"
    );
}

#[tokio::test]
async fn groups_are_folded_each_by_itself_with_a_filter_and_as_they_are_complete() {
    let sql = "SELECT sum(own - theirs) AS off, count(*) AS groups, count(own) AS folded FROM
               (SELECT value % 997 AS g, total(value) FILTER (WHERE value % 997 > 9) AS own, sum(value) AS theirs
                FROM range(20000) GROUP BY 1)";
    let expected = "+-----+--------+--------+
                    | off | groups | folded |
                    +-----+--------+--------+
                    | 0   | 997    | 987    |
                    +-----+--------+--------+";
    assert_table!(&with(1), sql, expected);
    assert_table!(&with(4), sql, expected);
    // Sorted input: groups are emitted before the end.
    assert_table!(
        &with(1),
        "SELECT count(*) AS groups, sum(own) AS b FROM
         (SELECT g, total(g) AS own FROM (SELECT value / 10 AS g FROM range(5000) ORDER BY 1) GROUP BY g)",
        "+--------+---------+
         | groups | b       |
         +--------+---------+
         | 500    | 1247500 |
         +--------+---------+"
    );
}

#[tokio::test]
async fn an_aggregate_is_a_window_function_too() {
    assert_table!(
        &with(2),
        "SELECT a, total(a) OVER (ORDER BY a) AS b FROM (VALUES (1), (2), (3)) t(a) ORDER BY a",
        "+---+---+
         | a | b |
         +---+---+
         | 1 | 1 |
         | 2 | 3 |
         | 3 | 6 |
         +---+---+"
    );
}

#[tokio::test]
async fn one_distinct_column_is_folded_and_several_are_refused() {
    assert_table!(
        &with(2),
        "SELECT total(DISTINCT a) AS b FROM (VALUES (1), (41), (1)) t(a)",
        "+----+
         | b  |
         +----+
         | 42 |
         +----+"
    );
    let sql = "SELECT total(DISTINCT a), total(DISTINCT b) FROM (VALUES (1, 2)) t(a, b)";
    assert_eq!(
        run(&with(1), sql).await.unwrap_err().to_string(),
        "This feature is not implemented: `total` has no DISTINCT: select distinct values in a subquery"
    );
}

#[tokio::test]
async fn columns_that_do_not_fit_are_refused_when_the_query_is_planned() {
    for (sql, expected) in [
        ("SELECT total(a, a) FROM (VALUES (1)) t(a)", "`total`: as an aggregate it takes one column, and not 2"),
        (
            "SELECT total(a) FROM (VALUES ('x')) t(a)",
            "`total`: column 0 (Utf8) does not fit the parameter `a: i64` of `add(a: i64, b: i64) -> i64`: a text is no i64",
        ),
    ] {
        let error = run(&with(1), sql).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
