//! Names for messages: everything a guest names itself by is hostile text until it went through here.

use std::collections::HashMap;
use std::fmt::Write as _;

use wasmparser::{KnownCustom, Name, NameSectionReader, Parser, Payload};

use super::facts::Param;
use crate::value::Type;

/// The most bytes that [`shown`] gives for one name.
const MAX_SHOWN: usize = 80;

/// The names of the `name` section. The section means nothing to the engine: what is wrong in it is
/// left out, and no name is taken twice.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub(super) module: Option<&'a str>,
    functions: Vec<Option<&'a str>>,
    /// The readers of the names of locals; read once the exported functions are known.
    locals: Option<wasmparser::IndirectNameMap<'a>>,
    seen: bool,
}

impl<'a> Names<'a> {
    /// Reads a custom section, if it is the first one with names in it. `functions` is the number of
    /// functions; a name for an index beyond is dropped.
    pub(super) fn read(&mut self, section: &KnownCustom<'a>, functions: usize) {
        let KnownCustom::Name(reader) = section else { return };
        if self.seen {
            return;
        }
        self.seen = true;
        self.functions.resize(functions, None);
        self.read_subsections(reader.clone());
    }

    /// The name of the function of this index, as the guest wrote it.
    pub(super) fn function(&self, index: u32) -> Option<&'a str> {
        self.functions.get(index as usize).copied().flatten()
    }

    /// The names of the first `most` locals of each of the functions in `wanted`.
    pub(super) fn locals(&self, wanted: &[u32], most: usize) -> HashMap<u32, Vec<Option<&'a str>>> {
        let mut found: HashMap<u32, Vec<Option<&'a str>>> = wanted.iter().map(|index| (*index, Vec::new())).collect();
        let Some(locals) = &self.locals else { return found };
        for function in locals.clone().into_iter().map_while(Result::ok) {
            let Some(names) = found.get_mut(&function.index) else { continue };
            for local in function.names.into_iter().map_while(Result::ok) {
                let index = local.index as usize;
                if index < most {
                    if names.len() <= index {
                        names.resize(index + 1, None);
                    }
                    if names[index].is_none() {
                        names[index] = Some(local.name);
                    }
                }
            }
        }
        found
    }

    fn read_subsections(&mut self, reader: NameSectionReader<'a>) {
        for part in reader.into_iter().map_while(Result::ok) {
            match part {
                Name::Module { name, .. } if self.module.is_none() => self.module = Some(name),
                Name::Function(names) => {
                    for naming in names.into_iter().map_while(Result::ok) {
                        if let Some(slot @ None) = self.functions.get_mut(naming.index as usize)
                            && !naming.name.is_empty()
                        {
                            *slot = Some(naming.name);
                        }
                    }
                }
                Name::Local(names) if self.locals.is_none() => self.locals = Some(names),
                _ => {}
            }
        }
    }
}

/// `name` in a form that is safe in a terminal and in a sentence: what does not print, and what could
/// close a quotation, is escaped; what is too long is cut.
pub(crate) fn shown(name: &str) -> String {
    shown_within(name, MAX_SHOWN)
}

/// As [`shown`], for the name of a function: without what toolchains add to it, and as it was written in Rust.
pub(crate) fn shown_function(name: &str) -> String {
    // How the component model marks exports of a core module.
    let name = name.strip_prefix("cm32p2||").unwrap_or(name);
    let mut plain = Bounded(String::new());
    // What is too long ends in an error here, and is cut below.
    let _ = match rustc_demangle::try_demangle(name) {
        Ok(demangled) => write!(plain, "{demangled:#}"),
        Err(_) => return shown(name),
    };
    shown(&plain.0)
}

/// A text that does not grow beyond what is shown: a mangled name may stand for a far longer one.
struct Bounded(String);

impl std::fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.push_str(text);
        if self.0.len() > 4 * MAX_SHOWN { Err(std::fmt::Error) } else { Ok(()) }
    }
}

/// As [`shown`], for texts that may be longer than a name.
pub(crate) fn shown_within(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let before = out.len();
        match c {
            '\'' | '"' => out.push(c),
            '`' => out.push_str("\\`"),
            _ => out.extend(c.escape_debug()),
        }
        if out.len() > most {
            out.truncate(before);
            out.push('…');
            break;
        }
    }
    out
}

/// The name of the function of this index in a core module, fit to be shown.
pub(crate) fn function_name(module: &[u8], index: u32) -> String {
    let mut names = Names::default();
    for payload in Parser::new(0).parse_all(module).map_while(Result::ok) {
        if let Payload::CustomSection(section) = payload {
            names.read(&section.as_known(), index as usize + 1);
        }
    }
    names.function(index).map_or_else(|| format!("func[{index}]"), shown_function)
}

/// The parameters of a function, each with a name that no other has: the local's name where it can
/// serve as a keyword, else `p` and the position.
pub(super) fn params(types: &[Type], names: &[Option<&str>]) -> Vec<Param> {
    let mut uses: HashMap<String, u32> = HashMap::new();
    for name in names.iter().take(types.len()).flatten() {
        if is_keyword(name) {
            *uses.entry(folded(name)).or_default() += 1;
        }
    }
    let named = |(i, ty): (usize, &Type)| {
        let own = format!("p{i}");
        let name = names.get(i).copied().flatten().filter(|name| {
            is_keyword(name) && uses.get(&folded(name)) == Some(&1) && (!is_positional(name) || *name == own)
        });
        Param { name: name.map_or(own, str::to_owned), ty: ty.clone() }
    };
    types.iter().enumerate().map(named).collect()
}

/// Names that differ in `-` and `_` alone cannot both be keywords.
fn folded(name: &str) -> String {
    name.replace('-', "_")
}

fn is_keyword(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= MAX_SHOWN
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// `p0`, `p1`, …: a name that could be taken for the position it does not stand at.
fn is_positional(name: &str) -> bool {
    name.strip_prefix('p').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}
