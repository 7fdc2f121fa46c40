//! Pages of memory that calls of a function write to, made writable at once.
//!
//! A fresh memory shows the guest's image, and the first write to each of its pages is a fault in which the kernel copies
//! the page. If the page was read before, or only one near it, it has to be withdrawn from every processor that runs the
//! process, and the others are interrupted: that takes longer than all the rest, and two threads take longer than one. So
//! what calls write to is learned from a few of them, and later ones get these pages before they start, as copies of
//! their own. Nothing depends on it but time.

use crate::engine::KEEP_RESIDENT;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// One call in at least so many is looked at, and is given nothing beforehand. To look at a page takes 6 ns; so a memory of
/// more pages is looked at once in as many calls as it has pages.
const EVERY: usize = 512;

/// The size of the smallest pages that there are, in bytes.
const LEAST_PAGE: usize = 4 << 10;

/// The most pages that are given beforehand: 32 MiB.
const MOST_PAGES: usize = 8 << 10;

/// What is known of the calls of one function in one shard.
#[derive(Default)]
pub(crate) struct Prefault {
    calls: AtomicU32,
    learned: Mutex<Learned>,
}

#[derive(Default)]
struct Learned {
    /// The pages that the call looked at last has written to, in order.
    last: Option<Box<[u32]>>,
    /// The pages that it and the one before it have both written to.
    both: SmallVec<[Range<u32>; 4]>,
}

impl Prefault {
    /// Whether the next call, with a memory of so many bytes, is one to look at.
    pub(crate) fn looks(&self, bytes: usize) -> bool {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let every = EVERY.max(bytes / LEAST_PAGE) as u32;
        call < 2 || call.is_multiple_of(every)
    }

    /// Gives a call that is about to start the pages it will write to; `given` is told where they are, in bytes.
    pub(crate) fn give(&self, memory: &mut [u8], given: &mut dyn FnMut(Range<usize>)) {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        for pages in &learned.both {
            if let Some(bytes) = os::own(memory, pages) {
                given(bytes);
            }
        }
    }

    /// Learns from the memory of a call that has ended, and was given nothing before.
    pub(crate) fn learn(&self, memory: &[u8]) {
        let Some(pages) = os::owned(memory) else { return };
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.both.clear();
        if let Some(last) = &learned.last {
            let both = pages.iter().copied().filter(|page| last.binary_search(page).is_ok());
            let both = both.take(MOST_PAGES).collect::<Vec<_>>();
            learned.both = runs(&both);
        }
        learned.last = Some(pages);
    }
}

/// Makes what of a memory lies behind its first `start` bytes writable at once; `given` is told where that is, in bytes.
pub(crate) fn populate(memory: &mut [u8], start: usize, given: &mut dyn FnMut(Range<usize>)) {
    let page = |bytes: usize| u32::try_from(bytes / os::page()).unwrap_or(u32::MAX);
    let pages = page(start)..page(memory.len());
    if let Some(bytes) = os::own(memory, &pages) {
        given(bytes);
    }
}

/// How much of a memory is the process's own, in bytes: all of it where the kernel does not tell.
pub(crate) fn own_bytes(memory: &[u8]) -> usize {
    let first = memory.len().min(KEEP_RESIDENT);
    os::owned(memory).map_or(memory.len(), |pages| first + pages.len() * os::page())
}

/// How many of these bytes are in pages that nobody shares; zero where the kernel does not tell.
pub(crate) fn unshared_bytes(memory: &[u8]) -> usize {
    os::unshared(memory).map_or(0, |pages| pages * os::page())
}

/// The runs of consecutive numbers.
fn runs(pages: &[u32]) -> SmallVec<[Range<u32>; 4]> {
    pages.chunk_by(|a, b| a + 1 == *b).map(|run| run[0]..run[run.len() - 1] + 1).collect()
}

/// The first page that is given back to the kernel after a call, and so has to be had anew.
fn first(page: usize) -> usize {
    KEEP_RESIDENT / page
}

#[cfg(target_os = "linux")]
mod os {
    use rustix::mm::{Advice, madvise};
    use rustix::param::page_size;
    use std::fs::File;
    use std::ops::Range;
    use std::os::unix::fs::FileExt as _;

    /// Makes pages the process's own, as a write to them would; tells where they are.
    pub(super) fn own(memory: &mut [u8], pages: &Range<u32>) -> Option<Range<usize>> {
        let bytes = pages.start as usize * page()..pages.end as usize * page();
        let memory = memory.get_mut(bytes.clone())?;
        // SAFETY: the range lies within memory that is mapped and borrowed here alone, and populating it changes no byte.
        // Where the kernel cannot do it, less of it is populated.
        let _ = unsafe { madvise(memory.as_mut_ptr().cast(), memory.len(), Advice::LinuxPopulateWrite) };
        Some(bytes)
    }

    /// The size of a page, in bytes.
    pub(crate) fn page() -> usize {
        page_size()
    }

    /// The pages that are the process's own, since they were written to; none where the kernel does not tell.
    pub(super) fn owned(memory: &[u8]) -> Option<Box<[u32]>> {
        let own = |&(_, entry): &(u32, u64)| entry & PRESENT != 0 && entry & OF_A_FILE == 0;
        let entries = (0..).zip(entries(memory)?);
        Some(entries.skip(super::first(page())).filter(own).map(|(number, _)| number).collect())
    }

    /// How many pages nobody shares: as others do one of zeros, which is mapped where nobody has written yet.
    pub(super) fn unshared(memory: &[u8]) -> Option<usize> {
        let unshared = |entry: &u64| entry & PRESENT != 0 && entry & OF_A_FILE == 0 && entry & UNSHARED != 0;
        Some(entries(memory)?.filter(unshared).count())
    }

    const PRESENT: u64 = 1 << 63;
    const OF_A_FILE: u64 = 1 << 61;
    const UNSHARED: u64 = 1 << 56;

    /// What the kernel tells of each page.
    fn entries(memory: &[u8]) -> Option<impl Iterator<Item = u64>> {
        // <https://docs.kernel.org/admin-guide/mm/pagemap.html>: for each page, eight bytes.
        let page = page();
        if memory.is_empty() || !memory.as_ptr().addr().is_multiple_of(page) {
            return None;
        }
        let mut entries = vec![0; memory.len() / page * 8];
        File::open("/proc/self/pagemap")
            .ok()?
            .read_exact_at(&mut entries, (memory.as_ptr().addr() / page * 8) as u64)
            .ok()?;
        let words = (0..entries.len() / 8).map(move |word| entries[8 * word..8 * word + 8].try_into());
        Some(words.map(|entry| entry.map_or(0, u64::from_ne_bytes)))
    }
}

#[cfg(not(target_os = "linux"))]
mod os {
    use std::ops::Range;

    pub(crate) fn own(_: &mut [u8], _: &Range<u32>) -> Option<Range<usize>> {
        None
    }

    pub(crate) fn page() -> usize {
        super::LEAST_PAGE
    }

    pub(crate) fn owned(_: &[u8]) -> Option<Box<[u32]>> {
        None
    }

    pub(crate) fn unshared(_: &[u8]) -> Option<usize> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Memory that nobody has touched: of an allocation that is too large for the heap of a thread.
    fn memory() -> Vec<u8> {
        vec![0; 80 << 20]
    }

    /// The first `bytes` bytes of it that begin at a page.
    fn pages(memory: &mut [u8], bytes: usize) -> &mut [u8] {
        let start = memory.as_ptr().align_offset(rustix::param::page_size());
        &mut memory[start..start + bytes]
    }

    fn write(memory: &mut [u8], pages: &[usize]) {
        for page in pages {
            memory[page * rustix::param::page_size() + 7] = 1;
        }
    }

    #[test]
    fn pages_that_two_calls_wrote_to_are_given_to_the_next() {
        let (mut a, mut b, mut c) = (memory(), memory(), memory());
        let (a, b, c) = (pages(&mut a, 1 << 20), pages(&mut b, 1 << 20), pages(&mut c, 1 << 20));
        write(a, &[0, 20, 21, 22, 40, 60]);
        write(b, &[0, 21, 22, 30, 60]);
        let warm = Prefault::default();
        warm.learn(a);
        warm.give(c, &mut |_| ());
        assert_eq!(os::owned(c).as_deref(), Some(&[][..]), "one call is not enough");
        warm.learn(b);
        warm.give(c, &mut |_| ());
        assert_eq!(os::owned(c).as_deref(), Some(&[21, 22, 60][..]));
        assert!(c.iter().all(|byte| *byte == 0), "no byte has changed");
    }

    #[test]
    fn a_smaller_memory_than_the_one_looked_at_is_given_what_it_has() {
        let (mut a, mut b) = (memory(), memory());
        let (a, b) = (pages(&mut a, 1 << 20), pages(&mut b, 192 << 10));
        write(a, &[20, 22, 200]);
        let warm = Prefault::default();
        warm.learn(a);
        warm.learn(a);
        warm.give(b, &mut |_| ());
        assert_eq!(os::owned(b).as_deref(), Some(&[20, 22][..]));
    }

    #[test]
    fn the_first_two_calls_are_looked_at_and_then_few() {
        let looks = |bytes| {
            let warm = Prefault::default();
            (0..100_000).filter(|_| warm.looks(bytes)).collect::<Vec<_>>()
        };
        assert_eq!(looks(0)[..4], [0, 1, 512, 1024]);
        assert_eq!(looks(256 << 20), [0, 1, 65536]);
    }

    #[test]
    fn consecutive_pages_make_one_run() {
        assert_eq!(runs(&[1, 2, 3, 5, 8, 9])[..], [1..4, 5..6, 8..10]);
        assert!(runs(&[]).is_empty());
    }
}
