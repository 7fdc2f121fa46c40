//! Which file of a crate knows which other: by what it imports, and by the paths that it writes out.
//!
//! A name that a module re-exports is the file's that defines it. The re-export alone is not knowledge; but what a file
//! re-exports and uses as well, it knows. Comments, texts and what is compiled for tests alone are left out.

use crate::sources::sources;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::slice;

/// The files of a crate, each by its path below `src`, and the files that each knows.
pub type Known = BTreeMap<String, BTreeSet<String>>;

/// What the files below a crate's `src` know of each other.
///
/// # Panics
///
/// If a file cannot be read.
pub fn known(src: &Path) -> Known {
    let read = |path: &Path| fs::read_to_string(path).expect("a source file is readable");
    let name = |path: &Path| path.strip_prefix(src).expect("it is below").to_string_lossy().replace('\\', "/");
    known_among(sources(src).iter().map(|path| (name(path), read(path))))
}

/// As [`known`], of files by name and text.
fn known_among(files: impl IntoIterator<Item = (String, String)>) -> Known {
    let files: Vec<(String, File)> = files.into_iter().map(|(name, text)| (name, File::of(&text))).collect();
    let mut modules: BTreeMap<Vec<String>, &(String, File)> =
        files.iter().map(|file| (module_of(&file.0), file)).collect();
    let for_tests: Vec<Vec<String>> = modules
        .iter()
        .flat_map(|(module, (_, file))| {
            file.for_tests.iter().map(|test| [module.as_slice(), slice::from_ref(test)].concat())
        })
        .collect();
    modules.retain(|module, _| !for_tests.iter().any(|test| module.starts_with(test)));
    let tree = Tree(modules);
    let mut known = Known::new();
    for (module, (name, file)) in &tree.0 {
        let mut others = BTreeSet::new();
        for import in &file.imports {
            // Of what is re-exported alone, the module that asks for it knows the place.
            if import.public && (import.glob || !file.uses.contains(&import.name)) {
                continue;
            }
            others.extend(tree.files(module, &import.path, import.glob));
        }
        for path in &file.paths {
            others.extend(tree.files(module, path, false));
        }
        others.remove(name);
        known.insert(name.clone(), others);
    }
    known
}

/// The circles: sets of files each of which knows, by way of others, each other. Those of one file are left out.
pub fn circles(known: &Known) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = known
        .keys()
        .map(|from| {
            let (mut reached, mut left) = (BTreeSet::new(), vec![from]);
            while let Some(file) = left.pop() {
                left.extend(known.get(file).into_iter().flatten().filter(|next| reached.insert(*next)));
            }
            (from, reached)
        })
        .collect();
    let circle = |file: &String| -> Vec<String> {
        reached[file].iter().filter(|other| reached[**other].contains(file)).map(|other| (*other).clone()).collect()
    };
    let circles: BTreeSet<Vec<String>> = known.keys().map(circle).filter(|circle| circle.len() > 1).collect();
    circles.into_iter().collect()
}

/// The modules that are files.
struct Tree<'a>(BTreeMap<Vec<String>, &'a (String, File)>);

impl Tree<'_> {
    /// The files that define what a path in `module` leads to; more than one where that is all that a module has.
    fn files(&self, module: &[String], path: &[String], glob: bool) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.resolve(module, path, glob, &mut BTreeSet::new(), &mut found);
        found
    }

    fn resolve(
        &self,
        module: &[String],
        path: &[String],
        glob: bool,
        seen: &mut BTreeSet<(Vec<String>, Vec<String>)>,
        found: &mut BTreeSet<String>,
    ) {
        if !seen.insert((module.to_vec(), path.to_vec())) {
            return;
        }
        let Some((mut at, mut rest)) = self.start(module, path) else { return };
        while let [next, after @ ..] = rest {
            let child = [at.as_slice(), slice::from_ref(next)].concat();
            if !self.0.contains_key(&child) {
                break;
            }
            (at, rest) = (child, after);
        }
        let Some((name, file)) = self.0.get(&at).copied() else { return };
        let Some(item) = rest.first() else {
            found.insert(name.clone());
            for import in file.imports.iter().filter(|import| glob && import.public) {
                self.resolve(&at, &import.path, import.glob, seen, found);
            }
            return;
        };
        let mut elsewhere = false;
        if !file.defined.contains(item) {
            let all: Vec<&Import> = file.imports.iter().filter(|import| !import.glob && import.name == *item).collect();
            for import in &all {
                elsewhere = true;
                self.resolve(&at, &[import.path.as_slice(), &rest[1..]].concat(), glob, seen, found);
            }
            // What nothing here names is of one of the modules whose all is re-exported.
            for import in file.imports.iter().filter(|import| all.is_empty() && import.glob && import.public) {
                let before = found.len();
                self.resolve(&at, &[import.path.as_slice(), rest].concat(), glob, seen, found);
                elsewhere |= found.len() > before;
            }
        }
        if !elsewhere {
            found.insert(name.clone());
        }
    }

    /// Where in the crate a path begins, and what is left of it; none if in another crate.
    fn start<'p>(&self, module: &[String], path: &'p [String]) -> Option<(Vec<String>, &'p [String])> {
        let mut at = module.to_vec();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => (at, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {}
            // A module within this one, or what is imported here.
            name => {
                let file = &self.0.get(module)?.1;
                let inside = self.0.contains_key(&[module, &[name.to_owned()]].concat());
                let imported = file.imports.iter().any(|import| import.name == name && import.path != path);
                return (inside || imported).then_some((at, rest));
            }
        }
        while let [first, after @ ..] = rest
            && first == "super"
        {
            at.pop()?;
            rest = after;
        }
        Some((at, rest))
    }
}

/// The module that a file is.
fn module_of(name: &str) -> Vec<String> {
    let mut module: Vec<String> = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// One name that a `use` brings.
#[derive(Debug, Default, PartialEq)]
struct Import {
    path: Vec<String>,
    /// What it is called here.
    name: String,
    glob: bool,
    public: bool,
}

/// What a file says of others.
#[derive(Default)]
struct File {
    imports: Vec<Import>,
    /// Paths that are written out, beside imports.
    paths: Vec<Vec<String>>,
    /// Names that are defined here, and all words, beside imports.
    defined: BTreeSet<String>,
    uses: BTreeSet<String>,
    /// Modules of files of their own that are compiled for tests alone.
    for_tests: Vec<String>,
}

/// The words after which a name is defined.
const DEFINES: [&str; 9] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"];

impl File {
    fn of(text: &str) -> File {
        let mut file = File::default();
        let words = words(&without_text(text));
        let words = file.without_tests(&words);
        // How many modules within the file a place is in, and at which depth of braces each began.
        let (mut inner, mut depth) = (Vec::new(), 0);
        let mut at = 0;
        while at < words.len() {
            let next = |by: usize| words.get(at + by).map_or("", String::as_str);
            match words[at].as_str() {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    inner.pop_if(|began| *began == depth);
                }
                "mod" if next(2) == "{" => {
                    inner.push(depth);
                    file.defined.insert(next(1).to_owned());
                }
                "use" => {
                    let public = words[..at].iter().rev().take_while(|word| !";}{".contains(word.as_str()));
                    let public = public.clone().any(|word| word == "pub");
                    let mut imports = Vec::new();
                    at = tree(&words, at + 1, &[], &mut imports);
                    file.imports.extend(imports.into_iter().filter_map(|import| {
                        let path = outside(import.path, inner.len())?;
                        Some(Import { path, public: public && inner.is_empty(), ..import })
                    }));
                    continue;
                }
                word if DEFINES.contains(&word) => {
                    let name = if next(1) == "!" { next(2) } else { next(1) };
                    file.defined.insert(name.to_owned());
                }
                word if is_name(word) && (at == 0 || words[at - 1] != "::") => {
                    let mut path = vec![word.to_owned()];
                    let mut end = at + 1;
                    while words.get(end).is_some_and(|word| word == "::")
                        && words.get(end + 1).is_some_and(|word| is_name(word))
                    {
                        path.push(words[end + 1].clone());
                        end += 2;
                    }
                    file.uses.insert(word.to_owned());
                    let visibility = at > 1 && words[at - 1] == "in" && words[at - 2] == "(";
                    if path.len() > 1 && !visibility {
                        file.paths.extend(outside(path, inner.len()));
                    }
                    at = end;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        file
    }

    /// The words without items that are compiled for tests alone.
    fn without_tests(&mut self, words: &[String]) -> Vec<String> {
        const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
        let mut kept = Vec::new();
        let mut at = 0;
        while at < words.len() {
            if !words[at..].iter().map(String::as_str).take(ATTRIBUTE.len()).eq(ATTRIBUTE) {
                kept.push(words[at].clone());
                at += 1;
                continue;
            }
            at += ATTRIBUTE.len();
            let (mut depth, mut first) = (0, true);
            while let Some(word) = words.get(at) {
                match word.as_str() {
                    "(" | "[" | "{" => depth += 1,
                    "}" if depth == 0 => break,
                    ")" | "]" | "}" => depth -= 1,
                    "mod" if words.get(at + 2).is_some_and(|word| word == ";") => {
                        self.for_tests.push(words[at + 1].clone());
                    }
                    // A field, or a variant.
                    ":" if first && depth == 0 => first = false,
                    _ => {}
                }
                at += 1;
                let ends = match word.as_str() {
                    ";" => depth == 0,
                    "}" => depth == 0 && words.get(at).is_none_or(|word| word != ";"),
                    "," => depth == 0 && !first,
                    _ => false,
                };
                if ends {
                    break;
                }
            }
        }
        kept
    }
}

/// A path in modules within a file, as it would be written outside of them; none if it stays within them.
fn outside(mut path: Vec<String>, inner: usize) -> Option<Vec<String>> {
    for _ in 0..inner {
        match path.first()?.as_str() {
            "super" if path.get(1).is_some_and(|word| word == "super") => drop(path.remove(0)),
            "super" => path[0] = "self".to_owned(),
            "self" => return None,
            _ => break,
        }
    }
    Some(path)
}

/// Reads a tree of imports from a place on; returns the place behind it and its `;` or `,`.
fn tree(words: &[String], mut at: usize, before: &[String], found: &mut Vec<Import>) -> usize {
    let mut path = before.to_vec();
    let mut import = Import::default();
    while let Some(word) = words.get(at).map(String::as_str) {
        at += 1;
        match word {
            "{" => {
                while words.get(at).is_some_and(|word| word != "}") {
                    at = tree(words, at, &path, found);
                }
                at += 1;
                // It was the last of its own tree.
                path.clear();
            }
            "*" => import.glob = true,
            "as" => {
                import.name = words.get(at).cloned().unwrap_or_default();
                at += 1;
            }
            "," | ";" => break,
            "}" => {
                at -= 1;
                break;
            }
            "::" => {}
            "self" if !path.is_empty() => {}
            name => path.push(name.to_owned()),
        }
    }
    if let Some(last) = path.last() {
        if import.name.is_empty() {
            import.name.clone_from(last);
        }
        found.push(Import { path, ..import });
    }
    at
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::`, and every other sign by itself.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        // The mark of a raw name is none of it.
        if let Some(raw) = rest.strip_prefix("r#") {
            rest = raw;
            continue;
        }
        let length = match first {
            _ if is_part(first) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    words
}

/// The source without comments, and without what is in texts and characters.
fn without_text(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hashes = rest.trim_start_matches(['b', 'r']).chars().take_while(|c| *c == '#').count();
        let is_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let raw = ["r", "br"].iter().any(|mark| rest.strip_prefix(mark).is_some_and(|r| r[hashes..].starts_with('"')));
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)
        } else if raw && !is_word {
            let end = format!("\"{}", "#".repeat(hashes));
            let begin = rest.find('"').map_or(rest.len(), |at| at + 1);
            rest[begin..].find(&end).map_or(rest.len(), |at| begin + at + end.len())
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && (rest[1..].starts_with('\\') || rest[1..].chars().nth(1) == Some('\'')) {
            quoted(rest, '\'')
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[length..];
    }
    code
}

/// The length of a comment between marks, with those within it.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            [] => return at,
            _ => at += 1,
        }
    }
}

/// The length of a text between quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each of some files knows, as `file: known, known`; of made-up files `name: text`.
    fn knows(files: &[(&str, &str)]) -> Vec<String> {
        let known = known_among(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        let one = |(file, known): (&String, &BTreeSet<String>)| {
            format!("{file}: {}", known.iter().cloned().collect::<Vec<_>>().join(", "))
        };
        known.iter().filter(|(_, known)| !known.is_empty()).map(one).collect()
    }

    /// Three rooms, and a file that says something of them.
    fn asked(text: &str) -> Vec<String> {
        knows(&[
            ("lib.rs", "mod a; mod b; mod c; mod asks;"),
            ("a.rs", "pub struct A; pub fn f() {}"),
            ("b/mod.rs", "mod inner; pub(crate) use inner::Inner as Known; pub struct B; pub(crate) use inner::*;"),
            ("b/inner.rs", "pub struct Inner; pub fn all() {}"),
            ("c.rs", "pub struct C;"),
            ("asks.rs", text),
        ])
    }

    #[test]
    fn lists_in_braces_are_read_to_the_end() {
        assert_eq!(asked("use crate::{a::A, b::{B, inner}, c};"), ["asks.rs: a.rs, b/inner.rs, b/mod.rs, c.rs"]);
        assert_eq!(asked("use crate::{a::{self, f}, /* crate::b, */ c::C,};"), ["asks.rs: a.rs, c.rs"]);
        assert_eq!(asked("use super::{\n    c::C,\n    a,\n};"), ["asks.rs: a.rs, c.rs"]);
    }

    #[test]
    fn what_is_re_exported_is_its_own_files() {
        assert_eq!(asked("use crate::b::Known;"), ["asks.rs: b/inner.rs"]);
        assert_eq!(asked("use crate::b::Known as Other;"), ["asks.rs: b/inner.rs"]);
        assert_eq!(asked("use crate::b::all;"), ["asks.rs: b/inner.rs"]);
        assert_eq!(asked("use crate::b::B;"), ["asks.rs: b/mod.rs"]);
        assert_eq!(asked("use crate::b::*;"), ["asks.rs: b/inner.rs, b/mod.rs"]);
    }

    #[test]
    fn paths_that_are_written_out_count() {
        assert_eq!(asked("fn f() { crate::a::f(); }"), ["asks.rs: a.rs"]);
        assert_eq!(asked("fn f(_: &super::b::Known) {}"), ["asks.rs: b/inner.rs"]);
        assert_eq!(asked("use crate::b as room; fn f(_: room::Known) {}"), ["asks.rs: b/inner.rs, b/mod.rs"]);
        assert_eq!(asked("pub(in crate::a) fn f() { other::crate_a::f() }"), [""; 0]);
    }

    #[test]
    fn a_module_within_a_file_is_of_the_file() {
        assert_eq!(asked("mod own { use super::super::a::A; use super::Other; use self::x::Y; }"), ["asks.rs: a.rs"]);
        assert_eq!(asked("mod own { fn f() {} } use super::c::C;"), ["asks.rs: c.rs"]);
    }

    #[test]
    fn comments_and_texts_say_nothing() {
        let text = r##"
            // use crate::a;
            /* crate::a /* crate::b */ crate::c */
            /// [`crate::a`]
            const TEXT: &str = "crate::a::f()\" crate::b";
            const RAW: &str = r#"use crate::a; " crate::b"#;
            const BYTES: (&[u8], char, char) = (br"crate::a", '"', '\'');
            fn lifetime<'a>(_: &'a crate::c::C) {}
        "##;
        assert_eq!(asked(text), ["asks.rs: c.rs"]);
    }

    #[test]
    fn tests_are_left_out() {
        let text = "
            #[cfg(test)] mod tests { use crate::a::A; fn f() { crate::b::all() } }
            #[cfg(test)] use crate::{a};
            #[cfg(test)] fn f(_: [u8; 3]) { crate::a::f() }
            struct Own { #[cfg(test)] field: crate::a::A, other: crate::c::C }";
        assert_eq!(asked(text), ["asks.rs: c.rs"]);
        let files = [("lib.rs", "mod a; #[cfg(test)] mod tests;"), ("a.rs", ""), ("tests.rs", "use crate::a;")];
        assert_eq!(knows(&files), [""; 0]);
    }

    #[test]
    fn a_re_export_is_knowledge_where_it_is_used_too() {
        let files = |more| {
            let room = format!("mod x; pub(crate) use x::X; {more}");
            knows(&[("lib.rs", "mod m;"), ("m/mod.rs", &room), ("m/x.rs", "pub struct X;")])
        };
        assert_eq!(files(""), [""; 0]);
        assert_eq!(files("fn f(_: X) {}"), ["m/mod.rs: m/x.rs"]);
        assert_eq!(files("fn f(_: x::X) {}"), ["m/mod.rs: m/x.rs"]);
    }

    #[test]
    fn circles_are_found_and_told_apart() {
        let known = |edges: &[(&str, &str)]| {
            let mut known = Known::new();
            for (from, to) in edges {
                known.entry((*to).to_owned()).or_default();
                known.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            }
            circles(&known)
        };
        assert_eq!(known(&[("a", "b"), ("b", "c"), ("a", "c")]), [[""; 0]; 0]);
        assert_eq!(known(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]), [["a", "b", "c"]]);
        let two = known(&[("a", "b"), ("b", "a"), ("b", "x"), ("x", "y"), ("y", "x")]);
        assert_eq!(two, [["a", "b"], ["x", "y"]]);
    }
}
