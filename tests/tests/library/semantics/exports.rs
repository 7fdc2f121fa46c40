//! A module is usable but for what cannot be called; and what cannot matter stops none.

use expect_test::expect;
use purefork::inspect::Inspection;
use purefork::{ErrorKind, args};
use purefork_tests::{each_executor, error, loaded};

/// What can be called and what cannot, a line for each.
fn list(inspection: &Inspection) -> String {
    let functions = inspection.functions.iter().map(|function| format!("{function}\n"));
    functions.chain(inspection.others.iter().map(|other| format!("not {}: {}\n", other.name, other.why))).collect()
}

#[test]
fn what_cannot_be_called_is_listed_and_the_rest_works() {
    let many = "i32 ".repeat(65);
    let zeros = "(i32.const 0)".repeat(65);
    let wat = format!(
        r#"(module
            (import "env" "abort" (func $abort))
            (type $t (func))
            (func (export "many") (param {many}))
            (func (export "gives-many") (result {many}) {zeros})
            (func (export "takes") (param funcref))
            (func (export "gives") (result (ref null $t)) (ref.null $t))
            (func (export "foreign") (param externref) (result externref) (local.get 0))
            (export "abort" (func $abort))
            (func (export "vector") (param v128) (result v128) (local.get 0))
            (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#
    );
    each_executor(|exec| {
        let module = loaded(exec, &wat);
        expect![[r#"
            vector(p0: v128) -> v128
            add(p0: i32, p1: i32) -> i32
            not many: it has 65 parameters, and at most 64 can be passed
            not gives-many: it has 65 results, and at most 64 can be passed
            not takes: it takes a reference, which cannot pass between host and guest
            not gives: it returns a reference, which cannot pass between host and guest
            not foreign: it takes a reference, which cannot pass between host and guest
            not abort: it is imported, and so nothing outside of a call
        "#]]
        .assert_eq(&list(&module.inspect()));
        assert_eq!(module.fork("add", args![1, 2]).unwrap().wait().unwrap().to_string(), "3");
        let error = error(module.fork("many", args![1]));
        assert_eq!(error.kind(), ErrorKind::NotCallable);
        assert_eq!(
            error.message(),
            "`many` cannot be called from the host: it has 65 parameters, and at most 64 can be passed"
        );
    });
}

/// What is exported and is no function cannot be reached, and so cannot matter.
#[test]
fn references_to_what_is_the_hosts_can_only_be_null() {
    let wat = r#"(module
        (type $takes (func (param externref) (result i32)))
        (global $ctx (export "ctx") (mut externref) (ref.null extern))
        (global (export "other") externref (ref.null extern))
        (table $refs (export "refs") 2 externref)
        (table $set 1 externref (ref.null extern))
        (table $functions 1 funcref)
        (elem (table $refs) (i32.const 0) externref (ref.null extern))
        (elem (table $functions) (i32.const 0) func $is_null)
        (func $is_null (type $takes) (ref.is_null (local.get 0)))
        (func (export "three") (result i32) (i32.const 3))
        (func (export "null") (param $n i32) (result i32) (local $r externref)
            (local.set $r (select (result externref) (ref.null extern) (global.get $ctx) (local.get $n)))
            (global.set $ctx (block (result externref) (local.get $r)))
            (table.set $refs (i32.const 1) (if (result externref) (local.get $n)
                (then (loop (result externref) (global.get $ctx))) (else (table.get $set (i32.const 0)))))
            (call_indirect $functions (type $takes) (table.get $refs (i32.const 1)) (i32.const 0)))
        (func (export "trap") (drop (ref.as_non_null (global.get $ctx)))))"#;
    each_executor(|exec| {
        let module = loaded(exec, wat);
        for _ in 0..2 {
            assert_eq!(module.fork("three", args![]).unwrap().wait().unwrap().to_string(), "3");
            for n in [0, 1] {
                assert_eq!(module.fork("null", args![n]).unwrap().wait().unwrap().to_string(), "1");
            }
            let error = error(module.fork("trap", args![]).unwrap().wait());
            assert_eq!(error.kind(), ErrorKind::Trap);
            // Nothing has moved.
            let offset = error.backtrace()[0].offset.expect("it has a place");
            assert_eq!(wat::parse_str(wat).unwrap()[offset], 0xd4);
        }
    });
}

/// A call through a table fails where the types differ, and has to.
#[test]
fn where_types_of_functions_would_become_one_they_stay_two() {
    let guest = r#"(module
        (type $a (func (param externref))) (type $b (func (param funcref)))
        (table 1 funcref) (elem (i32.const 0) $f) (func $f (type $a))
        (func (export "f") (call_indirect (type $b) (ref.null func) (i32.const 0))))"#;
    each_executor(|exec| {
        let error = error(loaded(exec, guest).fork("f", args![]).unwrap().wait());
        assert_eq!(error.message(), "`f` trapped: indirect call type mismatch");
    });
}

/// Sections that tools write, of which nothing can be read; and those that the compiler would not have.
const CUSTOM: [&str; 18] = [
    "name",
    "producers",
    "target_features",
    "dylink.0",
    "dylink",
    "linking",
    "reloc.CODE",
    "component-type:x",
    "component-name",
    "core",
    "coremodules",
    "coreinstances",
    "corestack",
    "metadata.code.branch_hint",
    "webidl-bindings",
    "wasm-interface-types",
    ".debug_info",
    "sourceMappingURL",
];

#[test]
fn no_custom_section_stops_a_module() {
    let wat = r#"(module (memory (export "memory") 1)
        (func (export "next") (result i32)
            (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
            (i32.load (i32.const 0)))
        (func (export "trap") unreachable))"#;
    let module = wat::parse_str(wat).unwrap();
    each_executor(|exec| {
        let mut wrong = Vec::new();
        for name in CUSTOM {
            for content in [&[][..], &[0xff; 9], &[1, 2, 3], &[0, 0x80], &[1, 5, 1, 0, 0xff, 0xff, 0xff, 0xff]] {
                let body = [&[name.len() as u8], name.as_bytes(), content].concat();
                let section = [&[0, body.len() as u8], body.as_slice()].concat();
                // In front of all others, and behind them.
                for bytes in [[&module[..8], &section, &module[8..]].concat(), [module.as_slice(), &section].concat()] {
                    let next = |module: &purefork::Module| module.fork("next", args![])?.wait();
                    let works = || {
                        let loaded = exec.load_bytes(&bytes)?;
                        let inspection = loaded.inspect();
                        assert_eq!((inspection.fresh, inspection.note.is_some()), (None, name == "component-type:x"));
                        let at = error(loaded.fork("trap", args![])?.wait()).backtrace()[0].offset;
                        assert_eq!(at.map(|at| bytes[at]), Some(0), "{name}");
                        let first = (next(&loaded)?, next(&loaded)?);
                        let frozen = loaded.preinit("next", args![])?;
                        Ok::<_, purefork::Error>((first, next(&frozen)?))
                    };
                    let expected = ((1.into(), 1.into()), 2.into());
                    match works() {
                        Ok(values) if values == expected => {}
                        // What writes the new module needs names at the end.
                        Err(error) if name == "name" && error.message().contains("comes before other sections") => {}
                        other => wrong.push(format!("{name} {content:?}: {other:?}")),
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
