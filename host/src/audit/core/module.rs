//! The recipe of a core module: one instance.

use super::scan::Import;
use crate::escape::escaped;
use crate::imports::Imports;
use crate::ir::wasi;
use crate::ir::{Canon, CoreType, Facts, HostFunction, HostFunctionKind, ImportBinding, Item, Recipe, Step, core_type};
use crate::value::Type;

/// The memory that functions of WASI 0.1 read and write.
pub(super) const MEMORY: &str = "memory";

/// The recipe of a core module: one instance, which imports `fork` and `wait`, what never returns, and, where it may, WASI and what nothing
/// provides.
/// `memory`: the name under which it exports its memory.
pub(super) fn recipe(imports: &[Import<'_>], may: Imports, facts: &Facts, memory: Option<&str>) -> Recipe {
    let canon = |name: Option<&str>| Canon {
        memory: name.map(|name| Item { instance: 0, name: name.to_owned() }),
        ..Canon::default()
    };
    let all = |types: &[Type]| types.iter().map(core_type).collect::<Vec<_>>();
    let mut recipe = Recipe::default();
    let mut given = Vec::new();
    for import in imports {
        // Where it could be anything else, the audit has refused it.
        if may.has_wasi()
            && let Some((function, edition)) = wasi::preview1(import.module, import.name)
        {
            given.push(ImportBinding::Host(recipe.host.len() as u32));
            recipe.host.push(HostFunction {
                params: if import.is_split { function.split_params() } else { function.params().to_vec() },
                results: function.results().to_vec(),
                what: HostFunctionKind::Wasi(wasi::Function::Preview1(function, edition)),
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
        if !matches!(import.module, "fork" | "wait") {
            // Where there is such a one, it may be: else the audit has refused it. It has the type that the module says, whatever that is.
            given.push(ImportBinding::Host(recipe.host.len() as u32));
            let name = format!("{}.{}", escaped(import.module), escaped(import.name));
            let what = HostFunctionKind::Unknown(name);
            recipe.host.push(HostFunction { params: Vec::new(), results: Vec::new(), what, canon: None });
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
