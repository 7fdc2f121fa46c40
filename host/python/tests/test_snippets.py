"""Snippets of Python and JavaScript; where there is no runner, what to do about it."""

import concurrent.futures
import importlib.util
import io
import os
import pathlib
import pickle

import pytest

import purefork as pf

ROOT = pathlib.Path(__file__).resolve().parents[3]
PLACES = {
    pf.python: ("purefork_runner_python", "PUREFORK_SNIPPET_PY", ROOT / "snippet-py.wasm"),
    pf.javascript: ("purefork_runner_javascript", "PUREFORK_SNIPPET_JS", ROOT / "snippet-js.wasm"),
}


def runner(language, **options):
    """What runs snippets, by the package of the runner or a file of it."""
    package, variable, path = PLACES[language]
    if importlib.util.find_spec(package) is not None or os.environ.get(variable):
        return language(**options)
    if not path.is_file():
        pytest.skip(f"there is no runner: {package.replace('_', '-')}")
    return language(path, **options)


@pytest.fixture(scope="module")
def python():
    return runner(pf.python)


@pytest.fixture(scope="module")
def javascript():
    return runner(pf.javascript)


@pytest.fixture(scope="module")
def squares(python):
    return python.compile("import json\n\ndef root(x):\n    return 1 / x\n\ndef main(x):\n    print('given', x)\n    return x * root(1 / x)\n")


@pytest.fixture(scope="module")
def doubles(javascript):
    return javascript.compile("async (x) => {\n  console.log('given', x);\n  if (x < 0) throw new RangeError('negative');\n  return 2 * x;\n}")


@pytest.mark.parametrize("language", [pf.python, pf.javascript])
def test_without_a_runner_it_is_said_how_to_get_one(monkeypatch, language):
    package, variable, _ = PLACES[language]
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(pf.Unreadable) as error:
        language()
    assert error.value.help.startswith(f"`pip install {package.replace('_', '-')}`; or build one by `examples/snippet-")


def test_a_module_that_is_no_runner_is_refused():
    with pytest.raises(pf.Invalid, match="expected a runner of Python, but was given a module without the function `prelude`"):
        pf.python(pf.load("(module)"))


# What JSON has is the same in both languages, and comes back as it went.
VALUES = [None, True, 0, -1, 1.5, 1e300, 2**53, "", "é\0\u2028\U0001f600", "\ud800", [], {}, [1, [2, [None]]], {"a": {"b": [1.5]}, "": 2}]


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_values_of_json_come_back_as_they_went(python, javascript, value):
    assert python("main = lambda x: x", value) == value
    assert javascript("(x) => x", value) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x", object(), [(lambda: [[float("-inf")]])()]], ids=repr)
def test_an_input_that_is_not_json_is_refused(python, value):
    with pytest.raises(pf.ArgumentMismatch, match="the input is not JSON"):
        python("main = lambda x: x", value)
    with pytest.raises(pf.ArgumentMismatch):
        python.fork("main = lambda x: x", value)


def test_a_whole_number_is_exact_or_refused(python, javascript):
    assert python("main = lambda x: x + 1", 2**200) == 2**200 + 1
    with pytest.raises(pf.ArgumentMismatch, match=r"at `input\.a\[1\]`: expected a whole number from -9007199254740992 to 9007199254740992"):
        javascript("(x) => x", {"a": [1, 2**53 + 1]})
    assert javascript("(x) => (BigInt(x) ** 2n).toString()", str(2**60)) == str(2**120)
    # A float is one in both, as is a text of digits.
    assert javascript("(x) => x", [1.0000000000000002, "12345678901234567890"]) == [1.0000000000000002, "12345678901234567890"]


def test_a_result_that_is_not_json_is_an_err(python, javascript):
    for code, said in [
        ("main = lambda x: float('nan')", "ValueError: the result is not JSON: Out of range float values"),
        ("main = lambda x: {1, 2}", "TypeError: the result is not JSON: Object of type set"),
        ("def main(x):\n a = []\n a.append(a)\n return a", "ValueError: the result is not JSON: Circular reference"),
        ("main = lambda x: 10 ** 5000", "ValueError: the result is not JSON: Exceeds the limit"),
    ]:
        with pytest.raises(pf.Err) as error:
            python(code)
        assert error.value.value.startswith(said)
    for code, said in [
        ("(x) => undefined", "TypeError: the result is not JSON, but undefined or a function"),
        ("(x) => 1n", "TypeError: BigInt value can't be serialized in JSON"),
        ("(x) => { const a = {}; a.a = a; return a }", "TypeError: cyclic object value"),
    ]:
        with pytest.raises(pf.Err) as error:
            javascript(code)
        assert error.value.value == said
    # As JSON.stringify has it.
    assert javascript("(x) => [NaN, undefined, { a: undefined }]") == [None, None, {}]


def test_what_python_raises_is_told_with_its_lines(python):
    with pytest.raises(pf.Err) as error:
        python("def root(x):\n    return 1 / x\n\ndef main(x):\n    return root(x - 1)\n", 1)
    assert error.value.value == "ZeroDivisionError: division by zero (line 2)" and str(error.value) == error.value.value
    assert error.value.traceback == (
        "Traceback (most recent call last):\n"
        '  File "<snippet>", line 5, in main\n    return root(x - 1)\n'
        '  File "<snippet>", line 2, in root\n    return 1 / x\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )
    assert error.value.__notes__ == [error.value.traceback.rstrip("\n")]
    again = pickle.loads(pickle.dumps(error.value))
    assert again == error.value and again.traceback == error.value.traceback


def test_what_javascript_throws_is_told_with_its_lines(javascript):
    with pytest.raises(pf.Err) as error:
        javascript("(x) => {\n  const root = (y) => {\n    throw new TypeError('of ' + y);\n  };\n  return root(x);\n}", 1)
    assert error.value.value == "TypeError: of 1 (line 3)"
    assert error.value.traceback == "TypeError: of 1\nroot@snippet:3:11\n@snippet:5:10\n"
    with pytest.raises(pf.Err) as error:
        javascript("async (x) => {\n  await null;\n  throw 'text';\n}")
    assert error.value.value == "thrown: text" and str(error.value) == "thrown: text"


def test_code_that_cannot_be_read_is_an_err(python, javascript):
    for language, code, said in [
        (python, "def main(x):\n  return 1 +", "SyntaxError: invalid syntax (line 2)"),
        (python, "", "NameError: the code defines no function `main`"),
        (python, "\0", "SyntaxError: source code string cannot contain null bytes"),
        (javascript, "(x) => {\n  return 1 +;\n}", "SyntaxError: expected expression, got ';' (line 2)"),
        (javascript, "", "SyntaxError: expected expression, got ')' (line 2)"),
        (javascript, "42", "TypeError: the code is not a function"),
    ]:
        with pytest.raises(pf.Err) as error:
            language(code)
        assert error.value.value == said
    for language in (python, javascript):
        with pytest.raises(pf.ArgumentMismatch, match="lone surrogate"):
            language("\ud800")
        with pytest.raises(pf.ArgumentMismatch, match="argument `code`"):
            language(3)


def test_a_snippet_sees_nothing_of_another(python, javascript):
    code = "import builtins\ndef main(x):\n    builtins.seen = getattr(builtins, 'seen', 0) + 1\n    return builtins.seen"
    assert [python(code) for _ in range(3)] == [1, 1, 1]
    code = "(x) => globalThis.seen = (globalThis.seen ?? 0) + 1"
    assert [javascript(code) for _ in range(3)] == [1, 1, 1]
    assert javascript("(x) => Math.random()") == javascript("(x) => Math.random()")


def test_what_is_printed_is_written_where_it_is_told(python, javascript):
    code = "import sys\nprint('read')\ndef main(x):\n    print('hi', x, sep='-')\n    print('bad\\ud800', file=sys.stderr)\n    return x / x"
    for given in (1, 0):
        out = io.StringIO()
        try:
            assert python(code, given, stdout=out) == 1
        except pf.Err:
            assert given == 0
        assert out.getvalue() == f"read\nhi-{given}\nbad?\n"
    out = io.StringIO()
    javascript("(x) => { console.log('hi', x, [1], { a: null }, undefined, 2n); console.error(new TypeError('e')); return 0 }", 1, stdout=out)
    assert out.getvalue() == 'hi 1 [1] {"a":null} undefined 2\nTypeError: e\n'
    out = io.StringIO()
    assert python.fork("def main(x): print(x)", 3, stdout=out).wait() is None and out.getvalue() == "3\n"
    # Nobody asks for it.
    assert python("def main(x): print('x' * 1000)") is None


@pytest.mark.parametrize(
    "code",
    [
        "def main(x): return x",
        "print('top')\n\ndef main(x):\n    return 1 / 0",
        "def main(x):\n  return 1 +",
        "x = 1",
        "raise ValueError('é')",
        "\ufeffdef main(x): return [x, __name__]",
        "main = eval",
        "\0",
        "def main(x):\n    return (1",
        "import sys\nsys.exit(3)",
    ],
)
def test_code_that_was_parsed_before_does_the_same(python, code):
    whole = python.module.execute(code, "1")
    assert python.module.execute_parsed(python.module.parse(code), code, "1") == whole
    told = []
    for _ in range(3):
        try:
            told.append(("value", python(code, 1)))
        except pf.Err as error:
            told.append((error.value, error.traceback))
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("options", [{"serial": True}, {"threads": 1}])
def test_code_whose_parsing_was_ended_by_a_limit_is_tried_again(options):
    with pf.Executor(limits=pf.Limits(fuel=700_000), **options) as executor:
        python = runner(pf.python, executor=executor)
        for _ in range(3):
            with pytest.raises(pf.OutOfFuel):
                python("x = 1\n" * 100)
            with pytest.raises(pf.OutOfFuel):
                python.fork("x = 1\n" * 100).wait()
        assert python("main = lambda x: x", 3) == 3


def test_recursion_without_end_is_an_err(python, javascript):
    with pytest.raises(pf.Err, match=r"RecursionError: maximum recursion depth exceeded \(line 1\)") as error:
        python("def main(x): return main(x)")
    assert "[Previous line repeated" in error.value.traceback
    with pytest.raises(pf.Err, match=r"InternalError: too much recursion \(line 1\)"):
        javascript("function main(x) { return 1 + main(x) }")


@pytest.mark.parametrize("language, endless", [(pf.python, "def main(x):\n  while True: pass"), (pf.javascript, "(x) => { for (;;); }")])
def test_limits_hold(language, endless):
    with pf.Executor(threads=1, limits=pf.Limits(fuel=50_000_000)) as executor:
        with pytest.raises(pf.OutOfFuel):
            runner(language, executor=executor)(endless)
    with pf.Executor(threads=1, limits=pf.Limits(timeout=0.2)) as executor:
        with pytest.raises(pf.Timeout):
            runner(language, executor=executor).fork(endless).wait()


def test_memory_is_limited(python, javascript):
    with pytest.raises(pf.Err, match="MemoryError"):
        python("def main(x): return [0] * 10**9")
    with pytest.raises(pf.Err, match="thrown: out of memory|allocation"):
        javascript("(x) => 'x'.repeat(2 ** 28)")


def test_a_call_that_is_cancelled_does_not_run_on(python):
    with pf.Executor(threads=1) as executor:
        one = runner(pf.python, executor=executor)
        endless = one.fork("def main(x):\n  while True: pass")
        assert endless.cancel() and endless.cancelled()
        # The only thread is free.
        assert one("def main(x): return 1") == 1


def test_large_results_come_whole(python):
    assert python("def main(x): return list(range(200_000))") == list(range(200_000))
    assert len(python("def main(x): return 'é' * 2**21")) == 2**21


def test_many_snippets_are_forked_and_awaited(python, javascript):
    import asyncio

    assert pf.wait_all([python.fork("def main(x): return x * x", n) for n in range(50)]) == [n * n for n in range(50)]

    async def main():
        return await asyncio.gather(*[javascript.fork("(x) => x * x", n) for n in range(50)])

    assert asyncio.run(main()) == [n * n for n in range(50)]
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda n: python("main = lambda x: x + 1", n), range(50))) == list(range(1, 51))


def test_compiled_code_is_read_once(squares, doubles):
    assert squares(4) == 16 and squares.fork(5).wait() == 25 and squares.map(range(1, 5)) == [1, 4, 9, 16]
    assert doubles(4) == 8 and doubles.map([1, 2]) == [2, 4]
    for compiled, said in ((squares, "given 3\n"), (doubles, "given 3\n")):
        out = io.StringIO()
        compiled(3, stdout=out)
        assert out.getvalue() == said


def test_what_compiled_code_raises_is_told_with_its_lines(squares, doubles):
    with pytest.raises(pf.Err) as error:
        squares(0)
    assert error.value.value == "ZeroDivisionError: division by zero (line 8)"
    assert '  File "<snippet>", line 8, in main\n    return x * root(1 / x)\n' in error.value.traceback
    with pytest.raises(pf.Err) as error:
        doubles(-1)
    assert error.value.value == "RangeError: negative (line 3)" and error.value.traceback.endswith("@snippet:3:20\n")


def test_the_error_of_a_row_is_raised_or_kept(squares):
    with pytest.raises(pf.Err, match="division by zero") as error:
        squares.map([1, 0])
    assert error.value.row == 1
    kept = squares.map([2, 0, 3], errors="keep")
    assert kept[0] == 4 and kept[2] == 9 and isinstance(kept[1], pf.Err) and kept[1].row == 1


def test_code_that_cannot_be_compiled_is_told_with_its_line(python, javascript):
    for language, code, said in [
        (python, "x = 1\ny = 1 / 0", "ZeroDivisionError: division by zero (line 2)"),
        (python, "x = 1", "NameError: the code defines no function `main`"),
        (javascript, "(x) => {\n  return 1 +;\n}", "SyntaxError: expected expression, got ';' (line 2)"),
    ]:
        with pytest.raises(pf.Err) as error:
            language.compile(code)
        assert error.value.value == str(error.value) == said
    with pytest.raises(pf.Err, match=r"^ReferenceError: nothing is not defined \(line 1\)$"):
        javascript.prelude("nothing()")


def test_compiled_code_is_a_module_that_is_pickled(squares):
    again = pickle.loads(pickle.dumps(squares))
    assert again(4) == 16 and repr(again) == repr(squares)


def test_a_prelude_is_there_for_all_snippets(javascript):
    ready = javascript.prelude("const words = (text) => text.split(' ');")
    assert ready("(x) => words(x)", "to be") == ["to", "be"] and ready("(x) => words(x).length", "a b c") == 3
    with pytest.raises(pf.Err, match="words is not defined"):
        javascript("(x) => words(x)", "to be")
