"""Where a module comes from, and how it is pickled: by its bytes and its digest."""

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
        return None, data.encode() if isinstance(data, str) else bytes(data)
    raise TypeError(f"expected a path, bytes, text or a file as a module, but was given {type(source).__name__}")


def linked(source, links):
    """The source of a module that others are linked to."""
    return {**source, "links": [*source.get("links", ()), *links]}


def of_bytes(data, source):
    """The source of a module that was made of another."""
    return {"links": source.get("links", ()), "bytes": data}


def pickled(module):
    return module.bytes(), module.digest, dict(module._source.get("links", ()))


# Modules that came by pickle, by digest: a thousand functions of one module are one module.
_came = {}


def again(data, digest, links):
    from ._executor import default_executor

    executor = default_executor()
    key = (digest, id(executor), tuple((name, module.digest) for name, module in links.items()))
    known = _came.get(key)
    if known is None:
        module = executor.load(data)
        if module.digest != digest:
            raise ValueError(f"expected the module {digest}, but the bytes are those of {module.digest}")
        known = _came[key] = module.link(**links) if links else module
    return known


def pickled_function(function):
    data, digest = function._bytes()
    return data, digest, function.exact_name, function._whole, dict(function._source.get("links", ()))


def function_again(data, digest, name, whole, links):
    function = again(data, digest, links)[name]
    return function.as_result if whole else function


def forget():
    _came.clear()
