"""What ran, as a graph."""

import sys

from ._purefork import Function, Module


class Trace:
    """What a call was made of: every call that it forked, as a graph. `str(trace)` prints it."""

    __module__ = "purefork"

    def __init__(self, ir, dot, perfetto, html):
        self._ir, self._dot, self._perfetto, self._html = ir, dot, perfetto, html

    def __str__(self):
        return self._ir

    def __repr__(self):
        return f"<purefork.Trace of {len(self._ir.splitlines())} lines>"

    def dot(self):
        """The graph as Graphviz draws it."""
        return self._dot

    def perfetto(self):
        """A timeline, as bytes for ui.perfetto.dev."""
        return self._perfetto

    def html(self):
        """A page that shows it."""
        return self._html

    def _repr_html_(self):
        import html

        return f"<pre>{html.escape(self._ir)}</pre>"


def trace(function, /, *args, **kwargs):
    """Runs a function to its end, and gives a trace of it and of all that it forks."""
    if isinstance(function, Module):
        function = function.itself()
    if not isinstance(function, Function):
        raise TypeError(f"expected a function of a purefork.Module, but was given {function!r}")
    asked = sys._getframe(1)
    return Trace(*function._trace(args, kwargs, (asked.f_code.co_filename, asked.f_lineno)))
