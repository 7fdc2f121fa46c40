"""Fork pure WebAssembly functions; wait for their results.

    import purefork as pf

    m = pf.load("math.wasm")            # a path, bytes, text, or a file object
    fut = pf.fork(m.add, 2, b=3)        # returns at once
    assert pf.wait(fut) == 5
    assert m.add(2, b=3) == 5           # calling a function forks it and waits
"""

from ._purefork import Column, Function, Future, Module, Numbers, Promise, fork, wait, wait_all
from ._errors import (
    AlreadyCompleted,
    ArgumentMismatch,
    BrokenPromise,
    Cancelled,
    Err,
    Error,
    Exhausted,
    Failed,
    Impure,
    Invalid,
    Link,
    Malformed,
    NoSuchFunction,
    NotCallable,
    NotReady,
    OutOfFuel,
    OutOfMemory,
    Panicked,
    SignatureMismatch,
    StackOverflow,
    Timeout,
    TooDeep,
    TooManyForks,
    TooMuchOutput,
    Trap,
    Unreadable,
    Unsupported,
)
from ._types import Ok, Some, Tensor
from ._executor import Executor, Limits, default_executor, load
from ._futures import as_completed, collect_all, collect_any, first_ok
from ._snippets import Compiled, Snippets, javascript, python
from ._trace import Trace, trace
from ._stubs import stubs

__version__ = "0.1.0"

__all__ = [
    "AlreadyCompleted",
    "ArgumentMismatch",
    "BrokenPromise",
    "Cancelled",
    "Column",
    "Compiled",
    "Err",
    "Error",
    "Executor",
    "Exhausted",
    "Failed",
    "Function",
    "Future",
    "Impure",
    "Invalid",
    "Limits",
    "Link",
    "Malformed",
    "Module",
    "NoSuchFunction",
    "NotCallable",
    "NotReady",
    "Numbers",
    "Ok",
    "OutOfFuel",
    "OutOfMemory",
    "Panicked",
    "Promise",
    "SignatureMismatch",
    "Snippets",
    "Some",
    "StackOverflow",
    "Tensor",
    "Timeout",
    "TooDeep",
    "TooManyForks",
    "TooMuchOutput",
    "Trace",
    "Trap",
    "Unreadable",
    "Unsupported",
    "as_completed",
    "collect_all",
    "collect_any",
    "default_executor",
    "first_ok",
    "fork",
    "javascript",
    "load",
    "python",
    "stubs",
    "trace",
    "wait",
    "wait_all",
]
