//! Limits of a query, and its end.

use crate::{context, math};
use datafusion::arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;
use purefork::{Executor, Limits};
use purefork_datafusion::{Aggregate, Error, ErrorKind, Errors, Query, QueryLimits, Scalar};
use std::time::Duration;

const SPIN: &str = "SELECT spin(a) FROM (VALUES (0), (1), (2)) t(a)";

fn with_math() -> SessionContext {
    let (ctx, math) = (context(), math());
    for name in ["spin", "work"] {
        ctx.register_udf(Scalar::new(&math, name).unwrap().errors(Errors::Null).into_udf());
    }
    ctx.register_udaf(Aggregate::new(&math, "add").unwrap().into_udaf());
    ctx
}

fn error(result: datafusion::error::Result<Vec<RecordBatch>>) -> Error {
    let error = result.expect_err("it fails");
    Error::of(&error).unwrap_or_else(|| panic!("another error: {error}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_out_of_time_fails() {
    let limits = QueryLimits::new().timeout(Duration::from_millis(20));
    let error = error(Query::new(&with_math(), limits).collect(SPIN).await);
    // Of the row that never ends, or of an earlier one, if it took as long to get there.
    assert_eq!(error.call().map(purefork::Error::kind), Some(purefork::ErrorKind::Timeout));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_whose_future_is_dropped_ends_its_calls() {
    let ctx = with_math();
    let query = Query::new(&ctx, QueryLimits::new()).collect(SPIN);
    assert!(tokio::time::timeout(Duration::from_millis(50), query).await.is_err());
    // Were the call not interrupted, a thread of the runtime would not come to its end, and neither would this test.
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_planned_by_a_query_that_is_dropped_does_not_run() {
    let ctx = with_math();
    let query = Query::new(&ctx, QueryLimits::new());
    let planned = query.context().sql("SELECT work(a) FROM (VALUES (1)) t(a)").await.unwrap();
    drop(query);
    assert_eq!(error(planned.collect().await).to_string(), "`work`: the query was given up");
    // The session that it was made of goes on.
    assert_eq!(ctx.sql("SELECT work(3)").await.unwrap().collect().await.unwrap()[0].num_rows(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_out_of_fuel_fails_and_another_has_its_own() {
    let ctx = with_math();
    let sql = "SELECT add(work(value)) FROM range(20)";
    let limits = QueryLimits::new().fuel(1000);
    let failed = error(Query::new(&ctx, limits).collect(sql).await);
    assert_eq!(failed.kind(), ErrorKind::Query);
    assert!(failed.message().starts_with("the query is out of fuel: the call used "), "{failed}");
    assert_eq!(Query::new(&ctx, limits.fuel(100_000)).collect(sql).await.unwrap()[0].num_rows(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_an_executor_are_those_of_each_call() {
    let exec = Executor::builder().threads(1).limits(Limits::default().fuel(1000)).build().unwrap();
    let module = exec.load_bytes(crate::MATH).unwrap();
    let ctx = context();
    ctx.register_udf(Scalar::new(&module, "work").unwrap().into_udf());
    let error = error(ctx.sql("SELECT work(a) FROM (VALUES (10), (100000)) t(a)").await.unwrap().collect().await);
    assert_eq!(error.call().map(purefork::Error::kind), Some(purefork::ErrorKind::OutOfFuel));
    assert_eq!(error.row(), Some(1));
}
