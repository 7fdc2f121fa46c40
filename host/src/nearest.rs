//! Did you mean …?

/// Longer names are not compared: it takes time in proportion to the product of two lengths.
const LONGEST: usize = 64;

/// A hint at the known name that is most like `given`, if one is like it.
pub(crate) fn did_you_mean<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    if given.len() > LONGEST {
        return None;
    }
    let (name, likeness) = known
        .filter(|name| name.len() <= LONGEST)
        .map(|name| (name, strsim::jaro_winkler(given, name)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (likeness > 0.8).then(|| format!("did you mean `{}`?", crate::audit::shown(name)))
}
