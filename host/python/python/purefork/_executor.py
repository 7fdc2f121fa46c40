"""The executor, as `concurrent.futures` has executors."""

import atexit
import collections.abc
import concurrent.futures
import itertools
import operator
import os
import sys
import threading
import time
import weakref

from . import _loading, _signals
from ._errors import Err
from ._purefork import Core, Function, Module, _ending
from ._types import Types

_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def _whole(name, given):
    """A whole number from 0 up, or None."""
    if given is None:
        return None
    if not hasattr(given, "__index__") or isinstance(given, bool):
        raise TypeError(f"`{name}`: expected a whole number, but was given {given!r}, of type {type(given).__name__}")
    if not 0 <= operator.index(given) < 2**64:
        raise ValueError(f"`{name}`: expected a whole number from 0 to {2**64 - 1}, but was given {given!r}")
    return operator.index(given)


def _bytes(name, given):
    """`64MiB`, or a number."""
    if given is None or isinstance(given, int):
        return _whole(name, given)
    if isinstance(given, str):
        text = given.strip().lower()
        digits = text.rstrip("abcdefghijklmnopqrstuvwxyz").strip()
        unit = text[len(digits):].strip() or "b"
        if digits.isdigit() and unit in _UNITS:
            return int(digits) * _UNITS[unit]
    raise ValueError(f"`{name}`: expected bytes, as 67108864 or \"64MiB\", but was given {given!r}")


class Limits:
    """What every call may use; what is not said is as by default.

    `fuel`: units of about an instruction; `memory`, `heap`, `stack`, `output`, `tree_values`: bytes, or texts such as "64MiB"; `timeout`: seconds for
    a whole tree of calls; `forks`, `depth`, `tree_forks`, `table_elements`, `compile`: numbers.
    """

    __slots__ = ("_given",)

    def __init__(
        self,
        *,
        fuel=None,
        memory=None,
        heap=None,
        stack=None,
        timeout=None,
        forks=None,
        depth=None,
        tree_forks=None,
        tree_values=None,
        table_elements=None,
        output=None,
        compile=None,
    ):
        given = {
            "fuel": _whole("fuel", fuel),
            "memory": _bytes("memory", memory),
            "heap": _bytes("heap", heap),
            "stack": _bytes("stack", stack),
            "timeout": _seconds(timeout),
            "forks": _whole("forks", forks),
            "depth": _whole("depth", depth),
            "tree_forks": _whole("tree_forks", tree_forks),
            "tree_values": _bytes("tree_values", tree_values),
            "table_elements": _whole("table_elements", table_elements),
            "output": _bytes("output", output),
            "compile": _whole("compile", compile),
        }
        object.__setattr__(self, "_given", {name: value for name, value in given.items() if value is not None})

    def __setattr__(self, name, value):
        raise AttributeError("limits are frozen")

    def __repr__(self):
        return f"Limits({', '.join(f'{name}={value!r}' for name, value in self._given.items())})"

    def __eq__(self, other):
        return self._given == other._given if isinstance(other, Limits) else NotImplemented

    def __hash__(self):
        return hash(tuple(sorted(self._given.items())))

    def __reduce__(self):
        return _limits, (self._given,)


Limits.__module__ = "purefork"


def _directory(name, given):
    if not isinstance(given, (str, os.PathLike)):
        raise TypeError(f"`{name}`: expected a directory, or a bool, but was given {given!r}, of type {type(given).__name__}")
    return os.fspath(given)


def _seconds(given):
    """Seconds as a number; none, where they have no end."""
    if given is None or given == float("inf"):
        return None
    if hasattr(given, "total_seconds"):
        given = given.total_seconds()
    if not isinstance(given, (int, float)) or isinstance(given, bool):
        raise TypeError(f"`timeout`: expected seconds, but was given {given!r}, of type {type(given).__name__}")
    if not given >= 0:
        raise ValueError(f"`timeout`: expected seconds, but was given {given!r}")
    return given


def _limits(given):
    return Limits(**given)


_USUAL = {"limits": Limits(), "wasi": False, "isolation": "recycled", "unknown_imports": "refuse"}

# Those that have to end before the interpreter does.
_alive = weakref.WeakSet()


class Executor(concurrent.futures.Executor):
    """Worker threads, engines and sandboxes.

    `threads`: one for each core, by default; `serial`: runs every call where it is forked; `limits`: what calls may use; `cache`: a directory for
    machine code, `None` for the user's own, `False` for none; `memo`: `True`, or a directory, to make no call twice; `wasi`: whether guests
    may import WASI, in a world that stands still; `isolation`: `"recycled"` or `"fresh"`; `unknown_imports`: `"trap"` takes guests that import what
    nothing provides.

    It is a `concurrent.futures.Executor` whose functions are those of modules.
    """

    def __init__(
        self,
        threads=None,
        limits=None,
        *,
        serial=False,
        cache=None,
        memo=None,
        wasi=False,
        isolation="recycled",
        unknown_imports="refuse",
    ):
        if limits is None:
            limits = Limits()
        if not isinstance(limits, Limits):
            raise TypeError(f"expected purefork.Limits as limits, but was given {type(limits).__name__}")
        if isolation not in ("recycled", "fresh"):
            raise ValueError(f'expected "recycled" or "fresh" as isolation, but was given {isolation!r}')
        if unknown_imports not in ("refuse", "trap"):
            raise ValueError(f'expected "refuse" or "trap" as unknown_imports, but was given {unknown_imports!r}')
        if wasi not in (False, None, "none", True, "frozen"):
            raise ValueError(f'expected a bool, "frozen" or "none" as wasi, but was given {wasi!r}')
        options = {
            "threads": _whole("threads", threads),
            "serial": bool(serial),
            "wasi": wasi in (True, "frozen"),
            "fresh": isolation == "fresh",
            "trap_unknown_imports": unknown_imports == "trap",
            "memo": memo is True,
            "memo_dir": None if memo in (None, False, True) else _directory("memo", memo),
        }
        cache = None if cache is True else cache
        usual = Core.default_cache_dir() if cache is None else None
        if cache is not None and cache is not False:
            options["cache_dir"] = _directory("cache", cache)
        elif usual is not None:
            options["cache_dir"] = usual
        try:
            self._core = Core(options, limits._given)
        except ValueError:
            # The user's own cache cannot be used: without one, all is the same but slower.
            if usual is None or options.pop("cache_dir", None) is None:
                raise
            self._core = Core(options, limits._given)
        self._limits = limits
        # What a call's result may depend on: goes with modules that are pickled.
        meaning = {"limits": limits, "wasi": options["wasi"], "isolation": isolation, "unknown_imports": unknown_imports}
        self._meaning = {name: value for name, value in meaning.items() if value != _USUAL[name]}
        _alive.add(self)
        _signals.arm()

    @property
    def limits(self):
        """What calls may use, as far as it was said."""
        return self._limits

    def load(self, source, *, provide=None):
        """Loads a module: from a path, bytes, text, or a file object. It is audited and compiled.

        `provide`: modules that satisfy its imports in the same sandbox, by name.
        """
        _signals.arm()
        path, data = _loading.read(source)
        kept = {"meaning": self._meaning}
        provide = {} if provide is None else provide
        if not isinstance(provide, collections.abc.Mapping):
            raise TypeError(f"expected modules by name as `provide`, but was given {provide!r}, of type {type(provide).__name__}")
        return self._core.load(path, data, Types(), list(provide.items()), kept)

    def submit(self, fn, /, *args, **kwargs):
        """Forks a call; as `purefork.fork`."""
        if self._core.is_shut_down():
            raise RuntimeError("cannot schedule new futures after shutdown")
        if isinstance(fn, Module):
            fn = fn.itself()
        if not isinstance(fn, Function):
            raise TypeError(f"expected a function of a purefork.Module, but was given {fn!r}: a function in Python is not pure")
        return fn._fork_from(sys._getframe(1), args, kwargs)

    def map(self, fn, *iterables, timeout=None, chunksize=None, buffersize=None):
        """The results of calls with the items of the iterables, in order, as they come; `chunksize` calls go to a thread together."""
        if not isinstance(fn, Function):
            raise TypeError(f"expected a function of a purefork.Module, but was given {fn!r}")
        if chunksize is not None and chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        if self._core.is_shut_down():
            raise RuntimeError("cannot schedule new futures after shutdown")
        end = None if timeout is None else time.monotonic() + timeout
        size = chunksize or 256
        # Without a limit, all is taken at once, as by the executors of the standard library.
        most = None if buffersize is None else max(1, -(-buffersize // size))
        return _results(fn, zip(*iterables), size, most, end)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Takes no more calls; waits for those that were forked, or cancels them."""
        self._core.shutdown(wait, cancel_futures)

    def __repr__(self):
        return f"<purefork.Executor{' serial' if self._core.serial else ''}{' shut down' if self._core.is_shut_down() else ''}>"

    def __reduce__(self):
        raise TypeError("an executor cannot be pickled: it is this process's threads")


Executor.__module__ = "purefork"


def _results(fn, rows, size, most, end):
    """An iterator of results. Rows are taken before it is asked for the first, as far as `most` pieces go."""
    pending = collections.deque()

    def feed():
        chunk = list(itertools.islice(rows, size))
        if chunk:
            pending.append(fn._fork_rows(chunk))
        return bool(chunk)

    while (most is None or len(pending) < most) and feed():
        pass

    def results():
        try:
            while pending:
                rest = None if end is None else max(0.0, end - time.monotonic())
                items = pending.popleft().wait(rest)
                if most is not None:
                    feed()
                for item in items:
                    # An `Err` that was asked for as it is is a value.
                    if isinstance(item, Exception) and not (fn._whole and isinstance(item, Err)):
                        raise item
                    yield item
        finally:
            for future in pending:
                future.cancel()

    return results()


_default = None
_lock = threading.Lock()


def default_executor():
    """The executor of `purefork.load`: with a thread for each core, made when it is first asked for; a new one in a forked process."""
    global _default
    with _lock:
        if _default is None or _default._core.is_shut_down():
            _default = Executor()
        return _default


def load(source, *, executor=None, provide=None):
    """Loads a module: from a path, bytes, text, or a file object. It is audited and compiled; its functions are its attributes."""
    if executor is None:
        executor = default_executor()
    elif not isinstance(executor, Executor):
        raise TypeError(f"expected a purefork.Executor as the executor, but was given {executor!r}, of type {type(executor).__name__}")
    return executor.load(source, provide=provide)


def _in_child():
    """In a forked process there are no threads of the parent's: what belongs to them says so, and the default executor is a new one."""
    global _default, _lock
    _default, _lock = None, threading.Lock()
    _alive.clear()
    _loading.forget()
    _signals.in_child()


def _at_exit():
    # No thread but this one and daemons is left.
    _ending()
    for executor in list(_alive):
        executor.shutdown(wait=True, cancel_futures=True)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
atexit.register(_at_exit)
