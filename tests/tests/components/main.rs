//! Components: values by the canonical ABI, guests that mean harm, nested forks.

#![allow(missing_docs, reason = "tests are named after behaviours")]

mod differential;
mod evil;
mod forks;
mod handles;
mod load;
mod methods;
mod random;
mod support;
mod typed;
