//! One query's limits, and its end.

use crate::aggregate::Aggregate;
use crate::error::{Error, ErrorKind};
use crate::scalar::Scalar;
use datafusion::arrow::array::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionContext;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use purefork::Future;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the functions of one query may use together, beside what the executor's [`Limits`](purefork::Limits) give each call.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueryLimits {
    timeout: Option<Duration>,
    fuel: Option<u64>,
}

impl QueryLimits {
    /// No limits.
    pub fn new() -> QueryLimits {
        QueryLimits::default()
    }

    /// Ends the query's calls when so much time has passed since [`Query::new`].
    pub fn timeout(mut self, timeout: Duration) -> QueryLimits {
        self.timeout = Some(timeout);
        self
    }

    /// Fuel for all calls of the query, in the units of [`Limits::fuel`](purefork::Limits::fuel). The row that goes beyond it fails. A
    /// call that fails counts nothing.
    pub fn fuel(mut self, units: u64) -> QueryLimits {
        self.fuel = Some(units);
        self
    }
}

/// A session for one query: it has what another one has, and its functions of modules keep to the query's limits.
///
/// When it is dropped, calls that run are interrupted, and none begins any more. So a future that owns it gives up its calls when it is
/// dropped itself; [`Query::collect`] is such a one. Of an executor that is [serial](purefork::Builder::serial) the call that runs goes on to
/// its end. Without a `Query`, rows of a query whose future is dropped go on to the end of the batch
/// that they are in.
///
/// ```
/// use datafusion::prelude::SessionContext;
/// use purefork::{Executor, Limits};
/// use purefork_datafusion::{Query, QueryLimits, Scalar};
/// use std::time::Duration;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let exec = Executor::builder().limits(Limits::default().fuel(1_000_000)).build()?;
/// let math = exec.load_bytes(r#"(module (func (export "double") (param $n i64) (result i64)
///     (i64.shl (local.get $n) (i64.const 1))))"#)?;
/// let ctx = SessionContext::new();
/// ctx.register_udf(Scalar::new(&math, "double")?.into_udf());
///
/// let limits = QueryLimits::new().timeout(Duration::from_secs(5));
/// let batches = Query::new(&ctx, limits).collect("SELECT double(21) AS n").await?;
/// assert_eq!(batches[0].num_rows(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Query {
    context: SessionContext,
    shared: Arc<Shared>,
}

impl Query {
    /// Begins a query: the time that it has runs from now on.
    pub fn new(session: &SessionContext, limits: QueryLimits) -> Query {
        let shared = Arc::new(Shared {
            over: AtomicBool::new(false),
            deadline: limits.timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            fuel: limits.fuel.map(AtomicU64::new),
            under_way: Mutex::default(),
        });
        let mut state = SessionStateBuilder::new_from_existing(session.state());
        if let Some(functions) = state.scalar_functions() {
            for function in functions {
                if let Some(own) = function.inner().downcast_ref::<Scalar>() {
                    *function = Arc::new(ScalarUDF::new_from_impl(own.of_query(&shared)));
                }
            }
        }
        if let Some(functions) = state.aggregate_functions() {
            for function in functions {
                if let Some(own) = function.inner().downcast_ref::<Aggregate>() {
                    *function = Arc::new(AggregateUDF::new_from_impl(own.of_query(&shared)));
                }
            }
        }
        Query { context: SessionContext::new_with_state(state.build()), shared }
    }

    /// The session. What is planned by it runs as long as the query is not dropped: keep it outside of the task that runs the plan, whose
    /// thread is busy while calls run.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Runs a query in a task of its own, and ends with it: also if the future is dropped, when calls that run are interrupted.
    ///
    /// # Errors
    ///
    /// Those of DataFusion; [`Error::of`] has what a function failed with.
    pub async fn collect(self, sql: &str) -> Result<Vec<RecordBatch>> {
        let (context, sql) = (self.context.clone(), sql.to_owned());
        let task = SpawnedTask::spawn(async move { context.sql(&sql).await?.collect().await });
        task.join_unwind().await.map_err(|error| DataFusionError::External(Box::new(error)))?
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl Drop for Query {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        let under_way = std::mem::take(&mut self.shared.under_way().jobs);
        under_way.values().for_each(|cancel| cancel());
    }
}

/// What the functions of a query have in common.
pub(crate) struct Shared {
    over: AtomicBool,
    deadline: Option<Instant>,
    /// What is left.
    fuel: Option<AtomicU64>,
    under_way: Mutex<UnderWay>,
}

/// Jobs that can be cancelled: one for each partition of the query, at the most.
#[derive(Default)]
struct UnderWay {
    next: u64,
    jobs: HashMap<u64, Box<dyn Fn() + Send>>,
}

impl Shared {
    fn under_way(&self) -> std::sync::MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether its time is over.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    pub(crate) fn counts_fuel(&self) -> bool {
        self.fuel.is_some()
    }

    /// Whether another call may begin.
    pub(crate) fn check(&self, function: &Arc<str>) -> Result<(), Error> {
        if self.over.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Query, function, "the query was given up"));
        }
        Ok(())
    }

    /// Takes what a call has used.
    pub(crate) fn use_fuel(&self, function: &Arc<str>, used: u64) -> Result<(), Error> {
        let Some(left) = &self.fuel else { return Ok(()) };
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(used));
        taken.map(|_| ()).map_err(|left| {
            let message = format!("the query is out of fuel: the call used {used}, and {left} was left");
            Error::new(ErrorKind::Query, function, message).with_help("give it more by `QueryLimits::fuel`")
        })
    }

    /// Waits for a job, which is cancelled if the query is given up meanwhile.
    pub(crate) fn wait<T: Clone + Send + 'static>(&self, job: Future<T>) -> purefork::Result<T> {
        let key = {
            let mut under_way = self.under_way();
            // Whoever gives the query up sets `over` first, and then takes the jobs.
            if self.over.load(Ordering::SeqCst) {
                job.cancel();
            }
            under_way.next += 1;
            let (key, job) = (under_way.next, job.clone());
            under_way.jobs.insert(key, Box::new(move || _ = job.cancel()));
            key
        };
        let result = job.wait();
        self.under_way().jobs.remove(&key);
        result
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("deadline", &self.deadline).field("fuel", &self.fuel).finish_non_exhaustive()
    }
}
