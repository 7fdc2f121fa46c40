//! numpy's `.npy` files: one array of numbers each, after a header that is a Python literal.

use std::borrow::Cow;
use std::path::Path;

const MAGIC: &[u8] = b"\x93NUMPY";

/// The alignment of the data, in bytes.
const ALIGNMENT: usize = 64;

const MOST_DIMENSIONS: usize = 64;

/// Whether it is a `.npy` file, by its first bytes.
pub(crate) fn is_npy(file: &[u8]) -> bool {
    file.starts_with(MAGIC)
}

/// Whether a file's name ends in `.npy`.
pub(crate) fn is_named_so(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"))
}

/// An array: little-endian, row-major.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Array<'a> {
    /// numpy's name for the type of the elements, without their byte order: `f4`.
    pub(crate) dtype: String,
    /// How many elements there are along each dimension, the outermost first.
    pub(crate) shape: Vec<usize>,
    /// The elements' bytes.
    pub(crate) data: Cow<'a, [u8]>,
}

/// Reads a file. Big-endian and column-major arrays are converted.
///
/// # Errors
///
/// What is wrong with the file.
pub(crate) fn parse(file: &[u8]) -> Result<Array<'_>, String> {
    let cut_off = || "the file is cut off within its header".to_owned();
    let rest = file.strip_prefix(MAGIC).ok_or("the file is no .npy file")?;
    let ([major, _], rest) = rest.split_first_chunk().ok_or_else(cut_off)?;
    let (length, rest) = match major {
        1 => rest.split_first_chunk().map(|(length, rest)| (u32::from(u16::from_le_bytes(*length)), rest)),
        2 | 3 => rest.split_first_chunk().map(|(length, rest)| (u32::from_le_bytes(*length), rest)),
        _ => return Err(format!("the file is of version {major} of the .npy format; there are 1, 2 and 3")),
    }
    .ok_or_else(cut_off)?;
    let (header, data) = rest.split_at_checked(length as usize).ok_or_else(cut_off)?;
    let header = std::str::from_utf8(header).map_err(|_| "the file's header is not UTF-8")?;
    let Header { descr, fortran, shape } = Header::parse(header)?;
    let (big, dtype) = match descr.split_at_checked(1) {
        Some(("<" | "|", dtype)) => (false, dtype),
        Some((">", dtype)) => (true, dtype),
        _ => (false, descr.as_str()),
    };
    let size = match dtype.strip_prefix(['b', 'i', 'u', 'f', 'c']).map(str::parse) {
        Some(Ok(size @ 1..=32)) => size,
        _ => return Err(format!("expected an array of numbers, but its dtype is `{}`", shown(&descr))),
    };
    if shape.len() > MOST_DIMENSIONS {
        return Err(format!("the array has {} dimensions; numpy's have at most {MOST_DIMENSIONS}", shape.len()));
    }
    let wanted = shape.iter().try_fold(size, |bytes: usize, &n| bytes.checked_mul(n));
    if wanted != Some(data.len()) {
        let wanted = wanted.map_or_else(|| "more bytes than there can be".to_owned(), |n| format!("{n} bytes"));
        return Err(format!("expected {wanted} of `{dtype}` with shape {shape:?}, but the file has {}", data.len()));
    }
    let mut data = Cow::Borrowed(data);
    if big && size > 1 {
        // A complex number has two parts, each in this byte order.
        let part = if dtype.starts_with('c') { size / 2 } else { size };
        data.to_mut().chunks_exact_mut(part).for_each(<[u8]>::reverse);
    }
    if fortran && shape.len() > 1 && !data.is_empty() {
        data = Cow::Owned(row_major(&data, &shape, size));
    }
    Ok(Array { dtype: dtype.to_owned(), shape, data })
}

/// A file with the array, which is little-endian and row-major.
pub(crate) fn write(dtype: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let order = if dtype.ends_with('1') { '|' } else { '<' };
    let tuple = match shape {
        [n] => format!("({n},)"),
        shape => format!("({})", shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    let header = format!("{{'descr': '{order}{dtype}', 'fortran_order': False, 'shape': {tuple}, }}");
    let padded = |before: usize| (before + header.len() + 1).next_multiple_of(ALIGNMENT) - before;
    let mut file = MAGIC.to_vec();
    let length = match u16::try_from(padded(10)) {
        Ok(length) => {
            file.extend([1, 0]);
            file.extend(length.to_le_bytes());
            usize::from(length)
        }
        Err(_) => {
            file.extend([2, 0]);
            let length = padded(12);
            file.extend((length as u32).to_le_bytes());
            length
        }
    };
    file.extend(format!("{header:<width$}\n", width = length - 1).bytes());
    file.extend(data);
    file
}

/// Column-major elements in row-major order.
fn row_major(data: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let strides: Vec<usize> = shape
        .iter()
        .scan(size, |stride, n| {
            let this = *stride;
            *stride *= n;
            Some(this)
        })
        .collect();
    let mut out = Vec::with_capacity(data.len());
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    while out.len() < data.len() {
        out.extend_from_slice(&data[at..at + size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}

/// The header's dictionary.
struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    fn parse(text: &str) -> Result<Header, String> {
        let wrong = || format!("the file's header is wrong: `{}`", shown(text.trim()));
        let mut rest = Rest(text.trim());
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        rest.eat("{").ok_or_else(wrong)?;
        while rest.eat("}").is_none() {
            let key = rest.string().ok_or_else(wrong)?;
            rest.eat(":").ok_or_else(wrong)?;
            match key {
                "descr" if rest.0.starts_with('[') => {
                    return Err("expected an array of numbers, but it is one of records".to_owned());
                }
                "descr" if descr.is_none() => descr = Some(rest.string().ok_or_else(wrong)?.to_owned()),
                "fortran_order" if fortran.is_none() => fortran = Some(rest.boolean().ok_or_else(wrong)?),
                "shape" if shape.is_none() => shape = Some(rest.tuple().ok_or_else(wrong)?),
                _ => return Err(wrong()),
            }
            if rest.eat(",").is_none() && !rest.0.starts_with('}') {
                return Err(wrong());
            }
        }
        match (descr, fortran, shape) {
            (Some(descr), Some(fortran), Some(shape)) if rest.0.is_empty() => Ok(Header { descr, fortran, shape }),
            _ => Err(wrong()),
        }
    }
}

/// The rest of a Python literal.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn eat(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(token)?.trim_start();
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let quote = self.0.chars().next().filter(|c| *c == '\'' || *c == '"')?;
        let (text, rest) = self.0[1..].split_once(quote)?;
        self.0 = rest.trim_start();
        (!text.contains('\\')).then_some(text)
    }

    fn boolean(&mut self) -> Option<bool> {
        self.eat("True").map(|()| true).or_else(|| self.eat("False").map(|()| false))
    }

    fn number(&mut self) -> Option<usize> {
        let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest.trim_start();
        digits.parse().ok()
    }

    fn tuple(&mut self) -> Option<Vec<usize>> {
        let mut numbers = Vec::new();
        self.eat("(")?;
        let mut comma = true;
        while self.eat(")").is_none() {
            numbers.push(comma.then(|| self.number())??);
            comma = self.eat(",").is_some();
        }
        // `(3)` is a number in parentheses.
        (numbers.len() != 1 || comma).then_some(numbers)
    }
}

fn shown(text: &str) -> String {
    const SHOWN: usize = 100;
    let dots = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    text.chars().take(SHOWN).flat_map(char::escape_debug).collect::<String>().replace("\\'", "'") + dots
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.bytes());
        file.extend(data);
        file
    }

    fn error(header: &str, data: &[u8]) -> String {
        parse(&file(header, data)).expect_err("it is wrong")
    }

    #[test]
    fn a_file_is_written_as_numpy_writes_it() {
        let file = write("f4", &[2, 3], &[0; 24]);
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
        assert_eq!(&file[..10], b"\x93NUMPY\x01\x00\x76\x00");
        assert_eq!(file[10..128], *format!("{header:<117}\n").as_bytes());
        assert_eq!(file.len(), 128 + 24);
    }

    #[test]
    fn big_endian_numbers_are_turned_round() {
        let file = file("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }", &[0, 0, 0, 1, 0, 0, 2, 0]);
        assert_eq!(
            parse(&file),
            Ok(Array { dtype: "i4".to_owned(), shape: vec![2], data: Cow::Owned(vec![1, 0, 0, 0, 0, 2, 0, 0]) })
        );
    }

    #[test]
    fn column_major_numbers_are_put_in_rows() {
        // np.asfortranarray(np.arange(6, dtype='u1').reshape(1, 2, 3))
        let file = file("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 2, 3), }", &[0, 3, 1, 4, 2, 5]);
        assert_eq!(
            parse(&file),
            Ok(Array { dtype: "u1".to_owned(), shape: vec![1, 2, 3], data: Cow::Owned(vec![0, 1, 2, 3, 4, 5]) })
        );
    }

    #[test]
    fn the_header_may_be_written_in_other_ways() {
        for header in [
            "{'descr':'<u1','fortran_order':False,'shape':(1,)}",
            "{\"shape\": ( 1 , ), \"fortran_order\": False, \"descr\": \"|u1\"}\n",
        ] {
            assert!(parse(&file(header, &[7])).is_ok(), "{header}");
        }
        assert!(parse(&file("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", &[0; 8])).is_ok());
    }

    #[test]
    fn what_is_wrong_is_told() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
        assert_eq!(error(good, &[0; 7]), "expected 8 bytes of `f4` with shape [2], but the file has 7");
        assert_eq!(
            error("{'descr': '<U3', 'fortran_order': False, 'shape': (2,), }", &[0; 24]),
            "expected an array of numbers, but its dtype is `<U3`"
        );
        assert_eq!(
            error("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }", &[0; 24]),
            "expected an array of numbers, but it is one of records"
        );
        assert_eq!(
            error("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }", &[]),
            "expected more bytes than there can be of `f4` with shape [99999999999, 99999999999], but the file has 0"
        );
        for header in [
            "",
            "{}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2,,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': True}",
        ] {
            assert_eq!(error(header, &[0; 8]), format!("the file's header is wrong: `{header}`"));
        }
        assert_eq!(parse(b"\x93NUMPY\x01\x00\xff\x00{"), Err("the file is cut off within its header".to_owned()));
        assert_eq!(
            parse(b"\x93NUMPY\x09\x00"),
            Err("the file is of version 9 of the .npy format; there are 1, 2 and 3".to_owned())
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(shape in proptest::collection::vec(0..5usize, 0..5), seed: u8) {
            let n = shape.iter().product::<usize>() * 4;
            let data: Vec<u8> = (0..n).map(|at| (at as u8).wrapping_add(seed)).collect();
            let file = write("f4", &shape, &data);
            prop_assert_eq!(file.len() % ALIGNMENT, n % ALIGNMENT);
            let array = parse(&file);
            prop_assert_eq!(array, Ok(Array { dtype: "f4".to_owned(), shape, data: data.into() }));
        }

        #[test]
        fn no_file_stops_the_reader(mut bytes: Vec<u8>, at in 0..200usize, with: u8) {
            let mut file = write("f4", &[2], &[0; 8]);
            if let Some(byte) = file.get_mut(at) {
                *byte = with;
            }
            let _ = parse(&file);
            bytes.splice(..0, MAGIC.iter().copied().chain([1, 0]));
            let _ = parse(&bytes);
        }
    }
}
