"""purefork on Ray: the same calls, on the machines of a cluster.

    from purefork.ray import ray_fork, ray_map

    ref = ray_fork(m.add, 2, b=3)                    # an ObjectRef
    sums = list(ray_map(m.add, left, right))         # rows in chunks, in order

Each worker has one executor, which loads a module once, by its digest, and keeps its machine code in the user's cache directory. Calls that a call
forks stay in its worker. A task that a worker took with it when it died runs again as often as it takes: its function is proven pure, so the result is the
same. What a call fails with, a trap or a limit, is a result, and is not tried again.
"""

import itertools
import time

import ray

from . import _loading
from ._purefork import Function, Module

# A chunk is to take so long, in seconds: long beside what Ray takes for a task, short beside the loss of a worker.
_SHORT, _LONG = 0.1, 1.0
_FIRST, _MOST = 1_000, 1_000_000

# So many chunks are there for each CPU at a time.
_AHEAD = 2


def _function(of):
    """The function, in a worker: its module is loaded once, by digest."""
    data, digest, name, whole, links = of
    return _loading.function_again(ray.get(data) if isinstance(data, ray.ObjectRef) else data, digest, name, whole, links)


# What is put into Ray's store once, by digest: bytes of modules.
_put = {}


def _described(function):
    """A function as workers are told of it: by a reference to its module's bytes, and by names."""
    if isinstance(function, Module):
        function = function.itself()
    if not isinstance(function, Function):
        raise TypeError(f"expected a function of a purefork.Module, but was given {function!r}")
    data, digest, name, whole, links = _loading.pickled_function(function)
    key = (digest, ray.get_runtime_context().get_job_id())
    if key not in _put:
        _put[key] = ray.put(data)
    return _put[key], digest, name, whole, links


def _call(of, args, keywords):
    return _function(of)(*args, **keywords)


def _chunk(of, columns, errors):
    begun = time.perf_counter()
    results = _function(of).map(*columns, errors=errors)
    return _plain(results), time.perf_counter() - begun


def _plain(results):
    """Numbers as an array, which Ray's store holds without a copy; other results as they are."""
    if isinstance(results, list):
        return results
    try:
        import numpy
    except ImportError:
        return results.tolist()
    return numpy.asarray(results)


# Retried without end: what is proven pure gives the same again. An exception is a result, and is not.
_OPTIONS = {"max_retries": -1, "retry_exceptions": False}


def ray_fork(function, /, *args, options=None, **keywords):
    """Forks a call on the cluster; gives Ray's reference to its value. `options`: those of a task of Ray's, `num_cpus` and the like."""
    task = ray.remote(_call).options(**{**_OPTIONS, **(options or {})})
    return task.remote(_described(function), args, keywords)


def ray_map(function, *columns, chunk="auto", errors="raise", options=None):
    """The results of calls with each row, in order, one by one; as `ray_chunks` has them."""
    for results in ray_chunks(function, *columns, chunk=chunk, errors=errors, options=options):
        yield from results


def ray_chunks(function, *columns, chunk="auto", errors="raise", options=None):
    """The results of calls with each row, in order, a chunk at a time: arrays of numpy where they are numbers. `chunk`: rows of a task, or `"auto"`: as many as take from 0.1 to 1 second.

    `columns`: arrays, lists, or iterables of any length; or one dataset of Ray's, of which the columns are the parameters in order of their
    names' appearance.
    """
    of = _described(function)
    task = ray.remote(_chunk).options(**{**_OPTIONS, **(options or {})})
    take = _taker(columns)
    size = _FIRST if chunk == "auto" else int(chunk)
    if size < 1:
        raise ValueError(f"expected a chunk of at least 1 row, but was given {chunk}")
    most = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    pending = []

    def feed():
        rows = take(size)
        if rows is None:
            return False
        pending.append((task.remote(of, rows, errors), len(rows[0])))
        return True

    try:
        while pending or feed():
            while len(pending) < most and feed():
                pass
            reference, count = pending.pop(0)
            results, seconds = ray.get(reference)
            if chunk == "auto":
                size = _next(size, count, seconds)
            yield results
    finally:
        for reference, _ in pending:
            ray.cancel(reference, force=False)


def _next(size, count, seconds):
    """How many rows the next chunk has, by how long one took. Results do not depend on it."""
    if seconds < _SHORT:
        return min(_MOST, max(size, 2 * count))
    if seconds > _LONG:
        return max(1, min(size, int(count * _LONG / seconds)))
    return size


def _taker(columns):
    """What takes the next rows of all columns, as a column each; None at the end."""
    if len(columns) == 1 and hasattr(columns[0], "iter_batches"):
        batches = columns[0].iter_batches(batch_size=_FIRST * 100, batch_format="numpy")

        def take(_):
            batch = next(batches, None)
            return None if batch is None else list(batch.values())

        batches = iter(batches)
        return take
    if all(hasattr(column, "__len__") and hasattr(column, "__getitem__") for column in columns):
        lengths = {len(column) for column in columns}
        if len(lengths) != 1:
            raise ValueError(f"expected columns of one length, but was given {[len(column) for column in columns]}")
        (length,), at = lengths, 0

        def take(count):
            nonlocal at
            if at >= length:
                return None
            rows = [column[at : at + count] for column in columns]
            at += count
            return rows

        return take
    rows = zip(*columns, strict=True)

    def take(count):
        chunk = list(itertools.islice(rows, count))
        return [list(column) for column in zip(*chunk)] if chunk else None

    return take


class MapBatches:
    """For `Dataset.map_batches(MapBatches, fn_constructor_args=(describe(m.f), ["a", "b"], "sum"), …)`: adds a column of results."""

    def __init__(self, of, columns, result):
        self._function, self._columns, self._result = _function(of), columns, result

    def __call__(self, batch):
        return {**batch, self._result: _plain(self._function.map(*(batch[name] for name in self._columns)))}


def describe(function):
    """A function as `MapBatches` is given it."""
    return _described(function)


__all__ = ["MapBatches", "describe", "ray_chunks", "ray_fork", "ray_map"]
