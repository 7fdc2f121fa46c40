//! A trace as JSON, version 1, and back.

use super::model::{Step, StepKind, Task, Trace, TracedFunction};
use crate::error::{Error, ErrorKind, ForkSite, Result};
use crate::imports::UnknownImports;
use crate::limits::Limits;
use crate::value::Type;
use crate::wasi::{Wasi, World, is_name};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{self, Write};

/// The version that is written, and read.
const VERSION: u32 = 1;

/// A trace, as it stands in JSON. The bytes of modules do not.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    #[serde(rename = "purefork-trace")]
    version: u32,
    functions: Vec<Function>,
    tasks: Cow<'a, [Task]>,
    host: Cow<'a, [Step]>,
}

/// What is looked at first.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "purefork-trace")]
    version: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    module: String,
    name: String,
    params: Vec<Param>,
    #[serde(with = "crate::value::wire")]
    results: Vec<Type>,
    limits: Limits,
    wasi: Wasi,
    #[serde(default, skip_serializing_if = "UnknownImports::is_refuse")]
    unknown_imports: UnknownImports,
    #[serde(default, skip_serializing_if = "World::is_empty")]
    world: World,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Param {
    name: String,
    #[serde(with = "crate::value::wire", rename = "type")]
    ty: Type,
}

/// The call with an error that can be shown.
fn printable(mut task: Task) -> Task {
    task.result = task.result.map(|result| result.map_err(Error::printable));
    task
}

impl Trace {
    /// Writes the trace as JSON, in one line; host/docs/trace.md says what stands where.
    ///
    /// The modules' bytes are not in it: a trace that is to be [replayed](Trace::replay) is kept as a [`Recorder`](super::Recorder) writes it.
    ///
    /// # Errors
    ///
    /// What goes wrong in writing.
    pub fn write_json(&self, to: &mut impl Write) -> io::Result<()> {
        let functions = self.functions.iter().map(|function| Function {
            module: function.module.clone(),
            name: function.name.clone(),
            params: function.params.iter().map(|(name, ty)| Param { name: name.clone(), ty: ty.clone() }).collect(),
            results: function.results.clone(),
            limits: function.limits.clone(),
            wasi: function.wasi,
            unknown_imports: function.unknown_imports,
            world: function.world.clone(),
        });
        let file = File {
            version: VERSION,
            functions: functions.collect(),
            tasks: (&*self.tasks).into(),
            host: (&*self.host).into(),
        };
        serde_json::to_writer(&mut *to, &file)?;
        to.write_all(b"\n")
    }

    /// Reads what [`Trace::write_json`] writes.
    ///
    /// ```
    /// use purefork::trace::Trace;
    /// use purefork::{Executor, args};
    ///
    /// let exec = Executor::new()?;
    /// let one = exec.load_bytes(r#"(module (func (export "one") (result i32) (i32.const 1)))"#)?;
    /// let trace = one.trace("one", args![])?;
    /// let mut json = Vec::new();
    /// trace.write_json(&mut json)?;
    /// assert_eq!(Trace::read_json(&json)?.tasks, trace.tasks);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] if it is no trace, or of another version.
    pub fn read_json(json: &[u8]) -> Result<Trace> {
        let malformed = |message: String, help: &str| Error::new(ErrorKind::Malformed, message).with_help(help);
        match serde_json::from_slice::<Head>(json) {
            Ok(Head { version: Some(VERSION) }) => {}
            Ok(Head { version: Some(version) }) => {
                let message = format!("expected a trace of version {VERSION}, but was given one of version {version}");
                return Err(malformed(message, "read it with the purefork that has written it, or a newer one"));
            }
            Ok(Head { version: None }) => {
                let message = "expected a trace, a JSON object with `purefork-trace`, but was given one without";
                return Err(malformed(message.to_owned(), "make one with `purefork trace --format json`"));
            }
            Err(error) => {
                return Err(malformed(
                    format!("the trace is no JSON object: {error}"),
                    "it may have been cut short: trace the call again",
                ));
            }
        }
        let file: File<'_> = serde_json::from_slice(json).map_err(|error| {
            malformed(
                format!("the trace is not of the form of version {VERSION}: {error}"),
                "it was changed since it was written: trace the call again",
            )
        })?;
        let functions = file.functions.into_iter().map(|function| TracedFunction {
            module: function.module,
            name: function.name,
            params: function.params.into_iter().map(|Param { name, ty }| (name, ty)).collect(),
            results: function.results,
            limits: function.limits,
            wasi: function.wasi,
            unknown_imports: function.unknown_imports,
            world: function.world,
        });
        let trace = Trace {
            modules: Vec::new(),
            functions: functions.collect(),
            tasks: file.tasks.into_owned().into_iter().map(printable).collect(),
            host: file.host.into_owned(),
        };
        match trace.contradiction() {
            None => Ok(trace),
            Some((task, what)) => {
                let place = task.map(|task| format!(" at task {task}")).unwrap_or_default();
                Err(malformed(
                    format!("the trace contradicts itself{place}: {what}"),
                    "no purefork writes such a trace: trace the call again",
                ))
            }
        }
    }

    /// What cannot be so in a trace, and at which call.
    fn contradiction(&self) -> Option<(Option<usize>, &'static str)> {
        let mut forked = vec![false; self.tasks.len()];
        if let Some(what) = self.wrong_steps(None, &self.host, &mut forked) {
            return Some((None, what));
        }
        // The calls around the one that is looked at, outermost first.
        let mut around: Vec<usize> = Vec::new();
        for (place, task) in self.tasks.iter().enumerate() {
            while around.last().copied() != task.parent && around.pop().is_some() {}
            let wrong = if task.parent.is_some() && around.is_empty() {
                Some("it does not stand behind the call that forked it, or another stands between them")
            } else if task.function >= self.functions.len() {
                Some("its function is not there")
            } else if task.args.len() != self.functions[task.function].params.len() {
                Some("it has not as many arguments as its function has parameters")
            } else if task.args.iter().any(|arg| arg.from.is_some_and(|from| from >= self.tasks.len())) {
                Some("an argument is of a call that is not there")
            } else if task.output.iter().flat_map(|output| &output.refused).any(|text| text.contains(char::is_control))
            {
                Some("what was refused to it has control characters")
            } else if !task.output.iter().flat_map(|output| &output.files).all(|(name, _)| is_name(name)) {
                Some("a file that it made has no name that one can have")
            } else if matches!(&task.site, Some(ForkSite::Host { file, .. }) if file.contains(char::is_control)) {
                Some("the name of the file that it was forked in has control characters")
            } else {
                self.wrong_steps(Some(place), &task.steps, &mut forked)
            };
            if let Some(what) = wrong {
                return Some((Some(place), what));
            }
            around.push(place);
        }
        let unforked = forked.iter().position(|forked| !forked);
        unforked.map(|task| (Some(task), "nobody has forked it"))
    }

    /// What cannot be so among the forks and waits of a call, or of the host.
    fn wrong_steps(&self, by: Option<usize>, steps: &[Step], forked: &mut [bool]) -> Option<&'static str> {
        for step in steps {
            let Some(task) = self.tasks.get(step.task) else {
                return Some("it forks a call that is not there, or waits for one");
            };
            match step.kind {
                StepKind::Fork if task.parent != by => return Some("it forks a call whose parent is another"),
                StepKind::Fork if std::mem::replace(&mut forked[step.task], true) => {
                    return Some("it forks a call that was forked before");
                }
                StepKind::Wait if by.is_some() && task.parent != by => {
                    return Some("it waits for a call that it did not fork");
                }
                StepKind::Fork | StepKind::Wait => {}
            }
        }
        None
    }
}
