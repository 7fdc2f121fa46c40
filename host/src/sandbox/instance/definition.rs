//! A guest as all its sandboxes see it, wherever they are.

use crate::error::Error;
use crate::escape::escaped;
use crate::ir::{Facts, FunctionDef, Recipe};
use crate::limits::Limits;
use crate::sandbox::error::{Refusals, explain};
use std::sync::Arc;

/// A guest as all its sandboxes see it.
pub(crate) struct Definition {
    pub(crate) facts: Arc<Facts>,
    pub(crate) recipe: Recipe,
    pub(crate) limits: Limits,
}

impl Definition {
    #[inline]
    pub(crate) fn function(&self, number: u32) -> &FunctionDef {
        &self.facts.functions[number as usize]
    }

    /// An exported function's name, fit to be shown.
    pub(crate) fn name(&self, function: u32) -> String {
        escaped(&self.function(function).name)
    }

    /// What happened to a call.
    pub(in crate::sandbox) fn explain(&self, error: wasmtime::Error, function: u32, refusals: Refusals) -> Error {
        // A collector's heap asks for more than it needs, and goes on without.
        let refusals = Refusals { by_limit: refusals.by_limit && !self.facts.collected, ..refusals };
        let exported = |index: u32| {
            // An index means nothing where there are several modules.
            if self.recipe.steps.len() != 1 {
                return None;
            }
            let export = self.facts.functions.iter().find(|export| export.index == index).map(|export| &export.name);
            let initialize = self.recipe.initialize.as_ref().filter(|_| self.recipe.initialize_index == Some(index));
            export.or(initialize.map(|item| &item.name)).map(|name| escaped(name))
        };
        explain(error, (&self.name(function), self.limits.timeout), refusals, &exported)
    }
}
