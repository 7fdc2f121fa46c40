//! The proposals to WebAssembly, and which of them a guest may use: what is deterministic and shares nothing.
//!
//! The audit takes what this table allows, and the engine is configured by it. To allow a proposal, change its row here,
//! and say in the audit what its operators do.

use wasmparser::WasmFeatures as W;

/// A proposal, or what wasmparser treats as one.
pub(crate) struct Proposal {
    pub(crate) flag: W,
    pub(crate) rule: Rule,
}

/// Who may use a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Allowed,
    /// Components may. The engine sees only the core modules in them.
    InComponents,
    /// Nobody.
    Refused {
        /// What it is, for an error's message.
        what: &'static str,
        /// What to do without it.
        instead: &'static str,
    },
}

/// All there are.
pub(crate) const PROPOSALS: &[Proposal] = &[
    allowed(W::MUTABLE_GLOBAL),
    allowed(W::SATURATING_FLOAT_TO_INT),
    allowed(W::SIGN_EXTENSION),
    allowed(W::REFERENCE_TYPES),
    allowed(W::CALL_INDIRECT_OVERLONG),
    allowed(W::MULTI_VALUE),
    allowed(W::BULK_MEMORY),
    allowed(W::BULK_MEMORY_OPT),
    allowed(W::SIMD),
    allowed(W::FLOATS),
    allowed(W::TAIL_CALL),
    allowed(W::MULTI_MEMORY),
    allowed(W::MEMORY64),
    allowed(W::EXTENDED_CONST),
    allowed(W::FUNCTION_REFERENCES),
    allowed(W::GC),
    allowed(W::GC_TYPES),
    allowed(W::EXCEPTIONS),
    Proposal { flag: W::COMPONENT_MODEL, rule: Rule::InComponents },
    refused(
        W::THREADS,
        "threads (shared memory or atomic instructions)",
        "calls share nothing; compile without threads (no `-pthread`, no `+atomics`) and fork instead",
    ),
    refused(
        W::SHARED_EVERYTHING_THREADS,
        "shared-everything threads",
        "calls share nothing; compile without threads and fork instead",
    ),
    refused(
        W::RELAXED_SIMD,
        "relaxed SIMD",
        "its results differ between machines; use plain SIMD (no `+relaxed-simd`)",
    ),
    refused(W::CUSTOM_DESCRIPTORS, "custom descriptors", "compile without them"),
    refused(
        W::LEGACY_EXCEPTIONS,
        "exceptions of the old kind (`try` and `catch`)",
        "no engine has to support them; translate them by `wasm-opt --translate-to-exnref` (Binaryen), or have the compiler \
         write the new kind (clang and emcc: `-mllvm -wasm-use-legacy-eh=false`, emcc: `-sWASM_LEGACY_EXCEPTIONS=0`)",
    ),
    refused(W::STACK_SWITCHING, "stack switching", "compile without it and fork instead"),
    refused(W::WIDE_ARITHMETIC, "wide arithmetic", "compile without it (no `+wide-arithmetic`)"),
    refused(W::CUSTOM_PAGE_SIZES, "custom page sizes", "compile for pages of 64 KiB"),
    refused(W::MEMORY_CONTROL, "memory control", "compile without it"),
    refused(W::COMPACT_IMPORTS, "compact imports", "write the imports one by one"),
    concurrency(W::CM_ASYNC),
    concurrency(W::CM_ASYNC_STACKFUL),
    concurrency(W::CM_MORE_ASYNC_BUILTINS),
    concurrency(W::CM_THREADING),
    refused(W::CM64, "64-bit memory in the canonical ABI", "compile for 32-bit memory"),
    refused(W::CM_GC, "values in garbage-collected memory", "pass them in linear memory"),
    refused(W::CM_ERROR_CONTEXT, "error contexts", "return a string instead"),
    refused(W::CM_FIXED_LENGTH_LISTS, "lists of fixed length", "use a tuple or a list"),
    refused(W::CM_MAP, "maps", "use a list of tuples"),
    refused(W::CM_VALUES, "values among a component's imports and exports", "pass them to its functions"),
    refused(W::CM_NESTED_NAMES, "nested names of packages", "use names of one package each"),
    refused(W::CM_IMPLEMENTS, "names that say what an instance implements", "import and export interfaces themselves"),
    refused(W::CM_CANON_NAMES, "names with a suffix of their version", "write the whole version in the name"),
];

/// What a core module may use, and no more than that: the engine has just these enabled.
pub(crate) const CORE: W = allowed_where(false);

/// The same without what needs a garbage collector's heap. What exceptions carry lies there, too.
pub(crate) const WITHOUT_COLLECTOR: W = CORE.difference(W::GC).difference(W::GC_TYPES).difference(W::EXCEPTIONS);

/// What a component may use.
pub(crate) const COMPONENTS: W = allowed_where(true);

/// What a proposal is that guests do not have, and what to do without it; by the name that wasmparser has for it.
pub(crate) fn explain(name: &str) -> (&'static str, &'static str) {
    let flag = W::from_name(&name.to_uppercase());
    match flag.and_then(|flag| PROPOSALS.iter().find(|proposal| proposal.flag == flag)) {
        Some(Proposal { rule: Rule::Refused { what, instead }, .. }) => (what, instead),
        _ => ("something that is not known here", "compile for an older version of WebAssembly"),
    }
}

const fn allowed(flag: W) -> Proposal {
    Proposal { flag, rule: Rule::Allowed }
}

const fn refused(flag: W, what: &'static str, instead: &'static str) -> Proposal {
    Proposal { flag, rule: Rule::Refused { what, instead } }
}

const fn concurrency(flag: W) -> Proposal {
    refused(
        flag,
        "component-model concurrency (`async` functions, streams, futures, threads)",
        "it shows a guest what finished first; build it with synchronous functions, and fork instead",
    )
}

const fn allowed_where(components: bool) -> W {
    let (mut all, mut at) = (W::empty(), 0);
    while at < PROPOSALS.len() {
        match PROPOSALS[at].rule {
            Rule::Allowed => all = all.union(PROPOSALS[at].flag),
            Rule::InComponents if components => all = all.union(PROPOSALS[at].flag),
            Rule::InComponents | Rule::Refused { .. } => {}
        }
        at += 1;
    }
    all
}
