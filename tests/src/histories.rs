//! Two histories, one observer: whatever other trees of calls have done before, and wherever, a probe sees the same.
//!
//! A probe is a call that hashes all that its guest can see: memory, globals, what growth gives, the numbers of futures and of
//! handles, WASI's answers, and how its children fail, with the texts. What a host sees of calls that fail is compared as well. The
//! guests set themselves up by start functions and `_initialize` that are refused memory: what they are refused then belongs to
//! no call.

use crate::components::{Fork, LIFT, forking};
use crate::smith::Random;
use crate::{Mode, built, loaded, outcome};
use purefork::{Executor, Future, Isolation, Limits, Module, Value, Wasi, args};
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

/// So little fuel that a call that never ends does so within a tenth of a millisecond.
const FUEL: u64 = 250_000;

/// More modules than an executor keeps sandboxes of.
const CROWD: usize = 34;

/// Ways to call a guest: an executor's mode, and how its sandboxes are made.
pub const WAYS: [(Mode, Isolation); 4] = [
    (Mode::Threads(2), Isolation::Recycled),
    (Mode::Threads(1), Isolation::Recycled),
    (Mode::Serial, Isolation::Recycled),
    (Mode::Threads(2), Isolation::Fresh),
];

/// A hash of the first 64 KiB of the memory, of its size and of `$g`, which continues `$h`.
const HASH: &str = r#"(func $hash (param $h i64) (result i64) (local $at i32)
    (loop $next
        (local.set $h (i64.mul (i64.xor (local.get $h) (i64.load (local.get $at))) (i64.const 0x100000001b3)))
        (local.set $h (i64.rotl (local.get $h) (i64.const 29)))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 65536))))
    (call $mix (call $mix (local.get $h) (global.get $g)) (memory.size)))
(func $mix (param $h i64) (param $n i32) (result i64)
    (i64.rotl (i64.mul (i64.xor (local.get $h) (i64.extend_i32_u (local.get $n))) (i64.const 0x100000001b3)) (i64.const 29)))"#;

/// What is refused memory, and goes on.
const REFUSED: &str = r#"(func $refused (drop (memory.grow (i32.const 60000))))"#;

/// Functions of one number that every guest has, and that end in different ways.
const ENDS: &str = r#"(func (export "boom") (param i32) (result i32) unreachable)
(func (export "starved") (param i32) (result i32) (drop (memory.grow (i32.const 60000))) unreachable)
(func (export "grown") (param i32) (result i32) (drop (memory.grow (i32.const 1))) (call $write (local.get 0)) unreachable)
(func (export "endless") (param i32) (result i32) (loop (br 0)) unreachable)
(func (export "pure") (param i32) (result i32) (i32.add (local.get 0) (i32.const 7)))
(func (export "grow") (param i32) (result i32) (memory.grow (i32.and (local.get 0) (i32.const 3))))
(func (export "write") (param i32) (result i32) (call $write (local.get 0)) (global.get $g))
(func $write (param i32)
    (i32.store (i32.and (i32.mul (local.get 0) (i32.const 40503)) (i32.const 65528)) (local.get 0))
    (global.set $g (i32.add (global.get $g) (local.get 0))))"#;

/// The names of [`ENDS`].
const NAMES: [&str; 7] = ["boom", "starved", "grown", "endless", "pure", "grow", "write"];

/// The probe of guests that catch nothing: what is in their state, then what they are refused.
const PROBE: &str = r#"(func (export "probe") (param i32) (result i64) (local $h i64)
    (local.set $h (call $hash (i64.extend_i32_u (local.get 0))))
    (call $write (local.get 0))
    (local.set $h (call $mix (call $hash (local.get $h)) (memory.grow (i32.const 60000))))
    (call $mix (call $mix (local.get $h) (memory.grow (i32.const 1))) (memory.grow (i32.const 1))))"#;

/// A guest, what it is called, and the seeds that its probe is given.
#[derive(Debug)]
pub struct Guest {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// The guests, each standing for a kind of sandbox, or of what is in one.
pub fn guests() -> Vec<Guest> {
    let state =
        r#"(memory (export "memory") 1 4) (global $g (mut i32) (i32.const 5)) (data (i32.const 4000) "some text")"#;
    let core = |start: &str, rest: &str| format!("(module {state} {HASH} {REFUSED} {ENDS} {PROBE} {start} {rest})");
    // That changes a table, and so no call's state can be put back.
    let table = r#"(table $t 1 4 funcref)
        (func (export "turn") (param i32) (result i32) (drop (table.grow $t (ref.null func) (i32.const 1))) (table.size $t))"#;
    // Nothing in it changes anything but what every call may be refused.
    let stateless = r#"(module (memory 1) (func $refused (drop (memory.grow (i32.const 60000)))) (start $refused)
        (func (export "boom") (param i32) (result i32) unreachable)
        (func (export "pure") (param i32) (result i32) (i32.add (local.get 0) (i32.const 7)))
        (func (export "probe") (param i32) (result i64) (i64.load (local.get 0))))"#;
    let parent = r#"(module (import "fork" "other#boom" (func $boom (param i32) (result i32)))
        (import "fork" "other#write" (func $write (param i32) (result i32)))
        (import "wait" "other#write" (func $wait (param i32) (result i32)))
        (memory 1) (func $refused (drop (memory.grow (i32.const 60000)))) (start $refused)
        (func (export "boom") (param i32) (result i32) unreachable)
        (func (export "probe") (param i32) (result i64) (local $h i32)
            (local.set $h (call $boom (local.get 0)))
            (local.set $h (i32.add (local.get $h) (call $wait (call $write (local.get 0)))))
            (local.set $h (i32.add (local.get $h) (i32.load (i32.const 8))))
            (i32.store (i32.const 8) (local.get $h))
            (if (i32.and (local.get 0) (i32.const 1)) (then (unreachable)))
            (i64.extend_i32_u (local.get $h))))"#;
    let wasi = r#"(func $draw (drop (call $random (i32.const 64) (i32.const 16)))
            (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 96))))
        (func $begin (call $refused) (call $draw) (i64.store (i32.const 64) (i64.const 0)))
        (func (export "_initialize") (call $begin))
        (func (export "drawn") (param i32) (result i32) (call $draw) (i32.load (i32.const 64)))"#;
    let imports = r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))"#;
    let probe = PROBE.replace("(call $write (local.get 0))", "(call $write (local.get 0)) (call $draw)");
    vec![
        Guest { name: "recycled, start", text: core("(start $refused)", "") },
        Guest { name: "recycled, _initialize", text: core(r#"(export "_initialize" (func $refused))"#, "") },
        Guest {
            name: "grown at the start",
            text: core("(func $more (drop (memory.grow (i32.const 1))) (call $refused)) (start $more)", ""),
        },
        Guest { name: "fresh", text: core("(start $refused)", table) },
        Guest { name: "stateless", text: stateless.to_owned() },
        Guest { name: "parent", text: parent.to_owned() },
        Guest { name: "wasi", text: format!("(module {imports} {state} {HASH} {REFUSED} {ENDS} {probe} {wasi})") },
        Guest { name: "component", text: component() },
        Guest { name: "handles", text: HANDLES.to_owned() },
    ]
}

/// A component that catches what becomes of its children.
fn component() -> String {
    let forks =
        NAMES.map(|name| Fork { name, params: &["s32"], try_wait: Some("(result s32 (error string))"), wait: None });
    let signatures = |part: &str, _: &str| match part {
        "fork" => "(param i32) (result i32)".to_owned(),
        _ => "(param i32 i32)".to_owned(),
    };
    // The kind of end, then the number of the future, the case, and the value or the text.
    let mut look = String::new();
    for (at, name) in NAMES.iter().enumerate() {
        // Starving all fuel takes longest, and is looked at now and then.
        let often = if *name == "endless" { 7 } else { 1 << (at % 2) };
        look += &format!(
            r#"(if (i32.eqz (i32.and (i32.add (local.get 0) (i32.const {at})) (i32.const {often}))) (then
                (local.set $f (call $fork-{name} (local.get 0)))
                (local.set $h (call $mix (local.get $h) (local.get $f)))
                (call $try-{name} (local.get $f) (i32.const 1024))
                (local.set $h (call $mix (local.get $h) (i32.load (i32.const 1024))))
                (local.set $h (call $mix (local.get $h) (i32.load (i32.const 1028))))
                (local.set $h (call $mix (local.get $h) (i32.load (i32.const 1032))))))"#
        );
    }
    // The texts are in memory by then, and are hashed with it.
    let core = format!(
        r#"(global $g (mut i32) (i32.const 5)) {HASH} {REFUSED} (start $refused) {ENDS}
        (func (export "probe") (param i32) (result i64) (local $h i64) (local $f i32)
            (local.set $h (call $hash (i64.extend_i32_u (local.get 0))))
            (call $write (local.get 0))
            {look}
            (local.set $h (call $mix (call $hash (local.get $h)) (memory.grow (i32.const 60000))))
            (call $mix (local.get $h) (memory.grow (i32.const 1))))"#
    );
    let exports: String = NAMES
        .map(|name| {
            format!(
                r#"(func (export "{name}") (param "n" s32) (result s32) (canon lift (core func $i "{name}") {LIFT}))"#
            )
        })
        .concat();
    let probe =
        format!(r#"(func (export "probe") (param "n" s32) (result u64) (canon lift (core func $i "probe") {LIFT}))"#);
    forking(&forks, signatures, &core, &(exports + &probe))
}

/// A component with a resource of its own: the numbers of its handles are all that it can see of the host's tables. One is made
/// before any call.
const HANDLES: &str = r#"(component
    (type $r' (resource (rep i32)))
    (core func $new (canon resource.new $r')) (core func $drop (canon resource.drop $r'))
    (core module $m
        (import "" "new" (func $new (param i32) (result i32))) (import "" "drop" (func $drop (param i32)))
        (memory 1) (global $first (mut i32) (i32.const 0))
        (func $begin (drop (memory.grow (i32.const 60000))) (global.set $first (call $new (i32.const 3)))) (start $begin)
        (func (export "boom") (param i32) (result i32) (drop (call $new (i32.const 1))) unreachable)
        (func (export "pure") (param i32) (result i32) (drop (call $new (local.get 0))) (i32.add (local.get 0) (i32.const 7)))
        (func (export "probe") (param i32) (result i64) (local $h i32)
            (local.set $h (i32.add (i32.mul (global.get $first) (i32.const 100)) (call $new (local.get 0))))
            (if (i32.and (local.get 0) (i32.const 1)) (then (call $drop (global.get $first))))
            (i64.extend_i32_u (i32.add (i32.mul (local.get $h) (i32.const 100)) (call $new (i32.const 9))))))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
    (func (export "boom") (param "n" s32) (result s32) (canon lift (core func $i "boom")))
    (func (export "pure") (param "n" s32) (result s32) (canon lift (core func $i "pure")))
    (func (export "probe") (param "n" s32) (result u64) (canon lift (core func $i "probe"))))"#;

/// The seeds that probes are given, from 0.
const SEEDS: usize = 8;

/// An executor with the guests.
pub struct World {
    exec: Executor,
    modules: Vec<(&'static str, Module, Vec<String>)>,
    crowd: Vec<Module>,
    random: Random,
    /// Whether time may pass.
    idle: bool,
}

/// What becomes of calls.
type Calls = Vec<Future<Value>>;

impl World {
    /// A world of one way, and the histories that follow from `seed`. `idle`: sometimes nothing happens for longer than sandboxes
    /// are kept.
    ///
    /// # Panics
    ///
    /// If a guest is refused.
    pub fn new((mode, isolation): (Mode, Isolation), seed: u64, idle: bool) -> World {
        let exec = executor(mode, isolation);
        let modules = guests().into_iter().enumerate();
        let modules = modules.map(|(at, guest)| (guest.name, load(&exec, at), functions(&guest.text))).collect();
        let crowd = (0..CROWD as i32)
            .map(|n| {
                loaded(
                    &exec,
                    &format!("(module (memory 1) (func (export \"f\") (i32.store (i32.const {n}) (i32.const 1))))"),
                )
            })
            .collect();
        World { exec, modules, crowd, random: Random::new(seed), idle }
    }

    /// Lets something happen, then asks a guest what it sees.
    ///
    /// # Panics
    ///
    /// If it sees that something has happened.
    pub fn history(&mut self) {
        let mut told = Vec::new();
        // What goes on meanwhile.
        let mut calls = Calls::new();
        for _ in 0..self.random.below(5) {
            told.push(self.something(&mut calls));
        }
        let at = self.random.below(self.modules.len());
        let (name, module, functions) = &self.modules[at];
        // Most often it is the probe.
        let probe = functions.iter().position(|function| function == "probe").unwrap_or_default();
        let function = if self.random.below(4) > 0 { probe } else { self.random.below(functions.len()) };
        let seed = self.random.below(SEEDS);
        let seen = ask(module, &functions[function], seed);
        assert_eq!(
            seen, EXPECTED[at][function][seed],
            "`{}` of {name:?}, given {seed}, after {told:?}",
            functions[function]
        );
    }

    /// One thing that other trees do.
    fn something(&mut self, calls: &mut Calls) -> String {
        let at = self.random.below(self.modules.len());
        let (name, module, functions) = &self.modules[at];
        let function = &functions[self.random.below(functions.len())];
        let seed = self.random.below(1000) as i32;
        let fork = || module.fork(function.as_str(), args![seed]);
        let what = match self.random.below(40) {
            0 => {
                for module in &self.crowd {
                    let _ = module.fork("f", args![]).and_then(|future| future.wait());
                }
                return "a crowd".to_owned();
            }
            1 if self.idle && self.random.below(2000) == 0 => {
                thread::sleep(Duration::from_millis(2100));
                return "a pause".to_owned();
            }
            2 if self.random.below(30) == 0 => {
                // Compiled and loaded again: it is another module, with sandboxes of its own.
                let module = load(&self.exec, at);
                let _ = ask(&module, function, seed as usize % SEEDS);
                "again and anew"
            }
            3..=5 => {
                thread::scope(|scope| drop(scope.spawn(|| fork().map(|future| future.wait())).join()));
                "on another thread"
            }
            6..=11 => {
                if let Ok(future) = fork() {
                    future.cancel();
                }
                "cancelled"
            }
            12..=16 => {
                drop(fork());
                "dropped"
            }
            17..=24 => {
                calls.extend(fork().ok());
                "going on"
            }
            _ => {
                let _ = fork().and_then(|future| future.wait());
                "waited for"
            }
        };
        format!("{name} {function}({seed}), {what}")
    }
}

/// How a call ends, as far as anyone can see.
type Seen = Result<Value, String>;

/// How calls end where nothing has ever happened before: by guest, function and seed.
static EXPECTED: LazyLock<Vec<Vec<Vec<Seen>>>> = LazyLock::new(|| {
    let guests = guests();
    let seen = |at, function: &String, seed| {
        // An executor for each.
        ask(&load(&executor(Mode::Serial, Isolation::Fresh), at), function, seed)
    };
    let of = |(at, guest): (usize, &Guest)| {
        let each = |function: &String| (0..SEEDS).map(|seed| seen(at, function, seed)).collect();
        functions(&guest.text).iter().map(each).collect()
    };
    guests.iter().enumerate().map(of).collect()
});

/// An executor of which some calls are refused fuel, and most are refused memory.
fn executor(mode: Mode, isolation: Isolation) -> Executor {
    let limits = Limits::default().depth(8).fuel(FUEL).memory(3 << 16);
    built(mode.builder().limits(limits).isolation(isolation).wasi(Wasi::Frozen))
}

/// Loads a guest, linked to what it forks.
fn load(exec: &Executor, at: usize) -> Module {
    let guests = guests();
    let module = loaded(exec, &guests[at].text);
    if guests[at].name != "parent" {
        return module;
    }
    match module.link("other", &loaded(exec, &guests[0].text)) {
        Ok(module) => module,
        Err(error) => panic!("it cannot be linked: {error:?}"),
    }
}

/// The functions of one number that a guest exports.
fn functions(text: &str) -> Vec<String> {
    let inspection =
        Executor::builder().wasi(Wasi::Frozen).inspect(text).unwrap_or_else(|error| panic!("it is refused: {error}"));
    inspection
        .functions
        .into_iter()
        .filter(|function| function.params.len() == 1)
        .map(|function| function.name)
        .collect()
}

/// All that there is to see of a call.
fn ask(module: &Module, function: &str, seed: usize) -> Seen {
    outcome(module, function, &[(seed as i32).into()])
}
