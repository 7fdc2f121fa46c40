//! Lists of numbers and tensors as numpy's arrays.

use purefork::Value;
use purefork::value::{List, Tensor, TensorType, Type};

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

        /// The list with these bytes; empty if the elements are not numbers.
        pub(crate) fn list(element: &Type, data: &[u8]) -> List {
            match element {
                $(Type::$variant => {
                    let (numbers, _) = data.as_chunks();
                    List::from(numbers.iter().map(|bytes| <$rust>::from_le_bytes(*bytes)).collect::<Vec<_>>())
                })*
                _ => List::from(Vec::<Value>::new()),
            }
        }

        /// The list's bytes, if it is stored as numbers of that type.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_dtype_that_numpy_calls_them_by() {
        use Type::*;
        let data: Vec<u8> = (1..=16).collect();
        for (element, dtype, first) in [
            (S8, "i1", Value::I8(1)),
            (U8, "u1", Value::U8(1)),
            (S16, "i2", Value::I16(0x0201)),
            (U16, "u2", Value::U16(0x0201)),
            (S32, "i4", Value::I32(0x0403_0201)),
            (U32, "u4", Value::U32(0x0403_0201)),
            (S64, "i8", Value::I64(0x0807_0605_0403_0201)),
            (U64, "u8", Value::U64(0x0807_0605_0403_0201)),
            (F32, "f4", Value::F32(f32::from_bits(0x0403_0201))),
            (F64, "f8", Value::F64(f64::from_bits(0x0807_0605_0403_0201))),
        ] {
            assert_eq!(of_element(&element), Some(dtype));
            let list = list(&element, &data);
            assert_eq!(list.get(0), Some(first));
            assert_eq!(bytes(&element, &list).as_deref(), Some(&data[..]), "{dtype}");
        }
        assert_eq!(of_element(&Bool), None);
        assert_eq!(of_element(&I32), None);
    }
}
