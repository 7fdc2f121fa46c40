"""Snippets of Python or JavaScript, given as text: each call in a fresh interpreter, in a sandbox."""

import os

from ._errors import make

_RUNNERS = {"python": "snippet-py", "javascript": "snippet-js"}


class Snippets:
    """Runs code that defines `main(input)`, with an input and a result that JSON has.

    What it raises is a `purefork.Err`, with its line. `compile` gives one in which code has been read already.
    """

    __module__ = "purefork"

    def __init__(self, module):
        self._module = module

    def fork(self, code, input=None):
        """Forks a call of `main` that the code defines; gives a future of its result."""
        return self._module.run.fork(code, _encoded(input)).then(_decoded)

    def __call__(self, code, input=None):
        return self.fork(code, input).wait()

    def compile(self, code):
        """Reads code once, in a module of its own; its calls start from what the code has defined, and cost only themselves."""
        return Compiled(self._module.preinit("prelude", code))

    @property
    def module(self):
        """The runner."""
        return self._module


class Compiled:
    """Code that was read: `fork(input)` calls its `main`."""

    __module__ = "purefork"

    def __init__(self, module):
        self._module = module

    def fork(self, input=None):
        """Forks a call of `main`; gives a future of its result."""
        return self._module.run.fork("main = main", _encoded(input)).then(_decoded)

    def __call__(self, input=None):
        return self.fork(input).wait()

    def map(self, inputs):
        """The results of calls with each input, in order."""
        import json

        inputs = [json.dumps(each) for each in inputs]
        return [json.loads(each) for each in self._module.run.map(["main = main"] * len(inputs), inputs)]

    @property
    def module(self):
        """The module, to be kept as a file by its `bytes()`."""
        return self._module


def _encoded(input):
    import json

    return json.dumps(input)


def _decoded(done):
    import json

    return json.loads(done.value())


def python(runner=None, *, executor=None):
    """What runs snippets of Python. `runner`: the component that `examples/snippet-py/build` makes; else the file that `PUREFORK_SNIPPET_PY` names."""
    return _snippets("python", runner, executor)


def javascript(runner=None, *, executor=None):
    """What runs snippets of JavaScript. `runner`: the component that `examples/snippet-js/build` makes; else the file that `PUREFORK_SNIPPET_JS` names."""
    return _snippets("javascript", runner, executor)


def _snippets(language, runner, executor):
    from ._executor import load
    from ._purefork import Module

    if isinstance(runner, Module):
        return Snippets(runner)
    name = _RUNNERS[language]
    variable = "PUREFORK_" + name.upper().replace("-", "_")
    runner = runner or os.environ.get(variable)
    if runner is None:
        raise make(
            "Unreadable",
            f"there is no runner of {language}",
            help=f"build it by `examples/{name}/build {name}.wasm`, and give its path, or say it in {variable}",
        )
    return Snippets(load(runner, executor=executor))
