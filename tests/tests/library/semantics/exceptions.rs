//! Exceptions: they are thrown and caught within a call, and one that leaves it is the call's failure.

use expect_test::expect;
use purefork::{ErrorKind, Executor, Value, args};
use purefork_tests::{each_executor, each_executor_with, error, limits, loaded};

const CATCHING: &str = r#"(module
    (type $unary (func (param i32) (result i32)))
    (tag $low (export "low") (param i32))
    (tag $high (param i64 f32))
    (memory (export "memory") 1)
    (table funcref (elem $checked))
    (func $checked (param $n i32) (result i32)
        (if (i32.lt_s (local.get $n) (i32.const 0)) (then (throw $low (local.get $n))))
        (if (i32.gt_s (local.get $n) (i32.const 9)) (then
            (throw $high (i64.extend_i32_s (local.get $n)) (f32.const 0.5))))
        (local.get $n))
    (func (export "checked") (param $n i32) (result i32) (call $checked (local.get $n)))
    (func $caught (export "caught") (param $n i32) (result i32) (local $high f32)
        (block $is_high (result i64 f32)
            (block $is_low (result i32)
                (return (try_table (result i32) (catch $low $is_low) (catch $high $is_high)
                    (call_indirect (type $unary) (local.get $n) (i32.const 0)))))
            (return (i32.mul (i32.const 100))))
        (local.set $high)
        (i32.add (i32.wrap_i64) (i32.const 1000)))
    (func (export "again") (param $n i32) (result i32) (local $kept exnref)
        (block $all (result exnref)
            (return (try_table (result i32) (catch_all_ref $all) (call $checked (local.get $n)))))
        (local.set $kept)
        (i32.store (i32.const 8) (i32.const 7))
        (block $low (result i32)
            (try_table (catch $low $low) (throw_ref (local.get $kept)))
            (unreachable))
        (i32.add (i32.load (i32.const 8))))
    (func (export "sum") (param $n i32) (result i32) (local $i i32) (local $sum i32)
        (local.set $i (i32.const -5))
        (loop $more
            (local.set $sum (i32.add (local.get $sum) (call $caught (local.get $i))))
            (br_if $more (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
        (local.get $sum))
    (func (export "trap") (result i32)
        (block $all (try_table (catch_all $all) (unreachable)))
        (i32.const 1))
    (func $ping (export "ping") (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (throw $low (i32.const 3))))
        (return_call $ping (i32.sub (local.get $n) (i32.const 1))))
    (func (export "deep") (param $n i32) (result i32)
        (block $low (result i32)
            (return (try_table (result i32) (catch $low $low) (call $ping (local.get $n)))))))"#;

#[test]
fn what_is_thrown_is_caught_within_the_call() {
    each_executor(|exec| {
        let module = loaded(exec, CATCHING);
        let call = |function: &str, n: i32| module.fork(function, args![n]).unwrap().wait();
        // Each again, as nothing of a call is left for the next.
        for _ in 0..3 {
            assert_eq!(call("checked", 5).unwrap(), Value::I32(5));
            assert_eq!(call("caught", 5).unwrap(), Value::I32(5));
            assert_eq!(call("caught", -5).unwrap(), Value::I32(-500));
            assert_eq!(call("caught", 50).unwrap(), Value::I32(1050));
            assert_eq!(call("again", -3).unwrap(), Value::I32(4));
            assert_eq!(call("again", 3).unwrap(), Value::I32(3));
            assert_eq!(call("sum", 12).unwrap(), Value::I32(-1500 + 45 + 1010 + 1011));
            assert_eq!(call("deep", 1000).unwrap(), Value::I32(3));
        }
    });
}

#[test]
fn a_sandbox_in_which_nothing_was_thrown_is_recycled() {
    assert_eq!(Executor::builder().inspect(CATCHING).unwrap().fresh, None);
}

#[test]
fn an_exception_that_nobody_catches_is_told_with_its_tag_and_its_values() {
    each_executor(|exec| {
        let module = loaded(exec, CATCHING);
        let failed = |function: &str, n: i32| error(module.fork(function, args![n]).unwrap().wait());
        let told =
            |function: &str, n: i32| format!("{}\n{:?}", failed(function, n).message(), failed(function, n).help());
        assert_eq!(failed("checked", -1).kind(), ErrorKind::Trap);
        expect![[r#"
            `checked` threw an exception of the tag `low`: i32 -1, and nothing caught it
            Some("catch it in the guest, and return what has failed as a result")"#]]
        .assert_eq(&told("checked", -1));
        expect![[r#"
            `checked` threw an exception: i64 10, f32 0.5, and nothing caught it
            Some("catch it in the guest, and return what has failed as a result")"#]]
        .assert_eq(&told("checked", 10));
        expect![[r#"
            `again` threw an exception: i64 11, f32 0.5, and nothing caught it
            Some("catch it in the guest, and return what has failed as a result")"#]]
        .assert_eq(&told("again", 11));
        assert_eq!(module.fork("checked", args![1]).unwrap().wait().unwrap(), Value::I32(1));
    });
}

#[test]
fn an_exception_without_values_and_one_of_many_are_told() {
    let values = (0..20).map(|n| format!("(i32.const {n})")).collect::<String>();
    let guest = format!(
        r#"(module (tag $none (export "n`one")) (tag $many (param {})) (tag $reference (param funcref))
            (func (export "none") (throw $none))
            (func (export "many") (throw $many {values}))
            (func (export "reference") (throw $reference (ref.null func))))"#,
        "i32 ".repeat(20)
    );
    each_executor(|exec| {
        let module = loaded(exec, &guest);
        let told = |function: &str| error(module.fork(function, args![]).unwrap().wait()).message().to_owned();
        assert_eq!(told("none"), r"`none` threw an exception of the tag `n\`one`, and nothing caught it");
        assert_eq!(
            told("many"),
            "`many` threw an exception: i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, \
             i32 12, i32 13, i32 14, i32 15 … 4 more, and nothing caught it"
        );
        assert_eq!(told("reference"), "`reference` threw an exception: a reference, and nothing caught it");
    });
}

#[test]
fn what_ends_a_call_is_no_exception_that_a_guest_could_catch() {
    let catching = |body: &str| {
        format!(
            r#"(module
                (import "fork" "boom" (func $fork (result i32))) (import "wait" "boom" (func $wait (param i32)))
                (memory 1)
                (tag $t)
                (func (export "boom") (throw $t))
                (func $spin (loop $l (br $l)))
                (func $deep (call $deep))
                (func (export "f") (result i32)
                    (block $all (try_table (catch_all $all) {body}))
                    (i32.const 1)))"#
        )
    };
    for (body, kind) in [
        ("(unreachable)", ErrorKind::Trap),
        ("(drop (i32.load (i32.const -1)))", ErrorKind::Trap),
        ("(call $spin)", ErrorKind::OutOfFuel),
        ("(call $deep)", ErrorKind::StackOverflow),
        ("(call $wait (call $fork))", ErrorKind::Trap),
        ("(call $wait (i32.const 77))", ErrorKind::Trap),
    ] {
        each_executor_with(limits().fuel(1_000_000), |exec| {
            let module = loaded(exec, &catching(body));
            assert_eq!(error(module.fork("f", args![]).unwrap().wait()).kind(), kind, "{body}");
        });
    }
}

#[test]
fn what_was_used_before_a_throw_is_charged() {
    let guest = r#"(module (tag $t)
        (func $burn (local $n i32)
            (loop $more
                (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
            (throw $t))
        (func (export "once") (block $all (try_table (catch_all $all) (call $burn))))
        (func (export "forever") (loop $again (block $all (try_table (catch_all $all) (call $burn))) (br $again))))"#;
    each_executor_with(limits().fuel(10_000_000), |exec| {
        let module = loaded(exec, guest);
        let once = module.fork("once", args![]).unwrap();
        once.wait().unwrap();
        let fuel = once.usage().unwrap().fuel;
        assert!((5_000..10_000).contains(&fuel), "{fuel}");
        assert_eq!(error(module.fork("forever", args![]).unwrap().wait()).kind(), ErrorKind::OutOfFuel);
    });
}

#[test]
fn an_exception_while_an_instance_is_made_fails_every_call() {
    for guest in [
        r#"(module (tag $t (export "t") (param i32)) (func $f (throw $t (i32.const 1))) (start $f) (func (export "f")))"#,
        r#"(module (tag $t (export "t") (param i32)) (func (export "_initialize") (throw $t (i32.const 1)))
            (func (export "f")))"#,
    ] {
        each_executor(|exec| {
            let module = loaded(exec, guest);
            for _ in 0..2 {
                let failed = error(module.fork("f", args![]).unwrap().wait());
                let told = (failed.kind(), failed.message());
                // The instances are not there to say what they export.
                assert_eq!(told.0, ErrorKind::Trap);
                assert!(told.1.starts_with("`f` threw an exception"), "{}", told.1);
            }
        });
    }
}

#[test]
fn a_childs_exception_is_its_failure_and_no_exception_of_its_parents() {
    each_executor(|exec| {
        let module = loaded(
            exec,
            r#"(module
                (import "fork" "child" (func $fork (param i32) (result i32)))
                (import "wait" "child" (func $wait (param i32) (result i32)))
                (tag $odd (export "odd") (param i32))
                (func (export "child") (param $n i32) (result i32)
                    (if (i32.and (local.get $n) (i32.const 1)) (then (throw $odd (local.get $n))))
                    (local.get $n))
                (func (export "parent") (param $n i32) (result i32)
                    (block $all
                        (return (try_table (result i32) (catch_all $all) (call $wait (call $fork (local.get $n))))))
                    (i32.const -1)))"#,
        );
        assert_eq!(module.fork("parent", args![2]).unwrap().wait().unwrap(), Value::I32(2));
        let failed = error(module.fork("parent", args![3]).unwrap().wait());
        assert_eq!(failed.message(), "`child` threw an exception of the tag `odd`: i32 3, and nothing caught it");
        assert_eq!(failed.chain().len(), 2);
    });
}

#[test]
fn components_throw_within_their_modules() {
    let component = r#"(component
        (core module $a
            (tag $t (export "t") (param i32))
            (func (export "check") (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then (throw $t (i32.const 44))))
                (local.get 0)))
        (core module $b
            (import "a" "t" (tag $t (param i32)))
            (import "a" "check" (func $check (param i32) (result i32)))
            (func (export "plain") (param i32) (result i32) (call $check (local.get 0)))
            (func (export "safe") (param i32) (result i32)
                (block $caught (result i32)
                    (return (try_table (result i32) (catch $t $caught) (call $check (local.get 0)))))))
        (core instance $ia (instantiate $a))
        (core instance $ib (instantiate $b (with "a" (instance $ia))))
        (func (export "plain") (param "n" u32) (result u32) (canon lift (core func $ib "plain")))
        (func (export "safe") (param "n" u32) (result u32) (canon lift (core func $ib "safe"))))"#;
    each_executor(|exec| {
        let module = loaded(exec, component);
        let call = |function: &str, n: u32| module.fork(function, args![n]).unwrap().wait();
        assert_eq!(call("safe", 0).unwrap(), Value::U32(44));
        assert_eq!(call("safe", 5).unwrap(), Value::U32(5));
        assert_eq!(call("plain", 5).unwrap(), Value::U32(5));
        assert_eq!(
            error(call("plain", 0)).message(),
            "`plain` threw an exception of the tag `t`: i32 44, and nothing caught it"
        );
    });
}

#[test]
fn no_exception_leaves_a_component_for_another() {
    let component = r#"(component
        (component $inner
            (core module $m (tag $t) (func (export "f") (throw $t)))
            (core instance $i (instantiate $m))
            (func (export "f") (canon lift (core func $i "f"))))
        (instance $inner (instantiate $inner))
        (core func $f (canon lower (func $inner "f")))
        (core module $m
            (import "" "f" (func $f))
            (func (export "g") (result i32)
                (block $all (try_table (catch_all $all) (call $f)) (return (i32.const 1)))
                (i32.const 2)))
        (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
        (func (export "g") (result u32) (canon lift (core func $i "g"))))"#;
    each_executor(|exec| {
        let failed = error(loaded(exec, component).fork("g", args![]).unwrap().wait());
        assert_eq!(failed.kind(), ErrorKind::Trap, "{failed}");
    });
}
