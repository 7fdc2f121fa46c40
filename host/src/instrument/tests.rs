//! What is marked, what is reset, and what is refused.

use super::card_table::{CARD, SPAN, clean, clean_spans};
use super::marking::{Address, Cards, Mark, marks};
use super::*;
use crate::audit::audit;
use proptest::collection::vec;
use proptest::prelude::*;
use std::ops::Range;
use wasmparser::{Parser, ValidPayload, Validator};

/// The marks of the last function of a module.
fn marked(function: &str) -> Vec<Mark> {
    let bytes = wat::parse_str(format!("(module (memory 1) {function})")).expect("it is text");
    let mut validator = Validator::new();
    let mut found = None;
    for payload in Parser::new(0).parse_all(&bytes) {
        if let ValidPayload::Func(body, code) = validator.payload(&payload.expect("it is whole")).expect("it is valid")
        {
            let validator = body.into_validator(Default::default());
            found = Some(marks(&code, validator).expect("it is valid").0);
        }
    }
    found.expect("it has a function").into_iter().map(|(_, mark)| mark).collect()
}

fn local(local: u32, offset: u32) -> Mark {
    Mark { address: Address::Local { local, offset }, cards: Cards::Two }
}

fn dynamic(offset: u64, cards: Cards) -> Mark {
    Mark { address: Address::Dynamic { offset }, cards }
}

fn constant(address: u64, cards: Cards) -> Mark {
    Mark { address: Address::Constant(address), cards }
}

#[test]
fn stores_of_one_frame_share_a_mark_at_the_lowest() {
    let frame = marked(
        "(func (param i32)
            (i32.store offset=12 (local.get 0) (i32.const 1))
            (i64.store offset=504 (local.get 0) (i64.const 1))
            (i32.store8 offset=4 (local.get 0) (i32.const 1)))",
    );
    assert_eq!(frame, [local(0, 4)]);
}

#[test]
fn a_store_too_far_from_the_others_has_a_mark_of_its_own() {
    let far = marked(
        "(func (param i32)
            (i32.store (local.get 0) (i32.const 1))
            (i32.store offset=508 (local.get 0) (i32.const 1))
            (i32.store offset=509 (local.get 0) (i32.const 1)))",
    );
    assert_eq!(far, [local(0, 0), local(0, 508)]);
}

#[test]
fn an_assignment_makes_another_address() {
    let two = marked(
        "(func (param i32)
            (i32.store (local.get 0) (i32.const 1))
            (local.set 0 (i32.add (local.get 0) (i32.const 4000)))
            (i32.store (local.get 0) (i32.const 1))
            (i32.store (local.tee 0 (i32.const 7)) (i32.const 1))
            (i32.store (local.get 0) (i32.const 1)))",
    );
    assert_eq!(two, [local(0, 0), local(0, 0), local(0, 0)]);
}

#[test]
fn an_address_that_was_assigned_after_it_was_pushed_is_dynamic() {
    let late = marked(
        "(func (param i32)
            (i32.store (local.get 0) (i32.const 1))
            local.get 0
            (local.set 0 (i32.const 60000))
            i32.const 1
            i32.store offset=3)",
    );
    assert_eq!(late, [local(0, 0), dynamic(3, Cards::Two)]);
}

#[test]
fn what_is_marked_in_a_branch_is_not_marked_after_it() {
    let branch = marked(
        "(func (param i32 i32)
            (if (local.get 1)
                (then (i32.store (local.get 0) (i32.const 1)))
                (else (i32.store (local.get 0) (i32.const 2))))
            (i32.store (local.get 0) (i32.const 3))
            (block (i32.store (local.get 0) (i32.const 4)))
            (loop (i32.store (local.get 0) (i32.const 5))))",
    );
    assert_eq!(branch, [local(0, 0), local(0, 0), local(0, 0)]);
}

#[test]
fn what_is_assigned_in_one_branch_is_not_known_in_another() {
    let branches = marked(
        "(func (param i32 i32)
            (i32.store (local.get 0) (i32.const 1))
            (if (local.get 1)
                (then (local.set 0 (i32.const 60000)))
                (else (i32.store (local.get 0) (i32.const 2))))
            (i32.store (local.get 0) (i32.const 3)))",
    );
    assert_eq!(branches, [local(0, 0), local(0, 0), local(0, 0)]);
}

#[test]
fn a_variable_that_changes_in_a_loop_is_another_each_time_round() {
    let moving = marked(
        "(func (param i32)
            (i32.store (local.get 0) (i32.const 1))
            (loop
                (i32.store (local.get 0) (i32.const 2))
                (i32.store offset=8 (local.get 0) (i32.const 2))
                (local.set 0 (i32.add (local.get 0) (i32.const 4)))
                (br_if 0 (i32.lt_u (local.get 0) (i32.const 9999)))))",
    );
    assert_eq!(moving, [local(0, 0), local(0, 0)]);
    let still = marked(
        "(func (param i32 i32)
            (i32.store (local.get 0) (i32.const 1))
            (loop
                (i32.store (local.get 0) (i32.const 2))
                (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))",
    );
    assert_eq!(still, [local(0, 0)]);
}

#[test]
fn what_is_added_to_a_variable_is_part_of_the_address() {
    let near = marked(
        "(func (param i32)
            (i32.store (i32.add (local.get 0) (i32.const -4)) (i32.const 1))
            (i32.store (local.get 0) (i32.const 1))
            (i64.store offset=8 (i32.add (i32.const 480) (local.get 0)) (i64.const 1))
            (i64.store offset=8 (i32.add (i32.const 500) (local.get 0)) (i64.const 1)))",
    );
    assert_eq!(near, [local(0, 4u32.wrapping_neg()), local(0, 508)]);
}

/// A mark does not begin at another sum that is lower: that address could wrap.
#[test]
fn what_is_added_does_not_wrap() {
    let up = marked(
        "(func (param i32)
            (i32.store (local.get 0) (i32.const 1))
            (i32.store (i32.add (local.get 0) (i32.const -4)) (i32.const 1))
            (i32.store offset=9 (i32.add (local.get 0) (i32.const -4)) (i32.const 1)))",
    );
    assert_eq!(up, [local(0, 0), local(0, 4u32.wrapping_neg())]);
    // A sum that high has wrapped, or is out of bounds.
    let high = marked(
        "(func (param i32)
            (i32.store (i32.add (local.get 0) (i32.const 0x7fffffff)) (i32.const 1))
            (i32.store (i32.add (local.get 0) (i32.const 0x80000001)) (i32.const 1)))",
    );
    assert_eq!(high, [local(0, 0x7fff_ffff), local(0, 0x8000_0001)]);
}

#[test]
fn addresses_of_constants_are_known_and_others_are_dynamic() {
    let mixed = marked(
        "(func (param i32)
            (i32.store offset=4 (i32.const 1000) (i32.const 1))
            (i32.store (i32.const 1100) (i32.const 1))
            (i32.store (i32.add (i32.const 800) (i32.const 100)) (i32.const 1))
            (v128.store offset=2 (i32.add (local.get 0) (local.get 0)) (v128.const i64x2 0 0)))",
    );
    assert_eq!(mixed, [constant(512, Cards::One), constant(1024, Cards::One), dynamic(2, Cards::Two)]);
}

#[test]
fn code_that_cannot_be_reached_needs_no_mark() {
    assert_eq!(marked("(func unreachable (i32.store (i32.const 0) (i32.const 1)) i32.store)"), []);
    assert_eq!(
        marked("(func (param i32) (block (br 0) i32.store) (i32.store (local.get 0) (i32.const 1)))"),
        [local(0, 0)]
    );
}

fn card_tables() -> [CardTable; 3] {
    let table = |bytes, most| CardTable::new(bytes, most).expect("it fits");
    [table(64 << 10, 64 << 10), table(16 << 20, 64 << 20), table(256 << 20, 1 << 30)]
}

#[test]
fn a_card_table_has_entries_for_cards_and_of_large_memories_for_groups() {
    let [tiny, medium, large] = card_tables();
    assert_eq!(tiny, CardTable { bytes: 64 << 10, groups: None });
    assert_eq!(medium, CardTable { bytes: 3 * (64 << 10), groups: None });
    assert_eq!(large, CardTable { bytes: 33 * (64 << 10), groups: Some((1 << 21) + 256) });
    for most in [0usize, 1 << 16, 100 << 16, 64 << 20, 1 << 30, 4 << 30] {
        let table = CardTable::new(most as u64, most as u64).map_or(0, |table| table.bytes as usize);
        assert!(table <= max_card_table(most), "{most}");
    }
    assert_eq!(CardTable::new(1 << 16, 4 << 30), None, "there is no space in front of it");
    let last = (4 << 30) - (128 << 16);
    assert_eq!(CardTable::new(1 << 16, last), None, "an offset beyond all memory would be its last byte's");
    assert!(CardTable::new(1 << 16, last - (1 << 16)).is_some());
}

#[test]
fn dirty_cards_are_put_back_and_nothing_else() {
    for table in card_tables() {
        let bytes = (300 << 10) + (64 << 10) * usize::from(table.groups.is_some());
        let initial: Vec<u8> = (0..bytes).map(|at| (at / 7) as u8).collect();
        let mut memory = vec![0; table.bytes as usize];
        memory.extend(initial.iter().map(|byte| byte ^ 0xff));
        let (card, last) = (CARD, bytes - 1);
        for (address, len) in [(0, 1), (5 * card - 1, 2), (9 * card, card), (last, 1), (usize::MAX, 9), (7, 0)] {
            table.mark(&mut memory, address, len);
        }
        let mut told = Vec::new();
        let put_back = |start: usize, bytes: &mut [u8]| {
            bytes.copy_from_slice(&initial[start..start + bytes.len()]);
            told.push(start..start + bytes.len());
        };
        assert!(table.reset(&mut memory, put_back), "{table:?}");
        let expected = [0..card, 4 * card..6 * card, 9 * card..10 * card, last / card * card..bytes];
        assert_eq!(told, expected, "{table:?}");
        let cards = memory[table.bytes as usize..].chunks(card).zip(initial.chunks(card));
        let put_back: Vec<usize> =
            cards.enumerate().filter(|(_, (now, before))| now == before).map(|(at, _)| at).collect();
        assert_eq!(put_back, [0, 4, 5, 9, last / card], "{table:?}");
        assert!(memory[..table.bytes as usize].iter().all(|entry| *entry == 0), "{table:?}: all cards are clean");
    }
}

fn refusal(wat: &str) -> String {
    let bytes = wat::parse_str(wat).expect("it is text");
    let audited = audit(&bytes, crate::wasi::Wasi::None.into()).unwrap_or_else(|_| panic!("it is pure"));
    match instrument(&audited.modules, &audited.recipe, 64 << 20, 0) {
        Ok(_) => "rewritten".to_owned(),
        Err(why) => why,
    }
}

#[test]
fn a_guest_that_cannot_be_rewritten_is_told_why() {
    let of = |fields: &str| refusal(&format!("(module {fields})"));
    assert_eq!(of("(memory 1) (global (mut i32) (i32.const 0))"), "rewritten");
    assert_eq!(of("(memory 1) (memory 1)"), "it has several memories");
    assert_eq!(of("(memory i64 1)"), "it has a memory of another kind than 32 bits and 64 KiB pages");
    assert_eq!(of("(global (mut funcref) (ref.null func))"), "it has a mutable global that holds a reference");
    let table = "(table 3 funcref) (elem $e funcref (ref.null func))";
    for change in [
        "(table.set (i32.const 0) (ref.null func))",
        "(table.fill (i32.const 0) (ref.null func) (i32.const 1))",
        "(table.copy (i32.const 0) (i32.const 1) (i32.const 1))",
        "(table.init $e (i32.const 0) (i32.const 0) (i32.const 1))",
        "(drop (table.grow (ref.null func) (i32.const 1)))",
        "(elem.drop $e)",
    ] {
        let why = of(&format!("{table} (func (export \"f\") {change})"));
        assert_eq!(why, "it has instructions that change tables", "{change}");
    }
    let data = "(memory 1) (data $d \"x\")";
    for change in ["(data.drop $d)", "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))"] {
        let why = of(&format!("{data} (func (export \"f\") {change})"));
        assert_eq!(why, "it has data that is written, or dropped, by an instruction", "{change}");
    }
}

#[test]
fn functions_that_are_added_are_made_of_what_costs_nothing() {
    let text = r#"(module (memory 400) (global $g i32 (i32.const 8))
        (data (i32.add (i32.const 1) (i32.const 2)) "computed")
        (func (export "f") (param i32)
            (memory.fill (local.get 0) (i32.const 1) (local.get 0))
            (memory.copy (local.get 0) (i32.const 1) (local.get 0))))"#;
    let bytes = wat::parse_str(text).expect("it is text");
    let audited = audit(&bytes, crate::wasi::Wasi::None.into()).unwrap_or_else(|_| panic!("it is pure"));
    let marked = instrument(&audited.modules, &audited.recipe, 64 << 20, 0).expect("it can be rewritten");
    let (fresh, _) = instrument_fresh(&bytes).expect("it is small");
    for (module, added) in [(&marked.modules[0], 3), (&fresh, 2)] {
        let bodies = Parser::new(0).parse_all(module).filter_map(|payload| match payload.expect("it is whole") {
            wasmparser::Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
        let bodies: Vec<_> = bodies.skip(1).collect();
        assert_eq!(bodies.len(), added);
        for op in bodies.iter().flat_map(|body| body.get_operators_reader().expect("it is whole")) {
            use wasmparser::Operator as O;
            let op = op.expect("it is whole");
            // What wasmtime does not charge for anyway; and what loads, from where nothing is, is never done twice.
            let ends =
                matches!(op, O::Block { .. } | O::Loop { .. } | O::Return | O::End | O::Drop | O::I32Load { .. });
            assert!(ends || fuel::is_free(&op), "{op:?}");
        }
    }
}

#[test]
fn a_function_that_becomes_too_large_is_told() {
    use wasm_encoder::{CodeSection, Function, FunctionSection, Module, TypeSection};
    let (mut module, mut types, mut functions, mut code) =
        (Module::new(), TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([wasm_encoder::ValType::I32], []);
    functions.function(0);
    let mut body = Function::new([]);
    // `local.get 0` and `drop`, in three bytes.
    body.raw([0x20, 0, 0x1a].repeat(2_500_000));
    body.instructions().end();
    code.function(&body);
    module.section(&types).section(&functions).section(&code);
    let error = instrument_fresh(&module.finish()).expect_err("it grows by a third");
    assert!(error.starts_with("it is too large: function body size count exceeds limit of 7654321"), "{error}");
}

#[test]
fn names_that_are_added_are_no_names_of_the_guests() {
    let bytes = wat::parse_str(
        r#"(module (memory (export "purefork memory") 1) (global (export "purefork'' global 0") (mut i32) (i32.const 7)))"#,
    );
    let audited =
        audit(&bytes.expect("it is text"), crate::wasi::Wasi::None.into()).unwrap_or_else(|_| panic!("it is pure"));
    let Instrumented { reset, .. } =
        instrument(&audited.modules, &audited.recipe, 64 << 20, 0).expect("it can be rewritten");
    assert_eq!(reset.memory.expect("it has one").item.name, "purefork''' memory");
    assert_eq!(reset.globals[0].name, "purefork''' global 0");
}

proptest! {
    #[test]
    fn every_run_of_dirty_cards_is_found_and_made_clean(
        length in 0..5 * SPAN,
        runs in vec((0..5 * SPAN, 1..40usize), 0..12),
        long in prop_oneof![9 => Just(None), 1 => (0..SPAN, SPAN..4 * SPAN).prop_map(Some)],
        first in 0..1000usize,
    ) {
        let mut entries = std::vec![0u8; length];
        for (start, length) in runs.into_iter().chain(long) {
            entries.iter_mut().skip(start).take(length).for_each(|entry| *entry = 1);
        }
        let mut expected: Vec<Range<usize>> = Vec::new();
        for (at, entry) in entries.iter().enumerate().map(|(at, entry)| (first + at, entry)) {
            match expected.last_mut() {
                _ if *entry == 0 => {}
                Some(run) if run.end == at => run.end += 1,
                _ => expected.push(at..at + 1),
            }
        }
        // With the longest vectors that the processor has, and with the shortest.
        for longest in [true, false] {
            let (mut entries, mut found) = (entries.clone(), Vec::new());
            let mut run = |run| found.push(run);
            if longest {
                clean(&mut entries, first, &mut run);
            } else {
                clean_spans(&mut entries, first, &mut run);
            }
            prop_assert_eq!(&found, &expected);
            prop_assert!(entries.iter().all(|entry| *entry == 0));
        }
    }
}
