//! Between the module's own types and those that the bindings made of the same WIT.
//!
//! Only what holds a type of the module's own is converted; all else is the same type on both sides.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::name;
use crate::types::{Kind, Own, Ty, Types};

/// Which way a value goes.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// From the module to the bindings.
    Lower,
    /// From the bindings to the module.
    Lift,
}

impl Way {
    fn function(self, own: &Own) -> Ident {
        let way = match self {
            Way::Lower => "lower",
            Way::Lift => "lift",
        };
        format_ident!("{way}_{}", name::snake(&own.name))
    }
}

/// An expression for `value`, an expression itself, on the other side.
pub(crate) fn convert(way: Way, types: &Types, ty: &Ty, value: TokenStream) -> TokenStream {
    if !ty.is_own() {
        return value;
    }
    let inner = |ty: &Ty| convert(way, types, ty, quote!(part));
    match ty {
        Ty::Plain(_) | Ty::Tensor | Ty::TensorType => value,
        Ty::Own(index) => {
            let function = way.function(&types.own[*index]);
            quote!(#function(#value))
        }
        Ty::List(ty) => {
            let part = inner(ty);
            quote!(#value.into_iter().map(|part| #part).collect::<::std::vec::Vec<_>>())
        }
        Ty::Option(ty) => {
            let part = inner(ty);
            quote!(#value.map(|part| #part))
        }
        Ty::Result(ok, err) => {
            let side = |ty: &Option<Box<Ty>>| ty.as_ref().map_or(quote!(part), |ty| inner(ty));
            let (ok, err) = (side(ok), side(err));
            quote!(match #value {
                ::core::result::Result::Ok(part) => ::core::result::Result::Ok(#ok),
                ::core::result::Result::Err(part) => ::core::result::Result::Err(#err),
            })
        }
        Ty::Tuple(parts) => {
            let names: Vec<_> = (0..parts.len()).map(|index| format_ident!("part_{index}")).collect();
            let parts = parts.iter().zip(&names).map(|(ty, name)| convert(way, types, ty, quote!(#name)));
            quote!({ let (#(#names,)*) = #value; (#(#parts,)*) })
        }
    }
}

/// The functions that `convert` calls: two for each type of the module's own.
pub(crate) fn functions(types: &Types, bindings: &TokenStream) -> TokenStream {
    let both = types.own.iter().map(|own| {
        let (here, name) = (&own.ident, name::camel(&own.name));
        let (module, bindings) = (quote!(super::super::#here), quote!(#bindings::#name));
        let lower = function(Way::Lower, types, own, &module, &bindings);
        let lift = function(Way::Lift, types, own, &bindings, &module);
        quote!(#lower #lift)
    });
    quote!(#(#both)*)
}

fn function(way: Way, types: &Types, own: &Own, from: &TokenStream, to: &TokenStream) -> TokenStream {
    let function = way.function(own);
    let body = match own.kind {
        Kind::Record => {
            let fields = own.members.iter().map(|member| {
                let (from, to) = names(way, own.kind, member);
                let value = quote!(value.#from);
                let value = member.ty.as_ref().map_or(value.clone(), |ty| convert(way, types, ty, value));
                quote!(#to: #value)
            });
            quote!(#to { #(#fields,)* })
        }
        Kind::Enum | Kind::Variant => {
            let cases = own.members.iter().map(|member| {
                let (here, there) = names(way, own.kind, member);
                match &member.ty {
                    Some(ty) => {
                        let part = convert(way, types, ty, quote!(part));
                        quote!(#from::#here(part) => #to::#there(#part))
                    }
                    None => quote!(#from::#here => #to::#there),
                }
            });
            quote!(match value { #(#cases,)* })
        }
    };
    quote! {
        pub(in super::super) fn #function(value: #from) -> #to { #body }
    }
}

/// A member's name where the value comes from, and where it goes.
fn names(way: Way, kind: Kind, member: &crate::types::Member) -> (Ident, Ident) {
    let here = member.ident.clone();
    let there = if kind == Kind::Record { name::snake(&member.name) } else { name::camel(&member.name) };
    match way {
        Way::Lower => (here, there),
        Way::Lift => (there, here),
    }
}
