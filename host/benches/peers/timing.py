"""What the peers' scripts share: how a figure is taken and how it is handed to run.py."""

import argparse
import json
import statistics
import sys
import time
from importlib import metadata

THREADS = 2
NOT_INSTALLED = 3


def flag(name, text):
    """Whether the script was started with `--name`; other words are refused."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--" + name, action="store_true", help=text)
    return getattr(parser.parse_args(), name)


def version(package):
    return metadata.version(package)


def not_installed(name, install):
    """Tells run.py that the peer is not there, and how to get it."""
    print(json.dumps({"name": name, "install": install}))
    sys.exit(NOT_INSTALLED)


def micros(f, n, rounds):
    """Microseconds per item: the median of several rounds of `f(n)`, after one that warms up."""
    samples = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        total = f(n)
        samples.append((time.perf_counter() - start) / n * 1e6)
        if total != n * (n - 1) // 2 + 2 * n:
            sys.exit(f"wrong sum of {n} calls: {total}")
    return statistics.median(samples[1:])


def report(name, version, isolation, batches, trip, batch_n, trip_n, rounds=7, memory=False):
    """Measures and prints a peer. `batches` and `trip` take n and return the sum of add(i, 2) for i below n.

    Of several ways to run a batch, the fastest counts. `memory`: whether each call writes to a memory of its own.
    """
    batch_us = min(micros(batch, batch_n, rounds) for batch in batches)
    trip_us = micros(trip, trip_n, rounds)
    print(json.dumps({
        "name": name,
        "version": version,
        "isolation": isolation,
        "memory": memory,
        "batch_n": batch_n,
        "batch_us": batch_us,
        "trip_n": trip_n,
        "trip_us": trip_us,
    }))


def inline(call):
    """One call after another on the caller's thread."""
    return lambda n: sum(call(i, 2) for i in range(n))


def halves(pool, calls):
    """The same calls, split between the threads of a pool; `calls` has one function for each thread."""
    def run(call, start, n):
        return sum(call(i, 2) for i in range(start, n, len(calls)))

    return lambda n: sum(half.result() for half in [pool.submit(run, c, s, n) for s, c in enumerate(calls)])
