"""Snippets of Python or JavaScript, given as text: each call in a fresh interpreter, in a sandbox."""

import os

from ._errors import Err, make
from ._loading import Recent
from ._purefork import Future, Module

# The package that a language's runner comes in, the folder of what builds one, and the variable that names a file.
_RUNNERS = {
    "Python": ("purefork-runner-python", "examples/snippet-py", "PUREFORK_SNIPPET_PY"),
    "JavaScript": ("purefork-runner-javascript", "examples/snippet-js", "PUREFORK_SNIPPET_JS"),
}

# JavaScript's numbers hold each whole number up to here.
_SAFE = 2**53


class Snippets:
    """Runs code given as text, with an input and a result that JSON has. Each call starts from the same state.

    In Python the code defines `main(input)`; in JavaScript it is a function expression. What it raises is a `purefork.Err`, with its line, and its
    `traceback`. `compile` gives one in which code has been read already.
    """

    __module__ = "purefork"

    def __init__(self, module, language):
        self._module, self._language = module, language
        # Python that was parsed, by its text: to parse it takes longer than most code takes to run.
        self._parsed = Recent() if "execute-parsed" in module else None
        missing = [name for name in ("prelude", "execute", "compile", "call") if name not in module]
        if missing:
            package, folder, _ = _RUNNERS[language]
            raise make(
                "Invalid",
                f"expected a runner of {language}, but was given a module without the function `{missing[0]}`",
                help=f"`pip install {package}`, or build one by `{folder}/build`",
            )

    def fork(self, code, input=None, *, stdout=None):
        """Forks a call of what the code defines; gives a future of its result. What it prints is written to `stdout`, if that is given, at the end."""
        input = self._encoded(input)
        if self._parsed is None:
            return _forked(self._module.execute.fork(code, input), stdout)
        # A future, maybe: the call starts once it is complete.
        return _forked(self._module.execute_parsed.fork(self._parse(code), code, input), stdout)

    def __call__(self, code, input=None, *, stdout=None):
        input = self._encoded(input)
        if self._parsed is None:
            return _value(self._module.execute(code, input), stdout)
        parsed = self._parse(code)
        return _value(self._module.execute_parsed(parsed.wait() if isinstance(parsed, Future) else parsed, code, input), stdout)

    def _parse(self, code):
        """The code as it was parsed, or a future of that. It is the same each time; where that failed, by a limit or a signal, it is tried again."""
        if not isinstance(code, str):
            # Has the words for it.
            return self._module.parse.fork(code)
        parsed = self._parsed.find(code, lambda: self._module.parse.fork(code))
        if isinstance(parsed, Future) and parsed.done():
            self._parsed.pop(code, None)
            if parsed.cancelled() or parsed.exception() is not None:
                return self._module.parse.fork(code)
            parsed = self._parsed[code] = parsed.value()
        return parsed

    def prelude(self, code):
        """Runs code once, and gives what runs snippets that begin with all it has defined."""
        return Snippets(_frozen(self._module, "prelude", code), self._language)

    def compile(self, code):
        """Reads code once, in a module of its own; its calls start from what the code has defined, and cost only themselves."""
        return Compiled(_frozen(self._module, "compile", code), self._language)

    def _encoded(self, input):
        return _encoded(input, self._language)

    def __repr__(self):
        return f"<purefork.Snippets of {self._language}>"

    @property
    def module(self):
        """The runner."""
        return self._module


class Compiled:
    """Code that was read: `fork(input)` calls what it defines."""

    __module__ = "purefork"

    def __init__(self, module, language):
        self._module, self._language = module, language

    def fork(self, input=None, *, stdout=None):
        """Forks a call; gives a future of its result. What it prints is written to `stdout`, if that is given, at the end."""
        return _forked(self._module.call.fork(_encoded(input, self._language)), stdout)

    def __call__(self, input=None, *, stdout=None):
        return _value(self._module.call(_encoded(input, self._language)), stdout)

    def map(self, inputs, *, errors="raise"):
        """The results of calls with each input, in order. `errors`: `"raise"`, or `"keep"`, which leaves an exception in its place."""
        outcomes = self._module.call.map([_encoded(input, self._language) for input in inputs], errors=errors)
        return [_kept(row, outcome, errors == "keep") for row, outcome in enumerate(outcomes)]

    def __repr__(self):
        return f"<purefork.Compiled {self._language} {self._module.digest[:12]}>"

    @property
    def module(self):
        """The module, to be kept as a file by its `bytes()`."""
        return self._module


def _frozen(module, function, code):
    """A module that has read the code."""
    try:
        # To freeze it takes seconds, to see what it raises does not.
        module[function](code)
    except Err as raised:
        error = Err(raised.value)
        error.traceback = ""
        raise error from None
    return module.preinit(function, code)


def _encoded(input, language):
    import json
    import re

    try:
        text = json.dumps(input, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise make("ArgumentMismatch", f"the input is not JSON: {error}") from error
    if language == "JavaScript" and re.search(r"\d{16}", text):
        _exact(input, "input")
    return text


def _exact(value, path):
    """Refuses a whole number that JavaScript would make another one of."""
    if isinstance(value, int) and abs(value) > _SAFE:
        raise make(
            "ArgumentMismatch",
            f"at `{path}`: expected a whole number from -{_SAFE} to {_SAFE}, which JavaScript holds exactly, but was given {value}",
            help="give it as a text, and make a `BigInt` of that",
        )
    if isinstance(value, dict):
        for key, item in value.items():
            _exact(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(value):
            _exact(item, f"{path}[{at}]")


def _forked(call, stdout):
    result = call.then(lambda done: _value(done.value(), stdout))

    def end(result):
        # Nobody else has the call, which would run on.
        if result.cancelled():
            call.cancel()

    result.add_done_callback(end)
    return result


def _value(outcome, stdout):
    """The result, or what the code raised."""
    import json

    if stdout is not None and outcome.output:
        stdout.write(outcome.output)
    result = outcome.value
    if isinstance(result, Err):
        failure = result.value
        error = Err(failure.message)
        error.traceback = failure.traceback
        if failure.traceback:
            error.add_note(failure.traceback.rstrip("\n"))
        raise error
    try:
        return json.loads(result.value)
    except (ValueError, RecursionError) as error:
        raise make("Failed", f"the result is JSON that Python does not read: {error}") from error


def _kept(row, outcome, keep):
    if isinstance(outcome, Exception):
        return outcome
    try:
        return _value(outcome, None)
    except Exception as error:
        error.row = row
        if keep:
            return error
        raise


def python(runner=None, *, executor=None):
    """What runs snippets of Python. `runner`: the component that does, a path, bytes or a module; else the file that `PUREFORK_SNIPPET_PY` names, or
    that of the package `purefork-runner-python`."""
    return _snippets("Python", runner, executor)


def javascript(runner=None, *, executor=None):
    """What runs snippets of JavaScript. `runner`: the component that does, a path, bytes or a module; else the file that `PUREFORK_SNIPPET_JS` names,
    or that of the package `purefork-runner-javascript`."""
    return _snippets("JavaScript", runner, executor)


def _snippets(language, runner, executor):
    from ._executor import load

    if not isinstance(runner, Module):
        runner = load(_runner(language) if runner is None else runner, executor=executor)
    elif executor is not None:
        raise make("Invalid", "expected a runner that is to be loaded, where an executor is given; a module has one already")
    return Snippets(runner, language)


def _runner(language):
    """The file of a language's runner."""
    import importlib

    package, folder, variable = _RUNNERS[language]
    if os.environ.get(variable):
        return os.environ[variable]
    try:
        return importlib.import_module(package.replace("-", "_")).RUNNER
    except ImportError:
        pass
    name = folder.rsplit("/", 1)[-1]
    raise make(
        "Unreadable",
        f"there is no runner of {language}",
        help=f"`pip install {package}`; or build one by `{folder}/build {name}.wasm`, and give its path, or say it in {variable}",
    )
