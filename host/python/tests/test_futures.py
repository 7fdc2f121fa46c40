"""What the ecosystem expects of futures and executors."""

import asyncio
import concurrent.futures
import gc
import inspect
import os
import threading

import pytest
from conftest import MATH, SLOW

import purefork as pf


def test_an_executor_is_one_of_concurrent_futures(executor):
    assert isinstance(executor, concurrent.futures.Executor)
    math = executor.load(MATH)
    future = executor.submit(math.add, 2, b=3)
    assert isinstance(future, concurrent.futures.Future)
    assert future.result() == 5 and future.exception() is None
    assert list(executor.map(math.add, range(1000), [1] * 1000)) == list(range(1, 1001))
    assert list(executor.map(math.add, range(10), [1] * 10, chunksize=3, buffersize=4)) == list(range(1, 11))
    with pytest.raises(TypeError, match="not pure"):
        executor.submit(len, "abc")
    failed, line = executor.submit(math.div, 1, 0), inspect.currentframe().f_lineno
    assert failed.exception().site[:2] == (__file__, line)


def test_a_mapped_error_comes_in_its_place(executor):
    results = executor.map(executor.load(MATH).div, [4, 4, 4], [2, 0, 1], chunksize=1)
    assert next(results) == 2
    with pytest.raises(pf.Trap):
        next(results)


def test_mapping_ends_after_its_time():
    with pf.Executor(threads=1, cache=False) as executor:
        with pytest.raises(TimeoutError):
            list(executor.map(executor.load(SLOW).slow, [10**11], timeout=0.05))
        executor.shutdown(cancel_futures=True)


def test_the_standard_library_waits_for_its_futures(math):
    futures = [math.add.fork(n, 1) for n in range(100)] + [math.fail.fork()]
    done, pending = concurrent.futures.wait(futures, timeout=30)
    assert done == set(futures) and not pending
    assert set(concurrent.futures.as_completed(futures, timeout=30)) == set(futures)
    first = concurrent.futures.wait([math.fail.fork(), _pending()], 30, concurrent.futures.FIRST_EXCEPTION)
    assert len(first.done) == 1 and len(first.not_done) == 1
    with pytest.raises(TimeoutError):
        list(concurrent.futures.as_completed([_pending()], 0.01))


_kept = []


def _pending():
    promise = pf.Promise()
    _kept.append(promise)
    return promise.future


def test_futures_come_in_the_order_in_which_they_complete():
    first, second = pf.Promise(), pf.Promise()
    both = pf.as_completed([first.future, second.future], timeout=30)
    second.set(2)
    assert next(both) is second.future
    first.set(1)
    assert list(both) == [first.future]
    with pytest.raises(TimeoutError):
        next(pf.as_completed([_pending()], timeout=0.01))


def test_a_future_is_awaited(math):
    async def main():
        assert await math.add.fork(1, 2) == 3
        assert await asyncio.wait_for(math.add.fork(1, 2), 30) == 3
        assert await asyncio.wrap_future(math.add.fork(1, 2)) == 3
        with pytest.raises(pf.Trap):
            await math.fail.fork()
        return await asyncio.gather(*[math.add.fork(n, 1) for n in range(1000)])

    # Twice: each has a loop of its own.
    for _ in range(2):
        assert asyncio.run(main()) == list(range(1, 1001))


def test_an_event_loop_runs_calls_in_an_executor(math, executor):
    async def main():
        return await asyncio.get_running_loop().run_in_executor(executor, math.add, 1, 2)

    assert asyncio.run(main()) == 3


def test_who_awaits_is_woken_by_a_promise():
    async def main():
        promise = pf.Promise()
        asyncio.get_running_loop().call_later(0.01, promise.set, "there")
        return await promise.future

    assert asyncio.run(main()) == "there"


def test_a_task_that_is_cancelled_cancels_the_call_that_it_awaits():
    with pf.Executor(threads=1, cache=False) as executor:
        future = executor.load(MATH).spin.fork()

        async def main():
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(_awaits(future), 0.05)

        asyncio.run(main())
        assert future.cancelled()


async def _awaits(future):
    return await future


def test_several_loops_await_one_future():
    promise, got = pf.Promise(), []
    threads = [threading.Thread(target=lambda: got.append(asyncio.run(_awaits(promise.future)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    promise.set(7)
    for thread in threads:
        thread.join()
    assert got == [7] * 4


def test_an_executor_that_was_shut_down_takes_no_calls():
    with pf.Executor(threads=1, cache=False) as executor:
        math = executor.load(MATH)
        pending = math.add.fork(1, 2)
    assert pending.result() == 3
    with pytest.raises(RuntimeError):
        executor.submit(math.add, 1, 2)
    with pytest.raises(pf.Cancelled):
        math.add(1, 2)
    with pytest.raises(pf.Cancelled):
        executor.load(MATH)
    executor.shutdown()


def test_shutting_down_cancels_what_it_is_told_to():
    executor = pf.Executor(threads=1, cache=False)
    future = executor.load(MATH).spin.fork()
    executor.shutdown(cancel_futures=True)
    assert future.cancelled()


def test_a_module_keeps_its_executor():
    math = pf.Executor(threads=1, cache=False).load(MATH)
    gc.collect()
    assert math.add(1, 2) == 3
    add = math.add
    del math
    assert add(1, 2) == 3


def test_a_million_futures_are_dropped():
    with pf.Executor(threads=2, cache=False) as executor:
        add = executor.load(MATH).add
        for _ in range(1_000_000):
            add.fork(1, 2)
        assert add(1, 2) == 3


def test_threads_share_functions(math):
    def many(n):
        return sum(math.add(k, n) for k in range(200))

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        assert list(threads.map(many, range(8))) == [many(n) for n in range(8)]


def test_python_runs_while_a_call_runs():
    with pf.Executor(threads=1, cache=False) as executor:
        future = executor.load(MATH).spin.fork()

        def wait():
            with pytest.raises(pf.Cancelled):
                future.wait()

        waiter = threading.Thread(target=wait)
        waiter.start()
        # This thread goes on, though the other one waits.
        assert sum(range(1000)) == 499500 and not future.done()
        future.cancel()
        waiter.join()


def test_a_future_shows_what_became_of_it(math):
    value, error = math.add.fork(1, 2), math.fail.fork()
    value.wait(), error.exception()
    assert repr(value) == "<purefork.Future 3>" and repr(error) == "<purefork.Future failed with Trap>"
    assert repr(_pending()) == "<purefork.Future pending>"
    with pytest.raises(AttributeError):
        value.nothing
    assert str(pf.Future[int]) == "purefork.Future[int]"


def test_a_value_that_nests_too_deep_or_contains_itself_is_refused_as_an_argument(math):
    circle, deep = [], []
    circle.append(circle)
    for _ in range(100_000):
        deep = [deep]
    for value in (circle, deep):
        promise = pf.Promise()
        future = math.add.fork(promise.future, 1)
        promise.set(value)
        with pytest.raises(pf.Failed, match="nest"):
            future.wait()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="the descriptors are not told")
def test_loops_leave_no_descriptors(math):
    async def main():
        return await math.add.fork(1, 2)

    def open_ones():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    one, two = asyncio.new_event_loop(), asyncio.new_event_loop()
    one.run_until_complete(main()), two.run_until_complete(main())
    before = open_ones()
    for _ in range(20):
        assert one.run_until_complete(main()) + two.run_until_complete(main()) == 6
    assert open_ones() == before
    one.close(), two.close()
    del one, two
    for _ in range(20):
        asyncio.run(main())
    assert open_ones() <= before
