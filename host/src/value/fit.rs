//! Values as a type wants them.

use super::text::unknown;
use super::types::{is_integer, range};
use super::{Items, List, Name, Type, Value, wave};
use std::sync::Arc;

/// The deepest that types nest, as the validator has it; values of one's own making may nest deeper.
const MAX_DEPTH: u32 = 100;

/// The value as one of type `ty`, if nothing of it is lost: integers within the other's range, floats that are exact, a
/// record's fields in any order.
///
/// # Errors
///
/// Where in the value, what was expected and what was given.
pub(crate) fn fit(ty: &Type, value: Value) -> Result<Value, String> {
    fit_within(ty, value, 0).map_err(|misfit| match misfit.path.as_str() {
        "" => misfit.message,
        path => format!("at `{path}`: {}", misfit.message),
    })
}

/// Whether the value is a scalar of just that type.
#[inline]
pub(crate) fn is_scalar_of(ty: &Type, value: &Value) -> bool {
    matches!(
        (ty, value),
        (Type::I32 | Type::S32, Value::I32(_))
            | (Type::I64 | Type::S64, Value::I64(_))
            | (Type::U32, Value::U32(_))
            | (Type::U64, Value::U64(_))
            | (Type::F32, Value::F32(_))
            | (Type::F64, Value::F64(_))
            | (Type::V128, Value::V128(_))
            | (Type::Bool, Value::Bool(_))
            | (Type::Char, Value::Char(_))
    )
}

/// What does not fit, and where.
struct Misfit {
    path: String,
    message: String,
}

impl Misfit {
    fn new(message: String) -> Misfit {
        Misfit { path: String::new(), message }
    }

    /// The misfit as one of a part that is at `step`.
    fn at(self, step: &str) -> Misfit {
        Misfit { path: format!("{step}{}", self.path), ..self }
    }
}

fn fit_within(ty: &Type, value: Value, depth: u32) -> Result<Value, Misfit> {
    if depth > MAX_DEPTH {
        return Err(Misfit::new(format!("values may nest {MAX_DEPTH} levels deep")));
    }
    let inner = |ty: &Type, value: Value| fit_within(ty, value, depth + 1);
    match (ty, &value) {
        // Mostly it fits as it is.
        _ if is_scalar_of(ty, &value) => Ok(value),
        (Type::String, Value::String(_)) => Ok(value),
        (Type::F64, Value::F32(v)) => Ok(Value::F64(f64::from(*v))),
        (Type::F32, Value::F64(v)) => {
            #[allow(clippy::cast_possible_truncation)]
            let narrow = *v as f32;
            if v.is_nan() || f64::from(narrow) == *v {
                return Ok(Value::F32(narrow));
            }
            Err(Misfit::new(format!("expected {ty}, but {value} is none: the nearest is another number")))
        }
        (Type::I32, Value::Bool(v)) => Ok(Value::I32((*v).into())),
        (Type::List(element), Value::List(list)) => fit_list(element, list, depth),
        (Type::Record(fields), Value::Record(given)) => fit_record(fields, given, depth),
        (Type::Tuple(types), Value::Tuple(given)) => {
            if types.len() != given.len() {
                let n = given.len();
                return Err(Misfit::new(format!("expected {}, but was given {n} value{}", ty.brief(), plural(n))));
            }
            let members = types.iter().zip(given.iter()).enumerate();
            let members = members
                .map(|(at, (ty, value))| inner(ty, value.clone()).map_err(|misfit| misfit.at(&format!(".{at}"))));
            Ok(Value::Tuple(members.collect::<Result<_, _>>()?))
        }
        (Type::Variant(cases), Value::Variant(case, payload)) => {
            let Some((name, ty)) = cases.iter().find(|(name, _)| name == case) else {
                return Err(Misfit::new(unknown("case", case, cases.iter().map(|(name, _)| name))));
            };
            let payload = fit_payload(ty.as_ref(), payload, name, depth)?;
            Ok(Value::Variant(name.clone(), payload))
        }
        // A case without a value is often written as its name alone.
        (Type::Variant(cases), Value::Enum(case)) => match cases.iter().find(|(name, _)| name == case) {
            Some((name, None)) => Ok(Value::Variant(name.clone(), None)),
            Some((name, Some(ty))) => {
                Err(Misfit::new(format!("expected {} for the case `{name}`, but was given none", ty.brief())))
            }
            None => Err(Misfit::new(unknown("case", case, cases.iter().map(|(name, _)| name)))),
        },
        (Type::Enum(names), Value::Enum(case)) => match names.iter().find(|name| *name == case) {
            Some(name) => Ok(Value::Enum(name.clone())),
            None => Err(Misfit::new(unknown("case", case, names.iter()))),
        },
        (Type::Option(some), Value::Option(given)) => match given {
            None => Ok(value),
            Some(given) => {
                let given = inner(some, Value::clone(given)).map_err(|misfit| misfit.at(".some"))?;
                Ok(Value::Option(Some(Arc::new(given))))
            }
        },
        (Type::Result(types), Value::Result(given)) => Ok(Value::Result(match given {
            Ok(given) => Ok(fit_payload(types.0.as_ref(), given, "ok", depth)?),
            Err(given) => Err(fit_payload(types.1.as_ref(), given, "err", depth)?),
        })),
        (Type::Flags(names), Value::Flags(given)) => {
            if let Some(flag) = given.iter().find(|flag| !names.contains(flag)) {
                return Err(Misfit::new(unknown("flag", flag, names.iter())));
            }
            // In the order of the type, and each once.
            Ok(Value::Flags(names.iter().filter(|name| given.contains(name)).cloned().collect()))
        }
        _ => fit_integer(ty, value),
    }
}

fn fit_integer(ty: &Type, value: Value) -> Result<Value, Misfit> {
    let fitted = value.as_integer().and_then(|v| {
        Some(match ty {
            Type::I32 | Type::S32 => Value::I32(v.try_into().ok()?),
            Type::I64 | Type::S64 => Value::I64(v.try_into().ok()?),
            Type::S8 => Value::I8(v.try_into().ok()?),
            Type::U8 => Value::U8(v.try_into().ok()?),
            Type::S16 => Value::I16(v.try_into().ok()?),
            Type::U16 => Value::U16(v.try_into().ok()?),
            Type::U32 => Value::U32(v.try_into().ok()?),
            Type::U64 => Value::U64(v.try_into().ok()?),
            _ => return None,
        })
    });
    fitted.ok_or_else(|| {
        let given = wave::shown(&value);
        Misfit::new(match (value.as_integer(), range(ty)) {
            (Some(_), Some(range)) if is_integer(ty) => format!("expected {ty}, {range}, but was given {given}"),
            _ => format!("expected {}, but was given {given}, which is {}", ty.brief(), value.kind()),
        })
    })
}

fn fit_list(element: &Type, list: &List, depth: u32) -> Result<Value, Misfit> {
    if list.is_packed(element) {
        return Ok(Value::List(list.clone()));
    }
    let fitted = list
        .iter()
        .enumerate()
        .map(|(at, value)| fit_within(element, value, depth + 1).map_err(|misfit| misfit.at(&format!("[{at}]"))));
    let fitted: Vec<Value> = fitted.collect::<Result<_, _>>()?;
    debug_assert!(!matches!(list.0, Items::Values(_)) || fitted.len() == list.len());
    Ok(Value::List(List::packed(fitted, element)))
}

fn fit_record(fields: &Arc<[(Name, Type)]>, given: &[(Name, Value)], depth: u32) -> Result<Value, Misfit> {
    if let Some((name, _)) = given.iter().find(|(name, _)| !fields.iter().any(|(field, _)| field == name)) {
        return Err(Misfit::new(unknown("field", name, fields.iter().map(|(name, _)| name))));
    }
    let fitted = fields.iter().map(|(name, ty)| {
        let mut values = given.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let value = match (values.next(), values.next()) {
            (Some(value), None) => value.clone(),
            (Some(_), Some(_)) => return Err(Misfit::new(format!("was given the field `{name}` twice"))),
            // What is optional may be left out.
            (None, _) if matches!(ty, Type::Option(_)) => Value::Option(None),
            (None, _) => return Err(Misfit::new(format!("was not given the field `{name}`"))),
        };
        let value = fit_within(ty, value, depth + 1).map_err(|misfit| misfit.at(&format!(".{name}")))?;
        Ok((name.clone(), value))
    });
    Ok(Value::Record(fitted.collect::<Result<_, _>>()?))
}

fn fit_payload(
    ty: Option<&Type>,
    given: &Option<Arc<Value>>,
    name: &str,
    depth: u32,
) -> Result<Option<Arc<Value>>, Misfit> {
    match (ty, given) {
        (None, None) => Ok(None),
        (Some(ty), Some(given)) => {
            let value = fit_within(ty, Value::clone(given), depth + 1).map_err(|m| m.at(&format!(".{name}")))?;
            Ok(Some(Arc::new(value)))
        }
        // The empty tuple stands for no value.
        (None, Some(given)) if **given == Value::unit() => Ok(None),
        (None, Some(given)) => {
            Err(Misfit::new(format!("`{name}` takes no value, but was given {}", wave::shown(given))))
        }
        (Some(ty), None) => Err(Misfit::new(format!("expected {} for `{name}`, but was given none", ty.brief()))),
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}
