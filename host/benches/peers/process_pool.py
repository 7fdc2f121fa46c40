"""Python's own pools of processes: ProcessPoolExecutor; with --multiprocessing, multiprocessing.Pool."""

import multiprocessing
import platform
from concurrent.futures import ProcessPoolExecutor

import timing


def add(a, b):
    return a + b


def main():
    if timing.flag("multiprocessing", "measure multiprocessing.Pool instead of ProcessPoolExecutor"):
        name = "Python, multiprocessing.Pool"
        pool = multiprocessing.Pool(timing.THREADS)

        def fork(i):
            return pool.apply_async(add, (i, 2)).get
    else:
        name = "Python, ProcessPoolExecutor"
        pool = ProcessPoolExecutor(timing.THREADS)

        def fork(i):
            return pool.submit(add, i, 2).result

    def batch(n):
        return sum([wait() for wait in [fork(i) for i in range(n)]])

    def trip(n):
        return sum(fork(i)() for i in range(n))

    with pool:
        timing.report(name, platform.python_version(), "process, kept", [batch], trip, 20_000, 2_000, rounds=5)


if __name__ == "__main__":
    main()
