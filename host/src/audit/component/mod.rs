//! The audit of a component: what it imports, and how it is taken apart.
//!
//! A component is validated, its imports are judged, and every core module in it is audited. What is left is a
//! [`Recipe`]: wasmtime resolves the component's inner linking to a flat list of core instances, with small modules of its own
//! between components that call each other, and this room turns that into data. There is nothing of the component
//! model left at run time but the canonical ABI.

mod count;
mod exports;
mod function;
mod host;
mod imports;
mod instances;
mod nesting;
mod resources;
mod translate;
mod types;

use wasmparser::Validator;
use wasmtime_environ::component::{ComponentTypesBuilder, Translator};
use wasmtime_environ::{ScopeVec, Tunables};

use crate::audit::core::{self, Part};
use crate::audit::features::validate;
use crate::audit::malformed;
use crate::audit::reason::{Reasons, feature};
use crate::audit::refusal::{Audited, Refusal};
use crate::error::{Reason, ReasonKind};
use crate::escape::escaped;
use crate::imports::Imports;
use crate::ir::proposals::COMPONENTS;
use crate::ir::{Facts, LinkFacts, MAX_EXPORTS, Recipe};
use count::{MAX_INSTANCES, MAX_ITEMS};
use exports::Exports;
use instances::Instances;
pub(crate) use nesting::too_deep;
use translate::translate;

/// The most bytes of the host's that the globals and functions of all instances may take: no limit on memory covers them.
const MAX_BESIDE: u64 = 32 << 20;

/// Audits a component.
///
/// # Errors
///
/// As [`audit`](super::audit).
pub(super) fn audit(bytes: &[u8], may: Imports) -> Result<Audited, Refusal> {
    let invalid = |error: wasmparser::Error| Refusal::Malformed(malformed::invalid(&error));
    let mut reasons = Reasons::default();
    if too_deep(bytes) {
        return Err(Refusal::Impure(vec![too_many_levels()]));
    }
    let valid = validate(bytes, COMPONENTS).map_err(invalid)?;
    let counted = count::count(bytes).map_err(invalid)?;
    for missing in &valid.missing {
        // Of concurrency, the built-in's name says more.
        let is_concurrency =
            ["cm_async", "cm_more_async", "cm_threading"].iter().any(|of| missing.proposal.starts_with(of));
        if counted.concurrent.is_some() && is_concurrency {
            continue;
        }
        let detail = crate::escape::escaped_within(&missing.detail.replace('`', "'"), 200);
        reasons.add(|| feature(&missing.proposal, &detail, Vec::new(), missing.offset));
    }
    if let Some(function) = &counted.concurrent {
        reasons.add(|| {
            reason(format!(
                "uses the built-in `{}`: what belongs to concurrency shows a guest what finished first; fork instead",
                escaped(function)
            ))
        });
    }
    if let Some(how) = counted.passes {
        reasons.add(|| reason(format!("{how}; instantiate each component where it is defined")));
    }
    // Where a component comes from elsewhere, what it makes is not known.
    if counted.passes.is_none() && counted.instances > MAX_INSTANCES {
        reasons.add(|| Reason {
            what: ReasonKind::TooMany,
            message: format!(
                "makes more than {MAX_INSTANCES} instances of modules and components; compose it of fewer"
            ),
            chain: Vec::new(),
            offset: None,
        });
    }
    if counted.passes.is_none() && counted.items > MAX_ITEMS {
        reasons.add(|| Reason {
            what: ReasonKind::TooMany,
            message: format!(
                "has more than {MAX_ITEMS} imports, exports, aliases and functions over all instances of its components; compose it of fewer"
            ),
            chain: Vec::new(),
            offset: None,
        });
    }
    // Taken apart is only what can be taken whole.
    let found = reasons.into_vec();
    if !found.is_empty() {
        return Err(Refusal::Impure(found));
    }
    take_apart(bytes, may)
}

fn take_apart(bytes: &[u8], may: Imports) -> Result<Audited, Refusal> {
    let mut reasons = Reasons::default();
    let unsupported = |what: String| Refusal::Impure(vec![reason(format!("has {what}; build it without"))]);
    // Without concurrency the small modules between components keep no account of tasks.
    let tunables = Tunables { concurrency_support: false, ..Tunables::default_host() };
    let mut validator = Validator::new_with_features(COMPONENTS);
    let mut types = ComponentTypesBuilder::new(&validator);
    let scope = ScopeVec::new();
    let translator = Translator::new(&tunables, &mut validator, &mut types, &scope);
    let (translation, modules) = translator
        .translate(bytes)
        .map_err(|error| unsupported(format!("a part that is not known here ({})", escaped(&error.to_string()))))?;

    let (links, of_wasi, unknown) = imports::judge(&translation.component, &types, may, &mut reasons);
    let (mut parts, mut prepared) = (Vec::new(), Vec::new());
    for (_, module) in &modules {
        let module = core::prepare(module.wasm).into_owned();
        parts.push(core::part(&module, &mut reasons).map_err(Refusal::Malformed)?);
        prepared.push(module);
    }
    let found = reasons.into_vec();
    if !found.is_empty() {
        return Err(Refusal::Impure(found));
    }
    let instances = Instances::new(&translation.component, &types, &modules, &parts, &links, may);
    let (recipe, exports) = translate(&translation, instances).map_err(unsupported)?;
    if exports.functions.len() > MAX_EXPORTS {
        return Err(Refusal::Impure(vec![Reason {
            what: ReasonKind::TooMany,
            message: format!(
                "exports {} functions, and {MAX_EXPORTS} are allowed; export fewer",
                exports.functions.len()
            ),
            chain: Vec::new(),
            offset: None,
        }]));
    }
    let beside = recipe.steps.iter().filter_map(|step| parts.get(step.module as usize)).fold(0u64, |sum, part| {
        let of = &part.counts;
        sum.saturating_add(16 * of.globals + 32 * (of.functions + of.imported_functions))
    });
    if beside > MAX_BESIDE {
        return Err(Refusal::Impure(vec![Reason {
            what: ReasonKind::TooMany,
            message: format!(
                "its instances have globals and functions that take {beside} bytes beside their memories, and {MAX_BESIDE} are allowed; compose it of fewer instances"
            ),
            chain: Vec::new(),
            offset: None,
        }]));
    }
    let facts = Facts { wasi: of_wasi, unknown, ..facts(&recipe, &parts, links, exports) };
    Ok(Audited { facts, recipe, modules: prepared })
}

/// The component's facts: over every instance of its modules.
fn facts(recipe: &Recipe, parts: &[Part], links: Vec<LinkFacts>, exports: Exports) -> Facts {
    let mut facts = Facts {
        name: None,
        functions: exports.functions,
        others: exports.others,
        forks: links,
        wasi: Vec::new(),
        unknown: Vec::new(),
        traps: Vec::new(),
        memories: Vec::new(),
        tables: Vec::new(),
        start: false,
        counts: Default::default(),
        component_type: false,
        note: None,
        component: true,
        collected: parts.iter().any(|part| part.collected),
        custom_sections: Vec::new(),
        fresh: None,
        compile: 0,
        startup_fuel: 0,
    };
    for step in &recipe.steps {
        let Some(part) = parts.get(step.module as usize) else { continue };
        facts.memories.extend(&part.memories);
        facts.tables.extend(part.tables.iter().cloned());
    }
    for part in parts {
        facts.counts.code_bytes += part.counts.code_bytes;
        facts.counts.data_bytes += part.counts.data_bytes;
        facts.counts.functions += part.counts.functions;
    }
    facts
}

fn too_many_levels() -> Reason {
    Reason {
        what: ReasonKind::TooMany,
        message: format!(
            "has components, or types of them, more than {} levels within each other; compose it flatter",
            nesting::MAX_LEVELS
        ),
        chain: Vec::new(),
        offset: None,
    }
}

fn reason(message: String) -> Reason {
    Reason { what: ReasonKind::Feature, message, chain: Vec::new(), offset: None }
}
