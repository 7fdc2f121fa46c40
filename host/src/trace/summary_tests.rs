use super::dag::Dag;
use super::model::{Moment, Step, StepKind, Task, Trace, TracedArg, TracedFunction};
use super::schedule::schedule;
use super::work_span::Span;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::value::Value;
use crate::wasi::{Wasi, World};
use expect_test::expect;
use proptest::prelude::*;

impl Trace {
    fn call(&mut self, function: &str, parent: Option<usize>, fuel: u64) -> usize {
        let known = self.functions.iter().position(|known| known.name == function);
        let function = known.unwrap_or_else(|| {
            self.functions.push(TracedFunction {
                module: "0123456789abcdef".to_owned(),
                name: function.to_owned(),
                params: Vec::new(),
                results: Vec::new(),
                limits: Limits::default(),
                wasi: Wasi::None,
                unknown_imports: crate::UnknownImports::Refuse,
                world: World::new(),
            });
            self.functions.len() - 1
        });
        self.tasks.push(Task {
            function,
            parent,
            number: 0,
            site: None,
            args: Vec::new(),
            forked: Moment::default(),
            started: Some(Moment::default()),
            pauses: Vec::new(),
            done: None,
            cancelled: None,
            steps: Vec::new(),
            fuel,
            result: Some(Ok(Value::unit())),
            output: None,
        });
        self.tasks.len() - 1
    }

    fn step(&mut self, by: Option<usize>, kind: StepKind, task: usize, fuel: u64) {
        let steps = by.map_or(&mut self.host, |by| &mut self.tasks[by].steps);
        steps.push(Step { kind, task, fuel, at: Moment::default() });
    }

    /// A call of `fuel` that is forked and waited for when its parent has used so much.
    fn forked(&mut self, function: &str, by: Option<usize>, fuel: u64, (fork, wait): (u64, Option<u64>)) -> usize {
        let task = self.call(function, by, fuel);
        self.step(by, StepKind::Fork, task, fork);
        if let Some(wait) = wait {
            self.step(by, StepKind::Wait, task, wait);
        }
        task
    }
}

fn span(trace: &Trace) -> Span {
    Span::new(&Dag::new(trace))
}

/// `main` forks `left` and `right` after 10 and after 20, and waits for both after 30; `left` forks `leaf`.
fn diamond() -> Trace {
    let mut trace = Trace::default();
    let main = trace.forked("main", None, 50, (0, Some(0)));
    let left = trace.forked("left", Some(main), 100, (10, None));
    trace.forked("leaf", Some(left), 1_000, (60, Some(70)));
    let right = trace.forked("right", Some(main), 500, (20, None));
    trace.step(Some(main), StepKind::Wait, right, 30);
    trace.step(Some(main), StepKind::Wait, left, 30);
    trace
}

#[test]
fn a_summary_tells_what_could_run_at_a_time_and_what_more_cores_bring() {
    let mut trace = diamond();
    trace.tasks[3].result = Some(Err(Error::new(ErrorKind::Trap, "the guest trapped")));
    expect![[r#"
        calls        4: 1 forked by the host, 3 by calls
        waits        4
        depth        2 forks below the host's
        ended        3 ok, 1 failed (1 Trap)
        work         1,650 fuel
        span         1,120 fuel
        parallelism  1.47

        critical path, in the order of time
         fuel   share  function
           10   0.9 %  main
           60   5.4 %  left
        1,000  89.3 %  leaf
           30   2.7 %  left
           20   1.8 %  main

        speed-up
        cores  at least (greedy bound)  simulated (greedy, oldest first)
            2                     1.19                              1.46
            4                     1.32                              1.47
            8                     1.39                              1.47
           16                     1.43                              1.47
           32                     1.45                              1.47
           64                     1.46                              1.47
          128                     1.47                              1.47
          256                     1.47                              1.47
          512                     1.47                              1.47
         1024                     1.47                              1.47

        functions, by the fuel that their calls used themselves
         fuel   share  calls  function
        1,000  60.6 %      1  leaf
          500  30.3 %      1  right
          100   6.1 %      1  left
           50   3.0 %      1  main
    "#]]
    .assert_eq(&trace.summary().to_string());
}

#[test]
fn nothing_has_a_summary_too() {
    expect![[r#"
        calls        0: 0 forked by the host, 0 by calls
        waits        0
        depth        0 forks below the host's
        ended        0 ok, 0 failed
        work         0 fuel
        span         0 fuel
        parallelism  1.00

        critical path, in the order of time
        fuel  share  function

        speed-up
        cores  at least (greedy bound)  simulated (greedy, oldest first)
            2                     1.00                              1.00
            4                     1.00                              1.00
            8                     1.00                              1.00
           16                     1.00                              1.00
           32                     1.00                              1.00
           64                     1.00                              1.00
          128                     1.00                              1.00
          256                     1.00                              1.00
          512                     1.00                              1.00
         1024                     1.00                              1.00

        functions, by the fuel that their calls used themselves
        fuel  share  calls  function
    "#]]
    .assert_eq(&Trace::default().summary().to_string());
}

/// Sixteen calls that the host forks and then waits for, and one that it forks afterwards.
#[test]
fn equal_calls_of_the_host_are_as_much_faster_as_there_are_cores() {
    let mut trace = Trace::default();
    let calls: Vec<_> = (0..16).map(|_| trace.forked("square", None, 100, (0, None))).collect();
    calls.iter().for_each(|call| trace.step(None, StepKind::Wait, *call, 0));
    let summary = trace.summary();
    assert_eq!((summary.work, summary.span, summary.parallelism()), (1_600, 100, 16.0));
    let simulated: Vec<_> = summary.speedups.iter().map(|speedup| speedup.simulated).collect();
    assert_eq!(simulated, [2.0, 4.0, 8.0, 16.0, 16.0, 16.0, 16.0, 16.0, 16.0, 16.0]);
    trace.forked("last", None, 50, (0, None));
    assert_eq!(trace.summary().span, 150);
}

#[test]
fn a_call_that_each_time_waits_for_the_last_has_nothing_that_runs_at_a_time() {
    let mut trace = Trace::default();
    let main = trace.forked("main", None, 300, (0, Some(0)));
    for number in 0..30 {
        trace.forked(["even", "odd"][number % 2], Some(main), 7, (10 * number as u64, Some(10 * number as u64)));
    }
    let summary = trace.summary();
    assert_eq!((summary.work, summary.span), (510, 510));
    assert!(summary.speedups.iter().all(|speedup| (speedup.greedy, speedup.simulated) == (1.0, 1.0)), "{summary:?}");
    let text = summary.to_string();
    let path = text.split("\n\n").nth(1).unwrap();
    expect![[r#"
        critical path, by function
        fuel   share  times  function
         105  20.6 %     15  even
         300  58.8 %     30  main
         105  20.6 %     15  odd"#]]
    .assert_eq(path);
}

#[test]
fn what_nobody_waits_for_is_work_and_makes_nobody_wait() {
    let mut trace = Trace::default();
    let main = trace.forked("main", None, 100, (0, Some(0)));
    trace.forked("left alone", Some(main), 60, (10, None));
    assert_eq!((trace.summary().work, trace.summary().span), (160, 100));
    // Unless it takes longer than all else: then it is what ends last.
    trace.tasks[1].fuel = 1_000;
    let summary = trace.summary();
    assert_eq!((summary.work, summary.span), (1_100, 1_010));
    let path: Vec<_> = summary.critical_path.iter().map(|stretch| (stretch.task, stretch.fuel)).collect();
    assert_eq!(path, [(0, 10), (1, 1_000)]);
}

#[test]
fn a_call_starts_when_its_arguments_are_there() {
    let mut trace = Trace::default();
    let slow = trace.forked("slow", None, 500, (0, None));
    let fast = trace.forked("fast", None, 20, (0, None));
    let sum = trace.forked("sum", None, 3, (0, Some(0)));
    trace.tasks[sum].args =
        vec![TracedArg { value: None, from: Some(fast) }, TracedArg { value: None, from: Some(slow) }];
    assert_eq!((span(&trace).fuel, span(&trace).path), (503, vec![(slow, 500), (sum, 3)]));
    assert_eq!(schedule(&Dag::new(&trace), 2).end, 503);
    assert_eq!(schedule(&Dag::new(&trace), 1).end, 523);
}

#[test]
fn functions_of_one_name_are_told_apart_and_names_are_escaped() {
    let mut trace = Trace::default();
    trace.forked("run", None, 1, (0, None));
    trace.forked("other\u{1b}[31m", None, 2, (0, None));
    trace.functions[1].name = "run".to_owned();
    trace.functions[1].module = "fedcba9876543210".to_owned();
    trace.forked("a\u{1b}[31m", None, 3, (0, None));
    let names: Vec<_> = trace.summary().functions.into_iter().map(|function| function.name).collect();
    assert_eq!(names, ["a\\u{1b}[31m", "run (fedcba98)", "run (01234567)"]);
}

#[test]
fn what_contradicts_itself_is_left_out() {
    let mut trace = diamond();
    let usize_max = usize::MAX;
    for task in [0, 1, 3, 99, usize_max] {
        trace.step(None, StepKind::Fork, task, 0);
        trace.step(None, StepKind::Wait, task, 0);
        trace.step(Some(2), StepKind::Fork, task, u64::MAX);
        trace.step(Some(2), StepKind::Wait, task, 5);
    }
    trace.tasks[0].parent = Some(2);
    trace.tasks[1].args = vec![TracedArg { value: None, from: Some(0) }];
    trace.tasks[3].function = usize_max;
    trace.tasks[2].parent = Some(usize_max);
    let summary = trace.summary();
    assert_eq!(summary.span, u64::MAX);
    assert!(summary.to_string().contains(&format!("function {usize_max}")));
}

#[test]
fn any_fuel_can_be_added_up() {
    let mut trace = Trace::default();
    for _ in 0..3 {
        trace.forked("all", None, u64::MAX, (0, Some(0)));
    }
    let summary = trace.summary();
    assert_eq!((summary.work, summary.span, summary.parallelism()), (u64::MAX, u64::MAX, 1.0));
    assert_eq!(span(&trace).fuel, 3 * u128::from(u64::MAX));
}

/// A chain as deep as can be, and as many calls side by side.
#[test]
fn a_million_calls_are_summed_up_without_recursion() {
    const CALLS: usize = 1_000_000;
    let mut chain = Trace::default();
    let mut flat = Trace::default();
    let root = flat.forked("root", None, CALLS as u64, (0, Some(0)));
    for call in 0..CALLS {
        let parent = call.checked_sub(1);
        chain.forked("chain", parent, 2, (parent.map_or(0, |_| 1), Some(if parent.is_some() { 1 } else { 0 })));
        flat.forked("leaf", Some(root), 10, (call as u64, None));
    }
    let chain = chain.summary();
    assert_eq!((chain.work, chain.span, chain.depth), (2_000_000, 2_000_000, 999_999));
    let flat = flat.summary();
    assert_eq!((flat.work, flat.span), (11_000_000, 1_000_009));
}

/// Any tree: of each call, the parent, the fuel, and which of its parent's calls that waits for when this one is forked.
fn any_trace() -> impl Strategy<Value = Trace> {
    let call = (any::<u16>(), 0..1_000u64, prop::option::of(any::<u16>()), prop::option::of(any::<u16>()));
    prop::collection::vec(call, 0..40).prop_map(|calls| {
        let mut trace = Trace::default();
        let mut children: Vec<Vec<usize>> = vec![Vec::new()];
        for (number, (parent, fuel, wait, arg)) in calls.iter().enumerate() {
            let parent = usize::from(*parent) % (number + 1);
            let by = parent.checked_sub(1);
            let task = trace.call(["a", "b", "c"][number % 3], by, *fuel);
            children.push(Vec::new());
            children[parent].push(task);
            let most = by.map_or(0, |by| trace.tasks[by].fuel);
            let last = by.map_or(0, |by| trace.tasks[by].steps.last().map_or(0, |step| step.fuel));
            let forks = last + (most - last) / 3;
            trace.step(by, StepKind::Fork, task, forks);
            if let Some(arg) = arg {
                let from = Some(usize::from(*arg) % (task + 1));
                trace.tasks[task].args.push(TracedArg { value: None, from });
            }
            if let Some(wait) = wait {
                let child = children[parent][usize::from(*wait) % children[parent].len()];
                trace.step(by, StepKind::Wait, child, forks + (most - forks) / 3);
            }
        }
        trace
    })
}

proptest! {
    #[test]
    fn a_schedule_is_within_its_bounds(trace in any_trace(), cores in 1usize..12) {
        let dag = Dag::new(&trace);
        let (work, span) = (dag.work(), Span::new(&dag));
        prop_assert!(span.fuel <= work);
        prop_assert_eq!(span.path.iter().map(|(_, fuel)| u128::from(*fuel)).sum::<u128>(), span.fuel);
        let end = schedule(&dag, cores).end;
        let wide = cores as u128;
        prop_assert!(end >= span.fuel && wide * end >= work, "{end}");
        prop_assert!(wide * end <= work + span.fuel * (wide - 1), "{end}");
        prop_assert_eq!(schedule(&dag, 1).end, work);
        // With a core for every call, nothing waits but for what it needs.
        let most = schedule(&dag, trace.tasks.len() + 1);
        prop_assert_eq!((most.end, most.short), (span.fuel, false));
    }

    #[test]
    fn a_speed_up_is_at_most_the_cores_and_the_parallelism(trace in any_trace()) {
        let summary = trace.summary();
        let most = summary.parallelism() * (1.0 + 1e-12);
        for speedup in &summary.speedups {
            prop_assert!(speedup.greedy <= speedup.simulated * (1.0 + 1e-12), "{speedup:?}");
            prop_assert!(speedup.simulated <= most.min(speedup.cores as f64), "{speedup:?}");
        }
        prop_assert_eq!(summary.functions.iter().map(|function| function.fuel).sum::<u64>(), summary.work);
        prop_assert_eq!(summary.to_string(), trace.clone().summary().to_string());
    }
}
