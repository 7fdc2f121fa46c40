//! The code that comes out: the module as it was, its forks, the bindings, and the exports.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{AttrStyle, Error, Item, ItemMod, Result};

use crate::args::Args;
use crate::convert::{self, Way, convert};
use crate::derive::{Derived, NAMESPACE, TENSORS_ID, derive};
use crate::fork::Parts;
use crate::module::{Module, WIT};
use crate::name;
use crate::types::{Param, Resolved, Ty, Types};
use crate::world::World;

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let args: Args = syn::parse2(attribute)?;
    let module = syn::parse2::<ItemMod>(item).map_err(|error| {
        Error::new(error.span(), format!("this attribute is for a module, `mod name {{ … }}`: {error}"))
    })?;
    let module = Module::take_apart(module)?;
    match &args.wit {
        None => derived(module),
        Some(wit) => {
            let world = World::by_hand(wit, args.world.as_ref())?;
            world.check(&module, args.world.as_ref().unwrap_or(wit).span())?;
            by_hand(module, &world, wit)
        }
    }
}

/// The WIT comes from the signatures: the bindings are hidden, and only there as wasm.
fn derived(mut module: Module) -> Result<TokenStream> {
    let types = Types::resolve(&module)?;
    let package = name::loose(&std::env::var("CARGO_PKG_NAME").unwrap_or_default());
    let world = name::loose(&module.ident.to_string());
    let derived = derive(&module, &types, &package, &world);
    let world = World::derived(&derived.text, &derived.world)?;
    allow_unused(&mut module, &types);

    let bindings = interface(&derived);
    let methods = types.exported.iter().zip(&module.exported).map(|(signature, function)| {
        let (method, ident) = (name::snake(&signature.name), &function.ident);
        let method = Method { name: &method, function: &quote!(super::#ident), init: function.init };
        method_of(&types, signature, &method, &bindings)
    });
    let convert = (!types.own.is_empty()).then(|| {
        let functions = convert::functions(&types, &quote!(super::#bindings));
        quote!(pub(super) mod convert { #functions })
    });
    let use_convert = convert.as_ref().map(|_| {
        quote!(
            use convert::*;
        )
    });
    let (inline, name) = (&derived.text, &derived.world);
    let options = options(&world);
    let component = quote! {
        #[cfg(target_arch = "wasm32")]
        #[doc(hidden)]
        #[allow(missing_docs, unsafe_code, unused_qualifications, unreachable_pub)]
        mod __purefork {
            pub mod wit {
                ::purefork_guest::__private::wit_bindgen::generate!({
                    inline: #inline, path: [], world: #name, #options
                });
            }
            #convert
            #use_convert
            struct Component;
            impl wit::Guest for Component { #(#methods)* }
            wit::export!(Component with_types_in self::wit);
        }
    };
    let parts = Parts { module: &module, world: &world, types: Some(&types), bindings: quote!(super::__purefork::wit) };
    Ok(put_together(&module, &parts.forks(), &component))
}

/// The WIT was written by hand: the bindings are the module's to use, and there on every target.
fn by_hand(module: Module, world: &World, wit: &syn::LitStr) -> Result<TokenStream> {
    if let Some(taken) = module.items.iter().find_map(|item| match item {
        Item::Mod(item) if item.ident == WIT => Some(&item.ident),
        _ => None,
    }) {
        return Err(Error::new(taken.span(), "the name `wit` is taken: it holds what the WIT defines"));
    }
    let methods = module.exported.iter().map(|function| {
        let (ident, method) = (&function.ident, name::snake(&name::kebab(&function.ident).unwrap_or_default()));
        let (types, names): (Vec<_>, Vec<_>) =
            function.params.iter().enumerate().map(|(place, (_, ty))| (ty, format_ident!("argument_{place}"))).unzip();
        let output = function.output.as_ref().map(|ty| quote!(-> #ty));
        let call = called(&quote!(super::#ident(#(#names),*)), function.init);
        quote!(fn #method(#(#names: #types),*) #output { #call })
    });
    let (name, options) = (&world.name, options(world));
    let component = quote! {
        /// What the WIT defines.
        #[allow(missing_docs, dead_code, unsafe_code, unused_qualifications, unreachable_pub)]
        pub mod wit {
            ::purefork_guest::__private::wit_bindgen::generate!({ path: #wit, world: #name, #options });
        }
        #[doc(hidden)]
        #[allow(unused_imports, unsafe_code, missing_docs)]
        mod __purefork {
            use super::*;
            struct __Component;
            impl super::wit::Guest for __Component { #(#methods)* }
            #[cfg(target_arch = "wasm32")]
            super::wit::export!(__Component with_types_in super::wit);
        }
    };
    let parts = Parts { module: &module, world, types: None, bindings: quote!(super::wit) };
    Ok(put_together(&module, &parts.forks(), &component))
}

fn put_together(module: &Module, forks: &TokenStream, component: &TokenStream) -> TokenStream {
    let Module { attributes, visibility, ident, items, .. } = module;
    let (inner, outer): (Vec<_>, Vec<_>) =
        attributes.iter().partition(|attribute| matches!(attribute.style, AttrStyle::Inner(_)));
    let exported = module.exported.iter().map(|function| &function.ident);
    quote! {
        #(#outer)*
        #[allow(unreachable_pub)]
        #visibility mod #ident {
            #(#inner)*
            #(#items)*
            #forks
            #component
            // Natively nobody may call them; they are no dead code.
            const _: () = { #(let _ = #exported;)* };
        }
    }
}

fn options(world: &World) -> TokenStream {
    let tensors = world.tensors.then(|| quote!(with: { #TENSORS_ID: ::purefork_guest::__private::tensors },));
    quote! {
        runtime_path: "::purefork_guest::__private::wit_bindgen::rt",
        generate_all,
        // Exports are the linker's symbols too: without a prefix, a function called `exp` or `strlen` would take the
        // place of the one that compiled code calls. This prefix is the component model's own (its build target
        // `wasm32`), so whatever makes the component takes it off again. wit-bindgen's post-return functions are then
        // not found as such, and not called: they would free what the end of the call frees anyway.
        export_prefix: "cm32p2||",
        // It would write to memory in every call; a Rust module has no constructors to run.
        disable_run_ctors_once_workaround: true,
        #tensors
    }
}

/// The bindings of the module's own types.
fn interface(derived: &Derived) -> TokenStream {
    let path = [NAMESPACE, &derived.package, &derived.interface].map(name::snake);
    quote!(wit #(::#path)*)
}

/// A function of the bindings' trait of exports.
struct Method<'a> {
    name: &'a proc_macro2::Ident,
    /// What it calls.
    function: &'a TokenStream,
    init: bool,
}

fn method_of(types: &Types, signature: &Resolved, method: &Method<'_>, bindings: &TokenStream) -> TokenStream {
    let Method { name: method, function, init } = method;
    let names: Vec<_> = (0..signature.params.len()).map(|place| format_ident!("argument_{place}")).collect();
    let params = signature.params.iter().zip(&names).map(|(Param { ty, .. }, name)| {
        let ty = bound(types, ty, bindings);
        quote!(#name: #ty)
    });
    let arguments = signature.params.iter().zip(&names).map(|(Param { ty, borrowed, .. }, name)| match borrowed {
        true => quote!(&#name),
        false => convert(Way::Lift, types, ty, quote!(#name)),
    });
    let call = called(&quote!(#function(#(#arguments),*)), *init);
    match &signature.output {
        Some(ty) => {
            let (output, value) = (bound(types, ty, bindings), convert(Way::Lower, types, ty, call));
            quote!(fn #method(#(#params),*) -> #output { #value })
        }
        None => quote!(fn #method(#(#params),*) { #call }),
    }
}

/// The call of a function: one that is marked `#[init]` owns its arguments, so that they are gone when it is over.
fn called(call: &TokenStream, init: bool) -> TokenStream {
    match init {
        true => quote!(::purefork_guest::__private::init(move || #call)),
        false => call.clone(),
    }
}

/// A type as the bindings have it.
fn bound(types: &Types, ty: &Ty, bindings: &TokenStream) -> TokenStream {
    let inner = |ty: &Ty| bound(types, ty, bindings);
    match ty {
        Ty::Plain("string") => quote!(::std::string::String),
        Ty::Plain(name) => {
            let rust = name::rust_number(name);
            quote!(::core::primitive::#rust)
        }
        Ty::Tensor => quote!(::purefork_guest::Tensor),
        Ty::TensorType => quote!(::purefork_guest::TensorType),
        Ty::Own(index) => {
            let name = name::camel(&types.own[*index].name);
            quote!(#bindings::#name)
        }
        Ty::List(ty) => {
            let ty = inner(ty);
            quote!(::std::vec::Vec<#ty>)
        }
        Ty::Option(ty) => {
            let ty = inner(ty);
            quote!(::core::option::Option<#ty>)
        }
        Ty::Result(ok, err) => {
            let side = |ty: &Option<Box<Ty>>| ty.as_ref().map_or(quote!(()), |ty| inner(ty));
            let (ok, err) = (side(ok), side(err));
            quote!(::core::result::Result<#ok, #err>)
        }
        Ty::Tuple(parts) => {
            let parts = parts.iter().map(inner);
            quote!((#(#parts,)*))
        }
    }
}

/// A case that only a caller makes is no dead code.
fn allow_unused(module: &mut Module, types: &Types) {
    let exported = |ident: &syn::Ident| types.own.iter().any(|own| own.ident == *ident);
    for item in &mut module.items {
        match item {
            Item::Struct(item) if exported(&item.ident) => item.attrs.push(syn::parse_quote!(#[allow(dead_code)])),
            Item::Enum(item) if exported(&item.ident) => item.attrs.push(syn::parse_quote!(#[allow(dead_code)])),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::expand;
    use quote::quote;

    /// Every error of a module whose WIT was written by hand.
    fn errors(world: &str, items: proc_macro2::TokenStream) -> Vec<String> {
        let attribute = quote!(wit = "../tests/wit", world = #world);
        match expand(attribute, quote!(mod by_hand { #items })) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|error| error.to_string()).collect(),
        }
    }

    #[test]
    fn a_module_has_what_its_world_exports_and_no_more() {
        let items = quote! {
            pub fn double(n: u32) -> u32 { 2 * n }
            pub fn triple(n: u32) -> u32 { 3 * n }
        };
        assert_eq!(
            errors("example", items),
            [
                "the world `example` does not export `triple`: add it to the WIT, or leave out the `pub`",
                "the world `example` exports `mirror`, which the module lacks: add `pub fn mirror`",
                "the world `example` exports `run`, which the module lacks: add `pub fn run`",
                "the world `example` exports `sum`, which the module lacks: add `pub fn sum`",
            ]
        );
    }

    #[test]
    fn what_is_forked_is_in_the_world_s_fork_interface() {
        let items = quote! {
            extern "purefork" {
                fn elsewhere(n: u32);
                fn greet(name: &str, twice: bool) -> String;
            }
            pub fn double(n: &u32) -> u32 { 2 * n }
            pub fn mirror(points: Vec<wit::Point>) -> Vec<wit::Point> { points }
            pub fn sum(x: Tensor) -> f32 { 0.0 }
            pub fn run(n: u32, m: u32) -> u32 { n }
        };
        assert_eq!(
            errors("example", items),
            [
                "the functions of a WIT written by hand take owned values: `String`, `Vec<T>`",
                "`run` has 1 parameter in the world `example`, not 2",
                "the world `example` has no resource `elsewhere` in its interface `fork`",
                "`greet` has 1 parameter in the world `example`, not 2",
            ]
        );
    }

    #[test]
    fn what_is_marked_init_returns_nothing_and_has_no_resource() {
        let items = quote! {
            #[init]
            pub fn double(n: u32) -> u32 { 2 * n }
            pub fn mirror(points: Vec<wit::Point>) -> Vec<wit::Point> { points }
            pub fn sum(x: Tensor) -> f32 { 0.0 }
            pub fn run(n: u32) -> u32 { n }
        };
        assert_eq!(
            errors("example", items),
            ["an `#[init]` function returns nothing, or `Result<(), E>`: what it loads stays in a `static`"]
        );
        let items = quote!(
            #[init]
            pub fn load(bytes: Vec<u8>) -> Result<(), String> {
                Ok(())
            }
            #[init]
            pub fn reset() {}
        );
        assert_eq!(
            errors("loading", items),
            [
                "`reset` is marked `#[init]`, and the world `loading` has a resource `reset` in its interface `fork`: what a fork changes is lost; leave one out"
            ]
        );
    }

    #[test]
    fn a_world_that_is_not_there_is_an_error() {
        let items = quote!(
            pub fn double(n: u32) -> u32 {
                2 * n
            }
        );
        assert_eq!(errors("other", items), ["World `other` not found in package `example:by-hand`"]);
    }

    #[test]
    fn the_wit_of_a_module_is_derived() {
        let module = quote! {
            mod example {
                /// A place.
                pub struct Place { pub x: f64, /** Why. */ pub r#type: Kind }
                pub enum Kind { Good, VeryBad }
                pub enum Answer { None, Some(Vec<(u8, Option<Place>)>) }
                extern "purefork" { fn elsewhere(tensor: &Tensor); }
                /// Finds a place.
                ///
                /// Or not.
                pub fn find_it(texts: &[String], kind: Kind) -> Result<Answer, ()> { Err(()) }
                pub fn place(kind: Kind) -> Place { Place { x: 0.0, r#type: kind } }
                /// Loads it all.
                #[init]
                pub fn load(places: Vec<Place>) -> Result<(), String> { Ok(()) }
            }
        };
        let module = crate::module::Module::take_apart(syn::parse2(module).unwrap()).unwrap();
        let types = crate::types::Types::resolve(&module).unwrap();
        let derived = crate::derive::derive(&module, &types, "some-crate", "example");
        let (own, _) = derived.text.split_once("\npackage purefork:types").unwrap();
        assert_eq!(own, include_str!("derived.wit"));
        crate::world::World::derived(&derived.text, "example").unwrap();
    }
}
