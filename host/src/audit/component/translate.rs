//! A component, taken apart: from wasmtime's flat form of it to a recipe.

use wasmtime_environ::component::ComponentTranslation;

use super::exports::{Exports, exports};
use super::instances::{Instances, Unsupported};
use crate::ir::Recipe;

/// Makes the recipe, and finds the exports. `instances`: none is made yet.
pub(super) fn translate(
    translation: &ComponentTranslation,
    mut instances: Instances<'_>,
) -> Result<(Recipe, Exports), Unsupported> {
    let component = &translation.component;
    let mut recipe = Recipe { components: component.num_runtime_component_instances, ..Recipe::default() };
    for initializer in &component.initializers {
        instances.initializer(initializer, &mut recipe)?;
    }
    // What host functions take from memory is known once all instances are.
    for (at, trampoline) in &translation.trampolines {
        recipe.host.push(instances.host_function(trampoline, component.trampolines[at])?);
    }
    Ok((recipe, exports(&instances)?))
}
