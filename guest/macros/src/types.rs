//! The types of the signatures, resolved: what WIT calls them, and which of the module's own they reach.

use quote::ToTokens;
use syn::{Error, Fields, GenericArgument, Ident, PathArguments, Result, Type};

use crate::module::{Definition, Errors, Function, Module, docs};
use crate::name::Names;

/// A type as WIT has it.
#[derive(Clone, Debug)]
pub(crate) enum Ty {
    /// A number, `bool`, `char` or `string`, by its name in WIT.
    Plain(&'static str),
    List(Box<Ty>),
    Option(Box<Ty>),
    /// `None` for `()`.
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
    Tuple(Vec<Ty>),
    Tensor,
    TensorType,
    /// One of the module's own, by its place in `Types::own`.
    Own(usize),
}

impl Ty {
    /// Whether the bindings have a type of their own for it, or for a part of it.
    pub(crate) fn is_own(&self) -> bool {
        match self {
            Ty::Plain(_) | Ty::Tensor | Ty::TensorType => false,
            Ty::Own(_) => true,
            Ty::List(ty) | Ty::Option(ty) => ty.is_own(),
            Ty::Result(ok, err) => [ok, err].into_iter().flatten().any(|ty| ty.is_own()),
            Ty::Tuple(types) => types.iter().any(Ty::is_own),
        }
    }
}

impl Ty {
    /// Whether a tensor or its type is a part of it; what it refers to is looked at by itself.
    pub(crate) fn is_tensor(&self) -> bool {
        match self {
            Ty::Plain(_) | Ty::Own(_) => false,
            Ty::Tensor | Ty::TensorType => true,
            Ty::List(ty) | Ty::Option(ty) => ty.is_tensor(),
            Ty::Result(ok, err) => [ok, err].into_iter().flatten().any(|ty| ty.is_tensor()),
            Ty::Tuple(types) => types.iter().any(Ty::is_tensor),
        }
    }
}

/// A type of the module's own that a signature reaches.
pub(crate) struct Own {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) members: Vec<Member>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Record,
    /// Cases without values.
    Enum,
    Variant,
}

/// A field or a case.
pub(crate) struct Member {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    /// `None` for a case without a value.
    pub(crate) ty: Option<Ty>,
}

/// A function's signature, resolved.
pub(crate) struct Resolved {
    pub(crate) name: String,
    pub(crate) params: Vec<Param>,
    pub(crate) output: Option<Ty>,
}

impl Resolved {
    pub(crate) fn types(&self) -> impl Iterator<Item = &Ty> {
        self.params.iter().map(|param| &param.ty).chain(&self.output)
    }
}

pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) ty: Ty,
    /// Written as `&str`, `&[T]` or `&Tensor`.
    pub(crate) borrowed: bool,
}

/// What a module's signatures are made of.
pub(crate) struct Types {
    /// In an order in which nothing is used before it is there.
    pub(crate) own: Vec<Own>,
    pub(crate) exported: Vec<Resolved>,
    pub(crate) linked: Vec<Resolved>,
}

impl Types {
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Resolved> {
        self.exported.iter().chain(&self.linked)
    }

    pub(crate) fn resolve(module: &Module) -> Result<Types> {
        let mut resolver = Resolver { module, own: Vec::new(), open: Vec::new(), names: Names::default() };
        let mut errors = Errors::default();
        let mut names = Names::default();
        let mut resolve = |functions: &[Function]| -> Vec<Resolved> {
            let resolved = functions.iter().map(|function| {
                let name = names.add(&function.ident).and_then(|name| not_a_method(&function.ident, name));
                let signature = resolver.signature(function);
                // What it loads stays in the guest: it gives nothing but whether it could.
                if let (true, Ok((_, Some(output)))) = (function.init, &signature)
                    && !matches!(output, Ty::Result(None, _))
                {
                    errors.push(function.refuse_output());
                }
                let (name, (params, output)) = (errors.keep(name)?, errors.keep(signature)?);
                Some(Resolved { name, params, output })
            });
            resolved.flatten().collect()
        };
        let exported = resolve(&module.exported);
        let linked = resolve(&module.linked);
        errors.finish(Types { own: resolver.own, exported, linked })
    }
}

/// WIT refuses a resource with a method of its own name.
fn not_a_method(ident: &Ident, name: String) -> Result<String> {
    match name.as_str() {
        "wait" | "try-wait" => {
            let text = format!("a function cannot be called `{ident}`: so are the methods of its futures; rename it");
            Err(Error::new(ident.span(), text))
        }
        _ => Ok(name),
    }
}

struct Resolver<'a> {
    module: &'a Module,
    own: Vec<Own>,
    /// Definitions that are being resolved: to meet one again is recursion.
    open: Vec<Ident>,
    names: Names,
}

const KNOWN: &str = "known are numbers, bool, char, String, Vec, Option, Result, tuples, purefork_guest::Tensor, \
                     and the structs and enums that the module defines";

impl Resolver<'_> {
    fn signature(&mut self, function: &Function) -> Result<(Vec<Param>, Option<Ty>)> {
        let mut errors = Errors::default();
        let mut names = Names::default();
        let mut params = Vec::new();
        for (ident, ty) in &function.params {
            let name = errors.keep(names.add(ident));
            if let (Some((ty, borrowed)), Some(name)) = (errors.keep(self.param(ty)), name) {
                params.push(Param { name, ty, borrowed });
            }
        }
        let output = match &function.output {
            Some(ty) => errors.keep(self.ty(ty)),
            None => None,
        };
        errors.finish((params, output))
    }

    /// A parameter may be borrowed where the bindings lend it just so.
    fn param(&mut self, ty: &Type) -> Result<(Ty, bool)> {
        let Type::Reference(reference) = ty else { return Ok((self.ty(ty)?, false)) };
        if let Some(lifetime) = &reference.lifetime {
            return Err(Error::new_spanned(lifetime, "an exported function cannot have lifetimes: leave it out"));
        }
        if reference.mutability.is_some() {
            return Err(Error::new_spanned(
                ty,
                "a call cannot change its caller's values: take the value, and return it",
            ));
        }
        let owned = match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => Ty::Plain("string"),
            Type::Slice(slice) => Ty::List(Box::new(self.ty(&slice.elem)?)),
            other => match self.ty(other)? {
                Ty::Tensor => Ty::Tensor,
                _ => {
                    let text =
                        "only `&str`, `&[T]` and `&Tensor` can be parameters by reference: take the value itself";
                    return Err(Error::new_spanned(ty, text));
                }
            },
        };
        if owned.is_own() {
            let text = "a list of the module's own types is made anew for each call: take a `Vec`";
            return Err(Error::new_spanned(ty, text));
        }
        Ok((owned, true))
    }

    fn ty(&mut self, ty: &Type) -> Result<Ty> {
        let refuse = |text: &str| Err(Error::new_spanned(ty, text));
        match ty {
            Type::Path(path) if path.qself.is_none() => self.path(&path.path),
            Type::Paren(inner) => self.ty(&inner.elem),
            Type::Group(inner) => self.ty(&inner.elem),
            Type::Tuple(tuple) if tuple.elems.is_empty() => {
                refuse("`()` is no value in WIT: it can be a function's result, or a side of a `Result`")
            }
            Type::Tuple(tuple) => Ok(Ty::Tuple(self.all(&tuple.elems)?)),
            Type::Reference(_) => {
                refuse("a reference can be a parameter, `&str` or `&[T]`, and nothing else: use the value")
            }
            Type::Array(_) => refuse("an array has no equal in WIT here: use a `Vec`, or a tuple"),
            Type::Slice(_) => refuse("a slice is no value: use a `Vec`"),
            Type::ImplTrait(_) => refuse("`impl Trait` has no equal in WIT: name a type"),
            Type::TraitObject(_) => {
                refuse("`dyn Trait` has no equal in WIT: name a type, such as an enum of the cases")
            }
            Type::FnPtr(_) => refuse("functions are no values in WIT: fork a function by its name"),
            Type::Ptr(_) => refuse("a pointer means nothing to another call, which has a memory of its own"),
            Type::Never(_) => refuse("`!` has no equal in WIT: leave the result out"),
            Type::Infer(_) => refuse("a signature needs its types written out"),
            _ => refuse(&format!("this type has no equal in WIT: {KNOWN}")),
        }
    }

    fn all<'b>(&mut self, types: impl IntoIterator<Item = &'b Type>) -> Result<Vec<Ty>> {
        let mut errors = Errors::default();
        let types = types.into_iter().filter_map(|ty| errors.keep(self.ty(ty))).collect();
        errors.finish(types)
    }

    fn path(&mut self, path: &syn::Path) -> Result<Ty> {
        let segments: Vec<_> = path.segments.iter().collect();
        let last = segments[segments.len() - 1];
        let first = segments[0].ident.to_string();
        let own = segments.len() == 1;
        if own && let Some(definition) = self.module.definitions.iter().find(|own| *own.ident() == last.ident) {
            if !matches!(last.arguments, PathArguments::None) {
                return Err(generic(&last.arguments));
            }
            return self.definition(definition, &last.ident);
        }
        if !(own || matches!(first.as_str(), "std" | "core" | "alloc" | "purefork_guest")) {
            return Err(unknown(path));
        }
        let arguments = arguments(&last.arguments)?;
        let name = last.ident.to_string();
        if let (Some(plain), true) = (plain(&name), arguments.is_empty()) {
            return Ok(Ty::Plain(plain));
        }
        match (name.as_str(), arguments.as_slice()) {
            ("Tensor", []) => Ok(Ty::Tensor),
            ("TensorType", []) => Ok(Ty::TensorType),
            ("Vec", [element]) => Ok(Ty::List(Box::new(self.ty(element)?))),
            ("Option", [some]) => Ok(Ty::Option(Box::new(self.ty(some)?))),
            ("Result", [ok, err]) => {
                let (ok, err) = (self.side(ok), self.side(err));
                Ok(Ty::Result(ok?, err?))
            }
            ("Result", [_]) => Err(Error::new_spanned(path, "name both types: `Result<T, String>`")),
            (name, _) => match instead(name) {
                Some(text) => Err(Error::new_spanned(path, format!("`{name}` has no equal in WIT: {text}"))),
                None => Err(unknown(path)),
            },
        }
    }

    /// A side of a `Result`, which may be `()`.
    fn side(&mut self, ty: &Type) -> Result<Option<Box<Ty>>> {
        match ty {
            Type::Tuple(tuple) if tuple.elems.is_empty() => Ok(None),
            ty => Ok(Some(Box::new(self.ty(ty)?))),
        }
    }

    fn definition(&mut self, definition: &Definition, used: &Ident) -> Result<Ty> {
        if let Some(index) = self.own.iter().position(|own| own.ident == *used) {
            return Ok(Ty::Own(index));
        }
        if self.open.contains(used) {
            let text = format!(
                "`{used}` contains itself, and WIT has no recursive types: put the parts into a `Vec`, and refer to them by their places"
            );
            return Err(Error::new(used.span(), text));
        }
        self.open.push(used.clone());
        let resolved = match definition {
            Definition::Alias(alias) => no_generics(&alias.generics).and_then(|()| self.ty(&alias.ty)),
            Definition::Struct(item) => no_generics(&item.generics).and_then(|()| self.record(item)),
            Definition::Enum(item) => no_generics(&item.generics).and_then(|()| self.variant(item)),
        };
        self.open.pop();
        resolved
    }

    fn record(&mut self, item: &syn::ItemStruct) -> Result<Ty> {
        let Fields::Named(fields) = &item.fields else {
            return Err(Error::new(
                item.ident.span(),
                "a record's fields have names in WIT: `struct Name { field: Type }`",
            ));
        };
        if fields.named.is_empty() {
            return Err(Error::new(item.ident.span(), "a record needs at least one field in WIT"));
        }
        let mut errors = Errors::default();
        let mut names = Names::default();
        let mut members = Vec::new();
        for field in &fields.named {
            errors.keep(no_cfg(&field.attrs));
            let Some(ident) = &field.ident else { continue };
            let name = errors.keep(names.add(ident));
            if let (Some(name), Some(ty)) = (name, errors.keep(self.ty(&field.ty))) {
                members.push(Member { ident: ident.clone(), name, docs: docs(&field.attrs), ty: Some(ty) });
            }
        }
        errors.finish(())?;
        self.add(&item.ident, docs(&item.attrs), Kind::Record, members)
    }

    fn variant(&mut self, item: &syn::ItemEnum) -> Result<Ty> {
        if item.variants.is_empty() {
            return Err(Error::new(item.ident.span(), "an enum needs at least one case in WIT"));
        }
        let mut errors = Errors::default();
        let mut names = Names::default();
        let mut members = Vec::new();
        for case in &item.variants {
            errors.keep(no_cfg(&case.attrs));
            let name = errors.keep(names.add(&case.ident));
            let ty = match &case.fields {
                Fields::Unit => Some(None),
                Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                    errors.keep(self.ty(&fields.unnamed[0].ty)).map(Some)
                }
                fields => {
                    let text = "a case carries nothing or one value in WIT: `Case` or `Case(Type)`; put several into a tuple or a struct";
                    errors.push(Error::new_spanned(fields, text));
                    None
                }
            };
            if let (Some(name), Some(ty)) = (name, ty) {
                members.push(Member { ident: case.ident.clone(), name, docs: docs(&case.attrs), ty });
            }
        }
        errors.finish(())?;
        let kind = if members.iter().any(|case| case.ty.is_some()) { Kind::Variant } else { Kind::Enum };
        self.add(&item.ident, docs(&item.attrs), kind, members)
    }

    fn add(&mut self, ident: &Ident, docs: Vec<String>, kind: Kind, members: Vec<Member>) -> Result<Ty> {
        let name = self.names.add(ident)?;
        self.own.push(Own { ident: ident.clone(), name, docs, kind, members });
        Ok(Ty::Own(self.own.len() - 1))
    }
}

fn plain(rust: &str) -> Option<&'static str> {
    Some(match rust {
        "i8" => "s8",
        "i16" => "s16",
        "i32" => "s32",
        "i64" => "s64",
        "u8" => "u8",
        "u16" => "u16",
        "u32" => "u32",
        "u64" => "u64",
        "f32" => "f32",
        "f64" => "f64",
        "bool" => "bool",
        "char" => "char",
        "String" => "string",
        _ => return None,
    })
}

/// What to use instead of a well-known type that WIT lacks.
fn instead(rust: &str) -> Option<&'static str> {
    Some(match rust {
        "usize" => "its size depends on the machine; use `u32` or `u64`",
        "isize" => "its size depends on the machine; use `i32` or `i64`",
        "u128" | "i128" => "use two numbers of 64 bits, or a `String`",
        "str" => "use `String`, or `&str` for a parameter",
        "HashMap" | "BTreeMap" => "use a `Vec` of pairs, `Vec<(K, V)>`",
        "HashSet" | "BTreeSet" | "VecDeque" | "LinkedList" | "BinaryHeap" => "use a `Vec`",
        "Box" | "Rc" | "Arc" | "Cow" | "Cell" | "RefCell" | "Mutex" => "use the type inside it",
        "Instant" | "SystemTime" => "a guest sees no clock",
        "Duration" => "use a number, and name its unit",
        "Path" | "PathBuf" | "OsString" | "CString" => "use `String`",
        "Self" => "name the type",
        _ => return None,
    })
}

fn unknown(path: &syn::Path) -> Error {
    let name: String = path.to_token_stream().into_iter().map(|token| token.to_string()).collect();
    let text = format!("the type `{name}` is unknown here: define it in this module; {KNOWN}");
    Error::new_spanned(path, text)
}

fn arguments(arguments: &PathArguments) -> Result<Vec<&Type>> {
    let PathArguments::AngleBracketed(bracketed) = arguments else { return Ok(Vec::new()) };
    let types = bracketed.args.iter().map(|argument| match argument {
        GenericArgument::Type(ty) => Ok(ty),
        _ => Err(generic(arguments)),
    });
    types.collect()
}

fn generic(tokens: &impl ToTokens) -> Error {
    Error::new_spanned(tokens, "WIT knows concrete types only: no generics, no lifetimes")
}

fn no_generics(generics: &syn::Generics) -> Result<()> {
    generics.params.first().map_or(Ok(()), |first| Err(generic(first)))
}

fn no_cfg(attributes: &[syn::Attribute]) -> Result<()> {
    match attributes.iter().find(|attribute| attribute.path().is_ident("cfg")) {
        Some(cfg) => Err(Error::new_spanned(cfg, "the parts of an exported type cannot depend on `cfg`")),
        None => Ok(()),
    }
}
