//! A WIT world that says what a core module's functions take and give.

use super::scripted::{Scripted, wrong};
use crate::error::Result;
use crate::escape::{escaped, printable};
use crate::ir::lifted::name_of;
use crate::value::Type;
use wit_parser::{FunctionKind, Resolve, TypeDefKind, WorldItem};

/// The most that is shown of what the parser says.
const MAX_SHOWN: usize = 500;

/// The functions that a world exports, each with the script that its comment holds: from a line on that begins with `=`.
///
/// # Errors
///
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if it is no world, or a function has types that a core module is not called with.
pub(crate) fn functions(text: &str) -> Result<Vec<Scripted>> {
    // A world needs a package; in front of it, on the same line, so that places in messages stay right.
    let has_package = text.lines().any(|line| line.trim_start().starts_with("package "));
    let text = if has_package { text.to_owned() } else { format!("package local:module; {text}") };
    let mut resolve = Resolve::default();
    let broken = |error: String| wrong(format!("the WIT world is wrong: {}", printable(&error, MAX_SHOWN)));
    let package = resolve.push_source("world", &text).map_err(|error| broken(format!("{error:#}")))?;
    let world = resolve.select_world(&[package], None).map_err(|error| broken(format!("{error:#}")))?;
    let mut functions = Vec::new();
    for (key, item) in &resolve.worlds[world].exports {
        let name = resolve.name_world_key(key);
        let WorldItem::Function(function) = item else {
            return Err(wrong(format!("the WIT world exports `{}`, which is no function", escaped(&name)))
                .with_help("export functions themselves: a core module has no interfaces"));
        };
        if !matches!(function.kind, FunctionKind::Freestanding) {
            return Err(wrong(format!("`{}` is no plain function", escaped(&name))));
        }
        let of = |ty: &wit_parser::Type, what: String| {
            converted(&resolve, ty).ok_or_else(|| {
                wrong(format!("`{}`: {what} has a type that a core module is not called with", escaped(&name)))
                    .with_help("there are numbers, `bool`, `char`, `string`, and lists of numbers")
            })
        };
        let params = function
            .params
            .iter()
            .map(|param| Ok((param.name.clone(), of(&param.ty, format!("its parameter `{}`", escaped(&param.name)))?)));
        let params = params.collect::<Result<Vec<_>>>()?;
        let result = function.result.as_ref().map(|ty| of(ty, "its result".to_owned())).transpose()?;
        let comment = function.docs.contents.as_deref().unwrap_or_default();
        functions.push(Scripted { name: function.name.clone(), params, result: Some(result), script: script(comment) });
    }
    match functions.is_empty() {
        true => Err(wrong("the WIT world exports no function")
            .with_help("write `world m { export f: func(data: list<u8>) -> u32; }`")),
        false => Ok(functions),
    }
}

/// The script in a comment.
fn script(comment: &str) -> Option<String> {
    let mut lines = comment.lines().skip_while(|line| !line.trim_start().starts_with('='));
    let first = lines.next()?.trim_start().strip_prefix('=')?;
    Some(std::iter::once(first).chain(lines).collect::<Vec<_>>().join("\n"))
}

fn converted(resolve: &Resolve, ty: &wit_parser::Type) -> Option<Type> {
    use wit_parser::Type as W;
    let ty = match ty {
        W::Bool => Type::Bool,
        W::U8 => Type::U8,
        W::U16 => Type::U16,
        W::U32 => Type::U32,
        W::U64 => Type::U64,
        W::S8 => Type::S8,
        W::S16 => Type::S16,
        W::S32 => Type::S32,
        W::S64 => Type::S64,
        W::F32 => Type::F32,
        W::F64 => Type::F64,
        W::Char => Type::Char,
        W::String => Type::String,
        W::Id(id) => match &resolve.types[*id].kind {
            TypeDefKind::Type(ty) => converted(resolve, ty)?,
            TypeDefKind::List(element) => Type::list(converted(resolve, element)?),
            _ => return None,
        },
        _ => return None,
    };
    name_of(&ty).map(|_| ty)
}
