"""What a type checker makes of the package; read by it, not run."""

import asyncio
import concurrent.futures
import sys
from typing import Any, assert_type

import purefork as pf

module = pf.load("examples/add.wat")
future: pf.Future[int] = pf.fork(module.add, 2, b=3)
assert_type(pf.wait(future), int)
assert_type(future.wait(1.0), int)
assert_type(pf.wait_all([future]), list[int])
assert_type(future.then(lambda done: str(done.value())), pf.Future[str])
promise = pf.Promise[str]()
assert_type(promise.future.wait(), str)


async def main() -> int:
    return await future + await asyncio.wrap_future(future)


done, pending = concurrent.futures.wait([future])
with pf.Executor(threads=2, limits=pf.Limits(fuel=1, memory="64MiB", timeout=0.5), memo=True) as executor:
    executor.load(b"").link(math=module).preinit("load", 1)
try:
    module.add(1, 2)
except pf.Trap as error:
    assert_type(error.kind, str)
except pf.Err as error:
    print(error.value)

py = pf.python()
assert_type(py.fork("def main(x): return x", 1), "pf.Future[Any]")
squares = py.compile("def main(n): return n * n")
assert_type(squares.map(range(3), errors="keep"), list[Any])
try:
    squares(2, stdout=sys.stderr)
except pf.Err as error:
    assert_type(error.traceback, "str | None")


def of_columns(column: pf.Column) -> list[object]:
    module.add.map(column, [1], errors="keep", nulls="null")
    return column.chunks[0].to_pylist()
