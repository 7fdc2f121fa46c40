//! Which function an imported name means.

use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use crate::ir::{Facts, FunctionDef, LinkFacts};
use crate::value::Type;

/// The function behind an imported name.
#[derive(Clone)]
pub(super) enum Target {
    /// An export of the module itself.
    Own(u32),
    /// An export of a linked module: which of the providers, and its function.
    Provided(usize, u32),
    /// Nothing provides it yet.
    Missing,
}

/// A provider's name for the module itself.
pub(super) const SELF: &str = "self";

/// What is linked to a module, each by its name.
type Providers<'a> = [(&'a str, &'a Facts)];

/// Finds what each of the module's links means, among its own exports and those of the modules linked to it.
///
/// # Errors
///
/// [`ErrorKind::Link`], if a function does not have the type with which it is imported, or if two providers have one
/// of that name.
pub(super) fn resolve(facts: &Facts, providers: &Providers<'_>) -> Result<Vec<Link>> {
    facts.forks.iter().map(|link| target(facts, providers, link)).collect()
}

/// What an imported name means.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) target: Target,
    /// Whether `wait` gives the guest a failure as the `err` of its result.
    pub(super) catches: bool,
}

fn target(facts: &Facts, providers: &Providers<'_>, link: &LinkFacts) -> Result<Link> {
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
            found.iter().map(|(provider, _)| format!("`{}`", escaped(provider))).collect::<Vec<_>>().join(" and ");
        let first = escaped(found[0].0);
        let name = escaped(name);
        let help = if facts.component {
            format!("a resource of `fork` cannot say which: link only one module that exports `{name}`")
        } else {
            format!("import it as `{first}#{name}` to say which")
        };
        return Err(Error::new(ErrorKind::Link, format!("`fork` `{name}` is provided by {names}")).with_help(help));
    }
    let Some((_, target)) = found.pop() else { return Ok(Link { target: Target::Missing, catches: false }) };
    let function = match &target {
        Target::Own(number) => &facts.functions[*number as usize],
        Target::Provided(provider, number) => &providers[*provider].1.functions[*number as usize],
        Target::Missing => return Ok(Link { target, catches: false }),
    };
    let catches = fits(link, function, facts.component)?;
    Ok(Link { target, catches })
}

/// The functions called `name`, of one provider or of all, each with its provider's name.
fn candidates<'a>(
    facts: &Facts,
    providers: &Providers<'a>,
    wanted: Option<&str>,
    name: &str,
) -> Vec<(&'a str, Target)> {
    let is_wanted = |provider: &str| wanted.is_none_or(|wanted| wanted == provider);
    let own = find(facts, name).filter(|_| is_wanted(SELF)).map(|number| (SELF, Target::Own(number)));
    let linked = providers.iter().enumerate().filter(|(_, (called, _))| is_wanted(called));
    let linked = linked.filter_map(|(at, (called, facts))| Some((*called, Target::Provided(at, find(facts, name)?))));
    own.into_iter().chain(linked).collect()
}

/// The error for a name that nothing provides.
pub(super) fn missing(link: &LinkFacts) -> Error {
    let name = escaped(&link.name);
    Error::new(ErrorKind::Link, format!("nothing provides `{name}`, which the module forks as {}", imported(link)))
        .with_help(format!("export `{name}`, or link a module that does (`Module::link`, `--link`)"))
}

fn find(facts: &Facts, name: &str) -> Option<u32> {
    u32::try_from(facts.find(name)?).ok()
}

/// Compares the types of a link with its function's; returns whether `wait` catches failures.
fn fits(link: &LinkFacts, function: &FunctionDef, component: bool) -> Result<bool> {
    let same_params = pass(&function.params.iter().collect::<Vec<_>>(), &link.params.iter().collect::<Vec<_>>());
    let plain =
        |results: &[Type]| pass(&results.iter().collect::<Vec<_>>(), &function.results.iter().collect::<Vec<_>>());
    let catching = |results: &[Type]| match (results, function.results.as_slice()) {
        ([Type::Result(types)], [] | [_]) => {
            let ok: Vec<&Type> = types.0.iter().collect();
            pass(&ok, &function.results.iter().collect::<Vec<_>>()) && types.1 == Some(Type::String)
        }
        _ => false,
    };
    let wait = link.results.as_deref();
    let (plain, catches) = (wait.is_none_or(plain), wait.is_some_and(catching));
    if same_params && (plain || catches) && link.caught.as_deref().is_none_or(catching) {
        return Ok(!plain);
    }
    let name = escaped(&link.name);
    let given = ty(&function.params, Some(&function.results));
    let (imported, help) = match (&link.caught, plain || catches) {
        (Some(caught), true) if same_params => (
            format!("`try-wait` gives {}", list(caught)),
            format!("`try-wait` gives {}", Type::result(function.results.first().cloned(), Some(Type::String))),
        ),
        _ => (
            format!("it is imported as {}", imported(link)),
            if component {
                "the constructor takes the function's parameters, `wait` gives its result or, to catch failures, `result<…, string>`".to_owned()
            } else {
                "`fork` takes the function's parameters and gives an i32, `wait` takes that and gives its results"
                    .to_owned()
            },
        ),
    };
    Err(Error::new(ErrorKind::Link, format!("`{name}` is {given}, but {imported}")).with_help(help))
}

fn pass(a: &[&Type], b: &[&Type]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.passes_as(b))
}

fn imported(link: &LinkFacts) -> String {
    ty(&link.params, link.results.as_deref())
}

fn ty(params: &[Type], results: Option<&[Type]>) -> String {
    let results = results.map_or_else(|| "…".to_owned(), |results| format!("({})", list(results)));
    format!("({}) -> {results}", list(params))
}

fn list(types: &[Type]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
