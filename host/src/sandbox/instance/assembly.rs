//! How the instances of a guest are made in one shard.

use crate::ir::{HostFunctionKind, ImportBinding, Recipe};
use crate::sandbox::data::StoreData;
use crate::sandbox::exports::ResolvedExports;
use crate::sandbox::host::{self, HostImport};
use smallvec::SmallVec;
use std::sync::Arc;
use wasmtime::{
    Engine, Extern, ExternType, Global, GlobalType, Instance, InstancePre, Linker, Module, ModuleExport, Mutability,
    Store, Val, ValType,
};

/// The module name under which the host's functions are defined for instances that are wired by hand.
const HOST: &str = "host";

/// How the instances of a guest are made in one shard.
pub(crate) struct Assembly {
    linker: Linker<StoreData>,
    steps: Vec<Ready>,
    flags: u32,
}

/// One step, as ready as it can be.
enum Ready {
    /// It imports nothing but functions of the host's.
    Alone(InstancePre<StoreData>),
    /// It imports from other instances.
    Wired { module: Module, imports: Vec<BoundImport> },
}

enum BoundImport {
    Export(u32, ModuleExport),
    Host(String),
    Flag(u32),
}

impl Assembly {
    /// Links what can be linked before there is an instance.
    pub(crate) fn new(
        engine: &Engine,
        recipe: &Recipe,
        modules: &[Module],
        hosts: &[HostImport],
        exports: &Arc<ResolvedExports>,
    ) -> wasmtime::Result<Assembly> {
        let mut assembly = Assembly { linker: Linker::new(engine), steps: Vec::new(), flags: 0 };
        let define = |linker: &mut Linker<StoreData>, name: (&str, &str), host: &HostImport| {
            host::define(linker, name, &host.with(exports.clone()))
        };
        let host = |number: u32| {
            hosts.get(number as usize).ok_or_else(|| wasmtime::format_err!("there is no function {number} of the host"))
        };
        for step in &recipe.steps {
            let module =
                modules.get(step.module as usize).ok_or_else(|| wasmtime::format_err!("a module is missing"))?;
            if module.imports().len() != step.imports.len() {
                wasmtime::bail!("the compiled module has other imports than the bytes");
            }
            let alone = step.imports.iter().all(|given| matches!(given, ImportBinding::Host(_)));
            if alone {
                let mut linker = Linker::new(engine);
                linker.allow_shadowing(true);
                for (import, given) in module.imports().zip(&step.imports) {
                    if let ImportBinding::Host(number) = given {
                        let host = host(*number)?;
                        let name = (import.module(), import.name());
                        match (&host.what, import.ty()) {
                            // Its type is the module's own: it is never asked for anything.
                            (HostFunctionKind::Unknown(_), ExternType::Func(ty)) => {
                                define(&mut linker, name, &host.of_type(ty))?;
                            }
                            _ => define(&mut linker, name, host)?,
                        }
                    }
                }
                assembly.steps.push(Ready::Alone(linker.instantiate_pre(module)?));
                continue;
            }
            let mut imports = Vec::new();
            for given in &step.imports {
                imports.push(match given {
                    ImportBinding::Item(item) => {
                        let step = recipe.steps.get(item.instance as usize);
                        let export =
                            step.and_then(|step| modules.get(step.module as usize)?.get_export_index(&item.name));
                        let export =
                            export.ok_or_else(|| wasmtime::format_err!("a module exports no `{}`", item.name))?;
                        BoundImport::Export(item.instance, export)
                    }
                    ImportBinding::Flag(component) => {
                        assembly.flags = assembly.flags.max(component + 1);
                        BoundImport::Flag(*component)
                    }
                    ImportBinding::Host(number) => {
                        let name = number.to_string();
                        assembly.linker.allow_shadowing(true);
                        define(&mut assembly.linker, (HOST, &name), host(*number)?)?;
                        BoundImport::Host(name)
                    }
                });
            }
            assembly.steps.push(Ready::Wired { module: module.clone(), imports });
        }
        Ok(assembly)
    }

    /// Makes the instances, in order.
    pub(crate) async fn instantiate(&self, store: &mut Store<StoreData>, may_wait: bool) -> wasmtime::Result<()> {
        for _ in 0..self.flags {
            let ty = GlobalType::new(ValType::I32, Mutability::Var);
            let flag = Global::new(&mut *store, ty, Val::I32(1))?;
            store.data_mut().instances.flags.push(flag);
        }
        for step in &self.steps {
            let instance = match step {
                Ready::Alone(pre) if may_wait => pre.instantiate_async(&mut *store).await?,
                Ready::Alone(pre) => pre.instantiate(&mut *store)?,
                Ready::Wired { module, imports } => {
                    let mut externs: SmallVec<[Extern; 16]> = SmallVec::new();
                    for import in imports {
                        externs.push(match import {
                            BoundImport::Flag(component) => store.data().instances.flags[*component as usize].into(),
                            BoundImport::Host(name) => self.linker.get(&mut *store, HOST, name)?,
                            BoundImport::Export(instance, export) => {
                                let instance = store.data().instances.instances.get(*instance as usize).copied();
                                let found = instance.and_then(|i| i.get_module_export(&mut *store, export));
                                found.ok_or_else(|| wasmtime::format_err!("an instance exports too little"))?
                            }
                        });
                    }
                    if may_wait {
                        Instance::new_async(&mut *store, module, &externs).await?
                    } else {
                        Instance::new(&mut *store, module, &externs)?
                    }
                }
            };
            store.data_mut().instances.instances.push(instance);
        }
        store.data_mut().instances.made = true;
        Ok(())
    }
}
