"""Python's ThreadPoolExecutor: threads that share everything."""

import platform
from concurrent.futures import ThreadPoolExecutor

import timing


def add(a, b):
    return a + b


def batch(n):
    return sum([future.result() for future in [pool.submit(add, i, 2) for i in range(n)]])


def trip(n):
    return sum(pool.submit(add, i, 2).result() for i in range(n))


with ThreadPoolExecutor(timing.THREADS) as pool:
    timing.report("Python, ThreadPoolExecutor", platform.python_version(), "none", [batch], trip, 20_000, 5_000)
