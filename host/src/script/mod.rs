//! Core modules whose functions take pointers, called with texts and lists: scripts, and the code that is made of them.
//!
//! A *script* is a sequence of calls of a module's functions in one sandbox. What is made of it is a core module, the *glue*, that imports
//! the module's functions and its memory, and exports functions that take and give what WIT has: they lay nothing out themselves, as
//! the host does so by the canonical ABI, through the `realloc` that the glue exports. A custom section says what they take. Both modules
//! are then linked to one (`merge`), which is audited like any other.
//!
//! Room for arguments comes from the module's own allocator, if it exports one that is known ([`allocator`]); else pages are added to its
//! memory, of which the module never learns ([`gap`]). Nothing is freed: the sandbox is gone when the call ends.
//!
//! | script | is |
//! | --- | --- |
//! | `7` `-1` `0.5` | a number, of the type that is wanted where it stands |
//! | `name` | a parameter, what was named, or a global variable that the module exports; of a list or text, its address |
//! | `len(name)` `len` | how many elements it has; of what stood or was laid last |
//! | `&32` `room(n)` | the address of so many bytes that are zero |
//! | `"text"` | the address of a text with a zero behind it |
//! | `f(a, b)` | a call of the module's function `f` |
//! | `a + b` `a - b` `a * b` `( … )` | two numbers of one type, computed; spaces stand around `-` |
//! | `u8(p)` … `s64(p)` `f32(p)` `f64(p)` | what lies at an address |
//! | `u32(p) = n` | writes it there |
//! | `name = …` | names a number or an address |
//! | `copy(to, from, n)` | copies so many bytes |
//! | `bytes(p, n)` `list(p, n)` | the value: so many bytes, or elements, from an address on |
//! | `string(p)` `string(p, n)` | the value: a text up to a zero, or of so many bytes |
//!
//! Statements are parted by `;` or new lines. The last one gives the value.

mod allocator;
mod exports;
mod gap;
mod glue;
mod lower;
mod roomy;
mod scripted;
mod syntax;
#[cfg(test)]
mod tests;
#[cfg_attr(not(feature = "components"), path = "no_wit.rs")]
mod wit;

pub(crate) use roomy::roomy;
pub(crate) use scripted::Scripted;
pub(crate) use wit::functions;

use crate::error::Result;

/// The glue for a core module: its functions' texts are what the scripts say. `name`: what it imports the module as.
///
/// # Errors
///
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if a script is none, or does not fit the module; [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if that is no core module.
pub(crate) fn glue(module: &[u8], name: &str, functions: &[Scripted]) -> Result<Vec<u8>> {
    let exports = exports::Exports::read(module)?;
    glue::glue(&exports, name, functions)
}
