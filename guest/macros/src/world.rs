//! A WIT read back, derived or written by hand: what its world exports, and what its `fork` interface has.

use std::collections::HashMap;
use std::path::Path;

use proc_macro2::Span;
use syn::{Error, Ident, LitStr, Result};
use wit_parser::{FunctionKind, Resolve, Type, TypeDefKind, WorldId, WorldItem};

use crate::derive::TENSORS_ID;
use crate::module::{Errors, Function, Module};
use crate::name;

/// What a world says about the functions of a module.
pub(crate) struct World {
    pub(crate) resolve: Resolve,
    pub(crate) name: String,
    exports: HashMap<String, wit_parser::Function>,
    forks: HashMap<String, Fork>,
    /// Whether the interface of tensors is among its imports.
    pub(crate) tensors: bool,
}

/// A resource of the `fork` interface.
#[derive(Default)]
pub(crate) struct Fork {
    pub(crate) params: Vec<Type>,
    pub(crate) wait: Option<Option<Type>>,
    pub(crate) try_wait: bool,
}

impl World {
    /// Reads a WIT that was derived; that it does not parse is a mistake of this crate.
    pub(crate) fn derived(text: &str, world: &str) -> Result<World> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("derived.wit", text);
        let package = package.map_err(|error| mistake(&error.to_string(), text))?;
        let id = resolve.select_world(&[package], Some(world)).map_err(|error| mistake(&error.to_string(), text))?;
        World::read(resolve, id, Span::call_site())
    }

    /// Reads a WIT that was written by hand.
    pub(crate) fn by_hand(wit: &LitStr, world: Option<&LitStr>) -> Result<World> {
        let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        let path = Path::new(&root).join(wit.value());
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(&path).map_err(|error| Error::new(wit.span(), format!("{error:#}")))?;
        let name = world.map(LitStr::value);
        let id = resolve.select_world(&[package], name.as_deref());
        let id = id.map_err(|error| Error::new(world.unwrap_or(wit).span(), format!("{error:#}")))?;
        World::read(resolve, id, world.unwrap_or(wit).span())
    }

    fn read(resolve: Resolve, id: WorldId, span: Span) -> Result<World> {
        let mut read = World {
            name: resolve.worlds[id].name.clone(),
            exports: HashMap::new(),
            forks: HashMap::new(),
            tensors: false,
            resolve: Resolve::default(),
        };
        for (key, item) in &resolve.worlds[id].exports {
            match item {
                WorldItem::Function(function) => {
                    read.exports.insert(function.name.clone(), function.clone());
                }
                WorldItem::Interface { .. } => {
                    let name = resolve.name_world_key(key);
                    let text = format!(
                        "the world exports the interface `{name}`: functions that are called and forked are exports of the world itself"
                    );
                    return Err(Error::new(span, text));
                }
                WorldItem::Type { .. } => {}
            }
        }
        for (key, item) in &resolve.worlds[id].imports {
            let WorldItem::Interface { id, .. } = item else { continue };
            match resolve.name_world_key(key).as_str() {
                "fork" => {
                    for function in resolve.interfaces[*id].functions.values() {
                        read.fork(&resolve, function);
                    }
                }
                TENSORS_ID => read.tensors = true,
                _ => {}
            }
        }
        read.resolve = resolve;
        Ok(read)
    }

    fn fork(&mut self, resolve: &Resolve, function: &wit_parser::Function) {
        let (FunctionKind::Constructor(id) | FunctionKind::Method(id)) = function.kind else { return };
        let Some(name) = resolve.types[id].name.clone() else { return };
        let fork = self.forks.entry(name).or_default();
        match function.item_name() {
            _ if matches!(function.kind, FunctionKind::Constructor(_)) => {
                fork.params = function.params.iter().map(|param| param.ty).collect();
            }
            "wait" => fork.wait = Some(function.result),
            "try-wait" => fork.try_wait = true,
            _ => {}
        }
    }

    /// The fork of a function, if the world has one.
    pub(crate) fn fork_of(&self, function: &Ident) -> Option<&Fork> {
        self.forks.get(&name::kebab(function).ok()?)
    }

    /// Whether the fork's `wait` gives `result<T, string>` for a function that returns `T`.
    pub(crate) fn wait_catches(&self, function: &Ident, fork: &Fork) -> bool {
        let exported = name::kebab(function).ok().and_then(|name| self.exports.get(&name));
        let (Some(Some(Type::Id(wait))), Some(exported)) = (fork.wait.flatten().map(Some), exported) else {
            return false;
        };
        match &self.resolve.types[wait].kind {
            TypeDefKind::Result(result) => {
                result.err == Some(Type::String) && self.written(result.ok) == self.written(exported.result)
            }
            _ => false,
        }
    }

    /// For a WIT written by hand: the module has what the world exports and no `pub fn` besides, and what it says
    /// it forks can be forked. That the types agree is for the compiler to see.
    pub(crate) fn check(&self, module: &Module, span: Span) -> Result<()> {
        let mut errors = Errors::default();
        let mut missing = self.exports.clone();
        for function in &module.exported {
            let ident = &function.ident;
            let Some(name) = errors.keep(name::kebab(ident)) else { continue };
            match missing.remove(&name) {
                Some(export) => {
                    errors.keep(self.check_count(function, export.params.len()));
                    errors.keep(self.check_init(function, export.result));
                }
                None => {
                    let text = format!(
                        "the world `{}` does not export `{name}`: add it to the WIT, or leave out the `pub`",
                        self.name
                    );
                    errors.push(Error::new(ident.span(), text));
                }
            }
            for (_, ty) in &function.params {
                if matches!(ty, syn::Type::Reference(_)) {
                    let text = "the functions of a WIT written by hand take owned values: `String`, `Vec<T>`";
                    errors.push(Error::new_spanned(ty, text));
                }
            }
        }
        for function in &module.linked {
            errors.keep(match self.fork_of(&function.ident) {
                Some(fork) => self.check_count(function, fork.params.len()),
                None => {
                    let ident = &function.ident;
                    let text = format!("the world `{}` has no resource `{ident}` in its interface `fork`", self.name);
                    Err(Error::new(ident.span(), text))
                }
            });
        }
        let mut missing: Vec<&String> = missing.keys().collect();
        missing.sort();
        for name in missing {
            let text = format!(
                "the world `{}` exports `{name}`, which the module lacks: add `pub fn {}`",
                self.name,
                name::snake(name)
            );
            errors.push(Error::new(span, text));
        }
        errors.finish(())
    }

    fn check_count(&self, function: &Function, count: usize) -> Result<()> {
        if function.params.len() == count {
            return Ok(());
        }
        let (ident, s) = (&function.ident, if count == 1 { "" } else { "s" });
        let given = function.params.len();
        let text = format!("`{ident}` has {count} parameter{s} in the world `{}`, not {given}", self.name);
        Err(Error::new(ident.span(), text))
    }

    /// A function marked `#[init]` returns nothing but whether it could load, and is not forked.
    fn check_init(&self, function: &Function, output: Option<Type>) -> Result<()> {
        if !function.init {
            return Ok(());
        }
        if !output.is_none_or(|ty| self.is_nothing_or_err(ty)) {
            return Err(function.refuse_output());
        }
        let ident = &function.ident;
        match self.fork_of(ident) {
            Some(_) => {
                let text = format!(
                    "`{ident}` is marked `#[init]`, and the world `{}` has a resource `{ident}` in its interface `fork`: what a fork changes is lost; leave one out",
                    self.name
                );
                Err(Error::new(ident.span(), text))
            }
            None => Ok(()),
        }
    }

    fn is_nothing_or_err(&self, ty: Type) -> bool {
        let Type::Id(id) = ty else { return false };
        match &self.resolve.types[id].kind {
            TypeDefKind::Type(ty) => self.is_nothing_or_err(*ty),
            TypeDefKind::Result(result) => result.ok.is_none(),
            _ => false,
        }
    }

    /// A type, written out, to compare two by what they are.
    fn written(&self, ty: Option<Type>) -> String {
        let Some(ty) = ty else { return "_".to_owned() };
        let Type::Id(id) = ty else { return format!("{ty:?}") };
        let definition = &self.resolve.types[id];
        match &definition.kind {
            TypeDefKind::Type(ty) => self.written(Some(*ty)),
            TypeDefKind::List(ty) => format!("list<{}>", self.written(Some(*ty))),
            TypeDefKind::Option(ty) => format!("option<{}>", self.written(Some(*ty))),
            TypeDefKind::Result(result) => {
                format!("result<{}, {}>", self.written(result.ok), self.written(result.err))
            }
            TypeDefKind::Tuple(tuple) => {
                let types: Vec<String> = tuple.types.iter().map(|ty| self.written(Some(*ty))).collect();
                format!("tuple<{}>", types.join(", "))
            }
            _ => format!("{id:?}"),
        }
    }
}

fn mistake(error: &str, text: &str) -> Error {
    Error::new(Span::call_site(), format!("purefork-guest derived a WIT that is not valid: {error}\n{text}"))
}
