//! Lists of numbers and tensors as numpy's arrays.

use purefork::{List, Tensor, TensorType, Type, Value};

/// The type of a tensor's elements of numpy's dtype.
pub(crate) fn tensor_type(dtype: &str) -> Option<TensorType> {
    TENSORS.iter().find(|(known, _)| *known == dtype).map(|(_, ty)| *ty)
}

/// numpy's dtype of a tensor's elements, if there is one.
pub(crate) fn tensor_dtype(ty: TensorType) -> Option<&'static str> {
    TENSORS.iter().find(|(_, known)| *known == ty).map(|(dtype, _)| *dtype)
}

/// The dtypes that tensors have, for messages.
pub(crate) fn tensor_dtypes() -> String {
    TENSORS.iter().map(|(dtype, ty)| format!("`{dtype}` ({})", ty.name())).collect::<Vec<_>>().join(", ")
}

/// numpy has nothing for bf16.
const TENSORS: [(&str, TensorType); 6] = [
    ("f2", TensorType::Fp16),
    ("f4", TensorType::Fp32),
    ("f8", TensorType::Fp64),
    ("u1", TensorType::U8),
    ("i4", TensorType::I32),
    ("i8", TensorType::I64),
];

macro_rules! numbers {
    ($($variant:ident $rust:ty, $dtype:literal;)*) => {
        /// numpy's dtype of a list's elements, if they are numbers.
        pub(crate) fn of_element(element: &Type) -> Option<&'static str> {
            match element {
                $(Type::$variant => Some($dtype),)*
                _ => None,
            }
        }

        /// The list with these bytes; empty if the elements are no numbers.
        pub(crate) fn list(element: &Type, data: &[u8]) -> List {
            match element {
                $(Type::$variant => {
                    let (numbers, _) = data.as_chunks();
                    List::from(numbers.iter().map(|bytes| <$rust>::from_le_bytes(*bytes)).collect::<Vec<_>>())
                })*
                _ => List::from(Vec::<Value>::new()),
            }
        }

        /// The list's bytes, if it is held as numbers of that type.
        pub(crate) fn bytes(element: &Type, list: &List) -> Option<Vec<u8>> {
            match element {
                $(Type::$variant => Some(list.as_slice::<$rust>()?.iter().flat_map(|v| v.to_le_bytes()).collect()),)*
                _ => None,
            }
        }
    };
}

numbers! {
    S8 i8, "i1";
    U8 u8, "u1";
    S16 i16, "i2";
    U16 u16, "u2";
    S32 i32, "i4";
    U32 u32, "u4";
    S64 i64, "i8";
    U64 u64, "u8";
    F32 f32, "f4";
    F64 f64, "f8";
}

/// A tensor's dimensions as numpy's shape.
pub(crate) fn shape(tensor: &Tensor) -> Vec<usize> {
    tensor.dimensions().iter().map(|&n| n as usize).collect()
}
