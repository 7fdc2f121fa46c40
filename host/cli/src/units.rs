//! Numbers, sizes and durations as they are typed.

use std::time::Duration;

/// A whole number that fits `T`.
pub(crate) fn count<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let Some(number) = number(text) else {
        return Err("expected a whole number, such as 1000".to_owned());
    };
    number
        .and_then(|n| T::try_from(n).ok())
        .ok_or_else(|| format!("expected a whole number of at most {} bits", 8 * size_of::<T>()))
}

/// A number of bytes: `65536`, `512KiB`, `64MB`.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    const UNITS: [(&str, u64); 8] = [
        ("", 1),
        ("b", 1),
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
    ];
    let bytes = scaled(text, &UNITS).ok_or("expected a size, such as 65536, 512KiB, 64MiB or 64MB")?;
    bytes
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| format!("expected a size of at most {} bits", usize::BITS))
}

/// A time: `500ms`, `2s`, `1m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
    let milliseconds = scaled(text, &UNITS).ok_or("expected a duration, such as 500ms, 2s or 1m")?;
    milliseconds.map(Duration::from_millis).ok_or_else(|| "expected a duration below half a billion years".to_owned())
}

/// A number and its unit. `None` if the text is neither; `Some(None)` if the product is too large.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<Option<u64>> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, factor) = units.iter().find(|(known, _)| *known == unit)?;
    Some(number(digits)?.and_then(|n| n.checked_mul(*factor)))
}

/// `None` if the text has anything but digits; `Some(None)` if they are too many.
fn number(text: &str) -> Option<Option<u64>> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_and_decimal_units_in_any_case() {
        for (text, bytes) in [
            ("0", 0),
            ("65536", 65536),
            ("7B", 7),
            ("512KiB", 512 << 10),
            ("64mib", 64 << 20),
            ("2 GiB", 2 << 30),
            ("64MB", 64_000_000),
            ("1kB", 1000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MiB", "64M", "1.5MiB", "-1", "+1", "1MiBs", "0x10", "１"] {
            assert_eq!(size(text), Err("expected a size, such as 65536, 512KiB, 64MiB or 64MB".to_owned()), "{text}");
        }
        assert_eq!(size("99999999999GiB"), Err("expected a size of at most 64 bits".to_owned()));
        assert_eq!(size("99999999999999999999"), Err("expected a size of at most 64 bits".to_owned()));
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("1m"), Ok(Duration::from_secs(60)));
        for text in ["500", "s", "1.5s", "-1s", "1 minute"] {
            assert_eq!(duration(text), Err("expected a duration, such as 500ms, 2s or 1m".to_owned()), "{text}");
        }
        assert_eq!(duration("9999999999999999h"), Err("expected a duration below half a billion years".to_owned()));
    }

    #[test]
    fn counts_fit_their_type() {
        assert_eq!(count::<u32>("4294967295"), Ok(u32::MAX));
        assert_eq!(count::<u32>("4294967296"), Err("expected a whole number of at most 32 bits".to_owned()));
        assert_eq!(count::<u64>("1e9"), Err("expected a whole number, such as 1000".to_owned()));
    }
}
