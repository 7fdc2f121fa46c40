//! Types and signatures for a terminal: on one line where they fit, else broken like code.

use purefork::inspect::InspectedFunction;
use purefork::value::{Name, Type};

/// The columns that a line may take.
pub(crate) const WIDTH: usize = 100;

/// The most columns of a parameter that shares a line with others.
const BRIEF: usize = 40;

/// The type, in WIT; if it has more than a few words, with records and the like as `record {…}`.
pub(crate) fn brief(ty: &Type) -> String {
    ty.brief()
}

/// The type in full. Its first line starts at column `column`; the others, where it takes more, are indented by
/// `indent`.
pub(crate) fn full(ty: &Type, indent: usize, column: usize) -> String {
    let whole = ty.to_string();
    // Leave room for what follows: a comma or a bracket.
    if column + width(&whole) < WIDTH {
        return whole;
    }
    let inner = indent + 2;
    let pad = " ".repeat(inner);
    let block = |open: &str, lines: Vec<String>, close: &str| {
        let lines = lines.iter().map(|line| format!("{pad}{line},\n")).collect::<String>();
        format!("{open}\n{lines}{}{close}", " ".repeat(indent))
    };
    match ty {
        Type::Record(fields) => {
            let field = |(name, ty): &(Name, Type)| format!("{name}: {}", full(ty, inner, inner + width(name) + 2));
            block("record {", fields.iter().map(field).collect(), "}")
        }
        Type::Variant(cases) => {
            let case = |(name, ty): &(Name, Option<Type>)| match ty {
                Some(ty) => format!("{name}({})", full(ty, inner, inner + width(name) + 2)),
                None => name.to_string(),
            };
            block("variant {", cases.iter().map(case).collect(), "}")
        }
        Type::Enum(names) => block("enum {", filled(names, inner), "}"),
        Type::Flags(names) => block("flags {", filled(names, inner), "}"),
        Type::Tuple(types) => block("tuple<", types.iter().map(|ty| full(ty, inner, inner)).collect(), ">"),
        Type::List(element) => format!("list<{}>", full(element, indent, column + 5)),
        Type::Option(some) => format!("option<{}>", full(some, indent, column + 7)),
        Type::Result(types) => {
            let ok = types.0.as_ref().map(|ty| full(ty, indent, column + 7));
            let after = ok.as_deref().map_or(column + 8, |ok| last_column(ok, column + 7)) + 2;
            result(ok, types.1.as_ref().map(|ty| full(ty, indent, after)))
        }
        _ => whole,
    }
}

/// The signature in full, in as many lines as it takes, all but the first indented by `indent`.
pub(crate) fn signature(function: &InspectedFunction, indent: usize) -> String {
    let params: Vec<_> = function.params.iter().map(|param| (Some(param.name.as_str()), &param.ty)).collect();
    laid_out(&function.name, &params, Some(&function.results), indent, full)
}

/// The signature with what is long left out.
pub(crate) fn brief_signature(function: &InspectedFunction) -> String {
    let params: Vec<_> = function.params.iter().map(|param| (Some(param.name.as_str()), &param.ty)).collect();
    laid_out(&function.name, &params, Some(&function.results), 0, |ty, _, _| brief(ty))
}

/// As [`signature`], for a function of which only the types are known, or only those of the parameters.
pub(crate) fn types(name: &str, params: &[Type], results: Option<&[Type]>, indent: usize) -> String {
    let params: Vec<_> = params.iter().map(|ty| (None, ty)).collect();
    laid_out(name, &params, results, indent, full)
}

fn laid_out(
    name: &str,
    params: &[(Option<&str>, &Type)],
    results: Option<&[Type]>,
    indent: usize,
    lay: impl Fn(&Type, usize, usize) -> String,
) -> String {
    let param = |(name, ty): &(Option<&str>, &Type), indent: usize| match name {
        Some(name) => format!("{name}: {}", lay(ty, indent, indent + width(name) + 2)),
        None => lay(ty, indent, indent),
    };
    let results = |column: usize| match results {
        None | Some([]) => String::new(),
        Some([ty]) => format!(" -> {}", lay(ty, indent, column + 4)),
        Some(types) => format!(" -> ({})", types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    let whole = |(name, ty): &(Option<&str>, &Type)| {
        name.map_or_else(String::new, |name| format!("{name}: ")) + &ty.to_string()
    };
    let whole = params.iter().map(whole).collect::<Vec<_>>().join(", ");
    let brief = params.iter().map(|it| param(it, 0)).collect::<Vec<_>>().join(", ");
    // On one line, if it fits: in full, or as it is to be laid out.
    for line in [whole, brief] {
        let line = format!("{name}({line})");
        let line = format!("{line}{}", results(indent + width(&line)));
        if !line.contains('\n') && indent + width(&line) <= WIDTH {
            return line;
        }
    }
    let inner = indent + 2;
    let lines = params.iter().map(|it| param(it, inner)).collect::<Vec<_>>();
    let lines = if lines.iter().all(|line| width(line) <= BRIEF && !line.contains('\n')) {
        filled(&lines, inner)
    } else {
        lines
    };
    let lines = lines.iter().map(|line| format!("{}{line},\n", " ".repeat(inner))).collect::<String>();
    format!("{name}(\n{lines}{}){}", " ".repeat(indent), results(indent + 1))
}

/// The words, as many on a line as fit, with commas between them.
pub(crate) fn filled(words: &[impl AsRef<str>], indent: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        let word = word.as_ref();
        match lines.last_mut() {
            Some(line) if indent + width(line) + 2 + width(word) < WIDTH => {
                line.push_str(", ");
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn result(ok: Option<String>, err: Option<String>) -> String {
    match (ok, err) {
        (None, None) => "result".to_owned(),
        (Some(ok), None) => format!("result<{ok}>"),
        (ok, Some(err)) => format!("result<{}, {err}>", ok.as_deref().unwrap_or("_")),
    }
}

/// The column after `text`, which starts at `column`.
fn last_column(text: &str, column: usize) -> usize {
    match text.rsplit_once('\n') {
        Some((_, last)) => width(last),
        None => column + width(text),
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn point() -> Type {
        Type::record([("x", Type::F64), ("y", Type::F64), ("label", Type::option(Type::String))])
    }

    fn big() -> Type {
        let colours =
            ["red", "orange", "yellow", "green", "blue", "indigo", "violet", "black", "white", "grey", "brown"];
        Type::record([
            ("points", Type::list(point())),
            (
                "shape",
                Type::variant([("circle", Some(Type::F64)), ("polygon", Some(Type::list(point()))), ("all", None)]),
            ),
            ("colour", Type::enumeration(colours.iter().chain(&colours).copied())),
            ("pair", Type::tuple([Type::U8, Type::S64])),
            ("outcome", Type::result(Some(Type::list(Type::list(point()))), Some(Type::list(point())))),
        ])
    }

    #[test]
    fn what_is_long_is_broken_like_code() {
        expect![[r#"
            record {
              points: list<record { x: f64, y: f64, label: option<string> }>,
              shape: variant {
                circle(f64),
                polygon(list<record { x: f64, y: f64, label: option<string> }>),
                all,
              },
              colour: enum {
                red, orange, yellow, green, blue, indigo, violet, black, white, grey, brown, red, orange,
                yellow, green, blue, indigo, violet, black, white, grey, brown,
              },
              pair: tuple<u8, s64>,
              outcome: result<list<list<record { x: f64, y: f64, label: option<string> }>>, list<record {
                x: f64,
                y: f64,
                label: option<string>,
              }>>,
            }"#]]
        .assert_eq(&full(&big(), 0, 0));
    }

    #[test]
    fn what_is_long_can_be_left_out() {
        for (ty, text) in [
            (point(), "record {…}"),
            (Type::record([("x", Type::F64)]), "record { x: f64 }"),
            (Type::list(big()), "list<record {…}>"),
            (Type::result(None, Some(big())), "result<_, record {…}>"),
            (Type::tuple([big(), Type::option(big())]), "tuple<record {…}, option<record {…}>>"),
            (Type::tuple([big(), big(), big(), big()]), "tuple<…>"),
        ] {
            assert_eq!(brief(&ty), text);
        }
    }
}
