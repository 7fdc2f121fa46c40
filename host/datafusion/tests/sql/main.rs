//! SQL in, tables out.

mod aggregates;
mod batches;
mod errors;
mod queries;
mod scalars;

use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use purefork::{Executor, Module};
use purefork_datafusion::Error;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Functions of numbers. `div` traps by zero; `spin` never ends if it is given 1; `or-minus` takes an option; `left` is not commutative.
const MATH: &str = r#"(module
    (func (export "add") (param $a i64) (param $b i64) (result i64) (i64.add (local.get $a) (local.get $b)))
    (func (export "div") (param $a i32) (param $b i32) (result i32) (i32.div_s (local.get $a) (local.get $b)))
    (func (export "half") (param $x f64) (result f64) (f64.mul (local.get $x) (f64.const 0.5)))
    (func (export "spin") (param $n i64) (result i64)
        (loop $again (br_if $again (i64.eq (local.get $n) (i64.const 1))))
        (local.get $n))
    (func (export "work") (param $n i64) (result i64) (local $i i64)
        (loop $again
            (local.set $i (i64.add (local.get $i) (i64.const 1)))
            (br_if $again (i64.lt_u (local.get $i) (local.get $n))))
        (local.get $i))
    (func (export "answer") (result i32) (i32.const 42)))"#;

const OPTIONS: &str = r#"(component
    (core module $m
        (func (export "or-minus") (param i32 i64) (result i64)
            (select (local.get 1) (i64.const -1) (local.get 0))))
    (core instance $i (instantiate $m))
    (func (export "or-minus") (param "n" (option s64)) (result s64) (canon lift (core func $i "or-minus"))))"#;

fn executor() -> &'static Executor {
    static EXECUTOR: OnceLock<Executor> = OnceLock::new();
    EXECUTOR.get_or_init(|| Executor::builder().threads(2).build().expect("the executor starts"))
}

fn math() -> Module {
    executor().load_bytes(MATH).expect("the module is pure")
}

/// The guest of `examples/rust/access-log`.
fn access_log() -> &'static Module {
    static MODULE: OnceLock<Module> = OnceLock::new();
    MODULE.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("access-log.wasm");
        let mut build = Command::new(root.join("guest/toolchain"));
        build.arg("build").arg(root.join("examples/rust/access-log")).arg("-o").arg(&path);
        build.env_remove("CARGO_TARGET_DIR");
        assert!(build.status().expect("guest/toolchain runs").success(), "the guest is not built");
        executor().load(&path).expect("the guest is pure")
    })
}

/// Four partitions, and small batches.
fn context() -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(4).with_batch_size(3);
    SessionContext::new_with_config(config).enable_url_table()
}

async fn run(ctx: &SessionContext, sql: &str) -> Result<String, DataFusionError> {
    let batches = ctx.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

async fn table(ctx: &SessionContext, sql: &str) -> String {
    run(ctx, sql).await.unwrap_or_else(|error| format!("{error}"))
}

async fn fails(ctx: &SessionContext, sql: &str) -> Error {
    let error = run(ctx, sql).await.expect_err("it fails");
    Error::of(&error).unwrap_or_else(|| panic!("another error: {error}")).clone()
}

fn lines(text: &str) -> String {
    let text: Vec<_> = text.trim().lines().map(str::trim).collect();
    text.join("\n")
}

macro_rules! assert_table {
    ($ctx:expr, $sql:expr, $expected:expr) => {
        assert_eq!(crate::table($ctx, $sql).await, crate::lines($expected))
    };
}
pub(crate) use assert_table;
