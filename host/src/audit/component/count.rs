//! How many instances a component makes, before anything is instantiated.
//!
//! A component of a few lines can contain one that it instantiates twice, which does the same, and so on: a billion
//! instances from one kilobyte. They are counted here, in one walk, and a component that makes too many is not taken
//! apart. So that the count is exact, components cannot be passed to components: each is instantiated where it is defined.

use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Instance, Parser, Payload,
};

/// The most instances of core modules, and of components.
pub(super) const MAX_INSTANCES: u64 = 1_000;

/// The most imports, exports, aliases and functions of components, each counted for every instance of its component: an
/// instance has a list of what it exports.
pub(super) const MAX_ITEMS: u64 = 1_000_000;

/// What is found in a component, nested ones included.
#[derive(Default)]
pub(super) struct Counted {
    /// Instances of components and of core modules, saturating.
    pub(super) instances: u64,
    /// What all these instances are made of, saturating.
    pub(super) items: u64,
    /// What passes a component to another.
    pub(super) passes: Option<&'static str>,
    /// Canonical functions that are not for synchronous calls, by the name of the first.
    pub(super) concurrent: Option<String>,
}

#[derive(Default)]
struct Scope {
    instances: u64,
    items: u64,
    /// The instances that each of the components defined here makes, and their items.
    components: Vec<(u64, u64)>,
}

impl Scope {
    fn add(&mut self, items: usize) {
        self.items = self.items.saturating_add(items as u64);
    }
}

/// Counts. The bytes are valid.
pub(super) fn count(bytes: &[u8]) -> Result<Counted, wasmparser::Error> {
    let mut counted = Counted::default();
    let mut scopes = vec![Scope::default()];
    // A core module's sections are not the component's; its end is.
    let mut in_module = false;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if in_module {
            in_module = !matches!(payload, Payload::End(_));
            continue;
        }
        let Some(scope) = scopes.last_mut() else { break };
        match payload {
            Payload::ModuleSection { .. } => in_module = true,
            Payload::ComponentSection { .. } => scopes.push(Scope::default()),
            Payload::End(_) => {
                let ended = scopes.pop().unwrap_or_default();
                match scopes.last_mut() {
                    Some(parent) => parent.components.push((ended.instances, ended.items)),
                    None => (counted.instances, counted.items) = (ended.instances, ended.items),
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    match instance? {
                        Instance::Instantiate { args, .. } => {
                            scope.instances = scope.instances.saturating_add(1);
                            scope.add(args.len());
                        }
                        Instance::FromExports(exports) => scope.add(exports.len()),
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let (component_index, args) = match instance? {
                        ComponentInstance::Instantiate { component_index, args } => (component_index, args),
                        ComponentInstance::FromExports(exports) => {
                            scope.add(exports.len());
                            continue;
                        }
                    };
                    let nested = scope.components.get(component_index as usize).copied();
                    let (instances, items) = nested.unwrap_or((u64::MAX, u64::MAX));
                    scope.instances = scope.instances.saturating_add(instances).saturating_add(1);
                    scope.items = scope.items.saturating_add(items);
                    scope.add(args.len());
                    if args.iter().any(|arg| arg.kind == ComponentExternalKind::Component) {
                        counted.passes = Some("gives a component to another");
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                scope.add(section.count() as usize);
                for alias in section {
                    let component = match alias? {
                        ComponentAlias::InstanceExport { kind, .. } => kind == ComponentExternalKind::Component,
                        ComponentAlias::Outer { kind, .. } => kind == ComponentOuterAliasKind::Component,
                        ComponentAlias::CoreInstanceExport { .. } => false,
                    };
                    if component {
                        counted.passes = Some("takes a component from another");
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                scope.add(section.count() as usize);
                for import in section {
                    if let ComponentTypeRef::Component(_) = import?.ty {
                        counted.passes = Some("imports a component");
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                scope.add(section.count() as usize);
                for export in section {
                    if export?.kind == ComponentExternalKind::Component {
                        counted.passes = Some("exports a component");
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                scope.add(section.count() as usize);
                for function in section {
                    let function = function?;
                    let known = matches!(
                        function,
                        CanonicalFunction::Lift { .. }
                            | CanonicalFunction::Lower { .. }
                            | CanonicalFunction::ResourceNew { .. }
                            | CanonicalFunction::ResourceDrop { .. }
                            | CanonicalFunction::ResourceRep { .. }
                    );
                    if !known && counted.concurrent.is_none() {
                        counted.concurrent = Some(name(&function));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(counted)
}

/// The built-in's name as the text format has it: `WaitableSetPoll` is `waitable-set.poll`.
fn name(function: &CanonicalFunction) -> String {
    let text = format!("{function:?}");
    let text = text.split([' ', '(', '{']).next().unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    for letter in text.chars() {
        match words.last_mut() {
            Some(word) if !letter.is_uppercase() => word.push(letter),
            _ => words.push(letter.to_lowercase().collect()),
        }
    }
    // What it belongs to is one word, or one of these two.
    let two = ["WaitableSet", "ErrorContext"].iter().any(|start| text.starts_with(start));
    let (of, what) = words.split_at(words.len().min(if two { 2 } else { 1 }));
    format!("{}.{}", of.join("-"), what.join("-"))
}
