//! Scripts as text.

use super::scripted::wrong;
use crate::error::Result;
use crate::escape::escaped;

/// The longest script, in bytes.
const LONGEST: usize = 1 << 16;

/// How deeply expressions may lie in each other: they are read and written by recursion.
const DEEPEST: usize = 64;

/// A statement.
#[derive(Debug, PartialEq)]
pub(super) struct Statement {
    /// The name that is given to the value.
    pub(super) name: Option<String>,
    /// Where the value is written, and as what.
    pub(super) at: Option<(String, Expression)>,
    pub(super) value: Expression,
}

#[derive(Debug, PartialEq)]
pub(super) enum Expression {
    /// A number as it was written.
    Number(String),
    Text(String),
    Name(String),
    /// The address of so many bytes that are zero.
    Room(Box<Expression>),
    Call(String, Vec<Expression>),
    /// Two of the same type, added, subtracted or multiplied: `+`, `-` or `*`.
    Computed(char, Box<[Expression; 2]>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(String),
    Text(String),
    Name(String),
    Sign(char),
}

/// Reads a script: at least one statement.
pub(super) fn parsed(text: &str) -> Result<Vec<Statement>> {
    if text.len() > LONGEST {
        return Err(wrong(format!(
            "expected a script of at most {LONGEST} bytes, but was given one of {}",
            text.len()
        )));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, computed: 0 };
    let mut statements = Vec::new();
    loop {
        while parser.takes(';') {}
        if parser.peek().is_none() {
            break;
        }
        statements.push(parser.statement()?);
        if parser.peek().is_some() && !parser.takes(';') {
            return Err(parser.expected("`;` or nothing more"));
        }
    }
    match statements.is_empty() {
        true => Err(wrong("expected a script, such as `f(data, len(data))`, but it is empty")),
        false => Ok(statements),
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize)>> {
    let mut tokens: Vec<(Token, usize)> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at = text.len() - rest.len();
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '-' | '.');
        // Behind a value, it subtracts.
        let ends_value =
            !matches!(tokens.last(), None | Some((Token::Sign('(' | ',' | ';' | '=' | '&' | '+' | '-' | '*'), _)));
        let (token, length) = match c {
            '\n' => (Some(Token::Sign(';')), 1),
            c if c.is_whitespace() => (None, c.len_utf8()),
            '(' | ')' | ',' | ';' | '=' | '&' | '+' | '*' => (Some(Token::Sign(c)), 1),
            '"' => {
                let (content, length) = quoted(rest, at)?;
                (Some(Token::Text(content)), length)
            }
            '-' if ends_value => (Some(Token::Sign(c)), 1),
            c if c.is_ascii_digit() || c == '-' => {
                let end = number(rest);
                (Some(Token::Number(rest[..end].to_owned())), end)
            }
            c if c.is_ascii_alphabetic() || matches!(c, '_' | '$') => {
                let name = rest[..rest.find(|c: char| !name(c)).unwrap_or(rest.len())].trim_end_matches('-');
                (Some(Token::Name(name.to_owned())), name.len())
            }
            c => {
                let what = c.escape_debug();
                return Err(wrong(format!("the script has `{what}` at byte {at}, which means nothing there"))
                    .with_help("a script is calls, such as `f(data, len(data))`, parted by `;`"));
            }
        };
        // An open call goes on in the next line.
        tokens.extend(token.map(|token| (token, at)));
        rest = &rest[length..];
    }
    let mut depth = 0usize;
    tokens.retain(|(token, at)| {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        !(depth > 0 && *token == Token::Sign(';') && text.as_bytes().get(*at) == Some(&b'\n'))
    });
    Ok(tokens)
}

/// How long a number is: digits and letters, and signs at its beginning and behind an exponent's `e`.
fn number(rest: &str) -> usize {
    let is_hex = rest.trim_start_matches('-').starts_with("0x");
    let mut before = ' ';
    let end = rest.char_indices().find(|&(at, c)| {
        let signed = matches!(c, '-' | '+') && (at == 0 || (matches!(before, 'e' | 'E') && !is_hex));
        before = c;
        !(signed || c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
    });
    end.map_or(rest.len(), |(at, _)| at)
}

/// A text in quotes, as in JSON, and its length with them.
fn quoted(rest: &str, at: usize) -> Result<(String, usize)> {
    let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    match stream.next() {
        Some(Ok(text)) => Ok((text, stream.byte_offset())),
        _ => Err(wrong(format!("the script has a text at byte {at} that does not end, or has a wrong escape"))
            .with_help("a text is written as in JSON")),
    }
}

struct Parser<'t> {
    tokens: &'t [(Token, usize)],
    at: usize,
    /// How many signs that compute the statement has.
    computed: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn takes(&mut self, sign: char) -> bool {
        let is = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(is);
        is
    }

    fn expected(&self, what: &str) -> crate::Error {
        let given = match self.tokens.get(self.at) {
            None => "it ends there".to_owned(),
            Some((token, at)) => {
                let text = match token {
                    Token::Number(text) | Token::Text(text) | Token::Name(text) => escaped(text),
                    Token::Sign(sign) => sign.escape_debug().to_string(),
                };
                format!("`{text}` stands at byte {at}")
            }
        };
        wrong(format!("expected {what} in the script, but {given}"))
    }

    fn statement(&mut self) -> Result<Statement> {
        self.computed = 0;
        let value = self.expression(0)?;
        if !self.takes('=') {
            return Ok(Statement { name: None, at: None, value });
        }
        match value {
            Expression::Name(name) => Ok(Statement { name: Some(name), at: None, value: self.expression(0)? }),
            Expression::Call(what, mut args) if args.len() == 1 => {
                let at = Some((what, args.swap_remove(0)));
                Ok(Statement { name: None, at, value: self.expression(0)? })
            }
            _ => {
                self.at -= 1;
                Err(self.expected("a name, or a place such as `u32(p)`, before `=`"))
            }
        }
    }

    /// Sums of products, from left to right.
    fn expression(&mut self, depth: usize) -> Result<Expression> {
        self.computed(depth, 0)
    }

    fn computed(&mut self, depth: usize, rank: usize) -> Result<Expression> {
        const SIGNS: [&[char]; 2] = [&['+', '-'], &['*']];
        let Some(signs) = SIGNS.get(rank) else { return self.value(depth) };
        let mut left = self.computed(depth, rank + 1)?;
        while let Some(sign) = signs.iter().copied().find(|sign| self.takes(*sign)) {
            self.computed += 1;
            if self.computed > DEEPEST {
                return Err(wrong(format!("a statement of the script has more than {DEEPEST} of `+`, `-` and `*`"))
                    .with_help("name what a part of it gives: `a = b + c`"));
            }
            let right = self.computed(depth, rank + 1)?;
            left = Expression::Computed(sign, Box::new([left, right]));
        }
        Ok(left)
    }

    fn value(&mut self, depth: usize) -> Result<Expression> {
        if depth > DEEPEST {
            return Err(wrong(format!("the script's calls lie more than {DEEPEST} levels within each other"))
                .with_help("name what inner calls give: `a = f(b)`"));
        }
        if self.takes('&') {
            return match self.peek() {
                Some(Token::Number(_)) => Ok(Expression::Room(Box::new(self.value(depth + 1)?))),
                _ => Err(self.expected("how many bytes, such as `&32`,")),
            };
        }
        if self.takes('(') {
            let inner = self.expression(depth + 1)?;
            return if self.takes(')') { Ok(inner) } else { Err(self.expected("`)`")) };
        }
        let (token, _) = self.tokens.get(self.at).ok_or_else(|| self.expected("a value"))?;
        let expression = match token {
            Token::Number(text) => Expression::Number(text.clone()),
            Token::Text(text) => Expression::Text(text.clone()),
            Token::Name(name) => Expression::Name(name.clone()),
            Token::Sign(_) => return Err(self.expected("a value")),
        };
        self.at += 1;
        let Expression::Name(name) = expression else { return Ok(expression) };
        if !self.takes('(') {
            return Ok(Expression::Name(name));
        }
        let mut args = Vec::new();
        while !self.takes(')') {
            if !args.is_empty() && !self.takes(',') {
                return Err(self.expected("`,` or `)`"));
            }
            args.push(self.expression(depth + 1)?);
        }
        match (name.as_str(), args.len()) {
            ("room", 1) => Ok(Expression::Room(Box::new(args.swap_remove(0)))),
            _ => Ok(Expression::Call(name, args)),
        }
    }
}
