//! Fuel is what a call does: the same in every kind of sandbox, and what wasmtime counts for the guest as it was given.

use purefork::{Executor, Isolation, Limits, Value, args};
use purefork_tests::{MODES, Mode, arguments, built, limits, loaded, modes, outcome};
use wasmtime::{Config, Engine, Instance, Module, OperatorCost, Store, Val};

/// An executor for each way that a guest may run.
fn ways(limits: &Limits) -> Vec<(String, Executor)> {
    let kinds = [Isolation::Recycled, Isolation::Fresh];
    let ways = modes().flat_map(|mode| kinds.map(|isolation| (mode, isolation)));
    let executor = |(mode, isolation): (Mode, Isolation)| {
        let exec = built(mode.builder().isolation(isolation).limits(limits.clone()));
        (format!("{mode:?} {isolation:?}"), exec)
    };
    ways.map(executor).collect()
}

/// The fuel of a call in wasmtime alone, of the guest as it was given; none if it traps.
fn counted(guest: &[u8], function: &str, values: &[Value]) -> Option<u64> {
    const MUCH: u64 = 1 << 40;
    // As for every guest, `table.grow` is not charged by its elements.
    let mut cost = OperatorCost::new();
    cost.variable.table_grow_per_element = 0;
    let mut config = Config::new();
    config.consume_fuel(true).operator_cost(cost);
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, guest).unwrap();
    let mut store = Store::new(&engine, ());
    store.set_fuel(MUCH).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let function = instance.get_func(&mut store, function).unwrap();
    let values: Vec<Val> = values
        .iter()
        .map(|value| match value {
            Value::I32(value) => Val::I32(*value),
            other => panic!("{other:?} is no i32"),
        })
        .collect();
    let mut results = vec![Val::I32(0); function.ty(&store).results().len()];
    store.set_fuel(MUCH).unwrap();
    function.call(&mut store, &values, &mut results).ok()?;
    Some(MUCH - store.get_fuel().unwrap())
}

/// The fuel of calls of the same function in each way, twice, and in wasmtime alone.
fn check(guest: &str, calls: &[(&str, &[i32])]) {
    let bytes = wat::parse_str(guest).unwrap();
    let values = |given: &[i32]| given.iter().map(|value| Value::I32(*value)).collect::<Vec<_>>();
    let expected: Vec<Option<u64>> =
        calls.iter().map(|(function, given)| counted(&bytes, function, &values(given))).collect();
    for (way, exec) in ways(&limits().memory(512 << 20)) {
        let module = exec.load_bytes(&bytes).unwrap();
        for _ in 0..2 {
            for ((function, given), expected) in calls.iter().zip(&expected) {
                let future = module.fork(function, arguments(&values(given))).unwrap();
                let ended = future.wait();
                let used = future.usage().map(|usage| usage.fuel);
                assert_eq!(used, *expected, "{way}: {function} {given:?} ends with {ended:?}");
            }
        }
    }
}

const MIB: i32 = 1 << 20;

/// Functions that store, fill, copy and grow in every way that is rewritten. `PAGES` is what its memory has at first.
const WRITES: &str = r#"(module
    (memory (export "m") PAGES)
    (global $count (mut i32) (i32.const 0))
    (data (i32.const 16) "what is here at first")
    (func $leaf (param i32) (result i32) nop (i32.add (local.get 0) (i32.const 1)))
    (func (export "stores") (param i32) (result i32) (local $i i32)
        (loop $more
            (i32.store (i32.add (local.get $i) (i32.const 8)) (local.get $i))
            (i64.store8 offset=70 (i32.mul (local.get $i) (i32.const 3)) (i64.const 7))
            (v128.store offset=1000 (local.tee 0 (call $leaf (local.get 0))) (v128.const i64x2 1 2))
            (i32.store16 (i32.const 4000) (local.get $i))
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (br_if $more (i32.lt_u (local.tee $i (call $leaf (local.get $i))) (i32.const 300))))
        (if (result i32) (i32.and (local.get $i) (i32.const 1)) (then (i32.const 3)) (else (global.get $count))))
    (func (export "fills") (param $to i32) (param $n i32)
        (memory.fill (local.get $to) (i32.const 3) (local.get $n)))
    (func (export "fills little") (param $to i32)
        (memory.fill (local.get $to) (i32.const 3) (i32.const 0))
        (memory.fill (local.get $to) (i32.const 3) (i32.const 1))
        (memory.fill (local.get $to) (i32.const 3) nop (i32.const 128) nop nop)
        (memory.fill (local.get $to) (i32.const 3) (i32.const 129))
        (memory.fill (local.get $to) (i32.const 3) (i32.const 5000)))
    (func (export "copies") (param $to i32) (param $from i32) (param $n i32)
        (memory.copy (local.get $to) (local.get $from) (local.get $n)))
    (func (export "copies little") (param $to i32) (param $from i32)
        (memory.copy (local.get $to) (local.get $from) (i32.const 0))
        (memory.copy (local.get $to) (local.get $from) (i32.const 64))
        (memory.copy (local.get $to) (local.get $from) (i32.const 128))
        (memory.copy (local.get $to) (local.get $from) (i32.const 129)))
    (func (export "copies a constant in a variable") (param $to i32) (param $from i32) (local $n i32)
        (local.set $n (i32.const 40))
        (memory.copy (local.get $to) (local.get $from) (local.get $n)))
    (func (export "grows") (param $pages i32) (result i32)
        (drop (memory.grow (i32.const 1)))
        (i32.add (memory.size) (memory.grow (local.get $pages))))
    (func (export "does not reach") (param i32) (result i32)
        (block (br_if 0 (local.get 0)) (i32.store (i32.const 0) (i32.const 1))
            (return (i32.const 7)) (i32.store (i32.const 0) (i32.const 1)) (drop (call $leaf (i32.const 1))))
        (select (i32.const 1) (i32.const 2) (local.get 0)))
    (func (export "branches") (param i32) (result i32)
        (block $a (block $b (block $c
            (br_table $a $b $c (local.get 0)))
            (return (i32.const 1))) (local.set 0 (i32.sub (local.get 0) (i32.const 9)))) (local.get 0)))"#;

const CALLS: &[(&str, &[i32])] = &[
    ("stores", &[7]),
    ("fills", &[100, 0]),
    ("fills", &[100, 17]),
    ("fills", &[511, 513]),
    ("fills", &[1, 60_000]),
    ("fills", &[60_000, 60_000]),
    ("fills little", &[1000]),
    ("copies", &[100, 30, 0]),
    ("copies", &[100, 30, 99]),
    ("copies", &[30, 100, 9999]),
    ("copies little", &[3000, 40]),
    ("copies a constant in a variable", &[3000, 40]),
    ("grows", &[0]),
    ("grows", &[3]),
    ("grows", &[60_000]),
    ("does not reach", &[0]),
    ("does not reach", &[1]),
    ("branches", &[0]),
    ("branches", &[1]),
    ("branches", &[2]),
];

#[test]
fn a_call_takes_what_its_own_instructions_take() {
    check(&WRITES.replace("PAGES", "1"), CALLS);
}

#[test]
fn large_operations_take_one_unit_and_their_bytes() {
    // More than 16 MiB, so that groups of cards are marked, too.
    let calls: &[(&str, &[i32])] = &[
        ("fills", &[0, MIB]),
        ("fills", &[3, MIB + 1]),
        ("fills", &[77, 3 * MIB]),
        ("fills", &[20 * MIB - 1, 5 * MIB + 1]),
        ("fills", &[20 * MIB, 5 * MIB + 1]),
        ("copies", &[0, 5, 3 * MIB + 3]),
        ("copies", &[5, 0, 3 * MIB + 3]),
        ("copies", &[0, 22 * MIB, 3 * MIB]),
        ("copies", &[0, 22 * MIB + 1, 3 * MIB]),
        ("copies", &[9, 9, 2 * MIB]),
    ];
    check(&WRITES.replace("PAGES", "400"), calls);
    check(&WRITES.replace("PAGES", "400"), CALLS);
}

#[test]
fn what_runs_as_it_is_takes_the_same_as_well() {
    let guest = format!(
        r#"(module
            (memory 1) (memory $other 1) (table $t 10 30000 funcref) (elem declare func $f)
            (data $large "{}") (data $small "small")
            (elem $e funcref (ref.func $f) (ref.func $f))
            (func $f)
            (func (export "init") (param i32) (memory.init $large (i32.const 0) (i32.const 3) (local.get 0)) (data.drop $large))
            (func (export "init little") (param i32) (memory.init $small (i32.const 0) (i32.const 1) (local.get 0)))
            (func (export "between") (param i32) (memory.copy 0 $other (i32.const 0) (i32.const 1) (local.get 0)))
            (func (export "table") (param i32) (local $i i32)
                (drop (table.grow $t (ref.func $f) (local.get 0)))
                (table.fill $t (i32.const 1) (ref.null func) (local.get 0))
                (table.copy $t $t (i32.const 1) (i32.const 0) (local.get 0))
                (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 2))
                (local.set $i (table.size $t))))"#,
        "x".repeat(MIB as usize + 70)
    );
    let calls: &[(&str, &[i32])] = &[
        ("init", &[5]),
        ("init", &[60_000]),
        ("init", &[MIB]),
        ("init little", &[4]),
        ("between", &[6000]),
        ("table", &[5]),
        ("table", &[20_000]),
    ];
    check(&guest, calls);
}

/// A component of two modules, one of which writes into the memory of the other.
const COMPONENT: &str = r#"(component
    (core module $own (memory (export "m") 1) (global (export "base") i32 (i32.const 64))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $own (instantiate $own))
    (core module $writes
        (import "own" "m" (memory 1)) (import "own" "base" (global $base i32))
        (data (global.get $base) "placed where it is computed")
        (func (export "f") (param $at i32) (param $n i32) (result i32)
            (memory.fill (local.get $at) (i32.const 1) (local.get $n))
            (i32.store (i32.const 8) (local.get $at)) (i32.store (i32.const 12) (local.get $n))
            (drop (memory.grow (i32.const 1)))
            (i32.const 8)))
    (core instance $i (instantiate $writes (with "own" (instance $own))))
    (func (export "f") (param "s" string) (result string)
        (canon lift (core func $i "f") (memory $own "m") (realloc (func $own "realloc")))))"#;

#[test]
fn calls_of_components_take_the_same_in_every_kind_of_sandbox() {
    let mut seen = Vec::new();
    for (way, exec) in ways(&limits()) {
        let module = loaded(&exec, COMPONENT);
        for text in ["", "a", "a text that is somewhat longer"] {
            let future = module.fork("f", args![text]).unwrap();
            future.wait().unwrap_or_else(|error| panic!("{way}: {error}"));
            seen.push(future.usage().unwrap().fuel - text.len() as u64);
        }
    }
    seen.dedup();
    // The function takes as many more units as the text has bytes.
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[test]
fn a_call_that_uses_its_last_unit_succeeds_and_one_that_needs_another_fails_the_same_way_everywhere() {
    let guest = WRITES.replace("PAGES", "2");
    let guest = wat::parse_str(guest).unwrap();
    for (function, given) in CALLS {
        let values: Vec<Value> = given.iter().map(|value| Value::I32(*value)).collect();
        let need = counted(&guest, function, &values).unwrap();
        for limit in [need.saturating_sub(20).max(1), need - 2, need - 1, need, need + 1] {
            let mut ends = Vec::new();
            for isolation in [Isolation::Recycled, Isolation::Fresh] {
                for mode in [MODES[0], MODES[1]] {
                    let exec = built(mode.builder().isolation(isolation).limits(limits().fuel(limit.max(1))));
                    let module = exec.load_bytes(&guest).unwrap();
                    ends.extend((0..2).map(|_| outcome(&module, function, &values)));
                }
            }
            let first = ends[0].clone();
            assert!(ends.iter().all(|end| *end == first), "{function} {given:?} with {limit}: {ends:?}");
            let out_of_fuel = first.as_ref().is_err_and(|error| error.contains("used up its fuel"));
            assert_eq!(out_of_fuel, limit < need, "{function} {given:?} needs {need}, has {limit}: {first:?}");
        }
    }
}

#[test]
fn setting_up_runs_out_of_fuel_at_the_same_limit_everywhere() {
    // A start function, and data whose address is computed, which is looked at by one that is added.
    for start in ["", "(start $start)"] {
        let guest = format!(
            r#"(module (memory 1)
                (data (i32.add (i32.const 4) (i32.mul (i32.const 3) (i32.const 5))) "computed")
                (func $start (local $i i32)
                    (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 500)))))
                {start}
                (func (export "f") (result i32) (i32.store (i32.const 0) (i32.const 1)) (i32.load (i32.const 20))))"#
        );
        let mut least = Vec::new();
        for isolation in [Isolation::Recycled, Isolation::Fresh] {
            let succeeds = |limit: u64| {
                let exec = built(Mode::Serial.builder().isolation(isolation).limits(limits().fuel(limit)));
                outcome(&loaded(&exec, &guest), "f", &[])
            };
            let (mut fails, mut first) = (1u64, 10_000);
            while fails + 1 < first {
                let middle = fails.midpoint(first);
                *(if succeeds(middle).is_ok() { &mut first } else { &mut fails }) = middle;
            }
            least.push((first, succeeds(first), succeeds(fails)));
        }
        assert_eq!(least[0], least[1], "{start}");
        // What starts takes more than what is called.
        assert_eq!(least[0].0 > 1000, !start.is_empty(), "{least:?}");
        assert!(least[0].1.is_ok() && least[0].2.is_err(), "{least:?}");
    }
}
