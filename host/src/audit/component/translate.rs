//! A component, taken apart: from wasmtime's flat form of it to a recipe.

use std::collections::HashMap;

use wasmtime_environ::component::{
    CanonicalOptions, CanonicalOptionsDataModel, Component, ComponentExternData, ComponentTranslation,
    ComponentTypesBuilder, CoreDef, CoreExport, Export, ExportIndex, ExportItem, FixedEncoding, GlobalInitializer,
    InstantiateModule, InterfaceType, NameMap, OptionsIndex, ResourceIndex, RuntimeMemoryIndex, RuntimePostReturnIndex,
    RuntimeReallocIndex, StringEncoding, Trampoline, Transcode, TypeDef, TypeFunc, TypeFuncIndex, TypeResourceTable,
    TypeResourceTableIndex,
};
use wasmtime_environ::{
    EntityIndex, ModuleInternedTypeIndex, ModuleTranslation, PrimaryMap, StaticModuleIndex, WasmValType,
};

use super::imports::{FORK, Part, resource_name, wasi_resource};
use super::types::{convert, shape, with_handles};
use crate::audit::part::{Part as ModulePart, PartFunction};
use crate::escape::shown;
use crate::ir::wasi::{self, Preview2};
use crate::ir::{
    Canon, CoreFunction, CoreType, Encoding, FunctionDef, HandleType, HostFunction, HostFunctionKind, ImportBinding,
    Item, LinkFacts, Receiver, Recipe, ResourceId, Step, Write,
};
use crate::value::Type;

/// The most core values that parameters are passed in; more are passed in memory.
const MAX_FLAT_PARAMS: usize = wasmtime_environ::component::MAX_FLAT_PARAMS;

/// The most bytes of all full names of exports: each has its interface's, which is in the file once.
const MAX_NAMES: usize = 16 << 20;

/// The most parts of the types of all functions: a method's are its resource's constructor's too.
const MAX_TYPE_PARTS: usize = 1_000_000;

type Modules<'a> = PrimaryMap<StaticModuleIndex, ModuleTranslation<'a>>;

/// A component that this host cannot run, though it is valid and imports nothing else than it may.
pub(super) type Unsupported = String;

/// Makes the recipe, and finds the functions.
pub(super) struct Translate<'a> {
    pub(super) component: &'a Component,
    pub(super) types: &'a ComponentTypesBuilder,
    pub(super) modules: &'a Modules<'a>,
    pub(super) parts: &'a [ModulePart],
    pub(super) links: &'a [LinkFacts],
    /// Whether the component may import WASI.
    may_wasi: bool,
    recipe: Recipe,
    /// The module of each step.
    made: Vec<StaticModuleIndex>,
    memories: HashMap<RuntimeMemoryIndex, Item>,
    reallocs: HashMap<RuntimeReallocIndex, Item>,
    post_returns: HashMap<RuntimePostReturnIndex, Item>,
    /// The constructors of exported resources, by their full names.
    constructors: HashMap<String, (TypeFuncIndex, &'a CoreDef, OptionsIndex)>,
    /// Bytes of the full names of exports, and parts of the types of functions, so far.
    names: usize,
    type_parts: usize,
}

/// The exported functions.
#[derive(Default)]
pub(super) struct Exports {
    pub(super) functions: Vec<FunctionDef>,
    /// What cannot be called from the host, and why.
    pub(super) others: Vec<(String, String)>,
}

impl<'a> Translate<'a> {
    pub(super) fn new(
        translation: &'a ComponentTranslation,
        types: &'a ComponentTypesBuilder,
        modules: &'a Modules<'a>,
        parts: &'a [ModulePart],
        links: &'a [LinkFacts],
        may_wasi: bool,
    ) -> Translate<'a> {
        Translate {
            component: &translation.component,
            types,
            modules,
            parts,
            links,
            may_wasi,
            recipe: Recipe { components: translation.component.num_runtime_component_instances, ..Recipe::default() },
            made: Vec::new(),
            memories: HashMap::new(),
            reallocs: HashMap::new(),
            post_returns: HashMap::new(),
            constructors: HashMap::new(),
            names: 0,
            type_parts: 0,
        }
    }

    pub(super) fn run(mut self, translation: &ComponentTranslation) -> Result<(Recipe, Exports), Unsupported> {
        // What host functions take from memory is looked up once all of it is known.
        for initializer in &self.component.initializers {
            self.initializer(initializer)?;
        }
        for (at, trampoline) in &translation.trampolines {
            let function = self.host_function(trampoline, self.component.trampolines[at])?;
            self.recipe.host.push(function);
        }
        let mut exports = Exports::default();
        let component = self.component;
        self.constructors("", &component.exports)?;
        for (name, (index, _)) in component.exports.raw_iter() {
            self.export(name, *index, &mut exports)?;
        }
        Ok((self.recipe, exports))
    }

    fn initializer(&mut self, initializer: &GlobalInitializer) -> Result<(), Unsupported> {
        match initializer {
            GlobalInitializer::InstantiateModule(InstantiateModule::Static(module, args), _) => {
                let imports = args.iter().map(|def| self.given(def)).collect::<Result<_, _>>()?;
                self.recipe.steps.push(Step { module: module.as_u32(), imports });
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
                self.recipe.destructors.push(destructor);
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

    fn item(&self, def: &CoreDef) -> Result<Item, Unsupported> {
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

    fn part(&self, item: &Item) -> Option<&PartFunction> {
        let module = self.made.get(item.instance as usize)?;
        self.parts.get(module.as_u32() as usize)?.functions.get(&item.name)
    }

    /// Whether a function can reach anything outside of its module.
    fn leaves(&self, item: Option<&Item>) -> bool {
        item.is_some_and(|item| self.part(item).is_none_or(|part| part.leaves))
    }

    fn canon(&self, options: OptionsIndex) -> Result<(&'a CanonicalOptions, Canon), Unsupported> {
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

    fn core_type(&self, ty: ModuleInternedTypeIndex) -> Result<(Vec<CoreType>, Vec<CoreType>), Unsupported> {
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

    fn host_function(&self, trampoline: &Trampoline, ty: ModuleInternedTypeIndex) -> Result<HostFunction, Unsupported> {
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
                    None => self.wasi(import, *lower_ty)?.ok_or("an import that is not from `fork`")?,
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
    fn fork(&self, import: wasmtime_environ::component::RuntimeImportIndex) -> Option<HostFunctionKind> {
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

    /// The function of WASI that an imported one is. Where it has an answer, it has WASI's own type.
    fn wasi(
        &self,
        import: wasmtime_environ::component::RuntimeImportIndex,
        ty: TypeFuncIndex,
    ) -> Result<Option<HostFunctionKind>, Unsupported> {
        let (import, path) = &self.component.imports[import];
        let imported = self.component.import_types.get(*import).filter(|_| self.may_wasi);
        let found = imported.and_then(|(name, _)| Some((name, wasi::interface(name)?)));
        let (Some((name, interface)), [function]) = (found, path.as_slice()) else { return Ok(None) };
        let full = || format!("{}#{}", shown(name), shown(function));
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

    fn link(&self, resource: &str) -> Option<u32> {
        self.links.iter().position(|link| *link.name == *resource).map(|at| at as u32)
    }

    fn handle_type(&self, table: TypeResourceTableIndex) -> Result<HandleType, Unsupported> {
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
        if self.may_wasi
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
    fn handle_types(&self) -> Result<Vec<HandleType>, Unsupported> {
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

    fn export(&mut self, name: &str, index: ExportIndex, exports: &mut Exports) -> Result<(), Unsupported> {
        let component = self.component;
        self.named(name)?;
        match &component.export_items[index] {
            Export::LiftedFunction { ty, func, options } => self.function(name, *ty, func, *options, exports),
            Export::Instance { exports: items, ty } => {
                // The items come in any order, and another each time. Their types are in the order of declaration.
                let types = self.types[*ty].exports.iter().enumerate();
                let order: HashMap<&str, usize> = types.map(|(at, (item, _))| (item.as_str(), at)).collect();
                let mut items: Vec<(&str, ExportIndex)> =
                    items.raw_iter().map(|(item, (index, _))| (&**item, *index)).collect();
                items.sort_by_key(|(item, _)| (order.get(item).copied(), *item));
                for (item, index) in items {
                    self.export(&format!("{}{item}", inner(name)), index, exports)?;
                }
                Ok(())
            }
            Export::ModuleStatic { .. } | Export::ModuleImport { .. } => {
                exports.others.push((name.to_owned(), "it is a core module".to_owned()));
                Ok(())
            }
            Export::Type(TypeDef::Resource(_) | _) => Ok(()),
        }
    }

    /// Notes where constructors are, by their full names.
    fn constructors(
        &mut self,
        prefix: &str,
        items: &'a NameMap<wasmtime_environ::collections::TryString, (ExportIndex, ComponentExternData)>,
    ) -> Result<(), Unsupported> {
        let component = self.component;
        for (name, (index, _)) in items.raw_iter() {
            let name: &str = name;
            match &component.export_items[*index] {
                Export::LiftedFunction { ty, func, options } if name.starts_with("[constructor]") => {
                    let name = format!("{prefix}{name}");
                    self.named(&name)?;
                    self.constructors.insert(name, (*ty, func, *options));
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

    fn function(
        &mut self,
        name: &str,
        ty: TypeFuncIndex,
        core: &CoreDef,
        options: OptionsIndex,
        exports: &mut Exports,
    ) -> Result<(), Unsupported> {
        match self.callable(name, ty, core, options)? {
            Ok(function) => {
                let types = function.params.iter().chain(&function.results);
                self.type_parts = self.type_parts.saturating_add(types.map(Type::parts).sum());
                if self.type_parts > MAX_TYPE_PARTS {
                    return Err(format!(
                        "functions whose types have more than {MAX_TYPE_PARTS} parts all together, those of methods with those of their constructors"
                    ));
                }
                exports.functions.push(function);
            }
            Err(why) => exports.others.push((name.to_owned(), why)),
        }
        Ok(())
    }

    /// A function that the host can call; or why it cannot.
    fn callable(
        &self,
        name: &str,
        ty: TypeFuncIndex,
        core: &CoreDef,
        options: OptionsIndex,
    ) -> Result<Result<FunctionDef, String>, Unsupported> {
        let function = &self.types[ty];
        if function.async_ {
            return Ok(Err("it is asynchronous".to_owned()));
        }
        let CoreDef::Export(_) = core else {
            return Ok(Err("it is imported, and so nothing outside of a call".to_owned()));
        };
        let all = &self.types[function.params].types;
        let (receiver, skipped) = match self.receiver(name, all.first())? {
            Some(Ok(receiver)) => (Some(receiver), 1),
            Some(Err(why)) => return Ok(Err(why)),
            None => (None, 0),
        };
        let params = match self.params(function, skipped) {
            Ok(params) => params,
            Err(what) => return Ok(Err(format!("it takes {what}, which the host cannot give"))),
        };
        let results = match self.results(function) {
            Ok(results) => results,
            Err(what) => return Ok(Err(format!("it returns {what}, which ends with the call"))),
        };
        let core = self.core_function(core, options)?;
        let part = self.part(&core.export);
        let leaves = part.is_none_or(|part| part.leaves) || core.helpers_leave;
        let mut def = FunctionDef {
            name: name.to_owned(),
            index: part.map_or(u32::MAX, |part| part.index),
            stateless: self.stateless(&core, &params),
            param_names: function.param_names.iter().skip(skipped).cloned().collect(),
            params,
            results,
            can_fork: leaves && !self.links.is_empty(),
            forks: Vec::new(),
            program: false,
            core,
            receiver: None,
        };
        if let Some((receiver, made)) = receiver {
            // Whatever the constructor does, and what the handle's end does, belongs to the call.
            def.can_fork = !self.links.is_empty();
            def.stateless = Err(super::write("it makes a resource"));
            def.receiver = Some(receiver);
            made.put_before(&mut def);
        }
        if def.can_fork {
            def.forks = self.links.iter().map(|link| link.name.clone()).collect();
        }
        if self.may_wasi && wasi::is_run(name) && def.params.is_empty() && def.results == [Type::result(None, None)] {
            def.make_program();
        }
        Ok(Ok(def))
    }

    fn params(&self, function: &TypeFunc, skipped: usize) -> Result<Vec<Type>, &'static str> {
        self.types[function.params].types.iter().skip(skipped).map(|ty| convert(self.types, ty)).collect()
    }

    fn results(&self, function: &TypeFunc) -> Result<Vec<Type>, &'static str> {
        self.types[function.results].types.iter().map(|ty| convert(self.types, ty)).collect()
    }

    fn core_function(&self, core: &CoreDef, options: OptionsIndex) -> Result<CoreFunction, Unsupported> {
        let export = self.item(core)?;
        let (options, canon) = self.canon(options)?;
        let (params, results) = self.core_type(options.core_type)?;
        let post_return = options.post_return.and_then(|post| self.post_returns.get(&post).cloned());
        let helpers_leave = self.leaves(canon.realloc.as_ref()) || self.leaves(post_return.as_ref());
        Ok(CoreFunction { export, params, results, canon: Some(canon), post_return, helpers_leave })
    }

    fn stateless(&self, core: &CoreFunction, params: &[Type]) -> Result<(), Write> {
        let part = self.part(&core.export).filter(|part| !part.leaves);
        let part = part.ok_or_else(|| super::write("it can reach other modules, or fork"))?;
        part.stateless.clone()?;
        // The core function has one parameter where more than fit on the stack are passed in memory.
        let flat: usize = params.iter().map(Type::flat_count).sum();
        if flat > MAX_FLAT_PARAMS || params.iter().any(Type::has_memory) {
            return Err(super::write("its arguments are written to memory"));
        }
        match &core.post_return {
            None => Ok(()),
            Some(post) => match self.part(post) {
                Some(part) if !part.leaves => part.stateless.clone(),
                _ => Err(super::write("its result has to be freed")),
            },
        }
    }

    /// For a method: what it is called on, and the parameters of the constructor that makes that; or why there is none.
    #[allow(clippy::type_complexity)]
    fn receiver(
        &self,
        name: &str,
        first: Option<&InterfaceType>,
    ) -> Result<Option<Result<(Receiver, Made), String>>, Unsupported> {
        let (taken, owned) = match first {
            Some(InterfaceType::Own(table)) => (table, true),
            Some(InterfaceType::Borrow(table)) => (table, false),
            _ => return Ok(None),
        };
        let Some((prefix, method)) = name.rsplit_once("[method]") else { return Ok(None) };
        let resource = method.split('.').next().unwrap_or_default();
        let Some((ty, core, options)) = self.constructors.get(&format!("{prefix}[constructor]{resource}")) else {
            return Ok(Some(Err("its resource has no constructor, so that the host cannot make one".to_owned())));
        };
        let function = &self.types[*ty];
        let [InterfaceType::Own(given)] = &*self.types[function.results].types else {
            return Ok(Some(Err("its resource's constructor may fail, and the host cannot make one".to_owned())));
        };
        let params = match self.params(function, 0) {
            Ok(params) => params,
            Err(what) => return Ok(Some(Err(format!("its resource's constructor takes {what}")))),
        };
        let (given, taken) = (self.handle_type(*given)?, self.handle_type(*taken)?);
        if !matches!(given.resource, ResourceId::Own { .. }) || matches!(core, CoreDef::Trampoline(_)) {
            return Ok(Some(Err("its resource is not the guest's own".to_owned())));
        }
        let constructor = self.core_function(core, *options)?;
        let made = Made { names: function.param_names.clone(), types: params };
        Ok(Some(Ok((Receiver { constructor, params: made.types.len(), given, taken, owned }, made))))
    }
}

/// The prefix of what is in an exported instance.
fn inner(name: &str) -> String {
    format!("{name}{}", if name.contains('#') { "/" } else { "#" })
}

/// What a resource is made of: its constructor's parameters.
struct Made {
    names: Vec<String>,
    types: Vec<Type>,
}

impl Made {
    /// Makes them a method's first; a name that both have is told apart by the resource's.
    fn put_before(self, method: &mut FunctionDef) {
        let resource = method.name.rsplit(']').next().and_then(|item| item.split('.').next()).unwrap_or("self");
        let own = &method.param_names;
        let apart = |name| if own.contains(&name) { format!("{resource}-{name}") } else { name };
        let names: Vec<_> = self.names.into_iter().map(apart).collect();
        method.param_names.splice(0..0, names);
        method.params.splice(0..0, self.types);
    }
}
