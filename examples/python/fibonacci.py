"""A tree of calls: a guest that forks a call for each of its two terms, seen from Python."""

import time

import purefork as pf

fib = pf.load("examples/fib.wat").fib

begun = time.perf_counter()
future = pf.fork(fib, 20)
print(f"fib(20) = {pf.wait(future)}, by {future.usage()['forks'] + 1} calls, each in a sandbox of its own")
print(f"{time.perf_counter() - begun:.3f} s")
print(pf.trace(fib, 3))
