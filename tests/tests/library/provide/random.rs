//! Chains of modules that nobody has written: they do the same when they are linked by wasmtime.

use super::{Call, calls, linked, provided};
use purefork_tests::Mode;
use std::fmt::Write as _;

/// Numbers that are the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % u64::from(below)) as u32
    }
}

/// A module that imports from the one called `m{number - 1}`, or is the first, and exports as much as that.
fn module(number: u32, numbers: &mut Numbers) -> String {
    let mut text = String::from("(module (type $f (func (param i32) (result i32)))\n");
    let mut functions: Vec<String> = Vec::new();
    let mut globals: Vec<&str> = Vec::new();
    if number > 0 {
        let from = number - 1;
        let _ = writeln!(
            text,
            r#"(import "m{from}" "f" (func $f0 (type $f))) (import "m{from}" "g" (func $f1 (type $f)))
            (import "m{from}" "base" (global $base i32)) (import "m{from}" "state" (global $state (mut i32)))
            (import "m{from}" "memory" (memory $shared 1)) (import "m{from}" "table" (table $table 8 funcref))"#
        );
        functions.extend(["$f0".to_owned(), "$f1".to_owned()]);
        globals.push("$base");
        let _ = writeln!(text, "(global $mine i32 (i32.add (global.get $base) (i32.const {})))", numbers.next(9));
    } else {
        text.push_str("(memory $shared 1) (table $table 8 funcref) (global $state (mut i32) (i32.const 1))\n");
        let _ = writeln!(text, "(global $mine i32 (i32.const {}))", numbers.next(50));
    }
    globals.push("$mine");
    if numbers.next(3) == 0 {
        text.push_str("(memory $other 1)\n");
    }
    let offset = globals[numbers.next(globals.len() as u32) as usize];
    // A data segment's address may be computed of imported globals alone.
    let offset =
        if offset == "$base" { "(global.get $base)".to_owned() } else { format!("(i32.const {})", numbers.next(60)) };
    let bytes: String = (0..numbers.next(5)).map(|_| format!("\\{:02x}", numbers.next(256))).collect();
    let _ = writeln!(text, "(data (memory $shared) {offset} \"{bytes}\")");
    let _ = writeln!(text, "(elem (table $table) (i32.const {}) func $own0 $own1)", numbers.next(7));
    for own in 0..2 {
        let _ = write!(text, "(func $own{own} (type $f) ");
        for _ in 0..=numbers.next(4) {
            let global = globals[numbers.next(globals.len() as u32) as usize];
            let statement = match numbers.next(8) {
                0 if !functions.is_empty() => {
                    let called = &functions[numbers.next(functions.len() as u32) as usize];
                    format!("(local.set 0 (call {called} (local.get 0)))")
                }
                1 => {
                    "(global.set $state (i32.add (i32.mul (global.get $state) (i32.const 3)) (local.get 0)))".to_owned()
                }
                2 => format!(
                    "(i32.store8 $shared offset={} (i32.and (local.get 0) (i32.const 63)) (global.get $state))",
                    numbers.next(9)
                ),
                3 => {
                    "(local.set 0 (i32.add (local.get 0) (i32.load8_u $shared (i32.and (local.get 0) (i32.const 63)))))"
                        .to_owned()
                }
                4 => format!("(local.set 0 (i32.xor (local.get 0) (global.get {global})))"),
                // Deeper than one call, it would go round for ever.
                5 if own == 1 && number == 0 => "(local.set 0 (call $own0 (local.get 0)))".to_owned(),
                6 => "(local.set 0 (i32.add (local.get 0) (memory.size $shared)))".to_owned(),
                _ => "(local.set 0 (i32.add (local.get 0) (global.get $state)))".to_owned(),
            };
            text.push_str(&statement);
        }
        text.push_str("(local.get 0))\n");
        functions.push(format!("$own{own}"));
    }
    if numbers.next(3) == 0 {
        text.push_str("(func $start (global.set $state (call $own0 (global.get $state))) (i32.store8 $shared (i32.const 3) (global.get $state))) (start $start)\n");
    }
    if numbers.next(4) == 0 && number > 0 {
        text.push_str("(func (export \"_initialize\") (global.set $state (call $own1 (i32.const 2))))\n");
    }
    let (f, g) = (numbers.next(functions.len() as u32) as usize, numbers.next(functions.len() as u32) as usize);
    let base = globals[numbers.next(globals.len() as u32) as usize];
    let _ = writeln!(
        text,
        r#"(export "f" (func {})) (export "g" (func {})) (export "base" (global {base})) (export "state" (global $state))
        (export "memory" (memory $shared)) (export "table" (table $table))
        (func (export "indirect") (param i32 i32) (result i32)
            (call_indirect $table (type $f) (local.get 1) (i32.and (local.get 0) (i32.const 7))))
        (func (export "read") (param i32) (result i32) (i32.load8_u $shared (local.get 0))))"#,
        functions[f], functions[g],
    );
    text
}

#[test]
fn random_chains_of_modules_do_what_they_do_in_wasmtime() {
    let exec = Mode::Serial.executor();
    let mut indirect: Vec<(&str, [i32; 2])> = Vec::new();
    indirect.extend((0..8).map(|at| ("indirect", [at, 5])));
    let mut all: Vec<Call<'_>> = vec![("f", &[3]), ("g", &[40]), ("f", &[-1]), ("read", &[3]), ("read", &[20])];
    all.extend(indirect.iter().map(|(name, args)| (*name, args.as_slice())));
    for seed in 0..150 {
        let mut numbers = Numbers(seed);
        let length = 2 + numbers.next(3);
        let modules: Vec<_> = (0..length).map(|number| module(number, &mut numbers)).collect();
        let names: Vec<_> = (0..length).map(|number| format!("m{number}")).collect();
        let (main, providers) = modules.split_last().expect("there are two");
        // The main module's `_initialize` is run by the host, which the linker does not know of.
        let main = main.replace("\"_initialize\"", "\"later\"");
        let providers: Vec<_> = names.iter().map(String::as_str).zip(providers.iter().map(String::as_str)).collect();
        let module =
            provided(&exec, &providers, &main).unwrap_or_else(|error| panic!("{seed}: {error:?}\n{modules:#?}"));
        assert_eq!(calls(&module, &all), linked(&providers, &main, &all), "{seed}:\n{}", modules.join("\n"));
    }
}
