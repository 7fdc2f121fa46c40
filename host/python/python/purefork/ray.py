"""purefork on Ray: the same calls, on the machines of a cluster.

    from purefork.ray import ray_fork, ray_map

    ref = ray_fork(m.add, 2, b=3)                    # an ObjectRef
    sums = list(ray_map(m.add, left, right))         # rows in chunks, in order

Each worker has an executor, with as many threads as its task has CPUs, which loads a module once and keeps its machine code in the user's cache directory.
The limits of the function's own executor, and what else a result may depend on, hold there too. Calls that a call forks stay in its worker. A task
that a worker took with it when it died runs again as often as it takes: its function is proven pure, so the result is the same. What a call fails with, a
trap or a limit, is a result, and is not tried again.
"""

import itertools
import sys
import time

import ray

from . import _loading
from ._errors import Error
from ._purefork import Function, Module

# A chunk is to take so long, in seconds: long beside what Ray takes for a task, short beside the loss of a worker.
_SHORT, _LONG = 0.1, 1.0
_FIRST, _MOST = 1_000, 1_000_000

# So many chunks are there for each CPU at a time.
_AHEAD = 2

# Retried without end: what is proven pure gives the same again. An exception is a result, and is not.
_OPTIONS = {"max_retries": -1, "retry_exceptions": False}

# In the driver: what was put into Ray's store, by the module's source and the connection to the cluster.
_put = _loading.Recent()

# In a worker: modules by the reference to them.
_got = _loading.Recent()


def describe(function):
    """A function as `MapBatches` is given it: a reference to its module in Ray's store, and its name."""
    if isinstance(function, Module):
        function = function.itself()
    if not isinstance(function, Function):
        raise TypeError(f"expected a function of a purefork.Module, but was given {function!r}")
    source = function._source
    context = ray.get_runtime_context()
    # Of another cluster, or another connection to this one, a reference means nothing.
    connection = context.get_node_id(), context.get_job_id()

    def put():
        data, digest, _, _, links, meaning = _loading.pickled_function(function)
        # The source is kept, so that its number is no other's.
        return ray.put((data, digest, links, meaning)), source

    return _put.find((id(source), connection), put)[0], function.exact_name, function._whole


def _function(of):
    """The function, in a worker."""
    reference, name, whole = of
    cpus = ray.get_runtime_context().get_assigned_resources().get("CPU", 1)
    threads = max(1, int(cpus))
    _loading.use_threads(threads)
    module = _got.find((reference.hex(), threads), lambda: _loading.again(*ray.get(reference)))
    function = module[name]
    return function.as_result if whole else function


@ray.remote
def _call(of, args, keywords):
    return _function(of)(*args, **keywords)


@ray.remote
def _chunk(of, columns, errors):
    function = _function(of)
    begun = time.perf_counter()
    results = function.map(*columns, errors=errors)
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


def ray_fork(function, /, *args, options=None, **keywords):
    """Forks a call on the cluster; gives Ray's reference to its value. `options`: those of a task of Ray's, `num_cpus` and the like."""
    return _call.options(**{**_OPTIONS, **(options or {})}).remote(describe(function), args, keywords)


def ray_map(function, *columns, chunk="auto", errors="raise", options=None):
    """The results of calls with each row, in order, one by one; as `ray_chunks` has them."""
    for results in ray_chunks(function, *columns, chunk=chunk, errors=errors, options=options):
        yield from results


def ray_chunks(function, *columns, chunk="auto", errors="raise", options=None):
    """The results of calls with each row, in order, a chunk at a time: arrays of numpy where they are numbers.

    `columns`: arrays, lists, or iterables of any length; or one dataset of Ray's, whose columns are the parameters of these names, or, where they are called
    otherwise, in their order. `chunk`: rows of a task, or `"auto"`: as many as take from 0.1 to 1 second. `errors`: `"raise"`, or `"keep"`, which leaves
    an exception in its row's place. `options`: those of a task of Ray's.
    """
    if errors not in ("raise", "keep"):
        raise ValueError(f'expected "raise" or "keep" as errors, but was given {errors!r}')
    if chunk != "auto" and (not isinstance(chunk, int) or chunk < 1):
        raise ValueError(f'expected "auto" or a number of rows, at least 1, as a chunk, but was given {chunk!r}')
    of = describe(function)
    take = _taker(function.itself() if isinstance(function, Module) else function, columns)
    return _chunks(of, take, chunk, errors, {**_OPTIONS, **(options or {})})


def _chunks(of, take, chunk, errors, options):
    task = _chunk.options(**options)
    size = _FIRST if chunk == "auto" else chunk
    most = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    pending, row = [], 0

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
            reference, count = pending[0]
            try:
                results, seconds = ray.get(reference)
            except ray.exceptions.RayTaskError as failed:
                # The call's own error, of the row among all.
                error = failed.cause
                if isinstance(error, Error):
                    raise _in_row(error, row) from failed
                raise
            del pending[0]
            if errors == "keep" and isinstance(results, list):
                results = [_in_row(result, row) if isinstance(result, Error) else result for result in results]
            if chunk == "auto":
                size = _next(size, count, seconds)
            row += count
            yield results
    finally:
        for reference, _ in pending:
            ray.cancel(reference, force=False)


def _in_row(error, first):
    if error.row is not None:
        error.row += first
    return error


def _next(size, count, seconds):
    """How many rows the next chunk has, by how long one took. Results do not depend on it."""
    if seconds < _SHORT:
        return min(_MOST, max(size, 2 * count))
    if seconds > _LONG:
        return max(1, min(size, int(count * _LONG / seconds)))
    return size


def _taker(function, columns):
    """What takes the next rows of all columns, as a column each; None at the end."""
    if len(columns) == 1 and "ray.data" in sys.modules and isinstance(columns[0], sys.modules["ray.data"].Dataset):
        return _of_blocks(function, _in_order(columns[0]))
    if columns and all(hasattr(column, "__len__") and hasattr(column, "__getitem__") for column in columns):
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
    if not columns:
        raise ValueError("expected a column for each parameter, but was given none")
    rows = zip(*columns, strict=True)

    def take(count):
        chunk = list(itertools.islice(rows, count))
        return [list(column) for column in zip(*chunk)] if chunk else None

    return take


def _in_order(dataset):
    """A dataset's blocks. Ray gives them as they get ready, unless it is told not to."""
    options = dataset.context.execution_options
    before, options.preserve_order = options.preserve_order, True
    try:
        yield from dataset.iter_batches(batch_size=None, batch_format="numpy")
    finally:
        options.preserve_order = before


def _of_blocks(function, blocks):
    """Rows of a dataset's blocks; none goes over the end of one."""
    names = [name for name, _ in function._hints()[0]]
    blocks, block = iter(blocks), None

    def take(count):
        nonlocal block
        while not block or not len(block[0]):
            batch = next(blocks, None)
            if batch is None:
                return None
            ordered = [batch[name] for name in names] if set(names) <= set(batch) else list(batch.values())
            # What is no array of numbers is an array of objects.
            block = [column.tolist() if getattr(column, "dtype", None) == object else column for column in ordered]
        rows = [column[:count] for column in block]
        block = [column[count:] for column in block]
        return rows

    return take


class MapBatches:
    """For `Dataset.map_batches(MapBatches, fn_constructor_args=(describe(m.f), ["a", "b"], "sum"), …)`: adds a column of results."""

    def __init__(self, of, columns, result):
        self._function, self._columns, self._result = _function(of), columns, result

    def __call__(self, batch):
        columns = (batch[name] for name in self._columns)
        columns = [column.tolist() if getattr(column, "dtype", None) == object else column for column in columns]
        return {**batch, self._result: _plain(self._function.map(*columns))}


__all__ = ["MapBatches", "describe", "ray_chunks", "ray_fork", "ray_map"]
