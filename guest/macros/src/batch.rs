//! `#[batch]`: the mark of a function that is exported a second time, for many rows by one call.

use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{
    Attribute, Error, FnArg, GenericArgument, Item, ItemFn, Meta, Pat, PathArguments, Result, ReturnType, Type,
    TypePath, Visibility, parse_quote,
};

use crate::init::is_marked;

/// For a function that is in no module of ours.
pub(crate) const ELSEWHERE: &str = "`#[batch]` marks a `pub fn` of a module that is marked `#[purefork_guest::module]`";

const MARK: &str = "batch";

/// Takes the mark off an item, and gives the batch form of a function that had it.
pub(crate) fn take(item: &mut Item) -> Result<Option<ItemFn>> {
    let function = match item {
        Item::Fn(function) => function,
        Item::Static(item) => return refuse(&item.attrs, "`#[batch]` marks a function"),
        _ => return Ok(None),
    };
    let Some(place) = function.attrs.iter().position(|attribute| is_marked(attribute, MARK)) else { return Ok(None) };
    let mark = function.attrs.remove(place);
    if !matches!(mark.meta, Meta::Path(_)) {
        return Err(Error::new_spanned(mark, "`#[batch]` takes nothing: how many rows there are is up to the caller"));
    }
    if let Some(again) = function.attrs.iter().find(|attribute| is_marked(attribute, MARK)) {
        return Err(Error::new_spanned(again, "`#[batch]` is given twice"));
    }
    if let Some(init) = function.attrs.iter().find(|attribute| is_marked(attribute, "init")) {
        return Err(Error::new_spanned(init, "an `#[init]` function loads once and has no batch form: leave one out"));
    }
    if !matches!(function.vis, Visibility::Public(_)) {
        return Err(Error::new_spanned(
            &function.sig,
            "a function with a batch form is called from without: mark it `pub`",
        ));
    }
    form(function).map(Some)
}

/// For a declaration of another module's function.
pub(crate) fn refuse_linked(attributes: &[Attribute]) -> Result<()> {
    let text =
        "the batch form of a function is made where the function is: declare it by its name, such as `gcd_batch`";
    refuse(attributes, text).map(|_| ())
}

fn refuse(attributes: &[Attribute], text: &str) -> Result<Option<ItemFn>> {
    match attributes.iter().find(|attribute| is_marked(attribute, MARK)) {
        Some(mark) => Err(Error::new_spanned(mark, text)),
        None => Ok(None),
    }
}

/// The function for columns: `gcd(a: i64, b: i64) -> i64` gives `gcd_batch(a: Vec<i64>, b: Vec<i64>) -> Vec<i64>`.
fn form(function: &ItemFn) -> Result<ItemFn> {
    let (rows, signature) = (&function.sig.ident, &function.sig);
    let name = rows.unraw();
    let ident = format_ident!("{name}_batch", span = rows.span());
    let mut columns = Vec::new();
    for input in &signature.inputs {
        // What else there may be is refused where the function itself is read.
        if let FnArg::Typed(typed) = input
            && let Pat::Ident(param) = &*typed.pat
        {
            columns.push((param.ident.clone(), &*typed.ty));
        }
    }
    let Some((first, _)) = columns.first() else {
        return Err(Error::new_spanned(
            signature,
            "a function without parameters has no batch form: it has no columns",
        ));
    };
    let output = match &signature.output {
        ReturnType::Type(_, output) if !matches!(&**output, Type::Tuple(tuple) if tuple.elems.is_empty()) => &**output,
        _ => {
            return Err(Error::new_spanned(
                signature,
                "a function that returns nothing has no batch form: its calls change nothing that anybody sees",
            ));
        }
    };
    let params = columns.iter().map(|(name, ty)| {
        let ty = owned(ty);
        quote!(#name: ::std::vec::Vec<#ty>)
    });
    let lengths = columns[1..].iter().map(|(name, _)| {
        quote!(::purefork_guest::__private::same_length((stringify!(#first), #first.len()), (stringify!(#name), #name.len()));)
    });
    let (mut row, mut all) = (quote!(#first), quote!(#first.into_iter()));
    for (name, _) in &columns[1..] {
        (row, all) = (quote!((#row, #name)), quote!(#all.zip(#name)));
    }
    let arguments = columns.iter().map(|(name, ty)| match ty {
        Type::Reference(_) => quote!(&#name),
        _ => quote!(#name),
    });
    let call = quote!(#rows(#(#arguments),*));
    let (output, body) = match fallible(output) {
        Some((Type::Tuple(ok), _)) if ok.elems.is_empty() => (
            quote!(::core::result::Result<(), ::std::string::String>),
            quote!(::purefork_guest::__private::rows(#all.map(|#row| #call)).map(|_: ::std::vec::Vec<()>| ())),
        ),
        Some((ok, _)) => (
            quote!(::core::result::Result<::std::vec::Vec<#ok>, ::std::string::String>),
            quote!(::purefork_guest::__private::rows(#all.map(|#row| #call))),
        ),
        None => (quote!(::std::vec::Vec<#output>), quote!(#all.map(|#row| #call).collect())),
    };
    let docs = format!(
        "`{name}` of each row: the columns are of one length. All rows of a call have one state, so one may see what another has changed."
    );
    Ok(parse_quote! {
        #[doc = #docs]
        #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
        pub fn #ident(#(#params),*) -> #output {
            #(#lengths)*
            #body
        }
    })
}

/// A parameter's type as the element of a list, which owns what it holds.
fn owned(ty: &Type) -> Type {
    let Type::Reference(reference) = ty else { return ty.clone() };
    match &*reference.elem {
        Type::Path(path) if path.path.is_ident("str") => parse_quote!(::std::string::String),
        Type::Slice(slice) => {
            let element = &slice.elem;
            parse_quote!(::std::vec::Vec<#element>)
        }
        other => other.clone(),
    }
}

/// The two types of what is written as a `Result<T, E>`.
fn fallible(ty: &Type) -> Option<(&Type, &Type)> {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return None };
    let last = path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.next().zip(types.next())
}
