"""What a call from Python costs, beside its floors and its peers. `python host/python/benches/calls.py [WORD]...` runs those with a word in their name.

Each figure takes turns with the others, and is the best of all rounds: the machine is rarely alone.
"""

import asyncio
import concurrent.futures
import pathlib
import sys
import time

import purefork as pf

ROOT = pathlib.Path(__file__).resolve().parents[3]
MANY, FEW, ROUNDS = 100_000, 10_000, 9

threads, serial = pf.Executor(threads=2), pf.Executor(serial=True)
add = threads.load(ROOT / "examples/add.wat").add
module = threads.load(ROOT / "examples/add.wat")
one = serial.load(ROOT / "examples/add.wat").add
fork, wait, wait_all = pf.fork, pf.wait, pf.wait_all
EXPECTED = sum(n + 2 for n in range(MANY))


def nothing(*args):
    return args


def python_add(a, b):
    return a + b


async def gather(make):
    return sum(await asyncio.gather(*[make(n) for n in range(FEW)]))


async def waited(future):
    return await future


async def empty(n):
    return n + 2


pool = concurrent.futures.ThreadPoolExecutor(2)


def figures():
    yield "floor: a loop", MANY, lambda: [None for _ in range(MANY)]
    yield "floor: a function of Python with *args", MANY, lambda: [nothing(n, 2) for n in range(MANY)]
    yield "fork of m.add by its attribute, then wait_all", MANY, lambda: wait_all([fork(module.add, n, 2) for n in range(MANY)])
    yield "add.fork, then wait_all", MANY, lambda: wait_all([add.fork(n, 2) for n in range(MANY)])
    yield "add.fork alone, futures dropped", MANY, lambda: [add.fork(n, 2) for n in range(MANY)] and None
    yield "fork and wait of each", MANY, lambda: [f.wait() for f in [add.fork(n, 2) for n in range(MANY)]]
    yield "round trip: m.add(n, 2)", FEW, lambda: [add(n, 2) for n in range(FEW)]
    yield "round trip: fork, wait", FEW, lambda: [wait(fork(add, n, 2)) for n in range(FEW)]
    yield "round trip: serial", FEW, lambda: [one(n, 2) for n in range(FEW)]
    yield "map of two lists", MANY, lambda: add.map(range(MANY), [2] * MANY)
    yield "executor.map", MANY, lambda: list(threads.map(add, range(MANY), [2] * MANY))
    yield "asyncio: gather of nothing", FEW, lambda: asyncio.run(gather(empty))
    yield "asyncio: gather of forks", FEW, lambda: asyncio.run(gather(lambda n: waited(add.fork(n, 2))))
    yield "concurrent.futures.as_completed", FEW, lambda: list(concurrent.futures.as_completed([add.fork(n, 2) for n in range(FEW)]))
    yield "peer: ThreadPoolExecutor, submit and result", FEW, lambda: [f.result() for f in [pool.submit(python_add, n, 2) for n in range(FEW)]]
    try:
        import numpy
    except ImportError:
        return
    left, right = numpy.arange(10 * MANY, dtype=numpy.int32), numpy.full(10 * MANY, 2, numpy.int32)
    yield "map of two arrays of numpy", 10 * MANY, lambda: add.map(left, right)
    floats = numpy.random.rand(1 << 20).astype(numpy.float32)
    yield "4 MiB of f32 copied by numpy, in µs", 1, lambda: floats.copy()
    echo = ROOT / "target/guests/leaf.wasm"
    if echo.exists():
        roomy = pf.Executor(threads=2, limits=pf.Limits(heap="16MiB"))
        same = roomy.load(echo)
        yield "4 MiB of f32 in and out, in µs", 1, lambda: numpy.asarray(same.floats(floats))


def main(words):
    chosen = [figure for figure in figures() if not words or any(word in figure[0] for word in words)]
    best = {name: float("inf") for name, _, _ in chosen}
    for _ in range(ROUNDS):
        for name, count, run in chosen:
            begun = time.perf_counter()
            run()
            best[name] = min(best[name], (time.perf_counter() - begun) / count)
    for name, seconds in best.items():
        print(f"{name:55} {seconds * 1e6:9.3f} µs")


if __name__ == "__main__":
    main(sys.argv[1:])
