//! Fork pure WebAssembly functions; wait for their results.
//!
//! A *guest* is a WebAssembly module whose exports are pure functions. [`Executor::load`] proves from its bytes that it
//! can be pure, or says why not; [`Module::fork`] starts a call on a worker thread, in a *sandbox* of its own, and
//! returns a [`Future`] at once. A call sees its arguments and its own initial state, and nothing else. Guests fork too,
//! to any depth.
//!
//! ```
//! use purefork::{Executor, Future, args, wait, wait_all};
//!
//! let exec = Executor::new()?;
//! let math = exec.load_bytes(r#"(module
//!     (func (export "add") (param $a i32) (param $b i32) (result i32)
//!         (i32.add (local.get $a) (local.get $b))))"#)?;
//!
//! let five = math.fork("add", args![2, b = 3])?;          // dynamic: positional and by name
//! assert_eq!(five.wait()?.to_string(), "5");
//!
//! let add = math.function::<(i32, i32), i32>("add")?;     // typed: the signature is checked once, here
//! assert_eq!(wait(add.fork((2, 3)))?, 5);
//! let sums: Vec<Future<i32>> = (0..1000).map(|i| add.fork((i, 2))).collect();
//! assert_eq!(wait_all(sums)?[10], 12);
//! # Ok::<(), purefork::Error>(())
//! ```
//!
//! # Nested forks
//!
//! A guest forks by importing, for a function `foo` that it or a module linked to it exports, `fork` `foo` (the
//! function's parameters → a future, an `i32`) and `wait` `foo` (a future → the function's results):
//!
//! ```
//! # use purefork::{Executor, args};
//! # let exec = Executor::new()?;
//! let fib = exec.load_bytes(r#"(module
//!     (import "fork" "fib" (func $fork (param i32) (result i32)))
//!     (import "wait" "fib" (func $wait (param i32) (result i64)))
//!     (func (export "fib") (param $n i32) (result i64) (local $a i32) (local $b i32)
//!         (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i64.extend_i32_u (local.get $n)))))
//!         (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
//!         (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
//!         (i64.add (call $wait (local.get $a)) (call $wait (local.get $b)))))"#)?;
//! assert_eq!(fib.fork("fib", args![12])?.wait()?.to_string(), "144");
//! # Ok::<(), purefork::Error>(())
//! ```
//!
//! # Modules
//!
//! What nearly every program uses is here. [`value`] has types, lists and tensors; [`error`] what an [`Error`] is made
//! of; [`inspect`] what the audit tells of a guest; [`function`] and [`future`] the rest of what calls take and give.
//!
//! # Features
//!
//! By default all but the last are there. Whoever needs less has less to compile.
//!
//! | feature | with it | without it |
//! | --- | --- | --- |
//! | `wat` | guests may be text | text is refused |
//! | `components` | guests may be components | a component is refused |
//! | `preinit` | `Module::preinit` | it is not there |
//! | `opentelemetry` | [`event`] has an observer that makes spans of OpenTelemetry | it has not |
//!
//! Values, arguments, types, errors, limits, and what calls used and wrote, are `Serialize` and `Deserialize`; the feature `serde`, which once
//! had them so, does nothing.

// What only components or `Module::preinit` use is compiled all the same.
#![cfg_attr(not(all(feature = "components", feature = "preinit")), allow(dead_code, unused_imports))]

mod abi;
mod args;
mod audit;
mod backend;
pub mod bulk;
mod deferred;
mod engine;
pub mod error;
mod escape;
pub mod event;
mod executor;
mod fork;
pub mod function;
pub mod future;
mod imports;
pub mod inspect;
mod instrument;
mod ir;
mod isolation;
mod limits;
mod memo;
mod merge;
mod module;
mod module_service;
mod nearest;
mod process;
mod sandbox;
mod sched;
mod script;
#[cfg_attr(not(feature = "preinit"), path = "snapshot/absent.rs")]
mod snapshot;
pub mod trace;
pub mod value;
mod wasi;

// What nearly every program uses. The rest is in the modules.
pub use args::Args;
pub use error::{Error, ErrorKind, Result};
pub use executor::{Assembly, Builder, Executor, LoadOptions};
pub use function::Function;
pub use future::{Future, Promise, collect_all, collect_any, first_ok, promise, wait, wait_all, wait_all_or_cancel};
pub use imports::UnknownImports;
pub use isolation::Isolation;
pub use limits::{Limits, Usage};
pub use memo::Memo;
pub use module::Module;
pub use trace::trace;
pub use value::Value;
pub use wasi::{Output, Wasi, World};

/// What is documented to be `Send` and `Sync` is; a field that were not would be a breaking change.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<(Executor, Builder, Memo, Module, Function<(i32,), i32>, Future<Value>, Promise<i32>)>();
    shared::<(
        Args,
        Value,
        value::Type,
        Limits,
        Usage,
        Isolation,
        UnknownImports,
        Wasi,
        Output,
        World,
        Error,
        event::TaskId,
        inspect::Inspection,
    )>();
    // Whatever their types are: these name what is passed, and hold none of it.
    shared::<(Function<std::cell::Cell<i32>, ()>, Future<std::cell::Cell<i32>>)>();
};
