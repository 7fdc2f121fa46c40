//! Calls of a core module's functions that take pointers: bytes are laid in its memory, and their addresses passed.

use crate::argument::Reader;
use crate::directory::Directory;
use crate::flags::Run;
use crate::output::Output;
use crate::report::Usage;
use crate::run::{executor, link, world};
use crate::whole::Whole;
use anyhow::Result;
use purefork::Args;

/// A script, and the bytes that it is called with.
#[derive(Debug, Default)]
pub(crate) struct Script {
    text: String,
    /// The names that the script has for them, and the bytes.
    data: Vec<(String, Vec<u8>)>,
}

impl Script {
    /// The script that was typed, as such or as a call with bytes among its arguments; none if it is an ordinary call.
    ///
    /// # Errors
    ///
    /// A [`Usage`].
    pub(crate) fn of(run: &Run) -> Result<Option<Script>> {
        let name = run.function.as_deref().or(run.after.as_deref());
        if let Some(text) = &run.script {
            if name.is_some() {
                let usage = Usage::new("expected no FUNCTION with `--script`, which names what it calls");
                return Err(usage.with_help("write data into the script as `&@FILE`").into());
            }
            if run.read.is_some() {
                let usage = Usage::new("`--read` is for a call that is given by FUNCTION");
                return Err(usage.with_help("end the script with `bytes(p, n)` or `string(p)`").into());
            }
            return Script::typed(text).map(Some);
        }
        let lays = run.given.iter().any(|given| given.name.is_none() && given.value.starts_with('&'));
        match name {
            Some(name) if lays || run.read.is_some() => Script::call(run, name).map(Some),
            _ => Ok(None),
        }
    }

    /// A script in which `&@FILE` stands for a file's bytes.
    fn typed(text: &str) -> Result<Script> {
        let mut script = Script::default();
        let (mut rest, mut quoted) = (text, false);
        while let Some(c) = rest.chars().next() {
            if !quoted && let Some(file) = rest.strip_prefix('&').filter(|rest| rest.starts_with('@')) {
                let end = file.find(|c: char| c.is_whitespace() || matches!(c, ',' | ')' | ';')).unwrap_or(file.len());
                let name = script.lay(&file[..end])?;
                script.text.push_str(&name);
                rest = &file[end..];
                continue;
            }
            let escaped = quoted && c == '\\';
            quoted ^= c == '"';
            let length = c.len_utf8() + if escaped { rest[1..].chars().next().map_or(0, char::len_utf8) } else { 0 };
            script.text.push_str(&rest[..length]);
            rest = &rest[length..];
        }
        Ok(script)
    }

    /// A call of one function, and what is read when it has returned.
    fn call(run: &Run, name: &str) -> Result<Script> {
        let mut script = Script::default();
        // The names of what lies in memory, in the order of the arguments.
        let mut laid: Vec<String> = Vec::new();
        let mut args: Vec<String> = Vec::new();
        let mut rooms = String::new();
        for given in &run.given {
            if let Some(option) = &given.name {
                let message = format!("expected arguments by position, but was given `--{}`", option.escape_debug());
                return Err(Usage::new(message)
                    .with_help("the function's parameters have no names that are known")
                    .into());
            }
            let word = match given.value.strip_prefix('&') {
                Some(size) if size.starts_with(|c: char| c.is_ascii_digit()) => {
                    let room = format!("room{}", laid.len() + 1);
                    rooms.push_str(&format!("{room} = &{size}; "));
                    laid.push(room.clone());
                    room
                }
                Some(content) => {
                    laid.push(script.lay(content)?);
                    laid.last().cloned().unwrap_or_default()
                }
                None if given.value == "len" => {
                    let last = laid.last().ok_or_else(|| {
                        Usage::new("`len` is the length of the bytes laid last, and there are none before it")
                            .with_help("write the bytes first: `&@FILE len`")
                    })?;
                    format!("len({last})")
                }
                None => given.value.clone(),
            };
            args.push(word);
        }
        let call = format!("{name}({})", args.join(", "));
        script.text = match &run.read {
            None => format!("{rooms}{call}"),
            Some(read) => {
                let value = read_after(read, &laid)?;
                let named = if value.contains("result") { "result = " } else { "" };
                format!("{rooms}{named}{call}; {value}")
            }
        };
        Ok(script)
    }

    /// Adds what is laid in memory: a file after `@`, or a text. Its name in the script.
    fn lay(&mut self, content: &str) -> Result<String> {
        let name = format!("data{}", self.data.len() + 1);
        let bytes = Reader::default().bytes(&name, content)?;
        self.data.push((name.clone(), bytes));
        Ok(name)
    }

    /// Runs it, and writes what it gives. Returns whether that is a success.
    pub(crate) fn run(self, run: &Run) -> Result<bool> {
        let names = self.data.iter().map(|(name, _)| name.clone()).collect();
        let exec = executor(&run.common)?;
        let whole = Whole::new(&run.module, &run.common);
        let module = link(&exec, &run.common, &world(run)?, whole.load_with(&exec, Some((names, self.text)))?)?;
        let inspection = module.inspect();
        let function = inspection.function("script")?;
        let output = Output::new(run, function)?;
        let out = run.out.as_deref().map(Directory::new).transpose()?;
        let args = self.data.into_iter().fold(Args::new(), |args, (_, bytes)| args.push(bytes));
        let future = module.fork("script", args)?;
        let result = future.wait();
        let usage = crate::run::usage(run, &future);
        let written = future.output();
        if let Some(output) = &written {
            crate::run::forward(output, &result);
        }
        if let Some(out) = out {
            out.write(&written.map(|output| output.files).unwrap_or_default())?;
        }
        output.write(function, result.map_err(|error| crate::report::used(error, usage))?, usage)
    }
}

/// What `--read` means: `PTR:LEN`, or `PTR` of a text that ends with a zero.
fn read_after(read: &str, laid: &[String]) -> Result<String> {
    let wrong = || {
        let usage = Usage::new(format!("`--read`: expected PTR:LEN or PTR, but was given `{}`", read.escape_debug()));
        usage.with_help("each is a number, `result`, or `&N` for the N-th argument with a `&`, such as `&2:32`")
    };
    let argument = |text: &str| -> Result<Option<&String>> {
        let Some(number) = text.strip_prefix('&') else { return Ok(None) };
        let place = number.parse::<usize>().ok().and_then(|number| laid.get(number.checked_sub(1)?));
        place.map(Some).ok_or_else(|| wrong().into())
    };
    let plain = |text: &str| text == "result" || !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (at, length) = read.split_once(':').map_or((read, None), |(at, length)| (at, Some(length)));
    let at = match argument(at)? {
        Some(name) => name.clone(),
        None if plain(at) => at.to_owned(),
        None => return Err(wrong().into()),
    };
    Ok(match length {
        None => format!("string({at})"),
        Some(length) => match argument(length)? {
            Some(name) => format!("bytes({at}, len({name}))"),
            None if plain(length) => format!("bytes({at}, {length})"),
            None => return Err(wrong().into()),
        },
    })
}
