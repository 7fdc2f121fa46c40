"""What executors, limits and `load` are given: taken, or refused with what was expected."""

import datetime
import io

import pytest
from conftest import MATH

import purefork as pf


@pytest.mark.parametrize(
    "given, error, message",
    [
        ({"fuel": -1}, ValueError, "`fuel`: expected a whole number from 0 to 18446744073709551615, but was given -1"),
        ({"fuel": 2**64}, ValueError, "`fuel`: expected a whole number from 0"),
        ({"fuel": 1.5}, TypeError, "`fuel`: expected a whole number, but was given 1.5, of type float"),
        ({"forks": True}, TypeError, "`forks`: expected a whole number, but was given True, of type bool"),
        ({"memory": "many"}, ValueError, '`memory`: expected bytes, as 67108864 or "64MiB", but was given \'many\''),
        ({"memory": -1}, ValueError, "`memory`: expected a whole number"),
        ({"timeout": -1}, ValueError, "`timeout`: expected seconds, but was given -1"),
        ({"timeout": float("nan")}, ValueError, "`timeout`: expected seconds, but was given nan"),
        ({"timeout": "1"}, TypeError, "`timeout`: expected seconds, but was given '1', of type str"),
    ],
)
def test_a_limit_that_is_none_is_refused(given, error, message):
    with pytest.raises(error) as raised:
        pf.Limits(**given)
    assert str(raised.value).startswith(message)


def test_limits_are_given_as_they_are_thought_of():
    assert pf.Limits(memory="64 MiB") == pf.Limits(memory=64 << 20) == pf.Limits(memory="67108864")
    assert pf.Limits(timeout=datetime.timedelta(milliseconds=500)) == pf.Limits(timeout=0.5)
    assert pf.Limits(timeout=float("inf")) == pf.Limits()


@pytest.mark.parametrize(
    "given, error, message",
    [
        ({"threads": -1}, ValueError, "`threads`: expected a whole number"),
        ({"threads": 0}, pf.Invalid, "expected from 1 to 1024 threads, but was given 0"),
        ({"threads": "2"}, TypeError, "`threads`: expected a whole number"),
        ({"limits": {"fuel": 1}}, TypeError, "expected purefork.Limits as limits, but was given dict"),
        ({"wasi": "live"}, ValueError, 'expected a bool, "frozen" or "none" as wasi'),
        ({"isolation": "none"}, ValueError, 'expected "recycled" or "fresh" as isolation'),
        ({"unknown_imports": "allow"}, ValueError, 'expected "refuse" or "trap" as unknown_imports'),
        ({"cache": 3}, TypeError, "`cache`: expected a directory, or a bool, but was given 3, of type int"),
        ({"memo": 3}, TypeError, "`memo`: expected a directory, or a bool, but was given 3, of type int"),
    ],
)
def test_an_option_that_is_none_is_refused(given, error, message):
    with pytest.raises(error) as raised:
        pf.Executor(**given)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    "source",
    [str, str.encode, lambda text: bytearray(text, "utf-8"), lambda text: memoryview(text.encode()), io.StringIO, lambda text: io.BytesIO(text.encode())],
    ids=["text", "bytes", "bytearray", "memoryview", "file of text", "file of bytes"],
)
def test_a_module_is_loaded_from_what_has_its_text(executor, source):
    assert executor.load(source(MATH)).add(1, 2) == 3


def test_what_has_no_module_is_refused(executor):
    class Nothing:
        def read(self):
            return None

    for given, message in ((3, "expected a path, bytes, text or a file as a module, but was given int"), (Nothing(), "gives bytes or text")):
        with pytest.raises(TypeError, match=message):
            executor.load(given)
    with pytest.raises(TypeError, match="expected a purefork.Executor as the executor, but was given 0"):
        pf.load(MATH, executor=0)
    with pytest.raises(TypeError, match="expected modules by name as `provide`"):
        executor.load(MATH, provide=[1])


def test_what_is_no_future_is_refused(math):
    for many in (pf.collect_all, pf.collect_any, pf.first_ok, pf.wait_all, lambda given: list(pf.as_completed(given))):
        with pytest.raises(TypeError, match="expected purefork.Future, but was given int"):
            many([math.add.fork(1, 2), 3])
