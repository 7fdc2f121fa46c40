//! Rewrites a guest so that what a call has changed can be put back: WebAssembly to WebAssembly.
//!
//! A guest's memory is divided into blocks, and gets a *margin* in front of it, with a byte for each block: every store
//! marks the blocks it writes to. What is marked is copied back from the initial state when the call has ended, and mutable
//! globals, which become exports, are set again. All other state that a guest could have (tables that change, segments that
//! are dropped, memories that grow) is a reason not to be rewritten, or to throw the sandbox away.
//!
//! The margin is out of the guest's reach: all its addresses are moved up by the margin's size, which every load and store
//! has as part of its offset, and addresses never wrap. So a store and its mark need one register, and a sandbox no second
//! memory.
//!
//! Whatever is no longer than a block lies in two of them. So one mark is enough for all stores near the same address: a stack
//! frame, a structure. See [`marks`].

mod added;
mod bulk;
mod marks;
mod module;
mod places;
mod rewrite;
mod store;
#[cfg(test)]
mod tests;

use crate::ir::Recipe;
use crate::ir::{HostFunctionKind, ImportBinding, Item};
pub(crate) use bulk::in_parts;
use module::Facts;
pub(crate) use places::Places;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The size of a page of WebAssembly's, in bytes.
const PAGE: u64 = 64 << 10;

/// The size of a block, as a power of two. Copying so many bytes takes about as long as finding them.
const SHIFT: u32 = 9;

/// The size of a block, in bytes.
pub(crate) const BLOCK: usize = 1 << SHIFT;

/// How many marks are looked at in one go: a few lines of a processor's cache.
const SPAN: usize = 256;

/// The marks that are looked at as one number, and how many of these are a line.
const WORD: usize = 8;
const LINE: usize = 8;

/// How many marks are looked through, which takes less than half a microsecond. It is 16 MiB that they are for.
const LOOKED_THROUGH: u64 = 32 << 10;

/// The most mutable globals: all of them are set again after each call.
const MOST_GLOBALS: usize = 1000;

/// The size of a group of blocks, as a power of two: a group has a mark of its own where there are too many blocks.
const GROUP_SHIFT: u32 = SHIFT + 8;

/// Blocks of a group.
const GROUP: usize = 1 << (GROUP_SHIFT - SHIFT);

/// The most bytes that may lie in front of a memory that may grow to `limit` bytes.
pub(crate) fn most_margin(limit: usize) -> usize {
    let limit = limit as u64;
    (level(limit, SHIFT) + level(limit, GROUP_SHIFT)).next_multiple_of(PAGE) as usize
}

/// How many marks of one level a memory of so many bytes has, in whole spans. Of the last block, the mark is a store of two bytes.
fn level(bytes: u64, shift: u32) -> u64 {
    ((bytes >> shift) + 2).next_multiple_of(SPAN as u64)
}

/// How the state of a guest that was rewritten is put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Undo {
    /// The memory; none if the guest has none.
    pub(crate) memory: Option<Marked>,
    /// The mutable globals.
    pub(crate) globals: Vec<Item>,
}

/// A memory whose blocks are marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marked {
    pub(crate) item: Item,
    /// The guest's own memory at its start, in bytes, without the margin.
    pub(crate) bytes: usize,
    /// What it may grow to by its declaration, or by that of all memories, in bytes, without the margin.
    pub(crate) maximum: u64,
    pub(crate) margin: Margin,
}

/// What lies in front of a guest's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Margin {
    /// Its size in bytes, whole pages.
    pub(crate) bytes: u32,
    /// Where the marks of groups of blocks begin, in a memory that is too large to be looked through.
    pub(crate) groups: Option<u32>,
}

impl Margin {
    /// The margin of a memory of `bytes` bytes that may grow to `most`; none if there is no space for it.
    fn new(bytes: u64, most: u64) -> Option<Margin> {
        let grouped = bytes >> SHIFT > LOOKED_THROUGH;
        let blocks = level(most, SHIFT);
        let groups = if grouped { level(most, GROUP_SHIFT) } else { 0 };
        let size = (blocks + groups).next_multiple_of(PAGE);
        // No address within is the last one that there is: see `added::BEYOND`.
        if size + most >= 1 << 32 {
            return None;
        }
        Some(Margin { bytes: size as u32, groups: grouped.then_some(blocks as u32) })
    }

    /// Its size in pages.
    fn pages(self) -> i32 {
        (u64::from(self.bytes) / PAGE) as i32
    }

    /// Marks what the host is about to write, before it does; what lies beyond the memory will not be written.
    pub(crate) fn mark(&self, memory: &mut [u8], address: usize, bytes: usize) {
        let Some(last) = address.checked_add(bytes).and_then(|end| end.checked_sub(1)) else { return };
        let (marks, groups) = self.levels(memory);
        for (marks, shift) in [(marks, SHIFT), (groups, GROUP_SHIFT)] {
            if let Some(marks) = marks.get_mut(address >> shift..=last >> shift) {
                marks.fill(1);
            }
        }
    }

    /// Finds the blocks that are marked, and takes the marks away. For each run of them, `put_back` is told where in the guest's
    /// own memory it begins, and is given its bytes. False if the memory is not one with such a margin.
    pub(crate) fn undo(&self, memory: &mut [u8], mut put_back: impl FnMut(usize, &mut [u8])) -> bool {
        let Some((margin, own)) = memory.split_at_mut_checked(self.bytes as usize) else { return false };
        let (marks, groups) = self.levels(margin);
        let used = |shift| level(own.len() as u64, shift) as usize;
        let used = (used(SHIFT), used(GROUP_SHIFT));
        let Some(marks) = marks.get_mut(..used.0) else { return false };
        let mut run = |blocks: Range<usize>| {
            let bytes = blocks.start * BLOCK..(blocks.end * BLOCK).min(own.len());
            if let Some(own) = own.get_mut(bytes.clone()) {
                put_back(bytes.start, own);
            }
        };
        if self.groups.is_none() {
            take_marks(marks, 0, &mut run);
            return true;
        }
        let Some(groups) = groups.get_mut(..used.1) else { return false };
        take_marks(groups, 0, &mut |groups| {
            let blocks = groups.start * GROUP..(groups.end * GROUP).min(marks.len());
            if let Some(marks) = marks.get_mut(blocks.clone()) {
                take_marks(marks, blocks.start, &mut run);
            }
        });
        true
    }

    /// The marks of blocks, and those of groups.
    fn levels<'m>(&self, memory: &'m mut [u8]) -> (&'m mut [u8], &'m mut [u8]) {
        let margin = memory.get_mut(..self.bytes as usize).unwrap_or_default();
        let groups = self.groups.map_or(margin.len(), |groups| groups as usize);
        margin.split_at_mut_checked(groups).unwrap_or_default()
    }
}

/// Takes marks away; tells of every run of them, counted from `first`.
fn take_marks(marks: &mut [u8], first: usize, run: &mut impl FnMut(Range<usize>)) {
    /// The same, compiled for a processor whose vectors are twice as long.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn with_avx2(marks: &mut [u8], first: usize, run: &mut impl FnMut(Range<usize>)) {
        take_spans(marks, first, run);
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { with_avx2(marks, first, run) };
    }
    take_spans(marks, first, run);
}

#[inline(always)]
fn take_spans(marks: &mut [u8], first: usize, run: &mut impl FnMut(Range<usize>)) {
    let (spans, rest) = marks.as_chunks_mut::<SPAN>();
    let mut open = first..first;
    let behind = first + spans.len() * SPAN;
    for (number, span) in spans.iter_mut().enumerate() {
        if any(span) {
            take_span(span, first + number * SPAN, &mut open, run);
        }
    }
    // There is no rest where marks are in whole spans; and none is forgotten where they are not.
    if !rest.is_empty() {
        let mut span = [0; SPAN];
        span.iter_mut().zip(rest).for_each(|(mark, rest)| *mark = std::mem::take(rest));
        take_span(&mut span, behind, &mut open, run);
    }
    if !open.is_empty() {
        run(open);
    }
}

/// The same for one span, which begins at `first`. `open`: a run that may go on.
#[inline(always)]
fn take_span(span: &mut [u8; SPAN], first: usize, open: &mut Range<usize>, run: &mut impl FnMut(Range<usize>)) {
    let (words, _) = span.as_chunks_mut::<WORD>();
    for (line, at) in words.chunks_exact_mut(LINE).zip((first..).step_by(LINE * WORD)) {
        if any(line.as_flattened()) {
            for (number, word) in line.iter_mut().enumerate() {
                if *word != [0; WORD] {
                    take_word(std::mem::take(word), at + WORD * number, open, run);
                }
            }
        }
    }
}

/// The same for one word. Not within the loop, which looks at many words and seldom finds anything.
#[inline(never)]
fn take_word(word: [u8; WORD], first: usize, open: &mut Range<usize>, run: &mut impl FnMut(Range<usize>)) {
    const ONES: u64 = u64::from_le_bytes([1; WORD]);
    let (mut word, mut at) = (u64::from_le_bytes(word), first);
    debug_assert!(word & !ONES == 0, "a mark is a one");
    while word != 0 {
        let skipped = word.trailing_zeros() / 8;
        word >>= 8 * skipped;
        let marked = ((!word & ONES).trailing_zeros() / 8).max(1);
        word = word.checked_shr(8 * marked).unwrap_or(0);
        at += skipped as usize;
        if open.end != at {
            if !Range::is_empty(open) {
                run(open.clone());
            }
            *open = at..at;
        }
        at += marked as usize;
        open.end = at;
    }
}

/// Whether there is a mark among these, which are whole vectors.
#[inline(always)]
fn any(marks: &[u8]) -> bool {
    // Of the longest vectors that there may be: they are put together first, and looked at once.
    const LANES: usize = 4;
    let mut any = [0; LANES];
    for vector in marks.as_chunks::<WORD>().0.as_chunks::<LANES>().0 {
        for (any, word) in any.iter_mut().zip(vector) {
            *any |= u64::from_ne_bytes(*word);
        }
    }
    any != [0; LANES]
}

/// A guest that was rewritten.
pub(crate) struct Instrumented {
    pub(crate) modules: Vec<Vec<u8>>,
    /// For each module, where its code was before.
    pub(crate) places: Vec<Places>,
    pub(crate) undo: Undo,
}

/// Rewrites the core modules of a guest whose memory may grow to `limit` bytes.
///
/// # Errors
///
/// Why its state cannot be put back.
pub(crate) fn instrument(modules: &[Vec<u8>], recipe: &Recipe, limit: usize) -> Result<Instrumented, String> {
    if recipe.steps.iter().flat_map(|step| &step.imports).any(|given| matches!(given, ImportBinding::Flag(_))) {
        return Err("it is composed of components that call each other".to_owned());
    }
    let plain = |what: &HostFunctionKind| match what {
        HostFunctionKind::Fork(_)
        | HostFunctionKind::Wait { .. }
        | HostFunctionKind::Abandon(_)
        | HostFunctionKind::Trap
        | HostFunctionKind::NoReturn(_)
        | HostFunctionKind::Wasi(_) => true,
        HostFunctionKind::NewHandle(_) | HostFunctionKind::Representation(_) | HostFunctionKind::DropHandle(_) => false,
        HostFunctionKind::TransferOwn(_)
        | HostFunctionKind::TransferBorrow(_)
        | HostFunctionKind::Enter
        | HostFunctionKind::Exit
        | HostFunctionKind::CopyUtf8 { .. } => false,
    };
    if !recipe.destructors.is_empty() || recipe.host.iter().any(|function| !plain(&function.what)) {
        return Err("it has resources of its own".to_owned());
    }
    let facts = modules.iter().map(|bytes| Facts::new(bytes)).collect::<Result<Vec<_>, _>>()?;
    let steps = || recipe.steps.iter().map(|step| &facts[step.module as usize]).zip(0..);
    let mut memories = steps().filter_map(|(facts, step)| facts.memory.map(|memory| (memory, step)));
    let memory = memories.next();
    if memories.next().is_some() {
        return Err("it has several memories".to_owned());
    }
    if facts.iter().any(|facts| !facts.may_add_names()) {
        return Err("it exports names like those that would be added".to_owned());
    }
    if steps().map(|(facts, _)| facts.globals.len()).sum::<usize>() > MOST_GLOBALS {
        return Err(format!("it has more than {MOST_GLOBALS} mutable globals"));
    }
    let margin = match memory {
        Some((memory, _)) => {
            let most = memory.maximum.unwrap_or(u64::MAX).min(limit as u64);
            let margin = Margin::new(memory.bytes, most.max(memory.bytes).next_multiple_of(PAGE));
            Some(margin.ok_or("its memory may grow too large")?)
        }
        None => None,
    };
    let names: Vec<_> = facts.iter().map(Facts::names).collect();
    let module = |step: u32| recipe.steps[step as usize].module as usize;
    let undo = Undo {
        memory: memory.zip(margin).map(|((memory, step), margin)| Marked {
            item: Item { instance: step, name: names[module(step)].memory() },
            bytes: memory.bytes as usize,
            maximum: memory.maximum.unwrap_or(1 << 32),
            margin,
        }),
        globals: steps()
            .flat_map(|(facts, step)| facts.globals.iter().map(move |global| (step, *global)))
            .map(|(step, global)| Item { instance: step, name: names[module(step)].global(global) })
            .collect(),
    };
    let rewritten = modules
        .iter()
        .zip(&facts)
        .zip(&names)
        .map(|((bytes, facts), names)| rewrite::rewrite(bytes, facts, names, margin))
        .collect::<Result<Vec<_>, _>>()?;
    let (modules, places) = rewritten.into_iter().unzip();
    Ok(Instrumented { modules, places, undo })
}
