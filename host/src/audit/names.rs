//! The names that a guest gives its functions and their parameters, in custom sections that mean nothing to the engine.

use std::collections::HashMap;

use wasmparser::{KnownCustom, Name, NameSectionReader, Parser, Payload};

use crate::escape::{MAX_SHOWN, escaped_function};

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

/// The name of the function of this index in a core module, fit to be shown.
pub(crate) fn function_name(module: &[u8], index: u32) -> String {
    let mut names = Names::default();
    for payload in Parser::new(0).parse_all(module).map_while(Result::ok) {
        if let Payload::CustomSection(section) = payload {
            names.read(&section.as_known(), index as usize + 1);
        }
    }
    names.function(index).map_or_else(|| format!("func[{index}]"), escaped_function)
}

/// The names of a function's parameters, each its own: the local's name where it can serve as a keyword, else `p` and
/// the position.
pub(super) fn param_names(count: usize, names: &[Option<&str>]) -> Vec<String> {
    let mut uses: HashMap<String, u32> = HashMap::new();
    for name in names.iter().take(count).flatten() {
        if is_keyword(name) {
            *uses.entry(folded(name)).or_default() += 1;
        }
    }
    let named = |i: usize| {
        let own = format!("p{i}");
        let name = names.get(i).copied().flatten().filter(|name| {
            is_keyword(name) && uses.get(&folded(name)) == Some(&1) && (!is_positional(name) || *name == own)
        });
        name.map_or(own, str::to_owned)
    };
    (0..count).map(named).collect()
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
