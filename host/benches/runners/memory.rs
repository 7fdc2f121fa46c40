//! The memory of an instance whose runtime shows it to nobody: found in the process's mappings, read and written through the
//! system.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

const PAGE: usize = 4096;

/// A guest's memories are reserved in one piece, far larger than anything else that is; the stacks of threads are not.
const LARGE: u64 = 1 << 30;

/// Where a guest's memories may come to lie: what is reserved, and cannot be written to.
pub(crate) struct Reserved(Vec<Range<u64>>);

/// A guest's memory, and what was in it at first.
pub(crate) struct Memory {
    system: File,
    parts: Vec<Part>,
}

struct Part {
    at: u64,
    initial: Vec<u8>,
    /// The pages that a call changes.
    changed: Vec<usize>,
}

impl Reserved {
    pub(crate) fn now() -> io::Result<Reserved> {
        let large = |range: &Range<u64>| range.end - range.start >= LARGE;
        Ok(Reserved(mappings("---p")?.into_iter().filter(large).collect()))
    }

    /// The memory of the instance that was made since, as it is now.
    pub(crate) fn taken(&self) -> io::Result<Memory> {
        let system = OpenOptions::new().read(true).write(true).open("/proc/self/mem")?;
        let within = |part: &Range<u64>| self.0.iter().any(|all| all.start <= part.start && part.end <= all.end);
        let parts = mappings("rw-p")?.into_iter().filter(within);
        let parts: io::Result<Vec<Part>> = parts
            .map(|part| {
                let mut initial = vec![0; (part.end - part.start) as usize];
                system.read_exact_at(&mut initial, part.start)?;
                Ok(Part { at: part.start, initial, changed: Vec::new() })
            })
            .collect();
        Ok(Memory { system, parts: parts? })
    }
}

impl Memory {
    /// Finds the pages that differ from what was there at first: those that a call has changed. Their number.
    pub(crate) fn compare(&mut self) -> io::Result<usize> {
        for part in &mut self.parts {
            let mut now = vec![0; part.initial.len()];
            self.system.read_exact_at(&mut now, part.at)?;
            let pages = now.chunks_exact(PAGE).zip(part.initial.chunks_exact(PAGE)).enumerate();
            part.changed = pages.filter(|(_, (now, initial))| now != initial).map(|(at, _)| at * PAGE).collect();
        }
        Ok(self.parts.iter().map(|part| part.changed.len()).sum())
    }

    /// Puts these pages back.
    pub(crate) fn put_back(&self) -> io::Result<()> {
        for part in &self.parts {
            for &at in &part.changed {
                self.system.write_all_at(&part.initial[at..at + PAGE], part.at + at as u64)?;
            }
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.initial.len()).sum()
    }
}

/// The process's mappings with these permissions.
fn mappings(permissions: &str) -> io::Result<Vec<Range<u64>>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let range = |line: &str| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let range = u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?;
        rest.starts_with(permissions).then_some(range)
    };
    Ok(maps.lines().filter_map(range).collect())
}
