//! A tree as a value of a type.

use super::super::types::integer;
use super::super::types::range;
use super::super::{List, Name, Type, Value};
use super::fault::Fault;
use super::shown::{shown, unknown};
use super::tree::{Form, Label, Node, Syntax};
use std::fmt::{self, Write as _};
use std::sync::Arc;

pub(super) fn read(syntax: Syntax, text: &str, ty: &Type, node: &Node<'_>) -> Result<Value, Fault> {
    Reader { syntax, text, steps: Vec::new() }.value(ty, node)
}

struct Reader<'a> {
    syntax: Syntax,
    text: &'a str,
    /// From the whole value to the part that is read.
    steps: Vec<Step<'a>>,
}

/// As the library writes paths: `.points[2].x`.
#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Number(usize),
    Member(usize),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Name(name) => write!(f, ".{name}"),
            Step::Number(at) => write!(f, "[{at}]"),
            Step::Member(at) => write!(f, ".{at}"),
        }
    }
}

impl<'a> Reader<'a> {
    fn value(&mut self, ty: &'a Type, node: &Node<'_>) -> Result<Value, Fault> {
        match ty {
            Type::Bool => match node.form {
                Form::Bool(v) => Ok(Value::Bool(v)),
                _ => self.unlike(ty, node),
            },
            Type::F32 => self.float(ty, node, f32::is_finite).map(Value::F32),
            Type::F64 => self.float(ty, node, f64::is_finite).map(Value::F64),
            Type::Char => match &node.form {
                Form::Char(c) => Ok(Value::Char(*c)),
                Form::Text(text) if self.syntax == Syntax::Json => match (text.chars().next(), text.chars().nth(1)) {
                    (Some(c), None) => Ok(Value::Char(c)),
                    _ => self.unlike(ty, node),
                },
                _ => self.unlike(ty, node),
            },
            Type::String => match &node.form {
                Form::Text(text) => Ok(Value::from(&**text)),
                _ => self.unlike(ty, node),
            },
            Type::V128 => self.vector(ty, node),
            Type::List(element) => match &node.form {
                Form::List(values) => {
                    let values = self.each(values, Step::Number, std::iter::repeat(&**element))?;
                    Ok(Value::List(List::packed(values, element)))
                }
                _ => self.unlike(ty, node),
            },
            Type::Tuple(types) => match self.tuple(node) {
                Some(values) if values.len() == types.len() => {
                    Ok(Value::tuple(self.each(values, Step::Member, types.iter())?))
                }
                Some(values) => {
                    let (ty, n) = (ty.brief(), values.len());
                    let s = if n == 1 { "" } else { "s" };
                    self.fail(node.span.start, format!("expected {ty}, but was given {n} value{s}"))
                }
                None => self.unlike(ty, node),
            },
            Type::Record(fields) => match &node.form {
                Form::Record(given) => self.record(fields, node, given),
                _ => self.unlike(ty, node),
            },
            Type::Flags(names) => self.flags(ty, names, node),
            Type::Enum(names) => match self.case(node) {
                Some((name, at, None)) => match names.iter().find(|known| ***known == *name) {
                    Some(name) => Ok(Value::Enum(name.clone())),
                    None => self.fail(at, unknown("case", name, names.iter())),
                },
                _ => self.no_case(ty, names.iter(), node),
            },
            Type::Variant(cases) => match self.case(node) {
                Some((name, at, given)) => match cases.iter().find(|(known, _)| **known == *name) {
                    Some((name, ty)) => {
                        Ok(Value::Variant(name.clone(), self.payload(name, ty.as_ref(), given, node.span.start)?))
                    }
                    None => self.fail(at, unknown("case", name, cases.iter().map(|(name, _)| name))),
                },
                None => self.no_case(ty, cases.iter().map(|(name, _)| name), node),
            },
            Type::Option(some) => self.option(ty, some, node),
            Type::Result(types) => self.result(ty, types.0.as_ref(), types.1.as_ref(), node),
            integer!() => match self.integer(ty, node) {
                Some(value) => Ok(value),
                None => self.unlike(ty, node),
            },
        }
    }

    /// The text of a part.
    fn part(&self, node: &Node<'_>) -> &'a str {
        &self.text[node.span.clone()]
    }

    fn fail<T>(&self, at: usize, message: String) -> Result<T, Fault> {
        let mut path = String::new();
        for step in &self.steps {
            // Writing into a string does not fail.
            let _ = write!(path, "{step}");
        }
        Err(Fault { at, path, message })
    }

    fn unlike<T>(&self, ty: &Type, node: &Node<'_>) -> Result<T, Fault> {
        let (wanted, given) = (wanted(self.syntax, ty), shown(self.part(node)));
        self.fail(node.span.start, format!("expected {wanted}, but was given `{given}`"))
    }

    /// Reads a part. The step stays where it is if that fails.
    fn step(&mut self, step: Step<'a>, ty: &'a Type, node: &Node<'_>) -> Result<Value, Fault> {
        self.steps.push(step);
        let value = self.value(ty, node)?;
        self.steps.pop();
        Ok(value)
    }

    fn each(
        &mut self,
        nodes: &[Node<'_>],
        step: impl Fn(usize) -> Step<'a>,
        types: impl Iterator<Item = &'a Type>,
    ) -> Result<Vec<Value>, Fault> {
        let mut values = Vec::with_capacity(nodes.len());
        for ((at, node), ty) in nodes.iter().enumerate().zip(types) {
            values.push(self.step(step(at), ty, node)?);
        }
        Ok(values)
    }

    /// A whole number: one written so. `1.0` and `1e0` are none.
    fn integer(&self, ty: &Type, node: &Node<'_>) -> Option<Value> {
        if !matches!(node.form, Form::Number) {
            return None;
        }
        let v: i128 = self.part(node).parse().ok()?;
        Some(match ty {
            Type::I32 | Type::S32 => Value::I32(v.try_into().ok()?),
            Type::I64 | Type::S64 => Value::I64(v.try_into().ok()?),
            Type::S8 => Value::I8(v.try_into().ok()?),
            Type::U8 => Value::U8(v.try_into().ok()?),
            Type::S16 => Value::I16(v.try_into().ok()?),
            Type::U16 => Value::U16(v.try_into().ok()?),
            Type::U32 => Value::U32(v.try_into().ok()?),
            Type::U64 => Value::U64(v.try_into().ok()?),
            _ => return None,
        })
    }

    /// A float: the one that is nearest to what is written, of the type itself. By way of another, it would be rounded
    /// twice. Infinity has words of its own.
    fn float<T: std::str::FromStr + Copy>(
        &self,
        ty: &Type,
        node: &Node<'_>,
        is_finite: impl Fn(T) -> bool,
    ) -> Result<T, Fault> {
        let text = match &node.form {
            Form::Number => self.part(node),
            Form::Text(text) if self.syntax == Syntax::Json && WORDS.contains(&&**text) => text,
            _ => return self.unlike(ty, node),
        };
        match text.parse() {
            Ok(v) if is_finite(v) || WORDS.contains(&text) => Ok(v),
            Ok(_) => {
                let most = if *ty == Type::F32 { "3.4028235e38" } else { "1.7976931348623157e308" };
                let given = shown(text);
                let message = format!("expected {ty}, a number from -{most} to {most}, but was given `{given}`");
                self.fail(node.span.start, message)
            }
            Err(_) => self.unlike(ty, node),
        }
    }

    /// The values of what stands for a tuple.
    fn tuple<'n, 't>(&self, node: &'n Node<'t>) -> Option<&'n [Node<'t>]> {
        match (&node.form, self.syntax) {
            (Form::Tuple(values), _) | (Form::List(values), Syntax::Json) => Some(values),
            _ => None,
        }
    }

    fn vector(&mut self, ty: &Type, node: &Node<'_>) -> Result<Value, Fault> {
        static BYTE: Type = Type::U8;
        let Some(values) = self.tuple(node) else { return self.unlike(ty, node) };
        let values = self.each(values, Step::Member, std::iter::repeat(&BYTE))?;
        let bytes: Vec<u8> = values.iter().filter_map(|v| if let Value::U8(v) = v { Some(*v) } else { None }).collect();
        bytes.try_into().map(Value::V128).or_else(|_| self.unlike(ty, node))
    }

    fn record(
        &mut self,
        fields: &'a [(Name, Type)],
        node: &Node<'_>,
        given: &[(Label<'_>, Node<'_>)],
    ) -> Result<Value, Fault> {
        let mut values: Vec<Option<Value>> = vec![None; fields.len()];
        for (label, node) in given {
            let Some(number) = fields.iter().position(|(name, _)| **name == *label.name) else {
                return self.fail(label.at, unknown("field", &label.name, fields.iter().map(|(name, _)| name)));
            };
            let (name, ty) = &fields[number];
            if values[number].is_some() {
                return self.fail(label.at, format!("was given the field `{name}` twice"));
            }
            values[number] = Some(self.step(Step::Name(name), ty, node)?);
        }
        let values = fields.iter().zip(values).map(|((name, ty), value)| match value {
            Some(value) => Ok((name.clone(), value)),
            None if matches!(ty, Type::Option(_)) => Ok((name.clone(), Value::Option(None))),
            None => self.fail(node.span.start, format!("was not given the field `{name}`")),
        });
        Ok(Value::Record(values.collect::<Result<_, _>>()?))
    }

    fn flags(&mut self, ty: &Type, names: &'a [Name], node: &Node<'_>) -> Result<Value, Fault> {
        let given: Vec<(&str, usize)> = match (&node.form, self.syntax) {
            (Form::Flags(labels), _) => labels.iter().map(|label| (&*label.name, label.at)).collect(),
            (Form::List(labels), Syntax::Json) => {
                let labels = labels.iter().map(|label| match &label.form {
                    Form::Text(name) => Ok((&**name, label.span.start)),
                    _ => self.fail(
                        label.span.start,
                        format!("expected a flag's name, but was given `{}`", shown(self.part(label))),
                    ),
                });
                labels.collect::<Result<_, _>>()?
            }
            _ => return self.unlike(ty, node),
        };
        let mut set = vec![false; names.len()];
        for (flag, at) in given {
            match names.iter().position(|name| **name == *flag) {
                None => return self.fail(at, unknown("flag", flag, names.iter())),
                Some(number) if set[number] => return self.fail(at, format!("was given the flag `{flag}` twice")),
                Some(number) => set[number] = true,
            }
        }
        Ok(Value::Flags(names.iter().zip(set).filter(|(_, set)| *set).map(|(name, _)| name.clone()).collect()))
    }

    /// The name of the case that is given, where that begins, and the case's value. None if it is no case, or, in JSON,
    /// no object of one member.
    fn case<'n, 't>(&self, node: &'n Node<'t>) -> Option<(&'n str, usize, Option<&'n Node<'t>>)> {
        let at = node.span.start;
        match (&node.form, self.syntax) {
            (Form::Case(name, value), _) => Some((name, at, value.as_deref())),
            (Form::Text(name), Syntax::Json) => Some((name, at, None)),
            (Form::Record(members), Syntax::Json) => match members.as_slice() {
                [(label, value)] => Some((&label.name, label.at, Some(value))),
                _ => None,
            },
            _ => None,
        }
    }

    /// Tells what to write if a case is called like a word of the syntax.
    fn no_case<'n, T>(
        &self,
        ty: &Type,
        mut names: impl Iterator<Item = &'n Name>,
        node: &Node<'_>,
    ) -> Result<T, Fault> {
        let part = self.part(node);
        let word = match node.form {
            Form::Bool(_) | Form::Null | Form::Number | Form::None | Form::Some(_) | Form::Ok(_) | Form::Err(_) => {
                part.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
            }
            _ => "",
        };
        match names.find(|name| ***name == *word) {
            Some(name) => {
                let (ty, given) = (ty.brief(), shown(part));
                let form = match self.syntax {
                    Syntax::Wave => format!("`%{name}`"),
                    Syntax::Json => format!("`\"{name}\"`"),
                };
                let message = format!("expected {ty}, but was given `{given}`: write {form} for the case");
                self.fail(node.span.start, message)
            }
            None => self.unlike(ty, node),
        }
    }

    fn option(&mut self, ty: &'a Type, some: &'a Type, node: &Node<'_>) -> Result<Value, Fault> {
        let value = match (&node.form, self.syntax) {
            (Form::None, _) | (Form::Null, _) => return Ok(Value::Option(None)),
            (Form::Some(value), _) => self.step(Step::Name("some"), some, value)?,
            // In JSON null is taken: it is none.
            (Form::Record(_), Syntax::Json) if matches!(some, Type::Option(_)) => match self.case(node) {
                Some(("some", _, Some(value))) => self.step(Step::Name("some"), some, value)?,
                _ => return self.unlike(ty, node),
            },
            // In WAVE as well as in JSON the value can be written as it is, unless it is one of the same kind.
            _ if is_written_out(self.syntax, some) => return self.unlike(ty, node),
            _ => self.value(some, node)?,
        };
        Ok(Value::from(Some(value)))
    }

    fn result(
        &mut self,
        ty: &'a Type,
        ok: Option<&'a Type>,
        err: Option<&'a Type>,
        node: &Node<'_>,
    ) -> Result<Value, Fault> {
        let at = node.span.start;
        match (&node.form, self.syntax) {
            (Form::Ok(value), _) => self.payload("ok", ok, value.as_deref(), at).map(|v| Value::Result(Ok(v))),
            (Form::Err(value), _) => self.payload("err", err, value.as_deref(), at).map(|v| Value::Result(Err(v))),
            (_, Syntax::Wave) => match ok {
                Some(ok) if !is_written_out(Syntax::Wave, ok) => {
                    Ok(Value::Result(Ok(Some(Arc::new(self.value(ok, node)?)))))
                }
                _ => self.unlike(ty, node),
            },
            (_, Syntax::Json) => match self.case(node) {
                Some(("ok", _, value)) => self.payload("ok", ok, value, at).map(|v| Value::Result(Ok(v))),
                Some(("err", _, value)) => self.payload("err", err, value, at).map(|v| Value::Result(Err(v))),
                Some((name, at, _)) => self.fail(at, unknown("case", name, ["ok".into(), "err".into()].iter())),
                None => self.unlike(ty, node),
            },
        }
    }

    fn payload(
        &mut self,
        name: &'a str,
        ty: Option<&'a Type>,
        given: Option<&Node<'_>>,
        at: usize,
    ) -> Result<Option<Arc<Value>>, Fault> {
        match (ty, given) {
            (Some(ty), Some(node)) => Ok(Some(Arc::new(self.step(Step::Name(name), ty, node)?))),
            (None, None) | (None, Some(Node { form: Form::Null, .. })) => Ok(None),
            (Some(ty), None) => {
                let ty = ty.brief();
                self.fail(at, format!("expected {ty} for `{name}`, but was given none"))
            }
            (None, Some(node)) => {
                let given = shown(self.part(node));
                self.fail(node.span.start, format!("`{name}` takes no value, but was given `{given}`"))
            }
        }
    }
}

/// The words that are floats.
const WORDS: [&str; 3] = ["nan", "inf", "-inf"];

/// Whether what holds a value of the type has to be written, too.
fn is_written_out(syntax: Syntax, ty: &Type) -> bool {
    match syntax {
        Syntax::Wave => matches!(ty, Type::Option(_) | Type::Result(_)),
        Syntax::Json => matches!(ty, Type::Option(_)),
    }
}

/// The type, and how its values are written.
fn wanted(syntax: Syntax, ty: &Type) -> String {
    let form = match (syntax, ty) {
        (Syntax::Json, Type::F32 | Type::F64) => "a number, \"nan\", \"inf\" or \"-inf\"",
        (Syntax::Json, Type::V128) => "an array of 16 numbers from 0 to 255",
        (Syntax::Json, Type::Char) => "a string of one character",
        _ if range(ty).is_some() => range(ty).unwrap_or_default(),
        (Syntax::Wave, Type::List(_)) => "values in `[]`",
        (Syntax::Wave, Type::Tuple(_)) => "values in `()`",
        (Syntax::Wave, Type::Record(_)) => "fields as `{name: value}`",
        (Syntax::Wave, Type::Variant(_)) => "`case` or `case(value)`",
        (Syntax::Wave, Type::Option(_)) => "`none` or `some(value)`",
        (Syntax::Wave, Type::Result(_)) => "`ok(value)` or `err(value)`",
        (Syntax::Wave, Type::Flags(_)) => "names in `{}`",
        (Syntax::Json, Type::List(_) | Type::Tuple(_)) => "an array",
        (Syntax::Json, Type::Record(_)) => "an object",
        (Syntax::Json, Type::Variant(_)) => "\"case\" or {\"case\": value}",
        (Syntax::Json, Type::Option(_)) => "null or {\"some\": value}",
        (Syntax::Json, Type::Result(_)) => "{\"ok\": value} or {\"err\": value}",
        (Syntax::Json, Type::Flags(_)) => "an array of strings",
        (Syntax::Json, Type::Enum(_)) => "a string",
        _ => return ty.brief(),
    };
    format!("{}, {form}", ty.brief())
}
