//! A function of two values as an aggregate of SQL.

use crate::callee::Callee;
use crate::error::{Error, ErrorKind};
use crate::query::Shared;
use crate::states::States;
use datafusion::arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use purefork::value::Type;
use purefork::{Module, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A function of a module that takes two values of a type and gives one, for SQL: an aggregate, which folds a column to one value.
///
/// It has to be associative and commutative: DataFusion folds each partition, and then what the partitions gave, in any order. So an
/// aggregate of floating-point numbers, whose sums depend on the order, may differ from run to run, as DataFusion's own `sum` does. Nulls
/// are left out; of no values it gives null.
///
/// ```
/// use datafusion::prelude::SessionContext;
/// use purefork::Executor;
/// use purefork_datafusion::Aggregate;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "xor") (param $a i64) (param $b i64) (result i64)
///     (i64.xor (local.get $a) (local.get $b))))"#)?;
/// let ctx = SessionContext::new();
/// ctx.register_udaf(Aggregate::new(&math, "xor")?.into_udaf());
/// let batches = ctx.sql("SELECT xor(a) FROM (VALUES (1), (2), (NULL)) t(a)").await?.collect().await?;
/// assert_eq!(batches[0].num_rows(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Aggregate {
    callee: Arc<Callee>,
    signature: Signature,
}

impl Aggregate {
    /// A function of a module. SQL calls it by its name, with `_` in place of `-`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Call`](crate::ErrorKind::Call), if there is no such function; [`ErrorKind::Binding`](crate::ErrorKind::Binding), if
    /// it does not take two values of a type and give one, or a `result` of one.
    pub fn new(module: &Module, function: &str) -> Result<Aggregate, Error> {
        let callee = Callee::new(module, function)?;
        let output = callee.output()?;
        if !matches!(callee.inspected.params.as_slice(), [left, right] if left.ty == right.ty && left.ty == output) {
            let message = format!(
                "expected a function that takes two values of a type and gives one, and not {}",
                callee.inspected
            );
            return Err(Error::new(ErrorKind::Binding, &callee.name, message));
        }
        callee.builder(&output)?;
        Ok(Aggregate { callee: Arc::new(callee), signature: Signature::user_defined(Volatility::Immutable) })
    }

    /// What SQL calls it. A name that is not in lower case has to be quoted there.
    pub fn name(mut self, name: impl Into<String>) -> Aggregate {
        Arc::make_mut(&mut self.callee).name = name.into().into();
        self
    }

    /// The function for `SessionContext::register_udaf`.
    pub fn into_udaf(self) -> AggregateUDF {
        AggregateUDF::new_from_impl(self)
    }

    pub(crate) fn of_query(&self, query: &Arc<Shared>) -> Aggregate {
        let mut own = self.clone();
        Arc::make_mut(&mut own.callee).query = Some(query.clone());
        own
    }
}

impl AggregateUDFImpl for Aggregate {
    fn name(&self) -> &str {
        &self.callee.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.coerce_types(types)?;
        Ok(self.callee.builder(&self.callee.output()?)?.data_type())
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [ty] = types else {
            let message = format!("as an aggregate it takes one column, and not {}", types.len());
            return Err(Error::new(ErrorKind::Binding, &self.callee.name, message).into());
        };
        self.callee.bind(&[ty.clone(), ty.clone()])?;
        Ok(types.to_vec())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.no_distinct(args.is_distinct)?;
        let folded = self.folded()?;
        folded.states().resize(1);
        Ok(Box::new(folded))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.no_distinct(args.is_distinct)?;
        Ok(Box::new(self.folded()?))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.no_distinct(args.is_distinct)?;
        let field = args.return_field.as_ref().clone().with_name(format!("{}[value]", args.name)).with_nullable(true);
        Ok(vec![Arc::new(field)])
    }
}

impl Aggregate {
    fn folded(&self) -> Result<Folded> {
        Ok(Folded { callee: self.callee.clone(), ty: self.callee.output()?, states: Arc::default() })
    }

    fn no_distinct(&self, is_distinct: bool) -> Result<()> {
        if is_distinct {
            let message = format!("`{}` has no DISTINCT: select distinct values in a subquery", self.callee.name);
            return Err(DataFusionError::NotImplemented(message));
        }
        Ok(())
    }
}

/// What the values seen so far are folded to: of one group, or of many.
#[derive(Debug)]
struct Folded {
    callee: Arc<Callee>,
    ty: Type,
    states: Arc<Mutex<States>>,
}

impl Folded {
    fn states(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fold_all(&self, columns: &[ArrayRef]) -> Result<()> {
        let [column] = columns else { return Ok(()) };
        Ok(self.callee.fold(&self.states, column, |_| Some(0))?)
    }

    fn fold_groups(
        &self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> Result<()> {
        self.states().resize(count);
        let [column] = columns else { return Ok(()) };
        let (groups, filter) = (groups.to_vec(), filter.cloned());
        let chosen = move |row| filter.as_ref().is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        Ok(self.callee.fold(&self.states, column, move |row| groups.get(row).copied().filter(|_| chosen(row)))?)
    }

    fn array<'a>(&self, states: impl Iterator<Item = Option<&'a Value>>) -> Result<ArrayRef> {
        let mut builder = self.callee.builder(&self.ty)?;
        for state in states {
            match state {
                Some(value) => builder.push(value).map_err(|error| Error::of_columns(&self.callee.name, &error))?,
                None => builder.push_null(),
            }
        }
        Ok(self.callee.finish(builder)?)
    }

    fn take(&self, emit: EmitTo) -> Result<ArrayRef> {
        let taken = self.states().take(|states| emit.take_needed(states));
        self.array(taken.iter().map(Option::as_ref))
    }

    fn scalar(&self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.array([self.states().get(0)].into_iter())?, 0)
    }
}

impl Accumulator for Folded {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.fold_all(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.scalar()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.states().size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.scalar()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.fold_all(states)
    }
}

impl GroupsAccumulator for Folded {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> Result<()> {
        self.fold_groups(values, groups, filter, count)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        self.take(emit)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take(emit)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], count: usize) -> Result<()> {
        self.fold_groups(values, groups, None, count)
    }

    /// Each row as a group of its own: no call is made.
    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let own = Folded { callee: self.callee.clone(), ty: self.ty.clone(), states: Arc::default() };
        let rows = values.first().map_or(0, |column| column.len());
        let groups: Vec<usize> = (0..rows).collect();
        own.fold_groups(values, &groups, filter, rows)?;
        Ok(vec![own.take(EmitTo::All)?])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.states().size()
    }
}
