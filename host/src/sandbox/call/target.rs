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

    /// What cannot happen: values are checked where a call is forked, exports where a guest is loaded.
    #[cold]
    pub(crate) fn unfit(&self) -> wasmtime::Error {
        let name = self.definition.name(self.number);
        debug_assert!(false, "a call of `{name}` does not fit its signature");
        let message = format!("the call does not fit the signature of `{name}`");
        Stop(Error::new(ErrorKind::ArgumentMismatch, message)).into()
    }
}
