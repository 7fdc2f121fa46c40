//! The resources of a component, and whose they are: the guest's own, futures, or WASI's.

use wasmtime_environ::component::{ResourceIndex, TypeResourceTable, TypeResourceTableIndex};

use super::imports::{FORK, wasi_resource};
use super::instances::{Instances, Unsupported};
use crate::ir::{HandleType, ResourceId};

impl Instances<'_> {
    pub(super) fn link(&self, resource: &str) -> Option<u32> {
        self.links.iter().position(|link| *link.name == *resource).map(|at| at as u32)
    }

    pub(super) fn handle_type(&self, table: TypeResourceTableIndex) -> Result<HandleType, Unsupported> {
        let TypeResourceTable::Concrete { ty, instance } = self.types[table] else {
            return Err("a resource that is not there".into());
        };
        Ok(HandleType { component: instance.as_u32(), resource: self.resource(ty)? })
    }

    fn resource(&self, ty: ResourceIndex) -> Result<ResourceId, Unsupported> {
        let component = self.component;
        if let Some(own) = component.defined_resource_index(ty) {
            let defined = component.defined_resource_instances[own].as_u32();
            return Ok(ResourceId::Own { number: own.as_u32(), component: defined });
        }
        if self.may.has_wasi()
            && let Some(resource) = wasi_resource(component, ty)
        {
            return Ok(ResourceId::Wasi(resource));
        }
        let (import, path) = &component.imports[component.imported_resources[ty]];
        let fork = component.import_types[*import].0 == FORK;
        let link = path.first().filter(|_| fork).and_then(|name| self.link(name));
        link.map(ResourceId::Future).ok_or_else(|| "a resource that is not from `fork`".to_owned())
    }

    /// All handle types, by the number that adapters call them by.
    pub(super) fn handle_types(&self) -> Result<Vec<HandleType>, Unsupported> {
        (0..self.types.num_resource_tables())
            .map(|at| {
                let table = TypeResourceTableIndex::from_u32(at as u32);
                match self.types[table] {
                    TypeResourceTable::Concrete { .. } => self.handle_type(table),
                    // Of a type that is only described; no handle is of it.
                    TypeResourceTable::Abstract(_) => Ok(HandleType {
                        component: u32::MAX,
                        resource: ResourceId::Own { number: u32::MAX, component: u32::MAX },
                    }),
                }
            })
            .collect()
    }
}
