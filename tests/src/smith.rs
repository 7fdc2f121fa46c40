//! Modules that nobody has written: wasm-smith makes them of bytes. The ways to get a sandbox agree on every call of each,
//! in any order. A test gives seeds of pseudo-random bytes; a fuzz target gives bytes that led to new code.

use crate::{Mode, built, outcome};
use arbitrary::Unstructured;
use purefork::{Executor, Isolation, Type, Value};
use wasm_smith::{Config, InstructionKind, InstructionKinds};

/// Pseudo-random numbers of eight bytes, enough to make most modules of.
const WORDS: usize = 600;

/// Two executors of one thread, so that calls get the same sandbox one after another.
pub struct Ways {
    recycled: Executor,
    fresh: Executor,
}

impl Ways {
    /// An executor for each way.
    #[allow(clippy::new_without_default, reason = "it starts threads")]
    pub fn new() -> Ways {
        let executor = |isolation| built(Mode::Threads(1).builder().isolation(isolation));
        Ways { recycled: executor(Isolation::Recycled), fresh: executor(Isolation::Fresh) }
    }

    /// Makes a module, and calls of it, and runs them each way; tells how many ended well. Nothing is compared where the module is
    /// refused, cannot start, or would run the same way both times.
    ///
    /// The first eight bytes are a seed, and the others what the module is made of; where they end, pseudo-random ones follow, so
    /// that few bytes are enough.
    ///
    /// # Panics
    ///
    /// If one way alone refuses the module, or a call ends in another way than in a fresh sandbox.
    pub fn compare(&self, bytes: &[u8]) -> Option<usize> {
        let (seed, bytes) = bytes.split_first_chunk()?;
        let seed = u64::from_le_bytes(*seed);
        let module = module([bytes, &Random(seed).bytes(WORDS)].concat(), seed)?;
        let inspection = purefork::inspect(&module).ok().filter(|inspection| inspection.fresh.is_none())?;
        let (ours, fresh) = match (self.recycled.load_bytes(&module), self.fresh.load_bytes(&module)) {
            (Ok(ours), Ok(fresh)) => (ours, fresh),
            (Err(_), Err(_)) => return None,
            (ours, fresh) => panic!("one way refuses it: {:?}, {:?}", ours.err(), fresh.err()),
        };
        let mut random = Random(seed);
        let calls: Vec<(String, Vec<Value>)> = (0..3)
            .flat_map(|_| &inspection.functions)
            .map(|function| {
                let values = function.params.iter().map(|(_, ty)| value(ty, &mut random)).collect();
                (function.exact.clone(), values)
            })
            .collect();
        let expected: Vec<_> = calls.iter().map(|(function, values)| outcome(&fresh, function, values)).collect();
        // In order, and in the opposite one: what was called before does not matter.
        for at in (0..calls.len()).chain((0..calls.len()).rev()) {
            let (function, values) = &calls[at];
            assert_eq!(outcome(&ours, function, values), expected[at], "`{function}` of {values:?}");
        }
        Some(expected.iter().filter(|ended| ended.is_ok()).count())
    }
}

/// Pseudo-random numbers: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A number below another.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes(&mut self, words: usize) -> Vec<u8> {
        (0..words).flat_map(|_| self.next().to_le_bytes()).collect()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
}

/// Half of the modules have no trap: more of their calls end well. Half have no data, which instructions could drop.
fn config(seed: u64) -> Config {
    use InstructionKind::{Control, Memory, Numeric, Parametric, Variable, Vector};
    Config {
        allowed_instructions: InstructionKinds::new(&[Control, Memory, Numeric, Parametric, Variable, Vector]),
        disallow_traps: seed & 1 == 0,
        allow_start_export: true,
        bulk_memory_enabled: true,
        canonicalize_nans: false,
        exceptions_enabled: false,
        export_everything: true,
        gc_enabled: false,
        max_data_segments: if seed & 2 == 0 { 0 } else { 5 },
        max_element_segments: 0,
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

fn module(bytes: Vec<u8>, seed: u64) -> Option<Vec<u8>> {
    let mut module = wasm_smith::Module::new(config(seed), &mut Unstructured::new(&bytes)).ok()?;
    // A function that never ends traps.
    module.ensure_termination(2000).ok()?;
    Some(module.to_bytes())
}

fn value(ty: &Type, random: &mut Random) -> Value {
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
