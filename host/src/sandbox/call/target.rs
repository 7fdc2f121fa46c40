//! What a call needs to know of its function.

use crate::error::{Error, ErrorKind};
use crate::ir::{CoreFunction, FunctionDef};
use crate::sandbox::error::Stop;
use crate::sandbox::instance::{Definition, Entry, Loaded};
use crate::value::Type;

/// What a call needs to know of its function.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) number: u32,
    pub(crate) function: &'a FunctionDef,
    pub(crate) loaded: &'a Loaded,
    pub(crate) entry: &'a Entry,
    pub(crate) core: &'a CoreFunction,
    pub(crate) is_program: bool,
    pub(crate) params: &'a [Type],
    pub(crate) results: &'a [Type],
}

impl<'a> Target<'a> {
    #[inline(always)]
    pub(crate) fn new(loaded: &'a Loaded, number: u32) -> Target<'a> {
        let definition = &*loaded.definition;
        let function = definition.function(number);
        Target {
            definition,
            number,
            function,
            loaded,
            entry: &loaded.functions[number as usize].entry,
            core: &function.core,
            is_program: function.program,
            params: &function.params,
            results: &function.results,
        }
    }

    /// Whether all that it takes and the one result that it gives are core values as they stand, and nothing is to be done beside the call.
    pub(crate) fn passes_scalars(&self) -> bool {
        // Of a component's results, some are no character.
        let is_scalar = |ty: &Type| ty.is_scalar() && *ty != Type::V128;
        let plain = match (self.entry.options, self.results) {
            (None, [_]) => true,
            (Some(_), [result]) => is_scalar(result) && *result != Type::Char && self.params.iter().all(is_scalar),
            _ => false,
        };
        plain && !self.is_program && self.function.receiver.is_none() && self.entry.post_return.is_none()
    }

    /// What cannot happen: values are checked where a call is forked, exports where a guest is loaded.
    #[cold]
    pub(crate) fn unfit(&self) -> wasmtime::Error {
        let name = self.definition.name(self.number);
        debug_assert!(false, "a call of `{name}` does not fit its signature");
        let message = format!("the call does not fit the signature of `{name}`");
        Stop(Error::new(ErrorKind::ArgumentMismatch, message)).into()
    }
}
