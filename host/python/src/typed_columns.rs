//! Calls with columns of the commonest types: one or two parameters of one type, and a number as the result. No value is made of a number on its way.

use crate::columns::{Done, Piece, Results, pieces};
use purefork::value::{List, Type};
use std::sync::{Arc, Mutex};

macro_rules! calls {
    ($module:expr, $name:expr, $lists:expr, $count:expr, $param:ty, $result:ty, $variant:ident) => {
        match &$lists[..] {
            [first] => {
                let function = $module.function::<($param,), $result>($name).ok()?;
                first.as_slice::<$param>()?;
                let lists = $lists.clone();
                Some(pieces($count, |rows| {
                    let lists = lists.clone();
                    function.fork_with(move |calls| {
                        let first = lists[0].as_slice::<$param>().unwrap_or_default();
                        let (mut results, mut errors) = (Vec::with_capacity(rows.len()), Vec::new());
                        for row in rows {
                            results.push(calls.call((first[row],)).unwrap_or_else(|error| {
                                errors.push((row, error));
                                Default::default()
                            }));
                        }
                        Arc::new(Mutex::new(Some(Done { results: Results::$variant(results), errors })))
                    })
                }))
            }
            [first, second] => {
                let function = $module.function::<($param, $param), $result>($name).ok()?;
                (first.as_slice::<$param>()?, second.as_slice::<$param>()?);
                let lists = $lists.clone();
                Some(pieces($count, |rows| {
                    let lists = lists.clone();
                    function.fork_with(move |calls| {
                        let first = lists[0].as_slice::<$param>().unwrap_or_default();
                        let second = lists[1].as_slice::<$param>().unwrap_or_default();
                        let (mut results, mut errors) = (Vec::with_capacity(rows.len()), Vec::new());
                        for row in rows {
                            results.push(calls.call((first[row], second[row])).unwrap_or_else(|error| {
                                errors.push((row, error));
                                Default::default()
                            }));
                        }
                        Arc::new(Mutex::new(Some(Done { results: Results::$variant(results), errors })))
                    })
                }))
            }
            _ => None,
        }
    };
}

/// Whether functions of such types are called so.
pub(crate) fn takes(params: &[&Type], result: &Type) -> bool {
    use Type::{F32, F64, I32, I64, S32, S64};
    let is_known = |ty: &Type| matches!(ty, I32 | S32 | I64 | S64 | F32 | F64);
    (1..=2).contains(&params.len()) && params.iter().all(|ty| is_known(ty) && *ty == params[0]) && is_known(result)
}

/// Has the threads call the function with each row, if it is of such types.
pub(crate) fn start(
    module: &purefork::Module,
    name: &str,
    lists: &Arc<Vec<List>>,
    count: usize,
    result: &Type,
) -> Option<Vec<Piece>> {
    macro_rules! of {
        ($param:ty) => {
            match result {
                Type::I32 | Type::S32 => calls!(module, name, lists, count, $param, i32, I32),
                Type::I64 | Type::S64 => calls!(module, name, lists, count, $param, i64, I64),
                Type::F32 => calls!(module, name, lists, count, $param, f32, F32),
                Type::F64 => calls!(module, name, lists, count, $param, f64, F64),
                _ => None,
            }
        };
    }
    let first = lists.first()?;
    if first.as_slice::<i32>().is_some() {
        of!(i32)
    } else if first.as_slice::<i64>().is_some() {
        of!(i64)
    } else if first.as_slice::<f32>().is_some() {
        of!(f32)
    } else if first.as_slice::<f64>().is_some() {
        of!(f64)
    } else {
        None
    }
}
