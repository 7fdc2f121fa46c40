"""purefork on Ray: the same results with any number of workers, and when they die. Only where Ray is installed."""

import hashlib
import os
import threading

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


@pytest.fixture(scope="module")
def cluster():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", object_store_memory=200 << 20)
    yield
    ray.shutdown()


def digest(numbers):
    return hashlib.sha256(numpy.fromiter(numbers, numpy.int32).tobytes()).hexdigest()


def test_calls_are_forked_on_the_cluster(cluster):
    from purefork.ray import ray_fork

    math = pf.load(MATH)
    assert ray.get([ray_fork(math.add, n, b=1) for n in range(4)]) == [1, 2, 3, 4]
    assert ray.get(ray_fork(pf.load(FIB), 15)) == 610
    with pytest.raises(pf.Trap) as error:
        ray.get(ray_fork(math.fail))
    assert error.value.kind == "Trap"


def test_rows_are_the_same_on_the_cluster_as_here(cluster):
    from purefork.ray import ray_chunks, ray_map

    score = pf.load(SCORE).score
    left = numpy.arange(100_000, dtype=numpy.int32)
    here = digest(score.map(left, left % 7))
    assert digest(ray_map(score, left, left % 7)) == here
    assert digest(ray_map(score, left.tolist(), (left % 7).tolist(), chunk=30_000)) == here
    assert digest(ray_map(score, iter(left.tolist()), iter((left % 7).tolist()), chunk=30_000)) == here
    chunks = list(ray_chunks(score, left, left % 7, chunk=30_000))
    assert [len(chunk) for chunk in chunks] == [30_000] * 3 + [10_000] and digest(numpy.concatenate(chunks)) == here
    assert list(ray_map(score, [], [])) == []
    with pytest.raises(pf.ArgumentMismatch):
        list(ray_map(score, ["x"], [1]))


def test_rows_are_the_same_when_a_worker_dies(cluster):
    from purefork.ray import ray_fork, ray_map

    score = pf.load(SCORE).score
    left = numpy.arange(2_000_000, dtype=numpy.int32)
    here = digest(score.map(left, left % 7))
    pid = ray.remote(lambda: os.getpid())
    stop = threading.Event()

    def kill():
        for _ in range(2):
            stop.wait(0.5)
            if not stop.is_set():
                os.kill(ray.get(pid.options(max_retries=-1).remote()), 9)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        assert digest(ray_map(score, left, left % 7, chunk=50_000)) == here
    finally:
        stop.set()
        killer.join()
    assert ray.get(ray_fork(score, 1, 2)) == score(1, 2)
