//! Functions of a core module that take and give more than numbers, as a section of the module's says.

use crate::audit::names::param_names;
use crate::ir::lifted::{LiftedFunction, REALLOC, decoded};
use crate::ir::{Canon, CoreType, Facts, FunctionDef, Item, Write};

/// Gives the functions the types that the section says, where these are passed in the core values that the functions have. `memory`: the
/// name under which the module exports the memory that values lie in.
pub(super) fn lift(facts: &mut Facts, section: &[u8], memory: Option<&str>) {
    let item = |name: &str| Item { instance: 0, name: name.to_owned() };
    let realloc = facts.functions.iter().find(|function| {
        function.name == REALLOC
            && function.core.params == [CoreType::I32; 4]
            && function.core.results == [CoreType::I32]
    });
    let realloc = realloc.map(|function| item(&function.name));
    let canon = Canon { memory: memory.map(item), realloc, ..Canon::default() };
    // Whether what makes room can reach the host, which may not be called then.
    let leaves =
        !(facts.wasi.is_empty() && facts.traps.is_empty() && facts.unknown.is_empty() && facts.forks.is_empty());
    let mut any = false;
    for lifted in decoded(section) {
        let Some(function) = facts.functions.iter_mut().find(|function| fits(function, &lifted)) else { continue };
        if lifted.has_memory() && (canon.memory.is_none() || canon.realloc.is_none()) {
            continue;
        }
        let names: Vec<_> = lifted.params.iter().map(|(name, _)| Some(name.as_str())).collect();
        function.param_names = param_names(names.len(), &names);
        if lifted.params.iter().any(|(_, ty)| ty.has_memory()) {
            function.stateless = Err(Write::of("its arguments are written to memory"));
        }
        function.params = lifted.params.into_iter().map(|(_, ty)| ty).collect();
        function.results = lifted.result.into_iter().collect();
        function.core.canon = Some(canon.clone());
        function.core.helpers_leave = leaves;
        any = true;
    }
    if any && let Some(at) = facts.functions.iter().position(|function| function.name == REALLOC) {
        let realloc = facts.functions.remove(at);
        facts.others.push((realloc.name, "it makes room for arguments".to_owned()));
    }
}

/// Whether a function is the one that is meant, and takes and gives the core values that are passed.
fn fits(function: &FunctionDef, lifted: &LiftedFunction) -> bool {
    function.name == lifted.name
        && function.name != REALLOC
        && function.core.canon.is_none()
        && function.core.params == lifted.core_params()
        && function.core.results == lifted.core_results()
}
