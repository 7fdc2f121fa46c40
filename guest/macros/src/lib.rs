//! The attribute macro of `purefork-guest`; that crate documents and re-exports it.
//!
//! How a module becomes a component, one file a step:
//!
//! - `args`: what the attribute was given;
//! - `module`: the module's functions, types and all the rest, checked for what no WIT can say;
//! - `init`: which functions are marked `#[init]`; `batch`: the batch forms of those that are marked `#[batch]`;
//! - `types`: the Rust types of the signatures, resolved; `name`: their names in WIT;
//! - `derive`: the WIT text of all this;
//! - `world`: any WIT, derived or written by hand, read back: what is exported, what can be forked;
//! - `convert`, `lend`: the values' way between the module's types and those of the bindings;
//! - `expand`: the code that comes out, with `fork` for what the module itself sees of it.

mod args;
mod batch;
mod convert;
mod derive;
mod expand;
mod fork;
mod init;
mod lend;
mod module;
mod name;
mod types;
mod world;

use proc_macro::TokenStream;

/// Makes a component of a module: its `pub fn`s are exported, and can be forked.
///
/// See the documentation of the crate `purefork-guest`.
#[proc_macro_attribute]
pub fn module(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(attribute.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Marks a function of such a module that has a batch form: `gcd_batch`, of columns, beside `gcd`, of a row.
///
/// See the documentation of the crate `purefork-guest`.
#[proc_macro_attribute]
pub fn batch(_: TokenStream, item: TokenStream) -> TokenStream {
    // Within a module `module` has taken it off; so this one stands elsewhere.
    let error = syn::Error::new(proc_macro2::Span::call_site(), batch::ELSEWHERE).into_compile_error();
    TokenStream::from_iter([error.into(), item])
}

/// Marks a function of such a module that loads what later calls read: `purefork preinit` runs it once.
///
/// It returns nothing, or a `Result<(), E>` whose `Err` is a preinit that failed. It cannot be forked: what a fork changes
/// is lost. See the documentation of the crate `purefork-guest`.
#[proc_macro_attribute]
pub fn init(_: TokenStream, item: TokenStream) -> TokenStream {
    // Within a module `module` has taken it off; so this one stands elsewhere.
    let error = syn::Error::new(proc_macro2::Span::call_site(), init::ELSEWHERE).into_compile_error();
    TokenStream::from_iter([error.into(), item])
}
