//! Decimals: text, which is exact, or whole numbers, if they are whole.

use super::number::{Wide, exact, is_integer};
use super::{Cells, Nulls, unfit};
use crate::error::Misfit;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType;
use purefork::Value;
use purefork::value::Type;
use std::fmt::Display;
use std::ops::Range;

pub(super) fn decimals(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    match array.data_type() {
        DataType::Decimal32(_, scale) => decimal(array.as_primitive::<Decimal32Type>(), *scale, ty),
        DataType::Decimal64(_, scale) => decimal(array.as_primitive::<Decimal64Type>(), *scale, ty),
        DataType::Decimal128(_, scale) => decimal(array.as_primitive::<Decimal128Type>(), *scale, ty),
        DataType::Decimal256(_, scale) => decimal(array.as_primitive::<Decimal256Type>(), *scale, ty),
        other => Err(unfit(&other.to_string(), ty, "nothing here")),
    }
}

struct Decimals<T: arrow_buffer::ArrowNativeType> {
    values: ScalarBuffer<T>,
    nulls: Nulls,
    scale: i8,
    ty: Type,
}

fn decimal<P: ArrowPrimitiveType>(array: &PrimitiveArray<P>, scale: i8, ty: &Type) -> Result<Box<dyn Cells>, Misfit>
where
    P::Native: Display,
{
    if *ty != Type::String && !is_integer(ty) {
        return Err(unfit("a decimal", ty, "a string, or, if it is whole, an s64; for a float, cast the column"));
    }
    Ok(Box::new(Decimals { values: array.values().clone(), nulls: Nulls::of(array), scale, ty: ty.clone() }))
}

/// The decimal of some digits, which may have a sign, and a scale: with as many digits behind the point.
fn text(digits: &str, scale: i8) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    match usize::from(scale.unsigned_abs()) {
        0 => format!("{sign}{digits}"),
        zeros if scale < 0 && digits == "0" => {
            debug_assert!(zeros > 0);
            "0".to_owned()
        }
        zeros if scale < 0 => format!("{sign}{digits}{}", "0".repeat(zeros)),
        behind => {
            let padded = format!("{digits:0>width$}", width = behind + 1);
            let (whole, part) = padded.split_at(padded.len() - behind);
            format!("{sign}{whole}.{part}")
        }
    }
}

impl<T: arrow_buffer::ArrowNativeType + Display> Cells for Decimals<T> {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        let text = text(&self.values[row].to_string(), self.scale);
        if self.ty == Type::String {
            return Ok(Value::from(text));
        }
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let number = if part.bytes().all(|digit| digit == b'0') { whole.parse().ok() } else { None };
        number.and_then(|number| exact(Wide::Whole(number), &self.ty)).ok_or_else(|| {
            let range = self.ty.whole_numbers().unwrap_or("a whole number");
            Misfit::new(format!("expected {}, {range}, but the decimal is {text}", self.ty))
        })
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        rows.len() * 32
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_decimal_has_as_many_digits_behind_the_point_as_its_scale_says() {
        for (digits, scale, written) in [
            ("12345", 2, "123.45"),
            ("-5", 2, "-0.05"),
            ("0", 3, "0.000"),
            ("12", 0, "12"),
            ("-12", -3, "-12000"),
            ("0", -3, "0"),
        ] {
            assert_eq!(text(digits, scale), written);
        }
    }
}
