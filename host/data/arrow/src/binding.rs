//! Which column gives which parameter, and what the result becomes.

use crate::error::{Error, ErrorKind, Misfit, Result, shown};
use crate::names::same;
use crate::read;
use crate::rows::Rows;
use crate::write::{self, ResultBuilder, Variants};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use purefork::Value;
use purefork::inspect::InspectedFunction;
use purefork::value::Type;
use std::sync::Arc;

/// What becomes of a row that has a null for a parameter that is no option.
///
/// A null within a value, in a list or a record, fails its row in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// It fails.
    #[default]
    Fail,
    /// Its result is null, and no call is made: what SQL does.
    Null,
}

/// How columns are bound to parameters; made by [`Bind::new`], and changed by its methods.
#[derive(Clone, Debug, Default)]
pub struct Bind {
    pub(crate) nulls: Nulls,
    pub(crate) batch: bool,
    pub(crate) variants: Variants,
    pub(crate) fixed: Vec<(String, Value)>,
}

impl Bind {
    /// A call for each row; a null where none can be is an error.
    pub fn new() -> Bind {
        Bind::default()
    }

    /// What becomes of nulls.
    pub fn nulls(mut self, nulls: Nulls) -> Bind {
        self.nulls = nulls;
        self
    }

    /// Makes a call for many rows. The function takes a list for each column and gives a list with an element for each row.
    pub fn batch(mut self, batch: bool) -> Bind {
        self.batch = batch;
        self
    }

    /// How variants and results are held.
    pub fn variants(mut self, variants: Variants) -> Bind {
        self.variants = variants;
        self
    }

    /// Gives a parameter the same value in every call.
    pub fn fixed(mut self, parameter: impl Into<String>, value: Value) -> Bind {
        self.fixed.push((parameter.into(), value));
        self
    }
}

/// Where a parameter's value comes from.
#[derive(Clone, Debug)]
pub(crate) enum From {
    /// A column, by its position.
    Column(usize),
    Fixed(Value),
}

#[derive(Clone, Debug)]
pub(crate) struct Param {
    pub(crate) name: Arc<str>,
    /// The type of a row's value: in batches, of an element.
    pub(crate) ty: Type,
    pub(crate) from: From,
}

/// Parameters, and where the values of each come from.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// The function, for messages.
    pub(crate) function: Arc<str>,
    pub(crate) params: Vec<Param>,
    pub(crate) nulls: Nulls,
}

impl Bound {
    /// Binds parameters, whose types are those of a row's values, to the columns of their names.
    #[cfg(feature = "files")]
    pub(crate) fn by_name<'a>(
        schema: &Schema,
        function: &str,
        params: impl Iterator<Item = (&'a str, &'a Type)>,
        nulls: Nulls,
    ) -> Result<Bound> {
        let params = params.map(|(name, ty)| {
            let (at, column, data) = find(schema, function, name)?;
            fits(&data, ty).map_err(|misfit| unfit(Some(&column), at, &data, name, ty, function, &misfit))?;
            Ok(Param { name: name.into(), ty: ty.clone(), from: From::Column(at) })
        });
        Ok(Bound { function: function.into(), params: params.collect::<Result<_>>()?, nulls })
    }

    pub(crate) fn columns(&self) -> Vec<usize> {
        let columns = self.params.iter().filter_map(|param| match param.from {
            From::Column(at) => Some(at),
            From::Fixed(_) => None,
        });
        columns.collect()
    }
}

/// The column of a parameter's name.
fn find(schema: &Schema, function: &str, name: &str) -> Result<(usize, String, DataType)> {
    let mut found = schema.fields().iter().enumerate().filter(|(_, field)| same(field.name(), name));
    match (found.next(), found.next()) {
        (Some((at, field)), None) => Ok((at, field.name().clone(), field.data_type().clone())),
        (Some(_), Some(_)) => {
            Err(Error::new(ErrorKind::Binding, format!("the column `{name}` of `{function}` is there twice"))
                .with_help("rename one of them"))
        }
        (None, _) => {
            let known: Vec<_> =
                schema.fields().iter().take(20).map(|field| format!("`{}`", shown(field.name()))).collect();
            let more = if schema.fields().len() > 20 { ", …" } else { "" };
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") + more };
            Err(Error::new(
                ErrorKind::Binding,
                format!("there is no column for the parameter `{name}` of `{function}`; there is {known}"),
            )
            .with_help("rename a column, or give the parameter a fixed value"))
        }
    }
}

fn fits(data: &DataType, ty: &Type) -> std::result::Result<(), Misfit> {
    read::check(data, ty)
}

fn unfit(
    column: Option<&str>,
    at: usize,
    data: &DataType,
    name: &str,
    ty: &Type,
    function: &str,
    misfit: &Misfit,
) -> Error {
    let column = match column {
        Some(column) => format!("the column `{}`", shown(column)),
        None => format!("column {at}"),
    };
    let ty = ty.brief();
    Error::new(
        ErrorKind::Binding,
        format!("{column} ({data}) does not fit the parameter `{name}: {ty}` of `{function}`: {misfit}"),
    )
    .with_help("cast the column, or change the parameter's type")
}

/// Columns of some types bound to a function's parameters, and its result to a column.
///
/// ```
/// use arrow_schema::{DataType, Field, Schema};
/// use purefork::Executor;
/// use purefork_arrow::{Bind, Binding};
///
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "add") (param $a i64) (param $b i64) (result i64)
///     (i64.add (local.get $a) (local.get $b))))"#)?;
/// let schema = Schema::new(vec![Field::new("b", DataType::Int16, false), Field::new("a", DataType::Int64, false)]);
/// let binding = Binding::by_name(&schema, math.inspect().function("add")?, &Bind::new())?;
/// assert_eq!(binding.columns(), [1, 0]);
/// assert_eq!(binding.data_type(), &DataType::Int64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Binding {
    bound: Bound,
    result: Type,
    data_type: DataType,
    pub(crate) batch: bool,
    variants: Variants,
    columns: Vec<usize>,
}

impl Binding {
    /// Binds each parameter to the column of its name, in which dashes and underscores are the same. Other columns are not looked at.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Binding`]: a parameter has no column, or two, or one of another type; the result has no form in Arrow.
    pub fn by_name(schema: &Schema, function: &InspectedFunction, bind: &Bind) -> Result<Binding> {
        let text = function.to_string();
        Binding::new(function, bind, |name| {
            find(schema, &text, name).map(|(at, column, data)| (at, Some(column), data))
        })
    }

    /// Binds columns of these types to the parameters in order, leaving out those with a fixed value.
    ///
    /// # Errors
    ///
    /// As [`Binding::by_name`], and if there are not as many.
    pub fn by_position(types: &[DataType], function: &InspectedFunction, bind: &Bind) -> Result<Binding> {
        let mut next = 0;
        let binding = Binding::new(function, bind, |name| {
            let at = next;
            next += 1;
            match types.get(at) {
                Some(ty) => Ok((at, None, ty.clone())),
                None => Err(Error::new(
                    ErrorKind::Binding,
                    format!(
                        "expected a column for the parameter `{name}` of `{function}`, but was given {}",
                        types.len()
                    ),
                )),
            }
        })?;
        if next != types.len() {
            return Err(Error::new(
                ErrorKind::Binding,
                format!("expected {next} columns for `{function}`, but was given {}", types.len()),
            ));
        }
        Ok(binding)
    }

    fn new(
        function: &InspectedFunction,
        bind: &Bind,
        mut column: impl FnMut(&str) -> Result<(usize, Option<String>, DataType)>,
    ) -> Result<Binding> {
        let error = |message: String| Error::new(ErrorKind::Binding, message);
        for (at, (name, _)) in bind.fixed.iter().enumerate() {
            if !function.params.iter().any(|param| same(&param.name, name)) {
                return Err(error(format!("`{function}` has no parameter `{}` to give a fixed value", shown(name))));
            }
            if bind.fixed[..at].iter().any(|(other, _)| same(other, name)) {
                return Err(error(format!("the parameter `{}` has two fixed values", shown(name))));
            }
        }
        let mut params = Vec::new();
        for param in &function.params {
            let name: Arc<str> = param.name.as_str().into();
            if let Some((_, value)) = bind.fixed.iter().find(|(name, _)| same(name, &param.name)) {
                let fits = write::column(&param.ty, Variants::Structure).and_then(|mut column| column.push(value));
                if let Err(misfit) = fits {
                    return Err(error(format!(
                        "the fixed value of the parameter `{name}` of `{function}` is none of {}: {misfit}",
                        param.ty.brief()
                    )));
                }
                params.push(Param { name, ty: param.ty.clone(), from: From::Fixed(value.clone()) });
                continue;
            }
            let ty = match &param.ty {
                Type::List(element) if bind.batch => Type::clone(element),
                other if bind.batch => {
                    return Err(error(format!(
                        "expected a list for each column, but the parameter `{name}` of `{function}` is {}",
                        other.brief()
                    ))
                    .with_help("call it row by row, or give the parameter a fixed value"));
                }
                ty => ty.clone(),
            };
            let (at, column, data) = column(&param.name)?;
            let text = function.to_string();
            fits(&data, &ty).map_err(|misfit| unfit(column.as_deref(), at, &data, &name, &param.ty, &text, &misfit))?;
            params.push(Param { name, ty, from: From::Column(at) });
        }
        let result = match function.results.as_slice() {
            [] => Type::tuple([]),
            [ty] => ty.clone(),
            types => Type::tuple(types.iter().cloned()),
        };
        let result = match &result {
            Type::List(element) if bind.batch => Type::clone(element),
            other if bind.batch => {
                return Err(error(format!(
                    "expected a list with an element for each row, but `{function}` gives {}",
                    other.brief()
                ))
                .with_help("call it row by row"));
            }
            _ => result,
        };
        let data_type = write::data_type(&result, bind.variants)
            .map_err(|misfit| error(format!("what `{function}` gives cannot be a column: {misfit}")))?;
        let bound = Bound { function: function.to_string().into(), params, nulls: bind.nulls };
        let columns = bound.columns();
        Ok(Binding { bound, result, data_type, batch: bind.batch, variants: bind.variants, columns })
    }

    /// The positions of the columns that are needed, in the order of the parameters.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The type of a row's result.
    pub fn result(&self) -> &Type {
        &self.result
    }

    /// The type of the column that results become. It is known before a row has run.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// What results become that take the place of the columns: the fields of a record, or one column, which is named `name`. All may
    /// be null, as the result of a row may be.
    pub fn output_schema(&self, name: &str) -> SchemaRef {
        match (&self.result, &self.data_type) {
            (Type::Record(_), DataType::Struct(fields)) => Arc::new(Schema::new(
                fields.iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>(),
            )),
            _ => Arc::new(Schema::new(vec![Field::new(name, self.data_type.clone(), true)])),
        }
    }

    /// What becomes of the columns if results are added to them as the last, which is named `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Binding`], if one of that name is there.
    pub fn added_schema(&self, input: &Schema, name: &str) -> Result<SchemaRef> {
        if input.fields().iter().any(|field| field.name() == name) {
            return Err(Error::new(ErrorKind::Binding, format!("there is a column `{}` already", shown(name)))
                .with_help("give the results another name"));
        }
        let mut fields = input.fields().to_vec();
        fields.push(Arc::new(Field::new(name, self.data_type.clone(), true)));
        Ok(Arc::new(Schema::new_with_metadata(fields, input.metadata().clone())))
    }

    /// Prepares a batch, of the schema that was bound, to be read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Binding`], if it has other columns.
    pub fn rows(&self, batch: &RecordBatch) -> Result<Rows> {
        self.rows_of(batch.columns(), batch.num_rows())
    }

    /// The same of columns, which have so many rows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Binding`], if they are others than were bound.
    pub fn rows_of(&self, columns: &[ArrayRef], rows: usize) -> Result<Rows> {
        Rows::new(&self.bound, columns, rows)
    }

    /// A builder of results.
    ///
    /// # Errors
    ///
    /// None: that the result has a form was seen when it was bound.
    pub fn results(&self) -> Result<ResultBuilder> {
        ResultBuilder::new(&self.result, self.variants)
    }
}
