//! WAVE text to a tree.
//!
//! The tokens, and what is within quotes, are `wasm-wave`'s. Its grammar is not used: it takes names in braces without
//! commas between them, gives flags with the `%` of their names, and keeps no place of a field.

use super::fault::Fault;
use super::shown::shown;
use super::tree::{Form, Label, Node, check_depth};
use std::borrow::Cow;
use std::ops::Range;
use wasm_wave::lex::{Keyword, Lexer, Token};
use wasm_wave::untyped::UntypedValue;

pub(super) fn parse(text: &str) -> Result<Node<'_>, Fault> {
    let mut reader = Reader { text, lexer: Lexer::new(text), token: None, span: 0..0, depth: 0 };
    reader.advance()?;
    let node = reader.value()?;
    match reader.token {
        None => Ok(node),
        Some(_) => Err(reader.unexpected("the end")),
    }
}

struct Reader<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// The token that is next; none at the end.
    token: Option<Token>,
    /// Where that is.
    span: Range<usize>,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn advance(&mut self) -> Result<(), Fault> {
        self.token = match self.lexer.next() {
            Some(Ok(token)) => Some(token),
            Some(Err(span)) => {
                let span = span.unwrap_or_else(|| self.lexer.span());
                return Err(Fault::new(span.start, format!("unexpected `{}`", shown(&self.text[span]))));
            }
            None => None,
        };
        self.span = match self.token {
            Some(_) => self.lexer.span(),
            None => self.text.len()..self.text.len(),
        };
        Ok(())
    }

    /// The text of the next token.
    fn part(&self) -> &'a str {
        &self.text[self.span.clone()]
    }

    fn is(&self, token: Token) -> bool {
        self.token == Some(token)
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let given = match self.token {
            Some(_) => format!("`{}`", shown(self.part())),
            None => "the end".to_owned(),
        };
        Fault::new(self.span.start, format!("expected {wanted}, not {given},"))
    }

    fn expect(&mut self, token: Token, wanted: &str) -> Result<(), Fault> {
        if self.is(token) { self.advance() } else { Err(self.unexpected(wanted)) }
    }

    /// Reads a value; the token after it is next then.
    fn value(&mut self) -> Result<Node<'a>, Fault> {
        check_depth(self.depth, self.span.start)?;
        self.depth += 1;
        let start = self.span.start;
        let mut end = self.span.end;
        let form = match self.token {
            Some(Token::Number) => self.leaf(Form::Number)?,
            Some(Token::Char) => {
                let c = self.quoted()?.chars().next().unwrap_or_default();
                self.leaf(Form::Char(c))?
            }
            Some(Token::String | Token::MultilineString) => {
                let text = self.quoted()?;
                self.leaf(Form::Text(text))?
            }
            Some(Token::ParenOpen) => Form::Tuple(self.values(Token::ParenClose, ")", &mut end)?),
            Some(Token::BracketOpen) => Form::List(self.values(Token::BracketClose, "]", &mut end)?),
            Some(Token::BraceOpen) => self.braces(&mut end)?,
            Some(Token::LabelOrKeyword) => {
                let word = self.part();
                self.advance()?;
                match Keyword::decode(word) {
                    Some(Keyword::True) => Form::Bool(true),
                    Some(Keyword::False) => Form::Bool(false),
                    Some(Keyword::Inf | Keyword::Nan) => Form::Number,
                    Some(Keyword::None) => Form::None,
                    Some(Keyword::Some) => match self.payload(&mut end)? {
                        Some(value) => Form::Some(value),
                        None => return Err(self.unexpected("`(` after `some`")),
                    },
                    Some(Keyword::Ok) => Form::Ok(self.payload(&mut end)?),
                    Some(Keyword::Err) => Form::Err(self.payload(&mut end)?),
                    None => Form::Case(bare(word), self.payload(&mut end)?),
                }
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.depth -= 1;
        Ok(Node { span: start..end, form })
    }

    fn leaf(&mut self, form: Form<'a>) -> Result<Form<'a>, Fault> {
        self.advance().map(|()| form)
    }

    /// What is between the quotes of the next token.
    fn quoted(&self) -> Result<Cow<'a, str>, Fault> {
        let part = self.part();
        let fault = |error: wasm_wave::parser::ParserError| {
            // A place within the token.
            let at = self.span.start + error.span().start.min(part.len());
            match error.detail() {
                Some(detail) => Fault::new(at, format!("{}: {detail},", error.kind())),
                None => Fault::new(at, error.kind().to_string()),
            }
        };
        let token = UntypedValue::parse(part).map_err(fault)?;
        if self.is(Token::Char) {
            return token.node().as_char(part).map(|c| Cow::Owned(c.to_string())).map_err(fault);
        }
        token.node().as_str(part).map_err(fault)
    }

    /// What is in parentheses, if there are any.
    fn payload(&mut self, end: &mut usize) -> Result<Option<Box<Node<'a>>>, Fault> {
        if !self.is(Token::ParenOpen) {
            return Ok(None);
        }
        self.advance()?;
        let value = self.value()?;
        *end = self.span.end;
        self.expect(Token::ParenClose, "`)`")?;
        Ok(Some(Box::new(value)))
    }

    /// The values up to the bracket that closes what the next token opens.
    fn values(&mut self, close: Token, shown: &str, end: &mut usize) -> Result<Vec<Node<'a>>, Fault> {
        self.advance()?;
        self.separated(close, shown, end, Reader::value)
    }

    /// Items up to `close`, with commas between them, and one after the last if one likes.
    fn separated<T>(
        &mut self,
        close: Token,
        shown: &str,
        end: &mut usize,
        mut item: impl FnMut(&mut Reader<'a>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut items = Vec::new();
        while !self.is(close) {
            items.push(item(self)?);
            if self.is(Token::Comma) {
                self.advance()?;
            } else if !self.is(close) {
                return Err(self.unexpected(&format!("`,` or `{shown}`")));
            }
        }
        *end = self.span.end;
        self.advance()?;
        Ok(items)
    }

    /// A record or flags.
    fn braces(&mut self, end: &mut usize) -> Result<Form<'a>, Fault> {
        self.advance()?;
        // A record of which nothing is given.
        if self.is(Token::Colon) {
            self.advance()?;
            *end = self.span.end;
            self.expect(Token::BraceClose, "`}`")?;
            return Ok(Form::Record(Vec::new()));
        }
        // What follows the first name tells which.
        if self.lexer.clone().next() == Some(Ok(Token::Colon)) {
            return Ok(Form::Record(self.separated(Token::BraceClose, "}", end, |reader| {
                let label = reader.label()?;
                reader.expect(Token::Colon, "`:`")?;
                Ok((label, reader.value()?))
            })?));
        }
        Ok(Form::Flags(self.separated(Token::BraceClose, "}", end, Reader::label)?))
    }

    fn label(&mut self) -> Result<Label<'a>, Fault> {
        let label = Label { name: bare(self.part()).into(), at: self.span.start };
        self.expect(Token::LabelOrKeyword, "a name")?;
        Ok(label)
    }
}

/// The name without the sign that tells it from a word of WAVE.
fn bare(label: &str) -> &str {
    label.strip_prefix('%').unwrap_or(label)
}
