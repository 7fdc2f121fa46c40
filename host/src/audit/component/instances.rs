//! The core instances of a component: what each is made of, and what is taken from which.

use std::collections::HashMap;

use wasmtime_environ::component::{
    CanonicalOptions, CanonicalOptionsDataModel, Component, ComponentTypesBuilder, CoreDef, CoreExport, ExportItem,
    GlobalInitializer, InstantiateModule, OptionsIndex, RuntimeMemoryIndex, RuntimePostReturnIndex,
    RuntimeReallocIndex, StringEncoding,
};
use wasmtime_environ::{
    EntityIndex, ModuleInternedTypeIndex, ModuleTranslation, PrimaryMap, StaticModuleIndex, WasmValType,
};

use crate::audit::core::{Part, PartFunction};
use crate::imports::Imports;
use crate::ir::{Canon, CoreType, Encoding, ImportBinding, Item, LinkFacts, Recipe, Step};

pub(super) type Modules<'a> = PrimaryMap<StaticModuleIndex, ModuleTranslation<'a>>;

/// A component that this host cannot run, though it is valid and imports nothing else than it may.
pub(super) type Unsupported = String;

/// A component, with what is known of the core instances that are made so far.
pub(super) struct Instances<'a> {
    pub(super) component: &'a Component,
    pub(super) types: &'a ComponentTypesBuilder,
    modules: &'a Modules<'a>,
    parts: &'a [Part],
    pub(super) links: &'a [LinkFacts],
    /// What the component may import.
    pub(super) may: Imports,
    /// The module of each step.
    made: Vec<StaticModuleIndex>,
    pub(super) memories: HashMap<RuntimeMemoryIndex, Item>,
    reallocs: HashMap<RuntimeReallocIndex, Item>,
    pub(super) post_returns: HashMap<RuntimePostReturnIndex, Item>,
}

impl<'a> Instances<'a> {
    pub(super) fn new(
        component: &'a Component,
        types: &'a ComponentTypesBuilder,
        modules: &'a Modules<'a>,
        parts: &'a [Part],
        links: &'a [LinkFacts],
        may: Imports,
    ) -> Instances<'a> {
        let (memories, reallocs, post_returns) = (HashMap::new(), HashMap::new(), HashMap::new());
        let made = Vec::new();
        Instances { component, types, modules, parts, links, may, made, memories, reallocs, post_returns }
    }

    /// Does one part of instantiation: adds a step to the recipe, or notes where something is.
    pub(super) fn initializer(
        &mut self,
        initializer: &GlobalInitializer,
        recipe: &mut Recipe,
    ) -> Result<(), Unsupported> {
        match initializer {
            GlobalInitializer::InstantiateModule(InstantiateModule::Static(module, args), _) => {
                let imports = args.iter().map(|def| self.given(def)).collect::<Result<_, _>>()?;
                recipe.steps.push(Step { module: module.as_u32(), imports });
                self.made.push(*module);
            }
            GlobalInitializer::ExtractMemory(memory) => {
                let item = self.export_item(&memory.export)?;
                self.memories.insert(memory.index, item);
            }
            GlobalInitializer::ExtractRealloc(realloc) => {
                let item = self.item(&realloc.def)?;
                self.reallocs.insert(realloc.index, item);
            }
            GlobalInitializer::ExtractPostReturn(post) => {
                let item = self.item(&post.def)?;
                self.post_returns.insert(post.index, item);
            }
            GlobalInitializer::Resource(resource) => {
                let destructor = resource.dtor.as_ref().map(|def| self.item(def)).transpose()?;
                recipe.destructors.push(destructor);
            }
            // The import behind a lowering is named by its trampoline too.
            GlobalInitializer::LowerImport { .. } => {}
            GlobalInitializer::InstantiateModule(InstantiateModule::Import(..), _)
            | GlobalInitializer::ExtractCallback(_)
            | GlobalInitializer::ExtractTable(_) => return Err("imported modules or asynchronous functions".into()),
        }
        Ok(())
    }

    fn given(&self, def: &CoreDef) -> Result<ImportBinding, Unsupported> {
        Ok(match def {
            CoreDef::Export(export) => ImportBinding::Item(self.export_item(export)?),
            CoreDef::Trampoline(trampoline) => ImportBinding::Host(trampoline.as_u32()),
            CoreDef::InstanceFlags(component) => ImportBinding::Flag(component.as_u32()),
            CoreDef::UnsafeIntrinsic(_) | CoreDef::TaskMayBlock => return Err("intrinsics of one engine".into()),
        })
    }

    pub(super) fn item(&self, def: &CoreDef) -> Result<Item, Unsupported> {
        match def {
            CoreDef::Export(export) => self.export_item(export),
            CoreDef::Trampoline(_)
            | CoreDef::InstanceFlags(_)
            | CoreDef::UnsafeIntrinsic(_)
            | CoreDef::TaskMayBlock => {
                Err("functions of the host where functions of the guest's own are wanted".into())
            }
        }
    }

    /// The export by name: the index is found among the names of the module that the instance is of.
    fn export_item<T: Clone + Into<EntityIndex>>(&self, export: &CoreExport<T>) -> Result<Item, Unsupported> {
        let instance = export.instance.as_u32();
        let module = self.made.get(instance as usize).copied();
        let name = match (&export.item, module) {
            (ExportItem::Name(name), _) => Some(name.clone()),
            (ExportItem::Index(index), Some(module)) => {
                let index: EntityIndex = index.clone().into();
                let module = &self.modules[module].module;
                let found = module.exports.iter().find(|(_, known)| **known == index);
                found.and_then(|(name, _)| module.strings.get(*name)).map(str::to_owned)
            }
            (ExportItem::Index(_), None) => None,
        };
        let name = name.ok_or("an instance's export that has no name")?;
        Ok(Item { instance, name })
    }

    pub(super) fn part(&self, item: &Item) -> Option<&PartFunction> {
        let module = self.made.get(item.instance as usize)?;
        self.parts.get(module.as_u32() as usize)?.functions.get(&item.name)
    }

    /// Whether a function can reach anything outside of its module.
    pub(super) fn leaves(&self, item: Option<&Item>) -> bool {
        item.is_some_and(|item| self.part(item).is_none_or(|part| part.leaves))
    }

    pub(super) fn canon(&self, options: OptionsIndex) -> Result<(&'a CanonicalOptions, Canon), Unsupported> {
        let options = &self.component.options[options];
        let CanonicalOptionsDataModel::LinearMemory(memory) = &options.data_model else {
            return Err("values in garbage-collected memory".into());
        };
        if options.async_ || options.callback.is_some() || options.cancellable {
            return Err("asynchronous functions".into());
        }
        let canon = Canon {
            memory: memory.memory.and_then(|memory| self.memories.get(&memory).cloned()),
            realloc: memory.realloc.and_then(|realloc| self.reallocs.get(&realloc).cloned()),
            strings: match options.string_encoding {
                StringEncoding::Utf8 => Encoding::Utf8,
                StringEncoding::Utf16 => Encoding::Utf16,
                StringEncoding::CompactUtf16 => Encoding::CompactUtf16,
            },
            component: options.instance.as_u32(),
        };
        Ok((options, canon))
    }

    pub(super) fn core_type(&self, ty: ModuleInternedTypeIndex) -> Result<(Vec<CoreType>, Vec<CoreType>), Unsupported> {
        let ty = self.types.module_types_builder()[ty].unwrap_func();
        let all = |types: &[WasmValType]| {
            types
                .iter()
                .map(|ty| match ty {
                    WasmValType::I32 => Ok(CoreType::I32),
                    WasmValType::I64 => Ok(CoreType::I64),
                    WasmValType::F32 => Ok(CoreType::F32),
                    WasmValType::F64 => Ok(CoreType::F64),
                    WasmValType::V128 => Ok(CoreType::V128),
                    WasmValType::Ref(_) => Err("references in a function's type".to_owned()),
                })
                .collect::<Result<Vec<_>, _>>()
        };
        Ok((all(ty.params())?, all(ty.results())?))
    }
}
