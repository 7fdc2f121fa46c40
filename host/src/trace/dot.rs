//! A trace as a graph for Graphviz.

use super::{StepKind, Task, Trace, shown};
use std::io;

/// The most calls that are drawn. Graphviz takes minutes for a few thousand.
const CALLS: usize = 1000;
/// The most characters of a call's arguments, of its result, or of its error.
const SHOWN: usize = 60;

impl Trace {
    /// Writes the trace as a graph for Graphviz, `dot -Tsvg`.
    ///
    /// A node is a call: its function with arguments, and its result. One that failed is red. A line is a fork, from who forked; a dashed one
    /// a wait, back to who waited; a dotted one a call whose future was given to another as an argument. `host` is the program.
    ///
    /// Of a trace of more than 1000 calls the first are drawn, in the order of [`Trace::tasks`], with what lies between them; a note says how many are not.
    ///
    /// ```
    /// # use purefork::{Executor, args};
    /// # let exec = Executor::new()?;
    /// # let math = exec.load_bytes(r#"(module (func (export "add") (param $a i32) (param $b i32) (result i32)
    /// #     (i32.add (local.get $a) (local.get $b))))"#)?;
    /// let trace = math.trace("add", args![2, 3])?;
    /// assert!(trace.to_dot().contains(r#"t0 [label="add(2, 3)\n= 5"];"#));
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What writing to `to` gives.
    pub fn write_dot(&self, to: &mut impl io::Write) -> io::Result<()> {
        let names = shown::names(&self.functions);
        let drawn = &self.tasks[..self.tasks.len().min(CALLS)];
        writeln!(to, "digraph trace {{")?;
        writeln!(to, "  node [shape=box, style=rounded, fontname=\"monospace\"];")?;
        writeln!(to, "  edge [fontname=\"monospace\", fontsize=10];")?;
        writeln!(to, "  host [shape=plaintext];")?;
        for (at, task) in drawn.iter().enumerate() {
            let red = if Trace::error(task).is_some() { ", color=red, fontcolor=red" } else { "" };
            writeln!(to, "  t{at} [label=\"{}\"{red}];", label(&names[task.function], task))?;
        }
        for (at, task) in drawn.iter().enumerate() {
            let from = task.parent.map_or("host".to_owned(), |parent| format!("t{parent}"));
            let number = if task.number == 0 { String::new() } else { format!(" [label=\"{}\"]", task.number) };
            writeln!(to, "  {from} -> t{at}{number};")?;
        }
        let waits = self.host.iter().map(|step| ("host".to_owned(), step));
        let waits = waits.chain(
            drawn.iter().enumerate().flat_map(|(at, task)| task.steps.iter().map(move |step| (format!("t{at}"), step))),
        );
        for (who, step) in waits.filter(|(_, step)| step.kind == StepKind::Wait && step.task < drawn.len()) {
            writeln!(to, "  t{} -> {who} [style=dashed, constraint=false];", step.task)?;
        }
        for (at, task) in drawn.iter().enumerate() {
            for from in task.args.iter().filter_map(|arg| arg.from).filter(|&from| from < drawn.len()) {
                writeln!(to, "  t{from} -> t{at} [style=dotted];")?;
            }
        }
        let more = self.tasks.len() - drawn.len();
        if more > 0 {
            let failed = self.failed() - drawn.iter().filter(|task| Trace::error(task).is_some()).count();
            writeln!(
                to,
                "  note [shape=note, style=solid, label=\"{more} more calls are not drawn, {failed} of them failed\"];"
            )?;
        }
        writeln!(to, "}}")
    }

    /// What [`write_dot`](Trace::write_dot) writes.
    pub fn to_dot(&self) -> String {
        super::text(|to| self.write_dot(to))
    }
}

/// What stands in a call's node.
fn label(name: &str, task: &Task) -> String {
    let call = format!("{name}({})", shown::arguments(task, SHOWN));
    let result = match &task.result {
        Some(Ok(value)) => format!("= {}", value.wave_within(SHOWN)),
        Some(Err(error)) => format!("{}: {}", error.kind().name(), shown::message(error, SHOWN)),
        None => "has not ended".to_owned(),
    };
    format!("{}\\n{}", escaped(&call), escaped(&result))
}

/// A text within a string of Graphviz: there a backslash begins an escape, and an ampersand a character of HTML.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
}

#[cfg(test)]
mod tests {
    use super::super::made::{hostile, many, three};
    use expect_test::expect;

    #[test]
    fn calls_are_nodes_and_forks_waits_and_futures_lines() {
        expect![[r#"
            digraph trace {
              node [shape=box, style=rounded, fontname="monospace"];
              edge [fontname="monospace", fontsize=10];
              host [shape=plaintext];
              t0 [label="main(2)\nTrap: `fail` trapped: integer divide by zero", color=red, fontcolor=red];
              t1 [label="double(2)\n= 4"];
              t2 [label="fail(4)\nTrap: `fail` trapped: integer divide by zero", color=red, fontcolor=red];
              host -> t0;
              t0 -> t1 [label="1"];
              t0 -> t2 [label="2"];
              t0 -> host [style=dashed, constraint=false];
              t1 -> t0 [style=dashed, constraint=false];
              t2 -> t0 [style=dashed, constraint=false];
              t1 -> t2 [style=dotted];
            }
        "#]]
        .assert_eq(&three().to_dot());
    }

    #[test]
    fn hostile_names_end_no_string() {
        expect![[r#"
            digraph trace {
              node [shape=box, style=rounded, fontname="monospace"];
              edge [fontname="monospace", fontsize=10];
              host [shape=plaintext];
              t0 [label="</script><script>document.title='harm'</script><img src=x onerror=\"document.titl…@</script#0(\"</script><script>document.title=\\'harm\\'</script><img src=x…, …)\nFailed: </script><script>document.title='harm'</script><img src=x on…", color=red, fontcolor=red];
              t1 [label="</script><script>document.title='harm'</script><img src=x onerror=\"document.titl…@</script#1()\n= {</script><script>document.title='harm'</script><img src=x o…"];
              host -> t0;
              t0 -> t1 [label="4294967295"];
              t1 -> host [style=dashed, constraint=false];
              t1 -> t0 [style=dashed, constraint=false];
              t0 -> t0 [style=dashed, constraint=false];
              t1 -> t0 [style=dotted];
            }
        "#]].assert_eq(&hostile().to_dot());
    }

    #[test]
    fn escapes_of_graphviz_and_characters_of_html_are_none() {
        let mut trace = three();
        trace.functions[1].name = "a\\N\"&lt;\n{b|c}".to_owned();
        let dot = trace.to_dot();
        let line = dot.lines().find(|line| line.starts_with("  t1 [")).unwrap_or_default();
        expect![[r#"  t1 [label="a\\\\N\"&amp;lt;\\n{b|c}(2)\n= 4"];"#]].assert_eq(line);
    }

    #[test]
    fn of_many_calls_the_first_are_drawn_and_the_rest_is_told() {
        let dot = many(1500, 2, 500, |call| if call % 2 == 0 { 3 } else { 1 }).to_dot();
        assert_eq!(dot.matches("[label=\"").count(), 1000 + 999);
        expect![[r#"  note [shape=note, style=solid, label="500 more calls are not drawn, 220 of them failed"];"#]]
            .assert_eq(dot.lines().rev().nth(1).unwrap_or_default());
    }
}
