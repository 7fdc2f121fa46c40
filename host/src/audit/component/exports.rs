//! What a component exports: functions, and what cannot be called.

use std::collections::HashMap;

use wasmtime_environ::collections::TryString;
use wasmtime_environ::component::{ComponentExternData, Export, ExportIndex, NameMap, TypeDef};

use super::function::{Constructors, Lifted};
use super::instances::{Instances, Unsupported};
use crate::ir::FunctionDef;
use crate::value::Type;

/// The most bytes of all full names of exports: each has its interface's, which is in the file once.
const MAX_NAMES: usize = 16 << 20;

/// The most parts of the types of all functions: a method's are its resource's constructor's too.
const MAX_TYPE_PARTS: usize = 1_000_000;

/// The exports of a component.
#[derive(Default)]
pub(super) struct Exports {
    pub(super) functions: Vec<FunctionDef>,
    /// What cannot be called from the host, and why.
    pub(super) others: Vec<(String, String)>,
}

/// A walk over the exports.
struct Walk<'i, 'a> {
    instances: &'i Instances<'a>,
    found: Exports,
    constructors: Constructors<'a>,
    /// Bytes of the full names of exports, and parts of the types of functions, so far.
    names: usize,
    type_parts: usize,
}

/// Finds the exports, once all instances are made.
pub(super) fn exports(instances: &Instances<'_>) -> Result<Exports, Unsupported> {
    let found = Exports::default();
    let mut walk = Walk { instances, found, constructors: HashMap::new(), names: 0, type_parts: 0 };
    walk.constructors("", &instances.component.exports)?;
    for (name, (index, _)) in instances.component.exports.raw_iter() {
        walk.export(name, *index)?;
    }
    Ok(walk.found)
}

impl<'a> Walk<'_, 'a> {
    fn export(&mut self, name: &str, index: ExportIndex) -> Result<(), Unsupported> {
        let component = self.instances.component;
        self.named(name)?;
        match &component.export_items[index] {
            Export::LiftedFunction { ty, func, options } => {
                self.function(name, Lifted { ty: *ty, core: func, options: *options })
            }
            Export::Instance { exports: items, ty } => {
                // The items come in any order, and another each time. Their types are in the order of declaration.
                let types = self.instances.types[*ty].exports.iter().enumerate();
                let order: HashMap<&str, usize> = types.map(|(at, (item, _))| (item.as_str(), at)).collect();
                let mut items: Vec<(&str, ExportIndex)> =
                    items.raw_iter().map(|(item, (index, _))| (&**item, *index)).collect();
                items.sort_by_key(|(item, _)| (order.get(item).copied(), *item));
                for (item, index) in items {
                    self.export(&format!("{}{item}", inner(name)), index)?;
                }
                Ok(())
            }
            Export::ModuleStatic { .. } | Export::ModuleImport { .. } => {
                self.found.others.push((name.to_owned(), "it is a core module".to_owned()));
                Ok(())
            }
            Export::Type(TypeDef::Resource(_) | _) => Ok(()),
        }
    }

    /// Notes where constructors are, by their full names.
    fn constructors(
        &mut self,
        prefix: &str,
        items: &'a NameMap<TryString, (ExportIndex, ComponentExternData)>,
    ) -> Result<(), Unsupported> {
        let component = self.instances.component;
        for (name, (index, _)) in items.raw_iter() {
            let name: &str = name;
            match &component.export_items[*index] {
                Export::LiftedFunction { ty, func, options } if name.starts_with("[constructor]") => {
                    let name = format!("{prefix}{name}");
                    self.named(&name)?;
                    self.constructors.insert(name, Lifted { ty: *ty, core: func, options: *options });
                }
                Export::Instance { exports, .. } => self.constructors(&inner(&format!("{prefix}{name}")), exports)?,
                Export::LiftedFunction { .. }
                | Export::ModuleStatic { .. }
                | Export::ModuleImport { .. }
                | Export::Type(_) => {}
            }
        }
        Ok(())
    }

    /// Counts a full name.
    fn named(&mut self, name: &str) -> Result<(), Unsupported> {
        self.names = self.names.saturating_add(name.len());
        if self.names > MAX_NAMES {
            return Err(format!("exports whose names have more than {MAX_NAMES} bytes all together"));
        }
        Ok(())
    }

    fn function(&mut self, name: &str, lifted: Lifted<'_>) -> Result<(), Unsupported> {
        match self.instances.callable(name, lifted, &self.constructors)? {
            Ok(function) => {
                let types = function.params.iter().chain(&function.results);
                self.type_parts = self.type_parts.saturating_add(types.map(Type::parts).sum());
                if self.type_parts > MAX_TYPE_PARTS {
                    return Err(format!(
                        "functions whose types have more than {MAX_TYPE_PARTS} parts all together, those of methods with those of their constructors"
                    ));
                }
                self.found.functions.push(function);
            }
            Err(why) => self.found.others.push((name.to_owned(), why)),
        }
        Ok(())
    }
}

/// The prefix of what is in an exported instance.
fn inner(name: &str) -> String {
    format!("{name}{}", if name.contains('#') { "/" } else { "#" })
}
