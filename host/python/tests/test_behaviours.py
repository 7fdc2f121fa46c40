"""What fork and wait mean: the rows of tests/BEHAVIOURS.md, from Python. The number of the row stands in each test's comment."""

import inspect
import threading

import pytest
from conftest import FIB, MATH

import purefork as pf


def test_a_fork_returns_a_future_and_a_wait_its_value(math):  # 1
    future: pf.Future[int] = pf.fork(math.add, 2, b=3)
    assert isinstance(future, pf.Future)
    assert pf.wait(future) == 5


def test_waiting_twice_gives_the_same_value(math):  # 2
    future = pf.fork(math.add, 1, 2)
    assert (future.wait(), future.wait(), pf.wait(future)) == (3, 3, 3)


def test_some_of_many_forks_are_never_waited_for(math):  # 3
    futures = [pf.fork(math.add, n, 1) for n in range(100)]
    assert futures[50].wait() == 51


def test_arguments_are_bound_by_position_and_by_name_in_every_order(math):  # 4
    for future in (
        pf.fork(math.sub, 5, 2),
        pf.fork(math.sub, 5, b=2),
        pf.fork(math.sub, a=5, b=2),
        pf.fork(math.sub, b=2, a=5),
        math.sub.fork(5, 2),
    ):
        assert future.wait() == 3


def test_a_module_forked_as_such_calls_forward_or_its_only_function(executor):  # 5
    only = executor.load('(module (func (export "f") (param i32) (result i32) (local.get 0)))')
    assert pf.fork(only, 7).wait() == 7
    assert only(8) == 8
    forward = executor.load(
        '(module (func (export "a")) (func (export "forward") (param i32) (result i32) (i32.const 9)))'
    )
    assert pf.fork(forward, 1).wait() == 9


def test_what_cannot_be_called_is_refused_at_the_fork(math):  # 6
    with pytest.raises(pf.NotCallable):
        pf.fork(3)
    with pytest.raises(TypeError, match="a function in Python is not pure"):
        pf.fork(lambda: 1)
    with pytest.raises(pf.NoSuchFunction) as error:
        math.ad
    assert error.value.help == "did you mean `add`?"
    with pytest.raises(pf.NotCallable):
        pf.fork(math)


def test_attributes_are_frozen_into_a_module_and_changes_of_them_are_never_seen(executor):  # 7
    module = executor.load(
        """(module
            (global $scale (mut i32) (i32.const 1))
            (func (export "load") (param $scale i32) (global.set $scale (local.get $scale)))
            (func (export "scaled") (param $n i32) (result i32)
                (global.set $scale (i32.add (global.get $scale) (i32.const 1)))
                (i32.mul (local.get $n) (i32.sub (global.get $scale) (i32.const 1)))))"""
    )
    loaded = module.preinit("load", 10)
    assert [loaded.scaled(7) for _ in range(3)] == [70, 70, 70]
    assert module.scaled(7) == 7
    assert executor.load(loaded.bytes()).scaled(7) == 70


def test_lists_of_futures_are_built_and_waited_for_in_loops(math):  # 8, 10, 39
    futures = []
    for n in range(20):
        futures.append(math.add.fork(n, n))
    assert [future.wait() for future in futures] == [2 * n for n in range(20)]
    assert pf.wait_all(math.add.fork(n, 1) for n in range(5)) == [1, 2, 3, 4, 5]
    assert pf.wait_all([]) == []


def test_a_future_is_returned_from_a_function(math):  # 9
    def twice(n):
        return pf.fork(math.add, n, n)

    assert twice(4).wait() == 8


def test_a_future_is_an_argument(math):  # 11
    three = pf.fork(math.add, 1, 2)
    assert pf.fork(math.add, three, 4).wait() == 7
    assert pf.fork(math.add, a=three, b=three).wait() == 6
    failed = pf.fork(math.fail)
    with pytest.raises(pf.Trap):
        pf.fork(math.add, failed, 4).wait()
    promise = pf.Promise()
    later = pf.fork(math.add, promise.future, 1)
    assert not later.done()
    promise.set(41)
    assert later.wait() == 42


def test_forks_nest(executor):  # 13
    assert executor.load(FIB).fib(15) == 610


def test_the_error_of_a_call_is_raised_at_the_wait_and_names_the_line_that_forked_it(math):  # 14, 15
    future = pf.fork(math.fail)
    line = test_the_error_of_a_call_is_raised_at_the_wait_and_names_the_line_that_forked_it.__code__.co_firstlineno + 1
    for _ in range(2):
        with pytest.raises(pf.Trap) as error:
            future.wait()
        assert error.value.kind == "Trap"
        assert error.value.site[0] == __file__ and error.value.site[1] == line
        assert error.value.backtrace[0][0] == "fail"
        assert error.value.chain == [("fail", None)]
        assert any(f":{line}, in" in note for note in error.value.__notes__)


def test_where_calls_are_run_in_place_errors_are_raised_at_the_wait_all_the_same():  # 20
    with pf.Executor(serial=True, cache=False) as executor:
        future = pf.fork(executor.load(MATH).fail)
        assert future.done()
        with pytest.raises(pf.Trap):
            future.wait()


def test_a_trace_is_a_graph_of_forks(executor):  # 21
    graph = pf.trace(executor.load(FIB).fib, 3)
    assert f"{__file__}:{inspect.currentframe().f_lineno - 1}" in graph.html()
    assert "fork @fib" in str(graph) and "subgraph" in str(graph)
    assert graph.dot().startswith("digraph") and graph.html().lstrip().startswith("<!") and graph.perfetto()


def test_nothing_leaks_from_one_call_into_another(executor):  # 22
    counter = executor.load(
        """(module (global $n (mut i32) (i32.const 0))
            (func (export "next") (result i32)
                (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"""
    )
    assert {counter.next() for _ in range(10)} == {1}


def test_done_is_true_for_a_value_and_for_an_error(math):  # 25
    value, error = math.add.fork(1, 2), math.fail.fork()
    value.wait()
    assert error.exception().kind == "Trap"
    assert value.done() and error.done()


def test_many_threads_wait_for_one_future(math):  # 26
    promise, got = pf.Promise(), []
    threads = [threading.Thread(target=lambda: got.append(promise.future.wait())) for _ in range(8)]
    for thread in threads:
        thread.start()
    promise.set("there")
    for thread in threads:
        thread.join()
    assert got == ["there"] * 8


def test_the_value_is_there_or_not_without_a_wait():  # 27
    promise = pf.Promise()
    with pytest.raises(pf.NotReady):
        promise.future.value()
    promise.set(1)
    assert promise.future.value() == 1


def test_a_promise_is_completed_once():  # 28
    promise = pf.Promise()
    promise.set(1)
    with pytest.raises(pf.AlreadyCompleted, match="only be completed once"):
        promise.set(2)
    with pytest.raises(pf.AlreadyCompleted):
        promise.fail(ValueError())
    assert promise.future.wait() == 1
    broken = pf.Promise().future
    with pytest.raises(pf.BrokenPromise):
        broken.wait()


def test_then_is_given_the_finished_future_and_makes_another(math):  # 31
    future = math.add.fork(0, 0)
    for _ in range(20):
        future = future.then(lambda done: done.wait() + 1)
    assert future.wait() == 20


def test_then_runs_after_an_error_too(math):  # 32
    assert math.fail.fork().then(lambda done: type(done.exception())).wait() is pf.Trap


def test_what_a_then_callback_raises_is_what_its_future_fails_with(math):  # 33
    def broken(done):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        math.add.fork(1, 2).then(broken).wait()
    assert math.add(1, 2) == 3


def test_what_a_done_callback_raises_goes_to_nobody(math, monkeypatch):  # 34
    told = []
    monkeypatch.setattr("sys.unraisablehook", lambda info: told.append(info.exc_type))
    future = math.add.fork(1, 2)
    future.wait()
    future.add_done_callback(lambda done: 1 / 0)
    assert told == [ZeroDivisionError]
    assert future.wait() == 3


def test_callbacks_run_in_the_order_of_registration():  # 35
    promise, order = pf.Promise(), []
    for n in range(10):
        promise.future.add_done_callback(lambda done, n=n: order.append(n))
    promise.set(None)
    assert order == list(range(10))


def test_a_callback_of_a_complete_future_runs_at_once_in_the_caller(math):  # 36
    future, ran = math.add.fork(1, 2), []
    future.wait()
    future.add_done_callback(lambda done: ran.append(threading.get_ident()))
    assert ran == [threading.get_ident()]


def test_collect_all_is_a_future_of_all_futures(math):  # 37
    futures = [math.add.fork(1, 1), math.fail.fork()]
    done = pf.collect_all(futures).wait()
    assert done == futures and all(future.done() for future in done)
    assert pf.collect_all([]).wait() == []


def test_wait_all_raises_the_first_error_in_order(math):  # 39
    with pytest.raises(pf.Trap):
        pf.wait_all([math.add.fork(1, 1), math.fail.fork(), math.add.fork(1, 2)])


def test_the_first_to_complete_and_the_first_to_succeed(math):  # 40
    never = pf.Promise()
    assert pf.collect_any([never.future, math.add.fork(2, 2)]).wait() == 4
    assert pf.first_ok([math.fail.fork(), math.add.fork(2, 3)]).wait() == 5
    with pytest.raises(pf.Trap):
        pf.first_ok([math.fail.fork()]).wait()
    with pytest.raises(pf.Invalid):
        pf.collect_any([])


def test_a_future_cannot_be_pickled(math):  # 42
    import pickle

    with pytest.raises(TypeError, match="a future cannot be pickled"):
        pickle.dumps(math.add.fork(1, 2))


def test_a_wait_in_a_callback_runs_other_calls():
    with pf.Executor(threads=1, cache=False) as executor:
        module = executor.load(MATH)
        future = module.add.fork(1, 2).then(lambda done: module.add.fork(done.wait(), 4).wait())
        assert future.wait(30) == 7


def test_a_wait_ends_after_its_time(executor):
    future = pf.Promise().future
    with pytest.raises(TimeoutError):
        promise = pf.Promise()
        promise.future.wait(0.01)
    del future


def test_a_call_that_runs_is_cancelled():
    with pf.Executor(threads=1, cache=False) as executor:
        future = executor.load(MATH).spin.fork()
        assert future.cancel()
        assert future.cancelled() and future.done() and not future.cancel()
        with pytest.raises(pf.Cancelled):
            future.wait()


def test_limits_hold():
    limits = pf.Limits(fuel=1000, timeout=5, memory="1MiB")
    with pf.Executor(threads=1, limits=limits, cache=False) as executor:
        with pytest.raises(pf.OutOfFuel) as error:
            executor.load(MATH).spin()
        assert error.value.catchable
        assert executor.limits == limits
    with pf.Executor(threads=1, limits=pf.Limits(timeout=0.05), cache=False) as executor:
        with pytest.raises(pf.Timeout) as error:
            executor.load(MATH).spin()
        assert isinstance(error.value, TimeoutError)


def test_modules_are_linked(executor):
    math = executor.load(MATH)
    user = executor.load(
        """(module
            (import "fork" "add" (func $fork (param i32 i32) (result i32)))
            (import "wait" "add" (func $wait (param i32) (result i32)))
            (func (export "twice") (param i32) (result i32) (call $wait (call $fork (local.get 0) (local.get 0)))))"""
    )
    with pytest.raises(pf.Link):
        user.twice(4)
    assert user.link(math=math).twice(4) == 8


def test_a_memory_of_results_makes_no_call_twice():
    with pf.Executor(threads=1, memo=True, cache=False) as executor:
        module = executor.load(FIB)
        module.fib(10)
        again = module.fib.fork(10)
        again.wait()
        assert again.usage() == {"fuel": 0, "forks": 0, "memo_hits": 1, "memo_misses": 0}
