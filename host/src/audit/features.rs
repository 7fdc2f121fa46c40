//! Validation with the proposals that a guest may use, and what it uses beyond them.

use wasmparser::types::{CoreTypeId, Types};
use wasmparser::{CompositeInnerType, FuncType, Validator, WasmFeatures};

/// A valid module, and what it uses beyond what it may.
pub(super) struct Valid {
    /// The types of everything in it.
    pub(super) types: Types,
    /// The features that it validates with.
    pub(super) features: WasmFeatures,
    /// One for each feature beyond the allowed ones, in the order of the first need. Empty exactly if the
    /// module validates with the allowed ones alone.
    pub(super) missing: Vec<Missing>,
}

impl Valid {
    /// The type of the function of this index, or `None` if there is none.
    pub(super) fn function_type(&self, function: u32) -> Option<&FuncType> {
        let types = self.types.as_ref();
        if function >= types.function_count() {
            return None;
        }
        self.func(types.core_function_at(function))
    }

    /// The function type of this index among the types, or `None` if there is none.
    pub(super) fn type_at(&self, index: u32) -> Option<&FuncType> {
        let types = self.types.as_ref();
        if index >= types.core_type_count_in_module() {
            return None;
        }
        self.func(types.core_type_at_in_module(index))
    }

    /// The supertype of the function type of this index among the types, or `None` if there is none.
    pub(super) fn supertype(&self, index: u32) -> Option<&FuncType> {
        let types = self.types.as_ref();
        if index >= types.core_type_count_in_module() {
            return None;
        }
        let ty = &self.types[types.core_type_at_in_module(index)];
        self.func(ty.supertype_idx.as_ref()?.as_core_type_id()?)
    }

    fn func(&self, id: CoreTypeId) -> Option<&FuncType> {
        match &self.types[id].composite_type.inner {
            CompositeInnerType::Func(ty) => Some(ty),
            CompositeInnerType::Array(_) | CompositeInnerType::Struct(_) | CompositeInnerType::Cont(_) => None,
        }
    }
}

/// A feature that a module needs and may not use.
pub(super) struct Missing {
    /// The proposal, as `wasmparser` calls it.
    pub(super) proposal: String,
    /// What the validator says.
    pub(super) detail: String,
    /// Where it is first needed.
    pub(super) offset: usize,
}

/// Validates a module or a component with the allowed features, then with one more for each that turns out to be missing, and at
/// last with all there are: a module is invalid only if that fails.
pub(super) fn validate(bytes: &[u8], allowed: WasmFeatures) -> Result<Valid, wasmparser::Error> {
    let mut features = allowed;
    let mut missing = Vec::new();
    loop {
        let error = match Validator::new_with_features(features).validate_all(bytes) {
            Ok(types) => return Ok(Valid { types, features, missing }),
            Err(error) => error,
        };
        let wanted = error.missing_wasm_feature().filter(|f| !features.contains(*f));
        let proposal = wanted.and_then(|f| f.iter_names().next()).map(|(name, _)| name.to_lowercase());
        if proposal.is_none() && features == WasmFeatures::all() {
            return Err(error);
        }
        features |= wanted.unwrap_or(WasmFeatures::all());
        missing.push(Missing {
            proposal: proposal.unwrap_or_else(|| "unknown".into()),
            detail: error.message().to_owned(),
            offset: error.offset(),
        });
    }
}
