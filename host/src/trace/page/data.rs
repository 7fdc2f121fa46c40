//! What the page is given: JSON, in columns, as most of it is numbers.
//!
//! Times are nanoseconds from the beginning of the trace, numbers of calls their places in [`Trace::tasks`], and -1 is none. In a column that
//! is named `…Steps` each number is the difference from the one before it. Texts stand once each in `texts`, and are referred to by number.

use super::super::spans::{LAST, Lane};
use super::super::{Moment, Step, StepKind, Task, Trace, shown};
use crate::escape::printable;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

/// The most characters of a value.
const VALUE: usize = 300;
/// The most characters of a line of an error, and of a type.
const LINE: usize = 1000;
/// The most bytes of the IR: browsers take seconds for a longer text.
const IR: usize = 1 << 20;

/// Writes the script element with the data: it is of a type that no browser runs.
pub(super) fn write(trace: &Trace, to: &mut impl io::Write, title: &str, ir: &str) -> io::Result<()> {
    let mut texts = Texts::default();
    let tasks = &trace.tasks;
    write!(to, "<script type=\"application/json\" id=\"data\">{{\"version\":1,\"title\":")?;
    write!(to, "{},\n\"ir\":{},\n\"end\":{}", json(title), json(&beginning(ir)), trace.end())?;
    functions(trace, to)?;
    column(to, "function", tasks.iter().map(|task| task.function as i64))?;
    column(to, "parent", tasks.iter().map(|task| place(task.parent)))?;
    column(to, "number", tasks.iter().map(|task| i64::from(task.number)))?;
    column(to, "forkedSteps", steps(tasks.iter().map(|task| time(task.forked))))?;
    column(to, "forkedOn", tasks.iter().map(|task| worker(task.forked)))?;
    column(to, "forkedAfter", forked_after(trace).into_iter())?;
    column(to, "started", tasks.iter().map(|task| since(task, task.started)))?;
    column(to, "done", tasks.iter().map(|task| since(task, task.done)))?;
    column(to, "cancelled", tasks.iter().map(|task| since(task, task.cancelled)))?;
    column(to, "fuel", tasks.iter().map(|task| number(task.fuel)))?;
    let site = |task: &Task| task.parent.is_none().then_some(task.site.as_ref()).flatten().map(ToString::to_string);
    let sites: Vec<i64> = tasks.iter().map(|task| texts.place(site(task).map(|site| printable(&site, LINE)))).collect();
    column(to, "site", sites.into_iter())?;
    let args: Vec<i64> = tasks
        .iter()
        .flat_map(|task| (0..task.args.len()).map(|at| shown::argument(task, at, VALUE)))
        .map(|text| texts.place(Some(text)))
        .collect();
    column(to, "argsOf", tasks.iter().map(|task| task.args.len() as i64))?;
    column(to, "args", args.into_iter())?;
    column(to, "argsFrom", tasks.iter().flat_map(|task| &task.args).map(|arg| place(arg.from)))?;
    column(to, "state", tasks.iter().map(state))?;
    let results: Vec<i64> = tasks.iter().map(|task| texts.place(result(task))).collect();
    column(to, "result", results.into_iter())?;
    column(to, "waitsOf", tasks.iter().map(|task| waits(&task.steps).count() as i64))?;
    let all_waits = || waits(&trace.host).chain(tasks.iter().flat_map(|task| waits(&task.steps)));
    column(to, "waitsFor", all_waits().map(|step| step.task as i64))?;
    column(to, "waitsSteps", steps(all_waits().map(|step| time(step.at))))?;
    column(to, "waitsAfter", all_waits().map(|step| number(step.fuel)))?;
    outputs(trace, to, &mut texts)?;
    write!(to, ",\n\"lanes\":[")?;
    for (at, of) in trace.lanes().iter().enumerate() {
        to.write_all(if at == 0 { b"" } else { b"," })?;
        lane(to, of)?;
    }
    write!(to, "],\n\"texts\":")?;
    list(to, texts.in_order().into_iter(), |to, text| write!(to, "{}", json(text)))?;
    write!(to, "}}</script>")
}

/// The IR; of a long one the first lines, and how many more there are.
fn beginning(ir: &str) -> Cow<'_, str> {
    if ir.len() <= IR {
        return ir.into();
    }
    let end = ir.as_bytes()[..IR].iter().rposition(|&byte| byte == b'\n').map_or(0, |line| line + 1);
    let (shown, rest) = ir.split_at(end);
    format!("{shown}… lines left out: {}; print the graph by itself to see them", rest.lines().count()).into()
}

/// What calls wrote, each as its number and three texts: what it wrote to stdout, to stderr, and what it was not given. Most wrote nothing.
fn outputs(trace: &Trace, to: &mut impl io::Write, texts: &mut Texts) -> io::Result<()> {
    let mut rows = Vec::new();
    for (at, task) in trace.tasks.iter().enumerate() {
        let Some(output) = &task.output else { continue };
        let parts = [
            shown::written(&output.stdout, LINE),
            shown::written(&output.stderr, LINE),
            shown::few(output.refused.iter().cloned(), LINE),
        ];
        if parts.iter().any(|part| !part.is_empty()) {
            let [stdout, stderr, refused] = parts.map(|part| texts.place((!part.is_empty()).then_some(part)));
            rows.push([at as i64, stdout, stderr, refused]);
        }
    }
    write!(to, ",\n\"outputs\":")?;
    list(to, rows.into_iter(), |to, row| numbers(to, row.into_iter()))
}

fn functions(trace: &Trace, to: &mut impl io::Write) -> io::Result<()> {
    let types = |types: Vec<String>| {
        let types: Vec<String> = types.iter().map(|ty| json(&printable(ty, LINE))).collect();
        format!("[{}]", types.join(","))
    };
    write!(to, ",\n\"functions\":")?;
    list(to, shown::names(&trace.functions).iter().zip(&trace.functions), |to, (name, function)| {
        let params = (0..function.params.len()).map(|at| shown::parameter(function, at)).collect();
        let of_params = function.params.iter().map(|(_, ty)| ty.to_string()).collect();
        let of_results = function.results.iter().map(ToString::to_string).collect();
        write!(to, "{{\"name\":{},\"module\":{}", json(name), json(&printable(&function.module, LINE)))?;
        write!(to, ",\"params\":{},\"types\":{},\"results\":{}}}", types(params), types(of_params), types(of_results))
    })
}

/// The rows of a lane: what is in one does not overlap, and is in order.
fn lane(to: &mut impl io::Write, lane: &Lane) -> io::Result<()> {
    write!(to, "{{\"worker\":{},\"rows\":[", lane.worker.map_or(-1, i64::from))?;
    let mut first = true;
    for stack in &lane.stacks {
        let mut rows: Vec<Vec<usize>> = Vec::new();
        for (at, &(_, depth)) in stack.iter().enumerate() {
            if depth == rows.len() {
                rows.push(Vec::new());
            }
            rows[depth].push(at);
        }
        for row in rows {
            let spans = || row.iter().map(|&at| stack[at].0);
            write!(to, "{}{{\"task\":", if first { "" } else { "," })?;
            numbers(to, spans().map(|span| span.task as i64))?;
            write!(to, ",\"fromSteps\":")?;
            numbers(to, steps(spans().map(|span| span.from as i64)))?;
            write!(to, ",\"length\":")?;
            numbers(to, spans().map(|span| (span.to - span.from) as i64))?;
            write!(to, "}}")?;
            first = false;
        }
    }
    write!(to, "]}}")
}

/// The fuel that who forked a call had used by then.
fn forked_after(trace: &Trace) -> Vec<i64> {
    let mut fuel = vec![-1; trace.tasks.len()];
    let steps = trace.tasks.iter().flat_map(|task| &task.steps);
    steps.filter(|step| step.kind == StepKind::Fork).for_each(|step| fuel[step.task] = number(step.fuel));
    fuel
}

fn waits(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().filter(|step| step.kind == StepKind::Wait)
}

/// 0 for a call that gave a value, 1 for one that failed, 2 for one that had not ended.
fn state(task: &Task) -> i64 {
    match &task.result {
        Some(Ok(_)) => 0,
        Some(Err(_)) => 1,
        None => 2,
    }
}

/// What a call gave; of an error, the kind, and then all that it tells.
fn result(task: &Task) -> Option<String> {
    task.result.as_ref().map(|result| match result {
        Ok(value) => value.wave_within(VALUE),
        Err(error) => format!("{}\n{}", error.kind().name(), shown::error(error, LINE)),
    })
}

fn place(task: Option<usize>) -> i64 {
    task.map_or(-1, |task| task as i64)
}

fn worker(moment: Moment) -> i64 {
    moment.worker.map_or(-1, i64::from)
}

fn number(value: u64) -> i64 {
    value.min(LAST) as i64
}

fn time(moment: Moment) -> i64 {
    number(moment.time)
}

/// How long after a call was forked; at least nothing, whatever its times are.
fn since(task: &Task, moment: Option<Moment>) -> i64 {
    moment.map_or(-1, |moment| (time(moment) - time(task.forked)).max(0))
}

fn steps(numbers: impl Iterator<Item = i64>) -> impl Iterator<Item = i64> {
    let mut last = 0;
    numbers.map(move |number| number - std::mem::replace(&mut last, number))
}

fn column(to: &mut impl io::Write, name: &str, values: impl Iterator<Item = i64>) -> io::Result<()> {
    write!(to, ",\n\"{name}\":")?;
    numbers(to, values)
}

fn numbers(to: &mut impl io::Write, values: impl Iterator<Item = i64>) -> io::Result<()> {
    list(to, values, |to, value| write!(to, "{value}"))
}

fn list<T, W: io::Write>(
    to: &mut W,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut W, T) -> io::Result<()>,
) -> io::Result<()> {
    to.write_all(b"[")?;
    for (at, item) in items.enumerate() {
        if at > 0 {
            to.write_all(b",")?;
        }
        write(to, item)?;
    }
    to.write_all(b"]")
}

/// A text in JSON that cannot end the element that it stands in.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('<', "\\u003c")
}

/// Texts, each once.
#[derive(Default)]
struct Texts(HashMap<String, usize>);

impl Texts {
    fn place(&mut self, text: Option<String>) -> i64 {
        let Some(text) = text else { return -1 };
        let next = self.0.len();
        *self.0.entry(text).or_insert(next) as i64
    }

    fn in_order(&self) -> Vec<&str> {
        let mut texts = vec![""; self.0.len()];
        self.0.iter().for_each(|(text, &at)| texts[at] = text);
        texts
    }
}
