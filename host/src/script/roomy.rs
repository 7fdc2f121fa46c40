//! Room for arguments that pages behind a module's memory give, where the module exports no allocator that is known.

use super::allocator::Allocator;
use super::exports::{BEHIND, Exports};
use super::gap::Gap;
use crate::error::Result;
use std::borrow::Cow;
use std::convert::Infallible;
use wasm_encoder::reencode::{Error as ReencodeError, Reencode, utils};
use wasm_encoder::{
    CodeSection, ExportSection, FunctionSection, GlobalSection, Instruction, MemorySection, MemoryType,
};
use wasm_encoder::{Module, SectionId, TypeSection};
use wasmparser::{CustomSectionReader, Operator, Parser, Payload, TypeRef, Validator, WasmFeatures};

/// The module with memories that may grow behind what it knows of: what has an allocator of its own stays as it is.
///
/// A module that asks for the size of its memory, or makes that grow, keeps room of its own that nobody sees: such allocators take whatever
/// lies below the end of the memory, at the first call for room, or expect that what they add follows what they had. So its questions are
/// answered by a [`Gap`], and it never learns of what lies behind.
///
/// # Errors
///
/// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if it is no core module.
pub(crate) fn roomy(module: &[u8]) -> Result<Cow<'_, [u8]>> {
    let exports = Exports::read(module)?;
    let named = matches!(Allocator::of(&exports), Allocator::Pages { behind: None });
    let Some(memory) = exports.memory.as_deref().filter(|_| named) else { return Ok(Cow::Borrowed(module)) };
    // It is valid: what cannot be written anew stays as it is.
    let Ok(mut behind) = Behind::of(module, memory) else { return Ok(Cow::Borrowed(module)) };
    if behind.gap.is_none() && !behind.is_bounded {
        return Ok(Cow::Borrowed(module));
    }
    let mut made = Module::new();
    match behind.parse_core_module(&mut made, Parser::new(0), module) {
        Ok(()) => Ok(Cow::Owned(made.finish())),
        Err(_) => Ok(Cow::Borrowed(module)),
    }
}

/// Writes a module anew: its memory has no maximum, and if it asks for the size of that, the gap answers.
struct Behind {
    /// The number of the memory that values are laid in.
    memory: u32,
    /// How many memories are imported.
    imported: u32,
    /// Whether the memory has a maximum of its own.
    is_bounded: bool,
    gap: Option<Gap>,
}

impl Behind {
    /// `memory`: what the memory is exported as.
    fn of(module: &[u8], memory: &str) -> wasmparser::Result<Behind> {
        let types = Validator::new_with_features(WasmFeatures::all()).validate_all(module)?;
        let types = types.as_ref();
        let mut behind = Behind { memory: 0, imported: 0, is_bounded: false, gap: None };
        let (mut asks, mut taken) = (false, false);
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        behind.imported += u32::from(matches!(import?.ty, TypeRef::Memory(_)));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        taken |= export.name == BEHIND;
                        if export.name == memory {
                            behind.memory = export.index;
                        }
                    }
                }
                Payload::CodeSectionEntry(body) if !asks => {
                    for operator in body.get_operators_reader()? {
                        asks |= behind.is_asked(&operator?);
                    }
                }
                _ => {}
            }
        }
        let maximum = types.memory_at(behind.memory).maximum;
        behind.is_bounded = maximum.is_some() && behind.memory >= behind.imported && !asks;
        // Who exports something of that name itself is believed, or has no gap.
        behind.gap = (asks && !taken).then(|| Gap {
            memory: behind.memory,
            maximum,
            types: types.core_type_count_in_module(),
            functions: types.function_count(),
            globals: types.global_count(),
        });
        Ok(behind)
    }

    fn is_asked(&self, operator: &Operator<'_>) -> bool {
        matches!(operator, Operator::MemorySize { mem } | Operator::MemoryGrow { mem } if *mem == self.memory)
    }
}

type Written<T = ()> = Result<T, ReencodeError<Infallible>>;

impl Reencode for Behind {
    type Error = Infallible;

    /// The other memories keep their maximum.
    fn parse_memory_section(
        &mut self,
        memories: &mut MemorySection,
        section: wasmparser::MemorySectionReader<'_>,
    ) -> Written {
        for (memory, number) in section.into_iter().zip(self.imported..) {
            let ty = utils::memory_type(self, memory?);
            memories.memory(if number == self.memory { MemoryType { maximum: None, ..ty } } else { ty });
        }
        Ok(())
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Written<Instruction<'a>> {
        match (&self.gap, &operator) {
            (Some(gap), Operator::MemorySize { mem }) if *mem == self.memory => Ok(Instruction::Call(gap.size())),
            (Some(gap), Operator::MemoryGrow { mem }) if *mem == self.memory => Ok(Instruction::Call(gap.grow())),
            _ => utils::instruction(self, operator),
        }
    }

    fn parse_type_section(&mut self, types: &mut TypeSection, section: wasmparser::TypeSectionReader<'_>) -> Written {
        utils::parse_type_section(self, types, section)?;
        self.gap.iter().for_each(|gap| gap.add_types(types));
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Written {
        utils::parse_function_section(self, functions, section)?;
        self.gap.iter().for_each(|gap| gap.add_functions(functions));
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Written {
        utils::parse_global_section(self, globals, section)?;
        self.gap.iter().for_each(|gap| gap.add_globals(globals));
        Ok(())
    }

    /// A module without globals: those of the gap stand in front of the exports, which it has.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Written {
        if let (Some(gap), Some(SectionId::Export)) = (&self.gap, before)
            && after != Some(SectionId::Global)
        {
            let mut globals = GlobalSection::new();
            gap.add_globals(&mut globals);
            module.section(&globals);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Written {
        utils::parse_export_section(self, exports, section)?;
        self.gap.iter().for_each(|gap| gap.add_export(exports, BEHIND));
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, section: wasmparser::CodeSectionReader<'_>) -> Written {
        utils::parse_code_section(self, code, section)?;
        self.gap.iter().for_each(|gap| gap.add_code(code));
        Ok(())
    }

    /// Copied as it is: a broken section of names is no reason.
    fn parse_custom_section(&mut self, module: &mut Module, section: CustomSectionReader<'_>) -> Written {
        module.section(&self.custom_section(section)?);
        Ok(())
    }
}
