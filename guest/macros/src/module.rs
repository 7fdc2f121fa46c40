//! The module as it was written: its functions, its types, and all the rest, which stays as it is.

use quote::ToTokens;
use syn::{
    Attribute, Error, Expr, FnArg, ForeignItem, Ident, Item, ItemEnum, ItemForeignMod, ItemMod, ItemStruct, ItemType,
    Lit, Meta, Pat, Result, ReturnType, Safety, Signature, Type, Visibility,
};

use crate::{batch, init};

/// The name of the generated module of forks; a module's own items must leave it free.
pub(crate) const FORK: &str = "fork";
/// The name of the module of bindings, when the WIT was written by hand.
pub(crate) const WIT: &str = "wit";

/// A module, taken apart.
pub(crate) struct Module {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) ident: Ident,
    /// All items but the blocks of `extern "purefork"`.
    pub(crate) items: Vec<Item>,
    /// The `pub fn`s.
    pub(crate) exported: Vec<Function>,
    /// The functions of `extern "purefork"`.
    pub(crate) linked: Vec<Function>,
    pub(crate) definitions: Vec<Definition>,
}

/// A function that can be called from without, or forked.
pub(crate) struct Function {
    pub(crate) ident: Ident,
    /// Marked `#[init]`: it is there to be run before the first call, and is not forked.
    pub(crate) init: bool,
    pub(crate) docs: Vec<String>,
    pub(crate) params: Vec<(Ident, Type)>,
    /// `None` for `()`.
    pub(crate) output: Option<Type>,
}

/// A type that the module defines.
pub(crate) enum Definition {
    Struct(ItemStruct),
    Enum(ItemEnum),
    Alias(ItemType),
}

impl Definition {
    pub(crate) fn ident(&self) -> &Ident {
        match self {
            Definition::Struct(item) => &item.ident,
            Definition::Enum(item) => &item.ident,
            Definition::Alias(item) => &item.ident,
        }
    }
}

impl Module {
    pub(crate) fn take_apart(module: ItemMod) -> Result<Module> {
        let Some((_, items)) = module.content else {
            return Err(Error::new_spanned(module, "the module's body must stand here: `mod name { … }`"));
        };
        let mut taken = Module {
            attributes: module.attrs,
            visibility: module.vis,
            ident: module.ident,
            items: Vec::new(),
            exported: Vec::new(),
            linked: Vec::new(),
            definitions: Vec::new(),
        };
        let mut errors = Errors::default();
        for item in items {
            errors.keep(taken.take(item));
        }
        if taken.exported.is_empty() && errors.is_empty() {
            errors.push(Error::new(taken.ident.span(), "the module exports nothing: mark its functions `pub`"));
        }
        for linked in &taken.linked {
            if taken.exported.iter().any(|exported| exported.ident == linked.ident) {
                let text = format!("`{}` is a function of this module too: rename one", linked.ident);
                errors.push(Error::new(linked.ident.span(), text));
            }
        }
        errors.finish(taken)
    }

    /// Every function that there is a fork of, if the WIT has one.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.exported.iter().chain(&self.linked)
    }

    fn take(&mut self, mut item: Item) -> Result<()> {
        if let Some(ident) = named(&item).filter(|ident| *ident == FORK) {
            return Err(Error::new(ident.span(), "the name `fork` is taken: it holds the module's forks"));
        }
        let batch = batch::take(&mut item)?;
        let init = init::take(&mut item)?;
        match &item {
            Item::Fn(function) if matches!(function.vis, Visibility::Public(_)) => {
                self.exported.push(Function { init, ..Function::read(&function.attrs, &function.sig)? });
            }
            Item::ForeignMod(block) if abi(block).is_some_and(|abi| abi == "purefork") => {
                return self.take_linked(block);
            }
            Item::Struct(item) => self.definitions.push(Definition::Struct(item.clone())),
            Item::Enum(item) => self.definitions.push(Definition::Enum(item.clone())),
            Item::Type(item) => self.definitions.push(Definition::Alias(item.clone())),
            Item::Union(item) if matches!(item.vis, Visibility::Public(_)) => {
                return Err(Error::new(
                    item.ident.span(),
                    "WIT has no unions: use an `enum`, whose cases carry values",
                ));
            }
            _ => {}
        }
        self.items.push(item);
        match batch {
            Some(batch) => self.take(Item::Fn(batch)),
            None => Ok(()),
        }
    }

    fn take_linked(&mut self, block: &ItemForeignMod) -> Result<()> {
        let mut errors = Errors::default();
        for item in &block.items {
            match item {
                ForeignItem::Fn(function) => {
                    errors.keep(init::refuse_linked(&function.attrs));
                    errors.keep(batch::refuse_linked(&function.attrs));
                    if let Some(function) = errors.keep(Function::read(&function.attrs, &function.sig)) {
                        self.linked.push(function);
                    }
                }
                other => {
                    errors.push(Error::new_spanned(other, "`extern \"purefork\"` declares functions, nothing else"))
                }
            }
        }
        errors.finish(())
    }
}

impl Function {
    fn read(attributes: &[Attribute], signature: &Signature) -> Result<Function> {
        let mut errors = Errors::default();
        let mut refuse = |tokens: &dyn ToTokens, text: &str| errors.push(Error::new_spanned(tokens, text));
        if let Some(cfg) = attributes.iter().find(|attribute| attribute.path().is_ident("cfg")) {
            refuse(cfg, "an exported function cannot depend on `cfg`: put the `cfg` inside, or on the module");
        }
        if let Some(token) = &signature.asyncness {
            refuse(token, "an exported function cannot be `async`: any function may fork and wait as it is");
        }
        if let Safety::Unsafe(token) = &signature.safety {
            refuse(token, "an exported function cannot be `unsafe`: nobody checks what its caller must promise");
        }
        if let Some(abi) = &signature.abi {
            refuse(abi, "an exported function has no `extern` of its own: leave it out");
        }
        if let Some(variadic) = &signature.variadic {
            refuse(variadic, "WIT has no variable arguments: take a `Vec`");
        }
        if let Some(first) = signature.generics.params.first() {
            let text = match first {
                syn::GenericParam::Lifetime(_) => {
                    "an exported function cannot have lifetimes: every call has a memory of its own"
                }
                _ => {
                    "an exported function cannot be generic: WIT knows concrete types only; write one function per type"
                }
            };
            refuse(first, text);
        }
        let mut params = Vec::new();
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(receiver) => refuse(receiver, "an exported function has no `self`"),
                FnArg::Typed(typed) => match &*typed.pat {
                    Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
                        params.push((name.ident.clone(), (*typed.ty).clone()));
                    }
                    other => refuse(other, "a parameter needs a name here: take the pattern apart in the body"),
                },
            }
        }
        let output = match &signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => match &**ty {
                Type::Tuple(tuple) if tuple.elems.is_empty() => None,
                ty => Some(ty.clone()),
            },
        };
        let ident = signature.ident.clone();
        errors.finish(Function { ident, init: false, docs: docs(attributes), params, output })
    }

    /// The error of an `#[init]` function that returns a value.
    pub(crate) fn refuse_output(&self) -> Error {
        let text = "an `#[init]` function returns nothing, or `Result<(), E>`: what it loads stays in a `static`";
        match &self.output {
            Some(output) => Error::new_spanned(output, text),
            None => Error::new(self.ident.span(), text),
        }
    }
}

/// The lines of a doc comment.
pub(crate) fn docs(attributes: &[Attribute]) -> Vec<String> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        if let Meta::NameValue(meta) = &attribute.meta
            && let Expr::Lit(literal) = &meta.value
            && let Lit::Str(text) = &literal.lit
        {
            lines.extend(text.value().split('\n').map(|line| line.trim_end().to_owned()));
        }
    }
    lines
}

fn abi(block: &ItemForeignMod) -> Option<String> {
    block.abi.name.as_ref().map(syn::LitStr::value)
}

fn named(item: &Item) -> Option<&Ident> {
    match item {
        Item::Mod(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        _ => None,
    }
}

/// Errors, collected: a module with three mistakes is told of all three.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn finish<T>(self, value: T) -> Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}
