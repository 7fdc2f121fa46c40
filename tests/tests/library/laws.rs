//! Laws that hold for every guest, tried with guests made at random.

use proptest::prelude::*;
use purefork::error::ForkSite;
use purefork::trace::Trace;
use purefork::value::Type;
use purefork::{ErrorKind, Executor, Isolation, Memo, Module, Value, args};
use purefork_tests::{Mode, Watchdog, built, limits, loaded};
use std::fmt::Write as _;
use std::sync::LazyLock;

/// One step of a function. What it computes goes into the local `$acc`.
#[derive(Clone, Debug)]
enum Step {
    /// `acc = acc × a + b`
    Mix(i32, i32),
    /// Forks the function so many further on, with `acc` plus this.
    Fork(usize, i32),
    /// Waits for one of the futures so far, perhaps not for the first time, and mixes its value in.
    Wait(usize),
    /// Traps if `acc` is that modulo this: rarely.
    TrapIf(u32, u32),
    /// Swaps `acc` with what is in memory, and counts in a global.
    Touch(u32),
    /// Fills so much of memory.
    Fill(u32),
    /// Copies so much of it, to a place a little higher or lower.
    Copy(u32, bool),
    /// Grows memory, which has its effect on what it is said to be.
    Grow(u32),
    /// Counts down from so many: uses fuel.
    Loop(u32),
    /// Waits for a number that is no future, if `acc` is divisible by this.
    Lie(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (any::<i32>(), any::<i32>()).prop_map(|(a, b)| Step::Mix(a, b)),
        4 => (1..3usize, -5..5i32).prop_map(|(further, plus)| Step::Fork(further, plus)),
        4 => (0..8usize).prop_map(Step::Wait),
        2 => (5..40u32, 0..5u32).prop_map(|(modulo, is)| Step::TrapIf(modulo, is)),
        2 => (0..16u32).prop_map(Step::Touch),
        1 => (1..400u32).prop_map(Step::Loop),
        1 => prop_oneof![0..300u32, Just(128), Just(129)].prop_map(Step::Fill),
        1 => (0..300u32, any::<bool>()).prop_map(|(bytes, up)| Step::Copy(bytes, up)),
        1 => (0..3u32).prop_map(Step::Grow),
        1 => (20..60u32).prop_map(Step::Lie),
    ]
}

/// Functions, each of which forks only those after it: so every program ends.
fn program() -> impl Strategy<Value = Vec<Vec<Step>>> {
    prop::collection::vec(prop::collection::vec(step(), 1..12), 1..6)
}

/// The most forks in one function; five functions then make at most 4⁴ calls of the last.
const MOST_FORKS: usize = 4;

fn text(program: &[Vec<Step>]) -> String {
    text_of(program, |_| true)
}

/// A module of some functions of a program; the others are forked all the same.
fn text_of(program: &[Vec<Step>], is_here: impl Fn(usize) -> bool) -> String {
    let mut wat = String::from("(module\n");
    let mut line = |text: String| {
        // Writing into a string does not fail.
        let _ = writeln!(wat, "{text}");
    };
    for function in 0..program.len() {
        line(format!(r#"(import "fork" "f{function}" (func $fork{function} (param i32) (result i32)))"#));
        line(format!(r#"(import "wait" "f{function}" (func $wait{function} (param i32) (result i32)))"#));
    }
    line("(memory 1) (global $count (mut i32) (i32.const 1))".to_owned());
    for (function, steps) in program.iter().enumerate().filter(|(function, _)| is_here(*function)) {
        line(format!(
            r#"(func $f{function} (export "f{function}") (param $acc i32) (result i32) (local $i i32) {}"#,
            (0..MOST_FORKS).map(|i| format!("(local $future{i} i32)")).collect::<String>()
        ));
        let mut forked: Vec<usize> = Vec::new();
        for step in steps {
            match step {
                Step::Mix(a, b) => line(format!(
                    "(local.set $acc (i32.add (i32.mul (local.get $acc) (i32.const {a})) (i32.const {b})))"
                )),
                Step::Fork(further, plus) => {
                    let target = function + further;
                    if target < program.len() && forked.len() < MOST_FORKS {
                        line(format!(
                            "(local.set $future{} (call $fork{target} (i32.add (local.get $acc) (i32.const {plus}))))",
                            forked.len()
                        ));
                        forked.push(target);
                    }
                }
                Step::Wait(which) => {
                    if !forked.is_empty() {
                        let which = which % forked.len();
                        line(format!(
                            "(local.set $acc (i32.xor (i32.mul (local.get $acc) (i32.const 31)) \
                             (call $wait{} (local.get $future{which}))))",
                            forked[which]
                        ));
                    }
                }
                Step::TrapIf(modulo, is) => line(format!(
                    "(if (i32.eq (i32.rem_u (local.get $acc) (i32.const {modulo})) (i32.const {is})) \
                     (then (unreachable)))"
                )),
                Step::Touch(at) => {
                    let at = at * 4096;
                    line(format!(
                        "(local.set $i (i32.load (i32.const {})))
                         (i32.store (i32.const {}) (i32.add (local.get $acc) (global.get $count)))
                         (global.set $count (i32.add (global.get $count) (i32.const 1)))
                         (local.set $acc (i32.add (local.get $acc) (i32.add (local.get $i) (global.get $count))))",
                        at % 65_536,
                        at % 65_536
                    ));
                }
                // A size is a constant where it is even.
                Step::Fill(bytes) if bytes % 2 == 0 => {
                    line(format!("(memory.fill (i32.const 4000) (local.get $acc) (i32.const {bytes}))"))
                }
                Step::Fill(bytes) => line(format!(
                    "(local.set $i (i32.const {bytes}))
                     (memory.fill (i32.const 60000) (local.get $acc) (local.get $i))"
                )),
                Step::Copy(bytes, up) => {
                    let (to, from) = if *up { (4100, 4000) } else { (4000, 4100) };
                    let size = if bytes % 2 == 0 {
                        format!("(i32.const {bytes})")
                    } else {
                        format!("(select (i32.const {bytes}) (i32.const 1) (local.get $acc))")
                    };
                    line(format!("(memory.copy (i32.const {to}) (i32.const {from}) {size})"));
                }
                Step::Grow(pages) => line(format!(
                    "(local.set $acc (i32.add (local.get $acc) (i32.add (memory.grow (i32.const {pages})) (memory.size))))"
                )),
                Step::Loop(times) => line(format!(
                    "(local.set $i (i32.const {times}))
                     (loop $more
                        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
                        (br_if $more (local.get $i)))"
                )),
                Step::Lie(modulo) => line(format!(
                    "(if (i32.eqz (i32.rem_u (local.get $acc) (i32.const {modulo}))) \
                     (then (local.set $acc (call $wait{function} (i32.const 9)))))"
                )),
            }
        }
        line("(local.get $acc))".to_owned());
    }
    wat.push(')');
    wat
}

/// All that a caller can see of a call: its value, or its error with the frames and the chain of forks.
fn outcome(module: &Module, function: usize, argument: i32) -> String {
    match module.fork(&format!("f{function}"), args![argument]).and_then(|future| future.wait()) {
        Ok(value) => value.to_string(),
        Err(error) => seen(&error),
    }
}

fn seen(error: &purefork::Error) -> String {
    let chain: Vec<_> = error
        .chain()
        .iter()
        .map(|frame| match &frame.site {
            ForkSite::Guest { number, .. } => format!("{}#{number}", frame.function),
            _ => frame.function.clone(),
        })
        .collect();
    let frames: Vec<_> = error.backtrace().iter().map(ToString::to_string).collect();
    format!("{}: {} at {frames:?} in {chain:?}", error.kind().name(), error.message())
}

/// One executor per mode for all cases: they differ in their modules.
static EXECUTORS: LazyLock<[Executor; 3]> = LazyLock::new(|| {
    // So little fuel that some of the programs run out of it.
    [Mode::Serial, Mode::Threads(1), Mode::Threads(4)].map(|mode| mode.with(limits().fuel(1500)))
});

/// As [`EXECUTORS`], with a fresh sandbox for each call.
static FRESH: LazyLock<Executor> =
    LazyLock::new(|| built(Mode::Serial.builder().isolation(Isolation::Fresh).limits(limits().fuel(1500))));

/// As [`EXECUTORS`], each with a memory of results.
static REMEMBERING: LazyLock<[Executor; 3]> = LazyLock::new(|| {
    [Mode::Serial, Mode::Threads(1), Mode::Threads(4)]
        .map(|mode| built(mode.builder().limits(limits().fuel(1500)).memo(Memo::in_memory())))
});

/// What becomes of a call that was forked.
#[derive(Clone, Debug)]
enum Fate {
    Wait,
    Drop,
    Cancel,
    /// It is cancelled once so many others have been forked, and perhaps waited for.
    CancelAfter(usize),
    /// It is waited for at the end.
    Keep,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => Just(Fate::Wait),
        1 => Just(Fate::Drop),
        2 => Just(Fate::Cancel),
        2 => (1..6usize).prop_map(Fate::CancelAfter),
        1 => Just(Fate::Keep),
    ]
}

fn config() -> ProptestConfig {
    // A failure prints the program; nothing is written into the source tree.
    ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_mode_gives_the_same_values_and_the_same_errors(program in program(), argument in any::<i32>()) {
        let _watchdog = Watchdog::new();
        let wat = text(&program);
        let modules = EXECUTORS.each_ref().map(|exec| loaded(exec, &wat));
        for function in 0..program.len() {
            let outcomes = modules.each_ref().map(|module| outcome(module, function, argument));
            prop_assert_eq!(&outcomes[0], &outcomes[1], "serial and one thread: {}", wat);
            prop_assert_eq!(&outcomes[0], &outcomes[2], "serial and four threads: {}", wat);
        }
    }

    #[test]
    fn a_memory_of_results_changes_no_value_and_no_error(
        program in program(),
        calls in prop::collection::vec((0..6usize, -3..3i32, fate()), 1..30),
    ) {
        let _watchdog = Watchdog::new();
        let wat = text(&program);
        let without = loaded(&EXECUTORS[0], &wat);
        for exec in REMEMBERING.iter() {
            let module = loaded(exec, &wat);
            let mut later = Vec::new();
            for (function, argument, fate) in &calls {
                let function = function % program.len();
                let future = module.fork(&format!("f{function}"), args![*argument]).unwrap();
                match fate {
                    Fate::Wait => {
                        let given = future.wait().map_or_else(|error| seen(&error), |value| value.to_string());
                        prop_assert_eq!(given, outcome(&without, function, *argument), "f{}({}) of {}", function, argument, wat);
                    }
                    Fate::Drop => drop(future),
                    Fate::Cancel => drop(future.cancel()),
                    Fate::CancelAfter(_) | Fate::Keep => later.push((function, *argument, future)),
                }
            }
            for (function, argument, future) in later {
                let given = future.wait().map_or_else(|error| seen(&error), |value| value.to_string());
                prop_assert_eq!(given, outcome(&without, function, argument), "f{}({}) of {}", function, argument, wat);
            }
            // What is known by now, at the latest after the first time.
            for function in (0..program.len()).chain(0..program.len()) {
                prop_assert_eq!(outcome(&module, function, 1), outcome(&without, function, 1), "f{} of {}", function, wat);
            }
        }
    }

    #[test]
    fn a_call_gives_what_it_gave_first_whatever_ran_in_between(
        program in program(),
        calls in prop::collection::vec((0..6usize, -3..3i32), 1..40),
    ) {
        let _watchdog = Watchdog::new();
        let wat = text(&program);
        for exec in EXECUTORS.iter() {
            let module = loaded(exec, &wat);
            // A module of its own for each call: whatever is kept for later, is kept for another module.
            let first = |function: usize, argument: i32| outcome(&loaded(exec, &wat), function, argument);
            let calls: Vec<_> = calls.iter().map(|(function, argument)| (function % program.len(), *argument)).collect();
            let futures: Vec<_> = calls
                .iter()
                .map(|(function, argument)| module.fork(&format!("f{function}"), args![*argument]).unwrap())
                .collect();
            for ((function, argument), future) in calls.iter().zip(futures).rev() {
                let again = match future.wait() {
                    Ok(value) => value.to_string(),
                    Err(error) => seen(&error),
                };
                prop_assert_eq!(again, first(*function, *argument), "f{}({}) of {}", function, argument, wat);
            }
        }
    }

    #[test]
    fn calls_that_are_cancelled_or_dropped_change_nothing_for_others(
        program in program(),
        calls in prop::collection::vec((0..6usize, -3..3i32, fate()), 1..30),
    ) {
        let _watchdog = Watchdog::new();
        let wat = text(&program);
        let alone = loaded(&FRESH, &wat);
        for exec in EXECUTORS.iter().chain([&*FRESH]) {
            let module = loaded(exec, &wat);
            let mut later = Vec::new();
            for (at, (function, argument, fate)) in calls.iter().enumerate() {
                let (function, argument) = (function % program.len(), *argument);
                let future = module.fork(&format!("f{function}"), args![argument]).unwrap();
                match fate {
                    Fate::Wait => {
                        let given = future.wait().map_or_else(|error| seen(&error), |value| value.to_string());
                        prop_assert_eq!(given, outcome(&alone, function, argument), "f{}({}) of {}", function, argument, wat);
                    }
                    Fate::Drop => drop(future),
                    Fate::Cancel => drop(future.cancel()),
                    Fate::CancelAfter(others) => later.push((Some(at + others), function, argument, future)),
                    Fate::Keep => later.push((None, function, argument, future)),
                }
                for (_, _, _, future) in later.iter().filter(|(when, ..)| *when == Some(at)) {
                    future.cancel();
                }
            }
            for (when, function, argument, future) in later {
                let given = match future.wait() {
                    Err(error) if error.kind() == ErrorKind::Cancelled && when.is_some() => continue,
                    ended => ended.map_or_else(|error| seen(&error), |value| value.to_string()),
                };
                prop_assert_eq!(given, outcome(&alone, function, argument), "f{}({}) of {}", function, argument, wat);
            }
            for (function, argument, _) in &calls {
                let function = function % program.len();
                prop_assert_eq!(
                    outcome(&module, function, *argument), outcome(&alone, function, *argument),
                    "f{}({}) of {}", function, argument, wat
                );
            }
        }
    }

    #[test]
    fn linked_modules_give_the_same_each_way_and_what_one_module_of_all_gives(
        program in program(), here in any::<[bool; 6]>(), argument in any::<i32>(),
    ) {
        let _watchdog = Watchdog::new();
        let parts = [true, false].map(|part| text_of(&program, |function| here[function] == part));
        let whole = loaded(&FRESH, &text(&program));
        let mut expected = Vec::new();
        for exec in [&*FRESH].into_iter().chain(EXECUTORS.iter()) {
            let [one, other] = parts.each_ref().map(|text| loaded(exec, text));
            let linked = Module::link_together(&[("one", &one), ("other", &other)]).unwrap();
            // Twice: what the first calls have left is not seen by the second.
            for function in (0..program.len()).chain(0..program.len()) {
                let given = outcome(&linked[usize::from(!here[function])], function, argument);
                if expected.len() < program.len() {
                    // Errors name places, which are others in other modules.
                    let kind = |outcome: &str| outcome.split(": ").next().unwrap_or_default().to_owned();
                    prop_assert_eq!(kind(&given), kind(&outcome(&whole, function, argument)), "f{} of {:?}", function, parts);
                    expected.push(given);
                } else {
                    prop_assert_eq!(&given, &expected[function], "f{} of {:?}", function, parts);
                }
            }
        }
    }

    #[test]
    fn a_call_takes_the_same_fuel_in_every_kind_of_sandbox_and_linked(
        program in program(), here in any::<[bool; 6]>(), argument in any::<i32>(),
    ) {
        let _watchdog = Watchdog::new();
        let used = |module: &Module, function: usize| {
            let future = module.fork(&format!("f{function}"), args![argument]).unwrap();
            let ended = future.wait().map_err(|error| error.kind());
            (ended, future.usage())
        };
        let whole = text(&program);
        let parts = [true, false].map(|part| text_of(&program, |function| here[function] == part));
        let fresh = loaded(&FRESH, &whole);
        let expected: Vec<_> = (0..program.len()).map(|function| used(&fresh, function)).collect();
        for exec in [&*FRESH].into_iter().chain(EXECUTORS.iter()) {
            let module = loaded(exec, &whole);
            let [one, other] = parts.each_ref().map(|text| loaded(exec, text));
            let linked = Module::link_together(&[("one", &one), ("other", &other)]).unwrap();
            for function in (0..program.len()).chain(0..program.len()) {
                prop_assert_eq!(&used(&module, function), &expected[function], "f{} of {}", function, whole);
                let linked = used(&linked[usize::from(!here[function])], function);
                prop_assert_eq!(&linked, &expected[function], "f{} of {:?}", function, parts);
            }
        }
    }

    #[test]
    fn every_mode_traces_the_same_and_every_call_can_be_run_again(program in program(), argument in any::<i32>()) {
        let _watchdog = Watchdog::new();
        let wat = text(&program);
        let executors = EXECUTORS.iter().chain([&*FRESH]);
        let traces: Vec<_> = executors.map(|exec| loaded(exec, &wat).trace("f0", args![argument]).unwrap()).collect();
        for trace in &traces {
            prop_assert_eq!(traces[0].difference(trace), None, "{}", wat);
            prop_assert_eq!(traces[0].receipt(0), trace.receipt(0), "{}", wat);
            let replayed = trace.replay().threads(1).all().unwrap();
            prop_assert_eq!(&replayed.difference, &None, "{}", wat);
            prop_assert_eq!(replayed.run + replayed.skipped, trace.tasks.len());
            let mut json = Vec::new();
            trace.write_json(&mut json).unwrap();
            let read = Trace::read_json(&json).unwrap();
            prop_assert_eq!((&read.functions, &read.tasks, &read.host), (&trace.functions, &trace.tasks, &trace.host));
            let summary = trace.summary();
            prop_assert!(summary.span <= summary.work);
        }
    }

    #[test]
    fn the_order_of_waiting_does_not_matter(order in Just((0..6usize).collect::<Vec<_>>()).prop_shuffle()) {
        let _watchdog = Watchdog::new();
        let mut wat = String::from(r#"(module
            (import "fork" "f" (func $fork (param i32) (result i32)))
            (import "wait" "f" (func $wait (param i32) (result i32)))
            (memory 1)
            (func (export "f") (param $n i32) (result i32)
                (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (local.get $n)))
                (i32.mul (i32.load (i32.const 0)) (i32.const 3)))
            (func (export "go") (result i32)"#);
        for i in 0..order.len() {
            wat.push_str(&format!("(drop (call $fork (i32.const {})))", 10i32.pow(i as u32)));
        }
        wat.push_str("(i32.const 0)");
        for i in &order {
            wat.push_str(&format!("(call $wait (i32.const {}))(i32.add)", i + 1));
        }
        wat.push_str("))");
        for exec in EXECUTORS.iter() {
            let module = loaded(exec, &wat);
            prop_assert_eq!(module.fork("go", args![]).unwrap().wait().unwrap(), Value::I32(333_333));
            let futures: Vec<_> = (0..order.len()).map(|i| module.fork("f", args![10i32.pow(i as u32)]).unwrap()).collect();
            for &i in &order {
                prop_assert_eq!(futures[i].wait().unwrap(), Value::I32(3 * 10i32.pow(i as u32)));
            }
        }
    }

    #[test]
    fn values_go_through_a_guest_unchanged(
        i in any::<i32>(), l in any::<i64>(), f in any::<u32>(), d in any::<u64>(), v in any::<[u8; 16]>(),
    ) {
        let _watchdog = Watchdog::new();
        let values = [
            Value::I32(i), Value::I64(l), Value::F32(f32::from_bits(f)), Value::F64(f64::from_bits(d)), Value::V128(v),
            // Quiet and signalling NaNs with a payload, and a negative zero.
            Value::F32(f32::from_bits(0x7fa0_0000 | (f & 0x3f_ffff))), Value::F32(f32::from_bits(0xffc0_0000 | (f & 0x3f_ffff))),
            Value::F64(f64::from_bits(0x7ff4_0000_0000_0000 | (d >> 14))), Value::F32(-0.0), Value::F64(-0.0),
        ];
        for module in IDENTITIES.iter() {
            for value in &values {
                let ty = match value {
                    Value::I32(_) => Type::I32,
                    Value::I64(_) => Type::I64,
                    Value::F32(_) => Type::F32,
                    Value::F64(_) => Type::F64,
                    _ => Type::V128,
                };
                for kind in ["leaf", "forked"] {
                    let name = format!("{kind}-{ty}");
                    let back = module.fork(&name, args![value.clone()]).unwrap().wait().unwrap();
                    prop_assert_eq!(&back, value, "{}", name);
                }
            }
            let all = args![values[0].clone(), values[1].clone(), values[2].clone(), values[3].clone(), values[4].clone()];
            let back = module.fork("all", all).unwrap().wait().unwrap();
            prop_assert_eq!(back, Value::Tuple(values[..5].to_vec().into()));
            let typed = module.function::<(u32, u64, f32, f64, [u8; 16]), (u32, u64, f32, f64, [u8; 16])>("all").unwrap();
            let (a, b, c, e, g) = typed.fork((i as u32, l as u64, f32::from_bits(f), f64::from_bits(d), v)).wait().unwrap();
            prop_assert_eq!((a as i32, b as i64, c.to_bits(), e.to_bits(), g), (i, l, f, d, v));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..config() })]

    #[test]
    fn what_is_out_of_fuel_is_so_in_every_kind_of_sandbox(
        steps in prop::collection::vec(step(), 1..10), argument in any::<i32>(), less in 2..40u64,
    ) {
        let _watchdog = Watchdog::new();
        // What the last function does is all its own: nothing is left to fork.
        let program = [steps];
        let wat = text(&program);
        let with = |isolation, mode: Mode, fuel: u64| {
            built(mode.builder().isolation(isolation).limits(limits().fuel(fuel.max(1))))
        };
        let much = with(Isolation::Fresh, Mode::Serial, 1 << 40);
        let future = loaded(&much, &wat).fork("f0", args![argument]).unwrap();
        let ended = future.wait();
        // Where it does not end with a value, near what it would take if it went on.
        let need = future.usage().map_or(40, |usage| usage.fuel);
        for fuel in [need.saturating_sub(less), need.saturating_sub(1), need, need + 1] {
            let mut ends = Vec::new();
            for (isolation, mode) in
                [(Isolation::Fresh, Mode::Serial), (Isolation::Recycled, Mode::Serial), (Isolation::Recycled, Mode::Threads(1))]
            {
                let exec = with(isolation, mode, fuel);
                let module = loaded(&exec, &wat);
                ends.extend([outcome(&module, 0, argument), outcome(&module, 0, argument)]);
            }
            for end in &ends {
                prop_assert_eq!(end, &ends[0], "with {} of {}: {}", fuel, need, wat);
            }
            if let Ok(value) = &ended {
                let succeeds = ends[0] == value.to_string();
                prop_assert_eq!(succeeds, fuel >= need, "with {} of {}: {}: {}", fuel, need, ends[0], wat);
            }
        }
    }
}

/// For each type, an identity, and one that forks that identity.
static IDENTITIES: LazyLock<[Module; 3]> = LazyLock::new(|| {
    let mut wat = String::from("(module\n");
    let mut functions = String::new();
    for ty in [Type::I32, Type::I64, Type::F32, Type::F64, Type::V128] {
        wat.push_str(&format!(
            r#"(import "fork" "leaf-{ty}" (func $fork-{ty} (param {ty}) (result i32)))
               (import "wait" "leaf-{ty}" (func $wait-{ty} (param i32) (result {ty})))"#
        ));
        functions.push_str(&format!(
            r#"(func (export "leaf-{ty}") (param {ty}) (result {ty}) (local.get 0))
               (func (export "forked-{ty}") (param {ty}) (result {ty}) (call $wait-{ty} (call $fork-{ty} (local.get 0))))"#
        ));
    }
    functions.push_str(
        r#"(func (export "all") (param i32 i64 f32 f64 v128) (result i32 i64 f32 f64 v128)
            (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)))"#,
    );
    wat.push_str(&functions);
    EXECUTORS.each_ref().map(|exec| loaded(exec, &wat))
});

/// A NaN that a guest computes is the same everywhere, whatever NaNs it came from.
#[test]
fn a_computed_nan_is_canonical() {
    let _watchdog = Watchdog::new();
    for exec in EXECUTORS.iter() {
        let module = loaded(
            exec,
            r#"(module (func (export "add") (param f32 f32) (result f32) (f32.add (local.get 0) (local.get 1)))
                (func (export "div") (param f64 f64) (result f64) (f64.div (local.get 0) (local.get 1))))"#,
        );
        for nan in [0x7fc0_0001u32, 0xffff_ffff, 0x7fa0_0000] {
            let sum = module.fork("add", args![f32::from_bits(nan), 1.0f32]).unwrap().wait().unwrap();
            assert_eq!(sum, Value::F32(f32::from_bits(0x7fc0_0000)));
        }
        let none = module.fork("div", args![0.0, 0.0]).unwrap().wait().unwrap();
        assert_eq!(none, Value::F64(f64::from_bits(0x7ff8_0000_0000_0000)));
    }
}

/// The programs made at random are worth running: they give values, and fail in several ways.
#[test]
fn programs_made_at_random_have_outcomes_of_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let _watchdog = Watchdog::new();
    let mut runner = TestRunner::deterministic();
    let mut outcomes = std::collections::BTreeMap::new();
    let mut deepest = 0;
    for _ in 0..400 {
        let program = program().new_tree(&mut runner).unwrap().current();
        let module = loaded(&EXECUTORS[1], &text(&program));
        let outcome = outcome(&module, 0, 7);
        deepest = deepest.max(outcome.matches('#').count());
        let kind = outcome.split_once(": ").map_or("a value", |(kind, _)| kind).to_owned();
        *outcomes.entry(kind).or_insert(0) += 1;
    }
    assert!(outcomes.len() == 3 && outcomes.values().all(|&n| n >= 10), "{outcomes:?}");
    assert!(deepest >= 2, "no error came from a child's child");
}
