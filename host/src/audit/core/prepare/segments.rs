//! Data segments that lie next to each other, joined.
//!
//! Go's linker writes one for every few bytes that are not zero: 27,000 for a program that prints a line. A compiler takes time and
//! memory for each; so a module may not have that many, and those that can be joined are not counted.

use std::ops::Range;

use wasmparser::{ConstExpr, DataKind, Operator, Parser, Payload};

/// The most zeros that are written between two segments in order to join them: about what the head of another one takes.
const MAX_GAP: u64 = 64;

/// A segment that is written when an instance is made, within what its memory has at the start.
struct Segment<'a> {
    memory: u32,
    start: u64,
    data: &'a [u8],
}

impl Segment<'_> {
    fn end(&self) -> u64 {
        self.start + self.data.len() as u64
    }
}

/// Bytes that are written in one go, to that memory and address.
struct Run {
    memory: u32,
    start: u64,
    bytes: Vec<u8>,
}

/// The valid module with its data segments joined, or none if that makes them no fewer, or could show: where one is written to an
/// address that is not known now, or not within a memory of the module's own, or where code names one.
///
/// Segments that only code could write are left out: no code does. Freezing a guest's state leaves one for each that it had.
///
/// An instance has the same memory as before: what was written to last is there, and what was not is zero. All that stands in front of
/// the data, which is all code, stays where it is.
pub(super) fn joined(bytes: &[u8]) -> Option<Vec<u8>> {
    let found = Found::new(bytes).ok()??;
    let runs = found.runs()?;
    let mut section = wasm_encoder::DataSection::new();
    for Run { memory, start, bytes } in &runs {
        let offset = match found.memories.get(*memory as usize)?.is_64 {
            true => wasm_encoder::ConstExpr::i64_const(start.cast_signed()),
            false => wasm_encoder::ConstExpr::i32_const((*start as u32).cast_signed()),
        };
        section.active(*memory, &offset, bytes.iter().copied());
    }
    let mut module = bytes.get(..found.section.start)?.to_vec();
    if let Some(count) = found.count {
        padded(module.get_mut(count)?, runs.len())?;
    }
    wasm_encoder::Section::append_to(&section, &mut module);
    module.extend(bytes.get(found.section.end..)?);
    Some(module)
}

/// Writes a number over another one in as many bytes, so that nothing behind it moves.
fn padded(place: &mut [u8], number: usize) -> Option<()> {
    let (last, rest) = place.split_last_mut()?;
    let mut number = number;
    for byte in rest {
        *byte = 0x80 | (number & 0x7f) as u8;
        number >>= 7;
    }
    *last = u8::try_from(number).ok().filter(|byte| *byte < 0x80)?;
    Some(())
}

/// The memory that segments are written to.
struct Memory {
    own: bool,
    is_64: bool,
    bytes: u64,
}

/// What there is to join.
struct Found<'a> {
    segments: Vec<Segment<'a>>,
    /// How many there are, with those that are not written when an instance is made.
    all: usize,
    memories: Vec<Memory>,
    /// The section of data, with its head.
    section: Range<usize>,
    /// Where it stands how many segments there are, if it does.
    count: Option<Range<usize>>,
}

impl<'a> Found<'a> {
    fn new(bytes: &'a [u8]) -> wasmparser::Result<Option<Found<'a>>> {
        let mut found = Found { segments: Vec::new(), all: 0, memories: Vec::new(), section: 0..0, count: None };
        let mut bodies = Vec::new();
        let mut end = 0;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            let head = end;
            match &payload {
                Payload::Version { range, .. } => end = range.end,
                payload => end = payload.as_section().map_or(end, |(_, range)| range.end),
            }
            match payload {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        if let wasmparser::TypeRef::Memory(memory) = import?.ty {
                            found.memories.push(Memory { own: false, is_64: memory.memory64, bytes: 0 });
                        }
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory?;
                        let bytes = memory.initial.saturating_mul(1 << memory.page_size_log2());
                        found.memories.push(Memory { own: true, is_64: memory.memory64, bytes });
                    }
                }
                Payload::DataCountSection { range, .. } => found.count = Some(range),
                Payload::CodeSectionEntry(body) => bodies.push(body),
                Payload::DataSection(section) => {
                    found.section = head..end;
                    for data in section {
                        let data = data?;
                        found.all += 1;
                        if let DataKind::Active { memory_index, offset_expr } = &data.kind {
                            let Some(segment) = found.segment(*memory_index, offset_expr, data.data) else {
                                return Ok(None);
                            };
                            found.segments.push(segment);
                        }
                    }
                }
                _ => {}
            }
        }
        // Code names segments only where it is told how many there are.
        for body in bodies.iter().filter(|_| found.count.is_some()) {
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                if let Operator::MemoryInit { .. }
                | Operator::DataDrop { .. }
                | Operator::ArrayNewData { .. }
                | Operator::ArrayInitData { .. } = operators.read()?
                {
                    return Ok(None);
                }
            }
        }
        Ok(Some(found))
    }

    /// The segment, if it is one that can be joined with others.
    fn segment(&self, memory_index: u32, offset: &ConstExpr<'_>, data: &'a [u8]) -> Option<Segment<'a>> {
        let memory = self.memories.get(memory_index as usize).filter(|memory| memory.own)?;
        let mut operators = offset.get_operators_reader();
        let start = match (operators.read().ok()?, operators.read().ok()?) {
            (Operator::I32Const { value }, Operator::End) => u64::from(value.cast_unsigned()),
            (Operator::I64Const { value }, Operator::End) => value.cast_unsigned(),
            _ => return None,
        };
        // Else making an instance fails, and still has to.
        let end = start.checked_add(data.len() as u64)?;
        (end <= memory.bytes).then_some(Segment { memory: memory_index, start, data })
    }

    /// What is written, in as few goes as may be; none if these are no fewer than the segments.
    fn runs(&self) -> Option<Vec<Run>> {
        let mut order: Vec<_> = self.segments.iter().filter(|segment| !segment.data.is_empty()).collect();
        order.sort_by_key(|segment| (segment.memory, segment.start));
        let mut ranges: Vec<(u32, Range<u64>)> = Vec::new();
        for segment in order {
            match ranges.last_mut() {
                Some((memory, range))
                    if *memory == segment.memory && segment.start.saturating_sub(range.end) <= MAX_GAP =>
                {
                    range.end = range.end.max(segment.end());
                }
                _ => ranges.push((segment.memory, segment.start..segment.end())),
            }
        }
        if ranges.len() >= self.all {
            return None;
        }
        let empty = |(memory, range): (u32, Range<u64>)| {
            let bytes = vec![0; usize::try_from(range.end - range.start).ok()?];
            Some(Run { memory, start: range.start, bytes })
        };
        let mut runs = ranges.into_iter().map(empty).collect::<Option<Vec<Run>>>()?;
        // Of what is written twice, the last is there.
        for segment in &self.segments {
            let at = runs.partition_point(|run| (run.memory, run.start) <= (segment.memory, segment.start));
            let Some(run) = at.checked_sub(1).and_then(|at| runs.get_mut(at)) else { continue };
            let at = usize::try_from(segment.start.wrapping_sub(run.start)).ok()?;
            if !segment.data.is_empty() {
                run.bytes.get_mut(at..at + segment.data.len())?.copy_from_slice(segment.data);
            }
        }
        Some(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the segments of a module write to its memory of one page, and how many there are.
    fn written(module: &[u8]) -> (Vec<u8>, usize) {
        let found = Found::new(module).unwrap().unwrap();
        let mut memory = vec![0; 64 << 10];
        for segment in &found.segments {
            memory[segment.start as usize..segment.end() as usize].copy_from_slice(segment.data);
        }
        (memory, found.segments.len())
    }

    /// A module with such segments of bytes at addresses.
    fn module(segments: &[(u32, Vec<u8>)], rest: &str) -> Vec<u8> {
        let data: String = segments
            .iter()
            .map(|(at, bytes)| {
                let bytes: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
                format!("(data (i32.const {at}) \"{bytes}\")")
            })
            .collect();
        wat::parse_str(format!("(module (memory 1) {rest} {data})")).unwrap()
    }

    fn code_of(module: &[u8]) -> Vec<Range<usize>> {
        let payloads = Parser::new(0).parse_all(module).map(Result::unwrap);
        payloads
            .filter_map(|payload| match payload {
                Payload::CodeSectionEntry(body) => Some(body.range()),
                _ => None,
            })
            .collect()
    }

    proptest! {
        #[test]
        fn the_same_is_written_in_no_more_segments(
            segments in prop::collection::vec((0u32..700, prop::collection::vec(any::<u8>(), 0..40)), 0..40),
            counted: bool,
        ) {
            // An instruction that could name a segment has it written how many there are.
            let rest = if counted { "(func (drop (i32.const 7)))" } else { "" };
            let mut given = module(&segments, rest);
            if counted {
                given = with_count(&given);
            }
            let (memory, before) = written(&given);
            let Some(joined) = joined(&given) else {
                return Ok(());
            };
            let mut validator = wasmparser::Validator::new();
            validator.validate_all(&joined).unwrap();
            let (same, after) = written(&joined);
            prop_assert!(same == memory && after < before);
            prop_assert_eq!(code_of(&joined), code_of(&given));
        }
    }

    /// The module with a section that tells how many segments it has, as LLVM writes one.
    fn with_count(module: &[u8]) -> Vec<u8> {
        let mut out = wasm_encoder::Module::new();
        let count = written(module).1 as u32;
        for payload in Parser::new(0).parse_all(module) {
            if let Some((id, range)) = payload.unwrap().as_section() {
                if id == 10 {
                    out.section(&wasm_encoder::DataCountSection { count });
                }
                out.section(&wasm_encoder::RawSection { id, data: &module[range] });
            }
        }
        out.finish()
    }

    #[test]
    fn what_could_show_is_left_as_it_is() {
        for wat in [
            // Making an instance fails.
            r#"(module (memory 1) (data (i32.const 0) "a") (data (i32.const 1) "b") (data (i32.const 65535) "cd"))"#,
            r#"(module (memory 1) (data (i32.const 0) "a") (data (i32.const 1) "b") (data (i32.const -1) ""))"#,
            r#"(module (memory 0) (data (i32.const 0) "a") (data (i32.const 1) "b"))"#,
            // Code names a segment.
            r#"(module (memory 1) (data (i32.const 0) "a") (data (i32.const 1) "b") (func (data.drop 1)))"#,
            r#"(module (memory 1) (data (i32.const 0) "a") (data (i32.const 1) "b")
                (func (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 1))))"#,
            r#"(module (memory 1) (data (i32.const 0) "a") (data "c") (data "d") (func (data.drop 2)))"#,
            r#"(module (memory 1) (type $a (array (mut i8))) (data (i32.const 0) "a") (data (i32.const 1) "b")
                (func (drop (array.new_data $a 1 (i32.const 0) (i32.const 0)))))"#,
            r#"(module (memory 1) (type $a (array (mut i8))) (data (i32.const 0) "a") (data (i32.const 1) "b")
                (func (array.init_data $a 1 (ref.null $a) (i32.const 0) (i32.const 0) (i32.const 0))))"#,
            // The address, or the memory, is not the module's own.
            r#"(module (global $g i32 (i32.const 3)) (memory 1)
                (data (i32.const 0) "a") (data (i32.const 1) "b") (data (global.get $g) "c"))"#,
            r#"(module (import "m" "m" (memory 1)) (data (i32.const 0) "a") (data (i32.const 1) "b"))"#,
            // There is nothing to join.
            r#"(module (memory 1) (data (i32.const 0) "a") (data (i32.const 66) "b"))"#,
            r#"(module (memory 1) (memory 1) (data (memory 0) (i32.const 0) "a") (data (memory 1) (i32.const 1) "b"))"#,
            r#"(module (memory 1))"#,
        ] {
            assert_eq!(joined(&wat::parse_str(wat).unwrap()), None, "{wat}");
        }
    }

    #[test]
    fn neighbours_are_joined_in_each_memory_of_its_own() {
        let wat = r#"(module (memory 1) (memory i64 1)
            (data (i32.const 8) "a") (data (memory 1) (i64.const 8) "x") (data (i32.const 4) "bc")
            (data (memory 1) (i64.const 9) "y") (data "never written") (data (i32.const 73) "d") (data (i32.const 139) "e") (data (i32.const 5) "z"))"#;
        let expected = format!(
            r#"(module (memory 1) (memory i64 1)
            (data (i32.const 4) "bz\00\00a{}d") (data (i32.const 139) "e") (data (memory 1) (i64.const 8) "xy"))"#,
            "\\00".repeat(64)
        );
        let joined = joined(&wat::parse_str(wat).unwrap()).unwrap();
        assert_eq!(segments_of(&joined), segments_of(&wat::parse_str(expected).unwrap()));
    }

    /// The segments, whatever else differs in how they are written.
    fn segments_of(module: &[u8]) -> Vec<(u32, u64, Vec<u8>)> {
        let found = Found::new(module).unwrap().unwrap();
        found.segments.iter().map(|segment| (segment.memory, segment.start, segment.data.to_vec())).collect()
    }
}
