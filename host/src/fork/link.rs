//! Which function an imported name means.

use super::program::Program;
use crate::audit::{Facts, FunctionFacts, LinkFacts, shown};
use crate::error::{Error, ErrorKind, Result};
use crate::value::Type;
use std::sync::Arc;

/// The function behind an imported name.
pub(super) enum Target {
    /// An export of the module itself.
    Own(u32),
    /// An export of a linked module.
    Linked(Arc<Program>, u32),
    /// Nothing provides it yet.
    Missing,
}

/// A provider's name for the module itself.
const SELF: &str = "self";

/// Finds what each of the module's links means, among its own exports and those of the modules linked to it.
///
/// # Errors
///
/// [`ErrorKind::Link`], if a function does not have the type with which it is imported, or if two providers have one
/// of that name.
pub(super) fn resolve(facts: &Facts, providers: &[(String, Arc<Program>)]) -> Result<Vec<Target>> {
    facts.forks.iter().map(|link| target(facts, providers, link)).collect()
}

fn target(facts: &Facts, providers: &[(String, Arc<Program>)], link: &LinkFacts) -> Result<Target> {
    let name = &*link.name;
    let mut found = candidates(facts, providers, None, name);
    // A name may have a `#` in it; so it says which provider is meant only if nothing is called that as a whole.
    if found.is_empty()
        && let Some((provider, name)) = name.split_once('#')
    {
        found = candidates(facts, providers, Some(provider), name);
    }
    if found.len() > 1 {
        let names =
            found.iter().map(|(provider, _)| format!("`{}`", shown(provider))).collect::<Vec<_>>().join(" and ");
        let first = shown(found[0].0);
        let name = shown(name);
        return Err(Error::new(ErrorKind::Link, format!("`fork` `{name}` is provided by {names}"))
            .with_help(format!("import it as `{first}#{name}` to say which")));
    }
    let Some((_, target)) = found.pop() else { return Ok(Target::Missing) };
    let function = match &target {
        Target::Own(number) => &facts.functions[*number as usize],
        Target::Linked(program, number) => &program.facts.functions[*number as usize],
        Target::Missing => return Ok(Target::Missing),
    };
    fits(link, function)?;
    Ok(target)
}

/// The functions called `name`, of one provider or of all, each with its provider's name.
fn candidates<'a>(
    facts: &Facts,
    providers: &'a [(String, Arc<Program>)],
    wanted: Option<&str>,
    name: &str,
) -> Vec<(&'a str, Target)> {
    let is_wanted = |provider: &str| wanted.is_none_or(|wanted| wanted == provider);
    let own = find(facts, name).filter(|_| is_wanted(SELF)).map(|number| (SELF, Target::Own(number)));
    let linked = providers.iter().filter(|(provider, _)| is_wanted(provider)).filter_map(|(provider, program)| {
        Some((provider.as_str(), Target::Linked(program.clone(), find(&program.facts, name)?)))
    });
    own.into_iter().chain(linked).collect()
}

/// The error for a name that nothing provides.
pub(super) fn missing(link: &LinkFacts) -> Error {
    let name = shown(&link.name);
    Error::new(ErrorKind::Link, format!("nothing provides `{name}`, which the module forks as {}", imported(link)))
        .with_help(format!("export `{name}`, or link a module that does (`Module::link`, `--link`)"))
}

fn find(facts: &Facts, name: &str) -> Option<u32> {
    let number = facts.functions.iter().position(|function| function.name == name)?;
    u32::try_from(number).ok()
}

fn fits(link: &LinkFacts, function: &FunctionFacts) -> Result<()> {
    let same_params = function.params.iter().map(|param| param.ty).eq(link.params.iter().copied());
    let same_results = link.results.as_ref().is_none_or(|results| *results == function.results);
    if same_params && same_results {
        return Ok(());
    }
    let params: Vec<_> = function.params.iter().map(|param| param.ty).collect();
    let name = shown(&link.name);
    Err(Error::new(
        ErrorKind::Link,
        format!("`{name}` is {}, but it is imported as {}", ty(&params, Some(&function.results)), imported(link)),
    )
    .with_help("`fork` takes the function's parameters and gives an i32, `wait` takes that and gives its results"))
}

fn imported(link: &LinkFacts) -> String {
    ty(&link.params, link.results.as_deref())
}

fn ty(params: &[Type], results: Option<&[Type]>) -> String {
    let list = |types: &[Type]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let results = results.map_or_else(|| "…".to_owned(), |results| format!("({})", list(results)));
    format!("({}) -> {results}", list(params))
}
