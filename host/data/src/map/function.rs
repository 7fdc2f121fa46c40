//! The function that is called for each row.

use crate::error::{Error, Result, Stage};
use crate::table::Column;
use purefork::inspect::InspectedFunction;
use purefork::value::Type;
use purefork::{Args, Module, Value};
use std::num::NonZero;

/// How rows and results go with a function's parameters and its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// A row is a call, and its result a row.
    #[default]
    Row,
    /// A row is a call, and each element of the list that it gives a row.
    Flatten,
    /// So many rows are a call, each parameter a list with an element for each row; and it gives such a list.
    Batch(NonZero<usize>),
}

/// A function of a module, with the arguments that are the same for all rows.
#[derive(Clone)]
pub struct Function {
    pub(super) calls: purefork::Function<Args, Value>,
    pub(super) name: String,
    pub(super) shape: Shape,
    /// The parameters that a row gives, as a row gives them.
    pub(super) params: Vec<Column>,
    /// Where the others stand, in order, and what they are.
    pub(super) fixed: Vec<(usize, Value)>,
    pub(super) result: Option<Type>,
    /// Whether an element of a batch's list may be an `err`.
    pub(super) fallible: bool,
}

impl Function {
    /// `fixed`: by parameter, the value that all rows have for it; of its very type.
    ///
    /// # Errors
    ///
    /// If the function has not that shape.
    pub fn new(
        module: &Module,
        function: &InspectedFunction,
        fixed: &[(usize, Value)],
        shape: Shape,
    ) -> Result<Function> {
        let usage = |text: String| Error::new(Stage::Usage, text);
        let mut params = Vec::new();
        for (at, param) in function.params.iter().enumerate() {
            if fixed.iter().any(|(fixed, _)| *fixed == at) {
                continue;
            }
            let ty = match (&param.ty, shape) {
                (Type::List(element), Shape::Batch(_)) => Type::clone(element),
                (ty, Shape::Batch(_)) => {
                    let text = format!(
                        "expected lists for the parameters of `{}`, as it is called for many rows at a time, but `{}` is {}",
                        function.name,
                        param.name,
                        ty.brief()
                    );
                    return Err(usage(text).with_help(format!(
                        "call it for each row, without `--batch`; or give the same for all rows, `--arg {}=VALUE`",
                        param.name
                    )));
                }
                (ty, _) => ty.clone(),
            };
            params.push(Column { name: param.name.clone(), ty });
        }
        if matches!(shape, Shape::Batch(_)) && params.is_empty() {
            return Err(
                usage(format!("`{}` takes nothing from a row", function.name)).with_help("leave `--batch` away")
            );
        }
        let result = match function.results.as_slice() {
            [] => None,
            [Type::Result(types)] => types.0.clone(),
            [ty] => Some(ty.clone()),
            types => Some(Type::tuple(types.iter().cloned())),
        };
        let fallible = matches!(&result, Some(Type::List(element)) if matches!(**element, Type::Result(_)));
        let result = match (result, shape) {
            (result, Shape::Row) => result,
            (Some(Type::List(element)), Shape::Flatten) => Some(Type::clone(&element)),
            (Some(Type::List(element)), _) => match &*element {
                Type::Result(types) => types.0.clone(),
                element => Some(element.clone()),
            },
            (result, Shape::Flatten | Shape::Batch(_)) => {
                let option = if shape == Shape::Flatten { "--flatten" } else { "--batch" };
                let given = result.map_or_else(|| "nothing".to_owned(), |ty| ty.brief());
                let text =
                    format!("`{option}` is for functions that give a list, but `{}` gives {given}", function.name);
                return Err(usage(text).with_help(format!("leave `{option}` away")));
            }
        };
        let calls = module.function(&function.exact).map_err(|error| usage(error.message().to_owned()))?;
        let mut fixed = fixed.to_vec();
        fixed.sort_by_key(|(at, _)| *at);
        Ok(Function { calls, name: function.name.clone(), shape, params, fixed, result, fallible })
    }

    /// The parameters that a row gives: in a batch, the types of the lists' elements.
    pub fn params(&self) -> &[Column] {
        &self.params
    }

    /// The type of a row's result: what is in `ok`, or the list's elements.
    pub fn result(&self) -> Option<&Type> {
        self.result.as_ref()
    }

    /// Puts the arguments that are the same for all rows among those that a row gave.
    pub(super) fn complete(&self, args: &mut Vec<Value>) {
        for (at, value) in &self.fixed {
            args.insert(*at, value.clone());
        }
    }
}
