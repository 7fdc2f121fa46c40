//! How much of the host's memory a sandbox may hold.
//!
//! A memory that nobody has written to is the guest's image, which all sandboxes share; a page that was written to is the
//! sandbox's own for as long as it lives, whatever is put back there. So what was put back tells which pages these may be,
//! and nobody has to ask the kernel.

use std::ops::Range;
use std::sync::LazyLock;

/// The size of a page, as a power of two; never less than the kernel's.
const SHIFT: u32 = if cfg!(target_arch = "x86_64") { 12 } else { 16 };

/// The size of what the kernel gives for a write, as a power of two: huge pages where it does that unasked.
static GIVEN: LazyLock<u32> = LazyLock::new(|| {
    let read = |name| std::fs::read_to_string(format!("/sys/kernel/mm/transparent_hugepage/{name}"));
    if !read("enabled").is_ok_and(|modes| modes.contains("[always]")) {
        return SHIFT;
    }
    let size = read("hpage_pmd_size").ok().and_then(|size| size.trim().parse().ok()).unwrap_or(2usize << 20);
    size.ilog2().max(SHIFT)
});

/// What a sandbox holds at most, but for its stack.
#[derive(Default)]
pub(crate) struct Footprint {
    /// What lies beside the memory, in bytes: instances, tables, other memories.
    beside: usize,
    /// The size of the memory, in bytes, with what lies in front of the guest's.
    memory: usize,
    /// How much of it was written to while the sandbox was made, in bytes.
    made: usize,
    /// The size of a page, as a power of two; and where in a page the memory begins.
    shift: u32,
    offset: usize,
    /// The pages that were written to since, a bit for each; empty if none was.
    pages: Box<[u64]>,
    /// How many these are.
    written: usize,
}

impl Footprint {
    /// Of a sandbox that has served no call, and of whose memory `made` bytes are its own.
    pub(crate) fn new(beside: usize, memory: &[u8], made: usize) -> Footprint {
        let offset = memory.as_ptr().addr() & ((1 << *GIVEN) - 1);
        Footprint { beside, memory: memory.len(), made, shift: *GIVEN, offset, ..Footprint::default() }
    }

    /// Counts pages of the memory that were written to.
    #[inline]
    pub(crate) fn write(&mut self, bytes: Range<usize>) {
        let Some(last) = bytes.end.checked_sub(1) else { return };
        let page = |at: usize| self.offset.saturating_add(at) >> self.shift;
        let (first, last) = (page(bytes.start), page(last));
        // Most calls write where others wrote before: to few bytes, of a page or two.
        if !(last.wrapping_sub(first) <= 1 && self.is_counted(first) && self.is_counted(last)) {
            self.count(first..last.saturating_add(1));
        }
    }

    fn is_counted(&self, page: usize) -> bool {
        self.pages.get(page / 64).is_some_and(|word| word >> (page % 64) & 1 != 0)
    }

    #[cold]
    fn count(&mut self, pages: Range<usize>) {
        if self.pages.is_empty() {
            self.pages = vec![0; ((self.offset + self.memory) >> self.shift) / 64 + 1].into();
        }
        for page in pages {
            let Some(word) = self.pages.get_mut(page / 64) else { return };
            let bit = 1 << (page % 64);
            self.written += usize::from(*word & bit == 0);
            *word |= bit;
        }
    }

    /// What the sandbox holds at most, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.beside + self.of_memory()
    }

    fn of_memory(&self) -> usize {
        self.memory.min(self.made.saturating_add(self.written << self.shift))
    }

    /// Whether no more of the memory is the sandbox's alone than was counted.
    pub(crate) fn covers(&self, memory: &[u8]) -> bool {
        self.of_memory() >= super::prefault::unshared_bytes(memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 1 << SHIFT;

    fn footprint(memory: usize, made: usize) -> Footprint {
        Footprint { beside: 1000, memory, made, shift: SHIFT, ..Footprint::default() }
    }

    #[test]
    fn a_page_counts_once_however_often_it_is_written_to() {
        let mut footprint = footprint(200 * PAGE, 3 * PAGE);
        assert_eq!(footprint.bytes(), 1000 + 3 * PAGE);
        for _ in 0..3 {
            footprint.write(7..8);
            footprint.write(0..PAGE);
            footprint.write(PAGE - 1..PAGE + 1);
            footprint.write(63 * PAGE..65 * PAGE);
            footprint.write(9..9);
        }
        assert_eq!(footprint.bytes(), 1000 + (3 + 4) * PAGE);
    }

    #[test]
    fn no_more_is_held_than_there_is() {
        let mut footprint = footprint(100 * PAGE, 60 * PAGE);
        footprint.write(0..90 * PAGE);
        assert_eq!(footprint.bytes(), 1000 + 100 * PAGE);
        footprint.write(90 * PAGE..usize::MAX);
        assert_eq!(footprint.bytes(), 1000 + 100 * PAGE);
    }

    #[test]
    fn a_huge_page_counts_as_one() {
        let mut footprint = Footprint { shift: 21, offset: 1 << 20, ..footprint(9 << 20, PAGE) };
        footprint.write(5..6);
        footprint.write((1 << 20) - 1..1 << 20);
        assert_eq!(footprint.bytes(), 1000 + PAGE + (2 << 20));
        footprint.write((9 << 20) - 1..9 << 20);
        assert_eq!(footprint.bytes(), 1000 + PAGE + (4 << 20));
        footprint.write(1 << 20..(1 << 20) + 1);
        assert_eq!(footprint.bytes(), 1000 + PAGE + (6 << 20));
    }
}
