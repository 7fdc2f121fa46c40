"""purefork's errors: a class for each kind, below `Error`."""

import concurrent.futures


class Error(Exception):
    """What a call, or loading a module, failed with.

    `kind`: its name; `message`: one sentence; `help`: what to do next, if anything; `reasons`: why a guest was refused; `backtrace`: the guest's
    frames, innermost first, as `(function, offset)`; `site`: the file, line and function of Python that forked the call; `chain`: the calls from
    the one that failed up to the one that Python forked, as `(function, number of the fork)`; `row`: the row, of one among many.
    """

    kind = "Failed"
    help = None
    reasons = ()
    backtrace = ()
    chain = ()
    omitted = 0
    catchable = False
    site = None
    row = None

    def __init__(self, message="", **parts):
        super().__init__(message)
        self.message = message
        self.__dict__.update(parts)

    def __str__(self):
        lines = [str(self.message)]
        if self.help:
            lines.append(f"  {self.help}")
        lines.extend(f"  {reason}" for reason in self.reasons)
        return "\n".join(lines)

    def __reduce__(self):
        return _again, (type(self).__name__, self.message, dict(self.__dict__))


def _kind(name, doc, *bases):
    made = type(name, (Error, *bases), {"__doc__": doc, "__module__": "purefork", "kind": name})
    _KINDS[name] = made
    return made


_KINDS = {}
Error.__module__ = "purefork"

Unreadable = _kind("Unreadable", "A file could not be read.", OSError)
Malformed = _kind("Malformed", "The bytes are no valid WebAssembly.", ValueError)
Impure = _kind("Impure", "The guest cannot be shown to be pure; `reasons` has every reason.", ValueError)
Unsupported = _kind("Unsupported", "The guest is pure but needs more than the executor gives it.", ValueError)
Link = _kind("Link", "What a module forks does not fit, or nothing provides it.", ValueError)
NotCallable = _kind("NotCallable", "It cannot be called, or forked.", TypeError)
NoSuchFunction = _kind("NoSuchFunction", "The module exports no function of that name.", AttributeError)
ArgumentMismatch = _kind("ArgumentMismatch", "Arguments do not fit the function's parameters.", TypeError)
SignatureMismatch = _kind("SignatureMismatch", "The types given are not the function's.", TypeError)
Trap = _kind("Trap", "The guest trapped.")
OutOfFuel = _kind("OutOfFuel", "The call used up its fuel.")
OutOfMemory = _kind("OutOfMemory", "The call was refused memory beyond its limit.", MemoryError)
StackOverflow = _kind("StackOverflow", "The call used up its stack.", RecursionError)
TooDeep = _kind("TooDeep", "Forks are nested more deeply than the limit.", RecursionError)
TooManyForks = _kind("TooManyForks", "A call, or a tree of calls, forked more than its limit.")
TooMuchOutput = _kind("TooMuchOutput", "A call wrote more by way of WASI than its limit.")
Timeout = _kind("Timeout", "The tree of calls ran longer than its limit.", TimeoutError)
Cancelled = _kind("Cancelled", "The call was cancelled, or the executor was shut down.", concurrent.futures.CancelledError)
Exhausted = _kind("Exhausted", "The host ran out of something that the limits would have allowed.", MemoryError)
NotReady = _kind("NotReady", "A future has no value yet.", concurrent.futures.InvalidStateError)
AlreadyCompleted = _kind("AlreadyCompleted", "A promise was completed a second time.", concurrent.futures.InvalidStateError)
BrokenPromise = _kind("BrokenPromise", "A promise was dropped before it was completed.")
Panicked = _kind("Panicked", "A callback of the host's panicked.")
Failed = _kind("Failed", "An error of the host's own code.")
Invalid = _kind("Invalid", "A configuration that cannot be had, or a use that makes no sense.", ValueError)


class Err(Error):
    """The `err` of a `result`: raised where a function returns it, and a value where it lies within another.

    Of a snippet, `traceback` is what its language shows of the lines that were running.
    """

    __match_args__ = ("value",)
    kind = "Err"
    traceback = None

    def __init__(self, value=None):
        super().__init__(value)
        self.value = value

    def __str__(self):
        if self.traceback is not None:
            return str(self.value)
        return "the function returned an err" if self.value is None else f"the function returned an err: {self.value!r}"

    def __repr__(self):
        return f"Err({self.value!r})"

    def __eq__(self, other):
        return self.value == other.value if isinstance(other, Err) else NotImplemented

    def __hash__(self):
        return hash((Err, self.value))

    def __reduce__(self):
        return Err, (self.value,), self.__dict__


Err.__module__ = "purefork"


def _again(name, message, parts):
    error = _KINDS.get(name, Error)(message)
    error.__dict__.update(parts)
    return error


def make(kind, message, site=None, **parts):
    """The exception of an error. Called by the native half."""
    error = _KINDS.get(kind, Error)(message)
    error.__dict__.update(parts)
    error.__dict__["site"] = site
    for function, offset in error.backtrace[:16]:
        error.add_note(f"  in the guest, `{function}`" + ("" if offset is None else f" (offset {offset:#x})"))
    for function, number in error.chain[:-1][:8]:
        error.add_note(f"  `{function}` was fork #{number} of its parent" if number else f"  `{function}`")
    if site is not None and error.chain:
        file, line, name = site
        error.add_note(f'  `{error.chain[-1][0]}` was forked at {file}:{line}, in {name}')
    return error
