//! Keeps wasmtime from making an image of a module's data where that is small.
//!
//! wasmtime maps a memory's initial data from an image. That takes a file descriptor for each shard, of which a process may have a
//! thousand, and a few kilobytes are copied as quickly. Images can be switched off for an engine, not for a module. But a module
//! gets none if the offset of one of its segments is computed. So an empty segment is added, at offset 0 + 0.

/// The most bytes of data that are copied into each instance, and the most segments.
const MOST: usize = 16 << 10;
const SEGMENTS: u32 = 64;

const DATA: u8 = 11;
const DATA_COUNT: u8 = 12;

/// The core module without an image; none if it has much data, or no image anyway. Its code does not move. The audit has passed
/// it.
pub(super) fn without_image(module: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = module.split_at_checked(8)?;
    let mut out = header.to_vec();
    let mut copied = false;
    while let Some((&id, after)) = rest.split_first() {
        let (size, content) = number(after)?;
        let (content, next) = content.split_at_checked(size as usize)?;
        let before = &rest[..rest.len() - next.len()];
        match id {
            DATA_COUNT => {
                let (count, end) = number(content)?;
                out.extend(&before[..before.len() - content.len()]);
                out.extend(padded(count.checked_add(1)?, content.len().checked_sub(end.len())?)?);
                out.extend(end);
            }
            DATA => {
                let (count, segments) = number(content)?;
                let empty = empty_like(segments, count)?;
                let count = padded(count + 1, 5)?;
                out.push(id);
                out.extend(padded(u32::try_from(count.len() + segments.len() + empty.len()).ok()?, 5)?);
                out.extend(count);
                out.extend(segments);
                out.extend(empty);
                copied = true;
            }
            _ => out.extend(before),
        }
        rest = next;
    }
    copied.then_some(out)
}

/// Whether wasmtime may make an image for a core module.
pub(super) fn has_image(module: &[u8]) -> bool {
    let sections = wasmparser::Parser::new(0).parse_all(module).map_while(Result::ok);
    let mut data = sections.filter(|section| matches!(section, wasmparser::Payload::DataSection(_)));
    data.next().is_some() && without_image(module).is_none()
}

/// An empty segment for the memory of the first active one, if there are few segments of little data.
fn empty_like(segments: &[u8], count: u32) -> Option<Vec<u8>> {
    const I32: [u8; 6] = [0x41, 0, 0x41, 0, 0x6a, 0x0b];
    const I64: [u8; 6] = [0x42, 0, 0x42, 0, 0x7c, 0x0b];
    if segments.len() > MOST || count > SEGMENTS {
        return None;
    }
    let mut bytes = padded(count, 5)?;
    bytes.extend(segments);
    let reader = wasmparser::DataSectionReader::new(wasmparser::BinaryReader::new(&bytes, 0)).ok()?;
    let first = reader.into_iter().find_map(|segment| match segment.ok()?.kind {
        wasmparser::DataKind::Active { memory_index, offset_expr } => Some((memory_index, offset_expr)),
        wasmparser::DataKind::Passive => None,
    });
    let (memory, offset) = first?;
    let place = match offset.get_operators_reader().read().ok()? {
        wasmparser::Operator::I32Const { .. } => I32,
        wasmparser::Operator::I64Const { .. } => I64,
        // Computed already: there is no image.
        _ => return None,
    };
    Some([&[2][..], &padded(memory, 5)?, &place, &[0]].concat())
}

/// An integer in LEB128, and the bytes behind it.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, &bytes[at + 1..]));
        }
    }
    None
}

/// An integer in LEB128, padded to so many bytes, if it fits.
fn padded(value: u32, len: usize) -> Option<Vec<u8>> {
    let fits = (1..=5).contains(&len) && u64::from(value) >> (7 * len) == 0;
    let byte = |at| (u64::from(value) >> (7 * at)) as u8 & 0x7f | if at + 1 < len { 0x80 } else { 0 };
    fits.then(|| (0..len).map(byte).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn a_segment_without_bytes_is_added_to_little_data() {
        let module = bytes(
            r#"(module (memory 1) (memory i64 1) (func (memory.init 1 $passive (i64.const 0) (i32.const 0) (i32.const 1)))
                (data $passive "p") (data (memory 1) (i64.const 8) "active") (data (i32.const 9) "more"))"#,
        );
        let with = without_image(&module).unwrap();
        wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all()).validate_all(&with).unwrap();
        let text = segments_of(&with);
        assert_eq!(text, ["p", "1: active", "0: more", "1: "]);
        let code = |module: &[u8]| module.windows(4).position(|code| code == [0x42, 0, 0x41, 0]);
        assert_eq!(code(&with), code(&module));
    }

    /// The segments, with the memories they are for.
    fn segments_of(module: &[u8]) -> Vec<String> {
        let payloads = wasmparser::Parser::new(0).parse_all(module).map(Result::unwrap);
        let segments = payloads.filter_map(|payload| match payload {
            wasmparser::Payload::DataSection(section) => Some(section),
            _ => None,
        });
        let segments = segments.flat_map(|section| section.into_iter().map(Result::unwrap));
        segments
            .map(|segment| {
                let data = String::from_utf8_lossy(segment.data);
                match segment.kind {
                    wasmparser::DataKind::Active { memory_index, .. } => format!("{memory_index}: {data}"),
                    wasmparser::DataKind::Passive => data.into_owned(),
                }
            })
            .collect()
    }

    #[test]
    fn much_data_and_none_and_places_that_are_computed_stay_as_they_are() {
        let much = format!(r#"(module (memory 1) (data (i32.const 0) "{}"))"#, "x".repeat(MOST));
        let computed = r#"(module (global i32 (i32.const 1)) (memory 1) (data (offset (global.get 0)) "x"))"#;
        for text in ["(module)", "(module (memory 1))", "(module (memory 1) (data \"x\"))", computed, &much] {
            assert_eq!(without_image(&bytes(text)), None, "{text:.80}");
        }
    }

    #[test]
    fn a_count_that_would_need_another_byte_is_left() {
        assert_eq!(padded(128, 1), None);
        assert_eq!(padded(128, 2), Some(vec![0x80, 1]));
        assert_eq!(number(&[0x80, 1, 7]), Some((128, &[7][..])));
        assert_eq!(number(&[0x80; 6]), None);
    }
}
