//! Which bytes machine code was made of, told of other bytes than those that were compiled.
//!
//! wasmtime keeps beside machine code a map from it to the offsets of the instructions that it was made of, and looks there for
//! the places of an error, and for nothing else. Of a guest that was rewritten these would be offsets that its author does not have. So the
//! map is written anew, once: nothing has to be looked up when a guest is loaded, or when it fails.
//!
//! The form of the map is known by the crate `wasmtime-environ`, of the very version that is used.

use crate::instrument::Places;
use std::ops::Range;
use wasmtime::{Error, Result};
use wasmtime_environ::obj::ELF_WASMTIME_ADDRMAP;
use wasmtime_environ::object::elf::{FileHeader64, SectionHeader64};
use wasmtime_environ::object::pod::slice_from_bytes_mut;
use wasmtime_environ::object::read::elf::{FileHeader as _, SectionHeader as _};
use wasmtime_environ::object::write::Object;
use wasmtime_environ::object::{Architecture, BinaryFormat, Endianness, SectionIndex};
use wasmtime_environ::{AddressMapSection, FilePos, InstructionAddressMap, iterate_address_map};

/// Has machine code tell of the bytes that were there before the compiled ones.
///
/// # Errors
///
/// If it is not machine code of this version of wasmtime.
pub(super) fn tell_before(code: &mut Vec<u8>, places: &Places) -> Result<()> {
    let (index, old) = section(code)?;
    let map = iterate_address_map(&code[old.clone()]).ok_or_else(unknown)?;
    let new = written(map.map(|(at, offset)| (at, offset.file_offset().and_then(|offset| places.before(offset)))))?;
    // Most often there is room for it: the bytes were fewer before.
    let start = if new.len() <= old.len() { old.start } else { code.len() };
    code.resize(code.len().max(start + new.len()), 0);
    code[start..start + new.len()].copy_from_slice(&new);
    moved(code, index, start, new.len())
}

/// Writes a map of offsets of machine code.
fn written(map: impl Iterator<Item = (u32, Option<u32>)>) -> Result<Vec<u8>> {
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

/// The section that the map is, and where it is.
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

/// Says where a section is now.
fn moved(code: &mut [u8], section: SectionIndex, start: usize, size: usize) -> Result<()> {
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
