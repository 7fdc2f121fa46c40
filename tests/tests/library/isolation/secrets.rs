//! One call leaves a secret, others hunt for it.

use super::{executor, not_recycled};
use purefork::{Future, Isolation, Value, args, wait_all};
use purefork_tests::loaded;

const SECRET: i64 = 0x5ec2_e75e_c2e7_5ec2;

/// `leave` writes the secret to many places, and keeps it in globals; `hunt` looks through all memory and globals.
const GUEST: &str = r#"(module
    (memory 2)
    (global $kept (mut i64) (i64.const 0)) (global $vector (mut v128) (v128.const i64x2 0 0))
    (func (export "leave") (param $secret i64) (param $at i32)
        (global.set $kept (local.get $secret))
        (global.set $vector (i64x2.splat (local.get $secret)))
        (loop $next
            (i64.store (local.get $at) (local.get $secret))
            (local.set $at (i32.add (local.get $at) (i32.const 4099)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 131064))))
        (memory.copy (i32.const 90000) (i32.const 4000) (i32.const 5000)))
    (func (export "hunt") (param $secret i64) (result i32) (local $at i32)
        (if (i64.eq (global.get $kept) (local.get $secret)) (then (return (i32.const 1))))
        (if (i64.eq (i64x2.extract_lane 1 (global.get $vector)) (local.get $secret)) (then (return (i32.const 2))))
        (loop $next
            (if (i64.eq (i64.load (local.get $at)) (local.get $secret)) (then (return (i32.const 3))))
            (br_if $next
                (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 131064))))
        (i32.const 0))
    (func (export "glance") (param $secret i64) (param $at i32) (result i32)
        (i32.store (i32.const 64) (i32.const 1))
        (i32.or (i64.eq (global.get $kept) (local.get $secret)) (i64.eq (i64.load (local.get $at)) (local.get $secret)))))"#;

#[test]
fn a_million_calls_find_no_secret() {
    assert_eq!(not_recycled(GUEST.as_bytes()), None);
    let exec = purefork_tests::built(purefork_tests::Mode::Threads(2).builder().isolation(Isolation::Recycled));
    let module = loaded(&exec, GUEST);
    let mut found = 0;
    for round in 0..500 {
        let leave = (0..4).map(|by| module.fork("leave", args![SECRET, (round * 7 + by) % 4099]));
        let leave: Vec<Future<Value>> = leave.collect::<Result<_, _>>().expect("they are forked");
        let mut hunt: Vec<Future<Value>> = Vec::new();
        for by in 0..2000 {
            let at = (round * 7 + by % 4 + 4099 * (by % 30)) % 131_064;
            hunt.push(module.fork("glance", args![SECRET, at]).expect("it is forked"));
        }
        if round % 25 == 0 {
            hunt.push(module.fork("hunt", args![SECRET]).expect("it is forked"));
        }
        wait_all(leave).expect("they succeed");
        found += wait_all(hunt).expect("they succeed").iter().filter(|value| value.to_string() != "0").count();
    }
    assert_eq!(found, 0);
}

#[test]
fn the_hunter_finds_what_its_own_call_has_left() {
    // A hunt that cannot find anything would prove nothing.
    let exec = executor(Isolation::Recycled);
    let module = loaded(&exec, &GUEST.replace(r#"(export "hunt") (param $secret i64) (result i32) (local $at i32)"#, r#"
        (export "hunt") (param $secret i64) (result i32) (local $at i32) (i64.store (i32.const 70001) (local.get $secret))"#));
    let found = module.fork("hunt", args![SECRET]).and_then(|future| future.wait()).expect("it succeeds");
    assert_eq!(found.to_string(), "3");
}
