"""Where a module comes from, and how it is pickled: by its bytes, with what it is linked to and what its calls may do."""

import os


def read(source):
    """A path, or bytes: of what `load` was given."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return None, bytes(source)
    if isinstance(source, str):
        # Text that begins like a module; no file is called so.
        if source.lstrip().startswith(("(", ";;")):
            return None, source.encode()
        return source, None
    if isinstance(source, os.PathLike):
        return os.fspath(source), None
    if hasattr(source, "read"):
        data = source.read()
        if not isinstance(data, (str, bytes, bytearray, memoryview)):
            raise TypeError(f"expected a file whose `read` gives bytes or text as a module, but was given {type(data).__name__} by it")
        return None, data.encode() if isinstance(data, str) else bytes(data)
    try:
        return None, bytes(memoryview(source))
    except TypeError:
        pass
    raise TypeError(f"expected a path, bytes, text or a file as a module, but was given {type(source).__name__}")


def linked(source, links):
    """The source of a module that others are linked to."""
    return {**source, "links": [*source.get("links", ()), *links]}


def of_bytes(_, source):
    """The source of a module that was made of another."""
    return dict(source)


def _parts(source):
    return dict(source.get("links", ())), source.get("meaning", {})


def _key(digest, links, meaning):
    """What a module is the same by: its bytes, what it forks, and what its calls may do."""
    linked = ((name, _key(module.digest, *_parts(module._source))) for name, module in links.items())
    return digest, tuple(sorted(linked)), tuple(sorted((name, repr(value)) for name, value in meaning.items()))


class Recent(dict):
    """A dict of the things that were asked for last."""

    MOST = 64

    def find(self, key, make):
        found = self.pop(key, None)
        if found is None:
            found = make()
        self[key] = found
        for old in list(self)[: -self.MOST]:
            self.pop(old, None)
        return found


def pickled(module):
    return module.bytes(), module.digest, *_parts(module._source)


# Modules that came by pickle: a thousand functions of one module are one module.
_came = Recent()

# The executors of modules that came by pickle, where they are not the default one: by what calls may do, and their threads.
_executors = {}

# How many threads those have; None: as many as there are cores.
_threads = None


def use_threads(threads):
    """Says how many threads modules that come by pickle from now on are called by."""
    global _threads
    _threads = threads


def _executor(meaning):
    from ._executor import Executor, default_executor

    if not meaning and _threads is None:
        return default_executor()
    key = _threads, tuple(sorted((name, repr(value)) for name, value in meaning.items()))
    known = _executors.get(key)
    if known is None or known._core.is_shut_down():
        known = _executors[key] = Executor(_threads, **meaning)
    return known


def again(data, digest, links, meaning):
    executor = _executor(meaning)

    def load():
        module = executor.load(data)
        if module.digest != digest:
            raise ValueError(f"expected the module {digest}, but the bytes are those of {module.digest}")
        return module.link(**links) if links else module

    return _came.find((id(executor), _key(digest, links, meaning)), load)


def pickled_function(function):
    data, digest = function._bytes()
    return data, digest, function.exact_name, function._whole, *_parts(function._source)


def function_again(data, digest, name, whole, links, meaning):
    function = again(data, digest, links, meaning)[name]
    return function.as_result if whole else function


def forget():
    _came.clear()
    _executors.clear()
