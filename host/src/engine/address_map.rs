//! wasmtime's address map: for each address in machine code, the offset of the instruction it was compiled from.
//!
//! wasmtime stores it beside the machine code and uses it for the backtraces of errors alone. The offsets of a rewritten guest
//! would mean nothing to its author. So the map is replaced once, after compiling, by one with offsets in the module that was
//! given: nothing has to be translated when a guest is loaded, or when it fails.
//!
//! The format is that of the crate `wasmtime-environ`, of exactly the version that is used.

use crate::instrument::OffsetMap;
use std::ops::Range;
use wasmtime::{Error, Result};
use wasmtime_environ::obj::ELF_WASMTIME_ADDRMAP;
use wasmtime_environ::object::elf::{FileHeader64, SectionHeader64};
use wasmtime_environ::object::pod::slice_from_bytes_mut;
use wasmtime_environ::object::read::elf::{FileHeader as _, SectionHeader as _};
use wasmtime_environ::object::write::Object;
use wasmtime_environ::object::{Architecture, BinaryFormat, Endianness, SectionIndex};
use wasmtime_environ::{AddressMapSection, FilePos, InstructionAddressMap, iterate_address_map};

/// Replaces the address map of machine code by one with the offsets before rewriting.
///
/// # Errors
///
/// If it is not machine code of this version of wasmtime.
pub(super) fn rewrite_address_map(code: &mut Vec<u8>, offsets: &OffsetMap) -> Result<()> {
    let (index, old) = section(code)?;
    let map = iterate_address_map(&code[old.clone()]).ok_or_else(unknown)?;
    let new = encoded(map.map(|(at, offset)| (at, offset.file_offset().and_then(|offset| offsets.original(offset)))))?;
    // It most often fits in place: it has no more entries than the old one.
    let start = if new.len() <= old.len() { old.start } else { code.len() };
    code.resize(code.len().max(start + new.len()), 0);
    code[start..start + new.len()].copy_from_slice(&new);
    relocate_section(code, index, start, new.len())
}

/// Encodes an address map.
fn encoded(map: impl Iterator<Item = (u32, Option<u32>)>) -> Result<Vec<u8>> {
    let mut section = AddressMapSection::default();
    let mut last = None;
    for (code_offset, offset) in map {
        if last != Some(offset) {
            last = Some(offset);
            let srcloc = offset.map_or_else(FilePos::none, FilePos::new);
            section.push(0..code_offset.into(), &[InstructionAddressMap { srcloc, code_offset }]);
        }
    }
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    section.append_to(&mut object);
    let object = object.write().map_err(|error| Error::msg(error.to_string()))?;
    let (_, range) = self::section(&object)?;
    Ok(object[range].to_vec())
}

/// The index of the map's section, and its range.
fn section(code: &[u8]) -> Result<(SectionIndex, Range<usize>)> {
    let find = || {
        let header = FileHeader64::<Endianness>::parse(code).ok()?;
        let endian = header.endian().ok()?;
        let sections = header.sections(endian, code).ok()?;
        let (index, section) = sections.section_by_name(endian, ELF_WASMTIME_ADDRMAP.as_bytes())?;
        let (start, size) = section.file_range(endian)?;
        let range = usize::try_from(start).ok()?..usize::try_from(start.checked_add(size)?).ok()?;
        code.get(range.clone()).map(|_| (index, range))
    };
    find().ok_or_else(unknown)
}

/// Sets the range of a section in its header.
fn relocate_section(code: &mut [u8], section: SectionIndex, start: usize, size: usize) -> Result<()> {
    let header = FileHeader64::<Endianness>::parse(&*code).map_err(|_| unknown())?;
    let endian = header.endian().map_err(|_| unknown())?;
    let headers = code.get_mut(usize::try_from(header.e_shoff.get(endian))?..).ok_or_else(unknown)?;
    let (headers, _) =
        slice_from_bytes_mut::<SectionHeader64<Endianness>>(headers, section.0 + 1).map_err(|()| unknown())?;
    let header = headers.last_mut().ok_or_else(unknown)?;
    header.sh_offset.set(endian, start as u64);
    header.sh_size.set(endian, size as u64);
    Ok(())
}

fn unknown() -> Error {
    Error::msg("its machine code has no map that is known")
}
