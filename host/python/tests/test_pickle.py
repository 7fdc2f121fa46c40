"""What goes to other processes, and what does not."""

import concurrent.futures
import multiprocessing
import pickle

import pytest
from conftest import FIB, MATH

import purefork as pf


def test_a_module_and_its_functions_are_pickled_by_their_bytes(math):
    again = pickle.loads(pickle.dumps(math))
    assert again.digest == math.digest and again.add(1, 2) == 3
    add = pickle.loads(pickle.dumps(math.add))
    assert add(1, 2) == 3 and pickle.loads(pickle.dumps(again)) is again
    assert pickle.loads(pickle.dumps(math.add.as_result))(1, 2) == 3


def test_a_module_that_is_linked_comes_with_what_it_is_linked_to(executor):
    user = executor.load(
        """(module
            (import "fork" "add" (func $fork (param i32 i32) (result i32)))
            (import "wait" "add" (func $wait (param i32) (result i32)))
            (func (export "twice") (param i32) (result i32) (call $wait (call $fork (local.get 0) (local.get 0)))))"""
    )
    linked = user.link(math=executor.load(MATH))
    assert pickle.loads(pickle.dumps(linked)).twice(4) == 8
    assert pickle.loads(pickle.dumps(linked.twice))(4) == 8


def test_errors_limits_and_values_are_pickled(math, kinds):
    with pytest.raises(pf.Trap) as error:
        math.fail()
    again = pickle.loads(pickle.dumps(error.value))
    assert type(again) is pf.Trap and again.backtrace == error.value.backtrace and again.site == error.value.site
    limits = pf.Limits(fuel=5, memory="1MiB")
    assert pickle.loads(pickle.dumps(limits)) == limits
    assert pickle.loads(pickle.dumps(pf.Err("x"))) == pf.Err("x") and pickle.loads(pickle.dumps(pf.Ok(1))) == pf.Ok(1)
    T = kinds.types
    person = T.Person("Ann", None, T.Point(1.0, 2.0), T.Colour.DARK_BLUE, ["Bob"])
    for value in (person, T.Shape.Circle(1.0), T.Shape.Nothing(), T.Colour.RED):
        again = pickle.loads(pickle.dumps(value))
        assert again == value and type(again) is type(value)
    assert pickle.loads(pickle.dumps(T.Colour.RED)) is T.Colour.RED
    numbers = kinds["list-list"]([[1, 2]])[0]
    assert list(pickle.loads(pickle.dumps(numbers))) == [1, 2]


def test_what_a_result_depends_on_goes_with_what_is_pickled():
    with pf.Executor(threads=1, limits=pf.Limits(fuel=10_000), cache=False) as executor:
        math = executor.load(MATH)
        spin, whole, again = pickle.loads(pickle.dumps(math.spin)), pickle.loads(pickle.dumps(math)), pickle.loads(pickle.dumps(math.preinit("unit")))
    for function in (spin, whole.spin, pickle.loads(pickle.dumps(whole)).spin, again.spin):
        with pytest.raises(pf.OutOfFuel):
            function()
    assert whole.add(1, 2) == 3 and pickle.loads(pickle.dumps(whole)) is whole
    with pf.Executor(threads=1, unknown_imports="trap", cache=False) as executor:
        partial = executor.load('(module (import "env" "log" (func)) (func (export "f") (result i32) (i32.const 7)))')
        assert pickle.loads(pickle.dumps(partial)).f() == 7


def test_modules_that_came_by_pickle_are_kept_as_far_as_they_are_of_use():
    from purefork import _loading

    for n in range(_loading.Recent.MOST + 10):
        module = pf.load(f'(module (func (export "f") (result i32) (i32.const {n})))')
        assert pickle.loads(pickle.dumps(module)).f() == n
    assert len(_loading._came) == _loading.Recent.MOST


def test_an_executor_is_not_pickled(executor):
    with pytest.raises(TypeError):
        pickle.dumps(executor)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_functions_go_to_processes(method):
    fib = pf.load(FIB).fib
    assert fib(10) == 55
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context(method)) as processes:
        assert list(processes.map(fib, range(10), timeout=60)) == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
