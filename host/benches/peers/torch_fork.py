"""PyTorch's torch.jit.fork: the interpreter of TorchScript on a pool of threads."""

import warnings
from typing import List

import timing

NAME = "PyTorch, torch.jit.fork"

warnings.simplefilter("ignore")
try:
    import torch
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    timing.not_installed(NAME, "pip install torch")

torch.set_num_interop_threads(timing.THREADS)
torch.set_num_threads(1)


@torch.jit.script
def add(a: int, b: int) -> int:
    return a + b


@torch.jit.script
def batch(n: int) -> int:
    futures = torch.jit.annotate(List[torch.jit.Future[int]], [])
    for i in range(n):
        futures.append(torch.jit.fork(add, i, 2))
    total = 0
    for future in futures:
        total += torch.jit.wait(future)
    return total


@torch.jit.script
def trip(n: int) -> int:
    total = 0
    for i in range(n):
        total += torch.jit.wait(torch.jit.fork(add, i, 2))
    return total


timing.report(NAME, torch.__version__, "none", [batch], trip, 20_000, 20_000)
