//! What was measured, and how it is printed.

use std::time::{Duration, Instant};

/// One figure: microseconds per item, over several rounds.
pub(crate) struct Row {
    name: String,
    rounds: Vec<f64>,
}

/// All figures.
pub(crate) struct Table {
    only: Vec<String>,
    json: bool,
    lines: Vec<Line>,
}

enum Line {
    Title(String),
    Time { name: String, micros: f64, floor: f64, bar: Option<f64> },
    Ratio { name: String, ratio: f64, bound: &'static str, bar: f64 },
}

impl Row {
    pub(crate) fn group<const N: usize>(names: [impl Into<String>; N]) -> [Row; N] {
        names.map(|name| Row { name: name.into(), rounds: Vec::new() })
    }

    /// Times `items` items that `f` handles.
    pub(crate) fn time(&mut self, items: u32, f: impl FnOnce()) {
        let start = Instant::now();
        f();
        self.add(start, items);
    }

    /// Times `items` items one by one, without what makes each, once one was handled that finds nothing in the processor's caches.
    pub(crate) fn time_each<T>(&mut self, items: u32, mut make: impl FnMut() -> T, mut f: impl FnMut(T)) {
        f(make());
        let each = (0..items).map(|_| {
            let item = make();
            let start = Instant::now();
            f(item);
            start.elapsed()
        });
        let all: Duration = each.sum();
        self.rounds.push(all.as_secs_f64() * 1e6 / f64::from(items));
    }

    pub(crate) fn add(&mut self, start: Instant, items: u32) {
        self.rounds.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(items));
    }

    pub(crate) fn median(&self) -> f64 {
        let mut rounds = self.rounds.clone();
        rounds.sort_by(f64::total_cmp);
        rounds[rounds.len() / 2]
    }
}

impl Table {
    pub(crate) fn from_args() -> Table {
        let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
        let json = args.iter().any(|arg| arg == "--json");
        Table { only: args.into_iter().filter(|arg| !arg.starts_with("--")).collect(), json, lines: Vec::new() }
    }

    /// Whether a figure is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word.as_str()))
    }

    /// Adds a group of figures, of which the first is the floor. `bar`: what the last should be at most.
    pub(crate) fn add<const N: usize>(&mut self, rows: [Row; N], title: &str, bar: Option<f64>) {
        self.lines.push(Line::Title(title.to_owned()));
        let floor = rows[0].median();
        for (i, row) in rows.into_iter().enumerate() {
            let bar = if i == N - 1 { bar } else { None };
            self.lines.push(Line::Time { micros: row.median(), name: row.name, floor, bar });
        }
    }

    /// Adds a figure that is no time.
    pub(crate) fn ratio(&mut self, name: &str, ratio: f64, bound: &'static str, bar: f64) {
        self.lines.push(Line::Ratio { name: name.to_owned(), ratio, bound, bar });
    }

    pub(crate) fn print(&self) {
        if self.json {
            let fields = self.lines.iter().filter_map(|line| match line {
                Line::Title(_) => None,
                Line::Time { name, micros, .. } => Some(format!("{name:?}: {micros}")),
                Line::Ratio { name, ratio, .. } => Some(format!("{name:?}: {ratio}")),
            });
            return println!("{{{}}}", fields.collect::<Vec<_>>().join(", "));
        }
        for line in &self.lines {
            match line {
                Line::Title(title) => println!("\n{title}"),
                Line::Time { name, micros, floor, bar } => {
                    let bar = bar.map(|bar| format!("  (bar: {bar:.2} µs)")).unwrap_or_default();
                    println!("  {name:<66} {micros:>9.3} µs {:>7.2} ×{bar}", micros / floor);
                }
                Line::Ratio { name, ratio, bound, bar } => {
                    println!("  {name:<66} {ratio:>9.3}              (bar: {bound} {bar})");
                }
            }
        }
    }
}
