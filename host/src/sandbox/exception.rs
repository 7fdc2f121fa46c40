//! What is said of an exception that nobody has caught.

use super::data::StoreData;
use super::error::Uncaught;
use crate::escape::escaped;
use std::fmt::Write as _;
use wasmtime::{AsContextMut, ExnRef, Extern, Rooted, StoreContextMut, Tag, ThrownException, Val};

/// The most values of an exception that are shown.
const MOST_VALUES: usize = 16;

/// The error, or where it is an exception on its way, an error that says which, and that nothing catches.
pub(super) fn ended(mut store: impl AsContextMut<Data = StoreData>, error: wasmtime::Error) -> wasmtime::Error {
    if !error.is::<ThrownException>() {
        return error;
    }
    let mut store = store.as_context_mut();
    let what = store.take_pending_exception().and_then(|exception| shown(&mut store, exception).ok());
    // Without the error as it was: a guest that called the host would catch that.
    Uncaught(what.unwrap_or_else(|| "an exception".to_owned())).into()
}

/// ``an exception of the tag `failed`: i32 7``
fn shown(store: &mut StoreContextMut<'_, StoreData>, exception: Rooted<ExnRef>) -> wasmtime::Result<String> {
    let tag = exception.tag(&mut *store)?;
    let mut text = "an exception".to_owned();
    if let Some(name) = exported(store, &tag) {
        let _ = write!(text, " of the tag `{}`", escaped(&name));
    }
    let count = exception.ty(&*store)?.fields().len();
    for at in 0..count.min(MOST_VALUES) {
        let value = match exception.field(&mut *store, at)? {
            Val::I32(value) => format!("i32 {value}"),
            Val::I64(value) => format!("i64 {value}"),
            Val::F32(bits) => format!("f32 {}", f32::from_bits(bits)),
            Val::F64(bits) => format!("f64 {}", f64::from_bits(bits)),
            Val::V128(value) => format!("v128 {:#034x}", value.as_u128()),
            _ => "a reference".to_owned(),
        };
        let _ = write!(text, "{} {value}", if at == 0 { ":" } else { "," });
    }
    if count > MOST_VALUES {
        let _ = write!(text, " … {} more", count - MOST_VALUES);
    }
    Ok(text)
}

/// The name under which an instance exports a tag.
fn exported(store: &mut StoreContextMut<'_, StoreData>, tag: &Tag) -> Option<String> {
    for instance in store.data().instances.instances.clone() {
        let tags = instance.exports(&mut *store).filter_map(|export| {
            let name = export.name().to_owned();
            match export.into_extern() {
                Extern::Tag(tag) => Some((name, tag)),
                _ => None,
            }
        });
        let tags: Vec<_> = tags.collect();
        if let Some((name, _)) = tags.into_iter().find(|(_, own)| Tag::eq(own, tag, &*store)) {
            return Some(name);
        }
    }
    None
}
