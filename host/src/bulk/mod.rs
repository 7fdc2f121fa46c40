//! Many calls at once: of one function, each in a state of its own.
//!
//! A [fork](Function::fork) is made to be found: it is queued, and costs a queue's place, an allocation and a count of references, which
//! for a short function is more than the call. Here many calls are one job of one thread, which makes them [in place](Calls), one after
//! another: arguments are written, the guest is entered, its state is put back. What a call sees and gives is the same.
//!
//! | to | use | |
//! | --- | --- | --- |
//! | call a function with each row of an iterator | [`Function::map`] | results come in the order of the rows, as an iterator or a stream |
//! | the same, whichever comes first | [`Function::map_unordered`] | with the row's number |
//! | have the future of all results | [`Function::fork_many`] | for as many rows as fit into memory |
//! | fold results with an associative function | [`Function::reduce`] | a tree of the same shape on any number of threads |
//! | do more on a worker than calls | [`Function::fork_with`] | parse a line, call, format the result |
//!
//! A function whose parameters are not known when the host is compiled is a `Function<Args, Value>`:
//!
//! ```
//! use purefork::{Args, Executor, Value, args};
//!
//! let exec = Executor::new()?;
//! let math = exec.load_bytes(r#"(module (func (export "add") (param $a i32) (param $b i32) (result i32)
//!     (i32.add (local.get $a) (local.get $b))))"#)?;
//! let add = math.function::<Args, Value>("add")?;
//! let sums: Result<Vec<Value>, _> = add.map((0..3).map(|n| args![n, b = 10])).collect();
//! assert_eq!(sums?, [Value::I32(10), Value::I32(11), Value::I32(12)]);
//! # Ok::<(), purefork::Error>(())
//! ```

mod calls;
mod chunk;
mod feed;
mod many;
mod map;
mod reduce;
mod row;
mod size;
mod unordered;

pub use calls::{Calls, Json};
pub use map::Map;
pub use unordered::MapUnordered;

use crate::function::Function;
use crate::future::Future;
use crate::value::{Params, Results};
use std::panic::Location;

impl<P: Params + 'static, R: Results> Function<P, R> {
    /// Has a worker run `code`, which makes calls of this function one after another. At once, and on this thread, where the executor is
    /// [serial](crate::Builder::serial).
    ///
    /// Limits hold for each call. The future can be cancelled: then the call that runs is interrupted, and every later one fails with
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled). If `code` panics, the future fails with
    /// [`ErrorKind::Panicked`](crate::ErrorKind::Panicked).
    ///
    /// Whoever waits for the future may run `code` on its own thread, if no worker has begun.
    ///
    /// ```
    /// use purefork::Executor;
    ///
    /// let exec = Executor::new()?;
    /// let math = exec.load_bytes(r#"(module (func (export "double") (param i64) (result i64)
    ///     (i64.shl (local.get 0) (i64.const 1))))"#)?;
    /// let double = math.function::<i64, i64>("double")?;
    /// let text = "1\n20\nthree\n";
    /// let doubled = double.fork_with(move |calls| {
    ///     text.lines().map(|line| match line.parse::<i64>() {
    ///         Ok(n) => calls.call(n).map(|n| n.to_string()),
    ///         Err(_) => Ok("?".to_owned()),
    ///     }).collect::<Result<Vec<_>, _>>()
    /// });
    /// assert_eq!(doubled.wait()??, ["2", "40", "?"]);
    /// # Ok::<(), purefork::Error>(())
    /// ```
    #[track_caller]
    pub fn fork_with<T: Send + 'static>(
        &self,
        code: impl FnOnce(&mut Calls<'_, P, R>) -> T + Send + 'static,
    ) -> Future<T> {
        let (function, site) = (self.clone(), Location::caller());
        let job = self.program().spawn(self.number(), site, move |in_place| code(&mut Calls::new(&function, in_place)));
        Future::from_completion(job)
    }
}
