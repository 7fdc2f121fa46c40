//! What tensors are made of, and their type.

use super::Type;
use std::sync::OnceLock;

/// What a tensor's elements are; named as in `wasi-nn`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TensorType {
    /// 16-bit floats of IEEE 754.
    Fp16,
    /// 32-bit floats.
    Fp32,
    /// 64-bit floats.
    Fp64,
    /// The upper halves of 32-bit floats.
    Bf16,
    /// Unsigned 8-bit integers.
    U8,
    /// Signed 32-bit integers.
    I32,
    /// Signed 64-bit integers.
    I64,
}

impl TensorType {
    const ALL: [TensorType; 7] = {
        use TensorType::*;
        [Fp16, Fp32, Fp64, Bf16, U8, I32, I64]
    };

    /// The name of the WIT enum's case.
    pub fn name(self) -> &'static str {
        match self {
            TensorType::Fp16 => "fp16",
            TensorType::Fp32 => "fp32",
            TensorType::Fp64 => "fp64",
            TensorType::Bf16 => "bf16",
            TensorType::U8 => "u8",
            TensorType::I32 => "i32",
            TensorType::I64 => "i64",
        }
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            TensorType::U8 => 1,
            TensorType::Fp16 | TensorType::Bf16 => 2,
            TensorType::Fp32 | TensorType::I32 => 4,
            TensorType::Fp64 | TensorType::I64 => 8,
        }
    }

    pub(super) fn named(name: &str) -> Option<TensorType> {
        TensorType::ALL.into_iter().find(|ty| ty.name() == name)
    }
}

/// The type of tensors.
pub(super) fn tensor_type() -> &'static Type {
    static TYPE: OnceLock<Type> = OnceLock::new();
    TYPE.get_or_init(|| {
        Type::record([
            ("dimensions", Type::list(Type::U32)),
            ("ty", Type::enumeration(TensorType::ALL.map(TensorType::name))),
            ("data", Type::list(Type::U8)),
        ])
    })
}

/// Whether it is the type of tensors.
pub(super) fn is_tensor(ty: &Type) -> bool {
    ty == tensor_type()
}
