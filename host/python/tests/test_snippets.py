"""Snippets of Python; where there is no runner, what to do about it."""

import os
import pathlib

import pytest

import purefork as pf

ROOT = pathlib.Path(__file__).resolve().parents[3]
RUNNER = next((path for path in (ROOT / "snippet-py.wasm", pathlib.Path(os.environ.get("PUREFORK_SNIPPET_PY", "-"))) if path.is_file()), None)


@pytest.fixture(scope="module")
def python():
    if RUNNER is None:
        pytest.skip("the runner was not built: examples/snippet-py/build snippet-py.wasm")
    return pf.python(RUNNER)


def test_without_a_runner_it_is_said_how_to_make_one(monkeypatch):
    monkeypatch.delenv("PUREFORK_SNIPPET_PY", raising=False)
    with pytest.raises(pf.Unreadable) as error:
        pf.python()
    assert "examples/snippet-py/build" in error.value.help


def test_a_snippet_is_run(python):
    assert python.fork("def main(x): return x['n'] ** 2", {"n": 3}).wait() == 9
    assert python("main = lambda x: x", [1, "é", None, {"a": 1.5}]) == [1, "é", None, {"a": 1.5}]


def test_what_a_snippet_raises_is_an_err_with_its_line(python):
    with pytest.raises(pf.Err, match=r"ZeroDivisionError.*line 2"):
        python("def main(x):\n    return 1 / 0")
    with pytest.raises(pf.Err):
        python("def main(:")


def test_a_snippet_sees_nothing_of_another(python):
    code = "import builtins\ndef main(x):\n    builtins.seen = getattr(builtins, 'seen', 0) + 1\n    return builtins.seen"
    assert [python(code) for _ in range(3)] == [1, 1, 1]


def test_compiled_code_is_read_once(python):
    squares = python.compile("def main(n): return n * n")
    assert squares(4) == 16 and squares.map(range(5)) == [0, 1, 4, 9, 16]
