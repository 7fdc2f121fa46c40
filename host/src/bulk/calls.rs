//! Calls of one function in place.

use super::row::Row;
use crate::abi::Answer;
use crate::args::{Callee, IntoArgs, checked, mismatch_count};
use crate::error::Result;
use crate::fork::InPlace;
use crate::function::{Function, not_whole, read};
use crate::limits::Usage;
use crate::sandbox::Given;
use crate::value::{Json as JsonText, Params, Results, Type, Value, Values};
use crate::wasi::Output;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

/// What has become of a result that was to be appended as JSON, by [`Calls::call_json`].
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// It is appended.
    Appended,
    /// It is an `err`, with this in it. Nothing is appended.
    Err(Option<Value>),
    /// It would take too many bytes. Nothing is appended.
    TooLong,
}

/// Makes calls of one function, one after another on this thread, each in a state of its own; given to the code of
/// [`Function::fork_with`].
pub struct Calls<'a, P, R> {
    in_place: &'a mut InPlace,
    callee: Callee<'a>,
    types: PhantomData<fn(P) -> R>,
}

impl<'a, P: Params, R: Results> Calls<'a, P, R> {
    pub(super) fn new(function: &'a Function<P, R>, in_place: &'a mut InPlace) -> Calls<'a, P, R> {
        Calls { in_place, callee: function.callee(), types: PhantomData }
    }

    /// Calls the function, and waits for what it gives. An argument that is a future is waited for first.
    ///
    /// # Errors
    ///
    /// The call's own; of [`Args`](crate::Args), [`ErrorKind::ArgumentMismatch`](crate::ErrorKind::ArgumentMismatch), if the function takes
    /// others.
    #[inline]
    pub fn call(&mut self, args: impl IntoArgs<P>) -> Result<R> {
        self.row(Row::new(args, self.callee)).0
    }

    /// The same with values by position, which are drained: the vector's allocation stays for the next call.
    ///
    /// # Errors
    ///
    /// As [`Calls::call`], and [`ErrorKind::ArgumentMismatch`](crate::ErrorKind::ArgumentMismatch) if they are not as many values as the function has
    /// parameters, or not of their types.
    #[inline]
    pub fn call_values(&mut self, args: &mut Vec<Value>) -> Result<R> {
        let values = self.checked(args)?;
        self.values(values).0
    }

    /// The same, with the result appended to a text as [JSON](Value::to_json), of at most so many bytes: straight out of the guest's memory,
    /// where it is there, so that no value is made of it. A `result` is opened: what is in `ok` is appended, or null if that is nothing.
    ///
    /// # Errors
    ///
    /// As [`Calls::call_values`]; then nothing is appended.
    ///
    /// ```
    /// use purefork::{Args, Executor, Value, bulk::Json};
    ///
    /// let exec = Executor::new()?;
    /// let math = exec.load_bytes(r#"(module (func (export "double") (param i64) (result i64)
    ///     (i64.shl (local.get 0) (i64.const 1))))"#)?;
    /// let double = math.function::<Args, Value>("double")?;
    /// let text = double.fork_with(|calls| {
    ///     let mut text = b"doubled: ".to_vec();
    ///     assert_eq!(calls.call_json(&mut vec![Value::I64(21)], &mut text, 100)?, Json::Appended);
    ///     Ok::<_, purefork::Error>(text)
    /// });
    /// assert_eq!(text.wait()??, b"doubled: 42");
    /// # Ok::<(), purefork::Error>(())
    /// ```
    pub fn call_json(&mut self, args: &mut Vec<Value>, to: &mut Vec<u8>, most: usize) -> Result<Json> {
        let mut values = self.checked(args)?;
        let start = to.len();
        let mut json = JsonText::new(to, most);
        let given = match self.slot(&values) {
            Some((ty, called)) => {
                called.and_then(|slot| Value::from_slot(ty, slot).map(Given::Value).ok_or_else(not_whole))
            }
            None => self.in_place.call_json(&mut values, &mut json),
        };
        let done = given.map(|given| match given {
            Given::Json(Answer::Written) => None,
            Given::Json(Answer::Err(value)) | Given::Value(Value::Result(Err(value))) => Some(value),
            Given::Value(Value::Result(Ok(Some(value)))) => {
                json.value(&value);
                None
            }
            Given::Value(value) => {
                match value == Value::unit() || matches!(value, Value::Result(_)) {
                    true => json.raw(b"null"),
                    false => json.value(&value),
                }
                None
            }
        });
        let fits = json.end();
        match done {
            Ok(None) if fits => Ok(Json::Appended),
            Ok(None) => Ok(Json::TooLong),
            Ok(Some(value)) => Ok(Json::Err(value.map(Arc::unwrap_or_clone))),
            Err(error) => {
                to.truncate(start);
                Err(error)
            }
        }
    }

    /// The arguments, if they are those that the function takes.
    fn checked(&self, args: &mut Vec<Value>) -> Result<Values> {
        let Callee(function) = self.callee;
        if args.len() != function.params.len() {
            return Err(mismatch_count(function, args.len()));
        }
        args.drain(..).enumerate().map(|(at, value)| checked(function, at, value)).collect()
    }

    /// What the last call has used, with the children it waited for; `None` if it failed, and before the first.
    pub fn usage(&self) -> Option<Usage> {
        self.in_place.usage()
    }

    /// How much memory the last call had at its end, in bytes; it is the most that it had. `None` where that is not known: of a call that
    /// forks, that is observed, or whose result was remembered.
    pub fn memory(&self) -> Option<u64> {
        self.in_place.memory()
    }

    /// What the last call wrote by way of [WASI](crate::Wasi), if it wrote something.
    pub fn output(&self) -> Option<&Output> {
        self.in_place.output()
    }

    /// Has all calls end by then, beside the time that each may take: later ones fail with
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout).
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.in_place.set_deadline(deadline);
    }

    /// Makes a call, and tells what its result takes beside its place, in bytes.
    #[inline]
    pub(super) fn row(&mut self, row: Row) -> (Result<R>, usize) {
        match row.into_values(self.callee) {
            Ok(values) => self.values(values),
            Err(error) => (Err(error), 0),
        }
    }

    /// The slot of the result, and its type, where the function takes and gives scalars, and can be called so.
    #[inline]
    fn slot(&mut self, values: &Values) -> Option<(&'a Type, Result<u64>)> {
        let Callee(function) = self.callee;
        match (values, &*function.results) {
            (Values::Slots(slots), [ty]) => Some((ty, self.in_place.call_slot(slots)?)),
            _ => None,
        }
    }

    #[inline]
    fn values(&mut self, mut values: Values) -> (Result<R>, usize) {
        if let Some((ty, called)) = self.slot(&values) {
            return (called.and_then(|slot| R::from_slot(ty, slot).ok_or_else(not_whole)), 0);
        }
        let mut result = Ok(Value::Bool(false));
        self.in_place.call(&mut values, &mut result);
        match result {
            Ok(value) => {
                let bytes = value.bytes();
                (read(Cow::Owned(value)), bytes)
            }
            Err(error) => (Err(error), 0),
        }
    }
}
