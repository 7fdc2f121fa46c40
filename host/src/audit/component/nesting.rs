//! How deeply components and their types lie within each other, before anything else reads them.
//!
//! A type within a type takes three bytes, and whoever reads types calls itself for each level: a file of some kilobytes
//! would use up the stack of any thread. A component within a component takes twelve, and the memory that it takes to validate
//! and to translate them grows with the square of the levels. So levels are counted here, without recursion.

use wasmparser::{BinaryReader, ComponentType, ComponentTypeDeclaration, InstanceTypeDeclaration, Parser, Payload};

/// The most levels of components, and of types of components and instances.
pub(crate) const MAX_LEVELS: usize = 100;

/// Whether anything lies deeper than that. What cannot be read is for the validator to tell.
pub(crate) fn too_deep(bytes: &[u8]) -> bool {
    let mut levels = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::ComponentSection { .. } | Payload::ModuleSection { .. }) => levels += 1,
            Ok(Payload::End(_)) => levels = levels.saturating_sub(1),
            Ok(Payload::ComponentTypeSection(section)) => {
                if bytes.get(section.range()).is_some_and(|section| types(section).unwrap_or(false)) {
                    return true;
                }
            }
            Ok(_) => {}
            Err(_) => return false,
        }
        if levels > MAX_LEVELS {
            return true;
        }
    }
    false
}

/// What is being read: so many more of these.
enum Open {
    Types(u32),
    Instance(u32),
    Component(u32),
}

/// Whether a section of types is too deep; none if it cannot be read.
fn types(section: &[u8]) -> Option<bool> {
    let mut reader = BinaryReader::new(section, 0);
    let mut open = vec![Open::Types(reader.read_var_u32().ok()?)];
    while let Some(last) = open.last_mut() {
        let (Open::Types(left) | Open::Instance(left) | Open::Component(left)) = last;
        let Some(rest) = left.checked_sub(1) else {
            open.pop();
            continue;
        };
        *left = rest;
        if !matches!(last, Open::Types(_)) {
            if reader.clone().read_u8().ok()? != 0x01 {
                match last {
                    Open::Instance(_) => drop(reader.read::<InstanceTypeDeclaration<'_>>().ok()?),
                    _ => drop(reader.read::<ComponentTypeDeclaration<'_>>().ok()?),
                }
                continue;
            }
            reader.read_u8().ok()?;
        }
        let kind = reader.clone().read_u8().ok()?;
        let within = match kind {
            0x41 => Open::Component,
            0x42 => Open::Instance,
            _ => {
                reader.read::<ComponentType<'_>>().ok()?;
                continue;
            }
        };
        reader.read_u8().ok()?;
        open.push(within(reader.read_var_u32().ok()?));
        if open.len() > MAX_LEVELS {
            return Some(true);
        }
    }
    Some(false)
}
