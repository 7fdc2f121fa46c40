//! Stacks of functions, folded: what flame graphs are drawn from.

use super::{Trace, shown};
use std::collections::HashMap;
use std::io;

/// The most frames of a stack. What is deeper counts for one frame more: of an endless recursion nobody reads more, and the size of the
/// text grows with the square of the depth.
const FRAMES: usize = 500;

/// A distinct chain of functions, from one that the host called to this one.
struct Chain {
    /// The chain without its last function.
    caller: Option<usize>,
    /// The last function; none for all that is deeper.
    function: Option<usize>,
    frames: usize,
    /// What its calls used themselves.
    fuel: u64,
}

impl Trace {
    /// Writes a line for each distinct chain of functions: `a;b;c 123`, where `a` is what the host called, and 123 the fuel that `c` used
    /// itself when it was called by that way. Chains that used none have no line. It is what [speedscope](https://www.speedscope.app) and
    /// `flamegraph.pl` read.
    ///
    /// Names are escaped, and a `;` in one is a `:`. Of a chain of more than 500 functions the rest is one frame `…`.
    ///
    /// ```
    /// # use purefork::{Executor, args};
    /// # let exec = Executor::new()?;
    /// # let math = exec.load_bytes(r#"(module (func (export "add") (param $a i32) (param $b i32) (result i32)
    /// #     (i32.add (local.get $a) (local.get $b))))"#)?;
    /// let trace = math.trace("add", args![2, 3])?;
    /// assert_eq!(trace.to_folded(), format!("add {}\n", trace.tasks[0].fuel));
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What writing to `to` gives.
    pub fn write_folded(&self, to: &mut impl io::Write) -> io::Result<()> {
        let names: Vec<String> = shown::names(&self.functions).iter().map(|name| name.replace(';', ":")).collect();
        let chains = self.chains();
        let mut frames = Vec::new();
        for (at, chain) in chains.iter().enumerate().filter(|(_, chain)| chain.fuel > 0) {
            frames.clear();
            frames.extend(std::iter::successors(Some(at), |&at| chains[at].caller));
            for (number, &frame) in frames.iter().rev().enumerate() {
                let separator = if number == 0 { "" } else { ";" };
                let name = chains[frame].function.map_or("…", |function| &names[function]);
                write!(to, "{separator}{name}")?;
            }
            writeln!(to, " {}", chain.fuel)?;
        }
        Ok(())
    }

    /// What [`write_folded`](Trace::write_folded) writes.
    pub fn to_folded(&self) -> String {
        super::text(|to| self.write_folded(to))
    }

    /// The distinct chains, in the order in which they were first called; a chain comes after the one that it is longer than.
    fn chains(&self) -> Vec<Chain> {
        let mut chains: Vec<Chain> = Vec::new();
        let mut known = HashMap::new();
        // The chain of each call.
        let mut of = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            let caller = task.parent.map(|parent| of[parent]);
            let frames = caller.map_or(0, |caller: usize| chains[caller].frames) + 1;
            let (caller, function) = match caller {
                // Below `…` there is nothing.
                Some(caller) if frames > FRAMES + 1 => (chains[caller].caller, None),
                _ if frames > FRAMES => (caller, None),
                _ => (caller, Some(task.function)),
            };
            let at = *known.entry((caller, function)).or_insert_with(|| {
                chains.push(Chain { caller, function, frames: frames.min(FRAMES + 1), fuel: 0 });
                chains.len() - 1
            });
            chains[at].fuel = chains[at].fuel.saturating_add(task.fuel);
            of.push(at);
        }
        chains
    }
}

#[cfg(test)]
mod tests {
    use super::super::Trace;
    use super::super::made::{function, hostile, many, outside, task, three};
    use super::FRAMES;
    use expect_test::expect;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_a_chain_of_functions_and_their_own_fuel() {
        expect![[r#"
            main 40
            main;double 7
            main;fail 3
        "#]]
        .assert_eq(&three().to_folded());
    }

    #[test]
    fn calls_by_one_way_are_one_line() {
        let mut trace = three();
        trace.tasks[2].function = 1;
        expect![[r#"
            main 40
            main;double 10
        "#]]
        .assert_eq(&trace.to_folded());
    }

    #[test]
    fn hostile_names_begin_neither_a_frame_nor_a_line() {
        let mut trace = three();
        trace.functions[1].name = "a;b 7\nc;d".to_owned();
        expect![[r#"
            main 40
            main;a:b 7\nc:d 7
            main;fail 3
        "#]]
        .assert_eq(&trace.to_folded());
        expect![[r#"
            </script><script>document.title='harm'</script><img src=x onerror="document.titl…@</script#0 18446744073709551615
            </script><script>document.title='harm'</script><img src=x onerror="document.titl…@</script#0;</script><script>document.title='harm'</script><img src=x onerror="document.titl…@</script#1 18446744073709551615
        "#]].assert_eq(&hostile().to_folded());
    }

    #[test]
    fn what_is_deeper_than_the_deepest_frame_is_one_frame() {
        let mut trace = Trace { functions: vec![function("", "f")], ..Trace::default() };
        for at in 0..FRAMES + 1000 {
            let mut call = task(0, at.checked_sub(1), 1, outside(0));
            call.fuel = 1;
            trace.tasks.push(call);
        }
        let folded = trace.to_folded();
        let last = folded.lines().last().expect("there is a line");
        assert_eq!(last, format!("{}… 1000", "f;".repeat(FRAMES)));
        assert_eq!(folded.lines().count(), FRAMES + 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_lines_add_up_to_all_the_fuel(calls in 1..300_usize, width in 1..4_usize) {
            let trace = many(calls, 2, 100, |call| call % (width + 1));
            let sum: u64 = trace.to_folded().lines().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
            prop_assert_eq!(sum, trace.tasks.iter().map(|task| task.fuel).sum::<u64>());
        }
    }
}
