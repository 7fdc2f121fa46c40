//! Components: values by the canonical ABI, nested forks. Those that mean harm are in `hostile`.

mod differential;
mod forks;
mod handles;
mod load;
mod methods;
mod random;
pub(crate) mod support;
mod typed;
