"""What others take for the same, in one run: `python host/python/benches/peers.py [WORD]...` runs the figures with a word in their name.

Each figure takes turns with the others, and is the best of all rounds: the machine is rarely alone. A peer that is not installed is left out:
`pip install wasmtime extism torch pydantic-monty`. Snippets need `purefork-runner-python`; the first run compiles it, which takes some seconds.
"""

import concurrent.futures
import contextlib
import os
import pathlib
import sys
import time

import purefork as pf

ROOT = pathlib.Path(__file__).resolve().parents[3]
MANY, FEW, ROUNDS = 100_000, 2_000, 9

ADD = (ROOT / "examples/add.wat").read_text()

# Extism's calls take and give bytes: two numbers in, one out, by its host's functions.
EXTISM = """(module
    (import "extism:host/env" "input_load_u64" (func $input (param i64) (result i64)))
    (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
    (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
    (import "extism:host/env" "output_set" (func $output (param i64 i64)))
    (memory (export "memory") 1)
    (func (export "add") (result i32) (local $at i64)
        (local.set $at (call $alloc (i64.const 8)))
        (call $store (local.get $at) (i64.add (call $input (i64.const 0)) (call $input (i64.const 8))))
        (call $output (local.get $at) (i64.const 8))
        (i32.const 0)))"""

SNIPPET = """def main(x):
    total = 0
    for n in range(20):
        total += n * x["n"]
    return {"total": total}
"""


# What has processes that have to end.
CLOSED_AT_THE_END = contextlib.ExitStack()


def nothing(*args):
    return args


def python_add(a, b):
    return a + b


def ours():
    threads, serial = pf.Executor(threads=2), pf.Executor(serial=True)
    module, one = threads.load(ADD), serial.load(ADD).add
    fork, wait_all = pf.fork, pf.wait_all
    yield "floor: a loop", MANY, lambda: [None for _ in range(MANY)]
    yield "floor: a function of Python with *args", MANY, lambda: [nothing(n, 2) for n in range(MANY)]
    yield "purefork: fork(m.add, n, 2) of many, wait_all", MANY, lambda: wait_all([fork(module.add, n, 2) for n in range(MANY)])
    yield "purefork: m.add(n, 2), round trip", FEW, lambda: [module.add(n, 2) for n in range(FEW)]
    yield "purefork: m.add(n, 2), in a serial executor", FEW, lambda: [one(n, 2) for n in range(FEW)]


def executors():
    threads = concurrent.futures.ThreadPoolExecutor(2)
    processes = CLOSED_AT_THE_END.enter_context(concurrent.futures.ProcessPoolExecutor(2))
    both = (("ThreadPoolExecutor(2)", threads), ("ProcessPoolExecutor(2)", processes))
    for name, pool in both:
        pool.submit(python_add, 1, 2).result()
        yield f"{name}: submit many, result", FEW, lambda pool=pool: [f.result() for f in [pool.submit(python_add, n, 2) for n in range(FEW)]]


def wasmtime():
    import wasmtime

    engine = wasmtime.Engine()
    module = wasmtime.Module(engine, ADD)
    store = wasmtime.Store(engine)
    add = wasmtime.Instance(store, module, []).exports(store)["add"]

    def fresh(n):
        store = wasmtime.Store(engine)
        return wasmtime.Instance(store, module, []).exports(store)["add"](store, n, 2)

    yield "wasmtime: a call, the same instance", FEW, lambda: [add(store, n, 2) for n in range(FEW)]
    yield "wasmtime: a call, a new instance", FEW, lambda: [fresh(n) for n in range(FEW)]


def extism():
    import extism.extism
    import wasmtime

    code = wasmtime.wat2wasm(EXTISM)
    compiled = extism.extism.CompiledPlugin({"wasm": [{"data": bytes(code)}]})
    plugin = extism.Plugin(compiled)

    def add(plugin, n):
        return int.from_bytes(plugin.call("add", n.to_bytes(8, "little") + (2).to_bytes(8, "little")), "little")

    assert add(plugin, 3) == 5
    yield "extism: a call, the same plugin", FEW, lambda: [add(plugin, n) for n in range(FEW)]
    yield "extism: a call, a new plugin", FEW // 10, lambda: [add(extism.Plugin(compiled), n) for n in range(FEW // 10)]


def torch():
    import typing

    import torch

    def add(a: int, b: int) -> int:
        return a + b

    def forked(count: int) -> int:
        futures: typing.List[torch.jit.Future[int]] = []
        for n in range(count):
            futures.append(torch.jit.fork(add, n, 2))
        total = 0
        for future in futures:
            total += torch.jit.wait(future)
        return total

    names = {"torch": torch, "typing": typing, "add": add}
    forked.__globals__.update(names)
    script = torch.jit.script(forked)
    assert script(3) == 9
    yield "torch.jit.fork and wait, from TorchScript", MANY // 10, lambda: script(MANY // 10)
    yield "torch.jit.fork from Python, which runs it at once", FEW, lambda: [torch.jit.wait(f) for f in [torch.jit.fork(add, n, 2) for n in range(FEW)]]


def snippets():
    few = FEW // 20
    python = pf.python(executor=pf.Executor(threads=2))
    compiled = python.compile(SNIPPET)
    given = {"n": 3}
    assert python(SNIPPET, given) == compiled(given) == {"total": 570}
    yield "snippet: floor: the same by exec, no sandbox", few, lambda: [_exec(given) for _ in range(few)]
    yield "snippet: purefork, one at a time", few, lambda: [python(SNIPPET, given) for _ in range(few)]
    yield "snippet: purefork, forked onto two threads", few, lambda: pf.wait_all([python.fork(SNIPPET, given) for _ in range(few)])
    yield "snippet: purefork, compiled, one at a time", few, lambda: [compiled(given) for _ in range(few)]
    yield "snippet: purefork, compiled, map on two threads", few, lambda: compiled.map([given] * few)


def _exec(given):
    import json

    names = {}
    exec(SNIPPET, names)
    return json.loads(json.dumps(names["main"](json.loads(json.dumps(given)))))


def monty():
    import pydantic_monty

    few = FEW // 20
    pool = CLOSED_AT_THE_END.enter_context(pydantic_monty.Monty(min_processes=2))
    used = CLOSED_AT_THE_END.enter_context(pool.checkout())
    given = {"x": {"n": 3}}

    def fresh():
        with pool.checkout() as session:
            return session.feed_run(SNIPPET + "main(x)", inputs=given)

    assert fresh() == used.feed_run(SNIPPET + "main(x)", inputs=given) == {"total": 570}
    yield "snippet: monty, a fresh session each", few, lambda: [fresh() for _ in range(few)]
    yield "snippet: monty, a used session, code again", few, lambda: [used.feed_run(SNIPPET + "main(x)", inputs=given) for _ in range(few)]
    yield "snippet: monty, a used session, main(x) alone", few, lambda: [used.feed_run("main(x)", inputs=given) for _ in range(few)]


def main(words):
    figures = []
    for group in (ours, executors, wasmtime, extism, torch, snippets, monty):
        try:
            figures += [figure for figure in group() if not words or any(word in figure[0] for word in words)]
        except (ImportError, pf.Unreadable) as error:
            print(f"left out: {group.__name__}: {str(error).splitlines()[0]}")
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    best = {name: float("inf") for name, _, _ in figures}
    for _ in range(ROUNDS):
        for name, count, run in figures:
            begun = time.perf_counter()
            run()
            best[name] = min(best[name], (time.perf_counter() - begun) / count)
    for name, seconds in best.items():
        print(f"{name:55} {seconds * 1e6:10.3f} µs")
    print(f"load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    with CLOSED_AT_THE_END:
        main(sys.argv[1:])
