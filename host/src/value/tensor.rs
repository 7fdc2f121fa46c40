//! Tensors: numbers in any number of dimensions.

use super::tensor_type::{is_tensor, tensor_type};
use super::{List, Name, TensorType, Type, Typed, Value};
use crate::error::{Error, ErrorKind, Result};
use std::sync::Arc;

/// The interface that defines tensors, with its version.
pub(crate) const TENSOR_INTERFACE: &str = "purefork:types/tensors@0.1.0";

/// Numbers in any number of dimensions: WIT's `purefork:types/tensors.tensor`.
///
/// ```
/// use purefork::value::{Tensor, TensorType};
///
/// let tensor = Tensor::new([2, 1], TensorType::U8, vec![7, 8])?;
/// assert_eq!(tensor.dimensions(), [2, 1]);
/// assert!(Tensor::new([2, 2], TensorType::U8, vec![7, 8]).is_err());
/// # Ok::<(), purefork::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    dimensions: Vec<u32>,
    ty: TensorType,
    data: List,
}

impl Tensor {
    /// A tensor of some dimensions, none for a single number, with its elements in row-major order, little-endian.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`] if there are not as many bytes as the dimensions say.
    pub fn new(dimensions: impl Into<Vec<u32>>, ty: TensorType, data: Vec<u8>) -> Result<Tensor> {
        let tensor = Tensor { dimensions: dimensions.into(), ty, data: data.into() };
        let wanted = tensor.dimensions.iter().try_fold(ty.size(), |bytes, &n| bytes.checked_mul(n as usize));
        if wanted != Some(tensor.data.len()) {
            let wanted = wanted.map_or_else(|| "more bytes than there can be".to_owned(), |n| format!("{n} bytes"));
            return Err(Error::new(
                ErrorKind::ArgumentMismatch,
                format!(
                    "expected {wanted} for a tensor of {} with dimensions {:?}, but was given {}",
                    ty.name(),
                    tensor.dimensions,
                    tensor.data.len()
                ),
            ));
        }
        Ok(tensor)
    }

    /// How many elements there are along each dimension, the outermost first.
    pub fn dimensions(&self) -> &[u32] {
        &self.dimensions
    }

    /// What the elements are.
    pub fn ty(&self) -> TensorType {
        self.ty
    }

    /// The elements' bytes: row-major, little-endian.
    pub fn data(&self) -> &[u8] {
        self.data.as_slice().unwrap_or_default()
    }

    /// The elements' bytes themselves; a copy only if the tensor has clones.
    pub fn into_data(self) -> Vec<u8> {
        self.data.into_vec().unwrap_or_default()
    }
}

impl Typed for Tensor {
    fn ty() -> Type {
        tensor_type().clone()
    }

    fn is(ty: &Type) -> bool {
        is_tensor(ty)
    }

    fn into_value(self) -> Value {
        let name = |at: usize| match tensor_type() {
            Type::Record(fields) => fields[at].0.clone(),
            _ => Name::from(""),
        };
        Value::Record(Arc::new([
            (name(0), Value::List(self.dimensions.into())),
            (name(1), Value::Enum(self.ty.name().into())),
            (name(2), Value::List(self.data)),
        ]))
    }

    fn from_value(value: Value) -> Option<Tensor> {
        let dimensions = match value.field("dimensions")? {
            Value::List(list) => list.clone().into_vec::<u32>()?,
            _ => return None,
        };
        let ty = match value.field("ty")? {
            Value::Enum(name) => TensorType::named(name)?,
            _ => return None,
        };
        let data = match value.field("data")? {
            Value::List(list) => list.clone(),
            _ => return None,
        };
        data.as_slice::<u8>()?;
        // A guest may have given any number of bytes.
        let wanted = dimensions.iter().try_fold(ty.size(), |bytes, &n| bytes.checked_mul(n as usize));
        (wanted == Some(data.len())).then_some(Tensor { dimensions, ty, data })
    }
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Value {
        tensor.into_value()
    }
}

impl TryFrom<Value> for Tensor {
    type Error = Error;

    /// The value as a tensor.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArgumentMismatch`] if it is none, or has not as many bytes as its dimensions say.
    fn try_from(value: Value) -> Result<Tensor> {
        Tensor::from_value(value).ok_or_else(|| {
            Error::new(
                ErrorKind::ArgumentMismatch,
                "expected a tensor with as many bytes as its dimensions say, but was given another value",
            )
        })
    }
}
