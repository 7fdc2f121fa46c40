//! Modules that nobody has written: wasm-smith makes them of bytes. The ways to get a sandbox agree on every call of each,
//! in any order. A test gives seeds of pseudo-random bytes; a fuzz target gives bytes that led to new code. Two of three set
//! themselves up by what is refused memory, and is given some.

use crate::{Mode, built, ended};
use arbitrary::Unstructured;
use purefork::value::Type;
use purefork::{Executor, Isolation, Value};
use wasm_encoder::Encode;
use wasm_smith::{Config, InstructionKind, InstructionKinds};

/// Pseudo-random numbers of eight bytes, enough to make most modules of.
const WORDS: usize = 600;

/// What a call's memory may be, in bytes.
const MEMORY: usize = 4 << 16;

/// Two executors of one thread, so that calls get the same sandbox one after another.
pub struct Ways {
    recycled: Executor,
    fresh: Executor,
}

impl Ways {
    /// An executor for each way.
    #[allow(clippy::new_without_default, reason = "it starts threads")]
    pub fn new() -> Ways {
        // Less memory than many of the modules say that they may grow to.
        let limits = crate::limits().memory(MEMORY);
        let executor = |isolation| built(Mode::Threads(1).builder().limits(limits.clone()).isolation(isolation));
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
        let inspection = Executor::builder().inspect(&module).ok().filter(|inspection| inspection.fresh.is_none())?;
        let (ours, fresh) = match (self.recycled.load_bytes(&module), self.fresh.load_bytes(&module)) {
            (Ok(ours), Ok(fresh)) => (ours, fresh),
            (Err(_), Err(_)) => return None,
            (ours, fresh) => panic!("one way refuses it: {:?}, {:?}", ours.err(), fresh.err()),
        };
        let mut random = Random(seed);
        let calls: Vec<(String, Vec<Value>)> = (0..3)
            .flat_map(|_| &inspection.functions)
            .map(|function| {
                let values = function.params.iter().map(|param| value(&param.ty, &mut random)).collect();
                (function.exact.clone(), values)
            })
            .collect();
        let expected: Vec<_> = calls.iter().map(|(function, values)| ended(&fresh, function, values)).collect();
        // In order, and in the opposite one: what was called before does not matter.
        for at in (0..calls.len()).chain((0..calls.len()).rev()) {
            let (function, values) = &calls[at];
            assert_eq!(ended(&ours, function, values), expected[at], "`{function}` of {values:?}");
        }
        Some(expected.iter().filter(|(ended, _)| ended.is_ok()).count())
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
        exceptions_enabled: seed & 4 != 0,
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
    let module = module.to_bytes();
    match seed % 3 {
        0 => Some(module),
        1 => set_up(&module, SetUp::Start),
        _ => set_up(&module, SetUp::Initialize),
    }
}

/// How a module is set up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SetUp {
    Start,
    Initialize,
}

/// The module with a function more, which is refused memory, and then calls the start function, if there was one. It is what sets
/// the module up.
fn set_up(module: &[u8], how: SetUp) -> Option<Vec<u8>> {
    let (mut types, mut functions, mut imported, mut start) = (0, 0, 0, None);
    let mut sections = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload.ok()?;
        match &payload {
            wasmparser::Payload::TypeSection(section) => types = section.count(),
            wasmparser::Payload::ImportSection(section) => imported = section.count(),
            wasmparser::Payload::FunctionSection(section) => functions = section.count(),
            wasmparser::Payload::StartSection { func, .. } => start = Some(*func),
            _ => {}
        }
        sections.extend(payload.as_section());
    }
    // All that is imported would be functions, and nothing is.
    let function = imported + functions;
    let mut body = wasm_encoder::Function::new([]);
    for pages in [60_000, 1, 1] {
        body.instructions().i32_const(pages).memory_grow(0).drop();
    }
    if let Some(start) = start.filter(|_| how == SetUp::Start) {
        body.instructions().call(start);
    }
    body.instructions().end();

    let mut out = wasm_encoder::Module::new();
    let mut started = how != SetUp::Start;
    for (id, range) in sections {
        let data = &module[range];
        let mut begin = |out: &mut wasm_encoder::Module| {
            if !std::mem::replace(&mut started, true) {
                out.section(&wasm_encoder::StartSection { function_index: function });
            }
        };
        // After exports comes the start function, then elements, the number of data segments, and code.
        if matches!(id, 9 | 10 | 12) {
            begin(&mut out);
        }
        let longer = match id {
            1 => longer(data, &[0x60, 0, 0])?,
            3 => longer(data, &encoded(&types))?,
            7 if how == SetUp::Initialize => {
                longer(data, &[encoded("_initialize"), vec![0], encoded(&function)].concat())?
            }
            8 if how == SetUp::Start => continue,
            10 => longer(data, &encoded(&body))?,
            _ => data.to_vec(),
        };
        out.section(&wasm_encoder::RawSection { id, data: &longer });
    }
    Some(out.finish())
}

fn encoded(item: &(impl Encode + ?Sized)) -> Vec<u8> {
    let mut bytes = Vec::new();
    item.encode(&mut bytes);
    bytes
}

/// A vector with one item more.
fn longer(items: &[u8], item: &[u8]) -> Option<Vec<u8>> {
    let mut reader = wasmparser::BinaryReader::new(items, 0);
    let count = reader.read_var_u32().ok()?;
    let mut longer = encoded(&(count + 1));
    longer.extend_from_slice(items.get(reader.current_position()..)?);
    longer.extend_from_slice(item);
    Some(longer)
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
