//! Functions that nobody has written, of stores at sums: of a variable and constants, in loops, between branches,
//! assignments and code that cannot be reached.
//!
//! Most of these stores are within memory and near an edge, so that most calls end well, and what is not put back then shows.

use purefork::Value;

/// A generated module: of each of its functions, called `f0`, `f1` …, how far its parameters lie from places in memory.
pub(crate) struct Storing {
    pub(crate) text: String,
    shifts: Vec<[u32; VARIABLES]>,
    random: Random,
}

/// How many functions a module has, and variables for addresses a function.
const FUNCTIONS: usize = 12;
const VARIABLES: usize = 4;

/// How many loops a function has at most: each has a variable to count in, behind the parameters.
const LOOPS: usize = 16;

/// The size of memory, in bytes.
const END: u32 = 3 << 16;

impl Storing {
    pub(crate) fn new(seed: u64) -> Storing {
        let mut random = Random(seed);
        let (mut functions, mut shifts) = (String::new(), Vec::new());
        for number in 0..FUNCTIONS {
            // Sums go round at 4 GiB, and constants are negative from 2 GiB.
            let shift = [0, 0, 0, 600, 600u32.wrapping_neg(), 1 << 31, (1 << 31) - 7, 70_000];
            let shift = [(); VARIABLES].map(|()| random.of(&shift));
            shifts.push(shift);
            let mut writer = Writer { random: &mut random, code: String::new(), shifts: shift, loops: 0 };
            (0..4).for_each(|_| writer.statement(0));
            let (code, counters) = (writer.code, "i32 ".repeat(LOOPS));
            functions += &format!(
                "(func (export \"f{number}\") (param i32 i32 i32 i32 i64) (result i64) (local {counters}) {code} return_call $sum)\n"
            );
        }
        let text = format!(
            r#"(module (memory {})
                (data (i32.const 0) "what was here before") (data (i32.const 65530) "over the edge of a page")
                (func $sum (result i64) (local $at i32) (local $sum i64)
                    (loop $next
                        (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 5)) (i64.load (local.get $at))))
                        (local.set $at (i32.add (local.get $at) (i32.const 8)))
                        (br_if $next (i32.lt_u (local.get $at) (i32.const {END}))))
                    (local.get $sum))
                {functions})"#,
            END >> 16
        );
        Storing { text, shifts, random }
    }

    /// Calls of all functions, with addresses near edges.
    pub(crate) fn calls(&mut self, each: usize) -> Vec<(String, Vec<Value>)> {
        let mut calls = Vec::new();
        for (number, shifts) in self.shifts.iter().enumerate() {
            for _ in 0..each {
                let place = |shift: &u32| self.random.place().wrapping_add(*shift).cast_signed().into();
                let mut values: Vec<Value> = shifts.iter().map(place).collect();
                values.push(self.random.next().cast_signed().into());
                calls.push((format!("f{number}"), values));
            }
        }
        calls
    }
}

/// Writes one function.
struct Writer<'a> {
    random: &'a mut Random,
    code: String,
    /// How far each variable lies from a place in memory, about: what is added to it takes that back.
    shifts: [u32; VARIABLES],
    loops: usize,
}

impl Writer<'_> {
    fn write(&mut self, code: impl AsRef<str>) {
        self.code += code.as_ref();
        self.code.push('\n');
    }

    fn statements(&mut self, depth: usize) {
        for _ in 0..self.random.below(3) {
            self.statement(depth + 1);
        }
    }

    fn statement(&mut self, depth: usize) {
        match self.random.below(if depth < 4 { 18 } else { 9 }) {
            0 | 1 => self.assignment(),
            2 => self.bulk(),
            3 => self.dead(),
            4..=8 => self.store(depth),
            9 => {
                self.write("block");
                self.statements(depth);
                self.condition();
                self.write("br_if 0");
                self.statements(depth);
                self.write("end");
            }
            10 => {
                self.write("block block block");
                self.condition();
                self.write("br_table 0 1 2 end");
                self.statements(depth);
                self.write("end");
                self.statements(depth);
                self.write("end");
            }
            11 | 12 => {
                self.condition();
                self.write("if");
                self.statements(depth);
                if self.random.below(2) == 0 {
                    self.write("else");
                    self.statements(depth);
                }
                self.write("end");
            }
            _ if self.loops == LOOPS => self.store(depth),
            13 | 14 => self.repeated(depth),
            15 => self.repeated_with_parameter(depth),
            _ => self.walk(depth),
        }
    }

    /// Begins a loop that goes round a few times; the code that tells whether to go round once more.
    fn begin(&mut self, start: &str, most: usize) -> String {
        let counter = VARIABLES + 1 + self.loops;
        self.loops += 1;
        let times = 1 + self.random.below(most);
        self.write(format!("i32.const {times} local.set {counter} {start}"));
        format!("local.get {counter} i32.const 1 i32.sub local.tee {counter} i32.const 0 i32.gt_s")
    }

    fn repeated(&mut self, depth: usize) {
        let again = self.begin("loop", 4);
        for _ in 0..2 {
            self.statements(depth);
            self.write(format!("{again} br_if 0"));
        }
        self.write("end");
    }

    /// The address is a parameter of the loop, and another each time.
    fn repeated_with_parameter(&mut self, depth: usize) {
        self.address();
        let again = self.begin("loop (param i32) (result i32)", 4);
        let variable = self.random.below(VARIABLES);
        let by = self.random.step().cast_signed();
        for _ in 0..2 {
            self.statements(depth);
            self.write(format!(
                "local.tee {variable} i32.const {by} i32.add local.get {variable} f32.const 1.5 f32.store"
            ));
            self.shifts[variable] = 0;
            self.write(format!("{again} br_if 0"));
        }
        self.write("end drop");
    }

    /// A variable walks through memory, and there are stores at it.
    fn walk(&mut self, depth: usize) {
        let variable = self.random.below(VARIABLES);
        let step: i32 = self.random.of(&[1, 4, 8, 16, 64, 500, 512, 513, 600, -1, -8, -512, -600]);
        let forth = format!("local.get {variable} i32.const {step} i32.add local.tee {variable}");
        let limit = self.random.place().wrapping_add(self.shifts[variable]).cast_signed();
        let counted = self.begin("loop", 70);
        let (first, sometimes, in_between) = (self.random.below(3), self.random.below(3), self.random.below(3));
        self.store_at(variable);
        if first == 0 {
            self.write(format!("{forth} drop"));
        }
        self.statements(depth);
        if sometimes == 0 {
            self.condition();
            self.write(format!("if {forth} drop end"));
        }
        self.store_at(variable);
        if in_between == 0 {
            self.write(format!("local.get {variable} {forth} i64.const -1 i64.store drop"));
        }
        match self.random.below(3) {
            0 => self.write(format!(
                "{forth} i32.const {limit} i32.{} {counted} i32.and br_if 0",
                if step > 0 { "lt_u" } else { "gt_u" }
            )),
            1 => self.write(format!("{forth} drop {counted} br_if 0")),
            _ => self.write(format!("{counted} br_if 0")),
        }
        self.write("end");
    }

    fn store_at(&mut self, variable: usize) {
        let constant = self.random.step().wrapping_sub(self.shifts[variable]).cast_signed();
        let offset = self.random.of(&[0, 4, 508, 512]);
        self.write(format!("local.get {variable} i32.const {constant} i32.add local.get 4 i64.store offset={offset}"));
    }

    /// Pushes a bit.
    fn condition(&mut self) {
        let bit = self.random.below(64);
        self.write(format!("local.get 4 i64.const {bit} i64.shr_u i64.const 1 i64.and i32.wrap_i64"));
    }

    /// Pushes an address; returns the offset that leads from there to memory, most often.
    fn address(&mut self) -> u32 {
        let (variable, other) = (self.random.below(VARIABLES), self.random.below(VARIABLES));
        let by = self.random.step();
        let offset = self.random.of(&[0, 0, 0, 1, 4, 496, 505, 511, 512, 600, 1100, 70_000]);
        let back = self.random.of(&[0, offset]);
        let constant = by.wrapping_sub(back).wrapping_sub(self.shifts[variable]).cast_signed();
        let place = self.random.place().wrapping_add(by).wrapping_sub(back).cast_signed();
        let part = self.random.next() as i32;
        let rest = constant.wrapping_sub(part);
        let code = match self.random.below(10) {
            0 => format!("i32.const {place}"),
            1 => format!("i32.const {part} i32.const {} i32.add", place.wrapping_sub(part)),
            2 => format!("i32.const {constant} local.get {variable} i32.add"),
            3 => format!("local.get {variable} i32.const {part} i32.add i32.const {rest} i32.add"),
            4 => format!("local.get {variable} i32.const {} i32.sub", constant.wrapping_neg()),
            5 => format!("local.get {variable} i32.const {constant} i32.add local.tee {other}"),
            6 => format!("local.get {variable} local.tee {variable} i32.const {constant} i32.add"),
            7 => format!("local.get {variable} block (param i32) (result i32) i32.const {constant} i32.add end"),
            _ => format!("local.get {variable} i32.const {constant} i32.add"),
        };
        self.write(code);
        if self.code.ends_with(&format!("local.tee {other}\n")) {
            self.shifts[other] = 0;
        }
        offset
    }

    fn assignment(&mut self) {
        let (from, to) = (self.random.below(VARIABLES), self.random.below(VARIABLES));
        let by = self.random.step().cast_signed();
        self.write(format!("local.get {from} i32.const {by} i32.add local.set {to}"));
        self.shifts[to] = self.shifts[from];
    }

    fn bulk(&mut self) {
        self.address();
        let (what, size) = (self.random.of(&["i32.const 7", "i32.const 70000"]), self.random.of(&[0, 1, 513, 600]));
        let op = if what == "i32.const 7" { "memory.fill" } else { "memory.copy" };
        self.write(format!("{what} i32.const {size} {op}"));
    }

    fn store(&mut self, depth: usize) {
        let offset = self.address();
        self.in_between(depth);
        let (value, op) = self.random.of(&[
            ("i32.const -1", "i32.store8"),
            ("i32.const -1", "i32.store16"),
            ("i32.const -1", "i32.store"),
            ("local.get 4", "i64.store8"),
            ("local.get 4", "i64.store16"),
            ("local.get 4", "i64.store32"),
            ("local.get 4", "i64.store"),
            ("f32.const 1.5", "f32.store"),
            ("f64.const 1.5", "f64.store"),
            ("local.get 4 i64x2.splat", "v128.store"),
            ("local.get 4 i64x2.splat", "v128.store8_lane"),
            ("local.get 4 i64x2.splat", "v128.store16_lane"),
            ("local.get 4 i64x2.splat", "v128.store32_lane"),
            ("local.get 4 i64x2.splat", "v128.store64_lane"),
        ]);
        self.write(value);
        self.in_between(depth);
        let lane = if op.ends_with("lane") { "1" } else { "" };
        self.write(format!("{op} offset={offset} {lane}"));
    }

    /// What may stand between an address and its store.
    fn in_between(&mut self, depth: usize) {
        match self.random.below(6) {
            0 => self.assignment(),
            1 => self.dead(),
            2 if depth < 3 => self.statement(depth + 1),
            _ => {}
        }
    }

    /// Code that cannot be reached, and takes from below its block as if something were there.
    fn dead(&mut self) {
        let start = [
            "block br 0",
            "block i32.const 0 br_table 0 0",
            "block loop br 1 end unreachable",
            "block local.get 4 return",
        ];
        // Few return: what would follow is of more interest.
        let start = if self.random.below(20) == 0 { start[3] } else { self.random.of(&start[..3]) };
        self.write(start);
        let mut height = 0usize;
        for _ in 0..self.random.below(8) {
            let variable = self.random.below(VARIABLES);
            let by = self.random.step().cast_signed();
            let (pops, pushes, code) = match self.random.below(9) {
                0 => (1, 1, format!("local.tee {variable}")),
                1 | 2 => (2, 1, "i32.add".to_owned()),
                3 => (0, 1, format!("i32.const {by}")),
                4 => (0, 1, format!("local.get {variable}")),
                5 => (1, 0, "drop".to_owned()),
                6 => (1, 0, format!("local.set {variable}")),
                7 => (2, 0, "i32.store offset=3".to_owned()),
                _ => (1, 1, format!("block (param i32) (result i32) i32.const {by} i32.add end")),
            };
            height = height.saturating_sub(pops) + pushes;
            self.write(code);
        }
        match self.random.below(3) {
            0 => self.write("unreachable"),
            _ => self.write("drop ".repeat(height)),
        }
        self.write("end");
    }
}

/// Pseudo-random numbers: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A place near the edge of a block, a page, a group or of memory.
    fn place(&mut self) -> u32 {
        let edge: u32 = self.of(&[0, 512, 1024, 4096, 65_536, 67_072, 131_072, 131_584, END - 512, END - 5000]);
        (edge + self.below(40) as u32).saturating_sub(20)
    }

    /// A small step, or one near the size of a block; forth or back.
    fn step(&mut self) -> u32 {
        let near: u32 = self.of(&[0, 0, 4, 16, 100, 496, 508, 512, 520, 600]);
        let step = near + self.below(8) as u32;
        if self.below(4) == 0 { step.wrapping_neg() } else { step }
    }
}
