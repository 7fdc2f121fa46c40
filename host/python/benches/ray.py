"""Ten million rows on Ray, beside purefork without it and beside a task of Ray's for each row. `python host/python/benches/ray.py [ROWS]`.

Two workers against two threads, in turns, the best of all rounds. Then again and again for half a minute, with a worker killed every five seconds. The
results' digest has to be the same each time.
"""

import hashlib
import os
import signal
import sys
import threading
import time

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

# A script's own folder comes first where modules are looked for, and this file is called as Ray is.
sys.path.pop(0)

import numpy  # noqa: E402
import ray  # noqa: E402

import purefork as pf  # noqa: E402
from purefork.ray import ray_chunks  # noqa: E402

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
FEW, ROUNDS, UNDER_FIRE, EVERY = 10_000, 3, 30.0, 5.0

SCORE = """(module (func (export "score") (param $a i32) (param $b i32) (result i32) (local $i i32)
    (loop $again
        (local.set $a (i32.add (i32.mul (local.get $a) (i32.const 1664525)) (local.get $b)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 20))))
    (local.get $a)))"""


def digest(numbers):
    return hashlib.sha256(numpy.ascontiguousarray(numbers).tobytes()).hexdigest()


def timed(run):
    begun = time.perf_counter()
    result = run()
    return time.perf_counter() - begun, result


def python_score(a, b):
    for _ in range(20):
        a = (a * 1664525 + b) & 0xFFFFFFFF
    return a - (a >> 31 << 32)


def kill_every(seconds, stop, killed):
    """Kills a worker, by its process's number, as often as that."""
    pid = ray.remote(lambda: os.getpid()).options(max_retries=-1)
    while not stop.wait(seconds):
        os.kill(ray.get(pid.remote()), signal.SIGKILL)
        killed.append(time.perf_counter())


def main():
    left = numpy.arange(ROWS, dtype=numpy.int32)
    right = left % 7
    score = pf.Executor(threads=2).load(SCORE).score
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    on_ray = lambda: numpy.concatenate(list(ray_chunks(score, left, right)))  # noqa: E731
    here = lambda: numpy.asarray(score.map(left, right))  # noqa: E731
    best = {"plain": float("inf"), "ray": float("inf"), "rows": float("inf")}
    one = ray.remote(python_score)
    expected = digest(here())
    assert digest(on_ray()) == expected, "the workers have loaded the module"
    for _ in range(ROUNDS):
        for name, run in (("plain", here), ("ray", on_ray)):
            seconds, results = timed(run)
            assert digest(results) == expected, name
            best[name] = min(best[name], seconds)
        few = [(int(a), int(b)) for a, b in zip(left[:FEW], right[:FEW])]
        seconds, results = timed(lambda: ray.get([one.remote(a, b) for a, b in few]))
        assert digest(numpy.array(results, numpy.int32)) == digest(here()[:FEW]), "a task for each row"
        best["rows"] = min(best["rows"], seconds * ROWS / len(few))
    print(f"{ROWS} rows, digest {expected[:16]}")
    print(f"purefork, 2 threads            {best['plain']:10.2f} s {ROWS / best['plain'] / 1e6:8.2f} M rows/s")
    print(f"purefork.ray, 2 workers        {best['ray']:10.2f} s {ROWS / best['ray'] / 1e6:8.2f} M rows/s, {best['plain'] / best['ray']:.2f} × as fast")
    print(f"a Ray task for each row        {best['rows']:10.0f} s, from {FEW} rows; purefork.ray is {best['rows'] / best['ray']:.0f} × as fast")
    stop, killed = threading.Event(), []
    killer = threading.Thread(target=kill_every, args=(EVERY, stop, killed))
    killer.start()
    begun, runs = time.perf_counter(), 0
    try:
        while time.perf_counter() - begun < UNDER_FIRE:
            assert digest(on_ray()) == expected, "with a worker killed"
            runs += 1
    finally:
        stop.set()
        killer.join()
    seconds = time.perf_counter() - begun
    print(f"with a worker killed every {EVERY:.0f} s   {seconds / runs:8.2f} s each of {runs}; {len(killed)} workers killed, the same digest each time")


if __name__ == "__main__":
    main()
