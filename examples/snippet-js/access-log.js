// A prelude: parses lines of a web server's access log, as the Rust in ../rust/access-log/src/parse.rs does.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TIME = /([0-9]{2})\/([A-Z][a-z]{2})\/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})/y;
const STATUS = /[1-9][0-9]{2}/y;
const BYTES = /(?:[0-9]{1,15}|-)(?= |$)/y;
const REQUEST = /^([A-Z-]+) ([^]+?)(?: (HTTP\/[^ ]*))?$/;

function parse(input) {
  let at = 0;

  const expected = (what, where = at) => new Error(`column ${[...input.slice(0, where)].length + 1}: expected ${what}`);

  const until = (end, what) => {
    const found = input.indexOf(end, at);
    if (found <= at) throw expected(what);
    const before = input.slice(at, found);
    at = found + end.length;
    return before;
  };

  const take = (text, what) => {
    if (!input.startsWith(text, at)) throw expected(what);
    at += text.length;
  };

  const match = (pattern, what) => {
    pattern.lastIndex = at;
    const found = pattern.exec(input);
    if (found === null) throw expected(what);
    at = pattern.lastIndex;
    return found;
  };

  const time = () => {
    const [start, what] = [at, "a time as 31/Dec/2026:23:59:59 +0000"];
    const found = match(TIME, what);
    const [day, year, hour, minute, second, zoneHour, zoneMinute] = [1, 3, 4, 5, 6, 8, 9].map((group) => Number(found[group]));
    const month = MONTHS.indexOf(found[2]);
    const date = new Date(0);
    date.setUTCFullYear(year, month, day); // another month, if this one has no such day
    const isDate = year > 0 && month >= 0 && day > 0 && date.getUTCMonth() === month;
    if (!isDate || hour > 23 || minute > 59 || second > 60 || zoneHour > 23 || zoneMinute > 59) throw expected(what, start);
    const offset = (zoneHour * 60 + zoneMinute) * (found[7] === "-" ? -60 : 60);
    return date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  };

  const quoted = () => {
    let end = at;
    while (end < input.length && input[end] !== '"') end += input[end] === "\\" ? 2 : 1;
    if (end >= input.length) throw expected('a `"` that ends the text', input.length);
    const text = input.slice(at, end);
    at = end + 1;
    return text.includes("\\") ? unescaped(text) : text;
  };

  const given = (text) => (text === "-" ? null : text);

  const request = (text) => {
    const [, method, path, protocol = null] = REQUEST.exec(text) ?? [null, null, given(text)];
    return { method, path, protocol };
  };

  const host = until(" ", "a host, and a space");
  until(" ", "an identity, and a space");
  const user = given(until(" [", "a user, a space and `[`"));
  const seconds = time();
  take('] "', '`] "`');
  const { method, path, protocol } = request(quoted());
  take(" ", "a space");
  const status = Number(match(STATUS, "a status of three digits")[0]);
  take(" ", "a space");
  const size = given(match(BYTES, "up to 15 digits, or `-`")[0]);
  let [referer, agent] = [null, null];
  if (at < input.length) {
    take(' "', 'a space and `"`, or the end of the line');
    referer = given(quoted());
    take(' "', 'a space and `"`');
    agent = given(quoted());
    if (at < input.length) throw expected("the end of the line");
  }
  const bytes = size === null ? null : Number(size);
  return { host, user, time: seconds, method, path, protocol, status, bytes, referer, agent };
}

// What is escaped is bytes, which may be UTF-8 together.
function unescaped(text) {
  const OF = { n: 10, r: 13, t: 9 };
  const bytes = [];
  const encoder = new TextEncoder();
  for (const part of text.matchAll(/\\x([0-9A-Fa-f]{2})|\\(["\\nrt])|\\|[^\\]+/g)) {
    if (part[1]) bytes.push(parseInt(part[1], 16));
    else if (part[2]) bytes.push(OF[part[2]] ?? part[2].charCodeAt(0));
    else encoder.encode(part[0]).forEach((byte) => bytes.push(byte));
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(bytes));
}
