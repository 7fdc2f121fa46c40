//! `#[init]`: the mark of a function that is run once, before the state that every call starts from is kept.

use syn::{Attribute, Error, Item, Meta, Result, Visibility};

/// For a function that is in no module of ours.
pub(crate) const ELSEWHERE: &str = "`#[init]` marks a `pub fn` of a module that is marked `#[purefork_guest::module]`";

/// Takes the mark off an item, and says whether it was there.
pub(crate) fn take(item: &mut Item) -> Result<bool> {
    let attributes = match item {
        Item::Fn(item) => &mut item.attrs,
        Item::Static(item) => return refuse(&item.attrs, "`#[init]` marks the function that writes to a `static`"),
        _ => return Ok(false),
    };
    let Some(place) = attributes.iter().position(is_init) else { return Ok(false) };
    let mark = attributes.remove(place);
    if !matches!(mark.meta, Meta::Path(_)) {
        let text = "`#[init]` takes nothing: what to load with are the function's parameters";
        return Err(Error::new_spanned(mark, text));
    }
    if let Some(again) = attributes.iter().find(|attribute| is_init(attribute)) {
        return Err(Error::new_spanned(again, "`#[init]` is given twice"));
    }
    match item {
        Item::Fn(function) if !matches!(function.vis, Visibility::Public(_)) => Err(Error::new_spanned(
            &function.sig,
            "an `#[init]` function is called from without, by `purefork preinit`: mark it `pub`",
        )),
        _ => Ok(true),
    }
}

/// For a declaration of another module's function.
pub(crate) fn refuse_linked(attributes: &[Attribute]) -> Result<()> {
    refuse(attributes, "a function of another module loads nothing here: what a fork changes is lost").map(|_| ())
}

fn refuse(attributes: &[Attribute], text: &str) -> Result<bool> {
    match attributes.iter().find(|attribute| is_init(attribute)) {
        Some(mark) => Err(Error::new_spanned(mark, text)),
        None => Ok(false),
    }
}

fn is_init(attribute: &Attribute) -> bool {
    is_marked(attribute, "init")
}

/// Whether an attribute is a mark of ours: by its bare name, or as `purefork_guest::init`.
pub(crate) fn is_marked(attribute: &Attribute, mark: &str) -> bool {
    let segments: Vec<_> = attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    segments == [mark] || segments == ["purefork_guest", mark]
}
