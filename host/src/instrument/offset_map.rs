//! Maps offsets in a rewritten module to offsets in the module that was given.
//!
//! An instruction's new offset maps to its old one; a call that stands in an instruction's place, to that instruction. Marks
//! have no offset of their own: they never fail. Functions that were added map to [`OffsetMap::ADDED`].

use std::ops::Range;
use wasmparser::{FunctionBody, Parser, Payload};

/// Offsets in a rewritten module, each with the offset in the module that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OffsetMap {
    runs: Runs,
    /// Where the functions that were added begin in the new bytes.
    added: Option<u32>,
    /// The map of the module that was given, if that had been rewritten already.
    earlier: Option<Box<OffsetMap>>,
}

impl OffsetMap {
    /// The offset of functions that were added: the module's first byte, where no instruction is.
    pub(crate) const ADDED: u32 = 0;

    /// Makes the map of a module from those of its functions. `bytes`: the module as it was written.
    ///
    /// # Errors
    ///
    /// Those of reading a module, which a valid one does not have.
    pub(super) fn new(bytes: &[u8], functions: Vec<FunctionOffsets>) -> wasmparser::Result<OffsetMap> {
        let mut map = OffsetMap::default();
        let mut functions = functions.into_iter();
        for payload in Parser::new(0).parse_all(bytes) {
            let Payload::CodeSectionEntry(body) = payload? else { continue };
            match functions.next() {
                Some(function) => function.write(&body, &mut map.runs)?,
                None => {
                    map.added.get_or_insert(body.range().start as u32);
                }
            }
        }
        Ok(map)
    }

    /// The map of a module whose code was moved as a whole; none if the code differs.
    pub(crate) fn moved(old: &[u8], new: &[u8]) -> Option<OffsetMap> {
        let (from, at) = (code(old)?, code(new)?);
        let same = old.get(from.clone())? == new.get(at.clone())?;
        let mut runs = Runs::default();
        runs.push(at.start, from.start);
        same.then_some(OffsetMap { runs, added: None, earlier: None })
    }

    /// This map behind that of an earlier rewriting.
    pub(crate) fn after(self, earlier: OffsetMap) -> OffsetMap {
        OffsetMap { earlier: Some(Box::new(earlier)), ..self }
    }

    /// The old offset of a new one; none in front of all code.
    pub(crate) fn original(&self, offset: u32) -> Option<u32> {
        if self.added.is_some_and(|added| added <= offset) {
            return Some(OffsetMap::ADDED);
        }
        match (&self.earlier, self.runs.original(offset)?) {
            (Some(earlier), offset) if offset != OffsetMap::ADDED => earlier.original(offset),
            (_, offset) => Some(offset),
        }
    }
}

/// The bytes of a module's functions.
fn code(bytes: &[u8]) -> Option<Range<usize>> {
    Parser::new(0).parse_all(bytes).map_while(Result::ok).find_map(|payload| match payload {
        Payload::CodeSectionStart { range, .. } => Some(range),
        _ => None,
    })
}

/// Where runs of copied bytes begin: their new offset, and the old one. Bytes added behind a run count as part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Runs(Vec<(u32, u32)>);

impl Runs {
    /// What follows from offset `new` on was at `old`. Modules are smaller than 4 GiB.
    fn push(&mut self, new: usize, old: usize) {
        let (new, old) = (new as u32, old as u32);
        let follows = |(at, from): &(u32, u32)| new.wrapping_sub(*at) == old.wrapping_sub(*from);
        if !self.0.last().is_some_and(follows) {
            self.0.push((new, old));
        }
    }

    fn original(&self, offset: u32) -> Option<u32> {
        let run = self.0.partition_point(|(at, _)| *at <= offset).checked_sub(1)?;
        let (at, from) = self.0.get(run)?;
        // To wasmtime, the last number means no offset.
        from.checked_add(offset - at).filter(|old| *old != u32::MAX)
    }
}

/// Where each instruction of one function was, recorded while the function is written.
pub(super) struct FunctionOffsets {
    /// Where the function began, and each group of its local variables, in the old bytes.
    start: usize,
    locals: Vec<usize>,
    /// The instructions, by their new offset from the function's beginning.
    runs: Runs,
}

impl FunctionOffsets {
    /// Those of a function that began at `start`.
    pub(super) fn new(start: usize) -> FunctionOffsets {
        FunctionOffsets { start, locals: Vec::new(), runs: Runs::default() }
    }

    /// Records where a group of local variables was.
    pub(super) fn locals(&mut self, old: usize) {
        self.locals.push(old);
    }

    /// Records where an instruction was that is now at `new` from the function's beginning.
    pub(super) fn instruction(&mut self, new: usize, old: usize) {
        self.runs.push(new, old);
    }

    /// Adds the function, as it was written, to the map of the module.
    fn write(self, body: &FunctionBody<'_>, runs: &mut Runs) -> wasmparser::Result<()> {
        let start = body.range().start;
        runs.push(start, self.start);
        // wasmtime names the last group of local variables for what is done on entry. Groups may have been added.
        let mut locals = body.get_locals_reader()?;
        let mut old = self.locals.into_iter();
        let mut last = self.start;
        for _ in 0..locals.get_count() {
            last = old.next().unwrap_or(last);
            runs.push(locals.original_position(), last);
            locals.read()?;
        }
        for (new, old) in self.runs.0 {
            runs.push(start + new as usize, old as usize);
        }
        Ok(())
    }
}
