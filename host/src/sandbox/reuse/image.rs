//! A guest's memory as it was before any call.

use std::ops::Deref;

/// A memory as it was, without what was zero in it: of most guests' that is the stack, and what their heaps are to grow into.
pub(crate) struct MemoryImage {
    bytes: usize,
    /// For each part, its number among those that are kept, or [`ZERO`].
    parts: Box<[u32]>,
    kept: Aligned,
}

/// The size of a part, in bytes.
const PART: usize = 4096;

/// A part that is zero throughout, and what stands in the place of its number.
static ZEROS: [u8; PART] = [0; PART];
const ZERO: u32 = u32::MAX;

/// Bytes that begin at a processor's line, as a guest's memory does: what is copied a line at a time is then read a line at a time.
struct Aligned {
    bytes: Vec<u8>,
    start: usize,
}

impl MemoryImage {
    pub(crate) fn new(memory: &[u8]) -> MemoryImage {
        let bytes = memory.chunks(PART).filter(|part| !is_zero(part)).map(<[u8]>::len).sum();
        let mut kept = Aligned::with_capacity(bytes);
        let mut number = 0;
        let parts = memory.chunks(PART).map(|part| {
            if is_zero(part) {
                return ZERO;
            }
            kept.bytes.extend_from_slice(part);
            number += 1;
            number - 1
        });
        MemoryImage { bytes: memory.len(), parts: parts.collect(), kept }
    }

    /// The size of the memory, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// Makes bytes that begin at `start`, and end within the memory, what they were.
    #[inline]
    pub(crate) fn put_back(&self, mut start: usize, mut bytes: &mut [u8]) {
        while let Some((number, rest)) = self.parts.get(start / PART..).and_then(<[u32]>::split_first)
            && !bytes.is_empty()
        {
            let within = start % PART;
            // Parts that are alike are written as one: all that are zero, or those that lie behind each other.
            let wanted = (within + bytes.len()).div_ceil(PART) - 1;
            let rest = rest.get(..wanted).unwrap_or(rest);
            let alike = match *number {
                ZERO => rest.iter().take_while(|part| **part == ZERO).count(),
                number => rest.iter().zip(number + 1..).take_while(|(part, next)| **part == *next).count(),
            };
            let (now, later) = bytes.split_at_mut(((1 + alike) * PART - within).min(bytes.len()));
            match *number {
                ZERO => now.fill(0),
                number => now.copy_from_slice(&self.part(number)[within..within + now.len()]),
            }
            (start, bytes) = (start + now.len(), later);
        }
    }

    /// Whether a memory is as this one was.
    pub(crate) fn is(&self, memory: &[u8]) -> bool {
        let same = |(part, number): (&[u8], &u32)| self.part(*number).starts_with(part);
        memory.len() == self.bytes && memory.chunks(PART).zip(&self.parts).all(same)
    }

    /// A part, and what is kept behind it.
    fn part(&self, number: u32) -> &[u8] {
        match number {
            ZERO => &ZEROS,
            number => &self.kept[number as usize * PART..],
        }
    }
}

fn is_zero(part: &[u8]) -> bool {
    ZEROS.starts_with(part)
}

impl Aligned {
    const LINE: usize = 64;

    /// None yet, with a place for so many.
    fn with_capacity(capacity: usize) -> Aligned {
        let mut bytes = Vec::<u8>::with_capacity(capacity + Aligned::LINE);
        let start = bytes.as_ptr().align_offset(Aligned::LINE).min(Aligned::LINE);
        bytes.resize(start, 0);
        Aligned { bytes, start }
    }
}

impl Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_range_is_put_back_as_it_was(
            bytes in 0..5 * PART,
            written in vec((0..5 * PART, any::<u8>(), 1..PART), 0..6),
            from in 0..5 * PART,
            length in 0..5 * PART,
        ) {
            let mut memory = std::vec![0; bytes];
            for (at, byte, length) in written {
                memory.iter_mut().skip(at).take(length).for_each(|place| *place = byte);
            }
            let image = MemoryImage::new(&memory);
            prop_assert_eq!(image.len(), bytes);
            let mut changed = memory.iter().map(|byte| !byte).collect::<Vec<_>>();
            let range = from.min(bytes)..(from + length).min(bytes);
            image.put_back(range.start, &mut changed[range.clone()]);
            prop_assert!(image.is(&memory));
            prop_assert!(bytes == 0 || range.len() == bytes || !image.is(&changed));
            for (at, (now, before)) in changed.iter().zip(&memory).enumerate() {
                prop_assert_eq!(*now, if range.contains(&at) { *before } else { !before });
            }
        }
    }

    #[test]
    fn what_is_zero_is_not_kept() {
        let mut memory = std::vec![0; 100 * PART + 7];
        (memory[5 * PART - 1], memory[100 * PART + 6]) = (1, 2);
        assert_eq!(MemoryImage::new(&memory).kept.len(), PART + 7);
    }
}
