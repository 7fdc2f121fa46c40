//! How the bindings want a forked function's arguments: lists and strings lent, the rest given.
//!
//! This mirrors what wit-bindgen generates for the parameters of imported functions: what holds no list
//! is passed by value; of all else the outermost named types, lists and strings are references.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use wit_parser::{Resolve, Type, TypeDefKind};

/// The argument for a parameter of type `ty`, from a variable of the owned type.
pub(crate) fn lend(resolve: &Resolve, ty: &Type, variable: &TokenStream) -> TokenStream {
    if holds_list(resolve, ty) { lent(resolve, ty, &quote!((&#variable))) } else { quote!(#variable) }
}

/// Whether a value of this type has parts on the heap.
pub(crate) fn holds_list(resolve: &Resolve, ty: &Type) -> bool {
    let holds = |ty: &Type| holds_list(resolve, ty);
    let Type::Id(id) = ty else { return *ty == Type::String };
    match &resolve.types[*id].kind {
        TypeDefKind::List(_) | TypeDefKind::Map(..) => true,
        TypeDefKind::Type(ty) | TypeDefKind::Option(ty) => holds(ty),
        TypeDefKind::Record(record) => record.fields.iter().any(|field| holds(&field.ty)),
        TypeDefKind::Variant(variant) => variant.cases.iter().filter_map(|case| case.ty.as_ref()).any(holds),
        TypeDefKind::Tuple(tuple) => tuple.types.iter().any(holds),
        TypeDefKind::Result(result) => result.ok.iter().chain(&result.err).any(holds),
        _ => false,
    }
}

/// From a reference to what the bindings take.
fn lent(resolve: &Resolve, ty: &Type, reference: &TokenStream) -> TokenStream {
    let id = match ty {
        Type::String => return quote!(#reference.as_str()),
        Type::Id(id) => *id,
        _ => return quote!(*#reference),
    };
    match &resolve.types[id].kind {
        TypeDefKind::Type(Type::String) => quote!(#reference.as_str()),
        TypeDefKind::Type(ty @ Type::Id(_)) => lent(resolve, ty, reference),
        TypeDefKind::List(_) => quote!(#reference.as_slice()),
        _ if resolve.types[id].name.is_some() => reference.clone(),
        TypeDefKind::Option(ty) => {
            let some = lent(resolve, ty, &quote!(some));
            quote!(#reference.as_ref().map(|some| #some))
        }
        TypeDefKind::Result(result) => {
            let side = |ty: &Option<Type>| ty.as_ref().map_or(quote!(()), |ty| lent(resolve, ty, &quote!(side)));
            let (ok, err) = (side(&result.ok), side(&result.err));
            quote!(match #reference { Ok(side) => Ok(#ok), Err(side) => Err(#err) })
        }
        TypeDefKind::Tuple(tuple) => {
            let names: Vec<_> = (0..tuple.types.len()).map(|index| format_ident!("part_{index}")).collect();
            let parts = tuple.types.iter().zip(&names).map(|(ty, name)| lent(resolve, ty, &quote!(#name)));
            quote!({ let (#(#names,)*) = #reference; (#(#parts,)*) })
        }
        _ => reference.clone(),
    }
}
