//! The parts of WebAssembly that a guest may use, and what to say about the rest.

use wasmparser::types::{CoreTypeId, Types};
use wasmparser::{CompositeInnerType, FuncType, Validator, WasmFeatures};

/// What a guest may use: what is deterministic, shares nothing, and runs without a garbage collector.
///
/// The engine must enable these at least. Typed function references are among them because they need no
/// collector; `externref` and the types and subtypes of the GC proposal are not.
pub(crate) const ALLOWED: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::MEMORY64)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::FUNCTION_REFERENCES)
    .difference(WasmFeatures::GC_TYPES);

/// A valid module, and what it uses beyond [`ALLOWED`].
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

    fn func(&self, id: CoreTypeId) -> Option<&FuncType> {
        match &self.types[id].composite_type.inner {
            CompositeInnerType::Func(ty) => Some(ty),
            _ => None,
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

/// What a proposal is, and what to do without it.
pub(super) fn explain(proposal: &str) -> (&'static str, &'static str) {
    match proposal {
        p if p.starts_with("cm_async") || p == "cm_more_async_builtins" || p == "cm_threading" => (
            "component-model concurrency (`async` functions, streams, futures, threads)",
            "it shows a guest what finished first; build it with synchronous functions, and fork instead",
        ),
        "cm64" => ("64-bit memory in the canonical ABI", "compile for 32-bit memory"),
        "cm_gc" => ("values in garbage-collected memory", "guests run without a collector; compile for linear memory"),
        "cm_error_context" => ("error contexts", "return a string instead"),
        "cm_fixed_length_lists" => ("lists of fixed length", "use a tuple or a list"),
        "cm_map" => ("maps", "use a list of tuples"),
        "threads" => (
            "threads (shared memory or atomic instructions)",
            "calls share nothing; compile without threads (no `-pthread`, no `+atomics`) and fork instead",
        ),
        "shared_everything_threads" => {
            ("shared-everything threads", "calls share nothing; compile without threads and fork instead")
        }
        "relaxed_simd" => ("relaxed SIMD", "its results differ between machines; use plain SIMD (no `+relaxed-simd`)"),
        "gc" => (
            "garbage collection (its types, subtypes or constants)",
            "guests run without a collector; compile for linear memory",
        ),
        "gc_types" => (
            "references that need a garbage collector (`externref`, `anyref` or others)",
            "guests run without a collector; compile without them",
        ),
        "custom_descriptors" => {
            ("custom descriptors", "guests run without a garbage collector; compile for linear memory")
        }
        "exceptions" => (
            "exceptions (tags, `throw` or `try_table`)",
            "they need a garbage collector, which guests do not have; compile without them, so that a failure traps",
        ),
        "legacy_exceptions" => (
            "exceptions of the old kind (`try` and `catch`)",
            "no engine has to support them; compile without exceptions, so that a failure traps",
        ),
        "stack_switching" => ("stack switching", "compile without it and fork instead"),
        "wide_arithmetic" => ("wide arithmetic", "compile without it (no `+wide-arithmetic`)"),
        "custom_page_sizes" => ("custom page sizes", "compile for pages of 64 KiB"),
        "memory_control" => ("memory control", "compile without it"),
        "compact_imports" => ("compact imports", "write the imports one by one"),
        _ => ("something that is not known here", "compile for an older version of WebAssembly"),
    }
}
