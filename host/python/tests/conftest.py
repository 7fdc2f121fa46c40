"""What the tests share: executors of every kind, and guests."""

import os
import pathlib

import pytest

import purefork as pf

ROOT = pathlib.Path(__file__).resolve().parents[3]
GUESTS = pathlib.Path(os.environ.get("PUREFORK_GUESTS", ROOT / "target/guests"))

MATH = """(module $math
    (func $add (export "add") (param $a i32) (param $b i32) (result i32) (i32.add (local.get $a) (local.get $b)))
    (func $sub (export "sub") (param $a i32) (param $b i32) (result i32) (i32.sub (local.get $a) (local.get $b)))
    (func $div (export "div") (param $a i32) (param $b i32) (result i32) (i32.div_s (local.get $a) (local.get $b)))
    (func $half (export "half") (param $x f64) (result f64) (f64.mul (local.get $x) (f64.const 0.5)))
    (func $fail (export "fail") (result i32) (unreachable))
    (func $spin (export "spin") (result i32) (loop $again (br $again)) (unreachable))
    (func $unit (export "unit"))
    (func $pair (export "pair") (result i32 i64) (i32.const 1) (i64.const 2)))"""

FIB = """(module
    (import "fork" "fib" (func $fork (param i32) (result i32)))
    (import "wait" "fib" (func $wait (param i32) (result i64)))
    (func (export "fib") (param $n i32) (result i64) (local $a i32) (local $b i32)
        (if (i32.lt_u (local.get $n) (i32.const 2)) (then (return (i64.extend_i32_u (local.get $n)))))
        (local.set $a (call $fork (i32.sub (local.get $n) (i32.const 1))))
        (local.set $b (call $fork (i32.sub (local.get $n) (i32.const 2))))
        (i64.add (call $wait (local.get $a)) (call $wait (local.get $b)))))"""

# A call that takes a while: about so many iterations.
SLOW = """(module (func (export "slow") (param $n i64) (result i64) (local $i i64)
    (loop $again
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $again (i64.lt_u (local.get $i) (local.get $n))))
    (local.get $i)))"""


@pytest.fixture(params=["serial", "one thread", "two threads"])
def executor(request):
    options = {"serial": {"serial": True}, "one thread": {"threads": 1}, "two threads": {"threads": 2}}[request.param]
    with pf.Executor(cache=False, **options) as made:
        yield made


@pytest.fixture
def math(executor):
    return executor.load(MATH)


@pytest.fixture(scope="session")
def kinds():
    """A guest whose functions give back what they get, one for every type of WIT."""
    path = GUESTS / "kinds.wasm"
    if not path.exists():
        pytest.skip(f"the guest {path} was not built")
    with pf.Executor(threads=2, cache=False) as made:
        yield made.load(path)
