//! Values that cross between host and guest, and their types.

pub(crate) mod bytes;
mod convert;
mod dynamic;
mod elements;
mod fit;
mod json;
mod list;
mod serial;
pub(crate) mod size;
mod tensor;
mod tensor_type;
mod text;
pub(crate) mod types;
mod values;
mod wave;
pub(crate) mod wire;

pub(crate) use convert::sealed;
pub use convert::{Alone, Params, Payload, Results, Typed};
pub use dynamic::Value;
pub use list::{Element, List};
pub use tensor::Tensor;
pub use tensor_type::TensorType;
pub use types::{Name, Type};

pub(crate) use fit::{fit, is_scalar_of};
pub(crate) use json::Json;
pub(crate) use list::Items;
pub(crate) use tensor::TENSOR_INTERFACE;
pub(crate) use values::{Values, from_slots};
