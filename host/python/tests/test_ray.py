"""purefork on Ray: the same results with any number of workers, and when they die. Only where Ray is installed."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from conftest import FIB, MATH

import purefork as pf

ray = pytest.importorskip("ray")
numpy = pytest.importorskip("numpy")

SCORE = """(module (func (export "score") (param $a i32) (param $b i32) (result i32) (local $i i32)
    (loop $again
        (local.set $a (i32.add (i32.mul (local.get $a) (i32.const 1664525)) (local.get $b)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 20))))
    (local.get $a)))"""


def started(cpus):
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    return ray.init(num_cpus=cpus, include_dashboard=False, log_to_driver=False, logging_level="ERROR", object_store_memory=200 << 20)


@pytest.fixture
def cluster():
    """Two workers; kept from test to test, until another number is asked for."""
    if not ray.is_initialized():
        started(2)


@pytest.fixture(scope="module", autouse=True)
def ended():
    yield
    ray.shutdown()


def digest(numbers):
    return hashlib.sha256(numpy.fromiter(numbers, numpy.int32).tobytes()).hexdigest()


def columns(rows):
    left = numpy.arange(rows, dtype=numpy.int32)
    return left, left % 7


def test_calls_are_forked_on_the_cluster(cluster):
    from purefork.ray import ray_fork

    math = pf.load(MATH)
    assert ray.get([ray_fork(math.add, n, b=1) for n in range(4)]) == [1, 2, 3, 4]
    assert ray.get(ray_fork(pf.load(FIB), 15, options={"num_cpus": 2})) == 610
    with pytest.raises(pf.ArgumentMismatch):
        ray.get(ray_fork(math.add, 1))
    with pytest.raises(TypeError, match="expected a function of a purefork.Module"):
        ray_fork(len, "abc")


def test_a_call_that_fails_is_not_tried_again(cluster):
    from purefork.ray import ray_fork

    math = pf.load(MATH)
    for name in ("fail", "spin"):
        with pf.Executor(threads=1, limits=pf.Limits(fuel=100_000)) as executor:
            function = executor.load(MATH)[name]
            with pytest.raises(pf.Error) as error:
                ray.get(ray_fork(function), timeout=60)
        assert error.value.kind == {"fail": "Trap", "spin": "OutOfFuel"}[name]
    assert ray.get(ray_fork(math.add, 1, 2)) == 3


def test_what_a_result_depends_on_goes_with_the_function(cluster):
    from purefork.ray import ray_fork, ray_map

    with pf.Executor(threads=1, limits=pf.Limits(fuel=10_000)) as executor:
        spin, half = executor.load(MATH).spin, executor.load(MATH).half
        with pytest.raises(pf.OutOfFuel):
            ray.get(ray_fork(spin), timeout=60)
        assert list(ray_map(half, [1.0, 3.0])) == [0.5, 1.5]
    unknown = '(module (import "env" "log" (func)) (func (export "f") (result i32) (i32.const 7)))'
    with pf.Executor(threads=1, unknown_imports="trap") as executor:
        assert ray.get(ray_fork(executor.load(unknown).f)) == 7
    wasi = '(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (func (export "f") (result i32) (i32.const 8)))'
    with pf.Executor(threads=1, wasi=True) as executor:
        assert ray.get(ray_fork(executor.load(wasi).f)) == 8


def test_a_module_comes_with_what_it_is_linked_to(cluster):
    from purefork.ray import ray_fork, ray_map

    user = """(module
        (import "fork" "add" (func $fork (param i32 i32) (result i32)))
        (import "wait" "add" (func $wait (param i32) (result i32)))
        (func (export "twice") (param i32) (result i32) (call $wait (call $fork (local.get 0) (local.get 0)))))"""
    linked = pf.load(user).link(math=pf.load(MATH))
    assert ray.get(ray_fork(linked.twice, 4)) == 8 and list(ray_map(linked.twice, range(5))) == [0, 2, 4, 6, 8]


def test_a_file_need_not_be_where_the_worker_is(cluster, tmp_path):
    from purefork.ray import describe, ray_fork

    path = tmp_path / "math.wat"
    path.write_text(MATH)
    math = pf.load(path)
    describe(math.add)
    path.unlink()
    assert ray.get(ray_fork(math.add, 1, 2)) == 3
    path.write_text(MATH)
    gone = pf.load(path)
    path.unlink()
    with pytest.raises(pf.Unreadable, match="math.wat"):
        ray_fork(gone.add, 1, 2)


def test_rows_are_the_same_however_they_are_given(cluster):
    from purefork.ray import ray_chunks, ray_map

    score = pf.load(SCORE).score
    left, right = columns(100_000)
    here = digest(score.map(left, right))
    assert digest(ray_map(score, left, right)) == here
    assert digest(ray_map(score, left.tolist(), right.tolist(), chunk=30_000)) == here
    assert digest(ray_map(score, iter(left.tolist()), iter(right.tolist()), chunk=30_000)) == here
    assert digest(ray_map(score, left, right, chunk=10**9)) == here
    chunks = list(ray_chunks(score, left, right, chunk=30_000))
    assert [len(chunk) for chunk in chunks] == [30_000] * 3 + [10_000] and digest(numpy.concatenate(chunks)) == here


@pytest.mark.parametrize("cpus", [1, 2, 8])
def test_rows_are_the_same_with_any_number_of_workers(cpus):
    from purefork.ray import ray_map

    score = pf.load(SCORE).score
    rows = columns(500_000)
    ray.shutdown()
    started(cpus)
    try:
        assert digest(ray_map(score, *rows, chunk=20_000)) == digest(score.map(*rows))
    finally:
        ray.shutdown()


def test_rows_are_the_same_when_workers_die(cluster):
    from purefork.ray import ray_chunks, ray_fork

    score = pf.load(SCORE).score
    rows = columns(1_000_000)
    here = digest(score.map(*rows))
    pid = ray.remote(lambda: os.getpid()).options(max_retries=-1)
    sums, killed = [], 0
    # One dies with each of the first chunks, while others are under way.
    for results in ray_chunks(score, *rows, chunk=50_000):
        sums.append(results)
        if killed < 3:
            os.kill(ray.get(pid.remote()), signal.SIGKILL)
            killed += 1
    assert digest(numpy.concatenate(sums)) == here
    assert ray.get(ray_fork(score, 1, 2)) == score(1, 2)


def test_the_error_of_a_row_is_that_of_the_row_among_all(cluster):
    from purefork.ray import ray_chunks, ray_map

    div = pf.load(MATH).div
    left, right = numpy.full(1000, 4, numpy.int32), numpy.full(1000, 2, numpy.int32)
    right[777] = 0
    got = []
    with pytest.raises(pf.Trap) as error:
        for result in ray_map(div, left, right, chunk=100):
            got.append(result)
    assert type(error.value) is pf.Trap and error.value.row == 777 and got == [2] * 700
    kept = list(ray_map(div, left, right, chunk=100, errors="keep"))
    assert len(kept) == 1000 and kept[777].kind == "Trap" and kept[777].row == 777 and kept[778] == 2
    with pytest.raises(ValueError, match="errors"):
        ray_chunks(div, left, right, errors="drop")


def test_columns_that_cannot_be_taken_are_told(cluster):
    from purefork.ray import ray_chunks, ray_map

    math = pf.load(MATH)
    assert list(ray_map(math.add, [], [])) == [] and list(ray_map(math.half, iter([]))) == []
    with pytest.raises(ValueError, match="expected columns of one length"):
        ray_chunks(math.add, [1, 2], [1])
    with pytest.raises(ValueError, match="expected a column for each parameter"):
        ray_chunks(math.add)
    with pytest.raises(pf.ArgumentMismatch):
        list(ray_map(math.add, ["x"], [1]))
    with pytest.raises(pf.ArgumentMismatch):
        list(ray_map(math.add, [1]))
    for chunk in (0, -1, "many", 1.5):
        with pytest.raises(ValueError, match="as a chunk"):
            ray_chunks(math.half, [1.0], chunk=chunk)

    def broken():
        yield from range(250)
        raise LookupError("mine")

    got = []
    with pytest.raises(LookupError, match="mine"):
        for result in ray_map(math.half, broken(), chunk=100):
            got.append(result)
    assert got == [n / 2 for n in range(len(got))]
    with pytest.raises(ValueError):
        list(ray_map(math.add, iter([1, 2]), iter([1])))


def test_a_dataset_is_mapped_block_by_block(cluster):
    data = pytest.importorskip("ray.data")
    from purefork.ray import MapBatches, describe, ray_chunks, ray_map

    math = pf.load(MATH)
    dataset = data.from_items([{"b": n % 3, "a": n, "other": str(n)} for n in range(1000)], override_num_blocks=4)
    expected = [n - n % 3 for n in range(1000)]
    # By name, whatever their order.
    assert list(ray_map(math.sub, dataset)) == expected
    assert max(map(len, ray_chunks(math.sub, dataset, chunk=100))) == 100
    assert list(ray_map(math.half, dataset.select_columns(["a"]).map_batches(lambda batch: {"v": batch["a"] * 1.0}))) == [n / 2 for n in range(1000)]
    mapped = dataset.map_batches(MapBatches, fn_constructor_args=(describe(math.sub), ["a", "b"], "difference"), concurrency=1)
    assert sorted(row["difference"] for row in mapped.take_all()) == sorted(expected)
    assert list(ray_map(math.half, data.from_items([{"x": 1.0}]).filter(lambda row: False))) == []


def test_a_dataset_keeps_its_order_whichever_block_is_ready_first(cluster, tmp_path):
    data = pytest.importorskip("ray.data")
    from purefork.ray import ray_map

    def last_first(batch):
        # The first block is not ready before the last one is.
        if 0.0 in batch["x"]:
            end = time.monotonic() + 20
            while not (tmp_path / "last").exists() and time.monotonic() < end:
                time.sleep(0.01)
        if 99.0 in batch["x"]:
            (tmp_path / "last").touch()
        return batch

    dataset = data.from_items([{"x": float(n)} for n in range(100)], override_num_blocks=4).map_batches(last_first, batch_size=None)
    assert list(ray_map(pf.load(MATH).half, dataset)) == [n / 2 for n in range(100)]
    assert (tmp_path / "last").exists() and dataset.context.execution_options.preserve_order is False


def test_a_new_cluster_is_given_the_module_again():
    from purefork.ray import ray_fork

    math = pf.load(MATH)
    for _ in range(2):
        ray.shutdown()
        started(1)
        assert ray.get(ray_fork(math.add, 1, 2), timeout=60) == 3


def test_ctrl_c_ends_a_map():
    ray.shutdown()
    code = f"""
    import os, signal, threading
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray, purefork as pf
    from purefork.ray import ray_map
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR", object_store_memory=100 << 20)
    math = pf.load({MATH!r})
    begun = iter(ray_map(math.half, [1.0] * 10, chunk=1))
    next(begun)
    slow = '(module (func (export "slow") (param i32) (result i32) (loop $again (br $again)) (unreachable)))'
    threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        list(ray_map(pf.load(slow).slow, range(10), chunk=1))
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    # The worker is free again.
    print(list(ray_map(math.half, [3.0])), flush=True)
    """
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout == "interrupted\n[1.5]\n", done.stderr
