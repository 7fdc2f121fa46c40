# A prelude: parses lines of a web server's access log, as the Rust in ../rust/access-log/src/parse.rs does.
import datetime
import re

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
TIME = re.compile(r"([0-9]{2})/(%s)/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})" % "|".join(MONTHS))
STATUS = re.compile(r"[1-9][0-9]{2}")
BYTES = re.compile(r"(?:[0-9]{1,15}|-)(?= |\Z)")
QUOTED = re.compile(r'((?:[^"\\]|\\.)*+)"', re.DOTALL)
ESCAPED = re.compile(rb'\\(?:x([0-9A-Fa-f]{2})|(["\\nrt]))')
REQUEST = re.compile(r"([A-Z-]+) (.+?)(?: (HTTP/[^ ]*))?\Z", re.DOTALL)
EPOCH = datetime.date(1970, 1, 1)


class Line:
    def __init__(self, text):
        self.text, self.at = text, 0

    def expected(self, what, at=None):
        return ValueError(f"column {(self.at if at is None else at) + 1}: expected {what}")

    def until(self, end, what):
        at = self.text.find(end, self.at)
        if at <= self.at:
            raise self.expected(what)
        before, self.at = self.text[self.at : at], at + len(end)
        return before

    def take(self, text, what):
        if not self.text.startswith(text, self.at):
            raise self.expected(what)
        self.at += len(text)

    def match(self, pattern, what):
        match = pattern.match(self.text, self.at)
        if match is None:
            raise self.expected(what)
        self.at = match.end()
        return match

    def time(self):
        start, what = self.at, "a time as 31/Dec/2026:23:59:59 +0000"
        day, month, year, hour, minute, second, sign, *zone = self.match(TIME, what).groups()
        try:
            date = datetime.date(int(year), MONTHS.index(month) + 1, int(day))
        except ValueError:
            raise self.expected(what, start) from None
        hour, minute, second, zone_hour, zone_minute = int(hour), int(minute), int(second), *map(int, zone)
        if hour > 23 or minute > 59 or second > 60 or zone_hour > 23 or zone_minute > 59:
            raise self.expected(what, start)
        offset = (zone_hour * 60 + zone_minute) * (-60 if sign == "-" else 60)
        return (date - EPOCH).days * 86400 + hour * 3600 + minute * 60 + second - offset

    def quoted(self):
        match = QUOTED.match(self.text, self.at)
        if match is None:
            raise self.expected('a `"` that ends the text', len(self.text))
        self.at = match.end()
        text = match[1]
        return ESCAPED.sub(unescaped, text.encode()).decode(errors="replace") if "\\" in text else text


def unescaped(match):
    if match[1]:
        return bytes([int(match[1], 16)])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(match[2], match[2])


def given(text):
    return None if text == "-" else text


def request(text):
    match = REQUEST.match(text)
    return match.groups() if match else (None, given(text), None)


def parse(text):
    line = Line(text)
    host = line.until(" ", "a host, and a space")
    line.until(" ", "an identity, and a space")
    user = given(line.until(" [", "a user, a space and `[`"))
    time = line.time()
    line.take('] "', '`] "`')
    method, path, protocol = request(line.quoted())
    line.take(" ", "a space")
    status = int(line.match(STATUS, "a status of three digits")[0])
    line.take(" ", "a space")
    size = given(line.match(BYTES, "up to 15 digits, or `-`")[0])
    referer = agent = None
    if line.at < len(text):
        line.take(' "', 'a space and `"`, or the end of the line')
        referer = given(line.quoted())
        line.take(' "', 'a space and `"`')
        agent = given(line.quoted())
        if line.at < len(text):
            raise line.expected("the end of the line")
    return {
        "host": host,
        "user": user,
        "time": time,
        "method": method,
        "path": path,
        "protocol": protocol,
        "status": status,
        "bytes": None if size is None else int(size),
        "referer": referer,
        "agent": agent,
    }
