//! A function of a module as one of SQL that gives a value for each row.

use crate::callee::Callee;
use crate::error::{Error, ErrorKind};
use crate::query::Shared;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use purefork::Module;
use purefork_arrow::{Errors, Nulls};
use std::sync::Arc;

/// A function of a module, for SQL: every row is a call, in a state of its own.
///
/// It is *immutable*, as DataFusion calls it, and that holds: the audit has proven that a call sees its arguments and nothing else. So
/// a call whose arguments are constants is made once, when the query is planned.
///
/// ```
/// use datafusion::prelude::SessionContext;
/// use purefork::Executor;
/// use purefork_datafusion::Scalar;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "add") (param $a i64) (param $b i64) (result i64)
///     (i64.add (local.get $a) (local.get $b))))"#)?;
/// let ctx = SessionContext::new();
/// ctx.register_udf(Scalar::new(&math, "add")?.into_udf());
/// let batches = ctx.sql("SELECT add(a, 40) FROM (VALUES (1), (2), (NULL)) t(a)").await?.collect().await?;
/// assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scalar {
    callee: Arc<Callee>,
    signature: Signature,
}

impl Scalar {
    /// A function of a module. SQL calls it by its name, with `_` in place of `-`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Call`](crate::ErrorKind::Call), if there is no such function; [`ErrorKind::Binding`](crate::ErrorKind::Binding), if
    /// what it gives has no form in Arrow.
    pub fn new(module: &Module, function: &str) -> Result<Scalar, Error> {
        let callee = Callee::new(module, function)?;
        callee.builder(&callee.output()?)?;
        Ok(Scalar { callee: Arc::new(callee), signature: Signature::user_defined(Volatility::Immutable) })
    }

    /// A function that takes a list for each argument and gives a list with an element for each row: one call for each batch of rows
    /// that DataFusion passes, of which there are up to 8,192 (`datafusion.execution.batch_size`). The rows of a batch share a state.
    ///
    /// # Errors
    ///
    /// As [`Scalar::new`], and [`ErrorKind::Binding`](crate::ErrorKind::Binding), if it takes or gives something else than lists.
    pub fn batch(module: &Module, function: &str) -> Result<Scalar, Error> {
        use purefork::value::Type;
        let callee = Callee { batch: true, ..Callee::new(module, function)? };
        callee.builder(&callee.output()?)?;
        if let Some(param) = callee.inspected.params.iter().find(|param| !matches!(param.ty, Type::List(_))) {
            let message = format!("expected a list for each argument, but `{}` is {}", param.name, param.ty.brief());
            return Err(Error::new(ErrorKind::Binding, &callee.name, message).with_help("call it row by row"));
        }
        if callee.inspected.params.is_empty() {
            let message =
                "expected a list for each argument, but it takes none, and would not know how many rows there are";
            return Err(Error::new(ErrorKind::Binding, &callee.name, message).with_help("call it row by row"));
        }
        Ok(Scalar { callee: Arc::new(callee), signature: Signature::user_defined(Volatility::Immutable) })
    }

    /// What SQL calls it. A name that is not in lower case has to be quoted there.
    pub fn name(self, name: impl Into<String>) -> Scalar {
        self.with(|callee| callee.name = name.into().into())
    }

    /// What becomes of a row with a null for a parameter that is no option: null by default, as SQL does; or the query fails.
    pub fn nulls(self, nulls: Nulls) -> Scalar {
        self.with(|callee| callee.nulls = nulls)
    }

    /// What becomes of a row whose call fails or gives an `err`: the query fails by default; or the result is null.
    pub fn errors(self, errors: Errors) -> Scalar {
        self.with(|callee| callee.errors = errors)
    }

    /// The function for `SessionContext::register_udf`.
    pub fn into_udf(self) -> ScalarUDF {
        ScalarUDF::new_from_impl(self)
    }

    pub(crate) fn of_query(&self, query: &Arc<Shared>) -> Scalar {
        self.clone().with(|callee| callee.query = Some(query.clone()))
    }

    fn with(mut self, change: impl FnOnce(&mut Callee)) -> Scalar {
        change(Arc::make_mut(&mut self.callee));
        self
    }

    fn output(&self) -> Result<DataType> {
        let callee = &self.callee;
        Ok(callee.builder(&callee.output()?)?.data_type())
    }
}

impl ScalarUDFImpl for Scalar {
    fn name(&self) -> &str {
        &self.callee.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.callee.bind(types)?;
        self.output()
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, true)))
    }

    /// Nothing is cast: what is given is passed if it is exactly a value of the parameter's type.
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.callee.bind(types)?;
        Ok(types.to_vec())
    }

    fn is_strict(&self) -> bool {
        self.callee.is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        // The same arguments in every row give the same result: one call.
        let rows = if constant { 1 } else { args.number_rows };
        let columns: Vec<ArrayRef> = args.args.iter().map(|arg| arg.to_array_of_size(rows)).collect::<Result<_>>()?;
        let column = self.callee.column(&columns, rows)?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&column, 0)?));
        }
        Ok(ColumnarValue::Array(column))
    }
}
