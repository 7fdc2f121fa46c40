use super::{Provider, merge};
use crate::imports::UnknownImports;
use crate::ir::proposals::CORE;
use wasmparser::{KnownCustom, Parser, Payload, Validator, WasmFeatures};

fn merged(main: &str, providers: &[(&str, &str)]) -> Vec<u8> {
    let providers: Vec<_> = providers.iter().map(|(name, wat)| (*name, wat::parse_str(wat).unwrap())).collect();
    let providers: Vec<_> = providers.iter().map(|(name, bytes)| Provider { name, bytes }).collect();
    merge(&wat::parse_str(main).unwrap(), &providers, UnknownImports::Refuse).unwrap()
}

/// The names of its custom sections and of its imports.
fn sections(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut customs, mut imports) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::CustomSection(section) => {
                assert!(!matches!(section.as_known(), KnownCustom::Unknown) || !section.name().starts_with(".debug"));
                customs.push(section.name().to_owned());
            }
            Payload::ImportSection(section) => {
                imports.extend(
                    section.into_imports().map(|import| import.unwrap()).map(|it| format!("{}.{}", it.module, it.name)),
                );
            }
            _ => {}
        }
    }
    (customs, imports)
}

#[test]
fn custom_sections_that_speak_of_places_are_left_out_and_the_same_imports_are_one() {
    let main = r#"(module (import "env" "abort" (func $abort (param i32))) (import "p" "f" (func $f))
        (@custom "component-type:x" "1") (@custom ".debug_line" "2") (@custom "producers" "\00") (@custom "dylink.0" "3")
        (func (export "g") (call $f) (call $abort (i32.const 1))))"#;
    let p = r#"(module (import "env" "abort" (func $abort (param i32))) (import "env" "other" (func $other))
        (import "env" "abort" (func $wide (param i64))) (@custom "mine" "1")
        (func (export "f") (call $abort (i32.const 2)) (call $wide (i64.const 2)) (call $other)))"#;
    let bytes = merged(main, &[("p", p)]);
    let (customs, imports) = sections(&bytes);
    assert_eq!(customs, ["component-type:x", "producers", "name"]);
    assert_eq!(imports, ["env.abort", "env.other", "env.abort"]);
    Validator::new_with_features(CORE).validate_all(&bytes).unwrap();
}

/// What a provider's export allowed is allowed without it.
#[test]
fn a_reference_to_a_function_whose_export_is_gone_stays_valid() {
    let p = r#"(module (func $f (export "f")) (func (export "r") (result funcref) (ref.func $f)))"#;
    let main = r#"(module (import "p" "r" (func $r (result funcref))) (func (export "n") (result i32) (ref.is_null (call $r))))"#;
    Validator::new_with_features(CORE).validate_all(&merged(main, &[("p", p)])).unwrap();
}

#[test]
fn types_tags_and_recursion_groups_are_compared_as_they_are() {
    let types = "(rec (type $a (struct (field (ref null $b)))) (type $b (func (param (ref null $a)))))";
    let p = format!(
        r#"(module (type (func)) {types} (func (export "f") (type $b)) (tag (export "t") (param i32))
        (global (export "g") (ref $b) (ref.func 0)))"#
    );
    let main = format!(
        r#"(module {types} (import "p" "f" (func $f (type $b))) (import "p" "t" (tag $t (param i32)))
        (import "p" "g" (global $g (ref null func))) (global (export "h") (ref null func) (global.get $g))
        (func (export "x") (throw $t (i32.const 1))) (export "f" (func $f)))"#
    );
    let bytes = merged(&main, &[("p", &p)]);
    Validator::new_with_features(WasmFeatures::all()).validate_all(&bytes).unwrap();
    let other = main.replace("(struct (field (ref null $b)))", "(struct (field (ref $b)))");
    let (other, p) = (wat::parse_str(other).unwrap(), wat::parse_str(p).unwrap());
    let error = merge(&other, &[Provider { name: "p", bytes: &p }], UnknownImports::Refuse).unwrap_err();
    assert!(error.message().starts_with("the module imports `p.f` (func (param "), "{error}");
}

/// A circle of constants would have to be one of modules; a chain of sums is a number at each step.
#[test]
fn constants_do_not_grow_from_provider_to_provider() {
    let mut modules = vec![r#"(module (global (export "g") i64 (i64.const 3)))"#.to_owned()];
    for at in 1..40 {
        let sum = (0..50).fold("(global.get $g)".to_owned(), |sum, _| format!("(i64.add {sum} (global.get $g))"));
        let before = at - 1;
        modules.push(format!(r#"(module (import "m{before}" "g" (global $g i64)) (global (export "g") i64 {sum}))"#));
    }
    let names: Vec<_> = (0..40).map(|at| format!("m{at}")).collect();
    let main = modules.pop().unwrap();
    let providers: Vec<_> = names.iter().map(String::as_str).zip(modules.iter().map(String::as_str)).collect();
    let bytes = merged(&main, &providers);
    assert!(bytes.len() < 1500, "{}", bytes.len());
    Validator::new_with_features(CORE).validate_all(&bytes).unwrap();
}
