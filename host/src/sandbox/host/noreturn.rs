//! Functions that do not return: the guest traps, and the host is told the text that it gave.
//!
//! The text is for people. It is no more to whoever waits for the call within a guest: there, a trap is a trap.

use super::import::HostImport;
use crate::escape::escaped_within;
use crate::ir::NoReturn;
use crate::sandbox::data::StoreData;
use crate::sandbox::error::Failed;
use wasmtime::{Caller, Extern, Linker, Val};

/// How many bytes of a text are shown.
const MAX_TEXT: usize = 1024;

/// How many are read: a few more, so that it shows where a text is cut.
const MAX_READ: usize = MAX_TEXT + 4;

/// Defines a function of the host's, that does not return.
pub(super) fn define(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    function: NoReturn,
) -> wasmtime::Result<()> {
    let this = host.clone();
    linker.func_new(module, name, host.ty.clone(), move |mut caller, params, _| {
        let memory = memory(&mut caller, &this);
        let bytes = memory.as_ref().map(|memory| memory.data(&caller)).unwrap_or_default();
        Err(Failed(message(function, params, this.own(bytes))).into())
    })?;
    Ok(())
}

fn memory(caller: &mut Caller<'_, StoreData>, host: &HostImport) -> Option<wasmtime::Memory> {
    let found = host.memory(caller, host.wanted_memory()?).ok();
    // While a core module is instantiated, its instance is not yet among those that are made.
    found.or_else(|| caller.get_export("memory").and_then(Extern::into_memory))
}

/// What happened. Texts that are not where the guest says, or are none, are left out.
fn message(function: NoReturn, params: &[Val], memory: &[u8]) -> String {
    let number = |at: usize| params.get(at).and_then(Val::i32).unwrap_or_default();
    let at = |at: usize| number(at).cast_unsigned() as usize;
    let text = match function {
        NoReturn::Abort | NoReturn::AbortJs => None,
        NoReturn::Throw => Some("an exception that nothing catches".to_owned()),
        NoReturn::AssertFail => {
            assertion(c_text(memory, at(0)), c_text(memory, at(1)), number(2), c_text(memory, at(3)))
        }
        NoReturn::AbortAt => {
            let place = |file| format!("at {file}:{}:{}", at(2), at(3));
            joined(utf16_text(memory, at(0)), utf16_text(memory, at(1)).map(place))
        }
        NoReturn::BindgenThrow => utf8_text(memory, at(0), at(1)),
    };
    let text = text.map(|text| format!(": {text}")).unwrap_or_default();
    format!("the guest called `{}`{text}", function.name())
}

fn assertion(condition: Option<String>, file: Option<String>, line: i32, function: Option<String>) -> Option<String> {
    let function = function.map(|function| format!("in `{function}`"));
    joined(condition, joined(file.map(|file| format!("at {file}:{line}")), function))
}

/// Two parts, or the one that is there.
fn joined(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(format!("{first}, {second}")),
        (first, second) => first.or(second),
    }
}

/// A text that ends with a NUL, or is cut.
fn c_text(memory: &[u8], at: usize) -> Option<String> {
    let bytes = memory.get(at..).filter(|_| at != 0)?;
    let bytes = bytes.get(..MAX_READ).unwrap_or(bytes);
    text(bytes.split(|byte| *byte == 0).next()?)
}

/// A text of so many bytes.
fn utf8_text(memory: &[u8], at: usize, len: usize) -> Option<String> {
    text(memory.get(at..at.checked_add(len)?)?.get(..len.min(MAX_READ))?)
}

/// A string of AssemblyScript's, which has its length in bytes in front.
fn utf16_text(memory: &[u8], at: usize) -> Option<String> {
    let len = memory.get(at.checked_sub(4)?..at)?.first_chunk()?;
    let len = u32::from_le_bytes(*len) as usize;
    let (units, _) = memory.get(at..at.checked_add(len)?)?.get(..len.min(MAX_READ))?.as_chunks();
    let text = String::from_utf16_lossy(&units.iter().copied().map(u16::from_le_bytes).collect::<Vec<_>>());
    (!text.is_empty()).then(|| escaped_within(&text, MAX_TEXT))
}

fn text(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| escaped_within(&String::from_utf8_lossy(bytes), MAX_TEXT))
}
