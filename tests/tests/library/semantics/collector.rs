//! Garbage-collected objects: they live within a call, count as its memory, and show nothing of when they are collected.

use expect_test::expect;
use purefork::{ErrorKind, Executor, Value, args};
use purefork_tests::{Mode, each_executor, each_executor_with, error, limits, loaded, still_answers};

const OBJECTS: &str = r#"(module
    (type $node (struct (field $value (mut i64)) (field $next (ref null $node))))
    (type $bytes (array (mut i8)))
    (type $shape (sub (struct (field i32))))
    (type $square (sub $shape (struct (field i32) (field $side f64))))
    (type $apply (func (param anyref) (result i32)))
    (import "fork" "list" (func $fork (param i32) (result i32)))
    (import "wait" "list" (func $wait (param i32) (result i64)))
    (global $kept (ref $node) (struct.new $node (i64.const 5) (ref.null $node)))
    (data $text "hello")
    (func $list (export "list") (param $n i32) (result i64) (local $head (ref null $node)) (local $sum i64)
        (loop $more
            (local.set $head (struct.new $node (i64.extend_i32_s (local.get $n)) (local.get $head)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (loop $more
            (local.set $sum (i64.add (local.get $sum) (struct.get $node $value (local.get $head))))
            (br_if $more (i32.eqz (ref.is_null (local.tee $head (struct.get $node $next (local.get $head)))))))
        (local.get $sum))
    (func (export "garbage") (param $n i32) (result i32) (local $last (ref null $bytes))
        (loop $more
            (local.set $last (array.new $bytes (local.get $n) (i32.const 10000)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.add (array.len (local.get $last)) (array.get_u $bytes (local.get $last) (i32.const 9999))))
    (func (export "bomb") (result i32) (local $head (ref null $node))
        (loop $more (local.set $head (struct.new $node (i64.const 0) (local.get $head))) (br $more))
        (unreachable))
    (func (export "large") (param $n i32) (result i32) (array.len (array.new_default $bytes (local.get $n))))
    (func (export "text") (result i32) (local $text (ref $bytes))
        (local.set $text (array.new_data $bytes $text (i32.const 1) (i32.const 3)))
        (i32.add (array.get_u $bytes (local.get $text) (i32.const 0)) (array.len (local.get $text))))
    (func $count (export "count") (result i64)
        (struct.set $node $value (global.get $kept) (i64.add (struct.get $node $value (global.get $kept)) (i64.const 1)))
        (struct.get $node $value (global.get $kept)))
    (func $kind (param anyref) (result i32)
        (block $is_square (result (ref $square))
            (block $is_i31 (result (ref i31))
                (br_on_cast $is_i31 anyref (ref i31) (local.get 0))
                (br_on_cast $is_square anyref (ref $square))
                (return (struct.get $shape 0 (ref.cast (ref $shape)))))
            (return (i31.get_s)))
        (struct.get $square $side)
        (i32.trunc_f64_s))
    (elem declare func $kind)
    (func (export "kinds") (result i32)
        (i32.add
            (call_ref $apply (ref.i31 (i32.const 1)) (ref.func $kind))
            (i32.add (call $kind (struct.new $square (i32.const 3) (f64.const 20.5)))
                (call $kind (struct.new $shape (i32.const 300))))))
    (func (export "cast") (result i32) (struct.get $square 0 (ref.cast (ref $square) (struct.new $shape (i32.const 1)))))
    (func (export "external") (result i32)
        (i31.get_u (ref.cast (ref i31) (any.convert_extern (extern.convert_any (ref.i31 (i32.const 9)))))))
    (func (export "forks") (param $n i32) (result i64) (local $i i32) (local $sum i64) (local $head (ref null $node))
        (loop $more
            (local.set $head (struct.new $node (i64.extend_i32_u (call $fork (local.get $n))) (local.get $head)))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10))))
        (drop (call $list (i32.const 100000)))
        (loop $more
            (local.set $sum (i64.add (local.get $sum)
                (call $wait (i32.wrap_i64 (struct.get $node $value (local.get $head))))))
            (br_if $more (i32.eqz (ref.is_null (local.tee $head (struct.get $node $next (local.get $head)))))))
        (local.get $sum))
    (func (export "takes") (param anyref))
    (func (export "gives") (result externref) (ref.null extern)))"#;

#[test]
fn objects_are_made_and_used_within_a_call() {
    each_executor(|exec| {
        let module = loaded(exec, OBJECTS);
        let call = |function: &str| module.fork(function, args![]).unwrap().wait().unwrap();
        for _ in 0..3 {
            assert_eq!(module.fork("list", args![1000]).unwrap().wait().unwrap(), Value::I64(500_500));
            assert_eq!(call("text"), Value::I32(i32::from(b'e') + 3));
            assert_eq!(call("kinds"), Value::I32(321));
            assert_eq!(call("external"), Value::I32(9));
            // What an instance starts with is its own.
            assert_eq!(call("count"), Value::I64(6));
        }
        let failed = error(module.fork("cast", args![]).unwrap().wait());
        assert_eq!(failed.message(), "`cast` trapped: cast failure");
    });
}

#[test]
fn a_call_may_make_more_garbage_than_it_may_have_memory() {
    each_executor_with(limits().memory(1 << 20), |exec| {
        let module = loaded(exec, OBJECTS);
        assert_eq!(module.fork("garbage", args![10_000]).unwrap().wait().unwrap(), Value::I32(10_001));
    });
}

#[test]
fn objects_that_are_in_use_count_as_memory() {
    each_executor_with(limits().memory(4 << 20), |exec| {
        let module = loaded(exec, OBJECTS);
        for _ in 0..3 {
            let failed = error(module.fork("bomb", args![]).unwrap().wait());
            assert_eq!(failed.kind(), ErrorKind::OutOfMemory);
            expect!["`bomb` has more objects than its limit on memory allows"].assert_eq(failed.message());
            expect![[r#"Some("raise `Limits::memory` (`--memory`) if it is meant to use that much")"#]]
                .assert_eq(&format!("{:?}", failed.help()));
        }
        assert_eq!(module.fork("large", args![1 << 20]).unwrap().wait().unwrap(), Value::I32(1 << 20));
        for n in [8 << 20, 1 << 30, -1] {
            let failed = error(module.fork("large", args![n]).unwrap().wait());
            assert!(matches!(failed.kind(), ErrorKind::OutOfMemory | ErrorKind::Trap), "{n}: {failed}");
        }
        // A guest that traps of itself has trapped, whatever its collector was refused before.
        assert_eq!(error(module.fork("cast", args![]).unwrap().wait()).kind(), ErrorKind::Trap);
        still_answers(exec);
    });
}

#[test]
fn a_call_that_forks_keeps_its_objects_while_it_waits() {
    each_executor_with(limits().memory(8 << 20), |exec| {
        let module = loaded(exec, OBJECTS);
        let sum = module.fork("forks", args![1000]).unwrap().wait().unwrap();
        assert_eq!(sum, Value::I64(5_005_000));
    });
}

#[test]
fn objects_are_collected_while_an_instance_is_made() {
    // One guest that forks, whose calls have stacks of their own, and one that does not.
    for import in ["", r#"(import "fork" "f" (func (result i32)))"#] {
        let guest = format!(
            r#"(module {import} (type $bytes (array (mut i8)))
                (global $last (mut (ref null $bytes)) (ref.null $bytes))
                (func $start (local $n i32)
                    (loop $more
                        (global.set $last (array.new $bytes (i32.const 7) (i32.const 100000)))
                        (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000)))))
                (start $start)
                (func (export "f") (result i32) (array.get_u $bytes (global.get $last) (i32.const 99999))))"#
        );
        each_executor_with(limits().memory(1 << 20), |exec| {
            let module = loaded(exec, &guest);
            assert_eq!(module.fork("f", args![]).unwrap().wait().unwrap(), Value::I32(7));
        });
    }
}

#[test]
fn what_takes_or_gives_references_is_listed_and_cannot_be_called() {
    let inspection = Executor::builder().inspect(OBJECTS).unwrap();
    let others: Vec<_> = inspection.others.iter().map(|other| format!("{}: {}", other.name, other.why)).collect();
    assert_eq!(
        others,
        [
            "takes: it takes a reference, which cannot pass between host and guest",
            "gives: it returns a reference, which cannot pass between host and guest",
        ]
    );
    assert_eq!(inspection.fresh.as_deref(), Some("it has objects in a garbage-collected heap"));
}

#[test]
fn fuel_is_the_same_whatever_ran_before() {
    let used = |exec: &Executor, before: i32| {
        let module = loaded(exec, OBJECTS);
        for _ in 0..before {
            let _ = module.fork("bomb", args![]).unwrap().wait();
            module.fork("garbage", args![100]).unwrap().wait().unwrap();
        }
        let future = module.fork("garbage", args![1000]).unwrap();
        future.wait().unwrap();
        let usage = future.usage().unwrap();
        (usage.fuel, usage.forks)
    };
    let limits = limits().memory(2 << 20);
    let first = used(&Mode::Threads(1).with(limits.clone()), 0);
    for mode in [Mode::Serial, Mode::Threads(1), Mode::Threads(2)] {
        assert_eq!(used(&mode.with(limits.clone()), 3), first, "{mode:?}");
    }
}

#[test]
fn an_indirect_call_reaches_functions_of_every_subtype() {
    // `f` forks by way of a call through a supertype: so it cannot be called where nothing can be forked.
    let guest = r#"(module
        (type $top (sub (func (param i32) (result anyref))))
        (type $below (sub $top (func (param i32) (result (ref i31)))))
        (import "fork" "g" (func $fork (param i32) (result i32)))
        (import "wait" "g" (func $wait (param i32) (result i32)))
        (func $forks (type $below) (ref.i31 (call $wait (call $fork (local.get 0)))))
        (table 1 (ref null $top) (ref.func $forks))
        (func (export "g") (param i32) (result i32) (local.get 0))
        (func (export "f") (param i32) (result i32)
            (i31.get_s (ref.cast (ref i31) (call_indirect (type $top) (local.get 0) (i32.const 0))))))"#;
    let inspection = Executor::builder().inspect(guest).unwrap();
    assert!(inspection.function("f").unwrap().can_fork);
    assert!(!inspection.function("g").unwrap().can_fork);
    each_executor(|exec| {
        assert_eq!(loaded(exec, guest).fork("f", args![7]).unwrap().wait().unwrap(), Value::I32(7));
    });
}
