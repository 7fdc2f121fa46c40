//! Attributes: state that is in a module from the start.

use purefork::{Future, Module, Value, args, wait_all};
use purefork_tests::{each_executor, loaded};

/// A module with a parameter that its methods share: `predict` reads it, `train` changes it.
const LINEAR: &str = r#"(module $linear
    (memory 1)
    (func (export "load") (param $weight i32) (i32.store (i32.const 1024) (local.get $weight)))
    (func (export "predict") (param $x i32) (result i32)
        (i32.mul (local.get $x) (i32.load (i32.const 1024))))
    (func (export "train") (param $by i32) (result i32)
        (i32.store (i32.const 1024) (i32.add (i32.load (i32.const 1024)) (local.get $by)))
        (i32.load (i32.const 1024))))"#;

/// Methods that fork methods: `both` forks `predict` before and after it changes the parameter itself.
const FORKING: &str = r#"(module $forking
    (import "fork" "predict" (func $fork (param i32) (result i32)))
    (import "wait" "predict" (func $wait (param i32) (result i32)))
    (global $weight (mut i32) (i32.const 1))
    (func (export "load") (param $weight i32) (global.set $weight (local.get $weight)))
    (func (export "predict") (param $x i32) (result i32) (i32.mul (local.get $x) (global.get $weight)))
    (func (export "both") (param $x i32) (result i32 i32 i32) (local $before i32)
        (local.set $before (call $fork (local.get $x)))
        (global.set $weight (i32.const 1000))
        (call $wait (local.get $before)) (call $wait (call $fork (local.get $x))) (global.get $weight)))"#;

fn fork(module: &Module, function: &str, arg: i32) -> Future<Value> {
    module.fork(function, args![arg]).unwrap()
}

/// Row 7.
#[test]
fn a_method_of_a_module_with_attributes_is_forked_and_finds_them() {
    each_executor(|exec| {
        let module = loaded(exec, LINEAR).preinit("load", args![5]).unwrap();
        let forks: Vec<_> = (0..20).map(|x| fork(&module, "predict", x)).collect();
        let expected: Vec<_> = (0..20).map(|x| Value::I32(5 * x)).collect();
        assert_eq!(wait_all(forks).unwrap(), expected);
    });
}

/// Row 7: parameters are shared by all calls, and a change to them is seen by nobody else: neither in a sandbox that
/// served before, as `predict` may be given, nor in a fresh one, as `train` is.
#[test]
fn a_change_to_an_attribute_is_seen_by_no_other_call() {
    each_executor(|exec| {
        let module = loaded(exec, LINEAR).preinit("load", args![5]).unwrap();
        let functions = module.inspect().functions;
        let stateless = |name: &str| functions.iter().any(|function| function.name == name && function.stateless);
        assert!(stateless("predict") && !stateless("train"));
        let forks: Vec<_> = (0..60)
            .map(|n| if n % 3 == 0 { fork(&module, "train", 100) } else { fork(&module, "predict", 2) })
            .collect();
        for (n, value) in wait_all(forks).unwrap().into_iter().enumerate() {
            assert_eq!(value, Value::I32(if n % 3 == 0 { 105 } else { 10 }), "call {n}");
        }
    });
}

/// Row 7: what forks in a guest share is what the module starts with, not what the guest has made of it since.
#[test]
fn a_fork_in_a_method_starts_with_the_attributes_and_not_with_changes_to_them() {
    each_executor(|exec| {
        let module = loaded(exec, FORKING).preinit("load", args![5]).unwrap();
        for _ in 0..3 {
            assert_eq!(fork(&module, "both", 3).wait().unwrap().to_string(), "(15, 15, 1000)");
        }
    });
}

/// Row 7: two modules made of one do not share what is different in them.
#[test]
fn modules_of_one_origin_have_each_their_own_attributes() {
    each_executor(|exec| {
        let origin = loaded(exec, LINEAR);
        let modules: Vec<_> = (1..4).map(|weight| origin.preinit("load", args![weight]).unwrap()).collect();
        let forks: Vec<_> = (0..30).map(|n| fork(&modules[n % 3], "predict", 7)).collect();
        let expected: Vec<_> = (0..30).map(|n| Value::I32(7 * (n % 3 + 1))).collect();
        assert_eq!(wait_all(forks).unwrap(), expected);
        assert_eq!(fork(&origin, "predict", 7).wait().unwrap(), Value::I32(0));
    });
}
