//! Rows that fail.

use crate::{access_log, assert_table, context, fails, math};
use purefork_datafusion::{Aggregate, ErrorKind, Errors, Scalar};

#[tokio::test]
async fn a_trap_tells_the_row_and_what_the_call_ended_with() {
    let ctx = context();
    ctx.register_udf(Scalar::new(&math(), "div").unwrap().into_udf());
    let error = fails(&ctx, "SELECT div(6, a) FROM (VALUES (1), (2), (0)) t(a)").await;
    assert_eq!(error.to_string(), "`div`, row 2 of a batch: `div` trapped: integer divide by zero");
    assert_eq!((error.kind(), error.row(), error.function()), (ErrorKind::Call, Some(2), "div"));
    assert_eq!(error.call().map(purefork::Error::kind), Some(purefork::ErrorKind::Trap));
}

#[tokio::test]
async fn an_err_tells_the_row_and_the_text_of_the_guest() {
    let ctx = context();
    ctx.register_udf(Scalar::new(access_log(), "parse").unwrap().into_udf());
    let error = fails(&ctx, "SELECT parse(line) FROM (VALUES (NULL), ('h - \u{1b}[')) t(line)").await;
    assert_eq!(
        error.to_string(),
        "`parse`, row 1 of a batch: it gave err(\"column 5: expected a user, a space and `[`\")"
    );
    assert_eq!((error.kind(), error.row()), (ErrorKind::Err, Some(1)));
}

#[tokio::test]
async fn rows_that_fail_may_be_null() {
    let ctx = context();
    ctx.register_udf(Scalar::new(&math(), "div").unwrap().errors(Errors::Null).into_udf());
    assert_table!(
        &ctx,
        "SELECT div(6, a) AS b FROM (VALUES (1), (0), (NULL), (4)) t(a)",
        "
        +---+
        | b |
        +---+
        | 6 |
        |   |
        |   |
        | 1 |
        +---+"
    );
}

#[tokio::test]
async fn what_cannot_be_registered_says_why() {
    let math = math();
    let scalar = |name| Scalar::new(&math, name).unwrap_err().to_string();
    assert_eq!(scalar("ad"), "`ad`: the module exports no function `ad`\n  did you mean `add`?");
    assert_eq!(
        Scalar::batch(&math, "add").unwrap_err().to_string(),
        "`add`: expected a list with an element for each row, but it gives i64\n  call it row by row"
    );
    assert_eq!(
        Aggregate::new(&math, "half").unwrap_err().to_string(),
        "`half`: expected a function that takes two values of a type and gives one, and not half(x: f64) -> f64"
    );
}
