//! Names: Rust's, WIT's, and those that wit-bindgen makes of WIT's.

use std::collections::HashMap;

use heck::{ToKebabCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::Span;
use quote::format_ident;
use syn::ext::IdentExt;
use syn::{Error, Ident, Result};

/// The name in WIT of a Rust name: `merge_sort` and `MergeSort` are `merge-sort`.
pub(crate) fn kebab(ident: &Ident) -> Result<String> {
    let rust = ident.unraw().to_string();
    let refuse = |why: &str| Err(Error::new(ident.span(), format!("`{rust}` cannot be a name in WIT: {why}")));
    if !rust.is_ascii() {
        return refuse("it may have letters a to z, digits and dashes only");
    }
    if rust.starts_with('_') {
        return refuse("it would begin with a dash; leave out the underscore");
    }
    let kebab = rust.to_kebab_case();
    if kebab == "gen" {
        return refuse("the bindings would have it as a Rust name, and it is a keyword; use another word");
    }
    if let Some(word) = kebab.split('-').find(|word| !word.starts_with(|c: char| c.is_ascii_lowercase())) {
        return refuse(&format!(
            "in `{kebab}` the word `{word}` does not begin with a letter; join it to the one before"
        ));
    }
    Ok(kebab)
}

/// The name in WIT of a crate or a module: nobody calls it, so any will do that is one.
pub(crate) fn loose(rust: &str) -> String {
    let mut name = String::new();
    for word in rust.to_kebab_case().split('-') {
        let word: String = word.chars().filter(char::is_ascii).collect();
        if !name.is_empty() && word.starts_with(|c: char| c.is_ascii_lowercase()) {
            name.push('-');
        }
        name += &word;
    }
    if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("x{name}") }
}

/// The same as `kebab` for the names of one place: no two of them may be the same in WIT.
#[derive(Default)]
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    pub(crate) fn add(&mut self, ident: &Ident) -> Result<String> {
        let kebab = kebab(ident)?;
        match self.0.insert(kebab.clone(), ident.to_string()) {
            Some(other) if other == *ident.to_string() => {
                Err(Error::new(ident.span(), format!("`{ident}` is defined twice")))
            }
            Some(other) => {
                Err(Error::new(ident.span(), format!("`{other}` and `{ident}` are both `{kebab}` in WIT: rename one")))
            }
            None => Ok(kebab),
        }
    }
}

/// What wit-bindgen calls a function, a field or a module.
pub(crate) fn snake(kebab: &str) -> Ident {
    let snake = kebab.to_snake_case();
    if is_keyword(kebab) { format_ident!("{snake}_") } else { Ident::new(&snake, Span::call_site()) }
}

/// What wit-bindgen calls a type or a case.
pub(crate) fn camel(kebab: &str) -> Ident {
    match kebab {
        "guest" => format_ident!("Guest_"),
        _ => format_ident!("{}", kebab.to_upper_camel_case()),
    }
}

/// Rust's name of a number, a `bool` or a `char` of WIT.
pub(crate) fn rust_number(wit: &str) -> Ident {
    match wit.strip_prefix('s') {
        Some(bits) => format_ident!("i{bits}"),
        None => Ident::new(wit, Span::call_site()),
    }
}

/// What this crate calls the future of a function.
pub(crate) fn future(function: &Ident) -> Ident {
    format_ident!("{}Future", function.unraw().to_string().to_upper_camel_case(), span = function.span())
}

/// The keywords that wit-bindgen puts an underscore after.
fn is_keyword(name: &str) -> bool {
    const KEYWORDS: [&str; 50] = [
        "as", "break", "const", "continue", "crate", "else", "enum", "extern", "false", "fn", "for", "if", "impl",
        "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "static", "struct",
        "super", "trait", "true", "type", "unsafe", "use", "where", "while", "async", "await", "dyn", "abstract",
        "become", "box", "do", "final", "macro", "override", "priv", "typeof", "unsized", "virtual", "yield", "try",
    ];
    KEYWORDS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::loose;

    #[test]
    fn any_crate_has_a_name_in_wit() {
        let names = ["day-1", "advent_of_2024", "Ünder", "_x", "größe2"];
        assert_eq!(names.map(loose), ["day1", "advent-of2024", "nder", "x", "gre2"]);
    }
}
