//! Where each instruction of a rewritten module was in the module that was given.
//!
//! Offsets are those of the modules' bytes. What is found for an instruction's new offset is the old one; for a call of what was
//! added in an instruction's place, that of the instruction. Of marks nothing is known, as they never fail. The functions
//! that were added are nowhere: see [`Places::ADDED`].

use std::ops::Range;
use wasmparser::{FunctionBody, Parser, Payload};

/// Where each instruction of a rewritten module was in the module that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    runs: Runs,
    /// Where the functions that were added begin in the new bytes.
    added: Option<u32>,
    /// Where what was given was before, if it had been rewritten already.
    earlier: Option<Box<Places>>,
}

impl Places {
    /// The place of the functions that were added: a module's first byte, where no instruction is.
    pub(crate) const ADDED: u32 = 0;

    /// Puts the places within functions together to those within the module that they were written to.
    ///
    /// # Errors
    ///
    /// Those of reading a module, which a valid one does not have.
    pub(super) fn new(bytes: &[u8], traces: Vec<Trace>) -> wasmparser::Result<Places> {
        let mut places = Places::default();
        let mut traces = traces.into_iter();
        for payload in Parser::new(0).parse_all(bytes) {
            let Payload::CodeSectionEntry(body) = payload? else { continue };
            match traces.next() {
                Some(trace) => trace.write(&body, &mut places.runs)?,
                None => {
                    places.added.get_or_insert(body.range().start as u32);
                }
            }
        }
        Ok(places)
    }

    /// The places of a module whose code was copied as it is; none if it was not.
    pub(crate) fn copied(old: &[u8], new: &[u8]) -> Option<Places> {
        let (from, at) = (code(old)?, code(new)?);
        let same = old.get(from.clone())? == new.get(at.clone())?;
        let mut runs = Runs::default();
        runs.push(at.start, from.start);
        same.then_some(Places { runs, added: None, earlier: None })
    }

    /// The places of a module that is as it was given.
    pub(crate) fn unchanged() -> Places {
        let mut runs = Runs::default();
        runs.push(0, 0);
        Places { runs, added: None, earlier: None }
    }

    /// The places of a module that was given to this rewriting by an earlier one.
    pub(crate) fn after(self, earlier: Places) -> Places {
        Places { earlier: Some(Box::new(earlier)), ..self }
    }

    /// What was at an offset of the new bytes; none in front of all code.
    pub(crate) fn before(&self, offset: u32) -> Option<u32> {
        if self.added.is_some_and(|added| added <= offset) {
            return Some(Places::ADDED);
        }
        match (&self.earlier, self.runs.before(offset)?) {
            (Some(earlier), offset) if offset != Places::ADDED => earlier.before(offset),
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

/// Runs of bytes that were copied, by their new offset, with the old one. What lies behind one and was added counts as part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Runs(Vec<(u32, u32)>);

impl Runs {
    /// What follows, from offset `new`, was at `old`. Offsets are below 4 GiB, as those of all modules are.
    fn push(&mut self, new: usize, old: usize) {
        let (new, old) = (new as u32, old as u32);
        let follows = |(at, from): &(u32, u32)| new.wrapping_sub(*at) == old.wrapping_sub(*from);
        if !self.0.last().is_some_and(follows) {
            self.0.push((new, old));
        }
    }

    fn before(&self, offset: u32) -> Option<u32> {
        let run = self.0.partition_point(|(at, _)| *at <= offset).checked_sub(1)?;
        let (at, from) = self.0.get(run)?;
        // The last number means no offset to wasmtime.
        from.checked_add(offset - at).filter(|old| *old != u32::MAX)
    }
}

/// Where each instruction of one function was.
pub(super) struct Trace {
    /// Where the function began, and each group of its local variables.
    start: usize,
    locals: Vec<usize>,
    /// The instructions, by their new offset from the function's beginning.
    runs: Runs,
}

impl Trace {
    /// Of a function that began at `start`.
    pub(super) fn new(start: usize) -> Trace {
        Trace { start, locals: Vec::new(), runs: Runs::default() }
    }

    /// Where a group of local variables was.
    pub(super) fn locals(&mut self, old: usize) {
        self.locals.push(old);
    }

    /// Where an instruction was that is now at an offset from the function's beginning.
    pub(super) fn instruction(&mut self, new: usize, old: usize) {
        self.runs.push(new, old);
    }

    /// Adds the places of the whole function, as it was written, to those of the module.
    fn write(self, body: &FunctionBody<'_>, places: &mut Runs) -> wasmparser::Result<()> {
        let start = body.range().start;
        places.push(start, self.start);
        // What is done on entry is told at the last group of local variables, and groups may have been added.
        let mut locals = body.get_locals_reader()?;
        let mut old = self.locals.into_iter();
        let mut last = self.start;
        for _ in 0..locals.get_count() {
            last = old.next().unwrap_or(last);
            places.push(locals.original_position(), last);
            locals.read()?;
        }
        for (new, old) in self.runs.0 {
            places.push(start + new as usize, old as usize);
        }
        Ok(())
    }
}
