//! A function of a module, and how it is called.

use crate::error::{Error, ErrorKind};
use crate::query::Shared;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use purefork::inspect::InspectedFunction;
use purefork::value::Type;
use purefork::{Args, Function, Module, Value};
use purefork_arrow::{Bind, Binding, Errors, Nulls, ResultBuilder, Variants};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A function of a module, what SQL calls it, and how it is called.
#[derive(Clone)]
pub(crate) struct Callee {
    /// What SQL calls it.
    pub(crate) name: Arc<str>,
    pub(crate) function: Function<Args, Value>,
    pub(crate) inspected: Arc<InspectedFunction>,
    /// What tells it from others: of which module it is.
    pub(crate) digest: Arc<str>,
    pub(crate) batch: bool,
    pub(crate) nulls: Nulls,
    pub(crate) errors: Errors,
    pub(crate) query: Option<Arc<Shared>>,
}

impl Callee {
    pub(crate) fn new(module: &Module, function: &str) -> Result<Callee, Error> {
        let name: Arc<str> = function.rsplit(['#', '/']).next().unwrap_or(function).replace('-', "_").into();
        let of_call = |error| Error::of_call(&name, error);
        let inspected = Arc::new(module.inspect().function(function).map_err(of_call)?.clone());
        let function = module.function::<Args, Value>(&inspected.exact).map_err(of_call)?;
        let digest = module.digest().into();
        let (nulls, errors) = (Nulls::Null, Errors::Stop);
        Ok(Callee { name, function, inspected, digest, batch: false, nulls, errors, query: None })
    }

    /// Columns of these types bound to the parameters.
    pub(crate) fn bind(&self, types: &[DataType]) -> Result<Binding, Error> {
        let bind = Bind::new().nulls(self.nulls).batch(self.batch).variants(Variants::Structure);
        Binding::by_position(types, &self.inspected, &bind).map_err(|error| Error::of_columns(&self.name, &error))
    }

    /// The type of a row's result: of a `result`, what is `ok`.
    pub(crate) fn output(&self) -> Result<Type, Error> {
        let ty = match self.inspected.results.as_slice() {
            [] => Type::tuple([]),
            [ty] => ty.clone(),
            types => Type::tuple(types.iter().cloned()),
        };
        let ty = match ty {
            Type::List(element) if self.batch => Type::clone(&element),
            other if self.batch => {
                let message = format!("expected a list with an element for each row, but it gives {}", other.brief());
                return Err(Error::new(ErrorKind::Binding, &self.name, message).with_help("call it row by row"));
            }
            ty => ty,
        };
        Ok(match ty {
            Type::Result(types) => types.0.clone().unwrap_or_else(|| Type::tuple([])),
            ty => ty,
        })
    }

    /// Where results go.
    pub(crate) fn builder(&self, ty: &Type) -> Result<ResultBuilder, Error> {
        ResultBuilder::new(ty, Variants::Structure).map_err(|error| Error::of_columns(&self.name, &error))
    }

    pub(crate) fn finish(&self, mut builder: ResultBuilder) -> Result<ArrayRef, Error> {
        builder.finish().map_err(|error| Error::of_columns(&self.name, &error))
    }

    /// Whether a null for a parameter makes the result null, whichever it is.
    pub(crate) fn is_strict(&self) -> bool {
        self.nulls == Nulls::Null && !self.inspected.params.iter().any(|param| is_option(&param.ty, self.batch))
    }

    /// What of it tells one function of a query from another.
    fn key(&self) -> impl Hash + Eq {
        let query = self.query.as_ref().map(|query| Arc::as_ptr(query) as usize);
        let how = (self.batch, self.nulls, self.errors, query);
        (self.name.clone(), self.digest.clone(), self.inspected.exact.clone(), how)
    }
}

fn is_option(ty: &Type, batch: bool) -> bool {
    match ty {
        Type::List(element) if batch => matches!(**element, Type::Option(_)),
        ty => matches!(ty, Type::Option(_)),
    }
}

impl PartialEq for Callee {
    fn eq(&self, other: &Callee) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Callee {}

impl Hash for Callee {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Debug for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} of module {})", self.name, self.inspected, self.digest)
    }
}
