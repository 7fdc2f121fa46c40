//! Arguments, and how they find their parameters.

use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use crate::future::Future;
use crate::ir::FunctionDef;
use crate::nearest::did_you_mean;
use crate::value::{Alone, Params, Type, Typed, Value, Values, fit, is_scalar_of, sealed};
use smallvec::SmallVec;
use std::fmt::Write as _;

/// One argument: a value, or a future whose value it will be.
#[derive(Clone, Debug)]
pub struct Arg(pub(crate) Slot);

#[derive(Clone, Debug)]
pub(crate) enum Slot {
    Value(Value),
    Future(Future<Value>),
}

pub(crate) type Slots = SmallVec<[Slot; 2]>;

impl<T: Into<Value>> From<T> for Arg {
    fn from(value: T) -> Arg {
        Arg(Slot::Value(value.into()))
    }
}

/// As its value. One that is to come has none yet.
impl serde::Serialize for Arg {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Slot::Value(value) => value.serialize(to),
            Slot::Future(_) => Err(serde::ser::Error::custom(
                "expected arguments that are values, but was given a future: wait for it first",
            )),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Arg {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Arg, D::Error> {
        Value::deserialize(from).map(|value| Arg(Slot::Value(value)))
    }
}

impl<T: Into<Value> + Clone + Send + 'static> From<Future<T>> for Arg {
    fn from(future: Future<T>) -> Arg {
        Arg::from(&future)
    }
}

impl<T: Into<Value> + Clone + Send + 'static> From<&Future<T>> for Arg {
    fn from(future: &Future<T>) -> Arg {
        Arg(Slot::Future(future.map(Into::into)))
    }
}

/// Arguments by position and by name; made by [`args!`](crate::args).
#[must_use = "arguments are for a `fork`"]
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Args(Vec<(Option<String>, Arg)>);

impl Args {
    /// No arguments.
    pub fn new() -> Args {
        Args::default()
    }

    /// Adds an argument by position.
    pub fn push(mut self, value: impl Into<Arg>) -> Args {
        self.0.push((None, value.into()));
        self
    }

    /// Adds an argument by name.
    pub fn push_named(mut self, name: impl Into<String>, value: impl Into<Arg>) -> Args {
        self.0.push((Some(name.into()), value.into()));
        self
    }

    /// Finds the parameter of each argument, and checks the values.
    pub(crate) fn bind(self, function: &FunctionDef) -> Result<Slots> {
        let mut bound: Vec<Option<Slot>> = function.params.iter().map(|_| None).collect();
        let given = self.0.iter().filter(|(name, _)| name.is_none()).count();
        if given > bound.len() {
            return Err(mismatch(function, &format!("was given {}", count(given))));
        }
        let mut next = 0;
        for (name, Arg(slot)) in self.0 {
            let at = match name {
                None => {
                    if next < bound.len() && bound[next].is_some() {
                        let name = &function.param_names[next];
                        return Err(mismatch(function, &format!("was given `{name}` twice")));
                    }
                    next += 1;
                    next - 1
                }
                Some(name) => {
                    let names = || function.param_names.iter().map(String::as_str);
                    let Some(at) = names().position(|known| same(known, &name)) else {
                        let error = mismatch(function, &format!("was given `{}`", escaped(&name)));
                        return Err(match did_you_mean(&name, names()) {
                            Some(help) => error.with_help(help),
                            None => error,
                        });
                    };
                    if bound[at].is_some() {
                        return Err(mismatch(function, &format!("was given `{}` twice", escaped(&name))));
                    }
                    at
                }
            };
            bound[at] = Some(match slot {
                Slot::Value(value) => Slot::Value(checked(function, at, value)?),
                future @ Slot::Future(_) => future,
            });
        }
        let missing: Vec<_> =
            function.param_names.iter().zip(&bound).filter(|(_, slot)| slot.is_none()).map(|(name, _)| name).collect();
        if !missing.is_empty() {
            let list = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(mismatch(function, &format!("was not given {list}")));
        }
        Ok(bound.into_iter().flatten().collect())
    }
}

/// Whether two names are the same: WIT has dashes where Rust has underscores, and no two parameters differ in them alone.
fn same(known: &str, given: &str) -> bool {
    let dash = |byte: u8| if byte == b'_' { b'-' } else { byte };
    known.bytes().map(dash).eq(given.bytes().map(dash))
}

/// The value as the type of parameter number `at`.
pub(crate) fn checked(function: &FunctionDef, at: usize, value: Value) -> Result<Value> {
    fit(&function.params[at], value).map_err(|why| {
        Error::new(
            ErrorKind::ArgumentMismatch,
            format!("argument `{}` of `{}`: {why}", function.param_names[at], escaped(&function.name)),
        )
    })
}

fn mismatch(function: &FunctionDef, given: &str) -> Error {
    Error::new(ErrorKind::ArgumentMismatch, format!("expected `{}`, but {given}", signature(function)))
}

/// The error of a call with another number of arguments than the function takes.
#[cold]
pub(crate) fn mismatch_count(function: &FunctionDef, given: usize) -> Error {
    mismatch(function, &format!("was given {}", count(given)))
}

fn count(arguments: usize) -> String {
    format!("{arguments} argument{}", if arguments == 1 { "" } else { "s" })
}

/// `add(a: i32, b: i32) -> i32`
pub(crate) fn signature(function: &FunctionDef) -> String {
    let mut text = format!("{}(", escaped(&function.name));
    for (i, (name, ty)) in function.param_names.iter().zip(&function.params).enumerate() {
        // Writing into a string does not fail.
        let _ = write!(text, "{}{name}: {ty}", if i == 0 { "" } else { ", " });
    }
    text.push(')');
    match function.results.as_slice() {
        [] => {}
        [ty] => text.push_str(&format!(" -> {ty}")),
        types => {
            let list = types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            text.push_str(&format!(" -> ({list})"));
        }
    }
    text
}

/// Arguments for a call: positional ones first, then `name = value`.
///
/// A value is anything that is a [`Value`], or a [`Future`] of one: then the call starts when the future completes,
/// and fails if it fails.
///
/// ```
/// use purefork::{Executor, args};
///
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "sub") (param $a i32) (param $b i32) (result i32)
///     (i32.sub (local.get $a) (local.get $b))))"#)?;
/// assert_eq!(math.fork("sub", args![5, 2])?.wait()?.to_string(), "3");
/// assert_eq!(math.fork("sub", args![b = 5, a = 2])?.wait()?.to_string(), "-3");
/// # Ok::<(), purefork::Error>(())
/// ```
#[macro_export]
macro_rules! args {
    (@ $args:expr;) => { $args };
    (@ $args:expr; $name:ident = $value:expr $(, $($rest:tt)*)?) => {
        $crate::args!(@ $args.push_named(stringify!($name), $value); $($($rest)*)?)
    };
    (@ $args:expr; $value:expr $(, $($rest:tt)*)?) => {
        $crate::args!(@ $args.push($value); $($($rest)*)?)
    };
    ($($tokens:tt)*) => { $crate::args!(@ $crate::Args::new(); $($tokens)*) };
}

/// An argument for a parameter of type `T`: a `T`, or a future of one.
pub trait IntoArg<T: Typed> {
    /// The argument.
    fn into_arg(self) -> Arg;
}

impl<T: Typed> IntoArg<T> for T {
    #[inline]
    fn into_arg(self) -> Arg {
        Arg(Slot::Value(self.into_value()))
    }
}

impl<T: Typed> IntoArg<T> for Future<T> {
    fn into_arg(self) -> Arg {
        (&self).into_arg()
    }
}

impl<T: Typed> IntoArg<T> for &Future<T> {
    fn into_arg(self) -> Arg {
        Arg(Slot::Future(self.map(T::into_value)))
    }
}

/// Arguments for parameters `P`: a tuple whose members are values, or futures of values; or [`Args`], for a function whose
/// parameters are not known.
pub trait IntoArgs<P: Params> {
    /// The arguments, in order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`], if they are not those that the function takes: of [`Args`] that is known only then.
    #[doc(hidden)]
    fn into_args(self, function: Callee<'_>) -> Result<Bound>;
}

/// The function that is called.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Callee<'a>(pub(crate) &'a FunctionDef);

/// Whatever the function's parameters are: they are compared with the arguments at each call.
impl Params for Args {
    fn types() -> Vec<Type> {
        Vec::new()
    }

    fn are(_: &[&Type]) -> bool {
        true
    }
}

impl sealed::Sealed for Args {}

impl IntoArgs<Args> for Args {
    fn into_args(self, Callee(function): Callee<'_>) -> Result<Bound> {
        self.bind(function).map(|slots| Bound(values(slots)))
    }
}

/// Values, by position.
impl<const N: usize> IntoArgs<Args> for [Value; N] {
    #[inline]
    fn into_args(self, Callee(function): Callee<'_>) -> Result<Bound> {
        positional(function, self)
    }
}

/// Values, by position.
impl IntoArgs<Args> for Vec<Value> {
    fn into_args(self, Callee(function): Callee<'_>) -> Result<Bound> {
        positional(function, self)
    }
}

/// Checks values that are in the order of the parameters.
#[inline]
fn positional(function: &FunctionDef, given: impl AsRef<[Value]> + IntoIterator<Item = Value>) -> Result<Bound> {
    let values = given.as_ref();
    if values.len() != function.params.len() {
        return Err(mismatch_count(function, values.len()));
    }
    // Mostly they are scalars that fit as they are.
    let mut both = function.params.iter().zip(values);
    if both.all(|(ty, value)| is_scalar_of(ty, value))
        && let Some(values) = Values::of_scalars(values.iter().map(Some))
    {
        return Ok(Bound(Ok(values)));
    }
    let values = given.into_iter().enumerate().map(|(at, value)| checked(function, at, value));
    Ok(Bound(Ok(values.collect::<Result<Values>>()?)))
}

/// Two values, by position.
impl IntoArgs<Args> for (Value, Value) {
    fn into_args(self, function: Callee<'_>) -> Result<Bound> {
        Args::new().push(self.0).push(self.1).into_args(function)
    }
}

/// The values, if all are there; else the slots as they were.
#[expect(clippy::result_large_err, reason = "it is no error, but what the caller goes on with")]
pub(crate) fn values(slots: Slots) -> std::result::Result<Values, Slots> {
    if slots.iter().any(|slot| matches!(slot, Slot::Future(_))) {
        return Err(slots);
    }
    let values = slots.into_iter().filter_map(|slot| match slot {
        Slot::Value(value) => Some(value),
        Slot::Future(_) => None,
    });
    Ok(values.collect())
}

/// Arguments in the order of their parameters: their values, or, if some are futures, each as it is.
#[doc(hidden)]
pub struct Bound(pub(crate) std::result::Result<Values, Slots>);

impl Bound {
    #[inline]
    fn new<const N: usize>(args: [Arg; N]) -> Bound {
        let scalars = args.iter().map(|Arg(slot)| match slot {
            Slot::Value(value) => Some(value),
            Slot::Future(_) => None,
        });
        if let Some(values) = Values::of_scalars(scalars) {
            return Bound(Ok(values));
        }
        if args.iter().all(|Arg(slot)| matches!(slot, Slot::Value(_))) {
            let values = args.into_iter().filter_map(|Arg(slot)| match slot {
                Slot::Value(value) => Some(value),
                Slot::Future(_) => None,
            });
            return Bound(Ok(values.collect()));
        }
        Bound(Err(args.into_iter().map(|Arg(slot)| slot).collect()))
    }
}

macro_rules! into_args {
    ($($name:ident $param:ident)*) => {
        impl<$($name: IntoArg<$param>, $param: Typed),*> IntoArgs<($($param,)*)> for ($($name,)*) {
            #[inline]
            #[allow(non_snake_case)]
            fn into_args(self, _: Callee<'_>) -> Result<Bound> {
                let ($($name,)*) = self;
                Ok(Bound::new([$($name.into_arg()),*]))
            }
        }
    };
}

into_args!();
into_args!(A P);
into_args!(A P B Q);
into_args!(A P B Q C R);
into_args!(A P B Q C R D S);
into_args!(A P B Q C R D S E T);
into_args!(A P B Q C R D S E T F U);
into_args!(A P B Q C R D S E T F U G V);
into_args!(A P B Q C R D S E T F U G V H W);
into_args!(A P B Q C R D S E T F U G V H W I X);
into_args!(A P B Q C R D S E T F U G V H W I X J Y);
into_args!(A P B Q C R D S E T F U G V H W I X J Y K Z);
into_args!(A P B Q C R D S E T F U G V H W I X J Y K Z L AA);

impl<T: Alone, A: IntoArg<T>> IntoArgs<T> for A {
    #[inline]
    fn into_args(self, _: Callee<'_>) -> Result<Bound> {
        Ok(Bound::new([self.into_arg()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_serialisable_once_they_are_values() {
        let args = args![5u8, b = "five"];
        let text = serde_json::to_string(&args).unwrap();
        assert_eq!(text, r#"[[null,{"u8":5}],["b",{"string":"five"}]]"#);
        let read: Args = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let (_promise, future) = crate::future::promise::<i32>();
        let error = serde_json::to_string(&args![future]).unwrap_err();
        assert_eq!(error.to_string(), "expected arguments that are values, but was given a future: wait for it first");
    }
}
