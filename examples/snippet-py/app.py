"""Runs Python code that is handed in as text. This file is executed once, when the component is built; its state is frozen then."""

import sys
from importlib.machinery import PathFinder

# A sandbox has no files, so a snippet can import only what was imported before the state was frozen.
import array, base64, binascii, bisect, calendar, cmath, collections, contextlib, copy, csv, dataclasses, datetime  # noqa: E401
import decimal, difflib, enum, fractions, functools, gc, graphlib, hashlib, heapq, html, io, itertools, json, math  # noqa: E401
import numbers, operator, os, random, re, statistics, string, struct, textwrap, time, types, typing, unicodedata  # noqa: E401
import urllib.parse, uuid, zlib  # noqa: E401
import linecache, marshal, traceback, warnings  # noqa: E401

import wit_world
from componentize_py_types import Err, Ok

PRELUDE, FILE = "<prelude>", "<snippet>"
snippet = types.ModuleType("snippet")  # what is defined: first by the prelude, if there is one


class Printed(io.TextIOBase):
    """Takes what a snippet prints. Who does not ask for it is given nothing, and that is no reason to fail."""

    def __init__(self):
        self.parts = None

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.parts is not None:
            self.parts.append(text)
        return len(text)


printed = Printed()


def unmarked(text):
    """Without the byte order mark that a file may begin with."""
    return text.removeprefix("\ufeff")


def absent(what):
    def refuse(*_, **__):
        raise OSError(f"a sandbox has no {what}")

    return refuse


sealed = False  # the build goes on after this file was executed, and reads files


def refuse_outside(event, _):
    if sealed and (event == "open" or event.startswith(("os.", "socket."))):
        raise OSError("a sandbox has no files, no processes and no network")


def prepare():
    """What reaches outside would end in a trap, which says little. Here it becomes an exception wherever that is cheap to have."""
    sys.modules[snippet.__name__] = snippet  # dataclasses look it up there
    random.seed(0)  # otherwise it depends on when the component was built
    sys.stdout = sys.stderr = printed
    sys.stdin = io.StringIO()
    warnings.simplefilter("ignore")
    # A traceback quotes source lines, and looks for files to do so.
    linecache.checkcache = lambda filename=None: None
    linecache.updatecache = lambda filename, module_globals=None: []
    os.stat = os.lstat = absent("files")
    os.urandom = absent("randomness; `random` gives the same numbers in every call")
    for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "sleep"):
        setattr(time, name, absent("clock"))
    # CPython opens a file to quote the line of a syntax error: this also keeps that from trapping.
    sys.addaudithook(refuse_outside)


def seal():
    global sealed
    if sealed:
        return
    sealed = True
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not PathFinder]


def line_of(error, file):
    """The file's line that cannot be parsed, or that was running."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    line, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == file:
            line = step.tb_lineno
        step = step.tb_next
    return line


def describe(error, file):
    text = type(error).__name__
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        line = line_of(error, file)
        text += f": {message}" if message else ""
        text += f" (line {line})" if line is not None else ""
    except BaseException:  # the exception is the snippet's, and so may be its __str__
        pass
    return text.encode("utf-8", "replace").decode()


def shown(error, code):
    """The traceback, from the code's own frames on."""
    try:
        # A traceback quotes lines of files.
        linecache.cache[FILE] = (len(code), None, unmarked(code).splitlines(True), FILE)
        step = error.__traceback__
        while step is not None and step.tb_frame.f_code.co_filename != FILE:
            step = step.tb_next
        text = "".join(traceback.format_exception(type(error), error, step, limit=-100))
    except BaseException:  # again, the exception is the snippet's
        return ""
    return text.encode("utf-8", "replace").decode()


scan = json.JSONDecoder().scan_once


def argument_of(input):
    try:
        # What `json.loads` does beside that takes longer than that.
        value, end = scan(input, 0)
        if end == len(input):
            return value
    except StopIteration:
        pass
    except (ValueError, RecursionError) as error:
        raise Err(f"the input is not JSON: {error}")
    try:
        return json.loads(unmarked(input))
    except (ValueError, RecursionError) as error:
        raise Err(f"the input is not JSON: {error}")


def read(code, file):
    return compile(unmarked(code), file, "exec")


def define(code, file):
    exec(read(code, file), snippet.__dict__)


def main():
    found = snippet.__dict__.get("main")
    if not callable(found):
        raise NameError("the code defines no function `main`")
    return found


def unknown(value):
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


# As `json.dumps` has it, but made once; where it comes upon itself again, that is seen by the first of these.
encoder = json.encoder.c_make_encoder({}, unknown, json.encoder.encode_basestring_ascii, None, ": ", ", ", False, False, False)


def encode(value):
    return "".join(encoder(value, 0))


def call(argument):
    result = main()(argument)
    try:
        return encode(result)
    except (TypeError, ValueError) as error:
        raise type(error)(f"the result is not JSON: {error}") from None


def freeze():
    """What is there now stays: were the collector to look at it in a call, it would touch, and so copy, all of it."""
    gc.collect()
    gc.freeze()


compiled = ""  # what `compile` was given


class WitWorld(wit_world.WitWorld):
    def prelude(self, code: str) -> None:
        seal()
        try:
            define(code, PRELUDE)
        except BaseException as error:
            raise Err(describe(error, PRELUDE))
        freeze()

    def run(self, code: str, input: str) -> str:
        seal()
        argument = argument_of(input)
        try:
            define(code, FILE)
            return call(argument)
        except BaseException as error:  # SystemExit too: whatever a snippet raises is its result
            raise Err(describe(error, FILE))

    def execute(self, code: str, input: str) -> wit_world.Outcome:
        return outcome(code, input, lambda: define(code, FILE))

    def parse(self, code: str) -> bytes:
        seal()
        try:
            made = read(code, FILE)
        except BaseException as error:
            made = describe(error, FILE), shown(error, code)
        return marshal.dumps(made)

    def execute_parsed(self, parsed: bytes, code: str, input: str) -> wit_world.Outcome:
        made = marshal.loads(parsed)
        if isinstance(made, tuple):
            return wit_world.Outcome(Err(wit_world.Failure(*made)), "")
        return outcome(code, input, lambda: exec(made, snippet.__dict__))

    def compile(self, code: str) -> None:
        global compiled
        seal()
        try:
            define(code, FILE)
            main()
        except BaseException as error:
            raise Err(describe(error, FILE))
        compiled = code
        freeze()

    def call(self, input: str) -> wit_world.Outcome:
        return outcome(compiled, input, None)


def outcome(code, input, run):
    """What becomes of a call of the code's `main`; the code is run first, if it was not before."""
    seal()
    printed.parts = parts = []
    try:
        argument = argument_of(input)
    except Err as error:
        return wit_world.Outcome(Err(wit_world.Failure(error.value, "")), "")
    try:
        if run is not None:
            run()
        value = Ok(call(argument))
    except BaseException as error:
        value = Err(wit_world.Failure(describe(error, FILE), shown(error, code)))
    return wit_world.Outcome(value, "".join(parts).encode("utf-8", "replace").decode() if parts else "")


prepare()

# CPython fits code to what it is used with, and writes that beside the code: here once, and not in each call.
for _ in range(64):
    define("def main(x):\n    return x", FILE)
    call(argument_of('{"a": [1, 2.5, "b", null, true]}'))
del snippet.main
freeze()
