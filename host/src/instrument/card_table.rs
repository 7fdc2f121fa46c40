//! The card table: one byte in front of a guest's memory for each card of 512 bytes.
//!
//! A byte of the table is one if its card is dirty: written to since the last reset. A reset finds the dirty cards and
//! makes them clean.
//!
//! Looking through the table takes time in proportion to its length. So a large memory has a second table behind the first,
//! with a byte for each group of 256 cards. A store marks both, and a reset looks through the cards of dirty groups alone.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The size of a page of WebAssembly's, in bytes.
pub(super) const PAGE: u64 = 64 << 10;

/// The size of a card, as a power of two. Copying that many bytes takes about as long as finding the card.
pub(super) const CARD_SHIFT: u32 = 9;

/// The size of a card, in bytes.
pub(super) const CARD: usize = 1 << CARD_SHIFT;

/// The size of a group of cards, as a power of two.
pub(super) const GROUP_SHIFT: u32 = CARD_SHIFT + 8;

/// Cards of a group.
const GROUP: usize = 1 << (GROUP_SHIFT - CARD_SHIFT);

/// Entries that are tested in one step: a few cache lines.
pub(super) const SPAN: usize = 256;

/// Entries that are read as one integer, and how many integers are a cache line.
const WORD: usize = 8;
const LINE: usize = 8;

/// The most cards without groups: looking through so many entries takes less than half a microsecond. They cover 16 MiB.
const MOST_UNGROUPED: u64 = 32 << 10;

/// The largest card table of a memory that may grow to `limit` bytes, in bytes.
pub(crate) fn max_card_table(limit: usize) -> usize {
    let limit = limit as u64;
    (entries(limit, CARD_SHIFT) + entries(limit, GROUP_SHIFT)).next_multiple_of(PAGE) as usize
}

/// How many entries a memory of `bytes` bytes has at one level, in whole spans. Marking the last card is a store of two bytes,
/// so there is an entry behind it.
fn entries(bytes: u64, shift: u32) -> u64 {
    ((bytes >> shift) + 2).next_multiple_of(SPAN as u64)
}

/// Where the card table of a memory is. It begins at address 0; the guest's own memory lies behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CardTable {
    /// Its size in bytes, whole pages.
    pub(crate) bytes: u32,
    /// Where the entries of groups begin; none in a memory that is small enough to do without.
    pub(crate) groups: Option<u32>,
}

impl CardTable {
    /// The card table of a memory of `bytes` bytes that may grow to `most`; none if there is no space for it.
    pub(super) fn new(bytes: u64, most: u64) -> Option<CardTable> {
        let grouped = bytes >> CARD_SHIFT > MOST_UNGROUPED;
        let cards = entries(most, CARD_SHIFT);
        let groups = if grouped { entries(most, GROUP_SHIFT) } else { 0 };
        let size = (cards + groups).next_multiple_of(PAGE);
        // The last address of all must lie outside memory: see `added::BEYOND`.
        if size + most >= 1 << 32 {
            return None;
        }
        Some(CardTable { bytes: size as u32, groups: grouped.then_some(cards as u32) })
    }

    /// Its size in pages.
    pub(super) fn pages(self) -> i32 {
        (u64::from(self.bytes) / PAGE) as i32
    }

    /// Marks the cards that the host is about to write to. What lies beyond the memory is ignored: it will not be written.
    pub(crate) fn mark(&self, memory: &mut [u8], address: usize, bytes: usize) {
        let Some(last) = address.checked_add(bytes).and_then(|end| end.checked_sub(1)) else { return };
        let (cards, groups) = self.levels(memory);
        for (entries, shift) in [(cards, CARD_SHIFT), (groups, GROUP_SHIFT)] {
            if let Some(entries) = entries.get_mut(address >> shift..=last >> shift) {
                entries.fill(1);
            }
        }
    }

    /// Makes all dirty cards clean. For each run of them, `put_back` is told where in the guest's own memory it begins, and is
    /// given its bytes. False if the memory is too small to have this table.
    pub(crate) fn reset(&self, memory: &mut [u8], mut put_back: impl FnMut(usize, &mut [u8])) -> bool {
        let Some((table, own)) = memory.split_at_mut_checked(self.bytes as usize) else { return false };
        let (cards, groups) = self.levels(table);
        let used = |shift| entries(own.len() as u64, shift) as usize;
        let used = (used(CARD_SHIFT), used(GROUP_SHIFT));
        let Some(cards) = cards.get_mut(..used.0) else { return false };
        let mut run = |dirty: Range<usize>| {
            let bytes = dirty.start * CARD..(dirty.end * CARD).min(own.len());
            if let Some(own) = own.get_mut(bytes.clone()) {
                put_back(bytes.start, own);
            }
        };
        if self.groups.is_none() {
            clean(cards, 0, &mut run);
            return true;
        }
        let Some(groups) = groups.get_mut(..used.1) else { return false };
        clean(groups, 0, &mut |groups| {
            let range = groups.start * GROUP..(groups.end * GROUP).min(cards.len());
            if let Some(cards) = cards.get_mut(range.clone()) {
                clean(cards, range.start, &mut run);
            }
        });
        true
    }

    /// The entries of cards, and those of groups.
    fn levels<'m>(&self, memory: &'m mut [u8]) -> (&'m mut [u8], &'m mut [u8]) {
        let table = memory.get_mut(..self.bytes as usize).unwrap_or_default();
        let groups = self.groups.map_or(table.len(), |groups| groups as usize);
        table.split_at_mut_checked(groups).unwrap_or_default()
    }
}

/// Sets entries to zero, and tells `run` of each run that was dirty, counted from `first`.
pub(super) fn clean(entries: &mut [u8], first: usize, run: &mut impl FnMut(Range<usize>)) {
    /// The same, compiled for processors whose vectors are twice as long.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn with_avx2(entries: &mut [u8], first: usize, run: &mut impl FnMut(Range<usize>)) {
        clean_spans(entries, first, run);
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { with_avx2(entries, first, run) };
    }
    clean_spans(entries, first, run);
}

#[inline(always)]
pub(super) fn clean_spans(entries: &mut [u8], first: usize, run: &mut impl FnMut(Range<usize>)) {
    let (spans, rest) = entries.as_chunks_mut::<SPAN>();
    let mut open = first..first;
    let behind = first + spans.len() * SPAN;
    for (number, span) in spans.iter_mut().enumerate() {
        if any(span) {
            clean_span(span, first + number * SPAN, &mut open, run);
        }
    }
    // Tables are whole spans, so there is no rest; if there were one, it must not be forgotten.
    if !rest.is_empty() {
        let mut span = [0; SPAN];
        span.iter_mut().zip(rest).for_each(|(entry, rest)| *entry = std::mem::take(rest));
        clean_span(&mut span, behind, &mut open, run);
    }
    if !open.is_empty() {
        run(open);
    }
}

/// The same for one span, which begins at `first`. `open`: the run found last, which may go on.
#[inline(always)]
fn clean_span(span: &mut [u8; SPAN], first: usize, open: &mut Range<usize>, run: &mut impl FnMut(Range<usize>)) {
    let (words, _) = span.as_chunks_mut::<WORD>();
    for (line, at) in words.chunks_exact_mut(LINE).zip((first..).step_by(LINE * WORD)) {
        if any(line.as_flattened()) {
            for (number, word) in line.iter_mut().enumerate() {
                // Of a long run most words are all dirty, and go on where the one before ended.
                if *word == [1; WORD] && open.end == at + WORD * number && !Range::is_empty(open) {
                    *word = [0; WORD];
                    open.end += WORD;
                } else if *word != [0; WORD] {
                    clean_word(std::mem::take(word), at + WORD * number, open, run);
                }
            }
        }
    }
}

/// The same for one word. Not inlined: the loop around it looks at many words and seldom finds anything.
#[inline(never)]
fn clean_word(word: [u8; WORD], first: usize, open: &mut Range<usize>, run: &mut impl FnMut(Range<usize>)) {
    const ONES: u64 = u64::from_le_bytes([1; WORD]);
    let (mut word, mut at) = (u64::from_le_bytes(word), first);
    debug_assert!(word & !ONES == 0, "a dirty entry is a one");
    while word != 0 {
        let skipped = word.trailing_zeros() / 8;
        word >>= 8 * skipped;
        let dirty = ((!word & ONES).trailing_zeros() / 8).max(1);
        word = word.checked_shr(8 * dirty).unwrap_or(0);
        at += skipped as usize;
        if open.end != at {
            if !Range::is_empty(open) {
                run(open.clone());
            }
            *open = at..at;
        }
        at += dirty as usize;
        open.end = at;
    }
}

/// Whether any entry is dirty, of whole vectors of them.
#[inline(always)]
fn any(entries: &[u8]) -> bool {
    // As wide as the longest vectors: entries are or-ed together, and compared with zero once.
    const LANES: usize = 4;
    let mut any = [0; LANES];
    for vector in entries.as_chunks::<WORD>().0.as_chunks::<LANES>().0 {
        for (any, word) in any.iter_mut().zip(vector) {
            *any |= u64::from_ne_bytes(*word);
        }
    }
    any != [0; LANES]
}
