//! Arrays of numbers, as WASI's neural networks have them.

use std::error::Error;
use std::fmt;

/// An array of numbers of one type, of any number of dimensions: `tensor` of `purefork:types/tensors`.
///
/// ```
/// use purefork_guest::Tensor;
///
/// let matrix = Tensor::new(&[2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(matrix.dimensions, [2, 3]);
/// assert_eq!(matrix.elements::<f32>()?[5], 6.0);
/// assert!(matrix.elements::<i32>().is_err());
/// # Ok::<(), purefork_guest::TensorError>(())
/// ```
///
/// The fields are as a caller gave them, so they need not fit together: [`Tensor::elements`] checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The length of each dimension, the outermost first. None: a single number.
    pub dimensions: Vec<u32>,
    /// The type of the elements.
    pub ty: TensorType,
    /// The elements: little-endian, row-major.
    pub data: Vec<u8>,
}

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TensorType {
    /// 16 bits, IEEE 754 binary16.
    Fp16,
    /// 32 bits, IEEE 754 binary32.
    Fp32,
    /// 64 bits, IEEE 754 binary64.
    Fp64,
    /// 16 bits, the upper half of an IEEE 754 binary32.
    Bf16,
    /// 8 bits, unsigned.
    U8,
    /// 32 bits, two's complement.
    I32,
    /// 64 bits, two's complement.
    I64,
}

impl Tensor {
    /// A tensor of these elements.
    ///
    /// # Errors
    ///
    /// There are more elements, or fewer, than the dimensions ask for.
    pub fn new<T: Element>(dimensions: &[u32], elements: &[T]) -> Result<Tensor, TensorError> {
        let mut data = Vec::with_capacity(size_of_val(elements));
        for element in elements {
            element.write(&mut data);
        }
        let tensor = Tensor { dimensions: dimensions.to_vec(), ty: T::TYPE, data };
        tensor.check::<T>().map(|()| tensor)
    }

    /// The elements, row-major.
    ///
    /// # Errors
    ///
    /// They are of another type, or the data is longer or shorter than the dimensions ask for.
    pub fn elements<T: Element>(&self) -> Result<Vec<T>, TensorError> {
        self.check::<T>()?;
        Ok(self.data.chunks_exact(size_of::<T>()).map(T::read).collect())
    }

    /// How many elements the dimensions ask for; `None` if that is no number.
    pub fn count(&self) -> Option<usize> {
        self.dimensions.iter().try_fold(1usize, |count, length| count.checked_mul(*length as usize))
    }

    fn check<T: Element>(&self) -> Result<(), TensorError> {
        if self.ty != T::TYPE {
            return Err(TensorError::Type { expected: T::TYPE, given: self.ty });
        }
        let expected = self.count().and_then(|count| count.checked_mul(size_of::<T>()));
        match expected == Some(self.data.len()) {
            true => Ok(()),
            false => Err(TensorError::Size { dimensions: self.dimensions.clone(), bytes: self.data.len() }),
        }
    }
}

impl TensorType {
    /// The size of an element, in bytes.
    pub fn size(self) -> usize {
        match self {
            TensorType::U8 => 1,
            TensorType::Fp16 | TensorType::Bf16 => 2,
            TensorType::Fp32 | TensorType::I32 => 4,
            TensorType::Fp64 | TensorType::I64 => 8,
        }
    }

    /// For the generated bindings: the type of this number in the WIT.
    #[doc(hidden)]
    pub fn _lift(number: u8) -> TensorType {
        match number {
            0 => TensorType::Fp16,
            1 => TensorType::Fp32,
            2 => TensorType::Fp64,
            3 => TensorType::Bf16,
            4 => TensorType::U8,
            5 => TensorType::I32,
            6 => TensorType::I64,
            _ => unreachable!("the host checks the numbers of enums"),
        }
    }
}

/// A number of Rust's that can be an element of a tensor.
pub trait Element: Copy + sealed::Bytes {
    /// Its type in a tensor.
    const TYPE: TensorType;
}

mod sealed {
    pub trait Bytes {
        fn write(self, data: &mut Vec<u8>);
        fn read(bytes: &[u8]) -> Self;
    }
}

macro_rules! elements {
    ($($rust:ty => $ty:ident),*) => {$(
        impl Element for $rust {
            const TYPE: TensorType = TensorType::$ty;
        }
        impl sealed::Bytes for $rust {
            fn write(self, data: &mut Vec<u8>) {
                data.extend_from_slice(&self.to_le_bytes());
            }
            fn read(bytes: &[u8]) -> $rust {
                let mut array = [0; size_of::<$rust>()];
                array.copy_from_slice(bytes);
                <$rust>::from_le_bytes(array)
            }
        }
    )*};
}

elements!(f32 => Fp32, f64 => Fp64, u8 => U8, i32 => I32, i64 => I64);

/// A tensor that is not what it was taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TensorError {
    /// The elements are of another type.
    Type {
        /// The type that was asked for.
        expected: TensorType,
        /// The type of the tensor.
        given: TensorType,
    },
    /// The data is longer or shorter than the dimensions ask for.
    Size {
        /// The dimensions.
        dimensions: Vec<u32>,
        /// The length of the data.
        bytes: usize,
    },
}

impl fmt::Display for TensorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TensorError::Type { expected, given } => {
                write!(f, "expected a tensor of {expected:?}, given one of {given:?}")
            }
            TensorError::Size { dimensions, bytes } => {
                write!(f, "{bytes} bytes of data do not make a tensor of dimensions {dimensions:?}")
            }
        }
    }
}

impl Error for TensorError {}
