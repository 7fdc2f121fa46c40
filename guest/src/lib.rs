//! Write pure functions in Rust, compile them to WebAssembly, and fork them.
//!
//! ```
//! #[purefork_guest::module]
//! mod example {
//!     /// The sum of two numbers.
//!     pub fn foo(a: i32, b: i32) -> i32 {
//!         a + b
//!     }
//!
//!     /// The same with 2, by a fork.
//!     pub fn bar(a: i32) -> i32 {
//!         let sum = fork::foo(a, 2);
//!         sum.wait()
//!     }
//! }
//! # assert_eq!(example::bar(40), 42);
//! ```
//!
//! The crate is a `cdylib`, and `cargo build --release --target wasm32-unknown-unknown` is all it takes:
//! `purefork run example.wasm bar 40` prints 42. No WIT is written and no other tool is needed.
//!
//! # What the attribute does
//!
//! Every `pub fn` of the module becomes an export, under its name in WIT: `merge_sort` is `merge-sort`.
//! The module gets a module `fork` with a function of the same name and parameters for each of them. It
//! starts a call and returns that call's future at once; the future's `wait` gives the result.
//!
//! A forked call runs by itself: it sees its arguments and the module's initial state, and nothing that
//! its caller did. What a call writes to a `static` is gone when it returns. There is no clock, no
//! randomness, no input and no output, and no way to ask whether a future is done.
//!
//! A crate has one such module. The bindings are unsafe code, generated: a crate can `deny(unsafe_code)`, as that is
//! lifted for them, but not `forbid` it.
//!
//! All else in the module (private functions, `use`, constants, `impl` blocks) stays as it is.
//!
//! # Types
//!
//! | Rust | WIT |
//! | --- | --- |
//! | `i8` … `i64`, `u8` … `u64`, `f32`, `f64`, `bool`, `char`, `String` | `s8` …, `u8` …, `f32`, `f64`, `bool`, `char`, `string` |
//! | `Vec<T>`, `Option<T>`, `(T, U)` | `list<T>`, `option<T>`, `tuple<T, U>` |
//! | `Result<T, E>`, either of them may be `()` | `result<T, E>` |
//! | [`Tensor`], [`TensorType`] | `tensor`, `tensor-type` of `purefork:types/tensors` |
//! | a `struct` of the module, with named fields | a `record` |
//! | an `enum` of the module, each case with one value or none | a `variant`, or an `enum` where no case has one |
//! | `&str`, `&[T]`, `&Tensor`, as a parameter | `string`, `list<T>`, `tensor` |
//!
//! Structs and enums keep their own derives and methods. What WIT cannot say (generics, lifetimes, `usize`,
//! maps, recursive types …) is a compile error at its place that says what to use instead.
//!
//! ```
//! #[purefork_guest::module]
//! mod shapes {
//!     #[derive(Clone, Copy)]
//!     pub struct Point {
//!         pub x: f64,
//!         pub y: f64,
//!     }
//!
//!     pub enum Shape {
//!         Nothing,
//!         Circle(f64),
//!         Polygon(Vec<Point>),
//!     }
//!
//!     /// The area of each shape, every one by a call of its own.
//!     pub fn areas(shapes: Vec<Shape>) -> Vec<f64> {
//!         let forks: Vec<_> = shapes.into_iter().map(fork::area).collect();
//!         purefork_guest::wait_all(forks)
//!     }
//!
//!     pub fn area(shape: Shape) -> f64 {
//!         match shape {
//!             Shape::Nothing => 0.0,
//!             Shape::Circle(radius) => std::f64::consts::PI * radius * radius,
//!             Shape::Polygon(points) => {
//!                 let edges = points.iter().zip(points.iter().cycle().skip(1));
//!                 edges.map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f64>() / 2.0
//!             }
//!         }
//!     }
//! }
//! # use shapes::{Point, Shape};
//! # let square = vec![(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)];
//! # let square = square.into_iter().map(|(x, y)| Point { x, y }).collect();
//! # assert_eq!(shapes::areas(vec![Shape::Nothing, Shape::Polygon(square)]), [0.0, 4.0]);
//! ```
//!
//! # State that is loaded once
//!
//! A model's weights, a dictionary, a table that takes long to compute: what is the same in every call is loaded by a
//! function marked `#[init]`, and stays in a `static`. As in a module of PyTorch's, the attributes are set once, and
//! `forward` is forked many times.
//!
//! ```
//! #[purefork_guest::module]
//! mod linear {
//!     use std::sync::OnceLock;
//!
//!     static WEIGHTS: OnceLock<Vec<f32>> = OnceLock::new();
//!
//!     /// Takes the weights.
//!     #[init]
//!     pub fn load(weights: Vec<f32>) -> Result<(), String> {
//!         WEIGHTS.set(weights).map_err(|_| "the weights are loaded already".to_owned())
//!     }
//!
//!     /// The sum of the products of weights and numbers.
//!     pub fn forward(x: &[f32]) -> Result<f32, String> {
//!         let weights = WEIGHTS.get().ok_or("no weights: run `purefork preinit` with `load` first")?;
//!         Ok(weights.iter().zip(x).map(|(weight, x)| weight * x).sum())
//!     }
//! }
//! # assert!(linear::forward(&[1.0]).unwrap_err().contains("preinit"));
//! # linear::load(vec![2.0, 3.0]).unwrap();
//! # assert_eq!(linear::forward(&[10.0, 1.0]), Ok(23.0));
//! ```
//!
//! ```sh
//! purefork preinit linear.wasm load '[2, 3]' -o loaded.wasm
//! purefork run loaded.wasm forward '[10, 1]'                  # ok(23)
//! ```
//!
//! `preinit` calls `load` once, and writes a module in which every call starts from what it left: forks from within too. What a
//! call then changes, by a `Mutex` or a `Cell`, nobody else sees.
//!
//! An `#[init]` function is a `pub fn` that returns nothing, or a `Result<(), E>`: with an `Err` the preinit has failed.
//! It has no fork, as what a fork changes is lost.
//!
//! There is no type for such state here, because std's do: `OnceLock` for what `load` is given, `LazyLock` for what needs no
//! arguments (`LazyLock::force(&TABLE)` in an `#[init]` function; where that was not run, each call computes it for
//! itself), `Mutex<Option<T>>` or `RwLock<Option<T>>` for what may be loaded again, and `thread_local!` for what is not
//! `Sync`. An `Err` for what is not there tells the caller more than a panic, whose message does not leave the sandbox.
//!
//! Natively a `static` belongs to the process: tests share it, and load it once.
//!
//! # Many rows by one call
//!
//! A call takes some time of its own, which is more than a short function takes. A function marked `#[batch]` is exported a second
//! time, for many rows at once: a column for each parameter, and a column of results.
//!
//! ```
//! #[purefork_guest::module]
//! mod arithmetic {
//!     /// The greatest common divisor.
//!     #[batch]
//!     pub fn gcd(a: i64, b: i64) -> i64 {
//!         if b == 0 { a.abs() } else { gcd(b, a % b) }
//!     }
//!
//!     /// A quotient of whole numbers.
//!     #[batch]
//!     pub fn quotient(a: i64, b: i64) -> Result<i64, String> {
//!         a.checked_div(b).ok_or_else(|| format!("{a} / {b} is no number"))
//!     }
//! }
//! # use arithmetic::*;
//! assert_eq!(gcd_batch(vec![12, 35], vec![18, 21]), [6, 7]);
//! assert_eq!(quotient_batch(vec![12, 35], vec![4, 5]), Ok(vec![3, 7]));
//! assert_eq!(quotient_batch(vec![12, 35], vec![4, 0]), Err("row 1: 35 / 0 is no number".to_owned()));
//! ```
//!
//! `gcd` is `gcd: func(a: s64, b: s64) -> s64` in WIT, and its batch form `gcd-batch: func(a: list<s64>, b: list<s64>) -> list<s64>`;
//! that can be forked too, as `fork::gcd_batch`.
//!
//! **All rows of a batch have one state.** Calls of `gcd` see nothing of each other. The rows of a batch are one call: what one writes
//! to a `static`, or leaves on the heap, is there for the next, and a row that panics or does not end is the end of all. Where that
//! matters, call the function row by row.
//!
//! - A parameter may be of any type that a list can hold: strings, options, lists, structs. `&str` and `&[T]` are columns of `String`
//!   and of `Vec<T>`.
//! - Columns of different lengths end the call with a trap, in a function that is called so: `columns_of_different_lengths`.
//! - A function that returns a `Result<T, E>` has a batch form that returns a `Result<Vec<T>, String>`. It ends with the first row that
//!   has an error, and gives that: the row's number, from 0, a colon, and the error as it is displayed.
//! - A function without parameters, or one that returns nothing, has no batch form.
//!
//! # Failure
//!
//! A panic ends the call, and the call that waits for it fails with it. `try_wait` catches instead:
//!
//! ```
//! #[purefork_guest::module]
//! mod careful {
//!     pub fn reciprocal(x: i32) -> i32 {
//!         1000 / x
//!     }
//!
//!     pub fn reciprocal_or_zero(x: i32) -> i32 {
//!         fork::reciprocal(x).try_wait().unwrap_or(0)
//!     }
//! }
//! # assert_eq!(careful::reciprocal_or_zero(0), 0);
//! ```
//!
//! The text of the failure comes from the host, from a short fixed list: it does not tell the panic's
//! message. A failure that the caller should know more of is a `Result`, returned.
//!
//! # Functions of other modules
//!
//! A block of `extern "purefork"` declares functions that another module provides, under whatever name the
//! host links it: `purefork run mine.wasm double 4 --link math=math.wasm`.
//!
//! ```
//! #[purefork_guest::module]
//! mod mine {
//!     extern "purefork" {
//!         fn add(a: i32, b: i32) -> i32;
//!     }
//!
//!     pub fn double(a: i32) -> i32 {
//!         fork::add(a, a).wait()
//!     }
//! }
//! ```
//!
//! # A WIT written by hand
//!
//! `#[purefork_guest::module(wit = "wit", world = "example")]` takes the WIT in the crate's folder `wit`
//! instead of deriving one. Its world exports what the module has as `pub fn`s; what it defines is in the
//! module's `wit`; functions whose resource its interface `fork` has can be forked.
//!
//! # Tests
//!
//! On any other target the same module compiles to plain Rust, so `cargo test` works as ever. A fork then
//! simply calls the function, `wait` gives its result, and `try_wait` catches a panic, with the panic's
//! message as its text. A function of another module is not there: waiting for it panics.
//!
//! # The allocator
//!
//! As wasm, the feature `allocator` (on by default) sets the global allocator: its first heap is in the
//! module's initial memory, so that a short call does not grow it. Leave it out to bring your own.

#[cfg(any(all(target_arch = "wasm32", feature = "allocator"), test))]
mod allocator;
mod batch;
mod called;
mod tensor;
mod wait;

/// Makes a component of a module: its `pub fn`s are exported, and can be forked.
///
/// The [crate's documentation](crate) says how, and which types are possible.
pub use purefork_guest_macros::module;

/// Marks a function of such a module that has a batch form: beside `gcd(a: i64, b: i64) -> i64` the module gets and exports
/// `gcd_batch(a: Vec<i64>, b: Vec<i64>) -> Vec<i64>`.
///
/// The batch form takes a column for each parameter and makes all rows by one call, **in one state**: what a row writes to a
/// `static`, the next one sees. The columns are of one length. Of a function that returns a `Result<T, E>`, whose `E` can be
/// displayed, it returns a `Result<Vec<T>, String>`: the error of the first row that has one, behind the row's number. The
/// [crate's documentation](crate#many-rows-by-one-call) has an example. In the module `#[batch]` needs no `use`.
pub use purefork_guest_macros::batch;

/// Marks a function of such a module that loads what later calls read: `purefork preinit` runs it once.
///
/// It returns nothing, or a `Result<(), E>` whose `Err` is a preinit that failed. It has no fork, since what a fork changes
/// is lost. The [crate's documentation](crate#state-that-is-loaded-once) has an example. In the module `#[init]` needs no
/// `use`.
pub use purefork_guest_macros::init;
pub use tensor::{Element, Tensor, TensorError, TensorType};
pub use wait::{Wait, wait_all};

/// What the generated code refers to; not for use by hand, and without any promise.
#[doc(hidden)]
pub mod __private {
    pub use crate::batch::{rows, same_length};
    pub use crate::called::Called;
    pub use wit_bindgen;

    /// A function marked `#[init]`. The lifetime has the compiler look at a bound on it where it is used, not where it stands.
    pub struct Init<'fork>(std::marker::PhantomData<&'fork ()>);

    /// Implemented by nothing.
    #[diagnostic::on_unimplemented(
        message = "a function that is marked `#[init]` cannot be forked",
        label = "what a fork changes is lost",
        note = "`purefork preinit` calls it from without; within a call it can be called as it is, without `fork::`"
    )]
    pub trait CanBeForked {}

    /// Runs a function marked `#[init]`.
    pub fn init<T>(load: impl FnOnce() -> T) -> T {
        #[cfg(all(target_arch = "wasm32", feature = "allocator"))]
        return crate::allocator::init(load);
        #[cfg(not(all(target_arch = "wasm32", feature = "allocator")))]
        load()
    }

    pub mod tensors {
        pub use crate::tensor::{Tensor, TensorType};
    }
}
