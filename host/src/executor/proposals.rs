//! That the audit and the engine take the same proposals: of each, by modules that use it.

use super::Executor;
use crate::engine::Kind;
use crate::ir::proposals::{PROPOSALS, Rule};
use std::collections::HashMap;
use wasmparser::{Validator, WasmFeatures};

/// For each proposal, what uses it: fields of a module, or a whole component.
const USES: &[(&str, &str)] = &[
    ("MUTABLE_GLOBAL", r#"(global (export "g") (mut i32) (i32.const 0))"#),
    ("SATURATING_FLOAT_TO_INT", "(func (param f32) (drop (i32.trunc_sat_f32_s (local.get 0))))"),
    ("SIGN_EXTENSION", "(func (param i32) (drop (i32.extend8_s (local.get 0))))"),
    ("REFERENCE_TYPES", "(table 1 funcref) (func (drop (table.size 0)))"),
    ("MULTI_VALUE", "(func (result i32 i32) (i32.const 1) (i32.const 2))"),
    ("BULK_MEMORY", r#"(memory 1) (data $d "a") (func (data.drop $d))"#),
    ("BULK_MEMORY_OPT", "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))"),
    ("SIMD", "(func (drop (v128.const i64x2 0 0)))"),
    ("FLOATS", "(func (param f32))"),
    ("TAIL_CALL", "(func $f (return_call $f))"),
    ("MULTI_MEMORY", "(memory 1) (memory 1)"),
    ("MEMORY64", "(memory i64 1)"),
    ("EXTENDED_CONST", "(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
    ("FUNCTION_REFERENCES", "(type $f (func)) (func (param (ref null $f)) (call_ref $f (local.get 0)))"),
    ("THREADS", "(memory 1 1 shared)"),
    ("SHARED_EVERYTHING_THREADS", "(type (shared (func)))"),
    ("RELAXED_SIMD", "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))"),
    ("GC", "(type (sub (func)))"),
    ("GC_TYPES", "(func (param externref)) (func (param funcref))"),
    ("CUSTOM_DESCRIPTORS", "(rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))"),
    ("EXCEPTIONS", "(tag)"),
    ("LEGACY_EXCEPTIONS", "(func try catch_all end)"),
    ("STACK_SWITCHING", "(type $f (func)) (type (cont $f))"),
    ("WIDE_ARITHMETIC", "(func (param i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 0)))"),
    ("CUSTOM_PAGE_SIZES", "(memory 1 (pagesize 1))"),
    ("MEMORY_CONTROL", "(memory 1) (func (memory.discard (i32.const 0) (i32.const 0)))"),
    ("COMPACT_IMPORTS", r#"(import "m" (item "a" (func)) (item "b" (func)))"#),
    ("COMPONENT_MODEL", "(component)"),
    ("CM_ASYNC", "(component (type (future)))"),
    (
        "CM_ASYNC_STACKFUL",
        "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))
            (func async (canon lift (core func $i \"f\") async)))",
    ),
    ("CM_MORE_ASYNC_BUILTINS", "(component (core func (canon subtask.cancel async)))"),
    ("CM_THREADING", "(component (core func (canon thread.index)))"),
    (
        "CM64",
        "(component (core module $m (memory (export \"m\") i64 1)) (core instance $i (instantiate $m))
            (import \"f\" (func $f (param \"s\" string)))
            (core func (canon lower (func $f) (memory $i \"m\"))))",
    ),
    (
        "CM_GC",
        "(component (import \"f\" (func $f)) (core type $t (func)) (core func (canon lower (func $f) gc (core-type $t))))",
    ),
    ("CM_ERROR_CONTEXT", "(component (type error-context))"),
    ("CM_FIXED_LENGTH_LISTS", "(component (type (list u8 4)))"),
    ("CM_MAP", "(component (type (map u8 u8)))"),
    ("CM_VALUES", "(component (import \"v\" (value $v u8)) (export \"w\" (value $v)))"),
    ("CM_NESTED_NAMES", "(component (import \"a:b:c/d\" (instance)))"),
    ("CM_IMPLEMENTS", "(component (import \"a\" (implements \"a:b/c\") (instance)))"),
    ("CM_CANON_NAMES", "(component (import \"a:b/c@1.2\" (versionsuffix \".3\") (instance)))"),
];

/// `call_indirect` on a table whose number, 0, is written in two bytes; not in WebAssembly's text.
const OVERLONG: &[u8] =
    b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x04\x04\x01\x70\0\0\x0a\x0a\x01\x08\0\x41\0\x11\0\x80\0\x0b";

#[test]
fn the_audit_and_the_engine_take_the_same_proposals() {
    let exec = Executor::builder().threads(1).build().unwrap();
    let mut uses: HashMap<WasmFeatures, Vec<u8>> = HashMap::new();
    for (name, text) in USES {
        let text = if text.starts_with("(component") { (*text).to_owned() } else { format!("(module {text})") };
        let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        uses.insert(WasmFeatures::from_name(name).unwrap(), bytes);
    }
    uses.insert(WasmFeatures::CALL_INDIRECT_OVERLONG, OVERLONG.to_vec());
    let mut wrong = Vec::new();
    for (name, flag) in WasmFeatures::all().iter_names() {
        let rows: Vec<Rule> = PROPOSALS.iter().filter(|row| row.flag == flag).map(|row| row.rule).collect();
        let [rule] = rows[..] else { panic!("{name} has {} rows in the table", rows.len()) };
        let bytes = uses.get(&flag).unwrap_or_else(|| panic!("nothing here uses {name}"));
        let valid = |features| Validator::new_with_features(features).validate_all(bytes).is_ok();
        assert!(valid(WasmFeatures::all()) && !valid(WasmFeatures::all().difference(flag)), "{name} is not used");

        let audited = Executor::builder().inspect(bytes);
        if audited.is_ok() != (!matches!(rule, Rule::Refused { .. })) {
            wrong.push(format!("{name}: {rule:?}, but the audit says {audited:?}"));
        }
        for kind in [Kind::Leaf, Kind::Forking] {
            let taken = exec.loader.runtime.sandboxes.engines.get(kind, 0).unwrap().precompile_module(bytes).map(drop);
            if taken.is_ok() != (rule == Rule::Allowed) {
                wrong.push(format!("{name}: {rule:?}, but the engine says {taken:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
