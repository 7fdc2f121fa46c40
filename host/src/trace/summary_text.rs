//! A summary as text.

use super::summary::{FunctionUse, Stretch, Summary};
use std::collections::BTreeMap;
use std::fmt;

/// The most lines of a list.
const LINES: usize = 20;

/// A line of the critical path: stretches of one function.
struct Line {
    function: usize,
    stretches: u64,
    fuel: u128,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, guests) = (self.host_calls, self.calls.saturating_sub(self.host_calls));
        let failed: u64 = self.failures.iter().map(|(_, calls)| calls).sum();
        let ok = self.calls.saturating_sub(failed).saturating_sub(self.unfinished);
        writeln!(
            f,
            "calls        {}: {} forked by the host, {} by calls",
            grouped(self.calls),
            grouped(host),
            grouped(guests)
        )?;
        writeln!(f, "waits        {}", grouped(self.waits))?;
        let s = if self.depth == 1 { "" } else { "s" };
        writeln!(f, "depth        {} fork{s} below the host's", grouped(self.depth))?;
        write!(f, "ended        {} ok, {} failed", grouped(ok), grouped(failed))?;
        let kinds: Vec<_> =
            self.failures.iter().map(|(kind, calls)| format!("{} {}", grouped(*calls), kind.name())).collect();
        if !kinds.is_empty() {
            write!(f, " ({})", kinds.join(", "))?;
        }
        if self.unfinished > 0 {
            write!(f, ", {} not ended", grouped(self.unfinished))?;
        }
        if self.known > 0 {
            write!(f, ", of which {} did not run, as their results were known", grouped(self.known))?;
        }
        writeln!(f, "\nwork         {} fuel", grouped(self.work))?;
        writeln!(f, "span         {} fuel", grouped(self.span))?;
        writeln!(f, "parallelism  {:.2}", self.parallelism())?;
        self.write_path(f)?;
        writeln!(f, "\nspeed-up\ncores  at least (greedy bound)  simulated (greedy, oldest first)")?;
        for speedup in &self.speedups {
            writeln!(f, "{:>5}  {:>23.2}  {:>32.2}", speedup.cores, speedup.greedy, speedup.simulated)?;
        }
        self.write_functions(f)
    }
}

impl Summary {
    fn write_path(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lines, order) = lines(&self.critical_path);
        let times = lines.iter().any(|line| line.stretches > 1);
        let header = if times { ["fuel", "share", "times", "function"] } else { ["fuel", "share", "", "function"] };
        let left = lines.len().saturating_sub(LINES);
        let mut rows: Vec<_> = lines.iter().take(LINES).map(|line| self.row(line)).collect();
        if left > 0 {
            let rest = &lines[LINES..];
            let fuel = rest.iter().map(|line| line.fuel).sum();
            let stretches = rest.iter().map(|line| line.stretches).sum();
            rows.push([
                grouped128(fuel),
                share(fuel, self.span),
                grouped(stretches),
                format!("in {} more functions", grouped(left as u64)),
            ]);
        }
        writeln!(f, "\ncritical path{order}")?;
        write_table(f, header, &rows)
    }

    fn row(&self, line: &Line) -> [String; 4] {
        let name = self.functions.get(line.function).map_or("", |function| &*function.name);
        [grouped128(line.fuel), share(line.fuel, self.span), grouped(line.stretches), name.to_owned()]
    }

    fn write_functions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |function: &FunctionUse| {
            let share = share(function.fuel.into(), self.work);
            [grouped(function.fuel), share, grouped(function.calls), function.name.clone()]
        };
        let mut rows: Vec<_> = self.functions.iter().take(LINES).map(row).collect();
        if let Some(rest) = self.functions.get(LINES..).filter(|rest| !rest.is_empty()) {
            let fuel = rest.iter().map(|function| u128::from(function.fuel)).sum();
            let calls = rest.iter().map(|function| function.calls).sum();
            let name = format!("in {} more functions", grouped(rest.len() as u64));
            rows.push([grouped128(fuel), share(fuel, self.work), grouped(calls), name]);
        }
        writeln!(f, "\nfunctions, by the fuel that their calls used themselves")?;
        write_table(f, ["fuel", "share", "calls", "function"], &rows)
    }
}

/// The lines of the critical path, and how they are put together.
///
/// Stretches of one function that follow each other are one line. If there are too many lines all the same, there is one for each
/// function, in the order in which the path first comes to it.
fn lines(path: &[Stretch]) -> (Vec<Line>, &'static str) {
    let mut runs: Vec<Line> = Vec::new();
    for stretch in path {
        let fuel = u128::from(stretch.fuel);
        match runs.last_mut() {
            Some(line) if line.function == stretch.function => {
                line.stretches += 1;
                line.fuel += fuel;
            }
            _ => runs.push(Line { function: stretch.function, stretches: 1, fuel }),
        }
    }
    if runs.len() <= LINES {
        return (runs, ", in the order of time");
    }
    let mut place = BTreeMap::new();
    let mut functions: Vec<Line> = Vec::new();
    for run in runs {
        let at = *place.entry(run.function).or_insert(functions.len());
        match functions.get_mut(at) {
            Some(line) => {
                line.stretches += run.stretches;
                line.fuel += run.fuel;
            }
            None => functions.push(run),
        }
    }
    (functions, ", by function")
}

/// Numbers to the right, names to the left.
fn write_table(f: &mut fmt::Formatter<'_>, header: [&str; 4], rows: &[[String; 4]]) -> fmt::Result {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.chain([header[column].len()]).max().unwrap_or(0)
    };
    let (fuel, share, times) = (width(0), width(1), width(2));
    let mut line = |[a, b, c, name]: [&str; 4]| match header[2] {
        "" => writeln!(f, "{a:>fuel$}  {b:>share$}  {name}"),
        _ => writeln!(f, "{a:>fuel$}  {b:>share$}  {c:>times$}  {name}"),
    };
    line(header)?;
    rows.iter().try_for_each(|[a, b, c, name]| line([a, b, c, name]))
}

fn share(part: u128, whole: u64) -> String {
    match whole {
        0 => "-".to_owned(),
        whole => format!("{:.1} %", 100.0 * part as f64 / whole as f64),
    }
}

fn grouped(number: u64) -> String {
    grouped128(number.into())
}

/// With a comma before each three digits.
fn grouped128(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
