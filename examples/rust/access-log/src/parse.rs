//! A line in the combined log format → its fields. The guest and the native program share this file.

use std::borrow::Cow;

/// The fields of a line. What is `-` there is none.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry<'a> {
    pub(crate) host: &'a str,
    pub(crate) user: Option<&'a str>,
    /// Seconds since 1970, in UTC.
    pub(crate) time: i64,
    /// None if the request is not one of HTTP.
    pub(crate) method: Option<Cow<'a, str>>,
    /// The whole request, if it is not one of HTTP.
    pub(crate) path: Option<Cow<'a, str>>,
    pub(crate) protocol: Option<Cow<'a, str>>,
    pub(crate) status: u16,
    pub(crate) bytes: Option<u64>,
    pub(crate) referer: Option<Cow<'a, str>>,
    pub(crate) agent: Option<Cow<'a, str>>,
}

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Reads a line; every byte of it once or twice. The error says what was expected, and at which character, counted from 1.
pub(crate) fn parse(line: &str) -> Result<Entry<'_>, String> {
    let mut rest = Rest { line, at: 0 };
    let host = rest.until(" ", "a host, and a space")?;
    rest.until(" ", "an identity, and a space")?;
    let user = rest.until(" [", "a user, a space and `[`")?;
    let time = rest.time()?;
    rest.take("] \"", "`] \"`")?;
    let (method, path, protocol) = request(rest.quoted()?);
    rest.take(" ", "a space")?;
    let status = rest.status()?;
    rest.take(" ", "a space")?;
    let bytes = rest.bytes()?;
    let (mut referer, mut agent) = (None, None);
    // The common log format ends here.
    if rest.at < line.len() {
        rest.take(" \"", "a space and `\"`, or the end of the line")?;
        referer = given(rest.quoted()?);
        rest.take(" \"", "a space and `\"`")?;
        agent = given(rest.quoted()?);
        if rest.at < line.len() {
            return Err(rest.expected("the end of the line"));
        }
    }
    let user = Some(user).filter(|user| *user != "-");
    Ok(Entry { host, user, time, method, path, protocol, status, bytes, referer, agent })
}

/// What of a line is not read yet.
struct Rest<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    #[cold]
    fn expected(&self, what: &str) -> String {
        let column = self.line.bytes().take(self.at).filter(|byte| byte & 0xc0 != 0x80).count() + 1;
        format!("column {column}: expected {what}")
    }

    fn text(&self) -> &'a str {
        self.line.get(self.at..).unwrap_or("")
    }

    /// What is before a text, which is passed.
    fn until(&mut self, end: &str, what: &str) -> Result<&'a str, String> {
        let (text, end) = (self.text(), end.as_bytes());
        // A search for any text would cost more to prepare than this does.
        match text.as_bytes().windows(end.len()).position(|window| window == end) {
            Some(at) if at > 0 => {
                self.at += at + end.len();
                Ok(text.get(..at).unwrap_or(""))
            }
            _ => Err(self.expected(what)),
        }
    }

    fn take(&mut self, text: &str, what: &str) -> Result<(), String> {
        if !self.text().starts_with(text) {
            return Err(self.expected(what));
        }
        self.at += text.len();
        Ok(())
    }

    fn status(&mut self) -> Result<u16, String> {
        let digits = self.line.as_bytes().get(self.at..self.at + 3);
        let status = digits.and_then(decimal).and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| *status >= 100).ok_or_else(|| self.expected("a status of three digits"))?;
        self.at += 3;
        Ok(status)
    }

    /// `02/Jan/2026:03:04:05 +0100`.
    fn time(&mut self) -> Result<i64, String> {
        const FORM: &str = "a time as 31/Dec/2026:23:59:59 +0000";
        let text = self.line.as_bytes().get(self.at..self.at + 26);
        let time = text.and_then(seconds).ok_or_else(|| self.expected(FORM))?;
        self.at += 26;
        Ok(time)
    }

    /// Up to 15 digits, so that every language has the number; or `-`.
    fn bytes(&mut self) -> Result<Option<u64>, String> {
        let text = self.text();
        let end = text.find(' ').unwrap_or(text.len());
        let (field, _) = text.split_at(end);
        let bytes = if field == "-" { Some(None) } else { decimal(field.as_bytes()).map(Some) };
        let bytes = bytes.filter(|_| end <= 15).ok_or_else(|| self.expected("up to 15 digits, or `-`"))?;
        self.at += end;
        Ok(bytes)
    }

    /// What is before the next quote that is not escaped, with what is escaped put back. The quote is passed.
    fn quoted(&mut self) -> Result<Cow<'a, str>, String> {
        let text = self.text();
        let Some(first) = special(text.as_bytes()) else {
            return Err(self.unclosed());
        };
        let (plain, from) = text.split_at(first);
        if from.starts_with('"') {
            self.at += first + 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut bytes = plain.as_bytes().to_vec();
        let mut at = first;
        let all = text.as_bytes();
        while let Some(byte) = all.get(at) {
            match byte {
                b'"' => {
                    self.at += at + 1;
                    return Ok(Cow::Owned(match String::from_utf8(bytes) {
                        Ok(text) => text,
                        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
                    }));
                }
                b'\\' => {
                    let (byte, length) = unescaped(all.get(at + 1..).unwrap_or_default());
                    bytes.push(byte);
                    at += 1 + length;
                }
                byte => {
                    bytes.push(*byte);
                    at += 1;
                }
            }
        }
        Err(self.unclosed())
    }

    #[cold]
    fn unclosed(&self) -> String {
        Rest { line: self.line, at: self.line.len() }.expected("a `\"` that ends the text")
    }
}

/// Where the first quote or backslash is: eight bytes are looked at in one step.
fn special(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    // The lowest bit that is left is that of the first byte which is zero.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (words, rest) = text.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(8 * at + found.trailing_zeros() as usize / 8);
        }
    }
    let in_rest = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(8 * words.len() + in_rest)
}

/// What stands behind a backslash: the byte that is meant, and how many are for it. Another backslash means itself.
fn unescaped(text: &[u8]) -> (u8, usize) {
    match text {
        [byte @ (b'"' | b'\\'), ..] => (*byte, 1),
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b't', ..] => (b'\t', 1),
        [b'x', high, low, ..] => match (hexadecimal(*high), hexadecimal(*low)) {
            (Some(high), Some(low)) => (high << 4 | low, 3),
            _ => (b'\\', 0),
        },
        _ => (b'\\', 0),
    }
}

fn hexadecimal(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// At most 18 digits fit.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| match digit {
        b'0'..=b'9' => Some(number * 10 + u64::from(digit - b'0')),
        _ => None,
    })
}

/// The seconds since 1970 of a time of 26 bytes, if there is such a time.
fn seconds(text: &[u8]) -> Option<i64> {
    let number = |from: usize, to: usize| i64::try_from(decimal(text.get(from..to)?)?).ok();
    let separators = [(2, b'/'), (6, b'/'), (11, b':'), (14, b':'), (17, b':'), (20, b' ')];
    if separators.iter().any(|(at, byte)| text.get(*at) != Some(byte)) {
        return None;
    }
    let name = text.get(3..6)?;
    let month = MONTHS.iter().position(|month| *month == name)? as i64 + 1;
    let (day, year) = (number(0, 2)?, number(7, 11)?);
    let (hour, minute, second) = (number(12, 14)?, number(15, 17)?, number(18, 20)?);
    let (zone_hour, zone_minute) = (number(22, 24)?, number(24, 26)?);
    let sign = match text.get(21)? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    // A leap second is the first of the next minute.
    if year == 0
        || !(1..=days).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
        || zone_hour > 23
        || zone_minute > 59
    {
        return None;
    }
    // Years that begin in March, since 1 March of year 0.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + day - 719_469;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - sign * (zone_hour * 3600 + zone_minute * 60))
}

fn given(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    Some(text).filter(|text| text != "-")
}

type Request<'a> = (Option<Cow<'a, str>>, Option<Cow<'a, str>>, Option<Cow<'a, str>>);

/// Method, path and protocol.
fn request(request: Cow<'_, str>) -> Request<'_> {
    let split = |text: &str| {
        let bytes = text.as_bytes();
        let method = bytes.iter().position(|byte| *byte == b' ').filter(|at| *at > 0)?;
        let is_method = bytes.iter().take(method).all(|byte| byte.is_ascii_uppercase() || *byte == b'-');
        let last = bytes.iter().rposition(|byte| *byte == b' ')?;
        let is_protocol = last > method + 1 && bytes.get(last + 1..).is_some_and(|word| word.starts_with(b"HTTP/"));
        let end = if is_protocol { last } else { bytes.len() };
        (is_method && end > method + 1).then_some((method + 1, end))
    };
    match (split(&request), request) {
        (Some((path, end)), Cow::Borrowed(text)) => {
            let part = |from, to| text.get(from..to).map(Cow::Borrowed);
            (part(0, path - 1), part(path, end), part(end + 1, text.len()))
        }
        (Some((path, end)), Cow::Owned(text)) => {
            let part = |from, to| text.get(from..to).map(|part| Cow::Owned(part.to_owned()));
            (part(0, path - 1), part(path, end), part(end + 1, text.len()))
        }
        (None, whole) => (None, given(whole), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"192.0.2.7 - ada [28/Feb/2026:23:59:60 +0130] "GET /a?b=c HTTP/1.1" 200 1234 "https://example.com/" "curl/8""#;

    fn text(text: &str) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(text))
    }

    #[test]
    fn a_line_has_its_fields() {
        let entry = Entry {
            host: "192.0.2.7",
            user: Some("ada"),
            time: 1_772_317_800,
            method: text("GET"),
            path: text("/a?b=c"),
            protocol: text("HTTP/1.1"),
            status: 200,
            bytes: Some(1234),
            referer: text("https://example.com/"),
            agent: text("curl/8"),
        };
        assert_eq!(parse(LINE), Ok(entry));
    }

    #[test]
    fn what_is_a_dash_is_none_and_the_common_format_ends_sooner() {
        let common = parse("::1 - - [01/Jan/1970:00:00:00 +0000] \"-\" 408 -").unwrap();
        assert_eq!((common.user, common.time, common.path, common.bytes), (None, 0, None, None));
        assert_eq!((common.status, common.referer, common.agent), (408, None, None));
        let combined = parse("::1 - a b [01/Jan/2000:00:00:00 -0100] \"GET /\" 200 0 \"-\" \"\"").unwrap();
        assert_eq!((combined.user, combined.time), (Some("a b"), 946_688_400));
        assert_eq!((combined.method, combined.path, combined.protocol), (text("GET"), text("/"), None));
        assert_eq!((combined.bytes, combined.referer, combined.agent), (Some(0), None, text("")));
    }

    #[test]
    fn what_is_escaped_is_put_back_and_other_backslashes_stay() {
        for (given, expected) in [
            (r#"a\"b\""#, "a\"b\""),
            (r"a\\b\\\\", r"a\b\\"),
            (r"caf\xc3\xA9 \xff\xe2\x82|", "caf\u{e9} \u{fffd}\u{fffd}|"),
            (r"\t\n\r\x00\xg0\x4\q", "\t\n\r\0\\xg0\\x4\\q"),
            (r"日本\x41", "日本A"),
        ] {
            let line = format!("h - - [01/Jan/2000:00:00:00 +0000] \"{given}\" 200 - \"-\" \"{given}\"");
            let entry = parse(&line).unwrap();
            assert_eq!((entry.path, entry.agent), (text(expected), text(expected)));
        }
    }

    #[test]
    fn the_first_quote_or_backslash_is_found_wherever_it_is() {
        for length in 0..40 {
            assert_eq!(special("é!#[".repeat(length).as_bytes()), None);
            for at in 0..length {
                for found in [b'"', b'\\'] {
                    let mut text = vec![found.wrapping_sub(1); length];
                    text[at..].fill(found + 1);
                    text[at] = found;
                    assert_eq!(special(&text), Some(at));
                }
            }
        }
    }

    #[test]
    fn a_request_that_is_not_one_of_http_is_a_path() {
        for (given, method, path, protocol) in [
            ("GET /a b HTTP/1.1", "GET", "/a b", "HTTP/1.1"),
            ("M-SEARCH * HTTP/1.1", "M-SEARCH", "*", "HTTP/1.1"),
            ("GET HTTP/1.1", "GET", "HTTP/1.1", ""),
            ("GET  HTTP/1.1", "GET", " HTTP/1.1", ""),
            ("GET ", "", "GET ", ""),
            ("get / HTTP/1.1", "", "get / HTTP/1.1", ""),
            (" / HTTP/1.1", "", " / HTTP/1.1", ""),
            ("quit", "", "quit", ""),
            ("", "", "", ""),
        ] {
            let parts = request(Cow::Borrowed(given));
            let part = |part: Option<Cow<'_, str>>| part.unwrap_or_default().into_owned();
            assert_eq!((part(parts.0), part(parts.1), part(parts.2)), (method.into(), path.into(), protocol.into()));
        }
    }

    #[test]
    fn a_broken_line_says_where_and_what_was_expected() {
        let changed = |from: &str, to: &str| LINE.replacen(from, to, 1);
        for (line, error) in [
            (String::new(), "column 1: expected a host, and a space"),
            ("Ünfug".into(), "column 1: expected a host, and a space"),
            ("ü -".into(), "column 3: expected an identity, and a space"),
            (changed("[", "("), "column 13: expected a user, a space and `[`"),
            (changed("Feb", "feb"), "column 18: expected a time as 31/Dec/2026:23:59:59 +0000"),
            (changed("28", "29"), "column 18: expected a time as 31/Dec/2026:23:59:59 +0000"),
            (changed(":60", ":61"), "column 18: expected a time as 31/Dec/2026:23:59:59 +0000"),
            (changed("] \"", "]  \""), "column 44: expected `] \"`"),
            (changed("ada", "Jürgen").replace("] \"", "]"), "column 47: expected `] \"`"),
            (changed("200", "20"), "column 68: expected a status of three digits"),
            (changed("200", "099"), "column 68: expected a status of three digits"),
            (changed("200", "2000"), "column 71: expected a space"),
            (changed("1234", "1234567890123456"), "column 72: expected up to 15 digits, or `-`"),
            (changed("1234", "1e3"), "column 72: expected up to 15 digits, or `-`"),
            (changed(" \"https", "  \"https"), "column 76: expected a space and `\"`, or the end of the line"),
            (format!("{LINE} "), "column 108: expected the end of the line"),
            (LINE.trim_end_matches('"').into(), "column 107: expected a `\"` that ends the text"),
            (LINE.replace("8\"", "8\\\""), "column 109: expected a `\"` that ends the text"),
        ] {
            assert_eq!(parse(&line).map_err(|error| error.to_string()), Err(error.to_owned()), "{line}");
        }
    }

    #[test]
    fn every_beginning_of_a_line_and_every_byte_of_it_changed_ends() {
        for end in 0..LINE.len() {
            let _ = parse(&LINE[..end]);
            for byte in [" ", "\"", "\\", "é", "9", "]"] {
                let _ = parse(&format!("{}{byte}{}", &LINE[..end], &LINE[end + 1..]));
            }
        }
    }
}
