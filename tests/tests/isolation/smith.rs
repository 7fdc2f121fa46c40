//! Modules that nobody has written: the ways agree on every call of each, in any order.

use super::{WAYS, executor, outcome};
use arbitrary::Unstructured;
use purefork::{Module, Value};
use wasm_smith::Config;

/// Pseudo-random numbers: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
}

fn config() -> Config {
    Config {
        allow_start_export: true,
        bulk_memory_enabled: true,
        canonicalize_nans: false,
        exceptions_enabled: false,
        export_everything: true,
        gc_enabled: false,
        max_data_segments: 5,
        max_imports: 0,
        max_memories: 1,
        max_tables: 0,
        max_memory32_bytes: 5 << 16,
        memory64_enabled: false,
        min_funcs: 3,
        max_funcs: 12,
        min_memories: 1,
        min_globals: 2,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        simd_enabled: true,
        tail_call_enabled: true,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        // Stores within memory are more telling than traps.
        memory_offset_choices: wasm_smith::MemoryOffsetChoices(90, 8, 2),
        ..Config::default()
    }
}

fn module(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let bytes: Vec<u8> = (0..600).flat_map(|_| random.next().to_le_bytes()).collect();
    let mut module = wasm_smith::Module::new(config(), &mut Unstructured::new(&bytes)).expect("it can be made");
    // A function that never ends traps.
    module.ensure_termination(2000).expect("it can be made to end");
    module.to_bytes()
}

fn value(ty: &purefork::Type, random: &mut Random) -> Value {
    let small = random.next() % 70_000;
    let bits = if random.next().is_multiple_of(3) { random.next() } else { small };
    match ty.to_string().as_str() {
        "i32" => Value::I32(bits as i32),
        "i64" => Value::I64(bits as i64),
        "f32" => Value::F32(f32::from_bits(bits as u32)),
        "f64" => Value::F64(f64::from_bits(bits)),
        "v128" => Value::V128([bits.to_le_bytes(), small.to_le_bytes()].concat().try_into().expect("they are sixteen")),
        other => panic!("a type that is not asked for: {other}"),
    }
}

#[test]
fn generated_modules_end_the_same_each_way() {
    let executors = WAYS.map(executor);
    let (mut recycled, mut ended_well) = (0, 0);
    for seed in 0..3000 {
        let bytes = module(seed);
        // Some start with a trap, or are refused.
        let Ok(inspection) = purefork::inspect(&bytes) else { continue };
        // Half of them drop data or change tables: these run the same way both times.
        if inspection.fresh.is_some() {
            continue;
        }
        recycled += 1;
        let loaded = [0, 1].map(|at| executors[at].load_bytes(&bytes));
        let [Ok(ours), Ok(fresh)] = loaded else { continue };
        let mut random = Random(seed);
        let calls: Vec<(String, Vec<Value>)> = (0..3)
            .flat_map(|_| &inspection.functions)
            .map(|function| {
                let values = function.params.iter().map(|(_, ty)| value(ty, &mut random)).collect();
                (function.exact.clone(), values)
            })
            .collect();
        let end = |module: &Module, (function, values): &(String, Vec<Value>)| outcome(module, function, values);
        let expected: Vec<_> = calls.iter().map(|call| end(&fresh, call)).collect();
        ended_well += expected.iter().filter(|ended| ended.is_ok()).count();
        // In order, and in the opposite one: what was called before does not matter.
        for at in (0..calls.len()).chain((0..calls.len()).rev()) {
            assert_eq!(end(&ours, &calls[at]), expected[at], "seed {seed}, {:?}", calls[at]);
        }
    }
    assert!(recycled > 200 && ended_well > 1000, "{recycled} recycled, {ended_well} calls that ended well");
}
