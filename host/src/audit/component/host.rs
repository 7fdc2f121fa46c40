//! The functions of the host that a component's core modules import.

use wasmtime_environ::ModuleInternedTypeIndex;
use wasmtime_environ::component::{
    FixedEncoding, GlobalInitializer, RuntimeImportIndex, Trampoline, Transcode, TypeFuncIndex,
};

use super::imports::{FORK, Part, resource_name};
use super::instances::{Instances, Unsupported};
use super::types::{shape, with_handles};
use crate::escape::escaped;
use crate::ir::wasi::{self, Preview2};
use crate::ir::{HandleType, HostFunction, HostFunctionKind, ResourceId};

impl Instances<'_> {
    pub(super) fn host_function(
        &self,
        trampoline: &Trampoline,
        ty: ModuleInternedTypeIndex,
    ) -> Result<HostFunction, Unsupported> {
        let (params, results) = self.core_type(ty)?;
        let mut canon = None;
        let what = match trampoline {
            Trampoline::LowerImport { index, options, lower_ty } => {
                canon = Some(self.canon(*options)?.1);
                let import = self.component.initializers.iter().find_map(|initializer| match initializer {
                    GlobalInitializer::LowerImport { index: known, import } if known == index => Some(*import),
                    _ => None,
                });
                let import = import.ok_or("an import that is not there")?;
                match self.fork(import) {
                    Some(what) => what,
                    None => match self.wasi(import, *lower_ty)? {
                        Some(what) => what,
                        None => self.unknown(import).ok_or("an import that is not from `fork`")?,
                    },
                }
            }
            Trampoline::ResourceNew { ty, .. } => HostFunctionKind::NewHandle(self.handle_type(*ty)?),
            Trampoline::ResourceRep { ty, .. } => HostFunctionKind::Representation(self.handle_type(*ty)?),
            Trampoline::ResourceDrop { ty, .. } => match self.handle_type(*ty)? {
                HandleType { resource: ResourceId::Future(link), .. } => HostFunctionKind::Abandon(link),
                HandleType { resource: ResourceId::Wasi(resource), .. } => {
                    HostFunctionKind::Wasi(wasi::Function::Drop(resource))
                }
                ty => HostFunctionKind::DropHandle(ty),
            },
            Trampoline::ResourceTransferOwn => HostFunctionKind::TransferOwn(self.handle_types()?),
            Trampoline::ResourceTransferBorrow => HostFunctionKind::TransferBorrow(self.handle_types()?),
            Trampoline::EnterSyncCall => HostFunctionKind::Enter,
            Trampoline::ExitSyncCall => HostFunctionKind::Exit,
            Trampoline::Transcoder {
                op: Transcode::Copy(FixedEncoding::Utf8),
                from,
                from64: false,
                to,
                to64: false,
            } => {
                let memory = |memory| self.memories.get(memory).cloned().ok_or("a memory that is not there");
                HostFunctionKind::CopyUtf8 { from: memory(from)?, to: memory(to)? }
            }
            Trampoline::Transcoder { .. } => {
                return Err("strings that one of its components encodes in another way than UTF-8".into());
            }
            Trampoline::Trap => HostFunctionKind::Trap,
            _ => return Err("concurrency, which shows a guest what finished first".into()),
        };
        Ok(HostFunction { params, results, what, canon })
    }

    /// What an imported function is for.
    fn fork(&self, import: RuntimeImportIndex) -> Option<HostFunctionKind> {
        let (import, path) = &self.component.imports[import];
        let ((FORK, _), [function]) =
            (self.component.import_types.get(*import).map(|(n, t)| (n.as_str(), t))?, path.as_slice())
        else {
            return None;
        };
        let (resource, part) = Part::of(function)?;
        let link = self.link(resource)?;
        Some(match part {
            Part::Constructor => HostFunctionKind::Fork(link),
            Part::Wait => HostFunctionKind::Wait { link, catch: false },
            Part::TryWait => HostFunctionKind::Wait { link, catch: true },
        })
    }

    /// A function that nothing provides, where there may be such.
    fn unknown(&self, import: RuntimeImportIndex) -> Option<HostFunctionKind> {
        let (import, path) = self.component.imports.get(import).filter(|_| self.may.has_unknown())?;
        let (name, _) = self.component.import_types.get(*import)?;
        let parts = std::iter::once(name).chain(path);
        Some(HostFunctionKind::Unknown(parts.map(|part| escaped(part)).collect::<Vec<_>>().join("#")))
    }

    /// The function of WASI that an imported one is. Where it has an answer, it has WASI's own type.
    fn wasi(&self, import: RuntimeImportIndex, ty: TypeFuncIndex) -> Result<Option<HostFunctionKind>, Unsupported> {
        let (import, path) = &self.component.imports[import];
        let imported = self.component.import_types.get(*import).filter(|_| self.may.has_wasi());
        let found = imported.and_then(|(name, _)| Some((name, wasi::interface(name)?)));
        let (Some((name, interface)), [function]) = (found, path.as_slice()) else { return Ok(None) };
        let full = || format!("{}#{}", escaped(name), escaped(function));
        Ok(Some(HostFunctionKind::Wasi(match Preview2::find(interface, function) {
            Some(known) => {
                // As the component within it sees it that calls it.
                let resource = |table| resource_name(self.component, self.types, table);
                if shape(self.types, &self.types[ty], &resource) != known.ty() {
                    return Err(format!("a component that calls `{}` as another type than WASI's", full()));
                }
                let result = self.types[self.types[ty].results].types.first();
                wasi::Function::Preview2(known, result.map(|ty| with_handles(self.types, ty)).transpose()?)
            }
            None => wasi::Function::Unanswered(full()),
        })))
    }
}
