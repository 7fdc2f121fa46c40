"""What 4 MiB cost that go into a call and come out of it, beside the same in Rust: `python host/python/benches/lists.py [PROGRAM OF lists.rs]`.

Each figure is the best of many rounds, which take turns: the machine is rarely alone.
"""

import pathlib
import subprocess
import sys
import time

import numpy

import purefork as pf

GUEST = pathlib.Path(__file__).resolve().parents[3] / "target/guests/kinds.wasm"
ROUNDS = 200

kinds = pf.Executor(threads=2, limits=pf.Limits(heap="16MiB")).load(GUEST)
floats = numpy.arange(1 << 20, dtype=numpy.float32)
data = floats.tobytes()
figures = {
    "floor: 4 MiB copied by numpy": lambda: floats.copy(),
    "floats: an array of numpy, which is copied": lambda: kinds.list_f32(floats),
    "floats: a view of bytes, which is not": lambda view=numpy.frombuffer(data, numpy.float32): kinds.list_f32(view),
    "floats: purefork.Numbers": lambda numbers=kinds.list_f32(floats): kinds.list_f32(numbers),
    "bytes: bytes, and bytes made of the result": lambda: kinds.list_u8(data),
}
try:
    import pyarrow

    column = pyarrow.array(floats)
    figures["floats: a column of pyarrow"] = lambda: kinds.list_f32(column)
except ImportError:
    pass

best = dict.fromkeys(figures, float("inf"))
for _ in range(ROUNDS):
    for name, run in figures.items():
        begun = time.perf_counter()
        run()
        best[name] = min(best[name], time.perf_counter() - begun)
for name, seconds in best.items():
    print(f"{name:55} {seconds * 1e6:9.1f} µs")
for program in sys.argv[1:]:
    print("in Rust:")
    print(subprocess.run([program], capture_output=True, text=True, check=True).stdout, end="")
