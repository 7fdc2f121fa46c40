"""wasmtime's Python package: a fresh store and instance for each call of a compiled module.

With --memory, of a module with a memory that each call writes to.
"""

from concurrent.futures import ThreadPoolExecutor

import timing

MEMORY = timing.flag("memory", "call a function that writes to its memory")
NAME = "wasmtime for Python" + (", with a memory" if MEMORY else "")

try:
    import wasmtime
except ModuleNotFoundError as error:
    if error.name != "wasmtime":
        raise
    timing.not_installed(NAME, "pip install wasmtime")

ADD = """(module
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"""
ADD_IN_MEMORY = """(module (memory 1)
    (func (export "add") (param i32 i32) (result i32)
        (i32.store (i32.const 1024) (local.get 0))
        (i32.add (i32.load (i32.const 1024)) (local.get 1))))"""

engine = wasmtime.Engine()
module = wasmtime.Module(engine, ADD_IN_MEMORY if MEMORY else ADD)


def add(a, b):
    store = wasmtime.Store(engine)
    return wasmtime.Instance(store, module, []).exports(store)["add"](store, a, b)


with ThreadPoolExecutor(timing.THREADS) as pool:
    batches = [timing.inline(add), timing.halves(pool, [add] * timing.THREADS)]
    timing.report(
        NAME, timing.version("wasmtime"), "fresh sandbox", batches, timing.inline(add), 20_000, 10_000, rounds=5,
        memory=MEMORY,
    )
