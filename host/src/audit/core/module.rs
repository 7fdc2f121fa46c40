//! The recipe of a core module: one instance.

use super::scan::Import;
use crate::ir::wasi::{self, Preview1};
use crate::ir::{Canon, CoreType, Facts, HostFunction, HostFunctionKind, ImportBinding, Item, Recipe, Step, core_type};
use crate::value::Type;

/// The memory that functions of WASI 0.1 read and write.
pub(super) const MEMORY: &str = "memory";
/// The recipe of a core module: one instance, which imports `fork` and `wait`, what never returns, and, where it may, WASI.
/// `memory`: the name under which it exports its memory.
pub(super) fn recipe(imports: &[Import<'_>], facts: &Facts, memory: Option<&str>) -> Recipe {
    let canon = |name: Option<&str>| Canon {
        memory: name.map(|name| Item { instance: 0, name: name.to_owned() }),
        ..Canon::default()
    };
    let all = |types: &[Type]| types.iter().map(core_type).collect::<Vec<_>>();
    let mut recipe = Recipe::default();
    let mut given = Vec::new();
    for import in imports {
        // Where it could be anything else, the audit has refused it.
        if import.module == wasi::PREVIEW1
            && let Some(function) = Preview1::find(import.name)
        {
            given.push(ImportBinding::Host(recipe.host.len() as u32));
            recipe.host.push(HostFunction {
                params: function.params().to_vec(),
                results: function.results().to_vec(),
                what: HostFunctionKind::Wasi(wasi::Function::Preview1(function)),
                canon: Some(canon(memory.filter(|name| *name == MEMORY))),
            });
            continue;
        }
        if let Some(function) = import.no_return {
            given.push(ImportBinding::Host(recipe.host.len() as u32));
            recipe.host.push(HostFunction {
                params: function.params().to_vec(),
                results: Vec::new(),
                what: HostFunctionKind::NoReturn(function),
                canon: Some(canon(memory)),
            });
            continue;
        }
        let Some(link) = facts.forks.iter().position(|link| *link.name == *import.name) else { continue };
        let types = &facts.forks[link];
        let link = link as u32;
        let (params, results, what) = match import.module {
            "fork" => (all(&types.params), vec![CoreType::I32], HostFunctionKind::Fork(link)),
            _ => (
                vec![CoreType::I32],
                all(types.results.as_deref().unwrap_or_default()),
                HostFunctionKind::Wait { link, catch: false },
            ),
        };
        given.push(ImportBinding::Host(recipe.host.len() as u32));
        recipe.host.push(HostFunction { params, results, what, canon: None });
    }
    recipe.steps.push(Step { module: 0, imports: given });
    recipe
}
