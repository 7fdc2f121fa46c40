//! The generated module `fork`: a function for every function that can be forked, and its future.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::convert::{Way, convert};
use crate::lend::lend;
use crate::module::{Function, Module};
use crate::name;
use crate::types::{Resolved, Types};
use crate::world::{Fork, World};

/// Where the parts are that a fork is made of.
pub(crate) struct Parts<'a> {
    pub(crate) module: &'a Module,
    pub(crate) world: &'a World,
    /// `None` where the WIT was written by hand: the module's types are the bindings' then.
    pub(crate) types: Option<&'a Types>,
    /// The bindings' module, as seen from within `fork`.
    pub(crate) bindings: TokenStream,
}

impl Parts<'_> {
    pub(crate) fn forks(&self) -> TokenStream {
        let forks = self.module.functions().enumerate().filter_map(|(index, function)| {
            if function.init {
                return Some(refused(function));
            }
            let fork = self.world.fork_of(&function.ident)?;
            Some(self.fork(function, index, fork))
        });
        quote! {
            /// Forks of the module's functions: each starts a call, and returns its future at once.
            #[allow(dead_code, unused_imports, unreachable_pub, private_interfaces)]
            pub mod fork {
                use super::*;
                #(#forks)*
            }
        }
    }

    fn resolved(&self, index: usize) -> Option<(&Types, &Resolved)> {
        let types = self.types?;
        Some((types, types.functions().nth(index)?))
    }

    fn fork(&self, function: &Function, index: usize, fork: &Fork) -> TokenStream {
        let (ident, future) = (&function.ident, name::future(&function.ident));
        let output = function.output.as_ref().map_or(quote!(()), |ty| quote!(#ty));
        let (names, types): (Vec<_>, Vec<_>) = function.params.iter().map(|(name, ty)| (name, ty)).unzip();
        let resource = name::camel(&name::kebab(ident).unwrap_or_default());
        let bindings = &self.bindings;
        let call = self.call(function, index);
        let start = self.start(function, index, fork);
        let waits = self.waits(function, index, fork, &output);
        let future_docs = format!("A call of `{ident}` that is under way.");
        let fork_docs = format!("Forks `{ident}`: starts a call of it, and returns the call's future at once.");
        quote! {
            #[doc = #future_docs]
            #[must_use = "a fork that nobody waits for is abandoned"]
            pub struct #future {
                #[cfg(target_arch = "wasm32")]
                future: #bindings::fork::#resource,
                #[cfg(not(target_arch = "wasm32"))]
                future: ::purefork_guest::__private::Called<#output>,
            }

            impl #future { #waits }

            impl ::purefork_guest::Wait for #future {
                type Output = #output;
                fn wait(self) -> #output { #future::wait(self) }
            }

            #[doc = #fork_docs]
            pub fn #ident(#(#names: #types),*) -> #future {
                #[cfg(target_arch = "wasm32")]
                { #start }
                #[cfg(not(target_arch = "wasm32"))]
                { #future { future: #call } }
            }
        }
    }

    /// Natively: the call itself, at once.
    fn call(&self, function: &Function, index: usize) -> TokenStream {
        let ident = &function.ident;
        let names: Vec<_> = function.params.iter().map(|(name, _)| name).collect();
        if index < self.module.exported.len() {
            return quote!(::purefork_guest::__private::Called::call(move || super::#ident(#(#names),*)));
        }
        let name = ident.to_string();
        quote!({
            #(let _ = #names;)*
            ::purefork_guest::__private::Called::elsewhere(#name)
        })
    }

    /// As wasm: a resource of the host's is made.
    fn start(&self, function: &Function, index: usize, fork: &Fork) -> TokenStream {
        let (bindings, future) = (&self.bindings, name::future(&function.ident));
        let resource = name::camel(&name::kebab(&function.ident).unwrap_or_default());
        let mut lowered = TokenStream::new();
        let mut arguments = Vec::new();
        for (place, (name, ty)) in function.params.iter().enumerate() {
            let param = self.resolved(index).and_then(|(types, own)| Some((types, own.params.get(place)?)));
            let borrowed = param.map_or(matches!(ty, syn::Type::Reference(_)), |(_, param)| param.borrowed);
            if borrowed {
                arguments.push(quote!(#name));
                continue;
            }
            let argument = format_ident!("argument_{place}");
            let value =
                param.map_or(quote!(#name), |(types, param)| convert(Way::Lower, types, &param.ty, quote!(#name)));
            lowered.extend(quote!(let #argument = #value;));
            arguments.push(match fork.params.get(place) {
                Some(ty) => lend(&self.world.resolve, ty, &quote!(#argument)),
                None => quote!(#argument),
            });
        }
        let converters = self.converters();
        quote! {
            #converters
            #lowered
            #future { future: #bindings::fork::#resource::new(#(#arguments),*) }
        }
    }

    fn waits(&self, function: &Function, index: usize, fork: &Fork, output: &TokenStream) -> TokenStream {
        let catches = self.world.wait_catches(&function.ident, fork);
        let lift = |value: TokenStream| match self.resolved(index) {
            Some((types, Resolved { output: Some(ty), .. })) => convert(Way::Lift, types, ty, value),
            _ => value,
        };
        let converters = self.converters();
        let wait = match catches {
            true => quote!(self.future.wait().unwrap_or_else(|failure| panic!("{failure}"))),
            false => lift(quote!(self.future.wait())),
        };
        let caught = match (fork.try_wait, catches) {
            (true, _) => Some(quote!(self.future.try_wait())),
            (false, true) => Some(quote!(self.future.wait())),
            (false, false) => None,
        };
        let try_wait = caught.map(|caught| {
            let value = lift(quote!(value));
            quote! {
                /// Waits for the call, and returns its result, or what it failed of.
                ///
                /// # Errors
                ///
                /// The call trapped, or came to one of its own limits; the text says which. A failure
                /// that is not the call's own, such as a timeout, is not caught.
                pub fn try_wait(self) -> ::core::result::Result<#output, ::std::string::String> {
                    #[cfg(target_arch = "wasm32")]
                    {
                        #converters
                        #caught.map(|value| #value)
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    { self.future.try_wait() }
                }
            }
        });
        quote! {
            /// Waits for the call, and returns its result. If the call failed, so does this one.
            pub fn wait(self) -> #output {
                #[cfg(target_arch = "wasm32")]
                {
                    #converters
                    #wait
                }
                #[cfg(not(target_arch = "wasm32"))]
                { self.future.wait() }
            }

            #try_wait
        }
    }

    fn converters(&self) -> TokenStream {
        match self.types {
            Some(types) if !types.own.is_empty() => quote!(
                use super::__purefork::convert::*;
            ),
            _ => TokenStream::new(),
        }
    }
}

/// In the place of a fork, for a function marked `#[init]`: whoever calls it is told why there is none.
fn refused(function: &Function) -> TokenStream {
    let ident = &function.ident;
    let (names, types): (Vec<_>, Vec<_>) = function.params.iter().map(|(name, ty)| (name, ty)).unzip();
    quote! {
        #[doc(hidden)]
        pub fn #ident<'fork>(#(#names: #types),*) -> ::purefork_guest::__private::Called<()>
        where
            ::purefork_guest::__private::Init<'fork>: ::purefork_guest::__private::CanBeForked,
        {
            #(let _ = #names;)*
            ::core::unreachable!()
        }
    }
}
