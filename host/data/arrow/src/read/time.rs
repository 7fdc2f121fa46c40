//! Dates, times and durations: whole numbers of their unit, or, for a string, text of ISO 8601.

use super::number::{Number, is_integer, whole};
use super::{Cells, Nulls, unfit};
use crate::error::Misfit;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{DataType, TimeUnit};
use purefork::Value;
use purefork::value::Type;
use std::ops::Range;

pub(super) fn times(array: &ArrayRef, ty: &Type) -> Result<Box<dyn Cells>, Misfit> {
    macro_rules! of {
        ($($data:pat => $arrow:ty;)*) => {
            match array.data_type() {
                $($data => time(array.as_primitive::<$arrow>(), ty),)*
                other => Err(unfit(&other.to_string(), ty, "nothing here")),
            }
        };
    }
    use TimeUnit::*;
    of! {
        DataType::Date32 => Date32Type;
        DataType::Date64 => Date64Type;
        DataType::Time32(Second) => Time32SecondType;
        DataType::Time32(Millisecond) => Time32MillisecondType;
        DataType::Time64(Microsecond) => Time64MicrosecondType;
        DataType::Time64(Nanosecond) => Time64NanosecondType;
        DataType::Timestamp(Second, _) => TimestampSecondType;
        DataType::Timestamp(Millisecond, _) => TimestampMillisecondType;
        DataType::Timestamp(Microsecond, _) => TimestampMicrosecondType;
        DataType::Timestamp(Nanosecond, _) => TimestampNanosecondType;
        DataType::Duration(Second) => DurationSecondType;
        DataType::Duration(Millisecond) => DurationMillisecondType;
        DataType::Duration(Microsecond) => DurationMicrosecondType;
        DataType::Duration(Nanosecond) => DurationNanosecondType;
    }
}

fn time<P: ArrowPrimitiveType>(array: &PrimitiveArray<P>, ty: &Type) -> Result<Box<dyn Cells>, Misfit>
where
    P::Native: Number + Into<i64>,
{
    if let Some(cells) = whole(array, ty) {
        return Ok(cells);
    }
    match (ty, Form::of(array.data_type())) {
        (Type::String, Some(form)) => {
            Ok(Box::new(Iso { values: array.values().clone(), nulls: Nulls::of(array), form }))
        }
        _ => {
            debug_assert!(!is_integer(ty));
            let unit = unit(array.data_type());
            Err(unfit("a date, a time or a duration", ty, &format!("an s64, the number of {unit}, or a string")))
        }
    }
}

/// What the numbers of a type count.
pub(crate) fn unit(data: &DataType) -> &'static str {
    match data {
        DataType::Date32 => "days since 1970",
        DataType::Date64 => "milliseconds since 1970",
        DataType::Timestamp(TimeUnit::Second, _) => "seconds since 1970",
        DataType::Timestamp(TimeUnit::Millisecond, _) => "milliseconds since 1970",
        DataType::Timestamp(TimeUnit::Microsecond, _) => "microseconds since 1970",
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "nanoseconds since 1970",
        DataType::Time32(TimeUnit::Second) | DataType::Duration(TimeUnit::Second) => "seconds",
        DataType::Time32(_) | DataType::Duration(TimeUnit::Millisecond) => "milliseconds",
        DataType::Time64(TimeUnit::Microsecond) | DataType::Duration(TimeUnit::Microsecond) => "microseconds",
        _ => "nanoseconds",
    }
}

/// How a number is written.
#[derive(Clone, Copy)]
enum Form {
    /// Days.
    Date,
    /// Milliseconds, of which the days are written.
    DateOfMilliseconds,
    /// With as many digits of a second.
    Time(u32),
    /// With as many digits of a second, and with the zone, which is that of the instant: UTC.
    Timestamp(u32, bool),
    Duration(u32),
}

impl Form {
    fn of(data: &DataType) -> Option<Form> {
        let digits = |unit: &TimeUnit| match unit {
            TimeUnit::Second => 0,
            TimeUnit::Millisecond => 3,
            TimeUnit::Microsecond => 6,
            TimeUnit::Nanosecond => 9,
        };
        Some(match data {
            DataType::Date32 => Form::Date,
            DataType::Date64 => Form::DateOfMilliseconds,
            DataType::Time32(unit) | DataType::Time64(unit) => Form::Time(digits(unit)),
            DataType::Timestamp(unit, zone) => Form::Timestamp(digits(unit), zone.is_some()),
            DataType::Duration(unit) => Form::Duration(digits(unit)),
            _ => return None,
        })
    }

    fn write(self, number: i64) -> String {
        match self {
            Form::Date => date(number),
            Form::DateOfMilliseconds => date(number.div_euclid(86_400_000)),
            Form::Time(digits) => time_of_day(number.into(), digits),
            Form::Timestamp(digits, zone) => {
                let day = 86_400 * 10i64.pow(digits);
                let (days, rest) = (number.div_euclid(day), number.rem_euclid(day));
                let z = if zone { "Z" } else { "" };
                format!("{}T{}{z}", date(days), time_of_day(rest.into(), digits))
            }
            Form::Duration(digits) => {
                let sign = if number < 0 { "-" } else { "" };
                let second = 10u64.pow(digits);
                let (seconds, part) = (number.unsigned_abs() / second, number.unsigned_abs() % second);
                format!("{sign}PT{seconds}{}S", fraction(part.into(), digits))
            }
        }
    }
}

/// `2024-02-29` of the days since 1970, in the Gregorian calendar for ever.
fn date(days: i64) -> String {
    // Years begin in March here, so that the leap day is the last of its year; 400 of them are an era.
    let days = i128::from(days) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i128::from(month <= 2);
    match year {
        0..=9_999 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:+05}-{month:02}-{day:02}"),
    }
}

/// `12:34:56.789` of the parts of a second since midnight.
fn time_of_day(parts: i128, digits: u32) -> String {
    let second = 10i128.pow(digits);
    let (sign, parts) = if parts < 0 { ("-", -parts) } else { ("", parts) };
    let (seconds, part) = (parts / second, parts % second);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{}", fraction(part, digits))
}

fn fraction(part: i128, digits: u32) -> String {
    if digits == 0 { String::new() } else { format!(".{part:0width$}", width = digits as usize) }
}

/// Dates, times and durations as text.
struct Iso<T: Number> {
    values: ScalarBuffer<T>,
    nulls: Nulls,
    form: Form,
}

impl<T: Number + Into<i64>> Cells for Iso<T> {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(row)
    }

    fn has_no_nulls(&self) -> bool {
        self.nulls.is_none()
    }

    fn get(&self, row: usize) -> Result<Value, Misfit> {
        Ok(Value::from(self.form.write(self.values[row].into())))
    }

    fn bytes(&self, rows: Range<usize>) -> usize {
        rows.len() * 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_written_as_iso_8601_has_it() {
        for (form, number, text) in [
            (Form::Date, 0, "1970-01-01"),
            (Form::Date, 19_782, "2024-02-29"),
            (Form::Date, 19_783, "2024-03-01"),
            (Form::Date, -1, "1969-12-31"),
            (Form::Date, -719_528, "0000-01-01"),
            (Form::Date, -719_529, "-0001-12-31"),
            (Form::Date, 2_932_896, "9999-12-31"),
            (Form::Date, 2_932_897, "+10000-01-01"),
            (Form::DateOfMilliseconds, -1, "1969-12-31"),
            (Form::Time(0), 86_399, "23:59:59"),
            (Form::Time(9), 1, "00:00:00.000000001"),
            (Form::Timestamp(0, false), 951_827_696, "2000-02-29T12:34:56"),
            (Form::Timestamp(3, true), -1, "1969-12-31T23:59:59.999Z"),
            (Form::Timestamp(9, true), i64::MIN, "1677-09-21T00:12:43.145224192Z"),
            (Form::Timestamp(0, true), i64::MAX, "+292277026596-12-04T15:30:07Z"),
            (Form::Duration(3), -1_500, "-PT1.500S"),
            (Form::Duration(0), 90, "PT90S"),
            (Form::Duration(9), i64::MIN, "-PT9223372036.854775808S"),
        ] {
            assert_eq!(form.write(number), text);
        }
    }
}
