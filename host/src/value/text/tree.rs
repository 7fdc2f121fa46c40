//! A value's text as a tree, before anybody asks for its type.

use super::fault::Fault;
use std::borrow::Cow;
use std::ops::Range;

/// The deepest that values may nest, as types may. Trees are read, and dropped, by functions that call themselves.
pub(super) const MAX_DEPTH: usize = 100;

/// Which forms values have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Wave,
    Json,
}

/// A part of the text that stands for a value.
#[derive(Debug)]
pub(super) struct Node<'a> {
    /// The bytes of the text that it is.
    pub(super) span: Range<usize>,
    pub(super) form: Form<'a>,
}

/// What a part of the text is.
#[derive(Debug)]
pub(super) enum Form<'a> {
    Bool(bool),
    /// A number; in WAVE also `nan`, `inf` and `-inf`. Its own text says which: how it is rounded depends on its type.
    Number,
    /// Text in double quotes.
    Text(Cow<'a, str>),
    /// What is in brackets.
    List(Vec<Node<'a>>),
    /// Values by name: WAVE's records, JSON's objects. A name may come twice.
    Record(Vec<(Label<'a>, Node<'a>)>),
    /// JSON's null.
    Null,
    /// WAVE's character in single quotes.
    Char(char),
    /// WAVE's values in parentheses.
    Tuple(Vec<Node<'a>>),
    /// WAVE's names in braces. A name may come twice.
    Flags(Vec<Label<'a>>),
    /// WAVE's name of a case, and its value in parentheses.
    Case(&'a str, Option<Box<Node<'a>>>),
    /// WAVE's `some(value)`.
    Some(Box<Node<'a>>),
    /// WAVE's `none`.
    None,
    /// WAVE's `ok` and `ok(value)`.
    Ok(Option<Box<Node<'a>>>),
    /// WAVE's `err` and `err(value)`.
    Err(Option<Box<Node<'a>>>),
}

/// A name, and where it begins.
#[derive(Debug)]
pub(super) struct Label<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) at: usize,
}

/// That `depth` values around the one at `at` are not too many.
pub(super) fn check_depth(depth: usize, at: usize) -> Result<(), Fault> {
    if depth < MAX_DEPTH {
        return Ok(());
    }
    Err(Fault::new(at, format!("values may nest {MAX_DEPTH} levels deep, and here is one more")))
}
