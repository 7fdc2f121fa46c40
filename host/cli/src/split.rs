//! Splits the words after `run` into purefork's and the function's.
//!
//! The function's parameters are given as options too, and their names are not known before the module is read. So there is a
//! rule. Before `--`, an option that purefork has is purefork's. The first two words that are not options are MODULE and
//! FUNCTION. Everything else after FUNCTION, and everything after `--`, is the function's. If `--` stands before FUNCTION, the
//! word after it is FUNCTION, unless MODULE is a program.

use crate::report::Usage;
use std::ffi::{OsStr, OsString};

/// One argument of the function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TypedArg {
    /// The parameter, unless it is given by position.
    pub(crate) name: Option<String>,
    /// The value's text.
    pub(crate) value: String,
}

/// The words, split.
#[derive(Debug, Default)]
pub(crate) struct Split {
    /// Options, then `--`, MODULE and FUNCTION.
    pub(crate) ours: Vec<OsString>,
    /// FUNCTION, if it stands after `--`, so that its name may look like an option; or the first argument of a program.
    pub(crate) after: Option<String>,
    /// The function's arguments.
    pub(crate) given: Vec<TypedArg>,
    /// The same as plain words, as a program takes them, with `after`.
    pub(crate) words: Vec<OsString>,
    /// What is wrong with the first word that is no argument of a function.
    pub(crate) wrong: Option<Usage>,
    /// Whether help on MODULE was asked for.
    pub(crate) help: bool,
}

/// Splits the words after `run`. `takes_value`: whether an option of purefork's takes a value, by its name with the dashes; none if
/// it is not purefork's, or is a short one without a value. Words are wrong if a parameter's name has no value after it, or an
/// argument is not Unicode; but a program takes any words.
pub(crate) fn split(typed: &[OsString], takes_value: impl Fn(&str) -> Option<bool>) -> Split {
    let mut split = Split::default();
    let mut words: Vec<OsString> = Vec::new();
    let mut typed = typed.iter();
    while let Some(word) = typed.next() {
        let named = !words.is_empty();
        let complete = words.len() == 2;
        match word.to_str().unwrap_or_default() {
            "--" => {
                if words.is_empty() {
                    words.extend(typed.next().cloned());
                }
                if words.len() == 1
                    && let Some(word) = typed.next()
                {
                    split.name(word);
                }
                while let Some(word) = typed.next() {
                    split.add(word, &mut typed);
                }
            }
            "-h" | "--help" if named => split.help = true,
            option if option.starts_with("--") || takes_value(option).is_some() => match takes_value(name(option)) {
                Some(takes) => {
                    split.ours.push(word.clone());
                    if takes && !option.contains('=') {
                        split.value(typed.next());
                    }
                }
                None if complete => split.add(word, &mut typed),
                None => split.ours.push(word.clone()),
            },
            _ if complete => split.add(word, &mut typed),
            // A short option may have its value attached. Any other word with one dash is taken for FUNCTION.
            option if is_short(option) && (!named || takes_value(short(option)).is_some()) => {
                split.ours.push(word.clone());
            }
            _ => words.push(word.clone()),
        }
    }
    split.ours.push("--".into());
    split.ours.append(&mut words);
    split
}

impl Split {
    /// Adds the value of the option that was added last. A value with a dash is attached, so that it is not taken for an option.
    fn value(&mut self, value: Option<&OsString>) {
        let Some(value) = value else { return };
        let bytes = value.as_encoded_bytes();
        let last = self.ours.last_mut().filter(|_| bytes.len() > 1 && bytes[0] == b'-' && bytes[1] != b'-');
        match last {
            Some(option) => {
                if option.as_encoded_bytes().starts_with(b"--") {
                    option.push("=");
                }
                option.push(value);
            }
            None => self.ours.push(value.clone()),
        }
    }

    /// Adds the first word after `--`, if there was no FUNCTION before.
    fn name(&mut self, word: &OsString) {
        match unicode(word) {
            Ok(name) => self.after = Some(name.to_owned()),
            Err(wrong) => drop(self.wrong.get_or_insert(wrong)),
        }
        self.words.push(word.clone());
    }

    /// Adds the argument that starts with `word`.
    fn add(&mut self, word: &OsString, rest: &mut std::slice::Iter<'_, OsString>) {
        let after = rest.as_slice();
        match given(word, rest) {
            Ok(given) => self.given.push(given),
            Err(wrong) => drop(self.wrong.get_or_insert(wrong)),
        }
        self.words.push(word.clone());
        self.words.extend_from_slice(&after[..after.len() - rest.len()]);
    }
}

/// The option's name: without a value after `=`.
fn name(option: &str) -> &str {
    option.split_once('=').map_or(option, |(name, _)| name)
}

/// Whether the word is one dash and more.
fn is_short(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-') && !word.starts_with("--")
}

/// A short option without an attached value.
fn short(option: &str) -> &str {
    option.char_indices().nth(2).map_or(option, |(end, _)| &option[..end])
}

/// The argument that starts with `word`.
fn given<'a>(word: &OsStr, rest: &mut (impl Iterator<Item = &'a OsString> + Clone)) -> Result<TypedArg, Usage> {
    let text = unicode(word)?;
    let Some(option) = text.strip_prefix("--").filter(|option| !option.is_empty()) else {
        return Ok(TypedArg { name: None, value: text.to_owned() });
    };
    if let Some((name, value)) = option.split_once('=') {
        return Ok(TypedArg { name: Some(name.to_owned()), value: value.to_owned() });
    }
    // A word with two dashes is the next name: a value that begins so has to be given after `=`.
    match rest.clone().next() {
        Some(value) if !value.as_encoded_bytes().starts_with(b"--") => {
            rest.next();
            Ok(TypedArg { name: Some(option.to_owned()), value: unicode(value)?.to_owned() })
        }
        _ => {
            let option = option.escape_debug();
            Err(Usage::new(format!("expected a value after `--{option}`"))
                .with_help(format!("write `--{option} VALUE` or `--{option}=VALUE`")))
        }
    }
}

fn unicode(word: &OsStr) -> Result<&str, Usage> {
    word.to_str().ok_or_else(|| {
        Usage::new(format!(
            "expected an argument in UTF-8, but was given `{}`",
            word.display().to_string().escape_debug()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ours | given`, the latter as `name=value` or `value`.
    fn told_apart(line: &str) -> String {
        let typed: Vec<OsString> = line.split(' ').map(Into::into).collect();
        let known = |name: &str| match name {
            "--fuel" | "-o" => Some(true),
            "--json" => Some(false),
            _ => None,
        };
        match split(&typed, known) {
            Split { wrong: Some(wrong), .. } => wrong.to_string(),
            split => {
                let ours = split.ours.iter().map(|word| word.to_str().unwrap_or("?"));
                let given = split.given.into_iter().map(|given| match given.name {
                    Some(name) => format!("{name}={}", given.value),
                    None => given.value,
                });
                let help = if split.help { " | help" } else { "" };
                let after = split.after.map(|name| format!("({name}) ")).unwrap_or_default();
                format!("{} | {after}{}{help}", ours.collect::<Vec<_>>().join(" "), given.collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[test]
    fn options_of_purefork_may_stand_anywhere_before_the_dashes() {
        assert_eq!(told_apart("--json m.wasm --fuel 3 f 1 --fuel=4 2"), "--json --fuel 3 --fuel=4 -- m.wasm f | 1 2");
    }

    #[test]
    fn a_short_option_is_one_only_as_a_whole() {
        assert_eq!(told_apart("-o p m f 1 -o q -ox"), "-o p -o q -- m f | 1 -ox");
        assert_eq!(told_apart("m f -- -o 1 --o 2"), "-- m f | -o 1 o=2");
    }

    #[test]
    fn what_follows_the_dashes_is_the_functions() {
        assert_eq!(told_apart("m f 1 -- --fuel 3 --json=4 --help 5"), "-- m f | 1 fuel=3 json=4 help=5");
        assert_eq!(told_apart("m f -- --"), "-- m f | --");
    }

    #[test]
    fn a_name_like_an_option_stands_after_the_dashes() {
        assert_eq!(told_apart("m -- f"), "-- m | (f) ");
        assert_eq!(told_apart("--json m --fuel 3 -- --json 1 --a 2"), "--json --fuel 3 -- m | (--json) 1 a=2");
        assert_eq!(told_apart("m --help -- --help"), "-- m | (--help)  | help");
        assert_eq!(told_apart("-- --m f 1"), "-- --m | (f) 1");
        assert_eq!(told_apart("m --"), "-- m | ");
        assert_eq!(told_apart("--"), "-- | ");
    }

    #[test]
    fn what_begins_with_one_dash_after_the_module_is_the_function() {
        assert_eq!(told_apart("m -5 3"), "-- m -5 | 3");
        assert_eq!(told_apart("m -x -y"), "-- m -x | -y");
        assert_eq!(told_apart("m -o p -op f"), "-o p -op -- m f | ");
    }

    #[test]
    fn an_options_value_may_begin_with_a_dash() {
        assert_eq!(told_apart("m f --fuel -5 -o -x -o - --fuel --json"), "--fuel=-5 -o-x -o - --fuel --json -- m f | ");
    }

    #[test]
    fn a_value_may_start_with_one_dash() {
        assert_eq!(told_apart("m f -5 -inf --a -7 --b=-8"), "-- m f | -5 -inf a=-7 b=-8");
    }

    #[test]
    fn an_unknown_option_before_the_function_is_not_taken_for_a_parameter() {
        assert_eq!(told_apart("--a 1 m f"), "--a -- 1 m | f");
        assert_eq!(told_apart("-x m f"), "-x -- m f | ");
    }

    #[test]
    fn help_is_about_the_module_once_there_is_one() {
        assert_eq!(told_apart("--help"), "--help -- | ");
        assert_eq!(told_apart("m -h"), "-- m |  | help");
        assert_eq!(told_apart("m f 1 --help"), "-- m f | 1 | help");
    }

    #[test]
    fn a_program_takes_any_words_as_they_are() {
        let typed: Vec<OsString> = "m f --a 1 --json --b=2 -c -- --d --fuel 3 --".split(' ').map(Into::into).collect();
        let split = split(&typed, |name| (name == "--json").then_some(false));
        assert_eq!(split.words, ["--a", "1", "--b=2", "-c", "--d", "--fuel", "3", "--"]);
    }

    #[test]
    fn a_parameter_without_a_value_is_an_error() {
        assert_eq!(told_apart("m f --a"), "expected a value after `--a`");
        assert_eq!(told_apart("m f --a --b 1"), "expected a value after `--a`");
    }
}
