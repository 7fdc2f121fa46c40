"""What a row costs, of ten million numbers in arrays of numpy, beside the same in Rust: `python host/python/benches/rows.py PROGRAM OF rows.rs`.

Both take turns, and each figure is the best of all: the machine is rarely alone.
"""

import pathlib
import subprocess
import sys
import time

import numpy

import purefork as pf

ROWS, ROUNDS = 10_000_000, 3

add = pf.Executor(threads=2).load(pathlib.Path(__file__).resolve().parents[3] / "examples/add.wat").add
left, right = numpy.arange(ROWS, dtype=numpy.int32), numpy.full(ROWS, 2, numpy.int32)
best = {"floor: numpy's sum": float("inf"), "map of arrays of numpy": float("inf"), "map in Rust": float("inf")}


def timed(name, run):
    begun = time.perf_counter()
    given = run()
    best[name] = min(best[name], (time.perf_counter() - begun) / ROWS)
    return given


for _ in range(ROUNDS):
    for _ in range(ROUNDS):
        sums = timed("floor: numpy's sum", lambda: left + right)
        assert numpy.array_equal(sums, timed("map of arrays of numpy", lambda: numpy.asarray(add.map(left, right))))
    for program in sys.argv[1:]:
        said = subprocess.run([program], capture_output=True, text=True, check=True).stdout
        best["map in Rust"] = min(best["map in Rust"], float(said))
for name, seconds in best.items():
    print(f"{name:35} {seconds * 1e9:8.1f} ns a row")
