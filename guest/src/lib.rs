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
mod called;
mod tensor;
mod wait;

/// Makes a component of a module: its `pub fn`s are exported, and can be forked.
///
/// The [crate's documentation](crate) says how, and which types are possible.
pub use purefork_guest_macros::module;
pub use tensor::{Element, Tensor, TensorError, TensorType};
pub use wait::{Wait, wait_all};

/// What the generated code refers to; not for use by hand, and without any promise.
#[doc(hidden)]
pub mod __private {
    pub use crate::called::Called;
    pub use wit_bindgen;

    pub mod tensors {
        pub use crate::tensor::{Tensor, TensorType};
    }
}
